//! What people in Slack can do and see.

use connect_sandbox::novu::{self, NewConnection};
use connect_sandbox::slack::{self, ButtonPress, Slack, SlashCommand, Team, User};
use connect_sandbox::{Browser, Recorded};
use novu_connect_bot::clock::Clock;
use serde_json::Value;

use super::request::Request;
use super::{ADA, BOT_TOKEN, Bot, GRACE, INTEGRATION, Reply, TEAM, unique};

impl Bot {
    /// Gives Novu a shared channel connection for a workspace.
    pub(crate) fn connect_workspace(&self, identifier: &str, workspace: &str) {
        self.connect_workspace_in_context(identifier, workspace, &[]);
    }

    /// As [`Bot::connect_workspace`], in a context of `type:id` keys.
    pub(crate) fn connect_workspace_in_context(
        &self,
        identifier: &str,
        workspace: &str,
        keys: &[&str],
    ) {
        self.novu.add_connection(connection(identifier, workspace, keys)).unwrap();
    }

    /// Opens another workspace in Slack, with one member. Gives the member's id.
    pub(crate) fn open_workspace(&self, workspace: &str) -> String {
        let user =
            User { team_id: workspace.to_owned(), ..member(&format!("U{workspace}"), "Ida") };
        let id = user.id.clone();
        self.slack.add_team(Team { bot_token: token(workspace), ..Team::new(workspace, "Other") });
        self.slack.add_user(user);
        id
    }

    /// Types `/connect` as the member of another workspace.
    pub(crate) async fn command_in(&self, workspace: &str) -> Reply {
        let user = self.open_workspace(workspace);
        self.send(self.slash(&user, "").with("team_id", workspace)).await
    }

    /// Links a person through the browser, as they would do it.
    pub(crate) async fn link(&self, user: &str) {
        let link = self.command(user, "").await.link();
        let page = Browser::new().unwrap().approve(&link, user).await.unwrap();
        assert_eq!(page.status, 200, "{}", page.body);
    }

    /// Types `/connect TEXT` as a person, and checks that Slack would show the answer.
    pub(crate) async fn command(&self, user: &str, text: &str) -> Reply {
        self.send(self.slash(user, text)).await
    }

    /// Types `/connect TEXT` as a person, and gives what they read in the end: the response, or the
    /// message that follows where that says that the answer is on its way.
    pub(crate) async fn command_in_the_end(&self, user: &str, text: &str) -> Reply {
        let before = self.slack.messages().len();
        let reply = self.command(user, text).await;
        if !reply.is_on_its_way() {
            return reply;
        }
        self.until_later(async || self.slack.messages().len() > before).await;
        let json = self.slack.messages()[before].body.clone();
        Reply { status: reply.status, body: json.to_string(), json }
    }

    /// Sends a slash command that must be answered with a message that Slack would show.
    pub(crate) async fn send(&self, request: Request) -> Reply {
        let reply = self.post("/slack/commands", request).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        slack::block_kit::validate(&reply.json).unwrap();
        assert_eq!(reply.json["response_type"], "ephemeral");
        reply
    }

    /// As [`Bot::command`]. Gives the message as Slack then shows it, whose buttons can be pressed.
    pub(crate) async fn command_shown(&self, user: &str, text: &str) -> slack::Message {
        let request = self.slash(user, text);
        let reply = self.send(request.clone()).await;
        self.slack.receive_reply(request.slash_command(), reply.json)
    }

    /// Presses a button of a message that the person sees, and waits until what it asks for is there.
    /// Gives what was shown.
    pub(crate) async fn press(
        &self,
        user: &str,
        message: &slack::Message,
        label: &str,
    ) -> slack::Message {
        let press = self.slack.press(user, message, label);
        self.send_press(&press.unwrap_or_else(|| panic!("no {label} in {}", message.body))).await
    }

    /// Sends a press that must be acknowledged without a word. Gives what is shown in the end.
    pub(crate) async fn send_press(&self, press: &ButtonPress) -> slack::Message {
        let before = self.slack.messages().len();
        let reply = self.post("/slack/interactions", self.pressed(press)).await;
        assert_eq!((reply.status, reply.body.as_str()), (200, ""));
        self.until_later(async || {
            self.metric("connect_promises_open").await == 0 && self.slack.messages().len() > before
        })
        .await;
        self.slack.messages().pop().expect("an answer")
    }

    /// A press as Slack sends it.
    pub(crate) fn pressed(&self, press: &ButtonPress) -> Request {
        let payload = press.payload().to_string();
        let form = form_urlencoded::Serializer::new(String::new())
            .append_pair("payload", &payload)
            .finish();
        self.form(form)
    }

    /// The slash command of a person, genuine and complete.
    pub(crate) fn slash(&self, user: &str, text: &str) -> Request {
        let response_url = self.slack.new_response_url();
        let command = SlashCommand::new(TEAM, user)
            .text(text)
            .response_url(&response_url)
            .with("token", "canary-verification-token")
            .with("trigger_id", &unique());
        Request::command(command, self.clock.now())
    }

    /// A form with exactly this body, genuinely signed.
    pub(crate) fn form(&self, body: impl AsRef<[u8]>) -> Request {
        Request::raw(body, self.clock.now())
    }

    /// What was posted to response URLs: the bodies.
    pub(crate) fn late_replies(&self) -> Vec<Value> {
        let all = self.slack.requests();
        all.iter()
            .filter(|request| {
                ["/commands/", "/actions/"].iter().any(|kind| request.path().starts_with(kind))
            })
            .map(Recorded::json)
            .collect()
    }
}

/// The workspace and its members.
pub(super) fn people(slack: &Slack) {
    slack.add_team(Team { bot_token: BOT_TOKEN.to_owned(), ..Team::new(TEAM, "Acme") });
    slack.add_user(member(ADA, "Ada Lovelace"));
    slack.add_user(User { locale: Some("de-DE".to_owned()), ..member(GRACE, "Grace Hopper") });
}

/// A full member with a confirmed e-mail address.
pub(crate) fn member(id: &str, name: &str) -> User {
    let mut user = User::new(TEAM, id, name);
    user.locale = Some("en-GB".to_owned());
    user.email = Some(email(id));
    user
}

/// The e-mail address of a member.
pub(crate) fn email(id: &str) -> String {
    format!("{}@canary.example", id.to_lowercase())
}

/// A shared channel connection.
pub(crate) fn connection(identifier: &str, workspace: &str, keys: &[&str]) -> NewConnection {
    NewConnection {
        identifier: identifier.to_owned(),
        integration: INTEGRATION.to_owned(),
        workspace: novu::Workspace {
            id: workspace.to_owned(),
            name: Some("Acme".to_owned()),
            bot_user_id: Some("U0BOT".to_owned()),
        },
        access_token: token(workspace),
        subscriber_id: None,
        context_keys: keys.iter().map(|key| (*key).to_owned()).collect(),
        created_at: None,
    }
}

/// The bot token of a workspace.
pub(super) fn token(workspace: &str) -> String {
    if workspace == TEAM { BOT_TOKEN.to_owned() } else { format!("{BOT_TOKEN}-{workspace}") }
}
