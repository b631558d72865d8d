//! Everything Microsoft Teams: what it sends, what it is sent, and the proof that it is Teams.

mod activity;
mod card;
mod checks;
pub mod cloud;
pub(crate) mod config;
mod connector;
pub mod credentials;
mod deliver;
pub mod manifest;
mod markup;
mod mention;
mod outgoing;
mod pace;
mod routes;
pub mod token;

use std::any::Any;
use std::sync::Arc;

use anyhow::Context as _;
use axum::Router;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::answering::{Answering, Common, Machine, Surface, SurfaceEntry, SurfaceSettings};
use crate::clock::SharedClock;
use crate::config::Reload;
use crate::core::{Integration, Person, Platform};
use crate::doctor::{Examination, Probe};
use crate::metrics::Metrics;
use crate::novu::Endpoint;
use crate::random::SharedRandom;
use crate::supervise::Background;
use activity::Incomplete;
use config::{AppCredential, Settings};
use connector::{BAD_CREDENTIALS, Connector};
use credentials::{Certificate, Credentials, Proof, TokenError, TokenSource};
use deliver::TeamsDelivery;
use token::Verifier;

/// Every reason for which people in Teams cannot be served, in a word for the operator, beside those of
/// Novu's.
pub fn troubles() -> impl Iterator<Item = &'static str> {
    Verifier::troubles().chain(TokenError::words()).chain([BAD_CREDENTIALS])
}

/// What comes before the words that people type: nothing, for they write to the bot itself.
const COMMAND: &str = "";
/// A link that opens a chat with a bot, but for the bot's id (Teams, deep links).
const DEEP_LINK: &str = "https://teams.microsoft.com/l/chat/0/0?users=28:";

/// Microsoft Teams.
pub const PLATFORM: Platform = Platform {
    name: "teams",
    brand: "Microsoft Teams",
    provider: "Microsoft",
    place: "link-tenant",
    // People of other tenants can write to a bot.
    only_members_ask: false,
    organisations: None,
    // Entra's ids are GUIDs.
    ids_have_case: false,
    // Novu sends everybody to their home tenant, where a guest has another object id.
    guests_sign_in_elsewhere: true,
    // An endpoint carries its tenant.
    delivers_without_connection: true,
    // What the bot's installation for a person takes (Novu 3.19, Teams callback).
    consents_to: &[
        "AppCatalog.Read.All",
        "TeamsAppInstallation.ReadWriteSelfForUser.All",
        "User.Read",
    ],
    novu_providers: &["msteams"],
    reaches,
};

/// Whether an endpoint reaches this person's account.
fn reaches(endpoint: &Endpoint, person: &Person) -> bool {
    let Endpoint::MsTeamsUser { user_id, tenant_id } = endpoint else { return false };
    PLATFORM.same_id(user_id, &person.user)
        && tenant_id.as_ref().is_none_or(|id| PLATFORM.same_id(id, &person.workspace.id))
}

/// Microsoft Teams in the service's list of platforms.
pub(crate) static SURFACE: SurfaceEntry = SurfaceEntry {
    platform: &PLATFORM,
    section: &config::SECTION,
    read: |reader| Settings::read(reader).map(|settings| Arc::new(settings) as _),
};

/// The Teams side of the service.
#[derive(Debug)]
pub struct Teams {
    /// The bot's id in links to a chat with it.
    app_id: String,
    /// Identifier of the integration in Novu, and of the channel connection that is preferred.
    integration: String,
    connection: Option<String>,
    verifier: Verifier,
    tokens: Arc<TokenSource>,
    answering: Arc<Answering<TeamsDelivery>>,
    clock: SharedClock,
    random: SharedRandom,
    metrics: Arc<Metrics>,
}

