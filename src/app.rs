//! The service put together from its configuration.

mod config;
mod doctor;
mod reload;
mod resolving;
mod running;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::net::TcpListener;
use tokio::sync::Mutex as AsyncMutex;
use tokio_util::sync::CancellationToken;

use crate::admin::{Admin, AdminParts, AdminToken, Doctor};
use crate::answering::{Common, People, Surface};
use crate::audit::Audit;
use crate::clock::SharedClock;
use crate::config::Fingerprints;
use crate::core::workspaces::Workspaces;
use crate::core::{
    Answer, HeldAccounts, Intent, KnownLinks, PROFILES_UNREACHABLE, Reference, TOKEN_EXPIRED,
    WorkspaceIndex,
};
use crate::doctor::Report;
use crate::http::{self, RequestLimits, harden, ops};
use crate::links::{self, Links};
use crate::metrics::Metrics;
use crate::net::{self, Outgoing, SingleFlight};
use crate::novu::{self, Novu};
use crate::page::{self, LinkPages};
use crate::random::SharedRandom;
use crate::signing::SigningKey;
use crate::store::{Store, StoreTrouble};
use crate::supervise::{RESTARTING, Supervisor};
use crate::{slack, teams, words};
use resolving::Resolving;

pub(crate) use self::config::platforms;
pub use self::config::{Config, sections};

/// The addresses that the service listens on.
#[derive(Debug)]
pub struct Listeners {
    /// For chat platforms and people.
    pub public: TcpListener,
    /// For operators; without it nobody is told more than the public.
    pub ops: Option<TcpListener>,
}

/// The service: what it answers with, and what it does beside.
#[derive(Debug, Clone)]
pub struct App {
    common: Arc<Common>,
    surfaces: Vec<Arc<dyn Surface>>,
    pages: Option<Arc<LinkPages>>,
    admin: Arc<Admin>,
    /// What the configuration says of what the doctor looks at.
    examined: Arc<crate::doctor::Settings>,
    /// The look that is under way.
    examining: Arc<SingleFlight<Report>>,
    /// What the values in force are known by.
    in_force: Arc<AsyncMutex<Fingerprints>>,
    supervisor: Arc<Supervisor>,
    /// How long it goes on serving after it was told to stop.
    drain: Duration,
    /// Cancelled once it was told to stop.
    stopping: CancellationToken,
}

impl App {
    /// Puts the service together.
    ///
    /// # Errors
    /// Something that the configuration names cannot be used, such as the store, the identity table or
    /// the bot's certificate.
    pub async fn build(
        config: Config,
        clock: SharedClock,
        random: SharedRandom,
    ) -> anyhow::Result<Self> {
        let store = Store::open(&config.store, Arc::clone(&clock), Arc::clone(&random)).await?;
        tracing::info!(store = %config.store.location, "the store is open");
        Self::build_on(store, config, clock, random).await
    }

