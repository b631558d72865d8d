//! The steps of one request that are ours, each by itself: the check, the reading, the wording.
#![expect(clippy::expect_used, reason = "a benchmark that cannot run says why and ends")]

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue};
use bytes::Bytes;
use connect_sandbox::bot_connector::{BotConnectorKeys, Claims};
use connect_sandbox::slack::Signed;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use futures_util::FutureExt;
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use novu_connect_bot::clock::{ManualClock, after};
use novu_connect_bot::core::Language;
use novu_connect_bot::core::{Answer, Intent, Invitee, Lasts, Reference, SignIn, SignInLink};
use novu_connect_bot::net::{self, HostAllowlist, Outgoing, SecretUrl, Subdomains};
use novu_connect_bot::novu::SubscriberId;
use novu_connect_bot::signing::SigningKey;
use novu_connect_bot::slack::SlashCommand;
use novu_connect_bot::slack::block_kit::{Mrkdwn, PrivateMessage};
use novu_connect_bot::slack::signature::{SIGNATURE_HEADER, Verifier};
use novu_connect_bot::teams::cloud::Cloud;
use novu_connect_bot::teams::token::{Pacing, Settings, Verifier as TokenVerifier};
use novu_connect_bot::words::message::Voice;

/// The bot's application id.
const APP: &str = "0b1f7a3e-5b1c-4f52-9a43-0d2c5a9e7f10";
const SERVICE_URL: &str = "https://smba.trafficmanager.net/emea/";
const SECRET: &str = "8f742231b10e8888abcd99yyyzzz85a5";
const NOW: i64 = 1_790_000_000;
const FIELDS: &str = "token=gIkuvaNzQIHg97ATvDxqgjtO&team_id=T0001&team_domain=example&\
    enterprise_id=E0001&enterprise_name=Globular%20Construct&channel_id=C2147483705&\
    channel_name=test&user_id=U2147483697&user_name=Steve&command=%2Fconnect&text=&\
    api_app_id=A123456&is_enterprise_install=false&\
    response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT0001%2F397700885554%2F96rGlfmibIGlgc&\
    trigger_id=13345224609.738474920.8088930838d88f008e0";

fn verifier() -> Verifier {
    let now = Timestamp::from_second(NOW).expect("a time in range");
    let key = SigningKey::new(&SECRET.into()).expect("a secret that is not blank");
    Verifier::new(vec![key], Arc::new(ManualClock::new(now)), Arc::default())
}

/// A signed request that differs from all others by its number.
fn signed(number: u64) -> (HeaderMap, Bytes) {
    let now = Timestamp::from_second(NOW).expect("a time in range");
    let Signed { headers, body } = Signed::form(SECRET, now, format!("{FIELDS}{number}"));
    (headers, body)
}

fn check(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("signature");
    group.throughput(Throughput::Bytes(FIELDS.len() as u64));
    let verifier = verifier();
    let mut number = 0;
    group.bench_function("genuine", |bencher| {
        bencher.iter_batched(
            || {
                number += 1;
                signed(number)
            },
            |(headers, body)| black_box(verifier.verify(&headers, body).is_ok()),
            BatchSize::SmallInput,
        );
    });
    let (mut headers, body) = signed(0);
    headers.insert(
        SIGNATURE_HEADER,
        HeaderValue::from_str(&format!("v0={}", "a".repeat(64))).expect("hex"),
    );
    group.bench_function("forged", |bencher| {
        bencher.iter(|| black_box(verifier.verify(black_box(&headers), body.clone()).is_err()));
    });
    group.finish();
}

/// The Bot Connector's keys, and a verifier that has fetched them.
async fn connector() -> (BotConnectorKeys, TokenVerifier) {
    let clock = Arc::new(ManualClock::new(Timestamp::from_second(NOW).expect("a time in range")));
    let keys = BotConnectorKeys::start(clock.clone()).await.expect("a key");
    let settings = Settings {
        app_id: APP.to_owned(),
        issuer: Cloud::Public.issuer().to_owned(),
        metadata_url: keys.metadata_url(),
        key_hosts: None,
        pacing: Pacing::default(),
    };
    let http = net::client().expect("a client");
    let http = Outgoing::new(http, clock.clone(), Arc::default());
    let verifier = TokenVerifier::new(settings, http, clock, Arc::default()).expect("settings");
    verifier.admit(activity(&token(&keys, 0))).await.expect("a genuine activity");
    (keys, verifier)
}

