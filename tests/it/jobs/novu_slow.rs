//! A Novu that takes its time, but answers.

use std::collections::HashSet;
use std::time::Duration;

use axum::http::StatusCode;
use connect_sandbox::{Effect, Fault, Route};
use futures_util::future::join_all;

use crate::bot::{ADA, Bot, MINT, Storage, find_button, find_code, member, until};

/// The people of a crowd, known to Slack.
fn crowd(bot: &Bot, size: usize) -> Vec<String> {
    let users: Vec<String> = (0..size).map(|number| format!("U{number}")).collect();
    for user in &users {
        bot.slack.add_user(member(user, user));
    }
    users
}

#[tokio::test]
async fn forty_people_whose_novu_takes_longer_than_slack_waits_get_forty_links_for_forty_mints() {
    for storage in Storage::each() {
        forty_links_for_forty_mints(storage).await;
    }
}

async fn forty_links_for_forty_mints(storage: Storage) {
    let bot = Bot::start_on(storage, &[]).await;
    bot.ready().await;
    let users = crowd(&bot, 40);
    bot.novu.fault(Fault::new(Route::post(MINT), Effect::Slow(Duration::from_millis(2500))));
    let replies = join_all(users.iter().map(|user| bot.command(user, ""))).await;
    assert!(replies.iter().all(crate::bot::Reply::is_on_its_way));
    // What moves the clock meanwhile must not make Novu's real time look longer than it is.
    bot.until_later_by(Duration::from_millis(2), async || bot.slack.messages().len() == 40).await;
    let links: HashSet<String> = bot
        .slack
        .messages()
        .iter()
        .map(|message| find_button(&message.body).expect("a link")["url"].to_string())
        .collect();
    assert_eq!(links.len(), 40);
    assert_eq!(bot.mints().len(), 40);
}

#[tokio::test]
async fn a_mint_that_reaches_the_patience_is_final() {
    let bot = Bot::start_with(&[
        ("CONNECT_NOVU__PATIENCE", "400ms"),
        ("CONNECT_SLACK__REPLY_BUDGET", "200ms"),
    ])
    .await;
    bot.ready().await;
    bot.novu.fault(Fault::new(Route::post(MINT), Effect::Slow(Duration::from_secs(30))));
    assert!(bot.command(ADA, "").await.is_on_its_way());
    bot.until_later(async || bot.slack.messages().len() == 1).await;
    let code = find_code(bot.slack.messages()[0].text());
    assert_eq!(code.as_deref(), Some("C-NOVU-SLOW"));
    until(async || bot.metric("connect_promises_open").await == 0).await;
    assert_eq!(bot.mints().len(), 1);
}

#[tokio::test]
async fn a_failure_of_novus_is_tried_again_while_somebody_can_still_be_answered() {
    for status in [500, 502, 503, 504] {
        let bot = Bot::start().await;
        bot.ready().await;
        let failure = Effect::status(StatusCode::from_u16(status).unwrap());
        bot.novu.fault(Fault::new(Route::post(MINT), failure).times(5));
        assert!(bot.command(ADA, "").await.is_on_its_way(), "{status}");
        bot.until_later(async || bot.slack.messages().len() == 1).await;
        assert!(find_button(&bot.slack.messages()[0].body).is_some(), "{status}");
        assert_eq!(bot.mints().len(), 6, "{status}");
    }
}
