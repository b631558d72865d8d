//! Which of Novu's channel connections belongs to a workspace.
//!
//! Novu cannot be asked for the connection of a workspace, so all connections of the integration
//! are kept here, by `workspace.id`. The index is refreshed in the background and when a workspace
//! is missing; however many people ask at once, one refresh serves them all. Bot tokens that
//! connections carry live here and nowhere else: in memory.

mod fault;
mod misses;

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{Notify, RwLock};
use tokio_util::sync::CancellationToken;

use self::fault::Fault;
use self::misses::Misses;
use super::candidates::{equals, is_contested};
use super::person::Workspace;
use super::platform::Platform;
use crate::clock::{SharedClock, Tick};
use crate::metrics::Metrics;
use crate::net::SingleFlight;
use crate::novu::{ChannelConnection, Error, Novu};

/// What the operator is told while the connections have not been read for the first time.
const NOT_READ_YET: &str = "not_read_yet";
/// How often the index is refreshed without being asked.
const REFRESH_EVERY: Duration = Duration::from_mins(1);
/// How soon a refresh that failed, or found an integration that cannot be used, is tried again.
const RETRY_AFTER: Duration = Duration::from_secs(5);
/// How long a refresh answers for workspaces that it did not find, and for doubts.
const MISS_COOLDOWN: Duration = Duration::from_secs(3);

/// An index of the channel connections of one integration.
#[derive(Debug)]
pub struct WorkspaceIndex {
    index: Arc<Index>,
    refresh: SingleFlight<()>,
    misses: Misses,
}

/// What a refresh works on.
#[derive(Debug)]
struct Index {
    novu: Novu,
    platform: &'static Platform,
    integration: String,
    pinned: Option<String>,
    clock: SharedClock,
    metrics: Arc<Metrics>,
    known: RwLock<Arc<Snapshot>>,
    /// Whether Novu has said elsewhere that the key or the integration is not good.
    is_doubted: AtomicBool,
    /// Rings when it has.
    doubted: Notify,
}

type ByWorkspace = HashMap<String, Vec<Arc<ChannelConnection>>>;

#[derive(Debug, Default)]
struct Snapshot {
    /// By the canonical id of the workspace.
    by_workspace: ByWorkspace,
    /// When the connections were read; nothing has been read yet without it.
    read_at: Option<Tick>,
    /// What is wrong with the integration, though the connections could be read.
    fault: Option<Fault>,
    /// When the last attempt to read them ended, and what went wrong.
    failed: Option<(Tick, Error)>,
}

