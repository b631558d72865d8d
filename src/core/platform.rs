//! What a chat platform is to the core: a value that its surface declares.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::person::Person;
use crate::novu::Endpoint;

/// A chat platform. Declared once, by its surface.
#[derive(Debug)]
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
    /// Whether somebody whose profile is not to be had is refused. Where people of other organisations
    /// can reach a bot, who they are has to be known.
    pub needs_profile: bool,
    /// Whether Novu can deliver to an endpoint that names no channel connection.
    pub delivers_without_connection: bool,
    /// Whether an endpoint of Novu's reaches a person's chat account.
    pub reaches: fn(&Endpoint, &Person) -> bool,
}

impl Platform {
    /// The name, as persons carry it.
    #[must_use]
    pub const fn id(&self) -> PlatformName {
        PlatformName(Cow::Borrowed(self.name))
    }
}

/// The name of a platform, as persons carry it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PlatformName(Cow<'static, str>);

impl PlatformName {
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
