//! Who is asking.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::store::Owner;

/// Where a person is: a Slack workspace, or a Teams tenant.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Workspace {
    /// Slack team id (`T…`), or Entra tenant id. Empty where Slack names only the organisation.
    pub id: String,
    /// Slack Enterprise Grid organisation (`E…`) that the workspace belongs to.
    pub enterprise: Option<String>,
    /// Whether the Slack app is installed for the whole organisation.
    pub org_install: bool,
}

impl Workspace {
    /// A workspace or tenant that belongs to no organisation.
    #[must_use]
    pub fn standalone(id: impl Into<String>) -> Self {
        Self { id: id.into(), enterprise: None, org_install: false }
    }

    /// The widest place in which a user id means one person: the Enterprise Grid organisation if
    /// there is one (user ids are global in it), else the workspace or tenant itself.
    #[must_use]
    pub fn realm(&self) -> &str {
        self.enterprise.as_deref().unwrap_or(&self.id)
    }

    /// The `workspace.id`s that a channel connection for this place may carry, best first.
    ///
    /// The workspace itself comes first. An organisation's own id follows only where the app is
    /// installed for the whole organisation: otherwise a connection under that id is not the one
    /// this person talks through.
    pub fn connection_keys(&self) -> impl Iterator<Item = &str> {
        let team = Some(self.id.as_str()).filter(|id| !id.is_empty());
        let organisation = self.enterprise.as_deref().filter(|_| self.org_install);
        team.into_iter().chain(organisation)
    }
}

/// A person on a chat platform, as a verified request names them.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Person {
    /// The name of the platform that vouches for this person.
    pub platform: PlatformName,
    /// Where they are.
    pub workspace: Workspace,
    /// Slack user id (`U…`, `W…`), or Entra object id.
    pub user: String,
}

impl Person {
    /// The name by which the store knows their chat account.
    #[must_use]
    pub fn owner(&self) -> Owner {
        Owner::of(self.platform.as_str(), self.workspace.realm(), &self.user)
    }

    /// Another user of the same workspace or tenant.
    #[must_use]
    pub fn fellow(&self, user: &str) -> Self {
        Self { user: user.to_owned(), ..self.clone() }
    }
}

/// The name of a platform, as persons carry it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PlatformName(Cow<'static, str>);

impl PlatformName {
    /// The name that a platform declares.
    pub(super) const fn declared(name: &'static str) -> Self {
        Self(Cow::Borrowed(name))
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for PlatformName {
    fn from(name: String) -> Self {
        Self(Cow::Owned(name))
    }
}

impl fmt::Display for PlatformName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What the platform knows of a person beyond their id. Any of it can be missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// The name that others see.
    pub name: Option<String>,
    /// Language tag, such as `de-DE`.
    pub locale: Option<String>,
    /// E-mail address.
    pub email: EmailAddress,
    /// What sort of account it is.
    pub kind: Kind,
    /// Other ids of the same person: somebody in an Enterprise Grid has one in the workspace and one in
    /// the organisation (Slack, `users.info`, `enterprise_user`).
    pub other_ids: Vec<String>,
    /// Whether the platform says that they administer the workspace; false where it does not tell.
    pub administrator: bool,
}

/// What a platform tells of a person's e-mail address. An address never prints.
#[derive(Clone, PartialEq, Eq)]
pub enum EmailAddress {
    /// The platform vouches that this address belongs to the person.
    Confirmed(String),
    /// The person has this address entered, and the platform vouches for nothing.
    Unconfirmed(String),
    /// The platform tells addresses, and this person has none.
    None,
    /// The platform tells this bot no addresses, so the person may well have one.
    NotTold,
}

impl EmailAddress {
    /// The address, vouched for or not.
    #[must_use]
    pub fn address(&self) -> Option<&str> {
        match self {
            Self::Confirmed(address) | Self::Unconfirmed(address) => Some(address),
            Self::None | Self::NotTold => None,
        }
    }
}

impl EmailAddress {
    /// What the platform tells, in a word, without the address.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Confirmed(_) => "confirmed",
            Self::Unconfirmed(_) => "unconfirmed",
            Self::None => "none",
            Self::NotTold => "not_told",
        }
    }
}

impl fmt::Debug for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Confirmed(_) => "Confirmed(…)",
            Self::Unconfirmed(_) => "Unconfirmed(…)",
            Self::None => "None",
            Self::NotTold => "NotTold",
        })
    }
}

/// What sort of account a person has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A full member of the workspace or tenant.
    Member,
    /// A guest: invited to parts of it.
    Guest,
    /// Somebody from another organisation, seen through a shared channel.
    External,
    /// Not a person.
    Bot,
    /// An account that has been switched off.
    Deactivated,
}

impl Kind {
    /// Its word, as the identity webhook and the operator hear it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Member => "member",
            Self::Guest => "guest",
            Self::External => "external",
            Self::Bot => "bot",
            Self::Deactivated => "deactivated",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_does_not_print() {
        for email in
            [EmailAddress::Confirmed("a@b".to_owned()), EmailAddress::Unconfirmed("a@b".to_owned())]
        {
            assert!(!format!("{email:?}").contains("a@b"));
        }
    }

    #[test]
    fn a_realm_is_the_widest_place_where_a_user_id_means_one_person() {
        let mut place = Workspace::standalone("T1");
        assert_eq!(place.realm(), "T1");
        assert_eq!(place.connection_keys().collect::<Vec<_>>(), ["T1"]);

        place.enterprise = Some("E1".to_owned());
        assert_eq!(place.realm(), "E1");
        assert_eq!(place.connection_keys().collect::<Vec<_>>(), ["T1"]);

        place.org_install = true;
        assert_eq!(place.connection_keys().collect::<Vec<_>>(), ["T1", "E1"]);

        place.id.clear();
        assert_eq!(place.connection_keys().collect::<Vec<_>>(), ["E1"]);
    }
}
