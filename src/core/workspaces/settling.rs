//! Looking at what has come of requests: what is right is told, what is wrong is undone where that harms
//! nobody.

use std::collections::HashMap;
use std::time::Duration;

use super::request::{Outcome, RequestId, Stage, WorkspaceRequest};
use super::verdict::{Verdict, judge};
use super::{PAGE_LIFETIME, Workspaces, unstored};
use crate::audit::Kind;
use crate::clock::Tick;
use crate::core::refusal::Refusal;
use crate::store::StoredWorkspaceRequest;

/// How often is looked while somebody is at the provider, or something is being removed.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// How often is looked otherwise: for requests that commands beside the service have made, and for pages
/// that nobody has used in time.
const LOOK_FOR_OTHERS: Duration = Duration::from_secs(5);
/// How long it is waited, once the connection is there, for the browser that went to the provider.
const BROWSER_COMES_BACK: Duration = Duration::from_secs(10);
/// How long a request that was begun is kept open: what has to be finished is tried until then.
pub(super) const KEPT_OPEN: Duration = Duration::from_hours(24 * 7);

/// A request that is over, and of which the requester has not been told.
#[derive(Debug)]
pub struct Told {
    /// The request.
    pub request: WorkspaceRequest,
    /// How long ago it was made.
    pub age: Duration,
    version: i64,
}

/// For each request whose connection is there and whose browser has not come back yet, since when that is so.
pub type Seen = HashMap<RequestId, Tick>;

