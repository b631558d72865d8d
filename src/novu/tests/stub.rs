//! A client of Novu, and the server that it talks to, which answers from a script.

use std::sync::Arc;
use std::time::Duration;

use connect_sandbox::Scripted;
pub(super) use connect_sandbox::{Recorded, Reply};
use secrecy::SecretString;
use url::Url;

use super::super::{Novu, Settings};
use crate::clock::ManualClock;
use crate::metrics::Metrics;
use crate::net::Outgoing;

pub(super) const KEY: &str = "novu-test-secret";

/// The beginning of a body that is never finished.
pub(super) const HALF: &str = r#"{"data":"#;

pub(super) fn answer(status: u16, body: &impl ToString) -> Reply {
    Reply::new(status, body)
}

pub(super) fn answer_with(status: u16, name: &'static str, value: &impl ToString) -> Reply {
    Reply::with_header(status, name, value)
}

/// The stub and a client that talks to it.
pub(super) struct Stub {
    pub(super) novu: Novu,
    pub(super) metrics: Arc<Metrics>,
    pub(super) clock: ManualClock,
    server: Scripted,
}

/// How a stub's client is set up.
pub(super) struct Setup {
    pub(super) timeout: Duration,
    pub(super) context_hmac: bool,
    pub(super) prefix: &'static str,
}

impl Default for Setup {
    fn default() -> Self {
        Self { timeout: Duration::from_secs(10), context_hmac: false, prefix: "" }
    }
}

impl Stub {
    pub(super) async fn start(replies: impl IntoIterator<Item = Reply>) -> Self {
        Self::start_with(Setup::default(), replies).await
    }

    pub(super) async fn start_with(setup: Setup, replies: impl IntoIterator<Item = Reply>) -> Self {
        let server = Scripted::start(replies).await.unwrap();
        let metrics = Arc::new(Metrics::new());
        let clock = ManualClock::new("2026-08-01T10:00:00Z".parse().unwrap());
        let settings = Settings {
            api_url: Url::parse(&format!("{}{}", server.url(), setup.prefix)).unwrap(),
            api_key: SecretString::from(KEY),
            timeout: setup.timeout,
            patience: setup.timeout,
            context_hmac: setup.context_hmac,
            test_workflow: None,
        };
        let http = crate::net::client().unwrap();
        let http = Outgoing::new(http, Arc::new(clock.clone()), metrics.clone());
        let novu = Novu::new(settings, http, Arc::new(clock.clone())).unwrap();
        Self { novu, metrics, clock, server }
    }

    /// How many requests have arrived since the last look.
    pub(super) fn count(&self) -> usize {
        self.server.count()
    }

    /// The only request that has arrived since the last look.
    pub(super) fn only_request(&self) -> Recorded {
        let mut seen = self.server.take_requests();
        assert_eq!(seen.len(), 1);
        seen.remove(0)
    }
}
