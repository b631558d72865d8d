//! Which e-mail addresses prove who somebody is, and when nobody can tell.

use std::time::Duration;

use axum::http::Method;
use connect_sandbox::novu::Profile;
use connect_sandbox::slack::User;

use crate::bot::{ADA, Bot, TEAM, email, member, until};

const CHAIN: (&str, &str) = ("CONNECT_IDENTITY__CHAIN", "email,template");
const DOMAINS: &str = "CONNECT_IDENTITY__EMAIL_DOMAINS";

fn minted_for(bot: &Bot) -> String {
    bot.mints().last().expect("a mint").json()["subscriberId"].as_str().unwrap().to_owned()
}

/// A second workspace on the same integration, known to the service.
async fn serves_another_workspace(bot: &Bot) -> String {
    bot.connect_workspace("other", "T0OTHER");
    bot.ready().await;
    bot.clock.advance(Duration::from_secs(61));
    until(async || bot.metric("connect_workspace_index_connections").await == 2).await;
    bot.open_workspace("T0OTHER")
}

#[tokio::test]
async fn without_the_scope_for_addresses_nobody_becomes_a_new_subscriber() {
    let bot = Bot::start_with(&[CHAIN]).await;
    bot.novu.add_subscriber("ada", Profile::with_email(&email(ADA)));
    bot.slack.set_scopes(TEAM, &["commands", "chat:write", "users:read"]);
    assert_eq!(bot.command(ADA, "").await.code(), "C-EMAIL-MISSING");
    assert_eq!(bot.mints().len(), 0);
    assert_eq!(bot.novu.subscribers().len(), 1);

    bot.slack.set_scopes(TEAM, &["commands", "chat:write", "users:read", "users:read.email"]);
    bot.command(ADA, "").await.link();
    assert_eq!(minted_for(&bot), "ada");
}

#[tokio::test]
async fn who_certainly_has_no_address_or_is_a_guest_may_be_found_by_another_resolver() {
    let bot = Bot::start_with(&[CHAIN]).await;
    for user in [
        User { email: None, ..member("U0NONE", "None") },
        User { is_restricted: true, ..member("U0GUEST", "Guest") },
    ] {
        let id = user.id.clone();
        bot.slack.add_user(user);
        bot.command(&id, "").await.link();
        assert_eq!(minted_for(&bot), format!("slack:{TEAM}:{id}"));
    }
}

#[tokio::test]
async fn a_letter_that_only_folds_into_another_is_another() {
    let bot = Bot::start_with(&[("CONNECT_IDENTITY__CHAIN", "email")]).await;
    let frank = User { email: Some("frank@canary.example".to_owned()), ..member("U0F", "Frank") };
    bot.slack.add_user(frank);
    bot.novu.add_subscriber("kelvin", Profile::with_email("fran\u{212a}@canary.example"));
    assert_eq!(bot.command("U0F", "").await.code(), "C-EMAIL-UNKNOWN");
    bot.novu.add_subscriber("frank", Profile::with_email("FRANK@canary.example"));
    bot.command("U0F", "").await.link();
    assert_eq!(minted_for(&bot), "frank");
}

#[tokio::test]
async fn an_address_of_one_workspace_matches_nobody_of_another_one() {
    let bot = Bot::start_with(&[CHAIN]).await;
    bot.novu.add_subscriber("ada", Profile::with_email(&email(ADA)));
    bot.command(ADA, "").await.link();
    assert_eq!(minted_for(&bot), "ada");

    let stranger = serves_another_workspace(&bot).await;
    let claimed = User {
        team_id: "T0OTHER".to_owned(),
        email: Some(email(ADA)),
        ..member(&stranger, "Not Ada")
    };
    bot.slack.add_user(claimed);
    let searches = bot.novu.count(&Method::GET, "/v2/subscribers");
    let reply = bot.send(bot.slash(&stranger, "").with("team_id", "T0OTHER")).await;
    assert_eq!(reply.code(), "C-EMAIL-DOMAIN");
    assert_eq!(bot.command(ADA, "").await.code(), "C-EMAIL-DOMAIN");
    assert_eq!(bot.novu.count(&Method::GET, "/v2/subscribers"), searches, "nobody is looked for");
    assert_eq!(bot.mints().len(), 1);
}

#[tokio::test]
async fn a_workspace_matches_in_the_domains_that_are_listed_for_it() {
    let listed = format!("{TEAM}=CANARY.example,{TEAM}=canary.test,T0OTHER=other.example");
    let bot = Bot::start_with(&[CHAIN, (DOMAINS, &listed)]).await;
    bot.novu.add_subscriber("ada", Profile::with_email(&email(ADA)));
    let other = serves_another_workspace(&bot).await;
    bot.command(ADA, "").await.link();
    assert_eq!(minted_for(&bot), "ada");
    let reply = bot.send(bot.slash(&other, "").with("team_id", "T0OTHER")).await;
    assert_eq!(reply.code(), "C-EMAIL-DOMAIN");

    let mut settings = bot.settings();
    settings.insert(DOMAINS.to_owned(), "T0OTHER=*".to_owned());
    let bot = bot.restart(settings).await;
    bot.novu.add_subscriber("ida", Profile::with_email(&email(&other)));
    bot.send(bot.slash(&other, "").with("team_id", "T0OTHER")).await.link();
    assert_eq!(minted_for(&bot), "ida");
    assert_eq!(bot.command(ADA, "").await.code(), "C-EMAIL-DOMAIN");
}
