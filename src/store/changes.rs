//! What is written into a store, and what comes of it.
//!
//! Changes are written in sets: all of a set or nothing. So whoever ends a job can put its successor in
//! with the same set, and neither is there without the other.

use std::time::Duration;

use secrecy::SecretString;

use super::owner::Owner;

/// Names one job within a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct JobId(pub i64);

/// A job as it is put into the store.
#[derive(Debug, Clone)]
pub struct NewJob {
    /// What sort of job it is; chooses who works on it.
    pub kind: &'static str,
    /// Of the jobs of one kind, at most one has this key; none where any number is welcome.
    pub key: Option<[u8; 32]>,
    /// What the work needs. It can hold a response URL, hence a secret.
    pub payload: SecretString,
}

/// The right to work on a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The job.
    pub id: JobId,
    /// What tells this lease from every other one of the same job.
    pub token: i64,
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

/// A message that can change later.
#[derive(Debug, Clone)]
pub struct StoredMessage {
    /// Who sees it.
    pub owner: Owner,
    /// Its name among theirs: the reference of the question that it answers.
    pub id: String,
    /// The platform's name.
    pub platform: String,
    /// The question, and the place where the message is seen. It can hold a response URL, hence a
    /// secret.
    pub body: SecretString,
    /// Grows by one with each change.
    pub version: i64,
}

/// What is watched of a message that carries a sign-in link.
#[derive(Debug, Clone)]
pub struct StoredWatch {
    /// Who sees the message.
    pub owner: Owner,
    /// The message's name among theirs.
    pub id: String,
    /// What is looked for, and what was found.
    pub watch: SecretString,
    /// Grows by one with each change.
    pub version: i64,
    /// How long it still lasts; none once it has ended.
    pub left: Option<Duration>,
}

/// One change. Those that name a lease change nothing once the lease is somebody else's.
#[derive(Debug)]
pub enum Change {
    /// Puts a job in and leases it to the caller at once, for so long.
    Begin(NewJob, Duration),
    /// Puts a job in, to be done after so long.
    Put(NewJob, Duration),
    /// Replaces a job's payload and holds it for so long from now on.
    Save(Lease, SecretString, Duration),
    /// Gives a job back with the payload that it has now, to be done after so long. A snooze does not
    /// count as an attempt.
    Postpone(Lease, SecretString, Duration, Counts),
    /// Ends a job with an outcome, in a word.
    Finish(Lease, &'static str, KeyAfterwards),
    /// Puts a message in, or its new body in place of the old one; and what is watched of it, for so long.
    /// A watch that is there already stays where there is none here.
    PutMessage(StoredMessage, Option<(SecretString, Duration)>),
    /// Replaces a watch that still has this version, and lets it last for so long from now on, or end.
    ChangeWatch(StoredWatch, Option<Duration>),
    /// Replaces the body of a message that still has this version.
    ChangeMessage(StoredMessage),
}

/// Whether an attempt counts towards the most that there may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counts {
    /// It does.
    Attempt,
    /// It does not: nothing was tried.
    Snooze,
}

/// What becomes of a job's key when the job ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyAfterwards {
    /// Another job can have it.
    Free,
    /// No other job can have it for as long as ended jobs are kept.
    Taken,
}

/// What became of a set of changes.
#[derive(Debug, PartialEq, Eq)]
pub enum Written {
    /// All was written. The leases are those of the jobs that were begun, in order.
    All(Vec<Lease>),
    /// Nothing was written, because a lease is somebody else's by now, or its job has ended, or a
    /// message has another version.
    NotHeld,
    /// Nothing was written, because there is a job with a key already.
    KeyTaken,
}

/// Whether a lease still counted when something was concluded under it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held {
    /// It did, and the change was made.
    Still,
    /// The job is somebody else's by now, or done; nothing was changed.
    NoLonger,
}

impl Written {
    /// For a set that begins nothing: whether its leases counted.
    #[must_use]
    pub fn held(&self) -> Held {
        if matches!(self, Self::All(_)) { Held::Still } else { Held::NoLonger }
    }
}

/// What became of a job that was to be begun.
#[derive(Debug, PartialEq, Eq)]
pub enum Begun {
    /// It is in the store, and the caller's.
    Leased(Lease),
    /// There is a job with its key, or was one lately.
    Known,
}

/// What is asked of all replicas together before somebody is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Admission {
    /// A hash of the request, where it may be accepted once only.
    pub hash: Option<[u8; 32]>,
    /// A hash of the person who asks, where they are known.
    pub person: Option<[u8; 32]>,
}

/// What all replicas together know of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Admitted {
    /// Whether the request has been at no other replica.
    pub first_time: bool,
    /// Whether the person does not ask too often.
    pub in_pace: bool,
}

impl Admitted {
    /// The verdict of a replica that is alone: its own memory has been asked already.
    pub const ALONE: Self = Self { first_time: true, in_pace: true };
}
