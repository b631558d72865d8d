//! From a person to their link.
//!
//! The order is fixed by what Novu leaves unchecked: it takes any connection and, for Slack, creates
//! any subscriber, so the workspace, the subscriber and an existing link are settled before a link
//! is minted. What does not depend on each other is asked side by side.

mod minting;
mod upkeep;

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use secrecy::{ExposeSecret, SecretString};
use tracing::{Instrument, Span};

use super::account::{AccountPolicy, ProfileHealth};
use super::answer::{Answer, Invitee, Link, Reason, Refusal, UnknownCommand};
use super::candidates::{Choice, choose, same_keys};
use super::endpoints::Endpoints;
use super::held::HeldAccounts;
use super::intent::Intent;
use super::language::Language;
use super::person::{Person, Profile};
use super::platform::Platform;
use super::profiles::{Profiles, ProfilesError};
use super::progress::Progress;
use super::question::Question;
use super::resolve::{Chain, Found, Subject};
use super::workspace_index::WorkspaceIndex;
use crate::clock::SharedClock;
use crate::net::HostAllowlist;
use crate::novu::{ChannelConnection, ChannelEndpoint, Novu, Subscriber};
use minting::Mints;

/// The Novu integration of one chat platform, and what its links are like.
#[derive(Debug)]
pub struct Integration {
    /// The platform.
    pub platform: &'static Platform,
    /// Its identifier in Novu.
    pub identifier: String,
    /// What to ask of the person at sign-in, in place of Novu's default. Slack only.
    pub user_scope: Option<Vec<String>>,
    /// The hosts that a minted link may have.
    pub link_hosts: HostAllowlist,
    /// The bot token to use in place of the one that the channel connection carries.
    pub bot_token: Option<SecretString>,
    /// Whether people are refused of whom the platform does not say who they are.
    pub require_profile: bool,
}

/// Answers questions for one chat platform.
#[derive(Debug)]
pub struct Linking {
    novu: Novu,
    /// The same for whoever waits in front of a browser.
    at_once: Novu,
    integration: Integration,
    index: WorkspaceIndex,
    endpoints: Endpoints,
    chain: Arc<Chain>,
    profiles: ProfileHealth,
    mints: Mints,
    progress: Progress<AskerFacts>,
    clock: SharedClock,
}

/// What has to be done before anybody sees a link.
pub trait BeforeLink: Send + Sync {
    /// Whether it takes time. If so it is done beside the mint, else once there is a link.
    fn takes_time(&self) -> bool;

    /// Does it.
    ///
    /// # Errors
    /// It cannot be done, so nobody may see the link.
    fn before_link<'a>(&'a self, question: &'a Question) -> BoxFuture<'a, Result<(), Refusal>>;
}

/// Where a person stands: their subscriber, and the way Novu reaches their workspace.
#[derive(Debug)]
struct AskerFacts {
    found: Found,
    connection: Arc<ChannelConnection>,
    /// All connections of the workspace.
    candidates: Vec<Arc<ChannelConnection>>,
    profile: Option<Profile>,
    subscriber: Option<Subscriber>,
    /// Whether the subscriber was created since it was looked for.
    created: bool,
    endpoint: Option<ChannelEndpoint>,
}

impl Linking {
    /// Puts the parts together.
    #[must_use]
    pub fn new(
        novu: Novu,
        integration: Integration,
        index: WorkspaceIndex,
        chain: Arc<Chain>,
        held: Arc<HeldAccounts>,
        clock: SharedClock,
    ) -> Self {
        let policy = AccountPolicy {
            require_profile: integration.require_profile,
            only_members_ask: integration.platform.only_members_ask,
        };
        let profiles = ProfileHealth::new(policy, Arc::clone(&clock));
        let endpoints = Endpoints::new(
            integration.platform,
            integration.identifier.clone(),
            held,
            Arc::clone(&clock),
        );
        Self {
            at_once: novu.at_once(),
            novu,
            integration,
            index,
            endpoints,
            chain,
            profiles,
            mints: Mints::default(),
            progress: Progress::new(Arc::clone(&clock)),
            clock,
        }
    }

    /// The bot token of a person's workspace: the configured one, else that of a connection that is
    /// known by now. Asks nobody, because whoever sends something is short of time.
    pub async fn bot_token(&self, person: &Person) -> Option<SecretString> {
        if let Some(token) = &self.integration.bot_token {
            return Some(token.clone());
        }
        let candidates = self.index.known(&person.workspace).await;
        candidates.first()?.access_token.clone()
    }

