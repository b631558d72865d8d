//! Rules of messages, one by one.

use serde_json::json;

use super::*;

fn button(change: impl FnOnce(&mut Value)) -> Value {
    let mut button = json!({
        "type": "button", "action_id": "sign_in", "style": "primary",
        "text": { "type": "plain_text", "text": "Connect", "emoji": true },
        "url": "https://slack.com/oauth/v2/authorize?state=x",
        "accessibility_label": "Connect your account",
    });
    change(&mut button);
    button
}

fn message(elements: &[Value]) -> Value {
    json!({ "text": "Hi", "blocks": [
        { "type": "section", "text": { "type": "mrkdwn", "text": "*Hi*" } },
        { "type": "actions", "block_id": "b", "elements": elements },
        { "type": "context", "elements": [{ "type": "mrkdwn", "text": "small" }] },
        { "type": "header", "text": { "type": "plain_text", "text": "Big" } },
        { "type": "divider" },
    ]})
}

fn complaint(value: &Value) -> String {
    validate(value).unwrap_err().join("; ")
}

#[test]
fn a_usual_message_passes() {
    assert_eq!(validate(&message(&[button(|_| ())])), Ok(()));
    assert_eq!(validate(&json!({ "text": "only text" })), Ok(()));
    assert_eq!(validate(&json!([{ "type": "divider" }])), Ok(()));
}

#[test]
fn buttons_have_limits() {
    type Change = fn(&mut Value);
    let url = "[json-pointer:/blocks/1/elements/0/url]";
    let cases: [(Change, &str); 8] = [
        (
            |it| it["url"] = format!("https://a.b/{}", "x".repeat(2_989)).into(),
            "must be less than 3001 characters",
        ),
        (|it| it["url"] = "javascript:alert(1)".into(), url),
        (|it| it["text"]["type"] = "mrkdwn".into(), "unexpected type of text object"),
        (|it| it["text"]["text"] = "x".repeat(76).into(), "must be less than 76 characters"),
        (|it| it["text"]["text"] = "".into(), "must be more than 0 characters"),
        (|it| it["style"] = "default".into(), "value must be one of: primary, danger"),
        (|it| it["link"] = "x".into(), "invalid additional property: link"),
        (|it| it["confirm"] = json!({}), "/confirm/deny"),
    ];
    for (change, expected) in cases {
        let found = complaint(&message(&[button(change)]));
        assert!(found.contains(expected), "{found}");
    }
    let longest = button(|it| it["url"] = format!("https://a.b/{}", "x".repeat(2_988)).into());
    assert_eq!(validate(&message(&[longest])), Ok(()));
}

#[test]
fn ids_are_unique_where_they_have_to_be() {
    let twice = complaint(&message(&[button(|_| ()), button(|_| ())]));
    assert!(twice.contains("`action_id` already exists: sign_in"), "{twice}");
    let blocks = json!([
        { "type": "divider", "block_id": "x" }, { "type": "divider", "block_id": "x" },
    ]);
    assert!(complaint(&blocks).contains("`block_id` already exists: x"));
}

#[test]
fn blocks_have_limits() {
    let divider = json!({ "type": "divider" });
    assert!(complaint(&json!(vec![divider.clone(); 51])).contains("no more than 50 items"));
    let home = json!({ "type": "home", "blocks": vec![divider; 100] });
    assert_eq!(validate(&home), Ok(()));
    assert!(complaint(&message(&[])).contains("must have at least 1 item"));
    let bare = json!([button(|_| ())]);
    assert!(complaint(&bare).contains("unsupported type: button"));
    assert!(complaint(&json!([{ "type": "section" }])).contains("missing required field"));
    let fields = json!([{ "type": "section", "fields": vec![
        json!({ "type": "mrkdwn", "text": "x" }); 11
    ]}]);
    assert!(complaint(&fields).contains("no more than 10 items"));
}
