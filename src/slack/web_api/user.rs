//! A user as Slack describes them (Slack, `users.info`), and what that says of a person.

use serde::Deserialize;

use crate::core::{EmailAddress, Kind, Person, Profile, ProfilesError};
use crate::net::lenient::{flag, lenient};

#[derive(Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "these are the flags of Slack's user object")]
pub(super) struct User {
    id: String,
    #[serde(default, deserialize_with = "lenient")]
    team_id: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    locale: Option<String>,
    #[serde(default, deserialize_with = "flag")]
    deleted: bool,
    #[serde(default, deserialize_with = "flag")]
    is_bot: bool,
    #[serde(default, deserialize_with = "flag")]
    is_workflow_bot: bool,
    #[serde(default, deserialize_with = "flag")]
    is_connector_bot: bool,
    #[serde(default, deserialize_with = "flag")]
    is_stranger: bool,
    #[serde(default, deserialize_with = "flag")]
    is_restricted: bool,
    #[serde(default, deserialize_with = "flag")]
    is_ultra_restricted: bool,
    #[serde(default, deserialize_with = "flag")]
    is_admin: bool,
    #[serde(default, deserialize_with = "flag")]
    is_owner: bool,
    #[serde(default, deserialize_with = "flag")]
    is_primary_owner: bool,
    #[serde(default, deserialize_with = "flag")]
    is_email_confirmed: bool,
    #[serde(default, deserialize_with = "lenient")]
    real_name: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    profile: Option<UserProfile>,
    #[serde(default, deserialize_with = "lenient", rename = "enterprise_user")]
    organisation: Option<EnterpriseUser>,
}

#[derive(Deserialize)]
struct UserProfile {
    #[serde(default, deserialize_with = "lenient")]
    email: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    real_name: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    display_name: Option<String>,
}

#[derive(Deserialize)]
struct EnterpriseUser {
    #[serde(default, deserialize_with = "lenient")]
    id: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    enterprise_id: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    teams: Option<Vec<String>>,
}

impl User {
    /// The profile of `person`, whom this user should be.
    pub(super) fn profile(
        self,
        person: &Person,
        tells_addresses: bool,
    ) -> Result<Profile, ProfilesError> {
        if self.id != person.user {
            return Err(ProfilesError::Unavailable);
        }
        let kind = kind_of(&self, person);
        let confirmed = self.is_email_confirmed;
        let profile = self.profile;
        let email = profile.as_ref().and_then(|profile| profile.email.clone());
        let name = profile
            .and_then(|profile| profile.real_name.or(profile.display_name))
            .or(self.real_name);
        Ok(Profile {
            name,
            locale: self.locale,
            email: match email {
                Some(address) if confirmed => EmailAddress::Confirmed(address),
                Some(address) => EmailAddress::Unconfirmed(address),
                None if tells_addresses => EmailAddress::None,
                None => EmailAddress::NotTold,
            },
            kind,
            administrator: self.is_admin || self.is_owner || self.is_primary_owner,
            other_ids: self.organisation.and_then(|user| user.id).into_iter().collect(),
        })
    }
}

fn kind_of(user: &User, person: &Person) -> Kind {
    // Slackbot does not carry the flag.
    if user.is_bot || user.is_workflow_bot || user.is_connector_bot || user.id == "USLACKBOT" {
        Kind::Bot
    } else if user.deleted {
        Kind::Deactivated
    } else if user.is_stranger || !belongs(user, person) {
        Kind::External
    } else if user.is_restricted || user.is_ultra_restricted {
        Kind::Guest
    } else {
        Kind::Member
    }
}

