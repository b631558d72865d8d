//! Channel connections: the workspaces and tenants that Novu can send to.
//!
//! Source: Novu 3.19, channel-connections controller and its use cases.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::Value;

use super::Inner;
use super::context;
use super::endpoints::{CHANNELS, PAGING, PROVIDERS};
use super::envelope::{Problem, created, ok};
use super::guard::Input;
use super::model::{Connection, Integration, NewConnection, Workspace, connection_json};
use super::page::{Paging, Params, Rules};
use super::validate::Form;

/// How the list pages.
const RULES: Rules = Rules {
    class: "ListChannelConnectionsCommand",
    words: &[("connectionMode", &["subscriber", "shared"]), PROVIDERS, CHANNELS],
    ..PAGING
};

/// `GET /v1/channel-connections`
pub(super) async fn list(
    State(inner): State<Arc<Inner>>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let params = Params::parse(query.as_deref());
    let paging = Paging::parse(&params, &RULES)?;
    let filter = Filter::new(&params);
    let state = inner.read();
    let all = &state.connections;
    let wanted = |(_, connection): &(_, &Connection)| filter.admits(connection);
    let show = |_, connection: &Connection| connection_json(connection);
    let shared = |(_, connection): &(_, &Connection)| connection.subscriber_id.is_none();
    Ok(match (params.filled("subscriberId"), params.filled("connectionMode")) {
        // The mode means something beside a subscriber only, and then not whose.
        (Some(_), Some("shared")) => {
            paging.list(all, all.all().filter(shared).filter(wanted), show)
        }
        (Some(subscriber), _) => paging.list(all, all.owned_by(subscriber).filter(wanted), show),
        (None, _) => paging.list(all, all.all().filter(wanted), show),
    })
}

/// The filters of a list besides the subscriber; empty ones do not count.
struct Filter<'a> {
    channel: Option<&'a str>,
    provider: Option<&'a str>,
    integration: Option<&'a str>,
    context_keys: Option<Vec<&'a str>>,
}

impl<'a> Filter<'a> {
    fn new(params: &'a Params) -> Self {
        Self {
            channel: params.filled("channel"),
            provider: params.filled("providerId"),
            integration: params.filled("integrationIdentifier"),
            context_keys: params.context_keys(),
        }
    }

    fn admits(&self, connection: &Connection) -> bool {
        self.channel.is_none_or(|it| it == connection.channel)
            && self.provider.is_none_or(|it| it == connection.provider_id)
            && self.integration.is_none_or(|it| it == connection.integration_identifier)
            && self.context_keys.as_ref().is_none_or(|keys| *keys == connection.context_keys)
    }
}

fn missing(identifier: &str) -> Problem {
    Problem::not_found(format!("Channel connection with identifier '{identifier}' not found"))
}

/// `GET /v1/channel-connections/{identifier}`
pub(super) async fn get(
    State(inner): State<Arc<Inner>>,
    Path(identifier): Path<String>,
) -> Result<Response, Problem> {
    let state = inner.read();
    let connection = state.connections.get(&identifier).ok_or_else(|| missing(&identifier))?;
    Ok(ok(&connection_json(connection)))
}

/// `DELETE /v1/channel-connections/{identifier}`. The endpoints keep the dangling identifier.
pub(super) async fn delete(
    State(inner): State<Arc<Inner>>,
    Path(identifier): Path<String>,
) -> Result<StatusCode, Problem> {
    let removed = inner.write().connections.remove(&identifier);
    removed.ok_or_else(|| missing(&identifier))?;
    Ok(StatusCode::NO_CONTENT)
}

/// `PATCH /v1/channel-connections/{identifier}`
pub(super) async fn update(
    State(inner): State<Arc<Inner>>,
    Path(identifier): Path<String>,
    Extension(Input(body)): Extension<Input>,
) -> Result<Response, Problem> {
    let mut form = Form::new(&body);
    let (workspace, auth) = subject(&mut form);
    form.finish()?;
    let missing = || {
        Problem::not_found(format!("Channel connection with identifier \"{identifier}\" not found"))
    };
    let mut state = inner.write();
    let found = state.connections.get(&identifier).ok_or_else(missing)?;
    check_rotation(state.integration(&found.integration_identifier).map(Arc::as_ref), &auth)?;
    let connection = state.connections.get_mut(&identifier).ok_or_else(missing)?;
    connection.workspace = workspace;
    connection.access_token = auth.access_token;
    connection.updated_at = inner.controls.clock.now();
    Ok(ok(&connection_json(connection)))
}

