//! Novu's envelopes: `{"data": …}` around what went well, and the error shapes.
//!
//! Source: Novu 3.19, response interceptor and exception filter.

use std::sync::atomic::{AtomicU64, Ordering};

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::model::iso;
use crate::Failure;

/// A request that Novu refuses. It becomes a body where path and time are known.
#[derive(Debug, Clone)]
pub(super) struct Problem {
    status: StatusCode,
    message: String,
    shape: Shape,
    retry_after: Option<u64>,
}

#[derive(Debug, Clone)]
enum Shape {
    /// An HTTP exception: its name is in `ctx`.
    Http,
    /// An HTTP exception without a message of its own: `ctx` has the status alone.
    Nameless,
    /// An exception that brings its own `ctx`; the throttler's is empty.
    With(Map<String, Value>),
    /// The first validation layer: all messages in one list.
    Body(Vec<String>),
    /// The second validation layer: messages by field.
    Command(Map<String, Value>),
    /// Anything that nobody caught.
    Uncaught,
}

impl Problem {
    /// An ordinary HTTP exception.
    pub(super) fn http(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), shape: Shape::Http, retry_after: None }
    }

    pub(super) fn bad_request(message: impl Into<String>) -> Self {
        Self::http(StatusCode::BAD_REQUEST, message)
    }

    pub(super) fn unauthorized(message: impl Into<String>) -> Self {
        Self::http(StatusCode::UNAUTHORIZED, message)
    }

    pub(super) fn not_found(message: impl Into<String>) -> Self {
        Self::http(StatusCode::NOT_FOUND, message)
    }

    pub(super) fn conflict(message: impl Into<String>) -> Self {
        Self::http(StatusCode::CONFLICT, message)
    }

    /// A 422 that is thrown by hand, so it has no `errors`.
    pub(super) fn unprocessable(message: impl Into<String>) -> Self {
        Self::http(StatusCode::UNPROCESSABLE_ENTITY, message)
    }

    /// An HTTP exception of which nothing but the status is known.
    pub(super) fn nameless(status: StatusCode) -> Self {
        let message = status.canonical_reason().unwrap_or_default();
        Self { shape: Shape::Nameless, ..Self::http(status, message) }
    }

    /// The same problem with a `ctx` of its own.
    pub(super) fn with(self, context: &[(&str, &str)]) -> Self {
        let context = context.iter().map(|(key, value)| ((*key).to_owned(), json!(value)));
        Self { shape: Shape::With(context.collect()), ..self }
    }

    /// What the first validation layer says.
    pub(super) fn validation(messages: Vec<String>) -> Self {
        Self {
            status: StatusCode::UNPROCESSABLE_ENTITY,
            message: "Validation Error".to_owned(),
            shape: Shape::Body(messages),
            retry_after: None,
        }
    }

    /// What the second validation layer says: a command's class, and messages with the value, which
    /// is left out where there is none.
    pub(super) fn command(class: &str, fields: &[(&str, Vec<String>, Option<Value>)]) -> Self {
        let sentence: Vec<String> = fields
            .iter()
            .map(|(field, messages, _)| format!("{field}: {}", messages.join(", ")))
            .collect();
        let by_field = fields.iter().map(|(field, messages, value)| {
            let mut wrong = json!({ "messages": messages });
            if let Some(value) = value {
                wrong["value"] = value.clone();
            }
            ((*field).to_owned(), wrong)
        });
        Self {
            status: StatusCode::UNPROCESSABLE_ENTITY,
            message: format!("Validation failed for {class}: {}", sentence.join("; ")),
            shape: Shape::Command(by_field.collect()),
            retry_after: None,
        }
    }

    /// Over the rate limit for this many seconds.
    pub(super) fn throttled(retry_after: Option<u64>) -> Self {
        Self {
            status: StatusCode::TOO_MANY_REQUESTS,
            message: "API rate limit exceeded".to_owned(),
            shape: Shape::With(Map::new()),
            retry_after,
        }
    }

    /// An exception that nobody caught.
    pub(super) fn uncaught() -> Self {
        Self {
            status: StatusCode::INTERNAL_SERVER_ERROR,
            message: "Internal server error, contact support and provide them with the errorId"
                .to_owned(),
            shape: Shape::Uncaught,
            retry_after: None,
        }
    }

    pub(super) fn message(&self) -> &str {
        &self.message
    }

    /// The answer to a request for `path` (with its query).
    pub(super) fn render(&self, path: &str, now: Timestamp) -> Response {
        let mut body = json!({
            "statusCode": self.status.as_u16(),
            "timestamp": iso(now),
            "path": path,
            "message": self.message,
        });
        if let Value::Object(body) = &mut body {
            self.shape_into(body);
        }
        let mut response = (self.status, Json(body)).into_response();
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }

    fn shape_into(&self, body: &mut Map<String, Value>) {
        let mut add = |key: &str, value: Value| {
            body.insert(key.to_owned(), value);
        };
        match &self.shape {
            Shape::Http => {
                let name = self.status.canonical_reason().unwrap_or_default();
                add("ctx", json!({ "error": name, "statusCode": self.status.as_u16() }));
                // Novu spreads `ctx` over the body as well.
                add("error", json!(name));
            }
            Shape::Nameless => {
                add("ctx", json!({ "statusCode": self.status.as_u16() }));
            }
            Shape::With(context) => {
                add("ctx", json!(context));
                for (key, value) in context {
                    add(key, value.clone());
                }
            }
            Shape::Body(messages) => {
                add("ctx", json!({}));
                add(
                    "errors",
                    json!({ "general": { "messages": messages, "value": "No Value Recorded" } }),
                );
            }
            Shape::Command(fields) => {
                add("ctx", json!({}));
                add("errors", json!(fields));
            }
            Shape::Uncaught => {
                add("errorId", json!(error_id()));
            }
        }
    }
}

impl IntoResponse for Problem {
    /// Carries the problem outwards to the layer that knows the request.
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// A number in the form of a UUID; told apart in the order of their appearance.
fn error_id() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    format!("00000000-0000-4000-8000-{:012x}", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// An injected failure in Novu's words.
pub(super) fn failure(failure: &Failure, path: &str, now: Timestamp) -> Response {
    let problem = match failure.status {
        StatusCode::TOO_MANY_REQUESTS => Problem::throttled(failure.retry_after),
        StatusCode::INTERNAL_SERVER_ERROR => Problem::uncaught(),
        status => Problem::http(status, status.canonical_reason().unwrap_or_default()),
    };
    let message = failure.message.clone().unwrap_or(problem.message);
    Problem { message, retry_after: failure.retry_after, ..problem }.render(path, now)
}

/// 200 with one object or array in `data`.
pub(super) fn ok(data: &Value) -> Response {
    Json(json!({ "data": data })).into_response()
}

/// 201 with one object in `data`.
pub(super) fn created(data: &Value) -> Response {
    (StatusCode::CREATED, Json(json!({ "data": data }))).into_response()
}
