//! What Novu keeps: integrations, subscribers, channel connections and channel endpoints.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::store::{Document, Oid};

/// A configured provider. Credentials that are absent are missing in Novu's settings too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Integration {
    /// The slug that requests name.
    pub identifier: String,
    /// The name in the dashboard.
    pub name: String,
    /// `slack`, `novu-slack`, `msteams`, `discord`, …
    pub provider_id: String,
    /// `chat` for chat providers.
    pub channel: String,
    /// Whether it is switched on. Novu does not ask when it mints.
    pub active: bool,
    /// OAuth client id.
    pub client_id: Option<String>,
    /// OAuth client secret.
    pub secret_key: Option<String>,
    /// Home tenant of the Entra application; needed at the Teams callback only.
    pub tenant_id: Option<String>,
    /// Whether a context is required and has to be signed.
    pub hmac: bool,
    /// Where people are sent after success, instead of Novu's own page.
    pub redirect_url: Option<String>,
}

impl Integration {
    /// An active Slack integration.
    #[must_use]
    pub fn slack(identifier: &str, client_id: &str, secret_key: &str) -> Self {
        Self {
            identifier: identifier.to_owned(),
            name: identifier.to_owned(),
            provider_id: "slack".to_owned(),
            channel: "chat".to_owned(),
            active: true,
            client_id: Some(client_id.to_owned()),
            secret_key: Some(secret_key.to_owned()),
            tenant_id: None,
            hmac: false,
            redirect_url: None,
        }
    }

    /// An active Microsoft Teams integration.
    #[must_use]
    pub fn teams(identifier: &str, client_id: &str, secret_key: &str, tenant_id: &str) -> Self {
        Self {
            provider_id: "msteams".to_owned(),
            tenant_id: Some(tenant_id.to_owned()),
            ..Self::slack(identifier, client_id, secret_key)
        }
    }

    /// The `chat` integration without credentials of any provider.
    #[must_use]
    pub fn bare(identifier: &str, provider_id: &str) -> Self {
        Self {
            provider_id: provider_id.to_owned(),
            client_id: None,
            secret_key: None,
            ..Self::slack(identifier, "", "")
        }
    }
}

/// What Novu knows of a subscriber besides the id.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Profile {
    /// First name.
    pub first_name: Option<String>,
    /// Last name.
    pub last_name: Option<String>,
    /// E-mail address.
    pub email: Option<String>,
    /// Phone number.
    pub phone: Option<String>,
    /// URL of a picture.
    pub avatar: Option<String>,
    /// Locale, such as `en_US`.
    pub locale: Option<String>,
    /// IANA time zone.
    pub timezone: Option<String>,
    /// Custom data, if there is any.
    pub data: Option<Map<String, Value>>,
}

impl Profile {
    /// A profile with an e-mail address and nothing else.
    #[must_use]
    pub fn with_email(email: &str) -> Self {
        Self { email: Some(email.to_owned()), ..Self::default() }
    }

