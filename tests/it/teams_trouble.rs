//! Requests that are not from Teams, activities that cannot be served, and services that fail.

use std::time::Duration;

use axum::http::StatusCode;
use novu_connect_bot::clock::{Clock, after};
use novu_connect_bot::sandbox::bot_connector::{Claims, Fault};

use crate::bot::{TEAM, until};
use crate::teams_bot::{ADA, GROUP, TeamsBot, find_link, link, said};

#[tokio::test]
async fn tokens_that_are_not_the_bot_connectors_for_this_bot_are_refused() {
    let bot = TeamsBot::start().await;
    let message = bot.teams.message(ADA, &bot.teams.chat(ADA), "connect");
    let (keys, app) = (bot.teams.keys(), bot.teams.options());
    let genuine = keys.claims(&app.app_id, &bot.teams.service_url());
    let now = bot.clock.now();
    let elsewhere = format!("{}other/", bot.teams.service_url());
    let over = now.checked_sub(jiff::SignedDuration::from_secs(301)).unwrap();
    for (claims, reason) in [
        (Claims { audience: "another-bot".to_owned(), ..genuine.clone() }, "audience"),
        (Claims { issuer: "https://sts.windows.net/".to_owned(), ..genuine.clone() }, "issuer"),
        (Claims { service_url: elsewhere, ..genuine.clone() }, "service_url"),
        (Claims { expires: over, ..genuine.clone() }, "expired"),
        (
            Claims { not_before: after(now, Duration::from_secs(301)), ..genuine.clone() },
            "not_yet_valid",
        ),
    ] {
        let reply = bot.deliver(message.signed_with(&keys.token(&claims))).await;
        assert_eq!((reply.status, reply.body.as_str()), (401, ""), "{reason}");
        let name =
            format!("connect_requests_refused_total{{platform=\"teams\",reason=\"{reason}\"}}");
        assert_eq!(bot.metric(&name).await, 1, "{reason}");
    }
    let token = keys.token(&genuine);
    let (signed, _) = token.rsplit_once('.').unwrap();
    for forged in [format!("{signed}."), format!("{signed}.AAAA"), "nonsense".to_owned()] {
        assert_eq!(bot.deliver(message.signed_with(&forged)).await.status, 401);
    }
    let mut anonymous = message.signed();
    anonymous.headers.remove("authorization");
    assert_eq!(bot.deliver(anonymous).await.status, 401);
    bot.settled().await;
    assert_eq!(bot.teams.messages(), []);
    assert_eq!(bot.mints().len(), 0);
    link(&bot.ask(ADA, "connect").await);
}

#[tokio::test]
async fn keys_out_of_reach_at_the_start_are_fetched_when_they_are_back() {
    let fault = Fault::Status(StatusCode::SERVICE_UNAVAILABLE);
    let bot = TeamsBot::start_while(Some(fault), &[]).await;
    until(async || bot.method("GET", "/healthz").await == 200).await;
    assert_eq!(bot.method("GET", "/readyz").await, 503);
    let message = bot.teams.message(ADA, &bot.teams.chat(ADA), "connect");
    assert_eq!(bot.deliver(message.signed()).await.status, 401);
    bot.teams.keys().fail(None);
    bot.until_later(async || bot.method("GET", "/readyz").await == 200).await;
    bot.tell(&message).await;
    link(&bot.seen(ADA, 1).await);
}

#[tokio::test]
async fn a_new_key_needs_no_restart() {
    let bot = TeamsBot::start().await;
    bot.ask(ADA, "status").await;
    bot.teams.keys().rotate().unwrap();
    let message = bot.teams.message(ADA, &bot.teams.chat(ADA), "status");
    bot.until_later(async || bot.deliver(message.signed()).await.status == 200).await;
    bot.seen(ADA, 2).await;
}

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
async fn a_tenant_that_is_missing_or_contradicted_is_not_guessed() {
    let bot = TeamsBot::start().await;
    let message = || bot.teams.message(ADA, GROUP, "connect");
    for (inbound, reason) in [
        (message().with("/conversation/tenantId", "tenant-other"), "two_tenants"),
        (message().without("/conversation/tenantId").without("/channelData/tenant"), "no_tenant"),
    ] {
        assert_eq!(bot.deliver(inbound.signed()).await.status, 400, "{reason}");
        let name =
            format!("connect_requests_refused_total{{platform=\"teams\",reason=\"{reason}\"}}");
        assert_eq!(bot.metric(&name).await, 1, "{reason}");
    }
    bot.settled().await;
    assert_eq!(bot.teams.messages(), []);
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
    let chat = bot.teams.chat(ADA);
    let message = bot
        .teams
        .message(ADA, &chat, "connect")
        .with("/conversation/tenantId", TEAM)
        .with("/channelData/tenant/id", TEAM);
    bot.tell(&message).await;
    let refusal = bot.seen(ADA, 1).await;
    assert!(said(&refusal).contains("C-WORKSPACE"), "a Slack workspace is no tenant");
    assert_eq!(bot.mints().len(), 0);
}
