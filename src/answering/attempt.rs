//! One attempt at a question whose answer is shown as a message.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use super::deliver::{Deliver, Shown};
use super::messages::{MessageId, put};
use super::pending::{Decided, PendingReply};
use super::{Answering, record};
use crate::clock::{Clock, Tick, after, between, remaining};
use crate::core::{Answer, DedupKey, Lasts, SignIn};
use crate::jobs::{MOST_ATTEMPTS, Ran, Work};
use crate::store::{Change, KeyAfterwards, Lease};

/// A link that could not be delivered is delivered again while it has so long left; after that,
/// another one is minted.
const WORTH_DELIVERING: Duration = Duration::from_mins(2);

impl<D: Deliver> Work for PendingReply<D> {
    const KIND: &'static str = D::JOBS;
    const VERSION: u32 = 1;
    const IS_ANSWER: bool = true;
    const OWNER: &'static str = D::PLATFORM.name;
    // What was answered is not answered again when it is delivered again.
    const KEY_AFTERWARDS: KeyAfterwards = KeyAfterwards::Taken;
    type Context = Answering<D>;

    fn key(&self) -> Option<[u8; 32]> {
        self.question().dedup_key.map(|DedupKey(hash)| hash)
    }

    /// A message that can change is where it was shown.
    fn beside(&self) -> Vec<Change> {
        let message = self.stored.then(|| put::<D>(self.question(), &self.place));
        message.into_iter().collect()
    }

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
    let decided = match decide_with_signs(answering, pending, lease).await {
        Ok(decided) => decided,
        Err(pointed) => return conclude_pointed(answering, pending, pointed),
    };
    pending.learn(decided.learnt);
    // The last attempts are for telling the person.
    let attempts_left = lease.attempts + 1 < MOST_ATTEMPTS;
    let later = answering.next_step(pending, &decided.answer).ran();
    let Some(later) = later.filter(|_| attempts_left) else {
        return deliver(answering, pending, decided.answer, lease).await;
    };
    if !pending.told
        && let Err(pointed) = tell_on_its_way(answering, pending).await
    {
        return conclude_pointed(answering, pending, pointed);
    }
    later
}

