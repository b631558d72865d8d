//! The resolvers, put together from the section `identity`.

use std::sync::Arc;

use anyhow::Context as _;

use crate::clock::SharedClock;
use crate::core::Platform;
use crate::core::resolve::config::Settings;
use crate::core::resolve::{
    Chain, EmailResolver, Resolver, ResolverKind, TableResolver, WebhookResolver,
};
use crate::metrics::Metrics;
use crate::net::Outgoing;
use crate::signing::SigningKey;

/// What resolvers work with.
pub(super) struct Resolving<'a> {
    pub(super) http: &'a Outgoing,
    pub(super) clock: &'a SharedClock,
    pub(super) metrics: &'a Arc<Metrics>,
}

impl Resolving<'_> {
    /// The chain as configured, for people of these platforms.
    pub(super) async fn chain(
        &self,
        settings: &Settings,
        platforms: Vec<&'static Platform>,
    ) -> anyhow::Result<Chain> {
        let table = self.table(settings, platforms).await?;
        let resolver = |kind: &ResolverKind| {
            Ok(match kind {
                ResolverKind::Table => {
                    Resolver::Table(table.clone().context("identity.table is missing")?)
                }
                ResolverKind::Webhook => Resolver::Webhook(Arc::new(self.webhook(settings)?)),
                ResolverKind::Email => {
                    Resolver::Email(EmailResolver::new(settings.email_domains.clone()))
                }
                ResolverKind::Template => Resolver::Template(settings.template.clone()),
            })
        };
        let resolvers = settings.chain.iter().map(resolver).collect::<anyhow::Result<_>>()?;
        Ok(Chain::new(resolvers, settings.create_missing.clone()))
    }

    async fn table(
        &self,
        settings: &Settings,
        platforms: Vec<&'static Platform>,
    ) -> anyhow::Result<Option<Arc<TableResolver>>> {
        let Some(path) = settings.table.clone() else { return Ok(None) };
        let (clock, metrics) = (Arc::clone(self.clock), Arc::clone(self.metrics));
        let name = path.display().to_string();
        let table = TableResolver::open(path, platforms, clock, metrics).await;
        table
            .map(|table| Some(Arc::new(table)))
            .with_context(|| format!("identity.table ({name}) cannot be used"))
    }

    fn webhook(&self, settings: &Settings) -> anyhow::Result<WebhookResolver> {
        let url = settings.webhook_url.clone().context("identity.webhook_url is missing")?;
        let key = settings
            .webhook_secret
            .as_ref()
            .and_then(SigningKey::new)
            .context("identity.webhook_secret is missing")?;
        Ok(WebhookResolver::new(
            url,
            key,
            settings.webhook_timeout,
            self.http.clone(),
            Arc::clone(self.clock),
        ))
    }
}
