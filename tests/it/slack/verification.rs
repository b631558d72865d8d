//! What is refused before anything in it is believed.

use std::time::Duration;

use jiff::Timestamp;
use novu_connect_bot::app::Config;

use crate::bot::{ADA, Bot, NEW_SECRET, SECRET, no_files};

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

/// The secret of Slack's own example ("Slack: verifying requests"), which is not hexadecimal.
const DOC_SECRET: &str = "8f742231b10e8888abcd99yyyzzz85a5";
const DOC_TIME: &str = "1531420618";
const DOC_BODY: &str = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
const SLACK_GO_BODY: &str = r#"{"token":"aF5ynEYQH0dFN9imlgcADxDB","team_id":"XXXXXXXXX","api_app_id":"YYYYYYYYY","event":{"type":"app_mention","user":"AAAAAAAAA","text":"<@EEEEEEEEE> hello world","client_msg_id":"477cc591-ch73-a14z-4db8-g0cd76321bec","ts":"1531431954.000073","channel":"TTTTTTTTT","event_ts":"1531431954.000073"},"type":"event_callback","event_id":"TvBP7LRED7","event_time":1531431954,"authed_users":["EEEEEEEEE"]}"#;

/// A service with this signing secret at this time.
async fn bot_of(secret: &str, time: &str) -> Bot {
    let bot = Bot::start_with(&[("CONNECT_SLACK__SIGNING_SECRETS", secret)]).await;
    bot.clock.set(Timestamp::from_second(time.parse().unwrap()).unwrap());
    bot
}

/// The status of a request with a signature that somebody else made.
async fn status_of(bot: &Bot, time: &str, body: &[u8], signature: &str) -> u16 {
    let request = bot.form(body).timestamp(time).header("x-slack-signature", signature);
    bot.post_raw("/slack/commands", request).await.status
}

#[tokio::test]
async fn signatures_that_others_published_are_accepted() {
    let of_slack: [(&[u8], &str); 5] = [
        (
            DOC_BODY.as_bytes(),
            "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
        ),
        (b"", "v0=55f41ec73231010289b54e669149ea021fccab11b5524355523533ce930cb739"),
        (
            b"command=%2Fconnect&text=\xff\xfe\x00",
            "v0=3cab0f6141f042ae8298075ffbf6888da55af1fe28b102ba947511ef4bfaaf0d",
        ),
        (
            "command=%2Fconnect&text=é🔔".as_bytes(),
            "v0=cf2456fd64c2e643be140c9843075cc35463c7f37edc1f4cfbca03abbd1762be",
        ),
        (
            b"command=%2Fconnect&text=%C3%A9%F0%9F%94%94",
            "v0=64d803469eb179377dba9a8e066c9b40dc530768dee3ed4ca1eabd90899c6d57",
        ),
    ];
    let bot = bot_of(DOC_SECRET, DOC_TIME).await;
    for (body, signature) in of_slack {
        let altered = [body, b"!"].concat();
        assert_eq!(status_of(&bot, DOC_TIME, &altered, signature).await, 401, "{signature}");
        assert_eq!(status_of(&bot, DOC_TIME, body, signature).await, 200, "{signature}");
    }

    let bot = bot_of("e6b19c573432dcc6b075501d51b51bb8", "1531431954").await;
    let signature = "v0=adada4ed31709aef585c2580ca3267678c6a8eaeb7e0c1aca3ee57b656886b2c";
    assert_eq!(status_of(&bot, "1531431954", SLACK_GO_BODY.as_bytes(), signature).await, 200);

    let bot = bot_of("fa2c05deeef5a4077494e89f54394de0", DOC_TIME).await;
    let signature = "v0=baa91ef62d346e56607bbdd278a8acd570b91226854f15a382f43d33be42f666";
    assert_eq!(status_of(&bot, DOC_TIME, b"test-body", signature).await, 200);
}

#[tokio::test]
async fn an_empty_secret_signs_nothing_and_cannot_be_configured() {
    let signature = "v0=84f0c05aa2651719be4d0104de937ec93a758e32b74874047c7fe086f7b25e13";
    let bot = bot_of(DOC_SECRET, DOC_TIME).await;
    assert_eq!(status_of(&bot, DOC_TIME, br#"{"foo":"bar"}"#, signature).await, 401);
    for secret in ["", " ", ","] {
        let mut settings = bot.settings();
        settings.insert("CONNECT_SLACK__SIGNING_SECRETS".to_owned(), secret.to_owned());
        let problems = Config::load(None, settings, &no_files).unwrap_err();
        assert!(problems.to_string().contains("signing_secrets"), "{secret:?}: {problems}");
    }
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
