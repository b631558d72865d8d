//! Jobs in memory, for as long as the process lives.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use secrecy::SecretString;

use super::{Job, JobId, NewJob, StoreError};
use crate::clock::after;

/// The most jobs that are open at once.
const MOST_JOBS: usize = 10_000;

/// A store in memory. Clones are the same store, so that it can outlive who uses it.
#[derive(Debug, Clone)]
pub struct Memory {
    state: Arc<Mutex<State>>,
    most: usize,
}

impl Default for Memory {
    fn default() -> Self {
        Self { state: Arc::default(), most: MOST_JOBS }
    }
}

#[derive(Debug, Default)]
struct State {
    last_id: u64,
    jobs: BTreeMap<JobId, Entry>,
}

#[derive(Debug)]
struct Entry {
    kind: &'static str,
    payload: SecretString,
    attempts: u32,
    /// When it can be leased: its time, or the end of the lease it is under.
    due: Timestamp,
}

impl Entry {
    /// Whether nobody else has leased it since.
    fn is_held_by(&self, job: &Job) -> bool {
        self.attempts == job.attempts
    }

    fn lease_until(&mut self, id: JobId, until: Timestamp) -> Job {
        self.due = until;
        self.attempts = self.attempts.saturating_add(1);
        Job { id, payload: self.payload.clone(), attempts: self.attempts }
    }
}

impl Memory {
    /// A store that holds so many open jobs at most.
    #[must_use]
    pub fn of_size(most: usize) -> Self {
        Self { most, ..Self::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every change is one assignment or one removal, so a panic leaves nothing half done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn begin(
        &self,
        job: NewJob,
        now: Timestamp,
        lease: Duration,
    ) -> Result<Job, StoreError> {
        let mut state = self.state();
        if state.jobs.len() >= self.most {
            return Err(StoreError::Full);
        }
        state.last_id += 1;
        let id = JobId(state.last_id);
        let begin = job.run_at.max(now);
        let mut entry =
            Entry { kind: job.kind, payload: job.payload, attempts: 0, due: job.run_at };
        let leased = entry.lease_until(id, after(begin, lease));
        state.jobs.insert(id, entry);
        Ok(leased)
    }

    pub(super) fn lease(&self, kind: &str, now: Timestamp, lease: Duration) -> Option<Job> {
        let mut state = self.state();
        let (id, entry) = state
            .jobs
            .iter_mut()
            .filter(|(_, entry)| entry.kind == kind && entry.due <= now)
            .min_by_key(|(_, entry)| entry.due)?;
        Some(entry.lease_until(*id, after(now, lease)))
    }

    pub(super) fn postpone(&self, job: &Job, payload: SecretString, run_at: Timestamp) {
        let mut state = self.state();
        if let Some(entry) = state.jobs.get_mut(&job.id).filter(|entry| entry.is_held_by(job)) {
            entry.payload = payload;
            entry.due = run_at;
        }
    }

    pub(super) fn finish(&self, job: &Job) {
        let mut state = self.state();
        if state.jobs.get(&job.id).is_some_and(|entry| entry.is_held_by(job)) {
            state.jobs.remove(&job.id);
        }
    }

    pub(super) fn next_due(&self, kind: &str) -> Option<Timestamp> {
        let state = self.state();
        state.jobs.values().filter(|entry| entry.kind == kind).map(|entry| entry.due).min()
    }

    pub(super) fn open_jobs(&self) -> usize {
        self.state().jobs.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEASE: Duration = Duration::from_mins(1);

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn job(run_at: i64) -> NewJob {
        NewJob { kind: "late", payload: "{}".into(), run_at: at(run_at) }
    }

    #[test]
    fn a_job_is_held_by_one_and_comes_back_when_its_lease_runs_out() {
        let memory = Memory::default();
        let mine = memory.begin(job(0), at(0), LEASE).unwrap();
        assert!(memory.lease("late", at(59), LEASE).is_none());
        let theirs = memory.lease("late", at(60), LEASE).unwrap();
        assert_eq!((theirs.id, theirs.attempts), (mine.id, 2));
        assert!(memory.lease("late", at(60), LEASE).is_none());
        memory.finish(&mine);
        assert_eq!(memory.open_jobs(), 1, "the lease ran out, so it is not mine any more");
        memory.finish(&theirs);
        assert_eq!(memory.open_jobs(), 0);
    }

    #[test]
    fn the_job_that_is_due_first_comes_first_and_kinds_do_not_mix() {
        let memory = Memory::default();
        for run_at in [30, 10, 20] {
            let begun = memory.begin(job(run_at), at(0), LEASE).unwrap();
            memory.postpone(&begun, "{}".into(), at(run_at));
        }
        assert_eq!(memory.next_due("late"), Some(at(10)));
        assert_eq!(memory.next_due("other"), None);
        assert!(memory.lease("other", at(99), LEASE).is_none());
        let order: Vec<_> = std::iter::from_fn(|| memory.lease("late", at(30), LEASE))
            .map(|job| job.id.0)
            .collect();
        assert_eq!(order, [2, 3, 1]);
    }

    #[test]
    fn a_full_store_takes_nothing_more() {
        let memory = Memory::of_size(1);
        memory.begin(job(0), at(0), LEASE).unwrap();
        assert_eq!(memory.begin(job(0), at(0), LEASE).unwrap_err(), StoreError::Full);
    }
}
