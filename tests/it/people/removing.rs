//! The removal of somebody's link by an administrator.

use axum::http::StatusCode;
use connect_sandbox::novu::{NewEndpoint, Profile};
use connect_sandbox::{Browser, Effect, Fault, Route};
use novu_connect_bot::core::{LinkRemoval, Person, Reason, Workspace};
use novu_connect_bot::store::Verified;
use serde_json::Value;

use super::{ENDPOINTS, in_slack};
use crate::bot::teams::{self, TeamsBot, said};
use crate::bot::{ADA, Bot, CONNECTION, GRACE, INTEGRATION, Storage, TEAM};
use crate::log::Log;

const WHY: &str = "left the\u{202e} company\n";

fn linked_over(bot: &Bot, connection: &str, subscriber: &str, user: &str) -> String {
    bot.novu.add_subscriber(subscriber, Profile::default());
    let new = NewEndpoint::slack_user(INTEGRATION, connection, subscriber, user);
    bot.novu.add_endpoint(new).unwrap()
}

fn endpoints(bot: &Bot) -> Vec<String> {
    bot.novu.endpoints().into_iter().map(|endpoint| endpoint.identifier).collect()
}

/// The lines of the audit, which a store in memory writes into the log.
fn audited(log: &Log) -> Vec<Value> {
    let lines = log.lines("audit");
    lines.iter().map(|line| serde_json::from_str(line["line"].as_str().unwrap()).unwrap()).collect()
}

#[tokio::test]
async fn ones_link_is_known_and_its_removal_is_audited_told_and_nobody_elses() {
    let log = Log::read();
    let bot = Bot::start_on(Storage::in_memory(), &[]).await;
    bot.ready().await;
    let people = bot.people("slack");
    assert_eq!(people.link_of(&in_slack(ADA)).await, Ok(None));
    bot.link(ADA).await;
    bot.until_later(async || bot.slack.messages().len() == 1).await;
    let own = endpoints(&bot).pop().unwrap();
    // Another account of the same subscriber, and another person.
    let subscriber = format!("slack:{TEAM}:{ADA}");
    let second = linked_over(&bot, CONNECTION, &subscriber, "U0SECOND");
    let grace = linked_over(&bot, CONNECTION, "grace", GRACE);

    let link = people.link_of(&in_slack(ADA)).await.unwrap().unwrap();
    assert_eq!((link.subscriber, &link.endpoint), (subscriber, &own));
    assert_eq!((link.exists, link.delivers), (Some(true), Some(true)));
    assert_eq!(link.verified, Verified::SignedIn);
    assert!(link.since.is_some());

    let removal = people.remove_link(&in_slack(ADA), "ops", WHY).await;
    assert_eq!(removal, LinkRemoval::Removed { endpoints: vec![own.clone()] });
    assert_eq!(endpoints(&bot), [second, grace]);
    assert_eq!(people.link_of(&in_slack(ADA)).await, Ok(None));
    bot.until_later(async || {
        bot.slack.messages().iter().any(|it| it.text().contains("not connected any more"))
    })
    .await;
    bot.until_later(async || !audited(&log).iter().all(|line| line["kind"] != "removed")).await;
    let noted = audited(&log).into_iter().find(|line| line["kind"] == "removed").unwrap();
    let said = [&noted["actor"], &noted["reason"], &noted["endpoint"]];
    assert_eq!(said, ["administrator:ops", "left the company", own.as_str()]);
    assert!(noted["person"].is_string() && !noted.to_string().contains(ADA));
    assert_eq!(log.lines("a link was removed by an administrator").len(), 1);

    assert_eq!(people.remove_link(&in_slack(ADA), "ops", WHY).await, LinkRemoval::NoLink);
    assert_eq!(audited(&log).iter().filter(|line| line["kind"] == "removed").count(), 1);
    let told = bot.slack.messages();
    assert_eq!(told.iter().filter(|it| it.text().contains("not connected any more")).count(), 1);
}

