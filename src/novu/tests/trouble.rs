//! What becomes of a call when Novu, or the way there, is in trouble.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;

use super::super::{EndpointFilter, Error, LinkUser, NewSubscriber, Novu, SubscriberId, Trigger};
use super::stub::{HALF, KEY, Reply, Setup, Stub, answer, answer_with};
use crate::net::Outgoing;

const SHORT: Duration = Duration::from_millis(400);

fn id(text: &str) -> SubscriberId {
    SubscriberId::new(text).unwrap()
}

fn short() -> Setup {
    Setup { timeout: SHORT, ..Setup::default() }
}

async fn get(novu: &Novu) -> Result<(), Error> {
    novu.get_subscriber(&id("ada")).await.map(|_| ())
}

async fn mint(novu: &Novu) -> Result<(), Error> {
    let request = LinkUser {
        subscriber: id("ada"),
        integration: "slack-main".to_owned(),
        connection: None,
        context: None,
        user_scope: None,
        idempotency_key: None,
    };
    novu.mint_link_user_url(&request).await.map(|_| ())
}

async fn create(novu: &Novu) -> Result<(), Error> {
    novu.create_subscriber(&NewSubscriber::new(id("ada"))).await.map(|_| ())
}

async fn delete(novu: &Novu) -> Result<(), Error> {
    novu.delete_channel_endpoint("x").await.map(|_| ())
}

async fn trigger(novu: &Novu) -> Result<(), Error> {
    let event = Trigger {
        workflow: "hello".to_owned(),
        to: id("ada"),
        payload: serde_json::Map::new(),
        context: None,
        transaction_id: None,
    };
    novu.trigger_event(&event, Some("key")).await.map(|_| ())
}

fn ada() -> Reply {
    answer(200, &json!({"data": {"subscriberId": "ada"}}))
}

const UNAVAILABLE: Error = Error::Unavailable { retry_after: None };

#[tokio::test]
async fn silence_ends_with_the_time_limit_and_is_not_repeated() {
    for reply in [Reply::Silence, Reply::HalfThenSilence(200, HALF)] {
        let stub = Stub::start_with(short(), [reply]).await;
        let started = Instant::now();
        assert_eq!(get(&stub.novu).await, Err(Error::TimedOut));
        assert!(started.elapsed() >= SHORT);
        assert_eq!(stub.count(), 1);
    }
}

#[tokio::test]
async fn the_time_limit_bounds_both_attempts_together() {
    let stub = Stub::start_with(short(), [answer(503, &""), Reply::Silence]).await;
    let started = Instant::now();
    assert_eq!(mint(&stub.novu).await, Err(Error::TimedOut));
    // Were each attempt given the full time, this would take twice as long as the first one had left.
    assert!(started.elapsed() < SHORT * 2);
    assert_eq!(stub.count(), 2);
}

#[tokio::test]
async fn a_broken_connection_is_repeated_once_where_that_is_harmless() {
    let stub = Stub::start([Reply::Reset]).await;
    assert_eq!(get(&stub.novu).await, Err(UNAVAILABLE));
    assert_eq!(stub.count(), 2);
    assert_eq!(mint(&stub.novu).await, Err(UNAVAILABLE));
    assert_eq!(stub.count(), 4);
    assert_eq!(create(&stub.novu).await, Err(UNAVAILABLE));
    assert_eq!(stub.count(), 5);
    assert_eq!(delete(&stub.novu).await, Err(UNAVAILABLE));
    assert_eq!(stub.count(), 6);
    assert_eq!(trigger(&stub.novu).await, Err(UNAVAILABLE));
    assert_eq!(stub.count(), 7);
}

#[tokio::test]
async fn a_body_that_breaks_off_is_a_broken_connection() {
    let stub = Stub::start([Reply::HalfThenReset(200, HALF), ada()]).await;
    assert_eq!(get(&stub.novu).await, Ok(()));
    assert_eq!(stub.count(), 2);

    let stub = Stub::start([Reply::HalfThenReset(200, HALF)]).await;
    assert_eq!(create(&stub.novu).await, Err(UNAVAILABLE));
    assert_eq!(stub.count(), 1);
}

#[tokio::test]
async fn nobody_listening_is_unavailable() {
    let stub = Stub::start([ada()]).await;
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let settings = super::super::Settings {
        api_url: url::Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap(),
        api_key: secrecy::SecretString::from(KEY),
        timeout: Duration::from_secs(10),
        patience: Duration::from_secs(10),
        context_hmac: false,
        test_workflow: None,
    };
    drop(listener);
    let clock = Arc::new(stub.clock.clone());
    let http = crate::net::client().unwrap();
    let http = Outgoing::new(http, clock.clone(), stub.metrics.clone());
    let novu = Novu::new(settings, http, clock).unwrap();
    assert_eq!(get(&novu).await, Err(UNAVAILABLE));
}

#[tokio::test]
async fn a_failure_of_novus_is_repeated_once_where_that_is_harmless() {
    for status in [500, 502, 503, 504] {
        let stub = Stub::start([answer(status, &"<html>"), ada()]).await;
        assert_eq!(get(&stub.novu).await, Ok(()), "{status}");
        assert_eq!(stub.count(), 2);

        let stub = Stub::start([answer(status, &"")]).await;
        assert_eq!(mint(&stub.novu).await, Err(UNAVAILABLE), "{status}");
        assert_eq!(stub.count(), 2);
        for result in
            [create(&stub.novu).await, delete(&stub.novu).await, trigger(&stub.novu).await]
        {
            assert_eq!(result, Err(UNAVAILABLE), "{status}");
        }
        assert_eq!(stub.count(), 5);
    }
}

