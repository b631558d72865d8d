//! The one way to call another system.
//!
//! A [`Call`] is one question to an upstream, however many requests it takes. Its time limit bounds
//! all of them together; each answer is read up to a limit of its own. However it ends, whoever made
//! the call says so once, with [`Call::ok`], [`Call::answered`] or [`Call::failed`]: that counts it
//! and, where it failed, puts its cause into the log. What a status means is for each client to say.

use std::fmt;
use std::mem;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;
use reqwest::header::{DATE, HeaderMap};
use reqwest::{IntoUrl, Method, RequestBuilder, Response, StatusCode};

use super::cause::Cause;
use super::health::Upstreams;
use super::retry_after::retry_after;
use crate::clock::SharedClock;
use crate::metrics::Metrics;

/// The longest text of an upstream's that is logged, in characters.
const LONGEST_WORD: usize = 300;

/// Makes outgoing calls. Cheap to clone; clones share everything.
#[derive(Clone)]
pub struct Outgoing {
    http: reqwest::Client,
    metrics: Arc<Metrics>,
    upstreams: Arc<Upstreams>,
}

impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outgoing").finish_non_exhaustive()
    }
}

impl Outgoing {
    /// Calls go out through `http`, which has to be one that [`super::client()`] or
    /// [`super::client_through`] made: it must not follow redirects.
    #[must_use]
    pub fn new(http: reqwest::Client, clock: SharedClock, metrics: Arc<Metrics>) -> Self {
        Self { http, metrics, upstreams: Arc::new(Upstreams::new(clock)) }
    }

    /// Which upstreams fail at the moment.
    #[must_use]
    pub fn upstreams(&self) -> &Upstreams {
        &self.upstreams
    }

    /// Where the calls are counted.
    #[cfg(test)]
    pub(crate) fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Begins a request, for [`Call::send`].
    pub fn request(&self, method: Method, url: impl IntoUrl) -> RequestBuilder {
        self.http.request(method, url)
    }

    /// Begins a call. The names are words for metrics and logs. All requests of the call together
    /// may take as long as `time_limit`.
    pub fn call(
        &self,
        upstream: &'static str,
        operation: &'static str,
        time_limit: Duration,
    ) -> Call<'_> {
        Call {
            outgoing: self,
            upstream,
            operation,
            time_limit,
            request_limit: time_limit,
            started: Instant::now(),
            cause: None,
            said: None,
        }
    }
}

/// One call to an upstream.
#[must_use = "a call counts only once its end is told"]
pub struct Call<'a> {
    outgoing: &'a Outgoing,
    upstream: &'static str,
    operation: &'static str,
    time_limit: Duration,
    /// How long a single request may take.
    request_limit: Duration,
    started: Instant,
    /// What the last request came to, should that turn out to be a failure; none before it.
    cause: Option<Cause>,
    said: Option<Box<str>>,
}

impl fmt::Debug for Call<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("upstream", &self.upstream)
            .field("operation", &self.operation)
            .finish_non_exhaustive()
    }
}

/// An answer that came back whole. Only of a refusal the body may be missing: it counts without.
#[derive(Debug)]
pub struct Answered {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
}

impl Answered {
    /// How long the upstream asks to wait.
    #[must_use]
    pub fn retry_after(&self, now: Timestamp) -> Option<Duration> {
        retry_after(&self.headers, now)
    }

    /// What time it was where it was made, if it says so (RFC 9110, section 6.6.1).
    #[must_use]
    pub fn date(&self) -> Option<Timestamp> {
        let text = self.headers.get(DATE)?.to_str().ok()?;
        DateTimeParser::new().parse_timestamp(text).ok()
    }

    /// Whether the body is something else than JSON. From an upstream that always answers in JSON,
    /// that is not its own answer but that of something on the way, such as a proxy's page.
    #[must_use]
    pub fn is_foreign(&self) -> bool {
        let start = self.body.trim_ascii_start().first();
        start.is_some_and(|byte| !matches!(byte, b'{' | b'[' | b'"'))
    }
}

/// That no usable answer came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Whether the request may have had its effect.
    pub certainty: Certainty,
    /// The status, if it came to that: one of success, whose body did not come.
    pub status: Option<StatusCode>,
    /// Why.
    pub cause: Cause,
}

/// Whether a request that was not answered may have had its effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Certainty {
    /// No connection came about, so certainly nothing was done.
    NothingDone,
    /// The request went out, or a part of it.
    Uncertain,
}

