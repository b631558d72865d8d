//! Connecting whole workspaces: what an administrator asks for, what is refused because Novu would break
//! something by it, and what came of it in the end.
//!
//! A request is a row of the store from the moment it is made. Its page is where an administrator goes on
//! to the provider; the connection that is there afterwards is compared with the request, and what is
//! not as it was asked for is undone where that harms nobody. All ways in lead through here: chat, command
//! line and admin API.

pub(crate) mod config;
mod managing;
mod preparing;
mod request;
mod settling;
mod starting;
mod traps;
mod verdict;

use std::sync::Arc;

use tokio::sync::Notify;
use url::Url;

use super::integration::{Access, Integration};
use super::person::Workspace;
use super::platform::Platform;
use super::refusal::{Reason, Refusal};
use super::workspace_index::WorkspaceIndex;
use crate::audit::{Actor, Audit, Event, Kind};
use crate::clock::SharedClock;
use crate::novu::{ChannelConnection, Error, Novu};
use crate::random::SharedRandom;
use crate::store::Store;

pub use managing::{ConnectedWorkspace, DisconnectOrder, Health};
pub use preparing::{Given, NewRequest, Prepared};
pub use request::{Outcome, Purpose, RequestId, Requester, Stage, Terms, WorkspaceRequest};
pub use settling::{ConnectedSince, Told};
pub use starting::{PageView, StartPage, Started, Typed};

/// What a [`Workspaces`] is made of.
#[derive(Debug)]
pub struct WorkspacesParts {
    /// Speaks to Novu.
    pub novu: Novu,
    /// The integration whose workspaces are connected.
    pub integration: Arc<Integration>,
    /// Knows the integration's channel connections.
    pub index: Arc<WorkspaceIndex>,
    /// What is decided beforehand.
    pub(crate) settings: Arc<config::Settings>,
    /// The origin at which people reach the service.
    pub public_url: Option<Url>,
    /// Holds the requests.
    pub store: Store,
    /// Hears what administrators did.
    pub audit: Arc<Audit>,
    /// Makes addresses.
    pub random: SharedRandom,
    /// Tells the time.
    pub clock: SharedClock,
}

/// Connects the workspaces of one integration.
#[derive(Debug)]
pub struct Workspaces {
    novu: Novu,
    integration: Arc<Integration>,
    index: Arc<WorkspaceIndex>,
    settings: Arc<config::Settings>,
    public_url: Option<Url>,
    store: Store,
    audit: Arc<Audit>,
    random: SharedRandom,
    clock: SharedClock,
    /// Rings when there is something to look at.
    changed: Notify,
}

impl Workspaces {
    /// Puts the parts together.
    #[must_use]
    pub fn new(parts: WorkspacesParts) -> Self {
        let WorkspacesParts { novu, integration, index, settings, .. } = parts;
        let WorkspacesParts { public_url, store, audit, random, clock, .. } = parts;
        let changed = Notify::new();
        Self {
            novu,
            integration,
            index,
            settings,
            public_url,
            store,
            audit,
            random,
            clock,
            changed,
        }
    }

    /// The platform.
    #[must_use]
    pub fn platform(&self) -> &'static Platform {
        self.integration.platform
    }

    /// Who may, and which.
    #[must_use]
    pub fn access(&self) -> &Access {
        &self.integration.access
    }

    /// Whether somebody is listed as an administrator.
    #[must_use]
    pub fn is_listed(&self, user: &str) -> bool {
        self.access().administrators.iter().any(|listed| self.platform().same_id(listed, user))
    }

    /// Whether the operator lets the workspace or organisation with this id be connected.
    fn is_allowed(&self, id: &str) -> bool {
        let allowed = self.access().allowed.as_ref();
        allowed.is_none_or(|allowed| allowed.iter().any(|it| self.platform().same_id(it, id)))
    }

    /// # Errors
    /// The operator does not let this workspace be connected.
    fn must_be_allowed(&self, workspace: &Workspace) -> Result<(), Refusal> {
        if traps::ids_of(workspace).any(|id| self.is_allowed(id)) {
            return Ok(());
        }
        tracing::warn!(
            platform = self.platform().name,
            workspace = workspace.realm(),
            advice = format!("add it to {} if it may be connected", self.access().allowed_key),
            "a workspace is not among those that may be connected"
        );
        Err(Reason::WorkspaceNotAllowed.into())
    }

    /// All connections of the integration, as Novu has them now.
    ///
    /// # Errors
    /// Novu does not answer, or has more than are read: among the others could be one that would be overwritten.
    async fn all_connections(&self, novu: &Novu) -> Result<Vec<ChannelConnection>, Error> {
        let all = novu.all_channel_connections(&self.integration.identifier).await?;
        if all.is_cut {
            return Err(Error::Nonsense("it has more channel connections than are read"));
        }
        Ok(all.connections)
    }

    fn note(&self, kind: Kind, request: &WorkspaceRequest) {
        let (actor, asker) = match &request.requester {
            Requester::Person { person, message, .. } => (Actor::Person, Some((person, message))),
            other => (Actor::Administrator(other.for_log()), None),
        };
        self.audit.note(Event {
            person: asker.map(|(person, _)| person.owner()),
            subscriber: request.terms.subscriber.as_ref().map(|id| id.as_str().to_owned()),
            reference: asker.map(|(_, message)| message.to_string()),
            ..self.event(kind, actor, request)
        });
    }

    /// An event about the connection of a request.
    fn event(&self, kind: Kind, actor: Actor, request: &WorkspaceRequest) -> Event {
        Event {
            workspace: Some(request.workspace_id().to_owned()),
            connection: Some(request.terms.connection.clone()),
            ..Event::new(kind, actor, self.platform().name)
        }
    }

    /// What a workspace is called: by the operator, else by Novu. Asks nobody.
    pub(in crate::core) async fn name_of(&self, workspace: &Workspace) -> Option<String> {
        let platform = self.platform();
        let names = &self.integration.workspace_names;
        let configured = workspace
            .connection_keys()
            .find_map(|id| names.get(&*platform.canonical_id(id)).cloned());
        if configured.is_some() {
            return configured;
        }
        let known = self.index.known(workspace).await;
        known.iter().find_map(|connection| connection.workspace.as_ref()?.name.clone())
    }
}
