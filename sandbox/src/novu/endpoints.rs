//! Channel endpoints: who is linked.
//!
//! Source: Novu 3.19, channel-endpoints controller and its use cases.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::Value;

use super::Inner;
use super::context;
use super::envelope::{Problem, created, ok};
use super::guard::Input;
use super::model::{Endpoint, NewEndpoint, Profile, endpoint_json};
use super::page::{Paging, Params, Rules};
use super::state::endpoint_not_found;
use super::validate::Form;

/// How the channel lists page.
pub(super) const PAGING: Rules = Rules {
    class: "ListChannelEndpointsCommand",
    typed: true,
    default_order: "createdAt",
    words: &[PROVIDERS, CHANNELS],
    texts: &[],
};

/// The providers that a list can be filtered by; Novu knows more.
pub(super) const PROVIDERS: (&str, &[&str]) =
    ("providerId", &["slack", "novu-slack", "msteams", "discord", "telegram", "webex-messaging"]);
/// The channels that a list can be filtered by.
pub(super) const CHANNELS: (&str, &[&str]) =
    ("channel", &["in_app", "email", "sms", "chat", "push", "tool"]);

/// The kinds and the keys of their addresses: required ones, then optional ones.
const KINDS: [(&str, &[&str], &[&str]); 10] = [
    ("slack_channel", &["channelId"], &[]),
    ("slack_user", &["userId"], &[]),
    ("webhook", &["url"], &["channel"]),
    ("phone", &["phoneNumber"], &[]),
    ("ms_teams_channel", &["teamId", "channelId"], &[]),
    ("ms_teams_user", &["userId"], &["tenantId"]),
    ("telegram_chat", &["chatId"], &[]),
    ("webex_room", &["roomId"], &[]),
    ("webex_person", &["personId"], &[]),
    ("line_user", &["userId"], &[]),
];

/// `GET /v1/channel-endpoints`
pub(super) async fn list(
    State(inner): State<Arc<Inner>>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let params = Params::parse(query.as_deref());
    let paging = Paging::parse(&params, &PAGING)?;
    let filter = Filter::new(&params);
    let state = inner.read();
    let all = state.endpoints();
    let wanted = |(_, endpoint): &(_, &Endpoint)| filter.admits(endpoint);
    let show = |_, endpoint: &Endpoint| endpoint_json(endpoint);
    Ok(match params.filled("subscriberId") {
        Some(subscriber) => paging.list(all, all.owned_by(subscriber).filter(wanted), show),
        None => paging.list(all, all.all().filter(wanted), show),
    })
}

/// The filters of a list besides the subscriber; empty ones do not count.
struct Filter<'a> {
    channel: Option<&'a str>,
    provider: Option<&'a str>,
    integration: Option<&'a str>,
    connection: Option<&'a str>,
    context_keys: Option<Vec<&'a str>>,
}

impl<'a> Filter<'a> {
    fn new(params: &'a Params) -> Self {
        Self {
            channel: params.filled("channel"),
            provider: params.filled("providerId"),
            integration: params.filled("integrationIdentifier"),
            connection: params.filled("connectionIdentifier"),
            context_keys: params.context_keys(),
        }
    }

    fn admits(&self, endpoint: &Endpoint) -> bool {
        self.channel.is_none_or(|it| it == endpoint.channel)
            && self.provider.is_none_or(|it| it == endpoint.provider_id)
            && self.integration.is_none_or(|it| it == endpoint.integration_identifier)
            && self
                .connection
                .is_none_or(|it| Some(it) == endpoint.connection_identifier.as_deref())
            && self.context_keys.as_ref().is_none_or(|keys| *keys == endpoint.context_keys)
    }
}

/// `GET /v1/channel-endpoints/{identifier}`
pub(super) async fn get(
    State(inner): State<Arc<Inner>>,
    Path(identifier): Path<String>,
) -> Result<Response, Problem> {
    let state = inner.read();
    let endpoint = state.endpoints().get(&identifier);
    let endpoint = endpoint.ok_or_else(|| Problem::not_found(endpoint_not_found(&identifier)))?;
    Ok(ok(&endpoint_json(endpoint)))
}

/// `DELETE /v1/channel-endpoints/{identifier}`
pub(super) async fn delete(
    State(inner): State<Arc<Inner>>,
    Path(identifier): Path<String>,
) -> Result<StatusCode, Problem> {
    let removed = inner.write().remove_endpoint(&identifier);
    removed.ok_or_else(|| Problem::not_found(endpoint_not_found(&identifier)))?;
    Ok(StatusCode::NO_CONTENT)
}

