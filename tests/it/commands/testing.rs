//! Test notifications.

use std::time::Duration;

use axum::http::{Method, StatusCode};
use connect_sandbox::novu::NewEndpoint;
use connect_sandbox::{Effect, Failure, Fault, Route};

use super::{TRIGGER, WORKFLOW, ada_is_linked, linked, linked_in_teams, subscriber_of};
use crate::bot::teams::{self, TeamsBot, said};
use crate::bot::{ADA, Bot, GRACE, INTEGRATION, TEAM};
use crate::log::Log;

fn triggers(bot: &Bot) -> Vec<serde_json::Value> {
    let all = bot.novu.requests();
    all.iter()
        .filter(|request| request.path() == TRIGGER)
        .map(connect_sandbox::Recorded::json)
        .collect()
}

#[tokio::test]
async fn it_runs_the_workflow_for_the_asker_once_a_minute() {
    let bot = ada_is_linked(&[WORKFLOW]).await;
    bot.novu.add_workflow(WORKFLOW.1);
    linked(&bot, GRACE);
    let sent = bot.command(ADA, "test").await;
    assert!(sent.text().contains("on its way to you"), "{}", sent.text());
    let [event] = triggers(&bot).try_into().unwrap();
    assert_eq!((&event["name"], &event["to"]), (&WORKFLOW.1.into(), &subscriber_of(ADA).into()));
    assert!(event["transactionId"].as_str().unwrap().starts_with("connect-test-"));
    assert!(event.get("context").is_none());

    let again = bot.command(ADA, "test").await;
    assert!(again.text().contains("less than a minute ago"), "{}", again.text());
    bot.command(GRACE, "test").await;
    assert_eq!(triggers(&bot).len(), 2, "others are not kept waiting");
    bot.clock.advance(Duration::from_mins(1));
    bot.command(ADA, "test").await;
    assert_eq!(triggers(&bot).len(), 3);
}

#[tokio::test]
async fn it_is_in_the_context_of_the_link() {
    let bot = Bot::start_with(&[WORKFLOW, ("CONNECT_SLACK__CONNECTION", "acme")]).await;
    bot.novu.add_workflow(WORKFLOW.1);
    bot.connect_workspace_in_context("acme-eu", TEAM, &["tenant:eu"]);
    bot.ready().await;
    bot.clock.advance(Duration::from_secs(61));
    crate::bot::until(async || bot.metric("connect_workspace_index_connections").await == 2).await;
    bot.novu.add_subscriber(&subscriber_of(ADA), connect_sandbox::novu::Profile::default());
    let link = NewEndpoint {
        context_keys: vec!["tenant:eu".to_owned()],
        ..NewEndpoint::slack_user(INTEGRATION, "acme-eu", &subscriber_of(ADA), ADA)
    };
    bot.novu.add_endpoint(link).unwrap();
    bot.command(ADA, "test").await;
    assert_eq!(triggers(&bot)[0]["context"], serde_json::json!({"tenant": "eu"}));
}

#[tokio::test]
async fn whoever_is_not_connected_or_offered_none_is_told_so() {
    let bot = Bot::start_with(&[WORKFLOW]).await;
    bot.ready().await;
    let reply = bot.command(ADA, "test").await;
    assert!(reply.text().contains("You are not connected yet."), "{}", reply.text());
    let bot = ada_is_linked(&[]).await;
    let reply = bot.command(ADA, "test").await;
    assert!(
        reply.text().contains("No test notification has been set up here."),
        "{}",
        reply.text()
    );
    assert_eq!(triggers(&bot), [""; 0]);
    let connected = bot.command(ADA, "").await;
    assert!(!connected.body.contains("Send a test"), "{}", connected.body);
}

#[tokio::test]
async fn what_novu_does_not_run_is_told_and_logged_with_the_key() {
    let log = Log::read();
    let bot = ada_is_linked(&[WORKFLOW]).await;
    assert!(bot.command(ADA, "").await.body.contains("Send a test"));
    let reply = bot.command(ADA, "test").await;
    assert!(reply.text().contains("but does not send it"), "{}", reply.text());
    let lines = log.lines("a test notification cannot be sent");
    assert!(lines[0]["advice"].as_str().unwrap().contains("novu.test_workflow"));
    assert_eq!(lines[0]["level"], "WARN");

    bot.novu.add_workflow(WORKFLOW.1);
    let inactive = Effect::changed("/data/status", "trigger_not_active");
    bot.novu.fault(Fault::new(Route::post(TRIGGER), inactive).times(1));
    let reply = bot.command(ADA, "test").await;
    assert!(reply.text().contains("but does not send it"), "{}", reply.text());
    assert_eq!(
        log.lines("Novu took a test notification and does not run it")[0]["status"],
        "trigger_not_active"
    );
}

#[tokio::test]
async fn what_may_have_been_sent_is_never_sent_again() {
    let failing = Effect::status(StatusCode::SERVICE_UNAVAILABLE);
    for (effect, code) in [
        (failing, "C-NOVU-DOWN"),
        (Effect::LostAnswer, "C-NOVU-DOWN"),
        (Effect::Hangup, "C-NOVU-DOWN"),
        (Effect::Truncated, "C-NOVU-ANSWER"),
        (Effect::Slow(Duration::from_secs(20)), "C-NOVU-SLOW"),
    ] {
        let bot = ada_is_linked(&[WORKFLOW, ("CONNECT_NOVU__PATIENCE", "300ms")]).await;
        bot.novu.add_workflow(WORKFLOW.1);
        bot.novu.fault(Fault::new(Route::post(TRIGGER), effect.clone()));
        assert_eq!(bot.command_in_the_end(ADA, "test").await.code(), code, "{effect:?}");
        assert_eq!(bot.novu.count(&Method::POST, TRIGGER), 1, "{effect:?}");
    }
    // It was turned away before it began.
    let bot = ada_is_linked(&[WORKFLOW]).await;
    bot.novu.add_workflow(WORKFLOW.1);
    let throttled = Effect::Fail(Failure::throttled(2));
    bot.novu.fault(Fault::new(Route::post(TRIGGER), throttled).times(1));
    let sent = bot.command_in_the_end(ADA, "test").await;
    assert!(sent.text().contains("on its way to you"), "{}", sent.text());
}

#[tokio::test]
async fn in_teams_as_well() {
    let bot = TeamsBot::start_with(&[WORKFLOW]).await;
    bot.novu.add_workflow(WORKFLOW.1);
    let subscriber = format!("teams:{}:{}", teams::ACME, teams::ADA);
    linked_in_teams(&bot, &subscriber, teams::ADA);
    let sent = bot.ask(teams::ADA, "test").await;
    assert!(said(&sent).contains("on its way to you"), "{}", said(&sent));
    assert_eq!(triggers(&bot)[0]["to"], subscriber);
}
