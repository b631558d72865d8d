//! Letting messages say what has come of their links.

use std::time::Duration;

use super::changing::Next;
use crate::answering::Answering;
use crate::answering::deliver::{Deliver, Shown};
use crate::answering::messages::MessageId;
use crate::core::{Answer, Language, Person, Reference};
use crate::jobs::Ran;

/// How soon a message is changed that could not be changed: until it is forgotten.
const AGAIN: Duration = Duration::from_secs(10);

impl<D: Deliver> Answering<D> {
    /// Lets a person's message say what its watch says by now, once.
    pub(super) async fn tell_of_watch(&self, person: &Person, message: Reference) -> Ran {
        let id = MessageId::of(person, message);
        let _turn = self.messages.turn(&id).await;
        let watch = match self.watches.stored(&id).await {
            Ok(Some(watch)) => watch,
            Ok(None) => return Ran::Done("gone"),
            Err(_) => return Ran::Snooze(AGAIN),
        };
        let Some(answer) = watch.answer(self.linking.can_test()) else { return Ran::Done("gone") };
        // Where the newer message is where this one was, that one speaks.
        let is_silent = watch.overwritten && watch.replaced;
        if watch.is_told() || is_silent {
            return Ran::Done("told_already");
        }
        let shown = self.tell_in_turn(&id, &answer).await;
        if let Shown::Later(pause) = shown {
            return Ran::Snooze(pause.unwrap_or(AGAIN));
        }
        let told = self.watches.change(&id, |now| {
            (now.shown < watch.changed).then(|| {
                now.shown = watch.changed;
                Next::nothing()
            })
        });
        // The store says itself why it could not; then it may be told once more.
        let _ = told.await;
        match shown {
            Shown::Shown(way) | Shown::Pointed(way) => Ran::Done(way),
            Shown::Uncertain => Ran::Done("uncertain"),
            Shown::Gone | Shown::Later(_) if answer.only_in_place() => Ran::Done("gone"),
            Shown::Gone | Shown::Later(_) => {
                tracing::warn!(reference = %message, "a message could not be changed any more");
                Ran::Done("gone")
            }
        }
    }

    /// Tells somebody that they used another person's link, if they can be reached.
    pub(super) async fn tell_other(
        &self,
        other: &Person,
        locale: Option<&str>,
        message: Reference,
    ) -> Ran {
        let language = locale.map(|locale| Language::best_for(Some(locale)));
        match self.notify(other, language, message, &Answer::NotYourLink).await {
            Shown::Shown(way) | Shown::Pointed(way) => Ran::Done(way),
            Shown::Later(pause) => Ran::Snooze(pause.unwrap_or(AGAIN)),
            Shown::Uncertain => Ran::Done("uncertain"),
            Shown::Gone => {
                tracing::info!(reference = %message, "whoever used another person's link cannot be told");
                Ran::Done("gone")
            }
        }
    }
}
