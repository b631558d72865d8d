//! The service put together from its configuration.

mod config;
mod resolving;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, join, join_all};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::answering::{Common, Machine, Responder, Surface};
use crate::clock::SharedClock;
use crate::core::{Answer, Intent, PROFILES_UNREACHABLE, Reference, TOKEN_EXPIRED, WorkspaceIndex};
use crate::http::{self, Drained, Limits, RequestLimits, harden, ops};
use crate::links::Links;
use crate::metrics::Metrics;
use crate::net::{self, Outgoing};
use crate::novu::{self, Novu};
use crate::page::LinkPages;
use crate::random::SharedRandom;
use crate::signing::SigningKey;
use crate::store::{Store, StoreTrouble};
use crate::{slack, teams};
use resolving::Resolving;

pub(crate) use self::config::platforms;
pub use self::config::{Config, sections};

/// How often the store is looked into when the service is about to end.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// How long answers that were promised may take to go out after the last request.
const LAST_ANSWERS: Duration = Duration::from_secs(10);
/// How long people may then take to be told that there will be no answer.
const LAST_WORDS: Duration = Duration::from_secs(5);

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
    metrics: Arc<Metrics>,
    store: Store,
    surfaces: Vec<Arc<dyn Surface>>,
    pages: Option<Arc<LinkPages>>,
    clock: SharedClock,
    random: SharedRandom,
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
        let novu = Novu::new(config.novu, http.clone(), Arc::clone(&clock))
            .context("novu.api_url or novu.api_key cannot be used")?;

        let links = build_links(&config.server, &clock);
        let resolving = Resolving { http: &http, clock: &clock, metrics: &metrics };
        let chain = Arc::new(resolving.chain(&config.identity, platforms).await?);
        let create_missing = config.identity.create_missing;
        let common =
            Common { http, novu, store, links, chain, create_missing, clock, random, metrics };
        let mut surfaces = Vec::with_capacity(config.surfaces.len());
        for settings in &config.surfaces {
            begin_series(&common.metrics, settings.platform().name);
            surfaces.push(settings.open(&common).await?);
        }
        let pages = build_pages(&common, &surfaces);
        let Common { metrics, store, clock, random, .. } = common;
        Ok(Self { metrics, store, surfaces, pages, clock, random })
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
        self.hardened(ops::router(Arc::new(self.clone())))
    }

    fn hardened(&self, router: Router) -> Router {
        let random = Arc::clone(&self.random);
        harden(router, RequestLimits::default(), move || Reference::new(&*random).to_string())
    }

    /// Serves until `stop`, then lets what has begun come to its end.
    ///
    /// Connections finish first, so that every promise is in the store before the last answers go out.
    pub async fn serve(&self, listeners: Listeners, limits: Limits, stop: CancellationToken) {
        // Of its own, not a child of `stop`: promises are kept until the last one is.
        let background = CancellationToken::new();
        let work = tokio::spawn({
            let (app, stop) = (self.clone(), background.clone());
            async move { app.run(stop).await }
        });
        let ops = async {
            if let Some(listener) = listeners.ops {
                let limits = limits.for_operators();
                http::serve(listener, self.ops_router(), limits, stop.clone()).await;
            }
        };
        let (drained, ()) =
            tokio::join!(http::serve(listeners.public, self.router(), limits, stop.clone()), ops);
        if let Drained::CutOff(connections) = drained {
            tracing::warn!(connections, "connections were broken off");
        }
        self.settle().await;
        background.cancel();
        // What is still asked of Novu for the index is of no use to anybody any more.
        work.abort();
    }

    /// Does what goes on beside the requests, until `stop`.
    async fn run(&self, stop: CancellationToken) {
        let running = self
            .surfaces
            .iter()
            .map(|surface| join(surface.machine().run(stop.clone()), surface.run(stop.clone())));
        tokio::select! {
            _ = join_all(running) => {}
            () = self.store.keep(&self.clock) => {}
        }
    }

    /// Keeps every promise; where that takes too long, the people are told so.
    async fn settle(&self) {
        if self.keeps_promises_within(LAST_ANSWERS).await {
            return;
        }
        for surface in &self.surfaces {
            surface.machine().conclude().await;
        }
        if !self.keeps_promises_within(LAST_WORDS).await {
            let promises = self.open_promises().await;
            tracing::warn!(promises, "some answers did not go out in time");
        }
    }

    async fn keeps_promises_within(&self, limit: Duration) -> bool {
        tokio::select! {
            () = self.keep_promises() => true,
            () = self.clock.sleep(limit) => false,
        }
    }

    /// Waits until every promise is kept and nobody is being answered any more. Call once no new
    /// requests come in, and while the background work still goes on.
    async fn keep_promises(&self) {
        loop {
            while self.open_promises().await > 0 {
                tokio::time::sleep(LOOK_EVERY).await;
            }
            for surface in &self.surfaces {
                surface.machine().drain().await;
            }
            // What was under way may have promised something meanwhile.
            if self.open_promises().await == 0 {
                return;
            }
        }
    }

    /// How many promises are not kept yet.
    async fn open_promises(&self) -> usize {
        self.store.open_jobs().await.unwrap_or_default()
    }
}

