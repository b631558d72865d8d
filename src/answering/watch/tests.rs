use super::Watch;
use crate::core::{Person, Prospect, Reference, Workspace};
use crate::novu::SubscriberId;
use crate::slack;

/// The watch of a link that nobody has used yet.
pub(super) fn watch(user: &str, subscriber: &str) -> Watch {
    let person = Person {
        platform: slack::PLATFORM.id(),
        workspace: Workspace::standalone("T1"),
        user: user.to_owned(),
    };
    let prospect = Prospect {
        subscriber: SubscriberId::new(subscriber).unwrap(),
        subscriber_name: None,
        endpoints: vec!["old".to_owned()],
        other_ids: Vec::new(),
        guest: false,
    };
    Watch::new(person, false, Reference::from_random([7; 5]), prospect)
}
