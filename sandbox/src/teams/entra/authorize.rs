//! Signing in: the page that asks who somebody is and whether the app may know.

use std::sync::Arc;

use axum::extract::{Path, RawQuery, State as Extract};
use axum::response::Response;
use bytes::Bytes;
use url::Url;

use super::super::Inner;
use super::super::credentials::Code;
use super::super::model::Person;
use super::super::state::State;
use super::{Authority, Params, Problem, SignInPage, come_back, problem_page, registered};

/// What a person who says no is reported with.
const DECLINED: &str = "AADSTS65004: User declined to consent to access the app.";

/// What the app asks of the person.
#[derive(Debug)]
struct AuthorizeRequest {
    authority: Authority,
    back: Url,
    redirect_uri: String,
    scope: String,
    response_type: String,
    response_mode: String,
    state: Option<String>,
}

impl AuthorizeRequest {
    fn parse(inner: &Inner, state: &State, tenant: &str, query: &Params) -> Result<Self, Problem> {
        let authority = Authority::find(state, tenant)?;
        authority.check_app(inner, state, query.require("client_id")?)?;
        let redirect_uri = query.require("redirect_uri")?;
        Ok(Self {
            authority,
            back: registered(redirect_uri)?,
            redirect_uri: redirect_uri.to_owned(),
            scope: query.require("scope")?.to_owned(),
            response_type: query.require("response_type")?.to_owned(),
            response_mode: query.get("response_mode").unwrap_or("query").to_owned(),
            state: query.get("state").map(str::to_owned),
        })
    }

    /// What the app asks for that it cannot get; it is told.
    fn impossible(&self) -> Option<(&'static str, &'static str)> {
        if self.response_type != "code" {
            Some(("unsupported_response_type", "AADSTS70005: the response type is not supported."))
        } else if self.response_mode != "query" {
            // Entra knows more modes; nobody here uses them.
            Some(("invalid_request", "AADSTS900481: the response mode is not supported."))
        } else {
            None
        }
    }

    fn may_sign_in(&self, person: &Person) -> bool {
        person.identity().is_some_and(|(home, _)| match &self.authority {
            Authority::Any => true,
            Authority::Tenant(id) => id.eq_ignore_ascii_case(home),
            Authority::BotFramework => false,
        })
    }

    fn refuse(&self, error: &str, description: &str) -> Response {
        let told = [("error", error), ("error_description", description)];
        come_back(self.back.clone(), &told, self.state.as_deref())
    }
}

/// `GET /{tenant}/oauth2/v2.0/authorize`
pub(super) async fn page(
    Extract(inner): Extract<Arc<Inner>>,
    Path(tenant): Path<String>,
    RawQuery(query): RawQuery,
) -> Response {
    let state = inner.state();
    let query = Params::parse(query.unwrap_or_default().as_bytes());
    let asked = match AuthorizeRequest::parse(&inner, &state, &tenant, &query) {
        Ok(asked) => asked,
        Err(problem) => return problem_page(&problem),
    };
    if let Some((error, description)) = asked.impossible() {
        return asked.refuse(error, description);
    }
    let who = |person: &Person| asked.may_sign_in(person);
    SignInPage::new("Let the app know who you are?", &asked.scope, &state, who).respond()
}

/// `POST` of the page's form, to the same address.
pub(super) async fn decide(
    Extract(inner): Extract<Arc<Inner>>,
    Path(tenant): Path<String>,
    RawQuery(query): RawQuery,
    body: Bytes,
) -> Response {
    let mut state = inner.state();
    let query = Params::parse(query.unwrap_or_default().as_bytes());
    let asked = match AuthorizeRequest::parse(&inner, &state, &tenant, &query) {
        Ok(asked) => asked,
        Err(problem) => return problem_page(&problem),
    };
    let answer = Params::parse(&body);
    let person = answer.get("oid").and_then(|oid| state.people.get(oid)).cloned();
    let Some(person) = person.filter(|person| asked.may_sign_in(person)) else {
        return asked.refuse("access_denied", DECLINED);
    };
    sign_in(&inner, &mut state, &asked, &person)
}

fn sign_in(
    inner: &Inner,
    state: &mut State,
    asked: &AuthorizeRequest,
    person: &Person,
) -> Response {
    let Some((tenant, oid)) = person.identity() else {
        return asked.refuse("access_denied", DECLINED);
    };
    let text = state.unique("0.sandbox-code-");
    let code = Code {
        redirect_uri: asked.redirect_uri.clone(),
        scope: asked.scope.clone(),
        tenant: tenant.to_owned(),
        oid: oid.to_owned(),
        name: person.name.clone(),
        upn: person.upn.clone(),
        given: inner.controls.clock.now(),
        used: false,
    };
    state.codes.insert(text.clone(), code);
    let session = state.guid();
    let told = [("code", text.as_str()), ("session_state", &session)];
    come_back(asked.back.clone(), &told, asked.state.as_deref())
}
