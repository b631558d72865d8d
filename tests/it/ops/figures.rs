//! What is counted exists from the start: what begins to exist at one looks to Prometheus as if nothing
//! had happened.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use connect_sandbox::{Effect, Fault, Route};

use crate::bot::teams::{ADA, ALAN, GROUP, PAGES, TeamsBot};
use crate::bot::{self, MINT};

/// The counters and their labels.
async fn counters(bot: &TeamsBot) -> BTreeSet<String> {
    let text = bot.ops("/metrics").await.body;
    let lines = text.lines().filter_map(|line| line.rsplit_once(' '));
    lines.map(|(name, _)| name.to_owned()).filter(|name| name.contains("_total")).collect()
}

#[tokio::test]
async fn every_count_begins_at_zero() {
    let bot = TeamsBot::start_with(&PAGES).await;
    let before = counters(&bot).await;

    bot.link(bot::ADA).await;
    bot.command(bot::ADA, "help").await;
    bot.post_raw("/slack/commands", bot.slash(bot::ADA, "").signed_with("canary-wrong")).await;
    bot.send(bot.slash(bot::ADA, "").without("user_id")).await;
    let ill = Effect::status(StatusCode::SERVICE_UNAVAILABLE);
    bot.novu.fault(Fault::new(Route::post(MINT), ill).times(3));
    bot.command_in_the_end(bot::GRACE, "").await;
    bot.novu.clear_faults();
    bot.get("/link/nobodys").await;
    bot.say(ADA, "connect").await;
    bot.say_in(ADA, GROUP, "status").await;
    bot.say_in(ALAN, GROUP, "connect").await;
    bot.until_later(async || bot.metric("connect_promises_open").await == 0).await;
    bot.deliver(bot.teams.message(ADA, GROUP, "connect").signed_with("canary")).await;

    for person in [ADA, ALAN] {
        assert!(!bot.teams.seen_by(person).is_empty());
    }
    let after = counters(&bot).await;
    assert!(bot.metric("connect_late_deliveries_total").await >= 3);
    assert_eq!(after.difference(&before).collect::<Vec<_>>(), Vec::<&String>::new());
    // What the message says after the sign-in is told elsewhere.
    bot.slack.clear_messages();
}