    /// The text fields by their names in the API.
    pub(super) fn texts(&self) -> [(&'static str, &Option<String>); 7] {
        [
            ("firstName", &self.first_name),
            ("lastName", &self.last_name),
            ("email", &self.email),
            ("phone", &self.phone),
            ("avatar", &self.avatar),
            ("locale", &self.locale),
            ("timezone", &self.timezone),
        ]
    }

    /// The same, to be written.
    pub(super) fn texts_mut(&mut self) -> [(&'static str, &mut Option<String>); 7] {
        [
            ("firstName", &mut self.first_name),
            ("lastName", &mut self.last_name),
            ("email", &mut self.email),
            ("phone", &mut self.phone),
            ("avatar", &mut self.avatar),
            ("locale", &mut self.locale),
            ("timezone", &mut self.timezone),
        ]
    }
}

/// A subscriber.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscriber {
    /// The id that the operator chose.
    pub subscriber_id: String,
    /// Everything else about the person.
    pub profile: Profile,
    /// The fields of the profile that were set to null; the API shows those, and leaves out the ones
    /// that were never set.
    pub(super) cleared: BTreeSet<&'static str>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// A workspace or tenant that Novu can send to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection {
    /// The identifier, `chconn_…` unless somebody chose one.
    pub identifier: String,
    /// The integration it belongs to.
    pub integration_identifier: String,
    /// Its provider.
    pub provider_id: String,
    /// Its channel.
    pub channel: String,
    /// The subscriber that owns it, none if it is shared.
    pub subscriber_id: Option<String>,
    /// Sorted `type:id` keys.
    pub context_keys: Vec<String>,
    /// The workspace or tenant.
    pub workspace: Workspace,
    /// The bot token, in clear as in Novu's API; `app-only` for Teams.
    pub access_token: String,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// The workspace of a connection.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Workspace {
    /// Slack team id or Entra tenant id.
    pub id: String,
    /// Its name; Teams connections have none.
    pub name: Option<String>,
    /// The user id of the Slack bot.
    pub bot_user_id: Option<String>,
}

/// A connection to be put into the stand-in without going through OAuth.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewConnection {
    /// The identifier; empty for a generated one.
    pub identifier: String,
    /// The integration it belongs to.
    pub integration: String,
    /// The workspace or tenant.
    pub workspace: Workspace,
    /// The bot token.
    pub access_token: String,
    /// The subscriber that owns it, none if it is shared.
    pub subscriber_id: Option<String>,
    /// `type:id` keys.
    pub context_keys: Vec<String>,
    /// When it was created; now where absent.
    pub created_at: Option<Timestamp>,
}

/// One linked person, channel or webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// The identifier, `chendp_…` unless somebody chose one.
    pub identifier: String,
    /// The integration it belongs to.
    pub integration_identifier: String,
    /// Its provider.
    pub provider_id: String,
    /// Its channel.
    pub channel: String,
    /// The connection whose token delivers to it.
    pub connection_identifier: Option<String>,
    /// Whose it is.
    pub subscriber_id: Option<String>,
    /// Sorted `type:id` keys.
    pub context_keys: Vec<String>,
    /// `slack_user`, `ms_teams_user`, …
    pub kind: String,
    /// The address, in the shape of its kind.
    pub endpoint: Value,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// An endpoint to be put into the stand-in without going through OAuth.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct NewEndpoint {
    /// The identifier; empty for a generated one.
    pub identifier: String,
    /// The integration it belongs to.
    pub integration: String,
    /// The connection whose token delivers to it.
    pub connection: Option<String>,
    /// Whose it is.
    pub subscriber_id: String,
    /// `type:id` keys.
    pub context_keys: Vec<String>,
    /// `slack_user`, `ms_teams_user`, …
    pub kind: String,
    /// The address, in the shape of its kind.
    pub endpoint: Value,
    /// When it was created; now where absent.
    pub created_at: Option<Timestamp>,
}

impl NewEndpoint {
    /// A linked Slack user.
    #[must_use]
    pub fn slack_user(integration: &str, connection: &str, subscriber: &str, user: &str) -> Self {
        Self {
            integration: integration.to_owned(),
            connection: Some(connection.to_owned()),
            subscriber_id: subscriber.to_owned(),
            kind: "slack_user".to_owned(),
            endpoint: json!({ "userId": user }),
            ..Self::default()
        }
    }
}

impl Endpoint {
    /// The chat user, for the kinds that are a person in Slack or Teams.
    #[must_use]
    pub fn user_id(&self) -> Option<&str> {
        user_id(&self.kind, &self.endpoint)
    }
}

/// The chat user of an endpoint that falls under Novu's unique index.
pub(super) fn user_id<'a>(kind: &str, endpoint: &'a Value) -> Option<&'a str> {
    matches!(kind, "slack_user" | "ms_teams_user")
        .then(|| endpoint.get("userId").and_then(Value::as_str))
        .flatten()
}