#[tokio::test]
async fn lasting_trouble_is_not_repeated() {
    for status in [400, 401, 403, 404, 409, 413, 422, 429] {
        let stub = Stub::start([answer(status, &"")]).await;
        assert!(get(&stub.novu).await.is_err(), "{status}");
        assert_eq!(stub.count(), 1, "{status}");
        assert!(mint(&stub.novu).await.is_err(), "{status}");
        assert_eq!(stub.count(), 2, "{status}");
    }
}

#[tokio::test]
async fn a_short_rate_limit_is_waited_for_on_the_clock() {
    let stub = Stub::start([answer_with(429, "retry-after", &1), ada()]).await;
    let call = tokio::spawn({
        let novu = stub.novu.clone();
        async move { get(&novu).await }
    });
    let started = Instant::now();
    while stub.count() < 1 {
        assert!(started.elapsed() < Duration::from_secs(5));
        tokio::task::yield_now().await;
    }
    assert!(!call.is_finished());
    while !call.is_finished() {
        assert!(started.elapsed() < Duration::from_secs(5));
        stub.clock.advance(Duration::from_millis(10));
        tokio::task::yield_now().await;
    }
    assert_eq!(call.await.unwrap(), Ok(()));
    assert_eq!(stub.count(), 2);
}

#[tokio::test]
async fn a_wait_that_is_too_long_is_left_to_the_caller() {
    let seconds = |n| Some(Duration::from_secs(n));
    let stub = Stub::start([answer_with(429, "retry-after", &120)]).await;
    assert_eq!(get(&stub.novu).await, Err(Error::Throttled { retry_after: seconds(120) }));
    // Nor does anybody else ask in vain.
    assert_eq!(delete(&stub.novu).await, Err(Error::Throttled { retry_after: seconds(120) }));
    assert_eq!(stub.count(), 1);
    let stub = Stub::start([answer_with(503, "retry-after", &30)]).await;
    assert_eq!(get(&stub.novu).await, Err(Error::Unavailable { retry_after: seconds(30) }));
    assert_eq!(stub.count(), 1);

    // One second would be short enough, but is more than the call has left.
    let stub = Stub::start_with(short(), [answer_with(429, "retry-after", &1)]).await;
    assert_eq!(get(&stub.novu).await, Err(Error::Throttled { retry_after: seconds(1) }));
    assert_eq!(stub.count(), 1);
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    for status in [301, 302, 303, 307, 308] {
        let stub = Stub::start([answer_with(status, "location", &"/v2/other")]).await;
        assert!(matches!(get(&stub.novu).await, Err(Error::Nonsense(_))));
        assert!(matches!(mint(&stub.novu).await, Err(Error::Nonsense(_))));
        assert_eq!(stub.count(), 2);
    }
}

#[tokio::test]
async fn an_answer_that_cannot_be_understood_makes_no_sense() {
    let bodies = [
        "",
        "<!doctype html><title>Sign in to the proxy</title>",
        r#"{"data":{"url":"https://slack.com/oau"#,
        r#"{"data":null}"#,
        r#"{"url":"https://slack.com/","subscriberId":"ada"}"#,
    ];
    for body in bodies {
        let stub = Stub::start([answer(200, &body)]).await;
        assert!(matches!(get(&stub.novu).await, Err(Error::Nonsense(_))), "{body}");
        assert!(matches!(mint(&stub.novu).await, Err(Error::Nonsense(_))), "{body}");
        let list = stub.novu.list_channel_endpoints(&EndpointFilter::default()).await;
        assert!(matches!(list, Err(Error::Nonsense(_))), "{body}");
        assert_eq!(stub.count(), 3);
    }
}

#[tokio::test]
async fn a_huge_answer_is_not_read_to_its_end() {
    let of_size = |mebibytes: usize| {
        let filler = "x".repeat(mebibytes << 20);
        answer(200, &json!({"data": [{"identifier": "e", "filler": filler}]}))
    };
    let stub = Stub::start([of_size(2)]).await;
    assert_eq!(get(&stub.novu).await, Err(Error::Nonsense("it is too large")));
    let list = stub.novu.list_channel_endpoints(&EndpointFilter::default()).await;
    assert_eq!(list.unwrap().items.len(), 1);

    let stub = Stub::start([of_size(4)]).await;
    let list = stub.novu.list_channel_endpoints(&EndpointFilter::default()).await;
    assert_eq!(list, Err(Error::Nonsense("it is too large")));
}

#[tokio::test]
async fn a_refusal_counts_even_without_a_readable_reason() {
    let stub = Stub::start([answer(422, &"x".repeat(2 << 20))]).await;
    assert_eq!(get(&stub.novu).await, Err(Error::Rejected { status: 422, message: String::new() }));
}

#[tokio::test]
async fn every_call_is_counted_by_its_outcome() {
    let stub = Stub::start([ada(), answer(401, &""), answer(200, &"<html>")]).await;
    let _ = get(&stub.novu).await;
    let _ = get(&stub.novu).await;
    let _ = mint(&stub.novu).await;
    let text = stub.metrics.render();
    for (operation, outcome) in
        [("get_subscriber", "ok"), ("get_subscriber", "bad_key"), ("mint_link_user", "nonsense")]
    {
        let line = format!(
            r#"connect_upstream_seconds_count{{upstream="novu",operation="{operation}",outcome="{outcome}"}} 1"#
        );
        assert!(text.contains(&line), "{text}");
    }
}
