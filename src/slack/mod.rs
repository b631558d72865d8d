//! Everything Slack: what it sends, what it is sent, and the proof that it is Slack.

pub mod block_kit;
mod checks;
pub(crate) mod config;
mod deliver;
pub mod manifest;
mod payload;
mod response_url;
mod routes;
mod self_test;
pub mod signature;
mod web_api;

use std::any::Any;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};

use crate::answering::{Answering, Common, Machine, Surface, SurfaceEntry, SurfaceSettings};
use crate::clock::SharedClock;
use crate::config::Reload;
use crate::core::{Integration, Person, Platform, Reason};
use crate::doctor::{Examination, Probe};
use crate::metrics::Metrics;
use crate::net::HostAllowlist;
use crate::novu::Endpoint;
use crate::random::SharedRandom;
use config::Settings;
use deliver::SlackDelivery;
use signature::Verifier;

pub use payload::{Incomplete, Interaction, SlashCommand};
pub use web_api::{CallError, WebApi, troubles};

/// What opens the app (Slack, deep linking).
const APP: &str = "slack://open";

/// Slack, including Enterprise Grid and GovSlack.
pub const PLATFORM: Platform = Platform {
    name: "slack",
    brand: "Slack",
    provider: "Slack",
    place: "link-workspace",
    // Slack lets only members of a workspace that installed the app use its command.
    only_members_ask: true,
    organisations: Some('E'),
    ids_have_case: true,
    guests_sign_in_elsewhere: false,
    delivers_without_connection: false,
    consents_to: &[],
    novu_providers: &["slack", "novu-slack"],
    reaches,
};

/// Whether an endpoint reaches this person's account.
fn reaches(endpoint: &Endpoint, person: &Person) -> bool {
    matches!(endpoint, Endpoint::SlackUser { user_id } if PLATFORM.same_id(user_id, &person.user))
}

/// Slack in the service's list of platforms.
pub(crate) static SURFACE: SurfaceEntry = SurfaceEntry {
    platform: &PLATFORM,
    section: &config::SECTION,
    read: |reader| Settings::read(reader).map(|settings| Arc::new(settings) as _),
};

/// The Slack side of the service.
#[derive(Debug)]
pub struct Slack {
    verifier: Verifier,
    answering: Arc<Answering<SlackDelivery>>,
    web_api: WebApi,
    /// What the configuration says, for whoever looks whether it is right.
    settings: Settings,
    command: String,
    support: Option<Arc<str>>,
    response_hosts: HostAllowlist,
    reply_budget: Duration,
    clock: SharedClock,
    random: SharedRandom,
    metrics: Arc<Metrics>,
}

impl Slack {
    fn new(settings: Settings, common: &Common) -> anyhow::Result<Self> {
        // A request that does not say who asks has no question, hence no intent.
        let nameless = [Reason::Incomplete.code()];
        common.metrics.begin_answers(PLATFORM.name, &[routes::NO_INTENT], nameless);
        let keys = settings.signing_keys();
        let (clock, metrics) = (Arc::clone(&common.clock), Arc::clone(&common.metrics));
        let web_api = WebApi::new(&settings.api_url, common.http.clone(), Arc::clone(&clock))
            .context("slack.api_url cannot be used")?;
        let integration = Integration {
            platform: &PLATFORM,
            identifier: settings.integration.clone(),
            user_scope: settings.user_scope.clone(),
            link_hosts: settings.link_hosts.clone(),
            bot_token: settings.bot_token.clone(),
            require_profile: settings.require_profile,
            workspace_names: HashMap::new(),
            access: settings.access.clone(),
            tokens: Some(Arc::new(web_api.clone())),
        };
        let linking = common.linking(integration, settings.connection.clone());
        let delivery = SlackDelivery {
            linking: Arc::clone(&linking),
            web_api: web_api.clone(),
            http: common.http.clone(),
            support: common.support.clone(),
            clock: Arc::clone(&clock),
        };
        Ok(Self {
            verifier: Verifier::new(keys, Arc::clone(&clock), Arc::clone(&metrics)),
            answering: common.answering(delivery, linking),
            web_api,
            command: settings.command.clone(),
            support: common.support.clone(),
            response_hosts: settings.response_hosts.clone(),
            reply_budget: settings.reply_budget,
            settings,
            clock,
            random: Arc::clone(&common.random),
            metrics,
        })
    }
}

impl SurfaceSettings for Settings {
    fn platform(&self) -> &'static Platform {
        &PLATFORM
    }

    fn describe(&self) -> Vec<(&'static str, String)> {
        Self::describe(self)
    }

    fn open<'a>(&'a self, common: &'a Common) -> BoxFuture<'a, anyhow::Result<Arc<dyn Surface>>> {
        async { Ok(Arc::new(Slack::new(self.clone(), common)?) as _) }.boxed()
    }
}

impl Surface for Slack {
    fn routes(self: Arc<Self>) -> Router {
        routes::router(self)
    }

    fn machine(&self) -> Arc<dyn Machine> {
        Arc::clone(&self.answering) as _
    }

    fn chat_address(&self) -> String {
        APP.to_owned()
    }

    fn checks(self: Arc<Self>, examination: &Arc<Examination>) -> Vec<Probe> {
        checks::probes(&self, examination)
    }

    fn reload(self: Arc<Self>, new: &dyn SurfaceSettings) -> BoxFuture<'_, anyhow::Result<Reload>> {
        let new = (new as &dyn Any).downcast_ref::<Settings>();
        let keys = new.map(Settings::signing_keys).context("these are not the settings of Slack");
        let reload = keys.map(|keys| {
            Reload::new([config::SIGNING_SECRETS.name], move || self.verifier.use_keys(keys))
        });
        ready(reload).boxed()
    }
}
