//! What Teams' people are promised, what becomes of it, and what is said at once instead.

use std::time::Duration;

use axum::http::{Method, StatusCode};
use connect_sandbox::{Effect, Fault, Hold, Recorded, Route};
use jiff::Timestamp;
use novu_connect_bot::clock::{Clock, between};

use super::{down_for, status, throttled};
use crate::bot::teams::{ADA, CHANNEL, GRACE, GROUP, TeamsBot, find_link, link, said};
use crate::bot::{MINT, Storage, until};

/// The messages that the connector was told to post.
fn posts(bot: &TeamsBot) -> Vec<Recorded> {
    let below = bot.conversations();
    let is_post = |it: &Recorded| {
        let path = it.path();
        let is_message = it.json()["type"] == "message";
        it.method == Method::POST && path.starts_with(&below) && is_message
    };
    bot.teams.requests().into_iter().filter(is_post).collect()
}

/// When Novu was asked for a link, or the connector for a member.
fn tries(bot: &TeamsBot, for_members: bool) -> Vec<Timestamp> {
    let (all, method, path) = if for_members {
        (bot.teams.requests(), Method::GET, bot.conversations())
    } else {
        (bot.novu.requests(), Method::POST, MINT.to_owned())
    };
    let is_try = |it: &Recorded| it.method == method && it.path().starts_with(&path);
    all.into_iter().filter(is_try).map(|it| it.at).collect()
}

async fn settled_later(bot: &TeamsBot) {
    let step = Duration::from_millis(500);
    bot.until_later_by(step, async || bot.metric("connect_promises_open").await == 0).await;
}

#[tokio::test]
async fn a_refusal_that_may_pass_is_tried_again_and_any_other_is_said_at_once() {
    let bot = TeamsBot::start_with(&[("CONNECT_NOVU__PATIENCE", "400ms")]).await;
    // The one who asks is looked up among the members of the conversation.
    let members = || Route::get(bot.conversations());
    let mint = || Route::post(MINT);
    let slow = Effect::Slow(Duration::from_secs(20));
    for (route, effect, code, tried_again) in [
        (mint(), throttled(8), "C-NOVU-BUSY", true),
        (mint(), throttled(30), "C-NOVU-BUSY", true),
        (mint(), throttled(31), "C-NOVU-BUSY", false),
        (mint(), status(StatusCode::TOO_MANY_REQUESTS), "C-NOVU-BUSY", true),
        (mint(), down_for(8), "C-NOVU-DOWN", true),
        (mint(), down_for(31), "C-NOVU-DOWN", false),
        (mint(), status(StatusCode::BAD_GATEWAY), "C-NOVU-DOWN", true),
        (mint(), slow, "C-NOVU-SLOW", false),
        (mint(), status(StatusCode::BAD_REQUEST), "C-NOVU-REJECTED", false),
        (mint(), status(StatusCode::UNAUTHORIZED), "C-NOVU-KEY", false),
        (mint(), Effect::WrongShape, "C-NOVU-ANSWER", false),
        (members(), status(StatusCode::BAD_GATEWAY), "C-PROFILE", true),
        // They and the bot meet nowhere, and will not soon.
        (members(), status(StatusCode::NOT_FOUND), "C-PROFILE", false),
    ] {
        let row = format!("{effect:?} {code}");
        let fault = Fault::new(route, effect);
        if code == "C-PROFILE" {
            bot.teams.fault(fault);
        } else {
            bot.novu.fault(fault);
        }
        bot.say(ADA, "connect").await;
        if !tried_again {
            // Time stands still.
            bot.settled().await;
        }
        settled_later(&bot).await;
        let refusal = bot.seen(ADA, 1).await;
        assert!(said(&refusal).contains(code), "{row}: {}", said(&refusal));
        assert_eq!(posts(&bot).len(), 1, "{row}");
        let tries = tries(&bot, code == "C-PROFILE");
        let (first, last) = (tries.first().unwrap(), tries.last().unwrap());
        assert_eq!(between(*first, *last) >= Duration::from_secs(2), tried_again, "{row}");
        bot.forget();
        bot.novu.clear_faults();
        bot.teams.clear_faults();
        bot.clock.advance(Duration::from_mins(10));
    }
}

#[tokio::test]
async fn a_question_counts_once_however_often_its_answer_is_tried() {
    let bot = TeamsBot::start().await;
    bot.novu.fault(Fault::new(Route::post(MINT), throttled(3)).times(20));
    // As many as a person may ask at once; three seconds later they may ask one more.
    let places = [bot.teams.chat(ADA), GROUP.to_owned()];
    for number in 0..10 {
        bot.say_in(ADA, &places[number % 2], "connect").await;
    }
    settled_later(&bot).await;
    let messages = bot.teams.messages();
    assert_eq!(messages.len(), 10);
    for message in &messages {
        // All but the newest say in the end that there is a newer one.
        assert!(!said(message).contains("C-"), "{}", said(message));
    }
    assert!(messages.iter().any(|message| find_link(message.card().unwrap()).is_some()));
}

