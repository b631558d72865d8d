//! The token in the address of a personal page: who was invited, signed and with an end.
//!
//! A token is base64url of a version byte, JSON, and an HMAC-SHA256 over both. It leads to a page
//! that asks for a press, and no further; still it is its person's alone and is never logged.

use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::clock::{after, between};
use crate::core::{Invitee, Person, Reference};
use crate::signing::SigningKey;
use crate::text::presentable;

/// How long a personal link can be used.
pub(crate) const LIFETIME: Duration = Duration::from_hours(24);

/// The format of the payload. Another one gets another number, and this one is then refused.
const VERSION: u8 = 1;
/// Keeps signatures of tokens apart from those of anything else that the same key might sign.
const PURPOSE: &str = "link";
/// The length of the signature, in bytes.
const CODE_LENGTH: usize = 32;
/// The longest token that is looked at, in characters: less than any browser or card takes.
const LONGEST: usize = 3072;

/// Whom a personal link is for, and what they will be asked to confirm.
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
    /// What the person types to get a new link, such as `/connect`.
    pub command: String,
    /// The reference of the answer that carries the link.
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
    fn presentable(&self) -> Self {
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

/// An invitation that this service made: nobody else can, and no end but its own was put to it.
#[derive(Debug, Clone)]
pub(crate) struct Token(Payload);

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Payload {
    /// What the subscriber's whole id is recognised by: the page shows it shortened.
    subscriber: Option<String>,
    invitation: Invitation,
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    issued: Timestamp,
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    expires: Timestamp,
}

/// Why a token is not honoured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Rejected {
    /// It is not ours, or not any more: altered, cut off, signed by a key that is gone. Which of
    /// these is nobody's business.
    Unknown,
    /// It is ours, and its time is up.
    Expired {
        /// What the person types to get a new one.
        command: String,
    },
}

/// Enough of a hash to tell one id from another.
fn fingerprint(subscriber: &str) -> String {
    hex::encode(&Sha256::digest(subscriber)[..8])
}

impl Token {
    /// Whether the page named the subscriber that the person would be connected to now.
    pub(crate) fn names(&self, invitee: &Invitee) -> bool {
        let named = self.0.subscriber.as_ref();
        named.is_none_or(|named| *named == fingerprint(invitee.subscriber.as_str()))
    }

    /// Refuses what was good, because it no longer says the truth: as if its time were up.
    pub(crate) fn outdated(&self) -> Rejected {
        Rejected::Expired { command: self.0.invitation.command.clone() }
    }

    /// Makes an invitation good from now on.
    pub(crate) fn issue(invitation: &Invitation, now: Timestamp) -> Self {
        Self(Payload {
            subscriber: invitation.subscriber.as_deref().map(fingerprint),
            invitation: invitation.presentable(),
            issued: now,
            expires: after(now, LIFETIME),
        })
    }

    /// Who was invited. All its texts are short, on one line and free of e-mail addresses.
    pub(crate) fn invitation(&self) -> &Invitation {
        &self.0.invitation
    }

    /// How long ago it was issued.
    pub(crate) fn age(&self, now: Timestamp) -> Duration {
        between(self.0.issued, now)
    }
}

/// The keys that make a token ours. They do not print.
#[derive(Debug)]
pub(crate) struct Keys {
    signer: SigningKey,
    former: Vec<SigningKey>,
}

impl Keys {
    /// The first key signs, all of them verify. Nothing without a key.
    pub(crate) fn new(keys: Vec<SigningKey>) -> Option<Self> {
        let mut keys = keys.into_iter();
        Some(Self { signer: keys.next()?, former: keys.collect() })
    }

    /// A token as it goes into an address.
    pub(crate) fn seal(&self, token: &Token) -> String {
        let mut payload = vec![VERSION];
        // Writing texts and numbers to a vector cannot fail.
        let _ = serde_json::to_writer(&mut payload, &token.0);
        self.sign(payload)
    }

    fn sign(&self, mut payload: Vec<u8>) -> String {
        let code = self.signer.code(PURPOSE, &[], &payload);
        payload.extend_from_slice(&code);
        URL_SAFE_NO_PAD.encode(payload)
    }

    /// Reads a token. Nothing in it is looked at before its signature.
    pub(crate) fn open(&self, text: &str, now: Timestamp) -> Result<Token, Rejected> {
        let payload =
            self.verified(text).and_then(|payload| read(&payload)).ok_or(Rejected::Unknown)?;
        if now < payload.expires {
            Ok(Token(payload))
        } else {
            Err(Rejected::Expired { command: payload.invitation.command })
        }
    }

    fn verified(&self, text: &str) -> Option<Vec<u8>> {
        if text.len() > LONGEST {
            return None;
        }
        let mut payload = URL_SAFE_NO_PAD.decode(text).ok()?;
        let code = payload.split_off(payload.len().checked_sub(CODE_LENGTH)?);
        let code: [u8; CODE_LENGTH] = code.try_into().ok()?;
        let mut keys = std::iter::once(&self.signer).chain(&self.former);
        keys.any(|key| key.accepts(PURPOSE, &[], &payload, &code)).then_some(payload)
    }
}

fn read(payload: &[u8]) -> Option<Payload> {
    match payload.split_first()? {
        (&VERSION, json) => serde_json::from_slice(json).ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
