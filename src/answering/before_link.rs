//! What is stored before anybody sees a link: the message, and what is watched of it.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use secrecy::SecretString;

use super::Answering;
use super::deliver::Deliver;
use super::messages::MessageId;
use super::watch::Watch;
use crate::core::{BeforeLink, Prospect, Question, Reference, Refusal};

/// Stores the message before anybody sees its link, and what is watched of it: it changes once somebody
/// has signed in.
pub(super) struct Remember<'a, D: Deliver> {
    answering: &'a Answering<D>,
    message: Reference,
    /// Where the message is about to be shown; none where it has been seen for a while.
    place: Option<&'a D::Place>,
    /// Whether the message may have had a link before, which may be in somebody's hands.
    again: bool,
    /// Whether the message has been stored.
    pub(super) stored: AtomicBool,
    /// What is watched of it, once that is stored.
    pub(super) watch: OnceLock<Box<Watch>>,
}

impl<'a, D: Deliver> Remember<'a, D> {
    /// For a message that is about to be shown. `again` says that an earlier attempt has stored it.
    pub(super) const fn shown_next(
        answering: &'a Answering<D>,
        message: Reference,
        place: &'a D::Place,
        again: bool,
    ) -> Self {
        Self {
            answering,
            message,
            place: Some(place),
            again,
            stored: AtomicBool::new(false),
            watch: OnceLock::new(),
        }
    }

    /// For a message with the way to the link, which has been seen for a while.
    pub(super) const fn seen(answering: &'a Answering<D>, message: Reference) -> Self {
        Self {
            answering,
            message,
            place: None,
            again: true,
            stored: AtomicBool::new(false),
            watch: OnceLock::new(),
        }
    }

    /// Stores the message, and what is watched of it for so long.
    pub(super) async fn store(
        &self,
        question: &Question,
        watch: Option<(SecretString, Duration)>,
    ) -> Result<(), Refusal> {
        let messages = &self.answering.messages;
        let stored = match self.place {
            Some(place) => messages.remember::<D>(question, place, watch).await,
            None => messages.watch_again::<D>(&self.id(question), watch).await,
        };
        stored?;
        self.stored.store(true, Ordering::Relaxed);
        Ok(())
    }

    fn id(&self, question: &Question) -> MessageId {
        MessageId::of(&question.asker, self.message)
    }

    /// The watch of the link that is about to be minted.
    async fn begin(&self, question: &Question, prospect: Prospect) -> Result<Watch, Refusal> {
        let id = self.id(question);
        let mut watch =
            Watch::new(question.asker.clone(), question.in_place, self.message, prospect);
        if self.place.is_none() {
            let found = self.answering.messages.get::<D>(&id).await?;
            watch.in_place = found.is_some_and(|found| found.message.question.in_place);
        }
        if self.again {
            let older = self.answering.watches.stored(&id).await;
            if let Some(older) = older? {
                watch.succeed(older);
            }
        }
        Ok(watch)
    }
}

impl<D: Deliver> BeforeLink for Remember<'_, D> {
    fn takes_time(&self) -> bool {
        self.answering.messages.takes_time()
    }

    fn before_link<'a>(
        &'a self,
        question: &'a Question,
        prospect: Prospect,
    ) -> BoxFuture<'a, Result<(), Refusal>> {
        async {
            let watch = self.begin(question, prospect).await?;
            self.store(question, Some(watch.stored())).await?;
            let _ = self.watch.set(Box::new(watch));
            Ok(())
        }
        .boxed()
    }
}
