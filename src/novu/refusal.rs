//! Reading Novu's refusals: which [`Error`] a failed exchange is, and whether to try once more.
//!
//! The error shapes are those of Novu 3.19's exception filter. All parsing is lenient: `message` may
//! be a text, a list, an object or absent, `errors` may be absent, and the answer may come from a
//! proxy that has never heard of Novu.

use std::time::Duration;

use reqwest::StatusCode;
use serde::Deserialize;
use serde_json::Value;

use super::budget::OutOfTurn;
use super::error::Error;
use crate::net::{self, Answered, Cause};
use crate::text::{one_line, shortened};

/// The longest reason kept, in characters.
const MESSAGE_LIMIT: usize = 300;
/// The longest `Retry-After` of a failure that is waited for within a call.
const SHORT_WAIT: Duration = Duration::from_secs(1);

/// A failed attempt.
pub(super) struct Failure {
    /// What to tell the caller.
    pub(super) error: Error,
    /// Whether to make another attempt.
    pub(super) repeat: Repeat,
}

/// Whether a failed attempt is worth another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Repeat {
    /// It would be wrong.
    Never,
    /// It is, after so long.
    After(Duration),
    /// Novu turned the attempt away before it began: it is, when it is the call's turn.
    InTurn,
}

impl From<OutOfTurn> for Failure {
    fn from(late: OutOfTurn) -> Self {
        let error = match late {
            OutOfTurn::Throttled(pause) => Error::Throttled { retry_after: Some(pause) },
            OutOfTurn::Silent => Error::TimedOut,
        };
        Self { error, repeat: Repeat::Never }
    }
}

impl Failure {
    /// No usable answer came. Only a connection that failed is worth a second attempt: a call that
    /// took too long has used up the time for one.
    pub(super) fn unanswered(failure: &net::Failure) -> Self {
        let error = match failure.cause {
            Cause::TimedOut => Error::TimedOut,
            Cause::TooLarge(_) => Error::Nonsense("it is too large"),
            Cause::Unsendable => Error::Unsendable("the address or a header is malformed"),
            _ => {
                let error = Error::Unavailable { retry_after: None };
                return Self { error, repeat: Repeat::After(Duration::ZERO) };
            }
        };
        Self { error, repeat: Repeat::Never }
    }

    /// Novu, or something in front of it, answered with anything but success.
    pub(super) fn refused(answer: &Answered, retry_after: Option<Duration>, key: &str) -> Self {
        let error = classify(answer, retry_after, key);
        Self { error, repeat: repeat(answer.status, retry_after) }
    }
}

/// Whether to make another attempt. A failure on Novu's side needs no wait unless it asks
/// for one; a rate limit has to say when it is over. Nothing else is repeated: a 409 means both
/// a conflict and a call in progress.
fn repeat(status: StatusCode, retry_after: Option<Duration>) -> Repeat {
    match status {
        StatusCode::INTERNAL_SERVER_ERROR
        | StatusCode::BAD_GATEWAY
        | StatusCode::SERVICE_UNAVAILABLE
        | StatusCode::GATEWAY_TIMEOUT => match retry_after.unwrap_or(Duration::ZERO) {
            wait if wait <= SHORT_WAIT => Repeat::After(wait),
            _ => Repeat::Never,
        },
        StatusCode::TOO_MANY_REQUESTS if retry_after.is_some() => Repeat::InTurn,
        _ => Repeat::Never,
    }
}

fn classify(answer: &Answered, retry_after: Option<Duration>, key: &str) -> Error {
    let status = answer.status;
    match status {
        StatusCode::TOO_MANY_REQUESTS => Error::Throttled { retry_after },
        _ if status.is_server_error() => Error::Unavailable { retry_after },
        // Novu speaks JSON, also when it refuses a key.
        _ if status.is_client_error() && answer.is_foreign() => {
            Error::Nonsense("it is not Novu's own, but perhaps a proxy's")
        }
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Error::BadKey,
        _ if status.is_client_error() => {
            let message = Envelope::read(&answer.body).message();
            let known = match status {
                StatusCode::NOT_FOUND => unknown(&message),
                StatusCode::BAD_REQUEST => unsigned(&message),
                _ => None,
            };
            known.unwrap_or_else(|| Error::Rejected {
                status: status.as_u16(),
                message: fit_for_log(&message, key),
            })
        }
        _ if status.is_redirection() => Error::Nonsense("it is a redirect"),
        _ => Error::Nonsense("its status is unheard of"),
    }
}

/// Which thing a 404 says is missing. The texts are those of Novu 3.19's use cases.
fn unknown(message: &str) -> Option<Error> {
    let missing = |thing: &str| message.starts_with(thing) && message.contains("not found");
    if message.starts_with("Integration not found") {
        Some(Error::UnknownIntegration)
    } else if missing("Subscriber") {
        Some(Error::UnknownSubscriber)
    } else if missing("Channel connection") {
        Some(Error::UnknownConnection)
    } else if missing("Channel endpoint") {
        Some(Error::UnknownEndpoint)
    } else {
        None
    }
}

/// Which part of a signed context a 400 complains of. The texts are those of Novu 3.19's context
/// verifier.
fn unsigned(message: &str) -> Option<Error> {
    let to_do = if message.starts_with("A valid contextHash is required") {
        "set novu.context_hmac = true"
    } else if message.starts_with("A context is required when HMAC") {
        "connect the workspace in a context, or switch the integration's HMAC option off in Novu"
    } else if message.starts_with("Please provide a valid context HMAC hash") {
        "check that novu.api_key is a key of the integration's environment: contexts are signed with it"
    } else {
        return None;
    };
    Some(Error::ContextHmac(to_do))
}

/// The parts of Novu's error envelope that explain something.
#[derive(Deserialize, Default)]
struct Envelope {
    #[serde(default)]
    message: Value,
    #[serde(default)]
    errors: Value,
}

impl Envelope {
    fn read(body: &[u8]) -> Self {
        serde_json::from_slice(body).unwrap_or_default()
    }

    /// The message and the validation messages, in one line. Rejected *values* stay out: they are
    /// whatever people typed.
    fn message(&self) -> String {
        let mut texts = Vec::new();
        collect_texts(&self.message, &mut texts);
        match &self.errors {
            Value::Object(fields) => {
                fields.values().filter_map(|field| field.get("messages")).for_each(|messages| {
                    collect_texts(messages, &mut texts);
                });
            }
            other => collect_texts(other, &mut texts),
        }
        texts.join("; ")
    }
}

/// Gathers a text, the texts of a list, or the `message` of an object.
fn collect_texts<'a>(value: &'a Value, texts: &mut Vec<&'a str>) {
    match value {
        Value::String(text) => texts.push(text),
        Value::Array(items) => items.iter().for_each(|item| collect_texts(item, texts)),
        Value::Object(fields) => {
            if let Some(message) = fields.get("message") {
                collect_texts(message, texts);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Makes a text from outside fit for a log: one line, of bounded length, with our key and every word
/// that may be an address left out. Novu quotes paths with their query, and ids that may be e-mail
/// addresses.
fn fit_for_log(message: &str, key: &str) -> String {
    let line = one_line(message).replace(key, "…");
    let words = line.split(' ').map(|word| if may_be_private(word) { "…" } else { word });
    shortened(&words.collect::<Vec<_>>().join(" "), MESSAGE_LIMIT)
}

fn may_be_private(word: &str) -> bool {
    ["@", "%40", "://", "="].iter().any(|mark| word.contains(mark))
}

#[cfg(test)]
mod tests;
