//! What is wrong with a configuration, and what is taken with a warning: one sentence each, with
//! its fix.
//!
//! A sentence names the key and never repeats the value: what was pasted into the wrong place may
//! well be a secret.

use std::fmt;

use super::keys::KeyInfo;

/// One thing that is wrong, as a sentence that says how to put it right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem(String);

/// One thing that is taken as it is but seldom meant, as a sentence that says what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning(String);

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Warning {
    /// A warning about one key. The complaint goes on after the key's name.
    pub(super) fn about(key: &KeyInfo, complaint: impl fmt::Display) -> Self {
        Self(sentence(key, complaint))
    }
}

/// The complaint goes on after the key's name: "is missing: …".
fn sentence(key: &KeyInfo, complaint: impl fmt::Display) -> String {
    format!("{} ({}) {complaint}.", key.name, key.env())
}

/// Everything that is wrong, in the order of the sources and then of the keys.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Problems {
    found: Vec<Problem>,
    /// Whether nothing more is taken in.
    is_closed: bool,
}

impl Problems {
    /// Adds a problem that concerns no single key. What is known already is not told again, so that
    /// a key may be read more than once.
    pub(super) fn add(&mut self, sentence: impl Into<String>) {
        let problem = Problem(sentence.into());
        if !self.is_closed && !self.found.contains(&problem) {
            self.found.push(problem);
        }
    }

    /// Makes a problem the only one: what else seems wrong may well be its consequence.
    pub(super) fn only(&mut self, sentence: impl Into<String>) {
        *self = Self { found: vec![Problem(sentence.into())], is_closed: true };
    }

    /// Adds a problem of one key. The complaint goes on after the key's name: "is missing: …".
    pub(super) fn blame(&mut self, key: &KeyInfo, complaint: impl fmt::Display) {
        self.add(sentence(key, complaint));
    }

    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// How many problems there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.found.len()
    }

    /// The problems one by one.
    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.found.iter()
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, problem) in self.found.iter().enumerate() {
            if position > 0 {
                f.write_str("\n")?;
            }
            problem.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}
