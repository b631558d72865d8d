//! Remembers the personal chats that were opened, so that they need not be opened again.

use std::fmt;

use quick_cache::sync::Cache;

use crate::teams::outgoing::PersonalChat;

/// About the most chats that are remembered, some 5 MiB.
const MOST_CHATS: usize = 20_000;

/// A memory of bounded size. What is used stays longest.
pub(super) struct Chats(Cache<Key, PersonalChat>);

/// Tenant and member.
type Key = (String, String);

impl Default for Chats {
    fn default() -> Self {
        Self(Cache::new(MOST_CHATS))
    }
}

impl fmt::Debug for Chats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Chats(…)")
    }
}

impl Chats {
    /// A person's chat, if it is remembered.
    pub(super) fn get(&self, tenant: &str, member: &str) -> Option<PersonalChat> {
        self.0.get(&key(tenant, member))
    }

    /// Remembers a person's chat.
    pub(super) fn put(&self, tenant: &str, member: &str, chat: PersonalChat) {
        self.0.insert(key(tenant, member), chat);
    }

    /// Forgets a person's chat.
    pub(super) fn forget(&self, tenant: &str, member: &str) {
        self.0.remove(&key(tenant, member));
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
        for number in 0..MOST_CHATS * 3 {
            chats.put("tenant", &number.to_string(), chat(number));
            assert_eq!(chats.get("tenant", "0"), Some(chat(0)));
        }
        // The bound is kept in each part of the cache, hence rounded up in each.
        assert!(chats.0.len() <= MOST_CHATS + chats.0.num_shards(), "{}", chats.0.len());
    }

    #[test]
    fn a_member_is_known_by_tenant_and_can_be_forgotten() {
        let chats = Chats::default();
        chats.put("one", "29:ada", chat(1));
        assert_eq!(chats.get("one", "29:ada"), Some(chat(1)));
        assert_eq!(chats.get("two", "29:ada"), None);
        chats.forget("one", "29:ada");
        assert_eq!(chats.get("one", "29:ada"), None);
    }
}
