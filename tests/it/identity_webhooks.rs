//! A webhook that gives another answer than the documented ones is ill, and nobody takes over from it.

use axum::Router;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::routing::post;
use tokio::net::TcpListener;

use crate::bot::{ADA, Bot, TEAM};

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
        ("CONNECT_IDENTITY__CHAIN", "webhook,template"),
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
        (404, "text/html", PAGE, "bad_status"),
        (404, "application/json", "{}", "bad_status"),
        (202, "application/json", "{}", "bad_status"),
        (200, "text/html", PAGE, "not_json"),
        (200, "application/json", "", "not_json"),
        (200, "application/json", "[]", "no_object"),
        (200, "application/json", "{}", "bad_field"),
        (200, "application/json", r#"{"subscriberId":null}"#, "bad_field"),
        (200, "application/json", r#"{"subscriberId":42}"#, "bad_field"),
        (200, "application/json", r#"{"subscriber":"canary-ada"}"#, "bad_field"),
        (200, "application/json", r#"{"refuse":"canary-no"}"#, "bad_field"),
        (200, "application/json", r#"{"subscriberId":"a","context":"canary-eu"}"#, "bad_field"),
    ];
    for (status, kind, body, problem) in cases {
        let bot = with_a_template_behind(&endpoint(status, kind, body).await).await;
        assert_eq!(bot.command(ADA, "").await.code(), "C-WEBHOOK-DOWN", "{status} {body}");
        assert_eq!(bot.novu.subscribers().len(), 0, "{status} {body}");
        let figures = bot.ops("/metrics").await.body;
        let outcome = format!("operation=\"resolve\",outcome=\"{problem}\"");
        assert!(figures.contains(&outcome), "{status} {body}");
    }
}
