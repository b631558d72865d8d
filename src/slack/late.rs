//! Answers that come after the HTTP response: by the response URL, then by direct message.
//!
//! Slack waits three seconds for a response, and takes up to five posts to the response URL in the
//! half hour after (Slack, slash commands). Whoever was told that an answer is on its way has a job
//! in the store from before they were told. The link itself is never stored: each attempt asks the
//! core again, so what arrives is fresh.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use url::Url;

use super::desk::Desk;
use super::response_url;
use super::web_api::CallError;
use crate::clock::{SharedClock, after, between};
use crate::core::{ANSWER_ATTEMPTS, Answer, Ask, Intent, Person, Reference};
use crate::jobs::{GivenUp, Outcome, Queue};
use crate::metrics::Metrics;
use crate::net::{Outgoing, SecretUrl};
use crate::store::{Job, Store, StoreError};

/// The kind of our jobs in the store.
const KIND: &str = "slack_reply";
/// How long Slack takes posts to a response URL, less a margin for the way there.
const RESPONSE_URL_LIFE: Duration = Duration::from_mins(29);
/// How often a response URL can be used.
const RESPONSE_URL_USES: u8 = 5;
/// How long the promise is left alone on the screen: Slack can take a post that overtakes its own
/// handling of the response for the older of the two.
const SETTLE: Duration = Duration::from_millis(250);
/// Keeps the promises.
#[derive(Debug)]
pub(super) struct LateReplies {
    queue: Queue,
    desk: Arc<Desk>,
    http: Outgoing,
    clock: SharedClock,
}

/// A promise that was made to a person: their answer follows.
#[derive(Serialize, Deserialize)]
pub(super) struct Promise {
    person: Person,
    intent: Intent,
    reference: Reference,
    command: String,
    response_url: Option<String>,
    uses_left: u8,
    promised_at: Timestamp,
}

impl Promise {
    /// A promise to answer a question.
    #[must_use]
    pub(super) fn new(
        ask: &Ask,
        command: String,
        response_url: Option<&SecretUrl>,
        now: Timestamp,
    ) -> Self {
        Self {
            person: ask.person.clone(),
            intent: ask.intent.clone(),
            reference: ask.reference,
            command,
            response_url: response_url.map(|url| url.expose().to_string()),
            uses_left: RESPONSE_URL_USES,
            promised_at: now,
        }
    }

    fn ask(&self) -> Ask {
        Ask::new(self.person.clone(), self.intent.clone(), self.reference)
    }

    fn sealed(&self) -> SecretString {
        // A struct of strings and numbers always has a JSON form.
        serde_json::to_string(self).unwrap_or_default().into()
    }

    /// The response URL, while it can be expected to work.
    fn usable_url(&self, now: Timestamp) -> Option<Url> {
        let fresh = between(self.promised_at, now) < RESPONSE_URL_LIFE;
        let url = self.response_url.as_deref().filter(|_| fresh && self.uses_left > 0)?;
        Url::parse(url).ok()
    }
}

impl LateReplies {
    /// Keeps promises that are in `store`, with answers from `desk`.
    #[must_use]
    pub(super) fn new(
        store: Arc<Store>,
        desk: Arc<Desk>,
        http: Outgoing,
        clock: SharedClock,
        metrics: Arc<Metrics>,
    ) -> Self {
        let queue = Queue::new(store, KIND, "slack", Arc::clone(&clock), metrics);
        Self { queue, desk, http, clock }
    }

    /// Puts a promise into the store, before it is made. The caller holds the job and calls
    /// [`LateReplies::keep`]; if the caller dies, somebody else does.
    ///
    /// # Errors
    /// The store cannot hold it, so it must not be made.
    pub(super) async fn promise(&self, promise: &Promise) -> Result<Job, StoreError> {
        self.queue.begin(promise.sealed()).await
    }

    /// Puts a promise into the store, to be kept after `pause`.
    ///
    /// # Errors
    /// The store cannot hold it, so it must not be made.
    pub(super) async fn promise_later(
        &self,
        promise: &Promise,
        pause: Duration,
    ) -> Result<(), StoreError> {
        self.queue.put(promise.sealed(), pause.max(SETTLE)).await
    }

    /// Delivers the answer to a question whose asker was told that it follows.
    pub(super) async fn keep(
        &self,
        job: Job,
        promise: Promise,
        ask: &Ask,
        answering: impl Future<Output = Answer>,
    ) {
        self.clock.sleep_until(after(self.clock.now(), SETTLE)).await;
        let answer = answering.await;
        self.attempt(job, promise, ask, answer).await;
    }

    /// Takes up what is due, until `stop`. Work in progress is tracked by `tasks`.
    pub(super) async fn work(self: Arc<Self>, tasks: TaskTracker, stop: CancellationToken) {
        let take_up = |job| {
            let late = Arc::clone(&self);
            async move { late.take_up(job).await }
        };
        self.queue.work(tasks, stop, take_up).await;
    }

    /// Works on a job that nobody holds any more: answers anew and delivers.
    async fn take_up(&self, job: Job) {
        let Ok(promise) = serde_json::from_str::<Promise>(job.payload.expose_secret()) else {
            return self.queue.discard(&job).await;
        };
        let ask = promise.ask();
        let answer = self.desk.answer(&ask).await;
        self.attempt(job, promise, &ask, answer).await;
    }

    async fn attempt(&self, job: Job, mut promise: Promise, ask: &Ask, answer: Answer) {
        let outcome = match answer.passing() {
            Some(refusal) if job.attempts < ANSWER_ATTEMPTS => Outcome::NotYet(refusal.retry_after),
            _ => self.deliver(&mut promise, ask, &answer).await,
        };
        if let Err(GivenUp) = self.queue.conclude(&job, promise.sealed(), outcome).await {
            tracing::error!(reference = %promise.reference, "a late answer could not be delivered");
        }
    }

    async fn deliver(&self, promise: &mut Promise, ask: &Ask, answer: &Answer) -> Outcome {
        let message = self.desk.message(ask, &promise.command, answer);
        if let Some(url) = promise.usable_url(self.clock.now()) {
            promise.uses_left -= 1;
            let now = self.clock.now();
            match response_url::post(&self.http, url, &message.in_place_of_promise(), now).await {
                Ok(()) => return Outcome::Done("response_url"),
                Err(error) if error.is_transient() => return Outcome::NotYet(wait_of(&error)),
                // A second post would only replace the first.
                Err(CallError::Uncertain) => return Outcome::NotYet(None),
                // Used up or expired: it will never work again.
                Err(error) => tracing::info!(%error, "a response URL is dead"),
            }
            promise.response_url = None;
        }
        match self.desk.direct_message(&promise.person, &message).await {
            Ok(()) => Outcome::Done("direct_message"),
            Err(error) if error.is_transient() => Outcome::NotYet(wait_of(&error)),
            // It may be there: a second message would be worse than none.
            Err(CallError::Uncertain) => Outcome::Done("uncertain"),
            Err(error) => {
                tracing::warn!(%error, "no direct message could be sent");
                Outcome::Impossible
            }
        }
    }
}

fn wait_of(error: &CallError) -> Option<Duration> {
    match error {
        CallError::Throttled(pause) => *pause,
        _ => None,
    }
}
