//! Why a request is not believed, and what is answered and counted then.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use crate::refused::{CausedBy, Why};

/// Why a request is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unverified {
    /// The body is larger than [`super::LARGEST_BODY`].
    #[error("the body is too large")]
    TooLarge,
    /// The body did not arrive.
    #[error("the body did not arrive")]
    Unread,
    /// There is not exactly one `Authorization: Bearer` header.
    #[error("not exactly one bearer token")]
    Authorization,
    /// The token is no signed JWT with a key id.
    #[error("the token is malformed")]
    Malformed,
    /// The token is signed with anything but RS256.
    #[error("the token's algorithm is not RS256")]
    Algorithm,
    /// The token brings or names its own key, or demands extensions that nobody here knows.
    #[error("the token's header asks for trust of its own")]
    KeyInHeader,
    /// A claim that every genuine token has is missing, or is not of its type.
    #[error("the token lacks a claim")]
    Claims,
    /// The Bot Connector has no such key, as far as is known.
    #[error("the token's key is not known")]
    UnknownKey,
    /// The key did not make this signature.
    #[error("the signature is wrong")]
    Signature,
    /// The signature is right, but the token is from another issuer.
    #[error("the signature is right but the issuer is not: is this the right cloud?")]
    Issuer,
    /// The signature is right, but the token is for another bot.
    #[error("the signature is right but the token is for another bot: is teams.app_id right?")]
    Audience,
    /// The signature is right, but the token's time is over.
    #[error("the signature is right but the token is over: an old request, or our clock is ahead")]
    Expired,
    /// The signature is right, but the token's time has not come.
    #[error("the signature is right but the token is not valid yet: our clock is behind")]
    NotYetValid,
    /// The token is believed, but the body is no activity.
    #[error("the body is not an activity")]
    Envelope,
    /// The token is believed, but the activity is of a channel that is not served.
    #[error("the activity is of another channel than Teams")]
    Channel,
    /// The token is believed, but its key does not stand for the activity's channel.
    #[error("the token's key is not endorsed for Teams")]
    Endorsement,
    /// The token is believed, but the activity names another service URL, or none.
    #[error("the activity's service URL is not the token's")]
    ServiceUrl,
}

impl Unverified {
    /// Every reason there is.
    pub const ALL: [Self; 17] = [
        Self::TooLarge,
        Self::Unread,
        Self::Authorization,
        Self::Malformed,
        Self::Algorithm,
        Self::KeyInHeader,
        Self::Claims,
        Self::UnknownKey,
        Self::Signature,
        Self::Issuer,
        Self::Audience,
        Self::Expired,
        Self::NotYetValid,
        Self::Envelope,
        Self::Channel,
        Self::Endorsement,
        Self::ServiceUrl,
    ];

    /// The word for it in metrics.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::TooLarge => "too_large",
            Self::Unread => "unread",
            Self::Authorization => "headers",
            Self::Malformed => "malformed_token",
            Self::Algorithm => "algorithm",
            Self::KeyInHeader => "token_header",
            Self::Claims => "claims",
            Self::UnknownKey => "unknown_key",
            Self::Signature => "bad_signature",
            Self::Issuer => "issuer",
            Self::Audience => "audience",
            Self::Expired => "expired",
            Self::NotYetValid => "not_yet_valid",
            Self::Envelope => "envelope",
            Self::Channel => "channel",
            Self::Endorsement => "endorsement",
            Self::ServiceUrl => "service_url",
        }
    }

    /// What the operator is told of it.
    pub(super) const fn why(self) -> Why {
        let (by, advice) = match self {
            Self::TooLarge | Self::Unread => {
                (CausedBy::Strangers, "strangers, or a proxy that breaks requests off")
            }
            Self::Authorization => (
                CausedBy::Strangers,
                "strangers, or a proxy that does not pass the header Authorization on",
            ),
            Self::Malformed | Self::Algorithm | Self::KeyInHeader | Self::Claims => (
                CausedBy::Strangers,
                "strangers; if the bot answers nobody, the messaging endpoint gets another \
                 sender's requests",
            ),
            Self::UnknownKey | Self::Signature => (
                CausedBy::Anybody,
                "compare teams.app_id and teams.cloud with the Azure bot, and see that \
                 teams.openid_metadata_url can be reached; if the bot answers, it is strangers",
            ),
            Self::Issuer => (
                CausedBy::Platform,
                "compare teams.cloud and teams.issuer with the cloud that the bot lives in",
            ),
            Self::Audience => (
                CausedBy::Platform,
                "compare teams.app_id with the application (client) id of the Azure bot whose \
                 messaging endpoint this is",
            ),
            Self::Expired | Self::NotYetValid => (
                CausedBy::Platform,
                "set this machine's clock; an old request may also be sent again",
            ),
            Self::Envelope | Self::Endorsement | Self::ServiceUrl => (
                CausedBy::Platform,
                "see that no proxy rewrites bodies; else somebody has captured a token",
            ),
            Self::Channel => (
                CausedBy::Platform,
                "only Microsoft Teams is served: remove other channels from the Azure bot",
            ),
        };
        Why { reason: self.reason(), advice, by }
    }
}

impl IntoResponse for Unverified {
    fn into_response(self) -> Response {
        match self {
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Unread => StatusCode::BAD_REQUEST,
            _ => StatusCode::UNAUTHORIZED,
        }
        .into_response()
    }
}
