//! The one source of time, and how rate limiters read it.

use governor::nanos::Nanos;

pub use connect_clock::{
    Clock, ManualClock, SharedClock, SystemClock, Tick, after, between, remaining,
};

/// Lets rate limiters read our clock: the monotonic one, so that a wall clock that is set neither
/// blocks anybody nor gives anybody more than is allowed.
#[derive(Debug, Clone)]
pub(crate) struct PacingClock(pub(crate) SharedClock);

impl governor::clock::Clock for PacingClock {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        Nanos::new(u64::try_from(self.0.monotonic().since_start().as_nanos()).unwrap_or(u64::MAX))
    }
}
