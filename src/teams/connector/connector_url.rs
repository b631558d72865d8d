//! The service URL of a tenant's connector, once it can be trusted.

use url::Url;

use super::error::CallError;
use crate::net::{HostAllowlist, UrlRefused, encode_segment};

/// The service URL of a tenant's connector, whose host is on the list, and the tenant. Only
/// [`Connector::admit`](super::Connector::admit) makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ConnectorUrl {
    base: Url,
    tenant: String,
}

/// Why an address is not taken for a connector's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum UntrustedServiceUrl {
    /// It is not a URL.
    #[error("the service URL is not a URL")]
    Malformed,
    /// It has a query or a fragment, which no service URL has.
    #[error("the service URL does not end with its path")]
    Trailing,
    /// It may not be called.
    #[error("the service URL is not trusted: {0}")]
    Refused(#[from] UrlRefused),
}

impl ConnectorUrl {
    pub(super) fn admit(
        service_url: &str,
        tenant: &str,
        hosts: &HostAllowlist,
    ) -> Result<Self, UntrustedServiceUrl> {
        let base = Url::parse(service_url).map_err(|_| UntrustedServiceUrl::Malformed)?;
        hosts.check(&base)?;
        if base.query().is_some() || base.fragment().is_some() {
            return Err(UntrustedServiceUrl::Trailing);
        }
        Ok(Self { base, tenant: tenant.to_owned() })
    }

    /// The tenant.
    #[must_use]
    pub(crate) fn tenant(&self) -> &str {
        &self.tenant
    }

    /// An address below `/v3/conversations`. Identifiers are encoded here, and nowhere else.
    ///
    /// Fails for the identifiers that no path can name: an empty one, or dots.
    pub(super) fn url(&self, segments: &[&str]) -> Result<Url, CallError> {
        let mut path = format!("{}/v3/conversations", self.base.path().trim_end_matches('/'));
        for segment in segments {
            if matches!(*segment, "" | "." | "..") {
                return Err(CallError::NotFound);
            }
            path.push('/');
            path.push_str(&encode_segment(segment));
        }
        let mut url = self.base.clone();
        url.set_path(&path);
        Ok(url)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::net::Subdomains;

    fn hosts() -> HostAllowlist {
        HostAllowlist::new(["smba.trafficmanager.net", "127.0.0.1"], Subdomains::Refused).unwrap()
    }

    fn admit(url: &str) -> Result<ConnectorUrl, UntrustedServiceUrl> {
        ConnectorUrl::admit(url, "tenant", &hosts())
    }

    #[test]
    fn only_listed_hosts_get_the_token() {
        let cases = [
            ("https://smba.trafficmanager.net/emea/", Ok(())),
            ("https://SMBA.trafficmanager.net/emea", Ok(())),
            ("https://smba.trafficmanager.net:443/", Ok(())),
            ("http://127.0.0.1:4000/emea", Ok(())),
            ("https://attacker.trafficmanager.net/", Err(UrlRefused::Host.into())),
            ("https://x.smba.trafficmanager.net/", Err(UrlRefused::Host.into())),
            ("https://smba.trafficmanager.net.evil.example/", Err(UrlRefused::Host.into())),
            ("https://evil.example/smba.trafficmanager.net", Err(UrlRefused::Host.into())),
            ("https://evil.example\\@smba.trafficmanager.net/", Err(UrlRefused::Host.into())),
            ("https://smba.trafficmanager.net./", Err(UrlRefused::Host.into())),
            ("https://smba.trafficmanager.net@evil.example/", Err(UrlRefused::Credentials.into())),
            ("https://a:b@smba.trafficmanager.net/", Err(UrlRefused::Credentials.into())),
            ("https://smba.trafficmanager.net:8443/", Err(UrlRefused::Port.into())),
            ("http://smba.trafficmanager.net/", Err(UrlRefused::Scheme.into())),
            ("file:///etc/passwd", Err(UrlRefused::Scheme.into())),
            ("http://169.254.169.254/", Err(UrlRefused::Scheme.into())),
            ("https://smba.trafficmanager.net/emea?x=1", Err(UntrustedServiceUrl::Trailing)),
            ("https://smba.trafficmanager.net/emea?", Err(UntrustedServiceUrl::Trailing)),
            ("https://smba.trafficmanager.net/emea#x", Err(UntrustedServiceUrl::Trailing)),
            ("smba.trafficmanager.net/emea", Err(UntrustedServiceUrl::Malformed)),
            ("", Err(UntrustedServiceUrl::Malformed)),
        ];
        for (url, verdict) in cases {
            assert_eq!(admit(url).map(|_| ()), verdict, "{url}");
        }
    }

    #[test]
    fn identifiers_are_encoded_once() {
        let cases = [
            (
                "https://smba.trafficmanager.net/emea/",
                "19:a@thread.tacv2;messageid=1",
                "https://smba.trafficmanager.net/emea/v3/conversations/19%3Aa%40thread.tacv2%3Bmessageid%3D1/activities",
            ),
            (
                "https://smba.trafficmanager.net",
                "a%3Ab/../c",
                "https://smba.trafficmanager.net/v3/conversations/a%253Ab%2F..%2Fc/activities",
            ),
        ];
        for (base, conversation, expected) in cases {
            let url = admit(base).unwrap().url(&[conversation, "activities"]).unwrap();
            assert_eq!(url.as_str(), expected);
        }
        for conversation in ["", ".", ".."] {
            let url = admit("https://smba.trafficmanager.net").unwrap().url(&[conversation]);
            assert_eq!(url, Err(CallError::NotFound));
        }
    }

    proptest! {
        #[test]
        fn no_identifier_leads_elsewhere(conversation in ".{1,40}") {
            let site = admit("https://smba.trafficmanager.net/emea/").unwrap();
            if let Ok(url) = site.url(&[&conversation, "activities"]) {
                prop_assert_eq!(url.host_str(), Some("smba.trafficmanager.net"));
                let segments: Vec<_> = url.path_segments().unwrap().collect();
                prop_assert_eq!(segments.len(), 5);
                prop_assert!(url.query().is_none() && url.fragment().is_none());
                let named = format!("x={}", segments[3]);
                let decoded = form_urlencoded::parse(named.as_bytes()).next().unwrap().1;
                prop_assert_eq!(decoded.as_ref(), conversation.as_str());
            }
        }
    }
}
