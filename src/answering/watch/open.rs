//! The watches that have not ended, as far as this process knows of them.

use std::collections::{HashMap, HashSet};
use std::sync::{MutexGuard, PoisonError};
use std::time::Duration;

use super::state::{State, Watch};
use super::{AFTERWARDS, Watches};
use crate::answering::deliver::Deliver;
use crate::answering::messages::MessageId;
use crate::clock::Tick;
use crate::core::Reference;
use crate::novu::{ChannelEndpoint, LINK_LIFETIME};
use crate::store::{Owner, StoreError};

/// A watch that has not ended.
#[derive(Debug, Clone)]
pub(super) struct Open {
    pub(super) watch: Watch,
    /// When the link can no longer be used.
    pub(super) link_ends: Tick,
    /// When it ends.
    pub(super) ends: Tick,
}

impl Open {
    /// A watch that lasts for so long from now on.
    pub(super) fn new(watch: Watch, left: Duration, now: Tick) -> Self {
        let prolonged = Duration::from_millis(watch.prolonged);
        let of_link = left.saturating_sub(AFTERWARDS).saturating_sub(prolonged);
        Self { watch, link_ends: now + of_link, ends: now + left }
    }
}

/// The watches that have not ended, by the person whose link it is. Most people have one, and what is about
/// several of one person need not look at the others.
#[derive(Debug, Default)]
pub(super) struct OpenWatches {
    by_person: HashMap<Owner, Vec<(Reference, Open)>>,
    len: usize,
}

impl OpenWatches {
    pub(super) const fn len(&self) -> usize {
        self.len
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(super) fn get(&self, id: &MessageId) -> Option<&Open> {
        let theirs = self.by_person.get(&id.owner)?;
        theirs.iter().find(|(reference, _)| *reference == id.reference).map(|(_, open)| open)
    }

    pub(super) fn get_mut(&mut self, id: &MessageId) -> Option<&mut Open> {
        let theirs = self.by_person.get_mut(&id.owner)?;
        theirs.iter_mut().find(|(reference, _)| *reference == id.reference).map(|(_, open)| open)
    }

    pub(super) fn insert(&mut self, id: MessageId, open: Open) {
        if let Some(there) = self.get_mut(&id) {
            *there = open;
            return;
        }
        self.len += 1;
        let theirs = self.by_person.entry(id.owner).or_default();
        // Room for one more and not for four, as most have but one.
        theirs.reserve_exact(1);
        theirs.push((id.reference, open));
    }

    pub(super) fn remove(&mut self, id: &MessageId) -> Option<Open> {
        let theirs = self.by_person.get_mut(&id.owner)?;
        let at = theirs.iter().position(|(reference, _)| *reference == id.reference)?;
        let (_, open) = theirs.swap_remove(at);
        if theirs.is_empty() {
            self.by_person.remove(&id.owner);
        }
        self.len -= 1;
        Some(open)
    }

    /// The messages of a person.
    pub(super) fn of(&self, owner: &Owner) -> Vec<MessageId> {
        let theirs = self.by_person.get(owner).into_iter().flatten();
        theirs.map(|(reference, _)| MessageId::new(owner, *reference)).collect()
    }

    /// All of them, in no order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&Owner, Reference, &Open)> {
        let each = |(owner, theirs)| std::iter::repeat(owner).zip(theirs);
        let all = self.by_person.iter().flat_map(each);
        all.map(|(owner, (reference, open))| (owner, *reference, open))
    }

    pub(super) fn values(&self) -> impl Iterator<Item = &Open> {
        self.by_person.values().flatten().map(|(_, open)| open)
    }

    /// The people of whom several links are watched, with their messages.
    fn several(&self) -> impl Iterator<Item = (&Owner, &[(Reference, Open)])> {
        let several = self.by_person.iter().filter(|(_, theirs)| theirs.len() > 1);
        several.map(|(owner, theirs)| (owner, theirs.as_slice()))
    }
}

impl<D: Deliver> Watches<D> {
    pub(super) fn open(&self) -> MutexGuard<'_, OpenWatches> {
        // A panic while the lock was held leaves whole watches behind: there is nothing to repair.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes what is open from the store.
    pub(super) async fn load(&self) -> Result<(), StoreError> {
        let stored = self.store.watches(D::PLATFORM.name).await?;
        let now = self.clock.monotonic();
        let shared = self.store.is_shared();
        let mut open = self.open();
        let mut before = std::mem::take(&mut *open);
        for stored in stored {
            let Some(watch) = Watch::read(&stored) else { continue };
            let id = watch.id();
            let known = before.remove(&id).filter(|_| !shared);
            let left = stored.left.unwrap_or_default();
            open.insert(id, known.unwrap_or_else(|| Open::new(watch, left, now)));
        }
        if !shared {
            for (owner, theirs) in before.by_person {
                for (reference, left_over) in theirs {
                    open.insert(MessageId::new(&owner, reference), left_over);
                }
            }
        }
        Ok(())
    }