impl WorkspaceIndex {
    /// Every word of its own for what keeps people from being served; Novu's errors have theirs.
    pub fn words() -> impl Iterator<Item = &'static str> {
        Fault::ALL.into_iter().map(Fault::word).chain([NOT_READ_YET])
    }

    /// An empty index of an integration for `platform`. `pinned` is the identifier of the connection
    /// that is preferred among several of one workspace.
    #[must_use]
    pub fn new(
        novu: Novu,
        platform: &'static Platform,
        integration: String,
        pinned: Option<String>,
        clock: SharedClock,
        metrics: Arc<Metrics>,
    ) -> Self {
        let (known, is_doubted, doubted) = Default::default();
        let index = Index {
            novu,
            platform,
            integration,
            pinned,
            clock,
            metrics,
            known,
            is_doubted,
            doubted,
        };
        Self { index: Arc::new(index), refresh: SingleFlight::default(), misses: Misses::default() }
    }

    /// All connections of a workspace, the one to use first: the pinned one, then shared before
    /// personal, then the newest. Empty if there is none.
    ///
    /// # Errors
    /// Novu could not be asked, and nothing is known of this workspace from before; or the integration
    /// is none of this platform's.
    pub async fn find(&self, workspace: &Workspace) -> Result<Vec<Arc<ChannelConnection>>, Error> {
        let mut found = self.known(workspace).await;
        if found.is_empty() {
            let now = self.index.clock.monotonic();
            if !self.misses.lately(workspace, now) {
                self.refresh_for_a_miss().await?;
                found = self.known(workspace).await;
            }
            self.misses.note(workspace, found.is_empty(), self.index.clock.monotonic());
        }
        match self.index.known.read().await.fault {
            Some(fault) if fault.stops_service() => Err(Error::UnknownIntegration),
            _ => Ok(found),
        }
    }

    /// As [`WorkspaceIndex::find`], of what is known by now: asks nobody.
    pub async fn known(&self, workspace: &Workspace) -> Vec<Arc<ChannelConnection>> {
        self.index.known.read().await.find(self.index.platform, workspace)
    }

    /// The connection with this identifier, whatever workspace it is of. One that is not known may be
    /// new, so the connections are read anew, unless that was done a moment ago.
    pub async fn with_identifier(&self, identifier: &str) -> Option<Arc<ChannelConnection>> {
        let known = self.known_by(identifier).await;
        if known.is_some() {
            return known;
        }
        self.reread().await;
        self.known_by(identifier).await
    }

    async fn known_by(&self, identifier: &str) -> Option<Arc<ChannelConnection>> {
        let known = Arc::clone(&*self.index.known.read().await);
        let mut all = known.by_workspace.values().flatten();
        all.find(|connection| connection.identifier == identifier).cloned()
    }

    /// The identifier of the connection that is preferred among several of one workspace.
    #[must_use]
    pub fn pinned(&self) -> Option<&str> {
        self.index.pinned.as_deref()
    }

    /// How many workspaces, tenants and organisations have a connection.
    pub async fn workspaces(&self) -> usize {
        self.index.known.read().await.by_workspace.len()
    }

    /// Reads the connections anew, unless that was done a moment ago. For whoever found that what a
    /// connection carries is no longer good; whether it failed shows in what is known then.
    pub async fn reread(&self) {
        let _ = self.refresh_for_a_miss().await;
    }

    /// Reads the connections anew, whenever that was done last. For whoever has changed one.
    pub async fn read_anew(&self) {
        self.refresh().await;
    }

    /// Has everything looked at anew, soon. For whoever was told by Novu that the key or the integration is
    /// not good, of which the list of connections says nothing.
    pub fn doubt(&self) {
        self.index.is_doubted.store(true, Ordering::Relaxed);
        self.index.doubted.notify_one();
    }

    /// Reads the index anew now and then, until `stop`. Ends before that where reading breaks off.
    pub async fn keep_fresh(&self, stop: CancellationToken) {
        loop {
            if !self.refresh().await {
                return;
            }
            let unwell = {
                let known = self.index.known.read().await;
                known.failed.is_some() || known.fault.is_some_and(Fault::stops_service)
            };
            let pause = if unwell { RETRY_AFTER } else { REFRESH_EVERY };
            let clock = &self.index.clock;
            let next = async {
                tokio::select! {
                    () = clock.sleep(pause) => {}
                    // However many are refused meanwhile.
                    () = self.index.doubted.notified() => clock.sleep(MISS_COOLDOWN).await,
                }
            };
            if stop.run_until_cancelled(next).await.is_none() {
                return;
            }
        }
    }

    /// What keeps this index from serving, in a word for the operator; nothing if it serves.
    pub async fn trouble(&self) -> Option<&'static str> {
        let known = self.index.known.read().await;
        let is_read = known.read_at.is_some();
        match &known.failed {
            // A key that is refused stays refused: every answer is a refusal until somebody acts.
            Some((_, error)) if !is_read || *error == Error::BadKey => Some(error.code()),
            None if !is_read => Some(NOT_READ_YET),
            _ => known.fault.filter(|fault| fault.stops_service()).map(Fault::word),
        }
    }

    /// What keeps the people from being served, but not the service from its work, in a word.
    pub async fn warning(&self) -> Option<&'static str> {
        let fault = self.index.known.read().await.fault;
        fault.filter(|fault| !fault.stops_service()).map(Fault::word)
    }

    /// Refreshes once for everyone who waits here at the same time, unless the last attempt, good or
    /// bad, is so recent that another would tell nothing new.
    async fn refresh_for_a_miss(&self) -> Result<(), Error> {
        let fresh = self.refresh.under_way().is_none() && self.index.read_just_now().await;
        // What was not read says nothing of whom it lacks.
        if !fresh && !self.refresh().await {
            return Err(Error::Unavailable { retry_after: None });
        }
        match &self.index.known.read().await.failed {
            Some((_, error)) => Err(error.clone()),
            None => Ok(()),
        }
    }

    /// Reads the index anew. Whether it was read to its end, and did not break off.
    async fn refresh(&self) -> bool {
        let index = Arc::clone(&self.index);
        let refresh = self.refresh.join_or_begin(|| async move { index.refresh().await });
        refresh.outcome().await.is_some()
    }
}

