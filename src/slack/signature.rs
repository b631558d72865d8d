//! Proof that a request is Slack's.
//!
//! [`SlackRequest`] is the proof: only [`Verifier::verify`] makes one, from the raw bytes, before
//! anything in them is decoded. The rules are Slack's (verifying requests from Slack), and stricter
//! where the documents leave room: exactly one of each header, a timestamp of plain digits, and no
//! signature is accepted twice.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use axum::extract::Request;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use jiff::Timestamp;

use crate::clock::{SharedClock, between};
use crate::metrics::Metrics;
use crate::refused::{CausedBy, RefusedRequests, Why};
use crate::seen::Seen;
use crate::signing::SigningKey;

/// The header with the signature, `v0=` and 64 lower-case hex digits.
pub const SIGNATURE_HEADER: &str = "x-slack-signature";
/// The header with the time of signing, in seconds since 1970.
pub const TIMESTAMP_HEADER: &str = "x-slack-request-timestamp";
/// The version of the signature scheme.
pub const VERSION: &str = "v0";
/// How far Slack's clock and ours may be apart, in either direction.
pub const TOLERANCE: Duration = Duration::from_mins(5);
/// The largest body that is read, in bytes. Slack's own are a few thousand.
pub const LARGEST_BODY: usize = 64 * 1024;

/// A request that Slack signed. Its body is as it came.
#[derive(Debug)]
pub struct SlackRequest {
    body: Bytes,
    is_form: bool,
    signature: [u8; 32],
}

impl SlackRequest {
    /// The raw body.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The signature, which no other request has.
    #[must_use]
    pub const fn signature(&self) -> [u8; 32] {
        self.signature
    }

    /// Whether the content type is `application/x-www-form-urlencoded`, with any parameters.
    #[must_use]
    pub fn is_form(&self) -> bool {
        self.is_form
    }
}

/// What came in, once it is known to be believable.
#[derive(Debug)]
pub enum Inbound {
    /// A request that Slack signed.
    Signed(SlackRequest),
    /// Slack looks at our certificate. Such a request is not signed, so nothing in it is believed.
    SslCheck,
}

/// Why a request is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unverified {
    /// A header is missing or there are several of it.
    #[error("not exactly one signature and one timestamp")]
    Headers,
    /// The timestamp is not plain digits.
    #[error("the timestamp is not a number of seconds")]
    Timestamp,
    /// The signature is not `v0=` and 64 lower-case hex digits.
    #[error("the signature is malformed")]
    Malformed,
    /// No secret makes this signature.
    #[error("the signature is wrong")]
    Signature,
    /// The signature is right, but the time of signing is too far from ours.
    #[error(
        "the signature is right but its time is not: an old request, or one of the clocks is wrong"
    )]
    ClockSkew,
    /// The signature is right, but it has been here before.
    #[error("the request was here before")]
    Replayed,
    /// The body is larger than [`LARGEST_BODY`].
    #[error("the body is too large")]
    TooLarge,
    /// The body did not arrive.
    #[error("the body did not arrive")]
    Unread,
}

impl Unverified {
    /// Every reason there is.
    pub const ALL: [Self; 8] = [
        Self::Headers,
        Self::Timestamp,
        Self::Malformed,
        Self::Signature,
        Self::ClockSkew,
        Self::Replayed,
        Self::TooLarge,
        Self::Unread,
    ];

    /// The word for it in metrics.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Headers => "headers",
            Self::Timestamp => "timestamp",
            Self::Malformed => "malformed_signature",
            Self::Signature => "bad_signature",
            Self::ClockSkew => "clock_skew",
            Self::Replayed => "replayed",
            Self::TooLarge => "too_large",
            Self::Unread => "unread",
        }
    }

    /// What the operator is told of it.
    const fn why(self) -> Why {
        let (by, advice) = match self {
            Self::Headers | Self::Timestamp | Self::Malformed => (
                CausedBy::Strangers,
                "strangers, or a proxy that does not pass on X-Slack-Signature and \
                 X-Slack-Request-Timestamp as they are",
            ),
            Self::TooLarge | Self::Unread => {
                (CausedBy::Strangers, "strangers, or a proxy that breaks requests off")
            }
            Self::Signature => (
                CausedBy::Anybody,
                "compare slack.signing_secrets with the Signing Secret on the app's page Basic \
                 Information; see that no proxy rewrites bodies; if /connect works, it is strangers",
            ),
            Self::ClockSkew => (
                CausedBy::Platform,
                "set this machine's clock; an old request may also be sent again",
            ),
            Self::Replayed => (
                CausedBy::Platform,
                "a proxy that sends requests twice, or somebody who has captured one",
            ),
        };
        Why { reason: self.reason(), advice, by }
    }
}

impl IntoResponse for Unverified {
    fn into_response(self) -> Response {
        match self {
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Unread => StatusCode::BAD_REQUEST,
            _ => StatusCode::UNAUTHORIZED,
        }
        .into_response()
    }
}

/// Checks requests against the signing secrets.
#[derive(Debug)]
pub struct Verifier {
    keys: RwLock<Vec<SigningKey>>,
    replays: Seen,
    clock: SharedClock,
    refused: RefusedRequests,
}

