//! The body of an activity: how much of it is read, and the part that verification needs.

use std::borrow::Cow;

use axum::http::HeaderMap;
use axum::http::header::CONTENT_LENGTH;
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::Deserialize;

use super::json;
use super::unverified::Unverified;

/// The one channel that is served, as Microsoft names it.
pub const CHANNEL: &str = "msteams";
/// The largest body that is read, in bytes. Usual activities have a few thousand.
pub const LARGEST_BODY: usize = 256 * 1024;

/// Refuses a body that announces to be too large, before anything else is done for it.
pub(super) fn check_announced(headers: &HeaderMap) -> Result<(), Unverified> {
    let announced = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    match announced.and_then(|length| length.parse::<u64>().ok()) {
        Some(length) if length > LARGEST_BODY as u64 => Err(Unverified::TooLarge),
        _ => Ok(()),
    }
}

/// Reads a body up to the limit.
pub(super) async fn read(body: axum::body::Body) -> Result<Bytes, Unverified> {
    match Limited::new(body, LARGEST_BODY).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Unverified::TooLarge),
        Err(_) => Err(Unverified::Unread),
    }
}

/// What the token has to vouch for. A field that comes twice makes no envelope, so that nobody who
/// reads the body later can see another one than was checked here.
#[derive(Deserialize)]
pub(super) struct Envelope<'a> {
    /// Where answers go.
    #[serde(borrow, rename = "serviceUrl", default)]
    pub(super) service_url: Cow<'a, str>,
    /// The channel, such as `msteams`.
    #[serde(borrow, rename = "channelId", default)]
    pub(super) channel: Cow<'a, str>,
}

impl<'a> Envelope<'a> {
    /// Reads the envelope of an activity.
    pub(super) fn read(body: &'a [u8]) -> Result<Self, Unverified> {
        json::object(body).ok_or(Unverified::Envelope)
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn a_field_that_comes_twice_makes_no_envelope() {
        for body in [
            r#"{"serviceUrl":"https://a/","serviceUrl":"https://b/","channelId":"msteams"}"#,
            r#"{"serviceUrl":"https://a/","channelId":"msteams","channelId":"slack"}"#,
            r#"{"serviceUrl":"https://a/","service\u0055rl":"https://b/","channelId":"msteams"}"#,
            r#"{"serviceUrl":null,"channelId":"msteams"}"#,
            r#"{"serviceUrl":["https://a/"],"channelId":"msteams"}"#,
            r#"["https://a/","msteams"]"#,
            r#"{"serviceUrl":"https://a/","channelId":"msteams"} {}"#,
            "",
            "msteams",
        ] {
            assert_eq!(Envelope::read(body.as_bytes()).err(), Some(Unverified::Envelope), "{body}");
        }
    }

    #[test]
    fn an_announced_length_counts_only_beyond_the_limit() {
        for (length, expected) in [
            ("0", Ok(())),
            ("262144", Ok(())),
            ("262145", Err(Unverified::TooLarge)),
            ("18446744073709551615", Err(Unverified::TooLarge)),
            ("many", Ok(())),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_LENGTH, HeaderValue::from_static(length));
            assert_eq!(check_announced(&headers), expected, "{length}");
        }
    }
}
