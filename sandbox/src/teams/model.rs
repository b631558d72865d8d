//! Who and what is in Teams: tenants, people, conversations, messages.

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::card;

/// An organization in Entra.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tenant {
    /// Its id, usually a GUID.
    pub id: String,
    /// Its name.
    pub name: String,
    /// A domain that it owns.
    pub domain: String,
    /// Whether an administrator has consented to the app.
    pub consented: bool,
    /// The application permissions of Microsoft Graph that were consented to.
    pub permissions: Vec<String>,
}

/// What Novu's set-up page has the app ask for.
const PERMISSIONS: [&str; 2] =
    ["AppCatalog.Read.All", "TeamsAppInstallation.ReadWriteSelfForUser.All"];

impl Tenant {
    /// A tenant whose administrator has consented.
    #[must_use]
    pub fn new(id: &str, name: &str) -> Self {
        let domain = format!("{}.example", name.to_lowercase().replace(' ', "-"));
        Self {
            id: id.to_owned(),
            name: name.to_owned(),
            domain,
            consented: true,
            permissions: PERMISSIONS.map(str::to_owned).to_vec(),
        }
    }

    /// Whether an address of Entra's that says `name` is about this tenant.
    pub(super) fn is_called(&self, name: &str) -> bool {
        self.id.eq_ignore_ascii_case(name) || self.domain.eq_ignore_ascii_case(name)
    }
}

/// What somebody is in a tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Role {
    /// A member.
    Member,
    /// A guest, who signs in as somebody else: at home they have another object id.
    Guest {
        /// The tenant at home.
        home_tenant: String,
        /// The object id there.
        home_oid: String,
    },
    /// Somebody who joined a meeting without an account. Teams tells neither oid nor e-mail.
    Anonymous,
}

/// A person in the directory of a tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Their Entra object id. The sandbox knows them by it.
    pub oid: String,
    /// The tenant whose directory they are in.
    pub tenant: String,
    /// The id that means them to this one bot, `29:…`.
    pub account: String,
    /// Full name.
    pub name: String,
    /// E-mail address.
    pub email: Option<String>,
    /// User principal name.
    pub upn: Option<String>,
    /// Language tag of their client.
    pub locale: String,
    /// What they are in the tenant.
    pub role: Role,
    /// Whether they may consent for the tenant.
    pub is_admin: bool,
    /// Whether they have the app in their own chat with the bot.
    pub has_app: bool,
}

impl Person {
    /// A member with the app, and with an address at `example.com` that is also their user principal
    /// name.
    #[must_use]
    pub fn new(tenant: &str, oid: &str, name: &str) -> Self {
        let first = name.split(' ').next().unwrap_or_default().to_lowercase();
        let address = format!("{first}@example.com");
        Self {
            oid: oid.to_owned(),
            tenant: tenant.to_owned(),
            account: format!("29:1{}", opaque("account", &[tenant, oid])),
            name: name.to_owned(),
            email: Some(address.clone()),
            upn: Some(address),
            locale: "en-US".to_owned(),
            role: Role::Member,
            is_admin: false,
            has_app: true,
        }
    }

    /// A guest from another tenant, with the user principal name that Entra makes for guests.
    #[must_use]
    pub fn guest(tenant: &str, oid: &str, name: &str, home_tenant: &str, home_oid: &str) -> Self {
        let member = Self::new(tenant, oid, name);
        let mark = member.email.as_ref().map(|address| address.replace('@', "_"));
        Self {
            upn: mark.map(|mark| format!("{mark}#EXT#@{tenant}.onmicrosoft.example")),
            role: Role::Guest {
                home_tenant: home_tenant.to_owned(),
                home_oid: home_oid.to_owned(),
            },
            ..member
        }
    }

    /// Tenant and object id that signing in at `/organizations` proves; anonymous people have none.
    pub(super) fn identity(&self) -> Option<(&str, &str)> {
        match &self.role {
            Role::Member => Some((&self.tenant, &self.oid)),
            Role::Guest { home_tenant, home_oid } => Some((home_tenant, home_oid)),
            Role::Anonymous => None,
        }
    }

    /// The id of their own chat with the bot.
    #[must_use]
    pub fn chat(&self) -> String {
        format!("a:1{}", opaque("chat", &[&self.tenant, &self.oid]))
    }
}