impl Workspaces {
    /// Looks at all requests that are not over. Gives those whose requester has to be told what came of
    /// them, and whether anything is under way.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn look(&self, seen: &mut Seen) -> Result<(Vec<Told>, bool), Refusal> {
        let open = self.store.open_workspace_requests(self.platform().name).await;
        let open = open.map_err(unstored)?;
        let (mut told, mut under_way) = (Vec::new(), false);
        let mut still = Seen::new();
        for stored in open {
            let Some(request) = WorkspaceRequest::read(&stored) else { continue };
            let id = request.id();
            if let Some(since) = seen.get(&id) {
                still.insert(id, *since);
            }
            if matches!(request.stage, Stage::Ended { .. }) {
                let (age, version) = (stored.age, stored.version);
                told.push(Told { request, age, version });
                continue;
            }
            under_way |= !matches!(request.stage, Stage::Waiting);
            // What could not be asked or stored is looked at again.
            if let Ok(Some(over)) = self.settle(&stored, request, &mut still).await {
                told.push(over);
            }
        }
        *seen = still;
        Ok((told, under_way))
    }

    /// Waits until it is time to look again.
    pub async fn pause(&self, under_way: bool) {
        let wait = if under_way { LOOK_EVERY } else { LOOK_FOR_OTHERS };
        tokio::select! {
            () = self.changed.notified() => {}
            () = self.clock.sleep(wait) => {}
        }
    }

    /// Takes note that the requester has been told, as far as anybody can tell them.
    pub async fn was_told(&self, told: &Told) {
        let mut request = told.request.clone();
        request.told = true;
        // Where that cannot be stored they are told again, in the same message.
        let _ = self.change(&request, told.version, None).await;
    }

    async fn settle(
        &self,
        stored: &StoredWorkspaceRequest,
        mut request: WorkspaceRequest,
        seen: &mut Seen,
    ) -> Result<Option<Told>, Refusal> {
        let is_late = stored.left.is_none_or(|left| left.is_zero());
        let outcome = match &request.stage {
            Stage::Waiting if is_late => Some(Outcome::NotStarted),
            Stage::Waiting | Stage::Ended { .. } => None,
            Stage::Started { .. } => self.judge(&mut request, is_late, seen).await?,
            Stage::Undoing { outcome } => {
                let outcome = outcome.clone();
                self.undo(&request).await?;
                Some(outcome)
            }
            Stage::Removing { .. } => self.remove(&mut request).await?,
        };
        let stage_changed = Some(&request) != WorkspaceRequest::read(stored).as_ref();
        if let Some(outcome) = outcome {
            self.conclude(&request, &outcome).await;
            request.stage = Stage::Ended { outcome };
        } else if !stage_changed {
            return Ok(None);
        }
        let lasts = if request.stage == Stage::Waiting { PAGE_LIFETIME } else { KEPT_OPEN };
        self.change(&request, stored.version, Some(lasts)).await?;
        let is_over = matches!(request.stage, Stage::Ended { .. });
        let (age, version) = (stored.age, stored.version + 1);
        Ok(is_over.then_some(Told { request, age, version }))
    }

    /// Removes the connection that should not be there. What is right by now has been made since: it stays.
    async fn undo(&self, request: &WorkspaceRequest) -> Result<(), Refusal> {
        let terms = &request.terms;
        let there = self.novu.get_channel_connection(&terms.connection).await?;
        let verdict = judge(self.platform(), &request.workspace, terms, None, there.as_ref());
        if matches!(verdict, Verdict::Wrong(_)) {
            self.novu.delete_channel_connection(&terms.connection).await?;
        }
        self.index.read_anew().await;
        Ok(())
    }

    /// What has come of a request that somebody went to the provider for.
    async fn judge(
        &self,
        request: &mut WorkspaceRequest,
        is_late: bool,
        seen: &mut Seen,
    ) -> Result<Option<Outcome>, Refusal> {
        let Stage::Started { before, returned, handed_on, .. } = &request.stage else {
            return Ok(None);
        };
        let terms = &request.terms;
        let now = self.novu.get_channel_connection(&terms.connection).await?;
        let verdict =
            judge(self.platform(), &request.workspace, terms, before.as_ref(), now.as_ref());
        let name = now.and_then(|it| it.workspace?.name);
        match verdict {
            // Nobody used the link from before; whoever got the page has their day.
            Verdict::Nothing if is_late && *handed_on => {
                request.stage = Stage::Waiting;
                Ok(None)
            }
            Verdict::Nothing if is_late => Ok(Some(Outcome::NotFinished)),
            Verdict::Nothing => Ok(None),
            Verdict::Right { organisation } => {
                let now = self.clock.monotonic();
                let since = *seen.entry(request.id()).or_insert(now);
                let waited = is_late || now - since >= BROWSER_COMES_BACK;
                let came_back = *returned;
                if !(came_back || waited) {
                    return Ok(None);
                }
                request.workspace_name = request.workspace_name.take().or(name);
                Ok(Some(Outcome::Connected { organisation, came_back }))
            }
            Verdict::Wrong(outcome) => {
                self.alarm(request, &outcome);
                let undone = matches!(
                    outcome,
                    Outcome::WrongWorkspace { undone: true, .. }
                        | Outcome::WrongContext { undone: true }
                );
                if !undone {
                    return Ok(Some(outcome));
                }
                request.stage = Stage::Undoing { outcome };
                Ok(None)
            }
        }
    }

    /// Says what came of a request to whoever operates the service, and what was learnt to the index.
    async fn conclude(&self, request: &WorkspaceRequest, outcome: &Outcome) {
        let connection = &request.terms.connection;
        tracing::info!(
            platform = self.platform().name,
            workspace = request.workspace_id(),
            connection,
            outcome = outcome.word(),
            asked_by = request.requester.for_log(),
            "a workspace request is over"
        );
        match outcome {
            Outcome::Connected { .. } => {
                self.note(Kind::WorkspaceConnected, request);
                self.index.read_anew().await;
            }
            Outcome::WrongWorkspace { .. } | Outcome::WrongContext { .. } => {
                self.note(Kind::WorkspaceRefused, request);
                self.index.read_anew().await;
            }
            Outcome::Disconnected { .. } => self.note(Kind::WorkspaceDisconnected, request),
            Outcome::NotFinished | Outcome::NotStarted | Outcome::Replaced => {}
        }
    }

    fn alarm(&self, request: &WorkspaceRequest, outcome: &Outcome) {
        let (connected, undone) = match outcome {
            Outcome::WrongWorkspace { workspace, undone } => (Some(workspace.as_str()), *undone),
            Outcome::WrongContext { undone } => (None, *undone),
            _ => return,
        };
        let advice = if undone {
            "nothing: the connection is being removed; the app stays installed at the provider"
        } else {
            "reconnect the right workspace under this identifier, or disconnect it: until then its people's \
             messages go through the other one"
        };
        tracing::error!(
            platform = self.platform().name,
            workspace = request.workspace_id(),
            connection = request.terms.connection,
            connected,
            outcome = outcome.word(),
            advice,
            "a workspace was not connected as it was asked for"
        );
    }
}
