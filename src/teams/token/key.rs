//! One key that the Bot Connector signs with.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::DecodingKey;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::json;
use crate::net::lenient::lenient;

/// The sizes of modulus, and so of signature, that the cryptography accepts, in bytes: 2,048 to
/// 8,192 bits.
pub(super) const MODULUS: std::ops::RangeInclusive<usize> = 256..=1024;

/// A key that the Bot Connector signs with.
pub(super) struct Key {
    public: DecodingKey,
    /// The channels that it may speak for.
    endorsements: Vec<String>,
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Key").field("endorsements", &self.endorsements).finish_non_exhaustive()
    }
}

impl Key {
    /// The key itself.
    pub(super) fn public(&self) -> &DecodingKey {
        &self.public
    }

    /// Whether the key stands for a channel. One without endorsements stands for none.
    pub(super) fn endorses(&self, channel: &str) -> bool {
        self.endorsements.iter().any(|endorsed| endorsed == channel)
    }
}

/// A key as it is published (RFC 7517, section 4; `endorsements` is Microsoft's own).
#[derive(Deserialize)]
struct PublishedKey {
    kty: String,
    kid: String,
    n: String,
    e: String,
    #[serde(default, deserialize_with = "lenient")]
    alg: Option<String>,
    #[serde(default, deserialize_with = "lenient", rename = "use")]
    purpose: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    endorsements: Vec<Value>,
}

/// Reads a published key, with its name; `None` where it cannot sign with RS256.
pub(super) fn read_key(key: &RawValue) -> Option<(String, Arc<Key>)> {
    let key: PublishedKey = json::object(key.get().as_bytes())?;
    let suits = key.kty == "RSA"
        && key.alg.is_none_or(|alg| alg == "RS256")
        && key.purpose.is_none_or(|purpose| purpose == "sig");
    if !suits || key.kid.is_empty() {
        return None;
    }
    let modulus = URL_SAFE_NO_PAD.decode(&key.n).ok()?;
    let exponent = URL_SAFE_NO_PAD.decode(&key.e).ok()?;
    if !MODULUS.contains(&modulus.len()) {
        return None;
    }
    let public = DecodingKey::from_rsa_raw_components(&modulus, &exponent);
    let endorsements = key.endorsements.iter().filter_map(Value::as_str);
    let endorsements = endorsements.map(str::to_owned).collect();
    Some((key.kid, Arc::new(Key { public, endorsements })))
}
