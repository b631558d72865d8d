//! The Bot Connector's API: messages, one-to-one chats, members.
//!
//! Source: Bot Connector REST API, and Teams' pages on targeted messages, conversation basics and
//! rate limits. Where those leave open how something is refused, the stand-in refuses it.

mod activities;
mod conversations;
mod judge;
mod limits;
mod members;
mod refusal;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Request, State as Extract};
use axum::http::{HeaderMap, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::{get, post, put};
use serde::Deserialize;

use super::Inner;
use super::model::Conversation;
use super::state::State;

use self::limits::Lane;
pub(super) use self::limits::Limiter;
pub use self::limits::{RateLimits, Window};
use self::refusal::Refusal;
pub(super) use self::refusal::failure;

/// How many segments come before a conversation's id: empty, region, `v3`, `conversations`.
const BEFORE_ID: usize = 4;

pub(super) fn routes(inner: &Arc<Inner>) -> Router<Arc<Inner>> {
    let below = |rest: &str| format!("/{{region}}/v3/conversations{rest}");
    Router::new()
        .route(&below(""), post(conversations::create))
        .route(&below("/{conversation}/activities"), post(activities::send))
        .route(
            &below("/{conversation}/activities/{activity}"),
            put(activities::update).delete(activities::delete),
        )
        .route(&below("/{conversation}/members/{member}"), get(members::member))
        .route(&below("/{conversation}/pagedmembers"), get(members::paged))
        .route_layer(from_fn_with_state(Arc::clone(inner), guard))
}

/// What an address of the connector names.
#[derive(Debug, Deserialize)]
struct Address {
    conversation: String,
    #[serde(default)]
    activity: String,
    #[serde(default)]
    member: String,
}

/// What every call has to get right before it is looked at.
async fn guard(
    Extract(inner): Extract<Arc<Inner>>,
    Path(parameters): Path<Vec<(String, String)>>,
    request: Request,
    next: Next,
) -> Result<Response, Refusal> {
    let region = parameters.iter().find(|(name, _)| name == "region").map(|(_, value)| value);
    if region.is_none_or(|region| *region != inner.options.region) {
        return Err(Refusal::nothing_here());
    }
    authorize(&inner, request.headers())?;
    let id = request.uri().path().split('/').nth(BEFORE_ID).unwrap_or_default();
    if !is_encoded_once(id) {
        return Err(Refusal::bad_conversation_id());
    }
    Ok(next.run(request).await)
}

fn authorize(inner: &Inner, headers: &HeaderMap) -> Result<(), Refusal> {
    let token = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "))
        .ok_or_else(Refusal::denied)?;
    let state = inner.state();
    let grant = state.grants.get(token).ok_or_else(Refusal::denied)?;
    if !grant.opens_connector(inner.token_tenant(), inner.controls.clock.now()) {
        return Err(Refusal::denied());
    }
    Ok(())
}

/// Whether an id came percent-encoded, and not twice: ids hold `:`, `@` and `;`, and never `%`.
fn is_encoded_once(segment: &str) -> bool {
    !segment.contains([':', '@', ';']) && !segment.contains("%25")
}

/// Counts a call against the limits, if any.
fn count(inner: &Inner, lane: Lane, subject: &str, tenant: &str) -> Result<(), Refusal> {
    let now = inner.controls.clock.now();
    match inner.limiter().as_mut().and_then(|limiter| limiter.wait(lane, subject, tenant, now)) {
        Some(wait) => Err(Refusal::throttled(wait)),
        None => Ok(()),
    }
}

/// The conversation that a message is for, if the bot may write there.
fn writable<'a>(inner: &Inner, state: &'a State, id: &str) -> Result<&'a Conversation, Refusal> {
    let conversation = state.conversation(id).ok_or_else(Refusal::no_conversation)?;
    count(inner, Lane::Messages, &conversation.id, &conversation.tenant)?;
    match conversation.standing.refusal() {
        Some((code, message)) => Err(Refusal::forbidden(code, message)),
        None => Ok(conversation),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_encoded_exactly_once() {
        for (segment, right) in [
            ("19%3Aabc%40thread.tacv2%3Bmessageid%3D1", true),
            ("a%3a1-_", true),
            ("", true),
            ("19:abc%40thread.v2", false),
            ("19%3Aabc@thread.v2", false),
            ("19%3Aabc%40thread.tacv2;messageid=1", false),
            ("19%253Aabc%2540thread.v2", false),
        ] {
            assert_eq!(is_encoded_once(segment), right, "{segment}");
        }
    }
}
