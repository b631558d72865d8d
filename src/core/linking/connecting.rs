//! Connecting a person.
//!
//! The order is fixed by what Novu leaves unchecked: it takes any connection and, for Slack, creates
//! any subscriber, so the workspace, the subscriber and an existing link are settled before a link
//! is minted. What does not depend on each other is asked side by side.

use futures_util::future::{BoxFuture, join};
use tracing::Instrument;

use super::facts::{AskerFacts, MintAhead};
use super::{Linking, span_of};
use crate::clock::Tick;
use crate::core::answer::{Answer, Invitee, SignIn};
use crate::core::endpoints::OwnEndpoints;
use crate::core::person::Kind;
use crate::core::profiles::Profiles;
use crate::core::question::Question;
use crate::core::refusal::{Reason, Refusal};
use crate::novu::{Novu, Subscriber, SubscriberId};

/// What has to be done before anybody sees a link.
pub trait BeforeLink: Send + Sync {
    /// Whether it takes time. If so it is done beside the mint, else once there is a link.
    fn takes_time(&self) -> bool;

    /// Does it.
    ///
    /// # Errors
    /// It cannot be done, so nobody may see the link.
    fn before_link<'a>(
        &'a self,
        question: &'a Question,
        prospect: Prospect,
    ) -> BoxFuture<'a, Result<(), Refusal>>;
}

/// A mint that has ended, and what was done beside it.
struct Minted {
    /// Since when the facts are known.
    learnt_at: Tick,
    facts: AskerFacts,
    /// Whether it was begun before the subscriber's endpoints were known.
    ahead: bool,
    sign_in: Result<SignIn, Refusal>,
    endpoints: OwnEndpoints,
    /// Whether what has to be done before anybody sees the link could be.
    done: Result<(), Refusal>,
}

/// What is known of somebody who is about to get a link.
#[derive(Debug, Clone)]
pub struct Prospect {
    /// The subscriber that the link will bind to.
    pub subscriber: SubscriberId,
    /// What the subscriber is called, where Novu knows.
    pub subscriber_name: Option<String>,
    /// The identifiers of all channel endpoints that the subscriber has by now.
    pub endpoints: Vec<String>,
    /// The person's other ids on the platform.
    pub other_ids: Vec<String>,
    /// Whether the account with which they sign in has another id by design.
    pub guest: bool,
}

impl Linking {
    /// Connects a person: with a link, or with the news that there is nothing to do.
    pub(super) async fn connect(
        &self,
        novu: &Novu,
        question: &Question,
        profiles: &dyn Profiles,
        before: &dyn BeforeLink,
    ) -> Result<Answer, Refusal> {
        let (learnt_at, mut facts) = if let Some(learnt) = self.progress.take(question.reference) {
            learnt
        } else {
            let facts = Box::pin(self.facts(novu, question, profiles, MintAhead::Allowed));
            (self.clock.monotonic(), facts.await?)
        };
        let person = &question.asker;
        let connection = self.connection_for(&facts)?;
        let ahead = facts.endpoints.is_none();
        if !ahead {
            if let Some(link) = self.existing_link(&facts)? {
                self.note_link(person, &facts);
                return Ok(Answer::AlreadyConnected(link));
            }
            Box::pin(self.refuse_held(novu, person, &facts)).await?;
            if let Err(refusal) = Box::pin(self.create_missing(novu, &mut facts)).await {
                self.keep_if_passing(question, learnt_at, facts, &refusal);
                return Err(refusal);
            }
        }

        let known = facts.endpoints.take();
        let beside = async {
            // Nobody can use a link that nobody has seen: what is read by then was there before it.
            let endpoints = match known {
                Some(endpoints) => endpoints,
                None => self.endpoints.of_subscriber(novu, person, &facts.found.id).await?,
            };
            let done = if before.takes_time() && endpoints.own.is_none() {
                before.before_link(question, self.prospect(&facts, &endpoints)).await
            } else {
                Ok(())
            };
            Ok::<_, Refusal>((endpoints, done))
        };
        let minting = self.mint(novu, &facts, &connection);
        // Boxed, like what is done once: those who wait for their link hold no room for it.
        let (sign_in, beside) = Box::pin(join(minting, Box::pin(beside))).await;
        let (endpoints, done) = beside?;
        let minted = Minted { learnt_at, facts, ahead, sign_in, endpoints, done };
        Box::pin(self.settle(minted, novu, question, profiles, before)).await
    }

