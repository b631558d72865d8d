//! Which chat accounts are linked, as the store knows it: what `status` says while Novu is away, and how it
//! shows that a link has gone.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::person::Person;
use super::platform::Platform;
use super::recent::Recent;
use crate::clock::SharedClock;
use crate::novu::{ChannelEndpoint, SubscriberId};
use crate::store::{KnownLink, Owner, Store, StoreError, Verified};
use crate::supervise::Background;

/// The most accounts of which something waits to be written.
const MOST: usize = 10_000;
/// How long it takes until what could not be written is written again.
const WRITE_AGAIN: Duration = Duration::from_secs(5);
/// For so long it is not written again that the same link is there.
const SEEN_LATELY: Duration = Duration::from_mins(5);

/// Links, as the store knows them. Taking note of one takes no time: the store is written behind.
#[derive(Debug)]
pub struct KnownLinks {
    store: Store,
    platforms: Vec<&'static Platform>,
    clock: SharedClock,
    /// Which link each account was seen to have lately, by the endpoint's identifier.
    seen: Recent<Owner, String>,
    /// What was noted and is not in the store yet.
    unwritten: Mutex<HashMap<Owner, Note>>,
    /// Rings when something was noted.
    noted: Notify,
}

/// What was noted of an account.
#[derive(Debug, Clone)]
enum Note {
    /// It is linked.
    Linked(Box<KnownLink>),
    /// Novu has no link of it.
    NotThere,
    /// Its owner wanted it to be disconnected, or an administrator removed it.
    Disconnected,
}

/// A link that was seen in Novu.
#[derive(Debug)]
pub struct SeenLink<'a> {
    /// Whose chat account it is.
    pub person: &'a Person,
    /// What people call the person's workspace, where that is known.
    pub workspace_name: Option<String>,
    /// To which subscriber.
    pub subscriber: &'a SubscriberId,
    /// By which endpoint.
    pub endpoint: &'a ChannelEndpoint,
    /// How it is known that it is the right person's.
    pub verified: Verified,
}

impl KnownLinks {
    /// What this store knows of people of these platforms.
    #[must_use]
    pub fn new(store: Store, platforms: Vec<&'static Platform>, clock: SharedClock) -> Self {
        let seen = Recent::new(SEEN_LATELY, Arc::clone(&clock));
        let (unwritten, noted) = Default::default();
        Self { store, platforms, clock, seen, unwritten, noted }
    }

    /// Takes note of a link that is there.
    pub fn linked(&self, seen: SeenLink<'_>) {
        let SeenLink { person, workspace_name, subscriber, endpoint, verified } = seen;
        let owner = person.owner();
        let is_news = self.seen.get(&owner).as_ref() != Some(&endpoint.identifier);
        if !is_news && verified == Verified::Found {
            return;
        }
        self.seen.note(owner.clone(), endpoint.identifier.clone());
        let link = KnownLink {
            owner: owner.clone(),
            platform: person.platform.to_string(),
            workspace: person.workspace.realm().to_owned(),
            workspace_name,
            // Texts and a flag always have a JSON form.
            person: serde_json::to_string(person).unwrap_or_default().into(),
            subscriber: subscriber.as_str().to_owned(),
            endpoint: endpoint.identifier.clone(),
            connection: endpoint.connection_identifier.clone(),
            since: endpoint.created_at,
            verified,
            seen_at: self.clock.now(),
            gone: false,
        };
        self.note(owner, Note::Linked(Box::new(link)));
    }

    /// Takes note that Novu has no link of a chat account.
    pub fn not_there(&self, person: &Person) {
        self.seen.forget(&person.owner());
        self.note(person.owner(), Note::NotThere);
    }

    /// Takes note that a chat account was disconnected because its owner wanted that, or an administrator.
    pub fn disconnected(&self, person: &Person) {
        self.seen.forget(&person.owner());
        self.note(person.owner(), Note::Disconnected);
    }

    /// The link of a chat account, as it was last known to be.
    pub(super) async fn of(&self, person: &Person) -> Option<KnownLink> {
        // The store says itself why it does not answer.
        self.look_up(person).await.ok().flatten()
    }

