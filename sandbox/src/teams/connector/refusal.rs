//! How the connector says no: a status, and a code with a sentence.

use std::time::Duration;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::Failure;

/// A refusal.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    body: Value,
    /// Seconds.
    retry_after: Option<u64>,
}

impl Refusal {
    fn new(status: StatusCode, code: &str, message: &str) -> Self {
        let body = json!({ "error": { "code": code, "message": message } });
        Self { status, body, retry_after: None }
    }

    /// A token that is unknown or spent: 401, without an error code.
    pub(super) fn denied() -> Self {
        let body = json!({ "message": "Authorization has been denied for this request." });
        Self { status: StatusCode::UNAUTHORIZED, body, retry_after: None }
    }

    pub(super) fn forbidden(code: &str, message: &str) -> Self {
        Self::new(StatusCode::FORBIDDEN, code, message)
    }

    pub(super) fn nothing_here() -> Self {
        Self::new(StatusCode::NOT_FOUND, "NotFound", "The requested resource was not found.")
    }

    pub(super) fn no_conversation() -> Self {
        Self::new(StatusCode::NOT_FOUND, "ConversationNotFound", "Conversation not found.")
    }

    pub(super) fn no_activity() -> Self {
        let message = "The activity was not found in the conversation.";
        Self::new(StatusCode::NOT_FOUND, "ActivityNotFoundInConversation", message)
    }

    pub(super) fn no_member() -> Self {
        let message = "The member was not found in the conversation.";
        Self::new(StatusCode::NOT_FOUND, "MemberNotFoundInConversation", message)
    }

    pub(super) fn bad_conversation_id() -> Self {
        Self::bad_syntax("Bad format of conversation ID")
    }

    pub(super) fn bad_syntax(message: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "BadSyntax", message)
    }

    pub(super) fn bad_argument(message: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "BadArgument", message)
    }

    pub(super) fn too_big() -> Self {
        let message = "The size of the message is too big.";
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "MessageSizeTooBig", message)
    }

    pub(super) fn throttled(wait: Duration) -> Self {
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        let refusal = Self::new(StatusCode::TOO_MANY_REQUESTS, "Throttled", "Too many requests.");
        Self { retry_after: Some(seconds.max(1)), ..refusal }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(self.body)).into_response();
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// An injected failure in the connector's words; its message is the code.
pub(in crate::teams) fn failure(failure: &Failure) -> Response {
    let usual = match failure.status {
        StatusCode::UNAUTHORIZED => "BotNotRegistered",
        StatusCode::FORBIDDEN => "BotNotInConversationRoster",
        StatusCode::NOT_FOUND => "ConversationNotFound",
        StatusCode::PRECONDITION_FAILED => "PreconditionFailed",
        StatusCode::PAYLOAD_TOO_LARGE => "MessageSizeTooBig",
        StatusCode::TOO_MANY_REQUESTS => "Throttled",
        status if status.is_client_error() => "BadArgument",
        _ => "ServiceError",
    };
    let code = failure.message.as_deref().unwrap_or(usual);
    let refusal = Refusal::new(failure.status, code, "The request could not be processed.");
    Refusal { retry_after: failure.retry_after, ..refusal }.into_response()
}
