//! One question of one person.

use std::sync::{Arc, OnceLock};

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::intent::Intent;
use super::language::Language;
use super::person::Person;
use super::reference::Reference;

/// A question, from its arrival to its answer. Its stored form is part of the promise to answer it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Question {
    /// Who asks, as a verified request names them.
    pub asker: Person,
    /// Whether `asker` is the account by which Novu knows people. Where a platform does not tell it
    /// with every event, it stands for the platform's own id until that is settled.
    pub identified: bool,
    /// What for.
    pub intent: Intent,
    /// The reference that the answer and every log line of it carry.
    pub reference: Reference,
    /// What the person types to reach the bot, such as `/connect`; empty where they write to the bot
    /// itself. May come from outside.
    pub command: String,
    /// What the asker is called, where the event told it. Comes from outside.
    pub name: Option<String>,
    /// The asker's language, as soon as it is known.
    pub language: LearntLanguage,
    /// When the question arrived, by the wall clock.
    pub asked_at: Timestamp,
    /// Whether the answer takes the place of the message whose button asked.
    #[serde(default)]
    pub in_place: bool,
    /// What a redelivery of the same event is recognised by; none where the platform gives no id.
    pub dedup_key: Option<DedupKey>,
}

impl Question {
    /// The language to answer in: the asker's if it is known by now.
    #[must_use]
    pub fn language(&self) -> Language {
        self.language.get().unwrap_or_default()
    }
}

/// A hash over what two deliveries of one event have in common, and no others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct DedupKey(#[serde(with = "hex_bytes")] pub [u8; 32]);

mod hex_bytes {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(hash: &[u8; 32], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&hex::encode(hash))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<[u8; 32], D::Error> {
        let text = String::deserialize(from)?;
        let bytes = hex::decode(text).map_err(D::Error::custom)?;
        bytes.try_into().map_err(|_| D::Error::custom("a key has 32 bytes"))
    }
}

/// A language that is learnt while the answer is made; clones learn together.
#[derive(Debug, Clone, Default)]
pub struct LearntLanguage(Arc<OnceLock<Language>>);

impl LearntLanguage {
    /// The language, if it is known by now.
    #[must_use]
    pub fn get(&self) -> Option<Language> {
        self.0.get().copied()
    }

    /// Takes note of the language. The first note stands.
    pub fn learn(&self, language: Language) {
        let _ = self.0.set(language);
    }
}

impl From<Language> for LearntLanguage {
    fn from(language: Language) -> Self {
        Self(Arc::new(OnceLock::from(language)))
    }
}

impl Serialize for LearntLanguage {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.get().map(Language::tag).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for LearntLanguage {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let tag = Option::<String>::deserialize(deserializer)?;
        Ok(tag.map_or_else(Self::default, |tag| Language::best_for(Some(&tag)).into()))
    }
}
