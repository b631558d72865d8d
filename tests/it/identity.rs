//! Which subscriber a person is, by each resolver.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use connect_sandbox::novu::Profile;
use connect_sandbox::slack::User;
use connect_sandbox::{Effect, Fault, Route};
use novu_connect_bot::signing::SigningKey;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::bot::{ADA, BOT_TOKEN, Bot, TEAM, email, member, until};

const CHAIN: &str = "CONNECT_IDENTITY__CHAIN";
const CREATE: &str = "CONNECT_IDENTITY__CREATE_MISSING";

fn minted_for(bot: &Bot) -> Value {
    bot.mints().last().expect("a mint").json()["subscriberId"].clone()
}

async fn by_email() -> Bot {
    Bot::start_with(&[(CHAIN, "email"), (CREATE, "")]).await
}

#[tokio::test]
async fn a_confirmed_address_finds_its_subscriber_whatever_its_case() {
    let bot = by_email().await;
    bot.novu.add_subscriber("ada", Profile::with_email(&email(ADA).to_uppercase()));
    bot.novu.add_subscriber("longer", Profile::with_email(&format!("x{}", email(ADA))));
    bot.novu.add_subscriber("shorter", Profile::with_email(&format!("{}.org", email(ADA))));
    bot.command(ADA, "").await.link();
    assert_eq!(minted_for(&bot), "ada");
}

#[tokio::test]
async fn an_address_that_proves_nothing_links_nobody() {
    let bot = by_email().await;
    bot.novu.add_subscriber("ada", Profile::with_email(&email("U0X")));
    let cases = [
        (User { is_email_confirmed: false, ..member("U0X", "X") }, "C-EMAIL-UNCONFIRMED"),
        (User { email: None, ..member("U0X", "X") }, "C-EMAIL-MISSING"),
        (User { email: Some(String::new()), ..member("U0X", "X") }, "C-EMAIL-MISSING"),
        (User { is_restricted: true, ..member("U0X", "X") }, "C-GUEST"),
        (User { is_ultra_restricted: true, ..member("U0X", "X") }, "C-GUEST"),
        (User { is_stranger: true, ..member("U0X", "X") }, "C-EXTERNAL"),
        (User { team_id: "T0OTHER".to_owned(), ..member("U0X", "X") }, "C-EXTERNAL"),
        (User { is_bot: true, ..member("U0X", "X") }, "C-BOT"),
        (User { deleted: true, ..member("U0X", "X") }, "C-DEACTIVATED"),
    ];
    for (user, code) in cases {
        bot.slack.add_user(user);
        assert_eq!(bot.command("U0X", "").await.code(), code);
    }
    assert_eq!(bot.command("U0NOBODY", "").await.code(), "C-EXTERNAL");
    assert_eq!(bot.mints().len(), 0);
}

#[tokio::test]
async fn two_subscribers_with_one_address_refuse_and_none_refuses_otherwise() {
    let bot = by_email().await;
    assert_eq!(bot.command(ADA, "").await.code(), "C-EMAIL-UNKNOWN");
    bot.novu.add_subscriber("ada", Profile::with_email(&email(ADA)));
    bot.novu.add_subscriber("also-ada", Profile::with_email(&email(ADA).to_uppercase()));
    assert_eq!(bot.command(ADA, "").await.code(), "C-EMAIL-AMBIGUOUS");
    assert_eq!(bot.mints().len(), 0);
}

#[tokio::test]
async fn a_match_beyond_the_first_page_counts_as_well() {
    let bot = by_email().await;
    for number in 0..150 {
        let address = format!("{number}{}", email(ADA));
        bot.novu.add_subscriber(&format!("decoy-{number}"), Profile::with_email(&address));
    }
    bot.novu.add_subscriber("ada", Profile::with_email(&email(ADA)));
    bot.command(ADA, "").await.link();
    assert_eq!(minted_for(&bot), "ada");
}

#[tokio::test]
async fn without_slacks_word_an_email_chain_refuses_and_never_falls_through() {
    let bot = Bot::start_with(&[(CHAIN, "email,template")]).await;
    bot.slack.fault(Fault::new(
        Route::path("/api/users.info"),
        Effect::status(StatusCode::INTERNAL_SERVER_ERROR),
    ));
    assert_eq!(bot.command_in_the_end(ADA, "").await.code(), "C-PROFILE");
    bot.slack.clear_faults();
    bot.slack.kill_token(BOT_TOKEN, "token_revoked");
    assert_eq!(bot.command_in_the_end(ADA, "").await.code(), "C-PROFILE");
    assert_eq!(bot.mints().len(), 0);
}

