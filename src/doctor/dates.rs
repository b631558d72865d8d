//! What time it is elsewhere, by the answers that the checks get.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};

use crate::clock::SharedClock;

/// How far ahead of this machine's clock others are.
#[derive(Debug)]
pub(super) struct Dates {
    clock: SharedClock,
    ahead: Mutex<BTreeMap<&'static str, SignedDuration>>,
}

impl Dates {
    pub(super) fn new(clock: SharedClock) -> Self {
        Self { clock, ahead: Mutex::default() }
    }

    pub(super) fn note(&self, place: &'static str, date: Option<Timestamp>) {
        if let Some(date) = date {
            let ahead = date.duration_since(self.clock.now());
            self.ahead().insert(place, ahead);
        }
    }

    /// By how much, of whom, as far as they have answered.
    pub(super) fn ahead(&self) -> MutexGuard<'_, BTreeMap<&'static str, SignedDuration>> {
        self.ahead.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
