//! How long an answer asks to wait before the next request.

use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::{HeaderMap, RETRY_AFTER};

use crate::clock::between;

/// The longest wait that is taken from an answer. Whoever asks for more is asked again then.
pub const LONGEST_WAIT: Duration = Duration::from_hours(1);

/// How long an answer asks to wait: whole seconds, or a date (RFC 9110, section 10.2.3); at most
/// [`LONGEST_WAIT`].
#[must_use]
pub fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // More seconds than a number can hold are more than the longest wait.
        text.parse().map_or(LONGEST_WAIT, Duration::from_secs)
    } else {
        let date = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
        between(now, date)
    };
    Some(wait.min(LONGEST_WAIT))
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::*;

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = "2026-08-01T10:00:00Z".parse().unwrap();
        let cases = [
            ("0", Some(0)),
            (" 7 ", Some(7)),
            ("Sat, 01 Aug 2026 10:00:30 GMT", Some(30)),
            ("Sat, 01 Aug 2026 09:00:00 GMT", Some(0)),
            ("soon", None),
            ("-1", None),
            ("1.5", None),
            ("3600", Some(3600)),
            ("999999999", Some(3600)),
            ("99999999999999999999999", Some(3600)),
            ("Sat, 01 Aug 2099 09:00:00 GMT", Some(3600)),
            ("", None),
        ];
        for (text, expected) in cases {
            let headers = HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_static(text))]);
            assert_eq!(retry_after(&headers, now), expected.map(Duration::from_secs), "{text}");
        }
        assert_eq!(retry_after(&HeaderMap::new(), now), None);
    }
}
