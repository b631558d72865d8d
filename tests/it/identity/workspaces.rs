//! Which connection belongs to the person's workspace.

use std::time::Duration;

use axum::http::{Method, StatusCode};
use connect_sandbox::novu::{Integration, NewConnection, NewEndpoint, Profile};
use connect_sandbox::{Effect, Fault, Hold, Route};
use jiff::Timestamp;
use serde_json::json;

use super::connection_of;
use crate::bot::{ADA, Bot, CONNECTION, TEAM, connection, until};

const LIST: &str = "/v1/channel-connections";

#[tokio::test]
async fn a_workspace_that_nobody_connected_gets_a_sentence_and_works_once_it_is() {
    let bot = Bot::start().await;
    assert_eq!(bot.command_in("T0NEW").await.code(), "C-WORKSPACE");
    assert_eq!(bot.mints().len(), 0);
    bot.connect_workspace("new", "T0NEW");
    // Just read and not found: a few seconds later it is looked for again.
    bot.clock.advance(Duration::from_secs(3));
    bot.command_in("T0NEW").await.link();
    assert_eq!(connection_of(&bot), "new");
}

#[tokio::test]
async fn many_who_miss_at_once_cause_one_reading() {
    let bot = Bot::start().await;
    bot.ready().await;
    bot.clock.advance(Duration::from_secs(4));
    bot.novu.clear_requests();
    let hold = Hold::new();
    bot.novu.fault(Fault::new(Route::get(LIST), Effect::Hold(hold.clone())));
    let all =
        futures_util::future::join_all((0..20).map(|number| {
            bot.send(bot.slash(&format!("U{number}"), "").with("team_id", "T0NOBODY"))
        }));
    let release = async {
        hold.reached(1).await;
        hold.release();
    };
    let (replies, ()) = tokio::join!(all, release);
    assert!(replies.iter().all(|reply| reply.code() == "C-WORKSPACE"));
    assert_eq!(bot.novu.count(&Method::GET, LIST), 1);
}

#[tokio::test]
async fn connections_beyond_the_first_page_are_known() {
    let bot = Bot::start().await;
    for number in 0..230 {
        bot.connect_workspace(&format!("c{number}"), &format!("T{number}"));
    }
    bot.clock.advance(Duration::from_secs(61));
    until(async || bot.metric("connect_workspace_index_connections").await == 231).await;
    bot.command_in("T117").await.link();
    assert_eq!(connection_of(&bot), "c117");
}

#[tokio::test]
async fn shared_goes_before_personal_then_the_newest_and_a_pinned_one_before_all() {
    let bot = Bot::start().await;
    let at = |second: i64| Some(Timestamp::from_second(second).unwrap());
    let place = |identifier: &str| connection(identifier, "T0MANY", &[]);
    bot.novu.add_subscriber("admin", Profile::default());
    let personal = NewConnection { subscriber_id: Some("admin".to_owned()), ..place("personal") };
    bot.novu.add_connection(NewConnection { created_at: at(3000), ..personal }).unwrap();
    for (identifier, created) in [("older", 1000), ("newer", 2000)] {
        let keys = vec!["tenant:acme".to_owned()];
        bot.novu
            .add_connection(NewConnection {
                created_at: at(created),
                context_keys: keys,
                ..place(identifier)
            })
            .unwrap();
    }
    bot.clock.advance(Duration::from_secs(4));
    bot.command_in("T0MANY").await.link();
    assert_eq!(connection_of(&bot), "newer");

    let mut settings = bot.settings();
    settings.insert("CONNECT_SLACK__CONNECTION".to_owned(), "personal".to_owned());
    let bot = bot.restart(settings).await;
    bot.command_in("T0MANY").await.link();
    assert_eq!(connection_of(&bot), "personal");
    // A pin is a preference among a workspace's connections, not a way into another workspace.
    bot.send(bot.slash(ADA, "")).await.link();
    assert_eq!(connection_of(&bot), CONNECTION);
}

#[tokio::test]
async fn the_connections_context_goes_into_the_mint_as_ids() {
    let bot = Bot::start().await;
    bot.connect_workspace_in_context("ctx", "T0CTX", &["app:crm", "tenant:acme"]);
    bot.clock.advance(Duration::from_secs(4));
    bot.command_in("T0CTX").await.link();
    let mint = bot.mints()[0].json();
    assert_eq!(mint["context"], json!({"app": "crm", "tenant": "acme"}));
    assert_eq!(mint.get("contextHash"), None);
}

#[tokio::test]
async fn a_context_is_signed_where_novu_wants_it() {
    let bot = Bot::start_with(&[("CONNECT_NOVU__CONTEXT_HMAC", "true")]).await;
    let app = bot.slack.options();
    bot.novu.add_integration(Integration {
        hmac: true,
        ..Integration::slack(crate::bot::INTEGRATION, &app.client_id, &app.client_secret)
    });
    bot.connect_workspace_in_context("ctx", "T0CTX", &["tenant:acme"]);
    bot.clock.advance(Duration::from_secs(4));
    // The stand-in checks the hash, as Novu does.
    bot.command_in("T0CTX").await.link();
    assert_eq!(bot.mints()[0].json()["contextHash"].as_str().unwrap().len(), 64);
}

#[tokio::test]
async fn a_connection_of_another_integration_is_not_ours() {
    let bot = Bot::start().await;
    bot.novu.add_integration(Integration::slack("other-app", "c", "s"));
    let foreign = NewConnection {
        integration: "other-app".to_owned(),
        ..connection("foreign", "T0FOREIGN", &[])
    };
    bot.novu.add_connection(foreign).unwrap();
    bot.clock.advance(Duration::from_secs(4));
    let reply = bot.command_in("T0FOREIGN").await;
    assert_eq!(reply.code(), "C-WORKSPACE");
}

#[tokio::test]
async fn what_is_known_outlives_an_outage_of_the_list() {
    let bot = Bot::start().await;
    bot.ready().await;
    bot.novu.fault(Fault::new(Route::get(LIST), Effect::status(StatusCode::INTERNAL_SERVER_ERROR)));
    bot.clock.advance(Duration::from_secs(61));
    bot.command(ADA, "").await.link();
    let reply = bot.command_in("T0NEW").await;
    assert!(reply.is_on_its_way());
    assert_eq!(bot.method("GET", "/readyz").await, 200);
}

#[tokio::test]
async fn a_link_over_another_connection_is_not_called_connected() {
    let bot = Bot::start().await;
    let subscriber = format!("slack:{TEAM}:{ADA}");
    bot.novu.add_subscriber(&subscriber, Profile::default());
    let dangling = NewEndpoint {
        connection: None,
        ..NewEndpoint::slack_user(crate::bot::INTEGRATION, "", &subscriber, ADA)
    };
    bot.novu.add_endpoint(dangling).unwrap();
    assert_eq!(bot.command(ADA, "").await.code(), "C-LINKED-ELSEWHERE");
    assert_eq!(bot.mints().len(), 0);
}

#[tokio::test]
async fn a_second_chat_account_of_one_subscriber_is_no_link_of_this_one() {
    let bot = Bot::start().await;
    let subscriber = format!("slack:{TEAM}:{ADA}");
    bot.novu.add_subscriber(&subscriber, Profile::default());
    bot.novu
        .add_endpoint(NewEndpoint::slack_user(
            crate::bot::INTEGRATION,
            CONNECTION,
            &subscriber,
            "U0OTHER",
        ))
        .unwrap();
    bot.command(ADA, "").await.link();
}
