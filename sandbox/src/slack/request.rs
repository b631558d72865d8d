//! Requests as Slack sends them: signed slash commands, button presses, events.

use std::fmt::Display;

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use bytes::Bytes;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::hmac_hex;

/// The value of `X-Slack-Signature` for a body. `timestamp` is the header's: seconds, or whatever else
/// stands there.
#[must_use]
pub fn sign(secret: &str, timestamp: impl Display, body: &[u8]) -> String {
    let head = format!("v0:{timestamp}:");
    format!("v0={}", hmac_hex(secret.as_bytes(), &[head.as_bytes(), body]))
}

/// A genuine request: headers and body.
#[derive(Debug, Clone)]
pub struct Signed {
    /// All headers, the signature among them.
    pub headers: HeaderMap,
    /// The body that was signed.
    pub body: Bytes,
}

impl Signed {
    /// A form, as for commands and interactions.
    #[must_use]
    pub fn form(secret: &str, at: Timestamp, body: impl Into<Bytes>) -> Self {
        Self::new(secret, at, "application/x-www-form-urlencoded", body.into())
    }

    /// JSON, as for events.
    #[must_use]
    pub fn json(secret: &str, at: Timestamp, body: &Value) -> Self {
        Self::new(secret, at, "application/json", body.to_string().into())
    }

