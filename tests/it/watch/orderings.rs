//! Whatever people do, in whichever order: nobody is bound to another person's subscriber in the end, and
//! nobody loses what is theirs.

use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};

use super::{A_WATCHS_LIFE, subscriber};
use crate::bot::{ADA, Bot, GRACE, Storage};

/// What somebody does.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// One of the two asks for a link.
    Ask(&'static str),
    /// One of the two opens the newest link of one of them, and allows it.
    Approve { link_of: &'static str, by: &'static str },
    /// An operator removes the endpoint of one of them.
    Remove(&'static str),
    /// Time goes on.
    Pass(u64),
    /// The service is restarted.
    Restart,
}

fn somebody() -> impl Strategy<Value = &'static str> {
    prop_oneof![Just(ADA), Just(GRACE)]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => somebody().prop_map(Step::Ask),
        5 => (somebody(), somebody()).prop_map(|(link_of, by)| Step::Approve { link_of, by }),
        1 => somebody().prop_map(Step::Remove),
        2 => prop_oneof![Just(1), Just(5), Just(30), Just(200)].prop_map(Step::Pass),
        1 => Just(Step::Restart),
    ]
}

/// What is known of one of the two.
#[derive(Debug, Default)]
struct Person {
    link: Option<String>,
    /// Whether they have an endpoint of their own that nobody has removed.
    connected: bool,
}

async fn play(steps: &[Step]) -> Result<(), TestCaseError> {
    let mut bot = Bot::start_on(Storage::sqlite(), &[]).await;
    bot.ready().await;
    let mut people =
        std::collections::HashMap::from([ADA, GRACE].map(|id| (id, Person::default())));
    for step in steps {
        match *step {
            Step::Ask(user) => {
                let reply = bot.command(user, "").await;
                let link = reply.find_button().and_then(|button| button["url"].as_str());
                if let Some(link) = link {
                    people.get_mut(user).unwrap().link = Some(link.to_owned());
                }
            }
            Step::Approve { link_of, by } => {
                let Some(link) = people[link_of].link.clone() else { continue };
                let page = bot.approve(&link, by).await;
                if link_of == by && page.status == 200 {
                    people.get_mut(by).unwrap().connected = true;
                }
            }
            Step::Remove(user) => {
                let of = subscriber(user);
                let endpoints = bot.novu.endpoints();
                let own = endpoints.iter().find(|it| {
                    it.subscriber_id.as_deref() == Some(&of) && it.user_id() == Some(user)
                });
                if let Some(own) = own {
                    bot.remove(&own.identifier).await;
                    people.get_mut(user).unwrap().connected = false;
                }
            }
            Step::Pass(seconds) => bot.pass(Duration::from_secs(seconds)).await,
            Step::Restart => {
                let settings = bot.settings();
                bot = bot.restart(settings).await;
                bot.ready().await;
            }
        }
    }
    bot.pass(A_WATCHS_LIFE).await;
    bot.slack.clear_messages();
    let mut expected: Vec<_> = people
        .iter()
        .filter(|(_, person)| person.connected)
        .map(|(user, _)| (subscriber(user), (*user).to_owned()))
        .collect();
    let mut linked = bot.linked();
    expected.sort();
    linked.sort();
    prop_assert_eq!(linked, expected);
    Ok(())
}

#[test]
fn whatever_the_order_each_is_bound_to_themselves_alone() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let config = Config { cases: 12, failure_persistence: None, ..Config::default() };
    let steps = proptest::collection::vec(step(), 1..9);
    let outcome = TestRunner::new(config).run(&steps, |steps| runtime.block_on(play(&steps)));
    outcome.unwrap();
}
