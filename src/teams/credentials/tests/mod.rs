//! The token source against an Entra on loopback that answers from a script.

mod certificate;
#[path = "../../../../tests/fixtures/pem.rs"]
pub(crate) mod pem;

use connect_sandbox::{Effect, Fault, Hold, Reply, Route, Scripted};
use futures_util::FutureExt;
use serde_json::{Value, json};

use super::*;
use crate::clock::ManualClock;
use crate::net::Outgoing;
use crate::net::lenient::tests::survives_odd_fields;

/// Answers from a script, where it does not hang.
struct Entra {
    server: Scripted,
    hold: Hold,
}

impl Entra {
    fn then(&self, status: u16, body: &Value) {
        self.server.then(Reply::new(status, body));
    }

    fn grants(&self, token: &str, seconds: u64) {
        self.then(200, &json!({"access_token": token, "expires_in": seconds}));
    }

    fn asked(&self) -> usize {
        self.server.count()
    }

    /// Leaves every question open until [`Entra::speaks`].
    fn hangs(&self) {
        self.server.fault(Fault::new(Route::any(), Effect::Hold(self.hold.clone())));
    }

    fn speaks(&self) {
        self.hold.release();
    }

    /// The forms so far.
    fn forms(&self) -> Vec<String> {
        let asked = self.server.requests();
        asked.iter().map(|it| String::from_utf8(it.body.to_vec()).unwrap()).collect()
    }

    async fn was_asked(&self, times: usize) {
        let asked = async {
            while self.asked() < times {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(5), asked).await.unwrap();
    }
}

/// What a caller gets who does not wait at all.
fn at_once(source: &Arc<TokenSource>) -> Option<Result<HeaderValue, TokenError>> {
    source.authorization().now_or_never()
}

/// Waits until no question is open.
async fn settled(source: &TokenSource) {
    if let Some(renewal) = source.renewal.under_way() {
        let _ = renewal.outcome().await;
    }
}

/// How many questions have been counted, by what came of them.
fn counted(source: &TokenSource, outcome: &str) -> u64 {
    let series = format!(
        r#"connect_upstream_seconds_count{{upstream="entra",operation="token",outcome="{outcome}"}} "#
    );
    let rendered = source.http.metrics().render();
    let count = rendered.lines().find_map(|line| line.strip_prefix(&series));
    count.map_or(0, |count| count.parse().unwrap())
}

async fn start() -> (Entra, ManualClock, Arc<TokenSource>) {
    start_with(Proof::Secret("s3cret&=word".into())).await
}

async fn start_with(proof: Proof) -> (Entra, ManualClock, Arc<TokenSource>) {
    let entra = Entra { server: Scripted::start([]).await.unwrap(), hold: Hold::new() };
    let clock = ManualClock::new("2026-08-01T10:00:00Z".parse().unwrap());
    let url = format!("{}/tenant/oauth2/v2.0/token", entra.server.url());
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
        graph_scope: "https://graph.microsoft.com/.default".to_owned(),
    };
    let clock = Arc::new(clock.clone());
    let http = crate::net::client().unwrap();
    let http = Outgoing::new(http, clock.clone(), Arc::default());
    TokenSource::new(credentials, http, clock)
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
        entra.forms()[0],
        "grant_type=client_credentials&client_id=app-1&client_secret=s3cret%26%3Dword\
         &scope=https%3A%2F%2Fapi.botframework.com%2F.default",
    );
    clock.advance(Duration::from_mins(1));
    assert_eq!(at_once(&source), Some(Ok(bearer("one"))));
    settled(&source).await;
    assert_eq!(at_once(&source), Some(Ok(bearer("two"))));
    assert_eq!((entra.asked(), counted(&source, "ok")), (2, 2));
}

#[tokio::test]
async fn many_who_wait_cause_one_question() {
    let (entra, _clock, source) = start().await;
    entra.grants("one", 3600);
    entra.hangs();
    let waiting: Vec<_> = (0..50)
        .map(|_| {
            let source = Arc::clone(&source);
            tokio::spawn(async move { source.authorization().await })
        })
        .collect();
    entra.was_asked(1).await;
    assert!(waiting.iter().all(|waiting| !waiting.is_finished()));
    entra.speaks();
    for waiting in waiting {
        assert_eq!(waiting.await.unwrap(), Ok(bearer("one")));
    }
    assert_eq!((entra.asked(), counted(&source, "ok")), (1, 1));
}

#[tokio::test]
async fn many_who_wait_share_one_failure() {
    let (entra, _clock, source) = start().await;
    entra.then(503, &json!({}));
    let waiting = futures_util::future::join_all((0..50).map(|_| source.authorization()));
    let outcomes = waiting.await;
    assert!(outcomes.iter().all(|outcome| *outcome == Err(TokenError::Unavailable)));
    assert_eq!((entra.asked(), counted(&source, "unavailable")), (1, 1));
}

