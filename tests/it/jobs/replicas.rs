//! Several replicas on one PostgreSQL behave as one.

use std::collections::BTreeMap;
use std::time::Duration;

use connect_sandbox::Postgres;
use serde_json::json;

use crate::bot::teams::{ADA as ADA_IN_TEAMS, GROUP, TeamsBot, link};
use crate::bot::{ADA, Bot, GRACE, Replica, Request, Storage, find_button, find_code, until};

/// A service on PostgreSQL; none where there is none to test with.
async fn bot() -> Option<Bot> {
    let bot = Bot::start_on(Storage::postgres()?, &[]).await;
    bot.ready().await;
    Some(bot)
}

/// The same request once more, as a proxy or somebody who has captured it sends it.
async fn twice(bot: &Bot, other: &Replica, path: &str, request: Request) -> [u16; 2] {
    let first = bot.post(path, request.clone()).await.status;
    [first, other.post(path, request).await.0]
}

#[tokio::test]
async fn a_request_that_was_at_one_replica_is_refused_at_the_other() {
    let Some(bot) = bot().await else { return };
    let other = Replica::start(&bot, &bot.storage).await;
    let command = bot.slash(ADA, "");
    assert_eq!(twice(&bot, &other, "/slack/commands", command).await, [200, 401]);
    let button = bot.command(GRACE, "").await.button().clone();
    let payload = json!({
        "type": "block_actions",
        "actions": [{ "action_id": button["action_id"], "type": "button" }],
    });
    let press = bot.form(
        form_urlencoded::Serializer::new(String::new())
            .append_pair("payload", &payload.to_string())
            .finish(),
    );
    assert_eq!(twice(&bot, &other, "/slack/interactions", press).await, [200, 401]);
    assert_eq!(bot.metric("connect_funnel_total{platform=\"slack\",step=\"clicked\"}").await, 1);
    // Another question of the same person is another request.
    let (status, body) = other.post("/slack/commands", bot.slash(ADA, "")).await;
    assert_eq!(status, 200);
    assert!(find_button(&serde_json::from_str(&body).unwrap()).is_some(), "{body}");
}

#[tokio::test]
async fn a_redelivery_at_the_other_replica_is_answered_once() {
    let Some(storage) = Storage::postgres() else { return };
    let bot = TeamsBot::start_on(storage, &[]).await;
    bot.ready().await;
    let other = Replica::start(&bot, &bot.storage).await;
    let question = bot.teams.message(ADA_IN_TEAMS, GROUP, "connect");
    for _ in 0..3 {
        assert_eq!(other.deliver(question.signed()).await, 200);
        assert_eq!(bot.deliver(question.signed()).await.status, 200);
    }
    link(&bot.seen(ADA_IN_TEAMS, 1).await);
    bot.until_later(async || bot.metric("connect_promises_open").await == 0).await;
    assert_eq!(bot.teams.messages().len(), 1);
}

#[tokio::test]
async fn one_person_has_one_pace_at_all_replicas() {
    let Some(bot) = bot().await else { return };
    let other = Replica::start(&bot, &bot.storage).await;
    let mut answers = BTreeMap::<Option<String>, u32>::new();
    let mut count = |body: &str| *answers.entry(find_code(body)).or_default() += 1;
    for _ in 0..8 {
        count(&bot.command(ADA, "status").await.body);
        let (status, body) = other.post("/slack/commands", bot.slash(ADA, "status")).await;
        assert_eq!(status, 200);
        count(&body);
    }
    let too_often = Some("C-TOO-OFTEN".to_owned());
    assert_eq!(answers, BTreeMap::from([(None, 10), (too_often, 6)]));
    assert_eq!(find_code(&bot.command(GRACE, "status").await.body), None);
}

#[tokio::test]
async fn while_the_database_is_away_each_replica_judges_alone_and_says_that_it_is_not_ready() {
    let Some(server) = Postgres::start() else { return };
    let bot = Bot::start_on(Storage::at(server.database()), &[]).await;
    bot.ready().await;
    server.stop();
    let command = bot.slash(ADA, "help");
    assert_eq!(bot.post("/slack/commands", command.clone()).await.status, 200);
    assert_eq!(bot.post("/slack/commands", command).await.status, 401);
    assert_eq!(find_code(&bot.command(ADA, "status").await.body), None);
    assert_eq!(bot.command(ADA, "").await.code(), "C-STORE");
    let readiness = bot.ops("/readyz").await;
    assert_eq!(readiness.status, 503);
    assert_eq!(readiness.json["missing"][0]["part"], "store", "{}", readiness.body);
    server.resume();
    until(async || {
        bot.clock.advance(Duration::from_secs(2));
        bot.method("GET", "/readyz").await == 200
    })
    .await;
    bot.command(ADA, "").await.link();
}
