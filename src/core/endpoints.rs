//! Which of Novu's channel endpoints belongs to a chat account, and which accounts others hold.
//!
//! Novu lets one chat account belong to one subscriber, fails after the sign-in of whoever it does not
//! belong to, and cannot be asked whose it is (Novu 3.19 source, channel endpoints). So once a link has
//! run out and was not used, all endpoints of the integration are looked through in the background,
//! once for everybody whose link ran out by then; whose account another subscriber holds is remembered.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::held::HeldAccounts;
use super::person::Person;
use super::platform::Platform;
use crate::clock::{SharedClock, Tick};
use crate::novu::{ChannelEndpoint, EndpointFilter, Error, LINK_LIFETIME, Novu, SubscriberId};
use crate::store::Owner;

/// Endpoints asked for at once: the most that Novu gives.
const PAGE_SIZE: u8 = 100;
/// The most pages of one subscriber's endpoints that are read.
const MOST_PAGES_OF_ONE: usize = 20;
/// The most pages of an integration's endpoints that are read.
const MOST_PAGES_OF_ALL: usize = 1_000;
/// The most pages of an integration's endpoints that are read while somebody waits.
const MOST_PAGES_AT_ONCE: usize = 50;
/// How long after its link has run out a person is looked for: what was begun in time may end then.
const AFTERWARDS: Duration = Duration::from_secs(30);
/// How often endpoints are looked through at most.
const LOOK_EVERY: Duration = Duration::from_mins(1);
/// The most links that are waited for at once; the oldest are forgotten first.
const MOST: usize = 10_000;

/// The channel endpoints of one integration.
#[derive(Debug)]
pub(super) struct Endpoints {
    platform: &'static Platform,
    integration: String,
    clock: SharedClock,
    held: Arc<HeldAccounts>,
    state: Mutex<State>,
    /// Rings when a link is waited for after there was none.
    begun: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// Links that were minted and have not run out, the oldest first.
    minted: VecDeque<Minted>,
}

/// The endpoints of one subscriber, as far as they are read.
#[derive(Debug, Clone, Default)]
pub(super) struct OwnEndpoints {
    /// The newest one that links the chat account that was asked for.
    pub(super) own: Option<Box<ChannelEndpoint>>,
    /// All others, the newest first. A Novu from before May 2026 may have further ones of the same
    /// chat account among them.
    pub(super) others: Vec<ChannelEndpoint>,
}

impl OwnEndpoints {
    /// All of them.
    pub(super) fn all(&self) -> impl Iterator<Item = &ChannelEndpoint> {
        self.own.as_deref().into_iter().chain(&self.others)
    }
}

/// The endpoints that reach one chat account, whosever they are.
#[derive(Debug)]
pub(super) struct Reaching {
    pub(super) endpoints: Vec<ChannelEndpoint>,
    /// Whether all endpoints were looked at; there may be too many.
    pub(super) are_all: bool,
}

#[derive(Debug, Clone)]
struct Minted {
    person: Person,
    subscriber: SubscriberId,
    look_at: Tick,
}

impl Endpoints {
    pub(super) fn new(
        platform: &'static Platform,
        integration: String,
        held: Arc<HeldAccounts>,
        clock: SharedClock,
    ) -> Self {
        let (state, begun) = Default::default();
        Self { platform, integration, clock, held, state, begun }
    }

    /// A subscriber's endpoints, and which of them links this very chat account.
    pub(super) async fn of_subscriber(
        &self,
        novu: &Novu,
        person: &Person,
        subscriber: &SubscriberId,
    ) -> Result<OwnEndpoints, Error> {
        let mut filter = self.filter();
        filter.subscriber = Some(subscriber.clone());
        let mut endpoints = OwnEndpoints::default();
        for _ in 0..MOST_PAGES_OF_ONE {
            let page = novu.list_channel_endpoints(&filter).await?;
            for endpoint in page.items {
                // Checked here as well: what somebody else holds is no link of this person's.
                if endpoint.subscriber_id.as_ref().is_some_and(|holder| holder != subscriber) {
                    continue;
                }
                if endpoints.own.is_none() && self.reaches(&endpoint, person) {
                    endpoints.own = Some(Box::new(endpoint));
                } else {
                    endpoints.others.push(endpoint);
                }
            }
            if page.next.is_none() {
                break;
            }
            filter.after = page.next;
        }
        Ok(endpoints)
    }

