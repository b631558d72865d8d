//! Disconnecting a workspace: said first, done whatever it takes, and what its people read afterwards.

use std::time::Duration;

use axum::http::StatusCode;
use connect_sandbox::novu::{NewEndpoint, Profile};
use connect_sandbox::slack::Message;
use connect_sandbox::{Browser, Effect, Fault, Hold, Route};

use super::{ADA, CONTEXT, Everything, PAGES, USUAL, assert_labels, go_on, page_of};
use crate::bot::{Bot, CONNECTION, GRACE, INTEGRATION, Replica, Storage, TEAM, connection};

const ENDPOINTS: &str = "/v1/channel-endpoints";
const KEEP: &str = "Disconnect, keep links";
const REMOVE: &str = "Disconnect, remove links";

/// A connected workspace with two people who are linked, and its administrator's question.
async fn asked(settings: &[(&str, &str)]) -> (Bot, Message) {
    let bot = Bot::start_with(settings).await;
    bot.connect_acme();
    bot.connect_workspace_in_context("bystander", "T0OTHER", &["tenant:T0OTHER"]);
    bot.ready().await;
    for user in [ADA, GRACE] {
        let subscriber = format!("slack:{TEAM}:{user}");
        bot.novu.add_subscriber(&subscriber, Profile::default());
        let endpoint = NewEndpoint::slack_user(INTEGRATION, CONNECTION, &subscriber, user);
        let context_keys = vec!["tenant:T0ACME".to_owned()];
        bot.novu.add_endpoint(NewEndpoint { context_keys, ..endpoint }).unwrap();
    }
    let message = bot.command_shown(ADA, "disconnect workspace").await;
    (bot, message)
}

#[tokio::test]
async fn it_is_said_first_how_many_are_linked_and_nothing_has_changed_by_then() {
    let (bot, message) = asked(&USUAL).await;
    for words in ["Do you want to disconnect Acme?", "Links over this connection: 2."] {
        assert!(message.text().contains(words), "{words} in {}", message.text());
    }
    assert_labels(&message, &[KEEP, REMOVE, "Leave it connected"]);
    assert_eq!(bot.novu.endpoints().len(), 2);
    let left = bot.press(ADA, &message, "Leave it connected").await;
    assert!(left.text().contains("Acme is connected"), "{}", left.text());
    assert_eq!(Everything::of(&bot).connections.len(), 2);
    // The person's own disconnecting is another question.
    let own = bot.command_shown(ADA, "disconnect").await;
    assert_labels(&own, &["Yes, disconnect", "Stay connected"]);
}

#[tokio::test]
async fn kept_links_deliver_again_under_the_same_identifier_and_under_another_one_people_are_told()
{
    let listed = ("CONNECT_SLACK__ADMINISTRATORS", ADA);
    let (bot, message) = asked(&[PAGES, CONTEXT, listed]).await;
    let before = Everything::of(&bot);
    let pressed = bot.press(ADA, &message, KEEP).await;
    let last = bot.until_says(&pressed, "Acme is not connected any more.").await;
    assert!(last.text().contains("Links were kept."), "{}", last.text());
    assert_labels(&last, &["Connect the workspace"]);
    let after = Everything::of(&bot);
    assert_eq!((after.endpoints, after.subscribers), (before.endpoints, before.subscribers));
    assert!(after.connections.iter().all(|it| it.identifier != CONNECTION));
    assert_eq!(bot.command(GRACE, "").await.code(), "C-WORKSPACE");

    // Connected again from the message, the workspace gets another identifier.
    let again = bot.press(ADA, &last, "Connect the workspace").await;
    let browser = Browser::new().unwrap();
    let consent = go_on(&browser, &page_of(&again)).await;
    browser.press(&consent, ADA).await.unwrap();
    bot.until_says(&again, "is connected.").await;
    assert_eq!(bot.command(GRACE, "").await.code(), "C-LINKED-ELSEWHERE");

    // Under the old one everything is as it was.
    bot.novu.remove_connection("slack-main-T0ACME");
    bot.novu.add_connection(connection(CONNECTION, TEAM, &["tenant:T0ACME"])).unwrap();
    let is_linked = async || bot.command(GRACE, "").await.find_code().is_none();
    bot.until_later_by(Duration::from_secs(70), is_linked).await;
    let status = bot.command(GRACE, "").await;
    assert!(status.text().contains("verbunden"), "{}", status.text());
    assert!(status.find_button().is_none(), "linked again: {}", status.body);
}

#[tokio::test]
async fn removed_links_are_gone_however_often_novu_fails() {
    let (bot, message) = asked(&USUAL).await;
    let ill = Effect::status(StatusCode::SERVICE_UNAVAILABLE);
    bot.novu.fault(Fault::new(Route::delete(ENDPOINTS), ill).times(5));
    bot.novu.fault(Fault::new(Route::delete(ENDPOINTS), Effect::LostAnswer).times(1));
    let pressed = bot.press(ADA, &message, REMOVE).await;
    let last = bot.until_says(&pressed, "Acme is not connected any more.").await;
    assert!(last.text().contains("Links removed:"), "{}", last.text());
    assert_eq!(bot.novu.endpoints(), []);
    let left = bot.novu.connections();
    assert_eq!(left.iter().map(|it| it.identifier.as_str()).collect::<Vec<_>>(), ["bystander"]);
    assert_eq!(bot.command(GRACE, "").await.code(), "C-WORKSPACE");
}

#[tokio::test]
async fn what_a_killed_instance_had_begun_to_remove_the_next_one_removes() {
    let (bot, _) = asked(&USUAL).await;
    let storage = Storage::sqlite();
    let first = Replica::start(&bot, &storage).await;
    let command = bot.slash(ADA, "disconnect workspace");
    let (_, body) = first.post("/slack/commands", command.clone()).await;
    let reply = serde_json::from_str(&body).unwrap();
    let message = bot.slack.receive_reply(command.slash_command(), reply);
    let hold = Hold::new();
    bot.novu.fault(Fault::new(Route::delete(ENDPOINTS), Effect::Hold(hold.clone())));
    let press = bot.slack.press(ADA, &message, REMOVE).unwrap();
    let (status, _) = first.post("/slack/interactions", bot.pressed(&press)).await;
    assert_eq!(status, 200);
    bot.until_later(async || hold.arrived() > 0).await;
    first.kill().await;
    hold.release();
    bot.novu.clear_faults();
    let second = Replica::start(&bot, &storage).await;
    bot.until_says(&message, "Acme is not connected any more.").await;
    assert_eq!(bot.novu.endpoints(), []);
    assert!(bot.novu.connections().iter().all(|it| it.identifier != CONNECTION));
    second.kill().await;
}
