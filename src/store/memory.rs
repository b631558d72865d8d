//! Jobs in memory, for as long as the process lives.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use secrecy::SecretString;

use super::{Held, Job, JobId, Lease, NewJob, StoreError};
use crate::clock::{SharedClock, Tick};

/// The most jobs of one kind that are open at once. Each kind has its own, so that one platform's
/// flood leaves room for the others.
const MOST_JOBS: usize = 10_000;

/// A store in memory. Clones are the same store, so that it can outlive who uses it.
#[derive(Debug, Clone)]
pub struct Memory {
    state: Arc<Mutex<State>>,
    most: usize,
    clock: SharedClock,
}

#[derive(Debug, Default)]
struct State {
    last_id: u64,
    last_token: u64,
    jobs: HashMap<JobId, Entry>,
    /// By kind: when each can be leased, the first one first.
    due: HashMap<&'static str, BTreeSet<(Tick, JobId)>>,
}

#[derive(Debug)]
struct Entry {
    kind: &'static str,
    payload: SecretString,
    attempts: u32,
    token: u64,
    /// When it can be leased: its time, or the end of the lease it is under.
    due: Tick,
    /// Whether it is under a lease.
    held: bool,
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
    fn hold(&mut self, id: JobId, mut entry: Entry, until: Tick) -> Lease {
        self.last_token += 1;
        entry.due = until;
        entry.held = true;
        entry.token = self.last_token;
        entry.attempts = entry.attempts.saturating_add(1);
        let lease = Lease { id, token: entry.token, attempts: entry.attempts };
        self.put(id, entry);
        lease
    }
}

impl Memory {
    /// A store without jobs.
    #[must_use]
    pub fn new(clock: SharedClock) -> Self {
        Self::of_size(MOST_JOBS, clock)
    }

