//! Making a request: what is asked for, what the configuration has decided, and what stands against it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use super::Workspaces;
use super::request::{Outcome, Purpose, Requester, Stage, Terms, WorkspaceRequest};
use super::traps::{is_of, trap};
use crate::core::answer::SignInLink;
use crate::core::person::Workspace;
use crate::core::refusal::{Reason, Refusal};
use crate::digest::digest_of;
use crate::net::SecretUrl;
use crate::novu::{ChannelConnection, ConnectionMode, Context, Novu, SubscriberId};
use crate::random::Random;
use crate::store::NewWorkspaceRequest;

/// Random bytes in an address. They are all that keeps strangers from a page.
const ADDRESS_LENGTH: usize = 18;

/// What somebody asks for, who may.
#[derive(Debug, Clone)]
pub struct NewRequest {
    /// The workspace or tenant.
    pub workspace: Workspace,
    /// Who asks.
    pub requester: Requester,
    /// Whether the connection is there, and gets new credentials.
    pub reconnects: bool,
    /// What they decide themselves.
    pub given: Given,
    /// Of the requests with the same key there is one.
    pub key: Option<[u8; 32]>,
}

impl NewRequest {
    /// The hash of what is asked for, whoever asks.
    fn digest(&self) -> String {
        // Texts, lists and truth values always have a JSON form.
        let text = |form: Result<String, serde_json::Error>| form.unwrap_or_default();
        let workspace = text(serde_json::to_string(&self.workspace));
        let given = text(serde_json::to_string(&self.given));
        let purpose = if self.reconnects { "reconnect" } else { "connect" };
        hex::encode(digest_of([workspace.as_str(), &given, purpose]))
    }

    /// Whether a request that has the same key is one for the same.
    #[must_use]
    pub fn is_as(&self, request: &WorkspaceRequest) -> bool {
        request.asked.as_deref() == Some(&self.digest())
    }
}

/// What whoever asks decides themselves, in place of the configuration. What neither decides is asked for
/// on the page.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", default)]
pub struct Given {
    /// The identifier of the connection.
    pub connection: Option<String>,
    /// The context of the connection.
    pub context: Option<Context>,
    /// The subscriber that owns it.
    pub subscriber: Option<SubscriberId>,
    /// The scopes to ask for.
    pub scope: Option<Vec<String>>,
    /// Whose the connection is.
    pub mode: Option<ConnectionMode>,
    /// Whether the account of whoever consents is linked to the subscriber as well.
    pub auto_link_user: bool,
}

/// A request that was made, and the way to its page.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// The request.
    pub request: WorkspaceRequest,
    /// The address of its page: whoever has it can go on to the provider.
    pub page: SignInLink,
    /// Whether it was there before, under the same key.
    pub was_there: bool,
}

impl Workspaces {
    /// Makes a request, and its page.
    ///
    /// # Errors
    /// Why not.
    pub async fn prepare(&self, new: NewRequest) -> Result<Prepared, Refusal> {
        let key = new.key;
        if let Some(key) = key
            && let Some(there) = self.asked_before(key).await?
        {
            return Ok(there);
        }
        let request = self.draft(new).await?;
        self.end_unused(&request).await?;
        self.put(request, key).await
    }

    /// Ends the pages that the same person had for the same workspace and nobody has used: one person has
    /// one page, however often they new.
    async fn end_unused(&self, request: &WorkspaceRequest) -> Result<(), Refusal> {
        let Requester::Person { person, .. } = &request.requester else { return Ok(()) };
        let open = self.store.open_workspace_requests(self.platform().name).await;
        for stored in open? {
            let Some(mut older) = WorkspaceRequest::read(&stored) else { continue };
            let theirs =
                matches!(&older.requester, Requester::Person { person: it, .. } if it == person);
            if theirs && older.stage == Stage::Waiting && older.workspace == request.workspace {
                older.stage = Stage::Ended { outcome: Outcome::Replaced };
                // Where somebody has just used it, it is theirs.
                let _ = self.change(&older, stored.version, Some(older.lasts())).await;
            }
        }
        Ok(())
    }

    /// The request that has this key, however far it has come.
    async fn asked_before(&self, key: [u8; 32]) -> Result<Option<Prepared>, Refusal> {
        let there = self.store.workspace_request_by_key(self.platform().name, key).await;
        let Some(there) = there? else { return Ok(None) };
        let request = WorkspaceRequest::read(&there).ok_or(Reason::Broken)?;
        let page = self.page_of(&request)?;
        Ok(Some(Prepared { request, page, was_there: true }))
    }

    /// The request that somebody's wish comes to; nothing is stored.
    ///
    /// # Errors
    /// Why not.
    pub async fn draft(&self, new: NewRequest) -> Result<WorkspaceRequest, Refusal> {
        let asked = new.key.is_some().then(|| new.digest());
        let NewRequest { workspace, requester, reconnects, given, .. } = new;
        self.must_be_allowed(&workspace)?;
        if self.public_url.is_none() {
            return Err(Reason::NoPublicUrl.into());
        }
        let connections = self.all_connections(&self.novu).await?;
        let names_connection = given.connection.is_some();
        let purpose = if reconnects { Purpose::Reconnect } else { Purpose::Connect };
        let terms = if reconnects {
            self.terms_of_existing(&workspace, &given, &connections)?
        } else {
            self.terms(&workspace, given)?
        };
        let is_second = !reconnects && !names_connection;
        if is_second && connections.iter().any(|it| is_of(self.platform(), it, &workspace)) {
            // In another context it would leave nobody there who knows which one is meant.
            return Err(Reason::ConnectedAlready.into());
        }
        if let Some(reason) = trap(self.platform(), &workspace, purpose, &terms, connections.iter())
        {
            return Err(reason.into());
        }
        self.must_be_free(&self.novu, &terms, purpose).await?;
        let workspace_name = self.name_of(&workspace).await;
        Ok(WorkspaceRequest {
            workspace,
            workspace_name,
            requester,
            purpose,
            terms,
            asked,
            address: new_address(&*self.random).ok_or(Reason::Broken)?,
            stage: Stage::Waiting,
            told: false,
            handed_on: 0,
        })
    }

