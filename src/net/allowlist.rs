//! The hosts that may be called, decided at start from the configuration.
//!
//! A URL that came from outside (a Slack response URL, a Teams service URL, a minted link) is used
//! only after its [`HostAllowlist`] has let it pass.

use url::Url;

use crate::config::parse::is_loopback;

/// Whether a list admits hosts below the listed ones.
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
pub struct HostAllowlist {
    entries: Vec<(String, Option<u16>)>,
    subdomains: Subdomains,
}

/// Why a URL may not be called. Says nothing of the URL itself, which may be a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UrlRefused {
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

impl HostAllowlist {
    /// Builds a list from entries `host` or `host:port`; case does not matter.
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
    /// [`UrlRefused`] tells which rule the URL breaks.
    pub fn check(&self, url: &Url) -> Result<(), UrlRefused> {
        if !url.username().is_empty() || url.password().is_some() {
            return Err(UrlRefused::Credentials);
        }
        let loopback = is_loopback(url);
        if !(url.scheme() == "https" || (url.scheme() == "http" && loopback)) {
            return Err(UrlRefused::Scheme);
        }
        let host = url.host_str().ok_or(UrlRefused::Host)?;
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
        Err(if known_host { UrlRefused::Port } else { UrlRefused::Host })
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

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(list: &HostAllowlist, url: &str) -> Result<(), UrlRefused> {
        list.check(&Url::parse(url).unwrap())
    }

    #[test]
    fn subdomains_pass_only_where_allowed() {
        let wide = HostAllowlist::new(["slack.com", "slack-gov.com"], Subdomains::Allowed).unwrap();
        let narrow = HostAllowlist::new(["slack.com"], Subdomains::Refused).unwrap();
        let cases = [
            ("https://slack.com/x", Ok(()), Ok(())),
            ("https://hooks.slack.com/x", Ok(()), Err(UrlRefused::Host)),
            ("https://HOOKS.SLACK.COM/x", Ok(()), Err(UrlRefused::Host)),
            ("https://hooks.slack-gov.com/x", Ok(()), Err(UrlRefused::Host)),
            ("https://evilslack.com/x", Err(UrlRefused::Host), Err(UrlRefused::Host)),
            ("https://slack.com.evil.example/", Err(UrlRefused::Host), Err(UrlRefused::Host)),
            ("http://slack.com/x", Err(UrlRefused::Scheme), Err(UrlRefused::Scheme)),
            ("https://slack.com:8443/x", Err(UrlRefused::Port), Err(UrlRefused::Port)),
            ("https://a@slack.com/x", Err(UrlRefused::Credentials), Err(UrlRefused::Credentials)),
            ("ftp://slack.com/x", Err(UrlRefused::Scheme), Err(UrlRefused::Scheme)),
        ];
        for (url, in_wide, in_narrow) in cases {
            assert_eq!(verdict(&wide, url), in_wide, "{url}");
            assert_eq!(verdict(&narrow, url), in_narrow, "{url}");
        }
    }

    #[test]
    fn plain_http_is_for_loopback_and_a_listed_port_binds() {
        let any_port = HostAllowlist::new(["127.0.0.1"], Subdomains::Refused).unwrap();
        let one_port =
            HostAllowlist::new(["127.0.0.1:4000", "localhost:4000"], Subdomains::Refused).unwrap();
        assert_eq!(verdict(&any_port, "http://127.0.0.1:9999/x"), Ok(()));
        assert_eq!(verdict(&any_port, "http://127.0.0.2:9999/x"), Err(UrlRefused::Host));
        assert_eq!(verdict(&one_port, "http://127.0.0.1:4000/x"), Ok(()));
        assert_eq!(verdict(&one_port, "http://127.0.0.1:4001/x"), Err(UrlRefused::Port));
        assert_eq!(verdict(&one_port, "http://localhost:4000/x"), Ok(()));
        let standard = HostAllowlist::new(["a.example:443"], Subdomains::Refused).unwrap();
        assert_eq!(verdict(&standard, "https://a.example/"), Ok(()));
    }

    #[test]
    fn entries_that_are_not_hosts_are_named() {
        for entry in ["", "https://slack.com", "slack.com/x", "a@slack.com", "slack.com:port"] {
            assert_eq!(
                HostAllowlist::new([entry], Subdomains::Refused).map(|_| ()),
                Err(BadHost(entry.to_owned())),
            );
        }
    }
}
