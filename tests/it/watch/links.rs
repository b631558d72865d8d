//! Links that are used in other ways than most: from a page, at the last moment, with a newer one beside them.

use std::time::Duration;

use connect_sandbox::Browser;

use super::{A_WATCHS_LIFE, labels, subscriber};
use crate::bot::teams::{self, TeamsBot, link, said};
use crate::bot::{ADA, Bot};

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
