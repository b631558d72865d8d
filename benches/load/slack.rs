//! `/connect` in Slack, and requests that nobody signed.

use std::time::Duration;

use super::client::{Plan, Script};
use super::field::{Field, NEIGHBOURS, Side};
use super::pairs::{compare, compare_to_memory, compare_to_peer};
use super::{CONNECTIONS, SECRET, number};

/// All scenarios.
pub(crate) async fn report() {
    let (mut field, first_answer) = start("0ms", &[]).await;
    println!("first good answer {} ms after start", first_answer.as_millis());
    field.memory(&NEIGHBOURS, "at rest");
    race(&mut field, "/connect for new people, as fast as it goes", true).await;
    field.memory(&NEIGHBOURS, &format!("after {} requests", field.people));
    race(&mut field, "forged requests, as fast as they are refused", false).await;
    if field.start_with_memory().await {
        race_memory(&mut field).await;
    }
    if field.start_peer("slack.js").await {
        race_peer(&mut field).await;
    }
    drop(field);

    known().await;

    let (mut field, _) = start("50ms", &[]).await;
    steady(&mut field).await;
    drop(field);

    let (mut field, _) = start("60s", &[]).await;
    hang(&mut field).await;
}

/// Starts everything, with `more` settings of the product, and asks once: how long after its start the product had an answer.
pub(crate) async fn start(delay: &str, more: &[(&'static str, &str)]) -> (Field, Duration) {
    let mut field = Field::start(delay, more).await;
    let plan = Plan { connections: 1, requests: 1, ..plan(&field, Side::Ours, true) };
    let first = field.round(Side::Ours, &plan, async |_| true).await;
    assert_eq!(first.outcome.with_link, 1, "the first answer has no link");
    let first_answer = field.started.elapsed();
    (field, first_answer)
}

/// `/connect` of new people, or forged.
pub(crate) fn plan(field: &Field, side: Side, genuine: bool) -> Plan {
    Plan {
        address: field.server(side).address.clone(),
        script: Script::Slack {
            secret: genuine.then_some(SECRET),
            response_url: field.upstream.value("response_url"),
        },
        connections: CONNECTIONS,
        requests: number("LOAD_REQUESTS", 10_000),
        rate: None,
    }
}

/// Both, as fast as they can.
async fn race(field: &mut Field, name: &str, genuine: bool) {
    compare(field, name, async |field, side| {
        let plan = plan(field, side, genuine);
        let round = field.round(side, &plan, async |_| true).await;
        let outcome = &round.outcome;
        let good = if genuine { outcome.with_link } else { outcome.statuses[1] };
        assert_eq!(good, plan.requests, "{name}, {}: {:?}", side.name(), outcome.statuses);
        round
    })
    .await;
}

/// The product beside itself with `memory`: what the store costs.
async fn race_memory(field: &mut Field) {
    compare_to_memory(field, "/connect for new people, beside memory", async |field, side| {
        let plan = plan(field, side, true);
        let round = field.round(side, &plan, async |_| true).await;
        assert_eq!(round.outcome.with_link, plan.requests, "{:?}", round.outcome.statuses);
        round
    })
    .await;
    field.memory(&[Side::Ours, Side::Memory], "afterwards");
}

/// The product beside Bolt for JavaScript, which only asks for the link.
async fn race_peer(field: &mut Field) {
    let name = "/connect for new people; the peer is Bolt for JavaScript, and looks nobody up";
    compare_to_peer(field, name, async |field, side| {
        let plan =
            Plan { requests: number("LOAD_PEER_REQUESTS", 2_000), ..plan(field, side, true) };
        let round = field.round(side, &plan, async |_| true).await;
        assert_eq!(round.outcome.with_link, plan.requests, "{:?}", round.outcome.statuses);
        round
    })
    .await;
    field.memory(&[Side::Peer], "afterwards");
}

/// As many as come on a busy day, while Novu takes its time.
async fn steady(field: &mut Field) {
    let rate = number("LOAD_RATE", 300);
    let plan = Plan { connections: 200, rate: Some(rate), ..plan(field, Side::Ours, true) };
    let round = field.round(Side::Ours, &plan, async |_| true).await;
    println!("\n/connect, {rate} a second, while each call to Novu's mint takes 50 ms");
    println!("  ours {}, {:.0} µs of processor each", round.outcome, round.cost());
    assert_eq!(round.outcome.with_link, plan.requests, "not everybody got a link in time");
}

/// People who ask again a moment later, while Novu takes its time for the link as for everything else.
pub(crate) async fn known() {
    let (mut field, _) = start("all 50ms", &[]).await;
    let plan = Plan {
        connections: 50,
        requests: number("LOAD_KNOWN", 1_500),
        rate: Some(100),
        ..plan(&field, Side::Ours, true)
    };
    let first = field.people;
    for who in ["new", "known"] {
        // The same people, each with another signature: their requests are some seconds apart.
        field.people = first;
        let round = field.round(Side::Ours, &plan, async |_| true).await;
        println!("\n/connect by {who} people, 100 a second, while each call to Novu takes 50 ms");
        println!("  ours {}, {:.0} µs of processor each", round.outcome, round.cost());
        assert_eq!(round.outcome.with_link, plan.requests, "not everybody got a link in time");
    }
}

/// Everybody at once, and Novu does not answer.
async fn hang(field: &mut Field) {
    let plan = Plan { connections: 200, requests: 200, ..plan(field, Side::Ours, true) };
    let round = field.round(Side::Ours, &plan, async |_| true).await;
    println!("\n/connect by 200 people at once while Novu hangs (reply budget 2 s)");
    println!("  ours {}", round.outcome);
    assert_eq!(round.outcome.statuses[0], 200, "somebody got no answer");
}
