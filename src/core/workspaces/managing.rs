//! What is connected, whether it works, and its end.

use jiff::Timestamp;

use super::Workspaces;
use super::preparing::new_address;
use super::request::{Outcome, Purpose, Requester, Stage, Terms, WorkspaceRequest};
use super::traps::is_of;
use crate::audit::{Actor, Event, Kind};
use crate::core::person::{Person, Workspace};
use crate::core::profiles::ProfilesError;
use crate::core::refusal::{Reason, Refusal};
use crate::novu::{ChannelConnection, ChannelEndpoint, EndpointFilter, SubscriberId};

/// The most endpoints that are removed before it is stored how far that has come.
const AT_ONCE: usize = 20;

/// The most requests that are looked through for who connected a workspace.
const MOST_READ: u32 = 500;

/// A workspace or tenant that is connected.
#[derive(Debug, Clone, PartialEq)]
pub struct ConnectedWorkspace {
    /// The identifier of the connection.
    pub connection: String,
    /// The id of the workspace, tenant or organisation; none where Novu does not say.
    pub workspace: Option<String>,
    /// What people call it.
    pub name: Option<String>,
    /// The keys of the connection's context.
    pub context: Vec<String>,
    /// The subscriber that owns it; none where it is shared.
    pub subscriber: Option<SubscriberId>,
    /// Since when it is connected.
    pub since: Option<Timestamp>,
    /// How many links deliver over it; none where nobody counted.
    pub links: Option<usize>,
    /// Whether it works; none where nobody looked.
    pub health: Option<Health>,
}

/// Whether a connection works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// The platform accepts its token, or it needs none.
    Works,
    /// The platform does not accept its token any more; why, in the platform's word.
    Dead(&'static str),
    /// Novu has to renew its token, which it does when it sends.
    Expired,
    /// It has no token.
    NoToken,
    /// The platform did not say.
    Unknown,
}

/// A wish to disconnect a workspace.
#[derive(Debug, Clone)]
pub struct DisconnectOrder {
    /// The workspace or tenant; by the connection alone where it is not known.
    pub workspace: Option<Workspace>,
    /// The identifier of the connection; the workspace's only one without it.
    pub connection: Option<String>,
    /// Whether the links that deliver over it go too.
    pub remove_links: bool,
    /// Who wants it.
    pub requester: Requester,
    /// Of the requests with the same key there is one.
    pub key: Option<[u8; 32]>,
}

impl Workspaces {
    /// What is connected, the newest first: of one workspace, or all.
    ///
    /// # Errors
    /// Novu does not answer.
    pub async fn list(&self, of: Option<&Workspace>) -> Result<Vec<ConnectedWorkspace>, Refusal> {
        let all = self.all_connections(&self.novu).await?;
        let wanted = |it: &&ChannelConnection| of.is_none_or(|of| is_of(self.platform(), it, of));
        Ok(all.iter().filter(wanted).map(|it| self.described(it)).collect())
    }

    /// One connection: how many links deliver over it, and whether it works.
    ///
    /// # Errors
    /// There is none, several and nothing says which, or Novu does not answer.
    pub async fn check(
        &self,
        workspace: Option<&Workspace>,
        identifier: Option<&str>,
    ) -> Result<ConnectedWorkspace, Refusal> {
        let connection = self.one(workspace, identifier).await?;
        let links = self.links_over(&connection.identifier).await?;
        let health = self.health(&connection).await;
        Ok(ConnectedWorkspace {
            links: Some(links),
            health: Some(health),
            ..self.described(&connection)
        })
    }

    /// Takes the order to disconnect a workspace. It is done in the background, whatever it takes.
    ///
    /// # Errors
    /// There is no such connection, or it cannot be stored.
    pub async fn disconnect(&self, order: DisconnectOrder) -> Result<WorkspaceRequest, Refusal> {
        let key = order.key;
        let request = self.draft_disconnect(order).await?;
        let new = self.to_store(&request, key);
        let there = self.store.put_workspace_request(new).await?;
        self.changed.notify_one();
        match there {
            None => Ok(request),
            Some(there) => WorkspaceRequest::read(&there).ok_or_else(|| Reason::Broken.into()),
        }
    }

