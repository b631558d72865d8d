//! Looking at the newest endpoints while any link lives, and judging each new one.

use std::collections::HashSet;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::Watches;
use super::changing::{Lasts, Next, undo};
use super::follow_up::{FollowUp, Removal, What, Why};
use super::state::{Known, State, Watch};
use super::verdict::{Verdict, judge};
use crate::answering::Answering;
use crate::answering::deliver::Deliver;
use crate::clock::between;
use crate::core::{Platform, ProfilesError};
use crate::novu::{ChannelEndpoint, LINK_LIFETIME};
use crate::store::{StoreError, Verified};

/// How often endpoints are looked at while a link lives.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// How soon after a look the next one may be, whoever asks for it.
const LOOK_AGAIN: Duration = Duration::from_millis(500);
/// How far back a first look goes: for as long as a link can live, and for clocks that differ.
const LOOK_BACK: Duration = Duration::from_mins(20);
/// How soon an endpoint of a wrong person is removed: once all whose link it may have been have it noted.
const REMOVED_AFTER: Duration = Duration::from_millis(200);
/// The most pages of endpoints that one look reads.
const MOST_PAGES: usize = 50;

/// What is known of somebody else who signed in.
struct Other {
    /// Whether the asker's workspace does not know them.
    elsewhere: bool,
    /// Their language, as the platform writes it.
    locale: Option<String>,
}

impl<D: Deliver> Answering<D> {
    /// Looks until `stop`.
    pub(in crate::answering) async fn keep_watching(self: Arc<Self>, stop: CancellationToken) {
        let looking = async {
            let mut known = false;
            loop {
                if !known {
                    known = self.watches.load().await.is_ok();
                }
                // A store that does not answer has logged why.
                let _ = self.look_once().await;
                let again = self.clock.monotonic() + LOOK_AGAIN;
                let pause = if known { self.watches.pause() } else { Some(LOOK_EVERY) };
                self.watches.wait(pause).await;
                self.clock.sleep(again - self.clock.monotonic()).await;
            }
        };
        stop.run_until_cancelled(looking).await;
    }

    async fn look_once(&self) -> Result<(), StoreError> {
        if !self.watches.leads().await? {
            return Ok(());
        }
        if self.watches.store.is_shared() {
            self.watches.load().await?;
        }
        let began = self.clock.monotonic();
        let (found, looked) = if self.watches.any_link_lives(began) {
            self.list().await
        } else {
            (Vec::new(), false)
        };
        for endpoint in self.watches.of_interest(&found) {
            self.judge(endpoint).await?;
        }
        let settled = self.settle(began, looked.then_some(found.as_slice())).await;
        self.metrics.watches_open(D::PLATFORM.name, self.watches.open().len());
        settled
    }

    /// The newest endpoints, as far back as there is anything new, and whether Novu told all of them.
    async fn list(&self) -> (Vec<ChannelEndpoint>, bool) {
        let (mut found, mut after) = (Vec::new(), None);
        for _ in 0..MOST_PAGES {
            // The client says why not.
            let Ok(page) = self.linking.newest_endpoints(after).await else {
                return (found, false);
            };
            let is_last = page.next.is_none() || self.watches.reaches_back(&page.items);
            found.extend(page.items);
            if is_last {
                break;
            }
            after = page.next;
        }
        let seen = found.iter().map(|endpoint: &ChannelEndpoint| endpoint.identifier.clone());
        *self.watches.seen() = seen.collect();
        (found, true)
    }

    /// Judges an endpoint, and does what follows.
    async fn judge(&self, endpoint: &ChannelEndpoint) -> Result<(), StoreError> {
        let watches = self.watches.of(endpoint);
        let mut verdict = judge(D::PLATFORM, endpoint, &watches, &Known::NotAsked);
        let mut other = Other { elsewhere: false, locale: None };
        if verdict == Verdict::Different {
            let (known, locale) = self.ask_about(endpoint, &watches).await;
            let elsewhere =
                known == Known::Stranger || is_elsewhere(D::PLATFORM, endpoint, &watches);
            other = Other { elsewhere, locale };
            verdict = judge(D::PLATFORM, endpoint, &watches, &known);
        }
        if verdict != Verdict::NotWatched {
            self.metrics.funnel(D::PLATFORM.name, "signed_in");
        }
        match verdict {
            Verdict::NotWatched => Ok(()),
            Verdict::Same(index) => self.connect(&watches[index], endpoint).await,
            Verdict::CannotTell(index) => {
                let state = State::InDoubt {
                    endpoint: endpoint.identifier.clone(),
                    since: endpoint.created_at,
                };
                let id = watches[index].id();
                let asked = self.watches.change(&id, |watch| {
                    watch.is_news(endpoint).then(|| Self::doubt(watch, state.clone()))
                });
                asked.await.map(drop)
            }
            Verdict::Different => self.disown(&watches, endpoint, other).await,
        }
    }

