//! A configuration that is read anew while the service runs.

use connect_sandbox::Browser;
use serde_json::{Value, json};

use crate::bot::teams::{self, PAGES, TeamsBot, link};
use crate::bot::{ADA, Bot, NEW_SECRET, SECRET, TEAM, until};
use crate::log::Log;

const SECRETS: &str = "CONNECT_SLACK__SIGNING_SECRETS";
const READ: &str = "the configuration was read anew";
const LEFT: &str = "these keys have changed and need a restart";
const REFUSED: &str = "the new configuration is not taken: nothing changes";

/// What becomes of a command that is signed with a secret.
async fn status(bot: &Bot, secret: &str) -> u16 {
    bot.post_raw("/slack/commands", bot.slash(ADA, "help").signed_with(secret)).await.status
}

/// The keys that the newest line of that kind names.
fn keys(log: &Log, message: &str) -> Value {
    let lines = log.lines(message);
    lines.last().map_or(Value::Null, |line| line["keys"].clone())
}

#[tokio::test]
async fn a_signing_secret_is_replaced_without_a_restart_and_what_was_here_is_remembered() {
    let log = Log::read();
    let bot = Bot::start_with(&[(SECRETS, SECRET)]).await;
    bot.ready().await;
    assert_eq!((status(&bot, SECRET).await, status(&bot, NEW_SECRET).await), (200, 401));
    let captured = bot.slash(ADA, "help");
    assert_eq!(bot.post_raw("/slack/commands", captured.clone()).await.status, 200);

    bot.reload(&[(SECRETS, &format!("{NEW_SECRET},{SECRET}"))]).await;
    assert_eq!((status(&bot, SECRET).await, status(&bot, NEW_SECRET).await), (200, 200));
    assert_eq!(bot.post_raw("/slack/commands", captured).await.status, 401, "it was here before");
    bot.reload(&[(SECRETS, NEW_SECRET)]).await;
    assert_eq!((status(&bot, SECRET).await, status(&bot, NEW_SECRET).await), (401, 200));
    assert_eq!(keys(&log, READ), "slack.signing_secrets");
    assert_eq!(log.lines(LEFT).len(), 0);
    bot.reload(&[(SECRETS, NEW_SECRET)]).await;
    assert_eq!(keys(&log, READ), "none", "nothing has changed since");
}

#[tokio::test]
async fn a_configuration_that_is_wrong_changes_nothing_and_everything_wrong_with_it_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let table = folder.path().join("people.csv");
    std::fs::write(&table, "nonsense").unwrap();
    let wrong_values =
        [("CONNECT_SLACK__REPLY_BUDGET", "9s"), ("CONNECT_SERVER__LISTEN", "everywhere")];
    let bad_table = [
        ("CONNECT_IDENTITY__CHAIN", "table"),
        ("CONNECT_IDENTITY__TABLE", table.to_str().unwrap()),
        ("CONNECT_IDENTITY__CREATE_MISSING", ""),
    ];
    let log = Log::read();
    let bot = Bot::start_with(&[(SECRETS, SECRET)]).await;
    bot.ready().await;
    for wrong in [&wrong_values[..], &bad_table] {
        bot.reload(&[&[(SECRETS, NEW_SECRET)], wrong].concat()).await;
        assert_eq!((status(&bot, SECRET).await, status(&bot, NEW_SECRET).await), (200, 401));
    }
    let refused = log.lines(REFUSED);
    assert_eq!((refused.len(), &refused[0]["level"]), (2, &json!("ERROR")));
    assert!(refused[1]["error"].as_str().unwrap().contains("identity.table"), "{}", refused[1]);
    let problems = log.lines("the new configuration is wrong");
    let named =
        |key: &str| problems.iter().any(|line| line["problem"].as_str().unwrap().contains(key));
    assert!(problems.len() == 2 && named("slack.reply_budget") && named("server.listen"));
    bot.reload(&[(SECRETS, NEW_SECRET)]).await;
    assert_eq!((status(&bot, SECRET).await, status(&bot, NEW_SECRET).await), (401, 200));
}

