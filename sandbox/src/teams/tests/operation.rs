//! Limits and faults.

use std::time::Duration;

use axum::http::StatusCode;

use super::*;
use crate::{Effect, Fault, Route};

#[tokio::test]
async fn the_limits_are_for_each_conversation_and_for_each_tenant() {
    let bench =
        Bench::with(Options { rate_limits: Some(RateLimits::teams()), ..Options::default() }).await;
    for _ in 0..7 {
        assert_eq!(bench.send(CHANNEL, &text("Hi")).await.status, 201);
    }
    let thread = format!("{CHANNEL};messageid=1");
    let throttled = bench.send(&thread, &text("Hi")).await;
    assert_eq!(throttled.refusal(), (429, "Throttled"));
    assert_eq!(throttled.headers["retry-after"], "1");
    assert_eq!(bench.send(GROUP, &text("Hi")).await.status, 201);
    assert_eq!(bench.get(&member(CHANNEL, ADA)).await.status, 200);
    bench.clock.advance(Duration::from_secs(1));
    assert_eq!(bench.send(CHANNEL, &text("Hi")).await.status, 201);
    let throttled = bench.send(CHANNEL, &text("Hi")).await;
    assert_eq!(throttled.refusal(), (429, "Throttled"), "eight in two seconds");

    bench.clock.advance(Duration::from_secs(2));
    for number in 0..14 {
        assert_eq!(bench.get(&member(CHANNEL, ADA)).await.status, 200);
        let chat = bench.open(ACME, &format!("oid-{number}")).await;
        assert_eq!(chat.status, 403, "what is refused for other reasons counts");
    }
    assert_eq!(bench.get(&member(CHANNEL, ADA)).await.status, 429, "fourteen in a second");
    assert_eq!(bench.send(GROUP, &text("Hi")).await.status, 201);
    assert_eq!(bench.send(GROUP, &text("Hi")).await.status, 201);
    assert_eq!(bench.send(GROUP, &text("Hi")).await.status, 429, "thirty in the tenant");
    bench.teams.limit(None);
    for _ in 0..10 {
        assert_eq!(bench.send(GROUP, &text("Hi")).await.status, 201);
    }
}

#[tokio::test]
async fn faults_speak_as_the_service_that_fails() {
    let bench = Bench::new().await;
    let throttled = Effect::Fail(Failure::throttled(7));
    bench.teams.fault(Fault::new(Route::post("/emea/v3/"), throttled.clone()).times(1));
    let refused = bench.send(GROUP, &text("Hi")).await;
    assert_eq!(refused.refusal(), (429, "Throttled"));
    assert_eq!(refused.headers["retry-after"], "7");
    assert_eq!(bench.send(GROUP, &text("Hi")).await.status, 201);
    for (status, code) in [
        (412, "PreconditionFailed"),
        (403, "BotNotInConversationRoster"),
        (413, "MessageSizeTooBig"),
        (502, "ServiceError"),
    ] {
        let effect = Effect::status(axum::http::StatusCode::from_u16(status).unwrap());
        bench.teams.fault(Fault::new(Route::path("/emea/"), effect).times(1));
        assert_eq!(bench.send(GROUP, &text("Hi")).await.refusal(), (status, code));
    }
    let home = bench.teams.options().home_tenant.clone();
    bench.teams.fault(Fault::new(Route::post(format!("/{home}/oauth2/")), throttled));
    let refused = bench.ask_token(&bench.teams.token_url(), &[]).await;
    assert_eq!((refused.status, &refused.body["error_codes"]), (429, &json!([90_033])));
    bench.teams.clear_faults();
    assert_eq!(bench.ask_token(&bench.teams.token_url(), &[]).await.status, 200);
}

#[tokio::test]
async fn requests_are_kept_and_counted() {
    let bench = Bench::new().await;
    let home = format!("/{}/oauth2/v2.0/token", bench.teams.options().home_tenant);
    assert_eq!(bench.teams.count(&Method::POST, &home), 1);
    bench.send(GROUP, &text("Hi")).await.id();
    let last = bench.teams.requests().pop().unwrap();
    assert_eq!(last.path(), "/emea/v3/conversations/19%3Alunch%40thread.v2/activities");
    assert_eq!(last.json(), text("Hi"));
    bench.teams.clear_requests();
    bench.teams.clear_messages();
    assert!(bench.teams.requests().is_empty() && bench.teams.messages().is_empty());

    let bench = Bench::with(Options { record: false, ..Options::default() }).await;
    let sent = bench.send(GROUP, &text("Hi")).await;
    let path = activity(GROUP, sent.id());
    assert_eq!(bench.call(Method::PUT, &path, Some(&text("Ho"))).await.status, 200);
    assert!(bench.teams.requests().is_empty() && bench.teams.messages().is_empty());
    assert_eq!(bench.teams.count(&Method::PUT, "/emea/"), 1);
}

#[tokio::test]
async fn another_region_is_another_service() {
    let bench = Bench::new().await;
    let url = format!("{}/amer/v3/conversations{}", bench.teams.url(), activities(GROUP));
    let request = bench.client.post(url).bearer_auth(&bench.token).json(&text("Hi"));
    assert_eq!(answer(request).await.status, 404);
}

#[tokio::test]
async fn one_value_of_an_answer_can_be_odd() {
    let bench = Bench::new().await;
    let token_path = format!("/{}/oauth2/v2.0/token", bench.teams.options().home_tenant);
    let spent = Effect::changed("/expires_in", 0);
    bench.teams.fault(Fault::new(Route::post(token_path), spent));
    let granted = bench.ask_token(&bench.teams.token_url(), &[]).await;
    assert_eq!((granted.status, &granted.body["expires_in"]), (200, &json!(0)));
    assert!(granted.body["access_token"].is_string());

    let blank = Effect::changed("/tenantId", "");
    bench.teams.fault(Fault::new(Route::get("/emea/v3/conversations"), blank).times(1));
    let chat = bench.teams.chat(ADA);
    let record = bench.get(&member(&chat, ADA)).await;
    assert_eq!((&record.body["tenantId"], &record.body["aadObjectId"]), (&json!(""), &json!(ADA)));
    assert_eq!(bench.get(&member(&chat, ADA)).await.body["tenantId"], ACME);
}

#[tokio::test]
async fn the_connector_is_ill_for_a_while_and_an_expired_secret_is_named() {
    let bench = Bench::new().await;
    let sends = || Route::post("/emea/v3/conversations");
    for (status, code) in [
        (502, "ServiceError"),
        (503, "ServiceError"),
        (504, "ServiceError"),
        (412, "PreconditionFailed"),
        (429, "Throttled"),
    ] {
        let ill = Effect::status(StatusCode::from_u16(status).unwrap());
        bench.teams.fault(Fault::new(sends(), ill).times(2));
        for _ in 0..2 {
            assert_eq!(bench.send(GROUP, &text("Hi")).await.refusal(), (status, code));
        }
        assert_eq!(bench.send(GROUP, &text("Hi")).await.status, 201);
    }
    bench.teams.expire_secret(true);
    let refused = bench.ask_token(&bench.teams.token_url(), &[]).await;
    assert_eq!((refused.status, &refused.body["error_codes"]), (401, &json!([7_000_222])));
}