/// A genuine token. Each number's is another, because it ends at another second.
fn token(keys: &BotConnectorKeys, number: u64) -> String {
    let claims = keys.claims(APP, SERVICE_URL);
    let expires = after(claims.expires, Duration::from_secs(number));
    keys.token(&Claims { expires, ..claims })
}

fn activity(token: &str) -> Request {
    let body =
        format!(r#"{{"type":"message","channelId":"msteams","serviceUrl":"{SERVICE_URL}"}}"#);
    let request = Request::post("/api/messages").header("authorization", format!("Bearer {token}"));
    request.body(body.into()).expect("a request")
}

fn check_token(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let (keys, verifier) = runtime.block_on(connector());
    let admit = |request| verifier.admit(request).now_or_never().is_some_and(|it| it.is_ok());
    let mut group = criterion.benchmark_group("teams_token");
    let mut number = 0;
    group.bench_function("fresh", |bencher| {
        let fresh = || {
            number += 1;
            activity(&token(&keys, number))
        };
        bencher.iter_batched(fresh, |request| assert!(admit(request)), BatchSize::SmallInput);
    });
    let known = token(&keys, 0);
    assert!(admit(activity(&known)), "a genuine activity");
    group.bench_function("cached", |bencher| {
        let again = || activity(&known);
        bencher.iter_batched(again, |request| assert!(admit(request)), BatchSize::SmallInput);
    });
    let key = DecodingKey::from_rsa_der(&keys.public_key());
    let mut rules = Validation::new(Algorithm::RS256);
    rules.set_audience(&[APP]);
    // The library has a clock of its own, and the token another.
    rules.validate_exp = false;
    group.bench_function("library", |bencher| {
        bencher.iter(|| {
            let claims = jsonwebtoken::decode::<serde_json::Value>(black_box(&known), &key, &rules);
            black_box(claims.expect("a genuine token"))
        });
    });
    group.finish();
}

fn read(criterion: &mut Criterion) {
    let (headers, body) = signed(0);
    let request = verifier().verify(&headers, body).expect("a genuine request");
    let hosts = HostAllowlist::new(["slack.com"], Subdomains::Allowed).expect("a host");
    criterion.bench_function("read/slash_command", |bencher| {
        bencher.iter(|| black_box(SlashCommand::read(black_box(&request), &hosts).is_ok()));
    });
    criterion.bench_function("read/unknown_word", |bencher| {
        bencher.iter(|| black_box(Intent::parse(black_box("pleas conect me"))));
    });
}

fn word(criterion: &mut Criterion) {
    let url =
        url::Url::parse(&format!("https://slack.com/oauth/v2/authorize?state={}", "a".repeat(500)));
    let hosts = HostAllowlist::new(["slack.com"], Subdomains::Refused).expect("a host");
    let link =
        SignInLink::admit(SecretUrl::new(url.expect("a URL")), &hosts).expect("a known host");
    let expires_at = Timestamp::from_second(NOW).expect("a time in range");
    let invitee = Invitee {
        subscriber: SubscriberId::new("slack:T1:U1").expect("an id"),
        subscriber_name: None,
        chat_name: None,
    };
    let answer =
        Answer::SignIn(SignIn { link, lasts: Lasts::Minted { until: expires_at }, invitee });
    let voice = Voice {
        language: Language::German,
        command: "/connect",
        reference: Reference::from_random([1, 2, 3, 4, 5]),
        support: None,
        markup: &Mrkdwn,
    };
    criterion.bench_function("word/sign_in", |bencher| {
        bencher.iter(|| {
            let message = PrivateMessage::render(&voice.message(black_box(&answer)));
            black_box(serde_json::to_vec(&message.as_response()).map(|body| body.len()))
        });
    });
}

criterion_group!(benches, check, check_token, read, word);
criterion_main!(benches);
