//! Answering without the platform's types, for whoever serves all platforms: the personal page.

use std::fmt::Debug;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::before_link::Remember;
use super::deliver::{Deliver, Shown};
use super::messages::{Message, MessageId};
use super::{Answering, record};
use crate::core::{
    Answer, Intent, Language, LearntLanguage, Person, Platform, Question, Reason, Reference,
};
use crate::doctor::Sighting;

/// Answers the questions of one platform's people.
pub trait Responder: Send + Sync + Debug {
    /// The platform.
    fn platform(&self) -> &'static Platform;

    /// Answers a question of somebody who waits for the answer elsewhere than in the chat: with a
    /// minted link, never with a page. `hint` is what the page carries to look the asker up, `message`
    /// what says in chat what comes of the link; none where the page is from before messages were kept, so
    /// that nobody can be told. Whoever shows the answer records it.
    fn answer<'a>(
        &'a self,
        question: &'a Question,
        hint: Option<&'a str>,
        message: Option<Reference>,
    ) -> BoxFuture<'a, Answer>;

    /// Shows an answer in place of a message that was shown before.
    fn tell<'a>(&'a self, message: MessageId, answer: &'a Answer) -> BoxFuture<'a, Shown>;

    /// The newest message that a person sees and that can change.
    fn reach<'a>(&'a self, person: &'a Person) -> BoxFuture<'a, Option<MessageId>>;

    /// Somebody came back from a sign-in: looks at once who that may be.
    fn look(&self);
}

impl<D: Deliver> Answering<D> {
    /// Shows an answer in place of a message, for whoever has the right to change it.
    pub(super) async fn tell_in_turn(&self, message: &MessageId, answer: &Answer) -> Shown {
        let mut found = match self.messages.get::<D>(message).await {
            Ok(Some(found)) => found,
            Ok(None) => return Shown::Gone,
            Err(_) => return Shown::Later(None),
        };
        let Message { question, place } = &mut found.message;
        let shown = self.deliver.show(place, question, answer).await;
        if let Shown::Shown(_) = shown {
            record(&self.metrics, D::PLATFORM, question, answer);
        }
        // The store says itself why it could not; the place is found again by what it was.
        let _ = self.messages.change(&found).await;
        shown
    }
}

impl<D: Deliver> Answering<D> {
    /// The newest message of a person, where one is stored and can be read.
    pub(super) async fn newest_message(&self, person: &Person) -> Option<Message<D>> {
        let newest = self.messages.newest(person).await.ok().flatten()?;
        Some(self.messages.get::<D>(&newest).await.ok().flatten()?.message)
    }

    /// Tells a person something that they did not ask, as a message of its own.
    pub(super) async fn notify(
        &self,
        person: &Person,
        language: Option<Language>,
        reference: Reference,
        answer: &Answer,
    ) -> Shown {
        let newest = self.newest_message(person).await;
        let place = self.deliver.unasked(newest.as_ref().map(|message| &message.place));
        let Some(mut place) = place else { return Shown::Gone };
        let theirs = newest.as_ref().and_then(|message| message.question.language.get());
        let question = Question {
            asker: person.clone(),
            identified: true,
            intent: Intent::Status,
            reference,
            command: newest.map(|message| message.question.command).unwrap_or_default(),
            name: None,
            language: theirs.or(language).map_or_else(LearntLanguage::default, Into::into),
            asked_at: self.clock.now(),
            in_place: false,
            dedup_key: None,
        };
        let shown = self.deliver.show(&mut place, &question, answer).await;
        if let Shown::Shown(_) = shown {
            record(&self.metrics, D::PLATFORM, &question, answer);
        }
        shown
    }
}

impl<D: Deliver> Responder for Answering<D> {
    fn platform(&self) -> &'static Platform {
        D::PLATFORM
    }

    fn answer<'a>(
        &'a self,
        question: &'a Question,
        hint: Option<&'a str>,
        message: Option<Reference>,
    ) -> BoxFuture<'a, Answer> {
        async move {
            let Some(lookup) = self.deliver.recall(hint) else {
                return Answer::Refused(Reason::Incomplete.into());
            };
            // A page from before messages were kept has none; what comes of its link is watched all the same.
            let message = message.unwrap_or(question.reference);
            let before = Remember::seen(self, message);
            let profiles = self.deliver.profiles(&lookup);
            let answer = self.linking.answer_at_once(question, &profiles, &before).await;
            match before.watch.into_inner() {
                Some(watch) => self.begin_watch(*watch, true, answer).await,
                None => answer,
            }
        }
        .boxed()
    }

    fn tell<'a>(&'a self, message: MessageId, answer: &'a Answer) -> BoxFuture<'a, Shown> {
        async move {
            let _turn = self.messages.turn(&message).await;
            // What is connected stays so, whatever becomes of the page that led there.
            if *answer == Answer::PageEnded && self.watches.is_connected(&message).await {
                return Shown::Gone;
            }
            self.tell_in_turn(&message, answer).await
        }
        .boxed()
    }

    fn reach<'a>(&'a self, person: &'a Person) -> BoxFuture<'a, Option<MessageId>> {
        async move { self.messages.newest(person).await.ok().flatten() }.boxed()
    }

    fn look(&self) {
        self.sightings.note(Sighting::Landed);
        self.watches.look_now();
    }
}
