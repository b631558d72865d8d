//! Fetches the published keys: the metadata document first, then the document that it names.

use std::time::{Duration, Instant};

use bytes::Bytes;
use serde::Deserialize;
use url::Url;

use super::json;
use super::key_set::KeySet;
use crate::net::{Fence, ReadError, read_limited};

/// The largest document that is read, in bytes.
const LARGEST_DOCUMENT: usize = 1 << 20;

/// Why there are no new keys. Holds no address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum FetchError {
    /// Nobody answers there, or the connection broke.
    #[error("the Bot Connector's keys cannot be reached")]
    Unreachable,
    /// Not everything came in time.
    #[error("the Bot Connector's keys did not come in time")]
    TimedOut,
    /// The answer is not 200; redirects are not followed.
    #[error("the Bot Connector's keys were answered with status {0}")]
    Status(u16),
    /// A document is larger than [`LARGEST_DOCUMENT`].
    #[error("the document is larger than any of the Bot Connector's")]
    TooLarge,
    /// A document is not what it should be.
    #[error("the document is not understood")]
    Nonsense,
    /// The metadata name an address that may not be called.
    #[error("the keys are said to be where we may not call")]
    Fenced,
    /// The document has no usable key.
    #[error("no usable key is published")]
    NoKeys,
}

impl FetchError {
    /// The word for it in metrics and log lines.
    pub(super) const fn code(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::TimedOut => "timed_out",
            Self::Status(_) => "rejected",
            Self::TooLarge => "too_large",
            Self::Nonsense => "nonsense",
            Self::Fenced => "fenced",
            Self::NoKeys => "no_keys",
        }
    }

    fn transport(error: &reqwest::Error) -> Self {
        if error.is_timeout() { Self::TimedOut } else { Self::Unreachable }
    }
}

/// Where the keys are.
#[derive(Debug)]
pub(super) struct Source {
    /// Follows no redirects.
    pub(super) http: reqwest::Client,
    /// The metadata document.
    pub(super) metadata_url: Url,
    /// The hosts that it may name.
    pub(super) key_hosts: Fence,
    /// The longest time for both documents.
    pub(super) time_limit: Duration,
}

/// The one entry of the metadata that matters (`OpenID` Connect Discovery, section 3).
#[derive(Deserialize)]
struct Metadata {
    jwks_uri: String,
}

impl Source {
    /// Fetches the keys that are published now.
    pub(super) async fn fetch(&self) -> Result<KeySet, FetchError> {
        let started = Instant::now();
        let metadata = self.get(&self.metadata_url, started).await?;
        let metadata: Metadata = json::object(&metadata).ok_or(FetchError::Nonsense)?;
        let keys = Url::parse(&metadata.jwks_uri).map_err(|_| FetchError::Nonsense)?;
        self.key_hosts.check(&keys).map_err(|_| FetchError::Fenced)?;
        KeySet::read(&self.get(&keys, started).await?)
    }

    async fn get(&self, url: &Url, started: Instant) -> Result<Bytes, FetchError> {
        let left = self.time_limit.saturating_sub(started.elapsed());
        let response = self.http.get(url.clone()).timeout(left).send().await;
        let response = response.map_err(|error| FetchError::transport(&error))?;
        if response.status() != reqwest::StatusCode::OK {
            return Err(FetchError::Status(response.status().as_u16()));
        }
        read_limited(response, LARGEST_DOCUMENT).await.map_err(|error| match error {
            ReadError::TooLarge(_) => FetchError::TooLarge,
            ReadError::Transport(error) => FetchError::transport(&error),
        })
    }
}
