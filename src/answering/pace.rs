//! How often one person may ask.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};

use crate::clock::{PacingClock, SharedClock};
use crate::core::Person;
use crate::store::Allowance;

/// Questions that a person may ask at once.
const BURST: NonZeroU32 = NonZeroU32::new(10).unwrap();
/// How long it takes until one more is allowed.
const REFILL: Duration = Duration::from_secs(3);
/// Questions between two clean-ups of people who have not asked for long.
const CLEAN_EVERY: u32 = 1024;

/// The same, as it is told to other processes.
pub(super) const ALLOWANCE: Allowance = Allowance { burst: BURST.get(), refill: REFILL };

type Counts = HashMapStateStore<(String, String)>;

/// Keeps one person from asking too often. Only verified people come here.
#[derive(Debug)]
pub struct Pace {
    limiter: RateLimiter<(String, String), Counts, PacingClock, NoOpMiddleware<Nanos>>,
    asked: AtomicU32,
}

impl Pace {
    /// Ten questions at once, then one every three seconds.
    #[must_use]
    pub fn new(clock: SharedClock) -> Self {
        let quota = Quota::with_period(REFILL)
            .unwrap_or(Quota::per_second(NonZeroU32::MIN))
            .allow_burst(BURST);
        let limiter = RateLimiter::new(quota, Counts::default(), PacingClock(clock));
        Self { limiter, asked: AtomicU32::new(0) }
    }

    /// Whether this person may ask now. Counts the question if so.
    #[must_use]
    pub fn allows(&self, person: &Person) -> bool {
        if self.asked.fetch_add(1, Ordering::Relaxed) % CLEAN_EVERY == CLEAN_EVERY - 1 {
            self.limiter.retain_recent();
        }
        let key = (person.workspace.realm().to_owned(), person.user.clone());
        self.limiter.check_key(&key).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use jiff::Timestamp;
    use proptest::prelude::*;

    use super::*;
    use crate::clock::ManualClock;
    use crate::core::Workspace;

    fn person(user: &str) -> Person {
        let workspace = Workspace::standalone("T1");
        Person { platform: crate::slack::PLATFORM.id(), workspace, user: user.to_owned() }
    }

    #[test]
    fn a_person_may_hurry_a_little_and_nobody_else_pays_for_it() {
        let clock = ManualClock::new(Timestamp::from_second(1_790_000_000).unwrap());
        let pace = Pace::new(Arc::new(clock.clone()));
        let allowed = (0..50).filter(|_| pace.allows(&person("U1"))).count();
        assert_eq!(allowed, 10);
        assert!(pace.allows(&person("U2")));
        clock.advance(REFILL);
        assert!(pace.allows(&person("U1")));
        assert!(!pace.allows(&person("U1")));
    }

    proptest! {
        /// Whatever the wall clock shows: nobody waits longer than one refill, and nobody gets more
        /// than the burst and one for each refill.
        #[test]
        fn a_wall_clock_that_is_set_changes_nothing(
            steps in proptest::collection::vec((0_i64..4_000_000_000, 0_u32..5000), 1..100),
        ) {
            let clock = ManualClock::new(Timestamp::from_second(1_790_000_000).unwrap());
            let pace = Pace::new(Arc::new(clock.clone()));
            let (mut allowed, mut passed) = (0, Duration::ZERO);
            for (second, step) in steps {
                clock.set(Timestamp::from_second(second).unwrap());
                let step = Duration::from_millis(step.into());
                clock.advance(step);
                passed += step;
                let now = u128::from(pace.allows(&person("U1")));
                prop_assert!(now == 1 || step < REFILL);
                allowed += now;
                prop_assert!(allowed <= u128::from(BURST.get()) + passed.as_millis() / REFILL.as_millis());
            }
        }
    }

    #[test]
    fn people_who_stopped_asking_are_forgotten() {
        let clock = ManualClock::new(Timestamp::from_second(1_790_000_000).unwrap());
        let pace = Pace::new(Arc::new(clock.clone()));
        for number in 0..CLEAN_EVERY * 3 {
            clock.advance(REFILL);
            let _ = pace.allows(&person(&number.to_string()));
        }
        assert!(pace.limiter.len() <= CLEAN_EVERY as usize + 10);
    }
}
