//! Whose a row is, without saying who that is.

use std::fmt;

use crate::digest::digest_of;

/// How much of the hash names a person: enough that no two of a million people share it.
const LENGTH: usize = 10;

/// A pseudonym of one person of one platform, the same wherever something of theirs is stored. It is a
/// hash without a key: whoever knows a person's ids can find their rows, and nothing else can.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Owner(String);

impl Owner {
    /// The pseudonym of a platform's user; `realm` is the workspace, tenant or organisation within which
    /// the id is unique.
    #[must_use]
    pub fn of(platform: &str, realm: &str, user: &str) -> Self {
        Self(pseudonym([platform, realm, user]))
    }

    /// The one whose text was read from the store.
    pub(super) const fn stored(text: String) -> Self {
        Self(text)
    }

    /// The pseudonym as text: twenty hexadecimal digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name of the row of one of their things.
    pub(super) fn row(&self, id: &str) -> String {
        format!("{self}-{id}")
    }

    /// Whose row it is that has this name, and what it is called among theirs.
    pub(super) fn of_row(row: &str) -> Option<(Self, &str)> {
        let (owner, id) = row.split_once('-')?;
        Some((Self(owner.to_owned()), id))
    }

    /// The names between which all of their rows are: from the first one on, and before the second.
    pub(super) fn rows(&self) -> [String; 2] {
        // The sign that follows `-` is `.`.
        [format!("{self}-"), format!("{self}.")]
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A short hash of parts.
pub(super) fn pseudonym<const PARTS: usize>(parts: [&str; PARTS]) -> String {
    hex::encode(&digest_of(parts)[..LENGTH])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pseudonym_is_one_persons_alone() {
        let ada = Owner::of("slack", "T1", "U1");
        assert_eq!(ada, Owner::of("slack", "T1", "U1"));
        for other in [("slack", "T1U", "1"), ("slack", "T2", "U1"), ("teams", "T1", "U1")] {
            assert_ne!(ada, Owner::of(other.0, other.1, other.2));
        }
        let [first, end] = ada.rows();
        let row = ada.row("A-1");
        assert!(first <= row && row < end);
        assert_eq!(Owner::of_row(&row), Some((ada, "A-1")));
    }
}
