//! Messages that can change after they were shown.
//!
//! Such a message is a row of the store: the question that it answers, and where it is seen. The row is
//! there before the message is, and one change of it is made at a time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

use super::deliver::Deliver;
use crate::core::{Person, Question, Reference};
use crate::store::{Change, Held, Owner, Store, StoreError, StoredMessage};

/// Names one message that can change later: the reference of the question that it answers.
pub type MessageId = Reference;

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

    /// Stores a message before it is seen.
    pub(super) async fn remember<D: Deliver>(
        &self,
        question: &Question,
        place: &D::Place,
    ) -> Result<(), StoreError> {
        self.store.write(vec![put::<D>(question, place)]).await.map(drop)
    }

    /// Waits until nobody else in this process changes a message.
    pub(super) async fn turn(&self, id: MessageId) -> Turn {
        let mutex = {
            let mut turns = self.turns();
            turns.retain(|_, turn| turn.strong_count() > 0);
            let there = turns.get(&id).and_then(Weak::upgrade);
            there.unwrap_or_else(|| {
                let mutex = Arc::new(AsyncMutex::new(()));
                turns.insert(id, Arc::downgrade(&mutex));
                mutex
            })
        };
        Turn(mutex.lock_owned().await)
    }

    /// A message.
    pub(super) async fn get<D: Deliver>(
        &self,
        id: MessageId,
    ) -> Result<Option<Found<D>>, StoreError> {
        let Some(StoredMessage { body, version, .. }) = self.store.message(id.as_str()).await?
        else {
            return Ok(None);
        };
        let read = serde_json::from_str(body.expose_secret()).ok();
        if read.is_none() {
            tracing::error!(reference = %id, "a stored message cannot be read");
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
        let newest = self.store.newest_message(&owner(person)).await?;
        Ok(newest.and_then(|id| MessageId::try_from(id).ok()))
    }

    fn turns(&self) -> MutexGuard<'_, HashMap<MessageId, Weak<AsyncMutex<()>>>> {
        // A panic while the lock was held leaves a whole map behind: there is nothing to repair.
        self.turns.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The change that stores a message, in place of what was stored of it.
pub(super) fn put<D: Deliver>(question: &Question, place: &D::Place) -> Change {
    Change::PutMessage(stored::<D>(question, place))
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
        id: question.reference.to_string(),
        owner: owner(&question.asker),
        body: SecretString::from(body),
        version: 0,
    }
}

fn owner(person: &Person) -> Owner {
    Owner {
        platform: person.platform.to_string(),
        realm: person.workspace.realm().to_owned(),
        user: person.user.clone(),
    }
}