#[tokio::test]
async fn who_is_not_found_by_email_may_be_found_by_the_next_resolver() {
    let bot = Bot::start_with(&[(CHAIN, "email,template")]).await;
    bot.command(ADA, "").await.link();
    assert_eq!(minted_for(&bot), format!("slack:{TEAM}:{ADA}"));
}

#[tokio::test]
async fn a_template_serves_people_only() {
    let bot = Bot::start().await;
    bot.slack.set_scopes(TEAM, &["commands", "chat:write", "users:read"]);
    bot.command(ADA, "").await.link();
    bot.slack.add_user(User { is_bot: true, ..member("U0BOT", "Bot") });
    assert_eq!(bot.command("U0BOT", "").await.code(), "C-BOT");
}

#[tokio::test]
async fn a_template_is_the_operators() {
    let bot = Bot::start_with(&[("CONNECT_IDENTITY__TEMPLATE", "acme-{team}-{user}")]).await;
    bot.command(ADA, "").await.link();
    assert_eq!(minted_for(&bot), format!("acme-{TEAM}-{ADA}"));
}

#[tokio::test]
async fn a_subscriber_is_created_once_with_a_name_and_only_where_that_is_wanted() {
    let bot = Bot::start_with(&[(CREATE, "")]).await;
    assert_eq!(bot.command(ADA, "").await.code(), "C-SUBSCRIBER");
    assert_eq!(bot.novu.subscribers().len(), 0, "the mint must not create anybody either");
    assert_eq!(bot.mints().len(), 0);

    let bot = Bot::start().await;
    bot.command(ADA, "").await.link();
    bot.command(ADA, "").await.link();
    let subscribers = bot.novu.subscribers();
    assert_eq!(subscribers.len(), 1);
    assert_eq!(subscribers[0].profile.first_name.as_deref(), Some("Ada Lovelace"));
    assert_eq!(subscribers[0].profile.email, None);
}

#[tokio::test]
async fn what_is_known_of_an_existing_subscriber_is_left_alone() {
    let bot = Bot::start().await;
    let data = json!({"plan": "gold"}).as_object().unwrap().clone();
    let profile =
        Profile { first_name: Some("A.".to_owned()), data: Some(data), ..Profile::default() };
    bot.novu.add_subscriber(&format!("slack:{TEAM}:{ADA}"), profile.clone());
    bot.command(ADA, "").await.link();
    assert_eq!(bot.novu.subscribers()[0].profile, profile);
}

#[tokio::test]
async fn a_table_names_subscribers_and_refuses_whom_it_does_not_have() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("people.csv");
    let rows = format!("platform,workspace,user,subscriber\nslack,{TEAM},{ADA},ada@work\n");
    std::fs::write(&path, rows).unwrap();
    let table = path.to_str().unwrap();
    let bot =
        Bot::start_with(&[(CHAIN, "table"), (CREATE, "table"), ("CONNECT_IDENTITY__TABLE", table)])
            .await;
    bot.command(ADA, "").await.link();
    assert_eq!(minted_for(&bot), "ada@work");
    assert_eq!(bot.command("U0GRACE", "").await.code(), "C-IDENTITY");
}

#[tokio::test]
async fn a_table_is_read_anew_when_it_changes_and_kept_when_it_breaks() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("people.csv");
    let write = |rows: &str| {
        std::fs::write(&path, format!("platform,workspace,user,subscriber\n{rows}")).unwrap();
    };
    write(&format!("slack,{TEAM},{ADA},ada@work\n"));
    let table = path.to_str().unwrap();
    let bot =
        Bot::start_with(&[(CHAIN, "table"), (CREATE, "table"), ("CONNECT_IDENTITY__TABLE", table)])
            .await;
    let minted_next = async || {
        bot.clock.advance(std::time::Duration::from_secs(2));
        bot.command(ADA, "").await.link();
        minted_for(&bot)
    };
    assert_eq!(minted_next().await, "ada@work");
    write(&format!("slack,{TEAM},{ADA},countess\n"));
    assert_eq!(minted_next().await, "countess");
    write("what is this?\n");
    assert_eq!(minted_next().await, "countess");
    write("");
    assert_eq!(minted_next().await, "countess");
}

/// An operator's endpoint that keeps what it is asked and answers what it is told to.
struct Directory {
    url: String,
    asked: Arc<Mutex<Vec<(HeaderMap, Bytes)>>>,
    answer: Arc<Mutex<(StatusCode, String)>>,
}

