//! The same for Microsoft Teams: messages that are genuine by RS256, until everybody has a card.
//!
//! Teams wants at most 30 calls a second for one tenant, and the product keeps to it. So the people
//! are spread over [`TENANTS`], and they come at a steady rate: an activity is acknowledged long
//! before its card is made, and a flood would measure how long a queue can grow.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use novu_connect_bot::clock::SystemClock;
use novu_connect_bot::outbound;
use novu_connect_bot::sandbox::bot_connector::BotConnectorKeys;

use super::client::{self, Outcome, Plan, Script};
use super::{CONNECTIONS, Field, line, number};

/// Tenants that people come from in turn.
pub(crate) const TENANTS: u64 = 200;
/// Activities that are made at one time.
const BATCH: u64 = 500;
/// How long the last card may take after the last activity.
const PATIENCE: Duration = Duration::from_mins(1);
/// Verifications in one measurement of the bare library call, and how often it is made.
const VERIFICATIONS: (u32, u32) = (2_000, 5);

/// Where the tokens of a run come from.
#[derive(Clone, Copy)]
enum Tokens {
    /// One for all activities, as Teams does it.
    Reused,
    /// One for each activity, so that none was seen before.
    Fresh,
    /// One for each activity, in good form and with a bad signature.
    Forged,
}

impl Tokens {
    /// Its name in the stand-in's address.
    fn name(self) -> &'static str {
        match self {
            Self::Reused => "reused",
            Self::Fresh => "fresh",
            Self::Forged => "forged",
        }
    }
}

/// All scenarios.
pub(crate) async fn report() {
    let mut field = Field::start("0ms").await;
    println!("\nMicrosoft Teams: {TENANTS} tenants, so that the pace within one is not measured");
    println!("  bare jsonwebtoken::decode of such a token: {:.1} µs", bare_verification().await);
    field.memory("at rest");
    let rate = number("LOAD_TEAMS_RATE", 200);
    for (name, tokens) in [
        ("one token for all activities, as Teams does it", Tokens::Reused),
        ("a token of its own for each activity", Tokens::Fresh),
    ] {
        rounds(&mut field, name, tokens, rate).await;
        field.memory("afterwards");
    }
    refuse(&mut field).await;
    field.memory("afterwards");
}

/// Rounds of people who write "connect". The first warms up and does not count.
async fn rounds(field: &mut Field, name: &str, tokens: Tokens, rate: u64) {
    let (mut costs, mut last) = (Vec::new(), None);
    for round in 0..=number("LOAD_ROUNDS", 5) {
        let plan = plan(field, tokens, Some(rate)).await;
        let outcome = delivered(field, &plan).await;
        if round > 0 {
            costs.push(outcome.spent.as_secs_f64() * 1e6 / plan.requests as f64);
            last = Some(outcome);
        }
    }
    costs.sort_by(f64::total_cmp);
    println!("\n\"connect\" of new people, {name}: offered {rate}/s");
    let (Some(last), Some(lowest), Some(highest)) = (last, costs.first(), costs.last()) else {
        return;
    };
    line("ours", &last.acknowledged, None);
    println!(
        "  all cards {:.1} ms after the last acknowledgement\n  \
         processor time for each activity with its card: median {:.0} µs, from {lowest:.0} to \
         {highest:.0} over {} rounds",
        last.cards_after.as_secs_f64() * 1000.0,
        costs[costs.len() / 2],
        costs.len()
    );
}

/// What came of a run once everybody had a card.
struct Delivered {
    acknowledged: Outcome,
    cards_after: Duration,
    spent: Duration,
}

