//! A chat platform as the service runs it, and what the service gives to each.
//!
//! A platform is a folder and one line: the folder declares a [`SurfaceEntry`], and the line puts it
//! into the service's list.

use std::any::Any;
use std::fmt::Debug;
use std::sync::Arc;

use axum::Router;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};

use super::machine::Machine;
use super::{Answering, Deliver, Parts};
use crate::audit::Audit;
use crate::clock::SharedClock;
use crate::config::{Reader, Reload, Section};
use crate::core::resolve::Chain;
use crate::core::workspaces::{self, Workspaces, WorkspacesParts};
use crate::core::{
    HeldAccounts, Integration, KnownLinks, Linking, LinkingParts, Platform, WorkspaceIndex,
};
use crate::doctor::{Examination, Probe};
use crate::links::Links;
use crate::metrics::Metrics;
use crate::net::Outgoing;
use crate::novu::Novu;
use crate::random::SharedRandom;
use crate::store::Store;
use crate::supervise::Background;

/// A chat platform in the service's list of them.
#[derive(Debug)]
pub struct SurfaceEntry {
    /// The platform.
    pub platform: &'static Platform,
    /// Its section of the configuration. The platform is on where the section is there.
    pub section: &'static Section,
    /// Reads the section; `None` where a problem was noted.
    pub read: fn(&mut Reader) -> Option<Arc<dyn SurfaceSettings>>,
}

/// What the configuration says of one platform. Its `Debug` shows no secret.
pub trait SurfaceSettings: Any + Send + Sync + Debug {
    /// The platform.
    fn platform(&self) -> &'static Platform;

    /// What is on, in lines of a name and its value, without secrets.
    fn describe(&self) -> Vec<(&'static str, String)>;

    /// Puts the platform's surface together.
    ///
    /// # Errors
    /// Something that the configuration names cannot be used, such as a certificate's file.
    fn open<'a>(&'a self, common: &'a Common) -> BoxFuture<'a, anyhow::Result<Arc<dyn Surface>>>;
}

/// A chat platform: the paths that it calls, and what answers its people.
pub trait Surface: Send + Sync + Debug {
    /// The paths that the platform calls.
    fn routes(self: Arc<Self>) -> Router;

    /// What answers the platform's people.
    fn machine(&self) -> Arc<dyn Machine>;

    /// The address that takes somebody from a page back to their chat.
    fn chat_address(&self) -> String;

    /// What the platform needs in the background, beside its machine.
    fn background(self: Arc<Self>) -> Vec<Background> {
        Vec::new()
    }

    /// What there is to look at of the platform when everything is examined. Only reads.
    fn checks(self: Arc<Self>, _examination: &Arc<Examination>) -> Vec<Probe> {
        Vec::new()
    }

    /// What the platform takes over from new settings of its own while it runs: nothing, unless it says
    /// otherwise.
    ///
    /// # Errors
    /// Something that the settings name cannot be used.
    fn reload(
        self: Arc<Self>,
        _new: &dyn SurfaceSettings,
    ) -> BoxFuture<'_, anyhow::Result<Reload>> {
        ready(Ok(Reload::new([], || {}))).boxed()
    }

    /// What keeps requests from being verified or messages from being sent, in a word; none if nothing
    /// does.
    fn trouble(&self) -> Option<&'static str> {
        None
    }
}

/// What all platforms share.
#[derive(Debug)]
pub struct Common {
    /// Makes outgoing calls.
    pub http: Outgoing,
    /// Speaks to Novu.
    pub novu: Novu,
    /// Holds promises.
    pub store: Store,
    /// Takes note of what an auditor asks for later.
    pub audit: Arc<Audit>,
    /// Makes links to personal pages, where there are any.
    pub links: Option<Arc<Links>>,
    /// Knows which chat accounts another subscriber holds.
    pub held: Arc<HeldAccounts>,
    /// Knows which chat accounts are linked.
    pub known_links: Arc<KnownLinks>,
    /// Finds people's subscribers.
    pub chain: Arc<Chain>,
    /// The workflow that a test notification runs; without it there are none.
    pub test_workflow: Option<String>,
    /// What workspaces are connected with.
    pub(crate) workspaces: Arc<workspaces::config::Settings>,
    /// Tells the time.
    pub clock: SharedClock,
    /// Makes references.
    pub random: SharedRandom,
    /// Counts.
    pub metrics: Arc<Metrics>,
}

impl Common {
    /// The core for one platform's integration. Where a workspace has several channel connections,
    /// the one with the identifier `pinned` is preferred.
    #[must_use]
    pub fn linking(&self, integration: Integration, pinned: Option<String>) -> Arc<Linking> {
        let integration = Arc::new(integration);
        let index = Arc::new(WorkspaceIndex::new(
            self.novu.clone(),
            integration.platform,
            integration.identifier.clone(),
            pinned,
            Arc::clone(&self.clock),
            Arc::clone(&self.metrics),
        ));
        let workspaces = Arc::new(Workspaces::new(WorkspacesParts {
            novu: self.novu.clone(),
            integration: Arc::clone(&integration),
            index: Arc::clone(&index),
            settings: Arc::clone(&self.workspaces),
            public_url: self.links.as_ref().map(|links| links.public_url.clone()),
            store: self.store.clone(),
            audit: Arc::clone(&self.audit),
            random: Arc::clone(&self.random),
            clock: Arc::clone(&self.clock),
        }));
        Arc::new(Linking::new(LinkingParts {
            novu: self.novu.clone(),
            integration,
            index,
            workspaces,
            chain: Arc::clone(&self.chain),
            test_workflow: self.test_workflow.clone(),
            held: Arc::clone(&self.held),
            known_links: Arc::clone(&self.known_links),
            audit: Arc::clone(&self.audit),
            clock: Arc::clone(&self.clock),
        }))
    }

    /// The machine that answers one platform's people.
    #[must_use]
    pub fn answering<D: Deliver>(&self, deliver: D, linking: Arc<Linking>) -> Arc<Answering<D>> {
        Arc::new(Answering::new(
            deliver,
            Parts {
                linking,
                links: self.links.clone(),
                audit: Arc::clone(&self.audit),
                store: self.store.clone(),
                clock: Arc::clone(&self.clock),
                random: Arc::clone(&self.random),
                metrics: Arc::clone(&self.metrics),
            },
        ))
    }
}
