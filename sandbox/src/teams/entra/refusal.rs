//! How Entra says no: OAuth errors with AADSTS codes, as JSON or as a page.

use std::fmt::Write as _;

use askama::Template;
use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use jiff::Timestamp;
use serde_json::json;

use super::super::Inner;
use super::super::state::State;
use crate::Failure;

/// A refusal, before it is numbered and dated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
    status: StatusCode,
    error: &'static str,
    code: u32,
    text: String,
}

impl Problem {
    fn new(error: &'static str, code: u32, text: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, error, code, text: text.into() }
    }

    pub(super) fn missing(name: &str) -> Self {
        let text = format!("The request body must contain the following parameter: '{name}'.");
        Self::new("invalid_request", 900_144, text)
    }

    pub(super) fn tenant_not_found(name: &str) -> Self {
        let text = format!(
            "Tenant '{name}' not found. Check to make sure you have the correct tenant ID and are \
             signing into the correct cloud."
        );
        Self::new("invalid_request", 90_002, text)
    }

    pub(super) fn app_not_found(client_id: &str, directory: &str) -> Self {
        let text = format!(
            "Application with identifier '{client_id}' was not found in the directory \
             '{directory}'. This can happen if the application has not been installed by the \
             administrator of the tenant or consented to by any user in the tenant. You may have \
             sent your authentication request to the wrong tenant."
        );
        Self::new("unauthorized_client", 700_016, text)
    }

    /// As [`Problem::new`], of a client that is not believed to be who it says.
    fn invalid_client(code: u32, text: impl Into<String>) -> Self {
        Self { status: StatusCode::UNAUTHORIZED, ..Self::new("invalid_client", code, text) }
    }

    pub(super) fn bad_secret(app_id: &str) -> Self {
        let text = format!(
            "Invalid client secret provided. Ensure the secret being sent in the request is the \
             client secret value, not the client secret ID, for a secret added to app '{app_id}'."
        );
        Self::invalid_client(7_000_215, text)
    }

    pub(super) fn expired_secret(app_id: &str) -> Self {
        let text = format!(
            "The provided client secret keys for app '{app_id}' are expired. Visit the Azure portal \
             to create new keys for your app."
        );
        Self::invalid_client(7_000_222, text)
    }

    pub(super) fn no_credentials() -> Self {
        let text = "The request body must contain the following parameter: 'client_assertion' or \
                    'client_secret'.";
        Self::invalid_client(7_000_218, text)
    }

    /// A client may use one way at a time (RFC 6749, section 2.3).
    pub(super) fn two_credentials() -> Self {
        let text = "The request presents both 'client_assertion' and 'client_secret'.";
        Self::new("invalid_request", 90_023, text)
    }

    pub(super) fn bad_jwt() -> Self {
        Self::invalid_client(50_027, "JWT token is invalid or malformed.")
    }

    pub(super) fn bad_assertion(reason: &str) -> Self {
        let text = format!("Client assertion contains an invalid signature. [Reason - {reason}]");
        Self::invalid_client(700_027, text)
    }

    pub(super) fn assertion_of_another() -> Self {
        let text = "Client assertion application identifier doesn't match 'client_id' parameter.";
        Self::invalid_client(700_021, text)
    }

    pub(super) fn assertion_for_another() -> Self {
        let text = "Client assertion audience claim does not match Realm issuer.";
        Self::invalid_client(700_023, text)
    }

    pub(super) fn assertion_out_of_time() -> Self {
        Self::invalid_client(700_024, "Client assertion is not within its valid time range.")
    }

    pub(super) fn unsupported_grant(grant: &str) -> Self {
        let text = format!("The app requested an unsupported grant type '{grant}'.");
        Self::new("unsupported_grant_type", 70_003, text)
    }

    pub(super) fn no_tenant() -> Self {
        let text = "No tenant-identifying information found in either the request or implied by \
                    any provided credentials.";
        Self::new("invalid_request", 50_059, text)
    }

