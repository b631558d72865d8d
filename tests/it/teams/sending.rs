//! Answers on their way into Teams, when Teams throttles, stumbles or does not say what it did.

use std::time::Duration;

use axum::http::{Method, StatusCode};
use connect_sandbox::{Effect, Failure, Fault, Recorded, Route};
use novu_connect_bot::clock::between;

use crate::bot::teams::{ADA, GRACE, GROUP, TeamsBot, link, member};
use crate::bot::until;
use crate::canaries::lines_with;

/// The chats that the connector was told to open, and the messages that it was told to send.
fn posts(bot: &TeamsBot) -> Vec<Recorded> {
    let below = bot.conversations();
    let is_post = |it: &Recorded| it.method == Method::POST && it.path().starts_with(&below);
    let is_typing = |it: &Recorded| it.json()["type"] == "typing";
    bot.teams.requests().into_iter().filter(|it| is_post(it) && !is_typing(it)).collect()
}

/// A service that has spoken with Ada in her own chat before.
async fn acquainted() -> TeamsBot {
    let bot = TeamsBot::start().await;
    bot.ask(ADA, "help").await;
    next_story(&bot);
    bot
}

/// The next of these calls meets this effect.
fn meets(bot: &TeamsBot, effect: Effect, times: usize) {
    bot.teams.fault(Fault::new(Route::post(bot.conversations()), effect).times(times));
}

/// The bot may not write into groups, whatever else is in force.
fn refuse_groups(bot: &TeamsBot) {
    let path = format!("{}/19", bot.conversations());
    bot.teams.fault(Fault::new(Route::post(path), Effect::status(StatusCode::FORBIDDEN)));
}

/// Lets time go on until nothing is promised any more.
async fn settled_later(bot: &TeamsBot) {
    // Until the first message is on its way time stands still, or "is typing" would come before it.
    until(async || !posts(bot).is_empty()).await;
    bot.until_later(async || bot.metric("connect_promises_open").await == 0).await;
}

/// One story is over; the next one has the pace of all of them to itself.
fn next_story(bot: &TeamsBot) {
    bot.forget();
    bot.teams.clear_faults();
    bot.clock.advance(Duration::from_mins(1));
}

#[tokio::test]
async fn a_card_that_teams_throttles_comes_once_and_not_before_its_time() {
    let bot = acquainted().await;
    // The short time is waited for within the call, the long one outside of it.
    for seconds in [8, 45] {
        for place in [bot.teams.chat(ADA), GROUP.to_owned()] {
            meets(&bot, Effect::Fail(Failure::throttled(seconds)), 1);
            bot.say_in(ADA, &place, "connect").await;
            settled_later(&bot).await;
            let messages = bot.teams.messages();
            let [card] = messages.as_slice() else { panic!("{} cards", messages.len()) };
            assert_eq!(card.conversation, place);
            assert_eq!(card.only_for.as_deref(), (place == GROUP).then_some(ADA));
            link(card);
            let posts = posts(&bot);
            let [refused, sent] = posts.as_slice() else { panic!("{} posts", posts.len()) };
            assert_eq!(refused.path_and_query, sent.path_and_query);
            let pause = between(refused.at, sent.at);
            assert!(pause >= Duration::from_secs(seconds), "{place}: {pause:?} for {seconds} s");
            next_story(&bot);
        }
    }
    assert_eq!((bot.delivered("chat").await, bot.delivered("targeted").await), (3, 2));
}

#[tokio::test]
async fn a_chat_that_teams_throttles_is_opened_when_its_time_has_come() {
    let bot = TeamsBot::start().await;
    for (oid, seconds) in [(ADA, 8), (GRACE, 45)] {
        refuse_groups(&bot);
        meets(&bot, Effect::Fail(Failure::throttled(seconds)), 1);
        bot.say_in(oid, GROUP, "connect").await;
        settled_later(&bot).await;
        let messages = bot.teams.messages();
        let [card] = messages.as_slice() else { panic!("{} cards", messages.len()) };
        assert_eq!(card.conversation, bot.teams.chat(oid));
        link(card);
        let chats: Vec<_> =
            posts(&bot).into_iter().filter(|post| post.path() == bot.conversations()).collect();
        let [refused, opened] = chats.as_slice() else { panic!("{} chats", chats.len()) };
        assert!(between(refused.at, opened.at) >= Duration::from_secs(seconds), "{oid}");
        next_story(&bot);
    }
    assert_eq!(bot.delivered("own_chat").await, 2);
}

