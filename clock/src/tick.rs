//! Moments on the monotonic clock.

use std::ops::{Add, Sub};
use std::time::Duration;

/// A moment on a monotonic clock. Only how long it is from one to another means anything; all
/// arithmetic saturates.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tick(Duration);

impl Tick {
    /// The moment so long after the clock's first.
    #[must_use]
    pub const fn after_start(duration: Duration) -> Self {
        Self(duration)
    }

    /// How long this is after the clock's first moment.
    #[must_use]
    pub const fn since_start(self) -> Duration {
        self.0
    }
}

impl Add<Duration> for Tick {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(duration))
    }
}

/// How long it is from the other moment to this one; zero if the other is later.
impl Sub for Tick {
    type Output = Duration;

    fn sub(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_saturates() {
        let second = Tick::after_start(Duration::from_secs(1));
        assert_eq!((second + Duration::MAX).since_start(), Duration::MAX);
        assert_eq!(Tick::default() - second, Duration::ZERO);
        assert_eq!(second + Duration::from_secs(2) - second, Duration::from_secs(2));
    }
}
