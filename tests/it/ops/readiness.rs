//! What keeps the service from serving, and what it only warns of, by `/readyz`, in a word.

use std::time::Duration;

use connect_sandbox::novu::Integration;

use crate::bot::{ADA, BOT_TOKEN, Bot, INTEGRATION, until};

const OTHER: (&str, &str) = ("CONNECT_SLACK__INTEGRATION", "other");

/// The trouble of the Slack side; empty if it serves.
async fn word(bot: &Bot) -> String {
    let reply = bot.ops("/readyz").await;
    let word = reply.json["missing"][0]["trouble"].as_str().unwrap_or_default().to_owned();
    assert_eq!(reply.status == 200, word.is_empty(), "{}", reply.body);
    word
}

/// Starts the service on an integration that Novu gets only then.
async fn bot_on(other: Option<Integration>) -> Bot {
    let bot = Bot::start().await;
    let mut settings = bot.settings();
    settings.insert(OTHER.0.to_owned(), OTHER.1.to_owned());
    if let Some(other) = other {
        bot.novu.add_integration(other);
    }
    bot.restart(settings).await
}

#[tokio::test]
async fn without_connections_the_service_is_ready_for_whoever_connects_the_first_workspace() {
    let bot = bot_on(Some(Integration::slack(OTHER.1, "canary-client", "canary-secret"))).await;
    bot.ready().await;
    assert_eq!(bot.warnings().await, ["no_connections"]);
    assert_eq!(bot.command(ADA, "").await.code(), "C-WORKSPACE");
    let new = connect_sandbox::novu::NewConnection {
        integration: OTHER.1.to_owned(),
        ..crate::bot::connection("other-acme", crate::bot::TEAM, &[])
    };
    bot.novu.add_connection(new).unwrap();
    bot.until_later(async || bot.warnings().await.is_empty()).await;
    bot.command(ADA, "").await.link();
}

#[tokio::test]
async fn an_integration_of_another_provider_is_named() {
    let teams = Integration::teams(OTHER.1, "canary-app", "canary-secret", "canary-tenant");
    let bot = bot_on(Some(teams)).await;
    until(async || word(&bot).await == "wrong_provider").await;
    assert_eq!(bot.command(ADA, "").await.code(), "C-NOVU-INTEGRATION");
}

#[tokio::test]
async fn an_integration_that_does_not_exist_is_named() {
    let bot = bot_on(None).await;
    until(async || word(&bot).await == "unknown_integration").await;
    assert_eq!(bot.command(ADA, "").await.code(), "C-NOVU-INTEGRATION");
}

#[tokio::test]
async fn an_integration_that_wants_contexts_signed_is_named_when_a_link_is_refused_for_it() {
    let bot = Bot::start().await;
    bot.ready().await;
    let app = bot.slack.options();
    let plain = Integration::slack(INTEGRATION, &app.client_id, &app.client_secret);
    bot.novu.add_integration(Integration { hmac: true, ..plain.clone() });
    assert_eq!(bot.command(ADA, "").await.code(), "C-NOVU-REJECTED");
    assert_eq!(bot.warnings().await, ["context_hmac"]);
    bot.novu.add_integration(plain);
    bot.clock.advance(Duration::from_secs(3));
    bot.command(ADA, "").await.link();
    assert_eq!(bot.warnings().await, [""; 0]);
}

#[tokio::test]
async fn a_workspace_that_nobody_connects_costs_ever_fewer_calls() {
    let bot = Bot::start().await;
    bot.ready().await;
    let user = bot.open_workspace("T0NOBODY");
    bot.novu.clear_requests();
    for _ in 0..12 {
        bot.clock.advance(Duration::from_secs(4));
        let reply = bot.send(bot.slash(&user, "").with("team_id", "T0NOBODY")).await;
        assert_eq!(reply.code(), "C-WORKSPACE");
    }
    // Four for the people who ask, and what is read without being asked for.
    let calls = bot.novu.requests().len();
    assert!((1..=5).contains(&calls), "{calls}");
}

#[tokio::test]
async fn an_expired_token_is_a_warning_also_where_people_are_found_by_their_profile() {
    let by_email = [
        ("CONNECT_IDENTITY__CHAIN", "email,template"),
        ("CONNECT_IDENTITY__CREATE_MISSING", "template"),
    ];
    for (settings, code) in [(&[][..], None), (&by_email[..], Some("C-PROFILE"))] {
        let bot = Bot::start_with(settings).await;
        bot.ready().await;
        bot.slack.kill_token(BOT_TOKEN, "token_expired");
        assert_eq!(bot.command(ADA, "").await.find_code().as_deref(), code);
        assert_eq!(bot.warnings().await, ["token_expired"]);
    }
}
