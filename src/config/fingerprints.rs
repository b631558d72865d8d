//! What tells one configuration from another, key by key, without its values.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use sha2::{Digest, Sha256};

use super::keys::{Section, keys};
use super::sources::{Given, Values};

/// The name of a key, `section.key`.
pub type KeyName = &'static str;

/// A hash of what each key has, be it given or the default. Where it is given makes no difference.
#[derive(Clone, Default)]
pub struct Fingerprints(BTreeMap<KeyName, [u8; 32]>);

impl fmt::Debug for Fingerprints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fingerprints").finish_non_exhaustive()
    }
}

impl Fingerprints {
    pub(super) fn of(values: &Values, sections: &[&'static Section]) -> Self {
        let known = keys(sections).filter_map(|key| {
            let text = match values.get(key) {
                Some(Given::One(text)) => text.clone(),
                Some(Given::Many(entries)) => entries.join(","),
                Some(Given::Spoilt | Given::Withheld) => return None,
                None => key.default?.to_owned(),
            };
            // A list reads the same whichever way its entries are separated.
            let entries: Vec<_> = text.split([',', '\n']).map(str::trim).collect();
            Some((key.name, Sha256::digest(entries.join("\n")).into()))
        });
        Self(known.collect())
    }

    /// The keys that have another value in `new`, or have one only here or only there.
    #[must_use]
    pub fn changed(&self, new: &Self) -> BTreeSet<KeyName> {
        let all = self.0.keys().chain(new.0.keys()).copied();
        all.filter(|key| self.0.get(key) != new.0.get(key)).collect()
    }

    /// Takes these keys over from `new`.
    pub fn take<'a>(&mut self, new: &Self, keys: impl IntoIterator<Item = &'a KeyName>) {
        for key in keys {
            match new.0.get(key) {
                Some(hash) => self.0.insert(key, *hash),
                None => self.0.remove(key),
            };
        }
    }
}
