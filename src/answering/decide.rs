//! The answer to a question: who asks, whether they ask too often, and what the core says.

use super::Answering;
use super::before_link::Remember;
use super::deliver::Deliver;
use super::pending::{Asked, Decided, Learnt, TIME_TO_ANSWER};
use super::watch::Watch;
use crate::core::{Answer, Intent, Invitee, Lasts, Profiles, Question, Reason, SignIn, SignInLink};
use crate::links::Invitation;

impl<D: Deliver> Answering<D> {
    /// Answers a question, or says that Novu is too slow.
    ///
    /// `again` says that an earlier attempt has stored the message.
    pub(super) async fn decide(
        &self,
        asked: &Asked<D::Lookup>,
        place: &D::Place,
        again: bool,
    ) -> Decided {
        let mut learnt = Learnt::default();
        let before = Remember::shown_next(self, asked.question.reference, place, again);
        let working = self.work_out(asked, &mut learnt, &before);
        let working = tokio::time::timeout(TIME_TO_ANSWER, working);
        let answer = tokio::select! {
            biased;
            answer = working => {
                answer.unwrap_or_else(|_| Answer::Refused(Reason::NovuTimeout.into()))
            }
            () = self.concluding.cancelled() => Answer::Refused(Reason::Restarting.into()),
        };
        let Remember { stored, watch, .. } = before;
        learnt.stored = stored.into_inner();
        let decided = Decided { answer, learnt };
        // Boxed, here and below, so that those who wait for their link hold no room for what follows.
        Box::pin(self.take_effect(asked, decided, watch.into_inner(), again)).await
    }

    /// Begins to watch the link of an answer, or stops where its asker has disconnected.
    async fn take_effect(
        &self,
        asked: &Asked<D::Lookup>,
        Decided { mut answer, learnt }: Decided,
        watch: Option<Box<Watch>>,
        again: bool,
    ) -> Decided {
        if let Some(watch) = watch {
            answer = self.begin_watch(*watch, again, answer).await;
        }
        if answer == Answer::Disconnected && asked.question.in_place {
            let person = learnt.asker.as_deref().unwrap_or(&asked.question.asker);
            self.watches.silence(&person.owner()).await;
        }
        self.outage.note(&answer, self.clock.monotonic());
        Decided { answer, learnt }
    }

    async fn work_out(
        &self,
        asked: &Asked<D::Lookup>,
        learnt: &mut Learnt,
        before: &Remember<'_, D>,
    ) -> Answer {
        let Asked { question, lookup, too_often } = asked;
        if question.intent == Intent::Welcome {
            return Answer::Welcome;
        }
        let identified = match self.deliver.identify(question, lookup).await {
            Ok(None) => None,
            Ok(Some(person)) => {
                learnt.asker = Some(Box::new(person.clone()));
                Some(Box::new(Question { asker: person, identified: true, ..question.clone() }))
            }
            Err(refusal) => return Answer::Refused(refusal),
        };
        let question = identified.as_deref().unwrap_or(question);
        let too_often = match too_often {
            Some(too_often) => *too_often,
            None => !self.admissions.allows(&question.asker).await,
        };
        learnt.too_often = Some(too_often);
        if too_often {
            return Answer::Refused(Reason::TooOften.into());
        }
        if let Intent::Confirm { message, mine } = question.intent
            && let Some(answer) = Box::pin(self.confirm(question, message, mine)).await
        {
            return answer;
        }
        self.link_or_page(question, &self.deliver.profiles(lookup), before).await
    }

    /// Asks the core. Whether a button holds a minted link or a personal page is decided here alone.
    async fn link_or_page(
        &self,
        question: &Question,
        profiles: &impl Profiles,
        before: &Remember<'_, D>,
    ) -> Answer {
        if question.intent == Intent::Connect && D::OUTLIVES_LINKS && self.links.is_some() {
            return Box::pin(self.page_at_once(question, profiles, before)).await;
        }
        let answer = self.linking.answer(question, profiles, before).await;
        match fits::<D>(answer) {
            Ok(Answer::Workspace(answer)) if answer.has_a_sequel() => {
                // The end is told in this message, whatever happens until then.
                match Box::pin(before.store(question, None)).await {
                    Ok(()) => Answer::Workspace(answer),
                    Err(refusal) => Answer::Refused(refusal),
                }
            }
            Ok(answer) => answer,
            Err(invitee) => Box::pin(self.page(question, invitee, profiles)).await,
        }
    }

    /// The asker's personal page, where a link is minted once it is wanted.
    async fn page_at_once(
        &self,
        question: &Question,
        profiles: &impl Profiles,
        before: &Remember<'_, D>,
    ) -> Answer {
        let invitee = match self.linking.invite(question, profiles).await {
            Ok(invitee) => invitee,
            Err(answer) => return answer,
        };
        // Side by side, so that a database writes both at once.
        let page = self.page(question, invitee, profiles);
        match tokio::join!(before.store(question, None), page) {
            (Ok(()), page) => page,
            (Err(refusal), _) => Answer::Refused(refusal),
        }
    }

    /// A sign-in by the asker's personal page, which is stored before anybody sees its address.
    async fn page(
        &self,
        question: &Question,
        invitee: Invitee,
        profiles: &impl Profiles,
    ) -> Answer {
        let Some(links) = &self.links else {
            return Answer::Refused(Reason::LinkTooLong.into());
        };
        // A page outlives the chat's own name for its command, which is empty where there is none.
        let command = Some(question.command.as_str()).filter(|command| !command.is_empty());
        let invitation = Invitation {
            person: question.asker.clone(),
            name: invitee.chat_name.clone().or_else(|| question.name.clone()),
            workspace: self.linking.workspace_name(&question.asker).await,
            subscriber: Some(invitee.subscriber.as_str().to_owned()),
            subscriber_name: invitee.subscriber_name.clone(),
            command: command.unwrap_or(Intent::CONNECT_WORD).to_owned(),
            reference: question.reference,
            hint: profiles.hint(),
        };
        match links.url_for(&invitation).await {
            Ok(url) => {
                let link = SignInLink::to_own_page(url);
                Answer::SignIn(SignIn { link, lasts: Lasts::Page, invitee })
            }
            Err(error) => {
                let reference = question.reference;
                tracing::error!(%error, %reference, "there is no personal page, so the question is refused");
                Answer::Refused(Reason::StoreUnavailable.into())
            }
        }
    }
}

/// An answer, unless its link is too long for a button; then whose link it is.
fn fits<D: Deliver>(answer: Answer) -> Result<Answer, Invitee> {
    match answer {
        Answer::SignIn(SignIn { link, invitee, .. }) if link.length() > D::LONGEST_LINK => {
            Err(invitee)
        }
        answer => Ok(answer),
    }
}
