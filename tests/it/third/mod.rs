//! A third platform beside Slack and Teams, and what it gets without a line of its own.

mod platform;

use std::collections::BTreeMap;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, Mutex, OnceLock};

use axum::http::StatusCode;
use connect_sandbox::novu::{Integration, NewConnection};
use connect_sandbox::{Browser, Effect, Fault, Hold, Route};
use novu_connect_bot::answering::{MessageId, Responder, Shown};
use novu_connect_bot::clock::Clock;
use novu_connect_bot::core::{
    Answer, Intent, LearntLanguage, Person, Question, Reference, Workspace,
};
use serde_json::json;
use tokio::sync::Notify;

use crate::bot::{
    ADA, Bot, GRACE, ITSELF, MINT, Reply, TEAM, connection, find_code, unique, until,
};
use platform::{INTEGRATION, PLATFORM};

const PAGES: [(&str, &str); 1] = [("CONNECT_SERVER__PUBLIC_URL", ITSELF)];

/// A message as a person sees it now.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    user: String,
    text: String,
    pub(crate) link: Option<String>,
}

/// What people see on the third platform. Clones show the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct Third {
    /// The messages, by their numbers.
    seen: Arc<Mutex<BTreeMap<usize, Seen>>>,
    /// What comes of the next messages, the last first; all others are seen.
    failures: Arc<Mutex<Vec<Shown>>>,
    responder: Arc<OnceLock<Arc<dyn Responder>>>,
    bugs: Arc<Bugs>,
}

/// What goes wrong in the platform's own code.
#[derive(Debug, Default)]
pub(crate) struct Bugs {
    /// Makes the platform's task in the background panic.
    pub(crate) background: Notify,
    /// How many of the next messages make the platform panic.
    pub(crate) messages: AtomicUsize,
    /// How many of the next look-ups of a profile make it panic.
    pub(crate) profiles: AtomicUsize,
}

impl Bugs {
    /// Panics if there is one left.
    fn strike(left: &AtomicUsize) {
        let one_left = left.fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1)).is_ok();
        assert!(!one_left, "{BUG}");
    }
}

/// What the platform says when it panics.
pub(crate) const BUG: &str = "a bug of the third platform";

impl Third {
    pub(crate) fn bugs(&self) -> &Bugs {
        &self.bugs
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().values().cloned().collect()
    }
}

/// Somebody in the connected workspace.
fn person(user: &str) -> Person {
    let workspace = Workspace::standalone(TEAM);
    Person { platform: PLATFORM.id(), workspace, user: user.to_owned() }
}

/// A service with the third platform, connected and ready.
pub(crate) async fn start(more: &[(&str, &str)]) -> (Bot, Third) {
    let third = Third::default();
    let bot = Bot::start_beside(vec![Arc::new(third.clone())], more).await;
    let app = bot.slack.options();
    bot.novu.add_integration(Integration::slack(INTEGRATION, &app.client_id, &app.client_secret));
    let integration = INTEGRATION.to_owned();
    let connection = connection("acme-third", TEAM, &[]);
    bot.novu.add_connection(NewConnection { integration, ..connection }).unwrap();
    bot.ready().await;
    (bot, third)
}

/// Somebody writes to the bot. Gives the id of the event.
pub(crate) async fn say(bot: &Bot, user: &str, text: &str) -> String {
    let id = unique();
    assert_eq!(deliver(bot, &id, user, text).await, 200);
    id
}

/// The platform delivers an event.
async fn deliver(bot: &Bot, id: &str, user: &str, text: &str) -> u16 {
    post(bot, "/third/messages", id, user, text).await.status
}

/// Somebody types a command. Gives the word for the answer.
pub(crate) async fn command(bot: &Bot, user: &str, text: &str) -> String {
    let reply = post(bot, "/third/commands", &unique(), user, text).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    reply.body
}

async fn post(bot: &Bot, path: &str, id: &str, user: &str, text: &str) -> Reply {
    let event = json!({ "id": id, "user": user, "text": text });
    let headers = [("content-type", "application/json")];
    let headers = headers.map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
    bot.post_sealed(path, headers.into_iter().collect(), event.to_string()).await
}

/// The only message, once everything that was promised is done.
pub(crate) async fn only(bot: &Bot, third: &Third) -> Seen {
    bot.until_later(async || bot.metric("connect_promises_open").await == 0).await;
    let seen = third.seen();
    let [message] = &seen[..] else { panic!("one message, not {seen:?}") };
    message.clone()
}

/// How many answers were counted.
async fn answered(bot: &Bot) -> u64 {
    bot.metric("connect_answers_total{platform=\"third\"").await
}

