//! The service put together from its configuration.

mod config;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, join_all};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::answering::Surface;
use crate::clock::SharedClock;
use crate::core::resolve::config as identity;
use crate::core::resolve::{
    Chain, EmailResolver, Resolver, ResolverKind, TableResolver, WebhookResolver,
};
use crate::core::{Answer, Integration, Intent, Linking, Platform, Reference, WorkspaceIndex};
use crate::http::{self, Drained, Limits, RequestLimits, harden, ops};
use crate::links::Links;
use crate::metrics::Metrics;
use crate::net::{self, Outgoing};
use crate::novu::Novu;
use crate::page::{self, LinkPages};
use crate::random::SharedRandom;
use crate::signing::SigningKey;
use crate::slack::Parts;
use crate::slack::signature::Verifier;
use crate::slack::{self, Slack, WebApi};
use crate::store::Store;
use crate::teams::activity::Incomplete;
use crate::teams::config::AppCredential;
use crate::teams::connector::{self, Connector};
use crate::teams::credentials::{Certificate, CertificateFiles, Credentials, Proof, TokenSource};
use crate::teams::{self, Teams, token};

pub use self::config::{Config, SECTIONS};

/// The platforms that there are, by name.
const PLATFORMS: &[&Platform] = &[&slack::PLATFORM, &teams::PLATFORM];
/// How often the store is looked into when the service is about to end.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// How long answers that were promised may take to go out after the last request.
const LAST_ANSWERS: Duration = Duration::from_secs(10);

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
    store: Arc<Store>,
    surfaces: Vec<Arc<dyn Surface>>,
    pages: Option<Arc<LinkPages>>,
    random: SharedRandom,
}

/// What every part of the service shares.
struct Shared {
    http: Outgoing,
    novu: Novu,
    store: Arc<Store>,
    metrics: Arc<Metrics>,
    clock: SharedClock,
    random: SharedRandom,
    links: Option<Arc<Links>>,
    table: Option<Arc<TableResolver>>,
}

impl App {
    /// Puts the service together, with its promises in memory.
    ///
    /// # Errors
    /// Something that the configuration names cannot be used, such as the identity table or the
    /// bot's certificate.
    pub async fn build(
        config: Config,
        clock: SharedClock,
        random: SharedRandom,
    ) -> anyhow::Result<Self> {
        Self::build_on(Store::in_memory(), config, clock, random).await
    }

    /// As [`App::build`], with its promises in a store of the caller's choice.
    ///
    /// # Errors
    /// As [`App::build`].
    pub async fn build_on(
        store: Store,
        config: Config,
        clock: SharedClock,
        random: SharedRandom,
    ) -> anyhow::Result<Self> {
        let http = net::client_through(config.server.proxy.as_ref())
            .context("the HTTP client cannot be set up; does this machine have CA certificates?")?;
        let metrics = Arc::new(Metrics::new());
        let http = Outgoing::new(http, Arc::clone(&clock), Arc::clone(&metrics));
        let novu = Novu::new(config.novu, http.clone(), Arc::clone(&clock))
            .context("novu.api_url or novu.api_key cannot be used")?;
        let store = Arc::new(store);
        let links = build_links(&config.server, &clock);
        let table = open_table(&config.identity, &clock, &metrics).await?;
        let shared = Shared { http, novu, store, metrics, clock, random, links, table };
        let mut surfaces: Vec<Arc<dyn Surface>> = Vec::new();
        if let Some(slack) = config.slack {
            surfaces.push(Arc::new(build_slack(slack, &config.identity, &shared)?));
        }
        if let Some(teams) = config.teams {
            surfaces.push(Arc::new(build_teams(teams, &config.identity, &shared).await?));
        }
        let pages = build_pages(&shared, &surfaces);
        for surface in &surfaces {
            begin_series(&shared.metrics, surface.platform().name);
        }
        if pages.is_some() {
            shared.metrics.begin_refused("link", page::REFUSALS);
        }
        Ok(Self {
            pages,
            surfaces,
            metrics: shared.metrics,
            store: shared.store,
            random: shared.random,
        })
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
        let settled = tokio::time::timeout(LAST_ANSWERS, self.keep_promises()).await;
        background.cancel();
        if settled.is_err() {
            let promises = self.open_promises().await;
            tracing::warn!(promises, "some answers did not go out in time");
        }
        // What is still asked of Novu for the index is of no use to anybody any more.
        work.abort();
    }

