//! Requests that are refused because nothing in them can be believed: each is counted, and the log
//! tells of them at most once a minute for each surface.
//!
//! Strangers cause them at will, so a line holds no word of theirs; but a wrong secret causes them too,
//! and then nobody is served, so an operator has to read of it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::clock::{SharedClock, Tick};
use crate::metrics::Metrics;

/// How often at most the log tells of one surface's refused requests.
const TELL_EVERY: Duration = Duration::from_mins(1);

/// Why a request is refused, for the operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Why {
    /// The word for it, as in metrics.
    pub reason: &'static str,
    /// What to check.
    pub advice: &'static str,
    /// Who may have caused it.
    pub by: CausedBy,
}

/// Who may have caused that a request is refused, from the least to the most that it says of this
/// service's own configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum CausedBy {
    /// Strangers, as a rule.
    Strangers,
    /// Strangers, or the platform itself where a secret or a key of ours is wrong.
    Anybody,
    /// Only the platform itself, or somebody who has captured a request of it.
    Platform,
}

/// Counts one surface's refused requests and tells the log of them.
#[derive(Debug)]
pub(crate) struct RefusedRequests {
    surface: &'static str,
    clock: SharedClock,
    metrics: Arc<Metrics>,
    tally: Mutex<Tally>,
}

/// What happened since the last line.
#[derive(Debug, Default)]
struct Tally {
    told_at: Option<Tick>,
    counts: BTreeMap<&'static str, u64>,
    most_telling: Option<Why>,
}

/// What one line tells.
#[derive(Debug, PartialEq, Eq)]
struct Line {
    why: Why,
    /// How many requests were refused since the last line, and for what.
    count: u64,
    reasons: String,
}

impl RefusedRequests {
    /// None yet, with the count of each of these reasons at zero.
    pub(crate) fn new(
        surface: &'static str,
        reasons: impl IntoIterator<Item = &'static str>,
        clock: SharedClock,
        metrics: Arc<Metrics>,
    ) -> Self {
        metrics.begin_refused(surface, reasons);
        Self { surface, clock, metrics, tally: Mutex::default() }
    }

    /// Takes note of one more that says nothing of this service's state, such as an old link.
    pub(crate) fn count(&self, reason: &'static str) {
        self.metrics.refused(self.surface, reason);
        tracing::debug!(surface = self.surface, reason, "a request is refused");
    }

    /// Takes note of one more, which an operator may have to look at.
    pub(crate) fn note(&self, why: Why) {
        self.count(why.reason);
        let line = {
            // A panic while the lock was held leaves at worst one count too few.
            let mut tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner);
            tally.add(why, self.clock.monotonic())
        };
        if let Some(Line { why, count, reasons }) = line {
            tracing::warn!(
                surface = self.surface,
                reason = why.reason,
                count,
                reasons,
                advice = why.advice,
                "requests are refused"
            );
        }
    }
}

impl Tally {
    /// Adds one, and gives the line that is due with it, if any.
    fn add(&mut self, why: Why, now: Tick) -> Option<Line> {
        *self.counts.entry(why.reason).or_default() += 1;
        if self.most_telling.is_none_or(|most| why.by >= most.by) {
            self.most_telling = Some(why);
        }
        if self.told_at.is_some_and(|told_at| now - told_at < TELL_EVERY) {
            return None;
        }
        self.told_at = Some(now);
        let counts = std::mem::take(&mut self.counts);
        let why = self.most_telling.take()?;
        let reasons = counts.iter().fold(String::new(), |mut text, (reason, count)| {
            let separator = if text.is_empty() { "" } else { ", " };
            // Writing to a String cannot fail.
            let _ = write!(text, "{separator}{reason} {count}");
            text
        });
        Some(Line { why, count: counts.values().sum(), reasons })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn why(reason: &'static str, by: CausedBy) -> Why {
        Why { reason, advice: "look", by }
    }

    const HEADERS: Why = why("headers", CausedBy::Strangers);
    const SIGNATURE: Why = why("bad_signature", CausedBy::Anybody);
    const CLOCK: Why = why("clock_skew", CausedBy::Platform);

    #[test]
    fn one_line_a_minute_has_the_count_since_the_last_and_the_most_telling_reason() {
        // When, what is refused then, and the line that is due: its reason, its count, all reasons.
        type Case = (u64, &'static [Why], Option<(&'static str, u64, &'static str)>);
        let cases: [Case; 6] = [
            (0, &[SIGNATURE], Some(("bad_signature", 1, "bad_signature 1"))),
            (1, &[SIGNATURE, SIGNATURE, HEADERS], None),
            (59, &[HEADERS], None),
            (60, &[HEADERS], Some(("bad_signature", 5, "bad_signature 2, headers 3"))),
            (119, &[CLOCK, SIGNATURE], None),
            (500, &[HEADERS], Some(("clock_skew", 3, "bad_signature 1, clock_skew 1, headers 1"))),
        ];
        let mut tally = Tally::default();
        for (second, requests, expected) in cases {
            let now = Tick::after_start(Duration::from_secs(second));
            let lines: Vec<_> = requests.iter().filter_map(|why| tally.add(*why, now)).collect();
            let told: Vec<_> = lines
                .iter()
                .map(|line| (line.why.reason, line.count, line.reasons.as_str()))
                .collect();
            assert_eq!(told, Vec::from_iter(expected), "at {second} s");
        }
    }
}
