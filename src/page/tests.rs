//! Personal pages over HTTP, with a responder that writes down who asks.

mod addresses;
mod looks;
mod press;

use std::net::Ipv4Addr;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::http::StatusCode;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use reqwest::Method;
use reqwest::header::{ALLOW, CONTENT_TYPE, LOCATION};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use url::Url;

use super::*;
use crate::answering::{MessageId, Shown};
use crate::clock::{Clock as _, ManualClock};
use crate::core::{
    Answer, Intent, Invitee, Lasts, Link, Person, Platform, Question, Reason, Reference, Refusal,
    SignIn, SignInLink, Workspace,
};
use crate::links::token::issuing::signed;
use crate::links::{self, Invitation, LIFETIME};
use crate::net::{self, HostAllowlist, SecretUrl, Subdomains};
use crate::novu::{LINK_LIFETIME, SubscriberId};
use crate::random::SystemRandom;
use crate::signing::SigningKey;
use crate::store::Store;

const TODAY: &str = "the-key-of-today";
const YESTERDAY: &str = "the-key-of-yesterday";
const MINTED: &str = "https://slack.com/oauth/v2/authorize?client_id=1&state=s3cret";

/// Gives one answer to everybody, and remembers the questions.
#[derive(Debug)]
struct RecordingResponder {
    answer: Answer,
    asked: Mutex<Vec<Question>>,
    /// What was told later, and of which message.
    told: Mutex<Vec<(MessageId, Answer)>>,
    /// What comes of the next messages that are told.
    shown: Mutex<Vec<Shown>>,
    looks: AtomicUsize,
}

impl RecordingResponder {
    fn asked(&self) -> MutexGuard<'_, Vec<Question>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn told(&self) -> Vec<(MessageId, Answer)> {
        self.told.lock().unwrap().clone()
    }
}

impl Responder for RecordingResponder {
    fn platform(&self) -> &'static Platform {
        &crate::slack::PLATFORM
    }

    fn answer<'a>(
        &'a self,
        question: &'a Question,
        _hint: Option<&'a str>,
        _message: Option<Reference>,
    ) -> BoxFuture<'a, Answer> {
        self.asked().push(question.clone());
        std::future::ready(self.answer.clone()).boxed()
    }

    fn tell<'a>(&'a self, message: MessageId, answer: &'a Answer) -> BoxFuture<'a, Shown> {
        self.told.lock().unwrap().push((message, answer.clone()));
        let shown = self.shown.lock().unwrap().pop().unwrap_or(Shown::Shown("message"));
        std::future::ready(shown).boxed()
    }

    fn look(&self) {
        self.looks.fetch_add(1, SeqCst);
    }

    fn reach<'a>(&'a self, _person: &'a Person) -> BoxFuture<'a, Option<MessageId>> {
        std::future::ready(None).boxed()
    }
}

/// Pages that are being served.
struct Site {
    origin: Url,
    links: Arc<Links>,
    responder: Arc<RecordingResponder>,
    metrics: Arc<Metrics>,
    clock: ManualClock,
    http: reqwest::Client,
    served: JoinHandle<()>,
}

impl Drop for Site {
    fn drop(&mut self) {
        self.served.abort();
    }
}

fn links(origin: &Url, secrets: &[&str], clock: &ManualClock) -> Arc<Links> {
    let keys = secrets.iter().filter_map(|secret| SigningKey::new(&(*secret).into())).collect();
    Arc::new(Links::new(links::Parts {
        public_url: origin.clone(),
        former_keys: keys,
        store: Store::in_memory(Arc::new(clock.clone())),
        random: Arc::new(SystemRandom),
        clock: Arc::new(clock.clone()),
    }))
}

fn app() -> Settings {
    Settings {
        name: "Novu Connect".to_owned(),
        logo_url: None,
        support: None,
        privacy_url: None,
        terms_url: None,
    }
}

fn sign_in() -> Answer {
    let hosts = HostAllowlist::new(["slack.com"], Subdomains::Refused).unwrap();
    let url = SecretUrl::new(Url::parse(MINTED).unwrap());
    let link = SignInLink::admit(url, &hosts).unwrap();
    let invitee = Invitee {
        subscriber: SubscriberId::new(ada().subscriber.unwrap()).unwrap(),
        subscriber_name: None,
        chat_name: None,
    };
    let lasts = Lasts::Minted { until: Timestamp::UNIX_EPOCH + LINK_LIFETIME };
    Answer::SignIn(SignIn { link, lasts, invitee })
}

fn ada() -> Invitation {
    Invitation {
        person: Person {
            platform: crate::slack::PLATFORM.id(),
            workspace: Workspace::standalone("T0ACME"),
            user: "U0ADA".to_owned(),
        },
        name: Some("Ada Lovelace".to_owned()),
        workspace: Some("Acme".to_owned()),
        subscriber: Some("crm-7".to_owned()),
        subscriber_name: Some("Countess of Lovelace".to_owned()),
        command: "/verbinde".to_owned(),
        reference: Reference::from_random([1, 2, 3, 4, 5]),
        hint: None,
    }
}

