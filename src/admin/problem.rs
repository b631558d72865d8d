//! Answers that are no: `application/problem+json` (RFC 9457), each with a stable type and a reference that
//! the log has too.

use std::borrow::Cow;
use std::time::Duration;

use axum::Json;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::token::Role;
use crate::core::{Reason, Reference, Refusal};
use crate::store::StoreError;

/// The media type of a problem.
pub(super) const PROBLEM_JSON: &str = "application/problem+json";
/// What the types of problems begin with.
const TYPES: &str = "urn:novu-connect-bot:problem:";

/// Declares the kinds of problems that are not the core's, each with its word, its status and its title. A word
/// never changes its meaning.
macro_rules! kinds {
    ($($(#[$note:meta])* $name:ident = $word:literal, $status:ident, $title:literal;)+) => {
        /// What is wrong with a request, before anything was done for it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Kind {
            $($(#[$note])* $name,)+
        }

        impl Kind {
            #[cfg(test)]
            pub(super) const ALL: &'static [Self] = &[$(Self::$name),+];

            /// Its word in the type.
            pub(super) const fn word(self) -> &'static str {
                match self { $(Self::$name => $word,)+ }
            }

            pub(super) const fn status(self) -> StatusCode {
                match self { $(Self::$name => StatusCode::$status,)+ }
            }

            const fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)+ }
            }
        }
    };
}

kinds! {
    /// No token, or one that is not in force.
    Unauthenticated = "unauthenticated", UNAUTHORIZED, "A valid token is needed";
    /// The token's role does not let its holder do this.
    RoleTooLow = "role-too-low", FORBIDDEN, "The token's role does not allow this";
    /// There is no such path.
    UnknownPath = "unknown-path", NOT_FOUND, "There is no such path";
    /// The path is there, and not for this method.
    WrongMethod = "wrong-method", METHOD_NOT_ALLOWED, "The path does not take this method";
    /// What the path names is not there.
    NotFound = "not-found", NOT_FOUND, "What the path names is not there";
    /// A parameter in the path, the query or a header is not what it has to be.
    BadParameter = "bad-parameter", BAD_REQUEST, "A parameter is not what it has to be";
    /// The body is no JSON, or did not arrive.
    BadJson = "bad-json", BAD_REQUEST, "The body is not JSON";
    /// The body is JSON, and not what it has to be.
    BadBody = "bad-body", UNPROCESSABLE_ENTITY, "The body is not what it has to be";
    /// The body is not said to be JSON.
    WrongType = "wrong-content-type", UNSUPPORTED_MEDIA_TYPE, "The body has to be application/json";
    /// The body is too large.
    TooLarge = "too-large", PAYLOAD_TOO_LARGE, "The body is too large";
    /// The key belongs to a request for something else.
    KeyReused = "idempotency-key-reused", UNPROCESSABLE_ENTITY, "The idempotency key was used for something else";
    /// The token is used too often.
    TooOften = "too-often", TOO_MANY_REQUESTS, "Too many requests with this token";
    /// Whether it was done is not known.
    Uncertain = "uncertain", SERVICE_UNAVAILABLE, "It is not known whether it was done";
    /// It took too long.
    TookTooLong = "took-too-long", SERVICE_UNAVAILABLE, "It took too long";
    /// Something in the service itself broke.
    Broken = "broken", INTERNAL_SERVER_ERROR, "An error of the service itself";
}

/// An answer that is no.
#[derive(Debug, Clone)]
pub(super) struct Problem {
    word: Cow<'static, str>,
    status: StatusCode,
    title: Cow<'static, str>,
    detail: Cow<'static, str>,
    code: Option<&'static str>,
    retry_after: Option<Duration>,
    /// Whether an operator should look.
    is_ours: bool,
}

/// A problem (RFC 9457).
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub(super) struct ProblemBody {
    /// What sort of problem it is: `urn:novu-connect-bot:problem:` and a word that never changes its meaning.
    #[serde(rename = "type")]
    #[schema(example = "urn:novu-connect-bot:problem:role-too-low")]
    kind: String,
    /// The same in words.
    title: String,
    /// The status of the response.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// What is wrong this time, and what to do.
    detail: String,
    /// The code of the refusal, as in the table "What each refusal means"; none where it is the request
    /// itself that is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "C-WORKSPACE")]
    code: Option<&'static str>,
    /// The reference under which the service's log has it.
    #[schema(pattern = "^[0-9A-Z]{8}$")]
    reference: String,
}

impl Problem {
    pub(super) fn new(kind: Kind, detail: impl Into<Cow<'static, str>>) -> Self {
        Self {
            word: kind.word().into(),
            status: kind.status(),
            title: kind.title().into(),
            detail: detail.into(),
            code: None,
            retry_after: None,
            is_ours: matches!(kind, Kind::Uncertain | Kind::TookTooLong | Kind::Broken),
        }
    }