/// A text that looks as the connector's ids do, and is always the same for the same parts.
fn opaque(purpose: &str, parts: &[&str]) -> String {
    let mut hash = Sha256::new_with_prefix(purpose);
    for part in parts {
        hash.update([0]);
        hash.update(part);
    }
    URL_SAFE_NO_PAD.encode(hash.finalize())
}

/// What a conversation is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// One person and the bot.
    Personal,
    /// Several people; also a meeting's chat.
    GroupChat,
    /// A channel of a team.
    Channel {
        /// The team's id.
        team: String,
        /// The team's name.
        team_name: String,
    },
}

impl Kind {
    /// Its name in activities.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Personal => "personal",
            Self::GroupChat => "groupChat",
            Self::Channel { .. } => "channel",
        }
    }
}

/// Whether the bot may read and write in a conversation, and if not, why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It is there.
    Installed,
    /// It was never there, or was removed.
    NotInstalled,
    /// The person has blocked it.
    BlockedByUser,
    /// An administrator has blocked it.
    DisabledByAdmin,
    /// Nobody may write there, or the bot may not.
    WritesBlocked,
}

/// A conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conversation {
    /// Its id, for a channel without a thread.
    pub id: String,
    /// What it is.
    pub kind: Kind,
    /// The tenant.
    pub tenant: String,
    /// Its name, if it has one.
    pub name: Option<String>,
    /// The object ids of who is in it; for a channel, who is in the team.
    pub members: BTreeSet<String>,
    /// Whether the bot may read and write in it.
    pub standing: Standing,
}

impl Conversation {
    /// A group chat with the app, by a short name of its own such as `lunch`.
    #[must_use]
    pub fn group(tenant: &str, short: &str, members: &[&str]) -> Self {
        Self {
            id: format!("19:{short}@thread.v2"),
            kind: Kind::GroupChat,
            tenant: tenant.to_owned(),
            name: None,
            members: members.iter().map(|&oid| oid.to_owned()).collect(),
            standing: Standing::Installed,
        }
    }

    /// A channel of a team with the app, by a short name of its own such as `general`.
    #[must_use]
    pub fn channel(tenant: &str, team: &str, short: &str, members: &[&str]) -> Self {
        let (team, team_name) = (format!("19:{team}@thread.tacv2"), team.to_owned());
        Self {
            id: format!("19:{short}@thread.tacv2"),
            kind: Kind::Channel { team, team_name },
            name: Some(short.to_owned()),
            ..Self::group(tenant, short, members)
        }
    }

    /// The person's own chat with the bot.
    pub(super) fn personal(person: &Person) -> Self {
        Self {
            id: person.chat(),
            kind: Kind::Personal,
            standing: if person.has_app { Standing::Installed } else { Standing::NotInstalled },
            ..Self::group(&person.tenant, "", &[&person.oid])
        }
    }

    /// The team, for a channel.
    #[must_use]
    pub fn team(&self) -> Option<&str> {
        match &self.kind {
            Kind::Channel { team, .. } => Some(team),
            Kind::Personal | Kind::GroupChat => None,
        }
    }
}

/// A typing indicator that the bot sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Typing {
    /// The conversation as the bot addressed it.
    pub conversation: String,
    /// When it was sent, by the stand-in's clock.
    pub at: Timestamp,
}

/// A message that the bot sent, as it is now.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// Its id.
    pub id: String,
    /// The conversation as the bot addressed it: in a channel, with the thread.
    pub conversation: String,
    /// The tenant.
    pub tenant: String,
    /// The object id of the one who alone sees a targeted message.
    pub only_for: Option<String>,
    /// Everything that was sent, the last time.
    pub body: Value,
    /// When it was sent, by the stand-in's clock.
    pub at: Timestamp,
    /// How often it was replaced.
    pub edits: usize,
    /// Whether the bot took it back.
    pub deleted: bool,
}

impl Message {
    /// The text, empty if there is none.
    #[must_use]
    pub fn text(&self) -> &str {
        self.body.get("text").and_then(Value::as_str).unwrap_or_default()
    }

    /// The Adaptive Card, if there is one.
    #[must_use]
    pub fn card(&self) -> Option<&Value> {
        self.body.pointer("/attachments/0/content")
    }

    /// All actions of the card.
    #[must_use]
    pub fn actions(&self) -> Vec<&Map<String, Value>> {
        self.card().map(card::actions).unwrap_or_default()
    }
}