impl Failure {
    fn of_error(error: &reqwest::Error) -> Self {
        let certainty = if error.is_connect() || error.is_builder() {
            Certainty::NothingDone
        } else {
            Certainty::Uncertain
        };
        Self { certainty, status: None, cause: Cause::of_error(error) }
    }

    /// Whether certainly nothing was done.
    #[must_use]
    pub fn nothing_done(&self) -> bool {
        self.certainty == Certainty::NothingDone
    }
}

impl Call<'_> {
    /// Limits each single request as well, where the call may take several.
    pub const fn each(mut self, limit: Duration) -> Self {
        self.request_limit = limit;
        self
    }

    /// How much of the time limit is left.
    #[must_use]
    pub fn left(&self) -> Duration {
        self.time_limit.saturating_sub(self.started.elapsed())
    }

    /// Sends a request and reads its answer, of at most `largest` bytes, in the time that is left.
    ///
    /// # Errors
    /// No answer came, or one of success that cannot be read.
    pub async fn send(
        &mut self,
        request: RequestBuilder,
        largest: usize,
    ) -> Result<Answered, Failure> {
        let time_limit = self.left().min(self.request_limit);
        let result = exchange(request.timeout(time_limit), largest).await;
        self.said = None;
        self.cause = Some(match &result {
            Ok(answer) => Cause::of_status(answer.status, answer.is_foreign()),
            Err(failure) => failure.cause.clone(),
        });
        result
    }

    /// Keeps the upstream's own word for a failure, for the log. Must hold nothing secret.
    pub fn said(&mut self, word: &str) {
        if !word.is_empty() {
            let fit = word.chars().filter(|c| !c.is_control()).take(LONGEST_WORD);
            self.said = Some(fit.collect());
        }
    }

    /// Says that an answer of success cannot be understood, and how. Where it is plain already why
    /// it cannot, that stays the cause.
    pub fn nonsense(&mut self, how: &'static str) {
        if let Some(Cause::Refused(200..=299)) = self.cause {
            self.cause = Some(Cause::Nonsense(how));
        }
    }

    /// The upstream did what it was asked to.
    pub fn ok(self) {
        self.answered("ok");
    }

    /// The upstream is well and says no to this one request, as it should. `outcome` is the word for
    /// it in metrics.
    pub fn answered(self, outcome: &'static str) {
        self.count(outcome);
        self.outgoing.upstreams.succeeded(self.upstream, self.operation);
    }

    /// The upstream did not do what it should have done. `outcome` is the word for it in metrics,
    /// `advice` what an operator can do about it, where that is more than the cause tells. If nothing
    /// was sent, that says nothing of the upstream: it only counts.
    pub fn failed(self, outcome: &'static str, advice: Option<&'static str>) {
        self.count(outcome);
        let unsendable = || self.said.is_some().then_some(Cause::Unsendable);
        if let Some(cause) = self.cause.or_else(unsendable) {
            let advice = advice.unwrap_or(cause.advice());
            let (upstream, operation) = (self.upstream, self.operation);
            self.outgoing.upstreams.failed(upstream, operation, cause, self.said, advice);
        }
    }

    fn count(&self, outcome: &'static str) {
        let (upstream, operation, took) = (self.upstream, self.operation, self.started.elapsed());
        self.outgoing.metrics.upstream(upstream, operation, outcome, took);
        tracing::debug!(upstream, operation, outcome, elapsed = ?took, "called an upstream");
    }
}

async fn exchange(request: RequestBuilder, largest: usize) -> Result<Answered, Failure> {
    let response = request.send().await;
    let mut response = response.map_err(|error| Failure::of_error(&error))?;
    let status = response.status();
    let headers = mem::take(response.headers_mut());
    match read(response, largest).await {
        Ok(body) => Ok(Answered { status, headers, body }),
        Err(cause) if status.is_success() => {
            Err(Failure { certainty: Certainty::Uncertain, status: Some(status), cause })
        }
        Err(_) => Ok(Answered { status, headers, body: Bytes::new() }),
    }
}

/// Reads a body of at most `largest` bytes and drops the connection beyond that.
async fn read(mut response: Response, largest: usize) -> Result<Bytes, Cause> {
    let mut first = Bytes::new();
    let mut all = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| Cause::of_error(&error))? {
        if first.len().max(all.len()) + chunk.len() > largest {
            return Err(Cause::TooLarge(largest));
        }
        // Most answers come in one piece, which need not be copied.
        if first.is_empty() {
            first = chunk;
            continue;
        }
        if all.is_empty() {
            all.extend_from_slice(&first);
        }
        all.extend_from_slice(&chunk);
    }
    Ok(if all.is_empty() { first } else { all.freeze() })
}

#[cfg(test)]
mod tests;