    /// The same, for so many open jobs of each kind at most.
    #[must_use]
    pub fn of_size(most: usize, clock: SharedClock) -> Self {
        Self { state: Arc::default(), most, clock }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing in here panics between the changes that belong together.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn in_future(&self, duration: Duration) -> Tick {
        self.clock.monotonic() + duration
    }

    pub(super) fn begin(&self, job: NewJob, lasting: Duration) -> Result<Lease, StoreError> {
        let until = self.in_future(lasting);
        let mut state = self.state();
        if state.due.get(job.kind).map_or(0, BTreeSet::len) >= self.most {
            return Err(StoreError::Full);
        }
        state.last_id += 1;
        let id = JobId(state.last_id);
        let NewJob { kind, payload } = job;
        let entry = Entry { kind, payload, attempts: 0, token: 0, due: until, held: false };
        Ok(state.hold(id, entry, until))
    }

    pub(super) fn lease(&self, kind: &str, lasting: Duration) -> Option<Job> {
        let now = self.clock.monotonic();
        let mut state = self.state();
        let (due, id) = *state.due.get(kind)?.first()?;
        if due > now {
            return None;
        }
        let entry = state.remove(id)?;
        let payload = entry.payload.clone();
        let lease = state.hold(id, entry, now + lasting);
        Some(Job { lease, payload })
    }

    pub(super) fn save(&self, lease: &Lease, payload: SecretString, lasting: Duration) -> Held {
        let due = self.in_future(lasting);
        self.change(lease, |entry| Entry { payload, due, ..entry })
    }

    pub(super) fn postpone(&self, lease: &Lease, payload: SecretString, pause: Duration) -> Held {
        let due = self.in_future(pause);
        self.change(lease, |entry| Entry { payload, due, held: false, ..entry })
    }

    fn change(&self, lease: &Lease, change: impl FnOnce(Entry) -> Entry) -> Held {
        let mut state = self.state();
        match state.take(lease) {
            Some(entry) => {
                state.put(lease.id, change(entry));
                Held::Still
            }
            None => Held::NoLonger,
        }
    }

    pub(super) fn hasten(&self, kind: &str) {
        let now = self.clock.monotonic();
        let mut state = self.state();
        let due = state.due.get(kind).into_iter().flatten().map(|(_, id)| *id);
        let waiting: Vec<_> = due.filter(|id| !state.jobs[id].held).collect();
        for id in waiting {
            if let Some(entry) = state.remove(id) {
                state.put(id, Entry { due: now, ..entry });
            }
        }
    }

    pub(super) fn finish(&self, lease: &Lease) -> Held {
        match self.state().take(lease) {
            Some(_) => Held::Still,
            None => Held::NoLonger,
        }
    }

    pub(super) fn next_due(&self, kind: &str) -> Option<Duration> {
        let due = self.state().due.get(kind)?.first()?.0;
        Some(due - self.clock.monotonic())
    }

    pub(super) fn open_jobs(&self) -> usize {
        self.state().jobs.len()
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;
    use crate::clock::ManualClock;

    const LEASE: Duration = Duration::from_mins(1);
    const SECOND: Duration = Duration::from_secs(1);
    /// A second less than a lease.
    const ALMOST: Duration = Duration::from_secs(59);

    fn job() -> NewJob {
        NewJob { kind: "late", payload: "{}".into() }
    }

    fn memory_of(most: usize) -> (Memory, ManualClock) {
        let clock = ManualClock::new(jiff::Timestamp::UNIX_EPOCH);
        (Memory::of_size(most, Arc::new(clock.clone())), clock)
    }

    #[test]
    fn a_job_is_held_by_one_and_comes_back_when_its_lease_runs_out() {
        let (memory, clock) = memory_of(9);
        let mine = memory.begin(job(), LEASE).unwrap();
        clock.advance(ALMOST);
        assert!(memory.lease("late", LEASE).is_none());
        clock.advance(SECOND);
        let theirs = memory.lease("late", LEASE).unwrap().lease;
        assert_eq!((theirs.id, theirs.attempts), (mine.id, 2));
        assert!(memory.lease("late", LEASE).is_none());
        // The lease ran out, so it is not mine any more, whatever I conclude.
        assert_eq!(memory.postpone(&mine, "mine".into(), SECOND), Held::NoLonger);
        assert_eq!(memory.finish(&mine), Held::NoLonger);
        assert_eq!(memory.open_jobs(), 1);
        assert_eq!(memory.finish(&theirs), Held::Still);
        assert_eq!(memory.open_jobs(), 0);
        assert_eq!(memory.finish(&theirs), Held::NoLonger);
    }

    #[test]
    fn a_job_that_is_saved_is_held_for_another_while_with_its_new_payload() {
        let (memory, clock) = memory_of(9);
        let mine = memory.begin(job(), LEASE).unwrap();
        clock.advance(ALMOST);
        assert_eq!(memory.save(&mine, "more".into(), LEASE), Held::Still);
        clock.advance(ALMOST);
        assert!(memory.lease("late", LEASE).is_none());
        clock.advance(SECOND);
        let theirs = memory.lease("late", LEASE).unwrap();
        assert_eq!(theirs.payload.expose_secret(), "more");
    }

    #[test]
    fn the_job_that_is_due_first_comes_first_and_kinds_do_not_mix() {
        let (memory, clock) = memory_of(9);
        for pause in [30, 10, 20] {
            let begun = memory.begin(job(), LEASE).unwrap();
            memory.postpone(&begun, "{}".into(), SECOND * pause);
        }
        assert_eq!(memory.next_due("late"), Some(SECOND * 10));
        assert_eq!(memory.next_due("other"), None);
        clock.advance(SECOND * 30);
        assert!(memory.lease("other", LEASE).is_none());
        let order: Vec<_> =
            std::iter::from_fn(|| memory.lease("late", LEASE)).map(|job| job.lease.id.0).collect();
        assert_eq!(order, [2, 3, 1]);
    }

    #[test]
    fn what_waits_can_be_made_due_at_once_and_what_is_held_stays_so() {
        let (memory, clock) = memory_of(9);
        let held = memory.begin(job(), LEASE).unwrap();
        let waiting = memory.begin(job(), LEASE).unwrap();
        memory.postpone(&waiting, "{}".into(), SECOND * 30);
        memory.hasten("late");
        assert_eq!(memory.lease("late", LEASE * 2).unwrap().lease.id, waiting.id);
        assert!(memory.lease("late", LEASE).is_none());
        clock.advance(LEASE);
        assert_eq!(memory.lease("late", LEASE).unwrap().lease.id, held.id);
    }

    #[test]
    fn a_wall_clock_that_is_set_moves_no_job() {
        let (memory, clock) = memory_of(9);
        let begun = memory.begin(job(), LEASE).unwrap();
        memory.postpone(&begun, "{}".into(), SECOND);
        clock.set(jiff::Timestamp::from_second(-86_400).unwrap());
        assert_eq!(memory.next_due("late"), Some(SECOND));
        clock.set(jiff::Timestamp::from_second(86_400).unwrap());
        assert_eq!(memory.next_due("late"), Some(SECOND));
    }

    #[test]
    fn a_kind_that_is_full_takes_nothing_more_and_leaves_the_others_their_room() {
        let (memory, _) = memory_of(1);
        memory.begin(job(), LEASE).unwrap();
        assert_eq!(memory.begin(job(), LEASE).unwrap_err(), StoreError::Full);
        assert!(memory.begin(NewJob { kind: "other", ..job() }, LEASE).is_ok());
    }
}
