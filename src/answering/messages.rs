//! Messages that can change later.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Mutex as AsyncMutex;

use super::deliver::Deliver;
use super::pending::PendingReply;
use crate::core::{Person, Question, Reference};

/// The most messages that are remembered.
const MOST: usize = 10_000;

/// Names one message that can change later: the reference of the question that it answers.
pub type MessageId = Reference;

/// A message, with the question that it answers.
#[derive(Debug)]
pub(super) struct Message<P> {
    pub(super) question: Question,
    /// Where it is seen. Locked while it is shown: one change of a message at a time.
    pub(super) place: AsyncMutex<P>,
}

/// The messages that can change, in memory. The oldest go first.
#[derive(Debug)]
pub(super) struct Messages<P>(Mutex<State<P>>);

#[derive(Debug)]
struct State<P> {
    by_id: HashMap<MessageId, Arc<Message<P>>>,
    newest: HashMap<Person, MessageId>,
    order: VecDeque<MessageId>,
}

impl<P> Default for Messages<P> {
    fn default() -> Self {
        let (by_id, newest, order) = (HashMap::new(), HashMap::new(), VecDeque::new());
        Self(Mutex::new(State { by_id, newest, order }))
    }
}

impl<P: Clone> Messages<P> {
    /// Remembers a message before it is seen.
    pub(super) fn remember<D: Deliver<Place = P>>(&self, pending: &PendingReply<D>) {
        let question = pending.question().clone();
        let (id, asker) = (question.reference, question.asker.clone());
        let place = AsyncMutex::new(pending.place.clone());
        let mut state = self.lock();
        if state.by_id.insert(id, Arc::new(Message { question, place })).is_none() {
            state.order.push_back(id);
        }
        state.newest.insert(asker, id);
        while state.order.len() > MOST {
            state.forget_oldest();
        }
    }

    /// A message.
    pub(super) fn get(&self, id: MessageId) -> Option<Arc<Message<P>>> {
        self.lock().by_id.get(&id).cloned()
    }

    /// The newest message of a person.
    pub(super) fn newest(&self, person: &Person) -> Option<MessageId> {
        self.lock().newest.get(person).copied()
    }

    fn lock(&self) -> MutexGuard<'_, State<P>> {
        // A panic while the lock was held leaves at worst a message that nobody finds.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<P> State<P> {
    fn forget_oldest(&mut self) {
        let Some(oldest) = self.order.pop_front() else { return };
        let Some(message) = self.by_id.remove(&oldest) else { return };
        let asker = &message.question.asker;
        if self.newest.get(asker) == Some(&oldest) {
            self.newest.remove(asker);
        }
    }
}
