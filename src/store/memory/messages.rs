//! Messages in memory.

use std::collections::{HashMap, VecDeque};

use crate::store::changes::{Owner, StoredMessage};

/// The most messages that are remembered; the oldest go first.
const MOST: usize = 10_000;

/// The messages that can change.
#[derive(Debug, Default)]
pub(super) struct Messages {
    by_id: HashMap<String, StoredMessage>,
    newest: HashMap<Owner, String>,
    order: VecDeque<String>,
}

impl Messages {
    /// Whether a message is there in this version.
    pub(super) fn has(&self, message: &StoredMessage) -> bool {
        self.by_id.get(&message.id).is_some_and(|there| there.version == message.version)
    }

    /// Puts a message in, or a new body in place of the one that is there.
    pub(super) fn put(&mut self, mut message: StoredMessage) {
        if let Some(there) = self.by_id.get_mut(&message.id) {
            there.body = message.body;
            there.version += 1;
            return;
        }
        message.version = 0;
        self.newest.insert(message.owner.clone(), message.id.clone());
        self.order.push_back(message.id.clone());
        self.by_id.insert(message.id.clone(), message);
        while self.order.len() > MOST {
            self.forget_oldest();
        }
    }

    pub(super) fn get(&self, id: &str) -> Option<StoredMessage> {
        self.by_id.get(id).cloned()
    }

    /// The newest message of a person.
    pub(super) fn newest(&self, owner: &Owner) -> Option<String> {
        self.newest.get(owner).cloned()
    }

    fn forget_oldest(&mut self) {
        let Some(oldest) = self.order.pop_front() else { return };
        let Some(message) = self.by_id.remove(&oldest) else { return };
        if self.newest.get(&message.owner) == Some(&oldest) {
            self.newest.remove(&message.owner);
        }
    }
}
