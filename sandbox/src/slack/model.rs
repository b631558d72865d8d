//! Who and what is in Slack: workspaces, people, channels, messages.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// A workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Team {
    /// `T…`
    pub id: String,
    /// Its name.
    pub name: String,
    /// The first part of its address.
    pub domain: String,
    /// The bot token that an installation has in this workspace.
    pub bot_token: String,
    /// The bot's user id.
    pub bot_user_id: String,
    /// Whether the app is installed already.
    pub installed: bool,
}

impl Team {
    /// A workspace with the app installed.
    #[must_use]
    pub fn new(id: &str, name: &str) -> Self {
        Self {
            id: id.to_owned(),
            name: name.to_owned(),
            domain: name.to_lowercase().replace(' ', "-"),
            bot_token: format!("xoxb-sandbox-{id}"),
            bot_user_id: "UBOTSANDBOX".to_owned(),
            installed: true,
        }
    }
}

/// A person or a bot in a workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "Slack's user object is a bag of booleans")]
pub struct User {
    /// `U…` or `W…`
    pub id: String,
    /// The workspace.
    pub team_id: String,
    /// The old short name.
    pub name: String,
    /// The full name.
    pub real_name: String,
    /// The name that people chose to show.
    pub display_name: String,
    /// Locale, such as `en-US`.
    pub locale: Option<String>,
    /// IANA time zone.
    pub tz: Option<String>,
    /// E-mail address.
    pub email: Option<String>,
    /// Whether Slack has verified the address.
    pub is_email_confirmed: bool,
    /// A bot.
    pub is_bot: bool,
    /// A deactivated account.
    pub deleted: bool,
    /// Somebody from another workspace, seen through a shared channel.
    pub is_stranger: bool,
    /// A guest.
    pub is_restricted: bool,
    /// A guest of one channel only.
    pub is_ultra_restricted: bool,
    /// Invited and not signed in yet.
    pub is_invited_user: bool,
    /// An administrator.
    pub is_admin: bool,
    /// An owner.
    pub is_owner: bool,
    /// The Enterprise Grid organization.
    pub enterprise_id: Option<String>,
}

impl User {
    /// A full member with a confirmed address at `example.com`.
    #[must_use]
    pub fn new(team_id: &str, id: &str, real_name: &str) -> Self {
        let short = real_name.split(' ').next().unwrap_or_default();
        Self {
            id: id.to_owned(),
            team_id: team_id.to_owned(),
            name: short.to_lowercase(),
            real_name: real_name.to_owned(),
            display_name: short.to_owned(),
            locale: Some("en-US".to_owned()),
            tz: Some("Europe/London".to_owned()),
            email: Some(format!("{}@example.com", short.to_lowercase())),
            is_email_confirmed: true,
            is_bot: false,
            deleted: false,
            is_stranger: false,
            is_restricted: false,
            is_ultra_restricted: false,
            is_invited_user: false,
            is_admin: false,
            is_owner: false,
            enterprise_id: None,
        }
    }

    /// Whether the person can open a sign-in page.
    pub(super) fn can_sign_in(&self) -> bool {
        !(self.is_bot || self.deleted || self.is_stranger || self.is_invited_user)
    }

    /// The user object, with what the scopes and arguments of a call allow.
    pub(super) fn show(&self, with_email: bool, with_locale: bool) -> Value {
        let mut profile = json!({
            "real_name": self.real_name,
            "display_name": self.display_name,
            "team": self.team_id,
        });
        if let Some(email) = self.email.as_ref().filter(|_| with_email && !self.is_bot) {
            set(&mut profile, "email", json!(email));
        }
        let mut user = json!({
            "id": self.id,
            "team_id": self.team_id,
            "name": self.name,
            "real_name": self.real_name,
            "deleted": self.deleted,
            "is_bot": self.is_bot,
            "is_app_user": false,
            "updated": 1_770_000_000,
            "profile": profile,
        });
        if self.deleted {
            return user;
        }
        for (name, value) in self.membership() {
            set(&mut user, name, value);
        }
        if let Some(locale) = self.locale.as_ref().filter(|_| with_locale && !self.is_stranger) {
            set(&mut user, "locale", json!(locale));
        }
        user
    }

    /// What Slack says of accounts that are not deactivated.
    fn membership(&self) -> Vec<(&'static str, Value)> {
        let mut fields = vec![
            ("tz", json!(self.tz)),
            ("is_admin", json!(self.is_admin)),
            ("is_owner", json!(self.is_owner)),
            ("is_primary_owner", json!(false)),
            ("is_restricted", json!(self.is_restricted)),
            ("is_ultra_restricted", json!(self.is_ultra_restricted)),
            ("is_email_confirmed", json!(self.is_email_confirmed)),
        ];
        if self.is_stranger {
            fields.push(("is_stranger", json!(true)));
        }
        if self.is_invited_user {
            fields.push(("is_invited_user", json!(true)));
        }
        if let Some(enterprise) = &self.enterprise_id {
            let user = json!({
                "id": self.id, "enterprise_id": enterprise, "teams": [self.team_id],
                "is_admin": false, "is_owner": false,
            });
            fields.push(("enterprise_user", user));
        }
        fields
    }
}

fn set(object: &mut Value, name: &str, value: Value) {
    if let Value::Object(fields) = object {
        fields.insert(name.to_owned(), value);
    }
}

/// A channel.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Channel {
    /// `C…`
    pub id: String,
    /// The workspace.
    pub team_id: String,
    /// Who is in it: user ids, the bot's among them if it is.
    pub members: BTreeSet<String>,
    /// Whether everybody in the workspace can see it.
    pub is_public: bool,
}

/// The way that a message was sent by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Door {
    /// The HTTP response to a slash command.
    Response,
    /// `chat.postMessage`
    PostMessage,
    /// `chat.postEphemeral`
    PostEphemeral,
    /// A response URL, this one.
    ResponseUrl(String),
    /// Whoever passed a message of the bot's on.
    Shared,
}

/// A message that was accepted.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// How it came.
    pub door: Door,
    /// The workspace.
    pub team_id: String,
    /// The channel, `D…` for a direct message; empty by the response URL of a command.
    pub channel: String,
    /// Who alone sees it: the other side of a direct message, or the reader of an ephemeral one. Nobody
    /// is named by the response URL of a command.
    pub user: Option<String>,
    /// Everything that was sent, without the token.
    pub body: Value,
    /// When it came, by the stand-in's clock.
    pub at: Timestamp,
    /// Its id; what takes a message's place has the same one.
    pub ts: String,
    /// Whether it is gone after a while, and seen by `user` alone wherever it is.
    pub is_ephemeral: bool,
    /// Whether another message has taken its place.
    pub is_replaced: bool,
}

impl Message {
    /// The text, empty if there is none.
    #[must_use]
    pub fn text(&self) -> &str {
        self.body.get("text").and_then(Value::as_str).unwrap_or_default()
    }

    /// All buttons of all blocks, in order.
    #[must_use]
    pub fn buttons(&self) -> Vec<&Map<String, Value>> {
        buttons(&self.body)
    }
}

/// All buttons of a message, in order.
#[must_use]
pub fn buttons(message: &Value) -> Vec<&Map<String, Value>> {
    let blocks = message.get("blocks").and_then(Value::as_array);
    let elements = blocks.into_iter().flatten().flat_map(|block| {
        let accessory = block.get("accessory");
        block.get("elements").and_then(Value::as_array).into_iter().flatten().chain(accessory)
    });
    elements
        .filter_map(Value::as_object)
        .filter(|element| element.get("type").and_then(Value::as_str) == Some("button"))
        .collect()
}
