//! Workspaces that were looked for in vain, so that people who go on asking there cost Novu little.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{MISS_COOLDOWN, REFRESH_EVERY};
use crate::clock::Tick;
use crate::core::person::Workspace;

/// How often the cooldown doubles for one workspace that is looked for in vain again and again.
const MOST_DOUBLINGS: u32 = 4;
/// The most workspaces that are remembered.
const MOST_MISSES: usize = 10_000;

/// The workspaces, by their realm.
#[derive(Debug, Default)]
pub(super) struct Misses(Mutex<HashMap<String, Miss>>);

#[derive(Debug, Clone, Copy)]
struct Miss {
    times: u32,
    /// Until when it is not looked for again.
    until: Tick,
}

impl Misses {
    /// Whether a workspace was looked for in vain so lately that it is not worth a call. Whoever has
    /// just connected it is served a few seconds later; where people go on asking in a workspace that
    /// nobody connects, the pauses grow up to the next refresh that happens anyway.
    pub(super) fn lately(&self, workspace: &Workspace, now: Tick) -> bool {
        self.lock().get(workspace.realm()).is_some_and(|miss| now < miss.until)
    }

    /// Takes note of whether a workspace was looked for in vain.
    pub(super) fn note(&self, workspace: &Workspace, in_vain: bool, now: Tick) {
        let mut known = self.lock();
        if !in_vain {
            known.remove(workspace.realm());
            return;
        }
        if known.len() >= MOST_MISSES {
            known.retain(|_, miss| now < miss.until);
        }
        let before = known.get(workspace.realm()).copied();
        if before.is_some_and(|miss| now < miss.until) || known.len() >= MOST_MISSES {
            return;
        }
        let still = before.filter(|miss| now - miss.until < REFRESH_EVERY);
        let times = still.map_or(0, |miss| (miss.times + 1).min(MOST_DOUBLINGS));
        let until = now + MISS_COOLDOWN * 2_u32.pow(times);
        known.insert(workspace.realm().to_owned(), Miss { times, until });
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Miss>> {
        // A panic elsewhere leaves a whole map behind.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
