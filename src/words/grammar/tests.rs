//! Tests of `grammar.rs`.

use proptest::prelude::*;

use super::*;

/// What people type, and what they mean by it.
const PHRASES: &str = include_str!("../../../tests/fixtures/phrases.tsv");

/// What a text means, in the words of the table.
fn meaning(text: &str) -> String {
    match Intent::parse(text) {
        Intent::Unknown { nearest: Some(nearest), .. } => format!("{nearest}?"),
        Intent::Workspace(act) => Press::Workspace(act).word().to_owned(),
        intent => intent.name().to_owned(),
    }
}

#[test]
fn phrases_mean_what_people_mean_by_them() {
    let rows = PHRASES.lines().filter(|line| !line.starts_with('#'));
    let wrong: Vec<_> = rows
        .map(|row| row.split_once('\t').expect("two columns"))
        .filter(|(phrase, expected)| meaning(phrase) != *expected)
        .map(|(phrase, expected)| format!("{phrase:?}: {}, not {expected}", meaning(phrase)))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_command_without_words_of_its_own_connects() {
    for text in ["", "   ", "\u{a0}\t", "please", "me", "my account, please!"] {
        assert_eq!(Intent::parse(text), Intent::Connect, "{text:?}");
    }
}

#[test]
fn no_phrase_stands_for_two_intents_and_none_is_a_filler() {
    let phrases: Vec<_> =
        GRAMMAR.iter().chain(SMALL_TALK).flat_map(|(_, phrases)| *phrases).collect();
    for (index, phrase) in phrases.iter().enumerate() {
        assert!(!phrases[..index].contains(phrase), "{phrase}");
        assert!(!FILLERS.contains(phrase) && !NEGATIONS.contains(phrase), "{phrase}");
        assert_eq!(words(phrase).join(" "), **phrase);
    }
}

#[test]
fn every_guess_has_a_button_that_does_it_and_help_needs_none() {
    let all = GRAMMAR.iter().map(|(intent, phrases)| (intent, phrases[0]));
    for (intent, word) in all {
        let asked = press_for(word).map(Press::intent);
        assert_eq!(asked, (*intent != Intent::Help).then(|| intent.clone()), "{word}");
    }
}

/// A word of the table that takes the connection away, with one slip in it.
fn slip_of_disconnect() -> impl Strategy<Value = String> {
    let (_, phrases) = GRAMMAR.iter().find(|(intent, _)| *intent == Intent::Disconnect).unwrap();
    let slip = (proptest::sample::select(*phrases), any::<prop::sample::Index>(), 0..4, "[a-z]");
    slip.prop_map(|(phrase, at, kind, letter)| {
        let mut letters: Vec<_> = phrase.chars().collect();
        let at = at.index(letters.len());
        match kind {
            0 => drop(letters.remove(at)),
            1 => letters.insert(at, letter.chars().next().unwrap()),
            2 => letters[at] = letter.chars().next().unwrap(),
            _ => letters.swap(at.saturating_sub(1), at),
        }
        letters.into_iter().collect()
    })
}

proptest! {
    #[test]
    fn any_text_is_understood_or_shown_shortened(text in ".{0,300}") {
        if let Intent::Unknown { said, .. } = Intent::parse(&text) {
            prop_assert!(said.chars().count() <= LONGEST_WORD);
        }
    }

    #[test]
    fn case_padding_punctuation_and_politeness_change_nothing(
        pad in "[ \t\n.!,/*]{0,5}",
        before in "(please |bitte |hi, )?",
        after in "( please| bitte| me| thanks)?",
        upper in any::<bool>(),
    ) {
        for (intent, phrases) in GRAMMAR {
            for phrase in *phrases {
                let phrase = if upper { phrase.to_uppercase() } else { (*phrase).to_owned() };
                let text = format!("{pad}{before}{phrase}{after}{pad}");
                prop_assert_eq!(&Intent::parse(&text), intent, "{:?}", text);
            }
        }
    }

    #[test]
    fn a_slip_of_a_word_that_disconnects_is_never_taken_for_connect(
        slip in slip_of_disconnect(),
        rest in "( please| me| now| bitte| my account)?",
    ) {
        // One letter makes another word of `abmelden`.
        prop_assume!(slip != "anmelden");
        let meaning = meaning(&format!("{slip}{rest}"));
        prop_assert!(!meaning.starts_with("connect"), "{} means {}", slip, meaning);
    }

    #[test]
    fn whoever_speaks_of_a_workspace_is_never_asked_to_disconnect_their_own_account(
        off in slip_of_disconnect(),
        slipped in any::<bool>(),
        place in proptest::sample::select(&["workspace", "our tenant", "den Mandanten", "wrkspace"]),
        first in any::<bool>(),
    ) {
        let off = if slipped { off.as_str() } else { "disconnect" };
        // One letter makes another word of `abmelden`.
        prop_assume!(off != "anmelden");
        let text = if first { format!("{off} {place}") } else { format!("{place} {off}") };
        let meaning = meaning(&text);
        prop_assert!(!["disconnect", "disconnect?"].contains(&&*meaning), "{} means {}", text, meaning);
    }

    #[test]
    fn whoever_says_not_is_never_connected_or_disconnected(
        negation in proptest::sample::select(NEGATIONS),
        before in any::<bool>(),
    ) {
        for (_, phrases) in GRAMMAR {
            for phrase in *phrases {
                let text = if before { format!("{negation} {phrase}") } else { format!("{phrase} {negation}") };
                let Intent::Unknown { nearest: None, .. } = Intent::parse(&text) else {
                    return Err(TestCaseError::fail(text));
                };
            }
        }
    }
}
