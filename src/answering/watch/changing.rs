//! Changing a watch, together with what follows from that.

use std::time::Duration;

use super::follow_up::{FollowUp, Removal, What, Why};
use super::open::Open;
use super::state::{State, Watch};
use super::{AFTERWARDS, IN_DOUBT, Watches};
use crate::answering::Answering;
use crate::answering::deliver::Deliver;
use crate::answering::messages::MessageId;
use crate::core::Answer;
use crate::jobs::Jobs;
use crate::store::{Change, Held, Owner, StoreError, StoreTrouble, StoredWatch, Verified};

/// How often a change is tried that others keep overtaking.
const MOST_TRIES: usize = 8;

/// What follows from a change of a watch.
pub(super) struct Next<D: Deliver> {
    /// For how long the watch lasts from now on; none leaves it as it is.
    pub(super) lasts: Option<Lasts>,
    /// What has to be done.
    pub(super) follow_ups: Vec<FollowUp<D>>,
}

/// For how long a watch lasts.
#[derive(Debug, Clone, Copy)]
pub(super) enum Lasts {
    For(Duration),
    /// As long as its link alone would have it.
    WithItsLink,
    Ended,
}

impl<D: Deliver> Next<D> {
    /// Nothing but the change itself.
    pub(super) const fn nothing() -> Self {
        Self { lasts: None, follow_ups: Vec::new() }
    }

    /// The message has to say something else.
    pub(super) fn tell(watch: &Watch) -> Self {
        let tell = FollowUp::new(What::Tell(watch.person.clone(), watch.message));
        Self { lasts: None, follow_ups: vec![tell] }
    }
}

impl Watch {
    /// How long it lasts from now on, where it lasts for `left` by now; none if it has ended.
    fn lasts(&mut self, left: Option<Duration>, lasts: Option<Lasts>) -> Option<Duration> {
        let prolonged = Duration::from_millis(self.prolonged);
        let of_link = left.unwrap_or_default().saturating_sub(prolonged);
        match lasts {
            None => left,
            Some(Lasts::For(longer)) => {
                let prolonged = longer.saturating_sub(of_link).as_millis();
                self.prolonged = u64::try_from(prolonged).unwrap_or(u64::MAX);
                Some(longer)
            }
            Some(Lasts::WithItsLink) => {
                self.prolonged = 0;
                Some(of_link)
            }
            Some(Lasts::Ended) => None,
        }
    }
}

impl<D: Deliver> Watches<D> {
    /// Changes a watch as it is stored by now, and puts in what follows, all or nothing. Gives the
    /// watch as it has become; none where `change` leaves it alone or there is none.
    ///
    /// # Errors
    /// The store does not answer; nothing has changed.
    pub(super) async fn change(
        &self,
        id: &MessageId,
        change: impl Fn(&mut Watch) -> Option<Next<D>> + Send + Sync,
    ) -> Result<Option<Watch>, StoreError> {
        for _ in 0..MOST_TRIES {
            let Some(stored) = self.store.watch(&id.owner, id.reference.as_str()).await? else {
                return self.change_unstored(id, change).await;
            };
            let Some(mut watch) = Watch::read(&stored) else { return Ok(None) };
            let Some(next) = change(&mut watch) else { return Ok(None) };
            let left = watch.lasts(stored.left, next.lasts);
            let changed = StoredWatch { watch: watch.text(), ..stored };
            let puts = next.follow_ups.iter().map(|it| Jobs::change(it, Duration::ZERO));
            let set = std::iter::once(Change::ChangeWatch(changed, left)).chain(puts).collect();
            if self.store.write(set).await?.held() == Held::Still {
                self.note(id, &watch, left);
                self.follow_ups.ring();
                return Ok(Some(watch));
            }
        }
        Err(StoreError::Unavailable(StoreTrouble::Slow))
    }

    /// Changes a watch whose message the store has forgotten. Nobody can be told what comes of it any more,
    /// but nobody stays connected by it who should not.
    async fn change_unstored(
        &self,
        id: &MessageId,
        change: impl Fn(&mut Watch) -> Option<Next<D>> + Send + Sync,
    ) -> Result<Option<Watch>, StoreError> {
        let Some(mut open) = self.open().get(id).cloned() else { return Ok(None) };
        let Some(next) = change(&mut open.watch) else { return Ok(None) };
        let puts = next.follow_ups.iter().map(|it| Jobs::change(it, Duration::ZERO)).collect();
        self.store.write(puts).await?;
        self.follow_ups.ring();
        let watch = open.watch.clone();
        match next.lasts {
            Some(Lasts::Ended) => drop(self.open().remove(id)),
            _ => self.open().insert(id.clone(), open),
        }
        Ok(Some(watch))
    }

    /// Ends a watch.
    ///
    /// # Errors
    /// The store does not answer.
    pub(super) async fn end(&self, id: &MessageId) -> Result<(), StoreError> {
        let ended = |_: &mut Watch| Some(Next { lasts: Some(Lasts::Ended), ..Next::nothing() });
        self.change(id, ended).await.map(drop)
    }

