//! Whom a personal page is for, and what they will be asked to confirm.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::core::{Person, Reference};
use crate::text::presentable;

/// Whom a personal page is for, and what they will be asked to confirm.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invitation {
    /// Who asked, as a verified request named them.
    pub person: Person,
    /// The name of the chat account.
    pub name: Option<String>,
    /// The name of the workspace or tenant.
    pub workspace: Option<String>,
    /// The id of the subscriber that the chat account will be connected to, where it is known.
    pub subscriber: Option<String>,
    /// What that subscriber is called.
    pub subscriber_name: Option<String>,
    /// What the person types to get a new page, such as `/connect`.
    pub command: String,
    /// The reference of the answer that leads to the page.
    pub reference: Reference,
    /// What the platform needs to look the person up once more, in its own form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl fmt::Debug for Invitation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Invitation")
            .field("person", &self.person)
            .field("reference", &self.reference)
            .finish_non_exhaustive()
    }
}

impl Invitation {
    /// The same with every text short, on one line and free of e-mail addresses.
    pub(super) fn presentable(&self) -> Self {
        let tidy = |text: &Option<String>| text.as_deref().and_then(presentable);
        Self {
            person: self.person.clone(),
            name: tidy(&self.name),
            workspace: tidy(&self.workspace),
            subscriber: tidy(&self.subscriber),
            subscriber_name: tidy(&self.subscriber_name),
            command: presentable(&self.command).unwrap_or_default(),
            reference: self.reference,
            hint: self.hint.clone(),
        }
    }
}

/// An invitation with what its subscriber is recognised by, though the page shows no whole id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Invited {
    subscriber: Option<String>,
    pub(super) invitation: Invitation,
}

impl Invited {
    pub(super) fn new(invitation: &Invitation) -> Self {
        Self {
            subscriber: invitation.subscriber.as_deref().map(fingerprint),
            invitation: invitation.presentable(),
        }
    }

    /// Whether the page named this subscriber, or none.
    pub(super) fn names(&self, subscriber: &str) -> bool {
        self.subscriber.as_ref().is_none_or(|named| *named == fingerprint(subscriber))
    }
}

/// Enough of a hash to tell one id from another.
fn fingerprint(subscriber: &str) -> String {
    hex::encode(&Sha256::digest(subscriber)[..8])
}
