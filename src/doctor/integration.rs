//! What Novu has for one platform: the integration and its channel connections.

use std::collections::BTreeSet;
use std::future::Future;
use std::sync::Arc;

use tokio::sync::OnceCell;

use super::check::Check;
use super::examination::Examination;
use super::novu::no_answer;
use super::probe::Probe;
use super::report::Outcome;
use crate::core::resolve::ResolverKind;
use crate::core::{Platform, Reason, contested_workspaces};
use crate::novu::{AllConnections, ChannelConnection, Error, Integration};

/// The names of one platform's checks of Novu.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NovuChecks {
    pub(crate) integration: Check,
    pub(crate) provider: Check,
    pub(crate) active: Check,
    pub(crate) hmac: Check,
    pub(crate) connections: Check,
    pub(crate) pinned: Check,
    pub(crate) context: Check,
    pub(crate) email_domains: Check,
}

/// The connections of an integration.
#[derive(Debug)]
struct Connections {
    read: Vec<Arc<ChannelConnection>>,
    /// Whether there are more than were read.
    is_cut: bool,
}

/// What Novu has for one platform, and is asked once.
#[derive(Debug)]
pub(crate) struct NovuSide {
    examination: Arc<Examination>,
    platform: &'static Platform,
    checks: NovuChecks,
    /// The identifier of the integration.
    identifier: String,
    /// The identifier of the connection that is preferred.
    pinned: Option<String>,
    connections: OnceCell<Result<Connections, Error>>,
}

impl NovuSide {
    /// What has not been asked yet.
    pub(crate) fn new(
        examination: &Arc<Examination>,
        platform: &'static Platform,
        checks: NovuChecks,
        identifier: &str,
        pinned: Option<&str>,
    ) -> Arc<Self> {
        Arc::new(Self {
            examination: Arc::clone(examination),
            platform,
            checks,
            identifier: identifier.to_owned(),
            pinned: pinned.map(str::to_owned),
            connections: OnceCell::new(),
        })
    }

    /// All connections of the integration, as far as they are read.
    pub(crate) async fn connections(&self) -> Result<&[Arc<ChannelConnection>], &Error> {
        Ok(&self.all_connections().await?.read)
    }

    async fn all_connections(&self) -> Result<&Connections, &Error> {
        self.connections.get_or_init(|| self.read_connections()).await.as_ref()
    }

    /// The ids of all workspaces that are connected.
    pub(crate) async fn workspaces(&self) -> BTreeSet<String> {
        let connections = self.connections().await.unwrap_or_default();
        let ids = connections.iter().filter_map(|connection| connection.workspace.as_ref());
        ids.map(|workspace| self.platform.canonical_id(&workspace.id).into_owned()).collect()
    }

    async fn read_connections(&self) -> Result<Connections, Error> {
        let novu = self.examination.novu();
        let AllConnections { connections, is_cut } =
            novu.all_channel_connections(&self.identifier).await?;
        let ours = |it: &ChannelConnection| it.integration_identifier == self.identifier;
        let read = connections.into_iter().filter(ours).map(Arc::new).collect();
        Ok(Connections { read, is_cut })
    }

    async fn integration(&self) -> Option<&Integration> {
        let survey = self.examination.survey().await.as_ref().ok()?;
        survey.integrations.iter().find(|known| known.identifier == self.identifier)
    }

    /// The key of the configuration that names the integration.
    fn key(&self) -> String {
        format!("{}.integration", self.platform.name)
    }

    /// The checks.
    pub(crate) fn probes(self: &Arc<Self>) -> Vec<Probe> {
        let checks = self.checks;
        let mut probes = vec![
            self.probe(checks.integration, |it| async move { it.is_there().await }),
            self.probe(checks.provider, |it| async move { it.is_of_provider().await }),
            self.probe(checks.active, |it| async move { it.is_active().await }),
            self.probe(checks.hmac, |it| async move { it.is_signed().await }),
            self.probe(checks.connections, |it| async move { it.is_connected().await }),
            self.probe(checks.context, |it| async move { it.is_settled().await }),
        ];
        if self.pinned.is_some() {
            probes.push(self.probe(checks.pinned, |it| async move { it.has_pinned().await }));
        }
        if self.examination.chain().has(ResolverKind::Email) {
            probes
                .push(self.probe(checks.email_domains, |it| async move { it.has_domains().await }));
        }
        probes
    }