    /// As [`KnownLinks::of`], for whoever has to know whether the store answers.
    ///
    /// # Errors
    /// The store does not answer.
    pub(super) async fn look_up(&self, person: &Person) -> Result<Option<KnownLink>, StoreError> {
        let owner = person.owner();
        let noted = self.unwritten().get(&owner).cloned();
        match noted {
            Some(Note::Linked(link)) => Ok(Some(*link)),
            Some(Note::NotThere | Note::Disconnected) => Ok(None),
            None => Ok(self.store.known_link(&owner).await?.filter(|link| !link.gone)),
        }
    }

    /// The links of a subscriber as they were last known to be, each with its platform. Those on platforms
    /// that are off are left out.
    pub(super) async fn of_subscriber(
        &self,
        subscriber: &str,
    ) -> Vec<(&'static Platform, KnownLink)> {
        let links = self.store.links_of(subscriber).await.unwrap_or_default();
        let there = links.into_iter().filter(|link| !link.gone);
        let platform = |link: &KnownLink| {
            self.platforms.iter().find(|platform| platform.name == link.platform).copied()
        };
        there.filter_map(|link| Some((platform(&link)?, link))).collect()
    }

    /// What writes down what was noted.
    #[must_use]
    pub fn background(self: &Arc<Self>) -> Background {
        Background::new("known_links", self, |links, stop| async move { links.keep(stop).await })
    }

    /// Writes down what was noted, at the end.
    pub async fn finish(&self) {
        // Why it failed is in the store's own line.
        let _ = self.write().await;
    }

    async fn keep(&self, stop: CancellationToken) {
        let keeping = async {
            loop {
                // Why it failed is in the store's own line.
                if self.write().await.is_err() {
                    self.clock.sleep(WRITE_AGAIN).await;
                } else {
                    self.noted.notified().await;
                }
            }
        };
        stop.run_until_cancelled(keeping).await;
    }

    /// Writes down what was noted. What cannot be written stays, unless there is a later note by then.
    async fn write(&self) -> Result<(), StoreError> {
        let notes = std::mem::take(&mut *self.unwritten());
        let mut written = Ok(());
        for (owner, note) in notes {
            if written.is_ok() {
                written = self.write_one(&owner, note.clone()).await;
            }
            if written.is_err() {
                self.unwritten().entry(owner).or_insert(note);
            }
        }
        written
    }

    async fn write_one(&self, owner: &Owner, note: Note) -> Result<(), StoreError> {
        if let Note::Disconnected = note {
            return self.store.forget_link(owner).await;
        }
        let known = self.store.known_link(owner).await?.filter(|known| !known.gone);
        match (note, known) {
            (Note::Linked(mut link), Some(known)) => {
                // That it was found says no less of it than before.
                if link.endpoint == known.endpoint && link.verified == Verified::Found {
                    link.verified = known.verified;
                }
                self.store.remember_link(*link).await
            }
            (Note::Linked(link), None) => self.store.remember_link(*link).await,
            (Note::NotThere, Some(known)) => {
                tracing::info!(
                    platform = known.platform,
                    subscriber = known.subscriber,
                    endpoint = known.endpoint,
                    last_seen = %known.seen_at,
                    "a link that was there has gone: somebody removed it in Novu"
                );
                self.store.link_is_gone(owner).await
            }
            (Note::NotThere | Note::Disconnected, _) => Ok(()),
        }
    }

    fn note(&self, owner: Owner, note: Note) {
        let mut unwritten = self.unwritten();
        if unwritten.len() < MOST || unwritten.contains_key(&owner) {
            unwritten.insert(owner, note);
        }
        self.noted.notify_one();
    }

    fn unwritten(&self) -> MutexGuard<'_, HashMap<Owner, Note>> {
        // Whole values are put in and taken out, so a panic leaves nothing half done.
        self.unwritten.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// When all of these were last known to be so: when that was said of the one that was seen first.
pub(super) fn as_of<'a>(links: impl IntoIterator<Item = &'a KnownLink>) -> Option<Timestamp> {
    links.into_iter().map(|link| link.seen_at).min()
}
