//! Opening a person's own chat with the bot.

use std::sync::Arc;

use axum::Json;
use axum::extract::State as Extract;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde_json::{Value, json};

use super::super::Inner;
use super::super::model::{Person, Standing};
use super::super::state::State;
use super::{Lane, Refusal, count};

/// What the connector says to everything that is not one chat with one person.
const UNUSUAL: &str = "Incorrect conversation creation parameters";

/// `POST /v3/conversations`
pub(super) async fn create(
    Extract(inner): Extract<Arc<Inner>>,
    body: Bytes,
) -> Result<Response, Refusal> {
    let wish: Value = serde_json::from_slice(&body).map_err(|_| Refusal::bad_syntax(UNUSUAL))?;
    let state = inner.state();
    let tenant = tenant(&wish)?;
    let member = member(&inner, &wish)?;
    count(&inner, Lane::Chats, member, tenant)?;
    let person =
        person(&state, member)?.filter(|person| person.tenant.eq_ignore_ascii_case(tenant));
    let chat = person.and_then(|person| state.conversations.get(&person.chat()));
    let standing = chat.map_or(Standing::NotInstalled, |chat| chat.standing);
    if let Some((code, message)) = standing.refusal() {
        return Err(Refusal::forbidden(code, message));
    }
    let id = chat.map(|chat| chat.id.as_str());
    Ok((StatusCode::CREATED, Json(json!({ "id": id }))).into_response())
}

/// The tenant stands in up to two places, and they have to agree.
fn tenant(wish: &Value) -> Result<&str, Refusal> {
    let at = |place| wish.pointer(place).and_then(Value::as_str).filter(|id| !id.is_empty());
    match (at("/tenantId"), at("/channelData/tenant/id")) {
        (Some(one), Some(other)) if !one.eq_ignore_ascii_case(other) => {
            Err(Refusal::bad_syntax(UNUSUAL))
        }
        (Some(tenant), _) | (None, Some(tenant)) => Ok(tenant),
        (None, None) => Err(Refusal::bad_syntax(UNUSUAL)),
    }
}

/// The id of the one member; the bot is no member, and makes no groups.
fn member<'a>(inner: &Inner, wish: &'a Value) -> Result<&'a str, Refusal> {
    let is_group = wish.get("isGroup").is_some_and(|flag| *flag != Value::Bool(false));
    let bot = wish.pointer("/bot/id").and_then(Value::as_str);
    let members = wish.get("members").and_then(Value::as_array).map(Vec::as_slice);
    let Some([member]) = members else { return Err(Refusal::bad_syntax(UNUSUAL)) };
    if is_group || bot.is_some_and(|id| id != inner.bot_id()) || wish.get("activity").is_some() {
        return Err(Refusal::bad_syntax(UNUSUAL));
    }
    let id = member.get("id").and_then(Value::as_str).unwrap_or_default();
    if id.is_empty() || id.contains('@') {
        return Err(Refusal::bad_syntax(UNUSUAL));
    }
    Ok(id)
}

/// The person of an id. Accounts are made by the connector, so it knows which ones are not its own.
fn person<'a>(state: &'a State, id: &str) -> Result<Option<&'a Person>, Refusal> {
    let person = state.person(id);
    if person.is_none() && id.starts_with("29:") {
        return Err(Refusal::bad_syntax("Failed to decrypt pairwise id"));
    }
    Ok(person)
}
