//! A store in memory, for as long as the process lives.

mod messages;
mod pages;
mod workspace_requests;

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use quick_cache::sync::Cache;
use secrecy::{SecretSlice, SecretString};

use super::changes::{
    Change, Counts, Held, Job, JobId, KeyAfterwards, Lease, NewJob, StoredMessage, StoredWatch,
    Written,
};
use super::links::KnownLink;
use super::owner::Owner;
use super::pages::{NewPage, PageId, PageTimes, StoredPage};
use super::trouble::StoreError;
use super::workspace_requests::{NewWorkspaceRequest, StoredWorkspaceRequest};
use crate::clock::{SharedClock, Tick};
use messages::Messages;
use pages::Pages;
use workspace_requests::WorkspaceRequests;

/// The most jobs of one kind that are open at once. Each kind has its own, so that one platform's
/// flood leaves room for the others.
const MOST_JOBS: usize = 10_000;
/// The most chat accounts of which something is known; those that were asked for longest ago go first.
const MOST_ACCOUNTS: usize = 10_000;
/// How long the key of an ended job stays taken.
const KEYS_KEPT: Duration = Duration::from_mins(10);

/// What a key belongs to: jobs of one kind.
type Key = (&'static str, [u8; 32]);

/// A store in memory. Clones are the same store, so that it can outlive who uses it.
#[derive(Debug, Clone)]
pub struct Memory {
    state: Arc<Mutex<State>>,
    most: usize,
    clock: SharedClock,
    pub(super) links: Arc<Cache<Owner, KnownLink>>,
    /// The endpoints by which others hold chat accounts.
    pub(super) held: Arc<Cache<Owner, String>>,
    /// What pseudonyms in the audit are made with.
    pub(super) secrets: Arc<Cache<Owner, SecretSlice<u8>>>,
}

#[derive(Debug, Default)]
struct State {
    last_id: i64,
    last_token: i64,
    jobs: HashMap<JobId, Entry>,
    /// By kind: when each can be leased, the first one first.
    due: HashMap<&'static str, BTreeSet<(Tick, JobId)>>,
    /// The keys of open jobs, and of ended ones whose keys stay taken.
    keys: HashMap<Key, JobId>,
    /// Until when the keys of ended jobs stay taken, the first one first.
    ended: VecDeque<(Tick, Key)>,
    messages: Messages,
    pages: Pages,
    workspace_requests: WorkspaceRequests,
}

#[derive(Debug)]
struct Entry {
    kind: &'static str,
    key: Option<[u8; 32]>,
    payload: SecretString,
    attempts: u32,
    token: i64,
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

    fn remove(&mut self, id: JobId) -> Option<Entry> {
        let entry = self.jobs.remove(&id)?;
        if let Some(due) = self.due.get_mut(entry.kind) {
            due.remove(&(entry.due, id));
        }
        Some(entry)
    }

    fn change(&mut self, id: JobId, change: impl FnOnce(Entry) -> Entry) {
        if let Some(entry) = self.remove(id) {
            self.put(id, change(entry));
        }
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

    fn is_held(&self, lease: &Lease) -> bool {
        self.jobs.get(&lease.id).is_some_and(|entry| entry.token == lease.token)
    }

    fn forget_keys(&mut self, now: Tick) {
        while let Some((_, key)) = self.ended.pop_front_if(|(until, _)| *until <= now) {
            self.keys.remove(&key);
        }
    }

    /// What speaks against a change, before any of its set is made.
    fn objection(&self, change: &Change, most: usize) -> Option<Result<Written, StoreError>> {
        match change {
            Change::Begin(job, _) | Change::Put(job, _) => {
                let taken = job.key.is_some_and(|key| self.keys.contains_key(&(job.kind, key)));
                let full = self.due.get(job.kind).map_or(0, BTreeSet::len) >= most;
                let objection = if taken { Ok(Written::KeyTaken) } else { Err(StoreError::Full) };
                (taken || full).then_some(objection)
            }
            Change::Save(lease, ..) | Change::Postpone(lease, ..) | Change::Finish(lease, ..) => {
                (!self.is_held(lease)).then_some(Ok(Written::NotHeld))
            }
            Change::PutMessage(..) => None,
            Change::ChangeWatch(watch, _) => {
                (!self.messages.has_watch(watch)).then_some(Ok(Written::NotHeld))
            }
            Change::ChangeMessage(message) => {
                (!self.messages.has(message)).then_some(Ok(Written::NotHeld))
            }
        }
    }

    fn add(&mut self, job: NewJob, due: Tick) -> (JobId, Entry) {
        self.last_id += 1;
        let id = JobId(self.last_id);
        let NewJob { kind, key, payload } = job;
        if let Some(key) = key {
            self.keys.insert((kind, key), id);
        }
        (id, Entry { kind, key, payload, attempts: 0, token: 0, due, held: false })
    }

    /// Makes a change that nothing speaks against. Gives the lease of a job that is begun.
    fn make(&mut self, change: Change, now: Tick) -> Option<Lease> {
        match change {
            Change::Begin(job, lasting) => {
                let (id, entry) = self.add(job, now);
                return Some(self.hold(id, entry, now + lasting));
            }
            Change::Put(job, pause) => {
                let (id, entry) = self.add(job, now + pause);
                self.put(id, entry);
            }
            Change::Save(lease, payload, lasting) => {
                self.change(lease.id, |entry| Entry { payload, due: now + lasting, ..entry });
            }
            Change::Postpone(lease, payload, pause, counts) => self.change(lease.id, |entry| {
                let uncounted = u32::from(counts == Counts::Snooze);
                let attempts = entry.attempts.saturating_sub(uncounted);
                Entry { payload, attempts, due: now + pause, held: false, ..entry }
            }),
            Change::Finish(lease, _, key) => self.end(lease.id, key, now),
            Change::PutMessage(message, watch) => {
                self.messages.put(message, watch.map(|(watch, lasting)| (watch, now + lasting)));
            }
            Change::ChangeMessage(message) => self.messages.put(message, None),
            Change::ChangeWatch(watch, lasting) => {
                self.messages.change_watch(watch, lasting.map(|lasting| now + lasting));
            }
        }
        None
    }

    fn end(&mut self, id: JobId, afterwards: KeyAfterwards, now: Tick) {
        let Some(Entry { kind, key: Some(key), .. }) = self.remove(id) else { return };
        match afterwards {
            KeyAfterwards::Free => {
                self.keys.remove(&(kind, key));
            }
            KeyAfterwards::Taken => self.ended.push_back((now + KEYS_KEPT, (kind, key))),
        }
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
        let (links, held) = (Cache::new(MOST_ACCOUNTS), Cache::new(MOST_ACCOUNTS));
        let (links, held) = (Arc::new(links), Arc::new(held));
        let secrets = Arc::new(Cache::new(MOST_ACCOUNTS));
        Self { state: Arc::default(), most, clock, links, held, secrets }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing in here panics between the changes that belong together.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn apply(&self, changes: Vec<Change>) -> Result<Written, StoreError> {
        let now = self.clock.monotonic();
        let mut state = self.state();
        state.forget_keys(now);
        if let Some(objection) =
            changes.iter().find_map(|change| state.objection(change, self.most))
        {
            return objection;
        }
        let leases = changes.into_iter().filter_map(|change| state.make(change, now));
        Ok(Written::All(leases.collect()))
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

    pub(super) fn hasten(&self, kind: &str) {
        let now = self.clock.monotonic();
        let mut state = self.state();
        let due = state.due.get(kind).into_iter().flatten().map(|(_, id)| *id);
        let waiting: Vec<_> = due.filter(|id| !state.jobs[id].held).collect();
        for id in waiting {
            state.change(id, |entry| Entry { due: now, ..entry });
        }
    }

    pub(super) fn next_due(&self, kind: &str) -> Option<Duration> {
        let due = self.state().due.get(kind)?.first()?.0;
        Some(due - self.clock.monotonic())
    }

    pub(super) fn open_jobs(&self) -> usize {
        self.state().jobs.len()
    }

    pub(super) fn jobs_at_hand(&self) -> usize {
        let now = self.clock.monotonic();
        self.state().jobs.values().filter(|job| job.held || job.due <= now).count()
    }

    pub(super) fn message(&self, owner: &Owner, id: &str) -> Option<StoredMessage> {
        self.state().messages.get(owner, id)
    }

    pub(super) fn watches(&self, platform: &str) -> Vec<StoredWatch> {
        let now = self.clock.monotonic();
        self.state().messages.watches(platform, now)
    }

    pub(super) fn watch(&self, owner: &Owner, id: &str) -> Option<StoredWatch> {
        let now = self.clock.monotonic();
        self.state().messages.watch(owner, id, now)
    }

    pub(super) fn newest_message(&self, owner: &Owner) -> Option<String> {
        self.state().messages.newest(owner)
    }

    pub(super) fn put_page(&self, page: NewPage) {
        let now = self.clock.monotonic();
        self.state().pages.put(page, now);
    }

    pub(super) fn page(&self, id: &PageId) -> Option<StoredPage> {
        let now = self.clock.monotonic();
        self.state().pages.get(id, now)
    }

    pub(super) fn press_page(&self, id: &PageId, times: PageTimes) -> bool {
        let now = self.clock.monotonic();
        self.state().pages.press(id, times, now)
    }

    pub(super) fn release_page(&self, id: &PageId) {
        self.state().pages.release(id);
    }

    pub(super) fn end_page(&self, id: &PageId) -> bool {
        self.state().pages.end(id)
    }

    pub(super) fn put_workspace_request(
        &self,
        request: NewWorkspaceRequest,
    ) -> Option<StoredWorkspaceRequest> {
        let now = self.clock.monotonic();
        self.state().workspace_requests.put(request, now)
    }

    pub(super) fn workspace_request(&self, id: &str) -> Option<StoredWorkspaceRequest> {
        let now = self.clock.monotonic();
        self.state().workspace_requests.get(id, now)
    }

    pub(super) fn workspace_request_by_key(
        &self,
        platform: &str,
        key: &[u8; 32],
    ) -> Option<StoredWorkspaceRequest> {
        let now = self.clock.monotonic();
        self.state().workspace_requests.by_key(platform, key, now)
    }

    pub(super) fn open_workspace_requests(&self, platform: &str) -> Vec<StoredWorkspaceRequest> {
        let now = self.clock.monotonic();
        self.state().workspace_requests.open(platform, now)
    }

    pub(super) fn newest_workspace_requests(
        &self,
        platform: &str,
        most: u32,
    ) -> Vec<StoredWorkspaceRequest> {
        let (now, most) = (self.clock.monotonic(), usize::try_from(most).unwrap_or(usize::MAX));
        self.state().workspace_requests.newest(platform, most, now)
    }

    pub(super) fn change_workspace_request(
        &self,
        id: &str,
        version: i64,
        body: SecretString,
        lasts: Option<Duration>,
    ) -> Held {
        let now = self.clock.monotonic();
        self.state().workspace_requests.change(id, version, body, lasts, now)
    }
}
