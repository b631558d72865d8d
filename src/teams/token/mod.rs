//! Proof that a request is from the Bot Connector.
//!
//! [`VerifiedActivity`] is the proof: only [`Verifier::admit`] makes one. It looks at the headers
//! first, then at the token, and reads the body only when the token is believed. The rules are the
//! vendor's (Microsoft, Authenticate requests from the Bot Connector service to your bot), and
//! stricter where the SDKs are lax: RS256 and nothing else, a key and a service URL that are named
//! in every case, an endorsement for the channel in every case, and one issuer. There is no path
//! for emulators or other bots, and no switch that turns any of this off.
//!
//! The token says nothing of the tenant or of the person. Those are in the activity, which is
//! believed because whoever holds the token sent it.

mod body;
mod claims;
mod fetch;
mod json;
mod jwt;
mod key;
mod key_set;
mod keys;
mod proven;
mod settings;
#[cfg(test)]
mod tests;
mod unverified;

use std::fmt;
use std::sync::Arc;

use axum::extract::Request;
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use bytes::Bytes;
use tokio_util::sync::CancellationToken;

use crate::clock::SharedClock;
use crate::metrics::Metrics;
use crate::net::Outgoing;
use crate::refused::RefusedRequests;
use body::Envelope;
use jwt::Token;
use key_set::KeySet;
use keys::Keys;
use proven::{Fingerprint, Proof};

pub use body::{CHANNEL, LARGEST_BODY};
pub use claims::SKEW;
pub use settings::{Pacing, Settings, SettingsError};
pub use unverified::Unverified;

/// An activity that the Bot Connector sent for [`CHANNEL`]. Its body is as it came.
pub struct VerifiedActivity {
    body: Bytes,
    service_url: String,
}

impl fmt::Debug for VerifiedActivity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifiedActivity").finish_non_exhaustive()
    }
}

impl VerifiedActivity {
    /// The raw body: JSON, not looked at beyond what verification needs.
    #[must_use]
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// Where answers go, as the activity spells it. The token vouches for it; whether it may be
    /// called is for the list of hosts to say.
    #[must_use]
    pub fn service_url(&self) -> &str {
        &self.service_url
    }
}

/// Checks requests against the Bot Connector's keys.
#[derive(Debug)]
pub struct Verifier {
    app_id: String,
    issuer: String,
    keys: Arc<Keys>,
    clock: SharedClock,
    refused: RefusedRequests,
}

impl Verifier {
    /// Every word that [`Verifier::trouble`] can say.
    pub fn troubles() -> impl Iterator<Item = &'static str> {
        fetch::FetchError::CODES.into_iter().chain([keys::NOT_READ_YET])
    }

    /// A verifier that knows no keys yet.
    ///
    /// # Errors
    /// The settings cannot tell genuine tokens from others.
    pub fn new(
        settings: Settings,
        http: Outgoing,
        clock: SharedClock,
        metrics: Arc<Metrics>,
    ) -> Result<Self, SettingsError> {
        let key_hosts = settings.check()?;
        let reasons = Unverified::ALL.map(Unverified::reason);
        let refused = RefusedRequests::new("teams", reasons, Arc::clone(&clock), metrics);
        let source = fetch::Source {
            http,
            metadata_url: settings.metadata_url,
            key_hosts,
            time_limit: settings.pacing.fetch_time,
        };
        let keys = Keys::new(source, settings.pacing, Arc::clone(&clock));
        Ok(Self {
            app_id: settings.app_id,
            issuer: settings.issuer,
            keys: Arc::new(keys),
            clock,
            refused,
        })
    }

    /// Keeps the keys fresh until `stop`. Without it only unknown keys cause a fetch, and a key that
    /// was withdrawn is believed until then.
    pub async fn run(&self, stop: CancellationToken) {
        self.keys.keep_fresh(stop).await;
    }

    /// Fetches the keys that are published now, without using them: how many there are, and what time it is
    /// there.
    ///
    /// # Errors
    /// Why there are none, in words.
    pub(super) async fn try_keys(&self) -> Result<(usize, Option<jiff::Timestamp>), String> {
        self.keys.try_fetch().await.map_err(|error| error.to_string())
    }

    /// What keeps every request from being believed, in a word for the operator.
    #[must_use]
    pub fn trouble(&self) -> Option<&'static str> {
        self.keys.trouble()
    }

    /// Reads and checks a request, and takes note if it is refused. A request whose key is not known
    /// may have to wait for the keys to be fetched, at most [`Pacing::fetch_time`].
    ///
    /// # Errors
    /// The first rule that the request breaks.
    pub async fn admit(&self, request: Request) -> Result<VerifiedActivity, Unverified> {
        let (parts, body) = request.into_parts();
        let outcome = self.judge(&parts.headers, body).await;
        outcome.inspect_err(|problem| self.refused.note(problem.why()))
    }

    async fn judge(
        &self,
        headers: &HeaderMap,
        body: axum::body::Body,
    ) -> Result<VerifiedActivity, Unverified> {
        body::check_announced(headers)?;
        let proof = self.prove(bearer(headers)?).await?;
        let body = body::read(body).await?;
        let envelope = Envelope::read(&body)?;
        proof.covers(&envelope)?;
        Ok(VerifiedActivity { service_url: envelope.service_url.into_owned(), body })
    }

    /// Believes a token, or says why not.
    async fn prove(&self, text: &str) -> Result<Arc<Proof>, Unverified> {
        let known = self.keys.current();
        let fingerprint = Fingerprint::of(text);
        if let Some(proof) = known.proven.find(&fingerprint) {
            proof.claims.check_time(self.clock.now())?;
            return Ok(proof);
        }
        let token = Token::parse(text)?;
        let keys = self.keys_for(&token, known).await?;
        let key = keys.find(token.key_id()).ok_or(Unverified::UnknownKey)?;
        let claims = token.signed_by(key)?;
        claims.check(&self.issuer, &self.app_id, self.clock.now())?;
        let proof = Arc::new(Proof { claims, key: Arc::clone(key) });
        keys.proven.remember(fingerprint, &proof);
        Ok(proof)
    }

    /// The keys to look into: those that are known, or newer ones if the token's is not among them.
    ///
    /// A token that no signature could save is refused instead, so that it makes nobody fetch.
    async fn keys_for(
        &self,
        token: &Token<'_>,
        known: Arc<KeySet>,
    ) -> Result<Arc<KeySet>, Unverified> {
        if known.find(token.key_id()).is_some() {
            return Ok(known);
        }
        // The reason stays with us: only tokens with a good signature may count under it.
        token
            .alleged_claims()
            .check(&self.issuer, &self.app_id, self.clock.now())
            .map_err(|_| Unverified::UnknownKey)?;
        Ok(self.keys.newer_than(&known).await)
    }
}

/// The token of the only `Authorization` header (RFC 6750, section 2.1; RFC 9110, section 11.1: the
/// scheme's case does not matter).
fn bearer(headers: &HeaderMap) -> Result<&str, Unverified> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return Err(Unverified::Authorization);
    };
    value
        .to_str()
        .ok()
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim_matches(' '))
        .ok_or(Unverified::Authorization)
}
