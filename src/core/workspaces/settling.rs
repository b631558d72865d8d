//! Looking at what has come of requests: what is right is told, what is wrong is undone where that harms
//! nobody.

use std::collections::HashMap;
use std::time::Duration;

use super::Workspaces;
use super::request::{Before, Outcome, RequestId, Stage, WorkspaceRequest};
use super::verdict::{Verdict, judge};
use crate::audit::Kind;
use crate::clock::Tick;
use crate::core::refusal::Refusal;
use crate::novu::ChannelConnection;
use crate::store::StoredWorkspaceRequest;

/// How often is looked while somebody is at the provider, or something is being removed.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// How often is looked otherwise: for requests that commands beside the service have made, and for pages
/// that nobody has used in time.
const LOOK_FOR_OTHERS: Duration = Duration::from_secs(5);
/// How long it is waited, once the connection is there, for the browser that went to the provider.
const BROWSER_COMES_BACK: Duration = Duration::from_secs(10);

/// A request that is over, and of which the requester has not been told.
#[derive(Debug)]
pub struct Told {
    /// The request.
    pub request: WorkspaceRequest,
    /// How long ago it was made.
    pub age: Duration,
    version: i64,
    /// How long it still lasts.
    left: Option<Duration>,
}

/// For each request whose connection is there and whose browser has not come back yet, since when that is so.
pub type ConnectedSince = HashMap<RequestId, Tick>;

impl Workspaces {
    /// Looks at all requests that are not over. Gives those whose requester has to be told what came of
    /// them, and whether anything is under way.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn look(&self, seen: &mut ConnectedSince) -> Result<(Vec<Told>, bool), Refusal> {
        let open = self.store.open_workspace_requests(self.platform().name).await;
        let open = open?;
        let read = |stored| Some((WorkspaceRequest::read(&stored)?, stored));
        let mut open: Vec<_> = open.into_iter().filter_map(read).collect();
        // What takes long comes last, so that it keeps nobody waiting.
        open.sort_by_key(|(request, _)| matches!(request.stage, Stage::Removing { .. }));
        let (mut told, mut under_way) = (Vec::new(), false);
        let mut still = ConnectedSince::new();
        for (request, stored) in open {
            let id = request.id();
            if let Some(since) = seen.get(&id) {
                still.insert(id, *since);
            }
            under_way |= request.is_under_way();
            if request.outcome().is_some() && !request.told {
                let StoredWorkspaceRequest { age, version, left, .. } = stored;
                told.push(Told { request, age, version, left });
                continue;
            }
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
        let lasts = told.left.filter(|_| matches!(request.stage, Stage::Confirmed { .. }));
        // Where that cannot be stored they are told again, in the same message.
        let _ = self.change(&request, told.version, lasts).await;
    }

    async fn settle(
        &self,
        stored: &StoredWorkspaceRequest,
        mut request: WorkspaceRequest,
        seen: &mut ConnectedSince,
    ) -> Result<Option<Told>, Refusal> {
        let is_late = stored.left.is_none_or(|left| left.is_zero());
        let was = request.clone();
        match &request.stage {
            Stage::Waiting if is_late => request.ends(Outcome::NotStarted),
            Stage::Waiting | Stage::Ended { .. } => {}
            Stage::Started { .. } => self.judge(&mut request, is_late, seen).await?,
            Stage::Confirmed { .. } => self.judge_again(&mut request, is_late).await?,
            Stage::Undoing { outcome } => {
                let outcome = outcome.clone();
                self.undo(&request).await?;
                request.ends(outcome);
            }
            Stage::Removing { .. } => {
                if let Some(outcome) = self.remove(&mut request).await? {
                    request.ends(outcome);
                }
            }
        }
        if request == was {
            return Ok(None);
        }
        let lasts = match &request.stage {
            Stage::Confirmed { .. } => stored.left,
            // Nothing more can come of it.
            Stage::Ended { .. } if request.told => None,
            _ => Some(request.lasts()),
        };
        self.change(&request, stored.version, lasts).await?;
        if let (None, Some(wrong_outcome)) = (was.wrong_outcome(), request.wrong_outcome()) {
            self.alarm(&request, wrong_outcome);
        }
        let is_news = request.outcome().filter(|_| request.outcome() != was.outcome());
        let Some(outcome) = is_news else { return Ok(None) };
        self.conclude(&request, outcome).await;
        let (age, version) = (stored.age, stored.version + 1);
        Ok(Some(Told { request, age, version, left: lasts }))
    }

