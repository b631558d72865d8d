//! Many people at once, with Teams' own limits in force.

use std::time::Duration;

use connect_sandbox::teams::{Conversation, RateLimits};

use crate::bot::teams::{ACME, PAGES, TeamsBot, link, member, said};

/// A service with so many people more.
async fn crowd(count: usize) -> (TeamsBot, Vec<String>) {
    let bot = TeamsBot::start_with(&PAGES).await;
    let people: Vec<_> = (0..count).map(|number| format!("oid-crowd-{number}")).collect();
    for oid in &people {
        bot.teams.add_person(member(oid, &format!("Person {oid}")));
    }
    bot.teams.limit(Some(RateLimits::teams()));
    (bot, people)
}

/// Everybody writes to the bot at the same moment, each in the conversation that `place` names, and
/// gets their own card, once.
async fn everybody_gets_their_card(
    bot: &TeamsBot,
    people: &[String],
    place: impl Fn(&str) -> String,
) {
    let questions = people.iter().map(|oid| {
        let place = place(oid);
        async move { bot.say_in(oid, &place, "connect").await }
    });
    futures_util::future::join_all(questions).await;
    let settled = async || bot.metric("connect_promises_open").await == 0;
    bot.until_later_by(Duration::from_millis(200), settled).await;

    for message in bot.teams.messages() {
        assert!(!said(&message).contains("C-"), "{}", said(&message));
    }
    for oid in people {
        let seen = bot.teams.seen_by(oid);
        let [card] = seen.as_slice() else { panic!("{} messages for {oid}", seen.len()) };
        assert!(card.conversation.starts_with(&place(oid)), "{}", card.conversation);
        link(card);
    }
    assert_eq!(bot.teams.messages().len(), people.len());
    assert_eq!(bot.delivered("undelivered").await, 0);
}

#[tokio::test]
async fn thirty_people_of_one_channel_who_ask_at_once_all_get_their_card() {
    let (bot, people) = crowd(30).await;
    let oids: Vec<&str> = people.iter().map(String::as_str).collect();
    let channel = Conversation::channel(ACME, "town", "square", &oids);
    bot.teams.add_conversation(channel.clone());
    everybody_gets_their_card(&bot, &people, |_| channel.id.clone()).await;
    assert_eq!(bot.delivered("targeted").await + bot.delivered("updated").await, 30);
}

#[tokio::test]
async fn a_hundred_people_of_one_tenant_who_ask_at_once_all_get_their_card() {
    let (bot, people) = crowd(100).await;
    everybody_gets_their_card(&bot, &people, |oid| bot.teams.chat(oid)).await;
    assert_eq!(bot.delivered("chat").await + bot.delivered("updated").await, 100);
}