impl Index {
    async fn read_just_now(&self) -> bool {
        let known = self.known.read().await;
        let (at, lasts) = match &known.failed {
            Some((at, Error::Throttled { retry_after })) => {
                (Some(*at), retry_after.unwrap_or_default().clamp(MISS_COOLDOWN, REFRESH_EVERY))
            }
            Some((at, _)) => (Some(*at), MISS_COOLDOWN),
            None => (known.read_at, MISS_COOLDOWN),
        };
        at.is_some_and(|at| self.clock.monotonic() - at < lasts)
    }

    /// Reads all connections. Why that fails is in the log already.
    async fn refresh(&self) {
        let before = Arc::clone(&*self.known.read().await);
        let outcome = self.read_all(&before).await;
        let now = self.clock.monotonic();
        *self.known.write().await = Arc::new(match outcome {
            Ok((connections, fault)) => {
                self.report(connections.len());
                let by_workspace = self.arrange(connections);
                tell_of_several(&by_workspace, &before.by_workspace, self.pinned.as_deref());
                self.tell_of_fault(fault, before.fault);
                Snapshot { by_workspace, read_at: Some(now), fault, failed: None }
            }
            // What was known stays good: connections rarely go, and an outage must not hide them.
            Err(error) => Snapshot {
                by_workspace: before.by_workspace.clone(),
                read_at: before.read_at,
                fault: before.fault,
                failed: Some((now, error)),
            },
        });
    }

    async fn read_all(
        &self,
        before: &Snapshot,
    ) -> Result<(Vec<ChannelConnection>, Option<Fault>), Error> {
        // Whoever is among more than are read cannot be served, but everybody else can.
        let all = self.novu.all_channel_connections(&self.integration).await?.connections;
        // Looked at before anybody is served, and again while something is wrong.
        let is_doubted = self.is_doubted.load(Ordering::Relaxed);
        let is_new = before.read_at.is_none() || before.fault.is_some();
        let fault = if all.is_empty() || is_new || is_doubted {
            self.examine(all.is_empty()).await?
        } else {
            None
        };
        if is_doubted {
            self.is_doubted.store(false, Ordering::Relaxed);
        }
        Ok((all, fault))
    }

    /// Tells an integration without connections from one that does not exist or is another provider's:
    /// Novu's list of connections is the same for all of them.
    async fn examine(&self, is_empty: bool) -> Result<Option<Fault>, Error> {
        let integrations = self.novu.list_integrations().await?;
        let known = integrations.iter().find(|known| known.identifier == self.integration);
        Ok(match known.map(|known| known.provider_id.as_str()) {
            None => Some(Fault::Unknown),
            Some(provider) if !provider.is_empty() && !self.platform.is_of(provider) => {
                Some(Fault::WrongProvider)
            }
            Some(_) => is_empty.then_some(Fault::NoConnections),
        })
    }

    /// Tells the operator once when everybody stops or starts to get links.
    fn tell_of_fault(&self, now: Option<Fault>, before: Option<Fault>) {
        let (platform, integration) = (self.platform.name, self.integration.as_str());
        match now {
            now if now == before => {}
            Some(fault) => tracing::warn!(
                platform,
                integration,
                trouble = fault.word(),
                advice = fault.advice(),
                "nobody on this platform gets a link"
            ),
            None => {
                tracing::info!(platform, integration, "people on this platform get links again");
            }
        }
    }

