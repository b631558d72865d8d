//! What is around the service: a slow Novu, Slack, Teams, and people who ask.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use connect_sandbox::novu::{self, Integration, NewConnection, Novu};
use connect_sandbox::slack::{self, Door, Slack, SlashCommand, Team, User};
use connect_sandbox::teams::{self, Person, Teams, Tenant};
use connect_sandbox::{Browser, Effect, Fault, Route};
use jiff::Timestamp;
use novu_connect_bot::clock::{Clock, SharedClock, SystemClock};
use novu_connect_bot::net;
use reqwest::header::HeaderMap;
use serde_json::Value;

use super::chance::Chance;
use super::service::Settings;

const API_KEY: &str = "canary-novu-key";
const SIGNING_SECRET: &str = "canary-signing-secret";
const BOT_TOKEN: &str = "xoxb-canary-token";
const APP_SECRET: &str = "teams~canary-client-secret";
const TEAM: &str = "T0ACME";
const TENANT: &str = "tenant-acme";
/// What whoever has signed in reads.
const CONNECTED: &str = "You are connected as";
const MINT: &str = "/v1/integrations/channel-endpoints/oauth";
/// For so many mints chance says how long each takes.
const SLOW_MINTS: usize = 600;
/// How long one takes, in milliseconds.
const MINT_TAKES: std::ops::Range<u64> = 300..1500;
/// How long a message of Slack's or Teams' is there before the service is told so.
const TELLING_TAKES: Duration = Duration::from_millis(5);

/// The stand-ins of one story.
pub(crate) struct World {
    novu: Novu,
    slack: Slack,
    teams: Teams,
    pub(crate) http: reqwest::Client,
    browser: Browser,
    people: AtomicUsize,
}

/// A question, and what the platform got for it.
#[derive(Debug, Clone)]
pub(crate) struct Question {
    /// Where the answer is seen: a response URL, or a chat.
    pub(crate) place: String,
    /// When the HTTP response had come.
    pub(crate) at: Timestamp,
    pub(crate) reply: Reply,
    /// The account that asked.
    pub(crate) account: String,
    /// Where the button of the HTTP response leads.
    pub(crate) link: Option<String>,
}

/// A sign-in that Novu has stored.
#[derive(Debug, Clone)]
pub(crate) struct SignedIn {
    /// Where the link is seen that was used.
    pub(crate) place: String,
    /// When the last page had come.
    pub(crate) at: Timestamp,
}

/// What came of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reply {
    /// The answer itself.
    Answered,
    /// That the answer will come.
    Promised,
    /// No response: the service had been killed.
    Broken,
    /// Something that nobody should get.
    Odd(String),
}

/// A question of a person in Teams that can be delivered once more, as the Bot Connector does when no
/// response comes.
pub(crate) struct Delivery {
    place: String,
    account: String,
    headers: HeaderMap,
    body: bytes::Bytes,
}

/// What one place has been sent.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// When each answer came.
    pub(crate) answers: Vec<Timestamp>,
    /// When words came, which are still there, that an answer is on its way.
    pub(crate) waiting: Vec<Timestamp>,
    /// When each message came that says that somebody is connected.
    pub(crate) connected: Vec<Timestamp>,
    /// Which answers say so by now.
    pub(crate) ended: Vec<Timestamp>,
    /// Where the newest button leads.
    pub(crate) link: Option<String>,
    /// Answers without a link.
    pub(crate) refusals: Vec<String>,
}

impl World {
    pub(crate) async fn start(chance: &mut Chance) -> Self {
        let clock: SharedClock = Arc::new(SystemClock);
        let slack = Slack::start(Arc::clone(&clock), slack::Options::default()).await.unwrap();
        slack.add_team(Team { bot_token: BOT_TOKEN.to_owned(), ..Team::new(TEAM, "Acme") });
        let options =
            teams::Options { app_secret: APP_SECRET.to_owned(), ..teams::Options::default() };
        let teams = Teams::start(Arc::clone(&clock), options).await.unwrap();
        teams.add_tenant(Tenant::new(TENANT, "Acme"));
        let options = novu::Options {
            api_keys: vec![API_KEY.to_owned()],
            slack_base: slack.url().to_owned(),
            entra_base: teams.url().to_owned(),
            ..novu::Options::default()
        };
        let novu = Novu::start(clock, options).await.unwrap();
        let app = slack.options();
        novu.add_integration(Integration::slack("slack-main", &app.client_id, &app.client_secret));
        novu.add_connection(connection("slack-main", TEAM, BOT_TOKEN)).unwrap();
        let app = teams.options();
        let (id, secret, home) = (&app.app_id, &app.app_secret, &app.home_tenant);
        novu.add_integration(Integration::teams("teams-main", id, secret, home));
        novu.add_connection(connection("teams-main", TENANT, "app-only")).unwrap();
        for _ in 0..SLOW_MINTS {
            let slow = Effect::Slow(chance.millis(MINT_TAKES));
            novu.fault(Fault::new(Route::post(MINT), slow).times(1));
        }
        let late = |prefix| Fault::new(Route::post(prefix), Effect::LateAnswer(TELLING_TAKES));
        slack.fault(late("/commands/"));
        teams.fault(late(&format!("/{}/v3/conversations", teams.options().region)));
        let (http, browser) = (net::client().unwrap(), Browser::new().unwrap());
        Self { novu, slack, teams, http, browser, people: AtomicUsize::new(0) }
    }

