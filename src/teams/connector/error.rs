//! What can go wrong with a call, and how the connector says so.

use std::time::Duration;

use serde_json::Value;

use crate::net::Answered;
use crate::teams::credentials::TokenError;

/// The longest error code that is kept, in characters.
const LONGEST_CODE: usize = 60;

/// Why a call failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// The bot is not there, or may not write: not installed, removed or blocked.
    #[error("the bot is not installed there, or blocked")]
    NotInstalled,
    /// The connector makes no targeted message here (a personal chat, or a client without them).
    #[error("the connector refuses a targeted message")]
    TargetedRefused,
    /// There is no such conversation, message or member.
    #[error("the connector does not find it")]
    NotFound,
    /// The message is too large.
    #[error("the message is too large")]
    TooLarge,
    /// Teams asks to slow down, or we would be too fast; for how long, if that is known.
    #[error("too many messages at the moment")]
    Throttled(Option<Duration>),
    /// The connector or Entra does not accept the bot's credentials.
    #[error("the bot's credentials are not accepted")]
    Unauthorised,
    /// Nothing was done: the connector cannot be reached, or there is no token for it.
    #[error("the connector cannot be reached")]
    Unavailable,
    /// The connector was told to make something and gave no sensible answer. It may have made it;
    /// telling it again could make it twice.
    #[error("the connector may or may not have done it")]
    Uncertain,
    /// The answer cannot be understood.
    #[error("the connector's answer makes no sense")]
    Nonsense,
    /// Another refusal: its status, and the connector's code for it.
    #[error("the connector refuses: {status} {code}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// The code, such as `BadArgument`; empty where there is none.
        code: String,
    },
}

impl CallError {
    /// The word for it in metrics and logs.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::NotInstalled => "not_installed",
            Self::TargetedRefused => "targeted_refused",
            Self::NotFound => "not_found",
            Self::TooLarge => "too_large",
            Self::Throttled(_) => "throttled",
            Self::Unauthorised => "unauthorised",
            Self::Unavailable => "unavailable",
            Self::Uncertain => "uncertain",
            Self::Nonsense => "nonsense",
            Self::Refused { .. } => "refused",
        }
    }

    /// Whether it is about one conversation or message, and the connector is well.
    pub(super) const fn is_about_one_conversation(&self) -> bool {
        matches!(self, Self::NotInstalled | Self::TargetedRefused | Self::NotFound | Self::TooLarge)
    }

    /// What an operator can do about it, where that is more than the cause tells.
    pub(super) const fn advice(&self) -> Option<&'static str> {
        match self {
            Self::Unauthorised => Some(
                "check teams.app_id, the bot's secret or certificate, teams.app_tenant, and that the \
                 bot is registered at the Bot Framework",
            ),
            _ => None,
        }
    }

    /// Whether the same call can succeed later, and does no harm if it is made again.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        matches!(self, Self::Throttled(_) | Self::Unavailable)
    }

    /// Whether the message can still reach the person in another place: their personal chat in place
    /// of a targeted message, say.
    #[must_use]
    pub const fn calls_for_another_place(&self) -> bool {
        matches!(
            self,
            Self::NotInstalled | Self::TargetedRefused | Self::NotFound | Self::Refused { .. }
        )
    }
}

impl From<TokenError> for CallError {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::Refused { .. } => Self::Unauthorised,
            TokenError::Unavailable | TokenError::Nonsense => Self::Unavailable,
        }
    }
}

/// What decides how a refusal is to be read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked {
    /// Whether a targeted message was asked for.
    pub(super) targeted: bool,
    /// Whether doing it twice is as good as doing it once.
    pub(super) repeatable: bool,
}

/// Reads a refusal (Bot Connector, error codes; Teams, bot error responses).
pub(super) fn classify(
    answer: &Answered,
    retry_after: Option<Duration>,
    asked: Asked,
) -> CallError {
    let (status, code) = (answer.status.as_u16(), code(&answer.body));
    match (status, code.as_str()) {
        // A page of something on the way: neither the bot's credentials nor the conversation is wrong.
        (400..=407 | 409..=412 | 414..=428 | 430..=499, _) if answer.is_foreign() => {
            CallError::Nonsense
        }
        (401, _) => CallError::Unauthorised,
        (413, _) | (_, "MessageSizeTooBig") => CallError::TooLarge,
        (429, _) => CallError::Throttled(retry_after),
        (
            403 | 404,
            "BotNotInConversationRoster"
            | "ConversationBlockedByUser"
            | "BotDisabledByAdmin"
            | "MessageWritesBlocked",
        ) => CallError::NotInstalled,
        (404, _) | (400..=499, "ConversationNotFound" | "ActivityNotFoundInConversation") => {
            CallError::NotFound
        }
        (400, _) if asked.targeted => CallError::TargetedRefused,
        (408 | 500..=599, _) => lost(asked.repeatable),
        (400..=499, _) => CallError::Refused { status, code },
        _ => CallError::Nonsense,
    }
}

