//! What is connected.

use std::time::Duration;

use axum::http::StatusCode;
use connect_sandbox::novu::{NewConnection, Workspace};
use connect_sandbox::{Effect, Fault, Route};

use super::{
    ENDPOINTS, ada_is_linked, endpoints, linked, linked_in_teams, linked_in_vain, linked_over,
    remove, settings_of, subscriber_of, table,
};
use crate::bot::teams::{self, TeamsBot, said};
use crate::bot::{ADA, Bot, GRACE, Storage, TEAM, connection, until};
use crate::log::Log;

/// What is said of a link that does not deliver.
const VAIN: &str = "Notifications do not get through there";

#[tokio::test]
async fn every_workspace_of_the_subscriber_is_told_and_whether_it_delivers() {
    let bot = Bot::start().await;
    let named = |identifier: &str, id: &str, name: &str| NewConnection {
        workspace: Workspace { id: id.to_owned(), name: Some(name.to_owned()), bot_user_id: None },
        ..connection(identifier, id, &[])
    };
    bot.novu.add_connection(named("second", "T0SECOND", "Second <Co>")).unwrap();
    bot.ready().await;
    let ada = subscriber_of(ADA);
    linked(&bot, ADA);
    linked_over(&bot, "second", &ada, "U0SECOND");
    linked_in_vain(&bot, &ada, "U0THIRD").await;
    linked(&bot, GRACE);
    let status = bot.command(ADA, "status").await;
    let lines: Vec<&str> = status.text().lines().collect();
    assert!(lines[0].starts_with("You are connected as"), "{}", status.text());
    assert!(!lines[0].contains(VAIN));
    let of = |place: &str| lines.iter().find(|line| line.starts_with(place)).unwrap();
    assert!(!of("Second &lt;Co&gt; (Slack):").contains(VAIN));
    assert!(of("Slack:").contains(VAIN), "{}", status.text());
    assert!(!status.text().contains(GRACE));
}

#[tokio::test]
async fn a_link_that_does_not_deliver_is_told_as_that() {
    let bot = Bot::start().await;
    bot.ready().await;
    linked_in_vain(&bot, &subscriber_of(ADA), ADA).await;
    let status = bot.command(ADA, "status").await;
    assert!(status.text().contains(VAIN), "{}", status.text());
}

#[tokio::test]
async fn while_novu_is_away_what_was_last_known_is_told_as_that() {
    for storage in Storage::each() {
        let bot = Bot::start_on(storage, &[("CONNECT_NOVU__PATIENCE", "300ms")]).await;
        bot.ready().await;
        linked(&bot, ADA);
        bot.command(ADA, "status").await;
        for effect in [
            Effect::status(StatusCode::SERVICE_UNAVAILABLE),
            Effect::WrongShape,
            Effect::ProxyPage,
            Effect::Slow(Duration::from_secs(20)),
        ] {
            bot.novu.fault(Fault::new(Route::get(ENDPOINTS), effect.clone()));
            // Written behind the answer.
            until(async || {
                bot.clock.advance(Duration::from_secs(3));
                let status = bot.command_in_the_end(ADA, "status").await;
                status.text().contains("This is as of")
            })
            .await;
            let nobody = bot.command_in_the_end(GRACE, "status").await;
            assert!(nobody.find_code().is_some(), "{effect:?}: {}", nobody.text());
            bot.novu.clear_faults();
        }
    }
}

#[tokio::test]
async fn a_link_that_has_gone_is_noticed_once() {
    let log = Log::read();
    let bot = ada_is_linked(&[]).await;
    bot.command(ADA, "status").await;
    let gone = || log.lines("a link that was there has gone: somebody removed it in Novu").len();
    remove(&bot, &format!("{ENDPOINTS}/{}", endpoints(&bot)[0])).await;
    until(async || {
        bot.clock.advance(Duration::from_secs(3));
        let status = bot.command(ADA, "status").await;
        assert!(status.text().contains("You are not connected yet."), "{}", status.text());
        gone() == 1
    })
    .await;
    bot.command(ADA, "status").await;
    bot.novu.fault(Fault::new(Route::get(ENDPOINTS), Effect::WrongShape));
    bot.clock.advance(Duration::from_secs(3));
    assert_eq!(bot.command(ADA, "status").await.code(), "C-NOVU-ANSWER");
    assert_eq!(gone(), 1);
}

#[tokio::test]
async fn links_of_other_platforms_are_told_as_they_were_last_known() {
    let (tenant, oid) = (teams::ACME, teams::ADA);
    let table = table(&format!("slack,{TEAM},{ADA},ada\nteams,{tenant},{oid},ada\n"));
    let bot = TeamsBot::start_with(&settings_of(&table)).await;
    linked_over(&bot, "acme", "ada", ADA);
    linked_in_teams(&bot, "ada", oid);
    let alone = bot.ask(oid, "status").await;
    assert!(said(&alone).contains("You are connected as"), "{}", said(&alone));
    until(async || {
        bot.clock.advance(Duration::from_secs(3));
        bot.command(ADA, "status").await.text().contains("Microsoft Teams: connected as")
    })
    .await;
    let both = bot.ask(oid, "status").await;
    assert!(said(&both).contains("Acme (Slack): "), "{}", said(&both));
}
