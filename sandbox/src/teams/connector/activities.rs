//! Messages: sent, replaced, taken back.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, RawQuery, State as Extract};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde_json::{Value, json};

use super::super::Inner;
use super::super::model::{Conversation, Kind, Message, Typing};
use super::super::state::State;
use super::{Address, Refusal, judge, writable};

/// Whether a query asks for a targeted message.
fn is_targeted(query: Option<&str>) -> bool {
    form_urlencoded::parse(query.unwrap_or_default().as_bytes())
        .any(|(name, value)| name == "isTargetedActivity" && value == "true")
}

/// `POST /v3/conversations/{conversation}/activities`
pub(super) async fn send(
    Extract(inner): Extract<Arc<Inner>>,
    Path(address): Path<Address>,
    RawQuery(query): RawQuery,
    body: Bytes,
) -> Result<Response, Refusal> {
    let mut state = inner.state();
    let conversation = writable(&inner, &state, &address.conversation)?;
    let activity = judge::activity(&body, &conversation.kind)?;
    // The query decides: with a recipient and without it, everybody sees the message.
    let targeted = is_targeted(query.as_deref());
    let only_for = targeted.then(|| reader(&state, conversation, &activity)).transpose()?;
    if !judge::answered(&activity).all(|id| state.was_private(id)) {
        return Err(Refusal::bad_argument("That message was not targeted"));
    }
    let (tenant, at) = (conversation.tenant.clone(), inner.controls.clock.now());
    let id = state.message_id(at);
    if activity.get("type").and_then(Value::as_str) == Some("typing") {
        state.keep_typing(Typing { conversation: address.conversation, at });
    } else {
        state.keep(Message {
            id: id.clone(),
            conversation: address.conversation,
            tenant,
            only_for,
            body: activity,
            at,
            edits: 0,
            deleted: false,
        });
    }
    Ok((StatusCode::CREATED, Json(json!({ "id": id }))).into_response())
}

/// Whom a targeted message is for, by object id. Teams makes none in personal chats, and none for
/// people who are not there.
fn reader(state: &State, conversation: &Conversation, activity: &Value) -> Result<String, Refusal> {
    if conversation.kind == Kind::Personal {
        return Err(Refusal::bad_argument("Targeted messages are not for personal chats"));
    }
    let account = judge::target(activity)?;
    state
        .people
        .values()
        .find(|person| person.account == account)
        .filter(|person| conversation.members.contains(&person.oid))
        .map(|person| person.oid.clone())
        .ok_or_else(|| Refusal::bad_argument("The recipient is not in the conversation"))
}

/// `PUT /v3/conversations/{conversation}/activities/{activity}`
pub(super) async fn update(
    Extract(inner): Extract<Arc<Inner>>,
    Path(address): Path<Address>,
    RawQuery(query): RawQuery,
    body: Bytes,
) -> Result<Response, Refusal> {
    let mut state = inner.state();
    let conversation = writable(&inner, &state, &address.conversation)?;
    let activity = judge::activity(&body, &conversation.kind)?;
    let targeted = is_targeted(query.as_deref());
    if targeted && activity.get("recipient").is_some() {
        return Err(Refusal::bad_argument("An update must not name a recipient"));
    }
    if let Some(message) = find(&inner, &mut state, &address, targeted)? {
        message.body = activity;
        message.edits += 1;
        state.replace_for_all(&address.activity);
    }
    Ok(Json(json!({ "id": address.activity })).into_response())
}

/// `DELETE /v3/conversations/{conversation}/activities/{activity}`
pub(super) async fn delete(
    Extract(inner): Extract<Arc<Inner>>,
    Path(address): Path<Address>,
    RawQuery(query): RawQuery,
) -> Result<Response, Refusal> {
    let mut state = inner.state();
    writable(&inner, &state, &address.conversation)?;
    if let Some(message) = find(&inner, &mut state, &address, is_targeted(query.as_deref()))? {
        message.deleted = true;
    }
    Ok(StatusCode::OK.into_response())
}

/// The message that an address names. It has to be asked for as what it is, targeted or not. None
/// where messages are not kept: then whatever is asked for is believed.
fn find<'a>(
    inner: &Inner,
    state: &'a mut State,
    address: &Address,
    targeted: bool,
) -> Result<Option<&'a mut Message>, Refusal> {
    if !state.keeps_messages() {
        return Ok(None);
    }
    let now = inner.controls.clock.now();
    let place = |id: &str| id.split(';').next().unwrap_or_default().to_owned();
    let conversation = place(&address.conversation);
    state
        .messages
        .iter_mut()
        .find(|message| {
            message.id == address.activity
                && place(&message.conversation) == conversation
                && message.only_for.is_some() == targeted
                && message.is_there(now)
        })
        .map(Some)
        .ok_or_else(Refusal::no_activity)
}