    pub(super) fn unauthenticated() -> Self {
        Self::new(
            Kind::Unauthenticated,
            "Send the header \"Authorization: Bearer TOKEN\" with a token of server.admin_tokens.",
        )
    }

    pub(super) fn role_too_low(has: Role, needs: Role) -> Self {
        let (has, needs) = (has.word(), needs.word());
        Self::new(
            Kind::RoleTooLow,
            format!("The token's role is {has}, and this needs {needs}: use another token."),
        )
    }

    pub(super) fn too_often(wait: Duration) -> Self {
        let problem = Self::new(Kind::TooOften, "Wait as long as the header Retry-After says.");
        Self { retry_after: Some(wait), ..problem }
    }

    pub(super) fn took_too_long() -> Self {
        Self::new(
            Kind::TookTooLong,
            "Look whether it was done, and ask again. The service's log says which call to another system \
             takes so long.",
        )
    }

    pub(super) fn broken() -> Self {
        Self::new(Kind::Broken, "Ask again. If it stays like this, report it with the log's lines.")
    }

    /// What the platform of that name is not among those that are on.
    pub(super) fn platform_is_off() -> Self {
        Self::new(
            Kind::NotFound,
            "This platform is not on: name one that is, or fill in its section of the configuration.",
        )
    }

    /// Whether an operator should look.
    pub(super) const fn is_ours(&self) -> bool {
        self.is_ours
    }

    /// Its code, or the word of its type.
    pub(super) fn word(&self) -> &str {
        self.code.unwrap_or(&self.word)
    }

    /// The response that somebody gets.
    pub(super) fn told(&self, reference: Reference) -> Response {
        let body = ProblemBody {
            kind: format!("{TYPES}{}", self.word),
            title: self.title.clone().into_owned(),
            status: self.status.as_u16(),
            detail: self.detail.clone().into_owned(),
            code: self.code,
            reference: reference.to_string(),
        };
        let mut response = (self.status, Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(wait) = self.retry_after {
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            headers.insert(RETRY_AFTER, seconds.max(1).into());
        }
        response
    }
}

/// Leaves the response to whoever knows the request: that is where the reference is made and the log told.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let Refusal { reason, retry_after, .. } = refusal;
        let code = reason.code();
        let means = reason.meaning();
        Self {
            word: code.to_ascii_lowercase().into(),
            status: status(reason),
            detail: format!("{means} What to do: {}.", reason.fix()).into(),
            title: means.into(),
            code: Some(code),
            retry_after,
            is_ours: reason.needs_operator(),
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        Refusal::from(error).into()
    }
}

/// The status of a refusal.
fn status(reason: Reason) -> StatusCode {
    match reason {
        Reason::WorkspaceNotConnected => StatusCode::NOT_FOUND,
        Reason::WorkspaceNotAllowed | Reason::NotAdministrator => StatusCode::FORBIDDEN,
        Reason::Undecided | Reason::BadContext | Reason::OwnerMissing | Reason::Incomplete => {
            StatusCode::UNPROCESSABLE_ENTITY
        }
        Reason::NovuKey
        | Reason::NovuIntegration
        | Reason::NovuRejected
        | Reason::NovuNonsense
        | Reason::LinkHost
        | Reason::WebhookUnavailable
        | Reason::ProfileUnavailable => StatusCode::BAD_GATEWAY,
        Reason::NovuBusy
        | Reason::NovuUnavailable
        | Reason::Busy
        | Reason::StoreUnavailable
        | Reason::Restarting => StatusCode::SERVICE_UNAVAILABLE,
        Reason::NovuTimeout => StatusCode::GATEWAY_TIMEOUT,
        Reason::TooOften => StatusCode::TOO_MANY_REQUESTS,
        Reason::Broken => StatusCode::INTERNAL_SERVER_ERROR,
        _ => StatusCode::CONFLICT,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_distinct_words() {
        let refusals = Reason::ALL.iter().map(|reason| Problem::from(Refusal::from(*reason)).word);
        let own = Kind::ALL.iter().map(|kind| Cow::from(kind.word()));
        let mut words: Vec<_> = refusals.chain(own).collect();
        let count = words.len();
        words.sort();
        words.dedup();
        assert_eq!(words.len(), count);
        let is_word = |word: &str| word.bytes().all(|it| it.is_ascii_lowercase() || it == b'-');
        assert!(words.iter().all(|word| is_word(word)), "{words:?}");
    }

    #[test]
    fn a_wait_is_told_in_whole_seconds_and_never_too_short() {
        let reference = Reference::from_random([7; 5]);
        for (wait, told) in [(0, "1"), (1, "1"), (1000, "1"), (1001, "2"), (30_000, "30")] {
            let problem = Problem::too_often(Duration::from_millis(wait));
            assert_eq!(problem.told(reference).headers()[RETRY_AFTER], told, "{wait} ms");
        }
    }
}
