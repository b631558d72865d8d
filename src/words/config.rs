//! The section `app`: what people read of the app and of whoever runs it, on pages, in chat and in
//! manifests.

use std::fmt;

use url::Url;

use crate::config::{Key, Parsed, Reader, parse};
use crate::core::Language;
use crate::section;
use crate::text::one_line;

/// Teams takes no longer names (Teams: app manifest schema, name.short), in characters.
const LONGEST_NAME: usize = 30;

section! {
    /// What people read of the app and of whoever runs it.
    pub(crate) SECTION = "app";

    NAME: Key<String> = Key::new(
        "app.name",
        "the name by which people know this app, such as that of your product",
        name,
    )
    .or("Novu Connect");

    LOGO_URL: Key<Url> = Key::new(
        "app.logo_url",
        "the https address of an image that pages show beside the name",
        https_url,
    );

    SUPPORT: Key<Support> = Key::new(
        "app.support",
        "where people get help: an https address or an e-mail address",
        support,
    );

    PRIVACY_URL: Key<Url> = Key::new(
        "app.privacy_url",
        "the https address of your privacy policy",
        https_url,
    );

    TERMS_URL: Key<Url> = Key::new(
        "app.terms_url",
        "the https address of your terms of use",
        https_url,
    );
}

/// What people read of the app and of whoever runs it.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// The name of the app, at most 30 characters.
    pub(crate) name: String,
    /// The image beside it, by https.
    pub(crate) logo_url: Option<Url>,
    /// Where people get help.
    pub(crate) support: Option<Support>,
    /// The privacy policy, by https.
    pub(crate) privacy_url: Option<Url>,
    /// The terms of use, by https.
    pub(crate) terms_url: Option<Url>,
}

/// Where people get help.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Support {
    /// A page, by https.
    Page(Url),
    /// An e-mail address.
    Mail(String),
}

impl Support {
    /// The address that a link to it has.
    #[must_use]
    pub(crate) fn address(&self) -> String {
        match self {
            Self::Page(url) => url.to_string(),
            Self::Mail(mail) => format!("mailto:{mail}"),
        }
    }
}

/// As people read it.
impl fmt::Display for Support {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Page(url) => url.fmt(f),
            Self::Mail(mail) => mail.fmt(f),
        }
    }
}

impl Settings {
    /// Reads the section; `None` where a problem was noted.
    pub(crate) fn read(reader: &mut Reader) -> Option<Self> {
        let name = reader.value(&NAME);
        let logo_url = reader.optional(&LOGO_URL);
        let support = reader.optional(&SUPPORT);
        let privacy_url = reader.optional(&PRIVACY_URL);
        let terms_url = reader.optional(&TERMS_URL);
        Some(Self { name: name?, logo_url, support, privacy_url, terms_url })
    }

    /// Where people find help, the privacy policy and the terms of use, as far as they are given: what it
    /// is called, and the address.
    pub(crate) fn addresses(&self, language: Language) -> Vec<(String, String)> {
        let given = [
            ("about-help", self.support.as_ref().map(Support::address)),
            ("about-privacy", self.privacy_url.as_ref().map(Url::to_string)),
            ("about-terms", self.terms_url.as_ref().map(Url::to_string)),
        ];
        let given = given.into_iter();
        given.filter_map(|(key, address)| Some((language.say(key, &[]), address?))).collect()
    }

    /// What the section says, in lines of a name and its value.
    pub(crate) fn describe(&self) -> Vec<(&'static str, String)> {
        let mut parts = vec![self.name.clone()];
        let given = self.addresses(Language::English).into_iter();
        parts.extend(given.map(|(what, address)| format!("{what}: {address}")));
        vec![("app", parts.join(", "))]
    }
}

fn name(text: &str) -> Parsed<String> {
    let name = one_line(text);
    if name.is_empty() {
        return Err("shows nothing: write a name".into());
    }
    if name.chars().count() > LONGEST_NAME {
        return Err(format!("is too long: write at most {LONGEST_NAME} characters").into());
    }
    Ok(name)
}

fn https_url(text: &str) -> Parsed<Url> {
    let url = parse::secure_url(text)?;
    if url.scheme() != "https" {
        return Err("is plain http, which browsers and chat apps warn of: write https".into());
    }
    Ok(url)
}

fn support(text: &str) -> Parsed<Support> {
    if text.contains("://") {
        return https_url(text).map(Support::Page);
    }
    let is_plain = |part: &str| {
        let plain = |c: char| c.is_ascii_alphanumeric() || "._%+-".contains(c);
        !part.is_empty() && part.chars().all(plain)
    };
    match text.rsplit_once('@') {
        Some((local, domain)) if is_plain(local) && is_plain(domain) && domain.contains('.') => {
            Ok(Support::Mail(text.to_owned()))
        }
        _ => Err("is neither an https address nor an e-mail address: write it like \
                  https://example.com/help or help@example.com"
            .into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn help_is_a_page_or_an_e_mail_address() {
        let page = support("https://example.com/help").unwrap();
        assert_eq!(page.address(), "https://example.com/help");
        let mail = support("help+chat@example.com").unwrap();
        assert_eq!(
            (mail.address(), mail.to_string().as_str()),
            ("mailto:help+chat@example.com".to_owned(), "help+chat@example.com",)
        );
        for bad in [
            "",
            "help",
            "help@example",
            "@example.com",
            "help@",
            "http://example.com",
            "javascript:alert(1)@example.com",
            "help@example.com?bcc=mallory@example.net",
            "Help <help@example.com>",
        ] {
            assert!(support(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn names_are_as_long_as_teams_takes_them() {
        assert!(name(&"n".repeat(30)).is_ok());
        assert!(name(&"n".repeat(31)).is_err() && name(" ").is_err());
    }
}
