//! Limits, idempotency and faults.

use std::time::{Duration, Instant};

use super::*;
use crate::transport::read_limited;
use crate::{Effect, Failure, Fault, Hold, Route};

fn mint_body() -> Value {
    json!({ "subscriberId": "ada", "integrationIdentifier": "slack" })
}

impl Bench {
    async fn keyed(&self, path: &str, key: &str, body: &Value) -> Answer {
        let request = self
            .client
            .post(format!("{}{path}", self.novu.url()))
            .header("authorization", format!("ApiKey {}", self.novu.api_key()))
            .header("idempotency-key", key)
            .json(body);
        answer(request.send().await.unwrap()).await
    }

    /// Minting as it looks to a client: the answer, or what became of it.
    async fn try_mint(&self) -> Result<reqwest::Response, reqwest::Error> {
        let request = self.client.post(format!("{}{LINK}", self.novu.url()));
        let key = format!("ApiKey {}", self.novu.api_key());
        request.header("authorization", key).json(&mint_body()).send().await
    }
}

#[tokio::test]
async fn limits_are_announced_and_kept() {
    let limits = RateLimits { global: 1, configuration: 20, trigger: 60, service_level: "free" };
    let bench = Bench::with(Options { rate_limits: Some(limits), ..Options::default() }).await;
    for left in (0..5).rev() {
        let minted = bench.post(LINK, &mint_body()).await;
        assert_eq!(minted.status, 201);
        assert_eq!(minted.headers["ratelimit-limit"], "5");
        assert_eq!(minted.headers["ratelimit-remaining"], left.to_string().as_str());
        assert_eq!(minted.headers["ratelimit-reset"], "5");
    }
    let refused = bench.post(LINK, &json!({})).await;
    assert_eq!(refused.status, 429, "the limit comes before the body's validation");
    assert_eq!(refused.headers["retry-after"], "5");
    assert_eq!(refused.body["message"], "API rate limit exceeded");
    assert_eq!(refused.body["ctx"], json!({}));
    assert_eq!(refused.body.get("error"), None);
    let listed = bench.get("/v1/channel-endpoints").await;
    assert_eq!(listed.status, 200);
    let policy = listed.headers["ratelimit-policy"].to_str().unwrap();
    assert!(policy.starts_with("100;w=5;burst=110;"), "{policy}");
    bench.clock.advance(Duration::from_secs(5));
    assert_eq!(bench.post(LINK, &mint_body()).await.status, 201);
}

#[tokio::test]
async fn idempotency_has_no_effect_by_default() {
    let bench = Bench::new().await;
    let body = json!({ "subscriberId": "grace" });
    let path = "/v2/subscribers?failIfExists=true";
    assert_eq!(bench.keyed(path, "k", &body).await.status, 201);
    let second = bench.keyed(path, "k", &body).await;
    assert_eq!(second.status, 409);
    assert!(second.headers.get("idempotency-key").is_none());
}

#[tokio::test]
async fn idempotent_successes_are_replayed_for_a_day() {
    let bench = Bench::with(Options { idempotency: true, ..Options::default() }).await;
    let body = json!({ "subscriberId": "grace" });
    let path = "/v2/subscribers?failIfExists=true";
    let first = bench.keyed(path, "k", &body).await;
    assert_eq!((first.status, &first.headers["idempotency-key"]), (201, &"k".parse().unwrap()));
    assert!(first.headers.get("idempotency-replay").is_none());
    let replay = bench.keyed(path, "k", &body).await;
    assert_eq!((replay.status, &replay.body), (201, &first.body));
    assert_eq!(replay.headers["idempotency-replay"], "true");
    let elsewhere = bench.keyed(LINK, "k", &body).await;
    assert_eq!(elsewhere.body, first.body, "the path is no part of the key");
    let other = bench.keyed(path, "k", &json!({ "subscriberId": "mary" })).await;
    assert_eq!(other.status, 422);
    assert_eq!(
        other.body["message"],
        "Request with key \"k\" is being reused for a different body"
    );
    assert_eq!(other.body.get("errors"), None);
    assert!(other.headers.contains_key("link"));
    let long = bench.keyed(path, &"k".repeat(256), &body).await;
    assert_eq!(long.status, 400);
    bench.clock.advance(Duration::from_hours(25));
    assert_eq!(bench.keyed(path, "k", &body).await.status, 409);
}

#[tokio::test]
async fn idempotent_errors_are_replayed_as_the_release_does() {
    for (release, status) in
        [(Release::v3_19(), 503), (Release::v3_19().with(Change::ErrorReplay), 404)]
    {
        let options = Options { idempotency: true, release, ..Options::default() };
        let bench = Bench::with(options).await;
        let body = json!({ "subscriberId": "ada", "integrationIdentifier": "none" });
        assert_eq!(bench.keyed(LINK, "k", &body).await.status, 404);
        let replay = bench.keyed(LINK, "k", &body).await;
        assert_eq!(replay.status, status);
        assert_eq!(replay.headers["idempotency-replay"], "true");
    }
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
