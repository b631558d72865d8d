//! What promises cost that nobody can keep: thousands of people have read "on its way", and Novu hangs.

use super::field::Side;
use super::slack;

/// How many promises are open.
const PROMISES: u64 = 10_000;
/// People read "on its way" early, and calls are waited for until long after.
const HASTE: [(&str, &str); 2] =
    [("CONNECT_SLACK__REPLY_BUDGET", "100ms"), ("CONNECT_NOVU__PATIENCE", "30s")];

/// The only scenario.
pub(crate) async fn report() {
    let (mut field, _) = slack::start("60s", &HASTE).await;
    println!("\n{PROMISES} people to whom an answer is promised while Novu hangs");
    field.memory(&[Side::Ours], "at rest");
    let mut plan = slack::plan(&field, Side::Ours, true);
    (plan.connections, plan.requests) = (200, PROMISES);
    let round = field.round(Side::Ours, &plan, async |_| true).await;
    println!("  ours {}, {:.0} µs of processor each", round.outcome, round.cost());
    assert_eq!(round.outcome.statuses[0], PROMISES, "somebody got no answer");
    let open = field.figure("connect_promises_open").await;
    field.memory(&[Side::Ours], &format!("with {open} open promises"));
    assert_eq!(open, PROMISES, "somebody was promised nothing");
}
