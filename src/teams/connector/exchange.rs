//! The transport: every call to a connector leaves through [`Connector::call`].
//!
//! At most two attempts within one time limit, and the second one only where the first has certainly
//! done nothing: posting a message twice shows it twice (Teams has no idempotency keys).

use std::time::{Duration, Instant};

use bytes::Bytes;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::{Method, StatusCode};
use url::Url;

use super::Connector;
use super::error::{Asked, CallError, classify, lost};
use crate::clock::after;
use crate::outbound::{read_limited, retry_after};
use crate::teams::pace::{Crowded, Lane};

/// The largest answer that is read, in bytes.
const LARGEST_ANSWER: usize = 64 * 1024;
/// How long to wait where the connector does not say how long.
const PAUSE: Duration = Duration::from_secs(1);
/// A second attempt that has less time than this is not worth making.
const WORTHWHILE: Duration = Duration::from_millis(100);

/// One call.
pub(super) struct Call<'a> {
    /// The word for it in metrics.
    pub(super) operation: &'static str,
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) body: Option<Bytes>,
    /// Whether it is about a targeted message.
    pub(super) targeted: bool,
    /// Whether doing it twice is as good as doing it once.
    pub(super) repeatable: bool,
    /// What it counts as.
    pub(super) lane: Lane,
    /// The conversation that it counts for.
    pub(super) conversation: &'a str,
    /// The tenant that it counts for.
    pub(super) tenant: &'a str,
    /// How long it may take.
    pub(super) patience: Duration,
}

/// A failed attempt.
#[derive(Debug, PartialEq)]
struct Failure {
    error: CallError,
    /// How long to wait before a second attempt; none where a second one would be wrong.
    repeat_after: Option<Duration>,
}

impl From<CallError> for Failure {
    fn from(error: CallError) -> Self {
        Self { error, repeat_after: None }
    }
}

impl Connector {
    /// Makes a call, gives the body of its answer, and records how it went.
    pub(super) async fn call(&self, mut call: Call<'_>) -> Result<Bytes, CallError> {
        if call.targeted {
            call.url.query_pairs_mut().append_pair("isTargetedActivity", "true");
        }
        let started = Instant::now();
        let result = self.exchange(&call, started).await;
        let outcome = result.as_ref().err().map_or("ok", CallError::name);
        let took = started.elapsed();
        self.parts.metrics.upstream("bot_connector", call.operation, outcome, took);
        if let Err(error) = &result {
            tracing::debug!(operation = call.operation, %error, "the connector did not do it");
        }
        result
    }

    async fn exchange(&self, call: &Call<'_>, started: Instant) -> Result<Bytes, CallError> {
        let left = || call.patience.saturating_sub(started.elapsed());
        let authorization = tokio::time::timeout(left(), self.parts.tokens.authorization())
            .await
            .map_err(|_| CallError::Unavailable)??;
        let failure = match self.attempt(call, &authorization, left()).await {
            Ok(body) => return Ok(body),
            Err(failure) => failure,
        };
        match failure.repeat_after {
            Some(pause) if left() >= pause.saturating_add(WORTHWHILE) => {
                let clock = &self.parts.clock;
                clock.sleep_until(after(clock.now(), pause)).await;
                self.attempt(call, &authorization, left()).await.map_err(|failure| failure.error)
            }
            _ => Err(failure.error),
        }
    }

    async fn attempt(
        &self,
        call: &Call<'_>,
        authorization: &HeaderValue,
        time_left: Duration,
    ) -> Result<Bytes, Failure> {
        let waiting = Instant::now();
        let deadline = after(self.parts.clock.now(), time_left);
        self.pace
            .turn(call.lane, call.conversation, call.tenant, deadline)
            .await
            .map_err(|Crowded(wait)| CallError::Throttled(Some(wait)))?;
        let request = self
            .parts
            .http
            .request(call.method.clone(), call.url.clone())
            .timeout(time_left.saturating_sub(waiting.elapsed()))
            .header(AUTHORIZATION, authorization.clone());
        let request = match &call.body {
            Some(body) => {
                request.header(CONTENT_TYPE, "application/json; charset=utf-8").body(body.clone())
            }
            None => request,
        };
        let response = request.send().await.map_err(|error| broken(&error, call.repeatable))?;
        self.understand(response, call).await
    }

    async fn understand(
        &self,
        response: reqwest::Response,
        call: &Call<'_>,
    ) -> Result<Bytes, Failure> {
        let status = response.status();
        let wait = retry_after(response.headers(), self.parts.clock.now());
        // What was done or refused counts even where the answer's body is lost on the way.
        let body = read_limited(response, LARGEST_ANSWER).await.unwrap_or_default();
        if status.is_success() {
            return Ok(body);
        }
        let asked = Asked { targeted: call.targeted, repeatable: call.repeatable };
        let error = classify(status, &body, wait, asked);
        Err(Failure { error, repeat_after: repeat_after(status, wait, call.repeatable) })
    }
}

/// No answer came. Only where there was no connection it is certain that nothing was done.
fn broken(error: &reqwest::Error, repeatable: bool) -> Failure {
    if error.is_connect() {
        Failure { error: CallError::Unavailable, repeat_after: Some(Duration::ZERO) }
    } else {
        lost(repeatable).into()
    }
}

/// How long to wait before a second attempt (Teams, rate limiting: 412, 429, 502 and 504 may be
/// repeated; of these, the last two may have been carried out).
fn repeat_after(status: StatusCode, wait: Option<Duration>, repeatable: bool) -> Option<Duration> {
    match status.as_u16() {
        412 | 429 => Some(wait.unwrap_or(PAUSE)),
        502..=504 if repeatable => Some(wait.unwrap_or_default()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_connection_that_is_refused_has_sent_nothing() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        drop(listener);
        let http = crate::outbound::client().unwrap();
        let error = http.post(url).body("x").send().await.unwrap_err();
        assert_eq!(
            broken(&error, false),
            Failure { error: CallError::Unavailable, repeat_after: Some(Duration::ZERO) },
        );
    }

    #[test]
    fn a_second_attempt_is_for_what_was_certainly_not_done() {
        let wait = Some(Duration::from_secs(3));
        let cases = [
            (412, None, false, Some(PAUSE)),
            (429, wait, false, wait),
            (429, None, false, Some(PAUSE)),
            (408, None, true, None),
            (500, None, true, None),
            (502, None, true, Some(Duration::ZERO)),
            (503, wait, true, wait),
            (502, None, false, None),
            (503, wait, false, None),
            (504, None, false, None),
            (400, None, true, None),
        ];
        for (status, wait, repeatable, expected) in cases {
            let status = StatusCode::from_u16(status).unwrap();
            assert_eq!(repeat_after(status, wait, repeatable), expected, "{status}");
        }
    }
}
