//! The admin API under `/admin/v1/`: workspaces, people, the audit and the doctor, for whoever has a token.
//!
//! It is served on the operators' own address, and only where `server.admin_tokens` names somebody. Nothing of
//! a request is read before its token is verified. What is done is done by the core; here are only its wire
//! format, its document (OpenAPI) and who may do what.

mod audit;
mod cursor;
mod doctor;
mod document;
mod gate;
mod people;
mod problem;
mod refusals;
mod request;
mod token;
mod workspaces;

use std::sync::Arc;

use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::{Extension, Router};
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use self::gate::Gate;
use self::problem::{Kind, Problem};
use self::token::Tokens;
use crate::answering::Machine;
use crate::clock::SharedClock;
use crate::metrics::Metrics;
use crate::random::SharedRandom;
use crate::store::Store;

pub(crate) use self::doctor::Doctor;
pub(crate) use self::token::AdminToken;
pub(crate) use self::workspaces::{RequestBody, WorkspaceBody};

/// Where the API begins.
const BEGINNING: &str = "/admin/v1";

/// What the API is made of.
#[derive(Debug)]
pub(crate) struct AdminParts {
    /// Who may ask.
    pub(crate) tokens: Vec<AdminToken>,
    /// What answers the people of each platform.
    pub(crate) machines: Vec<Arc<dyn Machine>>,
    /// Holds the audit.
    pub(crate) store: Store,
    pub(crate) clock: SharedClock,
    pub(crate) random: SharedRandom,
    pub(crate) metrics: Arc<Metrics>,
}

/// Serves the admin API.
#[derive(Debug)]
pub(crate) struct Admin {
    gate: Gate,
    machines: Vec<Arc<dyn Machine>>,
    store: Store,
    random: SharedRandom,
    metrics: Arc<Metrics>,
    /// The API's own document, as JSON.
    document: String,
}

impl Admin {
    pub(crate) fn new(parts: AdminParts) -> Self {
        let AdminParts { tokens, machines, store, clock, random, metrics } = parts;
        let gate = Gate::new(Tokens::new(tokens), clock, Arc::clone(&metrics));
        let (_, document) = routes();
        // What is built from constants can always be written.
        let document = document.to_json().unwrap_or_default();
        Self { gate, machines, store, random, metrics, document }
    }

    /// The routes. Without tokens there are none.
    pub(crate) fn router(self: &Arc<Self>, doctor: Arc<dyn Doctor>) -> Router {
        let (router, _) = routes();
        let router = router
            .fallback(async || {
                Problem::new(Kind::UnknownPath, "GET /admin/v1/openapi.json lists all paths.")
            })
            .method_not_allowed_fallback(async || {
                Problem::new(Kind::WrongMethod, "The header Allow lists the methods that it takes.")
            })
            .layer(Extension(doctor))
            .layer(DefaultBodyLimit::max(request::MOST_BODY))
            .layer(from_fn_with_state(Arc::clone(self), gate::guard))
            .with_state(Arc::clone(self));
        Router::new().nest(BEGINNING, router)
    }

    /// Puts other tokens in force.
    pub(crate) fn use_tokens(&self, tokens: Vec<AdminToken>) {
        self.gate.tokens.take(tokens);
    }

    /// What answers the people of the platform of that name.
    fn machine(&self, platform: &str) -> Result<&Arc<dyn Machine>, Problem> {
        let found = self.machines.iter().find(|machine| machine.platform().name == platform);
        found.ok_or_else(Problem::platform_is_off)
    }
}

/// Every route, and the document that describes exactly these.
fn routes() -> (Router<Arc<Admin>>, OpenApi) {
    OpenApiRouter::with_openapi(document::frame())
        .routes(routes!(document::show))
        .routes(routes!(workspaces::list, workspaces::connect))
        .routes(routes!(workspaces::show, workspaces::disconnect))
        .routes(routes!(workspaces::reconnect))
        .routes(routes!(workspaces::request))
        .routes(routes!(people::explain))
        .routes(routes!(people::remove_link))
        .routes(routes!(audit::list))
        .routes(routes!(doctor::show))
        .split_for_parts()
}
