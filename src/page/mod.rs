//! Personal pages, for messages that live longer than a sign-in link.
//!
//! Novu's links are good for five minutes, a card in a chat lasts for years. So the card leads to a
//! page of ours: looking at it changes nothing and calls nobody, however many link previews do;
//! its button asks for a fresh link and follows it.
//!
//! [`Links`] makes the addresses, for those who write messages. [`LinkPages`] serves the pages, and
//! knows the platforms only as [`Responder`]s.

mod headers;
mod language;
mod pages;
mod routes;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use axum::http::HeaderMap;

use crate::answering::{Pace, Responder};
use crate::core::PlatformName;
use crate::links::Links;
use crate::metrics::Metrics;
use crate::net::is_loopback;
use crate::random::SharedRandom;

/// Why a request for a page is refused, in the words of metrics.
pub const REFUSALS: [&str; 4] = ["unknown_token", "expired_token", "cross_site", "bad_body"];
/// How long somebody who pressed the button is kept waiting. Nothing can follow a page.
const TIME_TO_ANSWER: Duration = Duration::from_secs(10);

/// Serves personal pages.
#[derive(Debug)]
pub struct LinkPages {
    links: Arc<Links>,
    responders: Vec<Arc<dyn Responder>>,
    pace: Pace,
    random: SharedRandom,
    metrics: Arc<Metrics>,
    headers: HeaderMap,
}

impl LinkPages {
    /// Pages for the people of the platforms that have a responder.
    #[must_use]
    pub fn new(
        links: Arc<Links>,
        responders: Vec<Arc<dyn Responder>>,
        random: SharedRandom,
        metrics: Arc<Metrics>,
    ) -> Self {
        let pace = Pace::new(Arc::clone(&links.clock));
        let headers = headers::protective(is_loopback(&links.public_url));
        Self { links, responders, pace, random, metrics, headers }
    }

    fn responder(&self, platform: &PlatformName) -> Option<&Arc<dyn Responder>> {
        self.responders.iter().find(|known| known.platform().name == platform.as_str())
    }
}
