//! What is sent to Teams, in the shapes of its wire.
//!
//! A [`PrivateCard`] goes out in three ways, and each shows it to one person: into a personal chat,
//! as a targeted message, or in the response to the person's own press of a button. The places are
//! types of their own, so that a card cannot be addressed to a group. What a group may see is a
//! [`PublicNote`].

use serde::ser::Serializer;
use serde::{Deserialize, Serialize};

use super::activity::{Account, Conversation, ConversationKind};
use super::card::PrivateCard;

/// The content type of a card that is attached to a message.
const CARD_ATTACHMENT: &str = "application/vnd.microsoft.card.adaptive";
/// The type of a card in an invoke response. Not the same (Adaptive Cards, universal action model).
const CARD_REPLY: &str = "application/vnd.microsoft.adaptive.card";
const ERROR_REPLY: &str = "application/vnd.microsoft.error";

/// A conversation between one person and the bot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PersonalChat(String);

impl PersonalChat {
    /// The conversation, if a verified activity calls it personal.
    #[must_use]
    pub fn of(conversation: &Conversation) -> Option<Self> {
        (conversation.kind == ConversationKind::Personal).then(|| Self(conversation.id.clone()))
    }

    /// A conversation that the connector made for one person.
    pub(super) fn created(id: String) -> Self {
        Self(id)
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.0
    }
}

/// Where one person alone sees a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum PrivatePlace {
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
    /// Where `person` alone sees an answer in `conversation`.
    #[must_use]
    pub fn within(conversation: &Conversation, person: &Account) -> Self {
        PersonalChat::of(conversation).map_or_else(
            || Self::Targeted {
                conversation: conversation.id.clone(),
                recipient: person.id.clone(),
            },
            Self::Chat,
        )
    }

    /// The conversation's id.
    #[must_use]
    pub fn conversation(&self) -> &str {
        match self {
            Self::Chat(chat) => chat.id(),
            Self::Targeted { conversation, .. } => conversation,
        }
    }

    /// Whether the message is a targeted one.
    #[must_use]
    pub const fn is_targeted(&self) -> bool {
        matches!(self, Self::Targeted { .. })
    }
}

/// A card on its way to the one person who sees it.
#[derive(Debug, Clone, Copy)]
pub struct PrivateActivity<'a> {
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

/// A text that everybody in a conversation may see. Never put a sign-in link into one.
#[derive(Debug, Clone, Copy)]
pub struct PublicNote<'a> {
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
pub struct InvokeReply<'a> {
    status_code: u16,
    #[serde(rename = "type")]
    kind: &'static str,
    value: ReplyValue<'a>,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum ReplyValue<'a> {
    Card(&'a PrivateCard),
    Error { code: &'a str, message: &'a str },
}

impl<'a> InvokeReply<'a> {
    /// Shows a card in place of the one with the button.
    #[must_use]
    pub const fn card(card: &'a PrivateCard) -> Self {
        Self { status_code: 200, kind: CARD_REPLY, value: ReplyValue::Card(card) }
    }

    /// Says that the press came to nothing: 400 where it made no sense, 500 where it is our fault.
    #[must_use]
    pub const fn error(status_code: u16, code: &'a str, message: &'a str) -> Self {
        Self { status_code, kind: ERROR_REPLY, value: ReplyValue::Error { code, message } }
    }
}

#[cfg(test)]
mod tests {
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
        };
        PrivateCard::render(&Answer::Working, wording).unwrap()
    }

    fn conversation(kind: ConversationKind) -> Conversation {
        Conversation { id: "19:abc@thread.v2".to_owned(), kind }
    }

    fn ada() -> Account {
        Account { id: "29:ada".to_owned(), object_id: None, name: None }
    }

    fn sent(kind: ConversationKind) -> Value {
        let (card, place) = (card(), PrivatePlace::within(&conversation(kind), &ada()));
        let activity = PrivateActivity { card: &card, place: &place, reply_to: Some("1700") };
        serde_json::to_value(activity).unwrap()
    }

    #[test]
    fn only_a_personal_chat_gets_a_message_without_a_target() {
        let message = sent(ConversationKind::Personal);
        assert_eq!(message["type"], "message");
        assert_eq!(message["replyToId"], "1700");
        assert_eq!(message["summary"], "Your answer is on its way. It appears here in a moment.");
        assert_eq!(message.get("recipient"), None);
        assert_eq!(message.get("text"), None);
        let attachment = &message["attachments"][0];
        assert_eq!(attachment["contentType"], "application/vnd.microsoft.card.adaptive");
        assert_eq!(attachment["content"]["type"], "AdaptiveCard");
        for kind in
            [ConversationKind::GroupChat, ConversationKind::Channel, ConversationKind::Other]
        {
            assert_eq!(sent(kind)["recipient"], json!({"id": "29:ada", "isTargeted": true}));
        }
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
        let card = card();
        let with_card = reply(InvokeReply::card(&card));
        assert_eq!(with_card["statusCode"], 200);
        assert_eq!(with_card["type"], "application/vnd.microsoft.adaptive.card");
        assert_eq!(with_card["value"]["type"], "AdaptiveCard");
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
        let place = PrivatePlace::within(&conversation(ConversationKind::Channel), &ada());
        let stored = serde_json::to_string(&place).unwrap();
        assert_eq!(serde_json::from_str::<PrivatePlace>(&stored).unwrap(), place);
    }
}
