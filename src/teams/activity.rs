//! What Teams sends: activities, read into the few kinds that this product knows.
//!
//! Teams adds fields and kinds at any time and leaves others out (Teams, conversation events), so
//! whatever is missing, null or of an unexpected type counts as absent, and an unknown kind is
//! [`Activity::Ignored`]. Only what an answer cannot do without is an error.
//!
//! This module believes what it reads: hand it only bytes whose token has been verified.

mod incomplete;

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::mention::without_mentions;

pub(super) use self::incomplete::Incomplete;

/// The name of the invoke that `Action.Execute` sends.
const CARD_ACTION: &str = "adaptiveCard/action";

/// An activity, by what it means to us.
///
/// Does not print what people wrote.
#[derive(Clone, PartialEq)]
pub(super) enum Activity {
    /// Somebody wrote to the bot.
    Message {
        /// Where.
        origin: ConversationRef,
        /// Who.
        from: Account,
        /// What, without the bot's own mention, on one line.
        text: String,
    },
    /// Somebody pressed an `Action.Submit`: a message with a value and no text.
    CardSubmit {
        /// Where.
        origin: ConversationRef,
        /// Who.
        from: Account,
        /// The action's data, merged with the card's inputs.
        value: Value,
    },
    /// Somebody pressed an `Action.Execute`.
    CardAction {
        /// Where.
        origin: ConversationRef,
        /// Who.
        from: Account,
        /// The action's verb; empty if it has none.
        verb: String,
        /// The message that the press speaks of, if it carries one.
        message: Option<String>,
        /// The id of the message with the button, if Teams says so.
        card: Option<String>,
    },
    /// Somebody pressed an `Action.Execute`, and the activity lacks what an answer needs. Even that is
    /// answered in the envelope of a press.
    BrokenAction {
        /// What it lacks.
        problem: Incomplete,
    },
    /// An invoke that the product does not serve; answered with status 501.
    OtherInvoke {
        /// Its name; empty if it has none. Comes from outside.
        name: String,
    },
    /// The bot was installed, or somebody joined a conversation that it is in.
    Installed {
        /// Where.
        origin: ConversationRef,
        /// Who came.
        change: RosterChange,
    },
    /// The bot was removed, or somebody left a conversation that it is in.
    Removed {
        /// Where.
        origin: ConversationRef,
        /// Who went.
        change: RosterChange,
    },
    /// Nothing that concerns the product; answered with status 200 and nothing in it.
    Ignored,
}

/// Where an activity came from, and where its answer goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ConversationRef {
    /// The activity's id: the same one again is a redelivery.
    pub activity_id: Option<String>,
    /// The connector that serves this conversation, as sent; [`Connector::admit`](super::connector::Connector::admit) says
    /// whether it may be called.
    pub service_url: String,
    /// The conversation.
    pub conversation: Conversation,
    /// The team's id, for what comes from a channel.
    pub team: Option<String>,
    /// The Entra tenant.
    pub tenant: String,
    /// The bot, as this activity addresses it.
    pub recipient: Recipient,
    /// The person's language tag, such as `de-DE`.
    pub locale: Option<String>,
}

impl ConversationRef {
    /// The ids under which the connector may know the members. A channel's are its team's; only a
    /// shared one has members of its own.
    #[must_use]
    pub(super) fn rosters(&self) -> Vec<&str> {
        let own = self.conversation.id.split(';').next().unwrap_or_default();
        let team = self.team.as_deref().filter(|team| *team != own);
        team.into_iter().chain([own]).collect()
    }
}

/// A conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Conversation {
    /// Its id, in a channel with the thread (`…;messageid=…`).
    pub id: String,
    /// Its kind.
    pub kind: ConversationKind,
}

/// How many people see a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum ConversationKind {
    /// One person and the bot.
    Personal,
    /// Several people; also a meeting's chat.
    GroupChat,
    /// A channel of a team.
    Channel,
    /// Teams did not say, or said something new: take it for public.
    Other,
}

/// Somebody in a conversation. Does not print their name.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Account {
    /// The id that means this person to this bot alone (`29:…`), or a bot (`28:…`).
    pub id: String,
    /// The Entra object id.
    pub object_id: Option<String>,
    /// What they are called. Comes from outside.
    pub name: Option<String>,
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account")
            .field("id", &self.id)
            .field("object_id", &self.object_id)
            .finish_non_exhaustive()
    }
}

