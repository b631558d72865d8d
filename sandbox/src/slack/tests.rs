//! The stand-in held against the contract, over HTTP.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::novu::{self, Integration, NewConnection, Novu, Profile, Workspace};
use crate::{Browser, Effect, Fault, Route};
use connect_clock::ManualClock;

const TOKEN: &str = "xoxb-sandbox-T1";

struct Bench {
    slack: Slack,
    clock: ManualClock,
    client: reqwest::Client,
}

impl Bench {
    async fn new() -> Self {
        let clock = ManualClock::new("2026-08-20T10:00:00Z".parse().unwrap());
        let slack = Slack::start(Arc::new(clock.clone()), Options::default()).await.unwrap();
        slack.add_team(Team::new("T1", "Acme"));
        slack.add_user(User::new("T1", "U1", "Ada Lovelace"));
        slack.add_user(User { is_bot: true, ..User::new("T1", "UBOT", "Bot") });
        slack.add_user(User { deleted: true, ..User::new("T1", "UGONE", "Gone") });
        slack.add_user(User::new("T2", "U9", "Elsewhere"));
        Self { slack, clock, client: crate::transport::client().unwrap() }
    }

    async fn get(&self, call: &str) -> Value {
        let url = format!("{}/api/{call}", self.slack.url());
        self.client.get(url).bearer_auth(TOKEN).send().await.unwrap().json().await.unwrap()
    }

    async fn post(&self, method: &str, body: &Value) -> Value {
        let url = format!("{}/api/{method}", self.slack.url());
        let request = self.client.post(url).bearer_auth(TOKEN).json(body);
        let request = request.header("content-type", "application/json; charset=utf-8");
        request.send().await.unwrap().json().await.unwrap()
    }

    async fn respond(&self, url: &str, body: &Value) -> (u16, String) {
        let response = self.client.post(url).json(body).send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    }
}

#[tokio::test]
async fn tokens_are_checked_and_scopes_named() {
    let bench = Bench::new().await;
    let url = format!("{}/api/auth.test", bench.slack.url());
    let bare: Value = bench.client.post(&url).send().await.unwrap().json().await.unwrap();
    assert_eq!(bare, json!({ "ok": false, "error": "not_authed" }));
    let wrong = bench.client.post(&url).bearer_auth("xoxb-other").send().await.unwrap();
    assert_eq!(wrong.json::<Value>().await.unwrap()["error"], "invalid_auth");
    let right = bench.client.post(&url).bearer_auth(TOKEN).send().await.unwrap();
    assert_eq!(
        right.headers()["x-oauth-scopes"],
        "chat:write,commands,users:read,users:read.email"
    );
    assert_eq!(right.json::<Value>().await.unwrap()["team_id"], "T1");
    bench.slack.set_scopes("T1", &["chat:write"]);
    let refused = bench.get("users.info?user=U1").await;
    assert_eq!(
        refused,
        json!({
            "ok": false, "error": "missing_scope", "needed": "users:read", "provided": "chat:write",
        })
    );
    bench.slack.kill_token(TOKEN, "token_revoked");
    assert_eq!(bench.get("users.info?user=U1").await["error"], "token_revoked");
    assert_eq!(bench.get("users.nope").await["error"], "token_revoked");
}

#[tokio::test]
async fn a_rotated_token_is_fresh_at_slack_and_stale_at_novu_until_it_is_set() {
    let (slack, novu) = both().await;
    let client = crate::transport::client().unwrap();
    let asks = async |token: &str| -> Value {
        let url = format!("{}/api/users.info?user=U1", slack.url());
        client.get(url).bearer_auth(token).send().await.unwrap().json().await.unwrap()
    };
    novu.add_connection(NewConnection {
        identifier: "acme".to_owned(),
        integration: "slack".to_owned(),
        access_token: TOKEN.to_owned(),
        ..NewConnection::default()
    })
    .unwrap();
    let fresh = slack.rotate_token("T1");
    assert_eq!(asks(&novu.connections()[0].access_token).await["error"], "token_expired");
    novu.set_token("acme", &fresh);
    assert_eq!(asks(&novu.connections()[0].access_token).await["ok"], true);
}

