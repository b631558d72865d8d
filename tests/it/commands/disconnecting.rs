//! Disconnecting.

use axum::http::StatusCode;
use connect_sandbox::novu::NewConnection;
use connect_sandbox::{Effect, Fault, Route};

use super::{
    ENDPOINTS, ada_is_linked, endpoints, linked, linked_in_teams, linked_over, says, settings_of,
    subscriber_of, table,
};
use crate::bot::teams::{self, TeamsBot, said};
use crate::bot::{ADA, Bot, GRACE, INTEGRATION, TEAM, connection};
use crate::log::Log;

#[tokio::test]
async fn it_is_asked_first_and_then_removes_ones_own_endpoint_and_nobody_elses() {
    let log = Log::read();
    let bot = ada_is_linked(&[]).await;
    // Another account of the same subscriber, another person, and another workspace's.
    let second = linked_over(&bot, "acme", &subscriber_of(ADA), "U0SECOND");
    let grace = linked(&bot, GRACE);
    let asked = bot.command_shown(ADA, "disconnect").await;
    assert!(says(&asked).contains("Do you want to disconnect?"), "{}", says(&asked));
    assert_eq!(bot.novu.endpoints().len(), 3, "asking removes nothing");
    let shared = bot.slack.share(&asked, "C0GENERAL");
    let done = bot.press(ADA, &asked, "Yes, disconnect").await;
    assert!(says(&done).contains("You are disconnected."), "{}", says(&done));
    assert_eq!(endpoints(&bot), [second.clone(), grace]);
    assert_eq!(
        log.lines("a chat account was disconnected because its owner asked for it").len(),
        1
    );
    let after = bot.command(ADA, "disconnect").await;
    assert!(after.text().contains("You are not connected yet."), "{}", after.text());

    // Whoever presses somebody else's button asks for themselves.
    bot.press(GRACE, &shared, "Yes, disconnect").await;
    assert_eq!(endpoints(&bot), [second]);
}

#[tokio::test]
async fn two_people_of_one_subscriber_disconnect_each_for_themselves() {
    let rows = format!("slack,{TEAM},{ADA},both\nslack,{TEAM},{GRACE},both\n");
    let table = table(&rows);
    let bot = Bot::start_with(&settings_of(&table)).await;
    bot.ready().await;
    linked_over(&bot, "acme", "both", ADA);
    let grace = linked_over(&bot, "acme", "both", GRACE);
    let asked = bot.command_shown(ADA, "disconnect").await;
    bot.press(ADA, &asked, "Yes, disconnect").await;
    assert_eq!(endpoints(&bot), [grace]);
}

#[tokio::test]
async fn what_does_not_deliver_can_be_disconnected_too() {
    let bot = Bot::start().await;
    let old = NewConnection { ..connection("old", "T0OLD", &[]) };
    bot.novu.add_connection(old).unwrap();
    bot.ready().await;
    linked_over(&bot, "old", &subscriber_of(ADA), ADA);
    assert_eq!(bot.command(ADA, "").await.code(), "C-LINKED-ELSEWHERE");
    let asked = bot.command_shown(ADA, "disconnect").await;
    bot.press(ADA, &asked, "Yes, disconnect").await;
    assert_eq!(bot.novu.endpoints(), []);
    bot.command(ADA, "").await.link();
}

#[tokio::test]
async fn novu_failing_is_tried_again_and_a_lost_answer_is_an_end() {
    let failing = Effect::status(StatusCode::SERVICE_UNAVAILABLE);
    for effect in [failing, Effect::LostAnswer, Effect::Hangup] {
        let bot = ada_is_linked(&[]).await;
        let asked = bot.command_shown(ADA, "disconnect").await;
        bot.novu.fault(Fault::new(Route::delete(ENDPOINTS), effect.clone()).times(1));
        let done = bot.press(ADA, &asked, "Yes, disconnect").await;
        bot.until_later(async || bot.novu.endpoints().is_empty()).await;
        bot.until_later(async || bot.metric("connect_promises_open").await == 0).await;
        let last = bot.slack.messages().pop().unwrap_or(done);
        assert!(says(&last).contains("You are disconnected."), "{effect:?}: {}", says(&last));
    }
}

#[tokio::test]
async fn an_endpoint_of_which_novu_does_not_say_whose_it_is_stays() {
    let bot = ada_is_linked(&[]).await;
    let asked = bot.command_shown(ADA, "disconnect").await;
    for (pointer, value) in
        [("/data/0/subscriberId", "somebody"), ("/data/0/integrationIdentifier", "another")]
    {
        let changed = Effect::changed(pointer, value);
        bot.novu.fault(Fault::new(Route::get(ENDPOINTS), changed).times(1));
        bot.press(ADA, &asked, "Yes, disconnect").await;
        assert_eq!(bot.novu.endpoints().len(), 1, "{pointer}");
    }
    assert_eq!(INTEGRATION, bot.novu.endpoints()[0].integration_identifier);
}

#[tokio::test]
async fn in_teams_as_well() {
    let bot = TeamsBot::start().await;
    let subscriber = format!("teams:{}:{}", teams::ACME, teams::ADA);
    linked_in_teams(&bot, &subscriber, teams::ADA);
    let alan = linked_in_teams(&bot, &subscriber, teams::ALAN);
    let asked = bot.ask(teams::ADA, "disconnect").await;
    assert!(said(&asked).contains("Do you want to disconnect?"), "{}", said(&asked));
    bot.press(teams::ADA, &asked, "Yes, disconnect").await;
    bot.settled().await;
    assert_eq!(endpoints(&bot), [alan]);
    let last = bot.teams.seen_by(teams::ADA).pop().unwrap();
    assert!(said(&last).contains("You are disconnected."), "{}", said(&last));
}
