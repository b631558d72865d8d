//! The HTTP client that all calls share, and the proxy that it may use.

use std::fmt;
use std::time::Duration;

use reqwest::{NoProxy, Proxy};
use url::Url;

use super::secret_url::SecretUrl;

/// How long a TCP and TLS handshake may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// How long an unused connection is kept for the next request.
const POOL_IDLE_TIMEOUT: Duration = Duration::from_mins(1);
/// Unused connections that are kept to one host: what a crowd needed, nobody needs after it, and each
/// holds 17 KiB.
const MOST_IDLE: usize = 128;
/// The longest total time of any request that does not set its own, shorter one.
const TOTAL_TIMEOUT: Duration = Duration::from_secs(30);
/// What no proxy is used for, whatever else is configured: this machine.
const THIS_MACHINE: &str = "localhost,127.0.0.0/8,::1";

/// Builds an HTTP client that uses no proxy.
///
/// It follows no redirects (a redirect would carry credentials to a host nobody allowed), and every
/// request has a time limit.
///
/// # Errors
/// Where the machine has no certificate authorities to trust: the TLS stack cannot be set up.
pub fn client() -> Result<reqwest::Client, reqwest::Error> {
    client_through(None)
}

/// As [`client`], through a proxy for https to other machines.
///
/// # Errors
/// As [`client`].
pub fn client_through(proxy: Option<&HttpsProxy>) -> Result<reqwest::Client, reqwest::Error> {
    builder(proxy)?.build()
}

fn builder(proxy: Option<&HttpsProxy>) -> Result<reqwest::ClientBuilder, reqwest::Error> {
    // Also switches off what the HTTP library takes from the environment by itself.
    let builder = reqwest::Client::builder().no_proxy();
    let builder = match proxy {
        Some(proxy) => builder.proxy(proxy.for_client()?),
        None => builder,
    };
    Ok(builder
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(TOTAL_TIMEOUT)
        .pool_idle_timeout(POOL_IDLE_TIMEOUT)
        .pool_max_idle_per_host(MOST_IDLE)
        .tcp_nodelay(true)
        .referer(false)
        .user_agent(concat!("novu-connect-bot/", env!("CARGO_PKG_VERSION"))))
}

/// A proxy for https to other machines: it sees where a call goes, and nothing of what is in it.
/// Plain http, which it could read, never goes through it, nor does anything to this machine.
#[derive(Clone)]
pub struct HttpsProxy {
    /// May carry a user name and a password.
    url: SecretUrl,
    /// Hosts that are called directly, in the form of `NO_PROXY`.
    except: String,
}

impl fmt::Debug for HttpsProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpsProxy")
            .field("host", &self.url.expose().host_str())
            .field("except", &self.except)
            .finish_non_exhaustive()
    }
}

/// The address of a proxy that cannot be used. Does not show it: it may carry a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not the address of an HTTP proxy: write it like http://proxy.example.com:3128")]
pub struct BadProxy;

impl HttpsProxy {
    /// A proxy at an address such as `http://proxy.example.com:3128`; without a scheme it is taken
    /// for http. `except` lists the hosts that are called directly, as `NO_PROXY` does: names with all
    /// names below them, IP addresses and ranges, separated by commas; `*` for all.
    ///
    /// # Errors
    /// The address is none of an HTTP proxy.
    pub fn new(address: &str, except: &str) -> Result<Self, BadProxy> {
        let address = address.trim();
        let url = if address.contains("://") {
            Url::parse(address)
        } else {
            Url::parse(&format!("http://{address}"))
        };
        let url = url
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
            .filter(|url| matches!(url.path(), "" | "/") && url.query().is_none())
            .ok_or(BadProxy)?;
        Ok(Self { url: SecretUrl::new(url), except: except.to_owned() })
    }