/// `PATCH /v1/channel-endpoints/{identifier}`
pub(super) async fn update(
    State(inner): State<Arc<Inner>>,
    Path(identifier): Path<String>,
    Extension(Input(body)): Extension<Input>,
) -> Result<Response, Problem> {
    let address = address(&body)?;
    let mut state = inner.write();
    let found = state.endpoints().get(&identifier).ok_or_else(|| {
        let environment = &inner.options.environment_id;
        Problem::not_found(format!(
            "Channel endpoint with identifier \"{identifier}\" not found in environment \
             \"{environment}\""
        ))
    })?;
    if !fits(&found.kind, address) {
        return Err(Problem::bad_request(misfit(&found.kind)));
    }
    let endpoint =
        state.update_endpoint(&identifier, address.clone(), inner.controls.clock.now())?;
    Ok(ok(&endpoint_json(&endpoint)))
}

/// The one field of a change.
fn address(body: &Value) -> Result<&Value, Problem> {
    let mut form = Form::new(body);
    let address = form.value("endpoint");
    if address.is_none() {
        form.complain("endpoint should not be null or undefined");
    }
    if !address.is_some_and(Value::is_object) {
        form.complain("endpoint must be an object");
    }
    form.finish()?;
    address.ok_or_else(Problem::uncaught)
}

/// `POST /v1/channel-endpoints`
pub(super) async fn create(
    State(inner): State<Arc<Inner>>,
    Extension(Input(body)): Extension<Input>,
) -> Result<Response, Problem> {
    judge(&body)?;
    let text = |field: &str| body.get(field).and_then(Value::as_str).map(str::to_owned);
    let new = NewEndpoint {
        identifier: text("identifier").unwrap_or_default(),
        integration: text("integrationIdentifier").unwrap_or_default(),
        connection: text("connectionIdentifier"),
        subscriber_id: text("subscriberId").unwrap_or_default(),
        context_keys: body.get("context").map(context::keys).unwrap_or_default(),
        kind: text("type").unwrap_or_default(),
        endpoint: body.get("endpoint").cloned().unwrap_or_default(),
        created_at: None,
    };
    let now = inner.controls.clock.now();
    let mut state = inner.write();
    if body.get("createSubscriberIfMissing") == Some(&Value::Bool(true))
        && state.integration(&new.integration).is_some()
        && !state.subscribers.contains(&new.subscriber_id)
    {
        state.put_subscriber(&new.subscriber_id, Profile::default(), now);
    }
    let endpoint = state.create_endpoint(new, &inner.options.environment_id, now)?;
    Ok(created(&endpoint_json(&endpoint)))
}

/// The body is a union type, so only the command layer looks at it.
fn judge(body: &Value) -> Result<(), Problem> {
    let mut wrong: Vec<(&str, Vec<String>, Option<Value>)> = Vec::new();
    let mut complain = |field, messages: Vec<String>| {
        wrong.push((field, messages, body.get(field).cloned()));
    };
    for field in ["integrationIdentifier", "subscriberId"] {
        match body.get(field) {
            None | Some(Value::Null) => complain(
                field,
                vec![
                    format!("{field} should not be null or undefined"),
                    format!("{field} must be a string"),
                ],
            ),
            Some(Value::String(_)) => {}
            Some(_) => complain(field, vec![format!("{field} must be a string")]),
        }
    }
    for field in ["identifier", "connectionIdentifier"] {
        if body.get(field).is_some_and(|value| !value.is_null() && !value.is_string()) {
            complain(field, vec![format!("{field} must be a string")]);
        }
    }
    if let Some(Err(message)) =
        body.get("context").filter(|value| !value.is_null()).map(context::judge)
    {
        complain("context", vec![message]);
    }
    let filled = |field: &str| body.get(field).filter(|value| !value.is_null());
    let undefined = |field: &str| {
        filled(field).is_none().then(|| format!("{field} should not be null or undefined"))
    };
    let kind = filled("type").map(|kind| kind.as_str().unwrap_or_default());
    let mut messages: Vec<String> = undefined("type").into_iter().collect();
    if !kind.is_some_and(|kind| KINDS.iter().any(|(known, _, _)| *known == kind)) {
        // Novu's list of the kinds is empty here.
        messages.push("type must be one of the following values: ".to_owned());
        complain("type", messages);
    }
    let mut messages: Vec<String> = undefined("endpoint").into_iter().collect();
    if let Some(kind) = kind
        && !filled("endpoint").is_some_and(|address| fits(kind, address))
    {
        messages.push(misfit(kind));
    }
    if !messages.is_empty() {
        complain("endpoint", messages);
    }
    if wrong.is_empty() {
        Ok(())
    } else {
        Err(Problem::command("CreateChannelEndpointCommand", &wrong))
    }
}

/// Whether an address has exactly the keys of its kind, all of them strings.
fn fits(kind: &str, address: &Value) -> bool {
    let Some((_, required, optional)) = KINDS.iter().find(|(known, _, _)| *known == kind) else {
        return false;
    };
    let Some(fields) = address.as_object() else { return false };
    required.iter().all(|key| fields.contains_key(*key))
        && fields.iter().all(|(key, value)| {
            (required.contains(&key.as_str()) || optional.contains(&key.as_str()))
                && value.is_string()
        })
}

fn misfit(kind: &str) -> String {
    format!("Endpoint must match the required format for type \"{kind}\"")
}
