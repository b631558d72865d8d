//! What is wrong with a configuration: every problem at once, one sentence each, with its fix.
//!
//! A problem names the key and never repeats the value: what was pasted into the wrong place may
//! well be a secret.

use std::fmt;

use super::keys::Key;

/// One thing that is wrong, as a sentence that says how to put it right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem(String);

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Everything that is wrong, in the order of the sources and then of the keys.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// Adds a problem that concerns no single key.
    pub(super) fn add(&mut self, sentence: impl Into<String>) {
        self.0.push(Problem(sentence.into()));
    }

    /// Adds a problem of one key. The complaint goes on after the key's name: "is missing: …".
    pub(super) fn blame(&mut self, key: &Key, complaint: impl fmt::Display) {
        self.add(format!("{} ({}) {complaint}.", key.name, key.env()));
    }

    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many problems there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The problems one by one.
    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.0.iter()
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, problem) in self.0.iter().enumerate() {
            if position > 0 {
                f.write_str("\n")?;
            }
            problem.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}
