//! Questions from Teams that cannot be served.

use std::time::Duration;

use connect_sandbox::teams::{Person, Tenant};

use crate::bot::TEAM;
use crate::bot::teams::{ADA, GROUP, TeamsBot, find_link, link, said};

#[tokio::test]
async fn a_token_that_is_revoked_costs_nobody_their_answer() {
    let bot = TeamsBot::start().await;
    bot.ask(ADA, "status").await;
    assert_eq!(bot.token_requests().len(), 1);
    bot.clock.advance(Duration::from_mins(2));
    bot.teams.revoke_tokens();
    link(&bot.ask(ADA, "connect").await);
    assert_eq!(bot.teams.messages().len(), 2, "one card for each question");
    assert_eq!(bot.token_requests().len(), 2);
}

#[tokio::test]
async fn a_service_url_outside_the_fence_is_never_called() {
    let bot = TeamsBot::start().await;
    // It leads to the same stand-in, so a call would be seen.
    let elsewhere = bot.teams.service_url().replace("127.0.0.1", "localhost");
    bot.teams.clear_requests();
    let message = bot.teams.message(ADA, GROUP, "connect").with("/serviceUrl", elsewhere);
    bot.tell(&message).await;
    bot.settled().await;
    assert_eq!(bot.delivered("undelivered").await, 1);
    assert!(bot.teams.requests().is_empty(), "{:?}", bot.teams.requests());
}

#[tokio::test]
async fn whom_novu_does_not_know_is_refused_before_the_mint_where_nobody_may_be_created() {
    let bot = TeamsBot::start_with(&[("CONNECT_IDENTITY__CREATE_MISSING", "")]).await;
    let refusal = bot.ask(ADA, "connect").await;
    assert!(said(&refusal).contains("C-SUBSCRIBER"), "{}", said(&refusal));
    assert_eq!(find_link(refusal.card().unwrap()), None);
    assert_eq!(bot.mints().len(), 0);
    assert_eq!(bot.novu.subscribers().len(), 0);
}

#[tokio::test]
async fn a_tenant_that_novu_does_not_know_is_told_so() {
    let bot = TeamsBot::start().await;
    // A Slack workspace is no tenant, though Novu knows a connection with its id.
    bot.teams.add_tenant(Tenant::new(TEAM, "Elsewhere"));
    bot.teams.add_person(Person::new(TEAM, "oid-zoe", "Zoe"));
    let refusal = bot.ask("oid-zoe", "connect").await;
    assert!(said(&refusal).contains("C-WORKSPACE"), "{}", said(&refusal));
    assert_eq!(bot.mints().len(), 0);
}
