//! The transport: every request to Novu leaves through [`Novu::send`].

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use reqwest::Method;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use url::Url;

use super::budget::{Budgets, Category, OutOfTurn, Place, Queue, Rank, Turn};
use super::canonical::ContextHasher;
use super::context::Context;
use super::error::Error;
use super::refusal::{Failure, Repeat};
use crate::clock::SharedClock;
use crate::net::{self, Outgoing, encode_segment};

/// The largest answer about one object, in bytes.
const OBJECT_LIMIT: usize = 1 << 20;
/// The largest list, in bytes.
const LIST_LIMIT: usize = 4 << 20;
/// A second attempt that has less time than this is not worth making.
const WORTHWHILE: Duration = Duration::from_millis(50);
/// The longest that a call waits for its turn where the answer can follow. Not part of its time limit:
/// that Novu's rate limit is used up says nothing of Novu's health.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Where Novu is and how to speak to it.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Root of the API, such as `https://eu.api.novu.co`; may have a path prefix.
    pub api_url: Url,
    /// Secret key of the Novu environment.
    pub api_key: SecretString,
    /// Time limit of one call that somebody waits for in front of a browser, its possible second
    /// attempt included.
    pub timeout: Duration,
    /// The same where the answer can still follow.
    pub patience: Duration,
    /// Whether the integrations' HMAC option is on, so that every context must be signed.
    pub context_hmac: bool,
    /// The workflow that a test notification runs; without it there are none.
    pub test_workflow: Option<String>,
}

/// Why no client can be built from [`Settings`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// The address cannot be the root of an API. The words say why.
    #[error("the address of Novu's API {0}")]
    Address(&'static str),
    /// The key is empty, or has characters that no Novu key has.
    #[error("the Novu API key is empty, or has blanks or characters beyond ASCII")]
    Key,
}

/// Novu's API, and how it is called. Cheap to clone; clones share everything.
#[derive(Clone)]
pub struct Novu {
    inner: Arc<Inner>,
    manner: Manner,
}

/// How calls are made.
#[derive(Debug, Clone, Copy)]
struct Manner {
    /// The longest that one call may take.
    time_limit: Duration,
    /// The longest that it may wait for its turn.
    longest_wait: Duration,
    /// Whether nobody waits for what is looked up.
    polls: bool,
}

struct Inner {
    http: Outgoing,
    api_url: Url,
    /// Kept to keep it out of what Novu quotes back at us.
    api_key: SecretString,
    authorization: HeaderValue,
    timeout: Duration,
    hasher: Option<ContextHasher>,
    /// Whose turn it is.
    budgets: Budgets,
    clock: SharedClock,
}

impl fmt::Debug for Novu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Novu").finish_non_exhaustive()
    }
}

/// One request, ready to be sent once or twice.
pub(super) struct Call {
    /// The label of the call in metrics and logs.
    operation: &'static str,
    /// Which of Novu's budgets it is made from.
    category: Category,
    method: Method,
    url: Url,
    body: Option<Bytes>,
    idempotency_key: Option<HeaderValue>,
    /// Whether a second attempt does no harm if the first one was carried out after all.
    repeatable: bool,
    /// Whether a refusal is what is expected, hence no failure of Novu's.
    asks_for_refusal: bool,
    /// The largest answer to read, in bytes.
    limit: usize,
}

impl Call {
    fn new(operation: &'static str, method: Method, url: Url) -> Self {
        Self {
            operation,
            category: Category::Configuration,
            method,
            url,
            body: None,
            idempotency_key: None,
            repeatable: false,
            asks_for_refusal: false,
            limit: OBJECT_LIMIT,
        }
    }

    /// Reads one object.
    pub(super) fn get(operation: &'static str, url: Url) -> Self {
        Self { repeatable: true, ..Self::new(operation, Method::GET, url) }
    }

    /// Reads a list.
    pub(super) fn list(operation: &'static str, url: Url) -> Self {
        Self { limit: LIST_LIMIT, ..Self::get(operation, url) }
    }

    /// Deletes one object. Not repeated: a second attempt would find nothing and say so.
    pub(super) fn delete(operation: &'static str, url: Url) -> Self {
        Self::new(operation, Method::DELETE, url)
    }

    /// Posts a JSON body.
    pub(super) fn post(
        operation: &'static str,
        url: Url,
        body: &impl Serialize,
    ) -> Result<Self, Error> {
        let body = serde_json::to_vec(body)
            .map_err(|_| Error::Unsendable("the body cannot be written as JSON"))?;
        Ok(Self { body: Some(body.into()), ..Self::new(operation, Method::POST, url) })
    }

    /// Says from which of Novu's budgets it is made, where that is not the configuration's.
    pub(super) fn of(self, category: Category) -> Self {
        Self { category, ..self }
    }

    /// Says that a repeat does no harm.
    pub(super) fn repeatable(self) -> Self {
        Self { repeatable: true, ..self }
    }

    /// Says that Novu is expected to refuse it.
    pub(super) fn asking_for_refusal(self) -> Self {
        Self { asks_for_refusal: true, ..self }
    }

