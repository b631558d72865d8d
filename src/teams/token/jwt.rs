//! The token's form: three parts, a header that claims nothing for itself, and a signature.
//!
//! The types keep what is alleged from what is proven: [`Token`] is what somebody wrote, and
//! [`Token::signed_by`] alone hands its claims out for good.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::Algorithm;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::claims::Claims;
use super::json;
use super::key::{Key, MODULUS};
use super::unverified::Unverified;

/// The longest token that is looked at, in bytes. Genuine ones have some 700.
const LONGEST_TOKEN: usize = 8 * 1024;

/// A token of which nothing is proven.
pub(super) struct Token<'a> {
    /// What is signed: the first two parts and the dot between them.
    message: &'a str,
    signature: &'a str,
    key_id: String,
    claims: Claims,
}

/// A header of the one kind that is accepted (RFC 7515, section 4).
#[derive(Deserialize)]
struct Header {
    alg: String,
    #[serde(default)]
    kid: String,
    /// These four would have us take a key from the token, or from where it says.
    jku: Option<IgnoredAny>,
    jwk: Option<IgnoredAny>,
    x5u: Option<IgnoredAny>,
    x5c: Option<IgnoredAny>,
    /// Extensions that have to be understood. None is.
    crit: Option<IgnoredAny>,
}

impl<'a> Token<'a> {
    /// Reads a token in compact form (RFC 7515, section 7.1).
    pub(super) fn parse(text: &'a str) -> Result<Self, Unverified> {
        if text.len() > LONGEST_TOKEN {
            return Err(Unverified::Malformed);
        }
        let (message, signature) = text.rsplit_once('.').ok_or(Unverified::Malformed)?;
        let (header, claims) = message.split_once('.').ok_or(Unverified::Malformed)?;
        let header = decode(header)?;
        let key_id = json::object::<Header>(&header).ok_or(Unverified::Malformed)?.key_id()?;
        let claims = json::object(&decode(claims)?).ok_or(Unverified::Claims)?;
        // Looked at before anybody asks for the key: what is no signature needs none.
        if !MODULUS.contains(&decode(signature)?.len()) {
            return Err(Unverified::Malformed);
        }
        Ok(Self { message, signature, key_id, claims })
    }

    /// The name of the key that is said to have signed.
    pub(super) fn key_id(&self) -> &str {
        &self.key_id
    }

    /// What anybody may have written.
    pub(super) fn alleged_claims(&self) -> &Claims {
        &self.claims
    }

    /// The claims, if `key` signed them.
    pub(super) fn signed_by(self, key: &Key) -> Result<Claims, Unverified> {
        let verdict = jsonwebtoken::crypto::verify(
            self.signature,
            self.message.as_bytes(),
            key.public(),
            Algorithm::RS256,
        );
        match verdict {
            Ok(true) => Ok(self.claims),
            _ => Err(Unverified::Signature),
        }
    }
}

impl Header {
    fn key_id(self) -> Result<String, Unverified> {
        if self.alg != "RS256" {
            return Err(Unverified::Algorithm);
        }
        let brings_a_key =
            [&self.jku, &self.jwk, &self.x5u, &self.x5c].into_iter().any(Option::is_some);
        if brings_a_key || self.crit.is_some() {
            return Err(Unverified::KeyInHeader);
        }
        if self.kid.is_empty() {
            return Err(Unverified::Malformed);
        }
        Ok(self.kid)
    }
}

fn decode(part: &str) -> Result<Vec<u8>, Unverified> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| Unverified::Malformed)
}
