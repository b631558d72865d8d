//! `/connect` in Slack: the signature, the link, and the link in the response.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::json;
use sha2::Sha256;

use super::{Bare, setting};

pub(super) struct Settings {
    secret: String,
    url: String,
    token: String,
}

impl Settings {
    pub(super) fn read() -> Self {
        let token = format!("Bearer {}", setting("TOKEN"));
        Self { secret: setting("SECRET"), url: setting("SLACK"), token }
    }
}

pub(super) async fn command(
    State(bare): State<Arc<Bare>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let Bare { novu, slack, .. } = bare.as_ref();
    if !genuine(&slack.secret, &headers, &body) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let field = |name: &str| {
        form_urlencoded::parse(&body)
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
    };
    let (team, user) = (field("team_id").unwrap_or_default(), field("user_id").unwrap_or_default());
    let profile = novu
        .http
        .get(format!("{}/api/users.info", slack.url))
        .query(&[("user", user.as_str()), ("include_locale", "true")])
        .header("authorization", &slack.token);
    let url = novu.link(&format!("slack:{team}:{user}"), "slack", "load", profile).await;
    axum::Json(json!({
        "response_type": "ephemeral",
        "text": "Sign in",
        "blocks": [{"type": "actions", "elements": [{
            "type": "button", "text": {"type": "plain_text", "text": "Sign in"}, "url": url,
        }]}],
    }))
    .into_response()
}

fn genuine(secret: &str, headers: &HeaderMap, body: &[u8]) -> bool {
    let header = |name: &str| headers.get(name).map(HeaderValue::as_bytes).unwrap_or_default();
    let signature = header("x-slack-signature").strip_prefix(b"v0=").unwrap_or_default();
    let mut code = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("a key");
    code.update(b"v0:");
    code.update(header("x-slack-request-timestamp"));
    code.update(b":");
    code.update(body);
    hex::decode(signature).is_ok_and(|signature| code.verify_slice(&signature).is_ok())
}