#[tokio::test]
async fn whoever_floods_the_bot_is_told_once_or_not_at_all() {
    let bot = TeamsBot::start().await;
    let places = [bot.teams.chat(ADA), GROUP.to_owned()];
    for number in 0..10 {
        bot.say_in(ADA, &places[number % 2], "status").await;
    }
    // So little time passes that Ada may not ask again yet.
    let asked_at = bot.clock.now();
    let step = Duration::from_millis(20);
    let settled = async || bot.metric("connect_promises_open").await == 0;
    bot.until_later_by(step, settled).await;
    assert_eq!(bot.teams.messages().len(), 10);
    bot.forget();
    bot.teams.fault(Fault::new(Route::post(bot.conversations()), throttled(45)).times(1));
    bot.say_in(ADA, CHANNEL, "status").await;
    bot.until_later_by(step, settled).await;
    assert!(between(asked_at, bot.clock.now()) < Duration::from_secs(3));
    assert_eq!(bot.delivered("undelivered").await, 1);
    bot.clock.advance(Duration::from_mins(10));
    // Who asks now and not too often shows that there was time for more.
    link(&bot.ask(GRACE, "connect").await);
    assert_eq!(bot.teams.seen_by(ADA), []);
    assert_eq!(posts(&bot).len(), 2);
}

#[tokio::test]
async fn what_could_not_be_stored_is_answered_when_it_comes_again() {
    let settings = [("CONNECT_NOVU__PATIENCE", "20s")];
    let bot = TeamsBot::start_on(Storage::of_size(1), &settings).await;
    bot.ready().await;
    let hold = Hold::new();
    bot.novu.fault(Fault::new(Route::post(MINT), Effect::Hold(hold.clone())).times(1));
    bot.say(GRACE, "connect").await;
    hold.reached(1).await;

    let question = bot.teams.message(ADA, GROUP, "connect");
    for _ in 0..2 {
        assert_eq!(bot.deliver(question.signed()).await.status, 503, "Teams sends it again");
    }
    hold.release();
    link(&bot.seen(GRACE, 1).await);
    bot.settled().await;
    assert_eq!(bot.teams.seen_by(ADA), []);

    bot.tell(&question).await;
    link(&bot.seen(ADA, 1).await);
    bot.settled().await;
    bot.tell(&question).await;
    bot.settled().await;
    assert_eq!(bot.teams.seen_by(ADA).len(), 1, "and once");
    assert_eq!(bot.delivered("duplicate").await, 1);
}

#[tokio::test]
async fn a_press_that_could_not_be_promised_is_answered_when_it_comes_again() {
    let settings = [("CONNECT_NOVU__PATIENCE", "20s")];
    let bot = TeamsBot::start_on(Storage::of_size(1), &settings).await;
    bot.ready().await;
    let card = bot.ask(ADA, "connect").await;
    let hold = Hold::new();
    bot.novu.fault(Fault::new(Route::post(MINT), Effect::Hold(hold.clone())).times(2));
    bot.say(GRACE, "connect").await;
    hold.reached(1).await;

    let pressed = bot.teams.press(ADA, &card.id, "New link").unwrap();
    let refusal = bot.deliver(pressed.signed()).await;
    let notice = refusal.json["value"].as_str().unwrap();
    assert!(notice.contains("too much to do"), "{notice}");
    hold.release();
    settled_later(&bot).await;
    assert_eq!(link(&bot.seen(ADA, 1).await), link(&card), "the card is as it was");
    link(&bot.seen(GRACE, 1).await);

    bot.clock.advance(Duration::from_secs(1));
    let taken = bot.deliver(pressed.signed()).await;
    let notice = taken.json["value"].as_str().unwrap();
    assert!(notice.contains("One moment"), "{notice}");
    settled_later(&bot).await;
    assert_ne!(link(&bot.seen(ADA, 1).await), link(&card));
}

#[tokio::test]
async fn whoever_hangs_up_gets_their_answer_and_once() {
    let bot = TeamsBot::start().await;
    let question = bot.teams.message(ADA, GROUP, "connect");
    bot.deliver_and_hang_up(question.signed(), async {}).await;
    link(&bot.seen(ADA, 1).await);
    bot.tell(&question).await;
    bot.settled().await;
    assert_eq!(bot.teams.messages().len(), 1);
    assert_eq!(bot.delivered("duplicate").await, 1);
}

#[tokio::test]
async fn whoever_hangs_up_after_a_press_gets_the_answer() {
    let bot = TeamsBot::start().await;
    let card = bot.ask(ADA, "connect").await;
    bot.clock.advance(Duration::from_secs(1));
    let pressed = bot.teams.press(ADA, &card.id, "New link").unwrap();
    bot.deliver_and_hang_up(pressed.signed(), async {}).await;
    until(async || link(&bot.teams.seen_by(ADA)[0]) != link(&card)).await;
    bot.settled().await;
    assert_eq!(bot.teams.messages().len(), 1);
}
