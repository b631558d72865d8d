//! The endings that a message with a sign-in link can have.

use std::time::Duration;

use axum::http::StatusCode;
use connect_sandbox::novu::{NewEndpoint, Profile};
use connect_sandbox::slack::Door;
use connect_sandbox::{Browser, Effect, Fault, Route};

use novu_connect_bot::clock::{Clock, between};

use super::{A_WATCHS_LIFE, ENDPOINTS, labels, subscriber};
use crate::bot::teams::{self, TeamsBot, link, said};
use crate::bot::{ADA, Bot, CONNECTION, INTEGRATION};

#[tokio::test]
async fn connected_comes_by_itself_in_place_of_the_button_within_three_seconds() {
    let bot = Bot::start().await;
    bot.ready().await;
    let link = bot.command(ADA, "").await.link();
    assert_eq!(bot.approve(&link, ADA).await.status, 200);
    let before = bot.clock.now();
    let told = bot.until_told("connected as").await;
    assert!(between(before, bot.clock.now()) <= Duration::from_secs(3));
    let [message] = told.as_slice() else { panic!("{told:?}") };
    assert!(matches!(message.door, Door::ResponseUrl(_)), "{message:?}");
    assert_eq!(message.body["replace_original"], true);
    assert_eq!(labels(message), ["Disconnect"]);
    bot.pass(A_WATCHS_LIFE).await;
    assert_eq!(bot.slack.messages().len(), 1, "the end of the link changes nothing any more");
    assert_eq!(bot.metric("connect_funnel_total{platform=\"slack\",step=\"verified\"}").await, 1);
    assert_eq!(bot.metric("connect_watches_open{platform=\"slack\"}").await, 0);
}

#[tokio::test]
async fn connected_comes_on_the_card_itself_in_teams() {
    let bot = TeamsBot::start().await;
    let card = bot.ask(teams::ADA, "connect").await;
    assert_eq!(bot.approve(&link(&card), teams::ADA).await.status, 200);
    bot.until_later(async || bot.teams.seen_by(teams::ADA)[0].edits > 0).await;
    let seen = bot.teams.seen_by(teams::ADA);
    let [card] = seen.as_slice() else { panic!("{} cards", seen.len()) };
    assert!(said(card).contains("You are connected as"), "{}", said(card));
    bot.pass(A_WATCHS_LIFE).await;
    assert_eq!(bot.teams.seen_by(teams::ADA)[0].edits, 1);
}

#[tokio::test]
async fn a_link_from_a_personal_page_ends_on_the_card_that_led_there() {
    let bot = TeamsBot::start_with(&teams::PAGES).await;
    let card = bot.ask(teams::ADA, "connect").await;
    let page = Browser::new().unwrap();
    let confirm = page.open(&link(&card)).await.unwrap();
    let provider = page.press(&confirm, "Continue to sign in").await.unwrap();
    assert_eq!(page.press(&provider, teams::ADA).await.unwrap().status, 200);
    bot.until_later(async || bot.teams.seen_by(teams::ADA)[0].edits > 0).await;
    let seen = bot.teams.seen_by(teams::ADA);
    assert!(said(&seen[0]).contains("You are connected as"), "{}", said(&seen[0]));
}

#[tokio::test]
async fn a_link_that_nobody_used_says_so_once_it_cannot_be_used() {
    let bot = Bot::start().await;
    bot.ready().await;
    bot.command(ADA, "").await.link();
    bot.pass(Duration::from_secs(298)).await;
    assert_eq!(bot.slack.messages(), []);
    bot.pass(Duration::from_secs(40)).await;
    let messages = bot.slack.messages();
    let [message] = messages.as_slice() else { panic!("{messages:?}") };
    assert!(message.text().contains("run out"), "{}", message.text());
    assert_eq!(labels(message), ["New link"]);
    bot.pass(A_WATCHS_LIFE).await;
    assert_eq!(bot.slack.messages().len(), 1);
}

#[tokio::test]
async fn who_signs_in_at_the_last_moment_is_told_after_all() {
    let bot = Bot::start().await;
    bot.ready().await;
    let link = bot.command(ADA, "").await.link();
    let browser = Browser::new().unwrap();
    bot.pass(Duration::from_secs(299)).await;
    let provider = browser.open(&link).await.unwrap();
    // Novu looks at the clock when the callback begins, and stores the endpoint when it has spoken to Slack.
    assert_eq!(browser.press(&provider, ADA).await.unwrap().status, 200);
    let told = bot.until_told("connected as").await;
    assert_eq!(told.len(), 1);
    bot.pass(A_WATCHS_LIFE).await;
    assert_eq!(bot.slack.messages().len(), 1);
}

