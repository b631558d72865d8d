//! What operation asks: alive, able to serve, and how many of everything.

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::Serialize;

use super::App;

/// `/healthz`: good as soon as somebody listens. It asks nobody else, so that an outage elsewhere
/// does not get this process restarted.
pub(super) fn alive() -> Router {
    Router::new().route("/healthz", get(async || "ok\n"))
}

/// `/readyz` and `/metrics`.
pub(super) fn router(app: App) -> Router {
    Router::new().route("/readyz", get(ready)).route("/metrics", get(metrics)).with_state(app)
}

#[derive(Serialize)]
struct Readiness {
    ready: bool,
    missing: Vec<Missing>,
}

#[derive(Serialize)]
struct Missing {
    part: &'static str,
    trouble: &'static str,
}

async fn ready(State(app): State<App>) -> Response {
    let missing: Vec<_> =
        app.trouble().await.into_iter().map(|(part, trouble)| Missing { part, trouble }).collect();
    let ready = missing.is_empty();
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(Readiness { ready, missing })).into_response()
}

async fn metrics(State(app): State<App>) -> Response {
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(CONTENT_TYPE, kind)], app.figures()).into_response()
}
