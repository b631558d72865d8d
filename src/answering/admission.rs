//! Whether a question is answered at all: once, and not more often than one person may ask.
//!
//! Each process judges by what it knows. Where several share a store they also ask what the others
//! know, beside whatever else is asked for the answer; while the store is away each judges alone.

use super::pace::{ALLOWANCE, Pace};
use crate::clock::SharedClock;
use crate::core::{DedupKey, Person, Question};
use crate::digest::digest_of;
use crate::store::{Admission, Admitted, Store};

/// A question that was here before, at this process or another, and is answered there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AskedBefore;

/// Judges questions.
#[derive(Debug)]
pub(super) struct Admissions {
    pace: Pace,
    store: Store,
}

impl Admissions {
    pub(super) fn new(store: Store, clock: SharedClock) -> Self {
        Self { pace: Pace::new(clock), store }
    }

    /// Whether this process lets a person ask now. Counts the question if so.
    pub(super) fn allows_here(&self, person: &Person) -> bool {
        self.pace.allows(person)
    }

    /// What the other processes say of a question that came with an HTTP request.
    pub(super) async fn elsewhere(&self, question: &Question) -> Admitted {
        let hash = question.dedup_key.map(|DedupKey(hash)| hash);
        self.ask(hash, Some(&question.asker)).await
    }

    /// Whether a request was at no other process before.
    pub(super) async fn is_new_elsewhere(&self, key: DedupKey) -> bool {
        self.ask(Some(key.0), None).await.first_time
    }

    /// Whether a person may ask now, by what all processes know. Counts the question if so.
    pub(super) async fn allows(&self, person: &Person) -> bool {
        self.allows_here(person) && self.ask(None, Some(person)).await.in_pace
    }

    async fn ask(&self, hash: Option<[u8; 32]>, person: Option<&Person>) -> Admitted {
        if !self.store.is_shared() {
            return Admitted::ALONE;
        }
        let admission = Admission { hash, person: person.map(hash_of) };
        // The store says itself what is wrong with it.
        // Boxed, so that those whom nobody else has to admit hold no room for it.
        Box::pin(self.store.admit(admission, ALLOWANCE)).await.unwrap_or(Admitted::ALONE)
    }
}

/// A person, as processes name them to each other.
fn hash_of(person: &Person) -> [u8; 32] {
    digest_of([person.platform.as_str(), person.workspace.realm(), &person.user])
}
