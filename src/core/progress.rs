//! What questions have learnt by now, for their next attempt.
//!
//! Whoever has to try again because a link could not be minted need not look up again who asks, as
//! whom and where. In memory alone, and only for a while: after that it may be true no more.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::reference::Reference;
use crate::clock::{SharedClock, Tick};

/// How long what was learnt is good for another attempt.
const GOOD_FOR: Duration = Duration::from_mins(1);
/// The most questions of which something is kept; the oldest is forgotten first.
const MOST: usize = 2_000;

/// What was learnt of questions that are to be tried again.
#[derive(Debug)]
pub(super) struct Progress<T> {
    clock: SharedClock,
    kept: Mutex<VecDeque<(Reference, Tick, T)>>,
}

impl<T> Progress<T> {
    pub(super) fn new(clock: SharedClock) -> Self {
        Self { clock, kept: Mutex::default() }
    }

    /// Keeps what was learnt at `learnt_at`.
    pub(super) fn keep(&self, question: Reference, learnt_at: Tick, learnt: T) {
        let now = self.clock.monotonic();
        let mut kept = self.kept();
        kept.retain(|(_, at, _)| now - *at < GOOD_FOR);
        if kept.len() >= MOST {
            kept.pop_front();
        }
        kept.push_back((question, learnt_at, learnt));
    }

    /// Takes out what is known of a question, and since when.
    pub(super) fn take(&self, question: Reference) -> Option<(Tick, T)> {
        let now = self.clock.monotonic();
        let mut kept = self.kept();
        let place = kept.iter().position(|(known, _, _)| *known == question)?;
        let (_, at, learnt) = kept.remove(place)?;
        (now - at < GOOD_FOR).then_some((at, learnt))
    }

    fn kept(&self) -> MutexGuard<'_, VecDeque<(Reference, Tick, T)>> {
        // A panic elsewhere leaves a whole list behind.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::clock::ManualClock;
    use crate::random::SystemRandom;

    #[test]
    fn what_was_learnt_is_good_once_and_for_a_minute() {
        let clock = ManualClock::new(jiff::Timestamp::UNIX_EPOCH);
        let progress = Progress::new(Arc::new(clock.clone()));
        let [ada, grace] = [(); 2].map(|()| Reference::new(&SystemRandom));
        let now = progress.clock.monotonic();
        progress.keep(ada, now, "ada");
        progress.keep(grace, now, "grace");
        assert_eq!(progress.take(ada), Some((now, "ada")));
        assert_eq!(progress.take(ada), None);
        clock.advance(GOOD_FOR);
        assert_eq!(progress.take(grace), None);
    }

    #[test]
    fn the_oldest_is_forgotten_first() {
        let progress = Progress::new(Arc::new(ManualClock::new(jiff::Timestamp::UNIX_EPOCH)));
        let questions: Vec<_> = (0..=MOST).map(|_| Reference::new(&SystemRandom)).collect();
        for question in &questions {
            progress.keep(*question, progress.clock.monotonic(), ());
        }
        assert_eq!(progress.take(questions[0]), None);
        assert!(progress.take(questions[MOST]).is_some());
    }
}