/// That the asker cannot be shown anything alone and was pointed to where they can ask again; in which
/// way, as a word for metrics. Whatever is found out after that has nowhere to go.
struct Pointed(&'static str);

fn conclude_pointed<D: Deliver>(
    answering: &Answering<D>,
    pending: &PendingReply<D>,
    Pointed(way): Pointed,
) -> Ran {
    record(&answering.metrics, D::PLATFORM, pending.question(), &Answer::Working);
    Ran::Done(way)
}

/// Shows an answer that is ready.
pub(super) async fn deliver<D: Deliver>(
    answering: &Answering<D>,
    pending: &mut PendingReply<D>,
    answer: Answer,
    lease: &Lease,
) -> Ran {
    // Showing takes its time, and whoever takes the job over meanwhile would show it once more.
    if !answering.jobs.save(lease, pending).await {
        return Ran::Again(None);
    }
    match show(answering, pending, &answer).await {
        Shown::Shown(way) | Shown::Pointed(way) => {
            debug_assert!(D::WAYS.contains(&way), "{way} is not listed");
            record(&answering.metrics, D::PLATFORM, pending.question(), &answer);
            Ran::Done(way)
        }
        // Whoever asks too often is told once, or not at all.
        Shown::Later(_) if pending.asked.too_often == Some(true) => Ran::Failed,
        Shown::Later(pause) => {
            // What the last attempt could not deliver is not delivered any more.
            if lease.attempts < MOST_ATTEMPTS {
                answering.keep_undelivered(lease, answer);
            }
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

/// Shows an answer. A message that can change later is changed by one at a time.
async fn show<D: Deliver>(
    answering: &Answering<D>,
    pending: &mut PendingReply<D>,
    answer: &Answer,
) -> Shown {
    let _turn = if pending.stored {
        let question = pending.question();
        Some(answering.messages.turn(&MessageId::of(&question.asker, question.reference)).await)
    } else {
        None
    };
    let PendingReply { asked, place, stored, says_on_its_way, .. } = pending;
    // Somebody may have signed in by a link of which nobody knew that it had arrived.
    let may_say_so = matches!(answer, Answer::SignIn(_) | Answer::AlreadyConnected(_)) && *stored;
    if !may_say_so {
        return answering.deliver.show(place, &asked.question, answer).await;
    }
    let by_now = Box::pin(answering.outcome(&asked.question)).await;
    // Words that the answer is on its way may stand beside it, and have to go.
    if by_now.as_ref().is_some_and(|outcome| outcome.is_told) && !*says_on_its_way {
        return Shown::Shown(D::WAYS[0]);
    }
    let answer = by_now.as_ref().map_or(answer, |outcome| &outcome.answer);
    let shown = answering.deliver.show(place, &asked.question, answer).await;
    if matches!(shown, Shown::Shown(_)) && !matches!(answer, Answer::SignIn(_)) {
        Box::pin(answering.note_said(&asked.question, answer)).await;
    }
    shown
}

/// Answers a question for which there is no promise, because the store cannot hold one. What needs the
/// store is refused on the way.
pub(super) async fn answer_unpromised<D: Deliver>(
    answering: &Answering<D>,
    pending: &mut PendingReply<D>,
) {
    let decided = answering.decide(&pending.asked, &pending.place, pending.stored).await;
    pending.learn(decided.learnt);
    let shown = show(answering, pending, &decided.answer).await;
    if let Shown::Shown(_) | Shown::Pointed(_) | Shown::Uncertain = shown {
        record(&answering.metrics, D::PLATFORM, pending.question(), &decided.answer);
    } else {
        let reference = pending.question().reference;
        tracing::error!(%reference, "an answer could not be delivered, and not be stored either");
    }
}

/// Works the answer out, and lets the asker see meanwhile that it is made.
async fn decide_with_signs<D: Deliver>(
    answering: &Answering<D>,
    pending: &mut PendingReply<D>,
    lease: &Lease,
) -> Result<Decided, Pointed> {
    let (clock, asked_at) = (&answering.clock, pending.question().asked_at);
    let (asked, place) = (pending.asked.clone(), pending.place.clone());
    let again = pending.stored;
    let mut deciding = pin!(answering.decide(&asked, &place, again));
    if pending.told {
        return Ok(deciding.await);
    }
    if let Some(signal) = D::FIRST_SIGNAL {
        tokio::select! {
            biased;
            decided = &mut deciding => return Ok(decided),
            () = clock.sleep(remaining(asked_at, after(asked_at, signal), clock.now())) => {}
        }
        tokio::select! {
            biased;
            decided = &mut deciding => return Ok(decided),
            () = answering.deliver.signal(&pending.place) => {}
        }
    }
    tokio::select! {
        biased;
        decided = &mut deciding => return Ok(decided),
        () = clock.sleep(remaining(asked_at, after(asked_at, D::FIRST_SIGN), clock.now())) => {}
    }
    // What is being sent is never broken off: nobody would know whether it is there.
    let early = {
        let mut telling = pin!(tell_on_its_way(answering, pending));
        tokio::select! {
            decided = &mut deciding => {
                telling.await?;
                Some(decided)
            }
            told = &mut telling => {
                told?;
                None
            }
        }
    };
    if let Some(decided) = early {
        return Ok(decided);
    }
    answering.jobs.save(lease, pending).await;
    Ok(deciding.await)
}

/// Tells the asker that the answer is on its way, for it will take longer. A platform that takes
/// nothing at the moment has told nobody.
async fn tell_on_its_way<D: Deliver>(
    answering: &Answering<D>,
    pending: &mut PendingReply<D>,
) -> Result<(), Pointed> {
    let PendingReply { asked, place, told, stored, says_on_its_way } = pending;
    // What has come of its link is being said, or will be.
    if *stored && Box::pin(answering.outcome(&asked.question)).await.is_some() {
        return Ok(());
    }
    match answering.deliver.show(place, &asked.question, &Answer::Working).await {
        Shown::Pointed(way) => return Err(Pointed(way)),
        Shown::Shown(_) | Shown::Gone => (*told, *says_on_its_way) = (true, true),
        Shown::Later(_) => {}
        Shown::Uncertain => {
            (*told, *says_on_its_way) = (true, true);
            let reference = asked.question.reference;
            tracing::warn!(%reference, "whether the asker was told to wait is not known");
        }
    }
    Ok(())
}

/// Until when an answer that could not be delivered says the truth; for ever without it.
pub(super) fn good_until(answer: &Answer, clock: &dyn Clock) -> Option<Tick> {
    match answer {
        Answer::SignIn(SignIn { lasts: Lasts::Minted { until }, .. }) => {
            let left = between(clock.now(), *until).saturating_sub(WORTH_DELIVERING);
            Some(clock.monotonic() + left)
        }
        _ => None,
    }
}
