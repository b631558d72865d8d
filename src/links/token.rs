//! Addresses of personal pages as they were made before pages were kept in the store: a token that says
//! who was invited, signed and with an end.
//!
//! None is made any more. Those that are in chats work for their day, with the keys that signed them.
//! A token is base64url of a version byte, JSON, and an HMAC-SHA256 over both.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Rejected;
use super::invitation::Invited;
use crate::clock::between;
use crate::signing::SigningKey;

/// The format of the payload. Any other one is refused.
const VERSION: u8 = 1;
/// Keeps signatures of tokens apart from those of anything else that the same key might sign.
const PURPOSE: &str = "link";
/// The length of the signature, in bytes.
const CODE_LENGTH: usize = 32;
/// The longest token that is looked at, in characters.
const LONGEST: usize = 3072;

/// An invitation that this service signed: nobody else can, and no end but its own was put to it.
#[derive(Debug, Clone)]
pub(super) struct Token(Payload);

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Payload {
    #[serde(flatten)]
    invited: Invited,
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    issued: Timestamp,
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    expires: Timestamp,
}

impl Token {
    /// How long ago it was issued.
    pub(super) fn age(&self, now: Timestamp) -> Duration {
        between(self.0.issued, now)
    }

    pub(super) fn into_invited(self) -> Invited {
        self.0.invited
    }
}

/// The keys that make a token ours. They do not print.
#[derive(Debug)]
pub(super) struct Keys(Vec<SigningKey>);

impl Keys {
    /// All of them verify.
    pub(super) const fn new(keys: Vec<SigningKey>) -> Self {
        Self(keys)
    }

    /// Reads a token. Nothing in it is looked at before its signature.
    pub(super) fn open(&self, text: &str, now: Timestamp) -> Result<Token, Rejected> {
        let payload =
            self.verified(text).and_then(|payload| read(&payload)).ok_or(Rejected::Unknown)?;
        if now < payload.expires {
            Ok(Token(payload))
        } else {
            Err(Rejected::Expired { command: payload.invited.invitation.command })
        }
    }

    fn verified(&self, text: &str) -> Option<Vec<u8>> {
        if text.len() > LONGEST {
            return None;
        }
        let mut payload = URL_SAFE_NO_PAD.decode(text).ok()?;
        let code = payload.split_off(payload.len().checked_sub(CODE_LENGTH)?);
        let code: [u8; CODE_LENGTH] = code.try_into().ok()?;
        self.0.iter().any(|key| key.accepts(PURPOSE, &[], &payload, &code)).then_some(payload)
    }
}

fn read(payload: &[u8]) -> Option<Payload> {
    match payload.split_first()? {
        (&VERSION, json) => serde_json::from_slice(json).ok(),
        _ => None,
    }
}

/// What earlier builds did, for tests of what they left in chats.
#[cfg(test)]
pub(crate) mod issuing {
    use super::super::{Invitation, LIFETIME};
    use super::*;
    use crate::clock::after;

    impl Token {
        pub(crate) fn issue(invitation: &Invitation, now: Timestamp) -> Self {
            let invited = Invited::new(invitation);
            Self(Payload { invited, issued: now, expires: after(now, LIFETIME) })
        }
    }

    /// A token as it went into an address.
    pub(crate) fn signed(secret: &str, invitation: &Invitation, now: Timestamp) -> String {
        let key = SigningKey::new(&secret.into()).unwrap();
        Keys::new(vec![key]).seal(&Token::issue(invitation, now))
    }

    impl Keys {
        /// A token as it goes into an address, signed with the first key.
        pub(crate) fn seal(&self, token: &Token) -> String {
            let mut payload = vec![VERSION];
            serde_json::to_writer(&mut payload, &token.0).unwrap();
            self.sign(payload)
        }

        pub(crate) fn sign(&self, mut payload: Vec<u8>) -> String {
            let code = self.0[0].code(PURPOSE, &[], &payload);
            payload.extend_from_slice(&code);
            URL_SAFE_NO_PAD.encode(payload)
        }
    }
}

#[cfg(test)]
mod tests;