#[tokio::test]
async fn what_needs_a_restart_is_named_until_it_has_had_one_and_the_rest_is_taken() {
    let log = Log::read();
    let bot = Bot::start_with(&[(SECRETS, SECRET)]).await;
    bot.ready().await;
    let restart =
        [("CONNECT_NOVU__API_KEY", "canary-other-key"), ("CONNECT_SLACK__COMMAND", "/other")];
    bot.reload(&[&restart[..], &[(SECRETS, NEW_SECRET)]].concat()).await;
    assert_eq!(keys(&log, READ), "slack.signing_secrets");
    assert_eq!(keys(&log, LEFT), "novu.api_key, slack.command");
    assert_eq!(status(&bot, NEW_SECRET).await, 200);
    bot.reload(&[restart[0], (SECRETS, NEW_SECRET)]).await;
    assert_eq!((keys(&log, READ), keys(&log, LEFT)), (json!("none"), json!("novu.api_key")));
}

#[tokio::test]
async fn the_identity_section_is_taken_with_its_table_however_short_that_has_become() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("people.csv");
    let write = |rows: &str| {
        std::fs::write(&path, format!("platform,workspace,user,subscriber\n{rows}")).unwrap();
    };
    let others = (0..9).map(|number| format!("slack,{TEAM},U{number},s{number}\n"));
    write(&format!("slack,{TEAM},{ADA},before\n{}", others.collect::<String>()));
    let by_table = [
        ("CONNECT_IDENTITY__CHAIN", "table"),
        ("CONNECT_IDENTITY__CREATE_MISSING", "table"),
        ("CONNECT_IDENTITY__TABLE", path.to_str().unwrap()),
    ];
    let log = Log::read();
    let bot = Bot::start().await;
    bot.ready().await;
    bot.reload(&by_table).await;
    let section = "identity.chain, identity.create_missing, identity.table";
    assert_eq!(keys(&log, READ), section);
    bot.command(ADA, "").await.link();
    write(&format!("slack,{TEAM},{ADA},after\n"));
    bot.reload(&by_table).await;
    assert_eq!(keys(&log, READ), "identity.table");
    bot.command(ADA, "").await.link();
    let ids: Vec<_> = bot.novu.subscribers().into_iter().map(|it| it.subscriber_id).collect();
    assert_eq!(ids, ["before", "after"]);
}

#[tokio::test]
async fn keys_of_links_from_before_are_taken_without_a_restart_and_pages_need_none() {
    let log = Log::read();
    let bot = TeamsBot::start_with(&PAGES).await;
    let page = link(&bot.ask(teams::ADA, "connect").await);
    let browser = Browser::new().unwrap();
    for keys in [&[("CONNECT_SERVER__LINK_KEYS", "canary-key-of-yesterday")][..], &[]] {
        bot.reload(keys).await;
        assert_eq!(self::keys(&log, READ), "server.link_keys");
        assert_eq!(browser.open(&page).await.unwrap().status.as_u16(), 200);
    }
}

#[tokio::test]
async fn a_client_secret_of_the_bot_is_tried_at_once_and_the_token_in_hand_stays_good() {
    let key = "CONNECT_TEAMS__APP_SECRET";
    let log = Log::read();
    let bot = TeamsBot::start_among(|_| {}, &[(key, "teams~canary-of-somebody-else")]).await;
    bot.until_later(async || bot.ops("/readyz").await.body.contains("secret_wrong")).await;
    let right = bot.teams.options().app_secret.clone();
    bot.reload(&[(key, &right)]).await;
    assert_eq!(keys(&log, READ), "teams.app_secret");
    bot.ready().await;

    let refused = "connect_upstream_seconds_count{upstream=\"entra\",operation=\"token\",outcome=\"refused\"}";
    let before = bot.metric(refused).await;
    bot.reload(&[(key, "teams~canary-of-somebody-else")]).await;
    until(async || bot.metric(refused).await > before).await;
    link(&bot.ask(teams::ADA, "connect").await);
}
