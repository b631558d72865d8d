//! Personal pages over HTTP, with a responder that writes down who asks.

use std::net::Ipv4Addr;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use reqwest::Method;
use reqwest::header::{ALLOW, CONTENT_TYPE, LOCATION};
use sha2::{Digest, Sha256};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use url::Url;

use super::*;
use crate::answering::{MessageId, Shown};
use crate::clock::{Clock as _, ManualClock};
use crate::core::{
    Answer, Intent, Invitee, LINK_LIFETIME, Lasts, Link, Person, Platform, Question, Reason,
    Reference, Refusal, SignIn, SignInLink, Workspace,
};
use crate::links::token::issuing::signed;
use crate::links::{self, Invitation, LIFETIME};
use crate::net::{self, HostAllowlist, SecretUrl, Subdomains};
use crate::novu::SubscriberId;
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

fn app() -> config::Settings {
    config::Settings { name: "Novu Connect".to_owned(), logo_url: None }
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

    async fn of(answer: Answer, secrets: &[&str], app: config::Settings) -> Self {
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

#[tokio::test]
async fn the_page_names_both_accounts_and_offers_one_button_to_go_on() {
    let site = Site::start().await;
    let seen = site.get(&site.link(&ada()).await).await;
    let words = ["Novu Connect", "Ada Lovelace", "Slack", "Acme", "Countess of Lovelace"];
    seen.assert_page(StatusCode::OK, &words);
    assert!(!seen.html.contains("crm-7"), "{}", seen.html);
    assert_eq!(seen.html.matches("<form method=\"post\"").count(), 2);
    assert_eq!(seen.html.matches("<button").count(), 2);
    for button in
        ["<button type=\"submit\">Continue to sign in</button>", ">This is not me</button>"]
    {
        assert!(seen.html.contains(button), "{button}");
    }
}

#[tokio::test]
async fn what_has_no_name_shows_a_short_id_that_does_not_stand_out_and_a_place_shows_nothing() {
    let site = Site::start().await;
    let mut nameless = Invitation {
        name: None,
        workspace: None,
        subscriber: Some("3fa85f64-5717-4562-b3fc-2c963f66afa6".to_owned()),
        subscriber_name: None,
        ..ada()
    };
    let seen = site.get(&site.link(&nameless).await).await;
    seen.assert_page(StatusCode::OK, &["U0ADA", "3fa85f6…3f66afa6"]);
    assert_eq!(seen.html.matches("<dd class=\"id\">").count(), 2, "{}", seen.html);
    for id in ["T0ACME", "Workspace", "4562"] {
        assert!(!seen.html.contains(id), "{id} in {}", seen.html);
    }
    nameless.subscriber = None;
    let seen = site.get(&site.link(&nameless).await).await;
    seen.assert_page(StatusCode::OK, &["your organisation has for you"]);
}

#[tokio::test]
async fn looking_asks_nobody_however_often() {
    let site = Site::start().await;
    let link = site.link(&ada()).await;
    let agents = [
        "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
        "Slackbot 1.0 (+https://api.slack.com/robots)",
        "Slack-ImgProxy (+https://api.slack.com/robots)",
        "Mozilla/5.0 (Windows NT 6.1; WOW64) SkypeUriPreview Preview/0.5 skype-url-preview@microsoft.com",
    ];
    for number in 0..200 {
        let method = if number % 5 == 0 { Method::HEAD } else { Method::GET };
        let agent = agents[number % agents.len()];
        let request = site.http.request(method, link.clone()).header("user-agent", agent);
        assert_eq!(Seen::read(request).await.status, StatusCode::OK);
    }
    assert_eq!(site.times_asked(), 0);
    assert!(!site.metrics.render().contains("clicked"));
}

#[tokio::test]
async fn a_press_asks_once_and_follows_the_link() {
    let site = Site::start().await;
    let seen = site.press(&site.link(&ada()).await).await;
    assert_eq!(seen.status, StatusCode::SEE_OTHER);
    assert_eq!(seen.headers[LOCATION], MINTED);
    assert_eq!(seen.html, "");
    {
        let asked = site.responder.asked();
        let [question] = asked.as_slice() else { panic!("asked {} times", asked.len()) };
        assert_eq!((&question.asker, &question.intent), (&ada().person, &Intent::Connect));
        assert_ne!(question.reference, ada().reference);
    }
    site.assert_counted(r#"connect_funnel_total{platform="slack",step="clicked"} 1"#);
}

#[tokio::test]
async fn a_press_is_spent_for_as_long_as_its_link_can_be_used() {
    let site = Site::start().await;
    let link = site.link(&ada()).await;
    assert_eq!(site.press(&link).await.status, StatusCode::SEE_OTHER);
    site.clock.advance(LINK_LIFETIME.saturating_sub(Duration::from_secs(1)));
    for seen in [site.press(&link).await, site.get(&link).await] {
        seen.assert_page(StatusCode::OK, &["already open", "another tab", "/verbinde"]);
        assert!(!seen.html.contains("<form") && !seen.html.contains("<button"), "{}", seen.html);
        assert_eq!(seen.html.matches("<a ").count(), 1);
        assert!(seen.html.contains("href=\"slack://open\">Open Slack</a>"), "{}", seen.html);
    }
    assert_eq!(site.times_asked(), 1);
    site.clock.advance(Duration::from_secs(1));
    assert_eq!(site.get(&link).await.html.matches("<button").count(), 2);
    assert_eq!(site.press(&link).await.status, StatusCode::SEE_OTHER);
    assert_eq!(site.times_asked(), 2);
}

#[tokio::test]
async fn of_many_presses_at_once_one_mints() {
    let site = Site::start().await;
    let link = site.link(&ada()).await;
    let presses = futures_util::future::join_all((0..20).map(|_| site.press(&link))).await;
    let followed = presses.iter().filter(|seen| seen.status == StatusCode::SEE_OTHER).count();
    assert_eq!((followed, site.times_asked()), (1, 1));
}

#[tokio::test]
async fn a_press_of_which_no_link_came_can_be_made_again_but_not_without_end() {
    let site = Site::answering(Answer::Refused(Reason::NovuUnavailable.into())).await;
    let link = site.link(&ada()).await;
    let mut last = site.press(&link).await;
    for _ in 0..30 {
        last = site.press(&link).await;
    }
    last.assert_page(StatusCode::TOO_MANY_REQUESTS, &["C-TOO-OFTEN", "/verbinde"]);
    let asked = site.times_asked();
    assert!((2..30).contains(&asked), "{asked}");
    let mut grace = ada();
    grace.person.user = "U0GRACE".to_owned();
    site.press(&site.link(&grace).await).await.assert_page(StatusCode::OK, &["C-NOVU-DOWN"]);
    let counted = 31 - asked;
    site.assert_counted(&format!(
        r#"connect_answers_total{{platform="slack",intent="connect",answer="C-TOO-OFTEN"}} {counted}"#
    ));
}

#[tokio::test]
async fn a_new_page_of_a_message_takes_the_place_of_the_one_before() {
    let site = Site::start().await;
    let first = site.link(&ada()).await;
    assert_eq!(site.press(&first).await.status, StatusCode::SEE_OTHER);
    let second = site.link(&ada()).await;
    assert_eq!(site.get(&first).await.status, StatusCode::NOT_FOUND);
    assert_eq!(site.press(&first).await.status, StatusCode::NOT_FOUND);
    assert_eq!(site.press(&second).await.status, StatusCode::SEE_OTHER);
    // Another message's is another page.
    let other = Invitation { reference: Reference::from_random([9; 5]), ..ada() };
    let other = site.link(&other).await;
    assert_eq!(site.press(&other).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn who_says_that_it_is_not_them_ends_the_page_and_its_owner_is_told_once() {
    let site = Site::start().await;
    let link = site.link(&ada()).await;
    site.responder.shown.lock().unwrap().push(Shown::Later(None));
    let seen = site.say_not_me(&link).await;
    seen.assert_page(StatusCode::OK, &["The page is closed", "You can close this window"]);
    for seen in [site.say_not_me(&link).await, site.get(&link).await, site.press(&link).await] {
        seen.assert_page(StatusCode::GONE, &["This page is closed", "/verbinde"]);
        assert!(!seen.html.contains("Ada"));
    }
    while site.responder.told().len() < 2 {
        site.clock.advance(Duration::from_secs(1));
        tokio::task::yield_now().await;
    }
    site.clock.advance(Duration::from_mins(10));
    tokio::task::yield_now().await;
    let message = MessageId::of(&ada().person, ada().reference);
    assert_eq!(site.responder.told(), vec![(message, Answer::PageEnded); 2]);
    assert_eq!(site.times_asked(), 0);
    // They can ask anew.
    assert_eq!(site.press(&site.link(&ada()).await).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn an_address_from_before_works_for_its_day_and_can_be_pressed_again() {
    let site = Site::start().await;
    for secret in [TODAY, YESTERDAY] {
        let link = site.signed(secret, &ada());
        site.get(&link).await.assert_page(StatusCode::OK, &["Ada Lovelace", "If this is not you"]);
        assert_eq!(site.press(&link).await.status, StatusCode::SEE_OTHER);
        assert_eq!(site.press(&link).await.status, StatusCode::SEE_OTHER);
    }
    let link = site.signed(TODAY, &ada());
    site.clock.advance(LIFETIME);
    site.get(&link).await.assert_page(StatusCode::GONE, &["/verbinde", "expired"]);
}

#[tokio::test]
async fn the_landing_page_leads_back_to_the_chat_and_lets_sign_ins_be_looked_for() {
    let site = Site::start().await;
    for (language, words) in [
        ("en", ["Back to your chat", "appears in Slack", "Open Slack"]),
        ("de-CH,de", ["Zurück in deinen Chat", "steht gleich in Slack", "Slack öffnen"]),
    ] {
        for path in ["/linked/slack", "/linked/slack/", "/linked/slack?state=1"] {
            let url = site.origin.join(path).unwrap();
            let seen = Seen::read(site.http.get(url).header("accept-language", language)).await;
            seen.assert_page(StatusCode::OK, &words);
            assert!(seen.html.contains("href=\"slack://open\""), "{}", seen.html);
            assert!(!seen.html.contains("<form"), "{}", seen.html);
        }
    }
    assert_eq!(site.responder.looks.load(SeqCst), 6);
    for path in ["/linked/teams", "/linked/Slack", "/linked/%ff"] {
        let seen = site.get(&site.origin.join(path).unwrap()).await;
        seen.assert_page(StatusCode::NOT_FOUND, &["does not work"]);
    }
    assert_eq!(site.responder.looks.load(SeqCst), 6);
    site.assert_counted(
        r#"connect_requests_refused_total{platform="link",reason="unknown_platform"} 3"#,
    );
}

#[tokio::test]
async fn a_slash_at_the_end_and_head_make_no_difference() {
    let site = Site::start().await;
    let link = site.link(&ada()).await;
    let slashed = Url::parse(&format!("{link}/")).unwrap();
    site.get(&slashed).await.assert_page(StatusCode::OK, &["Ada Lovelace"]);
    assert_eq!(site.press(&slashed).await.status, StatusCode::SEE_OTHER);
    for url in [&link, &slashed] {
        let seen = Seen::read(site.http.head(url.clone())).await;
        assert_eq!((seen.status, seen.html.as_str()), (StatusCode::OK, ""));
        assert_eq!(seen.headers[CONTENT_TYPE], "text/html; charset=utf-8");
    }
    let seen = Seen::read(site.http.delete(link)).await;
    assert_eq!(seen.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(seen.headers[ALLOW], "GET,HEAD,POST");
    assert_eq!(site.times_asked(), 1);
}

#[tokio::test]
async fn links_that_are_not_ours_ask_nobody_and_all_get_the_same_page() {
    let site = Site::start().await;
    let genuine = site.link(&ada()).await;
    let token = genuine.path().trim_start_matches("/link/");
    let signed_token = signed(TODAY, &ada(), site.clock.now());
    let cut = &signed_token[..signed_token.len() - 1];
    let mut on_teams = ada();
    on_teams.person.platform = crate::teams::PLATFORM.id();
    let altered = token.replacen(&token[20..21], if &token[20..21] == "A" { "B" } else { "A" }, 1);
    let strangers = [
        site.link_of(&altered),
        site.link_of(&token[..token.len() - 1]),
        site.link_of(&format!("{token}A")),
        site.link_of(&"A".repeat(4000)),
        site.link_of("x"),
        site.link_of("%ff%fe"),
        site.link_of("%00"),
        site.link_of("..%2f..%2fetc%2fpasswd"),
        site.signed("a-key-of-somebody-else", &ada()),
        site.link_of(cut),
        site.link_of(&"A".repeat(24)),
        // Genuine, but no responder is there for it.
        site.link(&on_teams).await,
    ];
    let first = site.get(&strangers[0]).await;
    first.assert_page(StatusCode::NOT_FOUND, &["/connect", "does not work"]);
    for stranger in &strangers {
        for seen in [site.get(stranger).await, site.press(stranger).await] {
            assert_eq!((seen.status, &seen.html), (StatusCode::NOT_FOUND, &first.html));
        }
    }
    assert_eq!(site.times_asked(), 0);
    site.assert_counted(
        r#"connect_requests_refused_total{platform="link",reason="unknown_token"} 25"#,
    );
}

#[tokio::test]
async fn after_a_day_a_link_only_tells_how_to_get_another() {
    let site = Site::start().await;
    let link = site.link(&ada()).await;
    let second = Duration::from_secs(1);
    site.clock.advance(LIFETIME.saturating_sub(second));
    assert_eq!(site.get(&link).await.status, StatusCode::OK);
    assert_eq!(site.press(&link).await.status, StatusCode::SEE_OTHER);
    site.clock.advance(second);
    for seen in [site.get(&link).await, site.press(&link).await] {
        seen.assert_page(StatusCode::GONE, &["/verbinde", "expired"]);
        assert!(!seen.html.contains("Ada"));
    }
    assert_eq!(site.times_asked(), 1);
}

#[tokio::test]
async fn a_form_on_another_site_starts_nothing() {
    let site = Site::start().await;
    let link = site.link(&ada()).await;
    let port = site.origin.port().unwrap();
    let elsewhere = [
        ("sec-fetch-site", "cross-site".to_owned()),
        ("sec-fetch-site", "same-site".to_owned()),
        ("sec-fetch-site", "something-new".to_owned()),
        ("sec-fetch-site", String::new()),
        ("origin", "null".to_owned()),
        ("origin", "https://elsewhere.example".to_owned()),
        ("origin", format!("https://127.0.0.1:{port}")),
        ("origin", "http://127.0.0.1".to_owned()),
        ("origin", String::new()),
    ];
    for (header, from) in elsewhere {
        let seen = Seen::read(site.http.post(link.clone()).header(header, &from)).await;
        seen.assert_page(StatusCode::FORBIDDEN, &["Another website", "your chat"]);
    }
    assert_eq!(site.times_asked(), 0);
    // The way from the chat to the page is cross-site as well, and changes nothing.
    let from_chat = site.http.get(link.clone()).header("sec-fetch-site", "cross-site");
    assert_eq!(Seen::read(from_chat).await.status, StatusCode::OK);
    // Old browsers do not tell.
    assert_eq!(Seen::read(site.http.post(link)).await.status, StatusCode::SEE_OTHER);
    let typed = site.http.post(site.link(&ada()).await).header("sec-fetch-site", "none");
    assert_eq!(Seen::read(typed).await.status, StatusCode::SEE_OTHER);
    let own = site
        .http
        .post(site.link(&ada()).await)
        .header("origin", site.origin.origin().ascii_serialization());
    assert_eq!(Seen::read(own).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_body_may_be_small_and_is_not_read() {
    let site = Site::start().await;
    let link = site.link(&ada()).await;
    let post = |size: usize| Seen::read(site.http.post(link.clone()).body("x".repeat(size)));
    assert_eq!(post(1024).await.status, StatusCode::SEE_OTHER);
    post(1025).await.assert_page(StatusCode::PAYLOAD_TOO_LARGE, &["C-INCOMPLETE", "/verbinde"]);
    assert_eq!(site.times_asked(), 1);
}

#[tokio::test]
async fn who_is_connected_already_is_told_so() {
    let link = |name: Option<&str>| Link {
        subscriber: SubscriberId::new("ada@example.com").unwrap(),
        name: name.map(str::to_owned),
        since: Some(Timestamp::from_second(1_780_000_000).unwrap()),
        can_test: false,
    };
    let site = Site::answering(Answer::AlreadyConnected(link(Some("Ada <Lovelace>")))).await;
    let seen = site.press(&site.link(&ada()).await).await;
    let words = ["Ada &#60;Lovelace&#62;", "28 May 2026", "close this page"];
    seen.assert_page(StatusCode::OK, &words);
    assert!(!seen.html.contains("<form"));

    let site = Site::answering(Answer::AlreadyConnected(link(None))).await;
    let seen = site.press(&site.link(&ada()).await).await;
    seen.assert_page(StatusCode::OK, &["ada@…"]);
    assert!(!seen.html.contains("example.com"));
}

#[tokio::test]
async fn every_refusal_comes_in_words_with_code_and_reference() {
    for reason in Reason::ALL {
        let site = Site::answering(Answer::Refused((*reason).into())).await;
        let seen = site.press(&site.link(&ada()).await).await;
        let reference = site.responder.asked()[0].reference;
        let expected = match reason {
            Reason::TooOften => StatusCode::TOO_MANY_REQUESTS,
            _ => StatusCode::OK,
        };
        seen.assert_page(expected, &[reason.code(), reference.as_str()]);
    }
}

#[tokio::test]
async fn the_operators_own_sentence_is_shown_whole_and_as_text() {
    let sentence = format!("Ask <b>{}</b> at help@example.com", "the desk ".repeat(20).trim());
    let refusal = Refusal { sentence: Some(sentence), ..Reason::WebhookRefused.into() };
    let site = Site::answering(Answer::Refused(refusal)).await;
    let seen = site.press(&site.link(&ada()).await).await;
    seen.assert_page(StatusCode::OK, &["Ask &#60;b&#62;the", "&#60;/b&#62; at help@example.com"]);
}

#[tokio::test]
async fn an_answer_to_another_question_is_a_refusal() {
    for answer in [Answer::NotConnected, Answer::Working, Answer::Help(None)] {
        let site = Site::answering(answer).await;
        let seen = site.press(&site.link(&ada()).await).await;
        seen.assert_page(StatusCode::OK, &["C-BUSY"]);
    }
}

#[tokio::test]
async fn names_are_text_whatever_they_hold() {
    let tricks = [
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "</dd></dl></main><form action=https://evil.example>",
        "{{ 7 * 7 }}",
        "' style='x",
        "\u{202e}live",
    ];
    let site = Site::start().await;
    for trick in tricks {
        let text = Some(trick.to_owned());
        let invitation = Invitation {
            name: text.clone(),
            workspace: text.clone(),
            subscriber: text.clone(),
            subscriber_name: text,
            command: trick.to_owned(),
            ..ada()
        };
        let link = site.link(&invitation).await;
        let seen = site.get(&link).await;
        assert_eq!(seen.status, StatusCode::OK);
        for tag in ["<script", "<img", "<form action", "\u{202e}", "dd'", ">49<"] {
            assert!(!seen.html.contains(tag), "{tag} in {}", seen.html);
        }
        assert_eq!(seen.html.matches("<form").count(), 2);
        site.clock.advance(LIFETIME);
        let seen = site.get(&link).await;
        assert_eq!(seen.status, StatusCode::GONE);
        assert!(!seen.html.contains("<script") && !seen.html.contains("<img"), "{}", seen.html);
    }
}

#[tokio::test]
async fn pages_speak_the_browsers_language() {
    let site = Site::start().await;
    let link = site.link(&ada()).await;
    let in_german =
        |url: &Url| site.http.get(url.clone()).header("accept-language", "de-AT,de;q=0.9");
    let seen = Seen::read(in_german(&link)).await;
    seen.assert_page(
        StatusCode::OK,
        &["<html lang=\"de\">", "Verbinde dein Konto", "Chat-Konto", "Weiter zur Anmeldung"],
    );
    let seen = Seen::read(in_german(&site.link_of("x"))).await;
    seen.assert_page(StatusCode::NOT_FOUND, &["<html lang=\"de\">", "funktioniert nicht"]);
    site.clock.advance(LIFETIME);
    let seen = Seen::read(in_german(&link)).await;
    seen.assert_page(StatusCode::GONE, &["<html lang=\"de\">", "abgelaufen", "/verbinde"]);
    let seen = site.get(&link).await;
    seen.assert_page(StatusCode::GONE, &["<html lang=\"en\">"]);
}

#[tokio::test]
async fn the_policy_lets_our_style_pass_and_the_form_follow_its_redirects() {
    let site = Site::start().await;
    let seen = site.get(&site.link(&ada()).await).await;
    let (_, rest) = seen.html.split_once("<style>").unwrap();
    let (style, _) = rest.split_once("</style>").unwrap();
    let hash = format!("style-src 'sha256-{}';", STANDARD.encode(Sha256::digest(style)));
    let policy = seen.header("content-security-policy");
    assert!(policy.contains(&hash), "{policy}");
    assert!(policy.contains("form-action 'self' https: http:;"), "{policy}");

    assert!(!policy.contains("img-src"), "{policy}");

    let logo = Url::parse("https://cdn.example:8443/logo.svg?v=1").unwrap();
    let public = headers::protective(false, Some(&logo));
    let policy = public["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("form-action 'self' https:;"), "{policy}");
    assert!(policy.contains("; img-src https://cdn.example:8443; "), "{policy}");
}

#[tokio::test]
async fn the_operators_name_and_logo_are_on_the_page() {
    let logo_url = Some(Url::parse("https://cdn.example/logo.svg?a=1&b=%22").unwrap());
    let app = config::Settings { name: "Acme & Sons".to_owned(), logo_url };
    let site = Site::of(sign_in(), &[], app).await;
    let seen = site.get(&site.link(&ada()).await).await;
    for part in [
        "<bdi>Acme &#38; Sons</bdi>",
        "<img src=\"https://cdn.example/logo.svg?a=1&#38;b=%22\" alt=\"\">",
    ] {
        assert!(seen.html.contains(part), "{part} in {}", seen.html);
    }
    assert!(seen.header("content-security-policy").contains("img-src https://cdn.example; "));
}

#[tokio::test]
async fn neither_links_nor_tokens_print() {
    let site = Site::start().await;
    let url = site.links.url_for(&ada()).await.unwrap();
    let token = url.expose().path().to_owned();
    let pages = LinkPages::new(Parts {
        links: Arc::clone(&site.links),
        chats: Vec::new(),
        app: app(),
        random: Arc::new(SystemRandom),
        metrics: Arc::clone(&site.metrics),
    });
    let printed = format!("{url:?} {pages:?} {:?} {:?}", site.links, ada());
    for secret in [token.as_str(), TODAY, YESTERDAY, "Lovelace"] {
        assert!(!printed.contains(secret), "{secret} in {printed}");
    }
}
