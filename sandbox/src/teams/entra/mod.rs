//! Entra: the token endpoint, the sign-in page and the administrator's consent.
//!
//! Source: Microsoft identity platform, OAuth 2.0 client credentials, certificate credentials,
//! authorization code and admin consent; AADSTS error codes.

mod admin_consent;
mod authorize;
mod client;
mod jwt;
mod refusal;
mod token;

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use url::Url;

use super::credentials::BOT_FRAMEWORK;
use super::model::Person;
use super::state::State;
use super::{Inner, Registration};
use crate::transport;

pub(super) use self::refusal::failure;
use self::refusal::{Problem, problem_page};

/// The tenant that bots of many tenants get their tokens from, by its domain.
pub(super) const BOT_FRAMEWORK_DOMAIN: &str = "botframework.com";

pub(super) fn routes() -> Router<Arc<Inner>> {
    Router::new()
        .route("/{tenant}/oauth2/v2.0/token", post(token::token))
        .route("/{tenant}/oauth2/v2.0/authorize", get(authorize::page).post(authorize::decide))
        .route("/{tenant}/v2.0/adminconsent", get(admin_consent::page).post(admin_consent::decide))
}

/// Whom an address of Entra's is about, by its first segment.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Authority {
    /// Any work account (`organizations`, and `common` where that is taken).
    Any,
    /// The tenant of the Bot Framework itself.
    BotFramework,
    /// One tenant, by its id.
    Tenant(String),
}

impl Authority {
    fn find(state: &State, name: &str) -> Result<Self, Problem> {
        match name {
            "organizations" | "common" => Ok(Self::Any),
            BOT_FRAMEWORK_DOMAIN | BOT_FRAMEWORK => Ok(Self::BotFramework),
            name => match state.tenant(name) {
                Some(tenant) => Ok(Self::Tenant(tenant.id.clone())),
                None => Err(Problem::tenant_not_found(name)),
            },
        }
    }

    /// Whether the app exists there.
    fn knows_app(&self, inner: &Inner, state: &State) -> bool {
        match self {
            Self::Any => true,
            Self::BotFramework => inner.options.registration == Registration::MultiTenant,
            Self::Tenant(id) => {
                let consented = || state.tenant(id).is_some_and(|tenant| tenant.consented);
                id.eq_ignore_ascii_case(&inner.options.home_tenant) || consented()
            }
        }
    }

    /// What the directory is called in error texts.
    fn directory(&self, state: &State) -> String {
        match self {
            Self::Any => "organizations".to_owned(),
            Self::BotFramework => "Bot Framework".to_owned(),
            Self::Tenant(id) => state.tenant(id).map_or(id, |tenant| &tenant.name).clone(),
        }
    }

    fn check_app(&self, inner: &Inner, state: &State, client_id: &str) -> Result<(), Problem> {
        if client_id == inner.options.app_id && self.knows_app(inner, state) {
            return Ok(());
        }
        Err(Problem::app_not_found(client_id, &self.directory(state)))
    }
}

/// The parameters of a query or a form.
#[derive(Debug)]
struct Params(Vec<(String, String)>);

impl Params {
    fn parse(text: &[u8]) -> Self {
        Self(form_urlencoded::parse(text).into_owned().collect())
    }

    /// The first filled value of that name.
    fn get(&self, name: &str) -> Option<&str> {
        let value = self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        value.filter(|value| !value.is_empty())
    }

    fn require(&self, name: &'static str) -> Result<&str, Problem> {
        self.get(name).ok_or_else(|| Problem::missing(name))
    }
}

/// Where the app wants people sent back to. Entra knows the registered addresses; here every one on
/// this machine is.
fn registered(redirect_uri: &str) -> Result<Url, Problem> {
    Url::parse(redirect_uri)
        .ok()
        .filter(|url| transport::is_loopback(url) && url.fragment().is_none())
        .ok_or_else(|| Problem::reply_address(redirect_uri))
}

/// Sends the person back to the app.
fn come_back(mut to: Url, told: &[(&str, &str)], state: Option<&str>) -> Response {
    to.query_pairs_mut().extend_pairs(told);
    if let Some(state) = state {
        to.query_pairs_mut().append_pair("state", state);
    }
    (StatusCode::FOUND, [(header::LOCATION, to.as_str())]).into_response()
}

/// A page that asks who somebody is, and whether the app may have what it wants.
#[derive(Template)]
#[template(path = "entra_sign_in.html")]
struct SignInPage<'a> {
    heading: &'a str,
    scopes: Vec<&'a str>,
    people: Vec<Choice<'a>>,
}

struct Choice<'a> {
    oid: &'a str,
    name: &'a str,
    tenant: &'a str,
}

impl<'a> SignInPage<'a> {
    fn new(
        heading: &'a str,
        scope: &'a str,
        state: &'a State,
        may_sign_in: impl Fn(&Person) -> bool,
    ) -> Self {
        let people = state.people.values().filter(|person| may_sign_in(person));
        let people = people.map(|person| Choice {
            oid: &person.oid,
            name: &person.name,
            tenant: state.tenant(&person.tenant).map_or(person.tenant.as_str(), |it| &it.name),
        });
        Self { heading, scopes: scope.split(' ').collect(), people: people.collect() }
    }

    fn respond(&self) -> Response {
        self.render().map_or_else(
            |_| StatusCode::INTERNAL_SERVER_ERROR.into_response(),
            |page| Html(page).into_response(),
        )
    }
}
