//! The callback's Teams half: an administrator's consent, and linking one person.
//!
//! Source: Novu 3.19, msteams-oauth-callback use case. The steps at Microsoft Graph (finding the app
//! in the tenant's catalogue, installing it for the person) always go well here.

use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::outcome::{error_page, redirect, success};
use crate::novu::envelope::Problem;
use crate::novu::model::{Integration, NewConnection, Workspace};
use crate::novu::oauth::entra_url;
use crate::novu::oauth_state::{Mode, OAuthState};
use crate::novu::page::Params;
use crate::novu::{Inner, context};

const DONE: &str = "Microsoft Teams is connected and ready to use.";

/// Ends a sign-in, or an administrator's consent, at Entra.
pub(super) async fn finish(
    inner: &Inner,
    integration: &Integration,
    oauth_state: &OAuthState,
    params: &Params,
) -> Result<Response, Problem> {
    if oauth_state.mode == Some(Mode::LinkUser) {
        link(inner, integration, oauth_state, params.filled("code")).await
    } else {
        consent(inner, integration, oauth_state, params)
    }
}

/// Stores the tenant. There is no upsert: consenting again is a conflict.
fn consent(
    inner: &Inner,
    integration: &Integration,
    oauth_state: &OAuthState,
    params: &Params,
) -> Result<Response, Problem> {
    let tenant = params.filled("tenant").ok_or_else(|| {
        Problem::bad_request("Missing tenant parameter from MS Teams admin consent")
    })?;
    if params.get("admin_consent") != Some("True") {
        return Err(Problem::bad_request("Admin consent was not granted"));
    }
    let new = NewConnection {
        identifier: oauth_state.identifier.clone().unwrap_or_default(),
        integration: oauth_state.integration_identifier.clone(),
        workspace: Workspace { id: tenant.to_owned(), ..Workspace::default() },
        access_token: "app-only".to_owned(),
        subscriber_id: oauth_state.subscriber_id.clone(),
        context_keys: oauth_state.context.as_ref().map(context::keys).unwrap_or_default(),
        created_at: None,
    };
    let now = inner.controls.clock.now();
    let environment = &inner.options.environment_id;
    let connection = inner.write().create_connection(new, environment, now)?;
    if oauth_state.auto_link_user == Some(true) && oauth_state.subscriber_id.is_some() {
        return link_next(inner, integration, oauth_state, connection.identifier);
    }
    success(integration, DONE)
}

/// Goes straight on to linking the administrator.
fn link_next(
    inner: &Inner,
    integration: &Integration,
    oauth_state: &OAuthState,
    connection: String,
) -> Result<Response, Problem> {
    let next = OAuthState {
        identifier: Some(connection),
        timestamp: inner.controls.clock.now().as_millisecond(),
        mode: Some(Mode::LinkUser),
        auto_link_user: None,
        ..oauth_state.clone()
    };
    let (Some(key), Some(client_id)) = (inner.state_key(), &integration.client_id) else {
        return success(integration, DONE);
    };
    Ok(redirect(&entra_url(inner, client_id, &next.sign(&key), Mode::LinkUser)))
}

async fn link(
    inner: &Inner,
    integration: &Integration,
    oauth_state: &OAuthState,
    code: Option<&str>,
) -> Result<Response, Problem> {
    let code =
        code.ok_or_else(|| Problem::bad_request("Missing authorization code for link_user mode"))?;
    let reply = match exchange(inner, integration, code).await? {
        Ok(reply) => reply,
        Err(refusal) => return error_page(&refusal),
    };
    let (user, tenant) = identity(&reply)?;
    let tenant = tenant.or_else(|| integration.tenant_id.clone());
    if let Err(refusal) = app_only(inner, integration, tenant.as_deref()).await? {
        return error_page(&refusal);
    }
    let address = json!({ "userId": user, "tenantId": tenant });
    inner.link(oauth_state, "ms_teams_user", address, oauth_state.identifier.as_deref())?;
    success(integration, DONE)
}

/// The object id and, if it is told, the tenant of who signed in.
fn identity(reply: &Value) -> Result<(String, Option<String>), Problem> {
    let token = reply.get("id_token").and_then(Value::as_str);
    let token =
        token.ok_or_else(|| Problem::bad_request("MS Teams OAuth response missing id_token"))?;
    let claims =
        claims(token).ok_or_else(|| Problem::bad_request("Failed to decode MS Teams id_token"))?;
    let claim = |name| claims.get(name).and_then(Value::as_str).map(str::to_owned);
    let user =
        claim("oid").ok_or_else(|| Problem::bad_request("MS Teams id_token missing oid claim"))?;
    Ok((user, claim("tid")))
}

/// Entra's reply to the code, or the text of its refusal.
async fn exchange(
    inner: &Inner,
    integration: &Integration,
    code: &str,
) -> Result<Result<Value, String>, Problem> {
    let form = [
        ("code", code.to_owned()),
        ("redirect_uri", inner.redirect_uri()),
        ("grant_type", "authorization_code".to_owned()),
        ("scope", "openid profile User.Read".to_owned()),
    ];
    let reply = ask_entra(inner, integration, "organizations", &form).await?;
    Ok(reply.map_err(|text| format!("MS Teams user linking failed: {text}")))
}

/// Whether Entra lets the app into the person's tenant by itself, to install the bot for them; or
/// the text of its refusal. Without an administrator's consent it does not.
async fn app_only(
    inner: &Inner,
    integration: &Integration,
    tenant: Option<&str>,
) -> Result<Result<(), String>, Problem> {
    let form = [
        ("grant_type", "client_credentials".to_owned()),
        ("scope", "https://graph.microsoft.com/.default".to_owned()),
    ];
    let reply = ask_entra(inner, integration, tenant.unwrap_or_default(), &form).await?;
    Ok(reply.map(|_| ()).map_err(|text| {
        let note = if ["AADSTS700016", "AADSTS7000229"].iter().any(|it| text.contains(it)) {
            " After an administrator has consented, this can take up to 60 minutes."
        } else {
            ""
        };
        format!("Microsoft rejected the app: {text}{note}")
    }))
}

/// Entra's reply with a token, or the text of its refusal.
async fn ask_entra(
    inner: &Inner,
    integration: &Integration,
    tenant: &str,
    form: &[(&str, String)],
) -> Result<Result<Value, String>, Problem> {
    let mut form = form.to_vec();
    form.push(("client_id", integration.client_id.clone().unwrap_or_default()));
    form.push(("client_secret", integration.secret_key.clone().unwrap_or_default()));
    let url = format!("{}/{tenant}/oauth2/v2.0/token", inner.options.entra_base);
    let (status, reply) = inner.ask_provider(&url, &form).await?;
    if status.is_success() && reply.get("error").is_none() {
        return Ok(Ok(reply));
    }
    let text = reply.get("error_description").and_then(Value::as_str).unwrap_or("unknown error");
    Ok(Err(text.to_owned()))
}

/// The claims of a token, unverified: it came straight from the token endpoint.
fn claims(token: &str) -> Option<Value> {
    let payload = token.split('.').nth(1)?;
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?).ok()
}
