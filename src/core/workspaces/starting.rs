//! What the page of a request shows, and what its buttons do.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use super::Workspaces;
use super::preparing::{Prepared, new_address};
use super::request::{Before, Outcome, Purpose, RequestId, Stage, WorkspaceRequest};
use super::traps::{rival, trap};
use crate::core::answer::SignInLink;
use crate::core::refusal::{Reason, Refusal};
use crate::net::SecretUrl;
use crate::novu::{Connect, Context, Creation, NewSubscriber, Novu, SubscriberId};
use crate::store::{Held, StoredWorkspaceRequest};

/// How often a page can be handed on: whoever has its address can do that, and each makes a row.
const MOST_HANDED_ON: u8 = 10;

/// A request whose page somebody looks at.
#[derive(Debug, Clone)]
pub struct StartPage {
    /// The request.
    pub request: WorkspaceRequest,
    version: i64,
    /// How far it has come, as this browser may know.
    pub view: PageView,
}

/// What a page has to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageView {
    /// It can be begun.
    Open,
    /// This browser has begun, and can begin again.
    Own,
    /// Another browser has begun.
    InUse,
    /// It is over.
    Over,
}

/// Somebody is on their way to the provider.
#[derive(Debug)]
pub struct Started {
    /// Where to.
    pub link: SignInLink,
    /// What their browser has to remember.
    pub cookie: SecretString,
}

/// What somebody typed on a page, where the configuration had not decided it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Typed {
    /// The keys of the context.
    pub context: Option<Context>,
    /// The subscriber that owns the connection.
    pub subscriber: Option<SubscriberId>,
}