    /// Sends `key` as `Idempotency-Key`.
    pub(super) fn idempotency_key(self, key: &str) -> Result<Self, Error> {
        let key = HeaderValue::from_str(key)
            .map_err(|_| Error::Unsendable("the idempotency key has control characters"))?;
        Ok(Self { idempotency_key: Some(key), ..self })
    }
}

impl Novu {
    /// Builds the client. Its calls may take as long as [`Settings::patience`].
    ///
    /// # Errors
    /// The address or the key cannot be used.
    pub fn new(
        settings: Settings,
        http: Outgoing,
        clock: SharedClock,
    ) -> Result<Self, SettingsError> {
        check_address(&settings.api_url)?;
        let authorization = authorization(settings.api_key.expose_secret())?;
        let hasher = settings
            .context_hmac
            .then(|| ContextHasher::new(&settings.api_key))
            .transpose()
            .map_err(|_| SettingsError::Key)?;
        let inner = Inner {
            http,
            api_url: settings.api_url,
            api_key: settings.api_key,
            authorization,
            timeout: settings.timeout,
            hasher,
            budgets: Budgets::new(&clock),
            clock,
        };
        let manner =
            Manner { time_limit: settings.patience, longest_wait: LONGEST_WAIT, polls: false };
        Ok(Self { inner: Arc::new(inner), manner })
    }

    /// The same API for whoever waits in front of a browser: calls may take as long as
    /// [`Settings::timeout`].
    #[must_use]
    pub fn at_once(&self) -> Self {
        let limit = self.inner.timeout;
        let manner = Manner { time_limit: limit, longest_wait: limit, ..self.manner };
        Self { inner: Arc::clone(&self.inner), manner }
    }

    /// The same API for look-ups that nobody waits for: they go last where Novu's limits are scarce.
    #[must_use]
    pub fn polling(&self) -> Self {
        let manner = Manner { polls: true, ..self.manner };
        Self { inner: Arc::clone(&self.inner), manner }
    }

    /// The same environment's key at another address of Novu's.
    #[must_use]
    pub fn at(&self, api_url: Url) -> Self {
        let Inner { http, api_key, authorization, timeout, hasher, clock, .. } = &*self.inner;
        let inner = Inner {
            http: http.clone(),
            api_url,
            api_key: api_key.clone(),
            authorization: authorization.clone(),
            timeout: *timeout,
            hasher: hasher.clone(),
            budgets: Budgets::new(clock),
            clock: Arc::clone(clock),
        };
        Self { inner: Arc::new(inner), manner: self.manner }
    }

    /// Whether contexts are signed.
    #[must_use]
    pub fn signs_contexts(&self) -> bool {
        self.inner.hasher.is_some()
    }