impl Teams {
    async fn new(settings: Settings, common: &Common) -> anyhow::Result<Self> {
        common.metrics.begin_refused(PLATFORM.name, Incomplete::ALL.map(Incomplete::name));
        let (clock, metrics) = (Arc::clone(&common.clock), Arc::clone(&common.metrics));
        let verifier = token::Settings {
            app_id: settings.app_id.clone(),
            issuer: settings.issuer.clone(),
            metadata_url: settings.openid_metadata_url.clone(),
            key_hosts: None,
            pacing: token::Pacing {
                unknown_key_every: settings.unknown_key_interval,
                ..token::Pacing::default()
            },
        };
        let verifier =
            Verifier::new(verifier, common.http.clone(), Arc::clone(&clock), Arc::clone(&metrics))
                .context("teams.issuer or teams.openid_metadata_url cannot be used")?;
        let tokens = Arc::new(open_token_source(&settings, common).await?);
        let connector = Connector::new(connector::Parts {
            bot_id: format!("28:{}", settings.app_id),
            tokens: Arc::clone(&tokens),
            service_hosts: settings.service_hosts,
            http: common.http.clone(),
            clock: Arc::clone(&clock),
        });
        let integration = Integration {
            platform: &PLATFORM,
            identifier: settings.integration.clone(),
            user_scope: None,
            link_hosts: settings.link_hosts,
            bot_token: None,
            require_profile: true,
            workspace_names: settings.tenant_names,
            access: settings.access,
            tokens: None,
        };
        let linking = common.linking(integration, settings.connection.clone());
        let delivery =
            TeamsDelivery::new(connector, settings.app_id.clone(), common.support.clone());
        Ok(Self {
            app_id: settings.app_id,
            integration: settings.integration,
            connection: settings.connection,
            verifier,
            tokens,
            answering: common.answering(delivery, linking),
            clock,
            random: Arc::clone(&common.random),
            metrics,
        })
    }
}

/// Where the bot's own tokens come from.
async fn open_token_source(settings: &Settings, common: &Common) -> anyhow::Result<TokenSource> {
    let credentials = Credentials {
        client_id: settings.app_id.clone(),
        proof: open_proof(settings, &common.random).await?,
        token_url: settings.token_url.clone(),
        scope: settings.token_scope.clone(),
        graph_scope: settings.graph_scope.clone(),
    };
    TokenSource::new(credentials, common.http.clone(), Arc::clone(&common.clock))
        .context("teams.token_url cannot be used")
}

/// What proves to Entra that the bot is its application.
async fn open_proof(settings: &Settings, random: &SharedRandom) -> anyhow::Result<Proof> {
    Ok(match settings.app_credential.clone() {
        AppCredential::Secret(secret) => Proof::Secret(secret),
        AppCredential::Certificate(files) => Proof::Certificate(
            Certificate::open(files, Arc::clone(random))
                .await
                .context("teams.app_certificate or teams.app_certificate_key cannot be used")?,
        ),
    })
}

impl SurfaceSettings for Settings {
    fn platform(&self) -> &'static Platform {
        &PLATFORM
    }

    fn describe(&self) -> Vec<(&'static str, String)> {
        Self::describe(self)
    }

    fn open<'a>(&'a self, common: &'a Common) -> BoxFuture<'a, anyhow::Result<Arc<dyn Surface>>> {
        async { Ok(Arc::new(Teams::new(self.clone(), common).await?) as _) }.boxed()
    }
}

impl Surface for Teams {
    fn routes(self: Arc<Self>) -> Router {
        routes::router(self)
    }

    fn machine(&self) -> Arc<dyn Machine> {
        Arc::clone(&self.answering) as _
    }

    fn chat_address(&self) -> String {
        format!("{DEEP_LINK}{}", self.app_id)
    }

    fn checks(self: Arc<Self>, examination: &Arc<Examination>) -> Vec<Probe> {
        checks::probes(&self, examination)
    }

    fn reload(self: Arc<Self>, new: &dyn SurfaceSettings) -> BoxFuture<'_, anyhow::Result<Reload>> {
        async move {
            let new = (new as &dyn Any).downcast_ref::<Settings>();
            let new = new.context("these are not the settings of Teams")?;
            let proof = open_proof(new, &self.random).await?;
            let keys = [&config::APP_CERTIFICATE, &config::APP_CERTIFICATE_KEY].map(|key| key.name);
            let keys = keys.into_iter().chain([config::APP_SECRET.name]);
            let is_new = self.tokens.has_other_certificate_than(&proof);
            let reload = Reload::new(keys, move || self.tokens.use_proof(proof));
            let certificate = config::APP_CERTIFICATE.name;
            Ok(if is_new { reload.with_new_content_of(certificate) } else { reload })
        }
        .boxed()
    }

    fn background(self: Arc<Self>) -> Vec<Background> {
        vec![
            Background::new("teams_signing_keys", &self, |teams, stop| async move {
                teams.verifier.run(stop).await;
            }),
            Background::new("teams_token", &self.tokens, |tokens, stop| async move {
                tokens.keep_fresh(stop).await;
            }),
        ]
    }

    fn trouble(&self) -> Option<&'static str> {
        self.verifier.trouble().or_else(|| self.tokens.trouble())
    }
}
