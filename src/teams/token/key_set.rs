//! The keys of one published document.

use std::collections::HashMap;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::DecodingKey;
use serde::Deserialize;
use serde_json::Value;

use super::fetch::FetchError;
use super::json;
use super::proven::ProvenTokens;

/// The most keys that are taken from one document. Microsoft publishes a few dozen.
const MOST_KEYS: usize = 256;
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

/// All keys that are valid at a time, and the tokens that were found to be signed with them: when
/// the keys go, what was proven with them goes too.
#[derive(Debug, Default)]
pub(super) struct KeySet {
    by_id: HashMap<String, Arc<Key>>,
    pub(super) proven: ProvenTokens,
}

impl KeySet {
    /// Takes all keys of a JSON Web Key Set that can sign with RS256. Others do not disturb.
    pub(super) fn read(document: &[u8]) -> Result<Self, FetchError> {
        let published: Published = json::object(document).ok_or(FetchError::Nonsense)?;
        let usable = published.keys.into_iter().filter_map(read_key).take(MOST_KEYS);
        let by_id: HashMap<_, _> = usable.collect();
        if by_id.is_empty() {
            return Err(FetchError::NoKeys);
        }
        Ok(Self { by_id, proven: ProvenTokens::default() })
    }

    /// The key of that name.
    pub(super) fn find(&self, id: &str) -> Option<&Arc<Key>> {
        self.by_id.get(id)
    }

    /// Whether there are no keys: nothing has been read yet.
    pub(super) fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// How many keys there are.
    pub(super) fn len(&self) -> usize {
        self.by_id.len()
    }
}

#[derive(Deserialize)]
struct Published {
    keys: Vec<Value>,
}

/// A key as it is published (RFC 7517, section 4; `endorsements` is Microsoft's own).
#[derive(Deserialize)]
struct PublishedKey {
    kty: String,
    kid: String,
    n: String,
    e: String,
    alg: Option<String>,
    #[serde(rename = "use")]
    purpose: Option<String>,
    #[serde(default)]
    endorsements: Vec<String>,
}

fn read_key(key: Value) -> Option<(String, Arc<Key>)> {
    let key: PublishedKey = serde_json::from_value(key).ok()?;
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
    Some((key.kid, Arc::new(Key { public, endorsements: key.endorsements })))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rsa(kid: &str) -> Value {
        let modulus = URL_SAFE_NO_PAD.encode([0xC5; 256]);
        json!({"kty": "RSA", "kid": kid, "n": modulus, "e": "AQAB", "endorsements": ["msteams"]})
    }

    fn read(keys: &[Value]) -> Result<KeySet, FetchError> {
        KeySet::read(json!({ "keys": keys }).to_string().as_bytes())
    }

    #[test]
    fn only_keys_that_can_sign_with_rs256_are_taken() {
        let with = |name: &str, value: Value| {
            let mut key = rsa("odd");
            key[name] = value;
            key
        };
        for odd in [
            with("kty", json!("EC")),
            with("kty", json!("oct")),
            with("alg", json!("RS512")),
            with("use", json!("enc")),
            with("kid", json!("")),
            with("kid", Value::Null),
            with("n", json!(URL_SAFE_NO_PAD.encode([0xC5; 255]))),
            with("n", json!(URL_SAFE_NO_PAD.encode([0xC5; 1025]))),
            with("n", json!("!")),
            with("e", json!("=")),
            with("endorsements", json!("msteams")),
            json!(null),
            json!([]),
        ] {
            let set = read(&[odd.clone(), rsa("good")]).unwrap();
            assert_eq!(set.len(), 1, "{odd}");
            assert!(set.find("good").is_some());
            assert_eq!(read(std::slice::from_ref(&odd)).err(), Some(FetchError::NoKeys), "{odd}");
        }
        for fine in [with("alg", json!("RS256")), with("use", json!("sig"))] {
            assert!(read(&[fine]).unwrap().find("odd").is_some());
        }
    }

    #[test]
    fn a_key_without_endorsements_stands_for_no_channel() {
        for endorsements in [json!([]), json!(["slack"]), json!(["MsTeams", "msteams "])] {
            let mut key = rsa("k");
            key["endorsements"] = endorsements;
            assert!(!read(&[key]).unwrap().find("k").unwrap().endorses("msteams"));
        }
        assert!(read(&[rsa("k")]).unwrap().find("k").unwrap().endorses("msteams"));
    }

    #[test]
    fn the_number_of_keys_is_bounded() {
        let many: Vec<Value> = (0..1000).map(|number| rsa(&number.to_string())).collect();
        assert_eq!(read(&many).unwrap().len(), MOST_KEYS);
    }

    #[test]
    fn what_is_no_key_set_is_refused() {
        for text in ["", "[]", "{}", r#"{"keys":{}}"#, "<html>", r#"[["keys"]]"#] {
            assert_eq!(KeySet::read(text.as_bytes()).err(), Some(FetchError::Nonsense), "{text}");
        }
    }
}