    /// As [`App::build`], with a store that is open already.
    ///
    /// # Errors
    /// As [`App::build`].
    pub async fn build_on(
        store: Store,
        config: Config,
        clock: SharedClock,
        random: SharedRandom,
    ) -> anyhow::Result<Self> {
        let platforms = config.platforms();
        let http = net::client_through(config.server.proxy.as_ref())
            .context("the HTTP client cannot be set up; does this machine have CA certificates?")?;
        let metrics = Arc::new(Metrics::new());
        let http = Outgoing::new(http, Arc::clone(&clock), Arc::clone(&metrics));
        let examined = Arc::new(doctor::settings(&config));
        let test_workflow = config.novu.test_workflow.clone();
        let novu = Novu::new(config.novu, http.clone(), Arc::clone(&clock))
            .context("novu.api_url or novu.api_key cannot be used")?;

        let links = build_links(&config.server, &store, &random, &clock);
        let resolving = Resolving { http: &http, clock: &clock, metrics: &metrics };
        let chain = Arc::new(resolving.chain(&config.identity, platforms.clone()).await?);
        let held = HeldAccounts::load(store.clone(), Arc::clone(&clock)).await;
        let held = Arc::new(held);
        let known_links = KnownLinks::new(store.clone(), platforms, Arc::clone(&clock));
        let known_links = Arc::new(known_links);
        let audit = Audit::begin(store.clone(), Arc::clone(&clock), &random, Arc::clone(&metrics));
        let audit = Arc::new(audit);
        let common = Arc::new(Common {
            http,
            novu,
            store,
            audit,
            links,
            held,
            known_links,
            chain,
            test_workflow,
            support: config.app.support.as_ref().map(|support| support.to_string().into()),
            workspaces: Arc::new(config.workspaces),
            clock,
            random,
            metrics,
        });
        let mut surfaces = Vec::with_capacity(config.surfaces.len());
        for settings in &config.surfaces {
            begin_series(&common.metrics, settings.platform().name);
            surfaces.push(settings.open(&common).await?);
        }
        let pages = build_pages(&common, config.app, &surfaces);
        let admin = build_admin(&common, config.server.admin_tokens, &surfaces);
        let (clock, metrics) = (Arc::clone(&common.clock), Arc::clone(&common.metrics));
        Ok(Self {
            common,
            surfaces,
            pages,
            admin,
            examined,
            examining: Arc::default(),
            in_force: Arc::new(AsyncMutex::new(config.fingerprints)),
            supervisor: Arc::new(Supervisor::new(clock, metrics)),
            drain: config.server.drain,
            stopping: CancellationToken::new(),
        })
    }

    /// What connects the workspaces of a platform; none where that platform is not on.
    #[must_use]
    pub fn workspaces(&self, platform: &str) -> Option<Arc<Workspaces>> {
        let mut machines = self.surfaces.iter().map(|surface| surface.machine());
        let machine = machines.find(|machine| machine.platform().name == platform)?;
        Some(machine.workspaces())
    }

    /// The people of a platform, as administrators see them; none if the platform is off.
    #[must_use]
    pub fn people(&self, platform: &str) -> Option<Arc<dyn People>> {
        let machines = self.surfaces.iter().map(|surface| surface.machine());
        let mut theirs = machines.filter(|machine| machine.platform().name == platform);
        theirs.next().map(|machine| machine as _)
    }

    /// The routes for the public.
    pub fn router(&self) -> Router {
        let mut router = ops::public_router(Arc::new(self.clone()));
        for surface in &self.surfaces {
            router = router.merge(Arc::clone(surface).routes());
        }
        if let Some(pages) = &self.pages {
            router = router.merge(Arc::clone(pages).router());
        }
        self.hardened(router)
    }

    /// The routes for operators, for an address of their own.
    pub fn ops_router(&self) -> Router {
        self.hardened(
            ops::router(Arc::new(self.clone())).merge(self.admin.router(Arc::new(self.clone()))),
        )
    }

    fn hardened(&self, router: Router) -> Router {
        let (random, metrics) = (Arc::clone(&self.common.random), Arc::clone(&self.common.metrics));
        harden(router, RequestLimits::default(), move || {
            metrics.panicked("request");
            Reference::new(&*random).to_string()
        })
    }
}

impl Doctor for App {
    fn report(&self) -> BoxFuture<'_, Report> {
        self.doctor().boxed()
    }
}

