//! Chat accounts that another subscriber holds, as they are known: in memory for those who wait for an
//! answer, and in the store for the next start and other replicas.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use quick_cache::sync::Cache;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::clock::SharedClock;
use crate::store::{Owner, Store, StoreError};
use crate::supervise::Background;

/// The most accounts of which a holder is known.
const MOST: usize = 10_000;
/// How often it is looked for what other replicas have found.
const LOOK_EVERY: Duration = Duration::from_mins(1);
/// How long it takes until what could not be written is written again.
const WRITE_AGAIN: Duration = Duration::from_secs(5);

/// Chat accounts that are known to be held by somebody else, each with the identifier of the endpoint by
/// which that is so. Asking and changing take no time: the store is written behind. What is lost of that is
/// found again when the next link runs out.
#[derive(Debug)]
pub struct HeldAccounts {
    store: Store,
    clock: SharedClock,
    known: Cache<Owner, String>,
    /// What has changed and is not in the store yet: the endpoint, or that there is none any more.
    unwritten: Mutex<HashMap<Owner, Option<String>>>,
    /// Rings when something has changed.
    changed: Notify,
}

impl HeldAccounts {
    /// What the store knows. Where it does not answer that is looked up later.
    pub async fn load(store: Store, clock: SharedClock) -> Self {
        let (unwritten, changed) = Default::default();
        let held = Self { store, clock, known: Cache::new(MOST), unwritten, changed };
        held.look().await;
        held
    }

    /// The identifier of the endpoint by which another subscriber holds an account, if that is known.
    pub(super) fn endpoint(&self, owner: &Owner) -> Option<String> {
        self.known.get(owner)
    }

    /// Remembers that another subscriber holds an account.
    pub(super) fn remember(&self, owner: Owner, endpoint: String) {
        if self.known.get(&owner).as_ref() != Some(&endpoint) {
            self.known.insert(owner.clone(), endpoint.clone());
            self.change(owner, Some(endpoint));
        }
    }

    /// Forgets that an account is held.
    pub(super) fn forget(&self, owner: Owner) {
        if self.known.remove(&owner).is_some() {
            self.change(owner, None);
        }
    }

    /// What keeps memory and store alike.
    #[must_use]
    pub fn background(self: &Arc<Self>) -> Background {
        Background::new("held_accounts", self, |held, stop| async move { held.keep(stop).await })
    }

    /// Writes what has changed, at the end.
    pub async fn finish(&self) {
        // Why it failed is in the store's own line.
        let _ = self.write().await;
    }

    async fn keep(&self, stop: CancellationToken) {
        let keeping = async {
            tokio::join!(self.keep_writing(), self.keep_looking());
        };
        stop.run_until_cancelled(keeping).await;
    }

    async fn keep_writing(&self) {
        loop {
            // Why it failed is in the store's own line.
            if self.write().await.is_err() {
                self.clock.sleep(WRITE_AGAIN).await;
            } else {
                self.changed.notified().await;
            }
        }
    }

    /// Writes what has changed. What cannot be written stays, unless it has changed again meanwhile.
    async fn write(&self) -> Result<(), StoreError> {
        let changes = std::mem::take(&mut *self.unwritten());
        let mut written = Ok(());
        for (owner, endpoint) in changes {
            if written.is_ok() {
                written = match &endpoint {
                    Some(endpoint) => self.store.remember_held(&owner, endpoint).await,
                    None => self.store.forget_held(&owner).await,
                };
            }
            if written.is_err() {
                self.unwritten().entry(owner).or_insert(endpoint);
            }
        }
        written
    }

    async fn keep_looking(&self) {
        // Nobody else changes a store that is this process's own.
        while self.store.is_shared() {
            self.clock.sleep(LOOK_EVERY).await;
            self.look().await;
        }
    }

    async fn look(&self) {
        let Ok(held) = self.store.all_held(MOST).await else { return };
        let unwritten = self.unwritten();
        for (owner, endpoint) in held {
            if !unwritten.contains_key(&owner) {
                self.known.insert(owner, endpoint);
            }
        }
    }

    fn change(&self, owner: Owner, endpoint: Option<String>) {
        let mut unwritten = self.unwritten();
        if unwritten.len() < MOST || unwritten.contains_key(&owner) {
            unwritten.insert(owner, endpoint);
        }
        self.changed.notify_one();
    }

    fn unwritten(&self) -> MutexGuard<'_, HashMap<Owner, Option<String>>> {
        // A panic elsewhere leaves whole values behind.
        self.unwritten.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::clock::ManualClock;

    #[tokio::test]
    async fn what_is_found_is_there_at_once_and_after_the_next_start() {
        let clock: SharedClock = Arc::new(ManualClock::new(Timestamp::UNIX_EPOCH));
        let store = Store::in_memory(Arc::clone(&clock));
        let held = HeldAccounts::load(store.clone(), Arc::clone(&clock)).await;
        let owner = |user| Owner::of("slack", "T1", user);
        for user in ["U1", "U2"] {
            held.remember(owner(user), user.to_owned());
        }
        held.forget(owner("U2"));
        assert_eq!(held.endpoint(&owner("U1")).as_deref(), Some("U1"));
        assert_eq!(held.endpoint(&owner("U2")), None);
        held.write().await.unwrap();
        let next = HeldAccounts::load(store.clone(), Arc::clone(&clock)).await;
        assert_eq!(next.endpoint(&owner("U1")).as_deref(), Some("U1"));
        assert_eq!(next.endpoint(&owner("U2")), None);
        next.forget(owner("U1"));
        next.write().await.unwrap();
        assert_eq!(store.held(&owner("U1")).await, Ok(None));
    }

    #[tokio::test]
    async fn what_is_not_written_yet_is_not_read_back_from_the_store() {
        let clock: SharedClock = Arc::new(ManualClock::new(Timestamp::UNIX_EPOCH));
        let store = Store::in_memory(Arc::clone(&clock));
        let owner = Owner::of("slack", "T1", "U1");
        store.remember_held(&owner, "before").await.unwrap();
        let held = HeldAccounts::load(store, clock).await;
        held.forget(owner.clone());
        held.look().await;
        assert_eq!(held.endpoint(&owner), None);
    }
}