    fn new(secret: &str, at: Timestamp, content_type: &'static str, body: Bytes) -> Self {
        let mut headers = HeaderMap::new();
        let agent = HeaderValue::from_static("Slackbot 1.0 (+https://api.slack.com/robots)");
        headers.insert(header::USER_AGENT, agent);
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json,*/*"));
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        let timestamp = HeaderName::from_static("x-slack-request-timestamp");
        headers.insert(timestamp, HeaderValue::from(at.as_second()));
        if let Ok(signature) = HeaderValue::from_str(&sign(secret, at.as_second(), &body)) {
            headers.insert(HeaderName::from_static("x-slack-signature"), signature);
        }
        Self { headers, body }
    }
}

/// A slash command with all the fields that Slack sends. Every field can be changed or left out.
#[derive(Debug, Clone)]
pub struct SlashCommand {
    fields: Vec<(String, String)>,
}

impl SlashCommand {
    /// `/connect` without any text, by that user of that team, in a public channel.
    #[must_use]
    pub fn new(team_id: &str, user_id: &str) -> Self {
        let fields = [
            ("token", "gIkuvaNzQIHg97ATvDxqgjtO"),
            ("team_id", team_id),
            ("team_domain", "sandbox"),
            ("channel_id", "C0SANDBOX1"),
            ("channel_name", "general"),
            ("user_id", user_id),
            ("user_name", "someone"),
            ("command", "/connect"),
            ("text", ""),
            ("api_app_id", "A0SANDBOX"),
            ("is_enterprise_install", "false"),
            ("response_url", ""),
            ("trigger_id", "13345224609.738474920.8088930838d88f008e0"),
        ];
        let fields = fields.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Self { fields: fields.to_vec() }
    }

    /// Sets what was typed after the command.
    #[must_use]
    pub fn text(self, text: &str) -> Self {
        self.with("text", text)
    }

    /// Sets where late answers go.
    #[must_use]
    pub fn response_url(self, url: &str) -> Self {
        self.with("response_url", url)
    }

    /// Sets a field, known or not.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        match self.fields.iter_mut().find(|(known, _)| known == name) {
            Some((_, known)) => value.clone_into(known),
            None => self.fields.push((name.to_owned(), value.to_owned())),
        }
        self
    }

    /// Leaves a field out.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.fields.retain(|(known, _)| known != name);
        self
    }

    /// The fields with their values, in the order in which they are sent.
    #[must_use]
    pub fn fields(&self) -> &[(String, String)] {
        &self.fields
    }

    /// The form body.
    #[must_use]
    pub fn body(&self) -> String {
        form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.fields).finish()
    }

    /// The whole request, signed at that time.
    #[must_use]
    pub fn signed(&self, secret: &str, at: Timestamp) -> Signed {
        Signed::form(secret, at, self.body())
    }
}

/// A pressed button in an ephemeral message, as a `block_actions` payload.
#[derive(Debug, Clone)]
pub struct ButtonPress {
    payload: Value,
}

impl ButtonPress {
    /// That user of that team pressed the button with that action id.
    #[must_use]
    pub fn new(team_id: &str, user_id: &str, action_id: &str) -> Self {
        Self {
            payload: json!({
                "type": "block_actions",
                "team": { "id": team_id, "domain": "sandbox" },
                "enterprise": null,
                "is_enterprise_install": false,
                "user": {
                    "id": user_id, "username": "someone", "name": "someone", "team_id": team_id,
                },
                "api_app_id": "A0SANDBOX",
                "token": "gIkuvaNzQIHg97ATvDxqgjtO",
                "container": {
                    "type": "message", "message_ts": "1770000000.000100",
                    "channel_id": "C0SANDBOX1", "is_ephemeral": true,
                },
                "trigger_id": "12466734323.1395872398.8088930838d88f008e0",
                "channel": { "id": "C0SANDBOX1", "name": "general" },
                "state": { "values": {} },
                "response_url": "",
                "actions": [{
                    "type": "button", "block_id": "b1", "action_id": action_id,
                    "text": { "type": "plain_text", "text": "Connect", "emoji": true },
                    "action_ts": "1770000001.000200",
                }],
            }),
        }
    }

    /// Sets the button's value.
    #[must_use]
    pub fn value(self, value: &str) -> Self {
        let value = value.to_owned();
        self.edit(move |payload| {
            if let Some(Value::Object(action)) = payload.pointer_mut("/actions/0") {
                action.insert("value".to_owned(), value.into());
            }
        })
    }

    /// Sets where answers go.
    #[must_use]
    pub fn response_url(self, url: &str) -> Self {
        let url = url.to_owned();
        self.edit(move |payload| {
            if let Some(slot) = payload.get_mut("response_url") {
                *slot = url.into();
            }
        })
    }

    /// Changes anything else.
    #[must_use]
    pub fn edit(mut self, change: impl FnOnce(&mut Value)) -> Self {
        change(&mut self.payload);
        self
    }

    /// The payload.
    #[must_use]
    pub fn payload(&self) -> &Value {
        &self.payload
    }

    /// The whole request, signed at that time.
    #[must_use]
    pub fn signed(&self, secret: &str, at: Timestamp) -> Signed {
        let payload = self.payload.to_string();
        let body = form_urlencoded::Serializer::new(String::new())
            .append_pair("payload", &payload)
            .finish();
        Signed::form(secret, at, body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "8f742231b10e8888abcd99yyyzzz85a5";

    #[test]
    fn signatures_match_slacks_own_example() {
        let body = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&\
                    channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&\
                    user_name=roadrunner&command=%2Fwebhook-collect&text=&\
                    response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F\
                    397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.\
                    803a0bc887a14d10d2c447fce8b6703c";
        assert_eq!(
            sign(SECRET, 1_531_420_618, body.as_bytes()),
            "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
        );
        assert_eq!(
            sign("fa2c05deeef5a4077494e89f54394de0", 1_531_420_618, b"test-body"),
            "v0=baa91ef62d346e56607bbdd278a8acd570b91226854f15a382f43d33be42f666"
        );
        let not_utf8 = [b"command=%2Fconnect&text=".as_slice(), &[0xff, 0xfe, 0x00]].concat();
        assert_eq!(
            sign(SECRET, 1_531_420_618, &not_utf8),
            "v0=3cab0f6141f042ae8298075ffbf6888da55af1fe28b102ba947511ef4bfaaf0d"
        );
    }

    #[test]
    fn every_field_of_a_command_can_be_changed_or_left_out() {
        let command = SlashCommand::new("T1", "U1")
            .text("help me")
            .without("api_app_id")
            .with("enterprise_id", "E1");
        let body = command.body();
        assert!(body.contains("&text=help+me&"), "{body}");
        assert!(!body.contains("api_app_id"));
        assert!(body.ends_with("&enterprise_id=E1"));
        let at = Timestamp::from_second(1_770_000_000).unwrap();
        let signed = command.signed(SECRET, at);
        let expected = sign(SECRET, 1_770_000_000, body.as_bytes());
        assert_eq!(signed.headers["x-slack-signature"], expected.as_str());
        assert_eq!(signed.headers["x-slack-request-timestamp"], "1770000000");
    }

    #[test]
    fn a_press_is_one_field_of_json() {
        let press = ButtonPress::new("T1", "U1", "sign_in").value("v").response_url("http://x/");
        let signed = press.signed(SECRET, Timestamp::UNIX_EPOCH);
        let fields: Vec<_> = form_urlencoded::parse(&signed.body).collect();
        assert_eq!(fields.len(), 1);
        let payload: Value = serde_json::from_str(&fields[0].1).unwrap();
        assert_eq!(payload["actions"][0]["value"], "v");
        assert_eq!(payload["response_url"], "http://x/");
    }
}
