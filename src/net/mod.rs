//! The fence around every request that leaves the process.
//!
//! Which hosts may be called is decided at start, from configuration. A [`Fence`] holds such a
//! list and judges parsed URLs; [`client`] builds the one HTTP client, which never follows a
//! redirect and limits time; [`read_limited`] limits size. A URL that came from outside (a Slack
//! response URL, a Teams service URL, a minted link) is used only after its fence has let it pass.

pub mod origin;
pub(crate) mod settings;

use std::fmt;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use jiff::Timestamp;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use url::Url;

use crate::clock::between;
pub use crate::config::parse::is_loopback;

/// How long a TCP and TLS handshake may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// How long an unused connection is kept for the next request.
const POOL_IDLE_TIMEOUT: Duration = Duration::from_mins(1);
/// The longest total time of any request that does not set its own, shorter one.
const TOTAL_TIMEOUT: Duration = Duration::from_secs(30);

/// Builds the HTTP client that all upstreams share.
///
/// It follows no redirects (a redirect would carry credentials to a host nobody allowed), and every
/// request has a time limit.
///
/// # Errors
/// Where the machine has no certificate authorities to trust: the TLS stack cannot be set up.
pub fn client() -> Result<reqwest::Client, reqwest::Error> {
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(TOTAL_TIMEOUT)
        .pool_idle_timeout(POOL_IDLE_TIMEOUT)
        .tcp_nodelay(true)
        .referer(false)
        .user_agent(concat!("novu-connect-bot/", env!("CARGO_PKG_VERSION")))
        .build()
}

/// Whether a fence admits hosts below the listed ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subdomains {
    /// Only the listed hosts.
    Refused,
    /// The listed hosts and every host below them.
    Allowed,
}

/// A list of hosts that a URL may have.
///
/// An entry is `host` or `host:port`. Without a port only the scheme's usual port passes, save for
/// loopback addresses, where any does. Plain `http` passes for loopback only. A URL with a user name
/// or a password never passes.
#[derive(Debug, Clone)]
pub struct Fence {
    entries: Vec<(String, Option<u16>)>,
    subdomains: Subdomains,
}

/// Why a URL stays inside the fence. Says nothing of the URL itself, which may be a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Outside {
    /// The scheme is not https (or http to a loopback address).
    #[error("the scheme is not https")]
    Scheme,
    /// The host is not on the list.
    #[error("the host is not on the list")]
    Host,
    /// The port is not the one on the list.
    #[error("the port is not on the list")]
    Port,
    /// The URL carries a user name or a password.
    #[error("the address carries credentials")]
    Credentials,
}

impl Fence {
    /// Builds a fence from entries `host` or `host:port`; case does not matter.
    ///
    /// # Errors
    /// Names the first entry that is not a host.
    pub fn new<I>(entries: I, subdomains: Subdomains) -> Result<Self, BadHost>
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        let entries = entries
            .into_iter()
            .map(|entry| parse_entry(entry.as_ref()))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Self { entries, subdomains })
    }

    /// Judges a URL.
    ///
    /// # Errors
    /// [`Outside`] tells which rule the URL breaks.
    pub fn check(&self, url: &Url) -> Result<(), Outside> {
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Outside::Credentials);
        }
        let loopback = is_loopback(url);
        if !(url.scheme() == "https" || (url.scheme() == "http" && loopback)) {
            return Err(Outside::Scheme);
        }
        let host = url.host_str().ok_or(Outside::Host)?;
        let mut known_host = false;
        for (entry, port) in &self.entries {
            if !self.matches(entry, host) {
                continue;
            }
            known_host = true;
            let right_port = match port {
                Some(port) => url.port_or_known_default() == Some(*port),
                None => loopback || url.port().is_none(),
            };
            if right_port {
                return Ok(());
            }
        }
        Err(if known_host { Outside::Port } else { Outside::Host })
    }

    fn matches(&self, entry: &str, host: &str) -> bool {
        entry == host
            || (self.subdomains == Subdomains::Allowed
                && host.strip_suffix(entry).is_some_and(|head| head.ends_with('.')))
    }
}

/// An entry of a host list that is not a host.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a host or host:port")]
pub struct BadHost(pub String);

fn parse_entry(entry: &str) -> Result<(String, Option<u16>), BadHost> {
    let bad = || BadHost(entry.to_owned());
    // A URL parser lowers the case, maps international names and rejects what is not a host.
    let url = Url::parse(&format!("https://{entry}")).map_err(|_| bad())?;
    let plain = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    let host = url.host_str().filter(|host| !host.is_empty()).ok_or_else(bad)?;
    if !plain || !url.username().is_empty() || url.password().is_some() || entry.ends_with('/') {
        return Err(bad());
    }
    // The parser drops a port that equals the scheme's own, hence the look at the text.
    let port = url.port().or_else(|| entry.ends_with(":443").then_some(443));
    Ok((host.to_owned(), port))
}