    /// The endpoint by which another subscriber holds a chat account, if that is known and still so.
    pub(super) async fn of_holder(
        &self,
        novu: &Novu,
        person: &Person,
        subscriber: &SubscriberId,
    ) -> Result<Option<ChannelEndpoint>, Error> {
        let owner = person.owner();
        let Some(identifier) = self.held.endpoint(&owner) else { return Ok(None) };
        let endpoint = novu.get_channel_endpoint(&identifier).await?;
        let held = endpoint.filter(|endpoint| self.is_others(endpoint, person, subscriber));
        if held.is_none() {
            self.held.forget(owner);
        }
        Ok(held)
    }

    /// Looks through the integration's endpoints for those that reach a chat account, the newest first,
    /// while somebody waits.
    pub(super) async fn that_reach(&self, novu: &Novu, person: &Person) -> Result<Reaching, Error> {
        let mut filter = self.filter();
        let mut reaching = Reaching { endpoints: Vec::new(), are_all: false };
        for _ in 0..MOST_PAGES_AT_ONCE {
            let page = novu.list_channel_endpoints(&filter).await?;
            let theirs = page.items.into_iter().filter(|endpoint| self.reaches(endpoint, person));
            reaching.endpoints.extend(theirs);
            match page.next {
                Some(next) => filter.after = Some(next),
                None => return Ok(Reaching { are_all: true, ..reaching }),
            }
        }
        Ok(reaching)
    }

    /// Whether it is known that another subscriber holds a chat account.
    pub(super) fn is_held(&self, person: &Person) -> bool {
        self.held.endpoint(&person.owner()).is_some()
    }

    /// Remembers that a link was minted, so that it is looked into when it has run out.
    pub(super) fn minted(&self, person: Person, subscriber: SubscriberId) {
        let look_at = self.clock.monotonic() + LINK_LIFETIME + AFTERWARDS;
        let mut state = self.state();
        if state.minted.len() >= MOST {
            state.minted.pop_front();
        }
        state.minted.push_back(Minted { person, subscriber, look_at });
        self.begun.notify_one();
    }

    /// Looks into links that have run out, until `stop`. Nobody waits for that.
    pub(super) async fn watch(&self, novu: &Novu, stop: CancellationToken) {
        let novu = novu.polling();
        let watching = async {
            loop {
                let next = self.state().minted.front().map(|minted| minted.look_at);
                let Some(next) = next else {
                    self.begun.notified().await;
                    continue;
                };
                self.clock.sleep(next - self.clock.monotonic()).await;
                let due = self.state().take_due(self.clock.monotonic());
                // What fails is in the log already, and the next link brings the same people again.
                let _ = self.find_holders(&novu, due).await;
                self.clock.sleep(LOOK_EVERY).await;
            }
        };
        stop.run_until_cancelled(watching).await;
    }

    async fn find_holders(&self, novu: &Novu, due: Vec<Minted>) -> Result<(), Error> {
        let mut unlinked: HashMap<Owner, Minted> = HashMap::new();
        for minted in due {
            let endpoints = self.of_subscriber(novu, &minted.person, &minted.subscriber).await?;
            if endpoints.own.is_none() {
                unlinked.insert(minted.person.owner(), minted);
            }
        }
        let mut filter = self.filter();
        for _ in 0..MOST_PAGES_OF_ALL {
            if unlinked.is_empty() {
                return Ok(());
            }
            let page = novu.list_channel_endpoints(&filter).await?;
            for endpoint in &page.items {
                unlinked.retain(|owner, minted| {
                    let is_others = self.is_others(endpoint, &minted.person, &minted.subscriber);
                    if is_others {
                        self.held.remember(owner.clone(), endpoint.identifier.clone());
                    }
                    !is_others
                });
            }
            match page.next {
                Some(next) => filter.after = Some(next),
                None => return Ok(()),
            }
        }
        Ok(())
    }

    fn filter(&self) -> EndpointFilter {
        EndpointFilter {
            integration: Some(self.integration.clone()),
            limit: Some(PAGE_SIZE),
            ..EndpointFilter::default()
        }
    }

    /// Whether an endpoint reaches a person's chat account.
    pub(super) fn reaches(&self, endpoint: &ChannelEndpoint, person: &Person) -> bool {
        (self.platform.reaches)(&endpoint.endpoint, person)
    }

    /// Whether an endpoint reaches a person's chat account for another subscriber.
    pub(super) fn is_others(
        &self,
        endpoint: &ChannelEndpoint,
        person: &Person,
        subscriber: &SubscriberId,
    ) -> bool {
        // Whoever it cannot be told of is nobody else.
        let holder = endpoint.subscriber_id.as_ref();
        self.reaches(endpoint, person) && holder.is_some_and(|holder| holder != subscriber)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic elsewhere leaves whole values behind.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn take_due(&mut self, now: Tick) -> Vec<Minted> {
        let due = self.minted.partition_point(|minted| minted.look_at <= now);
        self.minted.drain(..due).collect()
    }
}
