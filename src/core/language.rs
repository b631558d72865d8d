//! The languages that people are answered in, and which of them suits a person best.

use std::sync::LazyLock;

use fluent_langneg::{NegotiationStrategy, negotiate_languages};
use unic_langid::LanguageIdentifier;

/// A language of the catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Language {
    /// English, also for everybody whose language the catalogue does not have.
    #[default]
    English,
    /// German.
    German,
}

impl Language {
    /// Every language.
    pub const ALL: &'static [Self] = &[Self::English, Self::German];

    /// The best language for a locale tag such as `de-AT`; English for what is unknown.
    #[must_use]
    pub fn best_for(locale: Option<&str>) -> Self {
        Self::best_of(locale)
    }

    /// The best language for whoever reads the languages of these locale tags, the favourite first;
    /// English if the catalogue has none of them.
    #[must_use]
    pub fn best_of<'a>(tags: impl IntoIterator<Item = &'a str>) -> Self {
        static CATALOGUE: LazyLock<Vec<LanguageIdentifier>> = LazyLock::new(|| {
            Language::ALL.iter().filter_map(|language| identifier(language.tag())).collect()
        });
        let wanted: Vec<_> = tags.into_iter().filter_map(identifier).collect();
        let best = negotiate_languages(&wanted, &CATALOGUE, None, NegotiationStrategy::Lookup);
        let is_best = |language: &&Self| {
            best.first().is_some_and(|best| best.language.as_str() == language.tag())
        };
        Self::ALL.iter().find(is_best).copied().unwrap_or_default()
    }

    /// Its tag.
    #[must_use]
    pub const fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::German => "de",
        }
    }
}

/// Reads a locale tag, with `-` or `_` between its parts. Extensions say nothing about the language.
fn identifier(tag: &str) -> Option<LanguageIdentifier> {
    let mut parts = tag.split(['-', '_']).map(str::as_bytes).peekable();
    LanguageIdentifier::try_from_iter(&mut parts, true).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_locale_finds_its_language() {
        let cases = [
            (Some("de-DE"), Language::German),
            (Some("de_AT"), Language::German),
            (Some("DE"), Language::German),
            (Some("de-Latn-CH-1996"), Language::German),
            (Some("de-DE-u-co-phonebk"), Language::German),
            (Some("de-DE_phoneb"), Language::German),
            (Some("den-CA"), Language::English),
            (Some("en-GB"), Language::English),
            (Some("*"), Language::English),
            (Some("und"), Language::English),
            (Some(""), Language::English),
            (None, Language::English),
        ];
        for (locale, language) in cases {
            assert_eq!(Language::best_for(locale), language, "{locale:?}");
        }
    }

    #[test]
    fn the_first_language_that_the_catalogue_has_wins() {
        assert_eq!(Language::best_of(["fr", "de", "en"]), Language::German);
        assert_eq!(Language::best_of(["fr", "en-GB", "de"]), Language::English);
        assert_eq!(Language::best_of(["fr", "pl"]), Language::English);
    }

    proptest! {
        #[test]
        fn every_language_is_found_by_its_tag_with_any_region(region in "([A-Z]{2}|[0-9]{3})") {
            for language in Language::ALL {
                let tag = format!("{}-{region}", language.tag());
                prop_assert_eq!(Language::best_for(Some(&tag)), *language);
            }
        }

        #[test]
        fn any_text_names_a_language(tag in any::<String>()) {
            prop_assert!(Language::ALL.contains(&Language::best_for(Some(&tag))));
        }
    }
}
