//! The token source against an Entra on loopback that answers from a script.

mod certificate;
pub(crate) mod pem;

use std::collections::VecDeque;

use axum::Router;
use axum::extract::State as AxumState;
use axum::http::StatusCode as HttpStatus;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use super::*;
use crate::clock::ManualClock;

/// Answers from a script, one permit of the gate an answer, and remembers what it was asked.
#[derive(Clone)]
struct Entra {
    replies: Arc<Mutex<VecDeque<(u16, Value)>>>,
    asked: Arc<Mutex<Vec<String>>>,
    gate: Arc<Semaphore>,
}

impl Entra {
    fn then(&self, status: u16, body: Value) {
        self.replies.lock().unwrap().push_back((status, body));
    }

    fn grants(&self, token: &str, seconds: u64) {
        self.then(200, json!({"access_token": token, "expires_in": seconds}));
    }

    fn asked(&self) -> usize {
        self.asked.lock().unwrap().len()
    }
}

async fn answer(AxumState(entra): AxumState<Entra>, body: String) -> (HttpStatus, String) {
    entra.asked.lock().unwrap().push(body);
    entra.gate.acquire().await.unwrap().forget();
    let (status, body) = entra.replies.lock().unwrap().pop_front().unwrap();
    (HttpStatus::from_u16(status).unwrap(), body.to_string())
}

async fn start() -> (Entra, ManualClock, Arc<TokenSource>) {
    start_with(Proof::Secret("s3cret&=word".into())).await
}

