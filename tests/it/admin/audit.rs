//! The audit by the API.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{delete, get, start_on};
use crate::bot::{ADA, Bot, GRACE, Storage, TEAM, connection};

/// A service whose audit has at least so many lines.
async fn with_lines(storage: Storage) -> Bot {
    let bot = start_on(storage, &[]).await;
    for user in [ADA, GRACE] {
        bot.link(user).await;
    }
    bot.novu.add_connection(connection("other", "T0OTHER", &["a:b"])).unwrap();
    delete(&bot, "/workspaces/slack/other").await;
    bot.until_later(async || lines(&bot, "/audit").await.len() >= 3).await;
    bot.until_later(async || bot.slack.messages().len() >= 2).await;
    bot
}

async fn lines(bot: &Bot, path: &str) -> Vec<Value> {
    get(bot, path).await.json["items"].as_array().unwrap().clone()
}

fn kinds(lines: &[Value]) -> Vec<&str> {
    lines.iter().map(|line| line["kind"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn lines_are_read_as_they_are_stored_and_a_reader_goes_on_where_they_were() {
    for storage in Storage::each().skip(1) {
        let bot = with_lines(storage).await;
        let first = get(&bot, "/audit?limit=2").await.json;
        assert_eq!(
            (kinds(first["items"].as_array().unwrap()).len(), &first["more"]),
            (2, &json!(true))
        );
        let rest = format!("/audit?cursor={}", first["next"].as_str().unwrap());
        let rest = get(&bot, &rest).await.json;
        assert_eq!(rest["more"], false);
        let all: Vec<_> = [&first, &rest]
            .iter()
            .flat_map(|page| page["items"].as_array().unwrap().clone())
            .collect();
        assert_eq!(all, lines(&bot, "/audit").await);
        let gone = all.iter().find(|line| line["kind"] == "workspace_disconnected").unwrap();
        assert_eq!(gone["actor"], "administrator:owner");

        // Nothing new, and then something.
        let end = format!("/audit?cursor={}", rest["next"].as_str().unwrap());
        let none = get(&bot, &end).await.json;
        assert_eq!(
            (&none["items"], &none["more"], &none["next"]),
            (&json!([]), &json!(false), &rest["next"])
        );
        delete(&bot, "/workspaces/slack/acme").await;
        bot.until_later(async || lines(&bot, &end).await.len() == 1).await;
    }
}

#[tokio::test]
async fn the_text_of_a_line_is_the_one_that_the_next_line_has_the_hash_of() {
    let bot = with_lines(Storage::sqlite()).await;
    let url = format!("{}/admin/v1/audit", bot.ops_url);
    let client = novu_connect_bot::net::client().unwrap();
    let body =
        client.get(url).bearer_auth(super::READER).send().await.unwrap().text().await.unwrap();
    let page: Page = serde_json::from_str(&body).unwrap();
    for pair in page.items.windows(2) {
        let next: Value = serde_json::from_str(pair[1].get()).unwrap();
        assert_eq!(next["previous"], hex::encode(Sha256::digest(pair[0].get())));
    }
    assert!(page.items.len() >= 3);
}

#[derive(serde::Deserialize)]
struct Page {
    items: Vec<Box<serde_json::value::RawValue>>,
}

#[tokio::test]
async fn one_persons_lines_are_found_by_their_ids() {
    let bot = with_lines(Storage::sqlite()).await;
    let ada = lines(&bot, &format!("/audit?person=slack/{TEAM}/{ADA}")).await;
    assert_eq!(kinds(&ada), ["linked"]);
    let grace = lines(&bot, &format!("/audit?person=slack/{TEAM}/{GRACE}")).await;
    assert_eq!(kinds(&grace), ["linked"]);
    assert_ne!(ada, grace);
    let nobody = get(&bot, &format!("/audit?person=slack/{TEAM}/U0NOBODY")).await;
    assert_eq!(
        (nobody.status, &nobody.json["items"], &nobody.json["more"]),
        (200, &json!([]), &json!(false))
    );
    let page = get(&bot, &format!("/audit?limit=1&person=slack/{TEAM}/{GRACE}")).await.json;
    assert_eq!(kinds(page["items"].as_array().unwrap()), ["linked"]);
}

#[tokio::test]
async fn a_store_in_memory_keeps_no_lines() {
    let bot = start_on(Storage::in_memory(), &[]).await;
    let told = get(&bot, "/audit").await;
    assert_eq!(told.json, json!({"items": [], "next": null, "more": false}));
}