/// `POST /v1/channel-connections`
pub(super) async fn create(
    State(inner): State<Arc<Inner>>,
    Extension(Input(body)): Extension<Input>,
) -> Result<Response, Problem> {
    let mut form = Form::new(&body);
    let integration = form.present("integrationIdentifier");
    let identifier = form.text("identifier").unwrap_or_default();
    let subscriber = form.text("subscriberId").filter(|id| !id.is_empty());
    let context = form.context();
    let mode = form.one_of("connectionMode", &["subscriber", "shared"]);
    let (workspace, auth) = subject(&mut form);
    form.finish()?;
    check_mode(mode, subscriber, context)?;
    let new = NewConnection {
        identifier: identifier.to_owned(),
        integration: integration.to_owned(),
        workspace,
        access_token: auth.access_token.clone(),
        subscriber_id: subscriber.filter(|_| mode != Some("shared")).map(str::to_owned),
        context_keys: context.map(context::keys).unwrap_or_default(),
        created_at: None,
    };
    let mut state = inner.write();
    check_rotation(state.integration(integration).map(Arc::as_ref), &auth)?;
    let now = inner.controls.clock.now();
    let connection = state.create_connection(new, &inner.options.environment_id, now)?;
    Ok(created(&connection_json(&connection)))
}

fn check_mode(
    mode: Option<&str>,
    subscriber: Option<&str>,
    context: Option<&Value>,
) -> Result<(), Problem> {
    let wrong = match mode {
        Some("shared") if context.is_none() => {
            "context is required when connectionMode is \"shared\""
        }
        Some("subscriber") if subscriber.is_none() => {
            "subscriberId is required when connectionMode is \"subscriber\""
        }
        None if subscriber.is_none() && context.is_none() => {
            "Either subscriberId or context must be provided"
        }
        _ => return Ok(()),
    };
    Err(Problem::bad_request(wrong))
}

/// The credentials of a connection as they were sent.
struct Auth {
    access_token: String,
    rotates: bool,
}

/// The workspace and the credentials, which creating and updating both need.
fn subject(form: &mut Form<'_>) -> (Workspace, Auth) {
    let text = |value: Option<&Value>, field: &str| {
        value.and_then(|value| value.get(field)).and_then(Value::as_str).map(str::to_owned)
    };
    let (workspace, auth) = (form.value("workspace"), form.value("auth"));
    let id = text(workspace, "id");
    let access_token = text(auth, "accessToken");
    for (object, part, name) in
        [(workspace, &id, "workspace.id"), (auth, &access_token, "auth.accessToken")]
    {
        let owner = name.split('.').next().unwrap_or_default();
        if object.is_none() {
            form.complain(format!("{owner} should not be null or undefined"));
        } else if part.is_none() {
            let key = name.split('.').next_back().unwrap_or_default();
            if object.and_then(|object| object.get(key)).is_none_or(Value::is_null) {
                form.complain(format!("{name} should not be null or undefined"));
            }
            form.complain(format!("{name} must be a string"));
        }
    }
    let rotates = text(auth, "refreshToken").is_some_and(|token| !token.is_empty());
    (
        Workspace {
            id: id.unwrap_or_default(),
            name: text(workspace, "name"),
            bot_user_id: text(workspace, "botUserId"),
        },
        Auth { access_token: access_token.unwrap_or_default(), rotates },
    )
}

/// A refresh token needs a provider that rotates, and the client's credentials.
fn check_rotation(integration: Option<&Integration>, auth: &Auth) -> Result<(), Problem> {
    let Some(integration) = integration.filter(|_| auth.rotates) else { return Ok(()) };
    let provider = integration.provider_id.as_str();
    if !matches!(provider, "slack" | "novu-slack" | "webex-messaging") {
        return Err(Problem::bad_request(format!(
            "Token rotation is not supported for provider \"{provider}\". \
             Remove refreshToken from the connection auth."
        )));
    }
    if integration.client_id.is_none() || integration.secret_key.is_none() {
        return Err(Problem::bad_request(format!(
            "Integration \"{}\" must have clientId and secretKey configured to store a rotating \
             refresh token.",
            integration.identifier
        )));
    }
    Ok(())
}