    fn report(&self, connections: usize) {
        self.metrics.connections_known.set(i64::try_from(connections).unwrap_or(i64::MAX));
        #[expect(clippy::cast_precision_loss, reason = "seconds since 1970 fit a double exactly")]
        self.metrics.connections_refreshed.set(self.clock.now().as_second() as f64);
    }

    fn arrange(&self, mut connections: Vec<ChannelConnection>) -> ByWorkspace {
        // Checked here as well: a connection of another integration has another bot's token.
        connections.retain(|connection| connection.integration_identifier == self.integration);
        let connections = connections.into_iter().map(Arc::new);
        arrange(self.platform, connections, self.pinned.as_deref())
    }
}

/// Connections by their workspace, of each the one to use first.
fn arrange(
    platform: &Platform,
    connections: impl Iterator<Item = Arc<ChannelConnection>>,
    pinned: Option<&str>,
) -> ByWorkspace {
    let mut by_workspace = ByWorkspace::new();
    for connection in connections {
        let Some(workspace) = &connection.workspace else { continue };
        let id = platform.canonical_id(&workspace.id).into_owned();
        by_workspace.entry(id).or_default().push(connection);
    }
    for candidates in by_workspace.values_mut() {
        candidates.sort_by_key(|connection| rank(connection, pinned));
    }
    by_workspace
}

fn rank(
    connection: &ChannelConnection,
    pinned: Option<&str>,
) -> (bool, bool, Reverse<Option<Timestamp>>) {
    let is_pinned = pinned == Some(connection.identifier.as_str());
    let personal = connection.subscriber_id.is_some();
    (!is_pinned, personal, Reverse(connection.created_at))
}

/// The workspaces among whose connections nothing chooses, though they are in different contexts.
#[must_use]
pub fn contested_workspaces(
    platform: &Platform,
    connections: &[Arc<ChannelConnection>],
    pinned: Option<&str>,
) -> BTreeSet<String> {
    let by_workspace = arrange(platform, connections.iter().cloned(), pinned);
    let is_chosen = |first: &ChannelConnection| pinned == Some(first.identifier.as_str());
    let contested = by_workspace.into_iter().filter(|(_, candidates)| {
        candidates.first().is_some_and(|first| !is_chosen(first)) && is_contested(candidates)
    });
    contested.map(|(workspace, _)| workspace).collect()
}

/// Tells the operator of workspaces with several connections that only their age tells apart: once,
/// when it comes to that, and not again while it stays so.
fn tell_of_several(now: &ByWorkspace, before: &ByWorkspace, pinned: Option<&str>) {
    let state = |candidates: &[Arc<ChannelConnection>]| {
        let chosen = pinned.is_some_and(|pinned| candidates[0].identifier == pinned);
        let several = !chosen && equals(candidates).count() > 1;
        several.then(|| is_contested(candidates))
    };
    for (workspace, candidates) in now {
        let contested = state(candidates);
        if contested == before.get(workspace).and_then(|candidates| state(candidates)) {
            continue;
        }
        let connections: Vec<_> =
            equals(candidates).map(|candidate| candidate.identifier.as_str()).collect();
        match contested {
            Some(true) => tracing::warn!(
                workspace,
                ?connections,
                advice = "prefer one in the configuration, let the identity webhook name the \
                         context, or remove the others",
                "a workspace has connections in different contexts and nothing says which one is \
                 meant; its people are refused with C-CONTEXT"
            ),
            Some(false) => tracing::info!(
                workspace,
                ?connections,
                "a workspace has several connections in one context; the newest is used"
            ),
            None => {}
        }
    }
}

impl Snapshot {
    fn find(
        &self,
        platform: &'static Platform,
        workspace: &Workspace,
    ) -> Vec<Arc<ChannelConnection>> {
        workspace
            .connection_keys()
            .filter_map(|key| self.by_workspace.get(&*platform.canonical_id(key)))
            .flatten()
            .cloned()
            .collect()
    }
}
