//! The HTTP client of the stand-ins: this machine only, no redirects, limits of time and size.

use std::net::IpAddr;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use url::{Host, Url};

/// The longest total time of any request.
const TOTAL_TIMEOUT: Duration = Duration::from_secs(30);

/// Builds a client that follows no redirects and uses no proxy.
///
/// # Errors
/// Where the machine has no certificate authorities to trust: the TLS stack cannot be set up.
pub(crate) fn client() -> Result<reqwest::Client, reqwest::Error> {
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(TOTAL_TIMEOUT)
        .no_proxy()
        .referer(false)
        .build()
}

/// Whether the URL's host is this machine: a loopback address or the name `localhost`.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => IpAddr::V4(address).is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::V6(address).is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
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
pub(crate) async fn read_limited(
    mut response: reqwest::Response,
    limit: usize,
) -> Result<Bytes, ReadError> {
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(ReadError::Transport)? {
        if body.len() + chunk.len() > limit {
            return Err(ReadError::TooLarge(limit));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}
