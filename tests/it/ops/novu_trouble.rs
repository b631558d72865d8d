//! Novu failing in every way it can: the person gets a sentence in time, and nothing is broken.

use std::time::Duration;

use axum::http::StatusCode;
use connect_sandbox::novu::Profile;
use connect_sandbox::{Effect, Failure, Fault, Route};

use crate::bot::{ADA, Bot, INTEGRATION, MINT, TEAM};

#[tokio::test]
async fn each_failure_has_its_code_and_the_next_try_works() {
    let bot = Bot::start_with(&[("CONNECT_NOVU__PATIENCE", "300ms")]).await;
    bot.ready().await;
    let status = |code| Effect::status(StatusCode::from_u16(code).unwrap());
    let cases = [
        (status(500), "C-NOVU-DOWN"),
        (status(502), "C-NOVU-DOWN"),
        (status(503), "C-NOVU-DOWN"),
        (status(400), "C-NOVU-REJECTED"),
        (status(422), "C-NOVU-REJECTED"),
        (status(413), "C-NOVU-REJECTED"),
        (status(401), "C-NOVU-KEY"),
        (status(403), "C-NOVU-KEY"),
        (Effect::Fail(Failure::throttled(120)), "C-NOVU-BUSY"),
        (Effect::Hangup, "C-NOVU-DOWN"),
        (Effect::ProxyPage, "C-NOVU-DOWN"),
        (Effect::Slow(Duration::from_secs(20)), "C-NOVU-SLOW"),
        (Effect::Truncated, "C-NOVU-ANSWER"),
        (Effect::WrongShape, "C-NOVU-ANSWER"),
        (Effect::Huge(5_000_000), "C-NOVU-ANSWER"),
    ];
    for (number, (effect, code)) in (0..).zip(cases) {
        for (turn, path) in [MINT, "/v2/subscribers", "/v1/channel-endpoints"].iter().enumerate() {
            // Somebody whom Novu has, and of whom nothing is known here.
            let user = format!("U{number}-{turn}");
            bot.novu.add_subscriber(&format!("slack:{TEAM}:{user}"), Profile::default());
            bot.slack.add_user(crate::bot::member(&user, "Ida"));
            bot.novu.fault(Fault::new(Route::path(*path), effect.clone()));
            let reply = bot.command_in_the_end(&user, "").await;
            assert_eq!(reply.code(), code, "{effect:?} {path}");
            assert!(reply.text().contains("reference"), "{}", reply.text());
            assert!(!reply.body.to_lowercase().contains("novu "), "{}", reply.body);
            bot.novu.clear_faults();
            // As long as Novu has asked everybody to wait.
            bot.clock.advance(Duration::from_mins(2));
            bot.links_over().await;
            bot.slack.clear_messages();
        }
        bot.command(&format!("U{number}-0"), "").await.link();
    }
    // What their messages say in the end is told elsewhere.
    bot.slack.clear_messages();
}

#[tokio::test]
async fn a_hiccup_that_is_over_at_once_is_not_noticed() {
    let bot = Bot::start().await;
    bot.ready().await;
    for effect in [Effect::status(StatusCode::SERVICE_UNAVAILABLE), Effect::Hangup] {
        bot.novu.fault(Fault::new(Route::post(MINT), effect).times(1));
        bot.command(ADA, "").await.link();
    }
}

#[tokio::test]
async fn an_integration_that_is_not_there_is_told_apart() {
    let bot = Bot::start().await;
    bot.ready().await;
    bot.novu.remove_integration(INTEGRATION);
    assert_eq!(bot.command(ADA, "").await.code(), "C-NOVU-INTEGRATION");
    // Its connections are listed as before, and yet it is found out without a restart.
    let trouble = async || bot.ops("/readyz").await.json["missing"][0]["trouble"].clone();
    bot.until_later(async || trouble().await == "unknown_integration").await;
}

#[tokio::test]
async fn a_link_to_anywhere_else_is_not_shown() {
    let bot = Bot::start_with(&[("CONNECT_SLACK__LINK_HOSTS", "slack.com")]).await;
    let reply = bot.command(ADA, "").await;
    assert_eq!(reply.code(), "C-LINK-HOST");
    assert!(!reply.body.contains("authorize"));
}

#[tokio::test]
async fn a_key_that_novu_does_not_take_is_told_to_operation_and_people() {
    let bot = Bot::start_with(&[("CONNECT_NOVU__API_KEY", "canary-wrong-key")]).await;
    assert_eq!(bot.command(ADA, "").await.code(), "C-NOVU-KEY");
    let reply = bot.ops("/readyz").await;
    assert_eq!(reply.status, 503);
    assert_eq!(reply.json["missing"][0]["part"], "slack");
    assert_eq!(reply.json["missing"][0]["trouble"], "bad_key");
}

#[tokio::test]
async fn help_needs_no_novu() {
    let bot = Bot::start_with(&[("CONNECT_NOVU__PATIENCE", "20s")]).await;
    bot.novu.fault(Fault::new(Route::any(), Effect::Slow(Duration::from_mins(1))));
    let reply = bot.send(bot.slash(ADA, "help").with("team_id", "T0NEW")).await;
    assert!(reply.text().contains("`/connect status`"), "{}", reply.text());
}
