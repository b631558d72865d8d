//! Fetches the published keys: the metadata document first, then the document that it names.

use std::time::Duration;

use jiff::Timestamp;
use reqwest::{Method, StatusCode};
use serde::Deserialize;
use url::Url;

use super::json;
use super::key_set::{KeySet, NoKeys};
use crate::net::{self, Answered, Cause, HostAllowlist, Outgoing};

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
    HostRefused,
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
            Self::HostRefused => "host_refused",
            Self::NoKeys => "no_keys",
        }
    }

    /// Every word that there is.
    pub(super) const CODES: [&str; 7] = [
        "unreachable",
        "timed_out",
        "rejected",
        "too_large",
        "nonsense",
        "host_refused",
        "no_keys",
    ];

    /// How an answer of success cannot be used.
    const fn words(self) -> &'static str {
        match self {
            Self::HostRefused => "the keys are said to be where we may not call",
            Self::NoKeys => "no usable key is published",
            _ => "it is not the document that it should be",
        }
    }

    /// What an operator can do about it, where that is more than the cause tells.
    const fn advice(self) -> Option<&'static str> {
        match self {
            Self::HostRefused | Self::Nonsense | Self::NoKeys => {
                Some("check teams.openid_metadata_url and teams.cloud")
            }
            _ => None,
        }
    }
}

/// Where the keys are.
#[derive(Debug)]
pub(super) struct Source {
    /// Makes the calls.
    pub(super) http: Outgoing,
    /// The metadata document.
    pub(super) metadata_url: Url,
    /// The hosts that it may name.
    pub(super) key_hosts: HostAllowlist,
    /// The longest time for both documents.
    pub(super) time_limit: Duration,
}

/// What was fetched.
#[derive(Debug)]
pub(super) struct Fetched {
    pub(super) keys: KeySet,
    /// What time it was where the keys are published, if that was said.
    pub(super) date: Option<Timestamp>,
}

/// The one entry of the metadata that matters (`OpenID` Connect Discovery, section 3).
#[derive(Deserialize)]
struct Metadata {
    jwks_uri: String,
}

impl Source {
    /// Fetches the keys that are published now, and records how it went.
    pub(super) async fn fetch(&self) -> Result<Fetched, FetchError> {
        let mut call = self.http.call("bot_connector", "keys", self.time_limit);
        let result = self.read(&mut call).await;
        match result {
            Ok(_) => call.ok(),
            Err(error) => {
                call.nonsense(error.words());
                call.failed(error.code(), error.advice());
            }
        }
        result
    }

    async fn read(&self, call: &mut net::Call<'_>) -> Result<Fetched, FetchError> {
        let metadata = self.get(call, &self.metadata_url).await?.body;
        let metadata: Metadata = json::object(&metadata).ok_or(FetchError::Nonsense)?;
        let keys = Url::parse(&metadata.jwks_uri).map_err(|_| FetchError::Nonsense)?;
        self.key_hosts.check(&keys).map_err(|_| FetchError::HostRefused)?;
        let answer = self.get(call, &keys).await?;
        let keys = KeySet::read(&answer.body).map_err(|error| match error {
            NoKeys::Malformed => FetchError::Nonsense,
            NoKeys::NoneUsable => FetchError::NoKeys,
        })?;
        Ok(Fetched { keys, date: answer.date() })
    }

    async fn get(&self, call: &mut net::Call<'_>, url: &Url) -> Result<Answered, FetchError> {
        let request = self.http.request(Method::GET, url.clone());
        let answer = call.send(request, LARGEST_DOCUMENT).await.map_err(|it| match it.cause {
            Cause::TimedOut => FetchError::TimedOut,
            Cause::TooLarge(_) => FetchError::TooLarge,
            _ => FetchError::Unreachable,
        })?;
        match answer.status {
            StatusCode::OK => Ok(answer),
            status => Err(FetchError::Status(status.as_u16())),
        }
    }
}
