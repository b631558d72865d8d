//! Which upstreams are ill at the moment, and the log lines about it.
//!
//! A failure is logged when it begins or its cause changes, then at most once a minute with the count
//! while it lasts, and once when it is over. What goes back and forth gets a few lines a minute.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use super::cause::Cause;
use crate::clock::{SharedClock, between};

/// How often a failure that lasts is logged.
const REPEAT_EVERY: Duration = Duration::from_mins(1);
/// The most lines within [`REPEAT_EVERY`] about one operation that goes back and forth.
const MOST_LINES: u8 = 6;

/// An upstream and the operation that was asked of it.
type Key = (&'static str, &'static str);

/// What is known of the health of all upstreams, by operation.
#[derive(Debug)]
pub struct Upstreams {
    clock: SharedClock,
    /// How many operations are ill. While none is, success costs one look at this.
    ill: AtomicUsize,
    /// Every operation that ever failed: as many as there are in the code.
    states: Mutex<BTreeMap<Key, State>>,
}

/// An operation that fails at the moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ill {
    /// The upstream.
    pub upstream: &'static str,
    /// What was asked of it.
    pub operation: &'static str,
    /// What came back the last time.
    pub cause: Cause,
    /// The upstream's own word for it, if it gave one.
    pub said: Option<Box<str>>,
    /// What to do about it.
    pub advice: &'static str,
    /// Since when it has failed every time.
    pub since: Timestamp,
}

#[derive(Debug)]
struct State {
    /// The failure; none while the operation succeeds.
    ill: Option<Ill>,
    /// Failures since the operation last succeeded.
    failures: u64,
    /// Whether the log tells that it fails.
    is_told: bool,
    /// When the log last told that it fails.
    told_at: Timestamp,
    /// When the lines began to be counted, and how many there are since.
    lines: (Timestamp, u8),
}

impl State {
    fn new(now: Timestamp) -> Self {
        Self { ill: None, failures: 0, is_told: false, told_at: now, lines: (now, 0) }
    }

    /// Whether one more line may tell of a change.
    fn may_tell(&mut self, now: Timestamp) -> bool {
        if is_over(self.lines.0, now) {
            self.lines = (now, 0);
        }
        self.lines.1 = self.lines.1.saturating_add(1);
        self.lines.1 <= MOST_LINES
    }
}

/// Whether the pause since a moment is over. A clock that was set back ends it too, so that no pause
/// ever lasts longer than its own length.
fn is_over(since: Timestamp, now: Timestamp) -> bool {
    now < since || between(since, now) >= REPEAT_EVERY
}

impl Upstreams {
    /// All well, as far as is known.
    #[must_use]
    pub fn new(clock: SharedClock) -> Self {
        Self { clock, ill: AtomicUsize::new(0), states: Mutex::default() }
    }

    /// The operations that fail at the moment, in a fixed order.
    #[must_use]
    pub fn ill(&self) -> Vec<Ill> {
        self.states().values().filter_map(|state| state.ill.clone()).collect()
    }

    /// How an operation fails at the moment; none if it does not.
    #[must_use]
    pub fn find_ill(&self, upstream: &'static str, operation: &'static str) -> Option<Ill> {
        self.states().get(&(upstream, operation))?.ill.clone()
    }

    /// Takes note that an operation succeeded.
    pub(super) fn succeeded(&self, upstream: &'static str, operation: &'static str) {
        if self.ill.load(Ordering::Relaxed) == 0 {
            return;
        }
        let now = self.clock.now();
        let mut states = self.states();
        let Some(state) = states.get_mut(&(upstream, operation)) else { return };
        let Some(ill) = state.ill.take() else { return };
        self.ill.fetch_sub(1, Ordering::Relaxed);
        let failures = std::mem::take(&mut state.failures);
        let tell = std::mem::take(&mut state.is_told) && state.may_tell(now);
        drop(states);
        if tell {
            let lasted = between(ill.since, now);
            tracing::info!(upstream, operation, failures, ?lasted, "an upstream is well again");
        }
    }

    /// Takes note that an operation failed.
    pub(super) fn failed(
        &self,
        upstream: &'static str,
        operation: &'static str,
        cause: Cause,
        said: Option<Box<str>>,
        advice: &'static str,
    ) {
        let now = self.clock.now();
        let mut states = self.states();
        let state = states.entry((upstream, operation)).or_insert_with(|| State::new(now));
        let before = state.ill.take();
        if before.is_none() {
            self.ill.fetch_add(1, Ordering::Relaxed);
        }
        let is_news =
            before.as_ref().is_none_or(|before| before.cause != cause || before.said != said);
        let since = before.map_or(now, |before| before.since);
        let ill = Ill { upstream, operation, cause, said, advice, since };
        state.ill = Some(ill.clone());
        state.failures += 1;
        let failures = state.failures;
        let tell = if is_news { state.may_tell(now) } else { is_over(state.told_at, now) };
        if tell {
            (state.is_told, state.told_at) = (true, now);
        }
        drop(states);
        if tell {
            tracing::warn!(
                upstream,
                operation,
                cause = %ill.cause,
                said = ill.said.as_deref(),
                advice,
                failures,
                "an upstream fails",
            );
        }
    }

    fn states(&self) -> MutexGuard<'_, BTreeMap<Key, State>> {
        // A panic while the lock was held leaves whole values behind: there is nothing to repair.
        self.states.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
