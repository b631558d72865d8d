//! The parts of Slack's Web API that we use: `users.info` and `chat.postMessage`.
//!
//! Slack answers HTTP 200 with `ok: false` when it means no (Slack, Web API); a failure of transport
//! or HTTP 429 are the exceptions.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::{Response, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use url::Url;

use super::block_kit::PrivateMessage;
use crate::clock::SharedClock;
use crate::core::{Directory, DirectoryError, Email, Kind, Person, Profile};
use crate::metrics::Metrics;
use crate::net::{read_limited, retry_after};

/// How long one call may take. Looking a person up runs beside the calls to Novu, and must not be
/// what the person waits for.
const TIMEOUT: Duration = Duration::from_millis(1500);
/// How long posting a message may take. Nobody waits for it, and a message whose fate is unknown
/// cannot be sent again.
const POST_TIMEOUT: Duration = Duration::from_secs(10);
/// The largest answer that is read, in bytes.
const LARGEST_ANSWER: usize = 512 * 1024;

/// A client of the Web API.
#[derive(Debug, Clone)]
pub struct WebApi {
    users_info: Url,
    post_message: Url,
    http: reqwest::Client,
    clock: SharedClock,
    metrics: Arc<Metrics>,
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
    /// The word for it in metrics.
    const fn outcome(&self) -> &'static str {
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

#[derive(Deserialize)]
struct Envelope<T> {
    ok: bool,
    error: Option<String>,
    #[serde(flatten)]
    content: Option<T>,
}

#[derive(Deserialize)]
struct UserInfo {
    user: User,
}

#[derive(Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "these are the flags of Slack's user object")]
struct User {
    id: String,
    team_id: Option<String>,
    locale: Option<String>,
    #[serde(default, deserialize_with = "flag")]
    deleted: bool,
    #[serde(default, deserialize_with = "flag")]
    is_bot: bool,
    #[serde(default, deserialize_with = "flag")]
    is_workflow_bot: bool,
    #[serde(default, deserialize_with = "flag")]
    is_connector_bot: bool,
    #[serde(default, deserialize_with = "flag")]
    is_stranger: bool,
    #[serde(default, deserialize_with = "flag")]
    is_restricted: bool,
    #[serde(default, deserialize_with = "flag")]
    is_ultra_restricted: bool,
    #[serde(default, deserialize_with = "flag")]
    is_email_confirmed: bool,
    real_name: Option<String>,
    profile: Option<UserProfile>,
    #[serde(rename = "enterprise_user")]
    organisation: Option<EnterpriseUser>,
}

#[derive(Deserialize)]
struct UserProfile {
    email: Option<String>,
    real_name: Option<String>,
    display_name: Option<String>,
}

#[derive(Deserialize)]
struct EnterpriseUser {
    enterprise_id: Option<String>,
    #[serde(default)]
    teams: Option<Vec<String>>,
}

/// A flag that may be null.
fn flag<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    Ok(Option::<bool>::deserialize(deserializer)?.unwrap_or_default())
}

#[derive(Deserialize)]
struct Posted {}

