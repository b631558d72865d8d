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
    #[error("Novu rejects the request with status {status}{}{message}", colon(message))]
    Rejected {
        /// HTTP status, 400 to 499.
        status: u16,
        /// Novu's reason: at most 300 characters, one line, without our key, addresses and
        /// e-mail addresses. Empty where the answer was not Novu's.
        message: String,
    },
    /// The integration's HMAC option is on, and the context is not signed as it demands. The words say
    /// what to do.
    #[error("Novu does not accept how the context is signed: {0}")]
    ContextHmac(&'static str),
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

    /// Whether it says that there is no workflow of the name that was given.
    #[must_use]
    pub fn is_unknown_workflow(&self) -> bool {
        matches!(self, Self::Rejected { status: 422, message } if message == "workflow_not_found")
    }

    /// Whether it says that there has been an event of this name before.
    #[must_use]
    pub fn is_known_event(&self) -> bool {
        matches!(self, Self::Rejected { message, .. } if message.contains("transactionId property is not unique"))
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
            Self::ContextHmac(_) => "context_hmac",
            Self::Rejected { status: 409, .. } => "conflict",
            Self::Rejected { .. } => "rejected",
            Self::Throttled { .. } => "throttled",
            Self::Unavailable { .. } => "unavailable",
            Self::TimedOut => "timed_out",
            Self::Nonsense(_) => "nonsense",
            Self::Unsendable(_) => "unsendable",
        }
    }

    /// Every code that there is.
    pub const CODES: [&str; 13] = [
        "bad_key",
        "unknown_integration",
        "unknown_subscriber",
        "unknown_connection",
        "unknown_endpoint",
        "conflict",
        "rejected",
        "context_hmac",
        "throttled",
        "unavailable",
        "timed_out",
        "nonsense",
        "unsendable",
    ];

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

fn colon(message: &str) -> &'static str {
    if message.is_empty() { "" } else { ": " }
}

/// Turns "does not exist" from an error into an answer.
pub(super) fn absent_is_none<T>(result: Result<T, Error>) -> Result<Option<T>, Error> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.is_absence() => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rejection_prints_its_reason_if_there_is_one() {
        let rejected = |message: &str| Error::Rejected { status: 422, message: message.to_owned() };
        assert_eq!(rejected("no").to_string(), "Novu rejects the request with status 422: no");
        assert_eq!(rejected("").to_string(), "Novu rejects the request with status 422");
    }

    #[test]
    fn only_what_passes_by_itself_is_transient() {
        let wait = Some(Duration::from_secs(1));
        let transient = [
            Error::Throttled { retry_after: wait },
            Error::Unavailable { retry_after: None },
            Error::TimedOut,
        ];
        assert!(transient.iter().all(Error::is_transient));
        let lasting = [
            Error::BadKey,
            Error::UnknownIntegration,
            Error::UnknownSubscriber,
            Error::UnknownConnection,
            Error::UnknownEndpoint,
            Error::Rejected { status: 409, message: String::new() },
            Error::Nonsense("x"),
            Error::Unsendable("x"),
        ];
        assert!(!lasting.iter().any(Error::is_transient));
    }

    #[test]
    fn every_error_has_its_own_code() {
        let rejected = |status| Error::Rejected { status, message: String::new() };
        let errors = [
            Error::BadKey,
            Error::UnknownIntegration,
            Error::UnknownSubscriber,
            Error::UnknownConnection,
            Error::UnknownEndpoint,
            rejected(409),
            rejected(422),
            Error::ContextHmac("x"),
            Error::Throttled { retry_after: None },
            Error::Unavailable { retry_after: None },
            Error::TimedOut,
            Error::Nonsense("x"),
            Error::Unsendable("x"),
        ];
        assert_eq!(errors.each_ref().map(Error::code), Error::CODES);
        let codes: std::collections::BTreeSet<_> = Error::CODES.into();
        assert_eq!(codes.len(), errors.len());
    }
}