async fn start_with(proof: Proof) -> (Entra, ManualClock, Arc<TokenSource>) {
    let entra = Entra {
        replies: Arc::default(),
        asked: Arc::default(),
        gate: Arc::new(Semaphore::new(1000)),
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new().fallback(answer).with_state(entra.clone());
    tokio::spawn(async move { axum::serve(listener, router).await });
    let clock = ManualClock::new("2026-08-01T10:00:00Z".parse().unwrap());
    let url = format!("http://{address}/tenant/oauth2/v2.0/token");
    let source = source(&url, proof, &clock).unwrap();
    (entra, clock, Arc::new(source))
}

fn source(
    token_url: &str,
    proof: Proof,
    clock: &ManualClock,
) -> Result<TokenSource, InsecureTokenUrl> {
    let credentials = Credentials {
        client_id: "app-1".to_owned(),
        proof,
        token_url: Url::parse(token_url).unwrap(),
        scope: "https://api.botframework.com/.default".to_owned(),
    };
    let http = crate::outbound::client().unwrap();
    TokenSource::new(credentials, http, Arc::new(clock.clone()), Arc::default())
}

fn bearer(token: &str) -> HeaderValue {
    HeaderValue::from_str(&format!("Bearer {token}")).unwrap()
}

#[tokio::test]
async fn a_token_is_asked_for_once_and_used_until_it_nears_its_end() {
    let (entra, clock, source) = start().await;
    entra.grants("one", 3600);
    entra.grants("two", 3600);
    assert_eq!(source.authorization().await, Ok(bearer("one")));
    clock.advance(Duration::from_mins(54));
    assert_eq!(source.authorization().await, Ok(bearer("one")));
    assert_eq!(entra.asked(), 1);
    assert_eq!(
        entra.asked.lock().unwrap()[0],
        "grant_type=client_credentials&client_id=app-1&client_secret=s3cret%26%3Dword\
         &scope=https%3A%2F%2Fapi.botframework.com%2F.default",
    );
    clock.advance(Duration::from_mins(1));
    assert_eq!(source.authorization().await, Ok(bearer("two")));
}

#[tokio::test]
async fn many_who_wait_cause_one_question() {
    let (entra, _clock, source) = start().await;
    entra.grants("one", 3600);
    let waiting: Vec<_> = (0..50)
        .map(|_| {
            let source = Arc::clone(&source);
            tokio::spawn(async move { source.authorization().await })
        })
        .collect();
    for waiting in waiting {
        assert_eq!(waiting.await.unwrap(), Ok(bearer("one")));
    }
    assert_eq!(entra.asked(), 1);
}

#[tokio::test]
async fn while_one_renews_the_others_go_on() {
    let (entra, clock, source) = start().await;
    entra.grants("one", 3600);
    entra.grants("two", 3600);
    source.authorization().await.unwrap();
    clock.advance(Duration::from_mins(56));
    entra.gate.forget_permits(1000);
    let renewing = tokio::spawn({
        let source = Arc::clone(&source);
        async move { source.authorization().await }
    });
    let patience = Instant::now();
    while entra.asked() < 2 {
        assert!(patience.elapsed() < Duration::from_secs(5));
        tokio::task::yield_now().await;
    }
    assert_eq!(source.authorization().await, Ok(bearer("one")));
    entra.gate.add_permits(1);
    assert_eq!(renewing.await.unwrap(), Ok(bearer("two")));
    assert_eq!(entra.asked(), 2);
}

#[tokio::test]
async fn a_token_that_cannot_be_renewed_is_used_to_its_end() {
    let (entra, clock, source) = start().await;
    entra.grants("one", 3600);
    for _ in 0..3 {
        entra.then(503, json!({}));
    }
    source.authorization().await.unwrap();
    clock.advance(Duration::from_mins(56));
    assert_eq!(source.authorization().await, Ok(bearer("one")));
    assert_eq!(source.authorization().await, Ok(bearer("one")));
    assert_eq!(entra.asked(), 2, "nobody asks again at once");
    clock.advance(HOLD_OFF);
    assert_eq!(source.authorization().await, Ok(bearer("one")));
    assert_eq!(entra.asked(), 3);
    clock.advance(Duration::from_mins(4));
    assert_eq!(source.authorization().await, Err(TokenError::Unavailable));
    clock.advance(HOLD_OFF);
    entra.grants("two", 3600);
    assert_eq!(source.authorization().await, Ok(bearer("two")));
}

#[tokio::test]
async fn a_failure_stands_for_a_while() {
    let (entra, clock, source) = start().await;
    entra.then(401, json!({"error": "invalid_client", "error_codes": [7_000_215]}));
    let refused = TokenError::Refused { error: "invalid_client".to_owned(), code: 7_000_215 };
    for _ in 0..5 {
        assert_eq!(source.authorization().await, Err(refused.clone()));
    }
    assert_eq!(entra.asked(), 1);
    clock.advance(HOLD_OFF);
    entra.grants("one", 3600);
    assert_eq!(source.authorization().await, Ok(bearer("one")));
}

#[tokio::test]
async fn answers_without_a_token_are_told_apart() {
    let cases = [
        (200, json!({"access_token": "x"}), TokenError::Nonsense),
        (200, json!({"access_token": "", "expires_in": 3600}), TokenError::Nonsense),
        (200, json!({"access_token": "a\nb", "expires_in": 3600}), TokenError::Nonsense),
        (200, json!("x".repeat(LARGEST_ANSWER)), TokenError::Unavailable),
        (400, json!("<html>"), TokenError::Nonsense),
        (302, json!({}), TokenError::Unavailable),
        (429, json!({"error": "temporarily_unavailable"}), TokenError::Unavailable),
        (500, json!({}), TokenError::Unavailable),
    ];
    for (status, body, error) in cases {
        let (entra, _clock, source) = start().await;
        entra.then(status, body);
        assert_eq!(source.authorization().await, Err(error), "{status}");
    }
}

#[tokio::test]
async fn a_short_life_and_one_in_text_are_understood() {
    let (entra, clock, source) = start().await;
    entra.then(200, json!({"access_token": "one", "expires_in": "60"}));
    entra.grants("two", 3600);
    source.authorization().await.unwrap();
    clock.advance(Duration::from_secs(29));
    assert_eq!(source.authorization().await, Ok(bearer("one")));
    clock.advance(Duration::from_secs(1));
    assert_eq!(source.authorization().await, Ok(bearer("two")));
}

#[tokio::test]
async fn a_token_that_is_refused_by_many_is_asked_for_anew_once() {
    let (entra, clock, source) = start().await;
    entra.grants("one", 3600);
    entra.grants("two", 3600);
    let refused = source.authorization().await.unwrap();
    clock.advance(BREATHER);
    let waiting: Vec<_> = (0..50)
        .map(|_| {
            let (source, refused) = (Arc::clone(&source), refused.clone());
            tokio::spawn(async move {
                assert!(source.refused(&refused));
                source.authorization().await
            })
        })
        .collect();
    for waiting in waiting {
        assert_eq!(waiting.await.unwrap(), Ok(bearer("two")));
    }
    assert_eq!(entra.asked(), 2);
    assert!(source.refused(&refused), "the other one is still to be had");
    assert_eq!(source.authorization().await, Ok(bearer("two")));
}

#[tokio::test]
async fn a_token_that_is_refused_at_once_is_kept_for_a_minute() {
    let (entra, clock, source) = start().await;
    entra.grants("one", 3600);
    entra.grants("two", 3600);
    let refused = source.authorization().await.unwrap();
    clock.advance(Duration::from_millis(59_999));
    for _ in 0..100 {
        assert!(!source.refused(&refused));
        assert_eq!(source.authorization().await, Ok(bearer("one")));
    }
    assert_eq!(entra.asked(), 1);
    clock.advance(Duration::from_millis(1));
    assert!(source.refused(&refused));
    assert_eq!(source.authorization().await, Ok(bearer("two")));
}

#[tokio::test]
async fn where_a_dropped_token_cannot_be_replaced_entra_gets_its_breather_too() {
    let (entra, clock, source) = start().await;
    entra.grants("one", 3600);
    entra.then(503, json!({}));
    let refused = source.authorization().await.unwrap();
    clock.advance(BREATHER);
    for _ in 0..100 {
        assert!(source.refused(&refused));
        assert_eq!(source.authorization().await, Err(TokenError::Unavailable));
    }
    assert_eq!(entra.asked(), 2);
}

#[test]
fn a_secret_goes_nowhere_in_the_clear() {
    let clock = ManualClock::new(Timestamp::UNIX_EPOCH);
    let secret = || Proof::Secret("s3cret".into());
    assert!(source("http://login.example/token", secret(), &clock).is_err());
    assert!(source("ftp://127.0.0.1/token", secret(), &clock).is_err());
    let source = source("https://login.example/token", secret(), &clock).unwrap();
    let printed = format!("{source:?} {:?}", source.credentials);
    assert!(!printed.contains("s3cret"));
}
