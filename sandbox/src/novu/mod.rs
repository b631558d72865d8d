//! A stand-in for Novu's API and its OAuth callback.
//!
//! It answers as Novu 3.19.0 does: the order of checks, the statuses and the sentences, the
//! envelopes, the layout of URLs, and what the callback does and does not verify. `tests/observed`
//! holds it against the recorded answers of a running Novu. [`Options`] switches rate limits on.
//!
//! The provider's half of a sign-in is another stand-in: [`crate::slack::Slack`], through
//! [`Options::slack_base`], or [`crate::teams::Teams`], through [`Options::entra_base`].

mod callback;
mod catalogue;
mod connections;
mod context;
mod endpoints;
mod envelope;
mod events;
mod guard;
mod limits;
mod model;
mod oauth;
mod oauth_state;
mod page;
mod state;
mod store;
mod subscribers;
#[cfg(test)]
mod tests;
mod validate;

use std::collections::BTreeSet;
use std::io;
use std::ops::Deref;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use jiff::Timestamp;
use tokio_util::sync::DropGuard;

pub use self::limits::Plan;
use self::limits::{Category, Limiter};
pub use self::model::{
    Connection, Endpoint, Integration, NewConnection, NewEndpoint, Profile, Subscriber, Workspace,
};
use self::state::State;
use super::lock;
use super::server::{Controls, Port};
use crate::transport;
use connect_clock::SharedClock;

/// How the stand-in is set up.
#[derive(Debug, Clone)]
pub struct Options {
    /// The environment's API keys; the first one also signs the OAuth state.
    pub api_keys: Vec<String>,
    /// The environment's id.
    pub environment_id: String,
    /// The organization's id.
    pub organization_id: String,
    /// The plan whose rate limits are in force, if any; self-hosted Novu has none by default.
    pub plan: Option<Plan>,
    /// Origin of Slack's sign-in pages and of `oauth.v2.access`. Only ever called on loopback.
    pub slack_base: String,
    /// Origin of Entra's sign-in pages and of its token endpoint. Only ever called on loopback.
    pub entra_base: String,
    /// Whether requests are kept in full; benchmarks switch this off.
    pub record: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            api_keys: vec!["novu-sandbox-key".to_owned()],
            environment_id: "66a000000000000000000e01".to_owned(),
            organization_id: "66a000000000000000000a01".to_owned(),
            plan: None,
            slack_base: "https://slack.com".to_owned(),
            entra_base: "https://login.microsoftonline.com".to_owned(),
            record: true,
        }
    }
}

/// What the routes share.
#[derive(Debug)]
struct Inner {
    controls: Arc<Controls>,
    options: Options,
    url: String,
    started: Timestamp,
    state: RwLock<State>,
    limiter: Option<Limiter>,
    client: reqwest::Client,
    workflows: Mutex<BTreeSet<String>>,
    transactions: AtomicU64,
}

impl Inner {
    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// What signs the OAuth state: the first key as it is stored, so nobody outside can compute it.
    fn state_key(&self) -> Option<String> {
        self.options.api_keys.first().map(|key| format!("stored:{key}"))
    }

    fn redirect_uri(&self) -> String {
        format!("{}{}", self.url, callback::PATH)
    }
}

/// Something that Novu would not have stored, in Novu's words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refused(String);

impl From<envelope::Problem> for Refused {
    fn from(problem: envelope::Problem) -> Self {
        Self(problem.message().to_owned())
    }
}

/// A running stand-in. It stops when this is dropped.
#[derive(Debug)]
pub struct Novu {
    inner: Arc<Inner>,
    _running: DropGuard,
}

impl Novu {
    /// Starts on a free loopback port.
    ///
    /// # Errors
    /// The port cannot be bound, or the HTTP client cannot be set up.
    pub async fn start(clock: SharedClock, options: Options) -> io::Result<Self> {
        let port = Port::bind().await?;
        let started = clock.now();
        let inner = Arc::new(Inner {
            controls: Controls::new(clock, options.record),
            url: port.url().to_owned(),
            started,
            state: RwLock::default(),
            limiter: options.plan.map(Limiter::new),
            client: transport::client().map_err(io::Error::other)?,
            workflows: Mutex::default(),
            transactions: AtomicU64::new(1),
            options,
        });
        let running = port.serve(Arc::clone(&inner.controls), router(&inner), envelope::failure);
        Ok(Self { inner, _running: running })
    }

