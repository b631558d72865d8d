//! The neighbour: as little axum as can do the same work, with nothing of the product in it.
//!
//! It checks the signature, makes the same five calls in the same three rounds (look up, create the
//! subscriber, mint) and answers with the link. It has no limits, no replay check, no late answers, no words and no metrics.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

struct Bare {
    secret: String,
    novu: String,
    slack: String,
    key: String,
    token: String,
    http: reqwest::Client,
}

/// Serves on a free port until it is killed.
pub(crate) async fn serve() {
    let setting = |name: &str| {
        let value = std::env::var_os(name).expect("a setting");
        value.into_string().expect("a setting in Unicode")
    };
    let bare = Arc::new(Bare {
        secret: setting("SECRET"),
        novu: setting("NOVU"),
        slack: setting("SLACK"),
        key: format!("ApiKey {}", setting("KEY")),
        token: format!("Bearer {}", setting("TOKEN")),
        http: novu_connect_bot::outbound::client().expect("a client"),
    });
    let router = Router::new().route("/slack/commands", post(command)).with_state(bare);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    println!("address={}\nready", listener.local_addr().expect("an address"));
    axum::serve(listener, router).await.expect("a server that runs");
}

async fn command(State(bare): State<Arc<Bare>>, headers: HeaderMap, body: Bytes) -> Response {
    if !genuine(&bare.secret, &headers, &body) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let field = |name: &str| {
        form_urlencoded::parse(&body)
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
    };
    let (team, user) = (field("team_id").unwrap_or_default(), field("user_id").unwrap_or_default());
    let id = format!("slack:{team}:{user}");
    let novu = |path: &str| {
        bare.http.get(format!("{}{path}", bare.novu)).header("authorization", &bare.key)
    };
    let (_info, subscriber, _endpoints) = tokio::join!(
        json(
            bare.http
                .get(format!("{}/api/users.info", bare.slack))
                .query(&[("user", user.as_str()), ("include_locale", "true")])
                .header("authorization", &bare.token)
        ),
        json(novu(&format!("/v2/subscribers/{}", id.replace(':', "%3A")))),
        json(novu("/v1/channel-endpoints").query(&[
            ("subscriberId", id.as_str()),
            ("integrationIdentifier", "slack"),
            ("limit", "100"),
        ])),
    );
    if subscriber["data"].is_null() {
        create_subscriber(&bare, &id).await;
    }
    let minted = json(
        bare.http
            .post(format!("{}/v1/integrations/channel-endpoints/oauth", bare.novu))
            .header("authorization", &bare.key)
            .json(&json!({
                "subscriberId": id, "integrationIdentifier": "slack", "connectionIdentifier": "load",
            })),
    )
    .await;
    axum::Json(json!({
        "response_type": "ephemeral",
        "text": "Sign in",
        "blocks": [{"type": "actions", "elements": [{
            "type": "button", "text": {"type": "plain_text", "text": "Sign in"},
            "url": minted["data"]["url"],
        }]}],
    }))
    .into_response()
}

async fn create_subscriber(bare: &Bare, id: &str) {
    let request = bare
        .http
        .post(format!("{}/v2/subscribers?failIfExists=true", bare.novu))
        .header("authorization", &bare.key)
        .json(&json!({ "subscriberId": id, "firstName": "Ida Rhodes" }));
    json(request).await;
}

async fn json(request: reqwest::RequestBuilder) -> Value {
    let response = request.send().await.expect("an answer");
    response.json().await.unwrap_or_default()
}

fn genuine(secret: &str, headers: &HeaderMap, body: &[u8]) -> bool {
    let header =
        |name: &str| headers.get(name).map(axum::http::HeaderValue::as_bytes).unwrap_or_default();
    let signature = header("x-slack-signature").strip_prefix(b"v0=").unwrap_or_default();
    let mut code = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("a key");
    code.update(b"v0:");
    code.update(header("x-slack-request-timestamp"));
    code.update(b":");
    code.update(body);
    hex::decode(signature).is_ok_and(|signature| code.verify_slice(&signature).is_ok())
}
