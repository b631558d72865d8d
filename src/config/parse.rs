//! What a single value must look like. A complaint says what is wrong and what to write instead,
//! and never repeats the value.

use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;
use url::{Host, Url};

use super::complaint::{Complaint, Parsed};
use super::time as times;

/// A shorter key could be guessed by trying.
const KEY_LENGTH_MIN: usize = 16;

/// An IP address with a port.
pub fn address(text: &str) -> Parsed<SocketAddr> {
    text.parse().map_err(|_| {
        "is not an IP address with a port: write it like 127.0.0.1:3000 or [::1]:3000".into()
    })
}

/// A whole number within bounds.
pub fn count(text: &str, bounds: &RangeInclusive<usize>) -> Parsed<usize> {
    text.parse().ok().filter(|number| bounds.contains(number)).ok_or_else(|| {
        let (low, high) = (bounds.start(), bounds.end());
        format!("is not a number in bounds: write one from {low} to {high}").into()
    })
}

/// `true` or `false`.
pub fn boolean(text: &str) -> Parsed<bool> {
    text.parse().map_err(|_| "is neither true nor false: write one of them".into())
}

/// A time within bounds.
pub fn time(text: &str, bounds: &RangeInclusive<Duration>) -> Parsed<Duration> {
    let time = times::parse(text)
        .ok_or("is not a time: write a whole number with its unit, like 250ms, 2s, 5m or 24h")?;
    if bounds.contains(&time) {
        return Ok(time);
    }
    let (low, high) = (times::write(*bounds.start()), times::write(*bounds.end()));
    Err(format!("is out of bounds: write a time from {low} to {high}").into())
}

/// A URL with scheme http or https, a host and no user name, password, query or fragment.
pub fn base_url(text: &str) -> Parsed<Url> {
    let url = web_url(text)?;
    if url.query().is_some() || url.fragment().is_some() {
        return Err("carries a query or a fragment: end it with its path".into());
    }
    Ok(url)
}

/// As [`base_url`], and plain http only for this machine.
pub fn secure_base_url(text: &str) -> Parsed<Url> {
    base_url(text).and_then(secure)
}

/// A URL to call, with plain http only for this machine.
pub fn secure_url(text: &str) -> Parsed<Url> {
    let url = web_url(text)?;
    if url.fragment().is_some() {
        return Err("carries a fragment: remove it, servers never see it".into());
    }
    secure(url)
}

/// As [`secure_base_url`], and without a path.
pub fn origin(text: &str) -> Parsed<Url> {
    let url = secure_base_url(text)?;
    if url.path() != "/" {
        return Err("carries a path: end it with the host, or the port if there is one".into());
    }
    Ok(url)
}

fn web_url(text: &str) -> Parsed<Url> {
    let url = Url::parse(text)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
        .ok_or("is not a web address: write it in full, like https://connect.example.com")?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err("carries a user name or a password: remove them".into());
    }
    Ok(url)
}

fn secure(url: Url) -> Parsed<Url> {
    if url.scheme() == "https" || is_loopback(&url) {
        return Ok(url);
    }
    Err("is plain http: write https, as http is for this machine's own addresses only".into())
}

/// Whether the URL's host is this machine: a loopback address or the name `localhost`.
#[must_use]
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => IpAddr::V4(address).is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::V6(address).is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

/// The doubt about a URL that may be plain http, as within a cluster, but should not be elsewhere.
#[must_use]
pub fn in_the_clear(url: &Url) -> Option<Complaint> {
    (url.scheme() == "http" && !is_loopback(url)).then(|| {
        "is plain http to another machine, so keys travel unencrypted: write https unless the \
         network between is your own"
            .into()
    })
}

/// A GUID, as Entra gives them to applications; in lower case.
pub fn guid(text: &str) -> Parsed<String> {
    if is_guid(text) {
        return Ok(text.to_ascii_lowercase());
    }
    Err("is not a GUID: copy it again, like 11111111-2222-3333-4444-555555555555".into())
}

/// Whether a text has the form of a GUID.
#[must_use]
pub fn is_guid(text: &str) -> bool {
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_hexdigit());
    text.split('-').map(str::len).eq([8, 4, 4, 4, 12]) && text.split('-').all(digits)
}

/// What a secret begins with, in lower case, that nobody has filled in.
const PLACEHOLDERS: [&str; 8] =
    ["example", "xoxb-example", "your-", "your_", "<", "${", "changeme", "change-me"];

/// A secret that fits into an HTTP header: visible ASCII, no spaces. No example is one.
pub fn secret(text: &str) -> Parsed<SecretString> {
    let lower = text.to_ascii_lowercase();
    if PLACEHOLDERS.iter().any(|beginning| lower.starts_with(beginning)) {
        return Err("is only an example: fill in your own".into());
    }
    if text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(text.into());
    }
    Err("contains a space or a character beyond ASCII: copy it again, without any around it".into())
}

/// A secret that signs what others verify.
pub fn signing_key(text: &str) -> Parsed<SecretString> {
    if text.len() < KEY_LENGTH_MIN {
        return Err(format!(
            "is too short to be safe: write at least {KEY_LENGTH_MIN} random characters"
        )
        .into());
    }
    secret(text)
}

