//! Everything Slack: what it sends, what it is sent, and the proof that it is Slack.

pub mod block_kit;
pub(crate) mod config;
mod deliver;
pub mod manifest;
mod payload;
mod response_url;
mod routes;
pub mod signature;
mod web_api;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio_util::sync::CancellationToken;

use crate::answering::{self, Answering, Responder, Surface};
use crate::clock::SharedClock;
use crate::core::{Linking, Person, Platform};
use crate::links::Links;
use crate::metrics::Metrics;
use crate::net::{HostAllowlist, Outgoing};
use crate::novu::Endpoint;
use crate::random::SharedRandom;
use crate::store::Store;
use deliver::SlackDelivery;
use signature::Verifier;

pub use payload::{Incomplete, Interaction, SlashCommand};
pub use web_api::{CallError, WebApi};

/// Slack, including Enterprise Grid and GovSlack.
pub const PLATFORM: Platform = Platform {
    name: "slack",
    brand: "Slack",
    provider: "Slack",
    place: "link-workspace",
    // Slack lets only members of a workspace that installed the app use its command.
    only_members_ask: true,
    ids_have_case: true,
    delivers_without_connection: false,
    reaches,
};

/// Whether an endpoint reaches this person's account.
fn reaches(endpoint: &Endpoint, person: &Person) -> bool {
    matches!(endpoint, Endpoint::SlackUser { user_id } if PLATFORM.same_id(user_id, &person.user))
}

/// What the Slack side is made of.
#[derive(Debug)]
pub struct Parts {
    /// Checks signatures.
    pub verifier: Verifier,
    /// The core.
    pub linking: Arc<Linking>,
    /// Asks Slack about its people and sends direct messages.
    pub web_api: WebApi,
    /// Makes links to personal pages, where there are any.
    pub links: Option<Arc<Links>>,
    /// Holds promises.
    pub store: Arc<Store>,
    /// Posts to response URLs.
    pub http: Outgoing,
    /// The command's name, such as `/connect`, for requests that do not say theirs.
    pub command: String,
    /// The hosts that a response URL may have.
    pub response_hosts: HostAllowlist,
    /// How long the HTTP response may wait for the answer.
    pub reply_budget: Duration,
    /// Tells the time.
    pub clock: SharedClock,
    /// Makes references.
    pub random: SharedRandom,
    /// Counts.
    pub metrics: Arc<Metrics>,
}

/// The Slack side of the service.
#[derive(Debug)]
pub struct Slack {
    verifier: Verifier,
    answering: Arc<Answering<SlackDelivery>>,
    command: String,
    response_hosts: HostAllowlist,
    reply_budget: Duration,
    clock: SharedClock,
    random: SharedRandom,
    metrics: Arc<Metrics>,
}

impl Slack {
    /// Puts the parts together.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let (clock, metrics) = (parts.clock, parts.metrics);
        let delivery = SlackDelivery {
            linking: Arc::clone(&parts.linking),
            web_api: parts.web_api,
            http: parts.http,
            clock: Arc::clone(&clock),
        };
        let machine = answering::Parts {
            linking: parts.linking,
            links: parts.links,
            store: parts.store,
            clock: Arc::clone(&clock),
            metrics: Arc::clone(&metrics),
        };
        Self {
            verifier: parts.verifier,
            answering: Arc::new(Answering::new(delivery, machine)),
            command: parts.command,
            response_hosts: parts.response_hosts,
            reply_budget: parts.reply_budget,
            clock,
            random: parts.random,
            metrics,
        }
    }
}

impl Surface for Slack {
    fn platform(&self) -> &'static Platform {
        &PLATFORM
    }

    fn routes(self: Arc<Self>) -> Router {
        routes::router(self)
    }

    fn run(&self, stop: CancellationToken) -> BoxFuture<'_, ()> {
        async move {
            let index = self.answering.linking().index().keep_fresh(stop.clone());
            tokio::join!(index, self.answering.run(stop));
        }
        .boxed()
    }

    fn drain(&self) -> BoxFuture<'_, ()> {
        self.answering.finish().boxed()
    }

    fn trouble(&self) -> BoxFuture<'_, Option<&'static str>> {
        self.answering.linking().trouble().boxed()
    }

    fn responder(&self) -> Arc<dyn Responder> {
        Arc::clone(&self.answering) as Arc<dyn Responder>
    }
}
