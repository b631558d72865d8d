//! What a Teams package takes from its maker, in types that hold only what Teams accepts.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;
use url::Url;

use crate::config::parse;

/// The longest name of a developer, in characters.
const LONGEST_DEVELOPER: usize = 32;

/// The id of an Entra application (its client id), in lower case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AppId(String);

/// A text that is no [`AppId`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not an application id: write it like 11111111-2222-3333-4444-555555555555")]
pub struct NotAnAppId;

impl fmt::Display for AppId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for AppId {
    type Err = NotAnAppId;

    fn from_str(text: &str) -> Result<Self, NotAnAppId> {
        parse::guid(text).map(Self).map_err(|_| NotAnAppId)
    }
}

/// The version of a package: three numbers with dots. Teams takes a package for an app that it
/// has already only if the version is higher.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Version(String);

/// A text that is no [`Version`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not a version: write three numbers, like 1.0.2")]
pub struct NotAVersion;

impl Default for Version {
    /// The version of this program.
    fn default() -> Self {
        Self(env!("CARGO_PKG_VERSION").to_owned())
    }
}

impl FromStr for Version {
    type Err = NotAVersion;

    fn from_str(text: &str) -> Result<Self, NotAVersion> {
        let number = |part: &str| {
            (1..=9).contains(&part.len())
                && part.bytes().all(|byte| byte.is_ascii_digit())
                && (part == "0" || !part.starts_with('0'))
        };
        let fits = text.split('.').count() == 3 && text.split('.').all(number);
        fits.then(|| Self(text.to_owned())).ok_or(NotAVersion)
    }
}

/// Who stands behind the app, as its page in Teams says.
#[derive(Debug, Clone)]
pub struct Developer {
    /// The name.
    pub name: DeveloperName,
    /// The page with help for the app.
    pub website: WebPage,
    /// The page about privacy.
    pub privacy: WebPage,
    /// The page with the terms of use.
    pub terms: WebPage,
}

impl Default for Developer {
    /// Novu, who has the notifications and the subscribers.
    fn default() -> Self {
        Self {
            name: DeveloperName("Novu Connect".to_owned()),
            website: WebPage("https://novu.co".to_owned()),
            privacy: WebPage("https://novu.co/privacy".to_owned()),
            terms: WebPage("https://novu.co/terms".to_owned()),
        }
    }
}

/// The name of a [`Developer`]: 1 to 32 characters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeveloperName(String);

/// A text that is no [`DeveloperName`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is empty or too long: write up to {LONGEST_DEVELOPER} characters")]
pub struct NotADeveloperName;

impl FromStr for DeveloperName {
    type Err = NotADeveloperName;

    fn from_str(text: &str) -> Result<Self, NotADeveloperName> {
        let fits = (1..=LONGEST_DEVELOPER).contains(&text.trim().chars().count());
        fits.then(|| Self(text.trim().to_owned())).ok_or(NotADeveloperName)
    }
}

/// The address of a public page, https only: Teams refuses packages with others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WebPage(String);

/// A text that is no [`WebPage`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not the address of a page: write it like https://example.com/privacy")]
pub struct NotAWebPage;

impl WebPage {
    /// The page at an address that is known to be https.
    pub(super) fn from_https(url: Url) -> Self {
        Self(url.into())
    }
}

impl FromStr for WebPage {
    type Err = NotAWebPage;

    fn from_str(text: &str) -> Result<Self, NotAWebPage> {
        let url = Url::parse(text).map_err(|_| NotAWebPage)?;
        (url.scheme() == "https").then(|| Self(text.to_owned())).ok_or(NotAWebPage)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn app_ids_are_guids_in_lower_case() {
        let id: AppId = "1A2B3C4D-0000-1111-2222-0123456789AB".parse().unwrap();
        assert_eq!(id.0, "1a2b3c4d-0000-1111-2222-0123456789ab");
        for bad in [
            "",
            "1a2b3c4d",
            "1a2b3c4d000011112222012345678900ab",
            "1a2b3c4d-0000-1111-2222-0123456789ag",
            "1a2b3c4d-0000-1111-2222-0123456789a",
            "{1a2b3c4d-0000-1111-2222-0123456789ab}",
            "1a2b3c4d-0000-1111-2222-0123456789ab-",
        ] {
            assert_eq!(bad.parse::<AppId>(), Err(NotAnAppId), "{bad}");
        }
    }

    #[test]
    fn versions_are_three_numbers() {
        for good in ["0.1.0", "1.0.0", "10.20.30"] {
            assert!(good.parse::<Version>().is_ok(), "{good}");
        }
        let own = Version::default();
        assert_eq!(own.0.parse(), Ok(own));
        for bad in ["", "1", "1.0", "1.0.0.0", "1.0.x", "01.0.0", "1..0", "v1.0.0", "1.0.0-rc1"] {
            assert_eq!(bad.parse::<Version>(), Err(NotAVersion), "{bad}");
        }
    }

    #[test]
    fn developers_fit_their_page() {
        let Developer { name, website, privacy, terms } = Developer::default();
        assert_eq!(name.0.parse(), Ok(name));
        for page in [website, privacy, terms] {
            assert_eq!(page.0.parse(), Ok(page));
        }
        assert_eq!("é".repeat(32).parse::<DeveloperName>().unwrap().0.chars().count(), 32);
        for bad in ["", "  ", &"a".repeat(33)] {
            assert_eq!(bad.parse::<DeveloperName>(), Err(NotADeveloperName), "{bad}");
        }
        for bad in ["", "example.com", "http://example.com", "mailto:ada@example.com"] {
            assert_eq!(bad.parse::<WebPage>(), Err(NotAWebPage), "{bad}");
        }
    }
}
