//! Links that somebody else uses.

use std::time::Duration;

use axum::http::StatusCode;
use connect_sandbox::slack::Door;
use connect_sandbox::{Effect, Fault, Route};

use super::{A_WATCHS_LIFE, ENDPOINTS, labels, subscriber};
use crate::bot::{ADA, Bot, GRACE};
use crate::log::Log;

const ALARM: &str = "somebody else signed in by a person's link; what they connected is removed";

async fn alarms(bot: &Bot) -> u64 {
    bot.metric("connect_wrong_persons_total{platform=\"slack\"}").await
}

#[tokio::test]
async fn whoever_opens_another_persons_link_is_not_connected_and_both_are_told() {
    let log = Log::read();
    let bot = Bot::start().await;
    bot.ready().await;
    let link = bot.command(ADA, "").await.link();
    assert_eq!(bot.approve(&link, GRACE).await.status, 200);
    assert_eq!(bot.linked(), [(subscriber(ADA), GRACE.to_owned())], "Novu stores what it is told");
    let told = bot.until_told("Somebody else signed in with your link").await;
    assert_eq!(labels(&told[0]), ["New link"]);
    bot.until_told("für jemand anderen").await;
    assert_eq!(bot.linked(), []);
    let messages = bot.slack.messages();
    let other = messages.iter().find(|it| it.user.as_deref() == Some(GRACE)).unwrap();
    assert_eq!(other.door, Door::PostMessage);
    assert!(!other.body.to_string().contains("Ada"), "whose link it was is not said");
    assert_eq!((messages.len(), alarms(&bot).await), (2, 1));
    let lines = log.lines(ALARM);
    assert_eq!(lines.len(), 1, "{lines:?}");
    for (field, value) in [("level", "ERROR"), ("asker", ADA), ("signed_in", GRACE)] {
        assert_eq!(lines[0][field], value);
    }

    // The same link is still good for its person.
    assert_eq!(bot.approve(&link, ADA).await.status, 200);
    bot.until_told("connected as").await;
    bot.pass(A_WATCHS_LIFE).await;
    assert_eq!(bot.linked(), [(subscriber(ADA), ADA.to_owned())]);
    assert_eq!((bot.slack.messages().len(), alarms(&bot).await), (3, 1));
}

#[tokio::test]
async fn a_link_is_watched_after_its_person_has_used_it() {
    let bot = Bot::start().await;
    bot.ready().await;
    let link = bot.command(ADA, "").await.link();
    bot.approve(&link, ADA).await;
    bot.until_told("connected as").await;
    bot.pass(Duration::from_mins(1)).await;
    bot.approve(&link, GRACE).await;
    bot.until_told("Somebody else opened your sign-in link as well").await;
    bot.until_told("für jemand anderen").await;
    assert_eq!(bot.linked(), [(subscriber(ADA), ADA.to_owned())]);
    bot.pass(A_WATCHS_LIFE).await;
    assert_eq!((bot.slack.messages().len(), alarms(&bot).await), (3, 1));
}

#[tokio::test]
async fn two_who_open_each_others_links_are_both_told_and_neither_is_connected() {
    let bot = Bot::start().await;
    bot.ready().await;
    let adas = bot.command(ADA, "").await.link();
    let graces = bot.command(GRACE, "").await.link();
    bot.approve(&adas, GRACE).await;
    bot.approve(&graces, ADA).await;
    bot.until_later(async || bot.linked().is_empty()).await;
    bot.pass(Duration::from_secs(10)).await;
    assert_eq!(alarms(&bot).await, 2);
    // Of their own link, and of that of the other.
    assert_eq!(bot.slack.messages().len(), 4);
    bot.approve(&adas, ADA).await;
    bot.approve(&graces, GRACE).await;
    bot.until_told("connected as").await;
    bot.until_told("verbunden").await;
    let mut linked = bot.linked();
    linked.sort();
    assert_eq!(linked, [ADA, GRACE].map(|user| (subscriber(user), user.to_owned())));
    bot.slack.clear_messages();
}

#[tokio::test]
async fn whoever_is_connected_already_changes_nothing_by_opening_another_persons_link() {
    let bot = Bot::start().await;
    bot.ready().await;
    bot.link(GRACE).await;
    bot.pass(Duration::from_secs(5)).await;
    let before = bot.slack.messages().len();
    let link = bot.command(ADA, "").await.link();
    assert_eq!(bot.approve(&link, GRACE).await.status, 500, "Novu refuses");
    bot.pass(Duration::from_secs(20)).await;
    assert_eq!((bot.slack.messages().len(), alarms(&bot).await), (before, 0));
    assert_eq!(bot.linked(), [(subscriber(GRACE), GRACE.to_owned())]);
    bot.pass(A_WATCHS_LIFE).await;
    bot.slack.clear_messages();
}

#[tokio::test]
async fn what_cannot_be_removed_is_tried_until_it_is_and_that_is_said() {
    let log = Log::read();
    let bot = Bot::start().await;
    bot.ready().await;
    let link = bot.command(ADA, "").await.link();
    let down = Effect::status(StatusCode::SERVICE_UNAVAILABLE);
    bot.novu.fault(Fault::new(Route::delete(ENDPOINTS), down));
    bot.approve(&link, GRACE).await;
    bot.until_told("This can take a moment").await;
    bot.pass(Duration::from_mins(2)).await;
    assert_eq!(bot.slack.messages().len(), 1, "said once");
    assert!(!log.lines("the endpoint of a wrong person is not removed yet").is_empty());
    bot.novu.clear_faults();
    bot.until_told("I removed it at once").await;
    bot.until_told("für jemand anderen").await;
    assert_eq!((bot.linked(), alarms(&bot).await), (vec![], 1));
}

#[tokio::test]
async fn links_of_other_subscribers_and_from_before_stay_as_they_are() {
    use connect_sandbox::novu::{NewEndpoint, Profile};

    use crate::bot::{CONNECTION, INTEGRATION};

    let bot = Bot::start().await;
    bot.ready().await;
    let add = |subscriber: &str, user: &str| {
        let new = NewEndpoint::slack_user(INTEGRATION, CONNECTION, subscriber, user);
        bot.novu.add_endpoint(new).unwrap();
    };
    for id in ["somebody", &subscriber(ADA)] {
        bot.novu.add_subscriber(id, Profile::default());
    }
    add(&subscriber(ADA), "UOLD");
    let link = bot.command(ADA, "").await.link();
    add("somebody", "UNEW");
    bot.approve(&link, ADA).await;
    bot.until_told("connected as").await;
    bot.pass(A_WATCHS_LIFE).await;
    assert_eq!((bot.linked().len(), alarms(&bot).await), (3, 0));
    assert_eq!(bot.slack.messages().len(), 1);
}

#[tokio::test]
async fn what_two_did_while_the_service_was_away_is_judged_in_the_order_of_their_links() {
    let mut bot = Bot::start_on(crate::bot::Storage::sqlite(), &[]).await;
    bot.ready().await;
    let link = bot.command(ADA, "").await.link();
    bot.stop().await;
    bot.approve(&link, ADA).await;
    bot.approve(&link, GRACE).await;
    assert_eq!(bot.linked().len(), 2);
    // Longer than the link was to be watched.
    bot.clock.advance(Duration::from_mins(10));
    let settings = bot.settings();
    let bot = bot.restart(settings).await;
    bot.ready().await;
    bot.until_told("connected as").await;
    bot.until_later(async || bot.linked() == [(subscriber(ADA), ADA.to_owned())]).await;
    bot.until_told("für jemand anderen").await;
    bot.slack.clear_messages();
}
