//! The engine of durable work.
//!
//! A piece of work is a `Work`: a serialisable type with a kind and a version, which knows how to
//! run itself. It is in the store before anybody is told of it, leased while somebody runs it, and
//! leaves the store when it is done. A lease that runs out, because its holder died, can be taken by
//! anybody; what a late holder concludes then changes nothing. Types of work live with their owners.

mod envelope;
mod worker;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::Notify;

use crate::clock::SharedClock;
use crate::metrics::Metrics;
use crate::store::{Held, Lease, NewJob, Store, StoreError};

/// How long a job is held.
const LEASE: Duration = Duration::from_mins(2);
/// How often anything is tried before it is given up.
pub(crate) const MOST_ATTEMPTS: u32 = 10;
/// The longest pause between two attempts that nobody asked for.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);
/// The longest pause that anybody can ask for. Whoever asks for more is asked again then.
const LONGEST_WAIT: Duration = Duration::from_mins(10);

/// The longest pause once nothing waits for its time any more.
const HASTENED_PAUSE: Duration = Duration::from_millis(500);

/// A kind of durable work.
pub(crate) trait Work: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// Chooses who runs it; part of the store's contents, so it never changes.
    const KIND: &'static str;
    /// The version of the payload. A payload of another version is read by [`Work::upgrade`].
    const VERSION: u32;
    /// For whom it is counted: a platform.
    const OWNER: &'static str;
    /// What it takes to run it.
    type Context: Send + Sync + 'static;

    /// Runs it once. Whatever it changes in itself is stored with the outcome.
    fn run(
        &mut self,
        context: &Arc<Self::Context>,
        lease: &Lease,
    ) -> impl Future<Output = Ran> + Send;

    /// The reference that log lines about it carry.
    fn reference(&self) -> String;

    /// Reads a payload of an earlier version; none where that cannot be done.
    fn upgrade(_version: u32, _payload: serde_json::Value) -> Option<Self> {
        None
    }
}

/// How an attempt at a job ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ran {
    /// It is done; in what way, as a word for metrics.
    Done(&'static str),
    /// Not yet. Another attempt follows after so long, or, where nobody said how long, after a pause
    /// that doubles with each attempt.
    Again(Option<Duration>),
    /// It cannot be done.
    Failed,
}

/// The jobs of one kind.
#[derive(Debug)]
pub(crate) struct Jobs<W> {
    store: Arc<Store>,
    clock: SharedClock,
    metrics: Arc<Metrics>,
    /// Rings when a job may have come due earlier than the worker expects.
    changed: Notify,
    /// Whether nothing waits for its time any more.
    hastened: AtomicBool,
    work: std::marker::PhantomData<fn() -> W>,
}

impl<W: Work> Jobs<W> {
    /// The jobs of this kind in `store`.
    pub(crate) fn new(store: Arc<Store>, clock: SharedClock, metrics: Arc<Metrics>) -> Self {
        let (changed, hastened) = (Notify::new(), AtomicBool::new(false));
        Self { store, clock, metrics, changed, hastened, work: std::marker::PhantomData }
    }

    /// Puts a job in that the caller runs itself, at once. If the caller dies, somebody else takes it
    /// over when its lease runs out.
    ///
    /// # Errors
    /// The store cannot hold it, so nothing may be promised.
    pub(crate) async fn begin(&self, work: &W) -> Result<Lease, StoreError> {
        let job = NewJob { kind: W::KIND, payload: envelope::seal(work) };
        let lease = self.store.begin(job, LEASE).await?;
        self.count_open().await;
        Ok(lease)
    }

    /// Puts a job in that is to be run after `pause`.
    ///
    /// # Errors
    /// The store cannot hold it, so nothing may be promised.
    pub(crate) async fn put(&self, work: &W, pause: Duration) -> Result<(), StoreError> {
        let lease = self.begin(work).await?;
        self.postpone(&lease, work, pause).await;
        Ok(())
    }

    /// Runs what waits for its time at once, from now on.
    pub(crate) async fn hasten(&self) {
        self.hastened.store(true, Ordering::Relaxed);
        if let Err(error) = self.store.hasten(W::KIND).await {
            tracing::error!(%error, kind = W::KIND, "waiting jobs could not be started early");
        }
        self.changed.notify_one();
    }

    /// Stores a job that has changed while it runs, and holds it for another while. Whether it is still
    /// the caller's; a store that does not answer leaves it so until its lease runs out.
    pub(crate) async fn save(&self, lease: &Lease, work: &W) -> bool {
        let saved = self.store.save(lease, envelope::seal(work), LEASE).await;
        let lost = saved == Ok(Held::NoLonger);
        self.note(saved, "saved");
        !lost
    }

    /// Takes note of how an attempt ended: takes the job out, or puts it back as it is now. Whether
    /// it is over.
    pub(crate) async fn conclude(&self, lease: &Lease, work: &W, ran: Ran) -> Over {
        match ran {
            Ran::Done(way) => {
                self.finish(lease, way).await;
                Over::Done
            }
            Ran::Again(pause) if lease.attempts < MOST_ATTEMPTS => {
                let own = Duration::from_secs(1 << lease.attempts.min(6)).min(LONGEST_PAUSE);
                self.postpone(lease, work, pause.unwrap_or(own).min(LONGEST_WAIT)).await;
                Over::NotYet
            }
            Ran::Again(_) | Ran::Failed => {
                self.finish(lease, "undelivered").await;
                Over::GivenUp
            }
        }
    }

    async fn postpone(&self, lease: &Lease, work: &W, pause: Duration) {
        let hastened = self.hastened.load(Ordering::Relaxed);
        let pause = if hastened { pause.min(HASTENED_PAUSE) } else { pause };
        let postponed = self.store.postpone(lease, envelope::seal(work), pause).await;
        self.note(postponed, "put back");
        self.changed.notify_one();
    }

    async fn finish(&self, lease: &Lease, outcome: &'static str) {
        self.metrics.late(W::OWNER, outcome);
        let finished = self.store.finish(lease).await;
        self.note(finished, "taken out");
        self.count_open().await;
    }

    /// Logs what kept a change from being stored.
    fn note(&self, outcome: Result<Held, StoreError>, change: &str) {
        match outcome {
            Ok(Held::Still) => {}
            Ok(Held::NoLonger) => {
                self.metrics.late(W::OWNER, "lease_lost");
                tracing::warn!(
                    kind = W::KIND,
                    "a job took longer than its lease; its result is ignored"
                );
            }
            Err(error) => {
                tracing::error!(%error, kind = W::KIND, "a job could not be {change}; its lease will run out");
            }
        }
    }

    async fn count_open(&self) {
        if let Ok(open) = self.store.open_jobs().await {
            self.metrics.promises_open.set(i64::try_from(open).unwrap_or(i64::MAX));
        }
    }
}

/// Whether a job is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Over {
    /// It is done and out of the store.
    Done,
    /// It is in the store, for another attempt.
    NotYet,
    /// It is out of the store, undone.
    GivenUp,
}

#[cfg(test)]
mod tests;