    /// Removes the connection that should not be there, and the link that came with it. What is right by now
    /// has been made since: it stays.
    async fn undo(&self, request: &WorkspaceRequest) -> Result<(), Refusal> {
        let terms = &request.terms;
        let there = self.novu.get_channel_connection(&terms.connection).await?;
        let verdict = self.verdict(request, None, there.as_ref());
        if let (Verdict::Wrong(_), Some(wrong)) = (verdict, &there) {
            if terms.auto_link_user {
                self.remove_links_since(request, wrong).await?;
            }
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
        seen: &mut ConnectedSince,
    ) -> Result<(), Refusal> {
        let Stage::Started { before, returned, handed_on, .. } = &request.stage else {
            return Ok(());
        };
        let (came_back, handed_on) = (*returned, *handed_on);
        let now = self.novu.get_channel_connection(&request.terms.connection).await?;
        match (self.verdict(request, before.as_ref(), now.as_ref()), now) {
            // Nobody used the link from before; whoever got the page has their day.
            (Verdict::Nothing, _) if is_late && handed_on => request.stage = Stage::Waiting,
            (Verdict::Nothing, _) if is_late => request.ends(Outcome::NotFinished),
            (Verdict::Nothing, _) | (Verdict::Right { .. }, None) => {}
            (Verdict::Right { organisation }, Some(now)) => {
                let tick = self.clock.monotonic();
                let since = *seen.entry(request.id()).or_insert(tick);
                if came_back || is_late || tick - since >= BROWSER_COMES_BACK {
                    let before = Before::of(&now);
                    let name = now.workspace.and_then(|at| at.name);
                    request.workspace_name = request.workspace_name.take().or(name);
                    let outcome = Outcome::Connected { organisation, came_back };
                    request.stage = Stage::Confirmed { outcome, before };
                }
            }
            (Verdict::Wrong(outcome), _) => request.is_wrong(outcome),
        }
        Ok(())
    }

    /// Whether what was right still is, for as long as the way to the provider can be used: whoever has it
    /// can choose another workspace (Novu 3.19, OAuth state).
    async fn judge_again(
        &self,
        request: &mut WorkspaceRequest,
        is_late: bool,
    ) -> Result<(), Refusal> {
        let Stage::Confirmed { outcome, before } = &request.stage else { return Ok(()) };
        let outcome = outcome.clone();
        let now = self.novu.get_channel_connection(&request.terms.connection).await?;
        match (self.verdict(request, Some(before), now.as_ref()), now) {
            (Verdict::Wrong(outcome), _) => {
                request.told = false;
                request.is_wrong(outcome);
            }
            _ if is_late => request.ends(outcome),
            (Verdict::Right { .. }, Some(now)) => {
                request.stage = Stage::Confirmed { outcome, before: Before::of(&now) };
            }
            _ => {}
        }
        Ok(())
    }

    /// The judgement. An organisation's installation counts only where the operator lets all of it be
    /// connected.
    fn verdict(
        &self,
        request: &WorkspaceRequest,
        before: Option<&Before>,
        now: Option<&ChannelConnection>,
    ) -> Verdict {
        let WorkspaceRequest { workspace, terms, .. } = request;
        let verdict = judge(self.platform(), workspace, terms, before, now);
        let id = now.and_then(|it| it.workspace.as_ref()).map(|at| at.id.as_str());
        match (&verdict, id) {
            (Verdict::Right { organisation: true }, Some(id)) if !self.is_allowed(id) => {
                let undone = before.is_none();
                Verdict::Wrong(Outcome::WrongWorkspace { workspace: id.to_owned(), undone })
            }
            _ => verdict,
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
            "run workspace disconnect for this connection and connect the right workspace again: until then its \
             people's messages go through the other one"
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
