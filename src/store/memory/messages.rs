//! Messages in memory.

use std::collections::{HashMap, VecDeque};

use secrecy::SecretString;

use crate::clock::Tick;
use crate::store::changes::{StoredMessage, StoredWatch};
use crate::store::owner::Owner;

/// The most messages that are remembered; the oldest go first.
const MOST: usize = 10_000;

/// Whose a message is, and its name among theirs.
type Key = (Owner, String);

/// The messages that can change.
#[derive(Debug, Default)]
pub(super) struct Messages {
    by_key: HashMap<Key, Entry>,
    newest: HashMap<Owner, String>,
    order: VecDeque<Key>,
}

#[derive(Debug)]
struct Entry {
    message: StoredMessage,
    watch: Option<Watch>,
}

#[derive(Debug)]
struct Watch {
    text: SecretString,
    version: i64,
    until: Option<Tick>,
}

impl Messages {
    /// Whether a message is there in this version.
    pub(super) fn has(&self, message: &StoredMessage) -> bool {
        self.by_key
            .get(&(message.owner.clone(), message.id.clone()))
            .is_some_and(|there| there.message.version == message.version)
    }

    /// Whether a message is watched, and the watch has this version.
    pub(super) fn has_watch(&self, watch: &StoredWatch) -> bool {
        let there = self.by_key.get(&(watch.owner.clone(), watch.id.clone()));
        there.and_then(|there| there.watch.as_ref()).is_some_and(|it| it.version == watch.version)
    }

    /// Puts a message in, or a new body in place of the one that is there; and what is watched of it.
    pub(super) fn put(&mut self, mut message: StoredMessage, watch: Option<(SecretString, Tick)>) {
        let key = (message.owner.clone(), message.id.clone());
        if let Some(there) = self.by_key.get_mut(&key) {
            there.message.body = message.body;
            there.message.version += 1;
            if let Some((text, until)) = watch {
                let version = there.watch.as_ref().map_or(0, |watch| watch.version + 1);
                there.watch = Some(Watch { text, version, until: Some(until) });
            }
            return;
        }
        message.version = 0;
        self.newest.insert(key.0.clone(), key.1.clone());
        self.order.push_back(key.clone());
        let watch = watch.map(|(text, until)| Watch { text, version: 0, until: Some(until) });
        self.by_key.insert(key, Entry { message, watch });
        while self.order.len() > MOST {
            self.forget_oldest();
        }
    }

    /// Replaces a watch that is there.
    pub(super) fn change_watch(&mut self, changed: StoredWatch, until: Option<Tick>) {
        let there = self.by_key.get_mut(&(changed.owner, changed.id));
        if let Some(watch) = there.and_then(|there| there.watch.as_mut()) {
            *watch = Watch { text: changed.watch, version: watch.version + 1, until };
        }
    }

    pub(super) fn get(&self, owner: &Owner, id: &str) -> Option<StoredMessage> {
        Some(self.by_key.get(&(owner.clone(), id.to_owned()))?.message.clone())
    }

    pub(super) fn watch(&self, owner: &Owner, id: &str, now: Tick) -> Option<StoredWatch> {
        self.by_key.get(&(owner.clone(), id.to_owned()))?.stored_watch(now)
    }

    pub(super) fn watches(&self, platform: &str, now: Tick) -> Vec<StoredWatch> {
        let watched = self.by_key.values().filter(|entry| {
            entry.message.platform == platform
                && entry.watch.as_ref().is_some_and(|it| it.until.is_some())
        });
        watched.filter_map(|entry| entry.stored_watch(now)).collect()
    }

    /// The newest message of a person.
    pub(super) fn newest(&self, owner: &Owner) -> Option<String> {
        self.newest.get(owner).cloned()
    }

    fn forget_oldest(&mut self) {
        let Some(oldest) = self.order.pop_front() else { return };
        self.by_key.remove(&oldest);
        let (owner, id) = oldest;
        if self.newest.get(&owner) == Some(&id) {
            self.newest.remove(&owner);
        }
    }
}

impl Entry {
    fn stored_watch(&self, now: Tick) -> Option<StoredWatch> {
        let Watch { text, version, until } = self.watch.as_ref()?;
        let left = until.map(|until| until - now);
        let StoredMessage { owner, id, .. } = self.message.clone();
        Some(StoredWatch { owner, id, watch: text.clone(), version: *version, left })
    }
}
