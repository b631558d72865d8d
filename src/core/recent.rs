//! What was learnt lately, for as long as it is good: in memory alone, and bounded.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::clock::{SharedClock, Tick};

/// The most things that are remembered; the oldest is forgotten first.
const MOST: usize = 10_000;

/// Things that are remembered for a while, by what they are of.
#[derive(Debug)]
pub(super) struct Recent<K, V> {
    clock: SharedClock,
    good_for: Duration,
    state: Mutex<State<K, V>>,
}

#[derive(Debug)]
struct State<K, V> {
    known: HashMap<K, (Tick, V)>,
    /// Every note, the oldest first. Those that a later one has replaced are passed over.
    order: VecDeque<(Tick, K)>,
}

impl<K: Clone + Eq + Hash, V: Clone> Recent<K, V> {
    /// Nothing yet. What is noted is good for so long.
    pub(super) fn new(good_for: Duration, clock: SharedClock) -> Self {
        let state = State { known: HashMap::new(), order: VecDeque::new() };
        Self { clock, good_for, state: Mutex::new(state) }
    }

    /// Takes note of something.
    pub(super) fn note(&self, of: K, value: V) {
        let now = self.clock.monotonic();
        let mut state = self.state();
        state.make_room(now, self.good_for);
        state.add(of, now, value);
    }

    /// Takes note of something unless there is a note that is still good. Whether it did.
    pub(super) fn note_first(&self, of: K, value: V) -> bool {
        let now = self.clock.monotonic();
        let mut state = self.state();
        state.make_room(now, self.good_for);
        let is_first = !state.known.contains_key(&of);
        if is_first {
            state.add(of, now, value);
        }
        is_first
    }

    /// What is known, if it is still good.
    pub(super) fn get(&self, of: &K) -> Option<V> {
        let now = self.clock.monotonic();
        let state = self.state();
        let (at, value) = state.known.get(of)?;
        (now - *at < self.good_for).then(|| value.clone())
    }

    /// Forgets what is known.
    pub(super) fn forget(&self, of: &K) {
        self.state().known.remove(of);
    }

    fn state(&self) -> MutexGuard<'_, State<K, V>> {
        // A panic elsewhere leaves whole values behind.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Clone + Eq + Hash, V> State<K, V> {
    /// Removes what is good no more, and the oldest where there would be too much.
    fn make_room(&mut self, now: Tick, good_for: Duration) {
        while let Some((at, _)) = self.order.front()
            && (now - *at >= good_for || self.order.len() >= MOST)
        {
            let Some((at, of)) = self.order.pop_front() else { return };
            if self.known.get(&of).is_some_and(|(known_at, _)| *known_at == at) {
                self.known.remove(&of);
            }
        }
    }

    fn add(&mut self, of: K, now: Tick, value: V) {
        self.order.push_back((now, of.clone()));
        self.known.insert(of, (now, value));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::clock::ManualClock;

    const MINUTE: Duration = Duration::from_mins(1);

    fn recent<V: Clone>() -> (ManualClock, Recent<usize, V>) {
        let clock = ManualClock::new(jiff::Timestamp::UNIX_EPOCH);
        (clock.clone(), Recent::new(MINUTE, Arc::new(clock)))
    }

    #[test]
    fn what_was_noted_is_good_for_its_time_and_a_later_note_for_longer() {
        let (clock, recent) = recent();
        recent.note(1, "old");
        clock.advance(MINUTE / 2);
        recent.note(1, "new");
        recent.note(2, "other");
        clock.advance(MINUTE / 2);
        assert_eq!((recent.get(&1), recent.get(&2)), (Some("new"), Some("other")));
        recent.forget(&2);
        assert_eq!(recent.get(&2), None);
        clock.advance(MINUTE / 2);
        assert_eq!(recent.get(&1), None);
    }

    #[test]
    fn the_first_note_stands_for_its_time() {
        let (clock, recent) = recent();
        assert!(recent.note_first(1, ()));
        assert!(!recent.note_first(1, ()));
        clock.advance(MINUTE);
        assert!(recent.note_first(1, ()));
        recent.forget(&1);
        assert!(recent.note_first(1, ()));
    }

    #[test]
    fn memory_is_bounded_and_the_oldest_is_forgotten_first() {
        let (clock, recent) = recent();
        for number in 0..=MOST {
            clock.advance(Duration::from_millis(1));
            recent.note(number, ());
        }
        assert!(recent.get(&0).is_none() && recent.get(&1).is_some());
        for _ in 0..2 * MOST {
            recent.note(MOST, ());
        }
        let state = recent.state();
        assert!(state.order.len() <= MOST && state.known.len() <= state.order.len());
    }
}