/// Whether the user is of the workspace that the request came from, or of its organisation. Slack
/// can leave each of these fields out; only what is there can speak against somebody.
fn belongs(user: &User, person: &Person) -> bool {
    let place = &person.workspace;
    let of_team = user.team_id.as_ref().is_none_or(|team| {
        *team == place.id || place.enterprise.as_ref().is_some_and(|enterprise| team == enterprise)
    });
    let of_organisation = user.organisation.as_ref().is_some_and(|enterprise_user| {
        let same = enterprise_user.enterprise_id.is_some()
            && enterprise_user.enterprise_id == place.enterprise;
        let listed = enterprise_user.teams.as_ref().is_some_and(|teams| teams.contains(&place.id));
        same || listed
    });
    of_team || of_organisation
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::core::Workspace;
    use crate::net::lenient::tests::survives_odd_fields;

    fn asker() -> Person {
        let workspace = Workspace {
            id: "T1".to_owned(),
            enterprise: Some("E1".to_owned()),
            org_install: false,
        };
        Person { platform: crate::slack::PLATFORM.id(), workspace, user: "U1".to_owned() }
    }

    #[test]
    fn accounts_are_told_apart() {
        let cases = [
            (json!({"id": "U1"}), Kind::Member),
            (json!({"id": "U1", "team_id": "T1"}), Kind::Member),
            (json!({"id": "U1", "team_id": ""}), Kind::Member),
            (json!({"id": "U1", "team_id": "E1"}), Kind::Member),
            (json!({"id": "U1", "is_bot": null, "deleted": null}), Kind::Member),
            (json!({"id": "U1", "team_id": "T2"}), Kind::External),
            (
                json!({"id": "U1", "team_id": "T2", "enterprise_user": {"enterprise_id": "E1"}}),
                Kind::Member,
            ),
            (
                json!({"id": "U1", "team_id": "T2", "enterprise_user": {"enterprise_id": "E2"}}),
                Kind::External,
            ),
            (
                json!({"id": "U1", "team_id": "T2", "enterprise_user": {"teams": ["T1"]}}),
                Kind::Member,
            ),
            (json!({"id": "U1", "is_stranger": true}), Kind::External),
            (json!({"id": "U1", "is_restricted": true}), Kind::Guest),
            (json!({"id": "U1", "is_ultra_restricted": true}), Kind::Guest),
            (json!({"id": "U1", "deleted": true, "is_restricted": true}), Kind::Deactivated),
            (json!({"id": "U1", "is_bot": true, "deleted": true}), Kind::Bot),
            (json!({"id": "U1", "is_workflow_bot": true}), Kind::Bot),
        ];
        for (user, kind) in cases {
            let user: User = serde_json::from_str(&user.to_string()).unwrap();
            assert_eq!(user.profile(&asker(), true).unwrap().kind, kind);
        }
        let slackbot: User = serde_json::from_str(r#"{"id": "USLACKBOT"}"#).unwrap();
        let person = Person { user: "USLACKBOT".to_owned(), ..asker() };
        assert_eq!(slackbot.profile(&person, true).unwrap().kind, Kind::Bot);
    }

    #[test]
    fn one_odd_field_never_costs_the_user() {
        let user = json!({
            "id": "U1", "team_id": "T1", "locale": "en-GB", "deleted": false, "is_bot": false,
            "is_workflow_bot": false, "is_connector_bot": false, "is_stranger": false,
            "is_restricted": false, "is_ultra_restricted": false, "is_email_confirmed": true,
            "real_name": "Ada",
            "profile": {"email": "ada@corp.example", "real_name": "Ada", "display_name": "ada"},
            "enterprise_user": {"enterprise_id": "E1", "teams": ["T1"]},
        });
        let optional = [
            "/team_id",
            "/locale",
            "/deleted",
            "/is_bot",
            "/is_workflow_bot",
            "/is_connector_bot",
            "/is_stranger",
            "/is_restricted",
            "/is_ultra_restricted",
            "/is_email_confirmed",
            "/real_name",
            "/profile",
            "/profile/email",
            "/profile/real_name",
            "/profile/display_name",
            "/enterprise_user",
            "/enterprise_user/enterprise_id",
            "/enterprise_user/teams",
        ];
        survives_odd_fields(&user, &optional, |text| {
            let user: User = serde_json::from_str(text).ok()?;
            Some(user.id)
        });
    }

    #[test]
    fn an_answer_about_somebody_else_is_no_answer() {
        let user: User = serde_json::from_str(r#"{"id": "U2"}"#).unwrap();
        assert_eq!(user.profile(&asker(), true), Err(ProfilesError::Unavailable));
    }
}
