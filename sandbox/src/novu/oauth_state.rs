//! The OAuth `state`: readable JSON with a signature, valid for five minutes.
//!
//! Source: Novu 3.19, signed OAuth state: `base64url(JSON + "." + hex(HMAC-SHA256(key, JSON)))`.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::hmac_hex;
use connect_clock as clock;

/// How long a state is good for.
const LIFETIME: Duration = Duration::from_mins(5);

/// What a sign-in is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Mode {
    /// Connecting a workspace or tenant.
    Connect,
    /// Linking one person.
    LinkUser,
}

/// The content of a state, in Novu's order of keys.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct OAuthState {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) identifier: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) subscriber_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) context: Option<Value>,
    pub(super) environment_id: String,
    pub(super) organization_id: String,
    pub(super) integration_identifier: String,
    pub(super) provider_id: String,
    /// Milliseconds since 1970.
    pub(super) timestamp: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) mode: Option<Mode>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) connection_mode: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) auto_link_user: Option<bool>,
}

impl OAuthState {
    /// Writes and signs the state.
    pub(super) fn sign(&self, key: &str) -> String {
        // A struct of texts and numbers always serializes.
        let mut text = serde_json::to_string(self).unwrap_or_default();
        let signature = hmac_hex(key.as_bytes(), &[text.as_bytes()]);
        text.push('.');
        text.push_str(&signature);
        URL_SAFE_NO_PAD.encode(text)
    }

    /// Reads a state if its signature is right and it is not too old.
    pub(super) fn verify(state: &str, key: &str, now: Timestamp) -> Option<Self> {
        let text = decode(state)?;
        let (json, signature) = text.rsplit_once('.')?;
        if hmac_hex(key.as_bytes(), &[json.as_bytes()]) != signature {
            return None;
        }
        let oauth_state: Self = serde_json::from_str(json).ok()?;
        let minted = Timestamp::from_millisecond(oauth_state.timestamp).ok()?;
        (clock::between(minted, now) <= LIFETIME).then_some(oauth_state)
    }
}

/// Reads a state without believing it.
pub(super) fn peek(state: &str) -> Option<Value> {
    let text = decode(state)?;
    let (json, _) = text.rsplit_once('.')?;
    serde_json::from_str(json).ok()
}

fn decode(state: &str) -> Option<String> {
    String::from_utf8(URL_SAFE_NO_PAD.decode(state).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn oauth_state() -> OAuthState {
        OAuthState {
            identifier: Some("chconn.with.dots".to_owned()),
            subscriber_id: Some("ada@example.com".to_owned()),
            context: Some(json!({"tenant": "acme"})),
            environment_id: "e".to_owned(),
            organization_id: "o".to_owned(),
            integration_identifier: "slack".to_owned(),
            provider_id: "slack".to_owned(),
            timestamp: 1_770_000_000_000,
            mode: Some(Mode::LinkUser),
            connection_mode: None,
            auto_link_user: None,
        }
    }

    #[test]
    fn a_state_is_readable_signed_and_short_lived() {
        let minted = Timestamp::from_millisecond(1_770_000_000_000).unwrap();
        let state = oauth_state().sign("key");
        let seen = peek(&state).unwrap();
        assert_eq!(seen["mode"], "link_user");
        assert_eq!(seen.get("connectionMode"), None);
        let limit = clock::after(minted, LIFETIME);
        assert_eq!(OAuthState::verify(&state, "key", limit), Some(oauth_state()));
        let late = clock::after(limit, Duration::from_millis(1));
        assert_eq!(OAuthState::verify(&state, "key", late), None);
        assert_eq!(OAuthState::verify(&state, "other", minted), None);
        assert_eq!(OAuthState::verify("not a state", "key", minted), None);
    }

    #[test]
    fn keys_come_in_novus_order() {
        let text = decode(&oauth_state().sign("key")).unwrap();
        let order = ["identifier", "subscriberId", "context", "environmentId", "organizationId"];
        let places: Vec<_> = order.iter().map(|key| text.find(&format!("\"{key}\""))).collect();
        assert!(places.is_sorted() && places.iter().all(Option::is_some), "{text}");
    }
}
