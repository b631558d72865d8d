//! The client against a connector on loopback that answers from a script.

mod people;
mod sending;
mod trouble;

use std::time::Instant;

use connect_sandbox::{Recorded, Reply, Scripted};
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::*;
use crate::clock::{Clock, ManualClock};
use crate::core::Language;
use crate::core::{Answer, EmailAddress, Person, Profiles, ProfilesError, Reference, Workspace};
use crate::metrics::Metrics;
use crate::net::{Outgoing, Subdomains, UrlRefused};
use crate::teams::activity::{Conversation, ConversationKind};
use crate::teams::card::Wording;
use crate::teams::credentials::{Credentials, Proof};

fn answer(status: u16, body: &Value) -> Reply {
    Reply::new(status, body)
}

fn answer_with(status: u16, name: &'static str, value: &str) -> Reply {
    Reply::with_header(status, name, &value)
}

fn made(id: &str) -> Reply {
    answer(201, &json!({"id": id}))
}

fn refusal(status: u16, code: &str) -> Reply {
    answer(status, &json!({"error": {"code": code, "message": "no"}}))
}

struct Stub {
    connector: Arc<Connector>,
    site: ConnectorUrl,
    clock: ManualClock,
    metrics: Arc<Metrics>,
    tokens: Scripted,
    server: Scripted,
}

impl Stub {
    async fn start(replies: impl IntoIterator<Item = Reply>) -> Self {
        Self::start_with(SEND_PATIENCE, replies).await
    }

    async fn start_with(patience: Duration, replies: impl IntoIterator<Item = Reply>) -> Self {
        let grant = |number| {
            answer(200, &json!({"access_token": format!("bot-token-{number}"), "expires_in": 3600}))
        };
        let tokens = Scripted::start((1..10).map(grant)).await.unwrap();
        let server = Scripted::start(replies).await.unwrap();
        let clock = ManualClock::new("2026-08-01T10:00:00Z".parse().unwrap());
        let metrics = Arc::new(Metrics::new());
        let shared: SharedClock = Arc::new(clock.clone());
        let http = crate::net::client().unwrap();
        let http = Outgoing::new(http, shared.clone(), metrics.clone());
        let credentials = Credentials {
            client_id: "app-1".to_owned(),
            proof: Proof::Secret("s3cret".into()),
            token_url: Url::parse(&format!("{}/token", tokens.url())).unwrap(),
            scope: "scope".to_owned(),
            graph_scope: "https://graph.microsoft.com/.default".to_owned(),
        };
        let source = TokenSource::new(credentials, http.clone(), shared.clone()).unwrap();
        let mut connector = Connector::new(Parts {
            bot_id: "28:app-1".to_owned(),
            service_hosts: HostAllowlist::new(["127.0.0.1"], Subdomains::Refused).unwrap(),
            tokens: Arc::new(source),
            http,
            clock: shared,
        });
        connector.send_patience = patience;
        connector.long_patience = patience;
        connector.brief_patience = patience;
        let site = connector.admit(&format!("{}/emea/", server.url()), "tenant-1").unwrap();
        Self { connector: Arc::new(connector), site, clock, metrics, tokens, server }
    }

    fn count(&self) -> usize {
        self.server.count()
    }

    fn granted(&self) -> usize {
        self.tokens.count()
    }

    /// The last request; those before it are forgotten.
    fn last_request(&self) -> Recorded {
        self.server.take_requests().pop().unwrap()
    }

    /// Ada, as somebody who watches looks her up in these places.
    fn roster<'a>(&'a self, rosters: Vec<&'a str>) -> MemberSearch<'a> {
        let sought =
            Sought { account: "29:ada", rosters, patience: Patience::Brief, only_there: false };
        MemberSearch::new(&self.connector, self.site.clone(), sought)
    }

    async fn send(&self, kind: ConversationKind) -> Result<Sent, CallError> {
        let place = place(kind);
        let card = card();
        let activity = PrivateActivity { card: &card, place: &place, reply_to: Some("1700") };
        self.connector.send(&self.site, activity).await
    }

    /// Does something while the clock runs ahead.
    async fn while_time_passes<T>(&self, work: impl Future<Output = T>) -> T {
        let mut work = std::pin::pin!(work);
        let started = Instant::now();
        loop {
            tokio::select! {
                biased;
                done = &mut work => return done,
                () = tokio::task::yield_now() => self.clock.advance(Duration::from_millis(1)),
            }
            assert!(started.elapsed() < Duration::from_secs(5));
        }
    }

    /// Sends while the clock runs ahead, and tells how far it got until the call was over.
    async fn send_while_time_passes(&self) -> (Result<Sent, CallError>, Duration) {
        let before = self.clock.now();
        let call = tokio::spawn({
            let (connector, site) = (Arc::clone(&self.connector), self.site.clone());
            async move {
                let (place, card) = (place(ConversationKind::Personal), card());
                let activity = PrivateActivity { card: &card, place: &place, reply_to: None };
                connector.send(&site, activity).await
            }
        });
        let started = Instant::now();
        while !call.is_finished() {
            assert!(started.elapsed() < Duration::from_secs(5));
            if self.count() > 0 {
                self.clock.advance(Duration::from_millis(10));
            }
            tokio::task::yield_now().await;
        }
        (call.await.unwrap(), crate::clock::between(before, self.clock.now()))
    }
}

fn place(kind: ConversationKind) -> PrivatePlace {
    if kind == ConversationKind::Personal {
        return PrivatePlace::Chat(PersonalChat::created("a:1".to_owned()));
    }
    let id = "19:abc@thread.tacv2;messageid=1".to_owned();
    PrivatePlace::targeted(&Conversation { id, kind }, "29:ada")
}

fn card() -> PrivateCard {
    let reference = Reference::from_random([0; 5]);
    let wording = Wording { language: Language::English, command: "/connect", reference };
    PrivateCard::render(&Answer::Working, wording)
}

const SHORT: Duration = Duration::from_millis(500);
