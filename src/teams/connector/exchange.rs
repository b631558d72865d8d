//! The transport: every call to a connector leaves through [`Connector::call`].
//!
//! At most three attempts within one time limit, with a growing pause between them, or as long a one as
//! the connector asks for. An attempt is repeated where it has certainly done nothing, and where the
//! connector or something before it stumbled (502, 503, 504): then a message may be there twice, which
//! is rarer and better than one that never comes. It is not repeated where it has probably arrived: no
//! answer in time, or 500 (Teams has no idempotency keys). A refused token has done nothing; it is
//! dropped, and another attempt is made with a fresh one.

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
/// The most attempts of one call.
const MOST_ATTEMPTS: u32 = 3;
/// How long one attempt may take.
const ATTEMPT: Duration = Duration::from_secs(10);
/// How long to wait after the first attempt where the connector does not say how long; after the next
/// one, four times as long.
const PAUSE: Duration = Duration::from_millis(500);
/// An attempt that has less time than this is not worth making.
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
    /// The most attempts.
    pub(super) attempts: u32,
}

impl Call<'_> {
    /// As many attempts as a call may take.
    pub(super) const ATTEMPTS: u32 = MOST_ATTEMPTS;
}

/// A failed attempt.
#[derive(Debug, PartialEq)]
struct Failure {
    error: CallError,
    repeat: Repeat,
    /// Whether it may have been carried out all the same, and matters if it is carried out again.
    in_doubt: bool,
}

/// What has to come before another attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Repeat {
    /// None may be made.
    Never,
    /// A wait: as long as the connector asks for, else a growing pause.
    After(Option<Duration>),
    /// Another token.
    WithAnotherToken,
}

impl From<CallError> for Failure {
    fn from(error: CallError) -> Self {
        let in_doubt = error == CallError::Uncertain;
        Self { error, repeat: Repeat::Never, in_doubt }
    }
}

impl Connector {
    /// Makes a call, gives the body of its answer, and records how it went.
    pub(super) async fn call(&self, mut call: Call<'_>) -> Result<Bytes, CallError> {
        if call.targeted {
            call.url.query_pairs_mut().append_pair("isTargetedActivity", "true");
        }
        let mut record = self.parts.http.call("bot_connector", call.operation, call.patience);
        record = record.each(ATTEMPT);
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
        let mut in_doubt = false;
        let mut attempts = 1;
        loop {
            let failure = match self.attempt(call, &authorization, record).await {
                Ok(body) => return Ok(body),
                Err(failure) => failure,
            };
            in_doubt |= failure.in_doubt;
            let pause = pause(&failure, attempts);
            let pause = pause.filter(|pause| record.left() >= pause.saturating_add(WORTHWHILE));
            let Some(pause) = pause.filter(|_| attempts < call.attempts) else {
                return Err(overall(failure.error, in_doubt, record.left()));
            };
            if failure.repeat == Repeat::WithAnotherToken {
                let fresh = self.authorization(record.left()).await;
                authorization = fresh.map_err(|error| overall(error, in_doubt, Duration::ZERO))?;
            }
            self.parts.clock.sleep(pause).await;
            attempts += 1;
        }
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
            _ => repeat(status, wait),
        };
        let in_doubt = !call.repeatable && matches!(status.as_u16(), 408 | 500..=599);
        Err(Failure { error, repeat, in_doubt })
    }
}

/// No answer came. Only where there was no connection it is certain that nothing was done.
fn broken(failure: &net::Failure, repeatable: bool) -> Failure {
    if failure.nothing_done() {
        let repeat = Repeat::After(None);
        Failure { error: CallError::Unavailable, repeat, in_doubt: false }
    } else {
        lost(repeatable).into()
    }
}

/// What has to come before another attempt, by the status alone (Teams, rate limiting).
fn repeat(status: StatusCode, wait: Option<Duration>) -> Repeat {
    match status.as_u16() {
        412 | 429 | 502..=504 => Repeat::After(wait),
        _ => Repeat::Never,
    }
}

