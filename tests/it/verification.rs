//! What is refused before anything in it is believed.

use std::time::Duration;

use crate::bot::{ADA, Bot, NEW_SECRET, SECRET};

/// Sends a request and expects an empty 401, a count under `reason`, and no call to anybody.
async fn refused(bot: &Bot, request: crate::bot::Request, status: u16, reason: &str) {
    let count =
        || format!("connect_requests_refused_total{{platform=\"slack\",reason=\"{reason}\"}}");
    let before = bot.metric(&count()).await;
    for path in ["/slack/commands", "/slack/interactions"] {
        let reply = bot.post_raw(path, request.clone()).await;
        assert_eq!(reply.status, status, "{reason} {path}");
        assert_eq!(reply.body, "", "{reason}");
    }
    assert_eq!(bot.metric(&count()).await, before + 2, "{reason}");
}

#[tokio::test]
async fn forged_and_malformed_requests_get_an_empty_401_and_cause_no_call() {
    let bot = Bot::start().await;
    bot.ready().await;
    bot.novu.clear_requests();
    let good = || bot.slash(ADA, "");

    refused(&bot, good().signed_with("another secret"), 401, "bad_signature").await;
    refused(
        &bot,
        good().header("x-slack-signature", &format!("v0={}", "0".repeat(64))),
        401,
        "bad_signature",
    )
    .await;
    refused(&bot, good().body_after_signing("user_id=U0MALLORY&team_id=T1"), 401, "bad_signature")
        .await;
    refused(&bot, good().unsigned(), 401, "headers").await;
    refused(&bot, good().without_header("x-slack-signature"), 401, "headers").await;
    refused(&bot, good().without_header("x-slack-request-timestamp"), 401, "headers").await;
    refused(&bot, good().header_twice("x-slack-signature"), 401, "headers").await;
    refused(&bot, good().header_twice("x-slack-request-timestamp"), 401, "headers").await;
    refused(&bot, good().header("x-slack-signature", "v0=zz"), 401, "malformed_signature").await;
    refused(&bot, good().header("x-slack-signature", "v1=00"), 401, "malformed_signature").await;
    refused(&bot, good().timestamp("1531420618.0"), 401, "timestamp").await;
    refused(&bot, good().timestamp(" 1531420618"), 401, "bad_signature").await;
    refused(&bot, good().timestamp("1e9"), 401, "timestamp").await;
    refused(&bot, good().timestamp(""), 401, "timestamp").await;

    assert_eq!(bot.novu.requests().len(), 0, "a stranger must not cause a call");
    assert_eq!(bot.slack.requests().len(), 0, "a stranger must not cause a call");
}

#[tokio::test]
async fn genuine_requests_outside_the_window_are_refused_and_told_apart() {
    let bot = Bot::start().await;
    for offset in [-301, 301] {
        let request = bot.slash(ADA, "").signed_at_offset(offset);
        refused(&bot, request, 401, "clock_skew").await;
    }
    for offset in [-290, 290] {
        bot.send(bot.slash(ADA, "help").signed_at_offset(offset)).await;
    }
}

#[tokio::test]
async fn a_request_is_served_once() {
    let bot = Bot::start().await;
    let request = bot.slash(ADA, "help");
    assert_eq!(bot.post_raw("/slack/commands", request.clone()).await.status, 200);
    let replayed = bot.post_raw("/slack/commands", request.clone()).await;
    assert_eq!((replayed.status, replayed.body.as_str()), (401, ""));
    // Nor on another path, nor later.
    bot.clock.advance(Duration::from_secs(200));
    assert_eq!(bot.post_raw("/slack/interactions", request).await.status, 401);
}

#[tokio::test]
async fn two_secrets_are_accepted_while_one_is_being_changed() {
    let bot = Bot::start().await;
    for secret in [SECRET, NEW_SECRET] {
        bot.send(bot.slash(ADA, "help").signed_with(secret)).await;
    }
}

#[tokio::test]
async fn a_body_beyond_the_limit_is_not_read() {
    let bot = Bot::start().await;
    let fits = bot.slash(ADA, &"a".repeat(60 * 1024));
    assert!(bot.send(fits).await.text().contains("I do not know"));
    let announced = bot.slash(ADA, &"a".repeat(65 * 1024));
    refused(&bot, announced, 413, "too_large").await;
    let chunked = bot.slash(ADA, &"a".repeat(65 * 1024)).chunked();
    refused(&bot, chunked, 413, "too_large").await;
}

#[tokio::test]
async fn an_ssl_check_is_answered_and_nothing_in_it_is_looked_at() {
    let bot = Bot::start().await;
    bot.ready().await;
    bot.novu.clear_requests();
    let smuggled = "ssl_check=1&token=x&command=%2Fconnect&team_id=T0ACME&user_id=U0ADA&payload=%7B%22type%22%3A%22block_actions%22%7D";
    for path in ["/slack/commands", "/slack/interactions"] {
        for body in ["ssl_check=1&token=xxx", smuggled] {
            let reply = bot.post_raw(path, bot.form(body).unsigned()).await;
            assert_eq!((reply.status, reply.body.as_str()), (200, ""), "{body}");
            let reply = bot.post_raw(path, bot.form(body)).await;
            assert_eq!((reply.status, reply.body.as_str()), (200, ""), "signed {body}");
            bot.clock.advance(Duration::from_secs(1));
        }
        for body in ["ssl_check=0", "ssl_check=true", "ssl_check=", "ssl_check=1&ssl_check=0"] {
            let reply = bot.post_raw(path, bot.form(body).unsigned()).await;
            assert_eq!(reply.status, 401, "{body}");
        }
        let json = bot.form(r#"{"ssl_check":"1"}"#).unsigned().content_type("application/json");
        assert_eq!(bot.post_raw(path, json).await.status, 401);
    }
    assert_eq!(bot.novu.requests().len(), 0);
    assert_eq!(bot.metric("connect_answers_total").await, 0);
}
