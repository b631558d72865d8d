//! What people do, and the activities that tell the bot of it.

use std::sync::Arc;

use serde_json::{Value, json};

use super::super::Teams;
use super::super::model::{Conversation, Kind, Person, Role};
use super::Inbound;

/// The person and the conversation of an activity.
struct Scene {
    person: Person,
    conversation: Conversation,
    /// The conversation's id as the activity has it, with a thread.
    conversation_id: String,
}

/// Messages, and buttons pressed.
impl Teams {
    /// Somebody writes to the bot: plainly in their own chat, with a mention anywhere else. In a
    /// channel, `conversation` may name a thread (`…;messageid=…`); without it a new one begins.
    #[must_use]
    pub fn message(&self, oid: &str, conversation: &str, text: &str) -> Inbound {
        let scene = self.scene(oid, conversation);
        let id = self.message_id();
        let begins_thread = scene.conversation.team().is_some() && !conversation.contains(';');
        let inbound = self.inbound(&scene, "message", &id).with("/textFormat", "plain");
        let inbound = if scene.conversation.kind == Kind::Personal {
            inbound.saying(text, &escape(text))
        } else {
            self.mentioning(inbound, text)
        };
        if begins_thread {
            return inbound.with("/conversation/id", format!("{conversation};messageid={id}"));
        }
        inbound
    }

    /// Somebody uses a slash command in a group or a channel: nobody but the bot sees it.
    #[must_use]
    pub fn slash_command(&self, oid: &str, conversation: &str, text: &str) -> Inbound {
        let scene = self.scene(oid, conversation);
        self.inbound(&scene, "message", &self.message_id())
            .with("/textFormat", "plain")
            .with("/recipient/isTargeted", true)
            .saying(text, &escape(text))
    }

    /// Somebody presses an `Action.Submit` with that data on the message with that id.
    #[must_use]
    pub fn submit(&self, oid: &str, conversation: &str, message_id: &str, data: Value) -> Inbound {
        let scene = self.scene(oid, conversation);
        self.inbound(&scene, "message", &self.event_id())
            .with("/value", data)
            .with("/replyToId", message_id)
    }

    /// Somebody presses an `Action.Execute` with that verb and data on the message with that id.
    #[must_use]
    pub fn execute(
        &self,
        oid: &str,
        conversation: &str,
        message_id: &str,
        verb: &str,
        data: &Value,
    ) -> Inbound {
        let scene = self.scene(oid, conversation);
        let action = json!({ "type": "Action.Execute", "verb": verb, "data": data });
        self.inbound(&scene, "invoke", &self.event_id())
            .with("/name", "adaptiveCard/action")
            .with("/value", json!({ "action": action, "trigger": "manual" }))
            .with("/replyToId", message_id)
    }

    /// Somebody presses the button with that title on a message of the bot's. None where they do not
    /// see such a button, or where the bot is not told (`Action.OpenUrl` and the like).
    #[must_use]
    pub fn press(&self, oid: &str, message_id: &str, title: &str) -> Option<Inbound> {
        let message = self.seen_by(oid).into_iter().find(|message| message.id == message_id)?;
        let is_meant = |value: Option<&Value>| value.and_then(Value::as_str) == Some(title);
        let action = message.actions().into_iter().find(|action| is_meant(action.get("title")))?;
        let text = |name: &str| action.get(name).and_then(Value::as_str).unwrap_or_default();
        let data = action.get("data").cloned().unwrap_or_else(|| json!({}));
        let place = &message.conversation;
        match text("type") {
            "Action.Submit" => Some(self.submitted(oid, place, message_id, data)),
            "Action.Execute" => Some(self.execute(oid, place, message_id, text("verb"), &data)),
            _ => None,
        }
    }

    /// `Action.Submit`, also in its ways of writing for the person (Teams, card actions).
    fn submitted(&self, oid: &str, conversation: &str, message_id: &str, data: Value) -> Inbound {
        let hint = |name: &str| data.pointer(&format!("/msteams/{name}")).cloned();
        match hint("type").as_ref().and_then(Value::as_str) {
            Some("messageBack") => self
                .submit(oid, conversation, message_id, hint("value").unwrap_or_default())
                .with("/text", hint("text").unwrap_or_default()),
            Some("imBack") => {
                let text = hint("value").unwrap_or_default();
                self.message(oid, conversation, text.as_str().unwrap_or_default())
            }
            _ => self.submit(oid, conversation, message_id, data),
        }
    }

    /// Somebody changes a message that they had written to the bot.
    #[must_use]
    pub fn edited(&self, oid: &str, conversation: &str, text: &str) -> Inbound {
        self.message(oid, conversation, text)
            .with("/type", "messageUpdate")
            .with("/channelData/eventType", "editMessage")
    }

    /// Any other activity, such as `messageReaction` or one that is yet to be invented.
    #[must_use]
    pub fn other(&self, oid: &str, conversation: &str, kind: &str) -> Inbound {
        self.inbound(&self.scene(oid, conversation), kind, &self.event_id())
    }