#[tokio::test]
async fn while_a_token_is_renewed_nobody_waits() {
    let (entra, clock, source) = start().await;
    entra.grants("one", 3600);
    entra.grants("two", 3600);
    source.authorization().await.unwrap();
    clock.advance(Duration::from_mins(56));
    entra.hangs();
    for _ in 0..50 {
        assert_eq!(at_once(&source), Some(Ok(bearer("one"))));
    }
    entra.was_asked(2).await;
    assert_eq!(at_once(&source), Some(Ok(bearer("one"))));
    clock.advance(Duration::from_mins(4));
    assert_eq!(at_once(&source), None, "now there is none to go on with");
    entra.speaks();
    assert_eq!(source.authorization().await, Ok(bearer("two")));
    assert_eq!((entra.asked(), counted(&source, "ok")), (2, 2));
}

#[tokio::test]
async fn whoever_gives_up_leaves_the_token_to_the_next() {
    let (entra, _clock, source) = start().await;
    entra.grants("one", 3600);
    entra.hangs();
    for _ in 0..50 {
        assert_eq!(at_once(&source), None);
    }
    entra.was_asked(1).await;
    entra.speaks();
    assert_eq!(source.authorization().await, Ok(bearer("one")));
    assert_eq!((entra.asked(), counted(&source, "ok")), (1, 1));
}

#[tokio::test]
async fn a_failure_that_nobody_waited_for_is_noted() {
    let (entra, clock, source) = start().await;
    entra.then(503, &json!({}));
    entra.grants("one", 3600);
    assert_eq!(at_once(&source), None);
    settled(&source).await;
    assert_eq!(at_once(&source), Some(Err(TokenError::Unavailable)));
    assert_eq!((entra.asked(), counted(&source, "unavailable")), (1, 1));
    clock.advance(HOLD_OFF);
    assert_eq!(source.authorization().await, Ok(bearer("one")));
}

#[tokio::test]
async fn a_token_that_is_refused_while_it_is_renewed_causes_no_second_question() {
    let (entra, clock, source) = start().await;
    entra.grants("one", 3600);
    entra.grants("two", 3600);
    let refused = source.authorization().await.unwrap();
    clock.advance(Duration::from_mins(56));
    entra.hangs();
    assert_eq!(at_once(&source), Some(Ok(bearer("one"))));
    assert!(source.refused(&refused));
    assert_eq!(at_once(&source), None);
    entra.speaks();
    assert_eq!(source.authorization().await, Ok(bearer("two")));
    assert_eq!(entra.asked(), 2);
}

#[tokio::test]
async fn a_question_that_broke_off_is_asked_again() {
    let (entra, _clock, source) = start().await;
    entra.grants("one", 3600);
    let broken = source.renewal.join_or_begin(|| async { panic!("on purpose") });
    let (waited, broken) = tokio::join!(source.authorization(), broken.outcome());
    assert_eq!((waited, broken), (Err(TokenError::Unavailable), None));
    assert_eq!(source.authorization().await, Ok(bearer("one")));
}

#[tokio::test]
async fn a_token_that_cannot_be_renewed_is_used_to_its_end() {
    let (entra, clock, source) = start().await;
    entra.grants("one", 3600);
    for _ in 0..3 {
        entra.then(503, &json!({}));
    }
    source.authorization().await.unwrap();
    clock.advance(Duration::from_mins(56));
    assert_eq!(at_once(&source), Some(Ok(bearer("one"))));
    settled(&source).await;
    assert_eq!(at_once(&source), Some(Ok(bearer("one"))));
    settled(&source).await;
    assert_eq!(entra.asked(), 2, "nobody asks again at once");
    clock.advance(HOLD_OFF);
    assert_eq!(at_once(&source), Some(Ok(bearer("one"))));
    settled(&source).await;
    assert_eq!((entra.asked(), counted(&source, "unavailable")), (3, 2));
    clock.advance(Duration::from_mins(4));
    assert_eq!(source.authorization().await, Err(TokenError::Unavailable));
    clock.advance(HOLD_OFF);
    entra.grants("two", 3600);
    assert_eq!(source.authorization().await, Ok(bearer("two")));
}