    /// Answers a question of somebody who sees the answer as a message, however long it takes. Never
    /// fails: what goes wrong is a refusal.
    pub async fn answer(
        &self,
        question: &Question,
        profiles: &dyn Profiles,
        before: &dyn BeforeLink,
    ) -> Answer {
        let working = self.work_out(&self.novu, question, profiles, Some(before));
        working.instrument(span_of(question)).await
    }

    /// As [`Linking::answer`], for somebody who waits in front of a browser.
    pub async fn answer_at_once(&self, question: &Question, profiles: &dyn Profiles) -> Answer {
        self.work_out(&self.at_once, question, profiles, None).instrument(span_of(question)).await
    }

    async fn work_out(
        &self,
        novu: &Novu,
        question: &Question,
        profiles: &dyn Profiles,
        before: Option<&dyn BeforeLink>,
    ) -> Answer {
        let outcome = match &question.intent {
            Intent::Connect => self.connect(novu, question, profiles, before).await,
            Intent::Status
            | Intent::Test
            | Intent::Disconnect
            | Intent::DisconnectNow
            | Intent::Confirm { .. } => self.status(novu, question, profiles).await,
            Intent::Welcome => Ok(Answer::Welcome),
            Intent::Help => {
                self.learn_language(question, profiles).await;
                Ok(Answer::Help(None))
            }
            Intent::Unknown { said, nearest } => {
                self.learn_language(question, profiles).await;
                let nearest = nearest.as_deref().map(str::to_owned);
                Ok(Answer::Help(Some(UnknownCommand { said: said.clone(), nearest })))
            }
        };
        outcome.unwrap_or_else(Answer::Refused)
    }

