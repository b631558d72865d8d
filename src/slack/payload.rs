//! What Slack sends: the few fields that this product uses.
//!
//! Slack adds fields at any time and leaves others out, so everything is optional until it is
//! needed, and what is unknown is passed over (Slack, slash commands; interaction payloads).

use serde::Deserialize;
use url::Url;

use super::PLATFORM;
use super::signature::SlackRequest;
use crate::core::{Intent, Person, Workspace};
use crate::net::lenient::lenient;
use crate::net::{HostAllowlist, SecretUrl};

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

/// Something that somebody did to a message: the button was pressed, say.
#[derive(Debug)]
pub struct Interaction {
    /// The actions that were taken, by their `action_id`; empty for kinds that have none.
    pub actions: Vec<String>,
}

#[derive(Deserialize)]
struct Payload {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default, deserialize_with = "lenient")]
    actions: Vec<Action>,
}

#[derive(Deserialize)]
struct Action {
    #[serde(default, deserialize_with = "lenient")]
    action_id: Option<String>,
}

impl Interaction {
    /// Reads an interaction. Kinds other than `block_actions` have no actions, and are no error.
    ///
    /// # Errors
    /// The body is not a form with a JSON `payload`.
    pub fn read(request: &SlackRequest) -> Result<Self, Incomplete> {
        if !request.is_form() {
            return Err(Incomplete::NotAForm);
        }
        let (_, payload) = form_urlencoded::parse(request.body())
            .find(|(name, _)| name == "payload")
            .ok_or(Incomplete::Payload)?;
        let payload: Payload = serde_json::from_str(&payload).map_err(|_| Incomplete::Payload)?;
        let actions = if payload.kind == "block_actions" { payload.actions } else { Vec::new() };
        Ok(Self { actions: actions.into_iter().filter_map(|action| action.action_id).collect() })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::net::lenient::tests::survives_odd_fields;

    #[test]
    fn one_odd_field_never_costs_the_interaction() {
        let payload = json!({"type": "block_actions", "actions": [{"action_id": "sign_in"}]});
        survives_odd_fields(&payload, &["/actions", "/actions/0/action_id"], |text| {
            let payload: Payload = serde_json::from_str(text).ok()?;
            Some(payload.kind)
        });
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
