//! Which of several connections of one workspace is used, and whose ids are the same.

use std::time::Duration;

use connect_sandbox::novu::{NewConnection, NewEndpoint, Profile};
use jiff::Timestamp;

use crate::bot::{ADA, Bot, INTEGRATION, TEAM, connection, until};

fn connection_of(bot: &Bot) -> String {
    bot.mints().last().expect("a mint").json()["connectionIdentifier"].as_str().unwrap().to_owned()
}

/// Reads the connections anew, of which there are now so many.
async fn knows(bot: &Bot, connections: u64) {
    bot.ready().await;
    bot.clock.advance(Duration::from_secs(61));
    until(async || bot.metric("connect_workspace_index_connections").await == connections).await;
}

#[tokio::test]
async fn connections_in_different_contexts_are_not_chosen_from_in_silence() {
    let bot = Bot::start().await;
    let acme_eu = NewConnection {
        created_at: Some(Timestamp::from_second(1_800_000_000).unwrap()),
        ..connection("acme-eu", TEAM, &["tenant:eu"])
    };
    bot.novu.add_connection(acme_eu).unwrap();
    knows(&bot, 2).await;
    assert_eq!(bot.command(ADA, "").await.code(), "C-CONTEXT");
    assert_eq!(bot.command(ADA, "status").await.code(), "C-CONTEXT");
    assert_eq!(bot.mints().len(), 0);
    assert_eq!(bot.novu.subscribers().len(), 0, "nobody is created for a link that is not made");

    let mut settings = bot.settings();
    settings.insert("CONNECT_SLACK__CONNECTION".to_owned(), "acme-eu".to_owned());
    let bot = bot.restart(settings).await;
    bot.command(ADA, "").await.link();
    assert_eq!(connection_of(&bot), "acme-eu");
}

#[tokio::test]
async fn whoever_is_linked_over_one_of_them_is_told_so() {
    let bot = Bot::start().await;
    bot.connect_workspace_in_context("acme-eu", TEAM, &["tenant:eu"]);
    let subscriber = format!("slack:{TEAM}:{ADA}");
    bot.novu.add_subscriber(&subscriber, Profile::default());
    let linked = NewEndpoint {
        context_keys: vec!["tenant:eu".to_owned()],
        ..NewEndpoint::slack_user(INTEGRATION, "acme-eu", &subscriber, ADA)
    };
    bot.novu.add_endpoint(linked).unwrap();
    knows(&bot, 2).await;
    let reply = bot.command(ADA, "").await;
    assert!(reply.text().contains("You are connected"), "{}", reply.body);
}

#[tokio::test]
async fn anybodys_personal_connection_takes_nobody_elses_away() {
    let bot = Bot::start().await;
    bot.novu.add_subscriber("grace", Profile::default());
    let personal = NewConnection {
        subscriber_id: Some("grace".to_owned()),
        ..connection("personal", TEAM, &["tenant:other"])
    };
    bot.novu.add_connection(personal).unwrap();
    knows(&bot, 2).await;
    bot.command(ADA, "").await.link();
    assert_eq!(connection_of(&bot), "acme");
}