    /// The proxy to use: the configured one, else that of the environment's `HTTPS_PROXY`. Either is
    /// passed by for the hosts of `NO_PROXY`. The names in lower case win (as for curl). Nothing else
    /// in the environment is heeded.
    ///
    /// # Errors
    /// The address in the environment is none of an HTTP proxy.
    pub fn choose(
        configured: Option<Self>,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Option<Self>, BadProxy> {
        let given = |lower: &str, upper: &str| {
            let value = variable(lower).or_else(|| variable(upper));
            value.filter(|value| !value.trim().is_empty())
        };
        let except = given("no_proxy", "NO_PROXY").unwrap_or_default();
        if let Some(proxy) = configured {
            return Ok(Some(Self { except, ..proxy }));
        }
        given("https_proxy", "HTTPS_PROXY").map(|address| Self::new(&address, &except)).transpose()
    }

    fn for_client(&self) -> Result<Proxy, reqwest::Error> {
        let except = format!("{THIS_MACHINE},{}", self.except);
        Ok(Proxy::https(self.url.expose().clone())?.no_proxy(NoProxy::from_string(&except)))
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;
    use tokio::net::TcpListener;

    use super::*;

    fn environment(pairs: &[(&str, &str)]) -> Result<Option<HttpsProxy>, BadProxy> {
        choose(None, pairs)
    }

    fn choose(
        configured: Option<HttpsProxy>,
        pairs: &[(&str, &str)],
    ) -> Result<Option<HttpsProxy>, BadProxy> {
        HttpsProxy::choose(configured, |name| {
            pairs.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn of_the_environment_only_the_proxy_for_https_counts() {
        let none: [&[(&str, &str)]; 4] = [
            &[],
            &[("HTTP_PROXY", "http://proxy:1"), ("http_proxy", "http://proxy:1")],
            &[("ALL_PROXY", "http://proxy:1"), ("NO_PROXY", "*")],
            &[("HTTPS_PROXY", " ")],
        ];
        for pairs in none {
            assert!(matches!(environment(pairs), Ok(None)), "{pairs:?}");
        }
        let proxy = environment(&[
            ("HTTPS_PROXY", "http://upper:1"),
            ("https_proxy", "lower:3128"),
            ("NO_PROXY", "internal.example"),
        ]);
        let proxy = proxy.unwrap().unwrap();
        assert_eq!(proxy.url.expose().as_str(), "http://lower:3128/");
        assert_eq!(proxy.except, "internal.example");

        let own = HttpsProxy::new("http://own:3128", "").unwrap();
        let pairs = [("HTTPS_PROXY", "http://upper:1"), ("NO_PROXY", "internal.example")];
        let proxy = choose(Some(own), &pairs).unwrap().unwrap();
        assert_eq!(proxy.url.expose().host_str(), Some("own"));
        assert_eq!(proxy.except, "internal.example");
    }

    #[test]
    fn what_is_no_http_proxy_is_refused_and_a_password_never_prints() {
        for bad in ["", "socks5://proxy:1", "http://", "http://proxy/path", "http://proxy?x"] {
            assert!(HttpsProxy::new(bad, "").is_err(), "{bad}");
        }
        let proxy = HttpsProxy::new("http://ada:canary-password@proxy:3128", "").unwrap();
        assert!(!format!("{proxy:?}").contains("canary"));
    }

    /// The first line that the proxy at the listener hears, if it hears one.
    async fn heard(listener: &TcpListener) -> String {
        let (mut connection, _) = listener.accept().await.unwrap();
        let mut start = [0; 256];
        let read = connection.read(&mut start).await.unwrap();
        String::from_utf8_lossy(&start[..read]).lines().next().unwrap_or_default().to_owned()
    }

    #[tokio::test]
    async fn only_https_to_other_machines_goes_through_the_proxy() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let proxy = HttpsProxy::new(&address, "direct.invalid").unwrap();
        let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let client = builder(Some(&proxy))
            .unwrap()
            .resolve("other.invalid", closed)
            .resolve("direct.invalid", closed)
            .build()
            .unwrap();
        let past = [
            format!("http://{closed}/"),
            format!("https://{closed}/"),
            format!("https://localhost:{}/", closed.port()),
            "http://other.invalid/".to_owned(),
            "https://direct.invalid/".to_owned(),
        ];
        for url in past {
            let call = client.get(&url).send();
            tokio::select! {
                result = call => assert!(result.unwrap_err().is_connect(), "{url}"),
                line = heard(&listener) => panic!("{url} went through the proxy: {line}"),
            }
        }
        let call = tokio::spawn(client.get("https://other.invalid/x").send());
        assert_eq!(heard(&listener).await, "CONNECT other.invalid:443 HTTP/1.1");
        assert!(call.await.unwrap().is_err());
    }
}
