//! Removing an endpoint that binds the wrong person, until that is done.

use std::time::Duration;

use super::changing::Next;
use super::follow_up::{FollowUp, Removal, What, Why};
use super::state::{State, Watch};
use crate::answering::Answering;
use crate::answering::deliver::Deliver;
use crate::answering::messages::MessageId;
use crate::jobs::Ran;
use crate::store::StoreError;

/// How soon a removal is tried again for the first time, and then.
const AGAIN: Duration = Duration::from_secs(5);
const AGAIN_LATER: Duration = Duration::from_secs(20);

impl<D: Deliver> Answering<D> {
    /// Removes an endpoint, and tells those who have to know.
    pub(super) async fn remove(&self, removal: &mut Removal) -> Ran {
        if let Err(error) = self.linking.remove_endpoint(&removal.endpoint).await {
            return self.not_yet(removal, &error).await;
        }
        let told = match removal.why {
            Why::WrongPerson { elsewhere } => {
                let endpoint = removal.endpoint.clone();
                self.tell_all(removal, move |watch| removed(watch, &endpoint, elsewhere)).await
            }
            Why::NotConfirmed => self.tell_all(removal, not_confirmed).await,
        };
        if told.is_err() || self.put_tell_other(removal).await.is_err() {
            return Ran::Snooze(AGAIN);
        }
        self.note_removals(removal).await;
        Ran::Done("removed")
    }

    async fn note_removals(&self, removal: &Removal) {
        let Some((whose, message)) = removal.messages.first() else { return };
        let other = removal.user.as_ref().map(|user| whose.fellow(user).owner());
        let id = MessageId::of(whose, *message);
        if let Ok(Some(watch)) = self.watches.stored(&id).await {
            self.note_removed(&watch, other, &removal.endpoint);
        }
    }

    /// Says once that it takes longer, and tries again.
    async fn not_yet(&self, removal: &mut Removal, error: &crate::novu::Error) -> Ran {
        if removal.delayed {
            return Ran::Snooze(AGAIN_LATER);
        }
        let endpoint = &removal.endpoint;
        tracing::error!(%error, endpoint, "the endpoint of a wrong person is not removed yet");
        if self.tell_all(removal, still_there).await.is_ok() {
            removal.delayed = true;
        }
        Ran::Snooze(AGAIN)
    }

    async fn put_tell_other(&self, removal: &Removal) -> Result<(), StoreError> {
        if let (Some(user), Some((whose, message))) = (&removal.user, removal.messages.first()) {
            let other = whose.fellow(user);
            let (locale, endpoint) = (removal.locale.clone(), removal.endpoint.clone());
            let tell = What::TellOther { other, locale, message: *message, endpoint };
            self.watches.follow_ups.put(&FollowUp::new(tell), Duration::ZERO).await?;
        }
        Ok(())
    }

    async fn tell_all(
        &self,
        removal: &Removal,
        change: impl Fn(&mut Watch) -> bool + Send + Sync,
    ) -> Result<(), StoreError> {
        for (person, message) in &removal.messages {
            let id = MessageId::of(person, *message);
            let changed = self.watches.change(&id, |watch| {
                let has_to_say = change(watch);
                has_to_say.then(|| Next::tell(watch))
            });
            changed.await?;
        }
        Ok(())
    }
}

/// The endpoint is gone. Whether the message has to say so.
fn removed(watch: &mut Watch, endpoint: &str, elsewhere: bool) -> bool {
    let noted = watch.others.iter().any(|other| other == endpoint);
    match &mut watch.state {
        State::WrongPerson { removed: removed @ false, .. } if noted => {
            *removed = true;
            watch.changed += 1;
            true
        }
        State::Connected { .. } if noted => true,
        // It says so already, or its person is asked about whoever signed in first.
        State::WrongPerson { .. } | State::InDoubt { .. } if noted => false,
        _ => {
            watch.disown(endpoint, true, elsewhere);
            true
        }
    }
}

/// The endpoint could not be removed yet.
fn still_there(watch: &mut Watch) -> bool {
    matches!(watch.state, State::WrongPerson { .. })
}

fn not_confirmed(watch: &mut Watch) -> bool {
    watch.state == State::NotConfirmed && watch.shown < watch.changed
}
