//! Novu's rate limits: a crowd shares them, and nobody is sent away for them.

use std::collections::HashSet;
use std::time::Duration;

use axum::http::{Method, StatusCode};
use connect_sandbox::novu::{Options, Plan};
use connect_sandbox::{Effect, Failure, Fault, Route};
use futures_util::future::join_all;
use novu_connect_bot::clock::Clock;

use serde_json::Value;

use crate::bot::{ADA, Bot, GRACE, MINT, Storage, clock, find_button, member, until};

#[tokio::test]
async fn at_free_limits_everybody_of_a_crowd_gets_a_link_within_a_minute() {
    everybody_gets_a_link_within_a_minute(Storage::in_memory()).await;
}

#[tokio::test]
async fn at_free_limits_a_file_keeps_nobody_waiting() {
    everybody_gets_a_link_within_a_minute(Storage::sqlite()).await;
}

#[tokio::test]
async fn at_free_limits_a_database_keeps_nobody_waiting() {
    let Some(storage) = Storage::postgres() else { return };
    everybody_gets_a_link_within_a_minute(storage).await;
}

async fn everybody_gets_a_link_within_a_minute(storage: Storage) {
    let options = Options { plan: Some(Plan::Free), ..Options::default() };
    let budget = [("CONNECT_SLACK__REPLY_BUDGET", "300ms")];
    let bot = Bot::start_among(storage, clock(), options, Vec::new(), |_| {}, &budget).await;
    bot.ready().await;
    let users: Vec<String> = (0..120).map(|number| format!("U{number}")).collect();
    for user in &users {
        bot.slack.add_user(member(user, user));
    }
    let asked_at = bot.clock.now();
    let replies = join_all(users.iter().map(|user| bot.command(user, ""))).await;
    let links = || {
        let followed = bot.slack.messages();
        let followed = followed.iter().filter_map(|message| find_button(&message.body).cloned());
        let at_once = replies.iter().filter_map(|reply| reply.find_button().cloned());
        let url = |button: Value| button["url"].as_str().unwrap().to_owned();
        at_once.chain(followed).map(url).collect::<HashSet<_>>()
    };
    let calls = std::cell::Cell::new(0);
    until(async || {
        // Time passes only while nothing is being done, however slow the machine is.
        let so_far = bot.novu.requests().len() + bot.slack.requests().len();
        if so_far == calls.replace(so_far) {
            bot.clock.advance(Duration::from_millis(100));
        }
        links().len() == 120
    })
    .await;
    assert!(bot.clock.now().as_second() - asked_at.as_second() < 60);
    assert_eq!(bot.mints().len(), 120);
    // What a question has learnt is not looked up again.
    let endpoints = "/v1/channel-endpoints?subscriberId=";
    assert_eq!(
        bot.novu.requests().iter().filter(|it| it.path_and_query.starts_with(endpoints)).count(),
        120
    );
}

/// How often somebody's endpoints were looked up.
fn looked_up(bot: &Bot) -> usize {
    let endpoints = "/v1/channel-endpoints?subscriberId=";
    bot.novu.requests().iter().filter(|it| it.path_and_query.starts_with(endpoints)).count()
}

#[tokio::test]
async fn a_429_makes_everybody_wait_and_is_met_once() {
    let bot = Bot::start_with(&[("CONNECT_SLACK__REPLY_BUDGET", "200ms")]).await;
    bot.ready().await;
    bot.novu.fault(Fault::new(Route::post(MINT), Effect::Fail(Failure::throttled(9))).times(1));
    assert!(bot.command(ADA, "").await.is_on_its_way());
    assert_eq!(bot.mints().len(), 1);
    assert!(bot.command(GRACE, "").await.is_on_its_way());
    assert_eq!(bot.mints().len(), 1, "nobody asks in vain");
    bot.until_later_by(Duration::from_millis(50), async || bot.slack.messages().len() == 2).await;
    let followed = bot.slack.messages();
    assert!(followed.iter().all(|message| find_button(&message.body).is_some()));
    assert_eq!(bot.mints().len(), 3);
}

#[tokio::test]
async fn another_attempt_keeps_what_the_one_before_has_learnt() {
    let bot = Bot::start().await;
    bot.ready().await;
    let down = Effect::status(StatusCode::SERVICE_UNAVAILABLE);
    bot.novu.fault(Fault::new(Route::post(MINT), down).times(5));
    assert!(bot.command(ADA, "").await.is_on_its_way());
    bot.until_later(async || bot.slack.messages().len() == 1).await;
    assert!(find_button(&bot.slack.messages()[0].body).is_some());
    assert_eq!(bot.mints().len(), 6);
    for (method, path) in [(Method::GET, "/v2/subscribers"), (Method::POST, "/v2/subscribers")] {
        assert_eq!(bot.novu.count(&method, path), 1, "{method} {path}");
    }
    assert_eq!(looked_up(&bot), 1);
    let asked = bot.slack.requests().iter().filter(|it| it.path() == "/api/users.info").count();
    assert_eq!(asked, 1);
}
