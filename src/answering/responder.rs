//! Answering without the platform's types, for whoever serves all platforms: the personal page.

use std::fmt::Debug;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::deliver::{Deliver, Shown};
use super::messages::MessageId;
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
    fn reach(&self, person: &Person) -> Option<MessageId>;
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
            let Some(message) = self.messages.get(message) else { return Shown::Gone };
            let mut place = message.place.lock().await;
            let shown = self.deliver.show(&mut place, &message.question, answer).await;
            if let Shown::Shown(_) = shown {
                record(&self.metrics, D::PLATFORM, &message.question, answer);
            }
            shown
        }
        .boxed()
    }

    fn reach(&self, person: &Person) -> Option<MessageId> {
        self.messages.newest(person)
    }
}
