//! The Bot Connector's keys: fetched, changed, and out of reach.

use std::time::Duration;

use axum::http::StatusCode;
use connect_sandbox::bot_connector::Fault;
use connect_sandbox::teams::{Inbound, Teams};
use connect_sandbox::{Effect, Fault as Trouble, Hold, Route};
use futures_util::future::join_all;
use serde_json::json;

use crate::bot::Reply;
use crate::bot::teams::{ADA, TeamsBot, link, member};

/// How long an unknown key causes no second fetch.
const BETWEEN_FETCHES: Duration = Duration::from_mins(5);

/// How long nothing is fetched after a failure while there are no keys at all.
const SOON: Duration = Duration::from_secs(10);

/// How often each document was asked for.
fn fetches(bot: &TeamsBot) -> (u64, u64) {
    (bot.teams.keys().metadata_fetches(), bot.teams.keys().key_fetches())
}

/// Holds the documents with the keys back.
fn hold_keys(teams: &Teams, hold: &Hold) {
    teams.fault(Trouble::new(Route::get("/v1/.well-known/"), Effect::Hold(hold.clone())));
}

/// Something that is acknowledged and needs no answer.
fn nod(bot: &TeamsBot) -> Inbound {
    bot.teams.other(ADA, &bot.teams.chat(ADA), "messageReaction")
}

/// Sends something that only its key tells from a genuine request.
async fn forge(bot: &TeamsBot, key_id: &str) -> Reply {
    let header = json!({"alg": "RS256", "kid": key_id, "typ": "JWT"});
    let claims = bot.teams.keys().claims(&bot.teams.options().app_id, &bot.teams.service_url());
    let token = bot.teams.keys().sign(&header, &json!(claims));
    bot.deliver(nod(bot).signed_with(&token)).await
}

/// What operation is told to be missing.
async fn missing(bot: &TeamsBot) -> String {
    let reply = bot.ops("/readyz").await;
    if reply.status == 200 { String::new() } else { reply.json["missing"].to_string() }
}

