//! A token of the Bot Connector in the wrong hands: nothing in a body widens who reads a link.

use std::time::Duration;

use connect_sandbox::teams::{Conversation, Inbound};
use serde_json::json;

use crate::bot::teams::{ACME, ADA, GRACE, TeamsBot, find_link, link};

/// A group of the attacker, who is Grace, and others.
const THEIRS: &str = "19:theirs@thread.v2";

async fn start() -> TeamsBot {
    let bot = TeamsBot::start().await;
    bot.teams.add_conversation(Conversation::group(ACME, "theirs", &[GRACE, ADA]));
    bot
}

/// Everything that anybody but Ada has been shown.
async fn shown_to_others(bot: &TeamsBot, inbound: &Inbound) -> Vec<String> {
    bot.forget();
    bot.clock.advance(Duration::from_mins(1));
    let reply = bot.deliver(inbound.signed()).await;
    let mut shown = vec![reply.body];
    bot.until_later(async || bot.metric("connect_promises_open").await == 0).await;
    let messages = bot.teams.messages();
    let adas = bot.teams.chat(ADA);
    let others =
        messages.iter().filter(|it| it.conversation != adas && it.only_for.as_deref() != Some(ADA));
    shown.extend(others.map(|message| message.body.to_string()));
    shown
}

#[tokio::test]
async fn whoever_holds_a_token_of_the_bot_connector_gets_nobody_elses_link() {
    let bot = start().await;
    let card = bot.ask(ADA, "connect").await;
    let (graces, adas) = (bot.teams.chat(GRACE), bot.teams.chat(ADA));
    let as_ada = |inbound: Inbound| inbound.with("/from/aadObjectId", ADA);
    let press = |place: &str| {
        let verb = "connect.new_link";
        bot.teams.execute(ADA, place, &card.id, verb, &json!({})).with("/conversation/id", place)
    };
    let ask =
        |place: &str| bot.teams.message(ADA, &adas, "connect").with("/conversation/id", place);
    for (name, inbound) in [
        ("her id on another account", as_ada(bot.teams.message(GRACE, &graces, "connect"))),
        ("the same in a group", as_ada(bot.teams.message(GRACE, THEIRS, "connect"))),
        ("another chat called hers", ask(&graces)),
        ("a group called personal", ask(THEIRS)),
        ("a group that is not one", ask("19:nowhere@thread.v2")),
        ("a press", press(&adas)),
        ("a press elsewhere", press(&graces)),
        ("a press in a group", press(THEIRS)),
        (
            "a press by another account",
            as_ada(bot.teams.execute(GRACE, &graces, &card.id, "connect.new_link", &json!({}))),
        ),
    ] {
        for shown in shown_to_others(&bot, &inbound).await {
            assert!(!shown.contains("http") || !shown.contains("OpenUrl"), "{name}: {shown}");
            assert!(!shown.contains("authorize"), "{name}: {shown}");
        }
    }
}

#[tokio::test]
async fn an_account_that_is_somebody_elses_is_turned_down_and_hurts_nobody() {
    let bot = start().await;
    for _ in 0..6 {
        let forged = bot.teams.message(GRACE, THEIRS, "connect").with("/from/aadObjectId", ADA);
        bot.clock.advance(Duration::from_secs(10));
        bot.tell(&forged).await;
        bot.settled().await;
    }
    assert_eq!(bot.mints().len(), 0);
    for message in bot.teams.messages() {
        assert_eq!(find_link(message.card().unwrap()), None);
    }
    bot.forget();
    link(&bot.ask(ADA, "connect").await);
}
