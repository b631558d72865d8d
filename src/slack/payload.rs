//! What Slack sends: the few fields that this product uses.
//!
//! Slack adds fields at any time and leaves others out, so everything is optional until it is
//! needed, and what is unknown is passed over (Slack, slash commands; interaction payloads).

use serde::Deserialize;
use url::Url;

use super::PLATFORM;
use super::block_kit::{PRESS_PREFIX, SIGN_IN_ACTION};
use super::signature::SlackRequest;
use crate::core::{Intent, Person, Press, Workspace};
use crate::net::lenient::{flag, lenient};
use crate::net::{HostAllowlist, SecretUrl};
use crate::text::{one_line, shortened};

/// The longest word of a button that is logged, in characters.
const LONGEST_WORD: usize = 40;

/// A slash command that somebody typed.
#[derive(Debug)]
pub struct SlashCommand {
    /// Who.
    pub person: Person,
    /// What for.
    pub intent: Intent,
    /// The command as they typed it, such as `/connect`. Comes from outside.
    pub command: Option<String>,
    /// Where a late answer can go, if Slack named such a place and it is one of Slack's.
    pub response_url: Option<SecretUrl>,
}

/// Why a genuine request cannot be served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Incomplete {
    /// The body is not a form.
    #[error("the body is not a form")]
    NotAForm,
    /// It does not say who asks.
    #[error("the request names no user or no workspace")]
    Nobody,
    /// The payload is not JSON of the documented shape.
    #[error("the payload cannot be read")]
    Payload,
}

#[derive(Default)]
struct Fields {
    team: Option<String>,
    enterprise: Option<String>,
    org_install: Option<String>,
    user: Option<String>,
    command: Option<String>,
    text: Option<String>,
    response_url: Option<String>,
}

impl SlashCommand {
    /// Reads a slash command. `response_hosts` are the places a late answer may go to; an answer
    /// to anywhere else is not an error, there just is no such place then.
    ///
    /// # Errors
    /// The request does not say who asks.
    pub fn read(
        request: &SlackRequest,
        response_hosts: &HostAllowlist,
    ) -> Result<Self, Incomplete> {
        if !request.is_form() {
            return Err(Incomplete::NotAForm);
        }
        let fields = Fields::read(request.body());
        let org_install = fields.org_install.as_deref() == Some("true");
        let person = person(fields.team, fields.enterprise, org_install, fields.user)?;
        Ok(Self {
            person,
            intent: Intent::parse(&fields.text.unwrap_or_default()),
            command: fields.command.filter(|command| command.starts_with('/')),
            response_url: fields.response_url.and_then(|url| admit(&url, response_hosts)),
        })
    }
}

impl Fields {
    /// Takes the first of each field; Slack sends each once.
    fn read(body: &[u8]) -> Self {
        let mut fields = Self::default();
        for (name, value) in form_urlencoded::parse(body) {
            let place = match &*name {
                "team_id" => &mut fields.team,
                "enterprise_id" => &mut fields.enterprise,
                "is_enterprise_install" => &mut fields.org_install,
                "user_id" => &mut fields.user,
                "command" => &mut fields.command,
                "text" => &mut fields.text,
                "response_url" => &mut fields.response_url,
                _ => continue,
            };
            place.get_or_insert_with(|| value.into_owned());
        }
        fields
    }
}

fn person(
    team: Option<String>,
    enterprise: Option<String>,
    org_install: bool,
    user: Option<String>,
) -> Result<Person, Incomplete> {
    let given = |value: Option<String>| value.filter(|value| !value.trim().is_empty());
    let team = given(team);
    let enterprise = given(enterprise);
    let user = given(user).ok_or(Incomplete::Nobody)?;
    if team.is_none() && enterprise.is_none() {
        return Err(Incomplete::Nobody);
    }
    let workspace = Workspace { id: team.unwrap_or_default(), enterprise, org_install };
    Ok(Person { platform: PLATFORM.id(), workspace, user })
}

fn admit(url: &str, hosts: &HostAllowlist) -> Option<SecretUrl> {
    let url = Url::parse(url).ok()?;
    match hosts.check(&url) {
        Ok(()) => Some(SecretUrl::new(url)),
        Err(outside) => {
            tracing::warn!(%outside, "a response URL is on a host that is not allowed, and is not used");
            None
        }
    }
}

/// Something that somebody did to a message.
#[derive(Debug, Default)]
pub struct Interaction {
    /// How many sign-in buttons were pressed. They are links, and ask for nothing.
    pub sign_ins: usize,
    /// The button that was pressed, if it asks for something.
    pub pressed: Option<Pressed>,
}

/// A button that asks for something, in the hand of whoever pressed it.
#[derive(Debug)]
pub struct Pressed {
    /// Who: the presser, whoever the message was for.
    pub person: Person,
    /// What for.
    pub press: Press,
    /// Where the answer can go, if Slack named such a place and it is one of Slack's.
    pub response_url: Option<SecretUrl>,
    /// Whether the message with the button is seen by the presser alone, so that the answer may take
    /// its place.
    pub own_message: bool,
    /// The presser's language, if Slack told it.
    pub locale: Option<String>,
}