    /// The origin, such as `http://127.0.0.1:40123`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.inner.url
    }

    /// The first API key.
    #[must_use]
    pub fn api_key(&self) -> String {
        self.inner.options.api_keys.first().cloned().unwrap_or_default()
    }

    /// Adds an integration, in place of one with the same identifier.
    pub fn add_integration(&self, integration: Integration) {
        self.inner.write().put_integration(integration);
    }

    /// Removes an integration; what belongs to it stays.
    pub fn remove_integration(&self, identifier: &str) {
        self.inner.write().remove_integration(identifier);
    }

    /// Adds a subscriber, in place of one with the same id.
    pub fn add_subscriber(&self, id: &str, profile: Profile) {
        self.inner.write().put_subscriber(id, profile, self.now());
    }

    /// Adds a connection, in place of one with the same identifier, and gives back its identifier.
    ///
    /// # Errors
    /// There is no such integration. Nothing else is checked.
    pub fn add_connection(&self, connection: NewConnection) -> Result<String, Refused> {
        let added = self.inner.write().insert_connection(connection, self.now());
        Ok(added.map_err(Refused::from)?.identifier)
    }

    /// Removes a connection; the endpoints over it keep its identifier.
    pub fn remove_connection(&self, identifier: &str) {
        self.inner.write().connections.remove(identifier);
    }

    /// Sets the token of a connection, as Novu's worker does with the fresh one when the old one has
    /// expired. Until then the API gives the stale one.
    pub fn set_token(&self, connection: &str, token: &str) {
        if let Some(connection) = self.inner.write().connections.get_mut(connection) {
            token.clone_into(&mut connection.access_token);
        }
    }

    /// Adds an endpoint and gives back its identifier.
    ///
    /// # Errors
    /// What the API would refuse is refused here as well.
    pub fn add_endpoint(&self, endpoint: NewEndpoint) -> Result<String, Refused> {
        let environment = &self.inner.options.environment_id;
        let added = self.inner.write().create_endpoint(endpoint, environment, self.now());
        Ok(added.map_err(Refused::from)?.identifier)
    }

    /// Makes a workflow known, so that it can be triggered.
    pub fn add_workflow(&self, identifier: &str) {
        lock(&self.inner.workflows).insert(identifier.to_owned());
    }

    /// All subscribers, oldest first.
    #[must_use]
    pub fn subscribers(&self) -> Vec<Subscriber> {
        self.inner.read().subscribers.all().map(|(_, it)| it.clone()).collect()
    }

    /// All connections, oldest first.
    #[must_use]
    pub fn connections(&self) -> Vec<Connection> {
        self.inner.read().connections.all().map(|(_, it)| it.clone()).collect()
    }

    /// All endpoints, oldest first.
    #[must_use]
    pub fn endpoints(&self) -> Vec<Endpoint> {
        self.inner.read().endpoints().all().map(|(_, it)| it.clone()).collect()
    }

    fn now(&self) -> Timestamp {
        self.inner.controls.clock.now()
    }
}

/// Its faults and the requests to it.
impl Deref for Novu {
    type Target = Controls;

    fn deref(&self) -> &Controls {
        &self.inner.controls
    }
}

fn router(inner: &Arc<Inner>) -> Router {
    let guarded = |routes: Router<Arc<Inner>>, category| {
        routes.route_layer(from_fn_with_state((Arc::clone(inner), category), guard::guard))
    };
    Router::new()
        .merge(guarded(global_routes(), Category::Global))
        .merge(guarded(configuration_routes(), Category::Configuration))
        .merge(guarded(
            Router::new().route("/v1/events/trigger", post(events::trigger)),
            Category::Trigger,
        ))
        .route(callback::PATH, get(callback::callback))
        .fallback(guard::no_route)
        .method_not_allowed_fallback(guard::no_route)
        .layer(from_fn_with_state(Arc::clone(inner), guard::write_problems))
        .with_state(Arc::clone(inner))
}

fn global_routes() -> Router<Arc<Inner>> {
    Router::new()
        .route("/v1/integrations", get(catalogue::all))
        .route("/v1/integrations/active", get(catalogue::active))
        .route("/v1/integrations/chat/oauth", post(oauth::combined))
        .route("/v1/integrations/channel-endpoints/oauth", post(oauth::link_user))
        .route("/v1/integrations/channel-connections/oauth", post(oauth::connect))
}

fn configuration_routes() -> Router<Arc<Inner>> {
    Router::new()
        .route("/v1/channel-endpoints", get(endpoints::list).post(endpoints::create))
        .route(
            "/v1/channel-endpoints/{identifier}",
            get(endpoints::get).patch(endpoints::update).delete(endpoints::delete),
        )
        .route("/v1/channel-connections", get(connections::list).post(connections::create))
        .route(
            "/v1/channel-connections/{identifier}",
            get(connections::get).patch(connections::update).delete(connections::delete),
        )
        .route("/v2/subscribers", get(subscribers::search).post(subscribers::create))
        .route(
            "/v2/subscribers/{subscriberId}",
            get(subscribers::get).patch(subscribers::patch).delete(subscribers::delete),
        )
}
