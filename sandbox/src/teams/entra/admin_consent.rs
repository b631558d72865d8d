//! The administrator's consent, for a whole tenant.

use std::sync::Arc;

use axum::extract::{Path, RawQuery, State as Extract};
use axum::response::Response;
use bytes::Bytes;
use url::Url;

use super::super::Inner;
use super::super::model::{Person, Role};
use super::super::state::State;
use super::{Authority, Params, Problem, SignInPage, come_back, problem_page, registered};

/// What the app asks of the administrator.
#[derive(Debug)]
struct AuthorizeRequest {
    authority: Authority,
    back: Url,
    scope: String,
    state: Option<String>,
}

impl AuthorizeRequest {
    fn parse(inner: &Inner, state: &State, tenant: &str, query: &Params) -> Result<Self, Problem> {
        // Personal accounts have no administrators.
        if tenant == "common" {
            return Err(Problem::common_authority());
        }
        let authority = Authority::find(state, tenant)?;
        let client_id = query.require("client_id")?;
        // Consenting is what makes the app known in a tenant.
        if client_id != inner.options.app_id {
            return Err(Problem::app_not_found(client_id, &authority.directory(state)));
        }
        Ok(Self {
            authority,
            back: registered(query.require("redirect_uri")?)?,
            scope: query.require("scope")?.to_owned(),
            state: query.get("state").map(str::to_owned),
        })
    }

    fn may_sign_in(&self, person: &Person) -> bool {
        let of_tenant = match &self.authority {
            Authority::Any => true,
            Authority::Tenant(id) => id.eq_ignore_ascii_case(&person.tenant),
            Authority::BotFramework => false,
        };
        of_tenant && person.role == Role::Member
    }
}

/// `GET /{tenant}/v2.0/adminconsent`
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
    let who = |person: &Person| asked.may_sign_in(person);
    SignInPage::new("Accept for your organization?", &asked.scope, &state, who).respond()
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
    let back = |told: &[(&str, &str)]| come_back(asked.back.clone(), told, asked.state.as_deref());
    match person.filter(|person| asked.may_sign_in(person)) {
        Some(person) if person.is_admin => {
            state.consent(&person.tenant);
            back(&[("admin_consent", "True"), ("tenant", &person.tenant)])
        }
        Some(_) => back(&[
            ("error", "access_denied"),
            ("error_description", "AADSTS90094: The grant requires admin permission."),
        ]),
        None => back(&[
            ("error", "permission_denied"),
            ("error_description", "The admin canceled the request"),
        ]),
    }
}
