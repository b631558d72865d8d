//! What Teams makes of the answer to `adaptiveCard/action`.
//!
//! Source: Adaptive Cards, universal action model; the client's way with unknown types was observed.
//! The HTTP status is always 200; what went wrong is in the body. Only the person who pressed the
//! button sees it.

use serde_json::Value;

use super::card;

const CARD: &str = "application/vnd.microsoft.card.adaptive";
const MESSAGE: &str = "application/vnd.microsoft.activity.message";
const ERROR: &str = "application/vnd.microsoft.error";

/// What the person who pressed a button sees of the answer.
#[derive(Debug, Clone, PartialEq)]
pub enum ShownReply {
    /// A card in place of the pressed one, for this person alone.
    Card(Value),
    /// A notice below the card.
    Notice(String),
    /// A notice that something went wrong.
    Error,
    /// Nothing: the client ignores types that it does not know.
    Nothing,
}

impl ShownReply {
    /// Reads the body of an answer as the client does.
    pub(super) fn of(reply: &Value) -> Self {
        let kind = reply.get("type").and_then(Value::as_str);
        let value = reply.get("value").unwrap_or(&Value::Null);
        match kind {
            Some(CARD | MESSAGE | ERROR) if validate_reply(reply).is_err() => Self::Error,
            Some(CARD) => Self::Card(value.clone()),
            Some(MESSAGE) => Self::Notice(value.as_str().unwrap_or_default().to_owned()),
            Some(ERROR) => Self::Error,
            _ => Self::Nothing,
        }
    }
}

/// Checks the body of an answer.
///
/// # Errors
/// Why the person would be told that something went wrong.
pub fn validate_reply(reply: &Value) -> Result<(), Vec<String>> {
    let complain = |sentence: &str| Err(vec![sentence.to_owned()]);
    let status = reply.get("statusCode").and_then(Value::as_u64);
    let value = reply.get("value").unwrap_or(&Value::Null);
    let filled =
        |name: &str| value.get(name).and_then(Value::as_str).is_some_and(|it| !it.is_empty());
    match (reply.get("type").and_then(Value::as_str), status) {
        (Some(CARD), Some(200)) => card::validate(value),
        (Some(MESSAGE), Some(200)) if value.as_str().is_some_and(|text| !text.is_empty()) => Ok(()),
        (Some(MESSAGE), Some(200)) => complain("the message is no text"),
        (Some(ERROR), Some(400 | 500)) if filled("code") && filled("message") => Ok(()),
        (Some(ERROR), Some(400 | 500)) => complain("the error has no code or no message"),
        (Some(CARD | MESSAGE | ERROR), _) => complain("the status does not go with the type"),
        _ => complain("the type is unknown"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn replies_have_a_status_a_type_and_what_goes_with_it() {
        let card = json!({ "type": "AdaptiveCard", "version": "1.5" });
        let error = json!({ "code": "BadRequest", "message": "No" });
        let reply = |status: u16, kind: &str, value: &Value| {
            validate_reply(&json!({ "statusCode": status, "type": kind, "value": value })).is_ok()
        };
        assert!(reply(200, CARD, &card));
        assert!(reply(200, MESSAGE, &json!("Done")));
        assert!(reply(400, ERROR, &error));
        assert!(!reply(200, CARD, &json!({ "contentType": CARD, "content": card })));
        assert!(!reply(200, MESSAGE, &card));
        assert!(!reply(200, ERROR, &error));
        assert!(!reply(500, ERROR, &json!("No")));
        assert!(!reply(500, CARD, &card));
        assert!(validate_reply(&json!({})).is_err());
    }

    #[test]
    fn a_reply_of_an_unknown_type_is_ignored_without_a_word() {
        let card = json!({ "type": "AdaptiveCard", "version": "1.5" });
        let shown = |status: u16, kind: &str, value: &Value| {
            ShownReply::of(&json!({ "statusCode": status, "type": kind, "value": value }))
        };
        assert_eq!(shown(200, CARD, &card), ShownReply::Card(card.clone()));
        assert_eq!(shown(200, MESSAGE, &json!("Sent")), ShownReply::Notice("Sent".to_owned()));
        assert_eq!(shown(200, CARD, &json!({ "type": "AdaptiveCard" })), ShownReply::Error);
        assert_eq!(
            shown(400, ERROR, &json!({ "code": "BadRequest", "message": "No" })),
            ShownReply::Error
        );
        // The spelling of an old sample.
        let misspelt = "application/vnd.microsoft.adaptive.card";
        assert_eq!(shown(200, misspelt, &card), ShownReply::Nothing);
        assert_eq!(ShownReply::of(&json!({})), ShownReply::Nothing);
    }
}
