//! Questions whose answers are shown as messages: the platform's event is acknowledged once the answer is
//! promised.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::deliver::Deliver;
use super::pending::PendingReply;
use super::{Answering, attempt};
use crate::store::{Begun, StoreError};

impl<D: Deliver> Answering<D> {
    /// Takes a question whose answer is shown as a message. Once this returns, the answer is promised
    /// and the event can be acknowledged; a redelivery of an event has its promise already.
    ///
    /// While the store cannot hold promises, the question is answered without one.
    ///
    /// # Errors
    /// There are too many promises already; the platform has to deliver the event again.
    pub async fn acknowledged(
        self: &Arc<Self>,
        pending: PendingReply<D>,
    ) -> Result<(), StoreError> {
        let (stored, promised) = oneshot::channel();
        // Apart from the request, which ends when the platform hangs up: once stored, a promise is
        // kept.
        let reference = pending.question().reference;
        self.tasks.spawn(reference, Arc::clone(self).store_and_keep(pending, stored));
        promised.await.unwrap_or(Err(StoreError::Full))
    }

    async fn store_and_keep(
        self: Arc<Self>,
        mut pending: PendingReply<D>,
        stored: oneshot::Sender<Result<(), StoreError>>,
    ) {
        let begun = self.jobs.begin(&pending).await;
        let reference = pending.question().reference;
        if let Err(StoreError::Full) = begun {
            tracing::error!(%reference, "there are too many promises; the platform has to deliver the event again");
            let _ = stored.send(Err(StoreError::Full));
            return;
        }
        // Unheard if the platform has hung up.
        let _ = stored.send(Ok(()));
        match begun {
            Ok(Begun::Leased(lease)) => {
                self.count_asked(pending.question());
                let attempt = attempt::attempt(&self, &mut pending, &lease);
                let ran = self.jobs.catch(reference, attempt).await;
                self.jobs.conclude(&lease, &pending, ran).await;
            }
            Ok(Begun::Known) => self.metrics.late(D::PLATFORM.name, "duplicate"),
            Err(error) => {
                tracing::error!(%error, %reference, "an answer cannot be promised; it is made without a promise");
                self.count_asked(pending.question());
                attempt::answer_unpromised(&self, &mut pending).await;
            }
        }
    }
}
