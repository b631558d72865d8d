//! Tokens in Entra's form. Nobody checks their signatures: Novu reads id tokens
//! unverified, and the connector looks access tokens up.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::hmac_hex;

/// Signs what nobody checks: the stand-in looks its access tokens up.
const KEY: &[u8] = b"entra-sandbox";

/// A token in the form of a JWT with RS256. No published key fits its signature, as no key of the
/// Bot Connector fits one of Entra's.
pub(super) fn jwt(claims: &Value) -> String {
    let header = json!({ "typ": "JWT", "alg": "RS256", "kid": "entra-sandbox" });
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!("{}.{}", part(&header), part(claims));
    let signature = URL_SAFE_NO_PAD.encode(hmac_hex(KEY, &[message.as_bytes()]));
    format!("{message}.{signature}")
}
