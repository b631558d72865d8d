//! Remembers what has been here, for as long as it matters.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use crate::clock::Tick;
use crate::metrics::Metrics;

/// The most records that are kept: some 40 MiB. Beyond it the oldest are forgotten, and a metric
/// says so.
const MOST_RECORDS: usize = 1_000_000;

/// Half of a hash: still far beyond guessing, at half the memory.
type Record = [u8; 16];

/// A memory of hashes. How long it lasts does not depend on the wall clock.
///
/// Records are kept in one set for each span of time. A set goes as a whole once nothing in it
/// matters any more, so nothing is ever scanned.
#[derive(Debug)]
pub(crate) struct Seen {
    memory: Mutex<Memory>,
    lasting: Duration,
    most: usize,
    metrics: Arc<Metrics>,
}

#[derive(Debug, Default)]
struct Memory {
    spans: BTreeMap<u128, Span>,
    /// The latest signature among those whose time here was over.
    signed_before: Option<Timestamp>,
}

/// What came in one span of time.
#[derive(Debug, Default)]
struct Span {
    records: HashSet<Record>,
    /// The latest signature among them.
    signed_last: Option<Timestamp>,
}

impl Seen {
    /// An empty memory, whose records last at least as long as `lasting` and at most twice as long.
    #[must_use]
    pub(crate) fn new(lasting: Duration, metrics: Arc<Metrics>) -> Self {
        let lasting = lasting.max(Duration::from_secs(1));
        Self { memory: Mutex::default(), lasting, most: MOST_RECORDS, metrics }
    }

    /// Whether the hash of something that was signed at `signed_at`, a time by the signer's own clock,
    /// is here for the first time. It is refused by its age after `lasting`. Only what has been verified
    /// may come here, so that strangers cannot fill the memory.
    ///
    /// Our wall clock may be set back, and then judge old signatures as fresh. So a signature that is
    /// no younger than one whose record is forgotten counts as known. Nothing genuine is: it would
    /// have been under way for longer than `lasting`.
    #[must_use]
    pub(crate) fn first_time_signed(
        &self,
        hash: &[u8; 32],
        signed_at: Timestamp,
        now: Tick,
    ) -> bool {
        let record = record(hash);
        let mut memory = self.memory();
        let current = self.span_of(now);
        memory.forget_before(current.saturating_sub(1));
        let too_old = memory.signed_before.is_some_and(|before| signed_at <= before);
        if too_old || memory.spans.values().any(|span| span.records.contains(&record)) {
            return false;
        }
        let span = memory.spans.entry(current).or_default();
        span.records.insert(record);
        span.signed_last = span.signed_last.max(Some(signed_at));
        if memory.spans.values().map(|span| span.records.len()).sum::<usize>() > self.most {
            self.forget_early(&mut memory);
        }
        true
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        // A panic while the lock was held leaves whole sets behind: there is nothing to repair.
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn forget_early(&self, memory: &mut Memory) {
        // This raises no bar to signatures: genuine ones of the same moment are still to come.
        if let Some((_, forgotten)) = memory.spans.pop_first() {
            let records = forgotten.records.len();
            tracing::warn!(
                records,
                "memory of seen requests is full; the oldest were forgotten early"
            );
            self.metrics.replays_forgotten.inc_by(records as u64);
        }
    }

    fn span_of(&self, moment: Tick) -> u128 {
        moment.since_start().as_nanos() / self.lasting.as_nanos()
    }
}

impl Memory {
    fn forget_before(&mut self, oldest: u128) {
        while let Some(first) = self.spans.first_entry().filter(|span| *span.key() < oldest) {
            self.signed_before = self.signed_before.max(first.remove().signed_last);
        }
    }
}

fn record(hash: &[u8; 32]) -> Record {
    let [record @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _] = *hash;
    record
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    const LASTING: Duration = Duration::from_mins(5);

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn tick(second: u64) -> Tick {
        Tick::after_start(Duration::from_secs(second))
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
            assert!(seen.first_time_signed(&hash(number), at(1000), tick(1000)));
        }
        for number in 8..11 {
            assert!(seen.first_time_signed(&hash(number), at(1300), tick(1300)));
        }
        assert_eq!(metrics.replays_forgotten.get(), 8);
        assert!(!seen.first_time_signed(&hash(10), at(1300), tick(1300)));
    }

    #[test]
    fn what_comes_again_at_another_moment_is_known() {
        let seen = Seen::new(LASTING, Arc::default());
        assert!(seen.first_time_signed(&hash(1), at(1199), tick(1199)));
        assert!(
            !seen.first_time_signed(&hash(1), at(1199), tick(1214)),
            "beyond the end of a span"
        );
    }

    proptest! {
        /// By the wall clock alone a signature is fresh for five minutes either way; the wall clock
        /// may show anything.
        #[test]
        fn a_signature_counts_once_whatever_the_wall_clock_shows(
            ahead in -300_i64..=300,
            wait in 0_u64..=100_000,
            others in proptest::collection::vec(0_u64..=100_000, 0..20),
        ) {
            let seen = Seen::new(LASTING, Arc::default());
            let signed = |second: u64| at(1_000_000 + ahead + i64::try_from(second).unwrap());
            prop_assert!(seen.first_time_signed(&hash(0), signed(0), tick(0)));
            let others: BTreeSet<_> = others.into_iter().filter(|other| *other <= wait).collect();
            for (number, other) in (1_u32..).zip(others) {
                // The signer's clock runs as time does, so whoever is genuine gets in.
                prop_assert!(seen.first_time_signed(&hash(number), signed(other), tick(other)));
            }
            prop_assert!(!seen.first_time_signed(&hash(0), signed(0), tick(wait)));
        }

        #[test]
        fn nothing_is_kept_beyond_its_use(steps in proptest::collection::vec(0_u64..400, 1..50)) {
            let seen = Seen::new(LASTING, Arc::default());
            let mut now = 1_000_000;
            for (number, step) in (0_u32..).zip(steps) {
                now += step;
                let signed_at = at(i64::try_from(now).unwrap());
                let _ = seen.first_time_signed(&hash(number), signed_at, tick(now));
                prop_assert!(seen.memory.lock().unwrap().spans.len() <= 2);
            }
        }
    }
}
