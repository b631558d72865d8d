//! Adaptive Cards as Teams takes them.
//!
//! Only what Teams drops or breaks without saying so is looked at (Teams, cards reference; Adaptive
//! Cards 1.5). The published schema is for tests to check.

use serde_json::{Map, Value};
use url::Url;

/// The newest version that Teams renders for bots, as major and minor.
const NEWEST: (u32, u32) = (1, 5);
/// The most actions in one row; Teams drops the others.
const MOST_ACTIONS: usize = 6;
/// What `Action.Submit` may do other than submit, by its data's `msteams.type`.
const SUBMIT_TYPES: [&str; 5] = ["messageBack", "imBack", "invoke", "signin", "task/fetch"];

/// Checks a card.
///
/// # Errors
/// Everything that Teams would not show, or not act on.
pub fn validate(card: &Value) -> Result<(), Vec<String>> {
    let mut complaints = Vec::new();
    if text(card, "type") != "AdaptiveCard" {
        complaints.push("the card's type is not AdaptiveCard".to_owned());
    }
    let version = text(card, "version");
    match version_of(version) {
        Some(known) if known <= NEWEST => {}
        _ => complaints.push(format!("version {version:?} is not rendered")),
    }
    walk(card, "card", &mut complaints);
    if complaints.is_empty() { Ok(()) } else { Err(complaints) }
}

/// All actions of a card, also those of its elements and sub-cards.
#[must_use]
pub fn actions(card: &Value) -> Vec<&Map<String, Value>> {
    let mut found = Vec::new();
    collect(card, &mut found);
    found
}

fn collect<'a>(value: &'a Value, found: &mut Vec<&'a Map<String, Value>>) {
    if let Value::Object(fields) = value
        && is_action(value)
    {
        found.push(fields);
    }
    for (_, child) in children(value) {
        collect(child, found);
    }
}

/// What is in a part of a card, save for data that the card only carries.
fn children(value: &Value) -> Vec<(String, &Value)> {
    match value {
        Value::Array(items) => {
            items.iter().enumerate().map(|(index, item)| (index.to_string(), item)).collect()
        }
        Value::Object(fields) => fields
            .iter()
            .filter(|(name, _)| name.as_str() != "data")
            .map(|(name, field)| (name.clone(), field))
            .collect(),
        _ => Vec::new(),
    }
}

fn walk(value: &Value, place: &str, complaints: &mut Vec<String>) {
    if is_action(value) {
        judge_action(value, place, complaints);
    }
    if text(value, "type") == "TextBlock" && text(value, "text").is_empty() {
        complaints.push(format!("{place} has no text"));
    }
    if let Some(Value::Array(actions)) = value.get("actions") {
        judge_row(actions, place, complaints);
    }
    for (name, child) in children(value) {
        walk(child, &format!("{place}.{name}"), complaints);
    }
}

/// A row of buttons; unlike an action on an element, each needs a title.
fn judge_row(actions: &[Value], place: &str, complaints: &mut Vec<String>) {
    if actions.len() > MOST_ACTIONS {
        complaints.push(format!("{place} has more than {MOST_ACTIONS} actions"));
    }
    for (index, action) in actions.iter().enumerate() {
        if !is_action(action) {
            complaints.push(format!("{place}.actions.{index} is no action"));
        }
        if text(action, "title").trim().is_empty() {
            complaints.push(format!("{place}.actions.{index} has no title"));
        }
    }
}

fn judge_action(action: &Value, place: &str, complaints: &mut Vec<String>) {
    let mut complain = |sentence: &str| complaints.push(format!("{place} {sentence}"));
    match text(action, "type") {
        "Action.OpenUrl" if !is_web_address(text(action, "url")) => {
            complain("opens no web address");
        }
        "Action.Execute" if text(action, "verb").is_empty() => complain("has no verb"),
        "Action.Submit" => {
            let kind = action.pointer("/data/msteams/type").and_then(Value::as_str);
            if kind.is_some_and(|kind| !SUBMIT_TYPES.contains(&kind)) {
                complain("submits in an unknown way");
            }
        }
        "Action.ShowCard" if !action.get("card").is_some_and(Value::is_object) => {
            complain("shows no card");
        }
        "Action.OpenUrl" | "Action.Execute" | "Action.ShowCard" | "Action.ToggleVisibility" => {}
        _ => complain("is of an unknown type"),
    }
    match action.get("style") {
        None => {}
        Some(Value::String(style))
            if matches!(style.as_str(), "default" | "positive" | "destructive") => {}
        Some(_) => complain("has an unknown style"),
    }
}

fn is_action(value: &Value) -> bool {
    text(value, "type").starts_with("Action.")
}

fn is_web_address(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "https" | "http"))
}

fn version_of(text: &str) -> Option<(u32, u32)> {
    let (major, minor) = text.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// A text field, empty where there is none.
fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn complaints(action: &Value) -> Vec<String> {
        let card = json!({ "type": "AdaptiveCard", "version": "1.5", "actions": [action] });
        validate(&card).err().unwrap_or_default()
    }

    #[test]
    fn actions_are_what_teams_acts_on() {
        let good = json!({ "type": "Action.Execute", "title": "Go", "verb": "go", "data": {
            "type": "Action.Nonsense",
        } });
        assert_eq!(complaints(&good), Vec::<String>::new());
        let cases = [
            (json!({ "type": "Action.Execute", "title": "Go" }), "card.actions.0 has no verb"),
            (json!({ "type": "Action.Submit" }), "card.actions.0 has no title"),
            (json!({ "type": "Button", "title": "Go" }), "card.actions.0 is no action"),
            (
                json!({ "type": "Action.Http", "title": "Go" }),
                "card.actions.0 is of an unknown type",
            ),
            (
                json!({ "type": "Action.Submit", "title": "Go", "style": "primary" }),
                "card.actions.0 has an unknown style",
            ),
            (
                json!({ "type": "Action.OpenUrl", "title": "Go", "url": "javascript:alert(1)" }),
                "card.actions.0 opens no web address",
            ),
            (
                json!({ "type": "Action.Submit", "title": "Go", "data": { "msteams": { "type": "x" } } }),
                "card.actions.0 submits in an unknown way",
            ),
            (json!({ "type": "Action.ShowCard", "title": "Go" }), "card.actions.0 shows no card"),
        ];
        for (action, complaint) in cases {
            assert_eq!(complaints(&action), [complaint], "{action}");
        }
    }

    #[test]
    fn a_card_is_looked_at_to_its_last_corner() {
        let action = json!({ "type": "Action.Execute", "verb": "v" });
        let card = json!({
            "type": "AdaptiveCard", "version": "1.6",
            "body": [
                { "type": "Container", "items": [{ "type": "TextBlock" }], "selectAction": action },
                { "type": "ActionSet", "actions": vec![action.clone(); 7] },
            ],
        });
        let complaints = validate(&card).unwrap_err();
        assert!(complaints.contains(&"version \"1.6\" is not rendered".to_owned()));
        assert!(complaints.contains(&"card.body.0.items.0 has no text".to_owned()));
        assert!(complaints.contains(&"card.body.1 has more than 6 actions".to_owned()));
        assert_eq!(actions(&card).len(), 8);
        assert!(validate(&json!("card")).is_err());
    }
}
