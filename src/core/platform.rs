//! What a chat platform is to the core: a value that its surface declares.

use std::borrow::Cow;

use super::person::{Person, PlatformName};
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
    use crate::{slack, teams};

    #[test]
    fn ids_are_compared_as_their_owners_do() {
        assert!(teams::PLATFORM.same_id("3F2504E0-4f89", "3f2504e0-4F89"));
        assert!(!slack::PLATFORM.same_id("U1A", "u1a"));
        assert!(!teams::PLATFORM.same_id("\u{212a}", "k"), "only ASCII has cases in a GUID");
    }
}