async fn delivered(field: &mut Field, plan: &Plan) -> Delivered {
    let (cards_before, links_before) = (cards(field).await, sign_ins(field).await);
    let before = field.ours.0.processor_time();
    let acknowledged = client::run(plan, field.people).await;
    field.people += plan.requests;
    assert_eq!(acknowledged.statuses[0], plan.requests, "{:?}", acknowledged.statuses);
    let waiting = Instant::now();
    while cards(field).await < cards_before + plan.requests {
        assert!(waiting.elapsed() < PATIENCE, "somebody got no card");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let cards_after = waiting.elapsed();
    let spent = field.ours.0.processor_time().saturating_sub(before);
    let with_link = sign_ins(field).await - links_before;
    let all = plan.requests;
    assert_eq!(with_link, all, "somebody got a card without a link:\n{}", answers(field).await);
    Delivered { acknowledged, cards_after, spent }
}

/// Strangers whose tokens are in good form.
async fn refuse(field: &mut Field) {
    let plan = plan(field, Tokens::Forged, None).await;
    let (outcome, spent) = field.round(true, &plan).await;
    assert_eq!(outcome.statuses[1], plan.requests, "{:?}", outcome.statuses);
    println!("\nforged tokens, as fast as they are refused");
    line("ours", &outcome, Some(spent));
}

/// A plan whose activities are signed already: signing takes far longer than checking.
async fn plan(field: &Field, tokens: Tokens, rate: Option<u64>) -> Plan {
    let requests = number("LOAD_TEAMS_REQUESTS", number("LOAD_REQUESTS", 2_000));
    let mut activities = Vec::new();
    for start in (0..requests).step_by(usize::try_from(BATCH).unwrap_or(1)) {
        let (first, count) = (field.people + start, BATCH.min(requests - start));
        let path = format!("/activities/{}/{first}/{count}", tokens.name());
        let text = control(field, &path).await;
        let mut lines = text.lines();
        while let (Some(token), Some(body)) = (lines.next(), lines.next()) {
            activities.push(client::activity(&field.ours.1, token, body));
        }
    }
    Plan {
        address: field.ours.1.clone(),
        script: Script::Written(Arc::new(activities)),
        connections: CONNECTIONS,
        requests,
        rate,
    }
}

/// Cards that have arrived at the stand-in so far.
async fn cards(field: &Field) -> u64 {
    control(field, "/cards").await.parse().expect("a number")
}

/// Answers with a sign-in link so far, as the product counts them.
async fn sign_ins(field: &Field) -> u64 {
    let answers = answers(field).await;
    let found = answers.lines().find(|line| line.contains(r#"answer="sign_in""#));
    let count = found.and_then(|line| line.rsplit_once(' '));
    count.map_or(0, |(_, count)| count.parse().expect("a number"))
}

/// What the product counts of its answers in Teams, line by line.
async fn answers(field: &Field) -> String {
    let metrics = get(&format!("http://{}/metrics", field.ours.1)).await;
    let is_meant = |line: &&str| line.contains(r#"platform="teams""#) && line.contains("answer=");
    metrics.lines().filter(is_meant).collect::<Vec<_>>().join("\n")
}

async fn control(field: &Field, path: &str) -> String {
    get(&format!("{}{path}", field.upstream.value("control"))).await
}

async fn get(url: &str) -> String {
    let http = outbound::client().expect("a client");
    let response = http.get(url).send().await.expect("an answer");
    response.text().await.expect("a text")
}

/// Microseconds for the library alone to check one token: the least of a few measurements.
async fn bare_verification() -> f64 {
    let keys = BotConnectorKeys::start(Arc::new(SystemClock)).await.expect("a key");
    let token = keys.token(&keys.claims("app", "https://smba.trafficmanager.net/emea/"));
    let key = DecodingKey::from_rsa_der(&keys.public_key());
    let mut rules = Validation::new(Algorithm::RS256);
    rules.set_audience(&["app"]);
    let (times, measurements) = VERIFICATIONS;
    let measure = |_| {
        let started = Instant::now();
        for _ in 0..times {
            jsonwebtoken::decode::<serde_json::Value>(&token, &key, &rules).expect("a good token");
        }
        started.elapsed().as_secs_f64() * 1e6 / f64::from(times)
    };
    (0..measurements).map(measure).fold(f64::INFINITY, f64::min)
}