    /// A watch as it is stored by now.
    ///
    /// # Errors
    /// The store does not answer.
    pub(in crate::answering) async fn stored(
        &self,
        id: &MessageId,
    ) -> Result<Option<Watch>, StoreError> {
        let stored = self.store.watch(&id.owner, id.reference.as_str()).await?;
        Ok(stored.and_then(|stored| Watch::read(&stored)))
    }

    /// Whether somebody has signed in by the link of a message, or may have.
    pub(in crate::answering) async fn is_connected(&self, id: &MessageId) -> bool {
        let watch = self.stored(id).await.ok().flatten();
        watch.is_some_and(|watch| {
            matches!(watch.state, State::Connected { .. } | State::InDoubt { .. })
        })
    }

    /// Somebody has disconnected themselves by a button of a message: what they read there by now, no watch
    /// says once more.
    pub(in crate::answering) async fn silence(&self, owner: &Owner) {
        let ids = self.open().of(owner);
        for id in ids {
            let silenced = self.change(&id, |watch| {
                matches!(watch.state, State::Connected { .. }).then(|| {
                    watch.becomes(State::NoLongerConnected);
                    watch.shown = watch.changed;
                    Next::nothing()
                })
            });
            // Where that cannot be stored, the store says so, and it is said once more.
            let _ = silenced.await;
        }
    }

    /// These endpoints were removed because an administrator wanted that. Whether the message says so then:
    /// not if it tells of something else.
    ///
    /// # Errors
    /// The store does not answer.
    pub(in crate::answering) async fn removed_by_administrator(
        &self,
        id: &MessageId,
        endpoints: &[String],
    ) -> Result<bool, StoreError> {
        let changed = self.change(id, |watch| {
            let (endpoint, lasts) = match &watch.state {
                State::Connected { endpoint, .. } => (endpoint, None),
                // Nobody has to be asked any more.
                State::InDoubt { endpoint, .. } => (endpoint, Some(Lasts::WithItsLink)),
                _ => return None,
            };
            endpoints.contains(endpoint).then(|| {
                watch.becomes(State::NoLongerConnected);
                Next { lasts, ..Next::tell(watch) }
            })
        });
        Ok(changed.await?.is_some())
    }

    /// Takes note of what a watch has become, as far as this process looks for it.
    fn note(&self, id: &MessageId, watch: &Watch, left: Option<Duration>) {
        let mut open = self.open();
        match (left, open.get_mut(id)) {
            (None, _) => drop(open.remove(id)),
            (Some(left), Some(there)) => {
                let renewed = Open::new(watch.clone(), left, self.clock.monotonic());
                // What is left of the link does not grow because its watch has changed: the store counts
                // from before the mint.
                let link_ends = renewed.link_ends.min(there.link_ends);
                let is_prolonged = renewed.watch.prolonged > 0;
                let with_link = Some(link_ends + AFTERWARDS).filter(|_| !is_prolonged);
                let ends = with_link.map_or(renewed.ends, |ends| renewed.ends.min(ends));
                *there = Open { link_ends, ends, ..renewed };
            }
            (Some(_), None) => {}
        }
    }
}

impl<D: Deliver> Answering<D> {
    /// Settles by its person's word whether a sign-in was theirs. Gives what they are told, unless it
    /// is not in doubt.
    ///
    /// # Errors
    /// The store does not answer.
    pub(super) async fn settle_doubt(
        &self,
        id: &MessageId,
        mine: bool,
    ) -> Result<Option<Answer>, StoreError> {
        let settled = self.watches.change(id, |watch| {
            let State::InDoubt { endpoint, since } = watch.state.clone() else { return None };
            // The link may live on.
            let lasts = Some(Lasts::WithItsLink);
            if mine {
                watch.becomes(State::Connected { endpoint, since });
                watch.shown = watch.changed;
                return Some(Next { lasts, ..Next::nothing() });
            }
            watch.others.push(endpoint.clone());
            watch.becomes(State::NotConfirmed);
            watch.shown = watch.changed;
            Some(Next { lasts, follow_ups: vec![undo(watch, endpoint)] })
        });
        let Some(watch) = settled.await? else { return Ok(None) };
        if mine {
            self.note_connected(&watch, Verified::Confirmed).await;
        }
        Ok(watch.answer(self.linking.can_test()))
    }

    /// Asks its person whether a sign-in was theirs.
    pub(super) fn doubt(watch: &mut Watch, state: State) -> Next<D> {
        watch.becomes(state);
        Next { lasts: Some(Lasts::For(IN_DOUBT)), ..Next::tell(watch) }
    }
}

/// The removal of what was connected without its person's word.
pub(super) fn undo<D: Deliver>(watch: &Watch, endpoint: String) -> FollowUp<D> {
    FollowUp::new(What::Remove(Removal {
        endpoint,
        user: None,
        locale: None,
        why: Why::NotConfirmed,
        messages: vec![(watch.person.clone(), watch.message)],
        delayed: false,
    }))
}
