//! Which of several connections of one workspace is used, and whose ids are the same.

use connect_sandbox::novu::{NewConnection, NewEndpoint, Profile};
use jiff::Timestamp;

use super::{connection_of, knows};
use crate::bot::{ADA, Bot, INTEGRATION, TEAM, connection};

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
    let status = bot.command(ADA, "status").await;
    assert!(status.text().contains("You are not connected yet."), "{}", status.text());
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
