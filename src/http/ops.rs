//! What operation asks: alive, able to serve, and how many of everything.

use std::borrow::Cow;
use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use futures_util::future::BoxFuture;
use serde::Serialize;

/// `/healthz`: good as soon as somebody listens. It asks nobody else, so that an outage elsewhere
/// does not get this process restarted.
fn alive() -> Router {
    Router::new().route("/healthz", get(async || "ok\n"))
}

/// A part of the service, and a word for its trouble.
pub(crate) type Named = (Cow<'static, str>, &'static str);

/// What operation wants to know of the service.
pub(crate) trait Operated: Send + Sync + 'static {
    /// What keeps the service from serving.
    fn trouble(&self) -> BoxFuture<'_, Vec<Named>>;

    /// What keeps people from being served, but not the service from serving.
    fn warnings(&self) -> BoxFuture<'_, Vec<Named>>;

    /// Every figure, in the OpenMetrics text format.
    fn figures(&self) -> BoxFuture<'_, String>;
}

/// What the public may know: `/healthz`, and `/readyz` with its status alone.
pub(crate) fn public_router(service: Arc<dyn Operated>) -> Router {
    alive().merge(Router::new().route("/readyz", get(ready_or_not)).with_state(service))
}

/// What operators may know: `/healthz`, `/readyz` and `/metrics`.
pub(crate) fn router(service: Arc<dyn Operated>) -> Router {
    let told = Router::new().route("/readyz", get(ready)).route("/metrics", get(metrics));
    alive().merge(told.with_state(service))
}

#[derive(Serialize)]
struct Readiness {
    ready: bool,
    missing: Vec<Missing>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<Missing>,
}

#[derive(Serialize)]
struct Missing {
    part: Cow<'static, str>,
    trouble: &'static str,
}

async fn ready_or_not(State(service): State<Arc<dyn Operated>>) -> StatusCode {
    status(service.trouble().await.is_empty())
}

const fn status(ready: bool) -> StatusCode {
    if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }
}

async fn ready(State(service): State<Arc<dyn Operated>>) -> Response {
    let named = |(part, trouble)| Missing { part, trouble };
    let missing: Vec<_> = service.trouble().await.into_iter().map(named).collect();
    let warnings = service.warnings().await.into_iter().map(named).collect();
    let ready = missing.is_empty();
    (status(ready), Json(Readiness { ready, missing, warnings })).into_response()
}

async fn metrics(State(service): State<Arc<dyn Operated>>) -> Response {
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(CONTENT_TYPE, kind)], service.figures().await).into_response()
}