    async fn connect(
        &self,
        novu: &Novu,
        question: &Question,
        profiles: &dyn Profiles,
        before: Option<&dyn BeforeLink>,
    ) -> Result<Answer, Refusal> {
        let (learnt_at, mut facts) = match self.progress.take(question.reference) {
            Some(learnt) => learnt,
            None => (self.clock.monotonic(), Box::pin(self.facts(novu, question, profiles)).await?),
        };
        if let Some(link) = self.existing_link(&facts)? {
            return Ok(Answer::AlreadyConnected(link));
        }
        Box::pin(self.refuse_held(novu, &question.asker, &facts)).await?;
        let beside = async {
            match before.filter(|before| before.takes_time()) {
                Some(before) => before.before_link(question).await,
                None => Ok(()),
            }
        };
        let minting = Box::pin(self.mint(novu, &question.asker, &mut facts));
        let (minted, beside) = tokio::join!(minting, beside);
        if minted.as_ref().is_err_and(Refusal::may_pass_soon) {
            self.progress.keep(question.reference, learnt_at, facts);
        }
        beside?;
        if let Some(before) = before.filter(|before| minted.is_ok() && !before.takes_time()) {
            before.before_link(question).await?;
        }
        minted.map(Answer::SignIn)
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
        let facts = Box::pin(self.facts(&self.novu, question, profiles));
        let facts = facts.instrument(span_of(question)).await;
        let facts = facts.map_err(Answer::Refused)?;
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

    async fn status(
        &self,
        novu: &Novu,
        question: &Question,
        profiles: &dyn Profiles,
    ) -> Result<Answer, Refusal> {
        let facts = Box::pin(self.facts(novu, question, profiles)).await?;
        let link = self.existing_link(&facts)?;
        Ok(link.map_or(Answer::NotConnected, Answer::AlreadyConnected))
    }

    /// Finds out where a person stands, asking side by side what can be asked so. To be boxed, so that
    /// those who wait for their link hold no room for it.
    async fn facts(
        &self,
        novu: &Novu,
        question: &Question,
        profiles: &dyn Profiles,
    ) -> Result<AskerFacts, Refusal> {
        let person = &question.asker;
        let candidates = self.index.find(&person.workspace).await?;
        let first = candidates.first().ok_or(Reason::WorkspaceNotConnected)?;
        let token = self.integration.bot_token.clone().or_else(|| first.access_token.clone());
        let profile = self.profile(question, profiles, token.as_ref()).shared();
        let subject = Subject {
            platform: self.integration.platform,
            person,
            served: self.index.workspaces().await,
        };

        let known = async {
            let found = self.chain.resolve(subject, novu, profile.clone()).await?;
            let (subscriber, endpoint) =
                tokio::join!(subscriber(novu, &found), self.endpoints.own(novu, person, &found.id));
            Ok::<_, Refusal>((found, subscriber?, endpoint?))
        };
        let (profile, known) = tokio::join!(profile.clone(), known);

        let profile = self.profiles.admit(profile)?;
        let (found, subscriber, endpoint) = known?;
        let linked_over = endpoint.as_ref().and_then(|at| at.connection_identifier.as_deref());
        let choice =
            Choice { context: found.context.as_ref(), pinned: self.index.pinned(), linked_over };
        let connection = choose(&candidates, choice)?;
        Ok(AskerFacts {
            found,
            connection,
            candidates,
            profile,
            subscriber,
            created: false,
            endpoint,
        })
    }

    fn profile<'a>(
        &'a self,
        question: &'a Question,
        profiles: &'a dyn Profiles,
        token: Option<&'a SecretString>,
    ) -> BoxFuture<'a, Result<Profile, ProfilesError>> {
        async move {
            let person = &question.asker;
            let mut profile = self.profiles.look_up(profiles, person, token).await;
            if profile == Err(ProfilesError::Expired)
                && let Some(fresh) = self.renewed(person, token).await
            {
                profile = self.profiles.look_up(profiles, person, Some(&fresh)).await;
            }
            learn(question, &profile);
            profile
        }
        .boxed()
    }

    /// The token that has taken the place of one that has expired. Novu alone can renew it, and then
    /// its connection carries the new one.
    async fn renewed(&self, person: &Person, old: Option<&SecretString>) -> Option<SecretString> {
        if self.integration.bot_token.is_some() {
            return None;
        }
        self.index.reread().await;
        let token = self.bot_token(person).await?;
        let same = old.is_some_and(|old| old.expose_secret() == token.expose_secret());
        (!same).then_some(token)
    }

    /// Looks the person up for the sake of their language alone, unless the question told it.
    async fn learn_language(&self, question: &Question, profiles: &dyn Profiles) {
        if question.language.get().is_some() {
            return;
        }
        // Help must not wait for Novu: without a token by now it is in the default language.
        let known = self.index.known(&question.asker.workspace).await;
        let token = self.integration.bot_token.as_ref();
        let token = token.or_else(|| known.first()?.access_token.as_ref());
        // Without a profile the answer is in the default language.
        learn(question, &self.profiles.look_up(profiles, &question.asker, token).await);
    }

    /// The link that a person already has, if Novu can deliver through it.
    ///
    /// Delivery needs the endpoint on a connection of the workspace and in its very context (Novu, context).
    fn existing_link(&self, facts: &AskerFacts) -> Result<Option<Link>, Refusal> {
        let Some(endpoint) = &facts.endpoint else { return Ok(None) };
        let over = |connection: &ChannelConnection| {
            let same = match endpoint.connection_identifier.as_deref() {
                Some(identifier) => identifier == connection.identifier,
                None => self.integration.platform.delivers_without_connection,
            };
            same && same_keys(&endpoint.context_keys, &connection.context_keys)
        };
        // Any connection of the workspace delivers, not only the one that a new link would use.
        if !facts.candidates.iter().any(|connection| over(connection)) {
            tracing::warn!(
                endpoint = endpoint.identifier,
                "a chat account is linked over a connection that does not deliver"
            );
            return Err(Reason::LinkedElsewhere.into());
        }
        Ok(Some(Link {
            subscriber: facts.found.id.clone(),
            name: facts.subscriber.as_ref().and_then(Subscriber::display_name),
            since: endpoint.created_at,
            can_test: false,
        }))
    }
}

async fn subscriber(novu: &Novu, found: &Found) -> Result<Option<Subscriber>, Refusal> {
    match &found.subscriber {
        Some(subscriber) => Ok(Some(subscriber.clone())),
        None => Ok(novu.get_subscriber(&found.id).await?),
    }
}

/// Takes the language from a profile that is there.
fn learn(question: &Question, profile: &Result<Profile, ProfilesError>) {
    match profile {
        Ok(profile) => question.language.learn(Language::best_for(profile.locale.as_deref())),
        Err(error) => tracing::debug!(%error, "no profile"),
    }
}

/// Marks every log line on the way to an answer with the reference that the person sees.
fn span_of(question: &Question) -> Span {
    tracing::info_span!("ask", reference = %question.reference)
}

fn invitee(facts: &AskerFacts) -> Invitee {
    Invitee {
        subscriber: facts.found.id.clone(),
        subscriber_name: facts.subscriber.as_ref().and_then(Subscriber::display_name),
        chat_name: facts.profile.as_ref().and_then(|profile| profile.name.clone()),
    }
}
