//! The store's own time.
//!
//! Stored moments have to mean something to the next process and to other replicas, and must not
//! depend on a wall clock that may be set. So a store has a time of its own, in milliseconds: it begins
//! where it was when the store was last used, and runs as fast as time does. Between two uses it goes on
//! with the wall clock, but never back, and forward for minutes at most: so nothing that is stored is
//! waited for longer than was meant, and a clock that is wrong by a year takes nothing for old.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use futures_util::future::BoxFuture;

use crate::clock::SharedClock;

/// How far the store's time goes on between two uses at most. Whatever waits is due by then.
const LONGEST_BREAK: Duration = Duration::from_mins(10);

/// Tells the store's time.
#[derive(Debug)]
pub(super) struct StoreClock {
    clock: SharedClock,
    /// How far the store's time is ahead of the monotonic clock, in milliseconds.
    ahead: AtomicI64,
}

impl StoreClock {
    /// Begins with the wall clock.
    pub(super) fn new(clock: SharedClock) -> Self {
        let ahead = clock.now().as_millisecond() - ticked(&clock);
        Self { clock, ahead: AtomicI64::new(ahead) }
    }

    /// Begins anew after the time that the store has seen last.
    pub(super) fn resume(&self, seen: i64) {
        let longest = seen.saturating_add(millis(LONGEST_BREAK));
        let ahead = self.now().clamp(seen, longest) - ticked(&self.clock);
        self.ahead.store(ahead, Ordering::Relaxed);
    }

    /// Waits for so long.
    pub(super) fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        self.clock.sleep(duration)
    }

    /// Takes over a time that the store has seen, if it is later.
    pub(super) fn catch_up(&self, seen: i64) {
        self.ahead.fetch_max(seen.saturating_sub(ticked(&self.clock)), Ordering::Relaxed);
    }

    /// Now.
    pub(super) fn now(&self) -> i64 {
        self.ahead.load(Ordering::Relaxed).saturating_add(ticked(&self.clock))
    }

    /// The moment so long after now.
    pub(super) fn after(&self, duration: Duration) -> i64 {
        self.now().saturating_add(millis(duration))
    }

    /// How long ago a moment was; zero if it has not come yet.
    pub(super) fn since(&self, moment: i64) -> Duration {
        between(moment, self.now())
    }

    /// How long it is until a moment; zero if it is over.
    pub(super) fn until(&self, moment: i64) -> Duration {
        between(self.now(), moment)
    }
}

fn ticked(clock: &SharedClock) -> i64 {
    millis(clock.monotonic().since_start())
}

/// How long it is from one moment to another; zero if that one is earlier.
pub(super) fn between(from: i64, to: i64) -> Duration {
    Duration::from_millis(u64::try_from(to.saturating_sub(from)).unwrap_or(0))
}

/// A span in the store's unit.
pub(super) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use jiff::Timestamp;

    use super::*;
    use crate::clock::ManualClock;

    #[test]
    fn the_stores_time_runs_on_whatever_the_wall_clock_shows() {
        let clock = ManualClock::new(Timestamp::from_second(1000).unwrap());
        let store = StoreClock::new(Arc::new(clock.clone()));
        let started = store.now();
        for wall in [0, 1_000_000] {
            clock.set(Timestamp::from_second(wall).unwrap());
            clock.advance(Duration::from_secs(1));
        }
        assert_eq!(store.now() - started, 2000);
        assert_eq!(store.until(store.after(Duration::from_secs(7))), Duration::from_secs(7));
    }

    #[test]
    fn after_a_break_the_stores_time_goes_on_by_minutes_at_most_and_never_back() {
        let longest = millis(LONGEST_BREAK);
        for (wall, expected) in
            [(900, 1_000_000), (1060, 1_060_000), (1000 + 366 * 86_400, 1_000_000 + longest)]
        {
            let clock = ManualClock::new(Timestamp::from_second(wall).unwrap());
            let store = StoreClock::new(Arc::new(clock));
            store.resume(1_000_000);
            assert_eq!(store.now(), expected, "{wall}");
        }
    }

    #[test]
    fn what_the_store_has_seen_moves_its_time_forward_and_never_back() {
        let clock = ManualClock::new(Timestamp::from_second(1000).unwrap());
        let store = StoreClock::new(Arc::new(clock.clone()));
        store.catch_up(5_000_000);
        assert_eq!(store.now(), 5_000_000);
        store.catch_up(4_000_000);
        clock.advance(Duration::from_millis(1));
        assert_eq!(store.now(), 5_000_001);
    }
}
