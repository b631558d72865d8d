//! Guests: in the tenant that they visit they have another object id than the one that they sign in
//! with at home.

use std::time::Duration;

use connect_sandbox::Browser;
use connect_sandbox::teams::{Person, Tenant};
use serde_json::json;

use crate::bot::teams::{ACME, TeamsBot, link, said};

const GUEST: &str = "oid-guest";
const HOME: &str = "tenant-home";
const AT_HOME: &str = "oid-at-home";

/// A guest in Acme, whose tenant at home has let the app in or has not. Gives what the sign-in
/// shows in the end.
async fn guest_signs_in(consented: bool) -> (TeamsBot, String) {
    let bot = TeamsBot::start().await;
    bot.teams.add_tenant(Tenant { consented, ..Tenant::new(HOME, "Globex") });
    bot.teams.add_person(Person::guest(ACME, GUEST, "Gus Guest", HOME, AT_HOME));
    let card = bot.ask(GUEST, "connect").await;
    let page = Browser::new().unwrap().approve(&link(&card), GUEST).await.unwrap();
    (bot, page.body)
}

#[tokio::test]
async fn a_guest_is_linked_as_who_they_are_at_home_and_never_told_to_be_linked_here() {
    let (bot, _) = guest_signs_in(true).await;
    let endpoints = bot.novu.endpoints();
    let [endpoint] = endpoints.as_slice() else { panic!("one link, not {}", endpoints.len()) };
    // Their own account in either tenant, and nobody else's.
    assert_eq!(endpoint.endpoint, json!({ "userId": AT_HOME, "tenantId": HOME }));
    assert_eq!(endpoint.subscriber_id.as_deref(), Some("teams:tenant-acme:oid-guest"));

    bot.clock.advance(Duration::from_secs(10));
    let status = bot.ask(GUEST, "status").await;
    assert!(said(&status).contains("You are not connected"), "{}", said(&status));
    link(&bot.ask(GUEST, "connect").await);
}

#[tokio::test]
async fn a_guest_whose_home_does_not_know_the_app_is_linked_nowhere() {
    let (bot, page) = guest_signs_in(false).await;
    assert!(page.contains("AADSTS700016"), "{page}");
    assert_eq!(bot.novu.endpoints(), []);
    let status = bot.ask(GUEST, "status").await;
    assert!(said(&status).contains("You are not connected"), "{}", said(&status));
}