/// Why a response body could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The body is larger than the limit, in bytes.
    #[error("the response is larger than {0} bytes")]
    TooLarge(usize),
    /// The connection broke or the time ran out.
    #[error("the response could not be read")]
    Transport(#[source] reqwest::Error),
}

/// Reads a response body of at most `limit` bytes and drops the connection beyond that.
///
/// # Errors
/// The body is too large, or the transport failed.
pub async fn read_limited(
    mut response: reqwest::Response,
    limit: usize,
) -> Result<Bytes, ReadError> {
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| {
        // The error would otherwise print the URL, and URLs are secrets here.
        ReadError::Transport(error.without_url())
    })? {
        if body.len() + chunk.len() > limit {
            return Err(ReadError::TooLarge(limit));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

/// How long an answer asks to wait: whole seconds, or a date (RFC 9110, section 10.2.3).
#[must_use]
pub fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
    Some(between(now, date))
}

/// Percent-encodes an identifier for use as one path segment. `Url`'s own segment setter is no
/// help: it drops tabs and line breaks, which would address something else. No encoding makes a
/// segment of an identifier that is empty or just dots.
#[must_use]
pub fn encode_segment(id: &str) -> String {
    form_urlencoded::byte_serialize(id.as_bytes())
        .map(|piece| if piece == "+" { "%20" } else { piece })
        .collect()
}

/// A URL that must not be printed: a response URL or a sign-in link is as good as a password.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretUrl(Url);

impl SecretUrl {
    /// Wraps a URL.
    #[must_use]
    pub fn new(url: Url) -> Self {
        Self(url)
    }

    /// The URL itself, for the one call or message that needs it.
    #[must_use]
    pub fn expose(&self) -> &Url {
        &self.0
    }
}

impl fmt::Debug for SecretUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretUrl(…)")
    }
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::*;

    fn verdict(fence: &Fence, url: &str) -> Result<(), Outside> {
        fence.check(&Url::parse(url).unwrap())
    }

    #[test]
    fn subdomains_pass_only_where_allowed() {
        let wide = Fence::new(["slack.com", "slack-gov.com"], Subdomains::Allowed).unwrap();
        let narrow = Fence::new(["slack.com"], Subdomains::Refused).unwrap();
        let cases = [
            ("https://slack.com/x", Ok(()), Ok(())),
            ("https://hooks.slack.com/x", Ok(()), Err(Outside::Host)),
            ("https://HOOKS.SLACK.COM/x", Ok(()), Err(Outside::Host)),
            ("https://hooks.slack-gov.com/x", Ok(()), Err(Outside::Host)),
            ("https://evilslack.com/x", Err(Outside::Host), Err(Outside::Host)),
            ("https://slack.com.evil.example/", Err(Outside::Host), Err(Outside::Host)),
            ("http://slack.com/x", Err(Outside::Scheme), Err(Outside::Scheme)),
            ("https://slack.com:8443/x", Err(Outside::Port), Err(Outside::Port)),
            ("https://a@slack.com/x", Err(Outside::Credentials), Err(Outside::Credentials)),
            ("ftp://slack.com/x", Err(Outside::Scheme), Err(Outside::Scheme)),
        ];
        for (url, in_wide, in_narrow) in cases {
            assert_eq!(verdict(&wide, url), in_wide, "{url}");
            assert_eq!(verdict(&narrow, url), in_narrow, "{url}");
        }
    }

    #[test]
    fn plain_http_is_for_loopback_and_a_listed_port_binds() {
        let any_port = Fence::new(["127.0.0.1"], Subdomains::Refused).unwrap();
        let one_port =
            Fence::new(["127.0.0.1:4000", "localhost:4000"], Subdomains::Refused).unwrap();
        assert_eq!(verdict(&any_port, "http://127.0.0.1:9999/x"), Ok(()));
        assert_eq!(verdict(&any_port, "http://127.0.0.2:9999/x"), Err(Outside::Host));
        assert_eq!(verdict(&one_port, "http://127.0.0.1:4000/x"), Ok(()));
        assert_eq!(verdict(&one_port, "http://127.0.0.1:4001/x"), Err(Outside::Port));
        assert_eq!(verdict(&one_port, "http://localhost:4000/x"), Ok(()));
        let standard = Fence::new(["a.example:443"], Subdomains::Refused).unwrap();
        assert_eq!(verdict(&standard, "https://a.example/"), Ok(()));
    }

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
            ("99999999999999999999999", None),
            ("", None),
        ];
        for (text, expected) in cases {
            let headers = HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_static(text))]);
            assert_eq!(retry_after(&headers, now), expected.map(Duration::from_secs), "{text}");
        }
        assert_eq!(retry_after(&HeaderMap::new(), now), None);
    }

    #[test]
    fn entries_that_are_not_hosts_are_named() {
        for entry in ["", "https://slack.com", "slack.com/x", "a@slack.com", "slack.com:port"] {
            assert_eq!(
                Fence::new([entry], Subdomains::Refused).map(|_| ()),
                Err(BadHost(entry.to_owned())),
            );
        }
    }
}
