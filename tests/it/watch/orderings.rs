//! Whatever people do, in whichever order: nobody is bound to another person's subscriber in the end, and
//! nobody loses what is theirs.

use std::collections::HashMap;
use std::time::Duration;

use connect_sandbox::slack::Message;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};

use super::{A_WATCHS_LIFE, subscriber};
use crate::bot::{ADA, Bot, GRACE, PATIENCE, Replica, Storage, find_button};

/// What somebody does.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// One of the two asks for a link.
    Ask(&'static str),
    /// One of the two opens the newest link of one of them, and allows it.
    Approve { link_of: &'static str, by: &'static str },
    /// One of the two disconnects by a command of their own.
    Disconnect(&'static str),
    /// An operator removes the endpoint of one of them.
    Remove(&'static str),
    /// Time goes on.
    Pass(u64),
    /// The service is stopped, and another one started.
    Restart,
    /// The service ends at once, and another one is started with what the store holds by then.
    Kill,
}

fn somebody() -> impl Strategy<Value = &'static str> {
    prop_oneof![Just(ADA), Just(GRACE)]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => somebody().prop_map(Step::Ask),
        5 => (somebody(), somebody()).prop_map(|(link_of, by)| Step::Approve { link_of, by }),
        2 => somebody().prop_map(Step::Disconnect),
        1 => somebody().prop_map(Step::Remove),
        2 => prop_oneof![Just(1), Just(5), Just(30), Just(200)].prop_map(Step::Pass),
        1 => Just(Step::Restart),
        2 => Just(Step::Kill),
    ]
}

/// What is known of one of the two.
#[derive(Debug, Default)]
struct Person {
    link: Option<String>,
    /// Whether they have an endpoint of their own that nobody has removed.
    connected: bool,
}

/// A service that can end at any moment, with its surroundings.
struct Play {
    bot: Bot,
    storage: Storage,
    service: Replica,
    people: HashMap<&'static str, Person>,
}

impl Play {
    async fn start() -> Self {
        let (bot, storage) = (Bot::start().await, Storage::sqlite());
        let service = Replica::start(&bot, &storage).await;
        let people = [ADA, GRACE].map(|id| (id, Person::default())).into();
        Self { bot, storage, service, people }
    }

    fn person(&mut self, user: &str) -> &mut Person {
        self.people.get_mut(user).unwrap()
    }

    /// Types a command, no more often than one may. Gives what comes back, as it is then shown.
    async fn command(&self, user: &str, text: &str) -> Message {
        self.bot.clock.advance(Duration::from_secs(6));
        let request = self.bot.slash(user, text);
        let (status, body) = self.service.post("/slack/commands", request.clone()).await;
        assert_eq!(status, 200, "{body}");
        let body = serde_json::from_str(&body).unwrap();
        self.bot.slack.receive_reply(request.slash_command(), body)
    }

    async fn act(mut self, step: Step) -> Self {
        match step {
            Step::Ask(user) => {
                let message = self.command(user, "").await;
                let button = find_button(&message.body);
                if let Some(link) = button.and_then(|button| button["url"].as_str()) {
                    self.person(user).link = Some(link.to_owned());
                }
            }
            Step::Approve { link_of, by } => {
                let Some(link) = self.people[link_of].link.clone() else { return self };
                let page = self.bot.approve(&link, by).await;
                if link_of == by && page.status == 200 {
                    self.person(by).connected = true;
                }
            }
            Step::Disconnect(user) => {
                let message = self.command(user, "disconnect").await;
                let press = self.bot.slack.press(user, &message, "Yes, disconnect");
                let press = press.or_else(|| self.bot.slack.press(user, &message, "Ja, trennen"));
                let Some(press) = press else { return self };
                let request = self.bot.pressed(&press);
                assert_eq!(self.service.post("/slack/interactions", request).await.0, 200);
                self.bot.until_later(async || self.own(user).is_none()).await;
                self.person(user).connected = false;
            }
            Step::Remove(user) => {
                if let Some(own) = self.own(user) {
                    self.bot.remove(&own).await;
                    self.person(user).connected = false;
                }
            }
            Step::Pass(seconds) => self.bot.pass(Duration::from_secs(seconds)).await,
            Step::Restart => {
                let Self { bot, storage, service, people } = self;
                service.stop(&bot).await;
                let service = Replica::start(&bot, &storage).await;
                return Self { bot, storage, service, people };
            }
            Step::Kill => {
                let Self { bot, storage, service, people } = self;
                service.kill().await;
                let service = Replica::start(&bot, &storage).await;
                return Self { bot, storage, service, people };
            }
        }
        self
    }

    /// The endpoint that somebody has of their own.
    fn own(&self, user: &str) -> Option<String> {
        let of = subscriber(user);
        let endpoints = self.bot.novu.endpoints();
        let own = endpoints
            .into_iter()
            .find(|it| it.subscriber_id.as_deref() == Some(&of) && it.user_id() == Some(user));
        own.map(|own| own.identifier)
    }
}

async fn play(steps: &[Step]) -> Result<(), TestCaseError> {
    let mut play = Play::start().await;
    for step in steps {
        play = play.act(*step).await;
    }
    let people = play.people.iter().filter(|(_, person)| person.connected);
    let mut expected: Vec<_> =
        people.map(|(user, _)| (subscriber(user), (*user).to_owned())).collect();
    expected.sort();
    let linked = || {
        let mut linked = play.bot.linked();
        linked.sort();
        linked
    };
    play.bot.pass(A_WATCHS_LIFE).await;
    let in_time = async || linked() == expected;
    let _ = tokio::time::timeout(PATIENCE / 2, play.bot.until_later(in_time)).await;
    play.bot.settle().await;
    prop_assert_eq!(linked(), expected);
    play.bot.slack.clear_messages();
    play.service.kill().await;
    Ok(())
}

/// The service runs in threads of its own, all of which end in the middle of what they do when it is killed;
/// the file of its store stays as it was written by then. A process of its own is killed elsewhere: it takes
/// too long for as many orders.
#[test]
fn whatever_the_order_each_is_bound_to_themselves_alone() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let config = Config { cases: 12, failure_persistence: None, ..Config::default() };
    let steps = proptest::collection::vec(step(), 1..9);
    let outcome = TestRunner::new(config).run(&steps, |steps| runtime.block_on(play(&steps)));
    outcome.unwrap();
}
