//! The service as it is reached from outside: requests to ourselves.

use std::time::Duration;

use reqwest::Method;
use tokio::sync::OnceCell;
use url::Url;

use crate::net::{Answered, Failure, Outgoing};

/// How long one request to ourselves may take: longer than Slack waits, so that it shows.
const TIMEOUT: Duration = Duration::from_secs(5);
/// The largest answer that is read, in bytes: more than our figures.
const LARGEST_ANSWER: usize = 1 << 20;
/// The service at `server.public_url`.
#[derive(Debug)]
pub(crate) struct Outside {
    url: Url,
    http: Outgoing,
    health: OnceCell<Result<Answered, Failure>>,
}

impl Outside {
    pub(super) fn new(url: Url, http: Outgoing) -> Self {
        Self { url, http, health: OnceCell::new() }
    }

    /// The address of a path.
    pub(crate) fn at(&self, path: &str) -> Url {
        let mut url = self.url.clone();
        url.set_path(path);
        url
    }

    /// Sends a request to ourselves.
    ///
    /// # Errors
    /// No answer came.
    pub(crate) async fn send(
        &self,
        operation: &'static str,
        method: Method,
        path: &str,
        prepare: impl FnOnce(reqwest::RequestBuilder) -> reqwest::RequestBuilder,
    ) -> Result<Answered, Failure> {
        let mut call = self.http.call("public_url", operation, TIMEOUT);
        let request = prepare(self.http.request(method, self.at(path)));
        let answer = call.send(request, LARGEST_ANSWER).await;
        match &answer {
            Ok(_) => call.ok(),
            Err(_) => call.failed("unreachable", None),
        }
        answer
    }

    /// Whether it is reached over TLS.
    pub(super) fn is_https(&self) -> bool {
        self.url.scheme() == "https"
    }

    /// What `/healthz` answered. Asked once.
    pub(super) async fn health(&self) -> &Result<Answered, Failure> {
        let ask = || self.send("healthz", Method::GET, "/healthz", |request| request);
        self.health.get_or_init(ask).await
    }
}
