//! The keys of one published document.

use std::collections::HashMap;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::json;
use super::key::{Key, read_key};
use super::proven::ProvenTokens;

/// The most keys that are taken from one document; far beyond what anybody publishes.
const MOST_KEYS: usize = 256;

/// Why a document gives no keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoKeys {
    /// It is no key set.
    Malformed,
    /// None of its keys can be used.
    NoneUsable,
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
    pub(super) fn read(document: &[u8]) -> Result<Self, NoKeys> {
        let published: Published<'_> = json::object(document).ok_or(NoKeys::Malformed)?;
        let usable = published.keys.into_iter().filter_map(read_key).take(MOST_KEYS);
        let by_id: HashMap<_, _> = usable.collect();
        if by_id.is_empty() {
            return Err(NoKeys::NoneUsable);
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
struct Published<'a> {
    #[serde(borrow)]
    keys: Vec<&'a RawValue>,
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use serde_json::{Value, json};

    use super::*;

    fn rsa(kid: &str) -> Value {
        let modulus = URL_SAFE_NO_PAD.encode([0xC5; 256]);
        json!({"kty": "RSA", "kid": kid, "n": modulus, "e": "AQAB", "endorsements": ["msteams"]})
    }

    fn read(keys: &[Value]) -> Result<KeySet, NoKeys> {
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
            json!(null),
            json!([]),
        ] {
            let set = read(&[odd.clone(), rsa("good")]).unwrap();
            assert_eq!(set.len(), 1, "{odd}");
            assert!(set.find("good").is_some());
            assert_eq!(read(std::slice::from_ref(&odd)).err(), Some(NoKeys::NoneUsable), "{odd}");
        }
        for fine in [
            with("alg", json!("RS256")),
            with("alg", json!("")),
            with("alg", json!(256)),
            with("use", json!("sig")),
            with("use", Value::Null),
            with("endorsements", json!("msteams")),
        ] {
            assert!(read(&[fine]).unwrap().find("odd").is_some());
        }
    }

    #[test]
    fn a_key_without_endorsements_stands_for_no_channel() {
        for endorsements in
            [json!([]), json!("msteams"), json!(["slack"]), json!(["MsTeams", "msteams "])]
        {
            let mut key = rsa("k");
            key["endorsements"] = endorsements;
            assert!(!read(&[key]).unwrap().find("k").unwrap().endorses("msteams"));
        }
        let mut key = rsa("k");
        key["endorsements"] = json!([null, 7, "msteams"]);
        for key in [rsa("k"), key] {
            assert!(read(&[key]).unwrap().find("k").unwrap().endorses("msteams"));
        }
    }

    #[test]
    fn the_number_of_keys_is_bounded() {
        let many: Vec<Value> = (0..1000).map(|number| rsa(&number.to_string())).collect();
        assert_eq!(read(&many).unwrap().len(), MOST_KEYS);
    }

    #[test]
    fn what_is_no_key_set_is_refused() {
        for text in ["", "[]", "{}", r#"{"keys":{}}"#, "<html>", r#"[["keys"]]"#] {
            assert_eq!(KeySet::read(text.as_bytes()).err(), Some(NoKeys::Malformed), "{text}");
        }
    }
}
