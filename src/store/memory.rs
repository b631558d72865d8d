//! Jobs in memory, for as long as the process lives.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use secrecy::SecretString;

use super::{Held, Job, JobId, Lease, NewJob, StoreError};
use crate::clock::after;

/// The most jobs of one kind that are open at once. Each kind has its own, so that one platform's
/// flood leaves room for the others.
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
    last_token: u64,
    jobs: HashMap<JobId, Entry>,
    /// By kind: when each can be leased, the first one first.
    due: HashMap<&'static str, BTreeSet<(Timestamp, JobId)>>,
}

#[derive(Debug)]
struct Entry {
    kind: &'static str,
    payload: SecretString,
    attempts: u32,
    token: u64,
    /// When it can be leased: its time, or the end of the lease it is under.
    due: Timestamp,
}

impl State {
    /// Puts an entry in, or back with what has changed.
    fn put(&mut self, id: JobId, entry: Entry) {
        self.due.entry(entry.kind).or_default().insert((entry.due, id));
        self.jobs.insert(id, entry);
    }

    /// Takes an entry out, if there is one and the lease on it counts.
    fn take(&mut self, lease: &Lease) -> Option<Entry> {
        if self.jobs.get(&lease.id)?.token != lease.token {
            return None;
        }
        self.remove(lease.id)
    }

    fn remove(&mut self, id: JobId) -> Option<Entry> {
        let entry = self.jobs.remove(&id)?;
        if let Some(due) = self.due.get_mut(entry.kind) {
            due.remove(&(entry.due, id));
        }
        Some(entry)
    }

    /// Leases an entry that is not in the state at the moment.
    fn hold(&mut self, id: JobId, mut entry: Entry, until: Timestamp) -> Lease {
        self.last_token += 1;
        entry.due = until;
        entry.token = self.last_token;
        entry.attempts = entry.attempts.saturating_add(1);
        let lease = Lease { id, token: entry.token, attempts: entry.attempts };
        self.put(id, entry);
        lease
    }
}

impl Memory {
    /// A store that holds so many open jobs of each kind at most.
    #[must_use]
    pub fn of_size(most: usize) -> Self {
        Self { most, ..Self::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing in here panics between the changes that belong together.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn begin(
        &self,
        job: NewJob,
        now: Timestamp,
        lasting: Duration,
    ) -> Result<Lease, StoreError> {
        let mut state = self.state();
        if state.due.get(job.kind).map_or(0, BTreeSet::len) >= self.most {
            return Err(StoreError::Full);
        }
        state.last_id += 1;
        let id = JobId(state.last_id);
        let entry = Entry { kind: job.kind, payload: job.payload, attempts: 0, token: 0, due: now };
        Ok(state.hold(id, entry, after(now, lasting)))
    }

    pub(super) fn lease(&self, kind: &str, now: Timestamp, lasting: Duration) -> Option<Job> {
        let mut state = self.state();
        let (due, id) = *state.due.get(kind)?.first()?;
        if due > now {
            return None;
        }
        let entry = state.remove(id)?;
        let payload = entry.payload.clone();
        let lease = state.hold(id, entry, after(now, lasting));
        Some(Job { lease, payload })
    }

    pub(super) fn save(
        &self,
        lease: &Lease,
        payload: SecretString,
        now: Timestamp,
        lasting: Duration,
    ) -> Held {
        self.change(lease, payload, after(now, lasting))
    }

    pub(super) fn postpone(&self, lease: &Lease, payload: SecretString, run_at: Timestamp) -> Held {
        self.change(lease, payload, run_at)
    }

    fn change(&self, lease: &Lease, payload: SecretString, due: Timestamp) -> Held {
        let mut state = self.state();
        match state.take(lease) {
            Some(entry) => {
                state.put(lease.id, Entry { payload, due, ..entry });
                Held::Still
            }
            None => Held::NoLonger,
        }
    }

    pub(super) fn finish(&self, lease: &Lease) -> Held {
        match self.state().take(lease) {
            Some(_) => Held::Still,
            None => Held::NoLonger,
        }
    }

    pub(super) fn next_due(&self, kind: &str) -> Option<Timestamp> {
        Some(self.state().due.get(kind)?.first()?.0)
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

    fn job() -> NewJob {
        NewJob { kind: "late", payload: "{}".into() }
    }

    #[test]
    fn a_job_is_held_by_one_and_comes_back_when_its_lease_runs_out() {
        let memory = Memory::default();
        let mine = memory.begin(job(), at(0), LEASE).unwrap();
        assert!(memory.lease("late", at(59), LEASE).is_none());
        let theirs = memory.lease("late", at(60), LEASE).unwrap().lease;
        assert_eq!((theirs.id, theirs.attempts), (mine.id, 2));
        assert!(memory.lease("late", at(60), LEASE).is_none());
        // The lease ran out, so it is not mine any more, whatever I conclude.
        assert_eq!(memory.save(&mine, "mine".into(), at(61), LEASE), Held::NoLonger);
        assert_eq!(memory.postpone(&mine, "mine".into(), at(61)), Held::NoLonger);
        assert_eq!(memory.finish(&mine), Held::NoLonger);
        assert_eq!(memory.open_jobs(), 1);
        assert_eq!(memory.finish(&theirs), Held::Still);
        assert_eq!(memory.open_jobs(), 0);
        assert_eq!(memory.finish(&theirs), Held::NoLonger);
    }

    #[test]
    fn a_job_that_is_saved_is_held_for_another_while_with_its_new_payload() {
        use secrecy::ExposeSecret;
        let memory = Memory::default();
        let mine = memory.begin(job(), at(0), LEASE).unwrap();
        assert_eq!(memory.save(&mine, "more".into(), at(50), LEASE), Held::Still);
        assert!(memory.lease("late", at(109), LEASE).is_none());
        let theirs = memory.lease("late", at(110), LEASE).unwrap();
        assert_eq!(theirs.payload.expose_secret(), "more");
    }

    #[test]
    fn the_job_that_is_due_first_comes_first_and_kinds_do_not_mix() {
        let memory = Memory::default();
        for run_at in [30, 10, 20] {
            let begun = memory.begin(job(), at(0), LEASE).unwrap();
            memory.postpone(&begun, "{}".into(), at(run_at));
        }
        assert_eq!(memory.next_due("late"), Some(at(10)));
        assert_eq!(memory.next_due("other"), None);
        assert!(memory.lease("other", at(99), LEASE).is_none());
        let order: Vec<_> = std::iter::from_fn(|| memory.lease("late", at(30), LEASE))
            .map(|job| job.lease.id.0)
            .collect();
        assert_eq!(order, [2, 3, 1]);
    }

    #[test]
    fn a_kind_that_is_full_takes_nothing_more_and_leaves_the_others_their_room() {
        let memory = Memory::of_size(1);
        memory.begin(job(), at(0), LEASE).unwrap();
        assert_eq!(memory.begin(job(), at(0), LEASE).unwrap_err(), StoreError::Full);
        assert!(memory.begin(NewJob { kind: "other", ..job() }, at(0), LEASE).is_ok());
    }
}
