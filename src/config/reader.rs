//! Turns gathered text into values, key by key, and notes what does not fit.
//!
//! A reader gives `None` where it has noted a problem, so that reading goes on and everything that
//! is wrong comes out in one go.

use std::fmt;

use super::fingerprints::Fingerprints;
use super::keys::{Key, KeyInfo, ListKey, Section};
use super::problems::{Problems, Warning};
use super::sources::{Given, ReadFile, Sources, Values};

/// The complaint about a value in quotation marks.
const QUOTED: &str = "stands in quotation marks, which are taken as part of it: remove them";

/// That there is no value to judge, and nothing more to say of it.
struct Unreadable;

/// Gathered values on their way to becoming a configuration.
#[derive(Debug)]
pub struct Reader {
    values: Values,
    problems: Problems,
    warnings: Vec<Warning>,
    overlooks_missing: bool,
}

impl Sources {
    /// A reader of these sections, with what is wrong with the sources noted already.
    pub fn read(&self, sections: &[&'static Section], read_file: ReadFile<'_>) -> Reader {
        Reader::new(self.gather(sections, Some(read_file)))
    }

    /// As [`Sources::read`], but no secret is looked at, nor any file that holds one. A secret that
    /// is given reads as if it had been wrong, without a problem.
    #[must_use]
    pub fn read_without_secrets(&self, sections: &[&'static Section]) -> Reader {
        Reader::new(self.gather(sections, None))
    }
}

impl Reader {
    fn new((values, problems): (Values, Problems)) -> Self {
        Self { values, problems, warnings: Vec::new(), overlooks_missing: false }
    }

    /// What was read, with the warnings about it.
    ///
    /// # Errors
    /// Everything that was noted as wrong.
    pub fn conclude<T>(self, read: Option<T>) -> Result<(T, Vec<Warning>), Problems> {
        let read = read.filter(|_| self.problems.is_empty());
        read.map(|read| (read, self.warnings)).ok_or(self.problems)
    }

    /// What tells the values of these sections from others.
    #[must_use]
    pub fn fingerprints(&self, sections: &[&'static Section]) -> Fingerprints {
        Fingerprints::of(&self.values, sections)
    }

    /// Reads with what is missing or empty being no problem: for a look at what is there already.
    pub fn overlooking_missing(&mut self, read: impl FnOnce(&mut Self)) {
        let before = std::mem::replace(&mut self.overlooks_missing, true);
        read(self);
        self.overlooks_missing = before;
    }

    /// Whether a section was begun, or any of its keys given.
    #[must_use]
    pub fn has_section(&self, section: &str) -> bool {
        self.values.has_section(section)
    }

    /// Whether a value was given for a key, right or wrong. A default is not given.
    #[must_use]
    pub fn is_given(&self, key: &KeyInfo) -> bool {
        self.values.get(key).is_some()
    }

    /// Whether something other than the default was given for a key.
    #[must_use]
    pub fn is_changed(&self, key: &KeyInfo) -> bool {
        match self.values.get(key) {
            Some(Given::One(text)) => key.default != Some(text),
            Some(Given::Many(_) | Given::Spoilt | Given::Withheld) => true,
            None => false,
        }
    }

    /// Notes a problem with one key.
    pub fn blame(&mut self, key: &KeyInfo, complaint: impl fmt::Display) {
        self.problems.blame(key, complaint);
    }

    /// Notes that a key is missing. The complaint says why it is needed. A key that seems to be given
    /// under another name is not missing too.
    pub fn lacks(&mut self, key: &KeyInfo, complaint: impl fmt::Display) {
        if !self.overlooks_missing && !self.values.is_meant(key) {
            self.blame(key, complaint);
        }
    }

    /// Notes a problem that is not one key's.
    pub fn add(&mut self, sentence: impl Into<String>) {
        self.problems.add(sentence);
    }

    /// Notes that something is missing that is not one key.
    pub fn lacks_all(&mut self, sentence: &str) {
        if !self.overlooks_missing {
            self.problems.add(sentence);
        }
    }

    /// Notes a warning about one key, whose value is taken.
    pub fn warn(&mut self, key: &KeyInfo, complaint: impl fmt::Display) {
        let warning = Warning::about(key, complaint);
        if !self.warnings.contains(&warning) {
            self.warnings.push(warning);
        }
    }

    /// One value that must be there, be it the default.
    pub fn value<T>(&mut self, key: &Key<T>) -> Option<T> {
        let text = self.text(key).ok()?;
        if text.is_none() {
            self.missing(key);
        }
        self.parse(key, &text?)
    }

    /// One value that may be missing.
    pub fn optional<T>(&mut self, key: &Key<T>) -> Option<T> {
        let text = self.text(key).ok()??;
        self.parse(key, &text)
    }

    /// A list that must be there, be it the default, and may be empty.
    pub fn list<T>(&mut self, key: &ListKey<T>) -> Option<Vec<T>> {
        let entries = self.entries(key).ok()?;
        if entries.is_none() {
            self.missing(key);
        }
        self.parse_entries(key, &entries?)
    }

    /// A list that must be there, be it the default, and has at least one entry.
    pub fn filled_list<T>(&mut self, key: &ListKey<T>) -> Option<Vec<T>> {
        let list = self.list(key)?;
        self.filled(key, list)
    }

    /// A list that may be missing but not empty.
    pub fn optional_list<T>(&mut self, key: &ListKey<T>) -> Option<Vec<T>> {
        let entries = self.entries(key).ok()??;
        let list = self.parse_entries(key, &entries)?;
        self.filled(key, list)
    }

    /// What was given, else the default, else `None`.
    fn text(&mut self, key: &KeyInfo) -> Result<Option<String>, Unreadable> {
        match self.values.get(key) {
            Some(Given::One(text)) => Ok(Some(text.clone())),
            Some(Given::Many(_)) => {
                self.blame(key, "takes one value: write it without brackets");
                Err(Unreadable)
            }
            Some(Given::Spoilt | Given::Withheld) => Err(Unreadable),
            None => Ok(key.default.map(str::to_owned)),
        }
    }

    /// What was given, else the default, else `None`.
    fn entries(&mut self, key: &KeyInfo) -> Result<Option<Vec<String>>, Unreadable> {
        match self.values.get(key) {
            Some(Given::One(text)) if is_quoted(text) => {
                self.blame(key, QUOTED);
                Err(Unreadable)
            }
            Some(Given::One(text)) => Ok(Some(split(text))),
            Some(Given::Many(entries)) => Ok(Some(entries.clone())),
            Some(Given::Spoilt | Given::Withheld) => Err(Unreadable),
            None => Ok(key.default.map(split)),
        }
    }

    fn parse<T>(&mut self, key: &Key<T>, text: &str) -> Option<T> {
        if text.trim().is_empty() {
            self.empty(key);
            return None;
        }
        if is_quoted(text) {
            self.blame(key, QUOTED);
            return None;
        }
        let value =
            (key.parse)(text).map_err(|complaint| self.problems.blame(key, complaint)).ok()?;
        if let Some(doubt) = key.doubt.and_then(|doubt| doubt(&value)) {
            self.warn(key, doubt);
        }
        Some(value)
    }

    fn parse_entries<T>(&mut self, key: &ListKey<T>, entries: &[String]) -> Option<Vec<T>> {
        let mut parsed = Vec::with_capacity(entries.len());
        for (position, entry) in entries.iter().enumerate() {
            let number = position + 1;
            let complaint = if entry.trim().is_empty() {
                "is empty: fill it in or remove it".into()
            } else if entries.iter().take(position).any(|earlier| earlier == entry) {
                "repeats an earlier one: remove it".into()
            } else if is_quoted(entry) {
                QUOTED.into()
            } else {
                match (key.parse)(entry) {
                    Ok(value) => {
                        if let Some(doubt) = key.doubt.and_then(|doubt| doubt(&value)) {
                            self.warn(key, format!("has an entry, number {number}, that {doubt}"));
                        }
                        parsed.push(value);
                        continue;
                    }
                    Err(complaint) => complaint,
                }
            };
            self.problems.blame(key, format!("has an entry, number {number}, that {complaint}"));
        }
        (parsed.len() == entries.len()).then_some(parsed)
    }

    fn filled<T>(&mut self, key: &KeyInfo, list: Vec<T>) -> Option<Vec<T>> {
        if list.is_empty() {
            self.empty(key);
            return None;
        }
        Some(list)
    }

    fn empty(&mut self, key: &KeyInfo) {
        self.lacks(key, format!("is empty: set it to {}", key.meaning));
    }

    fn missing(&mut self, key: &KeyInfo) {
        self.lacks(key, format!("is missing: set it to {}", key.meaning));
    }
}

/// Whether a value stands in quotation marks, as some tools leave it that read an env file.
fn is_quoted(text: &str) -> bool {
    let text = text.trim();
    let in_marks = |mark| text.len() > 1 && text.starts_with(mark) && text.ends_with(mark);
    in_marks('"') || in_marks('\'')
}

/// Entries are separated by commas, or by line ends as in a mounted secret.
fn split(text: &str) -> Vec<String> {
    if text.trim().is_empty() {
        return Vec::new();
    }
    text.split([',', '\n']).map(|entry| entry.trim().to_owned()).collect()
}
