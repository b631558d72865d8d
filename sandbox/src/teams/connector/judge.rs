//! Which activities Teams takes.

use serde_json::{Map, Value};

use super::super::card;
use super::super::model::Kind;
use super::refusal::Refusal;

/// The largest activity, in bytes of UTF-16, pictures aside (Teams, bot messages).
const LARGEST: usize = 100 * 1024;
/// The one kind of attachment that the stand-in knows.
const ADAPTIVE_CARD: &str = "application/vnd.microsoft.card.adaptive";

/// Reads an activity that Teams would show as it is.
pub(super) fn activity(body: &[u8], kind: &Kind) -> Result<Value, Refusal> {
    let mut activity: Value = serde_json::from_slice(body)
        .ok()
        .filter(Value::is_object)
        .ok_or_else(|| Refusal::bad_syntax("The activity is not a JSON object"))?;
    if weight(&activity) > LARGEST {
        return Err(Refusal::too_big());
    }
    match text(&activity, "type") {
        "message" => content(&activity)?,
        "typing" => {}
        _ => return Err(Refusal::bad_argument("Unknown activity type")),
    }
    if activity.get("suggestedActions").is_some() && *kind != Kind::Personal {
        return Err(Refusal::bad_argument("Suggested actions are for personal chats"));
    }
    // Who it is from is the token's to say.
    if let Value::Object(fields) = &mut activity {
        fields.remove("from");
    }
    Ok(activity)
}

/// The size in UTF-16, without pictures in data URLs.
fn weight(activity: &Value) -> usize {
    let units = activity.to_string().encode_utf16().count();
    2 * (units - pictures(activity))
}

fn pictures(value: &Value) -> usize {
    match value {
        Value::String(text) if text.starts_with("data:image/") => text.encode_utf16().count(),
        Value::Array(items) => items.iter().map(pictures).sum(),
        Value::Object(fields) => fields.values().map(pictures).sum(),
        _ => 0,
    }
}

/// Text or one card: of both Teams would make two messages and tell the id of neither.
fn content(activity: &Value) -> Result<(), Refusal> {
    let no_attachments = Vec::new();
    let attachments = match activity.get("attachments") {
        None => &no_attachments,
        Some(Value::Array(attachments)) => attachments,
        Some(_) => return Err(Refusal::bad_syntax("The attachments are not a list")),
    };
    match (text(activity, "text").is_empty(), attachments.as_slice()) {
        (true, []) => Err(Refusal::bad_argument("The message has no content")),
        (false, []) => Ok(()),
        (true, [attachment]) => judge_attachment(attachment),
        (false, _) => Err(Refusal::bad_argument("Text and attachments would become two messages")),
        (true, _) => {
            Err(Refusal::bad_argument("Several attachments would become several messages"))
        }
    }
}

fn judge_attachment(attachment: &Value) -> Result<(), Refusal> {
    if text(attachment, "contentType") != ADAPTIVE_CARD {
        return Err(Refusal::bad_argument("Unknown attachment type"));
    }
    let content = attachment.get("content").unwrap_or(&Value::Null);
    card::validate(content).map_err(|complaints| Refusal::bad_argument(&complaints.join("; ")))
}

/// Whom a targeted message is for: the account in its `recipient`.
pub(super) fn target(activity: &Value) -> Result<&str, Refusal> {
    let recipient = activity
        .get("recipient")
        .and_then(Value::as_object)
        .ok_or_else(|| Refusal::bad_argument("A targeted message needs a recipient"))?;
    if recipient.get("isTargeted") != Some(&Value::Bool(true)) {
        return Err(Refusal::bad_argument("The recipient is not targeted"));
    }
    field(recipient, "id").ok_or_else(|| Refusal::bad_argument("The recipient has no id"))
}

/// The ids of private messages to the bot that an activity says it answers.
pub(super) fn answered(activity: &Value) -> impl Iterator<Item = &str> {
    let entities = activity.get("entities").and_then(Value::as_array);
    let infos = entities.into_iter().flatten().filter_map(Value::as_object);
    infos
        .filter(|entity| field(entity, "type") == Some("targetedMessageInfo"))
        .map(|entity| field(entity, "messageId").unwrap_or_default())
}

fn field<'a>(fields: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    fields.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}
