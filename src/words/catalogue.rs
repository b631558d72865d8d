//! The message catalogue: every sentence that people read, in every language.
//!
//! The sentences are Fluent files under `locales/`, built into the binary. English is the reference:
//! a test proves that every other language has the same keys and the same placeables.

use std::sync::LazyLock;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource};
use unic_langid::LanguageIdentifier;

use crate::core::Language;

type Bundle = FluentBundle<FluentResource>;

static ENGLISH: LazyLock<Bundle> =
    LazyLock::new(|| bundle("en", include_str!("../../locales/en.ftl")));
static GERMAN: LazyLock<Bundle> =
    LazyLock::new(|| bundle("de", include_str!("../../locales/de.ftl")));

fn bundle(tag: &str, source: &str) -> Bundle {
    // A catalogue with a slip in it still has all its other sentences; a test finds the slip.
    let resource = FluentResource::try_new(source.to_owned()).unwrap_or_else(|(parsed, _)| parsed);
    let language: LanguageIdentifier = tag.parse().unwrap_or_default();
    let mut bundle = Bundle::new_concurrent(vec![language]);
    // The marks that keep a right-to-left name from turning its sentence round show as boxes in
    // some chat clients, and stand inside what people copy.
    bundle.set_use_isolating(false);
    bundle.add_resource_overriding(resource);
    bundle
}

impl Language {
    fn bundle(self) -> &'static Bundle {
        match self {
            Self::English => &ENGLISH,
            Self::German => &GERMAN,
        }
    }

    /// The sentence with a key. A key that the catalogue lacks shows as itself; tests prevent that.
    #[must_use]
    pub fn say(self, key: &str, values: &[(&'static str, &str)]) -> String {
        self.lookup(key, None, values)
    }

    /// What a person can do about the refusal with this code.
    #[must_use]
    pub fn remedy(self, code: &str, values: &[(&'static str, &str)]) -> String {
        self.lookup(code, Some("remedy"), values)
    }

    fn lookup(self, key: &str, attribute: Option<&str>, values: &[(&'static str, &str)]) -> String {
        let bundle = self.bundle();
        let message = bundle.get_message(key);
        let pattern = message.and_then(|message| match attribute {
            Some(name) => message.get_attribute(name).map(|attribute| attribute.value()),
            None => message.value(),
        });
        let Some(pattern) = pattern else {
            tracing::error!(key, language = self.tag(), "the catalogue lacks a sentence");
            return key.to_owned();
        };
        let mut arguments = FluentArgs::with_capacity(values.len());
        for &(name, value) in values {
            arguments.set(name, value);
        }
        let mut slips = Vec::new();
        bundle.format_pattern(pattern, Some(&arguments), &mut slips).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use fluent_bundle::FluentResource;

    use crate::core::{Intent, Reason};

    /// Every sentence of a catalogue, `key` or `key.attribute`, with its placeables in order.
    fn sentences(source: &str) -> BTreeMap<String, Vec<String>> {
        FluentResource::try_new(source.to_owned()).expect("a catalogue without slips");
        let mut found = BTreeMap::new();
        let mut key = String::new();
        for line in source.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
            let (name, text) = line.split_once(" = ").expect("one sentence a line");
            let name = if let Some(attribute) = name.trim().strip_prefix('.') {
                format!("{key}.{attribute}")
            } else {
                name.clone_into(&mut key);
                key.clone()
            };
            let mut placeables: Vec<_> = text
                .match_indices("{ $")
                .filter_map(|(at, _)| text[at + 3..].split(' ').next().map(str::to_owned))
                .collect();
            placeables.sort();
            assert!(found.insert(name, placeables).is_none(), "{line}");
        }
        found
    }

    #[test]
    fn every_language_says_everything_with_the_same_placeables() {
        assert_eq!(
            sentences(include_str!("../../locales/en.ftl")),
            sentences(include_str!("../../locales/de.ftl")),
        );
    }

    #[test]
    fn every_reason_has_a_sentence_and_a_remedy_and_every_intent_a_line_of_help() {
        let english = sentences(include_str!("../../locales/en.ftl"));
        for reason in Reason::ALL {
            let code = reason.code();
            assert!(english.contains_key(code), "{code}");
            assert!(english.contains_key(&format!("{code}.remedy")), "{code}");
        }
        for (intent, _) in Intent::known() {
            assert!(english.contains_key(&format!("help-{}", intent.name())));
        }
    }
}
