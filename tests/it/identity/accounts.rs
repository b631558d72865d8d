//! What happens where Slack does not say who somebody is.

use std::time::Duration;

use axum::http::{Method, StatusCode};
use connect_sandbox::novu::NewConnection;
use connect_sandbox::slack::{Team, User};
use connect_sandbox::{Effect, Fault, Hold, Route};
use jiff::Timestamp;

use super::{CHAIN, CREATE};
use crate::bot::{ADA, BOT_TOKEN, Bot, GRACE, TEAM, connection, member};

const USERS_INFO: &str = "/api/users.info";

fn asked(bot: &Bot) -> usize {
    bot.slack.requests().iter().filter(|request| request.path() == USERS_INFO).count()
}

#[tokio::test]
async fn while_slack_does_not_say_who_somebody_is_nobody_gets_a_button() {
    for reason in ["token_revoked", "invalid_auth", "account_inactive"] {
        let bot = Bot::start().await;
        bot.ready().await;
        bot.slack.add_user(User { deleted: true, ..member("U0LEFT", "Left") });
        bot.slack.kill_token(BOT_TOKEN, reason);
        for user in ["U0LEFT", ADA] {
            assert_eq!(bot.command(user, "").await.code(), "C-PROFILE", "{reason}");
        }
        assert_eq!(bot.mints().len(), 0);
        assert_eq!(bot.warnings().await, [reason]);
        bot.clock.advance(Duration::from_secs(61));
        assert_eq!(bot.warnings().await, [""; 0]);
    }
}

#[tokio::test]
async fn a_missing_scope_refuses_until_it_is_there() {
    let bot = Bot::start().await;
    bot.ready().await;
    bot.slack.set_scopes(TEAM, &["commands", "chat:write"]);
    assert_eq!(bot.command(ADA, "").await.code(), "C-PROFILE");
    assert_eq!(bot.warnings().await, ["missing_scope"]);
    bot.slack.set_scopes(TEAM, &["commands", "chat:write", "users:read"]);
    bot.command(ADA, "").await.link();
    assert_eq!(bot.warnings().await, [""; 0]);
}

#[tokio::test]
async fn an_operator_may_do_without_profiles() {
    let bot = Bot::start_with(&[("CONNECT_SLACK__REQUIRE_PROFILE", "false")]).await;
    bot.ready().await;
    bot.slack.kill_token(BOT_TOKEN, "token_revoked");
    bot.command(ADA, "").await.link();

    let bot =
        Bot::start_with(&[("CONNECT_SLACK__REQUIRE_PROFILE", "false"), (CHAIN, "email")]).await;
    bot.slack.kill_token(BOT_TOKEN, "token_revoked");
    assert_eq!(bot.command(ADA, "").await.code(), "C-PROFILE", "the chain needs one all the same");
}

#[tokio::test]
async fn while_slack_is_out_of_reach_people_hear_so_at_once() {
    let bot = Bot::start().await;
    bot.ready().await;
    let broken = Effect::status(StatusCode::BAD_GATEWAY);
    bot.slack.fault(Fault::new(Route::path(USERS_INFO), broken));
    for _ in 0..3 {
        // It may pass: tried again in the person's stead.
        assert!(bot.command(ADA, "").await.is_on_its_way());
    }
    assert_eq!(bot.warnings().await, ["profiles_unreachable"]);
    bot.slack.clear_faults();
    // From here on nobody waits for Slack: an answer would never come.
    let hold = Hold::new();
    bot.slack.fault(Fault::new(Route::path(USERS_INFO), Effect::Hold(hold.clone())));
    assert_eq!(bot.command(GRACE, "").await.code(), "C-PROFILE");
    assert_eq!(asked(&bot), 3);
    assert_eq!(bot.mints().len(), 0);
    hold.release();
    bot.slack.clear_faults();
    // One of those who were promised an answer finds out that Slack is back.
    bot.until_later(async || bot.warnings().await.is_empty()).await;
    bot.command(GRACE, "").await.link();
    bot.until_later(async || bot.slack.messages().len() == 3).await;
}

#[tokio::test]
async fn an_expired_token_is_replaced_by_the_one_that_novu_has_by_now() {
    let bot = Bot::start().await;
    bot.command(GRACE, "").await.link();
    bot.slack.add_user(User { is_bot: true, ..member("U0BOT", "Bot") });
    bot.slack.kill_token(BOT_TOKEN, "token_expired");
    bot.clock.advance(Duration::from_secs(4));

    // Novu has none: commands go on, because only members can type them. Not where an address counts.
    let lists = bot.novu.count(&Method::GET, "/v1/channel-connections");
    bot.command(ADA, "").await.link();
    assert_eq!(bot.novu.count(&Method::GET, "/v1/channel-connections"), lists + 1);
    bot.command(ADA, "").await.link();
    assert_eq!(bot.novu.count(&Method::GET, "/v1/channel-connections"), lists + 1, "just read");
    let mut settings = bot.settings();
    settings.insert(CHAIN.to_owned(), "email".to_owned());
    settings.insert(CREATE.to_owned(), String::new());
    let bot = bot.restart(settings.clone()).await;
    assert_eq!(bot.command(ADA, "").await.code(), "C-PROFILE");

    // Novu has a new one.
    settings.retain(|name, _| !name.starts_with("CONNECT_IDENTITY"));
    let bot = bot.restart(settings).await;
    bot.ready().await;
    let fresh = "xoxb-canary-token-renewed";
    bot.slack.add_team(Team { bot_token: fresh.to_owned(), ..Team::new(TEAM, "Acme") });
    let renewed = NewConnection {
        access_token: fresh.to_owned(),
        created_at: Some(Timestamp::from_second(1_900_000_000).unwrap()),
        ..connection("renewed", TEAM, &[])
    };
    bot.novu.add_connection(renewed).unwrap();
    bot.clock.advance(Duration::from_secs(4));
    assert_eq!(bot.command("U0BOT", "").await.code(), "C-BOT");
}
