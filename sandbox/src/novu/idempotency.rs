//! `Idempotency-Key`: what was answered once is answered again.
//!
//! Source: Novu 3.19, idempotency interceptor. The key belongs to the organization: neither the
//! path nor the environment is part of it.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use jiff::Timestamp;

use super::Inner;
use super::envelope::Problem;
use super::release::Change;
use crate::lock;
use connect_clock as clock;

const KEY: HeaderName = HeaderName::from_static("idempotency-key");
const REPLAY: HeaderName = HeaderName::from_static("idempotency-replay");
const DOCS: HeaderValue =
    HeaderValue::from_static("https://docs.novu.co/additional-resources/idempotency");
/// The longest key, in characters.
const LONGEST: usize = 255;
/// How long a request counts as being processed.
const IN_PROGRESS: Duration = Duration::from_mins(5);
/// How long an answer is remembered.
const REMEMBERED: Duration = Duration::from_hours(24);

/// The answers by their keys.
#[derive(Debug, Default)]
pub(super) struct Memory(Mutex<HashMap<String, Entry>>);

#[derive(Debug, Clone)]
struct Entry {
    request: Bytes,
    until: Timestamp,
    outcome: Outcome,
}

#[derive(Debug, Clone)]
enum Outcome {
    Pending,
    Answer(StatusCode, Bytes),
    Problem(Problem),
}

impl Memory {
    /// Claims the key, or tells what is known under it.
    fn claim(&self, key: &str, request: &Bytes, now: Timestamp) -> Option<Entry> {
        let mut entries = lock(&self.0);
        if let Some(entry) = entries.get(key).filter(|entry| now < entry.until) {
            return Some(entry.clone());
        }
        self::put(&mut entries, key, request, clock::after(now, IN_PROGRESS), Outcome::Pending);
        None
    }

    fn keep(&self, key: &str, request: &Bytes, now: Timestamp, outcome: Outcome) {
        let until = clock::after(now, REMEMBERED);
        self::put(&mut lock(&self.0), key, request, until, outcome);
    }
}

fn put(
    entries: &mut HashMap<String, Entry>,
    key: &str,
    request: &Bytes,
    until: Timestamp,
    outcome: Outcome,
) {
    entries.insert(key.to_owned(), Entry { request: request.clone(), until, outcome });
}

/// Answers a request, from memory where its key says so.
pub(super) async fn answer(inner: &Inner, request: Request, body: &Bytes, next: Next) -> Response {
    let repeats = matches!(*request.method(), Method::POST | Method::PATCH);
    let key = request.headers().get(KEY).filter(|_| repeats && inner.options.idempotency).cloned();
    let Some((header, key)) = key.and_then(|it| Some((it.clone(), it.to_str().ok()?.to_owned())))
    else {
        return next.run(request).await;
    };
    if key.len() > LONGEST {
        return Problem::bad_request(format!(
            "idempotencyKey \"{key}\" has exceeded the maximum allowed length of {LONGEST} \
             characters"
        ))
        .into_response();
    }
    let mut response = match inner.memory.claim(&key, body, inner.desk.clock.now()) {
        Some(entry) => repeat(inner, &key, body, entry),
        None => first(inner, &key, body, next.run(request).await).await,
    };
    response.headers_mut().insert(KEY, header);
    response
}

async fn first(inner: &Inner, key: &str, body: &Bytes, response: Response) -> Response {
    let now = inner.desk.clock.now();
    if let Some(problem) = response.extensions().get::<Problem>() {
        inner.memory.keep(key, body, now, Outcome::Problem(problem.clone()));
        return response;
    }
    let (parts, answer) = response.into_parts();
    let answer = to_bytes(answer, usize::MAX).await.unwrap_or_default();
    inner.memory.keep(key, body, now, Outcome::Answer(parts.status, answer.clone()));
    Response::from_parts(parts, Body::from(answer))
}

fn repeat(inner: &Inner, key: &str, body: &Bytes, entry: Entry) -> Response {
    if matches!(entry.outcome, Outcome::Pending) {
        let problem = Problem::conflict(format!(
            "Request with key \"{key}\" is currently being processed. Please retry after 1 second"
        ));
        return documented(problem.retry_after(1));
    }
    if entry.request != body {
        return documented(Problem::unprocessable(format!(
            "Request with key \"{key}\" is being reused for a different body"
        )));
    }
    let mut response = match entry.outcome {
        Outcome::Answer(status, answer) => {
            (status, [(header::CONTENT_TYPE, "application/json; charset=utf-8")], answer)
                .into_response()
        }
        Outcome::Problem(problem) => replayed(inner, problem).into_response(),
        Outcome::Pending => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    };
    response.headers_mut().insert(REPLAY, HeaderValue::from_static("true"));
    response
}

fn replayed(inner: &Inner, problem: Problem) -> Problem {
    if !inner.options.release.has(Change::ErrorReplay) {
        Problem::http(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable")
    } else if problem.status().is_server_error() {
        Problem::uncaught()
    } else {
        problem
    }
}

fn documented(problem: Problem) -> Response {
    let mut response = problem.into_response();
    response.headers_mut().insert(header::LINK, DOCS);
    response
}
