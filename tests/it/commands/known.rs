//! For whom we know, one round of calls.

use std::time::Duration;

use axum::http::Method;
use connect_sandbox::{Browser, Effect, Fault, Hold, Route};

use super::{ENDPOINTS, linked, linked_in_vain, linked_over};
use crate::bot::{ADA, Bot, CONNECTION, MINT, find_button, member, until};

const SUBSCRIBERS: &str = "/v2/subscribers";
const USERS_INFO: &str = "/api/users.info";

fn profiles(bot: &Bot) -> usize {
    bot.slack.requests().iter().filter(|request| request.path() == USERS_INFO).count()
}

/// The calls to Novu: of subscribers, endpoints and mints.
fn calls(bot: &Bot) -> [usize; 3] {
    let get = |path| bot.novu.count(&Method::GET, path);
    [get(SUBSCRIBERS), get(ENDPOINTS), bot.mints().len()]
}

/// Somebody who has asked a moment ago.
async fn known() -> Bot {
    let bot = Bot::start().await;
    bot.ready().await;
    bot.command(ADA, "").await.link();
    bot.novu.clear_requests();
    bot.slack.clear_requests();
    bot
}

#[tokio::test]
async fn the_link_is_minted_while_the_endpoints_are_read_and_nobody_else_is_asked() {
    let bot = known().await;
    let hold = Hold::new();
    for route in [Route::post(MINT), Route::get(ENDPOINTS)] {
        bot.novu.fault(Fault::new(route, Effect::Hold(hold.clone())).times(1));
    }
    let asking = bot.command(ADA, "");
    let both_at_once = async {
        hold.reached(2).await;
        hold.release();
    };
    let (reply, ()) = tokio::join!(asking, both_at_once);
    reply.link();
    assert_eq!((calls(&bot), profiles(&bot)), ([0, 1, 1], 0));
}

#[tokio::test]
async fn what_is_known_is_good_for_its_time_by_no_clock_on_the_wall() {
    let bot = known().await;
    bot.clock.advance(Duration::from_secs(299));
    bot.command(ADA, "").await.link();
    assert_eq!(profiles(&bot), 0);
    bot.clock.advance(Duration::from_secs(1));
    bot.command(ADA, "").await.link();
    assert_eq!(profiles(&bot), 1, "the profile is five minutes old");
    bot.clock.advance(Duration::from_mins(10));
    bot.novu.clear_requests();
    bot.command(ADA, "").await.link();
    assert_eq!(calls(&bot)[0], 1, "the subscriber was seen ten minutes ago");
    // What became of the older messages is another story.
    drop(bot.slack.messages());
}

#[tokio::test]
async fn a_link_for_somebody_who_has_one_by_now_is_seen_by_nobody() {
    let bot = known().await;
    linked(&bot, ADA);
    let reply = bot.command(ADA, "").await;
    assert!(reply.text().contains("You are connected as"), "{}", reply.text());
    assert!(!reply.body.contains("authorize"), "{}", reply.body);
    assert_eq!(calls(&bot)[2], 1);
    bot.command(ADA, "").await;
    assert_eq!(calls(&bot)[2], 1, "and none is minted any more");

    let bot = known().await;
    linked_in_vain(&bot, &super::subscriber_of(ADA), ADA).await;
    let reply = bot.command(ADA, "").await;
    assert_eq!(reply.code(), "C-LINKED-ELSEWHERE");
    assert!(find_button(&reply.json).is_none_or(|button| button.get("url").is_none()));
}

#[tokio::test]
async fn a_minted_link_is_not_shown_while_it_is_not_known_who_has_one() {
    let bot = known().await;
    bot.novu.fault(Fault::new(Route::get(ENDPOINTS), Effect::WrongShape).times(1));
    assert_eq!(bot.command(ADA, "").await.code(), "C-NOVU-ANSWER");
}

#[tokio::test]
async fn whoever_was_refused_is_looked_up_again() {
    let bot = Bot::start().await;
    bot.ready().await;
    let deactivated = connect_sandbox::slack::User { deleted: true, ..member("U0X", "X") };
    bot.slack.add_user(deactivated);
    assert_eq!(bot.command("U0X", "").await.code(), "C-DEACTIVATED");
    bot.slack.add_user(member("U0X", "X"));
    bot.command("U0X", "").await.link();
}

#[tokio::test]
async fn whose_account_is_held_gets_no_link_ahead() {
    let bot = known().await;
    linked_over(&bot, CONNECTION, "phantom", ADA);
    let before = bot.novu.count(&Method::GET, ENDPOINTS);
    // The link runs out, and the holder is looked for.
    bot.clock.advance(Duration::from_secs(331));
    until(async || bot.novu.count(&Method::GET, ENDPOINTS) >= before + 2).await;
    until(async || {
        bot.clock.advance(Duration::from_secs(3));
        bot.command(ADA, "").await.find_code().as_deref() == Some("C-HELD")
    })
    .await;
    drop(bot.slack.messages());
    let mints = bot.mints().len();
    assert_eq!(bot.command(ADA, "").await.code(), "C-HELD");
    assert_eq!(bot.mints().len(), mints);
}

#[tokio::test]
async fn a_link_that_was_minted_ahead_works_as_any_other() {
    let bot = known().await;
    let link = bot.command(ADA, "").await.link();
    let page = Browser::new().unwrap().approve(&link, ADA).await.unwrap();
    assert_eq!(page.status, 200, "{}", page.body);
    assert_eq!(bot.novu.endpoints()[0].user_id(), Some(ADA));
}