#[tokio::test]
async fn an_answer_that_takes_long_is_on_its_way_and_then_comes_in_its_place() {
    let (bot, third) = start(&[("CONNECT_NOVU__TIMEOUT", "20s")]).await;
    let hold = Hold::new();
    bot.novu.fault(Fault::new(Route::post(MINT), Effect::Hold(hold.clone())));
    say(&bot, ADA, "connect").await;
    until(async || hold.arrived() == 1).await;
    assert!(third.seen().is_empty(), "nothing to say yet");
    bot.until_later(async || third.seen().len() == 1).await;
    assert!(third.seen()[0].text.contains("on its way"), "{:?}", third.seen());

    hold.release();
    let message = only(&bot, &third).await;
    let page = Browser::new().unwrap().approve(&message.link.unwrap(), ADA).await.unwrap();
    assert_eq!(page.status, 200, "{}", page.body);
    assert_eq!(bot.novu.endpoints()[0].user_id(), Some(ADA));
    assert_eq!(answered(&bot).await, 1);
}

#[tokio::test]
async fn what_fails_and_may_pass_is_tried_again_until_it_is_seen() {
    let busy = Effect::status(StatusCode::SERVICE_UNAVAILABLE);
    // Novu is down for a while, or the platform takes no message for a while.
    for (of_novu, of_platform) in [(4, 0), (0, 2)] {
        let (bot, third) = start(&[]).await;
        bot.novu.fault(Fault::new(Route::post(MINT), busy.clone()).times(of_novu));
        third.failures.lock().unwrap().extend(vec![Shown::Later(None); of_platform]);
        say(&bot, ADA, "connect").await;
        let message = only(&bot, &third).await;
        assert!(message.link.is_some(), "{message:?}");
        assert_eq!(message.user, ADA);
        assert!(third.failures.lock().unwrap().is_empty());
        assert_eq!(answered(&bot).await, 1);
    }
}

#[tokio::test]
async fn an_event_that_is_delivered_again_is_answered_once() {
    let (bot, third) = start(&[]).await;
    let id = say(&bot, ADA, "connect").await;
    only(&bot, &third).await;
    assert_eq!(deliver(&bot, &id, ADA, "connect").await, 200);
    only(&bot, &third).await;
    assert_eq!(bot.mints().len(), 1);
    say(&bot, ADA, "connect").await;
    until(async || third.seen().len() == 2).await;
}

#[tokio::test]
async fn whoever_asks_too_often_is_told_so_and_nobody_else() {
    let (bot, third) = start(&[]).await;
    for _ in 0..11 {
        say(&bot, ADA, "status").await;
    }
    say(&bot, GRACE, "status").await;
    until(async || third.seen().len() == 12).await;
    let too_often: Vec<_> = third.seen().iter().filter_map(|seen| find_code(&seen.text)).collect();
    assert_eq!(too_often, ["C-TOO-OFTEN"]);
}

#[tokio::test]
async fn a_message_that_outlives_a_link_leads_to_a_page() {
    let (bot, third) = start(&PAGES).await;
    say(&bot, ADA, "connect").await;
    let link = only(&bot, &third).await.link.unwrap();
    assert!(link.starts_with(&format!("{}/link/", bot.url)), "{link}");
    assert_eq!(bot.mints().len(), 0);

    let browser = Browser::new().unwrap();
    let page = browser.open(&link).await.unwrap();
    assert!(page.body.contains("Third Chat"), "{}", page.body);
    let sign_in = browser.press(&page, "Continue to sign in").await.unwrap();
    assert_eq!(browser.press(&sign_in, ADA).await.unwrap().status, 200);
    assert_eq!(bot.novu.endpoints()[0].user_id(), Some(ADA));
}

#[tokio::test]
async fn a_message_that_was_seen_can_be_put_right_later() {
    let (bot, third) = start(&[]).await;
    say(&bot, ADA, "connect").await;
    let link = only(&bot, &third).await.link.unwrap();
    let page = Browser::new().unwrap().approve(&link, ADA).await.unwrap();
    assert_eq!(page.status, 200, "{}", page.body);

    let (responder, ada) = (third.responder.get().unwrap(), person(ADA));
    assert_eq!(responder.reach(&person(GRACE)).await, None);
    let message = responder.reach(&ada).await.unwrap();
    let question = Question {
        asker: ada.clone(),
        identified: true,
        intent: Intent::Status,
        reference: Reference::from_random([1; 5]),
        command: String::new(),
        name: None,
        language: LearntLanguage::default(),
        asked_at: bot.clock.now(),
        in_place: false,
        dedup_key: None,
    };
    let answer = responder.answer(&question, None, None).await;
    assert!(matches!(answer, Answer::AlreadyConnected(_)), "{answer:?}");
    assert_eq!(responder.tell(message, &answer).await, Shown::Shown("message"));
    let message = only(&bot, &third).await;
    assert!(message.text.contains("connected") && message.link.is_none(), "{message:?}");
    let unknown = MessageId::of(&ada, Reference::from_random([2; 5]));
    assert_eq!(responder.tell(unknown, &answer).await, Shown::Gone);
}
