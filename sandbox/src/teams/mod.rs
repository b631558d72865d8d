//! A stand-in for Microsoft Teams: the Bot Connector, Entra, and the people behind them.
//!
//! One server plays three services. The Bot Connector's documents are below `/v1/.well-known/`, its
//! API is below `/{region}/v3/` (the service URL), and everything of Entra's is below
//! `/{tenant}/oauth2/v2.0/` and `/{tenant}/v2.0/`. Activities come from the methods of [`Teams`] as
//! [`Inbound`], each with a token that is genuine by those documents.
//!
//! A person is named by their Entra object id here, whatever they are called on the wire.

pub mod card;
mod connector;
mod credentials;
mod entra;
mod inbound;
mod invoke;
mod model;
mod state;
#[cfg(test)]
mod tests;

use std::io;
use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::Router;
use axum::response::Response;
use jiff::Timestamp;
use serde_json::Value;
use tokio_util::sync::DropGuard;
use url::Url;

use self::connector::Limiter;
pub use self::connector::{RateLimits, Window};
use self::credentials::{BOT_FRAMEWORK, Registered};
pub use self::inbound::{Inbound, Signed};
pub use self::invoke::{ShownReply, validate_reply};
pub use self::model::{Conversation, Kind, Message, Person, Role, Standing, Tenant, Typing};
use self::state::State;
use super::bot_connector::BotConnectorKeys;
use super::server::{Controls, Port};
use super::{Failure, lock};
use crate::bot_connector::ISSUER;
use connect_clock::SharedClock;

/// How the bot is registered at Azure, which decides where its tokens come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Registration {
    /// Its tokens come from its home tenant, whomever it talks to.
    SingleTenant,
    /// Its tokens come from the Bot Framework's tenant. No new bots are of this kind since July 2025.
    MultiTenant,
}

/// How the stand-in is set up: one Entra application, which is the bot and the app of the sign-in.
#[derive(Debug, Clone)]
pub struct Options {
    /// The application id.
    pub app_id: String,
    /// Its client secret.
    pub app_secret: String,
    /// The tenant of the application, by its id. It is there from the start.
    pub home_tenant: String,
    /// Where the bot's tokens come from.
    pub registration: Registration,
    /// What people call the bot.
    pub bot_name: String,
    /// The path of the service URL.
    pub region: String,
    /// How long access tokens are good for.
    pub token_life: Duration,
    /// Rate limits, if any.
    pub rate_limits: Option<RateLimits>,
    /// Whether requests and messages are kept; benchmarks switch this off.
    pub record: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            app_id: "0b1f7a3e-5b1c-4f52-9a43-0d2c5a9e7f10".to_owned(),
            app_secret: "teams~sandbox-client-secret".to_owned(),
            home_tenant: "72f988bf-0000-4000-8000-00000000c0de".to_owned(),
            registration: Registration::SingleTenant,
            bot_name: "Connect".to_owned(),
            region: "emea".to_owned(),
            // Entra's hour is a second short.
            token_life: Duration::from_secs(3599),
            rate_limits: None,
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
    keys: BotConnectorKeys,
    state: Mutex<State>,
    limiter: Mutex<Option<Limiter>>,
}

impl Inner {
    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    fn limiter(&self) -> MutexGuard<'_, Option<Limiter>> {
        lock(&self.limiter)
    }

    fn bot_id(&self) -> String {
        format!("28:{}", self.options.app_id)
    }

    /// The tenant where the bot is registered, which issues its tokens.
    fn token_tenant(&self) -> &str {
        match self.options.registration {
            Registration::SingleTenant => &self.options.home_tenant,
            Registration::MultiTenant => BOT_FRAMEWORK,
        }
    }

    fn service_url(&self) -> String {
        format!("{}/{}/", self.url, self.options.region)
    }
}

/// A running stand-in. It stops when this is dropped.
#[derive(Debug)]
pub struct Teams {
    inner: Arc<Inner>,
    _running: DropGuard,
}

