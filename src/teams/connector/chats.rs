//! Remembers the personal chats that were opened, so that they need not be opened again.

use std::collections::HashMap;
use std::mem;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::teams::outgoing::PersonalChat;

/// The most chats in one generation; twice as many are remembered, some 5 MiB.
const GENERATION: usize = 10_000;

/// Tenant and member.
type Key = (String, String);

/// A memory of bounded size. What was not used while a whole generation came is forgotten.
#[derive(Debug, Default)]
pub(super) struct Chats(Mutex<Generations>);

#[derive(Debug, Default)]
struct Generations {
    young: HashMap<Key, PersonalChat>,
    old: HashMap<Key, PersonalChat>,
}

impl Generations {
    fn put(&mut self, key: Key, chat: PersonalChat) {
        if self.young.len() >= GENERATION {
            self.old = mem::take(&mut self.young);
        }
        self.young.insert(key, chat);
    }
}

impl Chats {
    /// A person's chat, if it is remembered.
    pub(super) fn get(&self, tenant: &str, member: &str) -> Option<PersonalChat> {
        let key = key(tenant, member);
        let mut generations = self.lock();
        if let Some(chat) = generations.young.get(&key) {
            return Some(chat.clone());
        }
        let chat = generations.old.remove(&key)?;
        generations.put(key, chat.clone());
        Some(chat)
    }

    /// Remembers a person's chat.
    pub(super) fn put(&self, tenant: &str, member: &str, chat: PersonalChat) {
        self.lock().put(key(tenant, member), chat);
    }

    /// Forgets a person's chat.
    pub(super) fn forget(&self, tenant: &str, member: &str) {
        let key = key(tenant, member);
        let mut generations = self.lock();
        generations.young.remove(&key);
        generations.old.remove(&key);
    }

    fn lock(&self) -> MutexGuard<'_, Generations> {
        // A panic while the lock was held leaves whole entries behind: there is nothing to repair.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn key(tenant: &str, member: &str) -> Key {
    (tenant.to_owned(), member.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chat(number: usize) -> PersonalChat {
        PersonalChat::created(format!("a:{number}"))
    }

    #[test]
    fn memory_is_bounded_and_keeps_what_is_used() {
        let chats = Chats::default();
        for number in 0..GENERATION * 5 {
            chats.put("tenant", &number.to_string(), chat(number));
            assert_eq!(chats.get("tenant", "0"), Some(chat(0)));
        }
        let generations = chats.lock();
        assert!(generations.young.len() + generations.old.len() <= 2 * GENERATION);
    }

    #[test]
    fn a_member_is_known_by_tenant_and_can_be_forgotten() {
        let chats = Chats::default();
        chats.put("one", "29:ada", chat(1));
        assert_eq!(chats.get("two", "29:ada"), None);
        chats.forget("one", "29:ada");
        assert_eq!(chats.get("one", "29:ada"), None);
    }
}
