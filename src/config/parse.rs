//! What a single value must look like. A complaint says what is wrong and what to write instead,
//! and never repeats the value.

use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use secrecy::SecretString;
use url::Url;

use super::duration;
use super::reader::Complaint;
use crate::core::resolve::{ResolverKind, Template};
use crate::net::{self, HostAllowlist, HttpsProxy, Subdomains};
use crate::teams::token::Cloud;

type Parsed<T> = Result<T, Complaint>;

/// Slack refuses longer command names (Slack app manifest schema, slash command).
const COMMAND_LENGTH: RangeInclusive<usize> = 2..=32;
/// A shorter key could be guessed by trying.
const KEY_LENGTH_MIN: usize = 16;

/// An IP address with a port.
pub(super) fn address(text: &str) -> Parsed<SocketAddr> {
    text.parse().map_err(|_| {
        "is not an IP address with a port: write it like 127.0.0.1:3000 or [::1]:3000".into()
    })
}

/// A whole number within bounds.
pub(super) fn count(bounds: RangeInclusive<usize>) -> impl Fn(&str) -> Parsed<usize> {
    move |text| {
        text.parse().ok().filter(|number| bounds.contains(number)).ok_or_else(|| {
            let (low, high) = (bounds.start(), bounds.end());
            format!("is not a number in bounds: write one from {low} to {high}").into()
        })
    }
}

/// `true` or `false`.
pub(super) fn boolean(text: &str) -> Parsed<bool> {
    text.parse().map_err(|_| "is neither true nor false: write one of them".into())
}

/// A time within bounds.
pub(super) fn time(bounds: RangeInclusive<Duration>) -> impl Fn(&str) -> Parsed<Duration> {
    move |text| {
        let time = duration::parse(text).ok_or(
            "is not a time: write a whole number with its unit, like 250ms, 2s, 5m or 24h",
        )?;
        if bounds.contains(&time) {
            return Ok(time);
        }
        let (low, high) = (duration::write(*bounds.start()), duration::write(*bounds.end()));
        Err(format!("is out of bounds: write a time from {low} to {high}").into())
    }
}

/// A URL with scheme http or https, a host and no user name, password, query or fragment.
pub(super) fn base_url(text: &str) -> Parsed<Url> {
    let url = web_url(text)?;
    if url.query().is_some() || url.fragment().is_some() {
        return Err("carries a query or a fragment: end it with its path".into());
    }
    Ok(url)
}

/// As [`base_url`], and plain http only for this machine.
pub(super) fn secure_base_url(text: &str) -> Parsed<Url> {
    base_url(text).and_then(secure)
}

/// A URL to call, with plain http only for this machine.
pub(super) fn secure_url(text: &str) -> Parsed<Url> {
    let url = web_url(text)?;
    if url.fragment().is_some() {
        return Err("carries a fragment: remove it, servers never see it".into());
    }
    secure(url)
}

/// As [`secure_base_url`], and without a path.
pub(super) fn origin(text: &str) -> Parsed<Url> {
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
    if url.scheme() == "https" || net::is_loopback(&url) {
        return Ok(url);
    }
    Err("is plain http: write https, as http is for this machine's own addresses only".into())
}

/// The address of an HTTP proxy, which may carry a user name and a password.
pub(super) fn proxy(text: &str) -> Parsed<HttpsProxy> {
    HttpsProxy::new(text, "").map_err(|bad| bad.to_string().into())
}

/// A secret that fits into an HTTP header: visible ASCII, no spaces.
pub(super) fn secret(text: &str) -> Parsed<SecretString> {
    if text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(text.into());
    }
    Err("contains a space or a character beyond ASCII: copy it again, without any around it".into())
}

/// A secret that signs what others verify.
pub(super) fn signing_key(text: &str) -> Parsed<SecretString> {
    if text.len() < KEY_LENGTH_MIN {
        return Err(format!(
            "is too short to be safe: write at least {KEY_LENGTH_MIN} random characters"
        )
        .into());
    }
    secret(text)
}

/// An identifier of something in Novu.
pub(super) fn identifier(text: &str) -> Parsed<String> {
    if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err("contains a space: copy the identifier from Novu's dashboard".into());
    }
    Ok(text.to_owned())
}

/// The name of a slash command (Slack: implementing slash commands; app manifest schema).
pub(super) fn command(text: &str) -> Parsed<String> {
    let name_fits = text.strip_prefix('/').is_some_and(|name| {
        !name.chars().any(|c| c.is_whitespace() || c.is_uppercase() || c == '/')
    });
    if name_fits && COMMAND_LENGTH.contains(&text.chars().count()) {
        return Ok(text.to_owned());
    }
    Err("is not a command name: write a slash and up to 31 characters, without spaces or capitals"
        .into())
}

