//! What can go wrong between this service and Novu.

use std::time::Duration;

/// A call to Novu that brought no usable answer.
///
/// No variant holds an address, the API key or a body, so all of them may be logged. The text in
/// [`Error::Rejected`] is Novu's own, cut and scrubbed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Novu refuses the API key (401), or what it may do (403).
    #[error("Novu refuses the API key")]
    BadKey,
    /// No chat integration that can sign people in has this identifier in the key's environment.
    #[error("Novu does not know the integration")]
    UnknownIntegration,
    /// The subscriber does not exist.
    #[error("Novu does not know the subscriber")]
    UnknownSubscriber,
    /// The channel connection does not exist.
    #[error("Novu does not know the channel connection")]
    UnknownConnection,
    /// The channel endpoint does not exist.
    #[error("Novu does not know the channel endpoint")]
    UnknownEndpoint,
    /// Novu understood the request and declines it; repeating it changes nothing.
    #[error("Novu rejects the request with status {status}: {message}")]
    Rejected {
        /// HTTP status, 400 to 499.
        status: u16,
        /// Novu's reason: at most 300 characters, one line, without our key, addresses and
        /// e-mail addresses. Empty where the answer was not Novu's.
        message: String,
    },
    /// The rate limit is used up (429).
    #[error("Novu's rate limit is used up")]
    Throttled {
        /// How long Novu asks to wait.
        retry_after: Option<Duration>,
    },
    /// Novu cannot be reached, or fails (5xx).
    #[error("Novu is unavailable")]
    Unavailable {
        /// How long Novu asks to wait.
        retry_after: Option<Duration>,
    },
    /// No complete answer came within the time limit of the call.
    #[error("Novu did not answer in time")]
    TimedOut,
    /// Novu, or something in front of it, reports success but the answer cannot be understood. The
    /// words say how.
    #[error("Novu's answer makes no sense: {0}")]
    Nonsense(&'static str),
    /// The request was not sent because no such request can exist. The words say why.
    #[error("the request to Novu cannot be made: {0}")]
    Unsendable(&'static str),
}

impl Error {
    /// Whether the same call may succeed a little later without anybody doing anything.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        matches!(self, Self::Throttled { .. } | Self::Unavailable { .. } | Self::TimedOut)
    }

    /// A short word for metrics and log lines.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::BadKey => "bad_key",
            Self::UnknownIntegration => "unknown_integration",
            Self::UnknownSubscriber => "unknown_subscriber",
            Self::UnknownConnection => "unknown_connection",
            Self::UnknownEndpoint => "unknown_endpoint",
            Self::Rejected { status: 409, .. } => "conflict",
            Self::Rejected { .. } => "rejected",
            Self::Throttled { .. } => "throttled",
            Self::Unavailable { .. } => "unavailable",
            Self::TimedOut => "timed_out",
            Self::Nonsense(_) => "nonsense",
            Self::Unsendable(_) => "unsendable",
        }
    }

    /// Whether this is Novu's way of saying that the one thing asked for does not exist.
    ///
    /// Lenient about the wording, which differs between versions, but a missing *route* (a wrong
    /// base address, say) is not a missing thing.
    pub(super) fn is_absence(&self) -> bool {
        match self {
            Self::UnknownSubscriber | Self::UnknownConnection | Self::UnknownEndpoint => true,
            Self::Rejected { status: 404, message } => {
                !message.is_empty() && !message.starts_with("Cannot ")
            }
            _ => false,
        }
    }
}

/// Turns "does not exist" from an error into an answer.
pub(super) fn absent_is_none<T>(result: Result<T, Error>) -> Result<Option<T>, Error> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.is_absence() => Ok(None),
        Err(error) => Err(error),
    }
}