/// The bot, as an activity addresses it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Recipient {
    /// The bot's id (`28:…`); empty if the activity does not name it.
    pub id: String,
    /// Whether only the bot sees the message: a slash command in a group or a channel.
    pub is_targeted: bool,
}

/// Who came or went. One installation is often told twice, once in each of Teams' two ways.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RosterChange {
    /// Whether it was the bot itself.
    pub bot: bool,
    /// Whether it was only replaced by another version.
    pub upgrade: bool,
    /// The people among them.
    pub people: Vec<Account>,
    /// Who did it, if Teams says so.
    pub by: Option<Account>,
}

impl fmt::Debug for Activity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, origin) = match self {
            Self::Message { origin, .. } => ("Message", Some(origin)),
            Self::CardSubmit { origin, .. } => ("CardSubmit", Some(origin)),
            Self::CardAction { origin, .. } => ("CardAction", Some(origin)),
            Self::BrokenAction { .. } => ("BrokenAction", None),
            Self::OtherInvoke { .. } => ("OtherInvoke", None),
            Self::Installed { origin, .. } => ("Installed", Some(origin)),
            Self::Removed { origin, .. } => ("Removed", Some(origin)),
            Self::Ignored => ("Ignored", None),
        };
        f.debug_struct(name).field("origin", &origin).finish_non_exhaustive()
    }
}

impl Activity {
    /// Reads an activity.
    ///
    /// # Errors
    /// It lacks what an answer needs. Kinds that get no answer need nothing.
    pub(super) fn read(body: &[u8]) -> Result<Self, Incomplete> {
        let fields: Value = serde_json::from_slice(body).map_err(|_| Incomplete::NotAnActivity)?;
        if !fields.is_object() {
            return Err(Incomplete::NotAnActivity);
        }
        match text_at(&fields, "/type").unwrap_or_default() {
            "message" => Self::message(&fields),
            "invoke" => Ok(Self::invoke(&fields)),
            "installationUpdate" => Self::installation(&fields),
            "conversationUpdate" => Self::roster(&fields),
            _ => Ok(Self::Ignored),
        }
    }

    fn message(fields: &Value) -> Result<Self, Incomplete> {
        let (origin, from) = (origin(fields)?, sender(fields)?);
        let text = fields.get("text").and_then(Value::as_str).unwrap_or_default();
        let value = fields.get("value").filter(|value| !value.is_null());
        if let (true, Some(value)) = (text.trim().is_empty(), value) {
            return Ok(Self::CardSubmit { origin, from, value: value.clone() });
        }
        let mentions = own_mentions(fields, &origin.recipient.id);
        let text = without_mentions(text, mentions.iter().map(String::as_str));
        Ok(Self::Message { origin, from, text })
    }

    fn invoke(fields: &Value) -> Self {
        let name = text_at(fields, "/name").unwrap_or_default();
        if name != CARD_ACTION {
            return Self::OtherInvoke { name: name.to_owned() };
        }
        let pressed = || {
            Ok(Self::CardAction {
                origin: origin(fields)?,
                from: sender(fields)?,
                verb: text_at(fields, "/value/action/verb").unwrap_or_default().to_owned(),
                message: owned_text_at(fields, "/value/action/data/message"),
                card: owned_text_at(fields, "/replyToId"),
            })
        };
        pressed().unwrap_or_else(|problem| Self::BrokenAction { problem })
    }

    /// `installationUpdate` is about the bot itself.
    fn installation(fields: &Value) -> Result<Self, Incomplete> {
        let (came, upgrade) = match text_at(fields, "/action").unwrap_or_default() {
            "add" => (true, false),
            "add-upgrade" => (true, true),
            "remove" => (false, false),
            "remove-upgrade" => (false, true),
            _ => return Ok(Self::Ignored),
        };
        let origin = origin(fields)?;
        let change =
            RosterChange { bot: true, upgrade, people: Vec::new(), by: sender(fields).ok() };
        Ok(if came { Self::Installed { origin, change } } else { Self::Removed { origin, change } })
    }

