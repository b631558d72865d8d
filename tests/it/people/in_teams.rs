//! Teams says who somebody is in a conversation alone.

use serde_json::Value;

use super::{CHAIN, explain, explain_with};
use crate::bot::Storage;
use crate::bot::teams::{self, TeamsBot};

const ASKED: [&str; 4] = ["teams", teams::ACME, teams::ADA, "--json"];

async fn on(storage: Storage) -> TeamsBot {
    let bot = TeamsBot::start_on(storage, &[]).await;
    bot.ready().await;
    bot
}

#[tokio::test]
async fn without_a_conversation_what_depends_on_it_is_left_open_and_the_rest_is_said() {
    let bot = on(Storage::sqlite()).await;
    let told = explain(&bot, &ASKED).await;
    let json = told.json();
    assert_eq!(json["account"]["outcome"], "no_conversation");
    assert_eq!(json["resolvers"][0]["outcome"], "found");
    assert_eq!([&json["answer"]["step"], &json["answer"]["outcome"]], ["mint", "link"]);
    assert_eq!(told.status, Some(0));

    let mut settings = bot.settings();
    settings.insert(CHAIN.to_owned(), "email,template".to_owned());
    let told = explain_with(settings, &ASKED).await;
    let json = told.json();
    assert_eq!(json["resolvers"][0]["outcome"], "cannot_tell");
    assert_eq!(json["resolvers"][1]["outcome"], "not_asked");
    assert_eq!([&json["answer"]["step"], &json["answer"]["outcome"]], ["identity", "cannot_tell"]);
    assert_eq!(told.status, Some(1));
}

#[tokio::test]
async fn whoever_has_been_shown_a_link_is_looked_up_where_that_was() {
    for storage in [Some(Storage::sqlite()), Storage::postgres()].into_iter().flatten() {
        let bot = on(storage).await;
        bot.ask(teams::ADA, "connect").await;
        let opened = bot.teams.requests().len();
        let told = explain(&bot, &["teams", "TENANT-ACME", "OID-ADA", "--json"]).await;
        let json = told.json();
        assert_eq!(json["account"]["outcome"], "admitted", "{json:#} {}", told.beside);
        assert_eq!(
            [&json["account"]["kind"], &json["account"]["name"]],
            ["member", "Ada Lovelace"]
        );
        assert_eq!(json["account"]["trouble"], Value::Null);
        assert_eq!(told.status, Some(0));
        let asked = bot.teams.requests().split_off(opened);
        let conversations = |path: &str| path.ends_with("/v3/conversations");
        assert!(asked.iter().all(|it| !conversations(it.path())), "no chat is opened for it");
        bot.teams.clear_messages();
    }
}
