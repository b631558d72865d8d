//! From a question to its answer in front of one person, once for all platforms.
//!
//! A platform brings a [`Deliver`]: who asks, and how one person is made to see one message. The rest
//! is here: pace, the promise in the store before it is made, the answer by a deadline or as a message,
//! what is tried again and for how long, redeliveries, and one log line and one count for each answer.

mod acknowledged;
mod admission;
mod attempt;
mod before_link;
mod decide;
mod deliver;
mod machine;
mod messages;
mod outage;
mod pace;
mod pending;
mod people;
mod record;
mod responder;
mod surface;
mod watch;
mod within;
mod workspaces;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio_util::sync::CancellationToken;

use crate::audit::Audit;
use crate::clock::{SharedClock, Tick};
use crate::core::{Answer, DedupKey, Intent, Linking, Question};
use crate::doctor::Sightings;
use crate::jobs::Jobs;
use crate::links::Links;
use crate::metrics::Metrics;
use crate::random::SharedRandom;
use crate::store::{JobId, Lease, Store};
use crate::tasks::Tasks;
use admission::Admissions;
use messages::Messages;
use outage::{NextStep, Outage};
use watch::Watches;

pub use admission::AskedBefore;
pub use deliver::{Deliver, Shown};
pub use machine::Machine;
pub use messages::MessageId;
pub use pace::Pace;
pub use pending::{Asked, PendingReply};
pub use people::People;
pub use record::record;
pub use responder::Responder;
pub use surface::{Common, Surface, SurfaceEntry, SurfaceSettings};

/// What a machine is made of, beside the platform's own half.
#[derive(Debug)]
pub struct Parts {
    /// The core for the platform.
    pub linking: Arc<Linking>,
    /// Takes note of what an auditor asks for later.
    pub audit: Arc<Audit>,
    /// Makes links to personal pages, where there are any.
    pub links: Option<Arc<Links>>,
    /// Holds promises, and messages that can change.
    pub store: Store,
    /// Tells the time.
    pub clock: SharedClock,
    /// Spreads what is tried again.
    pub random: SharedRandom,
    /// Counts.
    pub metrics: Arc<Metrics>,
}

/// Answers the questions of one platform's people.
#[derive(Debug)]
pub struct Answering<D: Deliver> {
    deliver: D,
    linking: Arc<Linking>,
    links: Option<Arc<Links>>,
    jobs: Arc<Jobs<PendingReply<D>>>,
    messages: Messages,
    watches: Watches<D>,
    /// Answers that wait for another attempt at their delivery. They hold links, so they are in memory
    /// alone; after a restart another answer is made.
    undelivered: Mutex<HashMap<JobId, Undelivered>>,
    admissions: Admissions,
    audit: Arc<Audit>,
    sightings: Sightings,
    outage: Outage,
    clock: SharedClock,
    metrics: Arc<Metrics>,
    tasks: Tasks,
    /// Cancelled once nothing is waited for any more.
    concluding: CancellationToken,
}

/// An answer that waits for another attempt at its delivery.
#[derive(Debug)]
struct Undelivered {
    answer: Answer,
    /// Until when it says the truth; for ever without it.
    until: Option<Tick>,
}

impl<D: Deliver> Answering<D> {
    /// A machine that answers nobody yet.
    #[must_use]
    pub fn new(deliver: D, parts: Parts) -> Self {
        let Parts { linking, links, store, audit, clock, random, metrics } = parts;
        metrics.begin_late(D::PLATFORM.name, D::WAYS);
        let jobs =
            Jobs::new(store.clone(), Arc::clone(&clock), Arc::clone(&random), Arc::clone(&metrics));
        let follow_ups = Jobs::new(store.clone(), Arc::clone(&clock), random, Arc::clone(&metrics));
        Self {
            deliver,
            linking,
            links,
            jobs: Arc::new(jobs),
            messages: Messages::new(store.clone()),
            watches: Watches::new(store.clone(), Arc::clone(&clock), follow_ups),
            undelivered: Mutex::default(),
            admissions: Admissions::new(store, Arc::clone(&clock)),
            audit,
            sightings: Sightings::default(),
            outage: Outage::default(),
            clock,
            tasks: Tasks::new(Arc::clone(&metrics)),
            metrics,
            concluding: CancellationToken::new(),
        }
    }

    /// What was seen on the platform since the process began.
    #[must_use]
    pub const fn sightings(&self) -> &Sightings {
        &self.sightings
    }

    /// Whether a request was at no other process before. This process has asked itself already.
    pub async fn is_new_elsewhere(&self, key: DedupKey) -> bool {
        self.admissions.is_new_elsewhere(key).await
    }

    fn count_asked(&self, question: &Question) {
        if question.intent == Intent::Connect {
            self.metrics.funnel(D::PLATFORM.name, "asked");
        }
    }

    /// Whether an answer is said, or the question tried again because it is a refusal that may pass.
    fn next_step(&self, pending: &PendingReply<D>, answer: &Answer) -> NextStep {
        let asked_at = pending.question().asked_at;
        let next = |refusal| self.outage.next_step(refusal, asked_at, self.clock.now());
        let passing = answer.passing().filter(|_| !self.concluding.is_cancelled());
        passing.map_or(NextStep::Say, next)
    }

    fn keep_undelivered(&self, lease: &Lease, answer: Answer) {
        let until = attempt::good_until(&answer, &*self.clock);
        self.undelivered().insert(lease.id, Undelivered { answer, until });
    }

    /// The answer whose delivery did not work out, if it is still good.
    fn take_undelivered(&self, lease: &Lease) -> Option<Answer> {
        let Undelivered { answer, until } = self.undelivered().remove(&lease.id)?;
        until.is_none_or(|until| self.clock.monotonic() < until).then_some(answer)
    }

    fn undelivered(&self) -> std::sync::MutexGuard<'_, HashMap<JobId, Undelivered>> {
        // A panic while the lock was held leaves a whole map behind: there is nothing to repair.
        self.undelivered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
