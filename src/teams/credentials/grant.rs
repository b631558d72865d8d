//! What the token endpoint answers.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use reqwest::StatusCode;
use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::Value;

use super::{Token, TokenError};
use crate::clock::Tick;
use crate::net::lenient::lenient;

/// How long before its end a token is renewed; a shorter-lived one at half its life.
const RENEW_BEFORE_END: Duration = Duration::from_mins(5);
/// How long a token is used that is said to live for a shorter time, or for none that makes sense: Entra
/// gives none of less than some minutes, and would else be asked once for every card.
const SHORTEST_LIFE: Duration = Duration::from_mins(1);
/// How long a token is used that is said to live for longer (Entra, token lifetimes: 24 hours at most).
const LONGEST_LIFE: Duration = Duration::from_hours(24);
/// The longest error word that is kept, in characters.
const LONGEST_WORD: usize = 40;

/// Reads a token response (RFC 6749, section 5.1). Counted from when it was asked for, the token ends
/// sooner rather than later than Entra thinks.
pub(super) fn token(body: &Bytes, asked_at: Tick) -> Result<Token, TokenError> {
    #[derive(Deserialize)]
    struct Granted {
        access_token: SecretString,
        #[serde(default, deserialize_with = "lenient")]
        expires_in: Value,
    }
    let granted: Granted = serde_json::from_slice(body).map_err(|_| TokenError::Nonsense)?;
    let token = granted.access_token.expose_secret();
    if token.is_empty() {
        return Err(TokenError::Nonsense);
    }
    let mut authorization =
        HeaderValue::from_str(&format!("Bearer {token}")).map_err(|_| TokenError::Nonsense)?;
    authorization.set_sensitive(true);
    let life = life(&granted.expires_in);
    let margin = RENEW_BEFORE_END.min(life / 2);
    Ok(Token {
        authorization,
        asked_at,
        renew_at: asked_at + life.saturating_sub(margin),
        ends_at: asked_at + life,
    })
}

/// The application permissions that a token says it has (Microsoft identity platform, access token
/// claims); none where it is in no form that can be read.
pub(super) fn permissions(body: &Bytes) -> Option<Vec<String>> {
    #[derive(Deserialize)]
    struct Granted {
        access_token: SecretString,
    }
    #[derive(Deserialize)]
    struct Claims {
        #[serde(default, deserialize_with = "lenient")]
        roles: Vec<String>,
    }
    let granted: Granted = serde_json::from_slice(body).ok()?;
    let claims = granted.access_token.expose_secret().split('.').nth(1)?;
    let claims = URL_SAFE_NO_PAD.decode(claims.trim_end_matches('=')).ok()?;
    serde_json::from_slice(&claims).ok().map(|Claims { roles }| roles)
}

/// How long a token is used: seconds as a number, or as text as older endpoints of Entra write them.
fn life(expires_in: &Value) -> Duration {
    let written = || expires_in.as_str()?.trim().parse().ok();
    let seconds = expires_in.as_f64().or_else(written);
    let life = seconds.filter(|seconds: &f64| seconds.is_finite()).and_then(|seconds| {
        Duration::try_from_secs_f64(seconds.min(LONGEST_LIFE.as_secs_f64())).ok()
    });
    life.unwrap_or_default().clamp(SHORTEST_LIFE, LONGEST_LIFE)
}

/// A whole number, also where it is written as text.
fn number(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.trim().parse().ok())
}

/// Reads an error response (RFC 6749, section 5.2). Its description stays unread: it quotes ids.
pub(super) fn refusal(status: StatusCode, body: &Bytes) -> TokenError {
    #[derive(Deserialize)]
    struct Refused {
        error: String,
        #[serde(default, deserialize_with = "lenient")]
        error_codes: Vec<Value>,
    }
    if !matches!(status.as_u16(), 400 | 401 | 403) {
        return TokenError::Unavailable;
    }
    match serde_json::from_slice::<Refused>(body) {
        Ok(refused) => {
            let word = refused.error.chars().filter(|c| c.is_ascii_lowercase() || *c == '_');
            let code = refused.error_codes.iter().find_map(number).unwrap_or_default();
            TokenError::Refused { error: word.take(LONGEST_WORD).collect(), code }
        }
        Err(_) => TokenError::Nonsense,
    }
}