    /// What a service in this world is told.
    pub(crate) fn settings(&self) -> Settings {
        let app = self.teams.options();
        vec![
            ("CONNECT_NOVU__API_URL", self.novu.url().to_owned()),
            ("CONNECT_NOVU__API_KEY", API_KEY.to_owned()),
            ("CONNECT_SLACK__SIGNING_SECRETS", SIGNING_SECRET.to_owned()),
            ("CONNECT_SLACK__INTEGRATION", "slack-main".to_owned()),
            ("CONNECT_SLACK__API_URL", format!("{}/api", self.slack.url())),
            ("CONNECT_SLACK__RESPONSE_HOSTS", "127.0.0.1".to_owned()),
            ("CONNECT_SLACK__LINK_HOSTS", "127.0.0.1".to_owned()),
            ("CONNECT_SLACK__REPLY_BUDGET", "700ms".to_owned()),
            ("CONNECT_TEAMS__APP_ID", app.app_id.clone()),
            ("CONNECT_TEAMS__APP_SECRET", app.app_secret.clone()),
            ("CONNECT_TEAMS__INTEGRATION", "teams-main".to_owned()),
            ("CONNECT_TEAMS__OPENID_METADATA_URL", self.teams.metadata_url().to_string()),
            ("CONNECT_TEAMS__TOKEN_URL", self.teams.token_url()),
            ("CONNECT_TEAMS__ISSUER", self.teams.issuer().to_owned()),
            ("CONNECT_TEAMS__LINK_HOSTS", "127.0.0.1".to_owned()),
            ("CONNECT_TEAMS__SERVICE_HOSTS", "127.0.0.1".to_owned()),
        ]
    }

    /// Somebody new asks in Slack.
    pub(crate) async fn ask_in_slack(&self, service: &str) -> Question {
        let user = format!("U0{:06}", self.people.fetch_add(1, Ordering::Relaxed));
        self.slack.add_user(User::new(TEAM, &user, "Ada Lovelace"));
        let place = self.slack.new_response_url();
        let command = SlashCommand::new(TEAM, &user).with("trigger_id", &user).response_url(&place);
        let signed = command.signed(SIGNING_SECRET, SystemClock.now());
        let url = format!("{service}/slack/commands");
        let mut link = None;
        let reply = match self.post(url, signed.headers, signed.body).await {
            None => Reply::Broken,
            Some((200, body)) => {
                let message: Value = serde_json::from_str(&body).unwrap_or_default();
                link = find_link(&message);
                match Kind::of_text(message["text"].as_str(), link.is_some()) {
                    Kind::Link => Reply::Answered,
                    Kind::Waiting => Reply::Promised,
                    Kind::Connected | Kind::Refusal => Reply::Odd(body),
                }
            }
            Some((status, body)) => Reply::Odd(format!("{status} {body}")),
        };
        Question { place, at: SystemClock.now(), reply, account: user, link }
    }

    /// Somebody new writes in their chat in Teams.
    pub(crate) fn message_in_teams(&self) -> Delivery {
        let oid = format!("oid-{}", self.people.fetch_add(1, Ordering::Relaxed));
        self.teams.add_person(Person::new(TENANT, &oid, "Grace Hopper"));
        let place = self.teams.chat(&oid);
        let signed = self.teams.message(&oid, &place, "connect").signed();
        Delivery { place, account: oid, headers: signed.headers, body: signed.body }
    }

    /// The Bot Connector delivers a message.
    pub(crate) async fn deliver(&self, service: &str, delivery: &Delivery) -> Question {
        let Delivery { place, account, headers, body } = delivery;
        let url = format!("{service}/api/messages");
        let reply = match self.post(url, headers.clone(), body.clone()).await {
            None => Reply::Broken,
            Some((200, body)) if body.is_empty() => Reply::Promised,
            Some((status, body)) => Reply::Odd(format!("{status} {body}")),
        };
        let (place, account) = (place.clone(), account.clone());
        Question { place, at: SystemClock.now(), reply, account, link: None }
    }

