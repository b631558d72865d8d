//! Personal pages, for messages that live longer than a sign-in link.
//!
//! Novu's links are good for five minutes, a card in a chat lasts for years. So the card leads to a
//! page of ours: looking at it changes nothing and calls nobody, however many link previews do;
//! its button asks for a fresh link and follows it.
//!
//! [`Links`] makes the addresses, for those who write messages. [`LinkPages`] serves the pages, and
//! knows the platforms only as [`Desk`]s.

mod headers;
mod language;
mod pages;
mod routes;
#[cfg(test)]
mod tests;

use std::fmt::Debug;
use std::sync::Arc;

use axum::http::HeaderMap;
use futures_util::future::BoxFuture;

use crate::answering::pace::Pace;
use crate::core::{Answer, Ask, Platform};
use crate::links::Links;
use crate::metrics::Metrics;
use crate::net::is_loopback;
use crate::random::SharedRandom;

/// Where a platform answers its people's questions, counts the answers and logs them.
pub trait Desk: Send + Sync + Debug {
    /// Answers a question. Never fails: what goes wrong is a refusal. `hint` is what the platform put
    /// into the invitation to find the person again.
    fn answer<'a>(&'a self, ask: &'a Ask, hint: Option<&'a str>) -> BoxFuture<'a, Answer>;
}

/// Serves personal pages.
#[derive(Debug)]
pub struct LinkPages {
    links: Arc<Links>,
    desks: Vec<(Platform, Arc<dyn Desk>)>,
    pace: Pace,
    random: SharedRandom,
    metrics: Arc<Metrics>,
    headers: HeaderMap,
}

impl LinkPages {
    /// Pages for the people of the platforms that have a desk.
    #[must_use]
    pub fn new(
        links: Arc<Links>,
        desks: Vec<(Platform, Arc<dyn Desk>)>,
        random: SharedRandom,
        metrics: Arc<Metrics>,
    ) -> Self {
        let pace = Pace::new(Arc::clone(&links.clock));
        let headers = headers::protective(is_loopback(&links.public_url));
        Self { links, desks, pace, random, metrics, headers }
    }

    fn desk(&self, platform: Platform) -> Option<&Arc<dyn Desk>> {
        self.desks.iter().find(|(known, _)| *known == platform).map(|(_, desk)| desk)
    }
}