    /// Adds what was said, after a mention of the bot.
    fn mentioning(&self, inbound: Inbound, text: &str) -> Inbound {
        let bot = &self.inner.options.bot_name;
        let mark = format!("<at>{bot}</at>");
        let span = format!(
            "<span itemscope=\"\" itemtype=\"http://schema.skype.com/Mention\" itemid=\"0\">{}\
             </span>",
            escape(bot)
        );
        let mention = json!({
            "type": "mention",
            "text": mark,
            "mentioned": { "id": self.bot_id(), "name": bot },
        });
        inbound
            .edit(|activity| {
                if let Some(Value::Array(entities)) = activity.get_mut("entities") {
                    entities.push(mention);
                }
            })
            .saying(&format!("{mark} {text}"), &format!("{span} {}", escape(text)))
    }
}

/// Comings and goings. They tell only: how the bot stands in a conversation is
/// [`Teams::set_standing`].
impl Teams {
    /// The app comes or goes: `add`, `remove`, `add-upgrade` or `remove-upgrade`.
    #[must_use]
    pub fn installation(&self, oid: &str, conversation: &str, action: &str) -> Inbound {
        // Only the first one names the channel that somebody chose.
        let names_channel = action == "add";
        self.event(oid, conversation, "installationUpdate", names_channel).with("/action", action)
    }

    /// Somebody brings accounts into a conversation; the bot's own is [`Teams::bot_id`].
    #[must_use]
    pub fn joined(&self, oid: &str, conversation: &str, accounts: &[&str]) -> Inbound {
        self.event(oid, conversation, "conversationUpdate", false)
            .with("/membersAdded", members(accounts))
    }

    /// Somebody takes accounts out of a conversation.
    #[must_use]
    pub fn left(&self, oid: &str, conversation: &str, accounts: &[&str]) -> Inbound {
        self.event(oid, conversation, "conversationUpdate", false)
            .with("/membersRemoved", members(accounts))
    }

    /// An event. In a channel it does not tell the person's object id, and is about the whole team.
    fn event(&self, oid: &str, conversation: &str, kind: &str, names_channel: bool) -> Inbound {
        let scene = self.scene(oid, conversation);
        let event = self.inbound(&scene, kind, &self.event_id());
        let Some(team) = scene.conversation.team() else { return event };
        let event = event.without("/from/aadObjectId");
        if names_channel { event } else { event.with("/conversation/id", team) }
    }
}

fn members(accounts: &[&str]) -> Vec<Value> {
    accounts.iter().map(|id| json!({ "id": id })).collect()
}

/// What all activities are made of.
impl Teams {
    fn message_id(&self) -> String {
        self.inner.state().message_id(self.inner.controls.clock.now())
    }

    fn event_id(&self) -> String {
        format!("f:{}", self.inner.state().guid())
    }

    /// Looks up person and conversation. An unknown person is somebody new in the home tenant, in a
    /// chat of their own.
    fn scene(&self, oid: &str, conversation: &str) -> Scene {
        let state = self.inner.state();
        let home = &self.inner.options.home_tenant;
        let person = state.people.get(oid).cloned();
        let person = person.unwrap_or_else(|| Person::new(home, oid, "Somebody Else"));
        let known = state.conversation(conversation).cloned();
        let conversation_id = conversation.to_owned();
        let conversation = known.unwrap_or_else(|| Conversation::personal(&person));
        Scene { person, conversation, conversation_id }
    }

    /// The fields that all activities have.
    fn inbound(&self, scene: &Scene, kind: &str, id: &str) -> Inbound {
        let Scene { person, conversation, conversation_id } = scene;
        let now = self.inner.controls.clock.now();
        let activity = json!({
            "type": kind,
            "id": id,
            "timestamp": now.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string(),
            "localTimezone": "Europe/London",
            "serviceUrl": self.service_url(),
            "channelId": "msteams",
            "from": { "id": person.account, "name": person.name, "aadObjectId": person.oid },
            "conversation": {
                "id": conversation_id,
                "conversationType": conversation.kind.name(),
                "tenantId": conversation.tenant,
            },
            "recipient": { "id": self.bot_id(), "name": self.inner.options.bot_name },
            "locale": person.locale,
            "entities": [{
                "type": "clientInfo", "locale": person.locale, "country": "GB", "platform": "Web",
                "timezone": "Europe/London",
            }],
            "channelData": channel_data(conversation),
        });
        let inbound = Inbound { inner: Arc::clone(&self.inner), activity };
        let inbound = match conversation.kind {
            Kind::Personal => inbound,
            _ => inbound.with("/conversation/isGroup", true),
        };
        match person.role {
            Role::Anonymous => inbound.without("/from/aadObjectId"),
            _ => inbound,
        }
    }
}

impl Inbound {
    /// Sets the text, and its copy in HTML that Teams sends along.
    fn saying(self, text: &str, html: &str) -> Self {
        let copy = json!([{ "contentType": "text/html", "content": format!("<div>{html}</div>") }]);
        self.with("/text", text).with("/attachments", copy)
    }
}

fn channel_data(conversation: &Conversation) -> Value {
    let tenant = json!({ "id": conversation.tenant });
    match &conversation.kind {
        Kind::Personal | Kind::GroupChat => json!({ "tenant": tenant }),
        Kind::Channel { team, team_name } => json!({
            "tenant": tenant,
            "team": { "id": team, "name": team_name },
            "channel": { "id": conversation.id },
            "teamsTeamId": team,
            "teamsChannelId": conversation.id,
        }),
    }
}

/// Text as HTML.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