    /// What comes of a mint, and of what was done beside it.
    async fn settle(
        &self,
        minted: Minted,
        novu: &Novu,
        question: &Question,
        profiles: &dyn Profiles,
        before: &dyn BeforeLink,
    ) -> Result<Answer, Refusal> {
        let Minted { learnt_at, mut facts, ahead, sign_in, endpoints, done } = minted;
        let person = &question.asker;
        let prospect = self.prospect(&facts, &endpoints);
        facts.endpoints = Some(endpoints);
        // A link that was minted for somebody who has one by now is seen by nobody.
        if ahead && let Some(link) = self.existing_link(&facts)? {
            self.recent_subscribers.forget(&facts.found.id);
            self.note_link(person, &facts);
            return Ok(Answer::AlreadyConnected(link));
        }
        let sign_in = match sign_in {
            Ok(sign_in) => sign_in,
            Err(refusal) if ahead && refusal.reason == Reason::SubscriberMissing => {
                self.recent_subscribers.forget(&facts.found.id);
                return Box::pin(self.connect(novu, question, profiles, before)).await;
            }
            Err(refusal) => {
                self.keep_if_passing(question, learnt_at, facts, &refusal);
                return Err(refusal);
            }
        };
        done?;
        if !before.takes_time() {
            before.before_link(question, prospect).await?;
        }
        self.endpoints.minted(person.clone(), facts.found.id);
        Ok(Answer::SignIn(sign_in))
    }

    /// Keeps what was learnt for another attempt, if there will be one.
    fn keep_if_passing(
        &self,
        question: &Question,
        learnt_at: Tick,
        facts: AskerFacts,
        refusal: &Refusal,
    ) {
        if refusal.may_pass_soon() {
            self.progress.keep(question.reference, learnt_at, facts);
        }
    }

    /// Finds out whether a person may sign in, and as whom, without minting or creating anything:
    /// for messages that outlive a link, and get theirs when it is wanted.
    ///
    /// # Errors
    /// What to tell the person instead.
    pub async fn invite(
        &self,
        question: &Question,
        profiles: &dyn Profiles,
    ) -> Result<Invitee, Answer> {
        let facts = Box::pin(self.facts(&self.novu, question, profiles, MintAhead::Never));
        let facts = facts.instrument(span_of(question)).await;
        let facts = facts.map_err(Answer::Refused)?;
        self.connection_for(&facts).map_err(Answer::Refused)?;
        match self.existing_link(&facts).map_err(Answer::Refused)? {
            Some(link) => Err(Answer::AlreadyConnected(link)),
            None if facts.subscriber.is_none() && !self.may_create(&facts.found) => {
                Err(Answer::Refused(Reason::SubscriberMissing.into()))
            }
            None => {
                let held = Box::pin(self.refuse_held(&self.novu, &question.asker, &facts));
                held.await.map(|()| invitee(&facts)).map_err(Answer::Refused)
            }
        }
    }

    fn prospect(&self, facts: &AskerFacts, endpoints: &OwnEndpoints) -> Prospect {
        let profile = facts.profile.as_ref();
        let guest = profile.is_some_and(|profile| profile.kind == Kind::Guest);
        Prospect {
            subscriber: facts.found.id.clone(),
            subscriber_name: facts.subscriber.as_ref().and_then(Subscriber::display_name),
            endpoints: endpoints.all().map(|it| it.identifier.clone()).collect(),
            other_ids: profile.map(|profile| profile.other_ids.clone()).unwrap_or_default(),
            guest: guest && self.integration.platform.guests_sign_in_elsewhere,
        }
    }
}

/// Who may sign in, and as whom.
pub(super) fn invitee(facts: &AskerFacts) -> Invitee {
    Invitee {
        subscriber: facts.found.id.clone(),
        subscriber_name: facts.subscriber.as_ref().and_then(Subscriber::display_name),
        chat_name: facts.profile.as_ref().and_then(|profile| profile.name.clone()),
    }
}
