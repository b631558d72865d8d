//! The OAuth callback: where people come back to from Slack or Entra.
//!
//! Source: Novu 3.19, chat-oauth-callback dispatcher. What goes wrong here is shown to the person
//! as raw JSON, save for two kinds of Teams failures.

mod outcome;
mod slack;
mod teams;

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::response::Response;
use serde_json::Value;

use super::Inner;
use super::envelope::Problem;
use super::model::Integration;
use super::oauth_state::{self, OAuthState};
use super::page::Params;
use super::store::Oid;

/// The path that is registered with the providers.
pub(super) const PATH: &str = "/v1/integrations/chat/oauth/callback";

/// Which provider a state is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Provider {
    Slack,
    Teams,
    /// Novu knows it, this stand-in does not.
    Webex,
}

impl Provider {
    fn name(self) -> &'static str {
        match self {
            Self::Slack => "Slack",
            Self::Teams => "MS Teams",
            Self::Webex => "Webex",
        }
    }
}

/// `GET /v1/integrations/chat/oauth/callback`
pub(super) async fn callback(
    State(inner): State<Arc<Inner>>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let params = Params::parse(query.as_deref());
    let (provider, state) = dispatch(&params)?;
    let (oauth_state, integration) = open(&inner, provider, state)?;
    match provider {
        Provider::Slack => {
            let code = params.filled("code");
            slack::finish(&inner, &integration, &oauth_state, code.unwrap_or_default()).await
        }
        Provider::Teams => teams::finish(&inner, &integration, &oauth_state, &params).await,
        Provider::Webex => Err(Problem::uncaught()),
    }
}

/// The checks that need nothing but the query.
fn dispatch(params: &Params) -> Result<(Provider, &str), Problem> {
    let bad = |message: String| Problem::bad_request(message);
    if let Some(error) = params.filled("error") {
        let description =
            params.filled("error_description").map(|it| format!(" - {it}")).unwrap_or_default();
        return Err(bad(format!("OAuth error: {error}{description}")));
    }
    let state = params
        .filled("state")
        .ok_or_else(|| bad("Missing required OAuth parameter: state".to_owned()))?;
    if params.filled("code").is_none() && params.filled("tenant").is_none() {
        return Err(bad("Missing required OAuth parameters: code or tenant".to_owned()));
    }
    let seen = oauth_state::peek(state)
        .ok_or_else(|| bad("Invalid OAuth state parameter - cannot extract provider".to_owned()))?;
    let provider = seen
        .get("providerId")
        .and_then(Value::as_str)
        .ok_or_else(|| bad("Invalid state: missing providerId".to_owned()))?;
    let provider = match provider {
        "slack" | "novu-slack" => Provider::Slack,
        "msteams" => Provider::Teams,
        "webex-messaging" => Provider::Webex,
        other => return Err(bad(format!("OAuth callback not supported for provider: {other}"))),
    };
    if provider == Provider::Slack && params.filled("code").is_none() {
        return Err(bad("Missing required parameter: code".to_owned()));
    }
    if seen.get("environmentId").and_then(Value::as_str).is_none() {
        return Err(bad(format!("Invalid {} state: missing environmentId", provider.name())));
    }
    Ok((provider, state))
}

/// Believes the state, and finds the integration with complete credentials.
fn open(
    inner: &Inner,
    provider: Provider,
    state: &str,
) -> Result<(OAuthState, Arc<Integration>), Problem> {
    let environment = &inner.options.environment_id;
    let named = oauth_state::peek(state)
        .and_then(|seen| seen.get("environmentId")?.as_str().map(str::to_owned))
        .unwrap_or_default();
    if Oid::parse(&named).is_none() {
        let name = provider.name();
        return Err(Problem::bad_request(format!(
            "Invalid or expired {name} OAuth state parameter"
        )));
    }
    if named != *environment {
        return Err(Problem::not_found(format!("Environment not found: {named}")));
    }
    let key = inner
        .state_key()
        .ok_or_else(|| Problem::not_found(format!("Environment {environment} has no API keys")))?;
    let oauth_state = OAuthState::verify(state, &key, inner.controls.clock.now())
        .ok_or_else(|| Problem::bad_request("Invalid OAuth state parameter"))?;
    let integration = inner.read().integration(&oauth_state.integration_identifier).cloned();
    let integration = integration.ok_or_else(|| {
        let (name, id) = (provider.name(), &oauth_state.integration_identifier);
        Problem::not_found(format!(
            "{name} integration not found: {id} in environment {environment}"
        ))
    })?;
    check_credentials(provider, &integration)?;
    Ok((oauth_state, integration))
}

fn check_credentials(provider: Provider, integration: &Integration) -> Result<(), Problem> {
    let complete = integration.client_id.is_some()
        && integration.secret_key.is_some()
        && (provider != Provider::Teams || integration.tenant_id.is_some());
    if complete {
        return Ok(());
    }
    Err(Problem::not_found(match provider {
        Provider::Teams => {
            "MS Teams integration missing required credentials (clientId, secretKey, tenantId)"
        }
        // The space at the end is Novu's.
        _ => "Slack integration missing required OAuth credentials (clientId/clientSecret) ",
    }))
}