impl Workspaces {
    /// The page behind what came in an address; none where there is nothing. `cookie` is what the browser
    /// remembers.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn open_page(
        &self,
        address: &str,
        cookie: Option<&str>,
    ) -> Result<Option<StartPage>, Refusal> {
        let id = RequestId::of(address);
        let stored = self.store.workspace_request(id.as_str()).await?;
        let ours = stored.filter(|it| it.platform == self.platform().name);
        Ok(ours.and_then(|stored| page(&stored, cookie)).filter(|it| it.request.address == address))
    }

    /// Mints the way to the provider, for this browser and no other.
    ///
    /// # Errors
    /// Why not. Nothing has changed then.
    pub async fn start(
        &self,
        page: &StartPage,
        typed: Typed,
        cookie: Option<&str>,
    ) -> Result<Started, Refusal> {
        // A browser waits.
        let novu = self.novu.at_once();
        let mut request = page.request.clone();
        if request.terms.are_undecided() {
            request.terms.context = typed.context;
            request.terms.subscriber = typed.subscriber;
        }
        if request.terms.are_undecided() {
            return Err(Reason::Undecided.into());
        }
        let before = self.must_be_harmless(&novu, &request).await?;
        let cookie = match (&page.view, cookie) {
            (PageView::Own, Some(cookie)) => cookie.to_owned(),
            _ => new_address(&*self.random).ok_or(Reason::Broken)?,
        };
        let minted = novu.mint_connect_url(&self.connect(&request)).await?;
        let link = self.admit(&minted, &request)?;
        let browser = hash(&cookie);
        request.stage = Stage::Started { browser, before, returned: false, handed_on: false };
        // Nobody sees a link that is not watched.
        self.change(&request, page.version, Some(request.lasts())).await?;
        // Looked at once more now that others can see this one: of two who press at once neither goes on.
        if let Err(refusal) = self.must_be_alone(&request).await {
            let before = &page.request;
            self.change(before, page.version + 1, Some(before.lasts())).await?;
            return Err(refusal);
        }
        tracing::info!(
            platform = self.platform().name,
            workspace = request.workspace_id(),
            connection = request.terms.connection,
            asked_by = request.requester.for_log(),
            "an administrator goes on to the provider to connect a workspace"
        );
        Ok(Started { link, cookie: SecretString::from(cookie) })
    }

    /// Whether Novu would break nothing by it, as it is now. Gives the connection as it was before anybody
    /// could change it.
    async fn must_be_harmless(
        &self,
        novu: &Novu,
        request: &WorkspaceRequest,
    ) -> Result<Option<Before>, Refusal> {
        let WorkspaceRequest { workspace, purpose, terms, .. } = request;
        self.must_be_allowed(workspace)?;
        let connections = self.all_connections(novu).await?;
        if let Some(reason) = trap(self.platform(), workspace, *purpose, terms, connections.iter())
        {
            return Err(reason.into());
        }
        self.must_be_free(novu, terms, *purpose).await?;
        self.must_be_alone(request).await?;
        self.must_have_owner(novu, request).await?;
        // Begun once more: what the first time has changed still counts.
        if let Stage::Started { before, .. } = &request.stage {
            return Ok(before.clone());
        }
        let there = connections.iter().find(|it| it.identifier == terms.connection);
        Ok(there.map(Before::of))
    }

    /// Makes a new page for a colleague, and ends this one.
    ///
    /// # Errors
    /// Why not.
    pub async fn hand_on(&self, page: &StartPage) -> Result<Prepared, Refusal> {
        if page.request.handed_on >= MOST_HANDED_ON {
            return Err(Reason::TooOften.into());
        }
        let mut ended = page.request.clone();
        ended.stage = Stage::Ended { outcome: Outcome::Replaced };
        ended.told = true;
        let mut next = page.request.clone();
        next.address = new_address(&*self.random).ok_or(Reason::Broken)?;
        next.handed_on += 1;
        if let Stage::Started { handed_on, .. } = &mut next.stage {
            *handed_on = true;
        }
        // First the new one, so that whatever happens in between, what was minted is watched.
        let next = self.put(next, None).await?;
        self.change(&ended, page.version, None).await?;
        Ok(next)
    }

    /// Takes note that a browser came back from the provider. Whether it was one that had begun.
    pub async fn came_back(&self, cookie: &str) -> bool {
        let hash = hash(cookie);
        let Ok(open) = self.store.open_workspace_requests(self.platform().name).await else {
            return false;
        };
        for stored in open {
            let Some(mut request) = WorkspaceRequest::read(&stored) else { continue };
            let Stage::Started { browser, returned, .. } = &mut request.stage else { continue };
            if *browser != hash {
                continue;
            }
            *returned = true;
            // Whoever changed it meanwhile has seen more than this.
            let _ = self.change(&request, stored.version, stored.left).await;
            self.changed.notify_one();
            return true;
        }
        false
    }

    fn connect(&self, request: &WorkspaceRequest) -> Connect {
        let terms = &request.terms;
        Connect {
            integration: self.integration.identifier.clone(),
            subscriber: terms.subscriber.clone(),
            connection: Some(terms.connection.clone()),
            context: terms.context.clone(),
            scope: Some(terms.scope.clone()).filter(|scope| !scope.is_empty()),
            mode: Some(terms.mode()),
            auto_link_user: terms.auto_link_user,
            idempotency_key: None,
        }
    }

    /// Lets a minted link pass that leads to the provider, and lets the provider choose the right workspace
    /// beforehand where it can (Slack, OAuth, parameter `team`).
    fn admit(&self, minted: &SecretUrl, request: &WorkspaceRequest) -> Result<SignInLink, Refusal> {
        let mut url = minted.expose().clone();
        if !self.platform().consents_once() && !request.workspace.id.is_empty() {
            url.query_pairs_mut().append_pair("team", &request.workspace.id);
        }
        SignInLink::admit(SecretUrl::new(url), &self.integration.link_hosts).map_err(|outside| {
            tracing::error!(%outside, "Novu minted a link to a host that is not the provider's");
            Reason::LinkHost.into()
        })
    }

    /// # Errors
    /// Another request is under way that does not go together with this one.
    async fn must_be_alone(&self, request: &WorkspaceRequest) -> Result<(), Refusal> {
        let open = self.store.open_workspace_requests(self.platform().name).await;
        let open = open?;
        let at_provider =
            |it: &WorkspaceRequest| it.address != request.address && it.is_under_way();
        let mut others = open.iter().filter_map(WorkspaceRequest::read).filter(at_provider);
        let reason = others.find_map(|other| rival(self.platform(), request, &other));
        reason.map_or(Ok(()), |reason| Err(reason.into()))
    }

    /// Makes sure that the subscriber is there: for Slack Novu would create whatever id it is given, for
    /// Teams it would refuse (Novu 3.19, connect use cases).
    async fn must_have_owner(
        &self,
        novu: &Novu,
        request: &WorkspaceRequest,
    ) -> Result<(), Refusal> {
        let Some(owner) = &request.terms.subscriber else { return Ok(()) };
        if novu.get_subscriber(owner).await?.is_some() {
            return Ok(());
        }
        if !request.terms.creates_subscriber {
            return Err(Reason::OwnerMissing.into());
        }
        let new = NewSubscriber {
            first_name: request.workspace_name.clone(),
            ..NewSubscriber::new(owner.clone())
        };
        if let Creation::Created(_) = novu.create_subscriber(&new).await? {
            tracing::info!(subscriber = owner.for_log(), "the owner of a connection was created");
        }
        Ok(())
    }

    /// Stores what has become of a request.
    ///
    /// # Errors
    /// The store does not answer, or somebody was faster.
    pub(super) async fn change(
        &self,
        request: &WorkspaceRequest,
        version: i64,
        lasts: Option<Duration>,
    ) -> Result<(), Refusal> {
        let id = request.id();
        let changed =
            self.store.change_workspace_request(id.as_str(), version, request.text(), lasts).await;
        match changed? {
            Held::Still => {
                self.changed.notify_one();
                Ok(())
            }
            Held::NoLonger => Err(Reason::PageChanged.into()),
        }
    }
}

fn page(stored: &StoredWorkspaceRequest, cookie: Option<&str>) -> Option<StartPage> {
    let request = WorkspaceRequest::read(stored)?;
    let view = match &request.stage {
        _ if stored.left.is_none_or(|left| left.is_zero()) => PageView::Over,
        Stage::Started { browser, .. } if cookie.is_some_and(|it| hash(it) == *browser) => {
            PageView::Own
        }
        Stage::Waiting | Stage::Started { handed_on: true, .. } => PageView::Open,
        Stage::Started { .. } => PageView::InUse,
        Stage::Confirmed { .. }
        | Stage::Undoing { .. }
        | Stage::Removing { .. }
        | Stage::Ended { .. } => PageView::Over,
    };
    let view =
        if matches!(request.purpose, Purpose::Disconnect { .. }) { PageView::Over } else { view };
    Some(StartPage { request, version: stored.version, view })
}

/// What is stored of what a browser remembers.
fn hash(cookie: &str) -> String {
    hex::encode(Sha256::digest(cookie))
}

impl Started {
    /// What their browser has to remember, for the response alone.
    #[must_use]
    pub fn cookie(&self) -> &str {
        self.cookie.expose_secret()
    }
}
