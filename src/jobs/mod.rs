//! The engine of durable work.
//!
//! A piece of work is a `Work`: a serialisable type with a kind and a version, which knows how to
//! run itself. It is in the store before anybody is told of it, leased while somebody runs it, and
//! leaves the store when it is done. A lease that runs out, because its holder died, can be taken by
//! anybody; what a late holder concludes then changes nothing. Types of work live with their owners.

mod envelope;
mod worker;

use std::fmt::Display;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use secrecy::SecretString;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::{Notify, oneshot};

use crate::clock::SharedClock;
use crate::metrics::Metrics;
use crate::random::SharedRandom;
use crate::store::{
    Begun, Change, Counts, Held, KeyAfterwards, Lease, NewJob, Store, StoreError, StoreTrouble,
    Written,
};

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
    /// Whether it is dropped once it has stopped its worker so often that it may do so for ever.
    const GIVES_UP: bool = true;
    /// Whether it is an answer, of which it is counted how it was delivered.
    const IS_ANSWER: bool;
    /// For whom it is counted: a platform.
    const OWNER: &'static str;
    /// What becomes of its key when it ends.
    const KEY_AFTERWARDS: KeyAfterwards;
    /// What it takes to run it.
    type Context: Send + Sync + 'static;

    /// Of the work of this kind there is at most one with this key; none where any number is welcome.
    fn key(&self) -> Option<[u8; 32]>;

    /// Runs it once. Whatever it changes in itself is stored with the outcome.
    fn run(
        &mut self,
        context: &Arc<Self::Context>,
        lease: &Lease,
    ) -> impl Future<Output = Ran> + Send;

    /// What is stored together with the outcome of an attempt.
    fn beside(&self) -> Vec<Change> {
        Vec::new()
    }

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
    /// Nothing was tried: it has to wait for so long first. Does not count as an attempt.
    Snooze(Duration),
    /// It cannot be done.
    Failed,
}

/// The jobs of one kind.
#[derive(Debug)]
pub(crate) struct Jobs<W> {
    store: Store,
    clock: SharedClock,
    random: SharedRandom,
    metrics: Arc<Metrics>,
    /// Rings when a job may have come due earlier than the worker expects.
    changed: Notify,
    /// Whether nothing waits for its time any more.
    hastened: AtomicBool,
    work: std::marker::PhantomData<fn() -> W>,
}

impl<W: Work> Jobs<W> {
    /// The jobs of this kind in `store`.
    pub(crate) fn new(
        store: Store,
        clock: SharedClock,
        random: SharedRandom,
        metrics: Arc<Metrics>,
    ) -> Self {
        let (changed, hastened) = (Notify::new(), AtomicBool::new(false));
        Self { store, clock, random, metrics, changed, hastened, work: std::marker::PhantomData }
    }

    /// Puts a job in that the caller runs itself, at once. If the caller dies, somebody else takes it
    /// over. Says so where there is a job with its key, or was one lately.
    ///
    /// # Errors
    /// The store cannot hold it, so nothing may be promised.
    pub(crate) async fn begin(&self, work: &W) -> Result<Begun, StoreError> {
        self.store.begin(new_job(work), LEASE).await
    }

    /// As [`Jobs::begin`], but within `limit`. A job that is stored later than that is withdrawn, because
    /// its caller has promised nothing.
    ///
    /// # Errors
    /// The store cannot hold it or is too slow, so nothing may be promised.
    pub(crate) async fn begin_within(
        self: &Arc<Self>,
        work: &W,
        limit: Duration,
    ) -> Result<Begun, StoreError> {
        let (told, mut heard) = oneshot::channel();
        let (jobs, job) = (Arc::clone(self), new_job(work));
        tokio::spawn(async move {
            let begun = jobs.store.begin(job, LEASE).await;
            if let Err(Ok(Begun::Leased(lease))) = told.send(begun) {
                let withdrawal = Change::Finish(lease, "withdrawn", KeyAfterwards::Free);
                jobs.write(withdrawal, Vec::new(), "withdrawn").await;
            }
        });
        let slow = StoreError::Unavailable(StoreTrouble::Slow);
        tokio::select! {
            biased;
            begun = &mut heard => begun.unwrap_or(Err(slow)),
            () = self.clock.sleep(limit) => {
                heard.close();
                heard.try_recv().unwrap_or(Err(slow))
            }
        }
    }

