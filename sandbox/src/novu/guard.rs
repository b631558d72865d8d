//! What comes before every route: body parsing, API keys, rate limits. And the layer outside of
//! them all that writes refusals in full.
//!
//! Source: Novu 3.19, community authentication guard and the order of Nest's layers: guards, then
//! interceptors, then validation.

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde_json::{Value, json};

use super::Inner;
use super::envelope::Problem;
use super::limits::{self, Category, Ruling};

/// The parsed body of a request; an empty object where there is none.
#[derive(Debug, Clone)]
pub(super) struct Input(pub(super) Arc<Value>);

/// A guard: the stand-in and the category of the routes behind it.
pub(super) type Guard = (Arc<Inner>, Category);

/// Lets a request with a key pass, within the limits.
pub(super) async fn guard(
    State((inner, category)): State<Guard>,
    request: Request,
    next: Next,
) -> Response {
    let (mut parts, body) = request.into_parts();
    let bytes = to_bytes(body, usize::MAX).await.unwrap_or_default();
    let value = match parse(&parts.headers, &bytes, category) {
        Ok(value) => value,
        Err(problem) => return problem.into_response(),
    };
    if let Err(problem) = authenticate(&inner, &parts.headers) {
        return problem.into_response();
    }
    parts.extensions.insert(Input(Arc::new(value)));
    let request = Request::from_parts(parts, Body::empty());
    let ruling = inner.limiter.as_ref().map(|it| it.take(category, inner.controls.clock.now()));
    let mut response = match &ruling {
        Some(ruling) if !ruling.allowed => Problem::throttled(Some(limits::RESET)).into_response(),
        _ => next.run(request).await,
    };
    if let Some(ruling) = ruling {
        announce(&ruling, response.headers_mut());
    }
    response
}

/// The body parser, which comes before everything else.
fn parse(headers: &HeaderMap, body: &Bytes, category: Category) -> Result<Value, Problem> {
    let limit = if category == Category::Trigger { 512 * 1024 } else { 100 * 1024 };
    if body.len() > limit {
        return Err(Problem::nameless(StatusCode::PAYLOAD_TOO_LARGE));
    }
    let is_json = headers
        .get(header::CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok())
        .is_some_and(|kind| kind.starts_with("application/json"));
    if body.is_empty() || !is_json {
        return Ok(json!({}));
    }
    match serde_json::from_slice(body) {
        Ok(value @ (Value::Object(_) | Value::Array(_))) => Ok(value),
        Err(error) if error.is_eof() => Err(Problem::bad_request("Unexpected end of JSON input")),
        _ => Err(Problem::bad_request("Unexpected token in JSON")),
    }
}

fn authenticate(inner: &Inner, headers: &HeaderMap) -> Result<(), Problem> {
    let header = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .filter(|value| !value.is_empty())
        .ok_or_else(|| Problem::unauthorized("Missing authorization header"))?;
    let (scheme, key) = header.split_once(' ').unwrap_or((header, ""));
    match scheme {
        "ApiKey" if key.is_empty() => Err(Problem::nameless(StatusCode::UNAUTHORIZED)),
        "ApiKey" if inner.options.api_keys.iter().any(|known| known == key) => Ok(()),
        "ApiKey" => Err(Problem::unauthorized("API Key not found")),
        // A session token of the dashboard; there is no dashboard here.
        "Bearer" => Err(Problem::nameless(StatusCode::UNAUTHORIZED)),
        _ => Err(Problem::unauthorized(format!("Invalid authentication scheme: \"{scheme}\""))),
    }
}

fn announce(ruling: &Ruling, headers: &mut HeaderMap) {
    headers.insert(HeaderName::from_static("ratelimit-limit"), ruling.limit.into());
    headers.insert(HeaderName::from_static("ratelimit-remaining"), ruling.remaining.into());
    headers.insert(HeaderName::from_static("ratelimit-reset"), limits::RESET.into());
    if let Ok(policy) = HeaderValue::from_str(&ruling.policy) {
        headers.insert(HeaderName::from_static("ratelimit-policy"), policy);
    }
}

/// Writes problems in full, where the path and the time are known.
pub(super) async fn write_problems(
    State(inner): State<Arc<Inner>>,
    request: Request,
    next: Next,
) -> Response {
    let uri = request.uri().clone();
    let mut response = next.run(request).await;
    let Some(problem) = response.extensions_mut().remove::<Problem>() else {
        return with_charset(response);
    };
    let mut written = problem.render(&uri.to_string(), inner.controls.clock.now());
    for (name, value) in response.headers() {
        if !written.headers().contains_key(name) {
            written.headers_mut().insert(name.clone(), value.clone());
        }
    }
    with_charset(written)
}

/// Novu's server says the charset of JSON too.
fn with_charset(mut response: Response) -> Response {
    let headers = response.headers_mut();
    if headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind == "application/json") {
        let kind = HeaderValue::from_static("application/json; charset=utf-8");
        headers.insert(header::CONTENT_TYPE, kind);
    }
    response
}

/// No such route.
pub(super) async fn no_route(request: Request) -> Problem {
    Problem::not_found(format!("Cannot {} {}", request.method(), request.uri()))
}
