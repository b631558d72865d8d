//! The jobs of one kind: put in before they are promised, worked on, tried again, taken out.

use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use tokio::sync::{Notify, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::clock::{SharedClock, after};
use crate::metrics::Metrics;
use crate::store::{Job, NewJob, Store, StoreError};

/// How long a job is held.
const LEASE: Duration = Duration::from_secs(90);
/// How long an attempt may take to find out what it has to deliver. What is left of the lease is for
/// the delivery, which nobody must break off: what has been sent by then is there.
pub const TIME_TO_ANSWER: Duration = Duration::from_secs(30);
/// How often anything is tried before it is given up.
const MOST_ATTEMPTS: u32 = 10;
/// The longest pause between two attempts that nobody asked for.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);
/// Jobs of one kind that are worked on at once.
const WORKERS: usize = 32;

/// How an attempt at a job ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It is done; in what way, as a word for metrics.
    Done(&'static str),
    /// Not yet. Another attempt follows after so long, or, where nobody said how long, after a pause
    /// that doubles with each attempt.
    NotYet(Option<Duration>),
    /// It cannot be done.
    Impossible,
}

/// A job has been taken out of the store undone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GivenUp;

/// The jobs of one kind.
#[derive(Debug)]
pub struct Queue {
    store: Arc<Store>,
    kind: &'static str,
    platform: &'static str,
    clock: SharedClock,
    metrics: Arc<Metrics>,
    /// Rings when a job may have come due earlier than the workers expect.
    changed: Notify,
}

impl Queue {
    /// The jobs of `kind` in `store`, counted for `platform`.
    #[must_use]
    pub fn new(
        store: Arc<Store>,
        kind: &'static str,
        platform: &'static str,
        clock: SharedClock,
        metrics: Arc<Metrics>,
    ) -> Self {
        Self { store, kind, platform, clock, metrics, changed: Notify::new() }
    }

    /// Puts a job in that the caller works on itself, at once. If the caller dies, somebody else
    /// takes it over when its lease runs out.
    ///
    /// # Errors
    /// The store cannot hold it, so nothing may be promised.
    pub async fn begin(&self, payload: SecretString) -> Result<Job, StoreError> {
        let now = self.clock.now();
        let job = NewJob { kind: self.kind, payload, run_at: now };
        let job = self.store.begin(job, now, LEASE).await?;
        self.count_open().await;
        Ok(job)
    }

    /// Puts a job in that is to be done after `pause`.
    ///
    /// # Errors
    /// The store cannot hold it, so nothing may be promised.
    pub async fn put(&self, payload: SecretString, pause: Duration) -> Result<(), StoreError> {
        let job = self.begin(payload.clone()).await?;
        self.store.postpone(&job, payload, after(self.clock.now(), pause)).await?;
        self.changed.notify_one();
        Ok(())
    }

    /// Takes note of how an attempt ended: takes the job out, or puts it back with its payload as it
    /// is now.
    ///
    /// # Errors
    /// That was its last attempt.
    pub async fn conclude(
        &self,
        job: &Job,
        payload: SecretString,
        outcome: Outcome,
    ) -> Result<(), GivenUp> {
        match outcome {
            Outcome::Done(way) => self.finish(job, way).await,
            Outcome::NotYet(pause) if job.attempts < MOST_ATTEMPTS => {
                self.again(job, payload, pause).await;
            }
            Outcome::NotYet(_) | Outcome::Impossible => {
                self.finish(job, "undelivered").await;
                return Err(GivenUp);
            }
        }
        Ok(())
    }

    async fn again(&self, job: &Job, payload: SecretString, pause: Option<Duration>) {
        let backoff = Duration::from_secs(1 << job.attempts.min(6));
        // Whoever asks to wait is obeyed; only our own guess has a limit.
        let pause = pause.unwrap_or(backoff.min(LONGEST_PAUSE));
        let run_at = after(self.clock.now(), pause);
        if let Err(error) = self.store.postpone(job, payload, run_at).await {
            tracing::error!(%error, "a job could not be put back; its lease will run out");
        }
        self.changed.notify_one();
    }

    /// Takes a job out whose payload nobody understands: another version of the service made it.
    pub async fn discard(&self, job: &Job) {
        tracing::error!(kind = self.kind, "a job in the store cannot be read; it is dropped");
        self.finish(job, "unreadable").await;
    }

    /// Takes a job out, and counts how it ended.
    pub async fn finish(&self, job: &Job, outcome: &'static str) {
        self.metrics.late(self.platform, outcome);
        if let Err(error) = self.store.finish(job).await {
            tracing::error!(%error, "a finished job could not be taken out of the store");
        }
        self.count_open().await;
    }

    /// Hands out what is due, until `stop`. Work in progress is tracked by `tasks`.
    pub async fn work<F, W>(&self, tasks: TaskTracker, stop: CancellationToken, work: F)
    where
        F: Fn(Job) -> W + Send + Sync,
        W: Future<Output = ()> + Send + 'static,
    {
        let places = Arc::new(Semaphore::new(WORKERS));
        loop {
            let place = stop.run_until_cancelled(Arc::clone(&places).acquire_owned()).await;
            let Some(Ok(place)) = place else { return };
            let pause = match self.store.lease(self.kind, self.clock.now(), LEASE).await {
                Ok(Some(job)) if job.attempts > MOST_ATTEMPTS => {
                    tracing::error!(
                        kind = self.kind,
                        "whoever took this job up died of it; it is dropped"
                    );
                    self.finish(&job, "undelivered").await;
                    continue;
                }
                Ok(Some(job)) => {
                    let work = work(job);
                    tasks.spawn(async move {
                        work.await;
                        drop(place);
                    });
                    continue;
                }
                Ok(None) => self.store.next_due(self.kind).await,
                Err(error) => Err(error),
            };
            drop(place);
            let due = pause.unwrap_or_else(|error| {
                tracing::error!(%error, "the store does not answer");
                None
            });
            stop.run_until_cancelled(self.wait(due)).await;
        }
    }

    async fn wait(&self, due: Option<jiff::Timestamp>) {
        let due = due.unwrap_or_else(|| after(self.clock.now(), LONGEST_PAUSE));
        tokio::select! {
            () = self.clock.sleep_until(due) => {}
            () = self.changed.notified() => {}
        }
    }

    async fn count_open(&self) {
        if let Ok(open) = self.store.open_jobs().await {
            self.metrics.promises_open.set(i64::try_from(open).unwrap_or(i64::MAX));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Clock, ManualClock};

    #[tokio::test]
    async fn a_job_whose_holder_died_is_done_by_a_worker_when_its_lease_runs_out() {
        let clock = ManualClock::new(jiff::Timestamp::UNIX_EPOCH);
        let store = Arc::new(Store::in_memory());
        let shared: SharedClock = Arc::new(clock.clone());
        let queue = Queue::new(store, "late", "slack", shared, Arc::default());
        drop(queue.begin("the promise".into()).await.unwrap());

        let (done, mut taken) = tokio::sync::mpsc::unbounded_channel();
        let stop = CancellationToken::new();
        let work = queue.work(TaskTracker::new(), stop.clone(), |job| {
            let (done, at) = (done.clone(), clock.now());
            async move { done.send((job, at)).unwrap() }
        });
        let watch = async {
            clock.advance(LEASE.checked_sub(Duration::from_secs(1)).unwrap());
            tokio::task::yield_now().await;
            clock.advance(Duration::from_secs(1));
            let (job, at) = taken.recv().await.unwrap();
            assert_eq!(at, after(jiff::Timestamp::UNIX_EPOCH, LEASE), "not while it is held");
            assert_eq!(job.attempts, 2);
            queue.finish(&job, "response_url").await;
            stop.cancel();
        };
        tokio::join!(work, watch);
        assert_eq!(queue.store.open_jobs().await, Ok(0));
    }
    #[tokio::test]
    async fn an_attempt_ends_its_job_or_puts_it_back_and_the_last_one_always_ends_it() {
        let asked = Some(Duration::from_secs(7));
        let cases = [
            (1, Outcome::Done("chat"), Ok(()), None),
            (MOST_ATTEMPTS, Outcome::Done("chat"), Ok(()), None),
            (1, Outcome::Impossible, Err(GivenUp), None),
            (1, Outcome::NotYet(asked), Ok(()), Some(7)),
            (1, Outcome::NotYet(None), Ok(()), Some(2)),
            (3, Outcome::NotYet(None), Ok(()), Some(8)),
            (MOST_ATTEMPTS - 1, Outcome::NotYet(None), Ok(()), Some(60)),
            (MOST_ATTEMPTS, Outcome::NotYet(asked), Err(GivenUp), None),
        ];
        for (attempts, outcome, conclusion, due) in cases {
            let clock = ManualClock::new(jiff::Timestamp::UNIX_EPOCH);
            let store = Arc::new(Store::in_memory());
            let queue = Queue::new(store, "late", "slack", Arc::new(clock.clone()), Arc::default());
            let mut job = queue.begin("as it was".into()).await.unwrap();
            while job.attempts < attempts {
                clock.advance(LEASE);
                job = queue.store.lease("late", clock.now(), LEASE).await.unwrap().unwrap();
            }
            let concluded = queue.conclude(&job, "as it is".into(), outcome).await;
            assert_eq!(concluded, conclusion, "{attempts} {outcome:?}");
            let expected = due.map(|seconds| after(clock.now(), Duration::from_secs(seconds)));
            assert_eq!(queue.store.next_due("late").await, Ok(expected), "{attempts} {outcome:?}");
        }
    }
}
