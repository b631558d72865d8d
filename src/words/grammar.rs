//! The grammar: from what a person typed to what they ask for, the same on every surface.

use std::borrow::Cow;

use crate::core::Intent;
use crate::text::{one_line, shortened};

/// The longest piece of an unknown text that is looked at or shown again, in characters.
const LONGEST_WORD: usize = 40;
/// How like a known word an unknown one must be to be taken for a slip, from 0 to 1.
const LIKENESS: f64 = 0.5;

/// The grammar: every intent with the words for it, the one that help shows first.
const GRAMMAR: &[(Intent, &[&str])] = &[
    (Intent::Connect, &[Intent::CONNECT_WORD, "", "link", "login", "log in", "signin", "sign in"]),
    (Intent::Status, &["status", "whoami", "who am i"]),
    (Intent::Test, &["test"]),
    (Intent::Disconnect, &["disconnect"]),
    (Intent::Help, &["help", "?", "hilfe"]),
];

impl Intent {
    /// Reads what a person typed. Case does not matter, nor does space around or between words.
    ///
    /// ```
    /// use novu_connect_bot::core::Intent;
    /// assert_eq!(Intent::parse("  STATUS "), Intent::Status);
    /// assert_eq!(Intent::parse(""), Intent::Connect);
    /// ```
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let said = normalise(text);
        GRAMMAR
            .iter()
            .find(|(_, words)| words.contains(&said.as_str()))
            .map_or_else(|| Self::unknown(text, &said), |(intent, _)| intent.clone())
    }

    fn unknown(text: &str, said: &str) -> Self {
        // `status please` is nearer to `status` by its first word than as a whole.
        let first = said.split(' ').next().unwrap_or_default();
        let nearest = GRAMMAR
            .iter()
            .flat_map(|(_, words)| words.iter().map(|word| (words[0], *word)))
            .filter(|(_, word)| !word.is_empty())
            .map(|(shown, word)| {
                let whole = strsim::normalized_damerau_levenshtein(said, word);
                let head = strsim::normalized_damerau_levenshtein(first, word);
                (shown, whole.max(head))
            })
            .filter(|(_, likeness)| *likeness >= LIKENESS)
            .max_by(|(_, one), (_, other)| one.total_cmp(other))
            .map(|(shown, _)| Cow::Borrowed(shown));
        let said = shortened(&one_line(text), LONGEST_WORD);
        Self::Unknown { said, nearest }
    }

    /// The words that help lists, in its order.
    pub fn known() -> impl Iterator<Item = (&'static Intent, &'static str)> {
        GRAMMAR.iter().map(|(intent, words)| (intent, words[0]))
    }
}

/// Lower case, single spaces, and no more than a grammar word can need.
fn normalise(text: &str) -> String {
    let mut said = String::new();
    for word in text.split_whitespace() {
        if !said.is_empty() {
            said.push(' ');
        }
        said.extend(word.chars().take(LONGEST_WORD).flat_map(char::to_lowercase));
        if said.len() > LONGEST_WORD {
            break;
        }
    }
    said
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn case_and_space_are_forgiven() {
        let cases = [
            ("", Intent::Connect),
            ("   ", Intent::Connect),
            ("\u{a0}connect\t", Intent::Connect),
            ("CONNECT", Intent::Connect),
            ("Sign   In", Intent::Connect),
            ("status", Intent::Status),
            ("Who am I", Intent::Status),
            (" HELP\n", Intent::Help),
            ("?", Intent::Help),
        ];
        for (text, intent) in cases {
            assert_eq!(Intent::parse(text), intent, "{text:?}");
        }
    }

    #[test]
    fn a_slip_finds_the_word_that_was_meant() {
        let cases = [
            ("conect", Some("connect")),
            ("statsu", Some("status")),
            ("hlep", Some("help")),
            ("status please", Some("status")),
            ("lgoin", Some("connect")),
            ("xyzzy", None),
            ("🔔", None),
        ];
        for (text, meant) in cases {
            let Intent::Unknown { nearest, .. } = Intent::parse(text) else {
                panic!("{text:?} is known");
            };
            assert_eq!(nearest.as_deref(), meant, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_understood_or_shown_shortened(text in ".{0,300}") {
            if let Intent::Unknown { said, .. } = Intent::parse(&text) {
                prop_assert!(said.chars().count() <= LONGEST_WORD);
            }
        }

        #[test]
        fn known_words_survive_any_case_and_padding(pad in "[ \t\n]{0,5}", upper in any::<bool>()) {
            for (intent, word) in Intent::known() {
                let word = if upper { word.to_uppercase() } else { word.to_owned() };
                prop_assert_eq!(&Intent::parse(&format!("{pad}{word}{pad}")), intent);
            }
        }
    }
}
