//! How an instance knows that another one is dead.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::clock::millis;
use super::replicas::{BEAT, DEAD};

/// Since when this instance has been watching the others without a gap, and when it last looked.
#[derive(Debug, Default)]
pub(super) struct Beats(Mutex<Option<Watching>>);

#[derive(Debug, Clone, Copy)]
struct Watching {
    since: i64,
    last: i64,
}

impl Beats {
    /// Takes note of a look at `now`. Gives the moment since when an instance that has been silent is
    /// dead; none where this one has not watched for long enough to know. After a gap of its own it knows
    /// nothing of the others: they may have had the same.
    pub(super) fn look(&self, now: i64) -> Option<i64> {
        let (gap, dead) = (2 * millis(BEAT), millis(DEAD));
        let mut watching = self.watching();
        let since = match *watching {
            Some(Watching { since, last }) if now - last <= gap => since,
            _ => now,
        };
        *watching = Some(Watching { since, last: now });
        (now - since >= dead).then(|| now - dead)
    }

    /// Takes note of a look that failed.
    pub(super) fn miss(&self) {
        *self.watching() = None;
    }

    fn watching(&self) -> MutexGuard<'_, Option<Watching>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_dead_for_somebody_who_was_not_looking() {
        let beats = Beats::default();
        let dead = millis(DEAD);
        let looks = |times: &[i64]| times.iter().map(|now| beats.look(*now)).collect::<Vec<_>>();
        assert_eq!(looks(&[0, 2000, 4000, 6000]), [None; 4]);
        assert_eq!(looks(&[8000, 10_000]), [Some(8000 - dead), Some(10_000 - dead)]);
        // A gap, as when the database was away: the others may have had the same.
        assert_eq!(looks(&[60_000, 62_000]), [None; 2]);
        assert_eq!(looks(&[64_000, 66_000, 68_000]), [None, None, Some(68_000 - dead)]);
        beats.miss();
        assert_eq!(looks(&[70_000]), [None]);
    }
}
