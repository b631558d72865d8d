//! What a chat platform is to the core: a value that its surface declares.

use std::borrow::Cow;

use super::person::{Person, PlatformName, Workspace};
use crate::novu::Endpoint;

/// A chat platform. Declared once, by its surface.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact about the platform by itself")]
pub struct Platform {
    /// The lower-case word for it, as in templates, tables, metrics and logs. Part of the outside
    /// interface: it never changes.
    pub name: &'static str,
    /// How the platform calls itself.
    pub brand: &'static str,
    /// Who shows the sign-in page.
    pub provider: &'static str,
    /// The key of the catalogue's word for the place where its people are: a workspace, a tenant.
    pub place: &'static str,
    /// Whether only members of a workspace that installed the bot can ask it anything. Where people of
    /// other organisations can, who they are has to be known.
    pub only_members_ask: bool,
    /// Whether two ids that differ in the case of their letters are two ids.
    pub ids_have_case: bool,
    /// What the ids of organisations begin with, each of which has several workspaces. None where there are
    /// no organisations.
    pub organisations: Option<char>,
    /// Whether a guest signs in with an account that has another id than the one they ask with.
    pub guests_sign_in_elsewhere: bool,
    /// Whether Novu can deliver to an endpoint that names no channel connection.
    pub delivers_without_connection: bool,
    /// What an administrator consents to for a whole tenant, once, and without a token: Novu refuses a second
    /// consent, and passes no scopes on (Novu 3.19, Teams callback). Empty where an installation grants
    /// scopes and gives a token, and another one a new token.
    pub consents_to: &'static [&'static str],
    /// The providers of Novu's that connect to it.
    pub novu_providers: &'static [&'static str],
    /// Whether an endpoint of Novu's reaches a person's chat account.
    pub reaches: fn(&Endpoint, &Person) -> bool,
}

impl Platform {
    /// Whether an administrator consents for a whole tenant, once.
    #[must_use]
    pub const fn consents_once(&self) -> bool {
        !self.consents_to.is_empty()
    }

    /// The name, as persons carry it.
    #[must_use]
    pub const fn id(&self) -> PlatformName {
        PlatformName::declared(self.name)
    }

    /// An id of a person, workspace or tenant in the one form in which it is compared and handed on,
    /// wherever it comes from.
    #[must_use]
    pub fn canonical_id<'a>(&self, id: &'a str) -> Cow<'a, str> {
        if self.ids_have_case { Cow::Borrowed(id) } else { Cow::Owned(id.to_ascii_lowercase()) }
    }

    /// The place that an operator names by the id of a workspace or tenant, of its organisation, or of both.
    /// Where the organisation is named, its connection counts as well; whoever is in none of its workspaces is
    /// named by it alone.
    ///
    /// # Errors
    /// There can be no such place; why, in a sentence without its end.
    pub fn place(&self, id: Option<&str>, organisation: Option<&str>) -> Result<Workspace, String> {
        let own = |id: &str| typed_id(id).map(|id| self.canonical_id(id).into_owned());
        let id = id.map(own).transpose()?;
        let is_organisation =
            |id: &String| self.organisations.is_some_and(|first| id.starts_with(first));
        let organisation = match organisation {
            Some(_) if self.organisations.is_none() => {
                return Err(format!("{} has no organisations", self.brand));
            }
            Some(organisation) => Some(own(organisation)?),
            None => id.clone().filter(is_organisation),
        };
        let id = id.filter(|id| Some(id) != organisation.as_ref());
        if id.is_none() && organisation.is_none() {
            return Err("workspace has to have an id or an organisation".to_owned());
        }
        let org_install = organisation.is_some();
        Ok(Workspace { id: id.unwrap_or_default(), enterprise: organisation, org_install })
    }

    /// Whether an integration of this provider of Novu's is one for this platform.
    #[must_use]
    pub fn is_of(&self, provider: &str) -> bool {
        self.novu_providers.contains(&provider)
    }

    /// Whether two ids are the same.
    #[must_use]
    pub fn same_id(&self, one: &str, other: &str) -> bool {
        self.canonical_id(one) == self.canonical_id(other)
    }
}

/// The longest id of a person, workspace, tenant or organisation that can be typed, in characters.
const LONGEST_ID: usize = 100;

/// Takes an id of a person, workspace, tenant or organisation that somebody typed.
///
/// # Errors
/// What an id consists of, in a sentence without its end.
pub fn typed_id(text: &str) -> Result<&str, String> {
    let is_sign = |it: u8| it.is_ascii_alphanumeric() || b"-_".contains(&it);
    if (1..=LONGEST_ID).contains(&text.len()) && text.bytes().all(is_sign) {
        return Ok(text);
    }
    Err(format!("an id has 1 to {LONGEST_ID} letters, digits, hyphens and underscores"))
}

#[cfg(test)]
mod tests {
    use super::Platform;
    use crate::{slack, teams};

    #[test]
    fn a_place_is_named_by_its_ids() {
        let keys = |platform: &Platform, id: Option<&str>, organisation: Option<&str>| {
            let place = platform.place(id, organisation)?;
            Ok::<_, String>(place.connection_keys().collect::<Vec<_>>().join(" "))
        };
        for (id, organisation, expected) in [
            (Some("T1"), None, "T1"),
            (Some("T1"), Some("E1"), "T1 E1"),
            (None, Some("E1"), "E1"),
            (Some("E1"), None, "E1"),
            (Some("E1"), Some("E1"), "E1"),
        ] {
            let slack = keys(&slack::PLATFORM, id, organisation);
            assert_eq!(slack.as_deref(), Ok(expected), "{id:?} {organisation:?}");
        }
        assert_eq!(keys(&teams::PLATFORM, Some("E0F2"), None).as_deref(), Ok("e0f2"));
        for (platform, id, organisation) in [
            (&slack::PLATFORM, None, None),
            (&slack::PLATFORM, Some("T1"), Some("")),
            (&slack::PLATFORM, Some("not/an_id"), None),
            (&teams::PLATFORM, None, None),
            (&teams::PLATFORM, Some("e0f2"), Some("E1")),
        ] {
            assert!(keys(platform, id, organisation).is_err(), "{id:?} {organisation:?}");
        }
    }

    #[test]
    fn ids_are_compared_as_their_owners_do() {
        assert!(teams::PLATFORM.same_id("3F2504E0-4f89", "3f2504e0-4F89"));
        assert!(!slack::PLATFORM.same_id("U1A", "u1a"));
        assert!(!teams::PLATFORM.same_id("\u{212a}", "k"), "only ASCII has cases in a GUID");
    }
}
