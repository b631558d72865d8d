//! Tasks that serve one person each, apart from the request that they came with.

use std::fmt::Display;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::oneshot;
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
        self.tracker.spawn(self.guarded(reference, work));
    }

    /// Does something for a person until `answered` has an answer, and gives that; none where nothing
    /// comes of it. What is left to do then, or when nobody waits any more, goes on by itself. As
    /// [`Tasks::spawn`], but without another task for what most often ends at once.
    pub(crate) async fn until_answered<F, T>(
        &self,
        reference: impl Display + Send + 'static,
        work: F,
        mut answered: oneshot::Receiver<T>,
    ) -> Option<T>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let mut work = GoesOn { work: Some(self.guarded(reference, work)), tracker: &self.tracker };
        let _under_way = self.tracker.token();
        tokio::select! {
            biased;
            () = &mut work => answered.try_recv().ok(),
            answer = &mut answered => answer.ok(),
        }
    }

    fn guarded<F>(
        &self,
        reference: impl Display + Send + 'static,
        work: F,
    ) -> BoxFuture<'static, ()>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let (broken_off, metrics) = (self.broken_off.clone(), Arc::clone(&self.metrics));
        // Boxed, because each future around another one of its size takes as much of the stack again.
        let work = work.boxed();
        async move {
            let work = AssertUnwindSafe(broken_off.run_until_cancelled(work));
            if work.catch_unwind().await.is_err() {
                metrics.panicked("task");
                tracing::error!(%reference, "what was done for a person panicked");
            }
        }
        .boxed()
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

/// Work that goes on as a task of its own when nobody polls it any more.
struct GoesOn<'a> {
    work: Option<BoxFuture<'static, ()>>,
    tracker: &'a TaskTracker,
}

impl Future for GoesOn<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let Some(work) = &mut self.work else { return Poll::Ready(()) };
        let polled = work.poll_unpin(context);
        if polled.is_ready() {
            self.work = None;
        }
        polled
    }
}

impl Drop for GoesOn<'_> {
    fn drop(&mut self) {
        if let Some(work) = self.work.take() {
            self.tracker.spawn(work);
        }
    }
}

#[cfg(test)]
mod tests {
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

    #[tokio::test]
    async fn what_is_left_to_do_after_the_answer_goes_on_by_itself() {
        let tasks = Tasks::new(Arc::default());
        let (answer, answered) = oneshot::channel();
        let (done, left) = oneshot::channel();
        let (go_on, gone_on) = oneshot::channel::<()>();
        let work = async move {
            answer.send(1).unwrap();
            gone_on.await.unwrap();
            done.send(2).unwrap();
        };
        assert_eq!(tasks.until_answered("REF1", work, answered).await, Some(1));
        go_on.send(()).unwrap();
        tasks.wait().await;
        assert_eq!(left.await, Ok(2));

        // The same for whoever hangs up before there is an answer.
        let (answer, answered) = oneshot::channel::<()>();
        let (done, left) = oneshot::channel();
        let work = async move {
            tokio::task::yield_now().await;
            done.send(answer.send(()).is_err()).unwrap();
        };
        assert_eq!(Box::pin(tasks.until_answered("REF2", work, answered)).now_or_never(), None);
        tasks.wait().await;
        assert_eq!(left.await, Ok(true));
    }

    #[tokio::test]
    #[expect(clippy::panic, reason = "that is what is tested")]
    async fn nothing_comes_of_what_panics_before_the_answer() {
        let tasks = Tasks::new(Arc::default());
        let (answer, answered) = oneshot::channel::<()>();
        let work = async move {
            let _held = answer;
            panic!("on purpose");
        };
        assert_eq!(tasks.until_answered("REF1", work, answered).await, None);
    }
}