    /// The request that somebody's wish to disconnect a workspace comes to; nothing is stored.
    ///
    /// # Errors
    /// There is no such connection.
    pub async fn draft_disconnect(
        &self,
        order: DisconnectOrder,
    ) -> Result<WorkspaceRequest, Refusal> {
        let DisconnectOrder { workspace, connection, remove_links, requester, .. } = order;
        let connection = self.one(workspace.as_ref(), connection.as_deref()).await?;
        let at = connection.workspace.as_ref();
        // Empty where Novu does not say which workspace it is of: the connection's identifier decides.
        let its_id = at.map(|at| at.id.clone()).unwrap_or_default();
        Ok(WorkspaceRequest {
            workspace: workspace.unwrap_or_else(|| Workspace::standalone(its_id)),
            workspace_name: at.and_then(|at| at.name.clone()),
            requester,
            purpose: Purpose::Disconnect { remove_links },
            terms: Terms {
                connection: connection.identifier.clone(),
                context: None,
                subscriber: connection.subscriber_id.clone(),
                creates_subscriber: false,
                scope: Vec::new(),
                mode: None,
                auto_link_user: false,
            },
            asked: None,
            address: new_address(&*self.random).ok_or(Reason::Broken)?,
            stage: Stage::Removing { removed: 0, created_at: connection.created_at },
            told: false,
            handed_on: 0,
        })
    }

