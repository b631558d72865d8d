//! People by the API.

use serde_json::{Value, json};

use super::{HELPER, Told, ask, get, send, start, start_on};
use crate::bot::{ADA, Bot, GRACE, Storage, TEAM};

async fn look(bot: &Bot, user: &str) -> Told {
    send(ask(bot, "GET", &format!("/people/slack/{TEAM}/{user}")).bearer_auth(HELPER)).await
}

async fn remove(bot: &Bot, user: &str, body: &Value) -> Told {
    let path = format!("/people/slack/{TEAM}/{user}/link");
    send(ask(bot, "DELETE", &path).bearer_auth(HELPER).json(body)).await
}

#[tokio::test]
async fn it_is_told_why_somebody_is_linked_or_not_and_nothing_is_made() {
    let bot = start().await;
    let told = look(&bot, ADA).await;
    assert_eq!(told.status, 200, "{told:?}");
    assert_eq!(told.json["link"], Value::Null);
    assert_eq!(told.json["explanation"]["answer"]["outcome"], "link");
    assert_eq!(told.json["explanation"]["person"]["user"], ADA);
    let stranger = look(&bot, "U0NOBODY").await;
    assert_eq!(stranger.json["explanation"]["answer"]["outcome"], "refused", "{stranger:?}");
    assert!(bot.mints().is_empty() && bot.novu.subscribers().is_empty());

    bot.link(ADA).await;
    bot.until_later(async || look(&bot, ADA).await.json["link"] != Value::Null).await;
    let told = look(&bot, ADA).await.json;
    assert_eq!(told["explanation"]["answer"]["outcome"], "already_connected");
    assert_eq!(
        (&told["link"]["verified"], &told["link"]["delivers"]),
        (&json!("signed_in"), &json!(true))
    );
    bot.until_later(async || !bot.slack.messages().is_empty()).await;
}

#[tokio::test]
async fn a_link_is_removed_with_a_reason_that_the_audit_has_and_nobody_elses_is() {
    let bot = start_on(Storage::sqlite(), &[]).await;
    for user in [ADA, GRACE] {
        bot.link(user).await;
    }
    bot.until_later(async || bot.slack.messages().len() >= 2).await;
    for body in [json!({}), json!({"reason": " "}), json!({"reason": "x".repeat(301)})] {
        let told = remove(&bot, ADA, &body).await;
        assert_eq!((told.status, told.problem()), (422, "bad-body"), "{told:?}");
    }
    assert_eq!(bot.novu.endpoints().len(), 2);
    let told = remove(&bot, ADA, &json!({"reason": "has left the company"})).await;
    assert_eq!(told.status, 200, "{told:?}");
    assert_eq!(told.json["endpoints"].as_array().unwrap().len(), 1);
    assert_eq!(bot.novu.endpoints().len(), 1);
    let again = remove(&bot, ADA, &json!({"reason": "again"})).await;
    assert_eq!((again.status, again.problem()), (404, "not-found"));

    let path = format!("/audit?person=slack/{TEAM}/{ADA}");
    let removed = async || {
        let lines = get(&bot, &path).await.json["items"].as_array().unwrap().clone();
        lines.into_iter().find(|line| line["kind"] == "removed")
    };
    bot.until_later(async || removed().await.is_some()).await;
    let line = removed().await.unwrap();
    assert_eq!(line["actor"], "administrator:helper");
    assert_eq!(line["reason"], "has left the company");
    bot.until_later(async || bot.slack.messages().len() >= 3).await;
}
