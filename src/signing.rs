//! The signature scheme that Slack made common, for both directions.
//!
//! The base string is `VERSION:TIMESTAMP:BODY`, the signature `VERSION=` and the lower-case hex of
//! its HMAC-SHA256 (Slack, verifying requests). Slack's requests to us use version `v0`; our own
//! requests to an operator's identity webhook use `v1`.

use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

/// A key that is ready to sign: the hash state after the key, so that each use only hashes the rest.
#[derive(Clone)]
pub struct SigningKey(Hmac<Sha256>);

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SigningKey(…)")
    }
}

impl SigningKey {
    /// Takes the secret as UTF-8 text, as Slack does: it is not hex-decoded.
    ///
    /// Nothing for an empty or blank secret, with which anybody could sign.
    #[must_use]
    pub fn new(secret: &SecretString) -> Option<Self> {
        let secret = secret.expose_secret();
        if secret.trim().is_empty() {
            return None;
        }
        Hmac::new_from_slice(secret.as_bytes()).ok().map(Self)
    }

    /// The code of a message, without the version prefix.
    #[must_use]
    pub fn code(&self, version: &str, timestamp: &[u8], body: &[u8]) -> [u8; 32] {
        self.over(version, timestamp, body).finalize().into_bytes().into()
    }

    /// Whether `code` is the message's, compared in constant time.
    #[must_use]
    pub fn accepts(&self, version: &str, timestamp: &[u8], body: &[u8], code: &[u8; 32]) -> bool {
        self.over(version, timestamp, body).verify_slice(code).is_ok()
    }

    /// The signature of a message as it goes into a header.
    #[must_use]
    pub fn sign(&self, version: &str, timestamp: &[u8], body: &[u8]) -> String {
        format!("{version}={}", hex::encode(self.code(version, timestamp, body)))
    }

    fn over(&self, version: &str, timestamp: &[u8], body: &[u8]) -> Hmac<Sha256> {
        let mut code = self.0.clone();
        code.update(version.as_bytes());
        code.update(b":");
        code.update(timestamp);
        code.update(b":");
        code.update(body);
        code
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_is_made_of_nothing() {
        for blank in ["", " ", "\t\n"] {
            assert!(SigningKey::new(&blank.into()).is_none());
        }
    }
}
