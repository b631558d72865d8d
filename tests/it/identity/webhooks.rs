//! A webhook that gives another answer than the documented ones is ill, and nobody takes over from it.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use novu_connect_bot::signing::SigningKey;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::{CHAIN, CREATE, knows, minted_for};
use crate::bot::{ADA, Bot, TEAM, email};

const PAGE: &str = "<html><title>404 page of an ingress</title>canary-page</html>";

/// An endpoint that always answers the same.
async fn endpoint(status: u16, kind: &'static str, body: &'static str) -> String {
    let status = StatusCode::from_u16(status).unwrap();
    let answer = async move || (status, [(CONTENT_TYPE, kind)], body);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/who", listener.local_addr().unwrap());
    let router = Router::new().route("/who", post(answer));
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

async fn with_a_template_behind(url: &str) -> Bot {
    Bot::start_with(&[
        (CHAIN, "webhook,template"),
        ("CONNECT_IDENTITY__WEBHOOK_URL", url),
        ("CONNECT_IDENTITY__WEBHOOK_SECRET", "canary-webhook-secret-that-is-long-enough"),
    ])
    .await
}

#[tokio::test]
async fn only_a_204_hands_a_person_on_to_the_next_resolver() {
    let bot = with_a_template_behind(&endpoint(204, "text/plain", "").await).await;
    bot.command(ADA, "").await.link();
    assert_eq!(bot.novu.subscribers()[0].subscriber_id, format!("slack:{TEAM}:{ADA}"));
}

#[tokio::test]
async fn whatever_is_not_a_documented_answer_makes_nobody_a_new_subscriber() {
    let cases = [
        (500, "text/plain", "", "bad_status"),
        (302, "text/plain", "", "bad_status"),
        (404, "text/html", PAGE, "bad_status"),
        (202, "application/json", "{}", "bad_status"),
        (200, "text/html", PAGE, "not_json"),
        (200, "application/json", "[]", "no_object"),
        (200, "application/json", r#"{"subscriber":"canary-ada"}"#, "bad_field"),
    ];
    for (status, kind, body, problem) in cases {
        let bot = with_a_template_behind(&endpoint(status, kind, body).await).await;
        assert_eq!(bot.command(ADA, "").await.code(), "C-WEBHOOK-DOWN", "{status} {body}");
        assert_eq!(bot.novu.subscribers().len(), 0, "{status} {body}");
        assert_eq!(bot.mints().len(), 0, "{status} {body}");
        let figures = bot.ops("/metrics").await.body;
        let outcome = format!("operation=\"resolve\",outcome=\"{problem}\"");
        assert!(figures.contains(&outcome), "{status} {body}");
    }
}

/// An operator's endpoint that keeps what it is asked and answers what it is told to.
struct Profiles {
    url: String,
    asked: Arc<Mutex<Vec<(HeaderMap, Bytes)>>>,
    answer: Arc<Mutex<(StatusCode, String)>>,
}

impl Profiles {
    async fn start() -> Self {
        let asked: Arc<Mutex<Vec<(HeaderMap, Bytes)>>> = Arc::default();
        let answer = Arc::new(Mutex::new((StatusCode::NO_CONTENT, String::new())));
        let handler = {
            let (asked, answer) = (Arc::clone(&asked), Arc::clone(&answer));
            async move |headers: HeaderMap, body: Bytes| {
                asked.lock().unwrap().push((headers, body));
                answer.lock().unwrap().clone()
            }
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/who", listener.local_addr().unwrap());
        let router = Router::new().route("/who", post(handler));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, asked, answer }
    }

    fn answers(&self, status: u16, body: &str) {
        *self.answer.lock().unwrap() = (StatusCode::from_u16(status).unwrap(), body.to_owned());
    }
}

async fn by_webhook(profiles: &Profiles) -> Bot {
    Bot::start_with(&[
        (CHAIN, "webhook"),
        (CREATE, "webhook"),
        ("CONNECT_IDENTITY__WEBHOOK_URL", &profiles.url),
        ("CONNECT_IDENTITY__WEBHOOK_SECRET", "canary-webhook-secret-that-is-long-enough"),
    ])
    .await
}

#[tokio::test]
async fn a_webhook_is_asked_with_a_signature_and_names_the_subscriber() {
    let profiles = Profiles::start().await;
    let bot = by_webhook(&profiles).await;
    profiles.answers(200, r#"{"subscriberId":"ada-42","profile":{"firstName":"Countess"}}"#);
    bot.command(ADA, "").await.link();
    assert_eq!(minted_for(&bot), "ada-42");
    assert_eq!(bot.novu.subscribers()[0].profile.first_name.as_deref(), Some("Countess"));

    let asked = profiles.asked.lock().unwrap();
    let (headers, body) = &asked[0];
    let question: Value = serde_json::from_slice(body).unwrap();
    assert_eq!(
        question,
        json!({
            "platform": "slack", "workspace": TEAM, "enterprise": null, "user": ADA,
            "name": "Ada Lovelace", "locale": "en-GB", "kind": "member",
            "email": email(ADA), "emailConfirmed": true,
        })
    );
    let key = SigningKey::new(&"canary-webhook-secret-that-is-long-enough".into()).unwrap();
    let timestamp = headers["x-connect-request-timestamp"].as_bytes();
    let signature = headers["x-connect-signature"].to_str().unwrap();
    assert_eq!(signature, key.sign("v1", timestamp, body));
}

#[tokio::test]
async fn a_webhook_can_refuse_in_its_own_words_which_cannot_mention_anybody() {
    let profiles = Profiles::start().await;
    let bot = by_webhook(&profiles).await;
    profiles.answers(200, r#"{"refuse":{"message":"Contractors <!here> use the portal."}}"#);
    let reply = bot.command(ADA, "").await;
    assert_eq!(reply.code(), "C-WEBHOOK-REFUSED");
    assert!(
        reply.text().starts_with("Contractors &lt;!here&gt; use the portal."),
        "{}",
        reply.text()
    );
}

#[tokio::test]
async fn whom_the_last_resolver_does_not_know_gets_no_link() {
    let profiles = Profiles::start().await;
    let bot = by_webhook(&profiles).await;
    profiles.answers(204, "");
    assert_eq!(bot.command(ADA, "").await.code(), "C-IDENTITY");
    assert_eq!(bot.mints().len(), 0);
}

#[tokio::test]
async fn a_webhook_chooses_among_the_connections_of_the_workspace_by_context() {
    let profiles = Profiles::start().await;
    let bot = by_webhook(&profiles).await;
    bot.connect_workspace_in_context("acme-eu", TEAM, &["tenant:eu"]);
    knows(&bot, 2).await;
    profiles.answers(200, r#"{"subscriberId":"ada","context":{"tenant":"eu"}}"#);
    bot.command(ADA, "").await.link();
    let mint = bot.mints()[0].json();
    assert_eq!(mint["connectionIdentifier"], "acme-eu");
    assert_eq!(mint["context"], json!({"tenant": "eu"}));
    profiles.answers(200, r#"{"subscriberId":"ada","context":{"tenant":"us"}}"#);
    assert_eq!(bot.command(ADA, "").await.code(), "C-CONTEXT");
}
