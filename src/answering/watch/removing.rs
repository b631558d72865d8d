//! Removing an endpoint that binds the wrong person, until that is done.

use std::time::Duration;

use super::changing::Next;
use super::follow_up::{FollowUp, Removal, What, Why};
use super::state::{State, Watch};
use crate::answering::Answering;
use crate::answering::deliver::Deliver;
use crate::answering::messages::MessageId;
use crate::core::Person;
use crate::jobs::{Jobs, Ran};
use crate::store::{Change, Lease, StoreError};

/// How soon a removal is tried again.
const AGAIN: Duration = Duration::from_secs(5);

impl<D: Deliver> Answering<D> {
    /// Removes an endpoint, and tells those who have to know.
    pub(super) async fn remove(&self, removal: &mut Removal, _lease: &Lease) -> Ran {
        if let Err(error) = self.linking.remove_endpoint(&removal.endpoint).await {
            return self.not_yet(removal, &error).await;
        }
        self.note_removals(removal).await;
        if removal.why == Why::WrongPerson && self.tell_removed(removal).await.is_err() {
            return Ran::Snooze(AGAIN);
        }
        if removal.why == Why::NotConfirmed && self.tell_all(removal, not_confirmed).await.is_err()
        {
            return Ran::Snooze(AGAIN);
        }
        Ran::Done("removed")
    }

    async fn note_removals(&self, removal: &Removal) {
        let Some((whose, message)) = removal.messages.first() else { return };
        let other =
            removal.user.as_ref().map(|user| Person { user: user.clone(), ..whose.clone() });
        let id = MessageId::of(whose, *message);
        if let Ok(Some(watch)) = self.watches.stored(&id).await {
            self.note_removed(&watch, other.map(|other| other.owner()), &removal.endpoint);
        }
    }

    /// Says once that it takes longer, and tries again.
    async fn not_yet(&self, removal: &mut Removal, error: &crate::novu::Error) -> Ran {
        let endpoint = &removal.endpoint;
        tracing::error!(%error, endpoint, "the endpoint of a wrong person is not removed yet");
        if !removal.delayed && self.tell_all(removal, still_there).await.is_ok() {
            removal.delayed = true;
        }
        Ran::Snooze(AGAIN)
    }

    async fn tell_removed(&self, removal: &Removal) -> Result<(), StoreError> {
        self.tell_all(removal, removed).await?;
        if let (Some(user), Some((whose, message))) = (&removal.user, removal.messages.first()) {
            let other = Person { user: user.clone(), ..whose.clone() };
            let locale = removal.locale.clone();
            let tell = FollowUp::<D>::new(What::TellOther { other, locale, message: *message });
            let put: Change = Jobs::change(&tell, Duration::ZERO);
            self.watches.store.write(vec![put]).await?;
            self.watches.follow_ups.ring();
        }
        Ok(())
    }

    async fn tell_all(
        &self,
        removal: &Removal,
        change: fn(&mut Watch) -> bool,
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

/// The endpoint is gone.
fn removed(watch: &mut Watch) -> bool {
    match &mut watch.state {
        State::WrongPerson { removed, .. } => {
            *removed = true;
            watch.changed += 1;
            true
        }
        State::Connected { .. } => true,
        // Its person is asked about the first one that signed in.
        _ => false,
    }
}

/// The endpoint could not be removed yet.
fn still_there(watch: &mut Watch) -> bool {
    matches!(watch.state, State::WrongPerson { .. })
}

fn not_confirmed(watch: &mut Watch) -> bool {
    watch.state == State::NotConfirmed && watch.shown < watch.changed
}
