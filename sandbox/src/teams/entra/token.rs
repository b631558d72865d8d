//! The token endpoint: the bot's own tokens, and the exchange of codes for people's.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Path, State as Extract};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::Inner;
use super::super::credentials::{BOT_FRAMEWORK, CONNECTOR, Code, Grant};
use super::super::state::State;
use super::client::authenticate;
use super::jwt::jwt;
use super::{Authority, Params, Problem};
use connect_clock as clock;

/// What Microsoft Graph's tokens are for.
const GRAPH: &str = "https://graph.microsoft.com";
/// The end of a scope that asks for whatever was granted.
const DEFAULT: &str = "/.default";

/// `POST /{tenant}/oauth2/v2.0/token`
pub(super) async fn token(
    Extract(inner): Extract<Arc<Inner>>,
    Path(tenant): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let is_form = kind.is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"));
    // Entra finds no parameters in any other body.
    let params = Params::parse(if is_form { &body } else { b"" });
    let mut state = inner.state();
    match issue(&inner, &mut state, &tenant, &params) {
        Ok(reply) => ([(header::CACHE_CONTROL, "no-store, no-cache")], Json(reply)).into_response(),
        Err(problem) => problem.respond(&inner, &mut state),
    }
}

fn issue(
    inner: &Inner,
    state: &mut State,
    tenant: &str,
    params: &Params,
) -> Result<Value, Problem> {
    let grant = params.require("grant_type")?;
    let client_id = params.require("client_id")?;
    let authority = Authority::find(state, tenant)?;
    authority.check_app(inner, state, client_id)?;
    authenticate(inner, state, tenant, params)?;
    match grant {
        "client_credentials" => client_credentials(inner, state, &authority, params),
        "authorization_code" => authorization_code(inner, state, params),
        other => Err(Problem::unsupported_grant(other)),
    }
}

fn client_credentials(
    inner: &Inner,
    state: &mut State,
    authority: &Authority,
    params: &Params,
) -> Result<Value, Problem> {
    let tenant = match authority {
        Authority::Any => return Err(Problem::no_tenant()),
        Authority::BotFramework => BOT_FRAMEWORK.to_owned(),
        Authority::Tenant(id) => id.clone(),
    };
    let scope = params.require("scope")?;
    let resource =
        scope.strip_suffix(DEFAULT).ok_or_else(|| Problem::scope_without_default(scope))?;
    let audience = [CONNECTOR, GRAPH]
        .into_iter()
        .find(|&known| known == resource)
        .ok_or_else(|| Problem::unknown_resource(resource, &authority.directory(state)))?;
    let token = access_token(inner, state, audience, tenant, None);
    let life = inner.options.token_life.as_secs();
    Ok(json!({
        "token_type": "Bearer", "expires_in": life, "ext_expires_in": life, "access_token": token,
    }))
}

/// Makes an access token and notes what it is good for.
fn access_token(
    inner: &Inner,
    state: &mut State,
    audience: &'static str,
    tenant: String,
    oid: Option<&str>,
) -> String {
    let now = inner.controls.clock.now();
    let expires = clock::after(now, inner.options.token_life);
    let mut claims = json!({
        "aud": audience,
        "iss": format!("https://sts.windows.net/{tenant}/"),
        "iat": now.as_second(),
        "nbf": now.as_second(),
        "exp": expires.as_second(),
        "appid": inner.options.app_id,
        "appidacr": "1",
        "idtyp": if oid.is_some() { "user" } else { "app" },
        "oid": oid,
        "tid": tenant,
        "uti": state.unique("uti-"),
        "ver": "1.0",
    });
    // An app's own token says what it may do; without any permission it says nothing.
    let permissions = state.tenant(&tenant).map(|tenant| &tenant.permissions);
    let permissions =
        permissions.filter(|held| audience == GRAPH && oid.is_none() && !held.is_empty());
    if let (Some(permissions), Value::Object(fields)) = (permissions, &mut claims) {
        fields.insert("roles".to_owned(), json!(permissions));
    }
    let token = jwt(&claims);
    state.grants.retain(|_, grant| now < grant.expires);
    state.grants.insert(token.clone(), Grant { audience, tenant, expires });
    token
}

fn authorization_code(inner: &Inner, state: &mut State, params: &Params) -> Result<Value, Problem> {
    let text = params.require("code")?;
    let redirect_uri = params.require("redirect_uri")?;
    let now = inner.controls.clock.now();
    let code = state.codes.get_mut(text).ok_or_else(Problem::bad_code)?;
    if code.used {
        return Err(Problem::used_code());
    }
    if clock::between(code.given, now) > Duration::from_mins(10) {
        return Err(Problem::expired_code());
    }
    if redirect_uri != code.redirect_uri {
        return Err(Problem::other_reply_address(redirect_uri, &code.redirect_uri));
    }
    code.used = true;
    let code = code.clone();
    let id_token = code.has_scope("openid").then(|| id_token(inner, &code, now));
    let access = access_token(inner, state, GRAPH, code.tenant.clone(), Some(&code.oid));
    let life = inner.options.token_life.as_secs();
    let mut reply = json!({
        "token_type": "Bearer", "scope": code.scope, "expires_in": life, "ext_expires_in": life,
        "access_token": access,
    });
    if let (Some(id_token), Value::Object(fields)) = (id_token, &mut reply) {
        fields.insert("id_token".to_owned(), id_token.into());
    }
    Ok(reply)
}

/// Who signed in (`OpenID` Connect Core, section 2, with Microsoft's `oid` and `tid`).
fn id_token(inner: &Inner, code: &Code, now: Timestamp) -> String {
    let mut claims = json!({
        "aud": inner.options.app_id,
        "iss": format!("https://login.microsoftonline.com/{}/v2.0", code.tenant),
        "iat": now.as_second(),
        "nbf": now.as_second(),
        "exp": clock::after(now, inner.options.token_life).as_second(),
        "sub": format!("sub-{}", code.oid),
        "tid": code.tenant,
        "ver": "2.0",
    });
    if let (true, Value::Object(fields)) = (code.has_scope("profile"), &mut claims) {
        fields.insert("oid".to_owned(), code.oid.clone().into());
        fields.insert("name".to_owned(), code.name.clone().into());
        fields.insert("preferred_username".to_owned(), code.upn.clone().into());
    }
    jwt(&claims)
}
