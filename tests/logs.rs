//! What a call to Novu writes into the log, and what it does not.
//!
//! In a binary of its own: tracing remembers for each place in the code whether anybody listens,
//! for the whole process, so tests that run beside this one could make it deaf.

#![expect(clippy::unwrap_used, reason = "a test ends where it fails")]

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use connect_sandbox::{Reply, Scripted};
use novu_connect_bot::clock::SystemClock;
use novu_connect_bot::net::{self, Outgoing};
use novu_connect_bot::novu::{LinkUser, Novu, Settings, SubscriberId};
use serde_json::json;

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

/// A client of that server.
fn client_of(server: &Scripted) -> Novu {
    let settings = Settings {
        api_url: server.url().parse().unwrap(),
        api_key: KEY.into(),
        timeout: Duration::from_secs(10),
        patience: Duration::from_secs(10),
        context_hmac: false,
        test_workflow: None,
    };
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
    let server = Scripted::start([
        Reply::new(201, &json!({"data": {"url": "https://slack.com/?state=hidden"}})),
        Reply::new(400, &json!({"message": format!("key {KEY} of ada@example.com")})),
    ])
    .await
    .unwrap();
    let novu = client_of(&server);
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
