//! The pages that people see in a browser: the personal page, for messages that live longer than a
//! sign-in link, the start page, from which an administrator connects a workspace, and the landing page,
//! where the sign-in ends.
//!
//! Novu's links are good for five minutes, a card in a chat lasts for years. So the card leads to a
//! page of ours: looking at it changes nothing and calls nobody, however many link previews do;
//! its button asks for a fresh link and follows it.
//!
//! [`Links`] makes the addresses, for those who write messages. [`LinkPages`] serves the pages, and
//! knows the platforms only as [`Chat`]s.

mod cookie;
mod headers;
mod landing;
mod language;
mod not_me;
mod pages;
mod press;
mod routes;
#[cfg(test)]
mod tests;
mod workspace;

use std::sync::Arc;
use std::time::Duration;

use axum::http::HeaderMap;

use crate::answering::{Pace, Responder};
use crate::core::Platform;
use crate::core::workspaces::Workspaces;
use crate::links::Links;
use crate::metrics::Metrics;
use crate::net::is_loopback;
use crate::random::SharedRandom;
use crate::refused::{CausedBy, RefusedRequests, Why};
use crate::tasks::Tasks;
use crate::words::config::Settings;

/// The link is not ours, or not any more.
const UNKNOWN_TOKEN: Why = Why {
    reason: "unknown_token",
    advice: "somebody has cut a link off or made one up, or the store in which its page was is gone; \
             links from before pages were kept there need server.link_keys",
    by: CausedBy::Anybody,
};
/// There is no such platform to come back to.
const UNKNOWN_PLATFORM: Why = Why {
    reason: "unknown_platform",
    advice: "let the redirect URL of the integration in Novu end with /linked/slack or /linked/teams, \
             whichever is on; else strangers",
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
/// Its page was ended by somebody who said that it is not theirs.
const ENDED_PAGE: &str = "ended_page";
/// The store does not answer, which says so itself.
const STORE: &str = "store";
/// How long somebody who pressed the button is kept waiting. Nothing can follow a page.
const TIME_TO_ANSWER: Duration = Duration::from_secs(10);

/// A platform, as pages see it.
#[derive(Debug)]
pub(crate) struct Chat {
    /// Answers its people.
    pub(crate) responder: Arc<dyn Responder>,
    /// The address that takes somebody back to their chat.
    pub(crate) address: String,
    /// Connects its workspaces, where pages lead to that.
    pub(crate) workspaces: Option<Arc<Workspaces>>,
}

impl Chat {
    fn platform(&self) -> &'static Platform {
        self.responder.platform()
    }
}

/// What pages need.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) links: Arc<Links>,
    pub(crate) chats: Vec<Chat>,
    pub(crate) app: Settings,
    pub(crate) random: SharedRandom,
    pub(crate) metrics: Arc<Metrics>,
}

/// Serves pages.
#[derive(Debug)]
pub(crate) struct LinkPages {
    links: Arc<Links>,
    chats: Vec<Arc<Chat>>,
    app: Settings,
    pace: Pace,
    random: SharedRandom,
    metrics: Arc<Metrics>,
    refused: RefusedRequests,
    headers: HeaderMap,
    tasks: Tasks,
}

impl LinkPages {
    /// Pages for the people of these platforms.
    #[must_use]
    pub(crate) fn new(parts: Parts) -> Self {
        let Parts { links, chats, app, random, metrics } = parts;
        let pace = Pace::new(Arc::clone(&links.clock));
        let headers = headers::protective(is_loopback(&links.public_url), app.logo_url.as_ref());
        let noted = [UNKNOWN_TOKEN, UNKNOWN_PLATFORM, CROSS_SITE, BAD_BODY].map(|why| why.reason);
        let reasons = noted.into_iter().chain([EXPIRED_TOKEN, ENDED_PAGE, STORE]);
        let (clock, counts) = (Arc::clone(&links.clock), Arc::clone(&metrics));
        let refused = RefusedRequests::new("link", reasons, clock, counts);
        let chats = chats.into_iter().map(Arc::new).collect();
        let tasks = Tasks::new(Arc::clone(&metrics));
        Self { links, chats, app, pace, random, metrics, refused, headers, tasks }
    }

    fn chat(&self, platform: &str) -> Option<&Arc<Chat>> {
        self.chats.iter().find(|chat| chat.platform().name == platform)
    }
}
