//! The one source of time.
//!
//! Everything that asks what time it is, or waits, takes a [`Clock`]. The service runs on
//! [`SystemClock`]; tests own a [`ManualClock`] and move it, so that no test ever sleeps.
//!
//! A clock has two readings, because the wall clock may be wrong and may be set at any moment, by
//! hours, forwards and backwards:
//!
//! - [`Clock::now`] is wall time: for what other systems and people read or have written, such as
//!   signatures, tokens, links and logs.
//! - [`Clock::monotonic`] only ever moves forward, as fast as time does: for everything that lasts,
//!   such as limits, leases, pauses, caches and back-off.
//!
//! A moment that has to outlive the process can only be stored in wall time. [`remaining`] reads it
//! back, so that it cannot block anything for longer than it was meant to last.

mod manual;
mod tick;

use std::fmt::Debug;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use jiff::Timestamp;

pub use self::manual::ManualClock;
pub use self::tick::Tick;

/// Tells the time, and waits.
pub trait Clock: Send + Sync + Debug {
    /// The present moment in wall time, which may jump either way.
    fn now(&self) -> Timestamp;

    /// The present moment on a clock that never jumps and never goes back, for measuring how long
    /// something lasts. Means nothing outside this process.
    fn monotonic(&self) -> Tick;

    /// Resolves when so much time has passed since the call, whatever happens to the wall clock.
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()>;
}

/// A clock that many parts share.
pub type SharedClock = Arc<dyn Clock>;

/// `moment + duration`, saturating at the end of representable time.
#[must_use]
pub fn after(moment: Timestamp, duration: Duration) -> Timestamp {
    jiff::SignedDuration::try_from(duration)
        .ok()
        .and_then(|duration| moment.checked_add(duration).ok())
        .unwrap_or(Timestamp::MAX)
}

/// How long it is from `earlier` to `later`; zero if `later` comes first.
#[must_use]
pub fn between(earlier: Timestamp, later: Timestamp) -> Duration {
    Duration::try_from(later.duration_since(earlier)).unwrap_or(Duration::ZERO)
}

/// How much is left, at `now`, of a span of wall time that was stored at `since` and ends at
/// `until`. Never more than the whole of it: if `now` comes before `since`, the wall clock was set
/// back and nobody knows how much has passed, so nothing is left.
#[must_use]
pub fn remaining(since: Timestamp, until: Timestamp, now: Timestamp) -> Duration {
    if now < since { Duration::ZERO } else { between(now, until) }
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the clock")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn monotonic(&self) -> Tick {
        static FIRST_READING: OnceLock<Instant> = OnceLock::new();
        Tick::after_start(FIRST_READING.get_or_init(Instant::now).elapsed())
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(duration))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn second(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn durations_saturate() {
        assert_eq!(after(Timestamp::MAX, Duration::MAX), Timestamp::MAX);
        assert_eq!(between(Timestamp::MAX, Timestamp::MIN), Duration::ZERO);
    }

    #[test]
    fn the_machines_monotonic_clock_does_not_go_back() {
        let first = SystemClock.monotonic();
        assert!(SystemClock.monotonic() >= first);
    }

    proptest! {
        #[test]
        fn a_stored_time_blocks_for_no_longer_than_its_own_length(
            since in 0_i64..1_000_000,
            length in 0_u32..100_000,
            now in -1_000_000_i64..2_000_000,
        ) {
            let length = Duration::from_secs(length.into());
            let until = after(second(since), length);
            let left = remaining(second(since), until, second(now));
            prop_assert!(left <= length);
            prop_assert_eq!(left.is_zero(), now < since || second(now) >= until);
        }
    }
}
