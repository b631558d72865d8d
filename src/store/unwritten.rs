//! Ends of jobs that could not be written when they came.
//!
//! What a person has seen must not be shown again when the lease of its job runs out. So the end is kept
//! here, and written once that is possible. It names its lease, and changes nothing if somebody else has
//! taken the job over.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::sealed_changes::Sealed;

/// How many are kept at most; the oldest go first.
const MOST: usize = 10_000;

/// Sets of changes that could not be written.
#[derive(Debug, Default)]
pub(super) struct Unwritten(Mutex<VecDeque<Late>>);

/// A set that is to be written late.
#[derive(Debug)]
pub(super) struct Late {
    pub(super) set: Arc<Vec<Sealed>>,
    /// Until when its job may still turn up in the store.
    pub(super) until: i64,
}

impl Unwritten {
    /// Keeps a set that ends a job.
    pub(super) fn keep_end(&self, set: &Arc<Vec<Sealed>>) {
        if set.iter().any(|change| matches!(change, Sealed::Finish { .. })) {
            self.push(Late { set: Arc::clone(set), until: i64::MIN });
        }
    }

    /// Withdraws the jobs that a set puts in. It is not known whether they are there, so nothing was
    /// promised.
    pub(super) fn withdraw(&self, set: &[Sealed]) {
        for (end, until) in set.iter().filter_map(Sealed::withdrawal) {
            self.push(Late { set: Arc::new(vec![end]), until });
        }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.sets().len()
    }

    /// Takes out the oldest.
    pub(super) fn pop(&self) -> Option<Late> {
        self.sets().pop_front()
    }

    /// Puts one in, or back.
    pub(super) fn push(&self, late: Late) {
        let mut sets = self.sets();
        if sets.len() >= MOST {
            sets.pop_front();
        }
        sets.push_back(late);
    }

    fn sets(&self) -> MutexGuard<'_, VecDeque<Late>> {
        // A panic while the lock was held leaves a whole queue behind: there is nothing to repair.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
