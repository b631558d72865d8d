//! Tokens whose signature is known to be good.
//!
//! The Bot Connector uses one token for many activities. Checking a signature takes some 40 µs and
//! finding a token here less than 2, hashing included (measured, x86-64 with SHA instructions).

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest, Sha256};

use super::body::{CHANNEL, Envelope};
use super::claims::Claims;
use super::key::Key;
use super::unverified::Unverified;

/// The most tokens that are remembered: a few hundred KiB.
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

/// The newest tokens that were found good. Their time still has to be checked.
#[derive(Default)]
pub(super) struct ProvenTokens(Mutex<Records>);

#[derive(Default)]
struct Records {
    by_fingerprint: HashMap<Fingerprint, Arc<Proof>>,
    /// The oldest first; exactly the keys of the map.
    order: VecDeque<Fingerprint>,
}

impl std::fmt::Debug for ProvenTokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ProvenTokens(…)")
    }
}

impl ProvenTokens {
    /// What a token was found to say.
    pub(super) fn find(&self, fingerprint: &Fingerprint) -> Option<Arc<Proof>> {
        let records = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        records.by_fingerprint.get(fingerprint).cloned()
    }

    /// Remembers a token that was found good, and forgets the oldest if there are too many. Only
    /// such tokens may come here, so that strangers cannot push the others out.
    pub(super) fn remember(&self, fingerprint: Fingerprint, proof: &Arc<Proof>) {
        let mut records = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if records.by_fingerprint.insert(fingerprint, Arc::clone(proof)).is_none() {
            records.order.push_back(fingerprint);
        }
        if records.order.len() > MOST_TOKENS
            && let Some(oldest) = records.order.pop_front()
        {
            records.by_fingerprint.remove(&oldest);
        }
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
    fn memory_is_bounded_and_the_oldest_go_first() {
        let tokens = ProvenTokens::default();
        let proof = proof();
        let fingerprint = |number: usize| Fingerprint::of(&number.to_string());
        for number in 0..MOST_TOKENS {
            tokens.remember(fingerprint(number), &proof);
            tokens.remember(fingerprint(number), &proof);
        }
        assert!(tokens.find(&fingerprint(0)).is_some());
        tokens.remember(fingerprint(MOST_TOKENS), &proof);
        assert!(tokens.find(&fingerprint(0)).is_none());
        assert!(tokens.find(&fingerprint(1)).is_some());
        let records = tokens.0.lock().unwrap();
        assert_eq!(records.order.len(), MOST_TOKENS);
        assert_eq!(records.by_fingerprint.len(), MOST_TOKENS);
    }
}
