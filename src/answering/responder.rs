//! Answering without the platform's types, for whoever serves all platforms: the personal page.

use std::fmt::Debug;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::deliver::{Deliver, Shown};
use super::messages::{Message, MessageId};
use super::{Answering, record};
use crate::core::{Answer, Person, Platform, Question, Reason};

/// Answers the questions of one platform's people.
pub trait Responder: Send + Sync + Debug {
    /// The platform.
    fn platform(&self) -> &'static Platform;

    /// Answers a question of somebody who waits for the answer elsewhere than in the chat: with a
    /// minted link, never with a page. `hint` is what the page carries to look the asker up. Whoever
    /// shows the answer records it.
    fn answer<'a>(&'a self, question: &'a Question, hint: Option<&'a str>)
    -> BoxFuture<'a, Answer>;

    /// Shows an answer in place of a message that was shown before.
    fn tell<'a>(&'a self, message: MessageId, answer: &'a Answer) -> BoxFuture<'a, Shown>;

    /// The newest message that a person sees and that can change.
    fn reach<'a>(&'a self, person: &'a Person) -> BoxFuture<'a, Option<MessageId>>;
}

impl<D: Deliver> Responder for Answering<D> {
    fn platform(&self) -> &'static Platform {
        D::PLATFORM
    }

    fn answer<'a>(
        &'a self,
        question: &'a Question,
        hint: Option<&'a str>,
    ) -> BoxFuture<'a, Answer> {
        async move {
            match self.deliver.recall(hint) {
                Some(lookup) => {
                    self.linking.answer_at_once(question, &self.deliver.profiles(&lookup)).await
                }
                None => Answer::Refused(Reason::Incomplete.into()),
            }
        }
        .boxed()
    }

    fn tell<'a>(&'a self, message: MessageId, answer: &'a Answer) -> BoxFuture<'a, Shown> {
        async move {
            let _turn = self.messages.turn(&message).await;
            let mut found = match self.messages.get::<D>(&message).await {
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
        .boxed()
    }

    fn reach<'a>(&'a self, person: &'a Person) -> BoxFuture<'a, Option<MessageId>> {
        async move { self.messages.newest(person).await.ok().flatten() }.boxed()
    }
}