#[tokio::test]
async fn a_hundred_people_who_ask_before_the_keys_are_there_cause_one_fetch_and_are_answered() {
    let people: Vec<String> = (0..100).map(|number| format!("oid-{number}")).collect();
    let hold = Hold::new();
    let bot = TeamsBot::start_among(|teams| hold_keys(teams, &hold), &[]).await;
    for oid in &people {
        bot.teams.add_person(member(oid, "Somebody"));
    }
    hold.reached(1).await;
    assert!(missing(&bot).await.contains(r#"{"part":"teams","trouble":"not_read_yet"}"#));
    let release = async { hold.release() };
    tokio::join!(join_all(people.iter().map(|oid| bot.say(oid, "help"))), release);
    assert_eq!(fetches(&bot), (1, 1));
    bot.until_later(async || bot.metric("connect_promises_open").await == 0).await;
    for oid in &people {
        assert_eq!(bot.teams.seen_by(oid).len(), 1, "{oid}");
    }
}

#[tokio::test]
async fn two_hundred_tokens_with_unknown_keys_cause_one_fetch_and_hurt_nobody() {
    let bot = TeamsBot::start().await;
    let before = fetches(&bot);
    let ids: Vec<String> = (0..200).map(|number| format!("key-{number}")).collect();
    for wave in ids.chunks(50) {
        let genuine = nod(&bot);
        let all = join_all(wave.iter().map(|id| forge(&bot, id)));
        let (forged, ()) = tokio::join!(all, bot.tell(&genuine));
        assert!(forged.iter().all(|reply| (reply.status, reply.body.as_str()) == (401, "")));
    }
    assert_eq!(bot.refused("unknown_key").await, 200);
    let after = (before.0 + 1, before.1 + 1);
    assert_eq!(fetches(&bot), after);
    bot.clock.advance(Duration::from_secs(299));
    assert_eq!(forge(&bot, "one-more").await.status, 401);
    assert_eq!(fetches(&bot), after);
    bot.tell(&nod(&bot)).await;
}

#[tokio::test]
async fn a_new_key_is_believed_after_one_fetch_and_the_old_one_as_long_as_it_is_published() {
    let bot = TeamsBot::start().await;
    let before = fetches(&bot);
    let old = nod(&bot).signed();
    bot.teams.keys().introduce().unwrap();
    bot.tell(&nod(&bot)).await;
    assert_eq!(fetches(&bot), (before.0 + 1, before.1 + 1));
    assert_eq!(bot.deliver(old.clone()).await.status, 200, "both are published");

    bot.clock.advance(BETWEEN_FETCHES);
    bot.teams.keys().rotate().unwrap();
    bot.tell(&nod(&bot)).await;
    assert_eq!(bot.deliver(old).await.status, 401, "it is withdrawn");
    assert_eq!(bot.refused("unknown_key").await, 1);
    assert_eq!(fetches(&bot), (before.0 + 2, before.1 + 2));
}

#[tokio::test]
async fn keys_out_of_reach_at_the_start_are_named_and_fetched_when_they_are_back() {
    let away = Fault::Status(StatusCode::SERVICE_UNAVAILABLE);
    let bot = TeamsBot::start_while(Some(away), &[]).await;
    let question = bot.teams.message(ADA, &bot.teams.chat(ADA), "connect");
    for (fault, word) in [
        (away, "rejected"),
        (Fault::Flood, "too_large"),
        (Fault::Redirect, "rejected"),
        (Fault::Nonsense, "nonsense"),
        (Fault::NoKeys, "no_keys"),
    ] {
        bot.teams.keys().fail(Some(fault));
        let named = format!(r#"{{"part":"teams","trouble":"{word}"}}"#);
        bot.until_later(async || missing(&bot).await.contains(&named)).await;
        assert_eq!(bot.method("GET", "/healthz").await, 200, "{fault:?}");
        let reply = bot.deliver(question.signed()).await;
        assert_eq!((reply.status, reply.body.as_str()), (401, ""), "{fault:?}");
    }
    assert_eq!(bot.refused("unknown_key").await, 5);
    bot.teams.keys().fail(None);
    // Nobody has to ask for it.
    bot.until_later(async || missing(&bot).await.is_empty()).await;
    bot.tell(&question).await;
    link(&bot.seen(ADA, 1).await);
}

#[tokio::test]
async fn while_newer_keys_cannot_be_fetched_the_old_ones_stay() {
    let bot = TeamsBot::start().await;
    for fault in [
        Fault::Status(StatusCode::BAD_GATEWAY),
        Fault::Flood,
        Fault::Redirect,
        Fault::Nonsense,
        Fault::NoKeys,
    ] {
        bot.clock.advance(BETWEEN_FETCHES);
        bot.teams.keys().fail(Some(fault));
        let (metadata, _) = fetches(&bot);
        assert_eq!(forge(&bot, "new").await.status, 401, "{fault:?}");
        assert_eq!(
            fetches(&bot).0,
            metadata + 1,
            "{fault:?}: it was tried, and no redirect followed"
        );
        bot.clock.advance(SOON);
        assert_eq!(forge(&bot, "newer").await.status, 401, "{fault:?}");
        assert_eq!(fetches(&bot).0, metadata + 1, "{fault:?}: strangers cannot hurry it");
        bot.tell(&nod(&bot)).await;
        assert_eq!(missing(&bot).await, "", "{fault:?}");
    }
}

#[tokio::test]
async fn while_newer_keys_are_slow_nobody_with_an_old_one_waits() {
    let bot = TeamsBot::start().await;
    let hold = Hold::new();
    hold_keys(&bot.teams, &hold);
    let known = async {
        hold.reached(1).await;
        bot.tell(&nod(&bot)).await;
        bot.teams.clear_faults();
        hold.release();
    };
    let (forged, ()) = tokio::join!(forge(&bot, "new"), known);
    assert_eq!(forged.status, 401);
}
