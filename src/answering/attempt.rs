//! One attempt at a question whose answer is shown as a message.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use super::decide::Decided;
use super::deliver::{Deliver, Shown};
use super::outage::NextStep;
use super::pending::PendingReply;
use super::{Answering, record};
use crate::clock::{after, between, remaining};
use crate::core::{Answer, Lasts, SignIn};
use crate::jobs::{MOST_ATTEMPTS, Ran, Work};
use crate::store::Lease;

/// A link that could not be delivered is delivered again while it has so long left; after that,
/// another one is minted.
const WORTH_DELIVERING: Duration = Duration::from_mins(2);

impl<D: Deliver> Work for PendingReply<D> {
    const KIND: &'static str = D::JOBS;
    const VERSION: u32 = 1;
    const OWNER: &'static str = D::PLATFORM.name;
    type Context = Answering<D>;

    async fn run(&mut self, context: &Arc<Answering<D>>, lease: &Lease) -> Ran {
        attempt(context, self, lease).await
    }

    fn reference(&self) -> String {
        self.question().reference.to_string()
    }
}

/// Answers a question and shows the answer; what does not work out is tried again later.
pub(super) async fn attempt<D: Deliver>(
    answering: &Answering<D>,
    pending: &mut PendingReply<D>,
    lease: &Lease,
) -> Ran {
    if let Some(answer) = answering.take_undelivered(lease) {
        return deliver(answering, pending, answer, lease).await;
    }
    let decided = decide_with_signs(answering, pending, lease).await;
    pending.learn(decided.learnt);
    // The last attempts are for telling the person.
    let attempts_left = lease.attempts + 1 < MOST_ATTEMPTS;
    match answering.next_step(pending, &decided.answer) {
        NextStep::TryAgain(pause) if attempts_left => {
            if !pending.told {
                tell_on_its_way(answering, pending).await;
            }
            Ran::Again(pause)
        }
        _ => deliver(answering, pending, decided.answer, lease).await,
    }
}

/// Shows an answer that is ready.
pub(super) async fn deliver<D: Deliver>(
    answering: &Answering<D>,
    pending: &mut PendingReply<D>,
    answer: Answer,
    lease: &Lease,
) -> Ran {
    answering.about_to_show(pending, &answer);
    let question = &pending.asked.question;
    let shown = answering.deliver.show(&mut pending.place, question, &answer).await;
    answering.messages.moved(pending);
    match shown {
        Shown::Shown(way) | Shown::Pointed(way) => {
            debug_assert!(D::WAYS.contains(&way), "{way} is not listed");
            record(&answering.metrics, D::PLATFORM, pending.question(), &answer);
            Ran::Done(way)
        }
        // Whoever asks too often is told once, or not at all.
        Shown::Later(_) if pending.asked.too_often == Some(true) => Ran::Failed,
        Shown::Later(pause) => {
            answering.keep_undelivered(lease, answer);
            Ran::Again(pause)
        }
        Shown::Uncertain => {
            let reference = pending.question().reference;
            tracing::warn!(%reference, "an answer was sent, and it is not known whether it arrived");
            record(&answering.metrics, D::PLATFORM, pending.question(), &answer);
            Ran::Done("uncertain")
        }
        Shown::Gone => {
            let reference = pending.question().reference;
            tracing::error!(%reference, "an answer could not be delivered");
            Ran::Failed
        }
    }
}

/// Works the answer out, and lets the asker see meanwhile that it is made.
async fn decide_with_signs<D: Deliver>(
    answering: &Answering<D>,
    pending: &mut PendingReply<D>,
    lease: &Lease,
) -> Decided {
    let (clock, asked_at) = (&answering.clock, pending.question().asked_at);
    let mut deciding = pin!(answering.decide(&pending.asked));
    if pending.told {
        return deciding.await;
    }
    if let Some(signal) = D::FIRST_SIGNAL {
        tokio::select! {
            biased;
            decided = &mut deciding => return decided,
            () = clock.sleep(remaining(asked_at, after(asked_at, signal), clock.now())) => {}
        }
        tokio::select! {
            biased;
            decided = &mut deciding => return decided,
            () = answering.deliver.signal(&pending.place) => {}
        }
    }
    tokio::select! {
        biased;
        decided = &mut deciding => return decided,
        () = clock.sleep(remaining(asked_at, after(asked_at, D::FIRST_SIGN), clock.now())) => {}
    }
    pending.told = true;
    // What is being sent is never broken off: nobody would know whether it is there.
    let early = {
        let question = &pending.asked.question;
        let mut telling =
            pin!(answering.deliver.show(&mut pending.place, question, &Answer::Working));
        tokio::select! {
            decided = &mut deciding => {
                telling.await;
                Some(decided)
            }
            _ = &mut telling => None,
        }
    };
    if let Some(decided) = early {
        return decided;
    }
    answering.jobs.save(lease, pending).await;
    deciding.await
}

/// Tells the asker that the answer is on its way, for it will take another attempt.
async fn tell_on_its_way<D: Deliver>(answering: &Answering<D>, pending: &mut PendingReply<D>) {
    let PendingReply { asked, place, told } = pending;
    *told = true;
    answering.deliver.show(place, &asked.question, &Answer::Working).await;
}

/// Whether an answer that could not be delivered still says the truth a little later.
pub(super) fn keeps(answer: &Answer, now: jiff::Timestamp) -> bool {
    match answer {
        Answer::SignIn(SignIn { lasts: Lasts::Minted { until }, .. }) => {
            between(now, *until) >= WORTH_DELIVERING
        }
        _ => true,
    }
}
