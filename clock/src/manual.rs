//! The clock that tests move.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use tokio::sync::watch;

use crate::{Clock, Tick, after};

/// A clock that stands still until it is moved. Clones share one time.
#[derive(Debug, Clone)]
pub struct ManualClock(Arc<watch::Sender<Readings>>);

#[derive(Debug, Clone, Copy)]
struct Readings {
    wall: Timestamp,
    monotonic: Tick,
}

impl ManualClock {
    /// A clock whose wall time is `start`.
    #[must_use]
    pub fn new(start: Timestamp) -> Self {
        let readings = Readings { wall: start, monotonic: Tick::default() };
        Self(Arc::new(watch::Sender::new(readings)))
    }

    /// Lets time pass, on the wall and on the monotonic clock, and wakes everyone whose moment has
    /// come.
    pub fn advance(&self, duration: Duration) {
        self.0.send_modify(|at| {
            at.wall = after(at.wall, duration);
            at.monotonic = at.monotonic + duration;
        });
    }

    /// Sets the wall clock, either way. No time passes.
    pub fn set(&self, moment: Timestamp) {
        self.0.send_modify(|at| at.wall = moment);
    }

    fn wait_for(
        &self,
        condition: impl Fn(&Readings) -> bool + Send + 'static,
    ) -> BoxFuture<'static, ()> {
        let mut time = self.0.subscribe();
        Box::pin(async move {
            // Fails only when the clock is gone; then nobody can move the time any more.
            if time.wait_for(condition).await.is_err() {
                std::future::pending::<()>().await;
            }
        })
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        self.0.borrow().wall
    }

    fn monotonic(&self) -> Tick {
        self.0.borrow().monotonic
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        let end = self.monotonic() + duration;
        self.wait_for(move |at| at.monotonic >= end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn sleepers_wake_when_their_moment_comes() {
        let clock = ManualClock::new(Timestamp::UNIX_EPOCH);
        let sleeper = tokio::spawn(clock.sleep(Duration::from_secs(10)));
        clock.advance(Duration::from_secs(9));
        tokio::task::yield_now().await;
        assert!(!sleeper.is_finished());
        clock.advance(Duration::from_secs(1));
        sleeper.await.unwrap();
    }

    #[tokio::test]
    async fn a_wall_clock_that_is_set_moves_no_pause() {
        let clock = ManualClock::new(Timestamp::UNIX_EPOCH);
        let start = clock.monotonic();
        let sleeper = tokio::spawn(clock.sleep(Duration::from_secs(10)));
        clock.set(after(clock.now(), Duration::from_hours(1)));
        tokio::task::yield_now().await;
        assert!(!sleeper.is_finished());
        assert_eq!(clock.monotonic(), start);
        clock.set(Timestamp::UNIX_EPOCH);
        clock.advance(Duration::from_secs(10));
        sleeper.await.unwrap();
    }
}