#[tokio::test]
async fn users_show_what_scopes_and_arguments_allow() {
    let bench = Bench::new().await;
    let user = &bench.get("users.info?user=U1&include_locale=true").await["user"];
    assert_eq!(user["profile"]["email"], "ada@example.com");
    assert_eq!(user["locale"], "en-US");
    assert_eq!(user["is_email_confirmed"], true);
    assert_eq!(bench.get("users.info?user=U1").await["user"].get("locale"), None);
    bench.slack.set_scopes("T1", &["users:read"]);
    let user = &bench.get("users.info?user=U1").await["user"];
    assert_eq!(user["profile"].get("email"), None);
    for unknown in ["U9", "U404", ""] {
        let refused = bench.get(&format!("users.info?user={unknown}")).await;
        assert_eq!(refused["error"], "user_not_found");
    }
    let json = bench.post("users.info", &json!({ "user": "U1" })).await;
    assert_eq!(json["error"], "user_not_found", "users.info overlooks a JSON body");
}

#[tokio::test]
async fn a_user_id_is_the_way_to_a_direct_message() {
    let bench = Bench::new().await;
    let sent = bench.post("chat.postMessage", &json!({ "channel": "U1", "text": "Hi" })).await;
    assert_eq!((&sent["ok"], &sent["channel"]), (&json!(true), &json!("D1")));
    let url = format!("{}/api/chat.postMessage", bench.slack.url());
    let body = json!({ "channel": "D1", "text": "Hi" });
    let request = bench.client.post(url).bearer_auth(TOKEN).json(&body);
    let warned: Value = request.send().await.unwrap().json().await.unwrap();
    assert_eq!(warned["warning"], "missing_charset");
    let messages = bench.slack.messages();
    assert_eq!(messages.len(), 2);
    assert_eq!((messages[1].user.as_deref(), messages[1].text()), (Some("U1"), "Hi"));
    let cases = [
        (json!({ "channel": "U404", "text": "Hi" }), "channel_not_found"),
        (json!({ "channel": "UGONE", "text": "Hi" }), "channel_not_found"),
        (json!({ "channel": "UBOT", "text": "Hi" }), "cannot_dm_bot"),
        (json!({ "channel": "U1" }), "no_text"),
        (json!({ "channel": "U1", "blocks": [{ "type": "button" }] }), "invalid_blocks"),
    ];
    for (body, error) in cases {
        assert_eq!(bench.post("chat.postMessage", &body).await["error"], error, "{body}");
    }
}

#[tokio::test]
async fn ephemeral_messages_are_for_members_of_the_channel() {
    let bench = Bench::new().await;
    let members = ["U1".to_owned()].into();
    bench.slack.add_channel(Channel {
        id: "C1".into(),
        team_id: "T1".into(),
        members,
        is_public: true,
    });
    let mut body = json!({ "channel": "C1", "user": "U1", "text": "Psst" });
    assert_eq!(bench.post("chat.postEphemeral", &body).await["ok"], true);
    assert_eq!(bench.slack.messages()[0].door, Door::PostEphemeral);
    body["user"] = json!("U9");
    assert_eq!(bench.post("chat.postEphemeral", &body).await["error"], "user_not_in_channel");
    let refused = bench.post("chat.postMessage", &body).await;
    assert_eq!(refused["error"], "not_in_channel");
    bench.slack.set_scopes("T1", &["chat:write", "chat:write.public"]);
    assert_eq!(bench.post("chat.postMessage", &body).await["ok"], true);
}

