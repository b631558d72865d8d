//! The transport: every call to a connector leaves through [`Connector::call`].
//!
//! At most two attempts within one time limit, and the second one only where the first has certainly
//! done nothing: posting a message twice shows it twice (Teams has no idempotency keys). A refused
//! token has done nothing; it is dropped, and the second attempt is made with a fresh one.

use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::{Method, RequestBuilder, StatusCode};
use url::Url;

use super::Connector;
use super::error::{Asked, CallError, classify, code, lost};
use crate::net::{self, Answered};
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
    repeat: Repeat,
}

/// What has to come before a second attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Repeat {
    /// None may be made.
    Never,
    /// A wait.
    After(Duration),
    /// Another token.
    WithAnotherToken,
}

impl From<CallError> for Failure {
    fn from(error: CallError) -> Self {
        Self { error, repeat: Repeat::Never }
    }
}

impl Connector {
    /// Makes a call, gives the body of its answer, and records how it went.
    pub(super) async fn call(&self, mut call: Call<'_>) -> Result<Bytes, CallError> {
        if call.targeted {
            call.url.query_pairs_mut().append_pair("isTargetedActivity", "true");
        }
        let mut record = self.parts.http.call("bot_connector", call.operation, call.patience);
        let result = self.exchange(&call, &mut record).await;
        match &result {
            Ok(_) => record.ok(),
            Err(error) if error.is_about_one_conversation() => record.answered(error.name()),
            Err(error) => record.failed(error.name(), error.advice()),
        }
        result
    }

    async fn exchange(
        &self,
        call: &Call<'_>,
        record: &mut net::Call<'_>,
    ) -> Result<Bytes, CallError> {
        let mut authorization = self.authorization(record.left()).await?;
        let failure = match self.attempt(call, &authorization, record).await {
            Ok(body) => return Ok(body),
            Err(failure) => failure,
        };
        match failure.repeat {
            Repeat::After(pause) if record.left() >= pause.saturating_add(WORTHWHILE) => {
                self.parts.clock.sleep(pause).await;
            }
            Repeat::WithAnotherToken if record.left() >= WORTHWHILE => {
                authorization = self.authorization(record.left()).await?;
            }
            _ => return Err(failure.error),
        }
        self.attempt(call, &authorization, record).await.map_err(|failure| failure.error)
    }

    async fn authorization(&self, time_left: Duration) -> Result<HeaderValue, CallError> {
        let authorization = self.parts.tokens.authorization();
        let in_time = tokio::time::timeout(time_left, authorization).await;
        Ok(in_time.map_err(|_| CallError::Unavailable)??)
    }

    async fn attempt(
        &self,
        call: &Call<'_>,
        authorization: &HeaderValue,
        record: &mut net::Call<'_>,
    ) -> Result<Bytes, Failure> {
        let deadline = self.parts.clock.monotonic() + record.left();
        self.pace
            .turn(call.lane, call.conversation, call.tenant, deadline)
            .await
            .map_err(|Crowded(wait)| CallError::Throttled(Some(wait)))?;
        match record.send(self.request(call, authorization), LARGEST_ANSWER).await {
            Ok(answer) => self.understand(answer, call, authorization, record),
            // It is done, even if what was made is not told.
            Err(net::Failure { status: Some(_), .. }) => Ok(Bytes::new()),
            Err(failure) => Err(broken(&failure, call.repeatable)),
        }
    }

    fn request(&self, call: &Call<'_>, authorization: &HeaderValue) -> RequestBuilder {
        let request = self.parts.http.request(call.method.clone(), call.url.clone());
        let request = request.header(AUTHORIZATION, authorization.clone());
        match &call.body {
            Some(body) => {
                request.header(CONTENT_TYPE, "application/json; charset=utf-8").body(body.clone())
            }
            None => request,
        }
    }

    fn understand(
        &self,
        answer: Answered,
        call: &Call<'_>,
        authorization: &HeaderValue,
        record: &mut net::Call<'_>,
    ) -> Result<Bytes, Failure> {
        let status = answer.status;
        if status.is_success() {
            return Ok(answer.body);
        }
        record.said(&code(&answer.body));
        let wait = answer.retry_after(self.parts.clock.now());
        let asked = Asked { targeted: call.targeted, repeatable: call.repeatable };
        let error = classify(&answer, wait, asked);
        let repeat = match error {
            // A token that is refused at the second attempt is dropped as well, for the next call.
            CallError::Unauthorised if self.parts.tokens.refused(authorization) => {
                Repeat::WithAnotherToken
            }
            _ => repeat(status, wait, call.repeatable),
        };
        Err(Failure { error, repeat })
    }
}

/// No answer came. Only where there was no connection it is certain that nothing was done.
fn broken(failure: &net::Failure, repeatable: bool) -> Failure {
    if failure.nothing_done() {
        Failure { error: CallError::Unavailable, repeat: Repeat::After(Duration::ZERO) }
    } else {
        lost(repeatable).into()
    }
}

/// What has to come before a second attempt, by the status alone (Teams, rate limiting: 412, 429, 502 and 504 may be
/// repeated; of these, the last two may have been carried out).
fn repeat(status: StatusCode, wait: Option<Duration>, repeatable: bool) -> Repeat {
    match status.as_u16() {
        412 | 429 => Repeat::After(wait.unwrap_or(PAUSE)),
        502..=504 if repeatable => Repeat::After(wait.unwrap_or_default()),
        _ => Repeat::Never,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_connection_nothing_was_sent() {
        let failure =
            |certainty| net::Failure { certainty, status: None, cause: net::Cause::TimedOut };
        assert_eq!(
            broken(&failure(net::Certainty::NothingDone), false),
            Failure { error: CallError::Unavailable, repeat: Repeat::After(Duration::ZERO) },
        );
        assert_eq!(
            broken(&failure(net::Certainty::Uncertain), false),
            Failure { error: CallError::Uncertain, repeat: Repeat::Never },
        );
    }

    #[test]
    fn a_second_attempt_is_for_what_was_certainly_not_done() {
        let wait = Some(Duration::from_secs(3));
        let asked = Repeat::After(Duration::from_secs(3));
        let cases = [
            (412, None, false, Repeat::After(PAUSE)),
            (429, wait, false, asked),
            (429, None, false, Repeat::After(PAUSE)),
            (408, None, true, Repeat::Never),
            (500, None, true, Repeat::Never),
            (502, None, true, Repeat::After(Duration::ZERO)),
            (503, wait, true, asked),
            (502, None, false, Repeat::Never),
            (503, wait, false, Repeat::Never),
            (504, None, false, Repeat::Never),
            (400, None, true, Repeat::Never),
        ];
        for (status, wait, repeatable, expected) in cases {
            let status = StatusCode::from_u16(status).unwrap();
            assert_eq!(repeat(status, wait, repeatable), expected, "{status}");
        }
    }
}
