//! A stand-in for Slack: Web API, response URLs, sign-in pages, and signed requests.
//!
//! The Web API is below `/api/`, as in `https://slack.com/api/`; response URLs are below
//! `/commands/` and `/actions/`; the consent page is at `/oauth/v2/authorize`. Everything that is posted goes
//! through [`block_kit::validate`].

pub mod block_kit;
mod call;
mod code;
mod model;
mod oauth;
mod press;
mod request;
mod response_url;
mod state;
#[cfg(test)]
mod tests;
mod web_api;

use std::io;
use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use jiff::Timestamp;
use serde_json::json;
use tokio_util::sync::DropGuard;

pub use self::model::{Channel, Door, Message, Team, User, buttons};
pub use self::request::{ButtonPress, Signed, SlashCommand, sign};
use self::response_url::{ResponseUrl, Source};
use self::state::State;
use super::server::{Controls, Port};
use super::{Failure, lock};
use connect_clock::SharedClock;

/// How the stand-in is set up: one app, that workspaces can install.
#[derive(Debug, Clone)]
pub struct Options {
    /// The app's id.
    pub app_id: String,
    /// The app's OAuth client id.
    pub client_id: String,
    /// The app's OAuth client secret.
    pub client_secret: String,
    /// The scopes of installations that are there from the start.
    pub scopes: Vec<String>,
    /// Whether requests and messages are kept; benchmarks switch this off.
    pub record: bool,
}

impl Default for Options {
    fn default() -> Self {
        let scopes = ["commands", "chat:write", "users:read", "users:read.email"];
        Self {
            app_id: "A0SANDBOX".to_owned(),
            client_id: "111111111111.222222222222".to_owned(),
            client_secret: "slack-sandbox-client-secret".to_owned(),
            scopes: scopes.map(str::to_owned).to_vec(),
            record: true,
        }
    }
}

/// What the routes share.
#[derive(Debug)]
struct Inner {
    controls: Arc<Controls>,
    options: Options,
    url: String,
    state: Mutex<State>,
}

impl Inner {
    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

/// A running stand-in. It stops when this is dropped.
#[derive(Debug)]
pub struct Slack {
    inner: Arc<Inner>,
    _running: DropGuard,
}

impl Slack {
    /// Starts on a free loopback port.
    ///
    /// # Errors
    /// The port cannot be bound.
    pub async fn start(clock: SharedClock, options: Options) -> io::Result<Self> {
        let port = Port::bind().await?;
        let inner = Arc::new(Inner {
            controls: Controls::new(clock, options.record),
            url: port.url().to_owned(),
            state: Mutex::new(State::new(options.record)),
            options,
        });
        let running = port.serve(Arc::clone(&inner.controls), router(&inner), failure);
        Ok(Self { inner, _running: running })
    }

    /// The origin, such as `http://127.0.0.1:40124`. The Web API is below `/api`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.inner.url
    }

    /// The app's settings, for the integration in Novu.
    #[must_use]
    pub fn options(&self) -> &Options {
        &self.inner.options
    }

    /// Adds a workspace; its token is good if the app is installed there.
    pub fn add_team(&self, team: Team) {
        let mut state = self.inner.state();
        let (id, installed) = (team.id.clone(), team.installed);
        state.teams.insert(id.clone(), team);
        if installed {
            state.install(&id, &self.inner.options.scopes);
        }
    }

    /// Adds a person, in place of the one with the same id.
    pub fn add_user(&self, user: User) {
        self.inner.state().users.insert(user.id.clone(), user);
    }

    /// Adds a channel, in place of the one with the same id.
    pub fn add_channel(&self, channel: Channel) {
        self.inner.state().channels.insert(channel.id.clone(), channel);
    }

    /// Sets the scopes that a workspace has granted.
    pub fn set_scopes(&self, team_id: &str, scopes: &[&str]) {
        let mut state = self.inner.state();
        let token = state.teams.get(team_id).map(|team| team.bot_token.clone());
        if let Some(grant) = token.and_then(|token| state.grants.get_mut(&token)) {
            grant.scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
        }
    }

    /// Makes a token meet an error from now on, such as `token_revoked` or `account_inactive`.
    pub fn kill_token(&self, token: &str, error: &'static str) {
        if let Some(grant) = self.inner.state().grants.get_mut(token) {
            grant.dead = Some(error);
        }
    }

    /// Gives a workspace a new bot token, as token rotation does, and returns it. The old one meets
    /// `token_expired` from now on.
    #[must_use]
    pub fn rotate_token(&self, team_id: &str) -> String {
        let mut state = self.inner.state();
        let fresh = state.unique("xoxe.xoxb-sandbox-");
        let old = state
            .teams
            .get_mut(team_id)
            .map(|team| std::mem::replace(&mut team.bot_token, fresh.clone()))
            .and_then(|old| state.grants.get_mut(&old));
        if let Some(old) = old {
            let grant = old.clone();
            old.dead = Some("token_expired");
            state.grants.insert(fresh.clone(), grant);
        }
        fresh
    }

    /// Makes a response URL for a command in the first workspace.
    #[must_use]
    pub fn new_response_url(&self) -> String {
        let mut state = self.inner.state();
        let team = state.teams.keys().next().cloned().unwrap_or_else(|| "T0SANDBOX".to_owned());
        let secret = state.unique("secret");
        let path = format!("/commands/{team}/397700885554/{secret}");
        let url = ResponseUrl::new(self.inner.controls.clock.now(), Source::default());
        state.response_urls.insert(path.clone(), url);
        format!("{}{path}", self.inner.url)
    }

    /// The messages that were accepted so far, oldest first.
    #[must_use]
    pub fn messages(&self) -> Vec<Message> {
        let mut state = self.inner.state();
        state.read = state.messages.len();
        state.messages.clone()
    }

    /// The messages that have come since [`Slack::messages`] was last asked, oldest first.
    #[must_use]
    pub fn unread(&self) -> Vec<Message> {
        let state = self.inner.state();
        state.messages[state.read..].to_vec()
    }

    /// Forgets the messages so far.
    pub fn clear_messages(&self) {
        let mut state = self.inner.state();
        state.messages.clear();
        state.read = 0;
    }
}

/// Its faults and the requests to it.
impl Deref for Slack {
    type Target = Controls;

    fn deref(&self) -> &Controls {
        &self.inner.controls
    }
}

fn router(inner: &Arc<Inner>) -> Router {
    Router::new()
        .route("/api/{method}", get(web_api::call).post(web_api::call))
        .route("/commands/{team}/{id}/{secret}", post(response_url::of_command))
        .route("/actions/{team}/{id}/{secret}", post(response_url::of_action))
        .route("/oauth/v2/authorize", get(oauth::consent).post(oauth::decide))
        .with_state(Arc::clone(inner))
}

/// An injected failure in Slack's words: JSON from the Web API, a word in plain text elsewhere.
fn failure(failure: &Failure, path: &str, _now: Timestamp) -> Response {
    let usual = match failure.status {
        StatusCode::TOO_MANY_REQUESTS => "ratelimited",
        StatusCode::UNAUTHORIZED => "invalid_auth",
        StatusCode::SERVICE_UNAVAILABLE => "service_unavailable",
        StatusCode::INTERNAL_SERVER_ERROR => "internal_error",
        _ => "fatal_error",
    };
    let word = failure.message.clone().unwrap_or_else(|| usual.to_owned());
    let mut response = if path.starts_with("/api/") {
        (failure.status, Json(json!({ "ok": false, "error": word }))).into_response()
    } else {
        (failure.status, word).into_response()
    };
    if let Some(seconds) = failure.retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}