#[tokio::test]
async fn a_link_that_the_service_has_never_seen_is_removed_whosever_it_is() {
    let bot = Bot::start().await;
    bot.ready().await;
    let people = bot.people("slack");
    let held = linked_over(&bot, CONNECTION, "phantom", ADA);
    assert_eq!(people.explain(&in_slack(ADA)).await.answer.code, Some("C-HELD"));
    let removal = people.remove_link(&in_slack(ADA), "ops", "").await;
    assert_eq!(removal, LinkRemoval::Removed { endpoints: vec![held] });
    assert_eq!(people.explain(&in_slack(ADA)).await.answer.code, None);

    // The same user id in another workspace may be another person.
    bot.connect_workspace("other", "T0OTHER");
    linked_over(&bot, "other", "somebody", ADA);
    assert_eq!(people.remove_link(&in_slack(ADA), "ops", "").await, LinkRemoval::NoLink);
    assert_eq!(endpoints(&bot).len(), 1);
}

#[tokio::test]
async fn an_endpoint_of_another_integration_stays() {
    let bot = Bot::start().await;
    bot.ready().await;
    linked_over(&bot, CONNECTION, "ada", ADA);
    let changed = Effect::changed("/data/0/integrationIdentifier", "another");
    bot.novu.fault(Fault::new(Route::get(ENDPOINTS), changed).times(1));
    let people = bot.people("slack");
    assert_eq!(people.remove_link(&in_slack(ADA), "ops", "").await, LinkRemoval::NoLink);
    assert_eq!(endpoints(&bot).len(), 1);
}

#[tokio::test]
async fn an_outcome_is_settled_where_novu_can_be_asked_and_else_said_to_be_uncertain() {
    let status = |status| Effect::status(StatusCode::from_u16(status).unwrap());
    let lost = || Fault::new(Route::delete(ENDPOINTS), Effect::LostAnswer).times(1);
    let bot = Bot::start().await;
    bot.ready().await;
    let people = bot.people("slack");
    let ada = in_slack(ADA);

    // The answer is lost, and the link is gone.
    let endpoint = linked_over(&bot, CONNECTION, "ada", ADA);
    bot.novu.fault(lost());
    let removal = people.remove_link(&ada, "ops", "").await;
    assert_eq!(removal, LinkRemoval::Removed { endpoints: vec![endpoint] });

    // Nothing is known: neither whether it was done, nor whether it is there.
    let endpoint = linked_over(&bot, CONNECTION, "ada", ADA);
    bot.novu.fault(Fault::new(Route::delete(ENDPOINTS), status(503)));
    let removal = people.remove_link(&ada, "ops", "").await;
    assert_eq!(removal, LinkRemoval::Uncertain { endpoint });
    bot.novu.clear_faults();

    // Novu says no.
    bot.novu.fault(Fault::new(Route::delete(ENDPOINTS), status(401)));
    let removal = people.remove_link(&ada, "ops", "").await;
    assert_eq!(removal, LinkRemoval::Failed(Reason::NovuKey.into()));
    assert_eq!(endpoints(&bot).len(), 1);
    bot.novu.clear_faults();

    // Nobody can look.
    bot.novu.fault(Fault::new(Route::get(ENDPOINTS), Effect::WrongShape));
    let removal = people.remove_link(&ada, "ops", "").await;
    assert_eq!(removal, LinkRemoval::Failed(Reason::NovuNonsense.into()));
}

#[tokio::test]
async fn in_teams_as_well_and_the_card_says_so() {
    let bot = TeamsBot::start().await;
    let card = bot.ask(teams::ADA, "connect").await;
    let page = Browser::new().unwrap().approve(&teams::link(&card), teams::ADA).await.unwrap();
    assert_eq!(page.status, 200);
    bot.until_later(async || bot.teams.seen_by(teams::ADA)[0].edits > 0).await;
    let ada = Person {
        platform: novu_connect_bot::teams::PLATFORM.id(),
        workspace: Workspace::standalone(teams::ACME),
        user: teams::ADA.to_owned(),
    };
    let people = bot.people("teams");
    let explained = people.explain(&ada).await;
    assert_eq!((explained.answer.is_good(), explained.account.kind), (true, Some("member")));
    let removal = people.remove_link(&ada, "ops", "asked us to").await;
    assert!(matches!(removal, LinkRemoval::Removed { .. }), "{removal:?}");
    assert_eq!(bot.novu.endpoints(), []);
    bot.until_later(async || bot.teams.seen_by(teams::ADA)[0].edits > 1).await;
    let seen = bot.teams.seen_by(teams::ADA);
    assert!(said(&seen[0]).contains("not connected any more"), "{}", said(&seen[0]));
}