/// A Slack scope.
pub(super) fn scope(text: &str) -> Parsed<String> {
    if text.chars().all(|c| c.is_ascii_lowercase() || matches!(c, '.' | ':' | '_' | '-')) {
        return Ok(text.to_owned());
    }
    Err("is not a Slack scope: write it like identity.basic".into())
}

/// An entry of a host list.
pub(super) fn host(text: &str) -> Parsed<String> {
    HostAllowlist::new([text], Subdomains::Refused).map(|_| text.to_owned()).map_err(|_| {
        "is not a host: write it like slack.com, with a port like slack.com:8443".into()
    })
}

/// The name of a resolver.
pub(super) fn resolver(text: &str) -> Parsed<ResolverKind> {
    ResolverKind::ALL
        .into_iter()
        .find(|resolver| resolver.name() == text)
        .ok_or_else(|| "is not a resolver: write table, webhook, email or template".into())
}

/// The name of a Microsoft cloud.
pub(super) fn cloud(text: &str) -> Parsed<Cloud> {
    Cloud::ALL
        .into_iter()
        .find(|cloud| cloud.name() == text)
        .ok_or_else(|| "is not a cloud: write public, usgov or china".into())
}

/// A mapping table's path, told apart by its ending.
pub(super) fn table_path(text: &str) -> Parsed<PathBuf> {
    let path = Path::new(text);
    if path.extension().is_some_and(|ending| ending == "csv" || ending == "toml") {
        return Ok(path.to_owned());
    }
    Err("is not a table's path: name a file that ends with .csv or .toml".into())
}

/// The path of a PEM file. Its content in that place would be a private key in the environment.
pub(super) fn pem_path(text: &str) -> Parsed<PathBuf> {
    if text.contains("-----BEGIN") {
        return Err("is the content of a file: name the file that holds it".into());
    }
    Ok(PathBuf::from(text))
}

/// A subscriber id with placeholders, from which different people never get the same id.
pub(super) fn template(text: &str) -> Parsed<Template> {
    Template::parse(text).map_err(|problem| problem.to_string().into())
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
        accepts(count(1..=10), &["1", "10"]);
        refuses(count(1..=10), &["0", "11", "-1", "ten", "1.0"]);
        let bounds = Duration::from_millis(100)..=Duration::from_millis(2500);
        accepts(time(bounds.clone()), &["100ms", "2s", "2500ms"]);
        refuses(time(bounds), &["99ms", "3s", "2501ms", "1m", "2"]);
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
    fn secrets_fit_into_a_header() {
        accepts(secret, &["8f742231b10e8888abcd99yyyzzz85a5", "xoxb-1-A"]);
        refuses(secret, &["a b", "a\n", " a", "ключ", "a\u{7f}"]);
        accepts(signing_key, &["0123456789abcdef"]);
        refuses(signing_key, &["0123456789abcde", "0123456789 abcdef"]);
    }

    #[test]
    fn commands_are_what_slack_takes() {
        accepts(command, &["/connect", "/novu-connect", "/c", "/verbinden_äöü"]);
        refuses(command, &["connect", "/", "/Connect", "/con nect", "//x", ""]);
        accepts(command, &[&format!("/{}", "a".repeat(31))]);
        refuses(command, &[&format!("/{}", "a".repeat(32))]);
    }

    #[test]
    fn names_are_recognised() {
        accepts(resolver, &["table", "webhook", "email", "template"]);
        refuses(resolver, &["Table", "mail", ""]);
        accepts(scope, &["identity.basic", "users:read"]);
        refuses(scope, &["identity basic", "a,b", "Identity"]);
        accepts(identifier, &["slack", "slack-Ab3_x"]);
        refuses(identifier, &["my slack", "slack\n"]);
        accepts(host, &["slack.com", "slack.com:8443", "127.0.0.1"]);
        refuses(host, &["https://slack.com", "slack.com/x"]);
        accepts(table_path, &["people.csv", "/etc/connect/people.toml"]);
        refuses(table_path, &["people", "people.xlsx", ".csv"]);
        accepts(pem_path, &["bot.pem", "/run/secrets/tls.crt"]);
        refuses(pem_path, &["-----BEGIN PRIVATE KEY-----\nMII", "\n-----BEGIN CERTIFICATE-----"]);
    }

    #[test]
    fn a_template_tells_people_apart() {
        accepts(
            template,
            &[
                "{platform}:{workspace}:{user}",
                "{team}/{user}",
                "{workspace}{user}",
                "x-{team}-{user}",
            ],
        );
        refuses(
            template,
            &[
                "{workspace}",
                "{platform}:{user}",
                "{workspace}:{name}",
                "{workspace}:{user",
                "{workspace}:user}",
                "{workspace}:{{user}}",
                "{workspace}: {user}",
                "{}{workspace}{user}",
                "}{workspace}{user}",
            ],
        );
    }
}
