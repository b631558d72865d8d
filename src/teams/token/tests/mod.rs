//! The verifier before a Bot Connector that we own, so that every attack is really made.

mod attacks;
mod bodies;
mod fetching;
mod noise;

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::AUTHORIZATION;
use serde_json::{Value, json};

use super::{Pacing, Settings, Unverified, VerifiedActivity, Verifier};
use crate::clock::ManualClock;
use crate::metrics::Metrics;
use crate::net::Outgoing;
use connect_sandbox::bot_connector::{BotConnectorKeys, Claims};

const APP_ID: &str = "0b1f7a3e-5b1c-4f52-9a43-0d2c5a9e7f10";
const SERVICE_URL: &str = "https://smba.trafficmanager.net/emea/";

/// A verifier, and the Bot Connector whose tokens it believes.
struct Scene {
    verifier: Arc<Verifier>,
    connector: BotConnectorKeys,
    clock: ManualClock,
    metrics: Arc<Metrics>,
}

impl Scene {
    async fn new() -> Self {
        Self::with(|_| ()).await
    }

    async fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let clock = ManualClock::new("2026-08-01T10:00:00Z".parse().unwrap());
        let connector = BotConnectorKeys::start(Arc::new(clock.clone())).await.unwrap();
        let mut settings = Settings {
            app_id: APP_ID.to_owned(),
            issuer: "https://api.botframework.com".to_owned(),
            metadata_url: connector.metadata_url(),
            key_hosts: None,
            pacing: Pacing::default(),
        };
        change(&mut settings);
        let metrics = Arc::new(Metrics::new());
        let http = crate::net::client().unwrap();
        let http = Outgoing::new(http, Arc::new(clock.clone()), Arc::clone(&metrics));
        let verifier =
            Verifier::new(settings, http, Arc::new(clock.clone()), Arc::clone(&metrics)).unwrap();
        Self { verifier: Arc::new(verifier), connector, clock, metrics }
    }

    fn claims(&self) -> Claims {
        self.connector.claims(APP_ID, SERVICE_URL)
    }

    fn token(&self) -> String {
        self.connector.token(&self.claims())
    }

    /// A token with a good header and any claims.
    fn sign(&self, claims: &Value) -> String {
        self.connector.sign(&self.header(), claims)
    }

    fn header(&self) -> Value {
        json!({"alg": "RS256", "kid": self.connector.key_id(), "typ": "JWT"})
    }

    /// A token that nothing but its key tells from a genuine one.
    fn token_of_unknown_key(&self, id: &str) -> String {
        self.connector
            .sign(&json!({"alg": "RS256", "kid": id, "typ": "JWT"}), &json!(self.claims()))
    }

    async fn send(&self, token: &str) -> Result<VerifiedActivity, Unverified> {
        self.verifier.admit(request(&format!("Bearer {token}"), &activity())).await
    }

    async fn verdict(&self, token: &str) -> Result<(), Unverified> {
        self.send(token).await.map(|_| ())
    }

    /// How often each document was asked for; both, because each fetch takes both.
    fn fetches(&self) -> (u64, u64) {
        (self.connector.metadata_fetches(), self.connector.key_fetches())
    }

    fn counted(&self, line: &str) -> bool {
        self.metrics.render().lines().any(|rendered| rendered.starts_with(line))
    }
}

fn activity() -> Value {
    json!({"type": "message", "id": "1", "channelId": "msteams", "serviceUrl": SERVICE_URL})
}

fn request(authorization: &str, body: &Value) -> Request {
    Request::post("/api/messages")
        .header(AUTHORIZATION, authorization)
        .body(Body::from(body.to_string()))
        .unwrap()
}

/// Waits until `condition` holds, letting everything else go on meanwhile.
async fn until(condition: impl Fn() -> bool) {
    let patience = Duration::from_secs(20);
    let holds = async {
        while !condition() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(patience, holds).await.unwrap();
}
