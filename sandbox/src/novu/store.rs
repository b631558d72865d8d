//! The documents in memory, with the indexes that keep single look-ups independent of their number.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;

use jiff::Timestamp;

/// A document id in the form of `MongoDB`'s: seconds, then a counter; 24 hex digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Oid {
    seconds: u32,
    counter: u64,
}

impl fmt::Display for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}{:016x}", self.seconds, self.counter)
    }
}

impl Oid {
    pub(super) fn new(moment: Timestamp, counter: u64) -> Self {
        let seconds = u32::try_from(moment.as_second().max(0)).unwrap_or(u32::MAX);
        Self { seconds, counter }
    }

    /// Reads 24 hex digits.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let digits = text.len() == 24 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let (seconds, counter) = text.split_at_checked(8).filter(|_| digits)?;
        Some(Self {
            seconds: u32::from_str_radix(seconds, 16).ok()?,
            counter: u64::from_str_radix(counter, 16).ok()?,
        })
    }
}

/// What a collection needs to know of its documents.
pub(super) trait Document {
    /// The unique name that the API uses.
    fn identifier(&self) -> &str;
    /// The subscriber it belongs to.
    fn owner(&self) -> Option<&str>;
    /// When it was created. Never changes.
    fn created_at(&self) -> Timestamp;
    /// When it was last changed.
    fn updated_at(&self) -> Timestamp;
}

/// Where a document is in the order of creation.
pub(super) type Place = (Timestamp, Oid);

/// Documents in the order of creation.
#[derive(Debug)]
pub(super) struct Collection<T> {
    rows: BTreeMap<Place, T>,
    by_identifier: HashMap<String, Place>,
    by_id: HashMap<Oid, Place>,
    by_owner: HashMap<String, BTreeSet<Place>>,
    counter: u64,
}

impl<T> Default for Collection<T> {
    fn default() -> Self {
        Self {
            rows: BTreeMap::new(),
            by_identifier: HashMap::new(),
            by_id: HashMap::new(),
            by_owner: HashMap::new(),
            counter: 0,
        }
    }
}

impl<T: Document> Collection<T> {
    /// Adds a document, in place of the one with the same identifier.
    pub(super) fn insert(&mut self, document: T) {
        self.remove(document.identifier());
        self.counter += 1;
        let id = Oid::new(document.created_at(), self.counter);
        let place = (document.created_at(), id);
        self.by_identifier.insert(document.identifier().to_owned(), place);
        self.by_id.insert(id, place);
        if let Some(owner) = document.owner() {
            self.by_owner.entry(owner.to_owned()).or_default().insert(place);
        }
        self.rows.insert(place, document);
    }

    pub(super) fn remove(&mut self, identifier: &str) -> Option<T> {
        let place = self.by_identifier.remove(identifier)?;
        self.by_id.remove(&place.1);
        let document = self.rows.remove(&place)?;
        if let Some(owner) = document.owner()
            && let Some(owned) = self.by_owner.get_mut(owner)
        {
            owned.remove(&place);
            if owned.is_empty() {
                self.by_owner.remove(owner);
            }
        }
        Some(document)
    }

    pub(super) fn contains(&self, identifier: &str) -> bool {
        self.by_identifier.contains_key(identifier)
    }

    pub(super) fn get(&self, identifier: &str) -> Option<&T> {
        self.rows.get(self.by_identifier.get(identifier)?)
    }

    /// The document, to be changed; its identifier, owner and creation must stay.
    pub(super) fn get_mut(&mut self, identifier: &str) -> Option<&mut T> {
        self.rows.get_mut(self.by_identifier.get(identifier)?)
    }

    pub(super) fn id_of(&self, identifier: &str) -> Option<Oid> {
        self.by_identifier.get(identifier).map(|place| place.1)
    }

    pub(super) fn by_id(&self, id: Oid) -> Option<&T> {
        self.rows.get(self.by_id.get(&id)?)
    }

    /// All documents, oldest first.
    pub(super) fn all(&self) -> impl Iterator<Item = (Oid, &T)> {
        self.rows.iter().map(|(place, document)| (place.1, document))
    }

    /// The documents of one subscriber, oldest first.
    pub(super) fn owned_by(&self, owner: &str) -> impl Iterator<Item = (Oid, &T)> {
        let places = self.by_owner.get(owner).into_iter().flatten();
        places.filter_map(|place| Some((place.1, self.rows.get(place)?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_survive_printing() {
        let id = Oid::new(Timestamp::from_second(1_770_000_000).unwrap(), 77);
        assert_eq!(Oid::parse(&id.to_string()), Some(id));
        assert_eq!(id.to_string().len(), 24);
        assert_eq!(Oid::parse("not an id"), None);
        assert_eq!(Oid::parse(&"é".repeat(12)), None);
    }
}
