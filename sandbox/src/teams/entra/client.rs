//! Who asks for a token: the app's secret, or a statement signed with a certificate's key.
//!
//! Source: Microsoft identity platform, certificate credentials; RFC 7523, section 3; RFC 7515,
//! section 4.1.8. Entra forgives some of what is refused here, such as a statement that comes twice.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::super::Inner;
use super::super::state::State;
use super::{Params, Problem};
use connect_clock as clock;

/// The one type of assertion.
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// The longest that a statement may be good for.
const LONGEST_LIFE: Duration = Duration::from_mins(10);

#[derive(Debug, Deserialize)]
struct Header {
    alg: String,
    typ: String,
    #[serde(rename = "x5t#S256")]
    thumbprint: String,
}

#[derive(Debug, Deserialize)]
struct Claims {
    aud: String,
    iss: String,
    sub: String,
    jti: String,
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    nbf: Timestamp,
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    exp: Timestamp,
}

/// Checks that a token request of the app's is the app's. `tenant` is as the address names it.
pub(super) fn authenticate(
    inner: &Inner,
    state: &mut State,
    tenant: &str,
    params: &Params,
) -> Result<(), Problem> {
    match (params.get("client_secret"), params.get("client_assertion")) {
        (None, None) => Err(Problem::no_credentials()),
        (Some(_), Some(_)) => Err(Problem::two_credentials()),
        (Some(secret), None) if secret == inner.options.app_secret => {
            if state.secret_is_expired {
                return Err(Problem::expired_secret(&inner.options.app_id));
            }
            Ok(())
        }
        (Some(_), None) => Err(Problem::bad_secret(&inner.options.app_id)),
        (None, Some(assertion)) => {
            if params.get("client_assertion_type") != Some(ASSERTION_TYPE) {
                return Err(Problem::no_credentials());
            }
            let claims = read(state, assertion)?;
            judge(inner, state, tenant, &claims)?;
            state.statements.insert(claims.jti, claims.exp);
            Ok(())
        }
    }
}

/// What a statement says, if a registered certificate's key has signed it.
fn read(state: &State, assertion: &str) -> Result<Claims, Problem> {
    let (message, signature) = assertion.rsplit_once('.').ok_or_else(Problem::bad_jwt)?;
    let (header, claims) = message.split_once('.').ok_or_else(Problem::bad_jwt)?;
    let header: Header = part(header)?;
    if header.alg != "PS256" || header.typ != "JWT" {
        return Err(Problem::bad_jwt());
    }
    let mut registered = state.certificates.iter();
    let certificate = registered
        .find(|registered| registered.thumbprint == header.thumbprint)
        .ok_or_else(|| Problem::bad_assertion("The key was not found."))?;
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| Problem::bad_jwt())?;
    if !certificate.has_signed(message, &signature) {
        return Err(Problem::bad_assertion("The signature does not fit the key."));
    }
    part(claims)
}

fn part<T: DeserializeOwned>(text: &str) -> Result<T, Problem> {
    let json = URL_SAFE_NO_PAD.decode(text).map_err(|_| Problem::bad_jwt())?;
    serde_json::from_slice(&json).map_err(|_| Problem::bad_jwt())
}

fn judge(inner: &Inner, state: &mut State, tenant: &str, claims: &Claims) -> Result<(), Problem> {
    let app_id = &inner.options.app_id;
    if claims.iss != *app_id || claims.sub != *app_id {
        return Err(Problem::assertion_of_another());
    }
    if claims.aud != format!("{}/{tenant}/oauth2/v2.0/token", inner.url) {
        return Err(Problem::assertion_for_another());
    }
    let now = inner.controls.clock.now();
    let life = clock::between(claims.nbf, claims.exp);
    if now < claims.nbf || claims.exp <= now || life > LONGEST_LIFE {
        return Err(Problem::assertion_out_of_time());
    }
    state.statements.retain(|_, expires| now < *expires);
    if claims.jti.is_empty() || state.statements.contains_key(&claims.jti) {
        return Err(Problem::bad_assertion("The assertion was used before."));
    }
    Ok(())
}
