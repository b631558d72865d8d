//! Requests to connect a workspace, in memory.

use std::collections::VecDeque;
use std::time::Duration;

use secrecy::SecretString;

use crate::clock::Tick;
use crate::store::changes::Held;
use crate::store::workspace_requests::{NewWorkspaceRequest, StoredWorkspaceRequest};

/// The most requests that are remembered; the oldest go first.
const MOST: usize = 1000;

/// The requests, the oldest first.
#[derive(Debug, Default)]
pub(super) struct WorkspaceRequests(VecDeque<Entry>);

#[derive(Debug)]
struct Entry {
    request: NewWorkspaceRequest,
    version: i64,
    put_at: Tick,
    until: Option<Tick>,
}

impl Entry {
    fn found(&self, now: Tick) -> StoredWorkspaceRequest {
        StoredWorkspaceRequest {
            id: self.request.id.clone(),
            platform: self.request.platform.clone(),
            body: self.request.body.clone(),
            version: self.version,
            age: now - self.put_at,
            left: self.until.map(|until| until - now),
        }
    }

    /// Whether there is no room for another one beside it.
    fn is_in_the_way(&self, other: &NewWorkspaceRequest) -> bool {
        let same_key = self.request.key.is_some() && self.request.key == other.key;
        self.request.id == other.id || (same_key && self.request.platform == other.platform)
    }
}

impl WorkspaceRequests {
    /// Puts a request in. Gives the one that is in the way, if there is one.
    pub(super) fn put(
        &mut self,
        request: NewWorkspaceRequest,
        now: Tick,
    ) -> Option<StoredWorkspaceRequest> {
        if let Some(there) = self.0.iter().find(|entry| entry.is_in_the_way(&request)) {
            return Some(there.found(now));
        }
        let until = Some(now + request.lasts);
        self.0.push_back(Entry { request, version: 0, put_at: now, until });
        if self.0.len() > MOST {
            self.0.pop_front();
        }
        None
    }

    pub(super) fn get(&self, id: &str, now: Tick) -> Option<StoredWorkspaceRequest> {
        self.0.iter().find(|entry| entry.request.id == id).map(|entry| entry.found(now))
    }

    pub(super) fn by_key(
        &self,
        platform: &str,
        key: &[u8; 32],
        now: Tick,
    ) -> Option<StoredWorkspaceRequest> {
        let found = self.of(platform).find(|entry| entry.request.key.as_ref() == Some(key));
        found.map(|entry| entry.found(now))
    }

    /// Those that have not ended, the oldest first.
    pub(super) fn open(&self, platform: &str, now: Tick) -> Vec<StoredWorkspaceRequest> {
        let open = self.of(platform).filter(|entry| entry.until.is_some());
        open.map(|entry| entry.found(now)).collect()
    }

    /// The newest, the newest first.
    pub(super) fn newest(
        &self,
        platform: &str,
        most: usize,
        now: Tick,
    ) -> Vec<StoredWorkspaceRequest> {
        self.of(platform).rev().take(most).map(|entry| entry.found(now)).collect()
    }

    pub(super) fn change(
        &mut self,
        id: &str,
        version: i64,
        body: SecretString,
        lasts: Option<Duration>,
        now: Tick,
    ) -> Held {
        let there = self.0.iter_mut().find(|it| it.request.id == id && it.version == version);
        let Some(entry) = there else { return Held::NoLonger };
        entry.request.body = body;
        entry.version += 1;
        entry.until = lasts.map(|lasts| now + lasts);
        Held::Still
    }

    fn of(&self, platform: &str) -> impl DoubleEndedIterator<Item = &Entry> {
        self.0.iter().filter(move |entry| entry.request.platform == platform)
    }
}
