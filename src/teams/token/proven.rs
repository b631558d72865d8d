//! Tokens whose signature is known to be good.
//!
//! The Bot Connector uses one token for many activities. Checking a signature takes some 40 µs and
//! finding a token here less than 2, hashing included (measured, x86-64 with SHA instructions).

use std::fmt;
use std::sync::Arc;

use quick_cache::sync::Cache;
use sha2::{Digest, Sha256};

use super::body::{CHANNEL, Envelope};
use super::claims::Claims;
use super::key::Key;
use super::unverified::Unverified;

/// About the most tokens that are remembered: a few hundred KiB.
const MOST_TOKENS: usize = 1024;

/// A token that is believed, and the key that it is believed for.
pub(super) struct Proof {
    /// What it says.
    pub(super) claims: Claims,
    /// What it was signed with.
    pub(super) key: Arc<Key>,
}

impl Proof {
    /// Whether the token may carry such an activity.
    pub(super) fn covers(&self, envelope: &Envelope<'_>) -> Result<(), Unverified> {
        if envelope.channel != CHANNEL {
            return Err(Unverified::Channel);
        }
        if !self.key.endorses(CHANNEL) {
            return Err(Unverified::Endorsement);
        }
        if !self.claims.vouches_for(&envelope.service_url) {
            return Err(Unverified::ServiceUrl);
        }
        Ok(())
    }
}

/// What stands for a token here, so that no token is kept.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// The fingerprint of a whole token, signature included.
    pub(super) fn of(token: &str) -> Self {
        Self(Sha256::digest(token).into())
    }
}

/// Tokens that were found good, a bounded number. Their time still has to be checked.
///
/// Only such tokens come here, so that strangers cannot push the others out.
pub(super) struct ProvenTokens(Cache<Fingerprint, Arc<Proof>>);

impl Default for ProvenTokens {
    fn default() -> Self {
        Self(Cache::new(MOST_TOKENS))
    }
}

impl fmt::Debug for ProvenTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProvenTokens(…)")
    }
}

impl ProvenTokens {
    /// What a token was found to say.
    pub(super) fn find(&self, fingerprint: &Fingerprint) -> Option<Arc<Proof>> {
        self.0.get(fingerprint)
    }

    /// Remembers a token that was found good. If there are too many, one that is seldom used goes.
    pub(super) fn remember(&self, fingerprint: Fingerprint, proof: &Arc<Proof>) {
        self.0.insert(fingerprint, Arc::clone(proof));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::teams::token::key_set::KeySet;

    fn proof() -> Arc<Proof> {
        let key = json!({"kty": "RSA", "kid": "k", "n": "w".repeat(344), "e": "AQAB"});
        let keys = KeySet::read(json!({ "keys": [key] }).to_string().as_bytes()).unwrap();
        let claims = json!({"iss": "", "aud": "", "exp": 0, "serviceurl": ""});
        let claims = serde_json::from_value(claims).unwrap();
        Arc::new(Proof { claims, key: Arc::clone(keys.find("k").unwrap()) })
    }

    #[test]
    fn memory_is_bounded_and_keeps_the_token_that_is_used() {
        let tokens = ProvenTokens::default();
        let proof = proof();
        let fingerprint = |number: usize| Fingerprint::of(&number.to_string());
        for number in 0..MOST_TOKENS * 4 {
            tokens.remember(fingerprint(number), &proof);
            assert!(tokens.find(&fingerprint(0)).is_some(), "after {number}");
        }
        assert!(tokens.find(&fingerprint(MOST_TOKENS * 4)).is_none());
        // The bound is kept in each part of the cache, hence rounded up in each.
        assert!(tokens.0.len() <= MOST_TOKENS + tokens.0.num_shards(), "{}", tokens.0.len());
    }
}