#[tokio::test]
async fn a_failure_stands_for_a_while() {
    let (entra, clock, source) = start().await;
    entra.then(401, &json!({"error": "invalid_client", "error_codes": [7_000_215]}));
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
async fn there_is_trouble_while_there_is_no_token_and_it_ends_by_itself() {
    let word = |code: u64| TokenError::Refused { error: String::new(), code }.word();
    assert_eq!((word(7_000_222), word(0)), ("secret_expired", "credentials_refused"));
    let (entra, clock, source) = start().await;
    assert_eq!(source.trouble(), Some("no_token_yet"));
    entra.then(401, &json!({"error": "invalid_client", "error_codes": [7_000_222]}));
    entra.grants("one", 3600);
    entra.then(401, &json!({"error": "invalid_client", "error_codes": [7_000_222]}));
    let stop = CancellationToken::new();
    let keeper = tokio::spawn({
        let (source, stop) = (Arc::clone(&source), stop.clone());
        async move { source.keep_fresh(stop).await }
    });
    let until = async |trouble| {
        let started = std::time::Instant::now();
        while source.trouble() != trouble {
            assert!(started.elapsed() < Duration::from_secs(5), "{:?}", source.trouble());
            tokio::task::yield_now().await;
        }
    };
    until(Some("secret_expired")).await;
    clock.advance(LOOK_EVERY);
    until(None).await;
    // It is renewed in time, and good to its end where it cannot be.
    clock.advance(Duration::from_mins(56));
    entra.was_asked(3).await;
    settled(&source).await;
    assert_eq!(source.trouble(), None);
    entra.then(503, &json!({}));
    clock.advance(Duration::from_mins(5));
    until(Some("token_unavailable")).await;
    stop.cancel();
    keeper.await.unwrap();
}

#[tokio::test]
async fn answers_without_a_token_are_told_apart() {
    let cases = [
        (200, json!({"expires_in": 3600}), TokenError::Nonsense),
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
        entra.then(status, &body);
        assert_eq!(source.authorization().await, Err(error), "{status}");
    }
}

#[tokio::test]
async fn a_short_life_and_one_in_text_are_understood() {
    let (entra, clock, source) = start().await;
    entra.then(200, &json!({"access_token": "one", "expires_in": "60"}));
    entra.grants("two", 3600);
    source.authorization().await.unwrap();
    clock.advance(Duration::from_secs(29));
    assert_eq!(source.authorization().await, Ok(bearer("one")));
    clock.advance(Duration::from_secs(1));
    assert_eq!(source.authorization().await, Ok(bearer("one")));
    settled(&source).await;
    assert_eq!(source.authorization().await, Ok(bearer("two")));
}

#[tokio::test]
async fn a_life_that_makes_no_sense_is_a_short_one_or_a_day() {
    let minute = Duration::from_mins(1);
    let day = Duration::from_hours(24);
    for (expires_in, life) in [
        ("0", minute),
        ("-3600", minute),
        ("\"-1\"", minute),
        ("\"\"", minute),
        ("\"soon\"", minute),
        ("\"NaN\"", minute),
        ("\"inf\"", minute),
        ("null", minute),
        ("{}", minute),
        ("1e400", minute),
        ("3599.5", Duration::from_millis(3_599_500)),
        ("\" 3600 \"", Duration::from_hours(1)),
        ("99999999999999999999", day),
        ("1e300", day),
    ] {
        let body = format!(r#"{{"access_token":"one","expires_in":{expires_in}}}"#);
        let asked_at = Tick::default();
        let token = grant::token(&body.into(), asked_at).unwrap();
        assert_eq!(token.ends_at - asked_at, life, "{expires_in}");
        assert!(token.renew_at - asked_at >= minute / 2, "{expires_in}");
    }
    let (entra, clock, source) = start().await;
    entra.then(200, &json!({"access_token": "one", "expires_in": 0}));
    for _ in 0..30 {
        assert_eq!(source.authorization().await, Ok(bearer("one")));
        clock.advance(Duration::from_millis(900));
    }
    assert_eq!(entra.asked(), 1, "not once for every card");
}

#[test]
fn one_odd_field_never_costs_the_answer() {
    let granted = json!({"access_token": "one", "expires_in": 3600});
    survives_odd_fields(&granted, &["/expires_in"], |text| {
        let token = grant::token(&text.to_owned().into(), Tick::default()).ok()?;
        Some(token.authorization)
    });
    let refused = json!({"error": "invalid_client", "error_codes": [7_000_222]});
    survives_odd_fields(&refused, &["/error_codes"], |text| {
        let status = reqwest::StatusCode::UNAUTHORIZED;
        match grant::refusal(status, &text.to_owned().into()) {
            TokenError::Refused { error, .. } => Some(error),
            _ => None,
        }
    });
    let as_text = json!({"error": "invalid_client", "error_codes": [null, "7000222"]}).to_string();
    let refused = grant::refusal(reqwest::StatusCode::UNAUTHORIZED, &as_text.into());
    assert!(matches!(refused, TokenError::Refused { code: 7_000_222, .. }), "{refused:?}");
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
    entra.then(503, &json!({}));
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
    let printed = format!("{source:?} {:?}", source.proof);
    assert!(!printed.contains("s3cret"));
}