    /// What a connection of this workspace is made with.
    fn terms(&self, workspace: &Workspace, given: Given) -> Result<Terms, Refusal> {
        let id = super::traps::ids_of(workspace).next().unwrap_or_default();
        let context = match given.context {
            Some(context) => Some(context),
            None => self.settings.context(id).transpose().map_err(|_| Reason::BadContext)?,
        };
        let configured = self.settings.subscriber(id);
        let creates_subscriber = given.subscriber.is_none() && configured.is_some();
        let scope = given.scope.unwrap_or_else(|| self.settings.scope.clone());
        Ok(Terms {
            connection: given
                .connection
                .unwrap_or_else(|| format!("{}-{id}", self.integration.identifier)),
            context,
            subscriber: given.subscriber.or(configured),
            creates_subscriber,
            scope: if self.platform().consents_once() { Vec::new() } else { scope },
            mode: given.mode,
            auto_link_user: given.auto_link_user,
        })
    }

    /// What the connection that is there was made with: Novu leaves all of it as it is.
    fn terms_of_existing(
        &self,
        workspace: &Workspace,
        given: &Given,
        connections: &[ChannelConnection],
    ) -> Result<Terms, Refusal> {
        let existing = self.only_one(workspace, given.connection.as_deref(), connections)?;
        let context = match existing.context_keys.as_slice() {
            [] => None,
            keys => Some(Context::from_keys(keys).map_err(|_| Reason::NovuNonsense)?),
        };
        let shared = existing.subscriber_id.is_none();
        let mode = if shared { ConnectionMode::Shared } else { ConnectionMode::Subscriber };
        Ok(Terms {
            connection: existing.identifier.clone(),
            context,
            subscriber: existing.subscriber_id.clone(),
            creates_subscriber: false,
            scope: given.scope.clone().unwrap_or_else(|| self.settings.scope.clone()),
            mode: Some(mode),
            // Who is linked already would meet Novu's error after the token was renewed.
            auto_link_user: false,
        })
    }

    /// The connection of a workspace that is meant.
    ///
    /// # Errors
    /// There is none, or several and nothing says which.
    pub(super) fn only_one<'a>(
        &self,
        workspace: &Workspace,
        identifier: Option<&str>,
        connections: &'a [ChannelConnection],
    ) -> Result<&'a ChannelConnection, Refusal> {
        let own = |it: &&ChannelConnection| is_of(self.platform(), it, workspace);
        let mut own = connections.iter().filter(own);
        if let Some(identifier) = identifier {
            let named = own.find(|it| it.identifier == identifier);
            return named.ok_or_else(|| Reason::WorkspaceNotConnected.into());
        }
        let first = own.next().ok_or(Reason::WorkspaceNotConnected)?;
        match own.next() {
            None => Ok(first),
            Some(_) => Err(Reason::SeveralConnections.into()),
        }
    }

    /// # Errors
    /// Another integration has a connection with the identifier: Novu would give it a new token.
    pub(super) async fn must_be_free(
        &self,
        novu: &Novu,
        terms: &Terms,
        purpose: Purpose,
    ) -> Result<(), Refusal> {
        if purpose != Purpose::Connect {
            return Ok(());
        }
        match novu.get_channel_connection(&terms.connection).await? {
            None => Ok(()),
            Some(_) => Err(Reason::IdentifierTaken.into()),
        }
    }

    /// Stores a request, unless there is one with its key.
    pub(super) async fn put(
        &self,
        request: WorkspaceRequest,
        key: Option<[u8; 32]>,
    ) -> Result<Prepared, Refusal> {
        let new = self.to_store(&request, key);
        let there = self.store.put_workspace_request(new).await?;
        let (request, was_there) = match there {
            None => (request, false),
            Some(there) => (WorkspaceRequest::read(&there).ok_or(Reason::Broken)?, true),
        };
        self.changed.notify_one();
        let page = self.page_of(&request)?;
        Ok(Prepared { request, page, was_there })
    }

    /// A request as it is stored.
    #[must_use]
    pub fn to_store(
        &self,
        request: &WorkspaceRequest,
        key: Option<[u8; 32]>,
    ) -> NewWorkspaceRequest {
        NewWorkspaceRequest {
            id: request.id().as_str().to_owned(),
            platform: self.platform().name.to_owned(),
            key,
            body: request.text(),
            lasts: request.lasts(),
        }
    }

    /// The address of a request's page.
    ///
    /// # Errors
    /// There are no pages.
    pub fn page_of(&self, request: &WorkspaceRequest) -> Result<SignInLink, Refusal> {
        let mut url = self.public_url.clone().ok_or(Reason::NoPublicUrl)?;
        url.set_path(&format!("/workspace/{}", request.address));
        Ok(SignInLink::to_own_page(SecretUrl::new(url)))
    }
}

/// What goes into an address; none where chance fails.
pub(super) fn new_address(random: &dyn Random) -> Option<String> {
    let mut bytes = [0; ADDRESS_LENGTH];
    random.fill(&mut bytes);
    (bytes != [0; ADDRESS_LENGTH]).then(|| URL_SAFE_NO_PAD.encode(bytes))
}
