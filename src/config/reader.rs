//! Turns gathered text into values, key by key, and notes what does not fit.
//!
//! A reader gives `None` where it has noted a problem, so that reading goes on and everything that
//! is wrong comes out in one go.

use std::borrow::Cow;
use std::fmt;

use super::keys::{self, Key};
use super::problems::Problems;
use super::values::{Given, Values};

/// How a complaint goes on after the name of the key: "is not …: write …".
pub(super) type Complaint = Cow<'static, str>;

/// That a problem has been noted already.
struct Noted;

/// Gathered values on their way to becoming a configuration.
pub(super) struct Reader {
    values: Values,
    problems: Problems,
}

impl Reader {
    pub(super) fn new(values: Values, problems: Problems) -> Self {
        Self { values, problems }
    }

    /// Everything that was noted.
    pub(super) fn into_problems(self) -> Problems {
        self.problems
    }

    /// Whether a section was begun, or any of its keys given.
    pub(super) fn has_section(&self, section: &str) -> bool {
        self.values.has_section(section)
    }

    /// Whether a value was given for a key, right or wrong. A default is not given.
    pub(super) fn is_given(&self, name: &str) -> bool {
        self.values.get(name).is_some()
    }

    /// Whether something other than the default was given for a key.
    pub(super) fn is_changed(&self, name: &str) -> bool {
        let default = keys::find(name).and_then(|key| key.default);
        match self.values.get(name) {
            Some(Given::One(text)) => default != Some(text),
            Some(Given::Many(_) | Given::Spoilt) => true,
            None => false,
        }
    }

    /// Notes a problem with one key.
    pub(super) fn blame(&mut self, name: &str, complaint: impl fmt::Display) {
        if let Some(key) = keys::find(name) {
            self.problems.blame(key, complaint);
        }
    }

    /// Notes a problem with the whole.
    pub(super) fn add(&mut self, sentence: &str) {
        self.problems.add(sentence);
    }

    /// One value that must be there, be it the default.
    pub(super) fn value<T>(
        &mut self,
        name: &str,
        parse: impl FnOnce(&str) -> Result<T, Complaint>,
    ) -> Option<T> {
        let key = keys::find(name)?;
        let text = self.text(key).ok()?;
        if text.is_none() {
            self.missing(key);
        }
        self.parse(key, &text?, parse)
    }

    /// One value that may be missing.
    pub(super) fn optional<T>(
        &mut self,
        name: &str,
        parse: impl FnOnce(&str) -> Result<T, Complaint>,
    ) -> Option<T> {
        let key = keys::find(name)?;
        let text = self.text(key).ok()??;
        self.parse(key, &text, parse)
    }

    /// A list that must be there, be it the default, and may be empty.
    pub(super) fn list<T>(
        &mut self,
        name: &str,
        parse: impl Fn(&str) -> Result<T, Complaint>,
    ) -> Option<Vec<T>> {
        let key = keys::find(name)?;
        let entries = self.entries(key).ok()?;
        if entries.is_none() {
            self.missing(key);
        }
        self.parse_entries(key, &entries?, parse)
    }

    /// A list that must be there, be it the default, and has at least one entry.
    pub(super) fn filled_list<T>(
        &mut self,
        name: &str,
        parse: impl Fn(&str) -> Result<T, Complaint>,
    ) -> Option<Vec<T>> {
        let key = keys::find(name)?;
        let list = self.list(name, parse)?;
        self.filled(key, list)
    }

    /// A list that may be missing but not empty.
    pub(super) fn optional_list<T>(
        &mut self,
        name: &str,
        parse: impl Fn(&str) -> Result<T, Complaint>,
    ) -> Option<Vec<T>> {
        let key = keys::find(name)?;
        let entries = self.entries(key).ok()??;
        let list = self.parse_entries(key, &entries, parse)?;
        self.filled(key, list)
    }

    /// What was given, else the default, else `None`.
    fn text(&mut self, key: &Key) -> Result<Option<String>, Noted> {
        match self.values.get(key.name) {
            Some(Given::One(text)) => Ok(Some(text.clone())),
            Some(Given::Many(_)) => {
                self.problems.blame(key, "takes one value: write it without brackets");
                Err(Noted)
            }
            Some(Given::Spoilt) => Err(Noted),
            None => Ok(key.default.map(str::to_owned)),
        }
    }

    /// What was given, else the default, else `None`.
    fn entries(&self, key: &Key) -> Result<Option<Vec<String>>, Noted> {
        match self.values.get(key.name) {
            Some(Given::One(text)) => Ok(Some(split(text))),
            Some(Given::Many(entries)) => Ok(Some(entries.clone())),
            Some(Given::Spoilt) => Err(Noted),
            None => Ok(key.default.map(split)),
        }
    }

    fn parse<T>(
        &mut self,
        key: &Key,
        text: &str,
        parse: impl FnOnce(&str) -> Result<T, Complaint>,
    ) -> Option<T> {
        if text.trim().is_empty() {
            self.problems.blame(key, format!("is empty: set it to {}", key.meaning));
            return None;
        }
        parse(text).map_err(|complaint| self.problems.blame(key, complaint)).ok()
    }

    fn parse_entries<T>(
        &mut self,
        key: &Key,
        entries: &[String],
        parse: impl Fn(&str) -> Result<T, Complaint>,
    ) -> Option<Vec<T>> {
        let mut parsed = Vec::with_capacity(entries.len());
        for (position, entry) in entries.iter().enumerate() {
            let number = position + 1;
            let complaint = if entry.trim().is_empty() {
                "is empty: fill it in or remove it".into()
            } else if entries.iter().take(position).any(|earlier| earlier == entry) {
                "repeats an earlier one: remove it".into()
            } else {
                match parse(entry) {
                    Ok(value) => {
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

    fn filled<T>(&mut self, key: &Key, list: Vec<T>) -> Option<Vec<T>> {
        if list.is_empty() {
            self.problems.blame(key, format!("is empty: set it to {}", key.meaning));
            return None;
        }
        Some(list)
    }

    fn missing(&mut self, key: &Key) {
        self.problems.blame(key, format!("is missing: set it to {}", key.meaning));
    }
}

/// Entries are separated by commas, or by line ends as in a mounted secret.
fn split(text: &str) -> Vec<String> {
    if text.trim().is_empty() {
        return Vec::new();
    }
    text.split([',', '\n']).map(|entry| entry.trim().to_owned()).collect()
}
