//! The way of an answer to the one person who may see it.
//!
//! In a chat with the bot it is a plain message; anywhere else a targeted one. Where Teams refuses
//! that, it goes into the person's own chat with the bot; and where there is none either, everybody
//! may read how to open one, and nothing more.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::card::PrivateCard;
use super::connector::{CallError, ConnectorUrl, Patience, UntrustedServiceUrl};
use super::desk::Desk;
use super::inquiry::Inquiry;
use super::outgoing::{PrivateActivity, PrivatePlace, PublicNote};
use crate::answering::pace::Pace;
use crate::core::{ANSWER_ATTEMPTS, Answer, Ask, Reason, Refusal};
use crate::jobs::{GivenUp, Outcome, Queue};
use crate::store::Job;

/// How often a question is asked in all while it has to wait for its turn: the turn comes. Fewer than
/// the queue allows, so that there are some left to tell the person if it does not.
const TURN_ATTEMPTS: u32 = 8;

/// Answers questions and brings the answers to their people.
#[derive(Debug)]
pub(super) struct Deliveries {
    desk: Arc<Desk>,
    queue: Queue,
    pace: Pace,
    /// The bot's id in links to a chat with it.
    app_id: String,
}

/// A question with its answer.
pub(super) struct Answered {
    /// The question, with what has been judged of it.
    pub(super) inquiry: Inquiry,
    /// As the core took it.
    pub(super) ask: Ask,
    /// The answer.
    pub(super) answer: Answer,
}

impl Deliveries {
    pub(super) fn new(desk: Arc<Desk>, queue: Queue, pace: Pace, app_id: String) -> Self {
        Self { desk, queue, pace, app_id }
    }

    /// The promises that are open.
    pub(super) fn queue(&self) -> &Queue {
        &self.queue
    }

    /// Takes up what is due, until `stop`.
    pub(super) async fn work(self: Arc<Self>, tasks: TaskTracker, stop: CancellationToken) {
        let take_up = |job: Job| {
            let deliveries = Arc::clone(&self);
            async move {
                match Inquiry::unseal(&job.payload) {
                    Some(inquiry) => deliveries.attempt(job, inquiry).await,
                    None => deliveries.queue.discard(&job).await,
                }
            }
        };
        self.queue.work(tasks, stop, take_up).await;
    }

    /// Answers a question and delivers the answer; what does not work out is tried again later.
    pub(super) async fn attempt(&self, job: Job, inquiry: Inquiry) {
        if self.site(&inquiry).is_none() {
            // Nobody is asked about somebody whom no answer can reach.
            return self.conclude(&job, &inquiry, Outcome::Impossible).await;
        }
        let answered = self.answer(inquiry, Patience::Long).await;
        self.bring(&job, answered).await;
    }

    /// Delivers an answer whose question is stored as `job`.
    pub(super) async fn bring(&self, job: &Job, answered: Answered) {
        let Answered { inquiry, ask, answer } = &answered;
        let outcome = match answer.passing() {
            Some(refusal) if job.attempts < attempts_at(refusal) => {
                Outcome::NotYet(refusal.retry_after)
            }
            _ => match self.deliver(inquiry, ask, &self.desk.card(ask, answer)).await {
                // Whoever floods us is told once, or not at all.
                Outcome::NotYet(_) if inquiry.too_often == Some(true) => Outcome::Impossible,
                outcome => outcome,
            },
        };
        self.conclude(job, inquiry, outcome).await;
    }

    /// The connector that serves the place of a question, if it can be trusted.
    fn site(&self, inquiry: &Inquiry) -> Option<ConnectorUrl> {
        let origin = &inquiry.origin;
        let site = self.desk.connector().admit(&origin.service_url, &origin.tenant);
        let note = |untrusted: &UntrustedServiceUrl| {
            tracing::warn!(%untrusted, reference = %inquiry.reference, "an answer has nowhere to go");
        };
        site.inspect_err(note).ok()
    }

    async fn conclude(&self, job: &Job, inquiry: &Inquiry, outcome: Outcome) {
        if let Err(GivenUp) = self.queue.conclude(job, inquiry.sealed(), outcome).await {
            tracing::error!(reference = %inquiry.reference, "an answer could not be delivered");
        }
    }

    /// Answers a question, unless its author asks too often; that is judged the first time only.
    pub(super) async fn answer(&self, mut inquiry: Inquiry, patience: Patience) -> Answered {
        let (ask, answer) = match self.admit(&mut inquiry, patience).await {
            Ok(ask) => {
                let answer = self.desk.answer(&ask, &inquiry, patience).await;
                (ask, answer)
            }
            Err(settled) => settled,
        };
        Answered { inquiry, ask, answer }
    }

