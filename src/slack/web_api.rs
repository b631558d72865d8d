//! The parts of Slack's Web API that we use: `users.info` and `chat.postMessage`; `api.test` and
//! `auth.test` to see whether all is well.
//!
//! Slack answers HTTP 200 with `ok: false` when it means no (Slack, Web API); a failure of transport
//! or HTTP 429 are the exceptions.

mod user;

use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Method, RequestBuilder, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use url::Url;

use self::user::User;
use super::block_kit::PrivateMessage;
use crate::clock::SharedClock;
use crate::core::{Person, Profile, Profiles, ProfilesError, TokenCheck};
use crate::net::lenient::lenient;
use crate::net::{self, Answered, Outgoing};

/// How long one call may take. Looking a person up runs beside the calls to Novu, and must not be
/// what the person waits for.
const TIMEOUT: Duration = Duration::from_millis(1500);
/// How long posting a message may take. Nobody waits for it, and a message whose fate is unknown
/// cannot be sent again.
const POST_TIMEOUT: Duration = Duration::from_secs(10);
/// The largest answer that is read, in bytes.
const LARGEST_ANSWER: usize = 512 * 1024;

/// The response header with the scopes of the token (Slack, Web API).
const SCOPES_HEADER: &str = "x-oauth-scopes";
/// The scope without which Slack leaves addresses out, as if nobody had one (Slack, `users.info`).
pub(super) const ADDRESS_SCOPE: &str = "users:read.email";
/// The words for "no" that stay until somebody acts (Slack, Web API errors).
const LASTING: [&str; 12] = [
    "missing_scope",
    "token_revoked",
    "invalid_auth",
    "account_inactive",
    "not_authed",
    "access_denied",
    "no_permission",
    "not_allowed_token_type",
    "team_access_not_granted",
    "ekm_access_denied",
    "enterprise_is_restricted",
    "two_factor_setup_required",
];
/// That there is no bot token to ask with.
const NO_TOKEN: &str = "no_token";
/// Any other word for "no".
const REFUSED: &str = "refused";

/// Every reason for which Slack does not say who people are, in a word for the operator.
pub fn troubles() -> impl Iterator<Item = &'static str> {
    LASTING.into_iter().chain([NO_TOKEN, REFUSED])
}

/// A client of the Web API.
#[derive(Debug, Clone)]
pub struct WebApi {
    users_info: Url,
    post_message: Url,
    api_test: Url,
    auth_test: Url,
    http: Outgoing,
    clock: SharedClock,
}

/// Why a call failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// Slack means no; its error word.
    #[error("slack answered {0:?}")]
    Said(String),
    /// Slack asks to slow down.
    #[error("slack asks to slow down")]
    Throttled(Option<Duration>),
    /// Slack could not be reached, or is in trouble.
    #[error("slack did not answer")]
    Unavailable,
    /// The request went out and no sensible answer came back: it may have had its effect.
    #[error("slack did not say whether it took the request")]
    Uncertain,
}

impl CallError {
    /// Slack's word for it, or else ours.
    pub(super) fn word(&self) -> &str {
        let is_word = |word: &&String| {
            word.len() <= 64 && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
        };
        match self {
            Self::Said(word) => Some(word).filter(is_word).map_or(REFUSED, String::as_str),
            other => other.outcome(),
        }
    }

    /// The word for it in metrics.
    pub(super) const fn outcome(&self) -> &'static str {
        match self {
            Self::Said(_) => "refused",
            Self::Throttled(_) => "throttled",
            Self::Unavailable => "unavailable",
            Self::Uncertain => "uncertain",
        }
    }

    /// Whether the same call can succeed later.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Throttled(_) | Self::Unavailable => true,
            Self::Uncertain => false,
            Self::Said(word) => matches!(
                word.as_str(),
                "ratelimited"
                    | "internal_error"
                    | "fatal_error"
                    | "service_unavailable"
                    | "request_timeout"
                    | "team_added_to_org"
            ),
        }
    }
}

/// What every answer begins with; what was asked for stands beside it.
#[derive(Deserialize)]
struct Envelope {
    ok: bool,
    #[serde(default, deserialize_with = "lenient")]
    error: Option<String>,
}

#[derive(Deserialize)]
struct UserInfo {
    user: User,
}

#[derive(Deserialize)]
struct Posted {}

/// What Slack says of a token (Slack, `auth.test`).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Token {
    /// The workspace that it is of, or one of the organisation.
    pub(super) team_id: String,
    /// The organisation, where there is one.
    #[serde(default, deserialize_with = "lenient")]
    pub(super) enterprise_id: Option<String>,
    /// The bot's own user id.
    #[serde(default, deserialize_with = "lenient")]
    pub(super) user_id: String,
    /// The scopes that it has; none where Slack does not say.
    #[serde(skip)]
    pub(super) scopes: Option<Vec<String>>,
}

