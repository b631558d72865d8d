//! What must not be forgotten: promises that were made and are not kept yet.
//!
//! A promise is a job: a kind, a payload that only its kind understands, and a time. It is in the
//! store before the promise is spoken, leased while somebody works on it, and leaves the store when
//! it is kept. A lease that runs out, because its holder died, can be taken by anybody. Every lease
//! has a token of its own, and what is concluded under an older one changes nothing.

mod memory;

use std::time::Duration;

use secrecy::SecretString;

use crate::clock::SharedClock;

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
}

/// The right to work on a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The job.
    pub id: JobId,
    /// What tells this lease from every other one of the same job.
    pub token: u64,
    /// How often the job has been leased, this time included.
    pub attempts: u32,
}

/// A job that its holder works on.
#[derive(Debug)]
pub struct Job {
    /// The right to it.
    pub lease: Lease,
    /// What the work needs.
    pub payload: SecretString,
}

/// Whether a lease still counted when something was concluded under it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held {
    /// It did, and the change was made.
    Still,
    /// The job is somebody else's by now, or done; nothing was changed.
    NoLonger,
}

/// Why a store did not do as asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// There are too many open jobs of a kind to take another.
    #[error("the store holds as many open jobs of this kind as it can")]
    Full,
}

/// A store of jobs.
#[derive(Debug)]
pub enum Store {
    /// Jobs live as long as the process.
    Memory(Memory),
}

#[expect(clippy::unused_async, reason = "a store on disk awaits its database here")]
impl Store {
    /// A store that keeps its jobs in memory.
    #[must_use]
    pub fn in_memory(clock: SharedClock) -> Self {
        Self::Memory(Memory::new(clock))
    }

    /// Puts a job in and leases it to the caller at once, for so long.
    ///
    /// # Errors
    /// The store cannot hold it; then nothing may be promised.
    pub async fn begin(&self, job: NewJob, lasting: Duration) -> Result<Lease, StoreError> {
        match self {
            Self::Memory(memory) => memory.begin(job, lasting),
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
        match self {
            Self::Memory(memory) => Ok(memory.save(lease, payload, lasting)),
        }
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
    ) -> Result<Held, StoreError> {
        match self {
            Self::Memory(memory) => Ok(memory.postpone(lease, payload, pause)),
        }
    }

    /// Takes a job out: it is done, or beyond help.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn finish(&self, lease: &Lease) -> Result<Held, StoreError> {
        match self {
            Self::Memory(memory) => Ok(memory.finish(lease)),
        }
    }

    /// Makes every job of a kind that nobody holds due at once.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn hasten(&self, kind: &'static str) -> Result<(), StoreError> {
        match self {
            Self::Memory(memory) => memory.hasten(kind),
        }
        Ok(())
    }

    /// How long it is until the next job of a kind is due, by its pause or the end of its lease; zero
    /// if one is due already.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn next_due(&self, kind: &'static str) -> Result<Option<Duration>, StoreError> {
        match self {
            Self::Memory(memory) => Ok(memory.next_due(kind)),
        }
    }

    /// How many jobs are open, of all kinds.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn open_jobs(&self) -> Result<usize, StoreError> {
        match self {
            Self::Memory(memory) => Ok(memory.open_jobs()),
        }
    }
}
