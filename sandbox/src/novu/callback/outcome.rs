//! What the two providers' halves of the callback share: asking the provider, storing the endpoint,
//! and the pages that people see in the end.

use askama::Template;
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use serde_json::{Value, json};
use url::Url;

use crate::novu::envelope::Problem;
use crate::novu::model::{Integration, NewEndpoint};
use crate::novu::oauth_state::OAuthState;
use crate::novu::{Inner, context};
use crate::transport;

/// The largest reply of a provider, in bytes.
const REPLY_LIMIT: usize = 64 * 1024;

impl Inner {
    /// Posts a form to a provider stand-in. Real providers are never asked: they refuse.
    pub(super) async fn ask_provider(
        &self,
        url: &str,
        form: &[(&str, String)],
    ) -> Result<(StatusCode, Value), Problem> {
        let url = Url::parse(url).map_err(|_| Problem::uncaught())?;
        if !transport::is_loopback(&url) {
            let refusal = json!({
                "ok": false,
                "error": "invalid_code",
                "error_description": "the code is not from this sandbox",
            });
            return Ok((StatusCode::OK, refusal));
        }
        let response = self.client.post(url).form(form).send().await;
        let response = response.map_err(|_| Problem::uncaught())?;
        let status = response.status();
        let body = transport::read_limited(response, REPLY_LIMIT).await;
        let body = body.map_err(|_| Problem::uncaught())?;
        Ok((status, serde_json::from_slice(&body).unwrap_or_default()))
    }

    /// Creates the endpoint that a sign-in was for.
    pub(super) fn link(
        &self,
        oauth_state: &OAuthState,
        kind: &str,
        address: Value,
        connection: Option<&str>,
    ) -> Result<(), Problem> {
        let new = NewEndpoint {
            identifier: String::new(),
            integration: oauth_state.integration_identifier.clone(),
            connection: connection.map(str::to_owned),
            subscriber_id: oauth_state.subscriber_id.clone().unwrap_or_default(),
            context_keys: oauth_state.context.as_ref().map(context::keys).unwrap_or_default(),
            kind: kind.to_owned(),
            endpoint: address,
            created_at: None,
        };
        let environment = &self.options.environment_id;
        self.write().create_endpoint(new, environment, self.controls.clock.now())?;
        Ok(())
    }
}

#[derive(Template)]
#[template(path = "novu_result.html")]
struct ResultPage<'a> {
    title: &'a str,
    mark: &'a str,
    heading: &'a str,
    sentence: &'a str,
}

impl ResultPage<'_> {
    fn respond(&self) -> Result<Response, Problem> {
        let page = self.render().map_err(|_| Problem::uncaught())?;
        let policy = "default-src 'self'; style-src 'self' 'unsafe-inline'";
        Ok(([(header::CONTENT_SECURITY_POLICY, policy)], Html(page)).into_response())
    }
}

/// The end of a sign-in that went well. Novu says "workspace" even after a
/// personal link.
pub(super) fn success(integration: &Integration, sentence: &str) -> Result<Response, Problem> {
    if let Some(target) = &integration.redirect_url {
        return Ok(redirect(target));
    }
    ResultPage { title: "Connection complete", mark: "", heading: "You're all set", sentence }
        .respond()
}

/// A failure that is shown as a page, with status 200.
pub(super) fn error_page(sentence: &str) -> Result<Response, Problem> {
    ResultPage {
        title: "Setup error",
        mark: "!",
        heading: "We couldn't set up Microsoft Teams",
        sentence,
    }
    .respond()
}

pub(super) fn redirect(target: &str) -> Response {
    let text = format!("Found. Redirecting to {target}");
    (StatusCode::FOUND, [(header::LOCATION, target)], text).into_response()
}
