//! Proof that a request is Slack's.
//!
//! [`SlackRequest`] is the proof: only [`Verifier::verify`] makes one, from the raw bytes, before
//! anything in them is decoded. The rules are Slack's (verifying requests from Slack), and stricter
//! where the documents leave room: exactly one of each header, a timestamp of plain digits, and no
//! signature is accepted twice.

use std::sync::Arc;
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
}

impl SlackRequest {
    /// The raw body.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.body
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
    keys: Vec<SigningKey>,
    replays: Seen,
    clock: SharedClock,
    metrics: Arc<Metrics>,
}

impl Verifier {
    /// A verifier that accepts signatures of any of the keys: two while a secret is being changed,
    /// because Slack gives no grace period.
    #[must_use]
    pub fn new(keys: Vec<SigningKey>, clock: SharedClock, metrics: Arc<Metrics>) -> Self {
        metrics.begin_refused("slack", Unverified::ALL.map(Unverified::reason));
        Self { keys, replays: Seen::new(TOLERANCE, Arc::clone(&metrics)), clock, metrics }
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
        Ok(SlackRequest { body, is_form: is_form(headers) })
    }

    /// Reads and checks a request, and counts it if it is refused.
    ///
    /// # Errors
    /// The first rule that the request breaks.
    pub async fn admit(&self, request: Request) -> Result<Inbound, Unverified> {
        let (parts, body) = request.into_parts();
        let outcome = match read(&parts.headers, body).await {
            Ok(body) => self.judge(&parts.headers, body),
            Err(problem) => Err(problem),
        };
        outcome.map_err(|problem| self.refuse(problem))
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

    fn refuse(&self, problem: Unverified) -> Unverified {
        self.metrics.refused("slack", problem.reason());
        match problem {
            // The operator can do something about these; the others are the internet's weather.
            Unverified::ClockSkew | Unverified::Replayed => {
                tracing::warn!(reason = problem.reason(), "{problem}");
            }
            _ => tracing::debug!(reason = problem.reason(), "{problem}"),
        }
        problem
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
mod tests {
    use axum::http::HeaderValue;
    use proptest::prelude::*;
    use secrecy::SecretString;

    use super::*;
    use crate::clock::ManualClock;

    const DOC_SECRET: &str = "8f742231b10e8888abcd99yyyzzz85a5";
    const DOC_BODY: &str = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
    const V2_BODY: &str = r#"{"token":"aF5ynEYQH0dFN9imlgcADxDB","team_id":"XXXXXXXXX","api_app_id":"YYYYYYYYY","event":{"type":"app_mention","user":"AAAAAAAAA","text":"<@EEEEEEEEE> hello world","client_msg_id":"477cc591-ch73-a14z-4db8-g0cd76321bec","ts":"1531431954.000073","channel":"TTTTTTTTT","event_ts":"1531431954.000073"},"type":"event_callback","event_id":"TvBP7LRED7","event_time":1531431954,"authed_users":["EEEEEEEEE"]}"#;

    fn verifier(secrets: &[&str], now: i64) -> Verifier {
        let keys = secrets
            .iter()
            .filter_map(|secret| SigningKey::new(&SecretString::from(*secret)))
            .collect();
        let clock = ManualClock::new(Timestamp::from_second(now).unwrap());
        Verifier::new(keys, Arc::new(clock), Arc::default())
    }

    fn headers(timestamp: &[u8], signature: &[u8]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(TIMESTAMP_HEADER, HeaderValue::from_bytes(timestamp).unwrap());
        headers.insert(SIGNATURE_HEADER, HeaderValue::from_bytes(signature).unwrap());
        headers
    }

    fn verdict(
        verifier: &Verifier,
        timestamp: &str,
        signature: &str,
        body: &[u8],
    ) -> Result<(), Unverified> {
        let headers = headers(timestamp.as_bytes(), signature.as_bytes());
        verifier.verify(&headers, Bytes::copy_from_slice(body)).map(|_| ())
    }

    #[test]
    fn published_signatures_are_accepted() {
        let doc = DOC_SECRET;
        let emoji = "command=%2Fconnect&text=é🔔".as_bytes();
        let vectors: [(&str, &str, &[u8], &str); 7] = [
            (
                doc,
                "1531420618",
                DOC_BODY.as_bytes(),
                "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
            ),
            (
                "e6b19c573432dcc6b075501d51b51bb8",
                "1531431954",
                V2_BODY.as_bytes(),
                "v0=adada4ed31709aef585c2580ca3267678c6a8eaeb7e0c1aca3ee57b656886b2c",
            ),
            (
                "fa2c05deeef5a4077494e89f54394de0",
                "1531420618",
                b"test-body",
                "v0=baa91ef62d346e56607bbdd278a8acd570b91226854f15a382f43d33be42f666",
            ),
            (
                doc,
                "1531420618",
                b"",
                "v0=55f41ec73231010289b54e669149ea021fccab11b5524355523533ce930cb739",
            ),
            (
                doc,
                "1531420618",
                b"command=%2Fconnect&text=\xff\xfe\x00",
                "v0=3cab0f6141f042ae8298075ffbf6888da55af1fe28b102ba947511ef4bfaaf0d",
            ),
            (
                doc,
                "1531420618",
                emoji,
                "v0=cf2456fd64c2e643be140c9843075cc35463c7f37edc1f4cfbca03abbd1762be",
            ),
            (
                doc,
                "1531420618",
                b"command=%2Fconnect&text=%C3%A9%F0%9F%94%94",
                "v0=64d803469eb179377dba9a8e066c9b40dc530768dee3ed4ca1eabd90899c6d57",
            ),
        ];
        for (secret, timestamp, body, signature) in vectors {
            let now = timestamp.parse().unwrap();
            assert_eq!(verdict(&verifier(&[secret], now), timestamp, signature, body), Ok(()));
            // The same with a newer secret beside it, on either side.
            for secrets in [["new secret", secret], [secret, "new secret"]] {
                assert_eq!(verdict(&verifier(&secrets, now), timestamp, signature, body), Ok(()));
            }
        }
    }

    #[test]
    fn a_signature_made_with_an_empty_secret_is_never_accepted() {
        let signature = "v0=84f0c05aa2651719be4d0104de937ec93a758e32b74874047c7fe086f7b25e13";
        let body = br#"{"foo":"bar"}"#;
        for secrets in [&[""][..], &[" "], &["", DOC_SECRET], &[]] {
            let verifier = verifier(secrets, 1_531_420_618);
            assert_eq!(
                verdict(&verifier, "1531420618", signature, body),
                Err(Unverified::Signature)
            );
        }
    }

    #[test]
    fn five_minutes_either_way_are_tolerated_and_not_a_second_more() {
        let key = SigningKey::new(&DOC_SECRET.into()).unwrap();
        let now = 1_531_420_618;
        for (offset, expected) in [
            (-301, Err(Unverified::ClockSkew)),
            (-300, Ok(())),
            (0, Ok(())),
            (300, Ok(())),
            (301, Err(Unverified::ClockSkew)),
        ] {
            let timestamp = (now + offset).to_string();
            let signature = key.sign(VERSION, timestamp.as_bytes(), b"x");
            let verifier = verifier(&[DOC_SECRET], now);
            assert_eq!(verdict(&verifier, &timestamp, &signature, b"x"), expected, "{offset}");
            // A stranger cannot raise the alarm about clocks.
            let forged =
                signature.replace(|c: char| c.is_ascii_digit(), "a").replacen("va=", "v0=", 1);
            assert_eq!(
                verdict(&verifier, &timestamp, &forged, b"x"),
                Err(Unverified::Signature),
                "{offset}"
            );
        }
    }

    #[test]
    fn headers_have_one_form() {
        let now = 1_531_420_618;
        let key = SigningKey::new(&DOC_SECRET.into()).unwrap();
        let good = key.sign(VERSION, b"1531420618", b"x");
        let of = |timestamp: &[u8]| key.sign(VERSION, timestamp, b"x");
        let cases: [(&[u8], String, Unverified); 12] = [
            (b"1531420618.0", of(b"1531420618.0"), Unverified::Timestamp),
            (b"1.531420618e9", of(b"1.531420618e9"), Unverified::Timestamp),
            (b"+1531420618", of(b"+1531420618"), Unverified::Timestamp),
            (b"-1", of(b"-1"), Unverified::Timestamp),
            (b"", of(b""), Unverified::Timestamp),
            (b"99999999999999999999999", of(b"99999999999999999999999"), Unverified::Timestamp),
            (
                "１５３１４２０６１８".as_bytes(),
                of("１５３１４２０６１８".as_bytes()),
                Unverified::Timestamp,
            ),
            (b"1531420618", good.to_uppercase(), Unverified::Malformed),
            (b"1531420618", good.replacen("v0", "v1", 1), Unverified::Malformed),
            (b"1531420618", good[..good.len() - 2].to_owned(), Unverified::Malformed),
            (b"1531420618", format!("{good}00"), Unverified::Malformed),
            (b"1531420618", format!("v0={}", "ö".repeat(32)), Unverified::Malformed),
        ];
        for (timestamp, signature, problem) in cases {
            let headers = headers(timestamp, signature.as_bytes());
            let verifier = verifier(&[DOC_SECRET], now);
            let outcome = verifier.verify(&headers, Bytes::from_static(b"x"));
            assert_eq!(outcome.map(|_| ()), Err(problem), "{signature}");
        }
    }

    #[test]
    fn a_header_given_twice_or_not_at_all_is_refused() {
        let key = SigningKey::new(&DOC_SECRET.into()).unwrap();
        let signature = key.sign(VERSION, b"1531420618", b"x");
        for name in [SIGNATURE_HEADER, TIMESTAMP_HEADER] {
            let verifier = verifier(&[DOC_SECRET], 1_531_420_618);
            let mut twice = headers(b"1531420618", signature.as_bytes());
            let same = twice.get(name).unwrap().clone();
            twice.append(name, same);
            let mut missing = headers(b"1531420618", signature.as_bytes());
            missing.remove(name);
            for headers in [twice, missing] {
                let outcome = verifier.verify(&headers, Bytes::from_static(b"x")).map(|_| ());
                assert_eq!(outcome, Err(Unverified::Headers));
            }
        }
    }

    #[test]
    fn a_signature_counts_once() {
        let key = SigningKey::new(&DOC_SECRET.into()).unwrap();
        let verifier = verifier(&[DOC_SECRET], 1_531_420_618);
        let signature = key.sign(VERSION, b"1531420618", b"x");
        assert_eq!(verdict(&verifier, "1531420618", &signature, b"x"), Ok(()));
        assert_eq!(verdict(&verifier, "1531420618", &signature, b"x"), Err(Unverified::Replayed));
        let other = key.sign(VERSION, b"1531420618", b"y");
        assert_eq!(verdict(&verifier, "1531420618", &other, b"y"), Ok(()));
    }

    #[test]
    fn only_an_exact_ssl_check_is_one() {
        let cases: [(&[u8], bool); 9] = [
            (b"ssl_check=1&token=xxx", true),
            (b"token=xxx&ssl_check=1", true),
            (b"ssl_check=1&payload={}", true),
            (b"ssl_check=0", false),
            (b"ssl_check=true", false),
            (b"ssl_check=", false),
            (b"ssl_check=1&ssl_check=1", false),
            (b"ssl_check=11", false),
            (b"text=ssl_check%3D1", false),
        ];
        for (body, is_one) in cases {
            assert_eq!(is_ssl_check(body), is_one, "{}", String::from_utf8_lossy(body));
        }
    }

    #[test]
    fn a_form_is_a_form_with_any_parameters_and_case() {
        let cases = [
            ("application/x-www-form-urlencoded", true),
            ("application/x-www-form-urlencoded; charset=utf-8", true),
            ("Application/X-WWW-Form-Urlencoded ;CHARSET=UTF-8", true),
            ("application/json", false),
            ("application/x-www-form-urlencodedx", false),
            ("", false),
        ];
        for (value, form) in cases {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(value));
            assert_eq!(is_form(&headers), form, "{value}");
        }
    }

    /// The definition in Slack's documentation, written down as naively as it reads there.
    fn reference(secret: &str, now: i64, timestamp: &str, signature: &str, body: &[u8]) -> bool {
        if timestamp.is_empty() || timestamp.bytes().any(|byte| !byte.is_ascii_digit()) {
            return false;
        }
        let Ok(signed_at) = timestamp.parse::<i64>() else { return false };
        if (now - signed_at).abs() > 300 {
            return false;
        }
        let base = [b"v0:", timestamp.as_bytes(), b":", body].concat();
        let mut code =
            <hmac::Hmac<sha2::Sha256> as hmac::KeyInit>::new_from_slice(secret.as_bytes()).unwrap();
        hmac::Mac::update(&mut code, &base);
        signature == format!("v0={}", hex::encode(hmac::Mac::finalize(code).into_bytes()))
    }

    proptest! {
        #[test]
        fn exactly_what_the_definition_accepts_is_accepted(
            offset in -400_i64..400,
            body in proptest::collection::vec(any::<u8>(), 0..200),
            secret_index in 0_usize..3,
            tamper in 0_usize..5,
            at in any::<proptest::sample::Index>(),
        ) {
            let now = 1_531_420_618;
            let secrets = [DOC_SECRET, "second", "a stranger's"];
            let key = SigningKey::new(&secrets[secret_index].into()).unwrap();
            let mut timestamp = (now + offset).to_string();
            let mut signature = key.sign(VERSION, timestamp.as_bytes(), &body);
            let mut body = body;
            match tamper {
                1 => body.push(b'!'),
                2 => timestamp.push('0'),
                3 => {
                    let at = at.index(signature.len());
                    signature.replace_range(at..=at, "f");
                }
                4 => signature.truncate(at.index(signature.len())),
                _ => {}
            }
            let accepted = verdict(&verifier(&secrets[..2], now), &timestamp, &signature, &body).is_ok();
            let expected = secrets[..2]
                .iter()
                .any(|secret| reference(secret, now, &timestamp, &signature, &body));
            prop_assert_eq!(accepted, expected);
        }
    }
}
