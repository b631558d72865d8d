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
mod text;
mod token;

use std::fmt::Debug;
use std::sync::Arc;

use axum::http::HeaderMap;
use futures_util::future::BoxFuture;
use url::Url;

use crate::clock::SharedClock;
use crate::connect::pace::Pace;
use crate::connect::{Answer, Ask, Platform};
use crate::metrics::Metrics;
use crate::outbound::{SecretUrl, is_loopback};
use crate::random::SharedRandom;
use crate::signing::SigningKey;
use token::{Keys, Rejected, Token};

pub use token::{Invitation, LIFETIME};

/// Where a platform answers its people's questions, counts the answers and logs them.
pub trait Desk: Send + Sync + Debug {
    /// Answers a question. Never fails: what goes wrong is a refusal. `hint` is what the platform put
    /// into the invitation to find the person again.
    fn answer<'a>(&'a self, ask: &'a Ask, hint: Option<&'a str>) -> BoxFuture<'a, Answer>;
}

/// Makes addresses of personal pages, and tells whether it made one.
#[derive(Debug)]
pub struct Links {
    public_url: Url,
    keys: Keys,
    clock: SharedClock,
}

impl Links {
    /// Links below an origin. The first key signs, all of them verify, so that keys can be
    /// replaced. Nothing without a key.
    #[must_use]
    pub fn new(public_url: Url, keys: Vec<SigningKey>, clock: SharedClock) -> Option<Self> {
        Some(Self { public_url, keys: Keys::new(keys)?, clock })
    }

    /// The address of a person's page, good for [`LIFETIME`] from now. Only for a message that this
    /// person alone sees.
    #[must_use]
    pub fn url_for(&self, invitation: &Invitation) -> SecretUrl {
        let token = self.keys.seal(&Token::issue(invitation, self.clock.now()));
        let mut url = self.public_url.clone();
        url.set_path(&format!("/link/{token}"));
        SecretUrl::new(url)
    }

    fn open(&self, token: &str) -> Result<Token, Rejected> {
        self.keys.open(token, self.clock.now())
    }
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
