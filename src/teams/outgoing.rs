//! What is sent to Teams, in the shapes of its wire.
//!
//! A [`PrivateCard`] goes out in two ways, and each shows it to one person: into a personal chat, or
//! as a targeted message. The places are types of their own, so that a card cannot be addressed to a
//! group. What a group may see is a [`PublicNote`].

use serde::ser::Serializer;
use serde::{Deserialize, Serialize};

use super::activity::Conversation;
use super::card::PrivateCard;

/// The content type of a card that is attached to a message.
const CARD_ATTACHMENT: &str = "application/vnd.microsoft.card.adaptive";
/// The type of a notice in an invoke response (Adaptive Cards, universal action model).
const NOTICE_REPLY: &str = "application/vnd.microsoft.activity.message";
const ERROR_REPLY: &str = "application/vnd.microsoft.error";

/// A conversation between one person and the bot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct PersonalChat(String);

impl PersonalChat {
    /// A conversation that the connector made for one person.
    pub(super) fn created(id: String) -> Self {
        Self(id)
    }

    /// Its id.
    #[must_use]
    pub(super) fn id(&self) -> &str {
        &self.0
    }
}

/// Where one person alone sees a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum PrivatePlace {
    /// Their chat with the bot.
    Chat(PersonalChat),
    /// A conversation of several, in which the message is targeted at them (Teams, targeted
    /// messages: not in personal chats, and gone after 24 hours).
    Targeted {
        /// The conversation's id.
        conversation: String,
        /// The id of the person's account, `29:…`.
        recipient: String,
    },
}

impl PrivatePlace {
    /// A conversation of several, for messages that the person with this account alone sees.
    #[must_use]
    pub(super) fn targeted(conversation: &Conversation, account: &str) -> Self {
        Self::Targeted { conversation: conversation.id.clone(), recipient: account.to_owned() }
    }

    /// The conversation's id.
    #[must_use]
    pub(super) fn conversation(&self) -> &str {
        match self {
            Self::Chat(chat) => chat.id(),
            Self::Targeted { conversation, .. } => conversation,
        }
    }

    /// Whether the message is a targeted one.
    #[must_use]
    pub(super) const fn is_targeted(&self) -> bool {
        matches!(self, Self::Targeted { .. })
    }
}

/// A card on its way to the one person who sees it.
#[derive(Debug, Clone, Copy)]
pub(super) struct PrivateActivity<'a> {
    /// The card.
    pub card: &'a PrivateCard,
    /// Where it goes.
    pub place: &'a PrivatePlace,
    /// The id of the message that it answers.
    pub reply_to: Option<&'a str>,
}

impl Serialize for PrivateActivity<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let recipient = match self.place {
            PrivatePlace::Chat(_) => None,
            PrivatePlace::Targeted { recipient, .. } => {
                Some(Target { id: recipient, is_targeted: true })
            }
        };
        CardMessage { recipient, reply_to_id: self.reply_to, ..CardMessage::of(self.card) }
            .serialize(serializer)
    }
}

/// A card in place of one that was sent. The same for either place: an update of a targeted message
/// must not name its recipient again (Teams, targeted messages).
#[derive(Debug, Clone, Copy)]
pub(super) struct Replacement<'a>(pub(super) &'a PrivateCard);

impl Serialize for Replacement<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        CardMessage::of(self.0).serialize(serializer)
    }
}

/// A message that is a card and nothing else: Teams makes two messages of text and a card, and tells
/// the id of neither.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CardMessage<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reply_to_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    recipient: Option<Target<'a>>,
    summary: &'a str,
    attachments: [Attachment<'a>; 1],
}

impl<'a> CardMessage<'a> {
    fn of(card: &'a PrivateCard) -> Self {
        Self {
            kind: "message",
            reply_to_id: None,
            recipient: None,
            summary: card.summary(),
            attachments: [Attachment { content_type: CARD_ATTACHMENT, content: card }],
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Target<'a> {
    id: &'a str,
    is_targeted: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Attachment<'a> {
    content_type: &'static str,
    content: &'a PrivateCard,
}

/// That the bot is typing.
#[derive(Debug, Serialize)]
pub(super) struct Typing {
    #[serde(rename = "type")]
    kind: &'static str,
}

impl Default for Typing {
    fn default() -> Self {
        Self { kind: "typing" }
    }
}

/// A text that everybody in a conversation may see. Never put a sign-in link into one.
#[derive(Debug, Clone, Copy)]
pub(super) struct PublicNote<'a> {
    /// The text; shown as it is.
    pub text: &'a str,
    /// The id of the message that it answers.
    pub reply_to: Option<&'a str>,
}

impl Serialize for PublicNote<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct TextMessage<'a> {
            #[serde(rename = "type")]
            kind: &'static str,
            text: &'a str,
            text_format: &'static str,
            #[serde(skip_serializing_if = "Option::is_none")]
            reply_to_id: Option<&'a str>,
        }
        TextMessage {
            kind: "message",
            text: self.text,
            text_format: "plain",
            reply_to_id: self.reply_to,
        }
        .serialize(serializer)
    }
}

