//! From a question to its answer in front of one person, once for all platforms.
//!
//! A platform brings a [`Deliver`]: who asks, and how one person is made to see one message. The rest
//! is here: pace, the promise in the store before it is made, the answer by a deadline or as a message,
//! what is tried again and for how long, redeliveries, and one log line and one count for each answer.

mod attempt;
mod decide;
mod deliver;
mod machine;
mod messages;
mod outage;
mod pace;
mod pending;
mod record;
mod responder;
mod surface;

use std::collections::HashMap;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use tokio::time::timeout_at;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::clock::{SharedClock, Tick};
use crate::core::{Answer, Intent, Linking, Question, Reason};
use crate::jobs::{Jobs, Ran};
use crate::links::Links;
use crate::metrics::Metrics;
use crate::seen::Seen;
use crate::store::{JobId, Lease, Store, StoreError};
use messages::Messages;
use outage::{NextStep, Outage};

pub use deliver::{Deliver, Shown};
pub use machine::Machine;
pub use messages::MessageId;
pub use pace::Pace;
pub use pending::{Asked, PendingReply};
pub use record::record;
pub use responder::Responder;
pub use surface::{Common, Surface, SurfaceEntry, SurfaceSettings};

/// How long an event is remembered, so that it is recognised when it is delivered again.
const REDELIVERY: Duration = Duration::from_mins(10);

/// What a machine is made of, beside the platform's own half.
#[derive(Debug)]
pub struct Parts {
    /// The core for the platform.
    pub linking: Arc<Linking>,
    /// Makes links to personal pages, where there are any.
    pub links: Option<Arc<Links>>,
    /// Holds promises.
    pub store: Arc<Store>,
    /// Tells the time.
    pub clock: SharedClock,
    /// Counts.
    pub metrics: Arc<Metrics>,
}

/// Answers the questions of one platform's people.
#[derive(Debug)]
pub struct Answering<D: Deliver> {
    deliver: D,
    linking: Arc<Linking>,
    links: Option<Arc<Links>>,
    jobs: Arc<Jobs<PendingReply<D>>>,
    messages: Messages<D::Place>,
    /// Answers that wait for another attempt at their delivery. They hold links, so they are in memory
    /// alone; after a restart another answer is made.
    undelivered: Mutex<HashMap<JobId, Undelivered>>,
    pace: Pace,
    seen: Seen,
    outage: Outage,
    clock: SharedClock,
    metrics: Arc<Metrics>,
    tasks: TaskTracker,
    /// Cancelled once nothing is waited for any more.
    concluding: CancellationToken,
}

/// An answer that waits for another attempt at its delivery.
#[derive(Debug)]
struct Undelivered {
    answer: Answer,
    /// Until when it says the truth; for ever without it.
    until: Option<Tick>,
}

/// A promise that was made in the HTTP response.
struct Promised {
    lease: Lease,
    said_at: Tick,
}

impl<D: Deliver> Answering<D> {
    /// A machine that answers nobody yet.
    #[must_use]
    pub fn new(deliver: D, parts: Parts) -> Self {
        let Parts { linking, links, store, clock, metrics } = parts;
        metrics.begin_late(D::PLATFORM.name, D::WAYS);
        let jobs = Jobs::new(store, Arc::clone(&clock), Arc::clone(&metrics));
        Self {
            deliver,
            linking,
            links,
            jobs: Arc::new(jobs),
            messages: Messages::default(),
            undelivered: Mutex::default(),
            pace: Pace::new(Arc::clone(&clock)),
            seen: Seen::new(REDELIVERY, Arc::clone(&metrics)),
            outage: Outage::default(),
            clock,
            metrics,
            tasks: TaskTracker::new(),
            concluding: CancellationToken::new(),
        }
    }

    /// Answers a question in the HTTP response. What is not ready by the deadline is promised, and
    /// follows as a message. The answer that is given is the one to show in the response, and has been
    /// recorded.
    pub async fn within(
        self: &Arc<Self>,
        deadline: Instant,
        mut pending: PendingReply<D>,
    ) -> (Question, Answer) {
        let question = pending.question().clone();
        self.count_asked(&question);
        if !self.pace.allows(&question.asker) {
            return self.refuse(question, Reason::TooOften);
        }
        pending.asked.too_often = Some(false);
        let (reply, replied) = oneshot::channel();
        // Apart from the request, which ends when the platform hangs up. The person still waits then.
        self.tasks.spawn(Arc::clone(self).answer_or_promise(deadline, pending, reply));
        match replied.await {
            Ok(answer) => (question, answer),
            Err(_) => self.refuse(question, Reason::Busy),
        }
    }

    fn refuse(&self, question: Question, reason: Reason) -> (Question, Answer) {
        let refused = Answer::Refused(reason.into());
        record(&self.metrics, D::PLATFORM, &question, &refused);
        (question, refused)
    }

    async fn answer_or_promise(
        self: Arc<Self>,
        deadline: Instant,
        mut pending: PendingReply<D>,
        reply: oneshot::Sender<Answer>,
    ) {
        let in_time = {
            let mut deciding = pin!(self.decide(&pending.asked));
            if let Ok(decided) = timeout_at(deadline.into(), &mut deciding).await {
                Ok((decided, reply))
            } else {
                pending.told = true;
                match self.promise(&pending, reply).await {
                    Some(promised) => Err((promised, deciding.await)),
                    None => return,
                }
            }
        };
        let (decided, reply) = match in_time {
            Ok(in_time) => in_time,
            Err((promised, decided)) => {
                pending.learn(decided.learnt);
                return self.follow_up(promised, pending, decided.answer).await;
            }
        };
        pending.learn(decided.learnt);
        if let NextStep::TryAgain(pause) = self.next_step(&pending, &decided.answer) {
            pending.told = true;
            let pause = pause.unwrap_or(Duration::from_secs(1)).max(D::SETTLE);
            if self.jobs.put(&pending, pause).await.is_ok() {
                let _ = reply.send(Answer::Working);
                return;
            }
        }
        self.about_to_show(&pending, &decided.answer);
        let answer = decided.answer.clone();
        if reply.send(decided.answer).is_ok() {
            return record(&self.metrics, D::PLATFORM, pending.question(), &answer);
        }
        // The platform has hung up. The person still waits for a message.
        if let Ok(lease) = self.jobs.begin(&pending).await {
            let promised = Promised { lease, said_at: self.clock.monotonic() };
            self.follow_up(promised, pending, answer).await;
        }
    }