    /// What the platform knows of the user whom an endpoint reaches, by the place of the first who
    /// waits.
    async fn ask_about(
        &self,
        endpoint: &ChannelEndpoint,
        watches: &[Watch],
    ) -> (Known, Option<String>) {
        let (Some(user), Some(watch)) = (endpoint.endpoint.user_id(), watches.last()) else {
            return (Known::NotAsked, None);
        };
        let Some(lookup) = self.deliver.recall(None) else { return (Known::Unknown, None) };
        let person = watch.person.fellow(user);
        match self.linking.look_up(&self.deliver.profiles(&lookup), &person).await {
            Ok(profile) => (Known::Ids(profile.other_ids), profile.locale),
            Err(ProfilesError::Stranger) => (Known::Stranger, None),
            Err(_) => (Known::Unknown, None),
        }
    }

    async fn connect(&self, of: &Watch, endpoint: &ChannelEndpoint) -> Result<(), StoreError> {
        let id = of.id();
        let connected = self.watches.change(&id, |watch| {
            watch.is_news(endpoint).then(|| {
                let before = watch.state.clone();
                watch.becomes(State::Connected {
                    endpoint: endpoint.identifier.clone(),
                    since: endpoint.created_at,
                });
                watch.replaced = false;
                let mut next = Next::tell(watch);
                if watch.says_connected && watch.others.is_empty() {
                    watch.shown = watch.changed;
                }
                // Whoever signed in before was somebody else.
                if let State::InDoubt { endpoint, .. } = before {
                    watch.others.push(endpoint.clone());
                    next.follow_ups.push(undo(watch, endpoint));
                    next.lasts = Some(Lasts::WithItsLink);
                }
                next
            })
        });
        if let Some(watch) = connected.await? {
            let took = endpoint.created_at.map(|at| between(at, self.clock.now()));
            self.metrics.connected_after(D::PLATFORM.name, took.unwrap_or_default());
            self.note_connected(&watch, Verified::SignedIn).await;
        }
        Ok(())
    }

    /// Has an endpoint removed that reaches somebody else, and everybody told whose link it may have
    /// been.
    async fn disown(
        &self,
        watches: &[Watch],
        endpoint: &ChannelEndpoint,
        Other { elsewhere, locale }: Other,
    ) -> Result<(), StoreError> {
        let affected: Vec<_> = watches.iter().filter(|watch| watch.is_news(endpoint)).collect();
        let messages = affected.iter().map(|watch| (watch.person.clone(), watch.message)).collect();
        let removal = FollowUp::new(What::Remove(Removal {
            endpoint: endpoint.identifier.clone(),
            user: endpoint.endpoint.user_id().map(str::to_owned).filter(|_| !elsewhere),
            locale,
            why: Why::WrongPerson { elsewhere },
            messages,
            delayed: false,
        }));
        // There is one for each endpoint, whatever comes between this and what follows.
        let is_first = self.watches.follow_ups.put(&removal, REMOVED_AFTER).await?;
        if let Some(of) = affected.first().filter(|_| is_first) {
            self.alarm(of, endpoint);
        }
        for of in affected {
            let id = of.id();
            let changed = self.watches.change(&id, |watch| {
                watch.is_news(endpoint).then(|| {
                    watch.disown(&endpoint.identifier, false, elsewhere);
                    Next::nothing()
                })
            });
            changed.await?;
        }
        Ok(())
    }
}

impl<D: Deliver> Watches<D> {
    /// Waits for so long, for ever without an end; less if somebody seems to have signed in, and no longer
    /// than it takes to the next look once a link is shown.
    async fn wait(&self, pause: Option<Duration>) {
        let idle = pause.is_none_or(|pause| pause > LOOK_EVERY);
        let over = async {
            match pause {
                Some(pause) => self.clock.sleep(pause).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = over => {}
            () = self.rung.notified() => {}
            () = self.begun.notified(), if idle => tokio::select! {
                () = self.clock.sleep(LOOK_EVERY) => {}
                () = self.rung.notified() => {}
            },
        }
    }

    /// How long it is until there is something to look for by itself; none if there is nothing.
    fn pause(&self) -> Option<Duration> {
        let now = self.clock.monotonic();
        if self.store.is_shared() || self.any_link_lives(now) {
            return Some(LOOK_EVERY);
        }
        self.open().values().map(|open| open.ends - now).min()
    }

    /// Whether a page of endpoints, the newest first, reaches back to what is known or too old.
    fn reaches_back(&self, page: &[ChannelEndpoint]) -> bool {
        let seen = self.seen();
        let too_old = |endpoint: &ChannelEndpoint| {
            let created_at = endpoint.created_at;
            created_at.is_some_and(|at| between(at, self.clock.now()) > LINK_LIFETIME + LOOK_BACK)
        };
        page.iter().any(|endpoint| seen.contains(&endpoint.identifier) || too_old(endpoint))
    }

    fn seen(&self) -> MutexGuard<'_, HashSet<String>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether an endpoint says itself that it reaches somebody of another workspace.
fn is_elsewhere(platform: &Platform, endpoint: &ChannelEndpoint, watches: &[Watch]) -> bool {
    let workspace = endpoint.endpoint.workspace_id();
    let here = |id| watches.iter().any(|it| platform.same_id(id, &it.person.workspace.id));
    workspace.is_some_and(|id| !here(id))
}
