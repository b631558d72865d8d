//! The watches that have not ended, as far as this process knows of them.

use std::collections::{HashMap, HashSet};
use std::sync::{MutexGuard, PoisonError};
use std::time::Duration;

use super::state::{State, Watch};
use super::{AFTERWARDS, Watches};
use crate::answering::deliver::Deliver;
use crate::answering::messages::MessageId;
use crate::clock::Tick;
use crate::core::LINK_LIFETIME;
use crate::novu::ChannelEndpoint;
use crate::store::StoreError;

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

impl<D: Deliver> Watches<D> {
    pub(super) fn open(&self) -> MutexGuard<'_, HashMap<MessageId, Open>> {
        // A panic while the lock was held leaves a whole map behind: there is nothing to repair.
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
            open.extend(before);
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
        let unsettled = open.iter().filter(|(_, open)| {
            matches!(open.watch.state, State::Connected { .. }) || now >= open.link_ends
        });
        unsettled.map(|(id, open)| (id.clone(), open.clone())).collect()
    }

    /// Messages of people who have a newer one, which do not say so; and whether that took the place of
    /// theirs.
    pub(super) fn older(&self) -> Vec<(MessageId, bool)> {
        // What another replica stores may have no link yet, and never get one. Whatever has no link by the
        // time that a mint may take has ended.
        let now = self.clock.monotonic();
        let has_link =
            |open: &Open| !self.store.is_shared() || open.link_ends - now <= LINK_LIFETIME;
        let open = self.open();
        let mut newest: HashMap<_, &Open> = HashMap::new();
        for (id, open) in open.iter().filter(|(_, open)| has_link(open)) {
            let newest = newest.entry(&id.owner).or_insert(open);
            if newest.link_ends < open.link_ends {
                *newest = open;
            }
        }
        let older = open.iter().filter_map(|(id, open)| {
            let newest = newest.get(&id.owner)?;
            let settled =
                matches!(open.watch.state, State::Connected { .. } | State::InDoubt { .. });
            let is_older = open.link_ends < newest.link_ends && !open.watch.replaced && !settled;
            is_older.then(|| (id.clone(), newest.watch.in_place))
        });
        older.collect()
    }
}
