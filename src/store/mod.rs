//! What must not be forgotten: promises that were made and are not kept yet.
//!
//! A promise is a [`Job`]: a kind, a payload that only its kind understands, and a time. It is in
//! the store before the promise is spoken, leased while somebody works on it, and leaves the store
//! when it is kept. A lease that runs out, because its holder died, can be taken by anybody.

mod memory;

use std::time::Duration;

use jiff::Timestamp;
use secrecy::SecretString;

pub use memory::Memory;

/// Names one job within a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct JobId(pub u64);

/// A job as it is put into the store.
#[derive(Debug)]
pub struct NewJob {
    /// What sort of job it is; chooses who works on it.
    pub kind: &'static str,
    /// What the work needs. It can hold a response URL, hence a secret.
    pub payload: SecretString,
    /// When to begin.
    pub run_at: Timestamp,
}

/// A job that its holder works on.
#[derive(Debug, Clone)]
pub struct Job {
    /// Its name.
    pub id: JobId,
    /// What the work needs.
    pub payload: SecretString,
    /// How often it has been leased, this time included.
    pub attempts: u32,
}

/// Why a store did not do as asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// There are too many open jobs to take another.
    #[error("the store holds as many open jobs as it can")]
    Full,
}

/// A store of jobs.
#[derive(Debug)]
pub enum Store {
    /// Jobs live as long as the process.
    Memory(Memory),
}

impl Store {
    /// A store that keeps its jobs in memory.
    #[must_use]
    pub fn in_memory() -> Self {
        Self::Memory(Memory::default())
    }

    /// Puts a job in and leases it to the caller at once, until `now + lease`.
    ///
    /// # Errors
    /// The store cannot hold it; then nothing may be promised.
    #[expect(clippy::unused_async, reason = "a store on disk awaits its database here")]
    pub async fn begin(
        &self,
        job: NewJob,
        now: Timestamp,
        lease: Duration,
    ) -> Result<Job, StoreError> {
        match self {
            Self::Memory(memory) => memory.begin(job, now, lease),
        }
    }

    /// Leases the job of a kind that is due first, if one is due and nobody holds it.
    ///
    /// # Errors
    /// The store does not answer.
    #[expect(clippy::unused_async, reason = "a store on disk awaits its database here")]
    pub async fn lease(
        &self,
        kind: &str,
        now: Timestamp,
        lease: Duration,
    ) -> Result<Option<Job>, StoreError> {
        match self {
            Self::Memory(memory) => Ok(memory.lease(kind, now, lease)),
        }
    }

    /// Gives a job back, if it is still the caller's, to be done from `run_at` on. A changed payload replaces the old one.
    ///
    /// # Errors
    /// The store does not answer.
    #[expect(clippy::unused_async, reason = "a store on disk awaits its database here")]
    pub async fn postpone(
        &self,
        job: &Job,
        payload: SecretString,
        run_at: Timestamp,
    ) -> Result<(), StoreError> {
        match self {
            Self::Memory(memory) => memory.postpone(job, payload, run_at),
        }
        Ok(())
    }

    /// Takes a job out, if it is still the caller's: it is done, or beyond help.
    ///
    /// # Errors
    /// The store does not answer.
    #[expect(clippy::unused_async, reason = "a store on disk awaits its database here")]
    pub async fn finish(&self, job: &Job) -> Result<(), StoreError> {
        match self {
            Self::Memory(memory) => memory.finish(job),
        }
        Ok(())
    }

    /// When the next job of a kind is due: its time, or the end of its lease.
    ///
    /// # Errors
    /// The store does not answer.
    #[expect(clippy::unused_async, reason = "a store on disk awaits its database here")]
    pub async fn next_due(&self, kind: &str) -> Result<Option<Timestamp>, StoreError> {
        match self {
            Self::Memory(memory) => Ok(memory.next_due(kind)),
        }
    }

    /// How many jobs are open.
    ///
    /// # Errors
    /// The store does not answer.
    #[expect(clippy::unused_async, reason = "a store on disk awaits its database here")]
    pub async fn open_jobs(&self) -> Result<usize, StoreError> {
        match self {
            Self::Memory(memory) => Ok(memory.open_jobs()),
        }
    }
}
