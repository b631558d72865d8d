//! A question that came from Teams, with everything that its answer needs.

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::activity::{Account, Origin};
use super::connector::{Patience, Sought};
use crate::core::Language;
use crate::core::{Ask, Intent, Person, Platform, Reference, Workspace};

/// A question. Its stored form is the promise to answer it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Inquiry {
    /// Where it was asked.
    pub(super) origin: Origin,
    /// The account that asked.
    pub(super) from: Account,
    /// What for.
    pub(super) intent: Intent,
    /// The reference of its answer.
    pub(super) reference: Reference,
    /// Whether nobody asked, and the bot speaks first.
    pub(super) welcome: bool,
    /// Whether the person was asking too often, once that has been judged: a question counts once,
    /// however often its answer is tried.
    pub(super) too_often: Option<bool>,
}

/// What two deliveries of one activity have in common, and no others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Key(pub(super) [u8; 32]);

impl Key {
    fn of(parts: &[&String]) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update(part.len().to_be_bytes());
            hash.update(part);
        }
        Self(hash.finalize().into())
    }
}

impl Inquiry {
    /// What a redelivery is recognised by; none where Teams gave the activity no id.
    pub(super) fn key(&self) -> Option<Key> {
        let id = self.origin.activity_id.as_ref()?;
        Some(Key::of(&[&self.origin.tenant, &self.origin.conversation.id, id]))
    }

    /// What the same press of a button is recognised by. Whoever shares it gets the same answer, which
    /// is one person's alone, so who pressed is part of it.
    pub(super) fn press(&self) -> Option<Key> {
        let id = self.origin.activity_id.as_ref()?;
        let Origin { tenant, conversation, .. } = &self.origin;
        Some(Key::of(&[tenant, &conversation.id, id, &self.from.id]))
    }

    /// The question as the core takes it. The person's language is known from the start: Teams tells
    /// it with every activity.
    pub(super) fn ask(&self, person: Person) -> Ask {
        let ask = Ask::new(person, self.intent.clone(), self.reference);
        if let Some(locale) = self.origin.locale.as_deref() {
            // The first to set it; a profile would only repeat it.
            let _ = ask.language.set(Language::best_for(Some(locale)));
        }
        ask
    }

    /// The one who asked, as the connector looks them up.
    pub(super) fn sought(&self, patience: Patience) -> Sought<'_> {
        Sought { account: &self.from.id, rosters: self.origin.rosters(), patience }
    }

    /// The account as Teams names it to this bot alone, for those who have no other.
    pub(super) fn stranger(&self) -> Person {
        Person {
            platform: Platform::Teams,
            workspace: Workspace::standalone(self.origin.tenant.clone()),
            user: self.from.id.clone(),
        }
    }

    /// Its form for the store.
    pub(super) fn sealed(&self) -> SecretString {
        // A struct of strings always has a JSON form.
        serde_json::to_string(self).unwrap_or_default().into()
    }

    /// Takes it out of the store.
    pub(super) fn unseal(payload: &SecretString) -> Option<Self> {
        serde_json::from_str(payload.expose_secret()).ok()
    }
}

/// What a personal page needs to look the person up once more: where they were found when they asked.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Hint {
    #[serde(rename = "s")]
    pub(super) service_url: String,
    #[serde(rename = "c")]
    pub(super) roster: String,
    #[serde(rename = "a")]
    pub(super) account: String,
}

impl Hint {
    pub(super) fn of(inquiry: &Inquiry, roster: &str) -> Self {
        Self {
            service_url: inquiry.origin.service_url.clone(),
            roster: roster.to_owned(),
            account: inquiry.from.id.clone(),
        }
    }

    /// The one who asked. They are looking at the page.
    pub(super) fn sought(&self) -> Sought<'_> {
        Sought { account: &self.account, rosters: vec![&self.roster], patience: Patience::Brief }
    }

    pub(super) fn sealed(&self) -> Option<String> {
        serde_json::to_string(self).ok()
    }

    pub(super) fn unseal(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }
}
