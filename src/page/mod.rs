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
use crate::refused::{CausedBy, RefusedRequests, Why};

/// The link is not ours, or not any more.
const UNKNOWN_TOKEN: Why = Why {
    reason: "unknown_token",
    advice: "if server.link_keys was replaced, keep the key before it for a day; else somebody has \
             cut a link off or made one up",
    by: CausedBy::Anybody,
};
/// The button was pressed on a page of another site.
const CROSS_SITE: Why = Why {
    reason: "cross_site",
    advice: "compare server.public_url with the address that people see, and see that no proxy \
             changes the header Origin; else another site has sent people here",
    by: CausedBy::Anybody,
};
/// The body is too large, or did not arrive.
const BAD_BODY: Why = Why {
    reason: "bad_body",
    advice: "strangers, or a proxy that breaks requests off",
    by: CausedBy::Strangers,
};
/// The link is ours and its time is over, which is nothing to look at.
const EXPIRED_TOKEN: &str = "expired_token";
/// How long somebody who pressed the button is kept waiting. Nothing can follow a page.
const TIME_TO_ANSWER: Duration = Duration::from_secs(10);

/// Serves personal pages.
#[derive(Debug)]
pub(crate) struct LinkPages {
    links: Arc<Links>,
    responders: Vec<Arc<dyn Responder>>,
    pace: Pace,
    random: SharedRandom,
    metrics: Arc<Metrics>,
    refused: RefusedRequests,
    headers: HeaderMap,
}

impl LinkPages {
    /// Pages for the people of the platforms that have a responder.
    #[must_use]
    pub(crate) fn new(
        links: Arc<Links>,
        responders: Vec<Arc<dyn Responder>>,
        random: SharedRandom,
        metrics: Arc<Metrics>,
    ) -> Self {
        let pace = Pace::new(Arc::clone(&links.clock));
        let headers = headers::protective(is_loopback(&links.public_url));
        let noted = [UNKNOWN_TOKEN, CROSS_SITE, BAD_BODY].map(|why| why.reason);
        let reasons = noted.into_iter().chain([EXPIRED_TOKEN]);
        let (clock, counts) = (Arc::clone(&links.clock), Arc::clone(&metrics));
        let refused = RefusedRequests::new("link", reasons, clock, counts);
        Self { links, responders, pace, random, metrics, refused, headers }
    }

    fn responder(&self, platform: &PlatformName) -> Option<&Arc<dyn Responder>> {
        self.responders.iter().find(|known| known.platform().name == platform.as_str())
    }
}
