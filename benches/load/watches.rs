//! What open watches cost `/connect`: thousands of links that nobody has used, for which the product
//! looks through Novu's newest endpoints every two seconds.

use std::time::Duration;

use super::client::Plan;
use super::field::{Field, Round, Side};
use super::pairs::set_beside;
use super::{number, slack};

/// People whose links are open before the first round.
const WATCHED: u64 = 5_000;
/// What a product is warmed up with: without it nearly nothing is watched.
const WARM_UP: u64 = 500;
/// Endpoints of others, which each look finds: as many as Novu tells at once.
const STRANGERS: u64 = 100;
/// How long a product is looked at of which nobody wants anything.
const LEFT_ALONE: Duration = Duration::from_secs(10);

/// The only scenario.
pub(crate) async fn report() {
    let (mut field, _) = slack::start("0ms", &[]).await;
    field.control(&format!("/strangers/{STRANGERS}")).await;
    field.start_anew().await;
    let watched = number("LOAD_WATCHED", WATCHED);
    ask(&mut field, Side::Ours, watched, None).await;
    ask(&mut field, Side::Anew, WARM_UP, None).await;
    println!("\n{watched} links are watched by ours, {WARM_UP} by the one that was started anew");
    for side in [Side::Anew, Side::Ours] {
        let spent = field.left_alone(side, LEFT_ALONE).await;
        let each = spent.as_secs_f64() * 1e3 / LEFT_ALONE.as_secs_f64();
        println!("  {} while nobody asks: {each:.1} ms of processor each second", side.name());
    }

    let (rate, requests) = (number("LOAD_WATCH_RATE", 400), number("LOAD_WATCH_REQUESTS", 2_000));
    let name =
        format!("/connect for new people, {rate} a second, while {watched} links are watched");
    set_beside(Side::Anew, &mut field, &name, async |field, side| {
        if side == Side::Anew {
            field.start_anew().await;
            ask(field, side, WARM_UP, None).await;
        }
        ask(field, side, requests, Some(rate)).await
    })
    .await;
    let open = field.figure("connect_watches_open").await;
    println!("  links watched by ours at its last look: {open}");
    assert!(open >= watched, "links are not watched any more");
}

/// New people ask, and get their links.
async fn ask(field: &mut Field, side: Side, requests: u64, rate: Option<u64>) -> Round {
    let plan = Plan { requests, rate, ..slack::plan(field, side, true) };
    let round = field.round(side, &plan, async |_| true).await;
    assert_eq!(round.outcome.with_link, requests, "{:?}", round.outcome.statuses);
    round
}