    pub(super) fn scope_without_default(scope: &str) -> Self {
        let text = format!(
            "The provided value for scope {scope} is not valid. Client credential flows must have \
             a scope value with /.default suffixed to the resource identifier (application ID URI)."
        );
        Self::new("invalid_scope", 1_002_012, text)
    }

    pub(super) fn unknown_resource(resource: &str, directory: &str) -> Self {
        let text = format!(
            "The resource principal named {resource} was not found in the tenant named {directory}."
        );
        Self::new("invalid_resource", 500_011, text)
    }

    pub(super) fn bad_code() -> Self {
        let text = "Invalid request. Request is malformed or invalid.";
        Self::new("invalid_grant", 9_002_313, text)
    }

    pub(super) fn used_code() -> Self {
        let text = "OAuth2 Authorization code was already redeemed, please retry with a new valid \
                    code or use an existing refresh token.";
        Self::new("invalid_grant", 54_005, text)
    }

    pub(super) fn expired_code() -> Self {
        let text = "The provided authorization code or refresh token has expired due to \
                    inactivity. Send a new interactive authorization request for this user and \
                    resource.";
        Self::new("invalid_grant", 70_008, text)
    }

    pub(super) fn other_reply_address(given: &str, asked: &str) -> Self {
        let text = format!(
            "The reply address '{given}' does not match the reply address '{asked}' provided when \
             requesting Authorization code."
        );
        Self::new("invalid_grant", 500_112, text)
    }

    pub(super) fn reply_address(given: &str) -> Self {
        let text = format!(
            "The redirect URI '{given}' specified in the request does not match the redirect URIs \
             configured for the application."
        );
        Self::new("invalid_request", 50_011, text)
    }

    pub(super) fn common_authority() -> Self {
        let text = "The endpoint only accepts requests for work accounts: use 'organizations' or a \
                    tenant in place of 'common'.";
        Self::new("invalid_request", 50_194, text)
    }

    /// `AADSTS…` with its sentence.
    pub(super) fn sentence(&self) -> String {
        format!("AADSTS{}: {}", self.code, self.text)
    }

    /// The error as the token endpoint writes it.
    pub(super) fn respond(self, inner: &Inner, state: &mut State) -> Response {
        let (trace, correlation) = (state.guid(), state.guid());
        let time = inner.controls.clock.now().strftime("%Y-%m-%d %H:%M:%SZ").to_string();
        let mut description = self.sentence();
        // Writing to a text cannot fail.
        let _ = write!(
            description,
            " Trace ID: {trace} Correlation ID: {correlation} Timestamp: {time}"
        );
        let body = json!({
            "error": self.error,
            "error_description": description,
            "error_codes": [self.code],
            "timestamp": time,
            "trace_id": trace,
            "correlation_id": correlation,
            "error_uri": format!("{}/error?code={}", inner.url, self.code),
        });
        (self.status, Json(body)).into_response()
    }
}

#[derive(Template)]
#[template(path = "entra_problem.html")]
struct ProblemPage<'a> {
    sentence: &'a str,
}

/// The error as people see it, where there is nowhere to send them back to.
pub(super) fn problem_page(problem: &Problem) -> Response {
    let page = ProblemPage { sentence: &problem.sentence() }.render().unwrap_or_default();
    (StatusCode::BAD_REQUEST, Html(page)).into_response()
}

/// An injected failure in Entra's words.
pub(in crate::teams) fn failure(failure: &Failure, now: Timestamp) -> Response {
    let (error, code) = match failure.status {
        StatusCode::UNAUTHORIZED => ("invalid_client", 7_000_215),
        StatusCode::BAD_REQUEST => ("invalid_request", 90_014),
        _ => ("temporarily_unavailable", 90_033),
    };
    let text = failure.message.as_deref().unwrap_or("A transient error has occurred.");
    let body = json!({
        "error": error,
        "error_description": format!("AADSTS{code}: {text}"),
        "error_codes": [code],
        "timestamp": now.strftime("%Y-%m-%d %H:%M:%SZ").to_string(),
    });
    let mut response = (failure.status, Json(body)).into_response();
    if let Some(seconds) = failure.retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}
