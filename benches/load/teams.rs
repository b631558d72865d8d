//! The same for Microsoft Teams: messages that are genuine by RS256, until everybody has a card.
//!
//! Teams wants at most 30 calls a second for one tenant, and the product keeps to it. So the people
//! are spread over [`TENANTS`], and they come at a steady rate: an activity is acknowledged long
//! before its card is made, and a flood would measure how long a queue can grow.

use std::sync::Arc;
use std::time::Instant;

use connect_sandbox::bot_connector::BotConnectorKeys;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use novu_connect_bot::clock::SystemClock;

use super::client::{self, Plan, Script};
use super::field::{self, Field, NEIGHBOURS, Round, Side};
use super::pairs::{compare, compare_to_peer};
use super::{CONNECTIONS, number};

/// Tenants that people come from in turn.
pub(crate) const TENANTS: u64 = 200;
/// Activities that are made at one time.
const BATCH: u64 = 500;
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
    let mut field = Field::start("0ms", &[]).await;
    println!("\nMicrosoft Teams: {TENANTS} tenants, so that the pace within one is not measured");
    println!("  bare jsonwebtoken::decode of such a token: {:.1} µs", bare_verification().await);
    field.memory(&NEIGHBOURS, "at rest");
    for (name, tokens) in [
        ("one token for all activities, as Teams does it", Tokens::Reused),
        ("a token of its own for each activity", Tokens::Fresh),
    ] {
        greet(&mut field, name, tokens).await;
        field.memory(&NEIGHBOURS, "afterwards");
    }
    refuse(&mut field).await;
    field.memory(&NEIGHBOURS, "afterwards");
    if field.start_peer("teams.js").await {
        greet_beside_peer(&mut field).await;
    }
}

/// People who write "connect", until all of them have their cards.
async fn greet(field: &mut Field, name: &str, tokens: Tokens) {
    let requests = number("LOAD_TEAMS_REQUESTS", 800);
    let rate = number("LOAD_TEAMS_RATE", 200);
    let name = format!("\"connect\" of new people, {name}: {rate} a second");
    let last = compare(field, &name, async |field, side| {
        let plan = Plan { rate: Some(rate), ..plan(field, side, tokens, requests).await };
        delivered(field, side, &plan).await
    })
    .await;
    println!(
        "  all cards there after the last acknowledgement: bare {:.1} ms, ours {:.1} ms",
        last.other.settled_after.as_secs_f64() * 1000.0,
        last.ours.settled_after.as_secs_f64() * 1000.0,
    );
}

/// The product beside Microsoft's Agents SDK, which looks nobody up; no faster than the SDK can.
async fn greet_beside_peer(field: &mut Field) {
    let requests = number("LOAD_PEER_REQUESTS", 400);
    let rate = number("LOAD_PEER_RATE", 50);
    let name = format!(
        "\"connect\" of new people, {rate} a second; the peer is Microsoft's Agents SDK, and looks \
         nobody up"
    );
    compare_to_peer(field, &name, async |field, side| {
        let plan = Plan { rate: Some(rate), ..plan(field, side, Tokens::Reused, requests).await };
        delivered(field, side, &plan).await
    })
    .await;
    field.memory(&[Side::Peer], "afterwards");
}

async fn delivered(field: &mut Field, side: Side, plan: &Plan) -> Round {
    let all = plan.requests;
    let (cards_before, links_before) = (cards(field).await, sign_ins(field).await);
    let round =
        field.round(side, plan, async |field| cards(field).await >= cards_before + all).await;
    assert_eq!(round.outcome.statuses[0], all, "{:?}", round.outcome.statuses);
    if side == Side::Ours {
        let with_link = sign_ins(field).await - links_before;
        assert_eq!(with_link, all, "somebody got a card without a link:\n{}", answers(field).await);
    }
    round
}

/// Strangers whose tokens are in good form.
async fn refuse(field: &mut Field) {
    let requests = number("LOAD_REQUESTS", 10_000);
    compare(field, "forged tokens, as fast as they are refused", async |field, side| {
        let plan = plan(field, side, Tokens::Forged, requests).await;
        let round = field.round(side, &plan, async |_| true).await;
        assert_eq!(round.outcome.statuses[1], requests, "{:?}", round.outcome.statuses);
        round
    })
    .await;
}

/// A plan whose activities are signed already: signing takes far longer than checking.
async fn plan(field: &Field, side: Side, tokens: Tokens, requests: u64) -> Plan {
    let address = field.server(side).address.clone();
    let mut activities = Vec::new();
    for start in (0..requests).step_by(usize::try_from(BATCH).unwrap_or(1)) {
        let (first, count) = (field.people + start, BATCH.min(requests - start));
        let path = format!("/activities/{}/{first}/{count}", tokens.name());
        let text = field.control(&path).await;
        let mut lines = text.lines();
        while let (Some(token), Some(body)) = (lines.next(), lines.next()) {
            activities.push(client::activity(&address, token, body));
        }
    }
    let script = Script::Written(Arc::new(activities));
    Plan { address, script, connections: CONNECTIONS, requests, rate: None }
}

/// Cards that have arrived at the stand-in so far.
async fn cards(field: &Field) -> u64 {
    field.control("/cards").await.parse().expect("a number")
}

/// Answers with a sign-in link so far, as the product counts them. The neighbour has no cards without.
async fn sign_ins(field: &Field) -> u64 {
    let answers = answers(field).await;
    let found = answers.lines().find(|line| line.contains(r#"intent="connect",answer="sign_in""#));
    let count = found.and_then(|line| line.rsplit_once(' '));
    count.map_or(0, |(_, count)| count.parse().expect("a number"))
}

/// What the product counts of its answers in Teams, line by line.
async fn answers(field: &Field) -> String {
    let metrics = format!("http://{}/metrics", field.operators);
    let metrics = field::get(&metrics).await;
    let is_meant = |line: &&str| line.contains(r#"platform="teams""#) && line.contains("answer=");
    metrics.lines().filter(is_meant).collect::<Vec<_>>().join("\n")
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