impl WebApi {
    /// A client of the Web API at `base`, such as `https://slack.com/api`.
    ///
    /// # Errors
    /// `base` cannot be the beginning of a URL.
    pub fn new(
        base: &Url,
        http: reqwest::Client,
        clock: SharedClock,
        metrics: Arc<Metrics>,
    ) -> Result<Self, url::ParseError> {
        let base = base.as_str().trim_end_matches('/');
        Ok(Self {
            users_info: Url::parse(&format!("{base}/users.info"))?,
            post_message: Url::parse(&format!("{base}/chat.postMessage"))?,
            http,
            clock,
            metrics,
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
            .post(self.post_message.clone())
            // Without the charset Slack adds a warning to every answer.
            .header(CONTENT_TYPE, "application/json; charset=utf-8")
            .timeout(POST_TIMEOUT)
            .body(body);
        self.call::<Posted>("chat_post_message", token, request).await.map(|_| ())
    }

    async fn user(&self, token: &SecretString, user: &str) -> Result<User, CallError> {
        let request = self
            .http
            .get(self.users_info.clone())
            .query(&[("user", user), ("include_locale", "true")])
            .timeout(TIMEOUT);
        Ok(self.call::<UserInfo>("users_info", token, request).await?.user)
    }

    async fn call<T: DeserializeOwned>(
        &self,
        operation: &'static str,
        token: &SecretString,
        request: reqwest::RequestBuilder,
    ) -> Result<T, CallError> {
        let started = Instant::now();
        let outcome = async {
            let response = request
                .header(AUTHORIZATION, bearer(token)?)
                .send()
                .await
                .map_err(|error| lost(&error))?;
            understand(response, self.clock.now()).await
        }
        .await;
        let word = outcome.as_ref().map_or_else(CallError::outcome, |_| "ok");
        self.metrics.upstream("slack", operation, word, started.elapsed());
        outcome
    }
}

fn bearer(token: &SecretString) -> Result<HeaderValue, CallError> {
    let mut value = HeaderValue::from_str(&format!("Bearer {}", token.expose_secret()))
        .map_err(|_| CallError::Said("invalid_auth".to_owned()))?;
    value.set_sensitive(true);
    Ok(value)
}

async fn understand<T: DeserializeOwned>(
    response: Response,
    now: Timestamp,
) -> Result<T, CallError> {
    if response.status() == StatusCode::TOO_MANY_REQUESTS {
        return Err(CallError::Throttled(retry_after(response.headers(), now)));
    }
    if !response.status().is_success() {
        return Err(CallError::Unavailable);
    }
    let body = read_limited(response, LARGEST_ANSWER).await.map_err(|_| CallError::Uncertain)?;
    let envelope: Envelope<T> = serde_json::from_slice(&body).map_err(|_| CallError::Uncertain)?;
    match envelope {
        Envelope { ok: true, content: Some(content), .. } => Ok(content),
        Envelope { ok: false, error: Some(error), .. } => Err(CallError::Said(error)),
        _ => Err(CallError::Uncertain),
    }
}

/// What it means that no answer came: nothing happened if there was no connection.
fn lost(error: &reqwest::Error) -> CallError {
    if error.is_connect() { CallError::Unavailable } else { CallError::Uncertain }
}

impl Directory for WebApi {
    fn profile<'a>(
        &'a self,
        person: &'a Person,
        token: Option<&'a SecretString>,
    ) -> BoxFuture<'a, Result<Profile, DirectoryError>> {
        async move {
            let token = token.ok_or(DirectoryError::NotAllowed("no_token"))?;
            match self.user(token, &person.user).await {
                Ok(user) => profile_of(user, person),
                Err(CallError::Said(word)) => Err(said(&word)),
                Err(CallError::Throttled(after)) => Err(DirectoryError::Throttled(after)),
                Err(CallError::Unavailable | CallError::Uncertain) => {
                    Err(DirectoryError::Unavailable)
                }
            }
        }
        .boxed()
    }
}

fn said(word: &str) -> DirectoryError {
    match word {
        "user_not_found" | "user_not_visible" => DirectoryError::Stranger,
        "missing_scope" => DirectoryError::NotAllowed("missing_scope"),
        "account_inactive" | "token_revoked" | "invalid_auth" | "token_expired" | "not_authed" => {
            DirectoryError::NotAllowed("dead_token")
        }
        "ratelimited" => DirectoryError::Throttled(None),
        _ => DirectoryError::Unavailable,
    }
}

fn profile_of(user: User, person: &Person) -> Result<Profile, DirectoryError> {
    if user.id != person.user {
        return Err(DirectoryError::Unavailable);
    }
    let kind = kind_of(&user, person);
    let confirmed = user.is_email_confirmed;
    let given = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
    let profile = user.profile;
    let email = profile.as_ref().and_then(|profile| profile.email.clone());
    let name = profile
        .and_then(|profile| given(profile.real_name).or_else(|| given(profile.display_name)))
        .or(given(user.real_name));
    Ok(Profile {
        name,
        locale: given(user.locale),
        email: given(email).map(|address| Email { address, confirmed }),
        kind,
    })
}

