//! The one source of time, and how rate limiters read it.

use governor::nanos::Nanos;

pub use connect_clock::{Clock, ManualClock, SharedClock, SystemClock, after, between};

/// Lets rate limiters read our clock.
#[derive(Debug, Clone)]
pub(crate) struct PacingClock(pub(crate) SharedClock);

impl governor::clock::Clock for PacingClock {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        Nanos::new(u64::try_from(self.0.now().as_nanosecond()).unwrap_or_default())
    }
}
