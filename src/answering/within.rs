//! Questions that are answered in the HTTP response, by a deadline.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use tokio::time::timeout_at;

use super::admission::AskedBefore;
use super::deliver::Deliver;
use super::pending::{Asked, Decided, PendingReply};
use super::{Answering, attempt, record};
use crate::clock::Tick;
use crate::core::{Answer, Question, Reason};
use crate::jobs::Ran;
use crate::store::{Admitted, Begun, Lease, StoreError, StoreTrouble};

/// How long a promise may take to be stored at the deadline, by which it is due to be made.
const PROMISED_WITHIN: Duration = Duration::from_millis(800);

/// How soon a question is tried again for the first time, where nobody says how soon.
const TRIED_AGAIN: Duration = Duration::from_secs(1);

/// What is told to whoever waits for the response.
type Reply = oneshot::Sender<Result<Answer, AskedBefore>>;

/// A promise that was made in the HTTP response.
struct Promised {
    lease: Lease,
    said_at: Tick,
}

impl<D: Deliver> Answering<D> {
    /// Answers a question in the HTTP response. What is not ready by the deadline is promised, and
    /// follows as a message. The answer that is given is the one to show in the response, and has been
    /// recorded.
    ///
    /// # Errors
    /// The question was at another process before.
    pub async fn within(
        self: &Arc<Self>,
        deadline: Instant,
        mut pending: PendingReply<D>,
    ) -> Result<(Question, Answer), AskedBefore> {
        let question = pending.question().clone();
        self.count_asked(&question);
        if !self.admissions.allows_here(&question.asker) {
            return Ok(self.refuse(question, Reason::TooOften));
        }
        pending.asked.too_often = Some(false);
        let (reply, replied) = oneshot::channel();
        // Beyond the request, which ends when the platform hangs up. The person still waits then.
        let answering = Arc::clone(self).answer_or_promise(deadline, Box::new(pending), reply);
        match self.tasks.until_answered(question.reference, answering, replied).await {
            Some(answer) => answer.map(|answer| (question, answer)),
            None => Ok(self.refuse(question, Reason::Broken)),
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
        mut pending: Box<PendingReply<D>>,
        reply: Reply,
    ) {
        // What is done once is boxed, here and below, so that those who wait hold no room for it.
        let mut deciding = Box::pin(self.decide_if_admitted(&pending.asked, &pending.place));
        if let Ok(decided) = timeout_at(deadline.into(), &mut deciding).await {
            drop(deciding);
            return Box::pin(self.reply(decided, pending, reply)).await;
        }
        pending.told = true;
        let Some(promised) = Box::pin(self.promise(&pending, reply)).await else { return };
        let decided = deciding.await;
        Box::pin(self.keep(promised, pending, decided)).await;
    }

    /// Works the answer out, and finds out beside it what the other processes have to say.
    async fn decide_if_admitted(
        &self,
        asked: &Asked<D::Lookup>,
        place: &D::Place,
    ) -> Result<Decided, AskedBefore> {
        let (decided, admitted) = tokio::join!(
            self.decide(asked, place, false),
            self.admissions.elsewhere(&asked.question)
        );
        match admitted {
            Admitted { first_time: true, in_pace: true } => Ok(decided),
            refused => Box::pin(self.turn_down(asked, decided, refused)).await,
        }
    }

    /// What comes of an answer that was found for somebody whom the other processes do not admit.
    async fn turn_down(
        &self,
        asked: &Asked<D::Lookup>,
        mut decided: Decided,
        refused: Admitted,
    ) -> Result<Decided, AskedBefore> {
        self.unwatch(&asked.question, &decided).await;
        if !refused.first_time {
            return Err(AskedBefore);
        }
        decided.answer = Answer::Refused(Reason::TooOften.into());
        decided.learnt.too_often = Some(true);
        Ok(decided)
    }

    /// Answers in time: with what was found out, or with a promise where it is worth another try.
    async fn reply(
        &self,
        decided: Result<Decided, AskedBefore>,
        mut pending: Box<PendingReply<D>>,
        reply: Reply,
    ) {
        let Decided { answer, learnt } = match decided {
            Ok(decided) => decided,
            Err(asked_before) => {
                // Unheard if the platform has hung up, and then nobody waits.
                let _ = reply.send(Err(asked_before));
                return;
            }
        };
        pending.learn(learnt);
        if let Some(pause) = self.next_step(&pending, &answer).pause_or(TRIED_AGAIN) {
            pending.told = true;
            // Whether it is stored that late or not, the response cannot wait for it.
            let put = tokio::select! {
                biased;
                put = self.jobs.put(&pending, pause.max(D::SETTLE)) => put,
                () = self.clock.sleep(PROMISED_WITHIN) => {
                    Err(StoreError::Unavailable(StoreTrouble::Slow))
                }
            };
            if let Ok(put) = put {
                // Unheard if the platform has hung up; a promise stands.
                let _ = reply.send(if put { Ok(Answer::Working) } else { Err(AskedBefore) });
                return;
            }
        }
        if reply.send(Ok(answer.clone())).is_ok() {
            return record(&self.metrics, D::PLATFORM, pending.question(), &answer);
        }
        // The platform has hung up. The person still waits for a message.
        if let Ok(Begun::Leased(lease)) = self.jobs.begin(&pending).await {
            let promised = Promised { lease, said_at: self.clock.monotonic() };
            self.follow_up(promised, &mut pending, answer).await;
        }
    }

    /// Stores the promise, then makes it. Whoever cannot be promised anything is refused.
    async fn promise(&self, pending: &PendingReply<D>, reply: Reply) -> Option<Promised> {
        let begun = self.jobs.begin_within(pending, PROMISED_WITHIN).await;
        let (told, promised) = match begun {
            Ok(Begun::Leased(lease)) => {
                (Ok(Answer::Working), Some(Promised { lease, said_at: self.clock.monotonic() }))
            }
            Ok(Begun::Known) => (Err(AskedBefore), None),
            Err(error) => {
                let reference = pending.question().reference;
                tracing::error!(%error, %reference, "an answer cannot be stored, so the question is refused");
                let reason = match error {
                    StoreError::Full => Reason::Busy,
                    StoreError::Unavailable(_) => Reason::StoreUnavailable,
                };
                let refused = Answer::Refused(reason.into());
                record(&self.metrics, D::PLATFORM, pending.question(), &refused);
                (Ok(refused), None)
            }
        };
        // Unheard if the platform has hung up; a promise stands.
        let _ = reply.send(told);
        promised
    }

    /// Keeps a promise, unless another process does.
    async fn keep(
        &self,
        promised: Promised,
        mut pending: Box<PendingReply<D>>,
        decided: Result<Decided, AskedBefore>,
    ) {
        match decided {
            Ok(Decided { answer, learnt }) => {
                pending.learn(learnt);
                self.follow_up(promised, &mut pending, answer).await;
            }
            Err(AskedBefore) => {
                self.jobs.conclude(&promised.lease, &pending, Ran::Done("duplicate")).await;
            }
        }
    }

    /// Delivers an answer after the HTTP response.
    async fn follow_up(&self, promised: Promised, pending: &mut PendingReply<D>, answer: Answer) {
        let Promised { lease, said_at } = promised;
        let ran = if let Some(later) = self.next_step(pending, &answer).ran() {
            later
        } else {
            self.clock.sleep((said_at + D::SETTLE) - self.clock.monotonic()).await;
            let reference = pending.question().reference;
            let delivery = attempt::deliver(self, pending, answer, &lease);
            self.jobs.catch(reference, delivery).await
        };
        self.jobs.conclude(&lease, pending, ran).await;
    }
}