impl WebApi {
    /// A client of the Web API at `base`, such as `https://slack.com/api`.
    ///
    /// # Errors
    /// `base` cannot be the beginning of a URL.
    pub fn new(base: &Url, http: Outgoing, clock: SharedClock) -> Result<Self, url::ParseError> {
        let base = base.as_str().trim_end_matches('/');
        Ok(Self {
            users_info: Url::parse(&format!("{base}/users.info"))?,
            post_message: Url::parse(&format!("{base}/chat.postMessage"))?,
            api_test: Url::parse(&format!("{base}/api.test"))?,
            auth_test: Url::parse(&format!("{base}/auth.test"))?,
            http,
            clock,
        })
    }

    /// Posts a message into the direct conversation between the bot and a person, which Slack opens
    /// by itself.
    ///
    /// # Errors
    /// Slack did not take the message.
    pub async fn post_direct_message(
        &self,
        token: &SecretString,
        user: &str,
        message: &PrivateMessage,
    ) -> Result<(), CallError> {
        #[derive(Serialize)]
        struct Post<'a> {
            channel: &'a str,
            #[serde(flatten)]
            message: &'a PrivateMessage,
        }
        let body = serde_json::to_vec(&Post { channel: user, message })
            .map_err(|_| CallError::Unavailable)?;
        let request = self
            .http
            .request(Method::POST, self.post_message.clone())
            // Without the charset Slack adds a warning to every answer.
            .header(CONTENT_TYPE, "application/json; charset=utf-8")
            .body(body);
        self.call::<Posted>("chat_post_message", POST_TIMEOUT, token, request).await.map(|_| ())
    }

    /// Whether the Web API answers, and what time it is there.
    pub(super) async fn test_api(&self) -> Result<Option<Timestamp>, CallError> {
        let mut call = self.http.call("slack", "api_test", TIMEOUT);
        let request = self.http.request(Method::POST, self.api_test.clone());
        let answer = call.send(request, LARGEST_ANSWER).await;
        let result = match &answer {
            Ok(answer) => understand::<Posted>(answer, self.clock.now()).map(|_| answer.date()),
            Err(_) => Err(CallError::Unavailable),
        };
        conclude(call, result.as_ref().err());
        result
    }

    /// What Slack says of a token.
    pub(super) async fn test_token(&self, token: &SecretString) -> Result<Token, CallError> {
        let request = self.http.request(Method::POST, self.auth_test.clone());
        let (tested, headers) = self.call::<Token>("auth_test", TIMEOUT, token, request).await?;
        let scopes = headers.get(SCOPES_HEADER).and_then(|scopes| scopes.to_str().ok());
        let list = |scopes: &str| scopes.split(',').map(|it| it.trim().to_owned()).collect();
        Ok(Token { scopes: scopes.map(list), ..tested })
    }

    /// Whether Slack says who somebody is. Of whom it has not heard, it says so.
    pub(super) async fn test_profile(
        &self,
        token: &SecretString,
        user: &str,
    ) -> Result<(), CallError> {
        match self.user(token, user).await {
            Err(CallError::Said(word)) if is_about_one_person(&word) => Ok(()),
            result => result.map(|_| ()),
        }
    }

    /// The user, and whether Slack tells this token e-mail addresses.
    async fn user(&self, token: &SecretString, user: &str) -> Result<(User, bool), CallError> {
        let request = self
            .http
            .request(Method::GET, self.users_info.clone())
            .query(&[("user", user), ("include_locale", "true")]);
        let (info, headers) = self.call::<UserInfo>("users_info", TIMEOUT, token, request).await?;
        Ok((info.user, tells_addresses(&headers)))
    }

    async fn call<T: DeserializeOwned>(
        &self,
        operation: &'static str,
        time_limit: Duration,
        token: &SecretString,
        request: RequestBuilder,
    ) -> Result<(T, HeaderMap), CallError> {
        let mut call = self.http.call("slack", operation, time_limit);
        let result = match bearer(token) {
            Ok(token) => {
                let request = request.header(AUTHORIZATION, token);
                match call.send(request, LARGEST_ANSWER).await {
                    Ok(answer) => understand(&answer, self.clock.now())
                        .map(|content| (content, answer.headers)),
                    // Nothing happened if there was no connection.
                    Err(failure) if failure.nothing_done() => Err(CallError::Unavailable),
                    Err(_) => Err(CallError::Uncertain),
                }
            }
            Err(error) => Err(error),
        };
        conclude(call, result.as_ref().err());
        result
    }
}

/// Records how a call went. That Slack does not find or reach one person is no failure of its own.
fn conclude(mut call: net::Call<'_>, error: Option<&CallError>) {
    let Some(error) = error else { return call.ok() };
    let mut advice = None;
    match error {
        CallError::Said(word) if is_about_one_person(word) => {
            return call.answered(error.outcome());
        }
        CallError::Said(word) => {
            call.said(word);
            advice = advice_for(word);
        }
        CallError::Uncertain => call.nonsense("it is not what the Web API answers"),
        CallError::Throttled(_) | CallError::Unavailable => {}
    }
    call.failed(error.outcome(), advice);
}

