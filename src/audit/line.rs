//! A line of the audit, its hash, and the chain that lines make.

use std::fmt;
use std::str::FromStr;

use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretSlice};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::event::Event;
use crate::store::AuditRow;

/// The form of lines. Another one gets another number.
pub(super) const VERSION: u32 = 1;
/// What Novu's own identifiers of endpoints begin with; the rest of them is chance (Novu 3.19 source, channel
/// endpoints).
const MADE_BY_NOVU: &str = "chendp_";
/// How much of a keyed hash a pseudonym has, in bytes.
const PSEUDONYM_LENGTH: usize = 16;

/// A line. Its fields are written in this order, which makes its text, and hence its hash, what it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Line {
    pub(super) version: u32,
    pub(super) chain: String,
    pub(super) number: i64,
    pub(super) at: Timestamp,
    pub(super) kind: String,
    pub(super) actor: String,
    pub(super) platform: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) person: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) other: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) subscriber: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) endpoint: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) workspace: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) connection: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) reference: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<String>,
    /// The hash of the line before; of the first one, what the chain begins with.
    pub(super) previous: String,
}

/// The hash of a line's text.
pub(super) fn hash(text: &str) -> String {
    hex::encode(Sha256::digest(text))
}

/// What the first line of a chain names as the hash before it.
pub(super) fn beginning(chain: &str) -> String {
    hash(&format!("novu-connect-bot audit {chain}"))
}

/// The pseudonyms of one person, made with a secret of their own: once that is gone, nobody can make them
/// again, whatever ids they try.
#[derive(Debug)]
pub(super) struct Pseudonyms<'a>(&'a SecretSlice<u8>);

impl<'a> Pseudonyms<'a> {
    pub(super) const fn with(secret: &'a SecretSlice<u8>) -> Self {
        Self(secret)
    }

    /// The pseudonym of the person.
    pub(super) fn person(&self) -> Option<String> {
        self.of("person", "")
    }

    /// The pseudonym of the subscriber that they have to do with.
    pub(super) fn subscriber(&self, id: &str) -> Option<String> {
        self.of("subscriber", id)
    }

    /// An endpoint's identifier: in clear if Novu made it up, else a pseudonym, as it may say who it is for.
    pub(super) fn endpoint(&self, identifier: &str) -> Option<String> {
        if identifier.starts_with(MADE_BY_NOVU) {
            return Some(identifier.to_owned());
        }
        self.of("endpoint", identifier)
    }

    /// None only if there is no room for the code, which keys of any length have.
    fn of(&self, what: &str, text: &str) -> Option<String> {
        let mut code = Hmac::<Sha256>::new_from_slice(self.0.expose_secret()).ok()?;
        code.update(what.as_bytes());
        code.update(b":");
        code.update(text.as_bytes());
        Some(hex::encode(&code.finalize().into_bytes()[..PSEUDONYM_LENGTH]))
    }
}

/// Where a chain is: how many lines it has, and the hash of the last one. Written as
/// `CHAIN:LENGTH:HEAD`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The chain.
    pub chain: String,
    /// How many lines it has.
    pub length: i64,
    /// The hash of its last line.
    pub head: String,
}

impl Checkpoint {
    /// A chain without lines.
    pub(super) fn beginning(chain: String) -> Self {
        let head = beginning(&chain);
        Self { chain, length: 0, head }
    }

    /// The next line of the chain. The secrets are those of the person, and of the other one.
    pub(super) fn next(
        &self,
        event: &Event,
        at: Timestamp,
        secret: Option<&SecretSlice<u8>>,
        others: Option<&SecretSlice<u8>>,
    ) -> AuditRow {
        let of_person = secret.map(Pseudonyms::with);
        let of_person = of_person.as_ref();
        let line = Line {
            version: VERSION,
            chain: self.chain.clone(),
            number: self.length + 1,
            at,
            kind: event.kind.word().to_owned(),
            actor: event.actor.word(),
            platform: event.platform.clone(),
            person: of_person.and_then(Pseudonyms::person),
            other: others.and_then(|secret| Pseudonyms::with(secret).person()),
            subscriber: event.subscriber.as_deref().and_then(|id| of_person?.subscriber(id)),
            endpoint: event.endpoint.as_deref().and_then(|id| of_person?.endpoint(id)),
            workspace: event.workspace.clone(),
            connection: event.connection.clone(),
            reference: event.reference.clone(),
            reason: event.reason.clone(),
            previous: self.head.clone(),
        };
        let number = line.number;
        // Texts, numbers and times can always be written.
        let line = serde_json::to_string(&line).unwrap_or_default();
        AuditRow { chain: self.chain.clone(), number, hash: hash(&line), line }
    }

    /// Where the chain is once that line is there.
    pub(super) fn after(row: &AuditRow) -> Self {
        Self { chain: row.chain.clone(), length: row.number, head: row.hash.clone() }
    }
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.chain, self.length, self.head)
    }
}

impl FromStr for Checkpoint {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = "it is CHAIN:LENGTH:HEAD, as the log has it";
        let mut parts = text.split(':');
        let (Some(chain), Some(length), Some(head), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(wrong);
        };
        let length = length.parse().ok().filter(|length| *length >= 0).ok_or(wrong)?;
        if chain.is_empty() || head.is_empty() {
            return Err(wrong);
        }
        Ok(Self { chain: chain.to_owned(), length, head: head.to_owned() })
    }
}

/// The same line as the first one of another chain.
pub(super) fn moved(row: &AuditRow, chain: &Checkpoint) -> Option<AuditRow> {
    let line: Line = serde_json::from_str(&row.line).ok()?;
    let (number, previous) = (chain.length + 1, chain.head.clone());
    let line = Line { chain: chain.chain.clone(), number, previous, ..line };
    let line = serde_json::to_string(&line).ok()?;
    Some(AuditRow { chain: chain.chain.clone(), number, hash: hash(&line), line })
}
