//! The stand-in held against the contract, over HTTP.

mod client;
mod connector;
mod entra;
mod inbound;
mod novu;
mod operation;
#[expect(dead_code, reason = "the tests of the service use the rest")]
#[path = "../../../../tests/fixtures/pem.rs"]
mod pem;

use axum::http::Method;
use std::sync::Arc;

use serde_json::{Value, json};

use super::*;
use connect_clock::ManualClock;

const ADA: &str = "oid-ada";
const GRACE: &str = "oid-grace";
const ALAN: &str = "oid-alan";
const ACME: &str = "tenant-acme";
const GROUP: &str = "19:lunch@thread.v2";
const CHANNEL: &str = "19:general@thread.tacv2";
const TEAM: &str = "19:crew@thread.tacv2";

/// A tenant with two people in a group chat and a channel and one outside, and the bot's token.
struct Bench {
    teams: Teams,
    clock: ManualClock,
    client: reqwest::Client,
    token: String,
}

/// An answer: its status, its headers and its JSON.
#[derive(Debug)]
struct Answer {
    status: u16,
    headers: reqwest::header::HeaderMap,
    body: Value,
}

impl Answer {
    /// Status and the connector's code.
    fn refusal(&self) -> (u16, &str) {
        let code = self.body.pointer("/error/code").and_then(Value::as_str);
        (self.status, code.unwrap_or_default())
    }

    /// The id of what was made.
    fn id(&self) -> &str {
        assert!(matches!(self.status, 200 | 201), "{self:?}");
        self.body["id"].as_str().unwrap()
    }
}

impl Bench {
    async fn new() -> Self {
        Self::with(Options::default()).await
    }

    async fn with(options: Options) -> Self {
        let clock = ManualClock::new("2026-08-20T10:00:00Z".parse().unwrap());
        let teams = Teams::start(Arc::new(clock.clone()), options).await.unwrap();
        populate(&teams);
        let client = crate::transport::client().unwrap();
        let mut bench = Self { teams, clock, client, token: String::new() };
        bench.renew_token().await;
        bench
    }

    async fn renew_token(&mut self) {
        let granted = self.ask_token(&self.teams.token_url(), &[]).await;
        self.token = granted.body["access_token"].as_str().unwrap().to_owned();
    }

    /// Asks for a token as the bot does, save for what `changes` says.
    async fn ask_token(&self, url: &str, changes: &[(&str, &str)]) -> Answer {
        let options = self.teams.options();
        let mut form = std::collections::BTreeMap::from([
            ("grant_type", "client_credentials"),
            ("client_id", &options.app_id),
            ("client_secret", &options.app_secret),
            ("scope", "https://api.botframework.com/.default"),
        ]);
        form.extend(changes.iter().copied());
        form.retain(|_, value| !value.is_empty());
        answer(self.client.post(url).form(&form)).await
    }

    /// Calls the connector; `path` comes after `/v3/conversations`.
    async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Answer {
        let url = format!("{}v3/conversations{path}", self.teams.service_url());
        let request = self.client.request(method, url).bearer_auth(&self.token);
        answer(body.into_iter().fold(request, reqwest::RequestBuilder::json)).await
    }

    async fn post(&self, path: &str, body: &Value) -> Answer {
        self.call(Method::POST, path, Some(body)).await
    }

    async fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path, None).await
    }

    async fn send(&self, conversation: &str, activity: &Value) -> Answer {
        self.post(&activities(conversation), activity).await
    }

    async fn send_targeted(&self, conversation: &str, activity: &Value) -> Answer {
        self.post(&format!("{}?isTargetedActivity=true", activities(conversation)), activity).await
    }

    /// Opens a chat with one person.
    async fn open(&self, tenant: &str, member: &str) -> Answer {
        self.post("", &new_chat(tenant, member)).await
    }
}

fn populate(teams: &Teams) {
    teams.add_tenant(Tenant::new(ACME, "Acme"));
    teams.add_person(Person { is_admin: true, ..Person::new(ACME, ADA, "Ada Lovelace") });
    teams.add_person(Person::new(ACME, GRACE, "Grace Hopper"));
    teams.add_person(Person { has_app: false, ..Person::new(ACME, ALAN, "Alan Turing") });
    teams.add_conversation(Conversation::group(ACME, "lunch", &[ADA, GRACE]));
    teams.add_conversation(Conversation::channel(ACME, "crew", "general", &[ADA, GRACE]));
}

async fn answer(request: reqwest::RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let text = response.text().await.unwrap();
    Answer { status, headers, body: serde_json::from_str(&text).unwrap_or_default() }
}

/// An id in a path, encoded as strictly as can be.
fn encode(id: &str) -> String {
    use std::fmt::Write as _;
    id.bytes().fold(String::new(), |mut path, byte| {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.') {
            path.push(char::from(byte));
        } else {
            write!(path, "%{byte:02X}").unwrap();
        }
        path
    })
}

fn activities(conversation: &str) -> String {
    format!("/{}/activities", encode(conversation))
}

fn activity(conversation: &str, id: &str) -> String {
    format!("{}/{id}", activities(conversation))
}

fn member(conversation: &str, id: &str) -> String {
    format!("/{}/members/{}", encode(conversation), encode(id))
}

fn new_chat(tenant: &str, member: &str) -> Value {
    json!({
        "isGroup": false,
        "bot": { "id": format!("28:{}", Options::default().app_id) },
        "members": [{ "id": member }],
        "tenantId": tenant,
        "channelData": { "tenant": { "id": tenant } },
    })
}

fn text(text: &str) -> Value {
    json!({ "type": "message", "text": text })
}

fn card(actions: &Value) -> Value {
    json!({
        "type": "message",
        "summary": "Connect",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "content": {
                "type": "AdaptiveCard", "version": "1.5",
                "body": [{ "type": "TextBlock", "text": "Connect your account", "wrap": true }],
                "actions": actions,
            },
        }],
    })
}

/// A card with a link, addressed to one account.
fn targeted(account: &str) -> Value {
    let mut activity = card(&json!([
        { "type": "Action.OpenUrl", "title": "Sign in", "url": "https://bot.example/c/1" },
    ]));
    activity["recipient"] = json!({ "id": account, "isTargeted": true });
    activity
}
