//! Which of several replicas looks for new endpoints: the one that holds a job made for that.

use std::time::Duration;

use secrecy::SecretString;
use tokio::sync::Mutex;

use crate::store::{Begun, Held, Lease, NewJob, Store, StoreError};

/// For how long the right is taken. Another replica gets it before that only if this one dies.
const LASTS: Duration = Duration::from_mins(2);
/// There is one such job of each kind.
const KEY: [u8; 32] = [1; 32];

/// The right to look.
#[derive(Debug)]
pub(super) struct Lead {
    store: Store,
    kind: &'static str,
    held: Mutex<Option<Lease>>,
}

impl Lead {
    pub(super) fn new(store: Store, kind: &'static str) -> Self {
        Self { store, kind, held: Mutex::new(None) }
    }

    /// Whether this process looks: it has the store for itself, or holds the right, or gets it now.
    ///
    /// # Errors
    /// The store does not answer.
    pub(super) async fn is_ours(&self) -> Result<bool, StoreError> {
        if !self.store.is_shared() {
            return Ok(true);
        }
        let mut held = self.held.lock().await;
        if let Some(lease) = held.as_ref() {
            if self.store.save(lease, SecretString::default(), LASTS).await? == Held::Still {
                return Ok(true);
            }
            *held = None;
        }
        let job = NewJob { kind: self.kind, key: Some(KEY), payload: SecretString::default() };
        *held = match self.store.begin(job, LASTS).await? {
            Begun::Leased(lease) => Some(lease),
            // Free only once its holder is dead or has gone.
            Begun::Known => self.store.lease(self.kind, LASTS).await?.map(|job| job.lease),
        };
        Ok(held.is_some())
    }
}
