//! Remembers what has been here, for as long as it matters.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use crate::metrics::Metrics;

/// The most records that are kept: some 40 MiB. Beyond it the oldest are forgotten, and a metric
/// says so.
const MOST_RECORDS: usize = 1_000_000;

/// Half of a hash: still far beyond guessing, at half the memory.
type Record = [u8; 16];

/// A memory of hashes.
///
/// Records are kept in one set for each span of time. A set goes as a whole once nothing in it
/// matters any more, so nothing is ever scanned.
#[derive(Debug)]
pub struct Seen {
    spans: Mutex<BTreeMap<i64, HashSet<Record>>>,
    lasting: i64,
    most: usize,
    metrics: Arc<Metrics>,
}

impl Seen {
    /// An empty memory, whose records last at least as long as `lasting` and at most twice as long.
    #[must_use]
    pub fn new(lasting: Duration, metrics: Arc<Metrics>) -> Self {
        let lasting = i64::try_from(lasting.as_secs()).unwrap_or(i64::MAX).max(1);
        Self { spans: Mutex::default(), lasting, most: MOST_RECORDS, metrics }
    }

    /// Whether a hash that belongs to the moment `at` is here for the first time. Only what has been
    /// verified may come here, so that strangers cannot fill the memory.
    #[must_use]
    pub fn first_time(&self, hash: &[u8; 32], at: Timestamp, now: Timestamp) -> bool {
        let record = record(hash);
        let mut spans = self.spans();
        // What belongs to the last second of a span matters until the end of the next one.
        let oldest = self.span_of(now) - 1;
        while spans.first_key_value().is_some_and(|(span, _)| *span < oldest) {
            spans.pop_first();
        }
        // In whichever span: not everything belongs to the same moment when it comes again.
        if spans.values().any(|span| span.contains(&record)) {
            return false;
        }
        spans.entry(self.span_of(at)).or_default().insert(record);
        if spans.values().map(HashSet::len).sum::<usize>() > self.most {
            self.forget_oldest(&mut spans);
        }
        true
    }

    /// Whether a hash has been here and is remembered.
    #[must_use]
    pub fn knows(&self, hash: &[u8; 32]) -> bool {
        let record = record(hash);
        self.spans().values().any(|span| span.contains(&record))
    }

    fn spans(&self) -> MutexGuard<'_, BTreeMap<i64, HashSet<Record>>> {
        // A panic while the lock was held leaves whole sets behind: there is nothing to repair.
        self.spans.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn forget_oldest(&self, spans: &mut BTreeMap<i64, HashSet<Record>>) {
        if let Some((_, forgotten)) = spans.pop_first() {
            tracing::warn!(records = forgotten.len(), "replay records forgotten early");
            self.metrics.replays_forgotten.inc_by(forgotten.len() as u64);
        }
    }

    fn span_of(&self, moment: Timestamp) -> i64 {
        moment.as_second().div_euclid(self.lasting)
    }
}

fn record(hash: &[u8; 32]) -> Record {
    let [record @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _] = *hash;
    record
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LASTING: Duration = Duration::from_mins(5);

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn hash(number: u32) -> [u8; 32] {
        let mut hash = [0; 32];
        hash[..4].copy_from_slice(&number.to_be_bytes());
        hash
    }

    #[test]
    fn memory_is_bounded_and_the_oldest_go_first() {
        let metrics = Arc::new(Metrics::new());
        let seen = Seen { most: 10, ..Seen::new(LASTING, Arc::clone(&metrics)) };
        for number in 0..8 {
            assert!(seen.first_time(&hash(number), at(1000), at(1000)));
        }
        for number in 8..11 {
            assert!(seen.first_time(&hash(number), at(1300), at(1300)));
        }
        assert_eq!(metrics.replays_forgotten.get(), 8);
        assert!(!seen.first_time(&hash(10), at(1300), at(1300)));
    }

    #[test]
    fn what_comes_again_at_another_moment_is_known() {
        let seen = Seen::new(LASTING, Arc::default());
        assert!(seen.first_time(&hash(1), at(1199), at(1199)));
        assert!(!seen.first_time(&hash(1), at(1214), at(1214)), "beyond the end of a span");
        assert!(seen.knows(&hash(1)));
        assert!(!seen.knows(&hash(2)));
    }

    proptest! {
        /// As long as the check of a signature's time lets it pass, it is remembered.
        #[test]
        fn a_record_lasts_as_long_as_it_matters(
            start in 1_000_000_i64..2_000_000,
            skew in -300_i64..=300,
            wait in 0_i64..=600,
        ) {
            let seen = Seen::new(LASTING, Arc::default());
            let signed_at = at(start + skew);
            prop_assert!(seen.first_time(&hash(1), signed_at, at(start)));
            let later = start + wait;
            let still_fresh = (later - (start + skew)).abs() <= 300;
            if still_fresh {
                prop_assert!(!seen.first_time(&hash(1), signed_at, at(later)));
            }
        }

        #[test]
        fn nothing_is_kept_beyond_its_use(steps in proptest::collection::vec(0_i64..400, 1..50)) {
            let seen = Seen::new(LASTING, Arc::default());
            let mut now = 1_000_000;
            for (number, step) in (0_u32..).zip(steps) {
                now += step;
                let _ = seen.first_time(&hash(number), at(now), at(now));
                prop_assert!(seen.spans.lock().unwrap().len() <= 3);
            }
        }
    }
}
