//! Posting to a response URL.
//!
//! Slack takes up to five posts to it in the half hour after the request that brought it (Slack,
//! slash commands). The URL is a secret: whoever has it can write in the bot's name.

use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::CONTENT_TYPE;
use reqwest::{Method, StatusCode};
use serde::Serialize;
use url::Url;

use super::web_api::CallError;
use crate::net::Outgoing;

/// How long one post may take.
const TIMEOUT: Duration = Duration::from_secs(3);
/// The largest answer that is read, in bytes. Slack says `ok`.
const LARGEST_ANSWER: usize = 64 * 1024;

/// Posts a message to a response URL. A second post in place of the first does no harm, so that even
/// [`CallError::Uncertain`] may be repeated.
///
/// # Errors
/// [`CallError::Said`] where the URL is used up or has expired: it will never work again. The other
/// errors may pass. `now` is when the answer's `Retry-After` counts from.
pub(super) async fn post(
    http: &Outgoing,
    url: Url,
    message: &impl Serialize,
    now: Timestamp,
) -> Result<(), CallError> {
    let body = serde_json::to_vec(message).map_err(|_| CallError::Unavailable)?;
    let mut call = http.call("slack", "response_url", TIMEOUT);
    let request = http
        .request(Method::POST, url)
        .header(CONTENT_TYPE, "application/json; charset=utf-8")
        .body(body);
    let result = match call.send(request, LARGEST_ANSWER).await {
        // Taken, whatever Slack says about it.
        Err(failure) if failure.status.is_some() => Ok(()),
        Err(failure) if failure.nothing_done() => Err(CallError::Unavailable),
        Err(_) => Err(CallError::Uncertain),
        Ok(answer) => match answer.status {
            status if status.is_success() => Ok(()),
            StatusCode::TOO_MANY_REQUESTS => Err(CallError::Throttled(answer.retry_after(now))),
            status if status.is_server_error() => Err(CallError::Unavailable),
            status => Err(CallError::Said(format!("http_{}", status.as_u16()))),
        },
    };
    match &result {
        Ok(()) => call.ok(),
        // The URL is dead, Slack is not.
        Err(CallError::Said(word)) if word.as_str() == "http_404" => call.answered("refused"),
        Err(error) => call.failed(error.outcome(), None),
    }
    result
}