impl Verifier {
    /// A verifier that accepts signatures of any of the keys: two while a secret is being changed,
    /// because Slack gives no grace period.
    #[must_use]
    pub fn new(keys: Vec<SigningKey>, clock: SharedClock, metrics: Arc<Metrics>) -> Self {
        let replays = Seen::new(TOLERANCE, Arc::clone(&metrics));
        let reasons = Unverified::ALL.map(Unverified::reason);
        let refused = RefusedRequests::new("slack", reasons, Arc::clone(&clock), metrics);
        Self { keys: RwLock::new(keys), replays, clock, refused }
    }

    /// Accepts signatures of these keys and of no others from now on. What was here is remembered.
    pub(crate) fn use_keys(&self, keys: Vec<SigningKey>) {
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = keys;
    }

    /// The keys whose signatures are accepted.
    pub(super) fn keys(&self) -> Vec<SigningKey> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Checks one request.
    ///
    /// The signature is judged before the time, so that a count of [`Unverified::ClockSkew`] always
    /// means genuine requests: a stranger cannot raise that alarm.
    ///
    /// # Errors
    /// The first rule that the request breaks.
    pub fn verify(&self, headers: &HeaderMap, body: Bytes) -> Result<SlackRequest, Unverified> {
        let timestamp = only(headers, TIMESTAMP_HEADER)?;
        let signature = only(headers, SIGNATURE_HEADER)?;
        let signed_at = parse_timestamp(timestamp)?;
        let code = parse_signature(signature)?;

        // Every key is tried, so the time taken does not tell which one it was.
        let genuine = self
            .keys
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
            .fold(false, |found, key| key.accepts(VERSION, timestamp, &body, &code) | found);
        if !genuine {
            return Err(Unverified::Signature);
        }
        let now = self.clock.now();
        if between(signed_at, now).max(between(now, signed_at)) > TOLERANCE {
            return Err(Unverified::ClockSkew);
        }
        if !self.replays.first_time_signed(&code, signed_at, self.clock.monotonic()) {
            return Err(Unverified::Replayed);
        }
        Ok(SlackRequest { body, is_form: is_form(headers), signature: code })
    }

    /// Reads and checks a request, and takes note if it is refused.
    ///
    /// # Errors
    /// The first rule that the request breaks.
    pub async fn admit(&self, request: Request) -> Result<Inbound, Unverified> {
        let (parts, body) = request.into_parts();
        let outcome = match read(&parts.headers, body).await {
            Ok(body) => self.judge(&parts.headers, body),
            Err(problem) => Err(problem),
        };
        outcome.inspect_err(|problem| self.refused.note(problem.why()))
    }

    /// Takes note of a request that another process has had before.
    pub(super) fn refuse_replayed(&self) -> Unverified {
        self.refused.note(Unverified::Replayed.why());
        Unverified::Replayed
    }

    fn judge(&self, headers: &HeaderMap, body: Bytes) -> Result<Inbound, Unverified> {
        let unsigned =
            !headers.contains_key(SIGNATURE_HEADER) && !headers.contains_key(TIMESTAMP_HEADER);
        if unsigned && is_form(headers) && is_ssl_check(&body) {
            return Ok(Inbound::SslCheck);
        }
        let request = self.verify(headers, body)?;
        let check = request.is_form && is_ssl_check(&request.body);
        Ok(if check { Inbound::SslCheck } else { Inbound::Signed(request) })
    }
}

/// Reads a body up to the limit, and none of one that announces to be larger.
async fn read(headers: &HeaderMap, body: axum::body::Body) -> Result<Bytes, Unverified> {
    let announced = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    if announced
        .and_then(|length| length.parse().ok())
        .is_some_and(|length: usize| length > LARGEST_BODY)
    {
        return Err(Unverified::TooLarge);
    }
    match Limited::new(body, LARGEST_BODY).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Unverified::TooLarge),
        Err(_) => Err(Unverified::Unread),
    }
}

fn only<'a>(headers: &'a HeaderMap, name: &str) -> Result<&'a [u8], Unverified> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => Ok(value.as_bytes()),
        _ => Err(Unverified::Headers),
    }
}

fn parse_timestamp(text: &[u8]) -> Result<Timestamp, Unverified> {
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return Err(Unverified::Timestamp);
    }
    std::str::from_utf8(text)
        .ok()
        .and_then(|text| text.parse().ok())
        .and_then(|seconds| Timestamp::from_second(seconds).ok())
        .ok_or(Unverified::Timestamp)
}

fn parse_signature(text: &[u8]) -> Result<[u8; 32], Unverified> {
    let digits = text.strip_prefix(b"v0=").ok_or(Unverified::Malformed)?;
    if digits.iter().any(u8::is_ascii_uppercase) {
        return Err(Unverified::Malformed);
    }
    let mut code = [0; 32];
    hex::decode_to_slice(digits, &mut code).map_err(|_| Unverified::Malformed)?;
    Ok(code)
}

/// Whether the content type is a form's: one header, any case, any parameters.
fn is_form(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(CONTENT_TYPE).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return false };
    let Ok(value) = value.to_str() else { return false };
    let essence = value.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

/// Whether a form says `ssl_check=1`, once and exactly. Nothing else in it is looked at.
fn is_ssl_check(body: &[u8]) -> bool {
    // Cheap on the hot path: a body without the word is not decoded.
    if !body.windows(9).any(|window| window == b"ssl_check") {
        return false;
    }
    let mut values = form_urlencoded::parse(body)
        .filter(|(name, _)| name == "ssl_check")
        .map(|(_, value)| value);
    matches!((values.next(), values.next()), (Some(value), None) if value == "1")
}

#[cfg(test)]
mod tests;