#[derive(Deserialize)]
struct Payload {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default, deserialize_with = "lenient")]
    actions: Vec<Action>,
    #[serde(default, deserialize_with = "lenient")]
    user: User,
    #[serde(default, deserialize_with = "lenient")]
    team: Named,
    #[serde(default, deserialize_with = "lenient")]
    enterprise: Named,
    #[serde(default, deserialize_with = "flag")]
    is_enterprise_install: bool,
    #[serde(default, deserialize_with = "lenient")]
    container: Container,
    #[serde(default, deserialize_with = "lenient")]
    channel: Named,
    #[serde(default, deserialize_with = "lenient")]
    response_url: Option<String>,
}

#[derive(Default, Deserialize)]
struct Action {
    #[serde(default, deserialize_with = "lenient")]
    action_id: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    value: Option<String>,
}

#[derive(Default, Deserialize)]
struct User {
    #[serde(default, deserialize_with = "lenient")]
    id: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    team_id: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    locale: Option<String>,
}

#[derive(Default, Deserialize)]
struct Named {
    #[serde(default, deserialize_with = "lenient")]
    id: Option<String>,
}

#[derive(Default, Deserialize)]
struct Container {
    #[serde(rename = "type", default, deserialize_with = "lenient")]
    kind: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    channel_id: Option<String>,
    #[serde(default, deserialize_with = "flag")]
    is_ephemeral: bool,
}

impl Interaction {
    /// Reads an interaction. Kinds other than `block_actions` have no actions, and neither they nor
    /// buttons that are not ours are an error. `response_hosts` is as in [`SlashCommand::read`].
    ///
    /// # Errors
    /// The body is not a form with a JSON `payload`, or it does not say who pressed.
    pub fn read(
        request: &SlackRequest,
        response_hosts: &HostAllowlist,
    ) -> Result<Self, Incomplete> {
        if !request.is_form() {
            return Err(Incomplete::NotAForm);
        }
        let (_, payload) = form_urlencoded::parse(request.body())
            .find(|(name, _)| name == "payload")
            .ok_or(Incomplete::Payload)?;
        let payload: Payload = serde_json::from_str(&payload).map_err(|_| Incomplete::Payload)?;
        payload.interaction(response_hosts)
    }
}

impl Payload {
    fn interaction(self, response_hosts: &HostAllowlist) -> Result<Interaction, Incomplete> {
        if self.kind != "block_actions" {
            return Ok(Interaction::default());
        }
        let ids = || self.actions.iter().filter_map(|action| action.action_id.as_deref());
        let sign_ins = ids().filter(|id| *id == SIGN_IN_ACTION).count();
        // Slack tells one press at a time.
        let pressed = match self.actions.iter().find_map(Action::press) {
            Some(press) => Some(self.pressed(press, response_hosts)?),
            None => None,
        };
        Ok(Interaction { sign_ins, pressed })
    }

    fn pressed(self, press: Press, response_hosts: &HostAllowlist) -> Result<Pressed, Incomplete> {
        let own_message = self.is_own_message();
        // Anybody in a shared channel can press, and a user's id means them only together with their
        // team. Within one organisation the ids are the same, and the team is that of the message.
        let user_team = self.user.team_id;
        let outsider = self.enterprise.id.is_none() && user_team != self.team.id;
        let team = if outsider { user_team.or(self.team.id) } else { self.team.id.or(user_team) };
        Ok(Pressed {
            person: person(team, self.enterprise.id, self.is_enterprise_install, self.user.id)?,
            press,
            response_url: self.response_url.and_then(|url| admit(&url, response_hosts)),
            own_message,
            locale: self.user.locale,
        })
    }

    /// An ephemeral message has one reader, and so has a message of the bot's in a direct conversation.
    fn is_own_message(&self) -> bool {
        let channel = self.container.channel_id.as_deref().or(self.channel.id.as_deref());
        let direct = channel.is_some_and(|channel| channel.starts_with('D'));
        // Not a message within another one, which somebody has passed on.
        let itself = self.container.kind.as_deref() == Some("message");
        itself && (self.container.is_ephemeral || direct)
    }
}