/// Whether an error word is about the person that was asked for (Slack, `users.info` and
/// `chat.postMessage`).
fn is_about_one_person(word: &str) -> bool {
    matches!(
        word,
        "user_not_found"
            | "user_not_visible"
            | "channel_not_found"
            | "cannot_dm_bot"
            | "is_archived"
    )
}

/// What an operator can do about an error word (Slack, Web API).
fn advice_for(word: &str) -> Option<&'static str> {
    match word {
        "missing_scope" => Some(
            "add the bot scopes users:read, users:read.email and chat:write to the Slack app and to \
             workspaces.scope, and run workspace reconnect",
        ),
        "account_inactive" | "token_revoked" | "invalid_auth" | "not_authed" => Some(
            "the bot's token is dead: run workspace reconnect, which installs the Slack app anew, or \
             correct slack.bot_token",
        ),
        "token_expired" => Some(
            "let Novu renew the token by sending something, or use a Slack app without token rotation",
        ),
        "messages_tab_disabled" => {
            Some("switch the Messages tab on in the Slack app, under App Home")
        }
        _ => None,
    }
}

fn bearer(token: &SecretString) -> Result<HeaderValue, CallError> {
    let mut value = HeaderValue::from_str(&format!("Bearer {}", token.expose_secret()))
        .map_err(|_| CallError::Said("invalid_auth".to_owned()))?;
    value.set_sensitive(true);
    Ok(value)
}

fn understand<T: DeserializeOwned>(answer: &Answered, now: Timestamp) -> Result<T, CallError> {
    if answer.status == StatusCode::TOO_MANY_REQUESTS {
        return Err(CallError::Throttled(answer.retry_after(now)));
    }
    if !answer.status.is_success() {
        return Err(CallError::Unavailable);
    }
    match serde_json::from_slice(&answer.body) {
        Ok(Envelope { ok: true, .. }) => {
            serde_json::from_slice(&answer.body).map_err(|_| CallError::Uncertain)
        }
        Ok(Envelope { ok: false, error: Some(error) }) => Err(CallError::Said(error)),
        _ => Err(CallError::Uncertain),
    }
}

/// Whether the token of this answer has the scope for addresses. Without the header nobody knows.
fn tells_addresses(headers: &HeaderMap) -> bool {
    let scopes = headers.get(SCOPES_HEADER).and_then(|scopes| scopes.to_str().ok());
    scopes.is_some_and(|scopes| scopes.split(',').any(|scope| scope.trim() == ADDRESS_SCOPE))
}

impl TokenCheck for WebApi {
    fn check<'a>(&'a self, token: &'a SecretString) -> BoxFuture<'a, Result<(), ProfilesError>> {
        async move { self.test_token(token).await.map(drop).map_err(untold) }.boxed()
    }
}

impl Profiles for WebApi {
    fn profile<'a>(
        &'a self,
        person: &'a Person,
        token: Option<&'a SecretString>,
    ) -> BoxFuture<'a, Result<Profile, ProfilesError>> {
        async move {
            let token = token.ok_or(ProfilesError::NotAllowed(NO_TOKEN))?;
            match self.user(token, &person.user).await {
                Ok((user, tells_addresses)) => user.profile(person, tells_addresses),
                Err(error) => Err(untold(error)),
            }
        }
        .boxed()
    }
}

fn untold(error: CallError) -> ProfilesError {
    match error {
        CallError::Said(word) => said(&word),
        CallError::Throttled(after) => ProfilesError::Throttled(after),
        CallError::Unavailable | CallError::Uncertain => ProfilesError::Unavailable,
    }
}

fn said(word: &str) -> ProfilesError {
    match word {
        "user_not_found" | "user_not_visible" => ProfilesError::Stranger,
        "token_expired" => ProfilesError::Expired,
        "ratelimited" => ProfilesError::Throttled(None),
        word if CallError::Said(word.to_owned()).is_transient() => ProfilesError::Unavailable,
        word => {
            let known = LASTING.into_iter().find(|lasting| *lasting == word);
            ProfilesError::NotAllowed(known.unwrap_or(REFUSED))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whether_addresses_are_told_shows_in_the_scopes() {
        let cases = [
            (Some("chat:write,users:read,users:read.email"), true),
            (Some("users:read.email, users:read"), true),
            (Some("users:read"), false),
            (Some("users:read.emails"), false),
            (None, false),
        ];
        for (scopes, told) in cases {
            let scopes = scopes.map(|text| (SCOPES_HEADER.parse().unwrap(), text.parse().unwrap()));
            assert_eq!(tells_addresses(&HeaderMap::from_iter(scopes)), told);
        }
    }

    #[test]
    fn an_odd_error_in_an_answer_of_success_does_not_matter() {
        let body = r#"{"ok":true,"error":{},"user":{"id":"U1"}}"#.into();
        let answer = Answered { status: StatusCode::OK, headers: HeaderMap::default(), body };
        assert!(understand::<UserInfo>(&answer, Timestamp::UNIX_EPOCH).is_ok());
    }
}
