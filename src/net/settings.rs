//! What the configuration may say of hosts.

use super::{HostAllowlist, HttpsProxy, Subdomains};
use crate::config::{ListKey, Parsed, Reader};

/// What many registries register names below: `co.uk`, `com.au`.
const SECOND_LEVELS: [&str; 8] = ["ac", "co", "com", "edu", "gov", "net", "ne", "org"];

/// An entry of a host list. A public suffix is none: its names belong to anybody.
pub(crate) fn host(text: &str) -> Parsed<String> {
    HostAllowlist::new([text], Subdomains::Refused)
        .map_err(|_| "is not a host: write it like slack.com, with a port like slack.com:8443")?;
    let name = text.split(':').next().unwrap_or_default().to_ascii_lowercase();
    if is_public_suffix(&name) {
        return Err("is no host but what hosts of anybody end with: write the whole name".into());
    }
    Ok(text.to_owned())
}

/// Whether a name has one label, or is one below which a country registers names. `localhost` is this
/// machine.
fn is_public_suffix(name: &str) -> bool {
    let labels: Vec<_> = name.trim_end_matches('.').split('.').collect();
    match labels[..] {
        [only] => only != "localhost" && !only.starts_with('['),
        [second, top] => top.len() == 2 && SECOND_LEVELS.contains(&second),
        _ => false,
    }
}

/// The address of an HTTP proxy, which may carry a user name and a password.
pub(crate) fn proxy(text: &str) -> Parsed<HttpsProxy> {
    HttpsProxy::new(text, "").map_err(|bad| bad.to_string().into())
}

/// The hosts that a key lists, of which there is at least one.
pub(crate) fn hosts(
    reader: &mut Reader,
    key: &ListKey<String>,
    subdomains: Subdomains,
) -> Option<HostAllowlist> {
    HostAllowlist::new(reader.filled_list(key)?, subdomains).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_bare_names_with_or_without_a_port() {
        for text in [
            "slack.com",
            "slack.com:8443",
            "127.0.0.1",
            "localhost:1",
            "[::1]",
            "acme.co.uk",
            "go.co",
        ] {
            assert!(host(text).is_ok(), "{text}");
        }
        for text in
            ["https://slack.com", "slack.com/x", "com", "Com", "com.", "com:443", "co.uk", "com.au"]
        {
            assert!(host(text).is_err(), "{text}");
        }
    }
}