fn kind_of(user: &User, person: &Person) -> Kind {
    // Slackbot does not carry the flag.
    if user.is_bot || user.is_workflow_bot || user.is_connector_bot || user.id == "USLACKBOT" {
        Kind::Bot
    } else if user.deleted {
        Kind::Deactivated
    } else if user.is_stranger || !belongs(user, person) {
        Kind::External
    } else if user.is_restricted || user.is_ultra_restricted {
        Kind::Guest
    } else {
        Kind::Member
    }
}

/// Whether the user is of the workspace that the request came from, or of its organisation. Slack
/// can leave each of these fields out; only what is there can speak against somebody.
fn belongs(user: &User, person: &Person) -> bool {
    let place = &person.workspace;
    // Slack also leaves a field out by leaving it empty.
    let of_team = user.team_id.as_ref().filter(|team| !team.is_empty()).is_none_or(|team| {
        *team == place.id || place.enterprise.as_ref().is_some_and(|enterprise| team == enterprise)
    });
    let of_organisation = user.organisation.as_ref().is_some_and(|enterprise_user| {
        let same = enterprise_user.enterprise_id.is_some()
            && enterprise_user.enterprise_id == place.enterprise;
        let listed = enterprise_user.teams.as_ref().is_some_and(|teams| teams.contains(&place.id));
        same || listed
    });
    of_team || of_organisation
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::core::Workspace;

    fn asker() -> Person {
        let workspace = Workspace {
            id: "T1".to_owned(),
            enterprise: Some("E1".to_owned()),
            org_install: false,
        };
        Person { platform: crate::slack::PLATFORM.id(), workspace, user: "U1".to_owned() }
    }

    #[test]
    fn accounts_are_told_apart() {
        let cases = [
            (json!({"id": "U1"}), Kind::Member),
            (json!({"id": "U1", "team_id": "T1"}), Kind::Member),
            (json!({"id": "U1", "team_id": ""}), Kind::Member),
            (json!({"id": "U1", "team_id": "E1"}), Kind::Member),
            (json!({"id": "U1", "is_bot": null, "deleted": null}), Kind::Member),
            (json!({"id": "U1", "team_id": "T2"}), Kind::External),
            (
                json!({"id": "U1", "team_id": "T2", "enterprise_user": {"enterprise_id": "E1"}}),
                Kind::Member,
            ),
            (
                json!({"id": "U1", "team_id": "T2", "enterprise_user": {"enterprise_id": "E2"}}),
                Kind::External,
            ),
            (
                json!({"id": "U1", "team_id": "T2", "enterprise_user": {"teams": ["T1"]}}),
                Kind::Member,
            ),
            (json!({"id": "U1", "is_stranger": true}), Kind::External),
            (json!({"id": "U1", "is_restricted": true}), Kind::Guest),
            (json!({"id": "U1", "is_ultra_restricted": true}), Kind::Guest),
            (json!({"id": "U1", "deleted": true, "is_restricted": true}), Kind::Deactivated),
            (json!({"id": "U1", "is_bot": true, "deleted": true}), Kind::Bot),
            (json!({"id": "U1", "is_workflow_bot": true}), Kind::Bot),
        ];
        for (user, kind) in cases {
            let user = serde_json::from_value(user.clone()).unwrap();
            assert_eq!(profile_of(user, &asker()).unwrap().kind, kind);
        }
        let slackbot = serde_json::from_value(json!({"id": "USLACKBOT"})).unwrap();
        let person = Person { user: "USLACKBOT".to_owned(), ..asker() };
        assert_eq!(profile_of(slackbot, &person).unwrap().kind, Kind::Bot);
    }

    #[test]
    fn an_answer_about_somebody_else_is_no_answer() {
        let user = serde_json::from_value(json!({"id": "U2"})).unwrap();
        assert_eq!(profile_of(user, &asker()), Err(DirectoryError::Unavailable));
    }
}
