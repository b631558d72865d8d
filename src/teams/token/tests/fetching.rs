//! When keys are fetched, and what happens when they cannot be.

use axum::http::StatusCode;
use futures_util::future::join_all;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::net::{HostAllowlist, Subdomains};
use connect_sandbox::bot_connector::Fault;

const UNKNOWN: Result<(), Unverified> = Err(Unverified::UnknownKey);

/// Keeps the keys fresh in the background.
fn run(scene: &Scene) -> CancellationToken {
    let stop = CancellationToken::new();
    let (verifier, token) = (Arc::clone(&scene.verifier), stop.clone());
    tokio::spawn(async move { verifier.run(token).await });
    stop
}

/// Longer than any test's clock runs, unless it is moved by just this.
const NEVER: Duration = Duration::from_hours(24 * 365 * 100);

/// Moves the clock until `condition` holds: more than once if a sleep begins only after a move,
/// but with time in between for what a move sets going.
async fn push(scene: &Scene, step: Duration, condition: impl Fn() -> bool) {
    let polls = std::cell::Cell::new(0_u32);
    until(|| {
        if polls.replace(polls.get() + 1).is_multiple_of(1000) {
            scene.clock.advance(step);
        }
        condition()
    })
    .await;
}

#[tokio::test]
async fn keys_are_rotated_without_a_restart() {
    let scene = Scene::new().await;
    let old = scene.token();
    assert_eq!(scene.verdict(&old).await, Ok(()));
    scene.clock.advance(Duration::from_mins(5));
    scene.connector.rotate().unwrap();
    assert_eq!(scene.verdict(&old).await, Ok(()), "nobody knows yet");
    assert_eq!(scene.verdict(&scene.token()).await, Ok(()));
    assert_eq!(scene.verdict(&old).await, UNKNOWN, "the old key is withdrawn");
    assert_eq!(scene.fetches(), (2, 2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_first_requests_make_one_fetch() {
    let scene = Scene::new().await;
    let token = scene.token();
    let requests = (0..100).map(|_| {
        let (verifier, authorization) = (Arc::clone(&scene.verifier), format!("Bearer {token}"));
        tokio::spawn(async move { verifier.admit(request(&authorization, &activity())).await })
    });
    for outcome in join_all(requests).await {
        outcome.unwrap().unwrap();
    }
    assert_eq!(scene.fetches(), (1, 1));
}

#[tokio::test]
async fn first_requests_wait_for_the_fetch_of_the_start() {
    let scene = Scene::new().await;
    let stop = run(&scene);
    let token = scene.token();
    let outcomes = join_all((0..100).map(|_| scene.verdict(&token))).await;
    assert!(outcomes.iter().all(Result::is_ok));
    assert_eq!(scene.fetches(), (1, 1));
    stop.cancel();
}

#[tokio::test]
async fn whoever_looked_before_a_fetch_ended_finds_its_keys() {
    let scene = Scene::new().await;
    let before = scene.verifier.keys.current();
    let stop = run(&scene);
    until(|| scene.verifier.trouble().is_none()).await;
    let newer = scene.verifier.keys.newer_than(&before).await;
    assert!(newer.find(&scene.connector.key_id()).is_some());
    assert_eq!(scene.fetches(), (1, 1));
    stop.cancel();
}

#[tokio::test]
async fn two_hundred_unknown_keys_make_one_fetch() {
    let scene = Scene::new().await;
    let stop = run(&scene);
    until(|| scene.verifier.trouble().is_none()).await;
    let tokens: Vec<_> =
        (0..200).map(|number| scene.token_of_unknown_key(&format!("key-{number}"))).collect();
    let (at_once, in_turn) = tokens.split_at(100);
    let outcomes = join_all(at_once.iter().map(|token| scene.verdict(token))).await;
    assert!(outcomes.iter().all(|outcome| *outcome == UNKNOWN));
    for token in in_turn {
        assert_eq!(scene.verdict(token).await, UNKNOWN);
    }
    assert_eq!(scene.fetches(), (2, 2));
    scene.clock.advance(Duration::from_secs(299));
    assert_eq!(scene.verdict(&tokens[0]).await, UNKNOWN);
    assert_eq!(scene.fetches(), (2, 2));
    scene.clock.advance(Duration::from_secs(1));
    assert_eq!(scene.verdict(&tokens[0]).await, UNKNOWN);
    assert_eq!(scene.fetches(), (3, 3));
    assert_eq!(scene.verdict(&scene.token()).await, Ok(()), "the known key suffers nothing");
    stop.cancel();
}

#[tokio::test]
async fn hopeless_tokens_make_no_fetch() {
    let scene = Scene::new().await;
    let with = |name: &str, value: Value| {
        let mut claims = json!(scene.claims());
        claims[name] = value;
        scene.sign(&claims)
    };
    let header = |header: Value| scene.connector.sign(&header, &json!(scene.claims()));
    for token in [
        "x.y.z".to_owned(),
        format!("{}x", scene.token_of_unknown_key("k")),
        header(json!({"alg": "RS256"})),
        header(json!({"alg": "none", "kid": "k"})),
        header(json!({"alg": "RS512", "kid": "k"})),
        header(json!({"alg": "RS256", "kid": "k", "jku": "https://evil.example/"})),
        with("iss", json!("https://api.botframework.us")),
        with("aud", json!("other")),
        with("exp", json!(1_000_000_000)),
        with("nbf", json!(4_000_000_000_i64)),
        with("serviceurl", Value::Null),
    ] {
        scene.verdict(&token).await.unwrap_err();
    }
    assert_eq!(scene.fetches(), (0, 0));
    assert_eq!(scene.verifier.trouble(), Some("not_read_yet"));
}

#[tokio::test]
async fn without_keys_everything_is_refused_until_they_come() {
    let faults = [
        (Fault::Status(StatusCode::INTERNAL_SERVER_ERROR), "rejected"),
        (Fault::Status(StatusCode::NO_CONTENT), "rejected"),
        (Fault::Redirect, "rejected"),
        (Fault::Nonsense, "nonsense"),
        (Fault::Flood, "too_large"),
        (Fault::NoKeys, "no_keys"),
    ];
    let scene = Scene::new().await;
    for (fault, code) in faults {
        scene.connector.fail(Some(fault));
        let before = scene.connector.metadata_fetches();
        assert_eq!(scene.verdict(&scene.token()).await, UNKNOWN, "{fault:?}");
        assert_eq!(scene.verdict(&scene.token()).await, UNKNOWN, "{fault:?}");
        assert_eq!(scene.verifier.trouble(), Some(code), "{fault:?}");
        assert_eq!(scene.connector.metadata_fetches(), before + 1, "{fault:?}: not again at once");
        assert!(scene.counted(&format!(
            r#"connect_upstream_seconds_count{{upstream="bot_connector",operation="keys",outcome="{code}"}}"#
        )));
        scene.clock.advance(Duration::from_secs(10));
    }
    scene.connector.fail(None);
    assert_eq!(scene.verdict(&scene.token()).await, Ok(()));
    assert_eq!(scene.verifier.trouble(), None);
}

#[tokio::test]
async fn an_answer_that_never_comes_is_not_waited_for() {
    let scene = Scene::with(|settings| settings.pacing.fetch_time = Duration::from_millis(50));
    let scene = scene.await;
    scene.connector.fail(Some(Fault::Silence));
    assert_eq!(scene.verdict(&scene.token()).await, UNKNOWN);
    assert_eq!(scene.verifier.trouble(), Some("timed_out"));
}

#[tokio::test]
async fn an_address_where_nobody_listens_is_survived() {
    let nobody = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}/", listener.local_addr().unwrap())
    };
    let scene = Scene::with(|settings| settings.metadata_url = nobody.parse().unwrap()).await;
    assert_eq!(scene.verdict(&scene.token()).await, UNKNOWN);
    assert_eq!(scene.verifier.trouble(), Some("unreachable"));
}

#[tokio::test]
async fn the_background_heals_the_start_without_any_request() {
    let scene = Scene::with(|settings| {
        settings.pacing.refresh_every = NEVER;
        settings.pacing.unknown_key_every = NEVER;
    })
    .await;
    scene.connector.fail(Some(Fault::Status(StatusCode::SERVICE_UNAVAILABLE)));
    let stop = run(&scene);
    until(|| scene.verifier.trouble() == Some("rejected")).await;
    scene.connector.fail(None);
    push(&scene, Duration::from_secs(10), || scene.verifier.trouble().is_none()).await;
    assert_eq!(scene.verdict(&scene.token()).await, Ok(()));
    stop.cancel();
}

#[tokio::test]
async fn the_background_does_not_wait_a_day_after_a_failure() {
    let scene = Scene::with(|settings| settings.pacing.refresh_every = NEVER).await;
    let stop = run(&scene);
    until(|| scene.verifier.trouble().is_none()).await;
    scene.connector.fail(Some(Fault::Status(StatusCode::SERVICE_UNAVAILABLE)));
    let failed = r#"connect_upstream_seconds_count{upstream="bot_connector",operation="keys",outcome="rejected"}"#;
    push(&scene, NEVER, || scene.connector.metadata_fetches() > 1).await;
    until(|| scene.counted(failed)).await;
    scene.connector.fail(None);
    push(&scene, Duration::from_mins(5), || scene.connector.key_fetches() > 1).await;
    stop.cancel();
}

#[tokio::test]
async fn old_keys_stay_while_newer_ones_cannot_be_fetched() {
    let scene = Scene::new().await;
    assert_eq!(scene.verdict(&scene.token()).await, Ok(()));
    for fault in [Fault::Status(StatusCode::BAD_GATEWAY), Fault::NoKeys, Fault::Nonsense] {
        scene.connector.fail(Some(fault));
        scene.clock.advance(Duration::from_mins(5));
        let before = scene.connector.metadata_fetches();
        assert_eq!(scene.verdict(&scene.token_of_unknown_key("new")).await, UNKNOWN);
        assert_eq!(scene.connector.metadata_fetches(), before + 1);
        assert_eq!(scene.verdict(&scene.token()).await, Ok(()), "{fault:?}");
        assert_eq!(scene.verifier.trouble(), None);
    }
}

#[tokio::test]
async fn while_keys_are_known_a_failure_brings_strangers_no_fetch_sooner() {
    let scene = Scene::new().await;
    assert_eq!(scene.verdict(&scene.token()).await, Ok(()));
    scene.clock.advance(Duration::from_mins(5));
    scene.connector.fail(Some(Fault::Status(StatusCode::BAD_GATEWAY)));
    assert_eq!(scene.verdict(&scene.token_of_unknown_key("k")).await, UNKNOWN);
    assert_eq!(scene.connector.metadata_fetches(), 2);
    for step in [10, 10, 270, 9] {
        scene.clock.advance(Duration::from_secs(step));
        assert_eq!(scene.verdict(&scene.token_of_unknown_key("k")).await, UNKNOWN);
    }
    assert_eq!(scene.connector.metadata_fetches(), 2);
    scene.clock.advance(Duration::from_secs(1));
    assert_eq!(scene.verdict(&scene.token_of_unknown_key("k")).await, UNKNOWN);
    assert_eq!(scene.connector.metadata_fetches(), 3);
}

#[tokio::test]
async fn keys_that_are_rotated_in_an_outage_are_believed_within_the_interval() {
    let scene = Scene::new().await;
    assert_eq!(scene.verdict(&scene.token()).await, Ok(()));
    scene.clock.advance(Duration::from_mins(5));
    scene.connector.fail(Some(Fault::Status(StatusCode::BAD_GATEWAY)));
    scene.connector.rotate().unwrap();
    assert_eq!(scene.verdict(&scene.token()).await, UNKNOWN);
    scene.connector.fail(None);
    scene.clock.advance(Duration::from_secs(299));
    assert_eq!(scene.verdict(&scene.token()).await, UNKNOWN);
    scene.clock.advance(Duration::from_secs(1));
    assert_eq!(scene.verdict(&scene.token()).await, Ok(()));
}

#[tokio::test]
async fn keys_that_are_rotated_in_an_outage_of_the_schedule_are_believed_at_once() {
    let scene = Scene::with(|settings| settings.pacing.refresh_every = NEVER).await;
    let stop = run(&scene);
    until(|| scene.verifier.trouble().is_none()).await;
    scene.connector.fail(Some(Fault::Status(StatusCode::BAD_GATEWAY)));
    let failed = r#"connect_upstream_seconds_count{upstream="bot_connector",operation="keys",outcome="rejected"}"#;
    push(&scene, NEVER, || scene.counted(failed)).await;
    stop.cancel();
    scene.connector.rotate().unwrap();
    scene.connector.fail(None);
    assert_eq!(scene.verdict(&scene.token()).await, Ok(()), "no stranger has asked before");
}

#[tokio::test]
async fn keys_are_fetched_anew_every_day() {
    let scene = Scene::new().await;
    let stop = run(&scene);
    until(|| scene.verifier.trouble().is_none()).await;
    assert_eq!(scene.verdict(&scene.token()).await, Ok(()));
    scene.connector.rotate().unwrap();
    push(&scene, Duration::from_hours(24), || scene.connector.key_fetches() > 1).await;
    let fetches = scene.fetches();
    assert_eq!(scene.verdict(&scene.token()).await, Ok(()));
    assert_eq!(scene.fetches(), fetches, "the new key was known before anybody asked");
    stop.cancel();
}

#[tokio::test]
async fn a_request_that_is_broken_off_does_not_begin_a_fetch_for_the_next() {
    let scene = Scene::new().await;
    let token = scene.token();
    for _ in 0..50 {
        let mut admission = Box::pin(scene.verdict(&token));
        assert!(futures_util::poll!(&mut admission).is_pending());
    }
    assert_eq!(scene.verdict(&token).await, Ok(()));
    assert_eq!(scene.fetches(), (1, 1));
}

#[tokio::test]
async fn keys_come_only_from_hosts_on_the_list() {
    let scene = Scene::new().await;
    let stranger = BotConnectorKeys::start(Arc::new(scene.clock.clone())).await.unwrap();
    let forged = stranger.token(&scene.claims());
    for address in [
        stranger.metadata_url().join("keys").unwrap().as_str(),
        "https://evil.example/keys",
        "http://login.botframework.com/keys",
        "file:///etc/passwd",
    ] {
        scene.connector.announce_keys_at(address);
        assert_eq!(scene.verdict(&forged).await, UNKNOWN, "{address}");
        assert_eq!(scene.verifier.trouble(), Some("host_refused"), "{address}");
        scene.clock.advance(Duration::from_secs(10));
    }
    assert_eq!(stranger.key_fetches(), 0);
}

#[tokio::test]
async fn the_list_of_hosts_can_be_given() {
    let elsewhere =
        BotConnectorKeys::start(Arc::new(ManualClock::new(jiff::Timestamp::UNIX_EPOCH)))
            .await
            .unwrap();
    let keys = elsewhere.metadata_url().join("keys").unwrap();
    let authority = format!("127.0.0.1:{}", keys.port().unwrap());
    let hosts = HostAllowlist::new([authority], Subdomains::Refused).unwrap();
    let scene = Scene::with(|settings| settings.key_hosts = Some(hosts)).await;
    scene.connector.announce_keys_at(keys.as_str());
    assert_eq!(scene.verdict(&elsewhere.token(&scene.claims())).await, Ok(()));
    assert_eq!((scene.fetches(), elsewhere.key_fetches()), ((1, 0), 1));
}