    /// `conversationUpdate` is about a roster, or about a name or channel that changed.
    fn roster(fields: &Value) -> Result<Self, Incomplete> {
        let (came, members) =
            match (accounts(fields, "membersAdded"), accounts(fields, "membersRemoved")) {
                (came, _) if !came.is_empty() => (true, came),
                (_, went) if !went.is_empty() => (false, went),
                _ => return Ok(Self::Ignored),
            };
        let origin = origin(fields)?;
        let (bots, people): (Vec<_>, Vec<_>) =
            members.into_iter().partition(|member| member.id == origin.recipient.id);
        let by = sender(fields).ok();
        let change = RosterChange { bot: !bots.is_empty(), upgrade: false, people, by };
        Ok(if came { Self::Installed { origin, change } } else { Self::Removed { origin, change } })
    }
}

/// The text at a place, if there is one and it says something.
fn text_at<'a>(fields: &'a Value, place: &str) -> Option<&'a str> {
    fields.pointer(place).and_then(Value::as_str).filter(|text| !text.trim().is_empty())
}

fn owned_text_at(fields: &Value, place: &str) -> Option<String> {
    text_at(fields, place).map(str::to_owned)
}

fn items<'a>(fields: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    fields.get(name).and_then(Value::as_array).into_iter().flatten()
}

fn origin(fields: &Value) -> Result<ConversationRef, Incomplete> {
    let is_targeted = fields.pointer("/recipient/isTargeted").and_then(Value::as_bool);
    Ok(ConversationRef {
        activity_id: owned_text_at(fields, "/id"),
        service_url: owned_text_at(fields, "/serviceUrl").ok_or(Incomplete::NoServiceUrl)?,
        conversation: conversation(fields)?,
        team: owned_text_at(fields, "/channelData/team/id"),
        tenant: tenant(fields)?,
        recipient: Recipient {
            id: owned_text_at(fields, "/recipient/id").unwrap_or_default(),
            is_targeted: is_targeted.unwrap_or_default(),
        },
        locale: locale(fields),
    })
}

fn conversation(fields: &Value) -> Result<Conversation, Incomplete> {
    let id = owned_text_at(fields, "/conversation/id").ok_or(Incomplete::NoConversation)?;
    let kind = match text_at(fields, "/conversation/conversationType").unwrap_or_default() {
        "personal" => ConversationKind::Personal,
        "groupChat" => ConversationKind::GroupChat,
        "channel" => ConversationKind::Channel,
        _ => ConversationKind::Other,
    };
    Ok(Conversation { id, kind })
}

/// The tenant stands in up to two places. Who could make them differ could borrow somebody else's
/// tenant, hence no guess.
fn tenant(fields: &Value) -> Result<String, Incomplete> {
    let of_channel_data = text_at(fields, "/channelData/tenant/id");
    let of_conversation = text_at(fields, "/conversation/tenantId");
    match (of_channel_data, of_conversation) {
        (Some(one), Some(other)) if !one.eq_ignore_ascii_case(other) => Err(Incomplete::TwoTenants),
        (Some(tenant), _) | (None, Some(tenant)) => Ok(tenant.to_ascii_lowercase()),
        (None, None) => Err(Incomplete::NoTenant),
    }
}

fn locale(fields: &Value) -> Option<String> {
    let of_client = || {
        items(fields, "entities")
            .filter(|entity| text_at(entity, "/type") == Some("clientInfo"))
            .find_map(|entity| owned_text_at(entity, "/locale"))
    };
    owned_text_at(fields, "/locale").or_else(of_client)
}

fn sender(fields: &Value) -> Result<Account, Incomplete> {
    fields.get("from").and_then(account).ok_or(Incomplete::NoSender)
}

fn account(fields: &Value) -> Option<Account> {
    Some(Account {
        id: owned_text_at(fields, "/id")?,
        // A GUID means the same in any case, and is compared as text from here on.
        object_id: text_at(fields, "/aadObjectId").map(str::to_ascii_lowercase),
        name: owned_text_at(fields, "/name"),
    })
}

fn accounts(fields: &Value, name: &str) -> Vec<Account> {
    items(fields, name).filter_map(account).collect()
}

/// The texts that stand for the bot in a message.
fn own_mentions(fields: &Value, bot: &str) -> Vec<String> {
    items(fields, "entities")
        .filter(|entity| text_at(entity, "/type") == Some("mention"))
        .filter(|entity| text_at(entity, "/mentioned/id") == Some(bot))
        .filter_map(|entity| {
            let by_name =
                || text_at(entity, "/mentioned/name").map(|name| format!("<at>{name}</at>"));
            owned_text_at(entity, "/text").or_else(by_name)
        })
        .collect()
}

#[cfg(test)]
mod tests;
