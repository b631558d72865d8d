//! Reading Novu's refusals: which [`Error`] a failed exchange is, and whether to try once more.
//!
//! The error shapes are those of Novu 3.19's exception filter. All parsing is lenient: `message` may
//! be a text, a list, an object or absent, `errors` may be absent, and the answer may come from a
//! proxy that has never heard of Novu.

use std::time::Duration;

use jiff::Timestamp;
use reqwest::StatusCode;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use serde::Deserialize;
use serde_json::Value;

use super::error::Error;
use crate::clock::between;
use crate::outbound::ReadError;

/// The longest reason kept, in characters.
const MESSAGE_LIMIT: usize = 300;
/// The longest `Retry-After` that is waited for within a call.
const SHORT_WAIT: Duration = Duration::from_secs(1);

/// A failed attempt.
pub(super) struct Failure {
    /// The status, if it came to that.
    pub(super) status: Option<StatusCode>,
    /// What to tell the caller.
    pub(super) error: Error,
    /// How long to wait before a second attempt; none where a second one would be wrong.
    pub(super) repeat_after: Option<Duration>,
}

impl Failure {
    /// No answer came.
    pub(super) fn transport(error: &reqwest::Error) -> Self {
        Self::broken(None, error)
    }

    /// The answer's body could not be read.
    pub(super) fn read(status: StatusCode, error: &ReadError) -> Self {
        match error {
            ReadError::TooLarge(_) => Self {
                status: Some(status),
                error: Error::Nonsense("it is too large"),
                repeat_after: None,
            },
            ReadError::Transport(error) => Self::broken(Some(status), error),
        }
    }

    /// The connection failed, or the time ran out. Only the former is worth a second attempt: the
    /// latter has used up the time for one.
    fn broken(status: Option<StatusCode>, error: &reqwest::Error) -> Self {
        if error.is_timeout() {
            return Self { status, error: Error::TimedOut, repeat_after: None };
        }
        if error.is_builder() {
            let error = Error::Unsendable("the address or a header is malformed");
            return Self { status, error, repeat_after: None };
        }
        let error = Error::Unavailable { retry_after: None };
        Self { status, error, repeat_after: Some(Duration::ZERO) }
    }

    /// Novu, or something in front of it, answered with anything but success.
    pub(super) fn refused(
        status: StatusCode,
        retry_after: Option<Duration>,
        body: &[u8],
        key: &str,
    ) -> Self {
        let error = classify(status, retry_after, body, key);
        Self { status: Some(status), error, repeat_after: repeat_after(status, retry_after) }
    }
}

/// How long to wait before a second attempt. A gateway's passing trouble needs no wait unless it
/// asks for one; a rate limit has to say that it is over soon. Nothing else is repeated: a 500 is
/// Novu's word for many lasting faults (a chat user linked twice, say), and a 409 means both a
/// conflict and a call in progress.
fn repeat_after(status: StatusCode, retry_after: Option<Duration>) -> Option<Duration> {
    let wait = match status {
        StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT => {
            retry_after.unwrap_or(Duration::ZERO)
        }
        StatusCode::TOO_MANY_REQUESTS => retry_after?,
        _ => return None,
    };
    (wait <= SHORT_WAIT).then_some(wait)
}

fn classify(status: StatusCode, retry_after: Option<Duration>, body: &[u8], key: &str) -> Error {
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Error::BadKey,
        StatusCode::TOO_MANY_REQUESTS => Error::Throttled { retry_after },
        _ if status.is_server_error() => Error::Unavailable { retry_after },
        _ if status.is_client_error() => {
            let message = Envelope::read(body).message();
            let unknown = (status == StatusCode::NOT_FOUND).then(|| unknown(&message)).flatten();
            unknown.unwrap_or_else(|| Error::Rejected {
                status: status.as_u16(),
                message: presentable(&message, key),
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

/// How long the answer asks to wait: whole seconds, or a date (RFC 9110, section 10.2.3).
pub(super) fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
    Some(between(now, date))
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

/// Makes a text from outside fit for logs: one line, of bounded length, with our key and every word
/// that may be an address left out. Novu quotes paths with their query, and ids that may be e-mail
/// addresses.
fn presentable(message: &str, key: &str) -> String {
    let line: String = message.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let line = line.replace(key, "…");
    let words = line.split_whitespace().map(|word| if may_be_private(word) { "…" } else { word });
    let mut text = String::with_capacity(line.len());
    for word in words {
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(word);
    }
    if let Some((end, _)) = text.char_indices().nth(MESSAGE_LIMIT) {
        text.truncate(end);
    }
    text
}

fn may_be_private(word: &str) -> bool {
    ["@", "%40", "://", "="].iter().any(|mark| word.contains(mark))
}
