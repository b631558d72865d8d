//! The identity providers of the recording: what Slack and Entra say to each code.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use std::collections::HashMap;
use tokio_util::sync::{CancellationToken, DropGuard};

/// The origins of both; they stop when this is dropped.
pub(super) struct Running {
    pub(super) slack: String,
    pub(super) entra: String,
    _stop: [DropGuard; 2],
}

pub(super) async fn start() -> Running {
    let (slack, first) = serve(Router::new().route("/api/oauth.v2.access", post(slack))).await;
    let (entra, second) =
        serve(Router::new().route("/{tenant}/oauth2/v2.0/token", post(entra))).await;
    Running { slack, entra, _stop: [first, second] }
}

async fn serve(router: Router) -> (String, DropGuard) {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let stop = CancellationToken::new();
    let stopped = stop.clone().cancelled_owned();
    tokio::spawn(async move {
        axum::serve(listener, router).with_graceful_shutdown(stopped).await.unwrap();
    });
    (url, stop.drop_guard())
}

fn fields(form: &str) -> HashMap<String, String> {
    form_urlencoded::parse(form.as_bytes()).into_owned().collect()
}

async fn slack(form: String) -> Response {
    let form = fields(&form);
    let code = form["code"].as_str();
    let mut parts = code.split('.');
    let (user, team, extra) = (parts.next().unwrap(), parts.next(), parts.next());
    let team = match team {
        None | Some("null") => Value::Null,
        Some(team) => json!({ "id": team, "name": format!("Acme {team}") }),
    };
    let mut reply = json!({ "ok": true, "authed_user": { "id": user }, "team": team });
    match (code, extra) {
        ("bad", _) => reply = json!({ "ok": false, "error": "invalid_code" }),
        ("nouser", _) => reply["authed_user"] = json!({}),
        ("http500", _) => return StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        (_, Some("bot")) => {
            reply["access_token"] =
                json!(format!("xoxb-{}", reply["team"]["id"].as_str().unwrap()));
            reply["bot_user_id"] = json!("U0BOT");
        }
        (_, Some("hook")) => {
            reply["incoming_webhook"] = json!({ "url": "https://hooks.slack.com/services/x" });
        }
        _ => {}
    }
    Json(reply).into_response()
}

async fn entra(form: String) -> Response {
    let form = fields(&form);
    let token = |claims: Value| format!("e30.{}.x", URL_SAFE_NO_PAD.encode(claims.to_string()));
    let reply = match form.get("code").map(String::as_str) {
        None => json!({ "access_token": "app" }),
        Some("aadbad") => {
            let text = "AADSTS70008: The provided authorization code is expired.";
            let refusal = json!({ "error": "invalid_grant", "error_description": text });
            return (StatusCode::BAD_REQUEST, Json(refusal)).into_response();
        }
        Some("noid") => json!({ "access_token": "x" }),
        Some("badid") => json!({ "id_token": "e30.!.x" }),
        Some("nooid") => json!({ "id_token": token(json!({ "tid": "TEN" })) }),
        Some(code) => {
            let (oid, tid) = code.split_once('~').unwrap();
            json!({ "id_token": token(json!({ "oid": oid, "tid": tid })) })
        }
    };
    Json(reply).into_response()
}
