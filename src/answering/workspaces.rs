//! Looking at administrators' requests, and letting their messages say what came of them.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::Answering;
use super::deliver::{Deliver, Shown};
use super::messages::MessageId;
use crate::core::workspaces::{ConnectedSince, Purpose, Requester, Told};
use crate::core::{Answer, WorkspaceAnswer};

/// How long a message may take from the request to its place in the store.
const MESSAGE_MADE: Duration = Duration::from_secs(30);

impl<D: Deliver> Answering<D> {
    /// Looks until `stop`.
    pub(super) async fn keep_workspaces(self: Arc<Self>, stop: CancellationToken) {
        let looking = async {
            let mut seen = ConnectedSince::new();
            loop {
                let under_way = self.look_at_workspaces(&mut seen).await;
                self.linking.workspaces().pause(under_way).await;
            }
        };
        stop.run_until_cancelled(looking).await;
    }

    /// Whether anything is under way.
    async fn look_at_workspaces(&self, seen: &mut ConnectedSince) -> bool {
        let workspaces = self.linking.workspaces();
        // The store logs by itself why it does not answer.
        let Ok(true) = self.watches.leads().await else { return false };
        let Ok((over, mut under_way)) = workspaces.look(seen).await else { return true };
        for told in over {
            if self.tell_requester(&told).await {
                workspaces.was_told(&told).await;
            } else {
                under_way = true;
            }
        }
        under_way
    }

    /// Tells whoever asked in chat what came of it. Whether that is done, as far as anybody can.
    async fn tell_requester(&self, told: &Told) -> bool {
        let request = &told.request;
        let Requester::Person { person, message, .. } = &request.requester else { return true };
        let Some(outcome) = request.outcome() else { return true };
        let answer = Answer::Workspace(Box::new(WorkspaceAnswer::Ended {
            workspace: request.called().to_owned(),
            outcome: outcome.clone(),
            reconnects: request.purpose == Purpose::Reconnect,
        }));
        let id = MessageId::of(person, *message);
        let shown = {
            let _turn = self.messages.turn(&id).await;
            self.tell_in_turn(&id, &answer).await
        };
        match shown {
            Shown::Shown(_) | Shown::Pointed(_) | Shown::Uncertain => true,
            Shown::Later(_) => false,
            // The message that will tell it is still being made.
            Shown::Gone if told.age < MESSAGE_MADE => false,
            Shown::Gone if answer.only_in_place() => true,
            Shown::Gone => {
                tracing::warn!(
                    reference = %message,
                    outcome = outcome.word(),
                    "an administrator cannot be told what came of their request"
                );
                true
            }
        }
    }
}
