//! What must not be forgotten: promises that were made and are not kept yet, and messages that can
//! change later.
//!
//! A promise is a job: a kind, a payload that only its kind understands, and a time. It is in the store
//! before the promise is spoken, leased while somebody works on it, and ended when it is kept. A lease
//! that runs out, or whose holder died, can be taken by anybody. Every lease has a token of its own, and
//! what is concluded under an older one changes nothing.
//!
//! Beside that it knows which chat accounts are linked to whom, and which ones another subscriber holds.
//!
//! There are three stores behind one interface: in memory, in a file of `SQLite`, and in `PostgreSQL`,
//! which several replicas share.

mod audit;
mod backup;
mod beats;
mod changes;
mod clock;
pub mod config;
mod copying;
mod database;
mod direct;
mod held;
mod keeper;
mod key_file;
mod links;
mod memory;
mod of_person;
mod open;
mod overview;
mod owner;
mod pages;
mod postgres;
mod replicas;
mod resealed;
mod resealing;
mod schema;
mod sealed_changes;
mod sealing;
mod session;
mod sqlite;
mod statements;
mod trouble;
mod unwritten;
mod workspace_requests;

use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;

use crate::clock::SharedClock;

pub use audit::{Appended, AuditPlace, AuditReader, AuditRow};
pub use backup::back_up;
pub use changes::{
    Admission, Admitted, Begun, Change, Counts, Held, Job, JobId, KeyAfterwards, Lease, NewJob,
    StoredMessage, StoredWatch, Written,
};
pub use copying::{Copied, copy};
pub use database::Database;
pub use links::{KnownLink, Verified};
pub use memory::Memory;
pub use of_person::take_over;
pub use overview::{Forgotten, KeyRole, Overview, forget, overview};
pub use owner::Owner;
pub use pages::{NewPage, PageId, PageTimes, StoredPage};
pub use replicas::Allowance;
pub use trouble::{StoreError, StoreTrouble};
pub use workspace_requests::{
    NewWorkspaceRequest, StoredWorkspaceRequest, put_workspace_request_beside,
    workspace_request_beside,
};

/// How often a store that others share is looked into for what they put there.
const LOOKED_INTO: Duration = Duration::from_secs(1);

/// A store. Clones are the same store.
#[derive(Debug, Clone)]
pub enum Store {
    /// Everything lives as long as the process.
    Memory(Memory),
    /// Everything is in a database.
    Database(Arc<Database>),
}

impl Store {
    /// A store in memory.
    #[must_use]
    pub fn in_memory(clock: SharedClock) -> Self {
        Self::Memory(Memory::new(clock))
    }

    /// Whether what is in it outlives the process.
    #[must_use]
    pub const fn is_durable(&self) -> bool {
        matches!(self, Self::Database(_))
    }

    /// Writes a set of changes: all of it or nothing.
    ///
    /// # Errors
    /// Nothing was written.
    pub async fn write(&self, changes: Vec<Change>) -> Result<Written, StoreError> {
        match self {
            Self::Memory(memory) => memory.apply(changes),
            // Boxed: this is far larger than what waits for it.
            Self::Database(database) => Box::pin(database.apply(changes)).await,
        }
    }

    /// Puts a job in and leases it to the caller at once, for so long.
    ///
    /// # Errors
    /// The store cannot hold it; then nothing may be promised.
    pub async fn begin(&self, job: NewJob, lasting: Duration) -> Result<Begun, StoreError> {
        match self.write(vec![Change::Begin(job, lasting)]).await? {
            Written::All(leases) => {
                Ok(leases.into_iter().next().map_or(Begun::Known, Begun::Leased))
            }
            Written::NotHeld | Written::KeyTaken => Ok(Begun::Known),
        }
    }

