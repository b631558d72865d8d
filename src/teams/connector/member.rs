//! Who somebody is, as the connector tells it.

use std::fmt;

use bytes::Bytes;
use serde::Deserialize;

use super::error::CallError;
use crate::core::{EmailAddress, Kind, Person, Profile, ProfilesError};
use crate::net::lenient::lenient;

/// What marks the user principal name of somebody who is a guest in a tenant (Entra, B2B users).
const GUEST_MARK: &str = "#EXT#";

/// A member of a conversation. Any of it but the id can be missing, and what is empty or odd counts as
/// missing; Microsoft has announced that addresses and names go. Does not print what is personal.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "WireMember")]
pub(crate) struct Member {
    /// The id of their account, `29:…`.
    pub id: String,
    /// The Entra object id.
    pub aad_object_id: Option<String>,
    /// What they are called.
    pub name: Option<String>,
    /// Given name.
    pub given_name: Option<String>,
    /// Surname.
    pub surname: Option<String>,
    /// E-mail address, as somebody entered it in the directory.
    pub email: Option<String>,
    /// User principal name: looks like an address, and its domain is one that the tenant owns.
    pub upn: Option<String>,
    /// The tenant whose directory they are in.
    pub tenant: Option<String>,
    /// `user`, `guest` or `anonymous`.
    pub role: Option<String>,
}

/// A member as the connector writes it. The object id comes under either name, or both.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireMember {
    id: String,
    #[serde(default, deserialize_with = "lenient")]
    aad_object_id: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    object_id: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    name: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    given_name: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    surname: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    email: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    user_principal_name: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    tenant_id: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    user_role: Option<String>,
}

impl From<WireMember> for Member {
    fn from(member: WireMember) -> Self {
        Self {
            id: member.id,
            aad_object_id: member.aad_object_id.or(member.object_id),
            name: member.name,
            given_name: member.given_name,
            surname: member.surname,
            email: member.email,
            upn: member.user_principal_name,
            tenant: member.tenant_id,
            role: member.user_role,
        }
    }
}

impl fmt::Debug for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Member")
            .field("id", &self.id)
            .field("aad_object_id", &self.aad_object_id)
            .field("tenant", &self.tenant)
            .field("role", &self.role)
            .finish_non_exhaustive()
    }
}

impl Member {
    /// Reads the answer to a question for `user`.
    pub(super) fn read(body: &Bytes, user: &str) -> Result<Self, CallError> {
        let member: Self = serde_json::from_slice(body).map_err(|_| CallError::Nonsense)?;
        let is_meant = member.id == user
            || member.aad_object_id.as_ref().is_some_and(|id| id.eq_ignore_ascii_case(user));
        if is_meant { Ok(member) } else { Err(CallError::Nonsense) }
    }

    /// The member as the core sees people, provided that it is `person`.
    ///
    /// # Errors
    /// It is somebody else, or the connector does not say who it is.
    pub(crate) fn profile(self, person: &Person) -> Result<Profile, ProfilesError> {
        match &self.aad_object_id {
            Some(id) if id.eq_ignore_ascii_case(&person.user) => {}
            // Whoever put the two together, the account is not that person's.
            Some(_) => return Err(ProfilesError::Stranger),
            None => return Err(ProfilesError::Unavailable),
        }
        let kind = self.kind(person);
        let email = self.email_address();
        Ok(Profile {
            administrator: false,
            name: self.name,
            // The roster tells none; the activity does.
            locale: None,
            email,
            kind,
            other_ids: Vec::new(),
        })
    }

    fn kind(&self, person: &Person) -> Kind {
        let elsewhere = |tenant: &String| !tenant.eq_ignore_ascii_case(&person.workspace.id);
        let role = self.role.as_deref().unwrap_or_default();
        let guest_name = self.upn.as_ref().is_some_and(|upn| upn.contains(GUEST_MARK));
        if self.id.starts_with("28:") {
            Kind::Bot
        } else if role.eq_ignore_ascii_case("anonymous")
            || self.tenant.as_ref().is_some_and(elsewhere)
        {
            Kind::External
        } else if role.eq_ignore_ascii_case("guest") || guest_name {
            Kind::Guest
        } else {
            Kind::Member
        }
    }

    /// Whether addresses are told at all shows in the user principal name, which everybody has and
    /// which the connector gives and withholds together with the address.
    fn email_address(&self) -> EmailAddress {
        match (&self.email, &self.upn) {
            (Some(address), _) if self.has_confirmed_email() => {
                EmailAddress::Confirmed(address.clone())
            }
            (Some(address), _) => EmailAddress::Unconfirmed(address.clone()),
            (None, Some(_)) => EmailAddress::None,
            (None, None) => EmailAddress::NotTold,
        }
    }

