//! Presses of the buttons on cards.

use std::time::Duration;

use connect_sandbox::teams::validate_reply;
use serde_json::{Value, json};

use crate::bot::teams::{ADA, GRACE, GROUP, TeamsBot, find_link, said};

/// Every button that asks for something: what it carries, what it asks for, and the notice.
const BUTTONS: [(&str, &str, &str); 7] = [
    ("new_link", "connect", "One moment, your answer is on its way."),
    ("status", "status", "One moment, I am looking it up."),
    ("test", "test", "One moment, I am asking for a test."),
    ("disconnect", "disconnect", "One moment, please."),
    ("disconnect_now", "disconnect_now", "One moment, I am disconnecting you."),
    ("it_was_me", "confirm", "Thank you for telling me."),
    ("it_was_not_me", "confirm", "Thank you for telling me."),
];

/// What a button carries.
fn data(word: &str) -> Value {
    if word.starts_with("it_was") { json!({ "message": "ABCD2345" }) } else { json!({}) }
}

async fn answered(bot: &TeamsBot, intent: &str) -> u64 {
    bot.metric(&format!("connect_answers_total{{platform=\"teams\",intent=\"{intent}\"")).await
}

#[tokio::test]
async fn every_button_asks_for_what_it_says_and_its_card_becomes_the_answer() {
    let bot = TeamsBot::start().await;
    let card = bot.ask(ADA, "help").await;
    for (word, intent, notice) in BUTTONS {
        bot.clock.advance(Duration::from_secs(10));
        let before = answered(&bot, intent).await;
        let verb = format!("connect.{word}");
        let pressed = bot.teams.execute(ADA, &card.conversation, &card.id, &verb, &data(word));
        for _ in 0..2 {
            let reply = bot.deliver(pressed.signed()).await;
            validate_reply(&reply.json).unwrap();
            assert_eq!(reply.json["value"], notice, "{word}");
        }
        bot.settled().await;
        assert_eq!(answered(&bot, intent).await, before + 1, "{word}, once");
        assert_eq!(bot.seen(ADA, 1).await.id, card.id, "in its place");
    }
}

#[tokio::test]
async fn whoever_presses_a_card_that_is_not_theirs_gets_an_answer_of_their_own() {
    let bot = TeamsBot::start().await;
    bot.say_in(ADA, GROUP, "help").await;
    let adas = bot.seen(ADA, 1).await;
    bot.settled().await;
    for (count, (word, intent, _)) in BUTTONS.into_iter().enumerate() {
        bot.clock.advance(Duration::from_secs(10));
        let before = answered(&bot, intent).await;
        let verb = format!("connect.{word}");
        let pressed = bot.teams.execute(GRACE, GROUP, &adas.id, &verb, &data(word));
        let reply = bot.deliver(pressed.signed()).await;
        assert_eq!((reply.status, find_link(&reply.json["value"])), (200, None));
        bot.settled().await;
        assert_eq!(answered(&bot, intent).await, before + 1, "{word}");
        let own = bot.seen(GRACE, count + 1).await;
        assert_eq!(own.only_for.as_deref(), Some(GRACE), "{word}");
        let still = bot.seen(ADA, 1).await;
        assert_eq!((&still.id, said(&still)), (&adas.id, said(&adas)), "{word}");
    }
    assert!(bot.mints().iter().all(|mint| {
        mint.json()["subscriberId"].as_str().is_some_and(|subscriber| subscriber.ends_with(GRACE))
    }));
}

#[tokio::test]
async fn what_a_button_of_ours_never_carries_is_turned_down() {
    let bot = TeamsBot::start().await;
    let chat = bot.teams.chat(ADA);
    for (verb, data) in [
        ("connect.sell", json!({})),
        ("connect.", json!({})),
        ("status", json!({})),
        ("connect.it_was_me", json!({})),
        ("connect.it_was_me", json!({ "message": "../etc" })),
        ("connect.it_was_me", json!({ "message": ["ABCD2345"] })),
        ("connect.it_was_not_me", json!("ABCD2345")),
    ] {
        let pressed = bot.teams.execute(ADA, &chat, "1", verb, &data);
        let reply = bot.deliver(pressed.signed()).await;
        validate_reply(&reply.json).unwrap();
        assert_eq!(reply.json["statusCode"], 400, "{verb} {data}");
    }
    // What is odd and not needed costs nothing.
    for data in [json!(null), json!("x"), json!({ "message": 7 }), json!({ "more": {} })] {
        bot.clock.advance(Duration::from_secs(10));
        let pressed = bot.teams.execute(ADA, &chat, "1", "connect.status", &data);
        assert_eq!(bot.deliver(pressed.signed()).await.json["statusCode"], 200, "{data}");
        bot.settled().await;
    }
    assert_eq!(bot.seen(ADA, 4).await.conversation, chat);
}