    /// Leases the job of a kind that is due first, if one is due and nobody holds it.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn lease(
        &self,
        kind: &'static str,
        lasting: Duration,
    ) -> Result<Option<Job>, StoreError> {
        match self {
            Self::Memory(memory) => Ok(memory.lease(kind, lasting)),
            Self::Database(database) => database.lease(kind, lasting).await,
        }
    }

    /// Replaces a job's payload and holds it for so long from now on.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn save(
        &self,
        lease: &Lease,
        payload: SecretString,
        lasting: Duration,
    ) -> Result<Held, StoreError> {
        let written = self.write(vec![Change::Save(lease.clone(), payload, lasting)]).await?;
        Ok(written.held())
    }

    /// Gives a job back with the payload that it has now, to be done after a pause.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn postpone(
        &self,
        lease: &Lease,
        payload: SecretString,
        pause: Duration,
        counts: Counts,
    ) -> Result<Held, StoreError> {
        let change = Change::Postpone(lease.clone(), payload, pause, counts);
        Ok(self.write(vec![change]).await?.held())
    }

    /// Ends a job: it is done, or beyond help.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn finish(
        &self,
        lease: &Lease,
        outcome: &'static str,
        key: KeyAfterwards,
    ) -> Result<Held, StoreError> {
        Ok(self.write(vec![Change::Finish(lease.clone(), outcome, key)]).await?.held())
    }

    /// Makes every job of a kind that nobody holds due at once.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn hasten(&self, kind: &'static str) -> Result<(), StoreError> {
        match self {
            Self::Memory(memory) => {
                memory.hasten(kind);
                Ok(())
            }
            Self::Database(database) => database.hasten(kind).await,
        }
    }

    /// How long it is until the next job of a kind may be there: due by its pause, by the end of its
    /// lease, or put in by another process. Zero if one is due already; none if none can come by itself.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn next_due(&self, kind: &'static str) -> Result<Option<Duration>, StoreError> {
        match self {
            Self::Memory(memory) => Ok(memory.next_due(kind)),
            Self::Database(database) => {
                let due = database.next_due(kind).await?;
                let others = database.is_shared().then_some(LOOKED_INTO);
                Ok(due.into_iter().chain(others).min())
            }
        }
    }

    /// How many jobs are open, of all kinds.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn open_jobs(&self) -> Result<usize, StoreError> {
        match self {
            Self::Memory(memory) => Ok(memory.open_jobs()),
            Self::Database(database) => database.open_jobs().await,
        }
    }

    /// How many jobs this process works on, or could work on now, of all kinds.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn jobs_at_hand(&self) -> Result<usize, StoreError> {
        match self {
            Self::Memory(memory) => Ok(memory.jobs_at_hand()),
            Self::Database(database) => database.jobs_at_hand().await,
        }
    }

    /// A message.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn message(
        &self,
        owner: &Owner,
        id: &str,
    ) -> Result<Option<StoredMessage>, StoreError> {
        match self {
            Self::Memory(memory) => Ok(memory.message(owner, id)),
            Self::Database(database) => database.message(owner, id).await,
        }
    }

    /// What is watched of a platform's messages.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn watches(&self, platform: &str) -> Result<Vec<StoredWatch>, StoreError> {
        match self {
            Self::Memory(memory) => Ok(memory.watches(platform)),
            Self::Database(database) => database.watches(platform).await,
        }
    }

    /// What is watched of one message, whether or not the watch has ended.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn watch(&self, owner: &Owner, id: &str) -> Result<Option<StoredWatch>, StoreError> {
        match self {
            Self::Memory(memory) => Ok(memory.watch(owner, id)),
            Self::Database(database) => database.watch(owner, id).await,
        }
    }

    /// Whether this process is the one that does something for all that share the store. It stays so for
    /// as long as it lives.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn leads(&self, what: &'static str) -> Result<bool, StoreError> {
        match self {
            Self::Database(database) if database.is_shared() => database.leads(what).await,
            _ => Ok(true),
        }
    }

    /// The name of the newest message of a person.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn newest_message(&self, owner: &Owner) -> Result<Option<String>, StoreError> {
        match self {
            Self::Memory(memory) => Ok(memory.newest_message(owner)),
            Self::Database(database) => database.newest_message(owner).await,
        }
    }

    /// What the other replicas know of a request, and have counted of its sender. A service that has the
    /// store for itself is the only one to ask, and asks its own memory first.
    ///
    /// # Errors
    /// The store does not answer; then the service is alone.
    pub async fn admit(
        &self,
        admission: Admission,
        allowance: Allowance,
    ) -> Result<Admitted, StoreError> {
        match self {
            Self::Memory(_) => Ok(Admitted::ALONE),
            Self::Database(database) => database.admit(admission, allowance).await,
        }
    }

    /// Whether other replicas use it too.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        matches!(self, Self::Database(database) if database.is_shared())
    }

    /// Looks after the store, for as long as the service runs.
    pub async fn keep(&self, clock: &SharedClock) {
        match self {
            Self::Memory(_) => std::future::pending().await,
            Self::Database(database) => database.keep(clock).await,
        }
    }

    /// What keeps it from working; none if nothing does.
    #[must_use]
    pub fn trouble(&self) -> Option<StoreTrouble> {
        match self {
            Self::Memory(_) => None,
            Self::Database(database) => database.health.trouble(),
        }
    }

    /// Gives back what this process holds, for the next one, and closes the store.
    pub async fn close(&self) {
        if let Self::Database(database) = self {
            database.close().await;
        }
    }
}

#[cfg(test)]
mod tests;
