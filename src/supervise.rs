//! Background tasks that are kept up: one that ends or panics is started again, counted, and named.

use std::any::Any;
use std::collections::BTreeSet;
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio_util::sync::CancellationToken;

use crate::clock::SharedClock;
use crate::metrics::Metrics;

/// What an operator is told of a task while it pauses before its next start.
pub(crate) const RESTARTING: &str = "restarting";

/// The pause after the first failure; it doubles with each further one.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause. A task that has run for so long has run well, and its next pause is the first.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// A task that goes on in the background until it is told to stop.
pub struct Background {
    name: String,
    run: Box<dyn Fn(CancellationToken) -> BoxFuture<'static, ()> + Send + Sync>,
}

impl fmt::Debug for Background {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Background").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Background {
    /// The task that `run` begins with what it works on; it has to go on until the token that it is
    /// given is cancelled. It begins anew after each failure, so whatever it has to remember is in what
    /// it works on. The name begins with the part of the service that it belongs to.
    pub fn new<T, F>(
        name: impl Into<String>,
        on: &Arc<T>,
        run: impl Fn(Arc<T>, CancellationToken) -> F + Send + Sync + 'static,
    ) -> Self
    where
        T: Send + Sync + ?Sized + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let on = Arc::clone(on);
        Self { name: name.into(), run: Box::new(move |stop| run(Arc::clone(&on), stop).boxed()) }
    }

    /// Its name in the log, in metrics and in readiness.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// Keeps background tasks up.
#[derive(Debug)]
pub(crate) struct Supervisor {
    clock: SharedClock,
    metrics: Arc<Metrics>,
    /// The names of tasks that pause before their next start.
    pausing: Mutex<BTreeSet<String>>,
}

impl Supervisor {
    /// A supervisor of no task yet.
    #[must_use]
    pub(crate) fn new(clock: SharedClock, metrics: Arc<Metrics>) -> Self {
        Self { clock, metrics, pausing: Mutex::default() }
    }

    /// Runs a task until `stop`. Whenever it ends before, it is started again after a pause.
    pub(crate) async fn keep_up(&self, task: Background, stop: CancellationToken) {
        let mut pause = FIRST_PAUSE;
        loop {
            let begun = self.clock.monotonic();
            let run = AssertUnwindSafe(async { (task.run)(stop.clone()).await });
            let ended = run.catch_unwind().await;
            if stop.is_cancelled() {
                return;
            }
            if self.clock.monotonic() - begun >= LONGEST_PAUSE {
                pause = FIRST_PAUSE;
            }
            self.note(&task.name, ended.err().as_deref(), pause);
            self.pausing().insert(task.name.clone());
            let paused = stop.run_until_cancelled(self.clock.sleep(pause)).await;
            self.pausing().remove(&task.name);
            if paused.is_none() {
                return;
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// The names of the tasks that pause before their next start.
    pub(crate) fn pausing_tasks(&self) -> Vec<String> {
        self.pausing().iter().cloned().collect()
    }

    fn note(&self, task: &str, panic: Option<&(dyn Any + Send)>, pause: Duration) {
        self.metrics.background_restarted(task);
        let cause = match panic {
            // What was formatted at run time can hold anything, a secret too. The place of the panic is
            // in the line that its hook has logged.
            Some(panic) => panic.downcast_ref::<&'static str>().copied().unwrap_or("it panicked"),
            None => "it ended",
        };
        let panicked = panic.is_some();
        tracing::error!(task, cause, panicked, ?pause, "a background task is started again");
    }

    fn pausing(&self) -> MutexGuard<'_, BTreeSet<String>> {
        // A panic while the lock was held leaves a whole set behind: there is nothing to repair.
        self.pausing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
