//! A message in Teams: the token, an acknowledgement, and a card with the link once it is made.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use reqwest::Client;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Bare, ask, setting};

/// Who issues the Bot Connector's tokens.
const ISSUER: &str = "https://api.botframework.com";

pub(super) struct Settings {
    key: DecodingKey,
    rules: Validation,
    /// The bot's own token, which outlasts every run.
    token: String,
}

/// What is read of a token beside what the library checks.
#[derive(Deserialize)]
struct Claims {
    serviceurl: String,
}

impl Settings {
    /// Takes the key and the bot's token once, for good.
    pub(super) async fn read(http: &Client) -> Self {
        let app = setting("APP_ID");
        let metadata = ask(http.get(setting("METADATA_URL"))).await;
        let keys = ask(http.get(text(&metadata["jwks_uri"]))).await;
        let (modulus, exponent) = (text(&keys["keys"][0]["n"]), text(&keys["keys"][0]["e"]));
        let mut rules = Validation::new(Algorithm::RS256);
        rules.set_audience(&[&app]);
        rules.set_issuer(&[ISSUER]);
        let granted = ask(http.post(setting("TOKEN_URL")).form(&[
            ("grant_type", "client_credentials"),
            ("client_id", app.as_str()),
            ("client_secret", setting("APP_SECRET").as_str()),
            ("scope", "https://api.botframework.com/.default"),
        ]))
        .await;
        Self {
            key: DecodingKey::from_rsa_components(modulus, exponent).expect("a key"),
            rules,
            token: format!("Bearer {}", text(&granted["access_token"])),
        }
    }
}

pub(super) async fn message(
    State(bare): State<Arc<Bare>>,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    let Some(claims) = genuine(&bare.teams, &headers) else { return StatusCode::UNAUTHORIZED };
    let Ok(activity) = serde_json::from_slice::<Value>(&body) else {
        return StatusCode::BAD_REQUEST;
    };
    if activity["serviceUrl"] != claims.serviceurl {
        return StatusCode::UNAUTHORIZED;
    }
    tokio::spawn(answer(bare, activity));
    StatusCode::OK
}

fn genuine(teams: &Settings, headers: &HeaderMap) -> Option<Claims> {
    let token = headers.get("authorization")?.to_str().ok()?.strip_prefix("Bearer ")?;
    let data = jsonwebtoken::decode::<Claims>(token, &teams.key, &teams.rules).ok()?;
    Some(data.claims)
}

async fn answer(bare: Arc<Bare>, activity: Value) {
    let Bare { novu, teams, .. } = bare.as_ref();
    let conversation = format!(
        "{}v3/conversations/{}",
        text(&activity["serviceUrl"]),
        text(&activity["conversation"]["id"]).replace(':', "%3A"),
    );
    let member = text(&activity["from"]["id"]).replace(':', "%3A");
    let profile = novu
        .http
        .get(format!("{conversation}/members/{member}"))
        .header("authorization", &teams.token);
    let tenant = text(&activity["conversation"]["tenantId"]);
    let id = format!("teams:{tenant}:{}", text(&activity["from"]["aadObjectId"]));
    let url = novu.link(&id, "teams", tenant, profile).await;
    let card = json!({
        "type": "AdaptiveCard",
        "version": "1.5",
        "body": [{"type": "TextBlock", "text": "Sign in", "wrap": true}],
        "actions": [{"type": "Action.OpenUrl", "title": "Sign in", "url": text(&url)}],
    });
    let reply = json!({
        "type": "message",
        "replyToId": activity["id"],
        "summary": "Sign in",
        "attachments": [
            {"contentType": "application/vnd.microsoft.card.adaptive", "content": card},
        ],
    });
    let sent = novu.http.post(format!("{conversation}/activities"));
    ask(sent.header("authorization", &teams.token).json(&reply)).await;
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}
