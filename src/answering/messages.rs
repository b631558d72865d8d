//! Messages that can change after they were shown.
//!
//! Such a message is a row of the store: the question that it answers, and where it is seen. The row is
//! there before the message is, and one change of it is made at a time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

use super::deliver::Deliver;
use crate::core::{Person, Question, Reference};
use crate::store::{Change, Held, Owner, Store, StoreError, StoredMessage};

/// The body of a message of which nothing is known but that it is watched.
const NO_MESSAGE: &str = "null";

/// Names one message that can change later: who sees it, and the reference of the question that it answers.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct MessageId {
    pub(super) owner: Owner,
    pub(super) reference: Reference,
}

impl MessageId {
    pub(super) fn new(owner: &Owner, reference: Reference) -> Self {
        Self { owner: owner.clone(), reference }
    }

    /// The message by which a person's question is answered.
    #[must_use]
    pub fn of(person: &Person, reference: Reference) -> Self {
        Self { owner: person.owner(), reference }
    }

    /// The reference of the question.
    #[must_use]
    pub const fn reference(&self) -> Reference {
        self.reference
    }
}

/// A message, with the question that it answers and the place where it is seen.
#[derive(Debug, Serialize, Deserialize)]
#[serde(bound = "")]
pub(super) struct Message<D: Deliver> {
    pub(super) question: Question,
    pub(super) place: D::Place,
}

/// A message as it was found.
#[derive(Debug)]
pub(super) struct Found<D: Deliver> {
    pub(super) message: Message<D>,
    version: i64,
}

/// The right to change one message.
#[derive(Debug)]
pub(super) struct Turn(
    #[expect(dead_code, reason = "held, and given back by being dropped")] OwnedMutexGuard<()>,
);

/// The messages of one platform.
#[derive(Debug)]
pub(super) struct Messages {
    store: Store,
    /// One for each message that somebody is changing.
    turns: Mutex<HashMap<MessageId, Weak<AsyncMutex<()>>>>,
}

impl Messages {
    pub(super) fn new(store: Store) -> Self {
        Self { store, turns: Mutex::default() }
    }

    /// Whether it takes time to store one.
    pub(super) fn takes_time(&self) -> bool {
        self.store.is_durable()
    }

    /// Stores a message before it is seen, and what is watched of it for so long.
    pub(super) async fn remember<D: Deliver>(
        &self,
        question: &Question,
        place: &D::Place,
        watch: Option<(SecretString, Duration)>,
    ) -> Result<(), StoreError> {
        let message = stored::<D>(question, place);
        self.store.write(vec![Change::PutMessage(message, watch)]).await.map(drop)
    }

    /// Watches a message anew. Of one that is not there it remembers that it is watched, and nothing else.
    pub(super) async fn watch_again<D: Deliver>(
        &self,
        id: &MessageId,
        watch: Option<(SecretString, Duration)>,
    ) -> Result<(), StoreError> {
        let found = self.store.message(&id.owner, id.reference.as_str()).await?;
        let message = found.unwrap_or_else(|| StoredMessage {
            owner: id.owner.clone(),
            id: id.reference.to_string(),
            platform: D::PLATFORM.name.to_owned(),
            body: SecretString::from(NO_MESSAGE),
            version: 0,
        });
        self.store.write(vec![Change::PutMessage(message, watch)]).await.map(drop)
    }

    /// Waits until nobody else in this process changes a message.
    pub(super) async fn turn(&self, id: &MessageId) -> Turn {
        let mutex = {
            let mut turns = self.turns();
            turns.retain(|_, turn| turn.strong_count() > 0);
            let there = turns.get(id).and_then(Weak::upgrade);
            there.unwrap_or_else(|| {
                let mutex = Arc::new(AsyncMutex::new(()));
                turns.insert(id.clone(), Arc::downgrade(&mutex));
                mutex
            })
        };
        Turn(mutex.lock_owned().await)
    }

    /// A message.
    pub(super) async fn get<D: Deliver>(
        &self,
        id: &MessageId,
    ) -> Result<Option<Found<D>>, StoreError> {
        let found = self.store.message(&id.owner, id.reference.as_str()).await?;
        let Some(StoredMessage { body, version, .. }) = found else { return Ok(None) };
        if body.expose_secret() == NO_MESSAGE {
            return Ok(None);
        }
        let read = serde_json::from_str(body.expose_secret()).ok();
        if read.is_none() {
            tracing::error!(reference = %id.reference, "a stored message cannot be read");
        }
        Ok(read.map(|message| Found { message, version }))
    }

    /// Stores what has become of a message. Whether nobody else had changed it.
    pub(super) async fn change<D: Deliver>(&self, found: &Found<D>) -> Result<Held, StoreError> {
        let Found { message: Message { question, place }, version } = found;
        let message = StoredMessage { version: *version, ..stored::<D>(question, place) };
        Ok(self.store.write(vec![Change::ChangeMessage(message)]).await?.held())
    }

    /// The newest message of a person.
    pub(super) async fn newest(&self, person: &Person) -> Result<Option<MessageId>, StoreError> {
        let owner = person.owner();
        let newest = self.store.newest_message(&owner).await?;
        let reference = newest.and_then(|id| Reference::try_from(id).ok());
        Ok(reference.map(|reference| MessageId { owner, reference }))
    }

    fn turns(&self) -> MutexGuard<'_, HashMap<MessageId, Weak<AsyncMutex<()>>>> {
        // A panic while the lock was held leaves a whole map behind: there is nothing to repair.
        self.turns.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The change that stores a message, in place of what was stored of it.
pub(super) fn put<D: Deliver>(question: &Question, place: &D::Place) -> Change {
    Change::PutMessage(stored::<D>(question, place), None)
}

fn stored<D: Deliver>(question: &Question, place: &D::Place) -> StoredMessage {
    /// As [`Message`], to be written.
    #[derive(Serialize)]
    struct Body<'a, P> {
        question: &'a Question,
        place: &'a P,
    }
    // Structs of texts, numbers and maps with text keys always have a JSON form.
    let body = serde_json::to_string(&Body { question, place }).unwrap_or_default();
    StoredMessage {
        owner: question.asker.owner(),
        id: question.reference.to_string(),
        platform: D::PLATFORM.name.to_owned(),
        body: SecretString::from(body),
        version: 0,
    }
}
