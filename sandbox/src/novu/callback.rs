//! The OAuth callback: where people come back to from Slack or Entra.
//!
//! Source: Novu 3.19, chat-oauth-callback dispatcher. What goes wrong here is shown to the person
//! as raw JSON, save for two kinds of Teams failures.

use std::sync::Arc;

use askama::Template;
use axum::extract::{RawQuery, State};
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use serde_json::Value;

use super::Inner;
use super::envelope::Problem;
use super::model::{Integration, NewEndpoint};
use super::page::Params;
use super::release::Change;
use super::ticket::{self, Ticket};
use super::{context, slack_callback, teams_callback};

/// The path that is registered with the providers.
pub(super) const PATH: &str = "/v1/integrations/chat/oauth/callback";

/// Which provider a state is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Provider {
    Slack,
    Teams,
}

impl Provider {
    fn name(self) -> &'static str {
        match self {
            Self::Slack => "Slack",
            Self::Teams => "MS Teams",
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
    let (ticket, integration) = open(&inner, provider, state)?;
    match provider {
        Provider::Slack => {
            let code = params.filled("code");
            slack_callback::finish(&inner, &integration, &ticket, code.unwrap_or_default()).await
        }
        Provider::Teams => teams_callback::finish(&inner, &integration, &ticket, &params).await,
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
    let seen = ticket::peek(state)
        .ok_or_else(|| bad("Invalid OAuth state parameter - cannot extract provider".to_owned()))?;
    let provider = seen
        .get("providerId")
        .and_then(Value::as_str)
        .ok_or_else(|| bad("Invalid state: missing providerId".to_owned()))?;
    let provider = match provider {
        "slack" | "novu-slack" => Provider::Slack,
        "msteams" => Provider::Teams,
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
) -> Result<(Ticket, Arc<Integration>), Problem> {
    let environment = &inner.options.environment_id;
    let named = ticket::peek(state)
        .and_then(|seen| seen.get("environmentId")?.as_str().map(str::to_owned))
        .unwrap_or_default();
    if named != *environment {
        return Err(Problem::not_found(format!("Environment not found: {named}")));
    }
    let key = inner
        .state_key()
        .ok_or_else(|| Problem::not_found(format!("Environment {environment} has no API keys")))?;
    let ticket = Ticket::verify(state, &key, inner.desk.clock.now())
        .ok_or_else(|| Problem::bad_request("Invalid OAuth state parameter"))?;
    let integration = inner.read().integrations.get(&ticket.integration_identifier).cloned();
    let integration = integration.ok_or_else(|| {
        let (name, id) = (provider.name(), &ticket.integration_identifier);
        Problem::not_found(format!(
            "{name} integration not found: {id} in environment {environment}"
        ))
    })?;
    check_credentials(provider, &integration)?;
    Ok((ticket, integration))
}

fn check_credentials(provider: Provider, integration: &Integration) -> Result<(), Problem> {
    let complete = integration.client_id.is_some()
        && integration.secret_key.is_some()
        && (provider == Provider::Slack || integration.tenant_id.is_some());
    if complete {
        return Ok(());
    }
    let needed = match provider {
        Provider::Slack => "clientId/clientSecret",
        Provider::Teams => "clientId/secretKey/tenantId",
    };
    Err(Problem::not_found(format!(
        "{} integration missing required OAuth credentials ({needed}) ",
        provider.name()
    )))
}

impl Inner {
    /// Creates the endpoint that a sign-in was for.
    pub(super) fn link(
        &self,
        ticket: &Ticket,
        kind: &str,
        address: Value,
        connection: Option<&str>,
    ) -> Result<(), Problem> {
        let new = NewEndpoint {
            identifier: String::new(),
            integration: ticket.integration_identifier.clone(),
            connection: connection.map(str::to_owned),
            subscriber_id: ticket.subscriber_id.clone().unwrap_or_default(),
            context_keys: ticket.context.as_ref().map(context::keys).unwrap_or_default(),
            kind: kind.to_owned(),
            endpoint: address,
            created_at: None,
        };
        self.write().create_endpoint(new, &self.options.release, self.desk.clock.now())?;
        Ok(())
    }
}

#[derive(Template)]
#[template(path = "novu_result.html")]
struct ResultPage<'a> {
    title: &'a str,
    heading: &'a str,
    sentence: &'a str,
    hint: &'a str,
}

impl ResultPage<'_> {
    fn respond(&self) -> Result<Response, Problem> {
        let page = self.render().map_err(|_| Problem::uncaught())?;
        let policy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";
        Ok(([(header::CONTENT_SECURITY_POLICY, policy)], Html(page)).into_response())
    }
}

/// The end of a sign-in that went well. Says "workspace" even after a personal link, as Novu does.
pub(super) fn success(
    inner: &Inner,
    integration: &Integration,
    sentence: &str,
) -> Result<Response, Problem> {
    if let Some(target) = &integration.redirect_url {
        return Ok(redirect(target));
    }
    if !inner.options.release.has(Change::ResultCard) {
        return Ok(Html("<script>window.close();</script>").into_response());
    }
    ResultPage {
        title: "Connection complete",
        heading: "You're all set",
        sentence,
        hint: "You can close this tab.",
    }
    .respond()
}

/// A failure that is shown as a page, with status 200.
pub(super) fn error_page(sentence: &str) -> Result<Response, Problem> {
    ResultPage {
        title: "Connection failed",
        heading: "Something went wrong",
        sentence,
        hint: "You can close this tab and try again.",
    }
    .respond()
}

pub(super) fn redirect(target: &str) -> Response {
    (StatusCode::FOUND, [(header::LOCATION, target)]).into_response()
}