/// An identifier of something in Novu.
pub fn identifier(text: &str) -> Parsed<String> {
    if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err("contains a space: copy the identifier from Novu's dashboard".into());
    }
    Ok(text.to_owned())
}

/// The path of a PEM file. Its content in that place would be a private key in the environment.
pub fn pem_path(text: &str) -> Parsed<PathBuf> {
    if text.contains("-----BEGIN") {
        return Err("is the content of a file: name the file that holds it".into());
    }
    Ok(PathBuf::from(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn accepts<T>(parse: impl Fn(&str) -> Parsed<T>, texts: &[&str]) {
        for text in texts {
            assert!(parse(text).is_ok(), "{text:?}");
        }
    }

    #[track_caller]
    fn refuses<T>(parse: impl Fn(&str) -> Parsed<T>, texts: &[&str]) {
        for text in texts {
            assert!(parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn addresses_are_numbers() {
        accepts(address, &["127.0.0.1:3000", "[::1]:3000", "0.0.0.0:0"]);
        refuses(address, &["localhost:3000", "127.0.0.1", ":3000", "127.0.0.1:70000"]);
    }

    #[test]
    fn numbers_and_times_have_bounds() {
        let count = |text: &str| count(text, &(1..=10));
        accepts(count, &["1", "10"]);
        refuses(count, &["0", "11", "-1", "ten", "1.0"]);
        let bounds = Duration::from_millis(100)..=Duration::from_millis(2500);
        let time = |text: &str| time(text, &bounds);
        accepts(time, &["100ms", "2s", "2500ms"]);
        refuses(time, &["99ms", "3s", "2501ms", "1m", "2"]);
    }

    #[test]
    fn an_origin_is_https_and_nothing_but_scheme_host_and_port() {
        accepts(
            origin,
            &[
                "https://a.example",
                "https://a.example/",
                "https://a.example:8443",
                "http://[::1]:80",
            ],
        );
        refuses(
            origin,
            &[
                "a.example",
                "http://a.example",
                "https://a.example/path",
                "https://a.example/?q",
                "https://a.example/#f",
                "https://user@a.example",
                "ftp://a.example",
                "https://",
            ],
        );
    }

    #[test]
    fn a_base_may_be_plain_http_only_where_that_is_allowed() {
        accepts(base_url, &["http://novu-api.novu.svc:3000", "https://a.example/api"]);
        refuses(base_url, &["http://user:pass@a.example", "https://a.example?x=1", "novu"]);
        accepts(secure_base_url, &["http://localhost:1/api", "https://slack.com/api"]);
        refuses(secure_base_url, &["http://slack.com/api"]);
        accepts(secure_url, &["https://a.example/hook?code=1"]);
        refuses(secure_url, &["http://a.example/hook", "https://a.example/hook#f"]);
    }

    #[test]
    fn plain_http_to_another_machine_is_doubted() {
        let doubted = |text: &str| in_the_clear(&Url::parse(text).unwrap()).is_some();
        for text in ["http://novu-api:3000", "http://10.0.0.7", "http://localhost.example"] {
            assert!(doubted(text), "{text}");
        }
        for text in ["https://a.example", "http://localhost:1", "http://127.0.0.9", "http://[::1]"]
        {
            assert!(!doubted(text), "{text}");
        }
    }

    #[test]
    fn secrets_fit_into_a_header() {
        accepts(secret, &["8f742231b10e8888abcd99yyyzzz85a5", "xoxb-1-A"]);
        refuses(secret, &["a b", "a\n", " a", "ключ", "a\u{7f}"]);
        accepts(signing_key, &["0123456789abcdef"]);
        refuses(signing_key, &["0123456789abcde", "0123456789 abcdef"]);
    }

    #[test]
    fn examples_are_no_secrets() {
        refuses(
            secret,
            &["example-of-a-key", "xoxb-example", "your-api-key", "<key>", "${KEY}", "CHANGEME"],
        );
        refuses(signing_key, &["example-of-a-link-signing-key"]);
        accepts(secret, &["an-example", "youre-it", "xoxb-1-example"]);
    }

    #[test]
    fn guids_are_taken_in_either_case() {
        let id = "0b1f7a3e-5b1c-4f52-9a43-0d2c5a9e7f10";
        assert_eq!(guid(id), Ok(id.to_owned()));
        assert_eq!(guid(&id.to_uppercase()), Ok(id.to_owned()));
        refuses(guid, &["myapp", "", &id[1..], &id.replace('-', ""), &format!("{{{id}}}")]);
    }

    #[test]
    fn identifiers_and_paths_are_not_what_they_are_mistaken_for() {
        accepts(identifier, &["slack", "slack-Ab3_x"]);
        refuses(identifier, &["my slack", "slack\n"]);
        accepts(pem_path, &["bot.pem", "/run/secrets/tls.crt"]);
        refuses(pem_path, &["-----BEGIN PRIVATE KEY-----\nMII", "\n-----BEGIN CERTIFICATE-----"]);
    }
}
