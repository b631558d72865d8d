//! Remembers signatures for as long as they could be used again.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;

use super::signature::TOLERANCE;
use crate::metrics::Metrics;

/// The most signatures that are remembered: some 40 MiB, reached only by 1,700 genuine requests a
/// second for ten minutes. Beyond it the oldest are forgotten, and a metric says so.
const MOST_RECORDS: usize = 1_000_000;

/// Half of a code: still far beyond guessing, at half the memory.
type Record = [u8; 16];

/// Remembers which signatures have been accepted.
///
/// Records are kept in one set for each span of [`TOLERANCE`] in which they were signed. A set goes
/// as a whole once nothing in it could pass the check of time any more, so nothing is ever scanned.
#[derive(Debug)]
pub(super) struct ReplayGuard {
    spans: Mutex<BTreeMap<i64, HashSet<Record>>>,
    most: usize,
    metrics: Arc<Metrics>,
}

impl ReplayGuard {
    /// An empty memory.
    #[must_use]
    pub(super) fn new(metrics: Arc<Metrics>) -> Self {
        Self { spans: Mutex::default(), most: MOST_RECORDS, metrics }
    }

    /// Whether this code, signed at `signed_at`, is here for the first time. Only codes that have
    /// been found genuine may come here, so that strangers cannot fill the memory.
    #[must_use]
    pub(super) fn first_time(&self, code: &[u8; 32], signed_at: Timestamp, now: Timestamp) -> bool {
        let [record @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _] = *code;
        // A panic while the lock was held leaves whole sets behind: there is nothing to repair.
        let mut spans = self.spans.lock().unwrap_or_else(PoisonError::into_inner);
        // What was signed in the last second of a span passes until the end of the next one.
        let oldest = span_of(now) - 1;
        while spans.first_key_value().is_some_and(|(span, _)| *span < oldest) {
            spans.pop_first();
        }
        let first = spans.entry(span_of(signed_at)).or_default().insert(record);
        if first && spans.values().map(HashSet::len).sum::<usize>() > self.most {
            self.forget_oldest(&mut spans);
        }
        first
    }

    fn forget_oldest(&self, spans: &mut BTreeMap<i64, HashSet<Record>>) {
        if let Some((_, forgotten)) = spans.pop_first() {
            tracing::warn!(records = forgotten.len(), "replay records forgotten early");
            self.metrics.replays_forgotten.inc_by(forgotten.len() as u64);
        }
    }
}

fn span_of(moment: Timestamp) -> i64 {
    moment.as_second().div_euclid(i64::try_from(TOLERANCE.as_secs()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn code(number: u32) -> [u8; 32] {
        let mut code = [0; 32];
        code[..4].copy_from_slice(&number.to_be_bytes());
        code
    }

    #[test]
    fn memory_is_bounded_and_the_oldest_go_first() {
        let metrics = Arc::new(Metrics::new());
        let guard = ReplayGuard { most: 10, ..ReplayGuard::new(Arc::clone(&metrics)) };
        for number in 0..8 {
            assert!(guard.first_time(&code(number), at(1000), at(1000)));
        }
        for number in 8..11 {
            assert!(guard.first_time(&code(number), at(1300), at(1300)));
        }
        assert_eq!(metrics.replays_forgotten.get(), 8);
        assert!(!guard.first_time(&code(10), at(1300), at(1300)));
    }

    proptest! {
        /// As long as the check of time lets a signature pass, the guard remembers it.
        #[test]
        fn a_record_lasts_as_long_as_its_signature(
            start in 1_000_000_i64..2_000_000,
            skew in -300_i64..=300,
            wait in 0_i64..=600,
        ) {
            let guard = ReplayGuard::new(Arc::default());
            let signed_at = at(start + skew);
            prop_assert!(guard.first_time(&code(1), signed_at, at(start)));
            let later = start + wait;
            let still_fresh = (later - (start + skew)).abs() <= 300;
            if still_fresh {
                prop_assert!(!guard.first_time(&code(1), signed_at, at(later)));
            }
        }

        #[test]
        fn nothing_is_kept_beyond_its_use(steps in proptest::collection::vec(0_i64..400, 1..50)) {
            let guard = ReplayGuard::new(Arc::default());
            let mut now = 1_000_000;
            for (number, step) in (0_u32..).zip(steps) {
                now += step;
                let _ = guard.first_time(&code(number), at(now), at(now));
                let spans = guard.spans.lock().unwrap();
                prop_assert!(spans.len() <= 3);
            }
        }
    }
}