    /// A request by its id; none where there is none.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn request(
        &self,
        id: &super::RequestId,
    ) -> Result<Option<WorkspaceRequest>, Refusal> {
        let stored = self.store.workspace_request(id.as_str()).await?;
        let ours = stored.filter(|it| it.platform == self.platform().name);
        Ok(ours.as_ref().and_then(WorkspaceRequest::read))
    }

    /// Whether it was this person who had their workspace connected, as an administrator.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn was_connected_by(&self, person: &Person) -> Result<bool, Refusal> {
        let newest = self.store.newest_workspace_requests(self.platform().name, MOST_READ).await;
        let requests = newest?;
        Ok(requests.iter().filter_map(WorkspaceRequest::read).any(|request| {
            let asked =
                matches!(&request.requester, Requester::Person { person: it, .. } if it == person);
            asked && matches!(request.outcome(), Some(Outcome::Connected { came_back: true, .. }))
        }))
    }

    /// How many links deliver over a connection.
    ///
    /// # Errors
    /// Novu does not answer.
    pub async fn links_over(&self, connection: &str) -> Result<usize, Refusal> {
        let page = self.novu.list_channel_endpoints(&over(connection)).await?;
        let people = page.items.iter().filter(|it| it.endpoint.user_id().is_some()).count();
        // Beyond one page Novu's own count has to do, channels and all.
        Ok(if page.next.is_some() { page.total.unwrap_or(people) } else { people })
    }

    async fn one(
        &self,
        workspace: Option<&Workspace>,
        identifier: Option<&str>,
    ) -> Result<ChannelConnection, Refusal> {
        let all = self.all_connections(&self.novu).await?;
        if let Some(workspace) = workspace {
            return self.only_one(workspace, identifier, &all).cloned();
        }
        let named = all.into_iter().find(|it| Some(it.identifier.as_str()) == identifier);
        named.ok_or_else(|| Reason::WorkspaceNotConnected.into())
    }

    async fn health(&self, connection: &ChannelConnection) -> Health {
        let Some(tokens) = &self.integration.tokens else { return Health::Works };
        // It is the connection's own token by which Novu delivers.
        let configured = self.integration.bot_token.as_ref();
        let Some(token) = connection.access_token.as_ref().or(configured) else {
            return Health::NoToken;
        };
        match tokens.check(token).await {
            Ok(()) => Health::Works,
            Err(ProfilesError::NotAllowed(why)) => Health::Dead(why),
            Err(ProfilesError::Expired) => Health::Expired,
            Err(_) => Health::Unknown,
        }
    }

    fn described(&self, connection: &ChannelConnection) -> ConnectedWorkspace {
        let at = connection.workspace.as_ref();
        let configured = at.and_then(|at| {
            let id = self.platform().canonical_id(&at.id);
            self.integration.workspace_names.get(&*id).cloned()
        });
        ConnectedWorkspace {
            connection: connection.identifier.clone(),
            workspace: at.map(|at| at.id.clone()),
            name: configured.or_else(|| at?.name.clone()),
            context: connection.context_keys.clone(),
            subscriber: connection.subscriber_id.clone(),
            since: connection.created_at,
            links: None,
            health: None,
        }
    }

    /// Removes the connection, then the links over it, as many as are removed before that is stored. Gives
    /// what came of it once all is gone.
    pub(super) async fn remove(
        &self,
        request: &mut WorkspaceRequest,
    ) -> Result<Option<Outcome>, Refusal> {
        let Stage::Removing { mut removed, created_at } = request.stage else { return Ok(None) };
        let connection = request.terms.connection.clone();
        // First of all, so that nobody is linked over it any more. One that was made since is not meant.
        let there = self.novu.get_channel_connection(&connection).await?;
        let is_meant = |it: &ChannelConnection| created_at.is_none() || it.created_at == created_at;
        if there.is_some_and(|it| is_meant(&it)) {
            self.novu.delete_channel_connection(&connection).await?;
            self.index.read_anew().await;
        }
        if request.purpose != (Purpose::Disconnect { remove_links: true }) {
            let kept = self.links_over(&connection).await? > 0;
            return Ok(Some(Outcome::Disconnected { removed, kept }));
        }
        let page = self.novu.list_channel_endpoints(&over(&connection)).await?;
        for endpoint in page.items.iter().take(AT_ONCE) {
            match self.novu.delete_channel_endpoint(&endpoint.identifier).await {
                Ok(false) => {}
                Ok(true) => {
                    removed += 1;
                    self.note_removed(request, endpoint);
                }
                // The client says why. What was removed by now still counts.
                Err(_) => break,
            }
        }
        if page.items.is_empty() {
            return Ok(Some(Outcome::Disconnected { removed, kept: false }));
        }
        request.stage = Stage::Removing { removed, created_at };
        Ok(None)
    }

    /// Removes the links to the owner of a connection that came about with it.
    pub(super) async fn remove_links_since(
        &self,
        request: &WorkspaceRequest,
        connection: &ChannelConnection,
    ) -> Result<(), Refusal> {
        let mut filter = over(&connection.identifier);
        filter.subscriber.clone_from(&request.terms.subscriber);
        for endpoint in self.novu.list_channel_endpoints(&filter).await?.items {
            if endpoint.created_at >= connection.created_at
                && self.novu.delete_channel_endpoint(&endpoint.identifier).await?
            {
                self.note_removed(request, &endpoint);
            }
        }
        Ok(())
    }

    fn note_removed(&self, request: &WorkspaceRequest, endpoint: &ChannelEndpoint) {
        let person = endpoint.endpoint.user_id().map(|user| Person {
            platform: self.platform().id(),
            workspace: request.workspace.clone(),
            user: self.platform().canonical_id(user).into_owned(),
        });
        let actor = Actor::Administrator(request.requester.for_log());
        self.audit.note(Event {
            person: person.map(|person| person.owner()),
            subscriber: endpoint.subscriber_id.as_ref().map(|id| id.as_str().to_owned()),
            endpoint: Some(endpoint.identifier.clone()),
            ..self.event(Kind::Removed, actor, request)
        });
    }
}

fn over(connection: &str) -> EndpointFilter {
    EndpointFilter { connection: Some(connection.to_owned()), ..EndpointFilter::default() }
}