    fn probe<F: Future<Output = Outcome> + Send + 'static>(
        self: &Arc<Self>,
        check: Check,
        make: impl FnOnce(Arc<Self>) -> F,
    ) -> Probe {
        Probe::new(check, make(Arc::clone(self)))
    }

    async fn is_there(&self) -> Outcome {
        let (key, identifier) = (self.key(), &self.identifier);
        if self.integration().await.is_some() {
            return Outcome::ok(format!("Novu has the integration {identifier}"));
        }
        let fix = format!(
            "copy the Identifier from the integration's page in Novu into {key}, or use a key of its \
             environment"
        );
        Outcome::failure(format!("the key's environment has no integration {identifier}"), fix)
    }

    async fn is_of_provider(&self) -> Outcome {
        let known = self.integration().await;
        let provider = known.map(|known| known.provider_id.as_str()).unwrap_or_default();
        // Where Novu does not say, it is taken for the right one, as people are then served.
        if provider.is_empty() || self.platform.is_of(provider) {
            return Outcome::ok(format!("it is one of {}", self.platform.brand));
        }
        let finding = format!("the integration {} is one of {provider}", self.identifier);
        let fix = format!("name an integration of {} in {}", self.platform.brand, self.key());
        Outcome::failure(finding, fix)
    }

    async fn is_active(&self) -> Outcome {
        if self.integration().await.is_some_and(|known| known.active) {
            return Outcome::ok("it is switched on");
        }
        Outcome::failure(
            format!(
                "the integration {} is switched off: links are made, and nothing is delivered",
                self.identifier
            ),
            "switch the integration on in Novu",
        )
    }

    async fn is_signed(&self) -> Outcome {
        let signs = self.examination.novu().signs_contexts();
        let demands = self.examination.novu().demands_signed_contexts(&self.identifier).await;
        match demands {
            Ok(true) if !signs => Outcome::failure(
                "the integration demands signed contexts, and they are not signed",
                "set novu.context_hmac = true",
            ),
            Ok(true) => self.has_contexts().await,
            Ok(false) if signs => Outcome::ok("contexts are signed, which nobody demands"),
            Ok(false) => Outcome::ok("no signed contexts are demanded"),
            Err(error) => no_answer(&self.examination, "look_for_hmac", &error),
        }
    }

    /// Whether all connections have what is to be signed.
    async fn has_contexts(&self) -> Outcome {
        let connections = self.connections().await.unwrap_or_default();
        let without = connections.iter().filter(|connection| connection.context_keys.is_empty());
        let without: Vec<_> = without.map(|connection| connection.identifier.as_str()).collect();
        if without.is_empty() {
            return Outcome::ok("contexts are signed, as the integration demands");
        }
        Outcome::failure(
            format!(
                "the integration demands signed contexts, and these connections are in none: {}",
                listed(&without)
            ),
            "connect these workspaces in a context, or switch the integration's HMAC option off",
        )
    }

    async fn is_connected(&self) -> Outcome {
        let place = self.platform.brand;
        match self.all_connections().await {
            Err(error) => no_answer(&self.examination, "list_connections", error),
            Ok(Connections { read, is_cut: true }) => Outcome::warning(
                format!("of its connections only the newest {} are read", read.len()),
                "share the workspaces out among several integrations, each with a service of its own: \
                 people of the other workspaces are not served, and none can be connected",
            ),
            Ok(_) => match self.workspaces().await.len() {
                0 => Outcome::failure(
                    format!(
                        "nothing of {place} is connected to the integration {}",
                        self.identifier
                    ),
                    Reason::WorkspaceNotConnected.fix(),
                ),
                1 => Outcome::ok("one workspace or tenant is connected"),
                several => Outcome::ok(format!("{several} workspaces or tenants are connected")),
            },
        }
    }

    async fn has_pinned(&self) -> Outcome {
        let pinned = self.pinned.as_deref().unwrap_or_default();
        let connections = self.connections().await.unwrap_or_default();
        if connections.iter().any(|connection| connection.identifier == pinned) {
            return Outcome::ok(format!("the connection {pinned} is there"));
        }
        let key = format!("{}.connection", self.platform.name);
        Outcome::warning(
            format!("{key} prefers the connection {pinned}, which the integration does not have"),
            format!("correct {key}, or remove it"),
        )
    }

    async fn is_settled(&self) -> Outcome {
        let connections = self.connections().await.unwrap_or_default();
        let contested = contested_workspaces(self.platform, connections, self.pinned.as_deref());
        if contested.is_empty() {
            return Outcome::ok("no workspace has connections in different contexts");
        }
        let contested: Vec<_> = contested.iter().map(String::as_str).collect();
        if self.examination.chain().has(ResolverKind::Webhook) {
            let finding = format!(
                "the identity webhook has to name the context for people of {}",
                listed(&contested)
            );
            return Outcome::ok(finding);
        }
        Outcome::warning(
            format!(
                "connections in different contexts, of which nothing chooses, so people read \
                 C-CONTEXT: {}",
                listed(&contested)
            ),
            format!(
                "prefer one with {}.connection, let the identity webhook name the context, or remove \
                 the others",
                self.platform.name
            ),
        )
    }

    async fn has_domains(&self) -> Outcome {
        let workspaces = self.workspaces().await;
        if workspaces.len() <= 1 {
            return Outcome::ok("one workspace or tenant needs no list of e-mail domains");
        }
        let chain = self.examination.chain();
        let without = workspaces.iter().map(String::as_str);
        let without: Vec<_> =
            without.filter(|id| !chain.lists_domains_of(self.platform, id)).collect();
        if without.is_empty() {
            return Outcome::ok("every workspace or tenant has its e-mail domains");
        }
        Outcome::warning(
            format!("without e-mail domains people read C-EMAIL-DOMAIN: {}", listed(&without)),
            "list a domain for each in identity.email_domains",
        )
    }
}

/// The first few names, and how many there are beside.
pub(crate) fn listed(names: &[&str]) -> String {
    const MOST: usize = 5;
    let first = names[..names.len().min(MOST)].join(", ");
    match names.len().saturating_sub(MOST) {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}
