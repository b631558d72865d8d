//! Everything Microsoft Teams: what it sends, what it is sent, and the proof that it is Teams.

pub mod activity;
pub mod card;
pub mod cloud;
pub(crate) mod config;
pub mod connector;
pub mod credentials;
mod delivery;
mod desk;
mod inquiry;
pub mod manifest;
mod markup;
mod mention;
pub mod outgoing;
mod pace;
mod presses;
mod routes;
pub mod token;

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::answering::pace::Pace;
use crate::clock::SharedClock;
use crate::core::Connect;
use crate::jobs::Queue;
use crate::links::Links;
use crate::metrics::Metrics;
use crate::page;
use crate::random::SharedRandom;
use crate::seen::Seen;
use crate::store::Store;
use connector::Connector;
use delivery::Deliveries;
use desk::Desk;
use presses::Presses;
use token::Verifier;

pub use routes::router;

/// The kind of our jobs in the store.
const KIND: &str = "teams_reply";
/// How long an activity is remembered. Teams sends one again after 15 seconds, and again later.
const REDELIVERY: Duration = Duration::from_mins(10);

/// What the Teams side is made of.
#[derive(Debug)]
pub struct Parts {
    /// Checks tokens.
    pub verifier: Verifier,
    /// Answers questions.
    pub connect: Connect,
    /// Speaks to Teams.
    pub connector: Connector,
    /// Makes links to personal pages, where there are any.
    pub links: Option<Arc<Links>>,
    /// Holds promises.
    pub store: Arc<Store>,
    /// The bot's application id.
    pub app_id: String,
    /// How long the HTTP response to a pressed button may wait for its card.
    pub reply_budget: Duration,
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
    desk: Arc<Desk>,
    deliveries: Arc<Deliveries>,
    seen: Seen,
    presses: Arc<Presses>,
    reply_budget: Duration,
    clock: SharedClock,
    random: SharedRandom,
    metrics: Arc<Metrics>,
    tasks: TaskTracker,
}

impl Teams {
    /// Puts the parts together.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let (clock, metrics) = (parts.clock, parts.metrics);
        let desk =
            Desk::new(parts.connect, Arc::new(parts.connector), parts.links, Arc::clone(&metrics));
        let desk = Arc::new(desk);
        let queue =
            Queue::new(parts.store, KIND, "teams", Arc::clone(&clock), Arc::clone(&metrics));
        let pace = Pace::new(Arc::clone(&clock));
        let deliveries = Deliveries::new(Arc::clone(&desk), queue, pace, parts.app_id);
        Self {
            verifier: parts.verifier,
            desk,
            deliveries: Arc::new(deliveries),
            seen: Seen::new(REDELIVERY, Arc::clone(&metrics)),
            presses: Arc::default(),
            reply_budget: parts.reply_budget,
            clock,
            random: parts.random,
            metrics,
            tasks: TaskTracker::new(),
        }
    }

    /// Where personal pages get their answers.
    #[must_use]
    pub fn page_desk(&self) -> Arc<dyn page::Desk> {
        Arc::clone(&self.desk) as Arc<dyn page::Desk>
    }

    /// What keeps the Teams side from serving, in a word; nothing if it serves.
    pub async fn trouble(&self) -> Option<&'static str> {
        match self.verifier.trouble() {
            Some(word) => Some(word),
            None => self.desk.connect().index().trouble().await,
        }
    }

    /// Does what goes on beside the requests: keeps keys and workspace index fresh, and promises.
    pub async fn run(&self, stop: CancellationToken) {
        let deliveries = Arc::clone(&self.deliveries).work(self.tasks.clone(), stop.clone());
        let index = self.desk.connect().index().keep_fresh(stop.clone());
        tokio::join!(self.verifier.run(stop), index, deliveries);
    }

    /// Waits until nobody is being answered any more. Call once no new requests come in.
    pub async fn finish(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }
}
