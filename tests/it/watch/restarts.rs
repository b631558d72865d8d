//! Watches that outlive the process.

use std::time::Duration;

use connect_sandbox::{Effect, Fault, Hold, Route};

use super::{A_WATCHS_LIFE, subscriber};
use crate::bot::{ADA, Bot, GRACE, MINT, Replica, Storage, find_button, is_on_its_way};

fn durable() -> impl Iterator<Item = Storage> {
    [Some(Storage::sqlite()), Storage::postgres()].into_iter().flatten()
}

#[tokio::test]
async fn who_signs_in_while_the_service_is_away_is_told_afterwards_once() {
    for storage in durable() {
        let bot = Bot::start_on(storage, &[]).await;
        bot.ready().await;
        let link = bot.command(ADA, "").await.link();
        let settings = bot.settings();
        let bot = {
            let novu = std::sync::Arc::clone(&bot.novu);
            let mut bot = bot;
            bot.stop().await;
            assert_eq!(bot.approve(&link, ADA).await.status, 200);
            assert_eq!(novu.endpoints().len(), 1);
            bot.restart(settings).await
        };
        bot.ready().await;
        let told = bot.until_told("connected as").await;
        assert_eq!(told.len(), 1);
        bot.pass(A_WATCHS_LIFE).await;
        assert_eq!(bot.slack.messages().len(), 1);
    }
}

#[tokio::test]
async fn who_uses_anothers_link_while_the_service_is_away_is_removed_afterwards() {
    for storage in durable() {
        let mut bot = Bot::start_on(storage, &[]).await;
        bot.ready().await;
        let link = bot.command(ADA, "").await.link();
        bot.stop().await;
        assert_eq!(bot.approve(&link, GRACE).await.status, 200);
        assert_eq!(bot.linked(), [(subscriber(ADA), GRACE.to_owned())]);
        let settings = bot.settings();
        let bot = bot.restart(settings).await;
        bot.ready().await;
        bot.until_told("Somebody else").await;
        bot.until_told("für jemand anderen").await;
        assert_eq!(bot.linked(), []);
        bot.pass(Duration::from_secs(30)).await;
        assert_eq!(bot.slack.messages().len(), 2);
    }
}

#[tokio::test]
async fn watches_outlive_a_kill_and_nobody_is_told_twice() {
    let bot = Bot::start().await;
    bot.ready().await;
    for storage in durable() {
        let first = Replica::start(&bot, &storage).await;
        let mut links = Vec::new();
        for user in [ADA, GRACE] {
            let (status, body) = first.post("/slack/commands", bot.slash(user, "")).await;
            assert_eq!(status, 200, "{body}");
            let message = serde_json::from_str(&body).unwrap();
            links.push(find_button(&message).unwrap()["url"].as_str().unwrap().to_owned());
        }
        first.kill().await;
        assert_eq!(bot.approve(&links[0], ADA).await.status, 200);
        let second = Replica::start(&bot, &storage).await;
        bot.until_told("connected as").await;
        // That it was told is stored.
        bot.pass(Duration::from_secs(1)).await;
        second.kill().await;
        let third = Replica::start(&bot, &storage).await;
        assert_eq!(bot.approve(&links[1], GRACE).await.status, 200);
        bot.until_told("verbunden").await;
        bot.pass(A_WATCHS_LIFE).await;
        assert_eq!(bot.slack.messages().len(), 2);
        third.kill().await;
        for endpoint in bot.novu.endpoints() {
            bot.remove(&endpoint.identifier).await;
        }
        bot.slack.clear_messages();
    }
}

#[tokio::test]
async fn whose_link_arrived_when_the_service_was_killed_is_told_once() {
    let bot = Bot::start_with(&[("CONNECT_SLACK__REPLY_BUDGET", "200ms")]).await;
    bot.ready().await;
    let storage = Storage::sqlite();
    let first = Replica::start(&bot, &storage).await;
    let hold = Hold::new();
    bot.novu.fault(Fault::new(Route::post(MINT), Effect::Hold(hold.clone())));
    let (_, body) = first.post("/slack/commands", bot.slash(ADA, "")).await;
    assert!(is_on_its_way(&body), "{body}");
    // The link is there, and whoever sent it dies before they know.
    let unnoticed = Effect::LateAnswer(Duration::from_mins(1));
    bot.slack.fault(Fault::new(Route::post("/commands/"), unnoticed).times(1));
    hold.release();
    bot.until_later_by(Duration::from_millis(50), async || !bot.slack.messages().is_empty()).await;
    first.kill().await;
    let link = find_button(&bot.slack.messages()[0].body).unwrap()["url"].clone();
    assert_eq!(bot.approve(link.as_str().unwrap(), ADA).await.status, 200);
    let second = Replica::start(&bot, &storage).await;
    bot.until_told("connected as").await;
    bot.pass(Duration::from_secs(30)).await;
    let messages = bot.slack.messages();
    assert!(messages.last().unwrap().text().contains("connected as"), "{messages:?}");
    assert_eq!(messages.len(), 2, "{messages:?}");
    second.kill().await;
}
