//! Everything Slack: what it sends, what it is sent, and the proof that it is Slack.

pub mod block_kit;
mod desk;
mod late;
pub mod manifest;
mod payload;
mod response_url;
mod routes;
pub mod signature;
mod web_api;

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::answering::pace::Pace;
use crate::clock::SharedClock;
use crate::core::Connect;
use crate::links::Links;
use crate::metrics::Metrics;
use crate::net::{HostAllowlist, Outgoing};
use crate::page;
use crate::random::SharedRandom;
use crate::store::Store;
use desk::Desk;
use late::LateReplies;
use signature::Verifier;

pub use payload::{Incomplete, Interaction, SlashCommand};
pub use routes::router;
pub use web_api::{CallError, WebApi};

/// What the Slack side is made of.
#[derive(Debug)]
pub struct Parts {
    /// Checks signatures.
    pub verifier: Verifier,
    /// Answers questions.
    pub connect: Connect,
    /// Asks Slack about its people and sends direct messages.
    pub web_api: WebApi,
    /// Makes links to personal pages, where there are any.
    pub links: Option<Arc<Links>>,
    /// Holds promises.
    pub store: Arc<Store>,
    /// Sends late answers.
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
    desk: Arc<Desk>,
    late: Arc<LateReplies>,
    pace: Pace,
    command: String,
    response_hosts: HostAllowlist,
    reply_budget: Duration,
    clock: SharedClock,
    random: SharedRandom,
    metrics: Arc<Metrics>,
    tasks: TaskTracker,
}

impl Slack {
    /// Puts the parts together.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let metrics = Arc::clone(&parts.metrics);
        let desk = Arc::new(Desk::new(parts.connect, parts.web_api, parts.links, metrics));
        let late = LateReplies::new(
            parts.store,
            Arc::clone(&desk),
            parts.http,
            Arc::clone(&parts.clock),
            Arc::clone(&parts.metrics),
        );
        Self {
            verifier: parts.verifier,
            desk,
            late: Arc::new(late),
            pace: Pace::new(Arc::clone(&parts.clock)),
            command: parts.command,
            response_hosts: parts.response_hosts,
            reply_budget: parts.reply_budget,
            clock: parts.clock,
            random: parts.random,
            metrics: parts.metrics,
            tasks: TaskTracker::new(),
        }
    }

    /// Where personal pages get their answers.
    #[must_use]
    pub fn page_desk(&self) -> Arc<dyn page::Desk> {
        Arc::clone(&self.desk) as Arc<dyn page::Desk>
    }

    /// What keeps the Slack side from serving, in a word; nothing if it serves.
    pub async fn trouble(&self) -> Option<&'static str> {
        self.desk.connect().index().trouble().await
    }

    /// Does what goes on beside the requests: keeps the workspace index fresh and the promises.
    pub async fn run(&self, stop: CancellationToken) {
        let late = Arc::clone(&self.late).work(self.tasks.clone(), stop.clone());
        tokio::join!(self.desk.connect().index().keep_fresh(stop), late);
    }

    /// Waits until nobody is being answered any more. Call once no new requests come in.
    pub async fn finish(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }
}
