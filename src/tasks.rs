//! Tasks that serve one person each, apart from the request that they came with.

use std::fmt::Display;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::metrics::Metrics;

/// The tasks of one part of the service that are under way.
#[derive(Debug)]
pub(crate) struct Tasks {
    tracker: TaskTracker,
    broken_off: CancellationToken,
    metrics: Arc<Metrics>,
}

impl Tasks {
    /// None yet.
    #[must_use]
    pub(crate) fn new(metrics: Arc<Metrics>) -> Self {
        Self { tracker: TaskTracker::new(), broken_off: CancellationToken::new(), metrics }
    }

    /// Begins what is done for a person, whose question has that reference. Where it panics, that is
    /// counted and logged, and whatever it held is dropped, so that whoever waits for it learns that
    /// nothing comes of it.
    pub(crate) fn spawn<F>(&self, reference: impl Display + Send + 'static, work: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let (broken_off, metrics) = (self.broken_off.clone(), Arc::clone(&self.metrics));
        // Boxed, because each future around another one of its size takes as much of the stack again.
        let work = work.boxed();
        self.tracker.spawn(async move {
            let work = AssertUnwindSafe(broken_off.run_until_cancelled(work));
            if work.catch_unwind().await.is_err() {
                metrics.panicked("task");
                tracing::error!(%reference, "what was done for a person panicked");
            }
        });
    }

    /// Waits until nothing is under way. Others can be begun meanwhile and after that.
    pub(crate) async fn wait(&self) {
        self.tracker.close();
        self.tracker.wait().await;
    }

    /// Breaks off what is under way, and what is begun from now on.
    pub(crate) fn break_off(&self) {
        self.broken_off.cancel();
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    #[expect(clippy::panic, reason = "that is what is tested")]
    async fn whoever_waits_for_a_task_that_panics_or_is_broken_off_learns_that_nothing_comes() {
        let metrics = Arc::new(Metrics::new());
        let tasks = Tasks::new(Arc::clone(&metrics));
        let (reply, replied) = oneshot::channel::<()>();
        tasks.spawn("REF1", async move {
            let _held = reply;
            tokio::task::yield_now().await;
            panic!("on purpose");
        });
        assert!(replied.await.is_err());
        tasks.wait().await;
        assert!(metrics.render().contains("connect_panics_total{what=\"task\"} 1"));

        let (reply, replied) = oneshot::channel::<()>();
        tasks.spawn("REF2", async move {
            let _held = reply;
            std::future::pending::<()>().await;
        });
        tasks.break_off();
        assert!(replied.await.is_err());
        tasks.wait().await;
        assert!(metrics.render().contains("connect_panics_total{what=\"task\"} 1"));
    }
}