    /// Does what goes on beside the requests, until `stop`.
    async fn run(&self, stop: CancellationToken) {
        let running = self.surfaces.iter().map(|surface| surface.run(stop.clone()));
        join_all(running).await;
    }

    /// Waits until every promise is kept and nobody is being answered any more. Call once no new
    /// requests come in, and while the background work still goes on.
    async fn keep_promises(&self) {
        while self.open_promises().await > 0 {
            tokio::time::sleep(LOOK_EVERY).await;
        }
        for surface in &self.surfaces {
            surface.drain().await;
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
            let mut trouble = Vec::new();
            for surface in &self.surfaces {
                if let Some(word) = surface.trouble().await {
                    trouble.push((surface.platform().name, word));
                }
            }
            trouble
        }
        .boxed()
    }

    fn figures(&self) -> String {
        self.metrics.render()
    }
}

/// How late answers end on every platform, if not with a message that is seen.
const ENDS_OF_REPLIES: [&str; 4] = ["uncertain", "undelivered", "duplicate", "lease_lost"];

/// Makes a platform's series exist, at zero.
fn begin_series(metrics: &Metrics, platform: &'static str) {
    metrics.begin_answers(platform, &Intent::NAMES, Answer::names());
    metrics.begin_funnel(platform);
    metrics.begin_late(platform, &ENDS_OF_REPLIES);
}

fn build_slack(
    slack: slack::config::Settings,
    identity: &identity::Settings,
    shared: &Shared,
) -> anyhow::Result<Slack> {
    let keys = slack.signing_secrets.iter().filter_map(SigningKey::new).collect();
    let integration = Integration {
        platform: &slack::PLATFORM,
        identifier: slack.integration,
        user_scope: slack.user_scope,
        link_hosts: slack.link_hosts,
        bot_token: slack.bot_token,
        require_profile: slack.require_profile,
    };
    let linking = build_linking(integration, slack.connection, identity, shared)?;
    let web_api = WebApi::new(&slack.api_url, shared.http.clone(), Arc::clone(&shared.clock))
        .context("slack.api_url cannot be used")?;
    Ok(Slack::new(Parts {
        verifier: Verifier::new(keys, Arc::clone(&shared.clock), Arc::clone(&shared.metrics)),
        linking,
        web_api,
        links: shared.links.clone(),
        store: Arc::clone(&shared.store),
        http: shared.http.clone(),
        command: slack.command,
        response_hosts: slack.response_hosts,
        reply_budget: slack.reply_budget,
        clock: Arc::clone(&shared.clock),
        random: Arc::clone(&shared.random),
        metrics: Arc::clone(&shared.metrics),
    }))
}

fn build_links(server: &http::config::Settings, clock: &SharedClock) -> Option<Arc<Links>> {
    let public_url = server.public_url.clone()?;
    let keys = server.link_keys.iter().filter_map(SigningKey::new).collect();
    Links::new(public_url, keys, Arc::clone(clock)).map(Arc::new)
}

fn build_pages(shared: &Shared, surfaces: &[Arc<dyn Surface>]) -> Option<Arc<LinkPages>> {
    let links = Arc::clone(shared.links.as_ref()?);
    let responders = surfaces.iter().map(|surface| surface.responder()).collect();
    let (random, metrics) = (Arc::clone(&shared.random), Arc::clone(&shared.metrics));
    Some(Arc::new(LinkPages::new(links, responders, random, metrics)))
}

