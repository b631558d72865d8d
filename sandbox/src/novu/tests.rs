//! Limits, faults and what expires, over HTTP. The answers themselves are held against a recording in
//! `tests/observed`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::http::Method;
use jiff::Timestamp;
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::*;
use crate::transport::read_limited;
use crate::{Effect, Failure, Fault, Hold, Route};
use connect_clock::ManualClock;

const START: &str = "2026-08-20T10:00:00Z";

/// A stand-in with a Slack workspace, a Teams tenant and Ada, and a client that has the key.
struct Bench {
    novu: Novu,
    clock: ManualClock,
    client: reqwest::Client,
}

/// An answer: its status, its headers and its JSON.
struct Answer {
    status: u16,
    headers: reqwest::header::HeaderMap,
    body: Value,
}

impl Bench {
    async fn new() -> Self {
        Self::with(Options::default()).await
    }

    async fn with(options: Options) -> Self {
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

    async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Answer {
        let request = self
            .client
            .request(method, format!("{}{path}", self.novu.url()))
            .header("authorization", format!("ApiKey {}", self.novu.api_key()));
        let request = body.into_iter().fold(request, reqwest::RequestBuilder::json);
        answer(request.send().await.unwrap()).await
    }

    async fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path, None).await
    }

    async fn post(&self, path: &str, body: &Value) -> Answer {
        self.call(Method::POST, path, Some(body)).await
    }
}

const LINK: &str = "/v1/integrations/channel-endpoints/oauth";

async fn answer(response: reqwest::Response) -> Answer {
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let text = response.text().await.unwrap();
    Answer { status, headers, body: serde_json::from_str(&text).unwrap_or_default() }
}

fn parameter(url: &str, name: &str) -> String {
    let url = url::Url::parse(url).unwrap();
    let found = url.query_pairs().find(|(key, _)| key == name).unwrap();
    found.1.into_owned()
}

fn mint_body() -> Value {
    json!({ "subscriberId": "ada", "integrationIdentifier": "slack" })
}

impl Bench {
    /// Minting as it looks to a client: the answer, or what became of it.
    async fn try_mint(&self) -> Result<reqwest::Response, reqwest::Error> {
        let request = self.client.post(format!("{}{LINK}", self.novu.url()));
        let key = format!("ApiKey {}", self.novu.api_key());
        request.header("authorization", key).json(&mint_body()).send().await
    }
}

#[tokio::test]
async fn limits_are_announced_and_kept() {
    let bench = Bench::with(Options { plan: Some(Plan::Free), ..Options::default() }).await;
    for left in (0..165).rev() {
        let minted = bench.post(LINK, &mint_body()).await;
        assert_eq!(minted.status, 201);
        assert_eq!(minted.headers["ratelimit-limit"], "150");
        assert_eq!(minted.headers["ratelimit-remaining"], left.to_string().as_str());
        assert_eq!(minted.headers["ratelimit-reset"], "1");
    }
    let refused = bench.post(LINK, &json!({})).await;
    assert_eq!(refused.status, 429, "the limit comes before the body's validation");
    assert_eq!(refused.headers["retry-after"], "1");
    assert_eq!(refused.body["message"], "API rate limit exceeded");
    assert_eq!(refused.body["ctx"], json!({}));
    assert_eq!(refused.body.get("error"), None);
    let listed = bench.get("/v1/channel-endpoints").await;
    assert_eq!(listed.status, 200);
    let policy = listed.headers["ratelimit-policy"].to_str().unwrap();
    assert!(policy.starts_with("100;w=5;burst=110;"), "{policy}");
    bench.clock.advance(Duration::from_millis(34));
    assert_eq!(bench.post(LINK, &mint_body()).await.status, 201);
}

#[tokio::test]
async fn a_state_is_good_for_five_minutes() {
    let bench = Bench::new().await;
    let minted = bench.post(LINK, &mint_body()).await;
    let state = parameter(minted.body["data"]["url"].as_str().unwrap(), "state");
    let callback = format!("/v1/integrations/chat/oauth/callback?state={state}&code=none");
    assert_eq!(bench.get(&callback).await.body["message"], "Slack OAuth error: invalid_code");
    bench.clock.advance(Duration::from_secs(301));
    assert_eq!(bench.get(&callback).await.body["message"], "Invalid OAuth state parameter");
}