    /// Finds out who asks; gives the answer in place of the question where that settles it.
    async fn admit(&self, inquiry: &mut Inquiry, patience: Patience) -> Result<Ask, (Ask, Answer)> {
        if inquiry.welcome {
            let ask = inquiry.ask(inquiry.stranger());
            self.desk.note(&ask, &Answer::Welcome);
            return Err((ask, Answer::Welcome));
        }
        let person = match self.desk.person(inquiry, patience).await {
            Ok(person) => person,
            // Whoever has no account in the tenant is told so under the id that Teams gave them.
            Err(refusal) => return Err(self.refuse(inquiry.ask(inquiry.stranger()), refusal)),
        };
        let ask = inquiry.ask(person);
        if *inquiry.too_often.get_or_insert_with(|| !self.pace.allows(&ask.person)) {
            return Err(self.refuse(ask, Reason::TooOften.into()));
        }
        Ok(ask)
    }

    fn refuse(&self, ask: Ask, refusal: Refusal) -> (Ask, Answer) {
        let answer = Answer::Refused(refusal);
        self.desk.note(&ask, &answer);
        (ask, answer)
    }

    async fn deliver(&self, inquiry: &Inquiry, ask: &Ask, card: &PrivateCard) -> Outcome {
        let origin = &inquiry.origin;
        let Some(site) = self.site(inquiry) else { return Outcome::Impossible };
        let place = PrivatePlace::within(&origin.conversation, &inquiry.from);
        let reply_to = origin.activity_id.as_deref().filter(|_| !inquiry.welcome);
        let sent = PrivateActivity { card, place: &place, reply_to };
        match self.desk.connector().send(&site, sent).await {
            Ok(_) if place.is_targeted() => Outcome::Done("targeted"),
            Ok(_) => Outcome::Done("chat"),
            Err(error) if place.is_targeted() && error.calls_for_another_place() => {
                self.deliver_apart(inquiry, ask, card, &site).await
            }
            Err(error) => error.into(),
        }
    }

    /// Into the person's own chat with the bot; where there is none, everybody reads how to open one.
    async fn deliver_apart(
        &self,
        inquiry: &Inquiry,
        ask: &Ask,
        card: &PrivateCard,
        site: &ConnectorUrl,
    ) -> Outcome {
        let member = inquiry.from.id.as_str();
        match self.send_apart(member, card, site).await {
            Ok(()) => Outcome::Done("own_chat"),
            Err(error) if error.calls_for_another_place() => {
                self.desk.connector().forget_personal_chat(site, member);
                self.point_to_chat(inquiry, ask, site).await
            }
            Err(error) => error.into(),
        }
    }

    async fn send_apart(
        &self,
        member: &str,
        card: &PrivateCard,
        site: &ConnectorUrl,
    ) -> Result<(), CallError> {
        let connector = self.desk.connector();
        let chat = connector.personal_chat(site, member).await?;
        let place = PrivatePlace::Chat(chat);
        let sent = PrivateActivity { card, place: &place, reply_to: None };
        connector.send(site, sent).await.map(drop)
    }

    /// Tells everybody, because nobody can be told alone, how to open a chat with the bot.
    async fn point_to_chat(&self, inquiry: &Inquiry, ask: &Ask, site: &ConnectorUrl) -> Outcome {
        let link = format!("https://teams.microsoft.com/l/chat/0/0?users=28:{}", self.app_id);
        let text = ask.language().say("open-chat", &[("link", &link)]);
        // A question that nobody else saw must not show by what it is answered with.
        let seen = !inquiry.origin.recipient.is_targeted;
        let reply_to = inquiry.origin.activity_id.as_deref().filter(|_| seen);
        let note = PublicNote { text: &text, reply_to };
        let conversation = &inquiry.origin.conversation.id;
        match self.desk.connector().send_note(site, conversation, note).await {
            Ok(()) => Outcome::Done("pointed_to_chat"),
            Err(error) => error.into(),
        }
    }
}

/// How often a question is asked in all while it is refused so.
const fn attempts_at(refusal: &Refusal) -> u32 {
    match (refusal.reason, refusal.retry_after) {
        (Reason::ProfileUnavailable, Some(_)) => TURN_ATTEMPTS,
        _ => ANSWER_ATTEMPTS,
    }
}

impl From<CallError> for Outcome {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Throttled(pause) => Self::NotYet(pause),
            error if error.is_transient() => Self::NotYet(None),
            // A secret or a token that is being replaced; what was acknowledged waits for it.
            CallError::Unauthorised => Self::NotYet(None),
            // It may be there: a second one would be worse than none.
            CallError::Uncertain => Self::Done("uncertain"),
            error => {
                tracing::warn!(error = error.name(), "teams took no message");
                Self::Impossible
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn whoever_waits_for_a_turn_is_not_told_no_after_three_attempts() {
        let crowded = Refusal {
            retry_after: Some(Duration::from_millis(500)),
            ..Reason::ProfileUnavailable.into()
        };
        assert_eq!(attempts_at(&crowded), TURN_ATTEMPTS);
        assert_eq!(attempts_at(&Reason::ProfileUnavailable.into()), ANSWER_ATTEMPTS);
        let busy = Refusal { retry_after: crowded.retry_after, ..Reason::NovuBusy.into() };
        assert_eq!(attempts_at(&busy), ANSWER_ATTEMPTS);
    }
}
