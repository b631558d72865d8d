//! What an operator reads in the log at the level of operation.

use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use connect_sandbox::{Effect, Fault, Route};
use rustls_pki_types::PrivatePkcs8KeyDer;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;

use crate::bot::teams::{self, PAGES, TeamsBot};
use crate::bot::{ADA, Bot, MINT, until};
use crate::log::Log;

/// The lines about refused requests: surface, reason, count.
fn refused(log: &Log) -> Vec<(String, String, u64)> {
    let told = |line: &Value| {
        assert_eq!(line["level"], "WARN", "{line}");
        assert!(line["advice"].as_str().is_some_and(|advice| advice.len() > 20), "{line}");
        let word = |field: &str| line[field].as_str().unwrap().to_owned();
        (word("surface"), word("reason"), line["count"].as_u64().unwrap())
    };
    log.lines("requests are refused").iter().map(told).collect()
}

fn line(surface: &str, reason: &str, count: u64) -> (String, String, u64) {
    (surface.to_owned(), reason.to_owned(), count)
}

#[tokio::test]
async fn a_wrong_signing_secret_is_one_warning_a_minute_with_the_count() {
    let log = Log::read();
    let bot = Bot::start().await;
    bot.ready().await;
    let forged = || bot.slash("U0MALLORY", "by mallory").signed_with("canary-of-another-app");
    let send = async || {
        assert_eq!(bot.post_raw("/slack/commands", forged()).await.status, 401);
    };
    for _ in 0..5 {
        send().await;
    }
    assert_eq!(refused(&log), [line("slack", "bad_signature", 1)]);
    bot.clock.advance(Duration::from_secs(59));
    send().await;
    assert_eq!(refused(&log).len(), 1);
    bot.clock.advance(Duration::from_secs(1));
    bot.post_raw("/slack/interactions", forged().unsigned()).await;
    assert_eq!(
        refused(&log),
        [line("slack", "bad_signature", 1), line("slack", "bad_signature", 6)]
    );
    assert!(log.text().contains("compare slack.signing_secrets with the Signing Secret"));
    assert!(!log.text().to_lowercase().contains("mallory"), "{}", log.text());
}

#[tokio::test]
async fn a_wrong_app_id_is_one_warning_a_minute_that_names_it() {
    let log = Log::read();
    let bot = TeamsBot::start().await;
    let keys = bot.teams.keys();
    let header = json!({"alg": "RS256", "kid": keys.key_id(), "typ": "JWT"});
    let claims = json!(keys.claims("the-id-of-mallory", &bot.teams.service_url()));
    let token = keys.sign(&header, &claims);
    for _ in 0..3 {
        let question = bot.teams.message(teams::ADA, &bot.teams.chat(teams::ADA), "hi");
        let mut request = question.signed_with("");
        request.headers.insert("authorization", format!("Bearer {token}").parse().unwrap());
        assert_eq!(bot.deliver(request).await.status, 401);
    }
    assert_eq!(refused(&log), [line("teams", "audience", 1)]);
    assert!(log.text().contains("compare teams.app_id"));
    assert!(!log.text().contains("mallory"), "{}", log.text());
}

#[tokio::test]
async fn links_that_this_service_did_not_make_are_one_warning_a_minute() {
    let log = Log::read();
    let bot = Bot::start_with(&PAGES).await;
    bot.ready().await;
    for _ in 0..3 {
        assert_eq!(bot.get("/link/by-mallory").await.status, 404);
    }
    assert_eq!(refused(&log), [line("link", "unknown_token", 1)]);
    assert!(log.text().contains("server.link_keys"));
    assert!(!log.text().contains("mallory"), "{}", log.text());
}

#[tokio::test]
async fn an_answer_is_one_line_and_one_count_however_many_attempts_it_takes() {
    let log = Log::read();
    let bot = TeamsBot::start().await;
    let mint = Route::post(MINT);
    let ill = Effect::status(StatusCode::SERVICE_UNAVAILABLE);
    bot.novu.fault(Fault::new(mint, ill).times(6));
    bot.say(teams::ADA, "connect").await;
    bot.until_later(async || !log.lines("answered").is_empty()).await;
    bot.settled().await;
    let answered = log.lines("answered");
    assert_eq!(answered.len(), 1, "{answered:?}");
    assert_eq!(answered[0]["answer"], "sign_in", "{answered:?}");
    assert_eq!(bot.metric("connect_answers_total").await, 1);
    assert!(bot.mints().len() > 1, "it took several attempts");
    assert_eq!(bot.teams.seen_by(teams::ADA).len(), 1);
}

#[tokio::test]
async fn novus_failures_are_warnings() {
    let log = Log::read();
    let bot = Bot::start().await;
    bot.ready().await;
    for (status, code) in [(503, "C-NOVU-DOWN"), (401, "C-NOVU-KEY"), (422, "C-NOVU-REJECTED")] {
        let effect = Effect::status(StatusCode::from_u16(status).unwrap());
        bot.novu.fault(Fault::new(Route::any(), effect));
        assert_eq!(bot.command_in_the_end(ADA, "").await.code(), code);
        bot.novu.clear_faults();
        until(async || log.lines("answered").last().is_some_and(|it| it["answer"] == code)).await;
        let answered = log.lines("answered").pop().unwrap();
        assert_eq!((&answered["level"], &answered["answer"]), (&json!("WARN"), &json!(code)));
    }
    assert!(!log.lines("an upstream fails").is_empty());
}

#[tokio::test]
async fn a_novu_behind_a_private_ca_is_a_warning_about_its_certificate() {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key.into())
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let novu = format!("https://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let (connection, _) = listener.accept().await.unwrap();
            let _ = acceptor.accept(connection).await;
        }
    });
    let log = Log::read();
    let bot = Bot::start_with(&[("CONNECT_NOVU__API_URL", &novu)]).await;
    until(async || !log.lines("an upstream fails").is_empty()).await;
    let line = &log.lines("an upstream fails")[0];
    assert_eq!((&line["level"], &line["upstream"]), (&json!("WARN"), &json!("novu")));
    let cause = line["cause"].as_str().unwrap();
    assert!(cause.contains("invalid peer certificate: UnknownIssuer"), "{line}");
    assert!(line["advice"].as_str().unwrap().contains("SSL_CERT_FILE"), "{line}");
    drop(bot);
}
