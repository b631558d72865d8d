//! A watch to test with.

use super::state::{State, Watch};
use crate::core::{Person, Reference, Workspace};
use crate::novu::SubscriberId;
use crate::slack;

/// The watch of a link that nobody has used yet.
pub(super) fn watch(user: &str, subscriber: &str) -> Watch {
    Watch {
        person: Person {
            platform: slack::PLATFORM.id(),
            workspace: Workspace::standalone("T1"),
            user: user.to_owned(),
        },
        message: Reference::from_random([7; 5]),
        subscriber: SubscriberId::new(subscriber).unwrap(),
        subscriber_name: None,
        before: vec!["old".to_owned()],
        other_ids: Vec::new(),
        guest: false,
        others: Vec::new(),
        state: State::Waiting,
        in_place: false,
        replaced: false,
        overwritten: false,
        prolonged: 0,
        says_connected: false,
        changed: 0,
        shown: 0,
    }
}
