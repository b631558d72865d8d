//! The stand-in held against the contract, over HTTP.

mod callback;
mod happy;
mod minting;
mod operation;
mod resources;

use std::sync::Arc;

use axum::http::Method;
use jiff::Timestamp;
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::*;
use crate::{Browser, Page};
use connect_clock::ManualClock;

const START: &str = "2026-08-20T10:00:00Z";

/// A stand-in with a Slack workspace, a Teams tenant and Ada, and a client that has the key.
pub(super) struct Bench {
    pub(super) novu: Novu,
    pub(super) clock: ManualClock,
    pub(super) client: reqwest::Client,
}

/// An answer: its status, its headers and its JSON.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: reqwest::header::HeaderMap,
    pub(super) body: Value,
}

impl Bench {
    pub(super) async fn new() -> Self {
        Self::with(Options::default()).await
    }

    pub(super) async fn with(options: Options) -> Self {
        let clock = ManualClock::new(START.parse::<Timestamp>().unwrap());
        let novu = Novu::start(Arc::new(clock.clone()), options).await.unwrap();
        novu.add_integration(Integration::slack("slack", "111.222", "slack-secret"));
        novu.add_integration(Integration::teams("teams", "app-1", "teams-secret", "tenant-home"));
        novu.add_integration(Integration::bare("discord", "discord"));
        novu.add_subscriber("ada", Profile::with_email("ada@example.com"));
        novu.add_connection(NewConnection {
            identifier: "acme".to_owned(),
            integration: "slack".to_owned(),
            workspace: Workspace { id: "T1".to_owned(), ..Workspace::default() },
            access_token: "xoxb-1".to_owned(),
            ..NewConnection::default()
        })
        .unwrap();
        Self { novu, clock, client: crate::transport::client().unwrap() }
    }

    pub(super) async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Answer {
        let request = self
            .client
            .request(method, format!("{}{path}", self.novu.url()))
            .header("authorization", format!("ApiKey {}", self.novu.api_key()));
        let request = body.into_iter().fold(request, reqwest::RequestBuilder::json);
        answer(request.send().await.unwrap()).await
    }

    pub(super) async fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path, None).await
    }

    pub(super) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.call(Method::POST, path, Some(body)).await
    }

    pub(super) fn clock_millis(&self) -> i64 {
        connect_clock::Clock::now(&self.clock).as_millisecond()
    }

    /// Mints a personal Slack link for Ada.
    pub(super) async fn slack_link(&self) -> String {
        let body = json!({
            "subscriberId": "ada", "integrationIdentifier": "slack", "connectionIdentifier": "acme",
        });
        let minted = self.post(LINK, &body).await;
        minted.body["data"]["url"].as_str().unwrap().to_owned()
    }

    /// Takes the short cut through the provider.
    pub(super) async fn hop(&self, hop: &str, link: &str, query: &str) -> Page {
        let state = parameter(link, "state");
        let url = format!("{}{hop}?state={state}&{query}", self.novu.url());
        Browser::new().unwrap().open(&url).await.unwrap()
    }
}

pub(super) const LINK: &str = "/v1/integrations/channel-endpoints/oauth";
pub(super) const CONNECT: &str = "/v1/integrations/channel-connections/oauth";

pub(super) async fn answer(response: reqwest::Response) -> Answer {
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let text = response.text().await.unwrap();
    Answer { status, headers, body: serde_json::from_str(&text).unwrap_or_default() }
}

pub(super) fn parameter(url: &str, name: &str) -> String {
    let url = url::Url::parse(url).unwrap();
    let found = url.query_pairs().find(|(key, _)| key == name).unwrap();
    found.1.into_owned()
}

pub(super) fn message(page: &Page) -> String {
    let body: Value = serde_json::from_str(&page.body).unwrap();
    body["message"].as_str().unwrap().to_owned()
}

pub(super) const OK: StatusCode = StatusCode::OK;