    /// Whether anybody may still sign in by a link, or its end has not been settled.
    pub(super) fn any_link_lives(&self, now: Tick) -> bool {
        self.open().values().any(|open| {
            !matches!(open.watch.state, State::InDoubt { .. }) || now < open.link_ends + AFTERWARDS
        })
    }

    /// The watches of an endpoint's subscriber, the oldest first.
    pub(super) fn of(&self, endpoint: &ChannelEndpoint) -> Vec<Watch> {
        let open = self.open();
        let mut of: Vec<_> = open.values().filter(|open| open.watch.is_for(endpoint)).collect();
        of.sort_by_key(|open| open.link_ends);
        of.into_iter().map(|open| open.watch.clone()).collect()
    }

    /// The endpoints of subscribers whose links are watched, the oldest first.
    pub(super) fn of_interest<'a>(&self, found: &'a [ChannelEndpoint]) -> Vec<&'a ChannelEndpoint> {
        let of_somebody = found.iter().filter_map(|endpoint| endpoint.subscriber_id.as_ref());
        let subscribers: HashSet<_> = of_somebody.collect();
        let open = self.open();
        let watched = open.values().filter_map(|open| subscribers.get(&open.watch.subscriber));
        let watched: HashSet<_> = watched.collect();
        let is_watched = |endpoint: &&ChannelEndpoint| {
            endpoint.subscriber_id.as_ref().is_some_and(|id| watched.contains(&id))
        };
        found.iter().rev().filter(is_watched).collect()
    }

    /// What has to be looked into, because somebody is connected or a link's time is over.
    pub(super) fn unsettled(&self, now: Tick) -> Vec<(MessageId, Open)> {
        let open = self.open();
        let unsettled = open.iter().filter(|(_, _, open)| {
            matches!(open.watch.state, State::Connected { .. }) || now >= open.link_ends
        });
        let id = |(owner, reference, open): (&Owner, _, &Open)| {
            (MessageId::new(owner, reference), open.clone())
        };
        unsettled.map(id).collect()
    }

    /// Messages of people who have a newer one, which do not say so; and whether that took the place of
    /// theirs.
    pub(super) fn older(&self) -> Vec<(MessageId, bool)> {
        // What another replica stores may have no link yet, and never get one. Whatever has no link by the
        // time that a mint may take has ended.
        let now = self.clock.monotonic();
        let has_link = |(_, open): &&(Reference, Open)| {
            !self.store.is_shared() || open.link_ends - now <= LINK_LIFETIME
        };
        let open = self.open();
        let mut older = Vec::new();
        for (owner, theirs) in open.several() {
            let theirs = theirs.iter().filter(has_link);
            let Some((_, newest)) = theirs.clone().max_by_key(|(_, open)| open.link_ends) else {
                continue;
            };
            let is_older = |(_, open): &&(Reference, Open)| {
                let settled =
                    matches!(open.watch.state, State::Connected { .. } | State::InDoubt { .. });
                open.link_ends < newest.link_ends && !open.watch.replaced && !settled
            };
            let theirs = theirs.filter(is_older);
            older.extend(
                theirs.map(|(reference, _)| {
                    (MessageId::new(owner, *reference), newest.watch.in_place)
                }),
            );
        }
        older
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, HashSet};

    use proptest::prelude::*;

    use super::*;
    use crate::answering::watch::tests::watch;

    fn id(person: u8, message: u8) -> MessageId {
        let owner = watch(&format!("U{person}"), "ada").person.owner();
        MessageId::new(&owner, Reference::from_random([message; 5]))
    }

    fn opened() -> Open {
        Open::new(watch("U1", "ada"), LINK_LIFETIME + AFTERWARDS, Tick::default())
    }

    proptest! {
        #[test]
        fn whatever_was_put_in_and_not_taken_out_is_there_once(
            steps in prop::collection::vec((any::<bool>(), 0..4_u8, 0..3_u8), 0..60)
        ) {
            let (mut open, mut expected) = (OpenWatches::default(), HashSet::new());
            for (put, person, message) in steps {
                let id = id(person, message);
                if put {
                    open.insert(id.clone(), opened());
                    expected.insert(id);
                } else {
                    prop_assert_eq!(open.remove(&id).is_some(), expected.remove(&id));
                }
            }
            let there: Vec<_> =
                open.iter().map(|(owner, reference, _)| MessageId::new(owner, reference)).collect();
            prop_assert_eq!(there.len(), open.len());
            prop_assert_eq!(open.values().count(), open.len());
            prop_assert_eq!(open.is_empty(), expected.is_empty());
            let mut of_each: HashMap<_, usize> = HashMap::new();
            for id in &expected {
                prop_assert!(open.get(id).is_some() && open.of(&id.owner).contains(id));
                *of_each.entry(id.owner.clone()).or_default() += 1;
            }
            prop_assert_eq!(there.into_iter().collect::<HashSet<_>>(), expected);
            let several: HashMap<_, _> =
                open.several().map(|(owner, theirs)| (owner.clone(), theirs.len())).collect();
            of_each.retain(|_, count| *count > 1);
            prop_assert_eq!(several, of_each);
        }
    }
}
