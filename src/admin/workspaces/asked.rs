//! What administrators send.

use std::fmt;

use serde::Deserialize;
use utoipa::ToSchema;
use utoipa::openapi::schema::AdditionalProperties;
use utoipa::openapi::{Object, ObjectBuilder, Type};

use crate::admin::request::object;
use crate::core::workspaces::Given;
use crate::core::workspaces::config::scope;
use crate::core::{Platform, Workspace};
use crate::novu::{ConnectionMode, Context, SubscriberId};

/// The longest word, in characters.
const LONGEST: usize = 100;
/// The most scopes.
const MOST_SCOPES: usize = 50;

/// A word of letters, digits and the signs that identifiers have.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "String")]
pub(in crate::admin) struct Word(String);

impl Word {
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Word {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let is_sign = |it: u8| it.is_ascii_alphanumeric() || b"_.:-".contains(&it);
        if (1..=LONGEST).contains(&text.len()) && text.bytes().all(is_sign) {
            return Ok(Self(text));
        }
        Err(format!(
            "an id or identifier has 1 to {LONGEST} of A-Z, a-z, 0-9, '_', '.', ':' and '-'"
        ))
    }
}

/// The scopes to ask for.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "Vec<String>")]
pub(in crate::admin) struct Scopes(Vec<String>);

impl TryFrom<Vec<String>> for Scopes {
    type Error = String;

    fn try_from(scopes: Vec<String>) -> Result<Self, String> {
        if scopes.is_empty() || scopes.len() > MOST_SCOPES {
            return Err(format!(
                "there are 1 to {MOST_SCOPES} scopes; leave them out for the usual ones"
            ));
        }
        for text in &scopes {
            if text.is_empty() || text.len() > LONGEST {
                return Err(format!("a scope has 1 to {LONGEST} characters"));
            }
            scope(text).map_err(|complaint| format!("a scope {complaint}"))?;
        }
        Ok(Self(scopes))
    }
}

/// A subscriber's id.
#[derive(Clone, Deserialize)]
#[serde(try_from = "String")]
pub(in crate::admin) struct Owner(SubscriberId);

impl fmt::Debug for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl TryFrom<String> for Owner {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let fits = text.chars().count() <= 2 * LONGEST && !text.chars().any(char::is_control);
        let id = SubscriberId::new(text).ok().filter(|_| fits);
        id.map(Self).ok_or_else(|| format!("a subscriber's id has 1 to {} characters", 2 * LONGEST))
    }
}

/// A workspace or tenant, by one of these ids at least.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = WorkspaceName)]
pub(in crate::admin) struct WorkspaceNamed {
    /// Slack workspace (`T…`), or Entra tenant.
    #[schema(pattern = "^[A-Za-z0-9_-]{1,100}$", example = "T0123ABCD")]
    id: Option<String>,
    /// Slack Enterprise Grid organisation (`E…`) that the workspace belongs to, or that the app is to be
    /// installed for.
    #[schema(pattern = "^[A-Za-z0-9_-]{1,100}$")]
    organisation: Option<String>,
}

impl WorkspaceNamed {
    /// The workspace.
    ///
    /// # Errors
    /// As [`Platform::place`].
    pub(super) fn read(&self, platform: &Platform) -> Result<Workspace, String> {
        platform.place(self.id.as_deref(), self.organisation.as_deref())
    }
}

/// Whose a connection is.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::admin) enum Mode {
    /// Everybody's who has the same context.
    Shared,
    /// One subscriber's.
    Subscriber,
}

/// What to connect, and with what. What is left out is as the configuration says; what neither says, whoever
/// opens the page is asked for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ConnectWorkspace)]
pub(in crate::admin) struct ConnectBody {
    /// `slack` or `teams`.
    #[schema(value_type = String, pattern = "^[a-z]+$", example = "slack")]
    pub(super) platform: Word,
    /// The workspace or tenant.
    #[serde(deserialize_with = "object")]
    pub(super) workspace: WorkspaceNamed,
    /// The identifier that the connection gets in Novu. With `reconnect` that of the one that is there.
    #[schema(value_type = Option<String>, pattern = "^[A-Za-z0-9_.:-]{1,100}$")]
    connection: Option<Word>,
    /// The context of the connection, as type and id.
    #[schema(schema_with = context)]
    context: Option<Context>,
    /// The subscriber that owns the connection. It has to exist in Novu.
    #[schema(value_type = Option<String>, min_length = 1, max_length = 200)]
    subscriber: Option<Owner>,
    /// The scopes that a Slack workspace grants the bot.
    #[schema(value_type = Option<Vec<String>>, min_items = 1, max_items = 50)]
    scope: Option<Scopes>,
    /// Whose the connection is. Without it: everybody's who has the context, if there is one.
    mode: Option<Mode>,
    /// Whether the account of whoever consents is linked to the subscriber as well.
    #[serde(default)]
    auto_link_user: bool,
    /// Whether the connection is there, and gets new credentials.
    #[serde(default)]
    pub(super) reconnect: bool,
}

impl ConnectBody {
    pub(super) fn given(self) -> Given {
        Given {
            connection: self.connection.map(|it| it.0),
            context: self.context,
            subscriber: self.subscriber.map(|it| it.0),
            scope: self.scope.map(|it| it.0),
            mode: self.mode.map(|mode| match mode {
                Mode::Shared => ConnectionMode::Shared,
                Mode::Subscriber => ConnectionMode::Subscriber,
            }),
            auto_link_user: self.auto_link_user,
        }
    }
}

/// With what to connect again.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ReconnectWorkspace)]
pub(in crate::admin) struct ReconnectBody {
    /// The scopes that a Slack workspace grants the bot, in place of those of the configuration.
    #[schema(value_type = Option<Vec<String>>, min_items = 1, max_items = 50)]
    scope: Option<Scopes>,
}

impl ReconnectBody {
    pub(super) fn scope(self) -> Option<Vec<String>> {
        self.scope.map(|scopes| scopes.0)
    }
}

/// One to five entries of type and id.
fn context() -> Object {
    let id = ObjectBuilder::new().schema_type(Type::String).pattern(Some("^[A-Za-z0-9_-]{1,100}$"));
    ObjectBuilder::new()
        .schema_type(utoipa::openapi::schema::SchemaType::from_iter([Type::Object, Type::Null]))
        .description(Some(
            "The context of the connection, as type and id, such as {\"tenant\": \"acme\"}",
        ))
        .min_properties(Some(1))
        .max_properties(Some(5))
        .additional_properties(Some(AdditionalProperties::from(id)))
        .build()
}
