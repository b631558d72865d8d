//! The bot's own token: why there is none, and that it is used for as long as it is good for.

use std::time::Duration;

use connect_sandbox::teams::Teams;
use connect_sandbox::{Effect, Fault, Route};
use serde_json::json;

use crate::bot::teams::{ADA, GROUP, TeamsBot, link};
use crate::canaries;

/// What operators are told to be missing.
async fn missing(bot: &TeamsBot) -> String {
    bot.ops("/readyz").await.json["missing"].to_string()
}

async fn until_missing(bot: &TeamsBot, word: &str) {
    let named = format!(r#"{{"part":"teams","trouble":"{word}"}}"#);
    bot.until_later(async || missing(bot).await.contains(&named)).await;
    assert_eq!(bot.get("/readyz").await.status, 503);
}

fn token_route(teams: &Teams) -> Route {
    Route::post(teams.token_url().replace(teams.url(), ""))
}

#[tokio::test]
async fn an_expired_secret_shows_before_anybody_asks_and_no_longer_than_it_is_in_use() {
    let bot = TeamsBot::start_among(|teams| teams.expire_secret(true), &[]).await;
    until_missing(&bot, "secret_expired").await;
    let told = canaries::lines_with("AADSTS7000222");
    let told = told.iter().find(|line| line.contains("an upstream fails")).unwrap();
    assert!(told.contains("teams.app_secret has expired"), "{told}");
    bot.teams.expire_secret(false);
    bot.until_later(async || bot.method("GET", "/readyz").await == 200).await;
    link(&bot.ask(ADA, "connect").await);
}

#[tokio::test]
async fn a_secret_that_expires_while_the_service_runs_shows_when_the_token_ends() {
    let bot = TeamsBot::start().await;
    bot.ask(ADA, "status").await;
    bot.teams.expire_secret(true);
    bot.clock.advance(Duration::from_mins(56));
    bot.ask(ADA, "status").await;
    assert_eq!(bot.method("GET", "/readyz").await, 200, "the token is still good");
    bot.clock.advance(Duration::from_mins(4));
    until_missing(&bot, "secret_expired").await;
    bot.teams.expire_secret(false);
    bot.until_later(async || bot.method("GET", "/readyz").await == 200).await;
}

#[tokio::test]
async fn each_reason_that_entra_gives_has_its_word() {
    let wrong_secret = [("CONNECT_TEAMS__APP_SECRET", "teams~canary-of-somebody-else")];
    let bot = TeamsBot::start_among(|_| {}, &wrong_secret).await;
    until_missing(&bot, "secret_wrong").await;

    let bot = TeamsBot::start_among(
        |teams| {
            teams.fault(Fault::new(token_route(teams), Effect::Hangup));
        },
        &[],
    )
    .await;
    until_missing(&bot, "token_unavailable").await;
    bot.teams.clear_faults();
    bot.until_later(async || bot.method("GET", "/readyz").await == 200).await;
}

#[tokio::test]
async fn a_token_without_a_life_is_not_asked_for_anew_for_every_card() {
    for expires_in in [json!(0), json!(-1), json!("soon"), json!(null)] {
        let zero = Effect::changed("/expires_in", expires_in.clone());
        let odd = |teams: &Teams| teams.fault(Fault::new(token_route(teams), zero));
        let bot = TeamsBot::start_among(odd, &[]).await;
        bot.ready().await;
        for place in 0..10 {
            let place = if place % 2 == 0 { GROUP.to_owned() } else { bot.teams.chat(ADA) };
            bot.say_in(ADA, &place, "connect").await;
            bot.settled().await;
            bot.clock.advance(Duration::from_secs(2));
        }
        assert_eq!(bot.teams.messages().len(), 10, "{expires_in}");
        assert!(bot.token_requests().len() <= 2, "{expires_in}: {}", bot.token_requests().len());
    }
}

#[tokio::test]
async fn a_member_with_an_empty_or_odd_tenant_is_no_stranger() {
    let bot = TeamsBot::start().await;
    for (count, tenant) in [json!(""), json!(null), json!(7), json!({})].into_iter().enumerate() {
        let odd = Effect::changed("/tenantId", tenant.clone());
        bot.teams.fault(Fault::new(Route::get(bot.conversations()), odd));
        bot.say_in(ADA, GROUP, "connect").await;
        let answer = bot.seen(ADA, count + 1).await;
        link(&answer);
        bot.settled().await;
        bot.teams.clear_faults();
        // Nobody is remembered for that long.
        bot.clock.advance(Duration::from_mins(10));
    }
}