impl ops::Operated for App {
    fn trouble(&self) -> BoxFuture<'_, Vec<(&'static str, &'static str)>> {
        async move {
            let mut trouble: Vec<_> =
                self.store.trouble().map(|it| ("store", it.word())).into_iter().collect();
            for surface in &self.surfaces {
                let machine = surface.machine();
                let word = match surface.trouble() {
                    Some(word) => Some(word),
                    None => machine.trouble().await,
                };
                trouble.extend(word.map(|word| (machine.platform().name, word)));
            }
            trouble
        }
        .boxed()
    }

    fn warnings(&self) -> Vec<(&'static str, &'static str)> {
        let machines = self.surfaces.iter().map(|surface| surface.machine());
        let warning = |machine: Arc<dyn Machine>| {
            machine.warning().map(|word| (machine.platform().name, word))
        };
        machines.filter_map(warning).collect()
    }

    fn figures(&self) -> BoxFuture<'_, String> {
        async {
            // Counted when somebody asks, because others may use the same store.
            if let Ok(open) = self.store.open_jobs().await {
                self.metrics.promises_open.set(i64::try_from(open).unwrap_or(i64::MAX));
            }
            self.metrics.render()
        }
        .boxed()
    }
}

/// Every word that `/readyz` can say of a part, without those about single subscribers, connections and
/// endpoints of Novu, for which nobody is asked there.
#[must_use]
pub fn readiness_words() -> BTreeSet<&'static str> {
    let of_novu = novu::Error::CODES.into_iter().filter(|code| {
        !matches!(*code, "unknown_subscriber" | "unknown_connection" | "unknown_endpoint")
    });
    of_novu
        .chain(WorkspaceIndex::words())
        .chain([PROFILES_UNREACHABLE, TOKEN_EXPIRED])
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

fn build_links(server: &http::config::Settings, clock: &SharedClock) -> Option<Arc<Links>> {
    let public_url = server.public_url.clone()?;
    let keys = server.link_keys.iter().filter_map(SigningKey::new).collect();
    Links::new(public_url, keys, Arc::clone(clock)).map(Arc::new)
}

fn build_pages(common: &Common, surfaces: &[Arc<dyn Surface>]) -> Option<Arc<LinkPages>> {
    let links = Arc::clone(common.links.as_ref()?);
    let responders =
        surfaces.iter().map(|surface| surface.machine() as Arc<dyn Responder>).collect();
    let (random, metrics) = (Arc::clone(&common.random), Arc::clone(&common.metrics));
    Some(Arc::new(LinkPages::new(links, responders, random, metrics)))
}
