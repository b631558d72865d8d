//! What the configuration may say of hosts.

use super::{HostAllowlist, HttpsProxy, Subdomains};
use crate::config::{ListKey, Parsed, Reader};

/// An entry of a host list.
pub(crate) fn host(text: &str) -> Parsed<String> {
    HostAllowlist::new([text], Subdomains::Refused).map(|_| text.to_owned()).map_err(|_| {
        "is not a host: write it like slack.com, with a port like slack.com:8443".into()
    })
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
        for text in ["slack.com", "slack.com:8443", "127.0.0.1"] {
            assert!(host(text).is_ok(), "{text}");
        }
        for text in ["https://slack.com", "slack.com/x"] {
            assert!(host(text).is_err(), "{text}");
        }
    }
}
