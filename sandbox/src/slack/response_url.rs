//! Response URLs: five messages within half an hour, from whoever knows the address.
//!
//! Each is shown to the one person whose command or press brought the URL. With `replace_original` it
//! takes the place of the message that was there: that of the pressed button, for all who see it, or the
//! answer to the command.
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
#[derive(Debug, Clone)]
pub(super) struct ResponseUrl {
    made: Timestamp,
    uses: u32,
    source: Source,
}

/// What a response URL came with.
#[derive(Debug, Clone, Default)]
pub(super) struct Source {
    /// The channel, if it is known.
    pub(super) channel: String,
    /// Who typed or pressed, if it is known.
    pub(super) user: Option<String>,
    /// The id of the message that is replaced, if there is one by now.
    pub(super) original: Option<String>,
}

impl ResponseUrl {
    pub(super) fn new(made: Timestamp, source: Source) -> Self {
        Self { made, uses: 0, source }
    }

    /// Takes note of the answer to the command.
    pub(super) fn answered(&mut self, source: Source) {
        self.source = source;
    }
}

/// A refusal, or `ok`: a status and a word in plain text.
type Answer = (StatusCode, &'static str);

/// `POST /commands/{team}/{id}/{secret}`, of a command
pub(super) async fn of_command(
    State(inner): State<Arc<Inner>>,
    Path((team, id, secret)): Path<(String, String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    let path = format!("/commands/{team}/{id}/{secret}");
    post(&inner, team, &path, &headers, &body)
}

/// `POST /actions/{team}/{id}/{secret}`, of a press
pub(super) async fn of_action(
    State(inner): State<Arc<Inner>>,
    Path((team, id, secret)): Path<(String, String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    let path = format!("/actions/{team}/{id}/{secret}");
    post(&inner, team, &path, &headers, &body)
}

fn post(inner: &Inner, team_id: String, path: &str, headers: &HeaderMap, body: &[u8]) -> Answer {
    let now = inner.controls.clock.now();
    if let Err(answer) = usable(inner, path, now) {
        return answer;
    }
    let body = match judge(headers, body) {
        Ok(body) => body,
        Err(word) => return (StatusCode::BAD_REQUEST, word),
    };
    let mut state = inner.state();
    let fresh = state.stamp(now);
    let in_place = body.get("replace_original").is_some_and(is_true);
    // Asked again: another message may have used the URL up while this one was judged.
    let source = match state.response_urls.get_mut(path) {
        Some(known) if known.uses < USES => {
            known.uses += 1;
            let source = known.source.clone();
            // A later message replaces the one that the command was answered with.
            known.source.original.get_or_insert_with(|| fresh.clone());
            source
        }
        _ => return (StatusCode::NOT_FOUND, "used_url"),
    };
    let original = source.original.filter(|_| in_place).and_then(|ts| state.replace(&ts));
    let is_ephemeral = body.get("response_type").and_then(Value::as_str) != Some("in_channel");
    let message = Message {
        door: Door::ResponseUrl(format!("{}{path}", inner.url)),
        team_id,
        channel: source.channel,
        user: source.user.filter(|_| is_ephemeral),
        body,
        at: now,
        ts: fresh,
        is_ephemeral,
        is_replaced: false,
    };
    // What takes a message's place is seen by whoever saw that one.
    state.keep(match original {
        Some(Message { channel, user, ts, is_ephemeral, .. }) => {
            Message { channel, user, ts, is_ephemeral, ..message }
        }
        None => message,
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
