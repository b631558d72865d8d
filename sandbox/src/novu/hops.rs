//! Short cuts through the provider: what Slack or Entra would do after a click, without their pages.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use url::Url;

use super::Inner;
use super::callback::redirect;
use super::envelope::Problem;
use super::page::Params;
use crate::lock;
use crate::transport;

/// The largest reply of a provider, in bytes.
const REPLY_LIMIT: usize = 64 * 1024;

/// What the provider will say to codes that the short cuts gave out. Each is good once.
#[derive(Debug, Default)]
pub(super) struct Approvals {
    next: AtomicU64,
    replies: Mutex<HashMap<String, Value>>,
}

impl Approvals {
    fn give(&self, reply: Value) -> String {
        let code = format!("sandbox-code-{}", self.next.fetch_add(1, Ordering::Relaxed));
        lock(&self.replies).insert(code.clone(), reply);
        code
    }

    pub(super) fn take(&self, code: &str) -> Option<Value> {
        lock(&self.replies).remove(code)
    }
}

impl Inner {
    /// Posts a form to a provider stand-in. Real providers are never asked: they refuse.
    pub(super) async fn ask_provider(
        &self,
        url: &str,
        form: &[(&str, String)],
    ) -> Result<(StatusCode, Value), Problem> {
        let url = Url::parse(url).map_err(|_| Problem::uncaught())?;
        if !transport::is_loopback(&url) {
            let refusal = json!({
                "ok": false,
                "error": "invalid_code",
                "error_description": "the code is not from this sandbox",
            });
            return Ok((StatusCode::OK, refusal));
        }
        let response = self.client.post(url).form(form).send().await;
        let response = response.map_err(|_| Problem::uncaught())?;
        let status = response.status();
        let body = transport::read_limited(response, REPLY_LIMIT).await;
        let body = body.map_err(|_| Problem::uncaught())?;
        Ok((status, serde_json::from_slice(&body).unwrap_or_default()))
    }
}

/// The routes of the short cuts.
pub(super) fn routes() -> Router<Arc<Inner>> {
    Router::new()
        .route("/__slack/approve", get(slack_approve))
        .route("/__slack/deny", get(deny))
        .route("/__entra/approve", get(entra_approve))
        .route("/__entra/deny", get(deny))
        .route("/__entra/consent", get(entra_consent))
}

/// `?state&as=U…&team=T…[&team_name]`: that person allows, in that workspace.
async fn slack_approve(State(inner): State<Arc<Inner>>, RawQuery(query): RawQuery) -> Response {
    let params = Params::parse(query.as_deref());
    let team = params.filled("team").unwrap_or("T0SANDBOX");
    let reply = json!({
        "ok": true,
        "app_id": "A0SANDBOX",
        "authed_user": { "id": params.filled("as") },
        "access_token": format!("xoxb-sandbox-{team}"),
        "token_type": "bot",
        "bot_user_id": "UBOTSANDBOX",
        "team": { "id": team, "name": params.filled("team_name").unwrap_or(team) },
        "enterprise": null,
        "is_enterprise_install": false,
    });
    let code = inner.approvals.give(reply);
    come_back(&inner, &[("code", &code), ("state", params.get("state").unwrap_or_default())])
}

/// `?state`: the person denies.
async fn deny(State(inner): State<Arc<Inner>>, RawQuery(query): RawQuery) -> Response {
    let params = Params::parse(query.as_deref());
    let state = params.get("state").unwrap_or_default();
    come_back(&inner, &[("error", "access_denied"), ("state", state)])
}

/// `?state&oid&tid`: that person signs in, in that tenant.
async fn entra_approve(State(inner): State<Arc<Inner>>, RawQuery(query): RawQuery) -> Response {
    let params = Params::parse(query.as_deref());
    let claims = json!({ "oid": params.filled("oid"), "tid": params.filled("tid") });
    let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#);
    let token = format!("{header}.{}.", URL_SAFE_NO_PAD.encode(claims.to_string()));
    let code = inner.approvals.give(json!({ "token_type": "Bearer", "id_token": token }));
    come_back(&inner, &[("code", &code), ("state", params.get("state").unwrap_or_default())])
}

/// `?state&tenant`: that tenant's administrator consents.
async fn entra_consent(State(inner): State<Arc<Inner>>, RawQuery(query): RawQuery) -> Response {
    let params = Params::parse(query.as_deref());
    let Some(tenant) = params.filled("tenant") else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let state = params.get("state").unwrap_or_default();
    come_back(&inner, &[("admin_consent", "True"), ("tenant", tenant), ("state", state)])
}

fn come_back(inner: &Inner, query: &[(&str, &str)]) -> Response {
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
    redirect(&format!("{}?{query}", inner.redirect_uri()))
}