    /// Entra vouches for the domain of a user principal name, which the tenant has to prove to own,
    /// and for nothing in the address, where an administrator can enter anybody's. So an address is
    /// confirmed only if it is the user principal name.
    fn has_confirmed_email(&self) -> bool {
        match (&self.email, &self.upn) {
            (Some(email), Some(upn)) => {
                email.eq_ignore_ascii_case(upn) && !upn.contains(GUEST_MARK)
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::core::Workspace;
    use crate::net::lenient::tests::survives_odd_fields;

    fn person() -> Person {
        let workspace = Workspace::standalone("tenant-1");
        Person { platform: crate::teams::PLATFORM.id(), workspace, user: "oid-ada".to_owned() }
    }

    fn read(fields: &Value) -> Result<Member, CallError> {
        Member::read(&Bytes::from(fields.to_string()), "29:ada")
    }

    fn profile(mut fields: Value) -> Profile {
        fields["id"] = fields.get("id").cloned().unwrap_or(json!("29:ada"));
        fields["aadObjectId"] = json!("oid-ada");
        let member: Member = serde_json::from_str(&fields.to_string()).unwrap();
        member.profile(&person()).unwrap()
    }

    #[test]
    fn the_object_id_has_two_names() {
        for name in ["objectId", "aadObjectId"] {
            let member = read(&json!({"id": "29:ada", name: "OID-ADA", "unknown": [1]})).unwrap();
            assert_eq!(member.aad_object_id.as_deref(), Some("OID-ADA"));
            assert!(member.profile(&person()).is_ok());
        }
        let both = json!({"id": "29:ada", "objectId": "oid-ada", "aadObjectId": "oid-ada"});
        assert!(read(&both).is_ok());
    }

    #[test]
    fn one_odd_field_never_costs_the_member() {
        let member = json!({
            "id": "29:ada", "aadObjectId": "oid-ada", "objectId": "oid-ada", "name": "Ada",
            "givenName": "Ada", "surname": "Lovelace", "email": "ada@corp.example",
            "userPrincipalName": "ada@corp.example", "tenantId": "tenant-1", "userRole": "user",
        });
        let optional = [
            "/name",
            "/givenName",
            "/surname",
            "/email",
            "/userPrincipalName",
            "/tenantId",
            "/userRole",
            "/objectId",
        ];
        survives_odd_fields(&member, &optional, |text| {
            let member = Member::read(&Bytes::from(text.to_owned()), "29:ada").ok()?;
            Some((member.id, member.aad_object_id))
        });
        let nameless = json!({"id": "29:ada", "aadObjectId": "", "objectId": "oid-ada"});
        assert_eq!(read(&nameless).unwrap().aad_object_id.as_deref(), Some("oid-ada"));
    }

    #[test]
    fn an_answer_about_somebody_else_is_no_answer() {
        assert_eq!(read(&json!({"id": "29:grace"})), Err(CallError::Nonsense));
        let by_object_id = json!({"id": "29:x", "objectId": "29:ADA"});
        assert!(read(&by_object_id).is_ok());
        let grace = read(&json!({"id": "29:ada", "objectId": "oid-grace"})).unwrap();
        assert_eq!(grace.profile(&person()), Err(ProfilesError::Stranger));
        let nobody = read(&json!({"id": "29:ada"})).unwrap();
        assert_eq!(nobody.profile(&person()), Err(ProfilesError::Unavailable));
    }

    #[test]
    fn accounts_are_told_apart() {
        let cases = [
            (json!({}), Kind::Member),
            (json!({"tenantId": "TENANT-1", "userRole": "user"}), Kind::Member),
            (json!({"tenantId": "tenant-2"}), Kind::External),
            (json!({"userRole": "anonymous"}), Kind::External),
            (json!({"tenantId": "", "userRole": " "}), Kind::Member),
            (json!({"tenantId": 7, "userRole": ["guest"]}), Kind::Member),
            (json!({"userRole": "guest"}), Kind::Guest),
            (
                json!({"userPrincipalName": "ada_home.example#EXT#@corp.onmicrosoft.com"}),
                Kind::Guest,
            ),
            (json!({"id": "28:other-bot"}), Kind::Bot),
        ];
        for (fields, kind) in cases {
            assert_eq!(profile(fields.clone()).kind, kind, "{fields}");
        }
    }

    #[test]
    fn an_address_is_confirmed_only_as_the_user_principal_name() {
        let cases = [
            (
                json!({"email": "ada@corp.example", "userPrincipalName": "Ada@Corp.example"}),
                "Confirmed(…)",
            ),
            (
                json!({"email": "boss@other.example", "userPrincipalName": "ada@corp.example"}),
                "Unconfirmed(…)",
            ),
            (json!({"email": "ada@corp.example"}), "Unconfirmed(…)"),
            (json!({"userPrincipalName": "ada@corp.example"}), "None"),
            (json!({"email": "", "userPrincipalName": "ada@corp.example"}), "None"),
            (json!({"email": " "}), "NotTold"),
            (json!({"email": " ", "userPrincipalName": ""}), "NotTold"),
            (json!({}), "NotTold"),
        ];
        for (fields, verdict) in cases {
            let email = profile(fields.clone()).email;
            assert_eq!(format!("{email:?}"), verdict, "{fields}");
        }
    }

    #[test]
    fn what_is_personal_does_not_print() {
        let member = read(&json!({"id": "29:ada", "name": "Ada", "email": "ada@corp.example"}));
        let printed = format!("{member:?}");
        assert!(!printed.contains("Ada") && !printed.contains("corp"), "{printed}");
    }
}
