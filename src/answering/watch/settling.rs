//! What time alone changes: links that have run out, older messages, and endpoints that are gone.

use std::time::Duration;

use super::changing::{Lasts, Next, undo};
use super::open::Open;
use super::state::{State, Watch};
use crate::answering::Answering;
use crate::answering::deliver::Deliver;
use crate::answering::messages::MessageId;
use crate::clock::Tick;
use crate::novu::ChannelEndpoint;
use crate::store::StoreError;

/// For how long it is waited for Novu to say whether anybody has signed in: while Slack still lets the message
/// be replaced, whose button is dead.
const UNSEEN: Duration = Duration::from_mins(20);

impl<D: Deliver> Answering<D> {
    /// Settles what time alone changes. `found` is what a look found that began at `began`.
    pub(super) async fn settle(
        &self,
        began: Tick,
        found: Option<&[ChannelEndpoint]>,
    ) -> Result<(), StoreError> {
        self.replace_older().await?;
        for (id, open) in &self.watches.unsettled(began) {
            if let State::Connected { endpoint, .. } = &open.watch.state
                && let Some(found) = found
                && self.is_gone(endpoint, open, found).await
            {
                self.watches.change(id, gone).await?;
            }
            if began >= open.link_ends {
                self.run_out(id, open, began, found.is_some()).await?;
            }
        }
        Ok(())
    }

    /// Lets older messages of one person say that there is a newer one.
    async fn replace_older(&self) -> Result<(), StoreError> {
        for (id, in_place) in self.watches.older() {
            let replaced = self.watches.change(&id, |watch| {
                (!watch.replaced).then(|| {
                    watch.replaced = true;
                    watch.changed += 1;
                    watch.overwritten = in_place;
                    Next::tell(watch)
                })
            });
            replaced.await?;
        }
        Ok(())
    }

    /// Whether an endpoint that a look should have found is there no longer.
    async fn is_gone(&self, endpoint: &str, open: &Open, found: &[ChannelEndpoint]) -> bool {
        let State::Connected { since: Some(since), .. } = open.watch.state else { return false };
        let oldest = found.last().and_then(|endpoint| endpoint.created_at);
        let in_reach = oldest.is_some_and(|oldest| oldest < since) || found.len() < 100;
        let listed = found.iter().any(|one| one.identifier == endpoint);
        in_reach && !listed && matches!(self.linking.has_endpoint(endpoint).await, Ok(false))
    }

    /// Settles a watch whose link can no longer be used.
    async fn run_out(
        &self,
        id: &MessageId,
        open: &Open,
        now: Tick,
        looked: bool,
    ) -> Result<(), StoreError> {
        // Nothing is over before somebody has looked, save what only its person can tell.
        let in_doubt = matches!(open.watch.state, State::InDoubt { .. });
        let over = now >= open.ends && (looked || in_doubt);
        let lasts = over.then_some(Lasts::Ended);
        let is_held = over && self.linking.is_held(&open.watch.person);
        let waited_enough = now - open.link_ends > UNSEEN;
        let settled = self.watches.change(id, |watch| match watch.state.clone() {
            // A newer message says how it ends.
            _ if watch.replaced => over.then(|| Next { lasts, ..Next::nothing() }),
            State::Waiting if !looked && !waited_enough => None,
            State::Waiting => {
                watch.becomes(if looked { State::RunOut } else { State::Unseen });
                Some(Next { lasts, ..Next::tell(watch) })
            }
            State::RunOut if is_held => {
                watch.becomes(State::Held);
                Some(Next { lasts, ..Next::tell(watch) })
            }
            State::InDoubt { endpoint, .. } if over => {
                watch.others.push(endpoint.clone());
                watch.becomes(State::NotConfirmed);
                Some(Next { lasts, follow_ups: vec![undo(watch, endpoint)] })
            }
            _ => over.then(|| Next { lasts, ..Next::nothing() }),
        });
        settled.await.map(drop)
    }
}

fn gone<D: Deliver>(watch: &mut Watch) -> Option<Next<D>> {
    matches!(watch.state, State::Connected { .. }).then(|| {
        watch.becomes(State::NoLongerConnected);
        Next::tell(watch)
    })
}