async fn build_teams(
    teams: teams::config::Settings,
    identity: &identity::Settings,
    shared: &Shared,
) -> anyhow::Result<Teams> {
    shared.metrics.begin_refused("teams", Incomplete::ALL.map(Incomplete::name));
    let settings = token::Settings {
        app_id: teams.app_id.clone(),
        issuer: teams.issuer,
        metadata_url: teams.openid_metadata_url,
        key_hosts: None,
        pacing: token::Pacing {
            unknown_key_every: teams.unknown_key_interval,
            ..token::Pacing::default()
        },
    };
    let (clock, metrics) = (Arc::clone(&shared.clock), Arc::clone(&shared.metrics));
    let verifier = token::Verifier::new(settings, shared.http.clone(), clock, metrics)
        .context("teams.app_id, teams.issuer or teams.openid_metadata_url cannot be used")?;
    let proof = match teams.app_credential {
        AppCredential::Secret(secret) => Proof::Secret(secret),
        AppCredential::Certificate(files) => open_certificate(files, shared).await?,
    };
    let credentials = Credentials {
        client_id: teams.app_id.clone(),
        proof,
        token_url: teams.token_url,
        scope: teams.token_scope,
    };
    let tokens = TokenSource::new(credentials, shared.http.clone(), Arc::clone(&shared.clock))
        .context("teams.token_url cannot be used")?;
    let connector = Connector::new(connector::Parts {
        bot_id: format!("28:{}", teams.app_id),
        service_hosts: teams.service_hosts,
        tokens: Arc::new(tokens),
        http: shared.http.clone(),
        clock: Arc::clone(&shared.clock),
    });
    let integration = Integration {
        platform: &teams::PLATFORM,
        identifier: teams.integration,
        user_scope: None,
        link_hosts: teams.link_hosts,
        bot_token: None,
        require_profile: true,
    };
    Ok(Teams::new(teams::Parts {
        verifier,
        linking: build_linking(integration, teams.connection, identity, shared)?,
        connector,
        links: shared.links.clone(),
        store: Arc::clone(&shared.store),
        app_id: teams.app_id,
        clock: Arc::clone(&shared.clock),
        random: Arc::clone(&shared.random),
        metrics: Arc::clone(&shared.metrics),
    }))
}

async fn open_certificate(files: CertificateFiles, shared: &Shared) -> anyhow::Result<Proof> {
    let certificate = Certificate::open(files, Arc::clone(&shared.random)).await;
    let names = "teams.app_certificate or teams.app_certificate_key";
    let certificate = certificate.with_context(|| format!("{names} cannot be used"))?;
    Ok(Proof::Certificate(certificate))
}

/// The core for one platform.
fn build_linking(
    integration: Integration,
    pinned: Option<String>,
    identity: &identity::Settings,
    shared: &Shared,
) -> anyhow::Result<Arc<Linking>> {
    let index = WorkspaceIndex::new(
        shared.novu.clone(),
        integration.platform,
        integration.identifier.clone(),
        pinned,
        Arc::clone(&shared.clock),
        Arc::clone(&shared.metrics),
    );
    let linking = Linking::new(
        shared.novu.clone(),
        integration,
        index,
        build_chain(identity, shared)?,
        identity.create_missing.clone(),
        Arc::clone(&shared.clock),
    );
    Ok(Arc::new(linking))
}

fn build_chain(identity: &identity::Settings, shared: &Shared) -> anyhow::Result<Chain> {
    let mut links = Vec::with_capacity(identity.chain.len());
    for kind in &identity.chain {
        links.push(match kind {
            ResolverKind::Table => {
                Resolver::Table(shared.table.clone().context("identity.table is missing")?)
            }
            ResolverKind::Webhook => Resolver::Webhook(Box::new(build_webhook(identity, shared)?)),
            ResolverKind::Email => Resolver::Email(build_email(identity, shared)),
            ResolverKind::Template => Resolver::Template(identity.template.clone()),
        });
    }
    Ok(Chain::new(links))
}

fn build_email(identity: &identity::Settings, shared: &Shared) -> EmailResolver {
    EmailResolver::new(shared.novu.clone(), identity.email_domains.clone())
}

/// The table, once for all platforms.
async fn open_table(
    identity: &identity::Settings,
    clock: &SharedClock,
    metrics: &Arc<Metrics>,
) -> anyhow::Result<Option<Arc<TableResolver>>> {
    let Some(path) = identity.table.clone() else { return Ok(None) };
    let (clock, metrics) = (Arc::clone(clock), Arc::clone(metrics));
    let table = TableResolver::open(path, PLATFORMS, clock, metrics).await;
    table.map(|table| Some(Arc::new(table))).context("identity.table cannot be used")
}

fn build_webhook(
    identity: &identity::Settings,
    shared: &Shared,
) -> anyhow::Result<WebhookResolver> {
    let url = identity.webhook_url.clone().context("identity.webhook_url is missing")?;
    let key = identity
        .webhook_secret
        .as_ref()
        .and_then(SigningKey::new)
        .context("identity.webhook_secret is missing")?;
    Ok(WebhookResolver::new(
        url,
        key,
        identity.webhook_timeout,
        shared.http.clone(),
        Arc::clone(&shared.clock),
    ))
}
