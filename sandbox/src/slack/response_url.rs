//! Response URLs: five messages within half an hour, from whoever knows the address.
//!
//! Source: Slack, handling user interaction and implementing slash commands.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use bytes::Bytes;
use jiff::Timestamp;
use serde_json::Value;

use super::Inner;
use super::block_kit;
use super::model::{Door, Message};
use connect_clock as clock;

/// How many messages a response URL takes.
const USES: u32 = 5;
/// How long a response URL lives.
const LIFETIME: Duration = Duration::from_mins(30);

/// What is known of a response URL.
#[derive(Debug, Clone, Copy)]
pub(super) struct ResponseUrl {
    made: Timestamp,
    uses: u32,
}

impl ResponseUrl {
    pub(super) fn new(made: Timestamp) -> Self {
        Self { made, uses: 0 }
    }
}

/// A refusal, or `ok`: a status and a word in plain text.
type Answer = (StatusCode, &'static str);

/// `POST /commands/{team}/{id}/{secret}`
pub(super) async fn post(
    State(inner): State<Arc<Inner>>,
    Path((team, id, secret)): Path<(String, String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    let path = format!("/commands/{team}/{id}/{secret}");
    let now = inner.controls.clock.now();
    if let Err(answer) = usable(&inner, &path, now) {
        return answer;
    }
    let message = match judge(&headers, &body) {
        Ok(message) => message,
        Err(word) => return (StatusCode::BAD_REQUEST, word),
    };
    let mut state = inner.state();
    // Asked again: another message may have used the URL up while this one was judged.
    match state.response_urls.get_mut(&path) {
        Some(known) if known.uses < USES => known.uses += 1,
        _ => return (StatusCode::NOT_FOUND, "used_url"),
    }
    let url = format!("{}{path}", inner.url);
    state.keep(Message {
        door: Door::ResponseUrl(url),
        team_id: team,
        channel: String::new(),
        user: None,
        body: message,
        at: now,
    });
    (StatusCode::OK, "ok")
}

fn usable(inner: &Inner, path: &str, now: Timestamp) -> Result<(), Answer> {
    match inner.state().response_urls.get(path) {
        None => Err((StatusCode::NOT_FOUND, "no_service")),
        Some(known) if clock::between(known.made, now) > LIFETIME => {
            Err((StatusCode::NOT_FOUND, "expired_url"))
        }
        Some(known) if known.uses >= USES => Err((StatusCode::NOT_FOUND, "used_url")),
        Some(_) => Ok(()),
    }
}

/// The message if Slack would show it.
fn judge(headers: &HeaderMap, body: &[u8]) -> Result<Value, &'static str> {
    let is_json = headers
        .get(header::CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok())
        .is_some_and(|kind| kind.starts_with("application/json"));
    let message: Value =
        serde_json::from_slice(body).ok().filter(|_| is_json).ok_or("invalid_payload")?;
    let fields = message.as_object().ok_or("invalid_payload")?;
    if fields
        .get("response_type")
        .is_some_and(|it| !matches!(it.as_str(), Some("ephemeral" | "in_channel")))
    {
        return Err("invalid_payload");
    }
    let flag = |name: &str| fields.get(name).is_some_and(is_true);
    for name in ["replace_original", "delete_original"] {
        if fields.get(name).is_some_and(|it| !is_flag(it)) {
            return Err("invalid_payload");
        }
    }
    let text = fields.get("text").and_then(Value::as_str).unwrap_or_default();
    let has =
        |name: &str| fields.get(name).and_then(Value::as_array).is_some_and(|it| !it.is_empty());
    if text.is_empty() && !has("blocks") && !has("attachments") && !flag("delete_original") {
        return Err("no_text");
    }
    block_kit::validate(&message).map_err(|_| "invalid_blocks")?;
    Ok(message)
}

fn is_flag(value: &Value) -> bool {
    value.is_boolean() || matches!(value.as_str(), Some("true" | "false"))
}

fn is_true(value: &Value) -> bool {
    value.as_bool() == Some(true) || value.as_str() == Some("true")
}