impl ops::Operated for App {
    fn trouble(&self) -> BoxFuture<'_, Vec<ops::Named>> {
        async move {
            let stopping = self.stopping.is_cancelled().then_some(("service".into(), STOPPING));
            let store = self.common.store.trouble().map(|it| ("store".into(), it.word()));
            let mut trouble: Vec<_> = stopping.into_iter().chain(store).collect();
            for surface in &self.surfaces {
                let machine = surface.machine();
                let word = match surface.trouble() {
                    Some(word) => Some(word),
                    None => machine.trouble().await,
                };
                trouble.extend(word.map(|word| (machine.platform().name.into(), word)));
            }
            trouble
        }
        .boxed()
    }

    fn warnings(&self) -> BoxFuture<'_, Vec<ops::Named>> {
        async move {
            let mut warnings = Vec::new();
            for surface in &self.surfaces {
                let machine = surface.machine();
                let words = machine.warnings().await.into_iter();
                warnings.extend(words.map(|word| (machine.platform().name.into(), word)));
            }
            // People are answered without it, a little later at worst: what nobody can be answered
            // without has words of its own.
            let restarting = self.supervisor.pausing_tasks().into_iter();
            warnings.extend(restarting.map(|task| (Cow::from(task), RESTARTING)));
            warnings
        }
        .boxed()
    }

    fn figures(&self) -> BoxFuture<'_, String> {
        async {
            self.common.metrics.store_up.set(i64::from(self.common.store.trouble().is_none()));
            // Counted when somebody asks, because others may use the same store.
            if let Ok(open) = self.common.store.open_jobs().await {
                self.common.metrics.promises_open.set(i64::try_from(open).unwrap_or(i64::MAX));
            }
            self.common.metrics.render()
        }
        .boxed()
    }
}

/// What an operator is told of a service that was told to stop.
const STOPPING: &str = "stopping";

/// Every word that `/readyz` can say of a part, without those about single subscribers, connections and
/// endpoints of Novu, for which nobody is asked there.
#[must_use]
pub fn readiness_words() -> BTreeSet<&'static str> {
    let of_novu = novu::Error::CODES.into_iter().filter(|code| {
        !matches!(*code, "unknown_subscriber" | "unknown_connection" | "unknown_endpoint")
    });
    of_novu
        .chain(WorkspaceIndex::words())
        .chain([PROFILES_UNREACHABLE, TOKEN_EXPIRED, STOPPING, RESTARTING])
        .chain(StoreTrouble::ALL.map(StoreTrouble::word))
        .chain(slack::troubles())
        .chain(teams::troubles())
        .collect()
}

/// How late answers end on every platform, if not with a message that is seen.
const ENDS_OF_REPLIES: [&str; 4] = ["uncertain", "undelivered", "duplicate", "lease_lost"];

/// Makes a platform's series exist, at zero.
fn begin_series(metrics: &Metrics, platform: &'static str) {
    metrics.begin_answers(platform, &Intent::NAMES, Answer::names());
    metrics.begin_funnel(platform);
    metrics.begin_late(platform, &ENDS_OF_REPLIES);
    metrics.begin_reply(platform);
}

fn build_links(
    server: &http::config::Settings,
    store: &Store,
    random: &SharedRandom,
    clock: &SharedClock,
) -> Option<Arc<Links>> {
    Some(Arc::new(Links::new(links::Parts {
        public_url: server.public_url.clone()?,
        former_keys: server.link_keys.iter().filter_map(SigningKey::new).collect(),
        store: store.clone(),
        random: Arc::clone(random),
        clock: Arc::clone(clock),
    })))
}

fn build_pages(
    common: &Common,
    app: words::config::Settings,
    surfaces: &[Arc<dyn Surface>],
) -> Option<Arc<LinkPages>> {
    let chat = |surface: &Arc<dyn Surface>| page::Chat {
        responder: surface.machine(),
        address: surface.chat_address(),
        workspaces: Some(surface.machine().workspaces()),
    };
    Some(Arc::new(LinkPages::new(page::Parts {
        links: Arc::clone(common.links.as_ref()?),
        chats: surfaces.iter().map(chat).collect(),
        app,
        random: Arc::clone(&common.random),
        metrics: Arc::clone(&common.metrics),
    })))
}

fn build_admin(
    common: &Common,
    tokens: Vec<AdminToken>,
    surfaces: &[Arc<dyn Surface>],
) -> Arc<Admin> {
    Arc::new(Admin::new(AdminParts {
        tokens,
        machines: surfaces.iter().map(|surface| surface.machine()).collect(),
        store: common.store.clone(),
        clock: Arc::clone(&common.clock),
        random: Arc::clone(&common.random),
        metrics: Arc::clone(&common.metrics),
    }))
}
