//! Ids that a template makes are one person's each.

use connect_sandbox::novu::Profile;
use connect_sandbox::slack::User;
use serde_json::json;

use super::{CREATE, minted_for};
use crate::bot::{ADA, Bot, TEAM, connection, member};

const TEMPLATE: &str = "CONNECT_IDENTITY__TEMPLATE";

#[tokio::test]
async fn a_template_with_the_workspace_in_it_serves_nobody_without_one() {
    let bot = Bot::start_with(&[(TEMPLATE, "{team}:{user}")]).await;
    bot.novu.add_connection(connection("grid", "E0GRID", &[])).unwrap();
    let user = bot.open_workspace("E0GRID");
    bot.clock.advance(std::time::Duration::from_secs(4));
    let from_the_organisation = || {
        bot.slash(&user, "")
            .without("team_id")
            .with("enterprise_id", "E0GRID")
            .with("is_enterprise_install", "true")
    };
    assert_eq!(bot.send(from_the_organisation()).await.code(), "C-INCOMPLETE");
    assert_eq!(bot.novu.subscribers().len(), 0);

    let mut settings = bot.settings();
    settings.remove(TEMPLATE);
    let bot = bot.restart(settings).await;
    let request = bot
        .slash(&user, "")
        .without("team_id")
        .with("enterprise_id", "E0GRID")
        .with("is_enterprise_install", "true");
    bot.send(request).await.link();
    assert_eq!(bot.novu.subscribers()[0].subscriber_id, format!("slack:E0GRID:{user}"));
}

#[tokio::test]
async fn a_template_serves_people_only() {
    let bot = Bot::start().await;
    bot.slack.set_scopes(TEAM, &["commands", "chat:write", "users:read"]);
    bot.command(ADA, "").await.link();
    bot.slack.add_user(User { is_bot: true, ..member("U0BOT", "Bot") });
    assert_eq!(bot.command("U0BOT", "").await.code(), "C-BOT");
}

#[tokio::test]
async fn a_template_is_the_operators() {
    let bot = Bot::start_with(&[("CONNECT_IDENTITY__TEMPLATE", "acme-{team}-{user}")]).await;
    bot.command(ADA, "").await.link();
    assert_eq!(minted_for(&bot), format!("acme-{TEAM}-{ADA}"));
}

#[tokio::test]
async fn a_subscriber_is_created_once_with_a_name_and_only_where_that_is_wanted() {
    let bot = Bot::start_with(&[(CREATE, "")]).await;
    assert_eq!(bot.command(ADA, "").await.code(), "C-SUBSCRIBER");
    assert_eq!(bot.novu.subscribers().len(), 0, "the mint must not create anybody either");
    assert_eq!(bot.mints().len(), 0);

    let bot = Bot::start().await;
    bot.command(ADA, "").await.link();
    bot.command(ADA, "").await.link();
    let subscribers = bot.novu.subscribers();
    assert_eq!(subscribers.len(), 1);
    assert_eq!(subscribers[0].profile.first_name.as_deref(), Some("Ada Lovelace"));
    assert_eq!(subscribers[0].profile.email, None);
}

#[tokio::test]
async fn what_is_known_of_an_existing_subscriber_is_left_alone() {
    let bot = Bot::start().await;
    let data = json!({"plan": "gold"}).as_object().unwrap().clone();
    let profile =
        Profile { first_name: Some("A.".to_owned()), data: Some(data), ..Profile::default() };
    bot.novu.add_subscriber(&format!("slack:{TEAM}:{ADA}"), profile.clone());
    bot.command(ADA, "").await.link();
    assert_eq!(bot.novu.subscribers()[0].profile, profile);
}