#[tokio::test]
async fn whose_account_another_subscriber_holds_reads_so_in_the_end() {
    let bot = Bot::start().await;
    bot.ready().await;
    bot.novu.add_subscriber("phantom", Profile::default());
    bot.novu
        .add_endpoint(NewEndpoint::slack_user(INTEGRATION, CONNECTION, "phantom", ADA))
        .unwrap();
    let link = bot.command(ADA, "").await.link();
    assert_eq!(bot.approve(&link, ADA).await.status, 500, "Novu refuses");
    bot.until_told("run out").await;
    let told = bot.until_told("C-HELD").await;
    assert_eq!(told.len(), 1);
}

#[tokio::test]
async fn while_novu_is_away_nothing_is_said_that_may_be_untrue() {
    let bot = Bot::start().await;
    bot.ready().await;
    let link = bot.command(ADA, "").await.link();
    let away = Effect::status(StatusCode::SERVICE_UNAVAILABLE);
    bot.novu.fault(Fault::new(Route::get(ENDPOINTS), away));
    assert_eq!(bot.approve(&link, ADA).await.status, 200);
    bot.pass(A_WATCHS_LIFE).await;
    assert_eq!(bot.slack.messages(), []);
    bot.novu.clear_faults();
    let told = bot.until_told("connected as").await;
    assert_eq!(told.len(), 1);
}

#[tokio::test]
async fn a_newer_link_takes_the_place_of_the_older_message() {
    let bot = Bot::start().await;
    bot.ready().await;
    let older = bot.command(ADA, "").await.link();
    bot.pass(Duration::from_secs(10)).await;
    bot.command(ADA, "").await.link();
    let told = bot.until_told("newer message").await;
    assert_eq!(told.len(), 1);
    assert_eq!(labels(&told[0]), [""; 0]);
    // The older link is good until its end, and counts for its person.
    assert_eq!(bot.approve(&older, ADA).await.status, 200);
    let connected = bot.until_told("connected as").await;
    assert_eq!(connected.len(), 1);
    bot.pass(A_WATCHS_LIFE).await;
    assert_eq!(bot.slack.messages().len(), 2);
    assert_eq!(bot.linked(), [(subscriber(ADA), ADA.to_owned())]);
}

#[tokio::test]
async fn what_is_removed_meanwhile_is_said_to_be_gone() {
    let bot = Bot::start().await;
    bot.ready().await;
    bot.link(ADA).await;
    bot.until_told("connected as").await;
    let endpoint = bot.novu.endpoints()[0].identifier.clone();
    bot.remove(&endpoint).await;
    let told = bot.until_told("not connected any more").await;
    assert_eq!(told.len(), 1);
}

#[tokio::test]
async fn a_message_that_cannot_be_changed_any_more_is_followed_by_a_direct_one() {
    let bot = Bot::start().await;
    bot.ready().await;
    let link = bot.command(ADA, "").await.link();
    bot.slack.fault(Fault::new(Route::post("/commands/"), Effect::status(StatusCode::NOT_FOUND)));
    bot.approve(&link, ADA).await;
    bot.until_told("connected as").await;
    let messages = bot.slack.messages();
    let [message] = messages.as_slice() else { panic!("{messages:?}") };
    assert_eq!((&message.door, message.user.as_deref()), (&Door::PostMessage, Some(ADA)));
}

#[tokio::test]
async fn whoever_disconnects_by_the_message_itself_is_told_once() {
    let bot = Bot::start().await;
    bot.ready().await;
    let message = bot.command_shown(ADA, "").await;
    let link = message.buttons()[0]["url"].as_str().unwrap().to_owned();
    assert_eq!(bot.approve(&link, ADA).await.status, 200);
    let connected = bot.until_told("connected as").await.remove(0);
    let asked = bot.press(ADA, &connected, "Disconnect").await;
    let told = bot.press(ADA, &asked, "Yes, disconnect").await;
    assert!(told.text().contains("You are disconnected"), "{}", told.text());
    assert_eq!(bot.linked(), []);
    let before = bot.slack.messages().len();
    bot.pass(A_WATCHS_LIFE).await;
    assert_eq!(bot.slack.messages().len(), before);
}
