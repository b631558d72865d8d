//! The grammar: from what a person typed to what they ask for, the same on every surface.
//!
//! Case, punctuation and politeness do not matter. What is not certain is a guess, which the person
//! confirms by a button; and whoever wants to be disconnected is never taken for somebody who wants to
//! be connected.

mod table;

use std::borrow::Cow;

use crate::core::{Intent, Press, WorkspaceAct};
use crate::text::{one_line, shortened};
use table::{FILLERS, GRAMMAR, NEGATIONS, Row, SMALL_TALK, WORKSPACES};

/// The longest word that is looked at, and the longest piece of an unknown text that is shown again, in
/// characters.
const LONGEST_WORD: usize = 40;
/// The most words of a text that are looked at.
const MOST_WORDS: usize = 24;
/// How like a known word an unknown one must be to be taken for a slip, from 0 to 1.
const LIKENESS: f64 = 0.65;
/// The same for a word in a sentence, where more words are like a known one by chance.
const LIKENESS_IN_A_SENTENCE: f64 = 0.8;

impl Intent {
    /// Reads what a person typed.
    ///
    /// ```
    /// use novu_connect_bot::core::Intent;
    /// assert_eq!(Intent::parse("  STATUS, please! "), Intent::Status);
    /// assert_eq!(Intent::parse(""), Intent::Connect);
    /// ```
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let words = words(text);
        if words.is_empty() {
            return if text.trim().is_empty() { Self::Connect } else { Self::Help };
        }
        let said = Said::of(&words);
        said.meaning().unwrap_or_else(|| Self::Unknown {
            said: shortened(&one_line(text), LONGEST_WORD),
            nearest: said.guess().map(Cow::Borrowed),
        })
    }

    /// The words that help lists, in its order.
    pub fn known() -> impl Iterator<Item = (&'static Intent, &'static str)> {
        let one_line = |intent: &Intent| match intent {
            Intent::Workspace(act) => *act == WorkspaceAct::Connect,
            _ => true,
        };
        let listed = GRAMMAR.iter().filter(move |(intent, _)| one_line(intent));
        listed.map(|(intent, phrases)| (intent, phrases[0]))
    }
}

/// The button that asks for what a guess asks for, which is the first phrase of a row; none for help.
pub(super) fn press_for(word: &str) -> Option<Press> {
    let (intent, _) = GRAMMAR.iter().find(|(_, phrases)| phrases[0] == word)?;
    match intent {
        Intent::Connect => Some(Press::Connect),
        Intent::Status => Some(Press::Status),
        Intent::Test => Some(Press::Test),
        Intent::Disconnect => Some(Press::Disconnect),
        Intent::Workspace(act) => Some(Press::Workspace(*act)),
        _ => None,
    }
}

/// The words of a text: lower case, without punctuation.
fn words(text: &str) -> Vec<String> {
    text.replace(['\'', '’'], "")
        .split(|character: char| !character.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(|word| word.chars().take(LONGEST_WORD).flat_map(char::to_lowercase).collect())
        .take(MOST_WORDS)
        .collect()
}

/// What was found in a text.
struct Said<'a> {
    /// What is asked for, in the order of the words, each once.
    asked: Vec<Row>,
    /// What was said to be polite.
    polite: Option<&'static Intent>,
    negated: bool,
    /// Words that are in no phrase and do matter.
    unknown: Vec<&'a str>,
    /// Each two words in a row that are in no phrase and do matter, one of them at least.
    pairs: Vec<String>,
}

impl<'a> Said<'a> {
    fn of(words: &'a [String]) -> Self {
        let (asked, unknown, pairs) = (Vec::new(), Vec::new(), Vec::new());
        let mut said = Self { asked, polite: None, negated: false, unknown, pairs };
        let mut rest = words;
        // The word before and whether it matters, where it is in no phrase.
        let mut before: Option<(&str, bool)> = None;
        while let Some((first, others)) = rest.split_first() {
            if let Some((row, length)) = longest_phrase(GRAMMAR, rest) {
                if said.asked.iter().all(|asked| asked.0 != row.0) {
                    said.asked.push(row);
                }
                (rest, before) = (&rest[length..], None);
                continue;
            }
            if let Some(((intent, _), length)) = longest_phrase(SMALL_TALK, rest) {
                said.polite.get_or_insert(intent);
                (rest, before) = (&rest[length..], None);
                continue;
            }
            let word = first.as_str();
            let negates = NEGATIONS.contains(&word);
            let matters = !negates && !FILLERS.contains(&word);
            said.negated |= negates;
            if matters {
                said.unknown.push(word);
            }
            if let Some((one, mattered)) = before
                && (matters || mattered)
            {
                said.pairs.push(format!("{one} {word}"));
            }
            (rest, before) = (others, Some((word, matters)));
        }
        said
    }

