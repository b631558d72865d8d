//! Workspaces by the API.

use std::time::Duration;

use connect_sandbox::novu::{NewEndpoint, Profile};
use serde_json::{Value, json};

use super::{OWNER, READER, Told, ask, delete, get, post, send, start, start_on};
use crate::bot::{ADA, Bot, CONNECTION, GRACE, INTEGRATION, Storage, TEAM};
use crate::log::Log;

fn wish(workspace: &str, context: &str) -> Value {
    json!({"platform": "slack", "workspace": {"id": workspace}, "context": {"tenant": context}})
}

async fn post_with_key(bot: &Bot, token: &str, key: &str, body: &Value) -> Told {
    let request = ask(bot, "POST", "/workspaces").bearer_auth(token).header("idempotency-key", key);
    send(request.json(body)).await
}

fn link(bot: &Bot, subscriber: &str, user: &str) {
    bot.novu.add_subscriber(subscriber, Profile::default());
    let new = NewEndpoint::slack_user(INTEGRATION, CONNECTION, subscriber, user);
    bot.novu.add_endpoint(new).unwrap();
}

#[tokio::test]
async fn what_is_connected_is_listed_page_by_page_and_each_one_once() {
    let bot = start().await;
    for number in 0..6 {
        bot.connect_workspace_in_context(&format!("w{number}"), &format!("T{number}"), &["a:b"]);
    }
    let mut seen = Vec::new();
    let mut path = "/workspaces?limit=3".to_owned();
    loop {
        let told = get(&bot, &path).await;
        assert_eq!(told.status, 200, "{told:?}");
        let page = told.json["items"].as_array().unwrap().clone();
        assert!(page.len() <= 3);
        seen.extend(page.iter().map(|it| it["connection"].as_str().unwrap().to_owned()));
        match told.json["next"].as_str() {
            Some(next) => path = format!("/workspaces?limit=3&cursor={next}"),
            None => break,
        }
        // What is gone meanwhile moves nobody else's place.
        bot.novu.add_subscriber("meanwhile", Profile::default());
    }
    assert_eq!(seen, ["acme", "w0", "w1", "w2", "w3", "w4", "w5"]);
    assert_eq!(
        get(&bot, "/workspaces?platform=slack").await.json["items"].as_array().unwrap().len(),
        7
    );
    let first = &get(&bot, "/workspaces?limit=2").await.json["items"][1];
    assert_eq!(first["platform"], "slack");
    assert_eq!(first["workspace"], "T0");
    assert_eq!(first["context"], json!(["a:b"]));
    assert_eq!((&first["links"], &first["health"]), (&Value::Null, &Value::Null));
}

#[tokio::test]
async fn one_connection_is_looked_at_with_its_links_and_its_health() {
    let bot = start().await;
    link(&bot, "one", ADA);
    link(&bot, "two", GRACE);
    let told = get(&bot, "/workspaces/slack/acme").await;
    assert_eq!(told.status, 200, "{told:?}");
    assert_eq!(told.json["workspace"], TEAM);
    assert_eq!((&told.json["links"], &told.json["health"]), (&json!(2), &json!("works")));
    bot.novu.set_token(CONNECTION, "xoxb-canary-of-another-time");
    let told = get(&bot, "/workspaces/slack/acme").await;
    assert_eq!(
        (&told.json["health"], &told.json["trouble"]),
        (&json!("dead"), &json!("invalid_auth"))
    );
}

#[tokio::test]
async fn a_workspace_is_asked_for_with_every_field_and_its_request_is_looked_at_later() {
    let bot = start_on(Storage::sqlite(), &[]).await;
    let body = json!({
        "platform": "slack",
        "workspace": {"id": "T0NEW", "organisation": "E0ORG"},
        "connection": "new-one",
        "context": {"tenant": "new", "region": "eu"},
        "subscriber": "owner-of-new",
        "scope": ["chat:write", "commands"],
        "mode": "subscriber",
        "auto_link_user": true,
    });
    let told = post(&bot, "/workspaces", &body).await;
    assert_eq!(told.status, 201, "{told:?}");
    let page = told.json["page"].as_str().unwrap();
    assert!(page.starts_with(&format!("{}/workspace/", bot.url)), "{page}");
    let id = told.json["id"].as_str().unwrap();
    assert_eq!(told.header("location"), Some(&*format!("/admin/v1/workspace-requests/{id}")));
    for (name, value) in [
        ("platform", json!("slack")),
        ("workspace", json!("T0NEW")),
        ("purpose", json!("connect")),
        ("connection", json!("new-one")),
        ("context", json!(["region:eu", "tenant:new"])),
        ("subscriber", json!("owner-of-new")),
        ("scope", json!(["chat:write", "commands"])),
        ("mode", json!("subscriber")),
        ("auto_link_user", json!(true)),
        ("requested_by", json!("owner")),
        ("stage", json!("waiting")),
        ("outcome", Value::Null),
    ] {
        assert_eq!(told.json[name], value, "{name}");
    }
    let path = format!("/workspace-requests/{id}");
    let shown = get(&bot, &path).await;
    let mut expected = told.json.clone();
    expected.as_object_mut().unwrap().remove("page");
    assert_eq!((shown.status, &shown.json), (200, &expected), "the address is told once");

    let over = async || get(&bot, &path).await.json["stage"] == "ended";
    bot.clock.advance(Duration::from_hours(24));
    bot.until_later(over).await;
    assert_eq!(get(&bot, &path).await.json["outcome"], json!({"what": "not_started"}));
    assert_eq!(bot.novu.connections().len(), 1);
}

