//! Runs what is due.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::envelope::{self, Unread};
use super::{Jobs, LEASE, LONGEST_PAUSE, MOST_ATTEMPTS, Over, Work};
use crate::store::{Counts, Job};
use crate::tasks::Tasks;

/// Jobs of one kind that are run at once.
const PLACES: usize = 64;
/// How soon a store that did not answer is asked again.
const ASKED_AGAIN: Duration = Duration::from_secs(1);

impl<W: Work> Jobs<W> {
    /// Runs what is due, until `stop`. Work in progress is tracked by `tasks`.
    pub(crate) async fn work(
        self: &Arc<Self>,
        context: &Arc<W::Context>,
        tasks: &Tasks,
        stop: CancellationToken,
    ) {
        let places = Arc::new(Semaphore::new(PLACES));
        loop {
            let place = stop.run_until_cancelled(Arc::clone(&places).acquire_owned()).await;
            let Some(Ok(place)) = place else { return };
            let due = match self.store.lease(W::KIND, LEASE).await {
                Ok(Some(job)) => {
                    let (jobs, context) = (Arc::clone(self), Arc::clone(context));
                    tasks.spawn(W::KIND, async move {
                        jobs.take_up(job, &context).await;
                        drop(place);
                    });
                    continue;
                }
                Ok(None) => self.store.next_due(W::KIND).await,
                Err(error) => Err(error),
            };
            drop(place);
            // Why it does not answer the store has said itself.
            let due = due.unwrap_or(Some(ASKED_AGAIN));
            tokio::select! {
                () = self.clock.sleep(due.unwrap_or(LONGEST_PAUSE)) => {}
                () = self.changed.notified() => {}
                () = stop.cancelled() => return,
            }
        }
    }

    /// Runs a job that nobody holds any more.
    async fn take_up(&self, job: Job, context: &Arc<W::Context>) {
        let Job { lease, payload } = job;
        let mut work = match envelope::open::<W>(&payload) {
            Ok(work) => work,
            Err(Unread::Newer) if lease.attempts < MOST_ATTEMPTS => {
                tracing::warn!(
                    kind = W::KIND,
                    "a job in the store is of a later release; it is left to an instance of that one"
                );
                let pause = self.own_pause(lease.attempts);
                return self.put_back(&lease, payload, pause, Counts::Attempt, Vec::new()).await;
            }
            Err(_) => {
                tracing::error!(kind = W::KIND, "a job in the store cannot be read; it is dropped");
                return self.finish(&lease, "unreadable", Vec::new()).await;
            }
        };
        if W::GIVES_UP && lease.attempts > MOST_ATTEMPTS {
            tracing::error!(
                kind = W::KIND,
                "a job stopped its worker every time it was run; it is dropped"
            );
            return self.finish(&lease, "undelivered", Vec::new()).await;
        }
        let ran = self.catch(work.reference(), work.run(context, &lease)).await;
        if self.conclude(&lease, &work, ran).await == Over::GivenUp {
            let reference = work.reference();
            tracing::error!(%reference, kind = W::KIND, "a job was given up");
        }
    }
}
