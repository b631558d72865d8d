//! Buttons that are being answered, so that the same press again waits for the same answer.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt;
use futures_util::future::Shared;
use tokio::sync::oneshot;

use super::inquiry::Key;
use crate::core::{Answer, Ask};

/// What a press is answered with, once that is known; an error if nobody will ever know.
pub(super) type Reply = Shared<oneshot::Receiver<(Ask, Answer)>>;

/// The presses that are being answered, until their cards are delivered.
#[derive(Debug, Default)]
pub(super) struct Presses(Mutex<HashMap<Key, Reply>>);

/// A press that came first, for the one who answers it. Once this is dropped it is no longer known.
#[derive(Debug)]
pub(super) struct Press {
    presses: Arc<Presses>,
    key: Key,
    reply: Option<oneshot::Sender<(Ask, Answer)>>,
}

impl Presses {
    /// The reply to a press; and the press itself if it is not being answered yet.
    pub(super) fn join(self: &Arc<Self>, key: Key) -> (Reply, Option<Press>) {
        let mut presses = self.lock();
        if let Some(reply) = presses.get(&key) {
            return (reply.clone(), None);
        }
        let (sender, receiver) = oneshot::channel();
        let reply = receiver.shared();
        presses.insert(key, reply.clone());
        (reply, Some(Press { presses: Arc::clone(self), key, reply: Some(sender) }))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Reply>> {
        // A panic while the lock was held leaves a whole map behind: there is nothing to repair.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Press {
    /// Replies. Only the first reply counts, and nobody hears it after everybody has hung up.
    pub(super) fn reply(&mut self, ask: &Ask, answer: &Answer) {
        if let Some(reply) = self.reply.take() {
            let _ = reply.send((ask.clone(), answer.clone()));
        }
    }
}

impl Drop for Press {
    fn drop(&mut self) {
        self.presses.lock().remove(&self.key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::{Intent, Person, Platform, Reference, Workspace};

    fn ask() -> Ask {
        let workspace = Workspace::standalone("tenant".to_owned());
        let person = Person { platform: Platform::Teams, workspace, user: "ada".to_owned() };
        Ask::new(person, Intent::Connect, Reference::from_random([0; 5]))
    }

    #[tokio::test]
    async fn the_same_press_waits_for_the_same_answer_until_that_is_done() {
        let presses = Arc::<Presses>::default();
        let (first, press) = presses.join(Key([1; 32]));
        let mut press = press.unwrap();
        let (again, nothing) = presses.join(Key([1; 32]));
        assert!(nothing.is_none());
        assert!(presses.join(Key([2; 32])).1.is_some(), "another one");
        press.reply(&ask(), &Answer::Working);
        press.reply(&ask(), &Answer::NotConnected);
        assert_eq!(first.await.unwrap().1, Answer::Working);
        assert_eq!(again.await.unwrap().1, Answer::Working);
        drop(press);
        let (broken, press) = presses.join(Key([1; 32]));
        drop(press.unwrap());
        assert!(broken.await.is_err(), "whoever answered it died");
        assert!(presses.lock().is_empty());
    }
}