    /// Stores the promise, then makes it. Whoever cannot be promised anything is refused.
    async fn promise(
        &self,
        pending: &PendingReply<D>,
        reply: oneshot::Sender<Answer>,
    ) -> Option<Promised> {
        match self.jobs.begin(pending).await {
            Ok(lease) => {
                // Unheard if the platform has hung up; the promise stands.
                let _ = reply.send(Answer::Working);
                Some(Promised { lease, said_at: self.clock.monotonic() })
            }
            Err(error) => {
                let reference = pending.question().reference;
                tracing::error!(%error, %reference, "an answer cannot be stored, so the question is refused");
                let refused = Answer::Refused(Reason::Busy.into());
                record(&self.metrics, D::PLATFORM, pending.question(), &refused);
                let _ = reply.send(refused);
                None
            }
        }
    }

    /// Delivers an answer after the HTTP response.
    async fn follow_up(&self, promised: Promised, mut pending: PendingReply<D>, answer: Answer) {
        let Promised { lease, said_at } = promised;
        let ran = if let NextStep::TryAgain(pause) = self.next_step(&pending, &answer) {
            Ran::Again(pause)
        } else {
            self.clock.sleep((said_at + D::SETTLE) - self.clock.monotonic()).await;
            attempt::deliver(self, &mut pending, answer, &lease).await
        };
        self.jobs.conclude(&lease, &pending, ran).await;
    }

    /// Takes a question whose answer is shown as a message. Once this returns, the answer is promised
    /// and the event can be acknowledged; a redelivery of an event has its promise already.
    ///
    /// # Errors
    /// The promise cannot be stored; the platform has to deliver the event again.
    pub async fn acknowledged(
        self: &Arc<Self>,
        pending: PendingReply<D>,
    ) -> Result<(), StoreError> {
        let (stored, promised) = oneshot::channel();
        // Apart from the request, which ends when the platform hangs up: once stored, a promise is
        // kept.
        self.tasks.spawn(Arc::clone(self).store_and_keep(pending, stored));
        promised.await.unwrap_or(Err(StoreError::Full))
    }

    async fn store_and_keep(
        self: Arc<Self>,
        mut pending: PendingReply<D>,
        stored: oneshot::Sender<Result<(), StoreError>>,
    ) {
        let lease = match self.jobs.begin(&pending).await {
            Ok(lease) => lease,
            Err(error) => {
                let reference = pending.question().reference;
                tracing::error!(%error, %reference, "an answer cannot be stored; the platform has to deliver the event again");
                let _ = stored.send(Err(error));
                return;
            }
        };
        // After the promise is stored: what cannot be stored is delivered again, and must not be taken
        // for a redelivery then.
        let is_new = self.is_new(pending.question());
        let _ = stored.send(Ok(()));
        let ran = if is_new {
            self.count_asked(pending.question());
            attempt::attempt(&self, &mut pending, &lease).await
        } else {
            Ran::Done("duplicate")
        };
        self.jobs.conclude(&lease, &pending, ran).await;
    }

    fn is_new(&self, question: &Question) -> bool {
        let now = self.clock.monotonic();
        question.dedup_key.is_none_or(|key| self.seen.first_time(&key.0, now))
    }

    fn count_asked(&self, question: &Question) {
        if question.intent == Intent::Connect {
            self.metrics.funnel(D::PLATFORM.name, "asked");
        }
    }

    /// Whether an answer is said, or the question tried again because it is a refusal that may pass.
    fn next_step(&self, pending: &PendingReply<D>, answer: &Answer) -> NextStep {
        let asked_at = pending.question().asked_at;
        let next = |refusal| self.outage.next_step(refusal, asked_at, self.clock.now());
        let passing = answer.passing().filter(|_| !self.concluding.is_cancelled());
        passing.map_or(NextStep::Say, next)
    }

    /// What has to happen between an answer and its being seen: a message with a way to sign in is
    /// remembered, because it changes once somebody has signed in.
    fn about_to_show(&self, pending: &PendingReply<D>, answer: &Answer) {
        if matches!(answer, Answer::SignIn(_)) {
            self.messages.remember(pending);
        }
    }

    fn keep_undelivered(&self, lease: &Lease, answer: Answer) {
        let until = attempt::good_until(&answer, &*self.clock);
        self.undelivered().insert(lease.id, Undelivered { answer, until });
    }

    /// The answer whose delivery did not work out, if it is still good.
    fn take_undelivered(&self, lease: &Lease) -> Option<Answer> {
        let Undelivered { answer, until } = self.undelivered().remove(&lease.id)?;
        until.is_none_or(|until| self.clock.monotonic() < until).then_some(answer)
    }

    fn undelivered(&self) -> std::sync::MutexGuard<'_, HashMap<JobId, Undelivered>> {
        // A panic while the lock was held leaves a whole map behind: there is nothing to repair.
        self.undelivered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