/// A call that was made and not answered.
pub(super) const fn lost(repeatable: bool) -> CallError {
    if repeatable { CallError::Unavailable } else { CallError::Uncertain }
}

/// The code in an error body; empty where there is none. Only letters, so that it can be logged.
pub(super) fn code(body: &[u8]) -> String {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let code = body.pointer("/error/code").and_then(Value::as_str).unwrap_or_default();
    code.chars().filter(char::is_ascii_alphanumeric).take(LONGEST_CODE).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use reqwest::StatusCode;
    use reqwest::header::HeaderMap;
    use serde_json::json;

    use super::*;

    const POST: Asked = Asked { targeted: false, repeatable: false };
    const TARGETED: Asked = Asked { targeted: true, repeatable: false };
    const GET: Asked = Asked { targeted: false, repeatable: true };

    fn read(status: u16, code: &str, asked: Asked) -> CallError {
        let body = json!({"error": {"code": code, "message": "told ada@example.com"}}).to_string();
        classify(&answer(status, body.into_bytes()), None, asked)
    }

    fn answer(status: u16, body: Vec<u8>) -> Answered {
        let status = StatusCode::from_u16(status).unwrap();
        Answered { status, headers: HeaderMap::default(), body: body.into() }
    }

    fn refused(status: u16, code: &str) -> CallError {
        CallError::Refused { status, code: code.to_owned() }
    }

    #[test]
    fn every_refusal_has_its_error() {
        let cases = [
            (401, "BotNotRegistered", POST, CallError::Unauthorised),
            (403, "BotNotInConversationRoster", POST, CallError::NotInstalled),
            (404, "BotNotInConversationRoster", TARGETED, CallError::NotInstalled),
            (403, "ConversationBlockedByUser", POST, CallError::NotInstalled),
            (403, "BotDisabledByAdmin", POST, CallError::NotInstalled),
            (403, "MessageWritesBlocked", POST, CallError::NotInstalled),
            (403, "ServiceError", POST, refused(403, "ServiceError")),
            (400, "BadArgument", TARGETED, CallError::TargetedRefused),
            (400, "BadArgument", POST, refused(400, "BadArgument")),
            (400, "ActivityNotFoundInConversation", TARGETED, CallError::NotFound),
            (404, "ConversationNotFound", POST, CallError::NotFound),
            (404, "", GET, CallError::NotFound),
            (412, "PreconditionFailed", POST, refused(412, "PreconditionFailed")),
            (413, "MessageSizeTooBig", POST, CallError::TooLarge),
            (429, "Throttled", POST, CallError::Throttled(None)),
            (408, "", POST, CallError::Uncertain),
            (500, "", POST, CallError::Uncertain),
            (502, "", GET, CallError::Unavailable),
            (504, "", POST, CallError::Uncertain),
            (302, "", POST, CallError::Nonsense),
        ];
        for (status, code, asked, error) in cases {
            assert_eq!(read(status, code, asked), error, "{status} {code}");
        }
    }

    #[test]
    fn a_page_of_something_on_the_way_blames_neither_credentials_nor_conversation() {
        let page = |status| classify(&answer(status, b"<html>Sign in".to_vec()), None, POST);
        for status in [400, 401, 403, 404, 407] {
            assert_eq!(page(status), CallError::Nonsense, "{status}");
        }
        assert_eq!(page(429), CallError::Throttled(None));
        assert_eq!(page(502), CallError::Uncertain);
        assert_eq!(classify(&answer(401, Vec::new()), None, POST), CallError::Unauthorised);
    }

    #[test]
    fn what_may_have_happened_is_never_worth_another_try() {
        assert!(!CallError::Uncertain.is_transient());
        assert!(!CallError::Uncertain.calls_for_another_place());
        assert!(CallError::Throttled(None).is_transient());
        assert!(CallError::NotInstalled.calls_for_another_place());
    }

    proptest! {
        #[test]
        fn any_body_is_read(
            status in 100_u16..1000,
            body in proptest::collection::vec(any::<u8>(), 0..80),
        ) {
            let _ = classify(&answer(status, body), None, POST);
        }
    }
}