/// The body of the response to `adaptiveCard/action`. Its HTTP status is 200 whatever it says, and
/// only the person who pressed the button sees it (Adaptive Cards, universal action model).
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct InvokeReply<'a> {
    status_code: u16,
    #[serde(rename = "type")]
    kind: &'static str,
    value: ReplyValue<'a>,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum ReplyValue<'a> {
    Notice(&'a str),
    Error { code: &'a str, message: &'a str },
}

impl<'a> InvokeReply<'a> {
    /// Shows a notice to the one who pressed.
    #[must_use]
    pub(super) const fn notice(text: &'a str) -> Self {
        Self { status_code: 200, kind: NOTICE_REPLY, value: ReplyValue::Notice(text) }
    }

    /// Says that the press came to nothing: 400 where it made no sense, 500 where it is our fault.
    #[must_use]
    pub(super) const fn error(status_code: u16, code: &'a str, message: &'a str) -> Self {
        Self { status_code, kind: ERROR_REPLY, value: ReplyValue::Error { code, message } }
    }
}

#[cfg(test)]
mod tests {
    use super::super::activity::ConversationKind;
    use serde_json::{Value, json};

    use super::*;
    use crate::core::Language;
    use crate::core::{Answer, Reference};
    use crate::teams::card::Wording;

    fn card() -> PrivateCard {
        let wording = Wording {
            language: Language::English,
            command: "/connect",
            reference: Reference::from_random([0; 5]),
            support: None,
        };
        PrivateCard::render(&Answer::Working, wording)
    }

    fn group() -> PrivatePlace {
        let id = "19:abc@thread.v2".to_owned();
        PrivatePlace::targeted(&Conversation { id, kind: ConversationKind::GroupChat }, "29:ada")
    }

    fn sent(place: &PrivatePlace) -> Value {
        let card = card();
        let activity = PrivateActivity { card: &card, place, reply_to: Some("1700") };
        serde_json::to_value(activity).unwrap()
    }

    #[test]
    fn only_a_persons_own_chat_gets_a_message_without_a_target() {
        let message = sent(&PrivatePlace::Chat(PersonalChat::created("a:1".to_owned())));
        assert_eq!(message["type"], "message");
        assert_eq!(message["replyToId"], "1700");
        assert_eq!(message["summary"], "Your answer is on its way. It appears here in a moment.");
        assert_eq!(message.get("recipient"), None);
        assert_eq!(message.get("text"), None);
        let attachment = &message["attachments"][0];
        assert_eq!(attachment["contentType"], "application/vnd.microsoft.card.adaptive");
        assert_eq!(attachment["content"]["type"], "AdaptiveCard");
        assert_eq!(sent(&group())["recipient"], json!({"id": "29:ada", "isTargeted": true}));
    }

    #[test]
    fn an_update_names_no_recipient() {
        let update = serde_json::to_value(Replacement(&card())).unwrap();
        assert_eq!(update.get("recipient"), None);
        assert_eq!(update.get("replyToId"), None);
        assert_eq!(update["type"], "message");
    }

    #[test]
    fn invoke_replies_have_the_envelope_that_clients_expect() {
        let reply = |reply: InvokeReply<'_>| serde_json::to_value(reply).unwrap();
        assert_eq!(
            reply(InvokeReply::notice("On its way")),
            json!({"statusCode": 200, "type": "application/vnd.microsoft.activity.message",
                "value": "On its way"}),
        );
        assert_eq!(
            reply(InvokeReply::error(400, "BadRequest", "No")),
            json!({"statusCode": 400, "type": "application/vnd.microsoft.error",
                "value": {"code": "BadRequest", "message": "No"}}),
        );
    }

    #[test]
    fn a_public_note_is_plain_text() {
        let note = PublicNote { text: "Open a chat with me.", reply_to: None };
        assert_eq!(
            serde_json::to_value(note).unwrap(),
            json!({"type": "message", "text": "Open a chat with me.", "textFormat": "plain"}),
        );
    }

    #[test]
    fn places_survive_the_store() {
        let place = group();
        let stored = serde_json::to_string(&place).unwrap();
        assert_eq!(serde_json::from_str::<PrivatePlace>(&stored).unwrap(), place);
    }
}
