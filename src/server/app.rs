//! The service put together from its configuration.

use std::sync::Arc;

use anyhow::Context as _;
use axum::Router;
use tokio_util::sync::CancellationToken;

use super::{RequestLimits, harden, ops};
use crate::clock::SharedClock;
use crate::config::{self, Config};
use crate::connect::resolve::{
    Chain, EmailResolver, Resolver, ResolverKind, TableResolver, WebhookResolver,
};
use crate::connect::{Connect, Integration, WorkspaceIndex};
use crate::metrics::Metrics;
use crate::novu::{self, Novu};
use crate::random::{SharedRandom, reference};
use crate::signing::SigningKey;
use crate::slack::signature::Verifier;
use crate::slack::{self, Slack, WebApi};
use crate::store::Store;
use crate::{outbound, slack::Parts};

/// The service: what it answers with, and what it does beside.
#[derive(Debug, Clone)]
pub struct App {
    metrics: Arc<Metrics>,
    slack: Option<Arc<Slack>>,
    random: SharedRandom,
    ops_apart: bool,
}

/// What every part of the service shares.
struct Shared {
    http: reqwest::Client,
    novu: Novu,
    store: Arc<Store>,
    metrics: Arc<Metrics>,
    clock: SharedClock,
    random: SharedRandom,
}

impl App {
    /// Puts the service together.
    ///
    /// # Errors
    /// Something that the configuration names cannot be used, such as the identity table.
    pub async fn build(
        config: Config,
        clock: SharedClock,
        random: SharedRandom,
    ) -> anyhow::Result<Self> {
        let http = outbound::client()
            .context("the HTTP client cannot be set up; does this machine have CA certificates?")?;
        let metrics = Arc::new(Metrics::new());
        let settings = novu::Settings {
            api_url: config.novu.api_url,
            api_key: config.novu.api_key,
            timeout: config.novu.timeout,
            context_hmac: config.novu.context_hmac,
        };
        let novu = Novu::new(settings, http.clone(), Arc::clone(&metrics), Arc::clone(&clock))
            .context("novu.api_url or novu.api_key cannot be used")?;
        let store = Arc::new(Store::in_memory());
        let shared = Shared { http, novu, store, metrics, clock, random };
        let slack = match config.slack {
            Some(slack) => Some(Arc::new(build_slack(slack, &config.identity, &shared).await?)),
            None => None,
        };
        Ok(Self {
            metrics: shared.metrics,
            slack,
            random: shared.random,
            ops_apart: config.server.ops_listen.is_some(),
        })
    }

    /// The routes for the public. Operation's are among them, unless they have an address of
    /// their own.
    pub fn router(&self) -> Router {
        let mut router = ops::alive();
        if !self.ops_apart {
            router = router.merge(ops::router(self.clone()));
        }
        if let Some(slack) = &self.slack {
            router = router.merge(slack::router(Arc::clone(slack)));
        }
        self.hardened(router)
    }

    /// The routes for operation, for an address of their own.
    pub fn ops_router(&self) -> Router {
        self.hardened(ops::alive().merge(ops::router(self.clone())))
    }

    fn hardened(&self, router: Router) -> Router {
        let random = Arc::clone(&self.random);
        harden(router, RequestLimits::default(), move || reference(&*random).to_string())
    }

    /// Does what goes on beside the requests, until `stop`.
    pub async fn run(&self, stop: CancellationToken) {
        match &self.slack {
            Some(slack) => slack.run(stop).await,
            None => stop.cancelled().await,
        }
    }

    /// Waits until nobody is being answered any more. Call once no new requests come in.
    pub async fn finish(&self) {
        if let Some(slack) = &self.slack {
            slack.finish().await;
        }
    }

    /// What keeps the service from serving: the part, and a word for its trouble.
    pub async fn trouble(&self) -> Vec<(&'static str, &'static str)> {
        let mut trouble = Vec::new();
        if let Some(slack) = &self.slack
            && let Some(word) = slack.trouble().await
        {
            trouble.push(("slack", word));
        }
        trouble
    }

    /// Every figure, for Prometheus.
    #[must_use]
    pub fn figures(&self) -> String {
        self.metrics.render()
    }
}

async fn build_slack(
    slack: config::Slack,
    identity: &config::Identity,
    shared: &Shared,
) -> anyhow::Result<Slack> {
    let keys = slack.signing_secrets.iter().filter_map(SigningKey::new).collect();
    let index = WorkspaceIndex::new(
        shared.novu.clone(),
        slack.integration.clone(),
        slack.connection,
        Arc::clone(&shared.clock),
        Arc::clone(&shared.metrics),
    );
    let integration = Integration {
        identifier: slack.integration,
        user_scope: slack.user_scope,
        link_hosts: slack.link_hosts,
        bot_token: slack.bot_token,
    };
    let connect = Connect::new(
        shared.novu.clone(),
        integration,
        index,
        build_chain(identity, shared).await?,
        identity.create_missing.clone(),
        Arc::clone(&shared.clock),
    );
    let web_api = WebApi::new(&slack.api_url, shared.http.clone(), Arc::clone(&shared.metrics))
        .context("slack.api_url cannot be used")?;
    Ok(Slack::new(Parts {
        verifier: Verifier::new(keys, Arc::clone(&shared.clock), Arc::clone(&shared.metrics)),
        connect,
        web_api,
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

async fn build_chain(identity: &config::Identity, shared: &Shared) -> anyhow::Result<Chain> {
    let mut links = Vec::with_capacity(identity.chain.len());
    for kind in &identity.chain {
        links.push(match kind {
            ResolverKind::Table => Resolver::Table(open_table(identity, shared).await?),
            ResolverKind::Webhook => Resolver::Webhook(build_webhook(identity, shared)?),
            ResolverKind::Email => Resolver::Email(EmailResolver::new(shared.novu.clone())),
            ResolverKind::Template => Resolver::Template(identity.template.clone()),
        });
    }
    Ok(Chain::new(links))
}

async fn open_table(identity: &config::Identity, shared: &Shared) -> anyhow::Result<TableResolver> {
    let path = identity.table.clone().context("identity.table is missing")?;
    TableResolver::open(path, Arc::clone(&shared.clock))
        .await
        .context("identity.table cannot be used")
}

fn build_webhook(identity: &config::Identity, shared: &Shared) -> anyhow::Result<WebhookResolver> {
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
        Arc::clone(&shared.metrics),
    ))
}