    /// What is asked for, where that is certain or where help is all that can be meant.
    fn meaning(&self) -> Option<Intent> {
        if self.negated {
            return None;
        }
        let intents: Vec<_> = self.asked.iter().map(|(intent, _)| intent).collect();
        match intents.as_slice() {
            // Nothing but politeness after the command, as in `/connect please`.
            [] if self.unknown.is_empty() => Some(self.polite.cloned().unwrap_or(Intent::Connect)),
            [] => self.slip_is_harmless(),
            [intent] if self.unknown.is_empty() => Some((*intent).clone()),
            // The command typed once more: `/connect /connect status`.
            [Intent::Connect, intent] if self.unknown.is_empty() => Some((*intent).clone()),
            // `disconnect our workspace`, and never the person's own account.
            [Intent::Disconnect, Intent::Workspace(WorkspaceAct::Connect)]
            | [Intent::Workspace(WorkspaceAct::Connect), Intent::Disconnect]
                if self.unknown.is_empty() =>
            {
                Some(Intent::Workspace(WorkspaceAct::Disconnect))
            }
            [Intent::Help] if !self.unknown.iter().any(|word| is_slip_of_disconnect(word)) => {
                Some(Intent::Help)
            }
            _ => None,
        }
    }

    /// A slip of a word for help, and politeness among unknown words, are answered without asking back.
    fn slip_is_harmless(&self) -> Option<Intent> {
        let nearest = self.nearest().map(|(intent, _)| intent);
        match nearest {
            Some(Intent::Help | Intent::Greeting | Intent::Thanks) => nearest.cloned(),
            Some(_) => None,
            None => self.polite.cloned(),
        }
    }

    /// The word for what was probably meant.
    fn guess(&self) -> Option<&'static str> {
        if self.negated {
            return None;
        }
        let first_phrase = |wanted: &Intent| {
            let row = GRAMMAR.iter().find(|(intent, _)| intent == wanted);
            row.map(|(_, phrases)| phrases[0])
        };
        let takes_away = |intent: &Intent| {
            matches!(intent, Intent::Disconnect | Intent::Workspace(WorkspaceAct::Disconnect))
        };
        let wants_off = self.asked.iter().any(|(intent, _)| takes_away(intent))
            || self.slips().any(is_slip_of_disconnect);
        if wants_off && self.is_about_a_workspace() {
            return first_phrase(&Intent::Workspace(WorkspaceAct::Disconnect));
        }
        if wants_off {
            return first_phrase(&Intent::Disconnect);
        }
        let asked = self.asked.first().map(|(_, phrases)| phrases[0]);
        asked.or_else(|| self.nearest().map(|(_, phrase)| phrase))
    }

    /// Whether there is talk of a workspace, maybe with a slip in the word.
    fn is_about_a_workspace(&self) -> bool {
        let asked = self.asked.iter().any(|(intent, _)| matches!(intent, Intent::Workspace(_)));
        let is_slip = |word: &&str| {
            WORKSPACES.iter().any(|known| strsim::damerau_levenshtein(word, known) <= 1)
        };
        asked || self.unknown.iter().any(is_slip)
    }

    /// The row that an unknown word is most like, if it is like one.
    fn nearest(&self) -> Option<(&'static Intent, &'static str)> {
        let few = self.unknown.len() <= 2 && self.polite.is_none();
        let enough = if few { LIKENESS } else { LIKENESS_IN_A_SENTENCE };
        let rows = || GRAMMAR.iter().chain(SMALL_TALK);
        self.slips()
            .flat_map(|slip| {
                rows().map(move |(intent, phrases)| (intent, phrases[0], likeness(slip, phrases)))
            })
            .filter(|(.., likeness)| *likeness >= enough)
            .max_by(|(.., one), (.., other)| one.total_cmp(other))
            .map(|(intent, shown, _)| (intent, shown))
    }

    /// What may be a slip of a phrase.
    fn slips(&self) -> impl Iterator<Item = &str> {
        self.unknown.iter().copied().chain(self.pairs.iter().map(String::as_str))
    }
}

/// The longest phrase of a table that a text begins with, and its length in words.
fn longest_phrase(
    table: &'static [(Intent, &'static [&'static str])],
    words: &[String],
) -> Option<(Row, usize)> {
    let begins = |phrase: &str| {
        let mut length = 0;
        let same = phrase.split(' ').all(|word| {
            length += 1;
            words.get(length - 1).is_some_and(|said| said == word)
        });
        same.then_some(length)
    };
    table
        .iter()
        .flat_map(|row| row.1.iter().filter_map(move |phrase| Some((row, begins(phrase)?))))
        .max_by_key(|(_, length)| *length)
}

fn likeness(said: &str, phrases: &[&str]) -> f64 {
    let like = |phrase: &&str| strsim::normalized_damerau_levenshtein(said, phrase);
    phrases.iter().map(like).fold(0.0, f64::max)
}

/// Whether what was said may be a slip of a word that takes the connection away. One letter in five may
/// be wrong, one at least: rather no guess than the opposite of what was meant.
fn is_slip_of_disconnect(said: &str) -> bool {
    let off = GRAMMAR.iter().filter(|(intent, _)| *intent == Intent::Disconnect);
    off.flat_map(|(_, phrases)| *phrases).any(|phrase| {
        let allowed = (phrase.chars().count() / 5).max(1);
        strsim::damerau_levenshtein(said, phrase) <= allowed
    })
}

#[cfg(test)]
mod tests;