impl Teams {
    /// Starts on a free loopback port, with the home tenant and nobody in it.
    ///
    /// # Errors
    /// The port cannot be bound, or the system gives no randomness for a key.
    pub async fn start(clock: SharedClock, options: Options) -> io::Result<Self> {
        let port = Port::bind().await?;
        let url = port.url().to_owned();
        let (keys, documents) = BotConnectorKeys::mounted(Arc::clone(&clock), &url)?;
        let home = Tenant::new(&options.home_tenant, "Home");
        let inner = Arc::new(Inner {
            controls: Controls::new(clock, options.record),
            url,
            keys,
            state: Mutex::new(State::new(home, options.record)),
            limiter: Mutex::new(options.rate_limits.clone().map(Limiter::new)),
            options,
        });
        let router = router(&inner).merge(documents);
        let running = port.serve(Arc::clone(&inner.controls), router, failure);
        Ok(Self { inner, _running: running })
    }

    /// The origin, such as `http://127.0.0.1:40125`; also the base of Entra.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.inner.url
    }

    /// The app's settings, for the integration in Novu and for the bot.
    #[must_use]
    pub fn options(&self) -> &Options {
        &self.inner.options
    }

    /// Where the connector is, with a slash at the end, as activities say it.
    #[must_use]
    pub fn service_url(&self) -> String {
        self.inner.service_url()
    }

    /// Where the bot gets its tokens.
    #[must_use]
    pub fn token_url(&self) -> String {
        let tenant = match self.inner.options.registration {
            Registration::SingleTenant => &self.inner.options.home_tenant,
            Registration::MultiTenant => entra::BOT_FRAMEWORK_DOMAIN,
        };
        format!("{}/{tenant}/oauth2/v2.0/token", self.inner.url)
    }

    /// The bot's own account.
    #[must_use]
    pub fn bot_id(&self) -> String {
        self.inner.bot_id()
    }

    /// Where the Bot Connector's metadata is.
    #[must_use]
    pub fn metadata_url(&self) -> Url {
        self.inner.keys.metadata_url()
    }

    /// Who issues the Bot Connector's tokens.
    #[must_use]
    pub fn issuer(&self) -> &'static str {
        ISSUER
    }

    /// The Bot Connector's keys: to rotate them, to make them fail, and to forge tokens.
    #[must_use]
    pub fn keys(&self) -> &BotConnectorKeys {
        &self.inner.keys
    }

    /// Adds a tenant, in place of the one with the same id.
    pub fn add_tenant(&self, tenant: Tenant) {
        self.inner.state().put_tenant(tenant);
    }

    /// Adds a person, in place of the one with the same object id, and their own chat with the bot.
    pub fn add_person(&self, person: Person) {
        self.inner.state().put_person(person);
    }

    /// Adds a conversation, in place of the one with the same id.
    pub fn add_conversation(&self, conversation: Conversation) {
        self.inner.state().conversations.insert(conversation.id.clone(), conversation);
    }

    /// Whether an administrator of that tenant has consented to the app.
    #[must_use]
    pub fn has_consented(&self, tenant: &str) -> bool {
        self.inner.state().tenant(tenant).is_some_and(|tenant| tenant.consented)
    }

    /// The id of a person's own chat with the bot; empty if there is no such person.
    #[must_use]
    pub fn chat(&self, oid: &str) -> String {
        self.inner.state().people.get(oid).map(Person::chat).unwrap_or_default()
    }

    /// The account of a person, `29:…`; empty if there is no such person.
    #[must_use]
    pub fn account(&self, oid: &str) -> String {
        let state = self.inner.state();
        state.people.get(oid).map(|person| person.account.clone()).unwrap_or_default()
    }

    /// Sets whether the bot may read and write in a conversation, by its id.
    pub fn set_standing(&self, conversation: &str, standing: Standing) {
        if let Some(conversation) = self.inner.state().conversations.get_mut(conversation) {
            conversation.standing = standing;
        }
    }

    /// Sets the rate limits from now on, or lifts them. What was called before does not count.
    pub fn limit(&self, limits: Option<RateLimits>) {
        *self.inner.limiter() = limits.map(Limiter::new);
    }

    /// Registers certificates for the app, in place of those so far. Of each PEM text the first
    /// certificate counts. The secret stays good as well.
    ///
    /// # Errors
    /// A text holds no X.509 certificate.
    pub fn register_certificates(&self, pems: &[&str]) -> io::Result<()> {
        let certificates = pems.iter().map(|pem| Registered::from_pem(pem));
        self.inner.state().certificates = certificates.collect::<io::Result<_>>()?;
        Ok(())
    }

    /// Lets the app's secret expire, or makes it good again.
    pub fn expire_secret(&self, expired: bool) {
        self.inner.state().secret_is_expired = expired;
    }

    /// Makes the bot's access tokens so far invalid.
    pub fn revoke_tokens(&self) {
        self.inner.state().grants.clear();
    }

    /// The messages that were accepted so far, oldest first; none if they are not kept.
    #[must_use]
    pub fn messages(&self) -> Vec<Message> {
        let mut state = self.inner.state();
        let messages = state.messages.clone();
        state.read.extend(messages.iter().map(|it| (it.id.clone(), it.edits)));
        messages
    }

    /// The messages that a person sees now, oldest first.
    #[must_use]
    pub fn seen_by(&self, oid: &str) -> Vec<Message> {
        let mut state = self.inner.state();
        let seen = state.seen_by(oid, self.inner.controls.clock.now());
        state.read.extend(seen.iter().map(|it| (it.id.clone(), it.edits)));
        seen
    }

    /// The messages that are there and that neither [`Teams::messages`] nor [`Teams::seen_by`] has given
    /// as they now are.
    #[must_use]
    pub fn unread(&self) -> Vec<Message> {
        let state = self.inner.state();
        let is_read = |it: &Message| state.read.get(&it.id) == Some(&it.edits);
        state.messages.iter().filter(|it| !it.deleted && !is_read(it)).cloned().collect()
    }

    /// Shows the bot's answer to a pressed button to the person who pressed it, and tells what they
    /// see. A card is there for them in place of the pressed one until the bot replaces the message.
    #[must_use = "it says whether anything was shown"]
    pub fn receive_reply(&self, pressed: &Inbound, reply: &Value) -> ShownReply {
        let shown = ShownReply::of(reply);
        let text = |pointer| pressed.activity().pointer(pointer).and_then(Value::as_str);
        let account = text("/from/id").unwrap_or_default();
        let mut state = self.inner.state();
        let oid = state.person(account).map(|person| person.oid.clone()).unwrap_or_default();
        let message = text("/replyToId").unwrap_or_default().to_owned();
        match &shown {
            ShownReply::Card(card) => state.replace_for(oid, message, card.clone()),
            ShownReply::Notice(notice) => state.notices.push((oid, notice.clone())),
            ShownReply::Error | ShownReply::Nothing => {}
        }
        shown
    }

    /// The notices that a person saw below cards, oldest first.
    #[must_use]
    pub fn notices(&self, oid: &str) -> Vec<String> {
        let state = self.inner.state();
        let of = state.notices.iter().filter(|(reader, _)| reader == oid);
        of.map(|(_, notice)| notice.clone()).collect()
    }

    /// The typing indicators so far, oldest first; none if messages are not kept.
    #[must_use]
    pub fn typing(&self) -> Vec<Typing> {
        self.inner.state().typing.clone()
    }

    /// Forgets the messages so far.
    pub fn clear_messages(&self) {
        self.inner.state().messages.clear();
    }
}

/// Its faults and the requests to it.
impl Deref for Teams {
    type Target = Controls;

    fn deref(&self) -> &Controls {
        &self.inner.controls
    }
}

fn router(inner: &Arc<Inner>) -> Router {
    Router::new()
        .merge(connector::routes(inner))
        .merge(entra::routes())
        .with_state(Arc::clone(inner))
}

/// An injected failure in the words of whichever service the path belongs to.
fn failure(failure: &Failure, path: &str, now: Timestamp) -> Response {
    if path.contains("/oauth2/") {
        entra::failure(failure, now)
    } else {
        connector::failure(failure)
    }
}