/// A moment as JavaScript prints it: UTC, always three decimals.
pub(super) fn iso(moment: Timestamp) -> String {
    moment.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

impl Document for Subscriber {
    fn identifier(&self) -> &str {
        &self.subscriber_id
    }
    fn owner(&self) -> Option<&str> {
        None
    }
    fn created_at(&self) -> Timestamp {
        self.created_at
    }
    fn updated_at(&self) -> Timestamp {
        self.updated_at
    }
}

impl Document for Connection {
    fn identifier(&self) -> &str {
        &self.identifier
    }
    fn owner(&self) -> Option<&str> {
        self.subscriber_id.as_deref()
    }
    fn created_at(&self) -> Timestamp {
        self.created_at
    }
    fn updated_at(&self) -> Timestamp {
        self.updated_at
    }
}

impl Document for Endpoint {
    fn identifier(&self) -> &str {
        &self.identifier
    }
    fn owner(&self) -> Option<&str> {
        self.subscriber_id.as_deref()
    }
    fn created_at(&self) -> Timestamp {
        self.created_at
    }
    fn updated_at(&self) -> Timestamp {
        self.updated_at
    }
}

/// The connection as the API shows it; the token in clear, as Novu does.
pub(super) fn connection_json(connection: &Connection) -> Value {
    let mut workspace = Map::new();
    workspace.insert("id".to_owned(), json!(connection.workspace.id));
    if let Some(name) = &connection.workspace.name {
        workspace.insert("name".to_owned(), json!(name));
    }
    if let Some(bot) = &connection.workspace.bot_user_id {
        workspace.insert("botUserId".to_owned(), json!(bot));
    }
    json!({
        "identifier": connection.identifier,
        "channel": connection.channel,
        "providerId": connection.provider_id,
        "integrationIdentifier": connection.integration_identifier,
        "subscriberId": connection.subscriber_id,
        "contextKeys": connection.context_keys,
        "workspace": workspace,
        "auth": { "accessToken": connection.access_token },
        "createdAt": iso(connection.created_at),
        "updatedAt": iso(connection.updated_at),
    })
}

/// The endpoint as the API shows it.
pub(super) fn endpoint_json(endpoint: &Endpoint) -> Value {
    json!({
        "identifier": endpoint.identifier,
        "channel": endpoint.channel,
        "providerId": endpoint.provider_id,
        "integrationIdentifier": endpoint.integration_identifier,
        "connectionIdentifier": endpoint.connection_identifier,
        "subscriberId": endpoint.subscriber_id,
        "contextKeys": endpoint.context_keys,
        "type": endpoint.kind,
        "endpoint": endpoint.endpoint,
        "createdAt": iso(endpoint.created_at),
        "updatedAt": iso(endpoint.updated_at),
    })
}

/// The subscriber as the API shows it; fields that were never set are absent.
pub(super) fn subscriber_json(
    id: Oid,
    subscriber: &Subscriber,
    environment: &str,
    organization: &str,
) -> Value {
    let mut value = json!({
        "_id": id.to_string(),
        "subscriberId": subscriber.subscriber_id,
        "channels": [],
        "isOnline": false,
        "lastOnlineAt": null,
        "deleted": false,
        "_organizationId": organization,
        "_environmentId": environment,
        "createdAt": iso(subscriber.created_at),
        "updatedAt": iso(subscriber.updated_at),
    });
    if let Value::Object(fields) = &mut value {
        for (name, text) in subscriber.profile.texts() {
            if text.is_some() || subscriber.cleared.contains(name) {
                fields.insert(name.to_owned(), json!(text));
            }
        }
        if let Some(data) = &subscriber.profile.data {
            fields.insert("data".to_owned(), json!(data));
        }
    }
    value
}