/// How long to wait before another attempt, after so many; none where none may be made.
fn pause(failure: &Failure, attempts: u32) -> Option<Duration> {
    match failure.repeat {
        Repeat::Never => None,
        Repeat::After(wait) => {
            Some(wait.unwrap_or_else(|| PAUSE.saturating_mul(4_u32.saturating_pow(attempts - 1))))
        }
        Repeat::WithAnotherToken => Some(Duration::ZERO),
    }
}

/// What all attempts together came to, with so much of the time limit left. Once one of them may have
/// been carried out, only a refusal that is about the place itself tells that none was. Whoever was
/// throttled up to the last attempt begins again when the time for this call is over, not before.
fn overall(last: CallError, in_doubt: bool, left: Duration) -> CallError {
    match last {
        last if in_doubt && !last.is_about_one_conversation() => CallError::Uncertain,
        CallError::Throttled(wait) => {
            CallError::Throttled(Some(wait.unwrap_or_default().max(left)))
        }
        last => last,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_connection_nothing_was_sent() {
        let failure =
            |certainty| net::Failure { certainty, status: None, cause: net::Cause::TimedOut };
        let refused = broken(&failure(net::Certainty::NothingDone), false);
        assert_eq!(
            refused,
            Failure { error: CallError::Unavailable, repeat: Repeat::After(None), in_doubt: false },
        );
        let timed_out = broken(&failure(net::Certainty::Uncertain), false);
        assert_eq!(
            timed_out,
            Failure { error: CallError::Uncertain, repeat: Repeat::Never, in_doubt: true },
        );
    }

    #[test]
    fn what_stumbled_or_was_not_done_is_repeated_and_what_may_have_arrived_is_not() {
        let wait = Some(Duration::from_secs(3));
        for status in [412, 429, 502, 503, 504] {
            for wait in [wait, None] {
                let status = StatusCode::from_u16(status).unwrap();
                assert_eq!(repeat(status, wait), Repeat::After(wait), "{status}");
            }
        }
        for status in [400, 401, 403, 404, 408, 413, 500, 501, 505] {
            let status = StatusCode::from_u16(status).unwrap();
            assert_eq!(repeat(status, wait), Repeat::Never, "{status}");
        }
    }

    #[test]
    fn pauses_grow_unless_the_connector_says_how_long() {
        let failure = |repeat| Failure { error: CallError::Unavailable, repeat, in_doubt: false };
        let asked = Some(Duration::from_secs(7));
        for (repeat, attempts, expected) in [
            (Repeat::After(None), 1, Some(500)),
            (Repeat::After(None), 2, Some(2_000)),
            (Repeat::After(asked), 1, Some(7_000)),
            (Repeat::After(asked), 2, Some(7_000)),
            (Repeat::WithAnotherToken, 1, Some(0)),
            (Repeat::Never, 1, None),
        ] {
            let expected = expected.map(Duration::from_millis);
            assert_eq!(pause(&failure(repeat), attempts), expected, "{repeat:?}");
        }
    }

    #[test]
    fn doubt_about_one_attempt_is_doubt_about_all() {
        let left = Duration::from_secs(20);
        for last in [CallError::Unavailable, CallError::Throttled(None), CallError::Unauthorised] {
            assert_eq!(overall(last, true, left), CallError::Uncertain);
        }
        for (last, expected) in [
            (CallError::NotInstalled, CallError::NotInstalled),
            (CallError::NotFound, CallError::NotFound),
        ] {
            assert_eq!(overall(last, true, left), expected);
        }
        assert_eq!(overall(CallError::Unavailable, false, left), CallError::Unavailable);
        let throttled = |seconds| CallError::Throttled(Some(Duration::from_secs(seconds)));
        assert_eq!(overall(throttled(45), false, left), throttled(45));
        assert_eq!(overall(throttled(2), false, left), throttled(20));
    }
}