#[tokio::test]
async fn a_card_that_may_have_come_is_not_sent_again() {
    let bot = acquainted().await;
    let mut uncertain = 0;
    for (effect, came) in [
        (Effect::LostAnswer, 1),
        (Effect::Hangup, 0),
        (Effect::status(StatusCode::INTERNAL_SERVER_ERROR), 0),
    ] {
        for place in [bot.teams.chat(ADA), GROUP.to_owned()] {
            meets(&bot, effect.clone(), 1);
            bot.say_in(ADA, &place, "connect").await;
            settled_later(&bot).await;
            assert_eq!(posts(&bot).len(), 1, "{effect:?}");
            assert_eq!(bot.teams.messages().len(), came, "{effect:?}");
            uncertain += 1;
            assert_eq!(bot.delivered("uncertain").await, uncertain, "{effect:?}");
            next_story(&bot);
        }
    }
    assert_eq!(bot.metric("connect_late_deliveries_total").await, uncertain + 1);
}

#[tokio::test]
async fn a_card_that_teams_stumbles_over_comes_all_the_same() {
    let bot = acquainted().await;
    for effect in [
        Effect::status(StatusCode::PRECONDITION_FAILED),
        Effect::status(StatusCode::TOO_MANY_REQUESTS),
        Effect::status(StatusCode::BAD_GATEWAY),
        Effect::ProxyPage,
        Effect::status(StatusCode::SERVICE_UNAVAILABLE),
        Effect::status(StatusCode::GATEWAY_TIMEOUT),
    ] {
        for times in [1, 2] {
            for place in [bot.teams.chat(ADA), GROUP.to_owned()] {
                meets(&bot, effect.clone(), times);
                bot.say_in(ADA, &place, "connect").await;
                settled_later(&bot).await;
                let messages = bot.teams.messages();
                let [card] = messages.as_slice() else { panic!("{} cards", messages.len()) };
                link(card);
                let posts = posts(&bot);
                assert_eq!(posts.len(), times + 1, "{effect:?}");
                let waited = between(posts[0].at, posts[times].at);
                assert!(waited >= Duration::from_millis(500), "{effect:?}: {waited:?}");
                next_story(&bot);
            }
        }
    }
    assert_eq!(bot.delivered("uncertain").await, 0);
}

#[tokio::test]
async fn a_card_that_teams_stumbles_over_for_good_is_sent_three_times_and_its_reference_is_told() {
    let bot = acquainted().await;
    let doubtful = "oid-doubtful";
    bot.teams.add_person(member(doubtful, "Thomas"));
    bot.ask(doubtful, "help").await;
    next_story(&bot);
    for status in
        [StatusCode::BAD_GATEWAY, StatusCode::SERVICE_UNAVAILABLE, StatusCode::GATEWAY_TIMEOUT]
    {
        meets(&bot, Effect::status(status), 4);
        bot.say(doubtful, "connect").await;
        settled_later(&bot).await;
        assert_eq!(posts(&bot).len(), 3, "{status}");
        assert_eq!(bot.teams.messages(), []);
        next_story(&bot);
    }
    assert_eq!(bot.delivered("uncertain").await, 3);
    let answered =
        lines_with(doubtful).into_iter().filter(|line| line.contains("intent=\"connect\""));
    let references: Vec<String> = answered
        .filter_map(|line| {
            let (_, rest) = line.split_once("reference=")?;
            rest.split_whitespace().next().map(str::to_owned)
        })
        .collect();
    assert_eq!(references.len(), 3, "one line for each answer");
    for reference in references {
        let told = lines_with(&reference);
        let doubt = |line: &&String| line.contains(" WARN ") && line.contains("not known whether");
        assert_eq!(told.iter().filter(doubt).count(), 1, "{told:?}");
    }
}

#[tokio::test]
async fn a_card_that_certainly_did_not_come_is_sent_three_times_at_most() {
    let bot = acquainted().await;
    // One more was delivered before the story began.
    for (times, outcome, came, delivered) in [(2, "chat", 1, 2), (3, "undelivered", 0, 1)] {
        meets(&bot, Effect::status(StatusCode::PRECONDITION_FAILED), times);
        bot.say(ADA, "connect").await;
        settled_later(&bot).await;
        assert_eq!(posts(&bot).len(), 3, "{outcome}");
        assert_eq!(bot.teams.messages().len(), came, "{outcome}");
        assert_eq!(bot.delivered(outcome).await, delivered);
        next_story(&bot);
    }
}

#[tokio::test]
async fn a_chat_that_may_have_been_opened_is_opened_again_and_has_one_card() {
    let bot = TeamsBot::start().await;
    for (oid, effect) in [(ADA, Effect::LostAnswer), (GRACE, Effect::ProxyPage)] {
        refuse_groups(&bot);
        meets(&bot, effect, 1);
        bot.say_in(oid, GROUP, "connect").await;
        settled_later(&bot).await;
        let messages = bot.teams.messages();
        let [card] = messages.as_slice() else { panic!("{} cards", messages.len()) };
        assert_eq!(card.conversation, bot.teams.chat(oid));
        link(card);
        next_story(&bot);
    }
    assert_eq!(bot.delivered("own_chat").await, 2);
}