impl Site {
    async fn start() -> Self {
        Self::with(sign_in(), &[TODAY, YESTERDAY]).await
    }

    async fn answering(answer: Answer) -> Self {
        Self::with(answer, &[TODAY]).await
    }

    async fn with(answer: Answer, secrets: &[&str]) -> Self {
        Self::of(answer, secrets, app()).await
    }

    async fn of(answer: Answer, secrets: &[&str], app: Settings) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let origin = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
        let clock = ManualClock::new(Timestamp::from_second(1_790_000_000).unwrap());
        let links = links(&origin, secrets, &clock);
        let responder = Arc::new(RecordingResponder {
            answer,
            asked: Mutex::default(),
            told: Mutex::default(),
            shown: Mutex::default(),
            looks: AtomicUsize::new(0),
        });
        let metrics = Arc::new(Metrics::new());
        let pages = LinkPages::new(Parts {
            links: Arc::clone(&links),
            chats: vec![Chat {
                responder: Arc::clone(&responder) as _,
                address: "slack://open".to_owned(),
                workspaces: None,
            }],
            app,
            random: Arc::new(SystemRandom),
            metrics: Arc::clone(&metrics),
        });
        let router = Arc::new(pages).router();
        let served = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let http = net::client().unwrap();
        Self { origin, links, responder, metrics, clock, http, served }
    }

    /// The address of a new page.
    async fn link(&self, invitation: &Invitation) -> Url {
        self.links.url_for(invitation).await.unwrap().expose().clone()
    }

    /// An address as earlier builds made them.
    fn signed(&self, secret: &str, invitation: &Invitation) -> Url {
        self.link_of(&signed(secret, invitation, self.clock.now()))
    }

    fn link_of(&self, token: &str) -> Url {
        self.origin.join(&format!("/link/{token}")).unwrap()
    }

    async fn get(&self, url: &Url) -> Seen {
        Seen::read(self.http.get(url.clone())).await
    }

    async fn press(&self, url: &Url) -> Seen {
        Seen::read(self.http.post(url.clone()).header("sec-fetch-site", "same-origin")).await
    }

    async fn say_not_me(&self, url: &Url) -> Seen {
        let request = self.http.post(url.clone()).header("sec-fetch-site", "same-origin");
        Seen::read(request.form(&[("action", "not_me")])).await
    }

    fn times_asked(&self) -> usize {
        self.responder.asked().len()
    }

    #[track_caller]
    fn assert_counted(&self, line: &str) {
        let figures = self.metrics.render();
        assert!(figures.lines().any(|found| found == line), "{line} in {figures}");
    }
}

/// What a browser sees.
#[derive(Debug)]
struct Seen {
    status: StatusCode,
    headers: HeaderMap,
    html: String,
}

impl Seen {
    /// Sends a request, and checks what holds for every response to it.
    async fn read(request: reqwest::RequestBuilder) -> Self {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let seen = Self { status, headers, html: response.text().await.unwrap() };
        seen.assert_protected();
        seen
    }

    fn header(&self, name: &str) -> &str {
        let mut values = self.headers.get_all(name).iter();
        let value = values.next().map_or("", |value| value.to_str().unwrap());
        assert!(values.next().is_none(), "{name} twice");
        value
    }

    fn assert_protected(&self) {
        assert_eq!(self.header("cache-control"), "no-store");
        assert_eq!(self.header("referrer-policy"), "same-origin");
        assert_eq!(self.header("x-content-type-options"), "nosniff");
        assert_eq!(self.header("x-frame-options"), "DENY");
        assert_eq!(self.header("x-robots-tag"), "noindex, nofollow");
        let policy = self.header("content-security-policy");
        for rule in ["default-src 'none'; ", "base-uri 'none'; ", "frame-ancestors 'none'"] {
            assert!(policy.contains(rule), "{rule} in {policy}");
        }
        assert!(!policy.contains("unsafe") && !policy.contains("script-src"), "{policy}");
    }

    /// Checks that this is a page of ours, fit for everybody to read.
    #[track_caller]
    fn assert_page(&self, status: StatusCode, words: &[&str]) {
        assert_eq!(self.status, status, "{}", self.html);
        assert_eq!(self.header("content-type"), "text/html; charset=utf-8");
        for once in ["<html lang=\"", "<h1>", "<main>", "<title>", "name=\"viewport\""] {
            assert_eq!(self.html.matches(once).count(), 1, "{once} in {}", self.html);
        }
        for never in ["<script", "og:", "<img", "<link", "style=", "http://", "https://"] {
            assert!(!self.html.contains(never), "{never} in {}", self.html);
        }
        for word in words {
            assert!(self.html.contains(word), "{word} in {}", self.html);
        }
    }
}
