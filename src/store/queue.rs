//! The jobs of one kind: put in before they are promised, worked on, tried again, taken out.

use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use tokio::sync::{Notify, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{Job, NewJob, Store, StoreError};
use crate::clock::{SharedClock, after};
use crate::metrics::Metrics;

/// How long a job is held.
const LEASE: Duration = Duration::from_mins(1);
/// How long an attempt may take: less than its lease.
const ATTEMPT: Duration = Duration::from_secs(50);
/// The longest pause between two attempts that nobody asked for.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);
/// Jobs of one kind that are worked on at once.
const WORKERS: usize = 32;

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

    /// Gives a job back that did not work out: to be tried again after `pause`, or after a pause
    /// that doubles with each attempt.
    pub async fn again(&self, job: &Job, payload: SecretString, pause: Option<Duration>) {
        let backoff = Duration::from_secs(1 << job.attempts.min(6));
        // Whoever asks to wait is obeyed; only our own guess has a limit.
        let pause = pause.unwrap_or(backoff.min(LONGEST_PAUSE));
        let run_at = after(self.clock.now(), pause);
        if let Err(error) = self.store.postpone(job, payload, run_at).await {
            tracing::error!(%error, "a job could not be put back; its lease will run out");
        }
        self.changed.notify_one();
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
                Ok(Some(job)) => {
                    let work = work(job);
                    tasks.spawn(async move {
                        // Beyond its lease the job is somebody else's.
                        let _ = tokio::time::timeout(ATTEMPT, work).await;
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
}