    /// Whether nobody waits for their turn, as far as is known: then a call that turns out to have been
    /// made in vain takes nothing from anybody.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.inner.budgets.have_room()
    }

    /// The address of a route, such as `/v1/integrations`.
    pub(super) fn route(&self, path: &str) -> Url {
        let mut url = self.inner.api_url.clone();
        let prefix = self.inner.api_url.path().trim_end_matches('/');
        if prefix.is_empty() {
            url.set_path(path);
        } else {
            url.set_path(&format!("{prefix}{path}"));
        }
        url
    }

    /// The address of the item `id` below a route.
    ///
    /// Fails for the ids that no path can name: an empty one would address the whole list, and dots
    /// its parents, however they are encoded.
    pub(super) fn item(&self, path: &str, id: &str) -> Result<Url, Error> {
        if matches!(id, "" | "." | "..") {
            return Err(Error::Unsendable("the identifier is empty or just dots"));
        }
        Ok(self.route(&format!("{path}/{}", encode_segment(id))))
    }

    /// The signature of a context; none where contexts are not signed or there is none.
    pub(super) fn sign(&self, context: Option<&Context>) -> Result<Option<String>, Error> {
        match (&self.inner.hasher, context) {
            (Some(hasher), Some(context)) => hasher.hash(context).map(Some),
            _ => Ok(None),
        }
    }

    /// Sends a call, reads the body of its answer with `decode`, and records how it went.
    pub(super) fn send<T>(
        &self,
        call: Call,
        decode: impl FnOnce(&[u8]) -> Result<T, Error>,
    ) -> impl Future<Output = Result<T, Error>> {
        self.send_for_answer(call, move |answer| decode(&answer.body))
    }

    /// As [`Novu::send`], where the answer's headers count too.
    #[expect(
        clippy::manual_async_fn,
        reason = "thousands wait here, and an `async fn` has room for each argument twice"
    )]
    pub(super) fn send_for_answer<T>(
        &self,
        call: Call,
        decode: impl FnOnce(&net::Answered) -> Result<T, Error>,
    ) -> impl Future<Output = Result<T, Error>> {
        async move {
            let queue = self.inner.budgets.of(call.category);
            let place = queue.place(self.rank(&call));
            let turn = queue.turn(place, self.manner.longest_wait).await;
            // Boxed: thousands may wait for their turn, and few have it.
            Box::pin(self.send_in_turn(&call, decode, queue, place, turn)).await
        }
    }

    async fn send_in_turn<'a, T>(
        &self,
        call: &Call,
        decode: impl FnOnce(&net::Answered) -> Result<T, Error>,
        queue: &'a Queue,
        place: Place,
        turn: Result<Turn<'a>, OutOfTurn>,
    ) -> Result<T, Error> {
        // The time limit counts from here.
        let mut record = self.inner.http.call("novu", call.operation, self.manner.time_limit);
        let result = match turn {
            Ok(turn) => self.exchange(call, &mut record, queue, place, turn).await,
            Err(late) => Err(late.into()),
        };
        let result = result.map_err(|failure| failure.error).and_then(|answer| decode(&answer));
        conclude(record, result.as_ref().err(), call.asks_for_refusal);
        result
    }

    fn rank(&self, call: &Call) -> Rank {
        match call.method {
            Method::GET if self.manner.polls => Rank::Poll,
            Method::GET => Rank::LookUp,
            _ => Rank::Change,
        }
    }

    /// One attempt, and after a failure another, in the time that there is. Whoever was too early for
    /// Novu's rate limit had no attempt, and comes again when it is their turn.
    async fn exchange<'a>(
        &self,
        call: &Call,
        record: &mut net::Call<'_>,
        queue: &'a Queue,
        place: Place,
        mut turn: Turn<'a>,
    ) -> Result<net::Answered, Failure> {
        let mut may_repeat = call.repeatable;
        loop {
            let failure = match self.attempt(call, record, &turn).await {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure,
            };
            drop(turn);
            match failure.repeat {
                Repeat::InTurn if call.idempotency_key.is_none() => {}
                Repeat::After(pause)
                    if may_repeat && record.left() >= pause.saturating_add(WORTHWHILE) =>
                {
                    may_repeat = false;
                    self.pause(pause).await;
                }
                _ => return Err(failure),
            }
            turn = queue.turn(place, record.left()).await.map_err(Failure::from)?;
        }
    }

    async fn pause(&self, pause: Duration) {
        if !pause.is_zero() {
            self.inner.clock.sleep(pause).await;
        }
    }

    async fn attempt(
        &self,
        call: &Call,
        record: &mut net::Call<'_>,
        turn: &Turn<'_>,
    ) -> Result<net::Answered, Failure> {
        let answer = record.send(self.request(call), call.limit).await;
        let answer = answer.map_err(|failure| Failure::unanswered(&failure))?;
        let retry_after = answer.retry_after(self.inner.clock.now());
        turn.answered(&answer, retry_after);
        if answer.status.is_success() {
            return Ok(answer);
        }
        Err(Failure::refused(&answer, retry_after, self.inner.api_key.expose_secret()))
    }

    fn request(&self, call: &Call) -> reqwest::RequestBuilder {
        let mut request = self
            .inner
            .http
            .request(call.method.clone(), call.url.clone())
            .header(AUTHORIZATION, self.inner.authorization.clone())
            .header(ACCEPT, JSON);
        if let Some(body) = &call.body {
            request = request.header(CONTENT_TYPE, JSON).body(body.clone());
        }
        if let Some(key) = &call.idempotency_key {
            request = request.header(IDEMPOTENCY_KEY, key.clone());
        }
        request
    }
}

/// Records how a call went. An answer that says no to this one request is no failure of Novu's.
fn conclude(mut record: net::Call<'_>, error: Option<&Error>, asked_for_refusal: bool) {
    let Some(error) = error else { return record.ok() };
    let advice = match error {
        Error::Rejected { status: 400, .. } | Error::ContextHmac(_) if asked_for_refusal => {
            return record.answered(error.code());
        }
        Error::Rejected { status: 409, .. } => return record.answered(error.code()),
        error if error.is_absence() => return record.answered(error.code()),
        Error::BadKey => Some("check novu.api_key, and that it is a key of the right environment"),
        Error::UnknownIntegration => Some("check the identifier of the integration"),
        Error::ContextHmac(to_do) => Some(*to_do),
        Error::Rejected { message, .. } => {
            record.said(message);
            None
        }
        Error::Nonsense(how) => {
            record.nonsense(how);
            None
        }
        _ => None,
    };
    record.failed(error.code(), advice);
}

fn check_address(url: &Url) -> Result<(), SettingsError> {
    let fault = if !matches!(url.scheme(), "http" | "https") {
        "has to start with https:// or http://"
    } else if !url.username().is_empty() || url.password().is_some() {
        "must not carry a user name or password"
    } else if url.query().is_some() || url.fragment().is_some() {
        "must end with its path"
    } else {
        return Ok(());
    };
    Err(SettingsError::Address(fault))
}

/// The `Authorization` header. Novu splits it at the first blank and minds the case of `ApiKey`
/// (Novu 3.19 source, authentication guard).
fn authorization(key: &str) -> Result<HeaderValue, SettingsError> {
    if key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(SettingsError::Key);
    }
    let mut header =
        HeaderValue::from_str(&format!("ApiKey {key}")).map_err(|_| SettingsError::Key)?;
    header.set_sensitive(true);
    Ok(header)
}

#[cfg(test)]
mod tests;
