//! The doctor of a service that runs: it knows what was seen since the start, and what has broken since.

use novu_connect_bot::doctor::{Check, Report, Severity};

use crate::bot::teams::{ADA as TEAMS_ADA, PAGES, TeamsBot};
use crate::bot::{ADA, Bot, ITSELF};

#[track_caller]
fn severity(report: &Report, check: Check) -> Severity {
    let finding = report.checks.iter().find(|finding| finding.check == check);
    finding.unwrap_or_else(|| panic!("{} was not looked at", check.name())).severity
}

#[tokio::test]
async fn what_was_seen_since_the_start_is_a_note_no_more() {
    let bot = Bot::start_with(&[("CONNECT_SERVER__PUBLIC_URL", ITSELF)]).await;
    bot.ready().await;
    let notes = [Check::SlackCommandSeen, Check::SlackPressSeen, Check::SlackLandingVisited];
    let before = bot.doctor().await;
    for check in notes.into_iter().chain([Check::SlackSignInSeen]) {
        assert_eq!(severity(&before, check), Severity::Note, "{}", check.name());
    }
    let shown = bot.command_shown(ADA, "status").await;
    bot.press(ADA, &shown, "Connect").await;
    bot.get("/linked/slack").await;
    let after = bot.doctor().await;
    for check in notes {
        assert_eq!(severity(&after, check), Severity::Ok, "{}", check.name());
    }
    assert_eq!(severity(&after, Check::SlackSignInSeen), Severity::Note);
    bot.links_over().await;
    let _ = bot.slack.messages();
}

#[tokio::test]
async fn a_request_of_our_own_is_no_sighting_and_answers_nobody() {
    let bot = Bot::start_with(&[("CONNECT_SERVER__PUBLIC_URL", ITSELF)]).await;
    bot.ready().await;
    for _ in 0..2 {
        let report = bot.doctor().await;
        assert_eq!(severity(&report, Check::SlackBodyUnchanged), Severity::Ok);
        assert_eq!(severity(&report, Check::SlackInteractionsPath), Severity::Ok);
        assert_eq!(severity(&report, Check::SlackCommandSeen), Severity::Note);
    }
    assert_eq!(bot.metric("connect_answers_total").await, 0);
    let forged = bot.form("connect_self_test=00").signed_with("canary-of-a-stranger");
    assert_eq!(bot.post_raw("/slack/commands", forged).await.status, 401);
}

#[tokio::test]
async fn in_teams_an_activity_and_a_visit_are_seen() {
    let bot = TeamsBot::start_with(&PAGES).await;
    let notes = [Check::TeamsMessageSeen, Check::TeamsLandingVisited];
    let before = bot.doctor().await;
    for check in notes {
        assert_eq!(severity(&before, check), Severity::Note, "{}", check.name());
    }
    bot.ask(TEAMS_ADA, "help").await;
    bot.get("/linked/teams").await;
    let after = bot.doctor().await;
    for check in notes {
        assert_eq!(severity(&after, check), Severity::Ok, "{}", check.name());
    }
}

#[tokio::test]
async fn a_table_that_was_spoilt_since_the_start_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let table = directory.path().join("people.csv");
    let rows = "platform,workspace,user,subscriber\nslack,T0ACME,U0ADA,ada\n";
    std::fs::write(&table, rows).unwrap();
    let bot = Bot::start_with(&[
        ("CONNECT_IDENTITY__CHAIN", "table"),
        ("CONNECT_IDENTITY__TABLE", table.to_str().unwrap()),
    ])
    .await;
    assert_eq!(severity(&bot.doctor().await, Check::IdentityTable), Severity::Ok);
    std::fs::write(&table, "platform,workspace,us").unwrap();
    let report = bot.doctor().await;
    assert_eq!(severity(&report, Check::IdentityTable), Severity::Failure);
    assert_eq!(report.status, Severity::Failure);
}

#[tokio::test]
async fn whoever_asks_meanwhile_gets_the_same_report() {
    let bot = Bot::start().await;
    bot.ready().await;
    bot.slack.clear_requests();
    let (one, other) = tokio::join!(bot.doctor(), bot.doctor());
    assert_eq!(one, other);
    assert_eq!(bot.slack.count(&reqwest::Method::POST, "/api/auth.test"), 1);
}