/// What a bot says with a button.
fn with_button(text: &str) -> Value {
    let button = json!({
        "type": "button", "action_id": "go", "value": "v",
        "text": { "type": "plain_text", "text": "Go" }, "accessibility_label": "Go",
    });
    json!({
        "response_type": "ephemeral", "text": text, "replace_original": true,
        "blocks": [{ "type": "actions", "elements": [button] }],
    })
}

fn url_of(press: &ButtonPress) -> String {
    press.payload()["response_url"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_press_brings_a_response_url_that_replaces_the_pressed_message() {
    let bench = Bench::new().await;
    let command = SlashCommand::new("T1", "U1").response_url(&bench.slack.new_response_url());
    let first = bench.slack.receive_reply(&command, with_button("One"));
    assert!(bench.slack.press("U9", &first, "Go").is_none(), "nobody else sees it");
    assert!(bench.slack.press("U1", &first, "Stop").is_none());

    let press = bench.slack.press("U1", &first, "Go").unwrap();
    assert_eq!(press.payload()["actions"][0]["value"], "v");
    assert_eq!(press.payload()["container"]["is_ephemeral"], true);
    assert_eq!(press.payload()["message"], Value::Null);
    let url = url_of(&press);
    for text in ["Two", "Three", "Four", "Five", "Six"] {
        assert_eq!(bench.respond(&url, &with_button(text)).await.0, 200);
        let shown = bench.slack.shown_as(&first.ts).unwrap();
        assert_eq!((shown.text(), shown.user.as_deref()), (text, Some("U1")));
    }
    assert_eq!(bench.respond(&url, &with_button("Seven")).await, (404, "used_url".to_owned()));
    // The command's own URL replaces the same message.
    let url = command.fields().iter().find(|(name, _)| name == "response_url").unwrap();
    assert_eq!(bench.respond(&url.1, &with_button("Late")).await.0, 200);
    assert_eq!(bench.slack.shown_as(&first.ts).unwrap().text(), "Late");

    let expired = url_of(&bench.slack.press("U1", &first, "Go").unwrap());
    bench.clock.advance(Duration::from_secs(30 * 60 + 1));
    assert_eq!(bench.respond(&expired, &with_button("?")).await, (404, "expired_url".to_owned()));
}

#[tokio::test]
async fn what_replaces_a_message_is_seen_by_all_who_saw_that_and_what_does_not_by_one() {
    let bench = Bench::new().await;
    let command = SlashCommand::new("T1", "U1");
    let shared = bench.slack.share(&bench.slack.receive_reply(&command, with_button("One")), "C1");
    let press = bench.slack.press("U9", &shared, "Go").unwrap();
    assert_eq!(press.payload()["user"]["team_id"], "T2");
    assert_eq!(press.payload()["message"]["text"], "One");
    let beside = json!({ "response_type": "ephemeral", "text": "Two", "replace_original": false });
    assert_eq!(bench.respond(&url_of(&press), &beside).await.0, 200);
    assert_eq!(bench.slack.shown_as(&shared.ts).unwrap().text(), "One");
    assert_eq!(bench.slack.messages().last().unwrap().user.as_deref(), Some("U9"));
    assert_eq!(bench.respond(&url_of(&press), &with_button("Three")).await.0, 200);
    assert_eq!(bench.slack.shown_as(&shared.ts).unwrap().user, None, "everybody sees that");
}

#[tokio::test]
async fn a_response_url_takes_five_messages_in_half_an_hour() {
    let bench = Bench::new().await;
    let url = bench.slack.new_response_url();
    let body = json!({ "response_type": "ephemeral", "text": "Hi", "replace_original": "true" });
    for _ in 0..5 {
        assert_eq!(bench.respond(&url, &body).await, (200, "ok".to_owned()));
    }
    assert_eq!(bench.respond(&url, &body).await, (404, "used_url".to_owned()));
    assert_eq!(bench.slack.messages()[4].door, Door::ResponseUrl(url));

    let url = bench.slack.new_response_url();
    let cases = [
        (json!("Hi"), "invalid_payload"),
        (json!({ "text": "Hi", "response_type": "private" }), "invalid_payload"),
        (json!({ "text": "Hi", "replace_original": 1 }), "invalid_payload"),
        (json!({ "text": "" }), "no_text"),
        (json!({ "text": "Hi", "blocks": [{ "type": "button" }] }), "invalid_blocks"),
    ];
    for (body, word) in cases {
        assert_eq!(bench.respond(&url, &body).await, (400, word.to_owned()), "{body}");
    }
    assert_eq!(bench.respond(&url, &json!({ "delete_original": true })).await.0, 200);
    bench.clock.advance(Duration::from_secs(30 * 60 + 1));
    assert_eq!(bench.respond(&url, &body).await, (404, "expired_url".to_owned()));
    let unknown = format!("{}/commands/T1/1/x", bench.slack.url());
    assert_eq!(bench.respond(&unknown, &body).await, (404, "no_service".to_owned()));
}

#[tokio::test]
async fn a_code_is_good_once_for_its_own_app_and_address() {
    let bench = Bench::new().await;
    let back = "http://127.0.0.1:1/back";
    let Options { client_id, client_secret, .. } = Options::default();
    let link = format!(
        "{}/oauth/v2/authorize?state=a%26b&client_id={client_id}&redirect_uri={back}&\
         user_scope=identity.basic",
        bench.slack.url()
    );
    let code = async || {
        let url = format!("{}/oauth/v2/authorize", bench.slack.url());
        let form = [
            ("client_id", client_id.as_str()),
            ("redirect_uri", back),
            ("state", "a&b"),
            ("user_scope", "identity.basic"),
            ("user", "U1"),
        ];
        let response = bench.client.post(url).form(&form).send().await.unwrap();
        let location = response.headers()["location"].to_str().unwrap().to_owned();
        assert!(location.ends_with("&state=a%26b"), "{location}");
        let url = url::Url::parse(&location).unwrap();
        url.query_pairs().next().unwrap().1.into_owned()
    };
    let exchange = async |code: &str, secret: &str, back: &str| {
        let url = format!("{}/api/oauth.v2.access", bench.slack.url());
        let form = [
            ("code", code),
            ("client_id", &client_id),
            ("client_secret", secret),
            ("redirect_uri", back),
        ];
        let response = bench.client.post(url).form(&form).send().await.unwrap();
        response.json::<Value>().await.unwrap()
    };
    let first = code().await;
    assert_eq!(exchange(&first, "wrong", back).await["error"], "bad_client_secret");
    assert_eq!(exchange("nope", &client_secret, back).await["error"], "invalid_code");
    assert_eq!(exchange(&first, &client_secret, "http://x/").await["error"], "bad_redirect_uri");
    let reply = exchange(&first, &client_secret, back).await;
    assert_eq!(reply["authed_user"]["id"], "U1");
    assert_eq!(reply["team"], json!({ "id": "T1", "name": "Acme" }));
    assert_eq!(reply.get("access_token"), None);
    assert_eq!(exchange(&first, &client_secret, back).await["error"], "code_already_used");
    let second = code().await;
    bench.clock.advance(Duration::from_secs(601));
    assert_eq!(exchange(&second, &client_secret, back).await["error"], "invalid_code");

    let page = Browser::new().unwrap().open(&link).await.unwrap();
    assert!(page.body.contains("Allow as Ada Lovelace (Acme)"), "{}", page.body);
    assert!(!page.body.contains("Gone"));
    let wrong = Browser::new().unwrap().open(&link.replace("111111", "9")).await.unwrap();
    assert!(wrong.body.contains("invalid_client_id"));
}

#[tokio::test]
async fn faults_speak_slack() {
    let bench = Bench::new().await;
    let throttled = Effect::Fail(Failure::throttled(7));
    bench.slack.fault(Fault::new(Route::get("/api/users.info"), throttled).times(1));
    let url = format!("{}/api/users.info?user=U1", bench.slack.url());
    let response = bench.client.get(&url).bearer_auth(TOKEN).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(response.headers()["retry-after"], "7");
    assert_eq!(response.json::<Value>().await.unwrap()["error"], "ratelimited");
    assert_eq!(bench.get("users.info?user=U1").await["ok"], true);
    let down = Effect::status(StatusCode::SERVICE_UNAVAILABLE);
    bench.slack.fault(Fault::new(Route::path("/commands/"), down));
    let url = bench.slack.new_response_url();
    let answer = bench.respond(&url, &json!({ "text": "Hi" })).await;
    assert_eq!(answer, (503, "service_unavailable".to_owned()));
}

/// Novu and Slack as they stand in for each other's real partner.
async fn both() -> (Slack, Novu) {
    let bench = Bench::new().await;
    let clock: SharedClock = Arc::new(bench.clock);
    let options =
        novu::Options { slack_base: bench.slack.url().to_owned(), ..novu::Options::default() };
    let novu = Novu::start(clock, options).await.unwrap();
    let app = bench.slack.options();
    novu.add_integration(Integration::slack("slack", &app.client_id, &app.client_secret));
    novu.add_subscriber("ada", Profile::with_email("ada@example.com"));
    (bench.slack, novu)
}

async fn mint(novu: &Novu, path: &str, body: &Value) -> String {
    let request = crate::transport::client().unwrap().post(format!("{}{path}", novu.url()));
    let request = request.header("authorization", format!("ApiKey {}", novu.api_key())).json(body);
    let minted: Value = request.send().await.unwrap().json().await.unwrap();
    minted["data"]["url"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_person_signs_in_at_slack_and_novu_stores_the_link() {
    let (_slack, novu) = both().await;
    novu.add_connection(NewConnection {
        identifier: "acme".to_owned(),
        integration: "slack".to_owned(),
        workspace: Workspace { id: "T1".to_owned(), ..Workspace::default() },
        ..NewConnection::default()
    })
    .unwrap();
    let body = json!({
        "subscriberId": "ada", "integrationIdentifier": "slack", "connectionIdentifier": "acme",
    });
    let path = "/v1/integrations/channel-endpoints/oauth";
    let browser = Browser::new().unwrap();
    let denied = browser.deny(&mint(&novu, path, &body).await).await.unwrap();
    assert_eq!(denied.status, StatusCode::BAD_REQUEST);
    assert!(denied.body.contains("OAuth error: access_denied"));
    let page = browser.approve(&mint(&novu, path, &body).await, "U1").await.unwrap();
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.url.as_str().starts_with(novu.url()));
    assert_eq!(novu.endpoints()[0].user_id(), Some("U1"));
}

#[tokio::test]
async fn a_workspace_is_installed_through_slacks_own_page() {
    let (slack, novu) = both().await;
    slack.add_team(Team { installed: false, ..Team::new("T2", "Globex") });
    let body = json!({
        "subscriberId": "ada", "integrationIdentifier": "slack",
        "connectionIdentifier": "globex",
    });
    let link = mint(&novu, "/v1/integrations/channel-connections/oauth", &body).await;
    let page = Browser::new().unwrap().approve(&link, "U9").await.unwrap();
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    let connection = novu.connections().pop().unwrap();
    assert_eq!(connection.identifier, "globex");
    assert_eq!(connection.workspace.name.as_deref(), Some("Globex"));
    assert_eq!(connection.access_token, "xoxb-sandbox-T2");
    let url = format!("{}/api/users.info?user=U9", slack.url());
    let client = crate::transport::client().unwrap();
    let user = client.get(url).bearer_auth(&connection.access_token).send().await.unwrap();
    assert_eq!(user.json::<Value>().await.unwrap()["ok"], true);
}