impl Action {
    /// What the button asks for, if it is one of ours.
    fn press(&self) -> Option<Press> {
        let word = self.action_id.as_deref()?.strip_prefix(PRESS_PREFIX)?;
        let press = Press::read(word, self.value.as_deref());
        if press.is_none() {
            let word = shortened(&one_line(word), LONGEST_WORD);
            tracing::warn!(word, "a button was pressed that this version does not know");
        }
        press
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::net::Subdomains;
    use crate::net::lenient::tests::survives_odd_fields;

    fn hosts() -> HostAllowlist {
        HostAllowlist::new(["slack.com"], Subdomains::Allowed).unwrap()
    }

    fn payload() -> serde_json::Value {
        json!({
            "type": "block_actions",
            "team": {"id": "T1", "domain": "acme"}, "enterprise": null,
            "is_enterprise_install": false,
            "user": {"id": "U1", "team_id": "T1", "locale": "de-DE"},
            "container": {"type": "message", "channel_id": "C1", "is_ephemeral": true},
            "channel": {"id": "C1"},
            "response_url": "https://hooks.slack.com/actions/T1/1/x",
            "actions": [{"action_id": "connect_press_status", "value": ""}],
        })
    }

    fn read(payload: &serde_json::Value) -> Result<Interaction, Incomplete> {
        let payload: Payload = serde_json::from_str(&payload.to_string()).unwrap();
        payload.interaction(&hosts())
    }

    fn pressed(pointer: &str, value: serde_json::Value) -> Pressed {
        let mut payload = payload();
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        payload.pointer_mut(parent).unwrap()[name] = value;
        read(&payload).unwrap().pressed.unwrap()
    }

    #[test]
    fn one_odd_field_never_costs_the_press() {
        let optional = [
            "/team",
            "/team/id",
            "/enterprise",
            "/is_enterprise_install",
            "/user/locale",
            "/container",
            "/container/type",
            "/container/channel_id",
            "/container/is_ephemeral",
            "/channel",
            "/channel/id",
            "/response_url",
            "/actions/0/value",
        ];
        survives_odd_fields(&payload(), &optional, |text| {
            let payload: Payload = serde_json::from_str(text).ok()?;
            let pressed = payload.interaction(&hosts()).ok()?.pressed?;
            Some((pressed.person.user, pressed.press))
        });
    }

    #[test]
    fn odd_actions_are_no_press_and_no_error() {
        for actions in [json!(null), json!("x"), json!([{}]), json!([{"action_id": 7}])] {
            let mut payload = payload();
            payload["actions"] = actions;
            assert!(read(&payload).unwrap().pressed.is_none(), "{payload}");
        }
    }

    #[test]
    fn the_presser_is_who_asks_with_the_team_that_makes_the_id_theirs() {
        let of = |pointer: &str, value| pressed(pointer, value).person.workspace;
        assert_eq!(of("/channel", json!({})).id, "T1");
        assert_eq!(of("/team", json!(null)).id, "T1", "installed for the organisation");
        assert_eq!(of("/user/team_id", json!("T9")).id, "T9", "a guest of a shared channel");
        assert_eq!(of("/user/team_id", json!(null)).id, "T1");
        let mut grid = payload();
        grid["enterprise"] = json!({"id": "E1"});
        grid["user"]["team_id"] = json!("T2");
        grid["is_enterprise_install"] = json!(true);
        let workspace = read(&grid).unwrap().pressed.unwrap().person.workspace;
        assert_eq!((workspace.id.as_str(), workspace.enterprise.as_deref()), ("T1", Some("E1")));
        assert!(workspace.org_install);
        let mut nobody = payload();
        nobody["user"] = json!({});
        assert_eq!(read(&nobody).unwrap_err(), Incomplete::Nobody);
    }

    #[test]
    fn only_a_message_with_one_reader_is_replaced() {
        let own = |container| pressed("/container", container).own_message;
        assert!(own(json!({"type": "message", "channel_id": "C1", "is_ephemeral": true})));
        assert!(own(json!({"type": "message", "channel_id": "D1", "is_ephemeral": false})));
        assert!(own(json!({"type": "message", "channel_id": "D1"})));
        for others in [
            json!({"type": "message", "channel_id": "C1", "is_ephemeral": false}),
            json!({"type": "message_attachment", "channel_id": "D1", "is_ephemeral": false}),
            json!({"type": "view", "view_id": "V1"}),
            json!({"channel_id": "D1"}),
            json!({}),
        ] {
            assert!(!own(others.clone()), "{others}");
        }
    }

    #[test]
    fn an_answer_goes_to_slack_alone() {
        let url = |url: &str| pressed("/response_url", json!(url)).response_url;
        assert!(url("https://hooks.slack.com/actions/T1/1/x").is_some());
        assert!(url("https://slack.com.evil.example/x").is_none());
        assert!(url("nonsense").is_none());
    }

    proptest! {
        #[test]
        fn any_form_is_read(body in proptest::collection::vec(any::<u8>(), 0..400)) {
            let fields = Fields::read(&body);
            let _ = person(fields.team, fields.enterprise, true, fields.user);
        }

        #[test]
        fn fields_survive_encoding(team in "T[A-Z0-9]{1,10}", user in "\\PC{1,20}", text in "\\PC{0,40}") {
            let body = form_urlencoded::Serializer::new(String::new())
                .append_pair("team_id", &team)
                .append_pair("text", &text)
                .append_pair("user_id", &user)
                .append_pair("user_id", "U_SECOND")
                .finish();
            let fields = Fields::read(body.as_bytes());
            prop_assert_eq!(fields.team, Some(team));
            prop_assert_eq!(fields.user, Some(user));
            prop_assert_eq!(fields.text, Some(text));
        }
    }
}
