//! What a call to Novu writes into the log, and what it does not.
//!
//! In a binary of its own: tracing remembers for each place in the code whether anybody listens,
//! for the whole process, so tests that run beside this one could make it deaf.

#![expect(clippy::unwrap_used, reason = "a test ends where it fails")]

use std::collections::VecDeque;
use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use novu_connect_bot::clock::SystemClock;
use novu_connect_bot::net::{self, Outgoing};
use novu_connect_bot::novu::{LinkUser, Novu, Settings, SubscriberId};
use serde_json::json;
use tokio::net::TcpListener;

const KEY: &str = "novu-test-secret";

/// Log lines, as a subscriber writes them.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A client of a server that gives these answers, one after the other.
async fn novu_that_answers(answers: impl IntoIterator<Item = (StatusCode, String)>) -> Novu {
    let answers = Arc::new(Mutex::new(answers.into_iter().collect::<VecDeque<_>>()));
    let next = async move || answers.lock().unwrap().pop_front().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let settings = Settings {
        api_url: format!("http://{}", listener.local_addr().unwrap()).parse().unwrap(),
        api_key: KEY.into(),
        timeout: Duration::from_secs(10),
        context_hmac: false,
    };
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(next)).await });
    let clock = Arc::new(SystemClock);
    let http = Outgoing::new(net::client().unwrap(), clock.clone(), Arc::default());
    Novu::new(settings, http, clock).unwrap()
}

#[tokio::test]
async fn logs_say_what_happened_and_nothing_secret() {
    let lines = Lines::default();
    let writer = lines.clone();
    tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .init();
    let novu = novu_that_answers([
        (
            StatusCode::CREATED,
            json!({"data": {"url": "https://slack.com/?state=hidden"}}).to_string(),
        ),
        (
            StatusCode::BAD_REQUEST,
            json!({"message": format!("key {KEY} of ada@example.com")}).to_string(),
        ),
    ])
    .await;
    let request = LinkUser {
        subscriber: SubscriberId::new("ada").unwrap(),
        integration: "slack-main".to_owned(),
        connection: None,
        context: None,
        user_scope: None,
        idempotency_key: None,
    };
    novu.mint_link_user_url(&request).await.unwrap();
    let error = novu.mint_link_user_url(&request).await.unwrap_err();

    let log = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    let warnings: Vec<_> = log.lines().filter(|line| line.contains("WARN")).collect();
    assert_eq!(warnings.len(), 1, "{log}");
    assert!(warnings[0].contains("mint_link_user") && warnings[0].contains("status 400"), "{log}");
    for secret in [KEY, "hidden", "example.com"] {
        assert!(!log.contains(secret), "{log}");
        assert!(!format!("{error} {error:?}").contains(secret), "{error:?}");
    }
}