    /// Status and body; nothing where the connection breaks.
    async fn post(
        &self,
        url: String,
        headers: HeaderMap,
        body: bytes::Bytes,
    ) -> Option<(u16, String)> {
        let response = self.http.post(url).headers(headers).body(body).send().await.ok()?;
        Some((response.status().as_u16(), response.text().await.ok()?))
    }

    /// Whoever asked signs in by their link, if Novu takes it.
    pub(crate) async fn sign_in(&self, question: &Question, link: &str) -> Option<SignedIn> {
        let page = self.browser.approve(link, &question.account).await.ok()?;
        let stored = page.status == 200;
        stored.then(|| SignedIn { place: question.place.clone(), at: SystemClock.now() })
    }

    /// What people have been sent, HTTP responses aside, by place.
    pub(crate) fn seen(&self) -> HashMap<String, Seen> {
        let mut seen: HashMap<String, Seen> = HashMap::new();
        for message in self.slack.messages() {
            let Door::ResponseUrl(url) = &message.door else { panic!("{message:?}") };
            let link = find_link(&message.body);
            let kind = Kind::of_text(Some(message.text()), link.is_some());
            seen.entry(url.clone()).or_default().add(kind, message.at, link, &message.body);
        }
        for message in self.teams.messages() {
            let card = message.card().cloned().unwrap_or_default();
            let actions = message.actions();
            let button = actions.iter().find(|it| it["type"] == "Action.OpenUrl");
            let link = button.and_then(|it| it["url"].as_str()).map(str::to_owned);
            let kind = Kind::of_text(Some(&card["body"].to_string()), link.is_some());
            let place = seen.entry(message.conversation.clone()).or_default();
            // It is where the link was, which was the answer.
            if kind == Kind::Connected {
                place.answers.push(message.at);
                place.ended.push(message.at);
            } else {
                place.add(kind, message.at, link, &message.body);
            }
        }
        // A card that is put right again looks as it did, so that is counted where it is asked for.
        for request in self.teams.requests() {
            let text = String::from_utf8_lossy(&request.body);
            if request.path().contains("/activities") && text.contains(CONNECTED) {
                let chat = request.path().split('/').skip_while(|it| *it != "conversations").nth(1);
                let chat = percent_decoded(chat.unwrap_or_default());
                seen.entry(chat).or_default().connected.push(request.at);
            }
        }
        seen
    }
}

/// A part of a path as it was before it was put there.
fn percent_decoded(part: &str) -> String {
    form_urlencoded::parse(part.replace('+', "%2B").as_bytes())
        .map(|(name, _)| name.into_owned())
        .collect()
}

impl Seen {
    fn add(&mut self, kind: Kind, at: Timestamp, link: Option<String>, message: &Value) {
        self.link = link.or(self.link.take());
        match kind {
            Kind::Link => self.answers.push(at),
            Kind::Connected => self.connected.push(at),
            Kind::Waiting => self.waiting.push(at),
            Kind::Refusal => {
                self.answers.push(at);
                self.refusals.push(message.to_string());
            }
        }
    }
}

/// What a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// The answer that everybody here should get.
    Link,
    /// That the answer is on its way.
    Waiting,
    /// What the message with the link becomes.
    Connected,
    /// Any other answer.
    Refusal,
}

impl Kind {
    fn of_text(text: Option<&str>, has_link: bool) -> Self {
        if has_link {
            Self::Link
        } else if text.is_some_and(|text| text.contains("on its way")) {
            Self::Waiting
        } else if text.is_some_and(|text| text.contains(CONNECTED)) {
            Self::Connected
        } else {
            Self::Refusal
        }
    }
}

/// Where a button of a message in Slack leads.
fn find_link(message: &Value) -> Option<String> {
    slack::buttons(message).iter().find_map(|it| Some(it.get("url")?.as_str()?.to_owned()))
}

fn connection(integration: &str, workspace: &str, token: &str) -> NewConnection {
    NewConnection {
        identifier: format!("acme-{integration}"),
        integration: integration.to_owned(),
        workspace: novu::Workspace {
            id: workspace.to_owned(),
            name: Some("Acme".to_owned()),
            bot_user_id: Some("U0BOT".to_owned()),
        },
        access_token: token.to_owned(),
        ..NewConnection::default()
    }
}
