//! People who press the buttons of the bot's messages.
//!
//! Source: Slack, `block_actions` payloads.

use serde_json::{Map, Value, json};

use super::model::{Door, Message, User};
use super::request::ButtonPress;
use super::response_url::{ResponseUrl, Source};
use super::{Slack, SlashCommand};

impl Slack {
    /// Shows the bot's response to a command to whoever typed it, as the ephemeral message that it is, so
    /// that its buttons can be pressed and it can be replaced.
    #[must_use]
    pub fn receive_reply(&self, command: &SlashCommand, body: Value) -> Message {
        let field = |name: &str| {
            let field = command.fields().iter().find(|(field, _)| field == name);
            field.map(|(_, value)| value.clone()).unwrap_or_default()
        };
        let at = self.inner.controls.clock.now();
        let mut state = self.inner.state();
        let message = Message {
            door: Door::Response,
            team_id: field("team_id"),
            channel: field("channel_id"),
            user: Some(field("user_id")),
            body,
            at,
            ts: state.stamp(at),
            is_ephemeral: true,
            is_replaced: false,
        };
        let response_url = field("response_url");
        let path = response_url.strip_prefix(self.url()).unwrap_or_default();
        if let Some(url) = state.response_urls.get_mut(path) {
            url.answered(Source {
                channel: message.channel.clone(),
                user: message.user.clone(),
                original: Some(message.ts.clone()),
            });
        }
        state.keep_read(message.clone());
        message
    }

    /// Puts what a message says where everybody in a channel sees it.
    #[must_use]
    pub fn share(&self, message: &Message, channel: &str) -> Message {
        let at = self.inner.controls.clock.now();
        let mut state = self.inner.state();
        let shared = Message {
            door: Door::Shared,
            channel: channel.to_owned(),
            user: None,
            at,
            ts: state.stamp(at),
            is_ephemeral: false,
            is_replaced: false,
            ..message.clone()
        };
        state.keep_read(shared.clone());
        shared
    }

    /// The messages with this id that nothing has taken the place of: one, or none.
    #[must_use]
    pub fn shown_as(&self, ts: &str) -> Option<Message> {
        let messages = self.messages();
        messages.into_iter().find(|message| message.ts == ts && !message.is_replaced)
    }

    /// Somebody presses the button with that label. None where they do not see such a button.
    #[must_use]
    pub fn press(&self, user_id: &str, message: &Message, label: &str) -> Option<ButtonPress> {
        if message.user.as_deref().is_some_and(|reader| reader != user_id) {
            return None;
        }
        let says = |button: &&&Map<String, Value>| {
            button.get("text").and_then(|text| text.get("text")) == Some(&json!(label))
        };
        let button = message.buttons().iter().find(says).map(|button| (*button).clone())?;
        let at = self.inner.controls.clock.now();
        let mut state = self.inner.state();
        let action_ts = state.stamp(at);
        let trigger = state.unique("13345224609.738474920.");
        let path = format!("/actions/{}/397700885554/{}", message.team_id, state.unique("secret"));
        let source = Source {
            channel: message.channel.clone(),
            user: Some(user_id.to_owned()),
            original: Some(message.ts.clone()),
        };
        state.response_urls.insert(path.clone(), ResponseUrl::new(at, source));
        let user = state.users.get(user_id);
        let team = user.map_or(&message.team_id, |user: &User| &user.team_id).clone();
        let mut action = button;
        action.remove("accessibility_label");
        action.insert("block_id".to_owned(), json!("b1"));
        action.insert("action_ts".to_owned(), json!(action_ts));
        let press = ButtonPress::new(&message.team_id, user_id, "")
            .response_url(&format!("{}{path}", self.inner.url));
        Some(press.edit(|payload| {
            payload["user"]["team_id"] = json!(team);
            payload["trigger_id"] = json!(trigger);
            payload["channel"]["id"] = json!(message.channel);
            payload["container"] = json!({
                "type": "message", "message_ts": message.ts, "channel_id": message.channel,
                "is_ephemeral": message.is_ephemeral,
            });
            payload["actions"] = json!([action]);
            // Slack says what an ephemeral message was to nobody.
            if !message.is_ephemeral {
                payload["message"] = json!({
                    "type": "message", "ts": message.ts, "text": message.text(),
                    "blocks": message.body.get("blocks"),
                });
            }
        }))
    }
}