#[tokio::test]
async fn statuses_come_in_novus_envelope_and_only_so_often() {
    let bench = Bench::new().await;
    let throttled = Effect::Fail(Failure::throttled(3));
    bench.novu.fault(Fault::new(Route::post(LINK), throttled).times(1));
    let refused = bench.post(LINK, &mint_body()).await;
    assert_eq!((refused.status, &refused.headers["retry-after"]), (429, &"3".parse().unwrap()));
    assert_eq!(refused.body["message"], "API rate limit exceeded");
    assert_eq!(bench.post(LINK, &mint_body()).await.status, 201);
    let broken = Effect::status(StatusCode::INTERNAL_SERVER_ERROR);
    bench.novu.fault(Fault::new(Route::any(), broken));
    for _ in 0..3 {
        let refused = bench.get("/v2/subscribers/ada").await;
        assert!(refused.body["errorId"].is_string());
    }
    bench.novu.clear_faults();
    assert_eq!(bench.get("/v2/subscribers/ada").await.status, 200);
}

#[tokio::test]
async fn connections_break_and_bodies_are_spoilt() {
    let bench = Bench::new().await;
    let once = |effect| bench.novu.fault(Fault::new(Route::post(LINK), effect).times(1));
    once(Effect::Hangup);
    assert!(bench.try_mint().await.is_err());
    assert_eq!(bench.novu.count(&Method::POST, LINK), 1, "nobody asks again by itself");

    once(Effect::ProxyPage);
    let page = bench.try_mint().await.unwrap();
    assert_eq!(
        (page.status(), &page.headers()["content-type"]),
        (StatusCode::BAD_GATEWAY, &"text/html".parse().unwrap())
    );

    once(Effect::Truncated);
    let cut = bench.try_mint().await.unwrap();
    assert_eq!(cut.status(), StatusCode::CREATED);
    let text = cut.text().await.unwrap();
    assert!(text.starts_with("{\"data\":{\"url\":\"https://slack.com/"), "{text}");
    assert!(serde_json::from_str::<Value>(&text).is_err());

    once(Effect::WrongShape);
    let odd: Value = bench.try_mint().await.unwrap().json().await.unwrap();
    assert!(odd["data"].get("url").is_none());

    once(Effect::Huge(3_000_000));
    let huge = bench.try_mint().await.unwrap();
    assert_eq!(huge.content_length(), Some(3_000_000));
    assert!(read_limited(huge, 1_000_000).await.is_err());
}

#[tokio::test]
async fn answers_are_late_or_held_back() {
    let bench = Bench::new().await;
    let delay = Duration::from_millis(60);
    bench.novu.fault(Fault::new(Route::post(LINK), Effect::Slow(delay)).times(1));
    let asked = Instant::now();
    assert_eq!(bench.try_mint().await.unwrap().status(), StatusCode::CREATED);
    assert!(asked.elapsed() >= delay);

    let hold = Hold::new();
    bench.novu.fault(Fault::new(Route::post(LINK), Effect::Hold(hold.clone())));
    let bench = Arc::new(bench);
    let asking = tokio::spawn({
        let bench = Arc::clone(&bench);
        async move { bench.try_mint().await.unwrap().status() }
    });
    hold.reached(1).await;
    assert!(!asking.is_finished());
    hold.release();
    assert_eq!(asking.await.unwrap(), StatusCode::CREATED);
    assert_eq!(bench.try_mint().await.unwrap().status(), StatusCode::CREATED);
    assert_eq!(hold.arrived(), 2);
}

#[tokio::test]
async fn bodies_are_limited_and_parsed_before_anything_else() {
    let bench = Bench::new().await;
    let large = json!({ "subscriberId": "a".repeat(101 * 1024) });
    assert_eq!(bench.post(LINK, &large).await.status, 413);
    assert_eq!(bench.post("/v1/events/trigger", &large).await.status, 422);
    let request = bench.client.post(format!("{}{LINK}", bench.novu.url()));
    let request = request.header("content-type", "application/json").body("{not json");
    assert_eq!(request.send().await.unwrap().status(), StatusCode::BAD_REQUEST);
    let unknown = bench.get("/v1/nothing?x=1").await;
    assert_eq!(
        (unknown.status, &unknown.body["message"]),
        (404, &json!("Cannot GET /v1/nothing?x=1"))
    );
}

#[tokio::test]
async fn a_dropped_stand_in_is_gone() {
    let bench = Bench::new().await;
    let url = format!("{}/v1/integrations", bench.novu.url());
    let held = bench.get("/v1/integrations").await;
    assert_eq!(held.status, 200);
    drop(bench.novu);
    let gone = async {
        while bench.client.get(&url).send().await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), gone).await.unwrap();
}

#[tokio::test]
async fn nothing_is_kept_where_that_is_switched_off() {
    let bench = Bench::with(Options { record: false, ..Options::default() }).await;
    bench.post(LINK, &mint_body()).await;
    assert!(bench.novu.requests().is_empty());
    assert_eq!(bench.novu.count(&Method::POST, LINK), 1);
}
