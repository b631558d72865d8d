//! What happens in chat after a sign-in, by itself.

mod chat;
mod doubts;
mod endings;
mod links;
mod looks;
mod orderings;
mod restarts;
mod strangers;

use std::time::Duration;

use axum::http::Method;
use connect_sandbox::slack::Message;
use connect_sandbox::{Browser, Page};
use serde_json::Value;

use crate::bot::{API_KEY, Bot, PATIENCE, TEAM};

/// The path of Novu's channel endpoints.
const ENDPOINTS: &str = "/v1/channel-endpoints";
/// Longer than a link is watched.
const A_WATCHS_LIFE: Duration = Duration::from_secs(450);

impl Bot {
    /// Opens a sign-in link as somebody, and allows what it asks for.
    async fn approve(&self, link: &str, user: &str) -> Page {
        Browser::new().unwrap().approve(link, user).await.unwrap()
    }

    /// The messages that say this by now, once there is one; time goes on meanwhile.
    #[track_caller]
    fn until_told(&self, words: &'static str) -> impl Future<Output = Vec<Message>> {
        let saying = move || {
            let messages = self.slack.messages().into_iter();
            messages.filter(|it| it.text().contains(words)).collect::<Vec<_>>()
        };
        let told = self.until_later(async move || !saying().is_empty());
        async move {
            told.await;
            saying()
        }
    }

    /// Lets time go on, a little at a time, so that whatever is due is done meanwhile.
    async fn pass(&self, time: Duration) {
        self.pass_by(Duration::from_secs(1), time).await;
    }

    /// As [`Bot::pass`], by so much at a time.
    async fn pass_by(&self, step: Duration, time: Duration) {
        let mut left = time;
        while !left.is_zero() {
            let now = step.min(left);
            self.clock.advance(now);
            left -= now;
            for _ in 0..20 {
                tokio::task::yield_now().await;
            }
        }
        self.settle().await;
    }

    /// Waits until nothing that follows from a sign-in is left to be done: until Novu and Slack have been
    /// asked nothing for a while.
    async fn settle(&self) {
        let asked = || {
            let methods = [Method::GET, Method::POST, Method::PUT, Method::DELETE];
            let counts = methods.map(|it| self.novu.count(&it, "") + self.slack.count(&it, ""));
            counts.iter().sum::<usize>()
        };
        let (mut before, mut quiet) = (asked(), 0);
        let patience = tokio::time::Instant::now() + PATIENCE;
        while quiet < 16 {
            assert!(tokio::time::Instant::now() < patience, "something goes on for ever");
            tokio::time::sleep(Duration::from_millis(2)).await;
            let now = asked();
            quiet = if now == before { quiet + 1 } else { 0 };
            before = now;
        }
    }

    /// Removes an endpoint at Novu, as an operator does.
    async fn remove(&self, endpoint: &str) {
        let url = format!("{}{ENDPOINTS}/{endpoint}", self.novu.url());
        let request = novu_connect_bot::net::client().unwrap().delete(url);
        let key = format!("ApiKey {API_KEY}");
        assert_eq!(request.header("authorization", key).send().await.unwrap().status(), 204);
    }

    /// The subscriber and chat user of each endpoint.
    fn linked(&self) -> Vec<(String, String)> {
        let endpoints = self.novu.endpoints();
        let pairs = endpoints.into_iter().map(|endpoint| {
            let user = endpoint.user_id().unwrap_or_default().to_owned();
            (endpoint.subscriber_id.unwrap_or_default(), user)
        });
        pairs.collect()
    }
}

/// The words on the buttons of a message.
fn labels(message: &Message) -> Vec<String> {
    let buttons = message.buttons();
    let text = |button: &&serde_json::Map<String, Value>| {
        button["text"]["text"].as_str().unwrap_or_default().to_owned()
    };
    buttons.iter().map(text).collect()
}

/// The subscriber that a member of the workspace is.
fn subscriber(user: &str) -> String {
    format!("slack:{TEAM}:{user}")
}