impl Directory {
    async fn start() -> Self {
        let asked: Arc<Mutex<Vec<(HeaderMap, Bytes)>>> = Arc::default();
        let answer = Arc::new(Mutex::new((StatusCode::NO_CONTENT, String::new())));
        let handler = {
            let (asked, answer) = (Arc::clone(&asked), Arc::clone(&answer));
            async move |headers: HeaderMap, body: Bytes| {
                asked.lock().unwrap().push((headers, body));
                answer.lock().unwrap().clone()
            }
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/who", listener.local_addr().unwrap());
        let router = Router::new().route("/who", post(handler));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, asked, answer }
    }

    fn answers(&self, status: u16, body: &str) {
        *self.answer.lock().unwrap() = (StatusCode::from_u16(status).unwrap(), body.to_owned());
    }
}

async fn by_webhook(directory: &Directory) -> Bot {
    Bot::start_with(&[
        (CHAIN, "webhook"),
        (CREATE, "webhook"),
        ("CONNECT_IDENTITY__WEBHOOK_URL", &directory.url),
        ("CONNECT_IDENTITY__WEBHOOK_SECRET", "canary-webhook-secret-that-is-long-enough"),
    ])
    .await
}

#[tokio::test]
async fn a_webhook_is_asked_with_a_signature_and_names_the_subscriber() {
    let directory = Directory::start().await;
    let bot = by_webhook(&directory).await;
    directory.answers(200, r#"{"subscriberId":"ada-42","profile":{"firstName":"Countess"}}"#);
    bot.command(ADA, "").await.link();
    assert_eq!(minted_for(&bot), "ada-42");
    assert_eq!(bot.novu.subscribers()[0].profile.first_name.as_deref(), Some("Countess"));

    let asked = directory.asked.lock().unwrap();
    let (headers, body) = &asked[0];
    let question: Value = serde_json::from_slice(body).unwrap();
    assert_eq!(
        question,
        json!({
            "platform": "slack", "workspace": TEAM, "enterprise": null, "user": ADA,
            "name": "Ada Lovelace", "locale": "en-GB", "kind": "member",
            "email": email(ADA), "emailConfirmed": true,
        })
    );
    let key = SigningKey::new(&"canary-webhook-secret-that-is-long-enough".into()).unwrap();
    let timestamp = headers["x-connect-request-timestamp"].as_bytes();
    let signature = headers["x-connect-signature"].to_str().unwrap();
    assert_eq!(signature, key.sign("v1", timestamp, body));
}

#[tokio::test]
async fn a_webhook_can_refuse_in_its_own_words_which_cannot_mention_anybody() {
    let directory = Directory::start().await;
    let bot = by_webhook(&directory).await;
    directory.answers(200, r#"{"refuse":{"message":"Contractors <!here> use the portal."}}"#);
    let reply = bot.command(ADA, "").await;
    assert_eq!(reply.code(), "C-WEBHOOK-REFUSED");
    assert!(
        reply.text().starts_with("Contractors &lt;!here&gt; use the portal."),
        "{}",
        reply.text()
    );
}

#[tokio::test]
async fn a_webhook_that_fails_in_any_way_refuses() {
    let directory = Directory::start().await;
    let bot = by_webhook(&directory).await;
    let cases = [
        (500, "", "C-WEBHOOK-DOWN"),
        (302, "", "C-WEBHOOK-DOWN"),
        (200, "<html>", "C-WEBHOOK-DOWN"),
        (200, r#"{"subscriberId":" "}"#, "C-WEBHOOK-DOWN"),
        (200, "{}", "C-WEBHOOK-DOWN"),
        (204, "", "C-IDENTITY"),
        (404, "", "C-WEBHOOK-DOWN"),
    ];
    for (status, body, code) in cases {
        directory.answers(status, body);
        assert_eq!(bot.command(ADA, "").await.code(), code, "{status} {body}");
    }
    assert_eq!(bot.mints().len(), 0);
}

#[tokio::test]
async fn a_webhook_chooses_among_the_connections_of_the_workspace_by_context() {
    let directory = Directory::start().await;
    let bot = by_webhook(&directory).await;
    bot.connect_workspace_in_context("acme-eu", TEAM, &["tenant:eu"]);
    bot.ready().await;
    bot.clock.advance(std::time::Duration::from_secs(61));
    until(async || bot.metric("connect_workspace_index_connections").await == 2).await;
    directory.answers(200, r#"{"subscriberId":"ada","context":{"tenant":"eu"}}"#);
    bot.command(ADA, "").await.link();
    let mint = bot.mints()[0].json();
    assert_eq!(mint["connectionIdentifier"], "acme-eu");
    assert_eq!(mint["context"], json!({"tenant": "eu"}));
    directory.answers(200, r#"{"subscriberId":"ada","context":{"tenant":"us"}}"#);
    assert_eq!(bot.command(ADA, "").await.code(), "C-CONTEXT");
}