#[tokio::test]
async fn a_request_with_the_same_key_is_made_once() {
    for storage in Storage::each() {
        let bot = start_on(storage, &[]).await;
        let first = post_with_key(&bot, OWNER, "key-1", &wish("T0NEW", "new")).await;
        assert_eq!(first.status, 201, "{first:?}");
        let again = post_with_key(&bot, OWNER, "key-1", &wish("T0NEW", "new")).await;
        assert_eq!((again.status, &again.json), (200, &first.json));
        assert_eq!(again.header("location"), first.header("location"));

        let other = post_with_key(&bot, OWNER, "key-1", &wish("T0NEW", "other")).await;
        assert_eq!((other.status, other.problem()), (422, "idempotency-key-reused"));
        let other = post_with_key(&bot, OWNER, "key-2", &wish("T0NEW", "new")).await;
        assert_eq!(other.status, 201);
        assert_ne!(other.json["id"], first.json["id"]);

        // What has happened since does not turn the same request into another one.
        bot.connect_workspace_in_context("slack-main-T0NEW", "T0NEW", &["tenant:new"]);
        let again = post_with_key(&bot, OWNER, "key-1", &wish("T0NEW", "new")).await;
        assert_eq!((again.status, &again.json["id"]), (200, &first.json["id"]));
        let late = post_with_key(&bot, OWNER, "key-3", &wish("T0NEW", "new")).await;
        assert_eq!((late.status, &late.json["code"]), (409, &json!("C-CONNECTED")));
    }
}

#[tokio::test]
async fn the_keys_of_one_token_are_nothing_to_another() {
    let tokens = format!("owner:all:{OWNER},second:all:{READER}");
    let bot = start_on(Storage::any(), &[("CONNECT_SERVER__ADMIN_TOKENS", &tokens)]).await;
    let first = post_with_key(&bot, OWNER, "key", &wish("T0NEW", "new")).await;
    let second = post_with_key(&bot, READER, "key", &wish("T0NEW", "other")).await;
    assert_eq!((first.status, second.status), (201, 201), "{second:?}");
    assert_eq!(second.json["requested_by"], "second");
}

#[tokio::test]
async fn a_connection_gets_new_credentials_under_the_identifier_that_it_has() {
    let bot = start().await;
    let told =
        post(&bot, "/workspaces/slack/acme/reconnect", &json!({"scope": ["commands"]})).await;
    assert_eq!(told.status, 201, "{told:?}");
    assert_eq!(told.json["purpose"], "reconnect");
    assert_eq!((&told.json["connection"], &told.json["workspace"]), (&json!("acme"), &json!(TEAM)));
    assert_eq!(told.json["scope"], json!(["commands"]));
    let other = json!({"platform": "slack", "workspace": {"id": TEAM}, "reconnect": true});
    let told = post(&bot, "/workspaces", &other).await;
    assert_eq!((told.status, &told.json["purpose"]), (201, &json!("reconnect")));
    let nobody = post(&bot, "/workspaces/slack/nobody/reconnect", &json!({})).await;
    assert_eq!((nobody.status, &nobody.json["code"]), (404, &json!("C-WORKSPACE")));
}

#[tokio::test]
async fn a_workspace_is_disconnected_after_it_was_told_what_that_means_and_to_whom() {
    let log = Log::read();
    let bot = start().await;
    link(&bot, "one", ADA);
    link(&bot, "two", GRACE);
    let told = delete(&bot, "/workspaces/slack/acme?dry_run=true&remove_links=true").await;
    assert_eq!(
        (told.status, &told.json["people"], &told.json["links_removed"]),
        (200, &json!(2), &json!(2))
    );
    assert!(told.json["summary"].as_str().unwrap().contains("have to connect again"));
    let told = delete(&bot, "/workspaces/slack/acme?dry_run=true").await;
    assert_eq!(
        (told.status, &told.json["people"], &told.json["links_removed"]),
        (200, &json!(2), &json!(0))
    );
    assert!(told.json["summary"].as_str().unwrap().contains("C-WORKSPACE"));
    assert_eq!(bot.novu.connections().len(), 1, "nothing has happened yet");

    let told = delete(&bot, "/workspaces/slack/acme?remove_links=true").await;
    assert_eq!((told.status, &told.json["stage"]), (202, &json!("removing")), "{told:?}");
    assert_eq!(told.json["purpose"], "disconnect_and_remove_links");
    let path = told.header("location").unwrap().strip_prefix("/admin/v1").unwrap().to_owned();
    bot.until_later(async || get(&bot, &path).await.json["stage"] == "ended").await;
    let over = get(&bot, &path).await.json;
    assert_eq!(
        (&over["outcome"]["what"], &over["links_removed"]),
        (&json!("disconnected"), &json!(2))
    );
    assert_eq!((bot.novu.connections().len(), bot.novu.endpoints().len()), (0, 0));
    let lines = log.lines("an administrator was answered");
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert_eq!((&lines[2]["token"], &lines[2]["status"]), (&json!("owner"), &json!(202)));
    let again = delete(&bot, "/workspaces/slack/acme").await;
    assert_eq!((again.status, &again.json["code"]), (404, &json!("C-WORKSPACE")));
}

#[tokio::test]
async fn links_stay_where_nobody_wants_them_removed() {
    let bot = start().await;
    link(&bot, "one", ADA);
    let told = delete(&bot, "/workspaces/slack/acme").await;
    let path = told.header("location").unwrap().strip_prefix("/admin/v1").unwrap().to_owned();
    bot.until_later(async || get(&bot, &path).await.json["stage"] == "ended").await;
    assert_eq!((bot.novu.connections().len(), bot.novu.endpoints().len()), (0, 1));
}
