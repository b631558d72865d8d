//! Everything Microsoft Teams: what it sends, what it is sent, and the proof that it is Teams.

pub mod activity;
pub mod card;
pub mod cloud;
pub(crate) mod config;
pub mod connector;
pub mod credentials;
mod deliver;
pub mod manifest;
mod markup;
mod mention;
pub mod outgoing;
mod pace;
mod routes;
pub mod token;

use std::sync::Arc;

use axum::Router;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio_util::sync::CancellationToken;

use crate::answering::{self, Answering, Responder, Surface};
use crate::clock::SharedClock;
use crate::core::{Linking, Person, Platform};
use crate::links::Links;
use crate::metrics::Metrics;
use crate::novu::Endpoint;
use crate::random::SharedRandom;
use crate::store::Store;
use connector::Connector;
use deliver::TeamsDelivery;
use token::Verifier;

/// What comes before the words that people type: nothing, for they write to the bot itself.
const COMMAND: &str = "";
/// A link that opens a chat with a bot, but for the bot's id (Teams, deep links).
const DEEP_LINK: &str = "https://teams.microsoft.com/l/chat/0/0?users=28:";

/// Microsoft Teams.
pub const PLATFORM: Platform = Platform {
    name: "teams",
    brand: "Microsoft Teams",
    provider: "Microsoft",
    place: "link-tenant",
    // People of other tenants can write to a bot.
    only_members_ask: false,
    // Entra's ids are GUIDs.
    ids_have_case: false,
    // An endpoint carries its tenant.
    delivers_without_connection: true,
    reaches,
};

/// Whether an endpoint reaches this person's account.
fn reaches(endpoint: &Endpoint, person: &Person) -> bool {
    let Endpoint::MsTeamsUser { user_id, tenant_id } = endpoint else { return false };
    PLATFORM.same_id(user_id, &person.user)
        && tenant_id.as_ref().is_none_or(|id| PLATFORM.same_id(id, &person.workspace.id))
}

/// What the Teams side is made of.
#[derive(Debug)]
pub struct Parts {
    /// Checks tokens.
    pub verifier: Verifier,
    /// The core.
    pub linking: Arc<Linking>,
    /// Speaks to Teams.
    pub connector: Connector,
    /// Makes links to personal pages, where there are any.
    pub links: Option<Arc<Links>>,
    /// Holds promises.
    pub store: Arc<Store>,
    /// The bot's application id.
    pub app_id: String,
    /// Tells the time.
    pub clock: SharedClock,
    /// Makes references.
    pub random: SharedRandom,
    /// Counts.
    pub metrics: Arc<Metrics>,
}

/// The Teams side of the service.
#[derive(Debug)]
pub struct Teams {
    verifier: Verifier,
    answering: Arc<Answering<TeamsDelivery>>,
    clock: SharedClock,
    random: SharedRandom,
    metrics: Arc<Metrics>,
}

impl Teams {
    /// Puts the parts together.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let (clock, metrics) = (parts.clock, parts.metrics);
        let delivery = TeamsDelivery::new(parts.connector, parts.app_id);
        let machine = answering::Parts {
            linking: parts.linking,
            links: parts.links,
            store: parts.store,
            clock: Arc::clone(&clock),
            metrics: Arc::clone(&metrics),
        };
        let answering = Arc::new(Answering::new(delivery, machine));
        Self { verifier: parts.verifier, answering, clock, random: parts.random, metrics }
    }
}

impl Surface for Teams {
    fn platform(&self) -> &'static Platform {
        &PLATFORM
    }

    fn routes(self: Arc<Self>) -> Router {
        routes::router(self)
    }

    fn run(&self, stop: CancellationToken) -> BoxFuture<'_, ()> {
        async move {
            let index = self.answering.linking().index().keep_fresh(stop.clone());
            let answers = self.answering.run(stop.clone());
            tokio::join!(self.verifier.run(stop), index, answers);
        }
        .boxed()
    }

    fn drain(&self) -> BoxFuture<'_, ()> {
        self.answering.finish().boxed()
    }

    fn trouble(&self) -> BoxFuture<'_, Option<&'static str>> {
        async move {
            match self.verifier.trouble() {
                Some(word) => Some(word),
                None => self.answering.linking().trouble().await,
            }
        }
        .boxed()
    }

    fn responder(&self) -> Arc<dyn Responder> {
        Arc::clone(&self.answering) as Arc<dyn Responder>
    }
}