    /// Puts a job in that is to be run after `pause`. Whether it was put in: there may be one with its
    /// key.
    ///
    /// # Errors
    /// The store cannot hold it, so nothing may be promised.
    pub(crate) async fn put(&self, work: &W, pause: Duration) -> Result<bool, StoreError> {
        let written = self.store.write(vec![Change::Put(new_job(work), pause)]).await?;
        self.changed.notify_one();
        Ok(matches!(written, Written::All(_)))
    }

    /// The change that puts a job in, for whoever writes it together with others, and rings afterwards.
    pub(crate) fn change(work: &W, pause: Duration) -> Change {
        Change::Put(new_job(work), pause)
    }

    /// Lets the worker look for what was put in.
    pub(crate) fn ring(&self) {
        self.changed.notify_one();
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
                self.finish(lease, way, work.beside()).await;
                Over::Done
            }
            Ran::Again(pause) if lease.attempts < MOST_ATTEMPTS => {
                let pause = pause.unwrap_or_else(|| self.own_pause(lease.attempts));
                self.postpone(lease, work, pause, Counts::Attempt).await;
                Over::NotYet
            }
            Ran::Snooze(pause) => {
                self.postpone(lease, work, pause, Counts::Snooze).await;
                Over::NotYet
            }
            Ran::Again(_) | Ran::Failed => {
                self.finish(lease, "undelivered", Vec::new()).await;
                Over::GivenUp
            }
        }
    }

    /// What comes of an attempt. One that panics is counted, logged, and followed by another.
    pub(crate) async fn catch(
        &self,
        reference: impl Display,
        attempt: impl Future<Output = Ran> + Send,
    ) -> Ran {
        // Boxed, because each future around another one of its size takes as much of the stack again.
        AssertUnwindSafe(attempt.boxed()).catch_unwind().await.unwrap_or_else(|_| {
            self.metrics.panicked("task");
            tracing::error!(%reference, kind = W::KIND, "an attempt at a job panicked");
            Ran::Again(None)
        })
    }

    /// A pause that doubles with each attempt, a quarter more or less by chance, so that what failed
    /// together does not come back together.
    fn own_pause(&self, attempts: u32) -> Duration {
        let mut chance = [0];
        self.random.fill(&mut chance);
        let factor = 0.75 + f64::from(chance[0]) / 510.0;
        Duration::from_secs(1 << attempts.min(6)).mul_f64(factor).min(LONGEST_PAUSE)
    }

    async fn postpone(&self, lease: &Lease, work: &W, pause: Duration, counts: Counts) {
        self.put_back(lease, envelope::seal(work), pause, counts, work.beside()).await;
    }

    async fn put_back(
        &self,
        lease: &Lease,
        payload: SecretString,
        pause: Duration,
        counts: Counts,
        beside: Vec<Change>,
    ) {
        let hastened = self.hastened.load(Ordering::Relaxed);
        let longest = if hastened { HASTENED_PAUSE } else { LONGEST_WAIT };
        let change = Change::Postpone(lease.clone(), payload, pause.min(longest), counts);
        self.write(change, beside, "put back").await;
        self.changed.notify_one();
    }

    async fn finish(&self, lease: &Lease, outcome: &'static str, beside: Vec<Change>) {
        if W::IS_ANSWER {
            self.metrics.late(W::OWNER, outcome);
        }
        let change = Change::Finish(lease.clone(), outcome, W::KEY_AFTERWARDS);
        self.write(change, beside, "ended").await;
    }

    async fn write(&self, change: Change, beside: Vec<Change>, as_what: &str) {
        let changes = std::iter::once(change).chain(beside).collect();
        let written = self.store.write(changes).await;
        self.note(written.map(|written| written.held()), as_what);
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
}

fn new_job<W: Work>(work: &W) -> NewJob {
    NewJob { kind: W::KIND, key: work.key(), payload: envelope::seal(work) }
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
