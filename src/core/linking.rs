//! From a person to their link.

mod administering;
mod connecting;
mod disconnecting;
mod explaining;
mod facts;
mod minting;
mod removing;
mod status;
mod testing;
mod upkeep;
mod verifying;

use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use tracing::{Instrument, Span};

use super::account::{AccountPolicy, ProfileHealth};
use super::answer::{Answer, Link, UnknownCommand};
use super::candidates::{Choice, choose, same_keys};
use super::endpoints::Endpoints;
use super::held::HeldAccounts;
use super::integration::Integration;
use super::intent::Intent;
use super::known_links::{KnownLinks, SeenLink};
use super::person::{Person, Profile};
use super::profiles::Profiles;
use super::progress::Progress;
use super::question::Question;
use super::recent::Recent;
use super::refusal::{Reason, Refusal};
use super::resolve::{Chain, Found};
use super::workspace_index::WorkspaceIndex;
use super::workspaces::Workspaces;
use crate::audit::Audit;
use crate::clock::SharedClock;
use crate::novu::{ChannelConnection, ChannelEndpoint, Novu, Subscriber, SubscriberId};
use crate::store::Verified;
use facts::AskerFacts;
use minting::Mints;

pub use connecting::{BeforeLink, Prospect};
pub use removing::{LinkRemoval, PersonsLink};

/// How long a profile counts as it was last told.
const PROFILE_GOOD_FOR: Duration = Duration::from_mins(5);
/// How long a subscriber counts as there after Novu had it.
const SUBSCRIBER_GOOD_FOR: Duration = Duration::from_mins(10);
/// How long somebody has to wait between two tests.
const BETWEEN_TESTS: Duration = Duration::from_mins(1);

/// What a [`Linking`] is made of.
#[derive(Debug)]
pub struct LinkingParts {
    /// Speaks to Novu.
    pub novu: Novu,
    /// The integration whose people are answered.
    pub integration: Arc<Integration>,
    /// Knows the integration's channel connections.
    pub index: Arc<WorkspaceIndex>,
    /// Connects the integration's workspaces.
    pub workspaces: Arc<Workspaces>,
    /// Finds people's subscribers.
    pub chain: Arc<Chain>,
    /// The workflow that a test notification runs; without it there are none.
    pub test_workflow: Option<String>,
    /// Knows which chat accounts another subscriber holds.
    pub held: Arc<HeldAccounts>,
    /// Knows which chat accounts are linked.
    pub known_links: Arc<KnownLinks>,
    /// Hears who disconnected.
    pub audit: Arc<Audit>,
    /// Tells the time.
    pub clock: SharedClock,
}

/// Answers questions for one chat platform.
#[derive(Debug)]
pub struct Linking {
    novu: Novu,
    /// The same for whoever waits in front of a browser.
    at_once: Novu,
    integration: Arc<Integration>,
    index: Arc<WorkspaceIndex>,
    workspaces: Arc<Workspaces>,
    endpoints: Endpoints,
    chain: Arc<Chain>,
    profiles: ProfileHealth,
    /// Profiles of people, and nothing else of those that the platform did not tell.
    recent_profiles: Recent<(Person, String), Profile>,
    /// Subscribers that Novu has. Of those that it does not have, nothing is kept.
    recent_subscribers: Recent<SubscriberId, Subscriber>,
    mints: Mints,
    progress: Progress<AskerFacts>,
    /// The workflow that a test notification runs; without it there are none.
    test_workflow: Option<String>,
    /// What the store knows of links.
    known_links: Arc<KnownLinks>,
    /// Hears who disconnected.
    audit: Arc<Audit>,
    /// Who sent a test lately.
    recent_tests: Recent<Person, ()>,
    clock: SharedClock,
}

impl Linking {
    /// Puts the parts together.
    #[must_use]
    pub fn new(parts: LinkingParts) -> Self {
        let LinkingParts { novu, integration, index, workspaces, chain, .. } = parts;
        let LinkingParts { test_workflow, held, known_links, audit, clock, .. } = parts;
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
            workspaces,
            endpoints,
            chain,
            profiles,
            recent_profiles: Recent::new(PROFILE_GOOD_FOR, Arc::clone(&clock)),
            recent_subscribers: Recent::new(SUBSCRIBER_GOOD_FOR, Arc::clone(&clock)),
            mints: Mints::default(),
            progress: Progress::new(Arc::clone(&clock)),
            test_workflow,
            known_links,
            audit,
            recent_tests: Recent::new(BETWEEN_TESTS, Arc::clone(&clock)),
            clock,
        }
    }

    /// What connects the workspaces of this platform.
    #[must_use]
    pub const fn workspaces(&self) -> &Arc<Workspaces> {
        &self.workspaces
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

    /// What a person's workspace is called: by the operator, else by Novu. Asks nobody.
    pub async fn workspace_name(&self, person: &Person) -> Option<String> {
        self.workspaces.name_of(&person.workspace).await
    }

    /// Answers a question of somebody who sees the answer as a message, however long it takes. Never
    /// fails: what goes wrong is a refusal.
    pub async fn answer(
        &self,
        question: &Question,
        profiles: &dyn Profiles,
        before: &dyn BeforeLink,
    ) -> Answer {
        let working = self.work_out(&self.novu, question, profiles, before);
        working.instrument(span_of(question)).await
    }

    /// As [`Linking::answer`], for somebody who waits in front of a browser.
    pub async fn answer_at_once(
        &self,
        question: &Question,
        profiles: &dyn Profiles,
        before: &dyn BeforeLink,
    ) -> Answer {
        let working = self.work_out(&self.at_once, question, profiles, before);
        working.instrument(span_of(question)).await
    }

    async fn work_out(
        &self,
        novu: &Novu,
        question: &Question,
        profiles: &dyn Profiles,
        before: &dyn BeforeLink,
    ) -> Answer {
        let outcome = match &question.intent {
            Intent::Connect => self.connect(novu, question, profiles, before).await,
            Intent::Status | Intent::Confirm { .. } => {
                Box::pin(self.status(novu, question, profiles)).await
            }
            Intent::Test => Box::pin(self.test(novu, question, profiles)).await,
            Intent::Disconnect => Box::pin(self.ask_to_disconnect(novu, question, profiles)).await,
            Intent::DisconnectNow => Box::pin(self.disconnect(novu, question, profiles)).await,
            Intent::Workspace(act) => Box::pin(self.administer(*act, question, profiles)).await,
            Intent::Welcome => Ok(Answer::Welcome),
            Intent::Help => {
                Box::pin(self.learn_language(question, profiles)).await;
                Ok(Answer::Help(None))
            }
            Intent::Greeting => {
                Box::pin(self.learn_language(question, profiles)).await;
                Ok(Answer::Welcome)
            }
            Intent::Thanks => {
                Box::pin(self.learn_language(question, profiles)).await;
                Ok(Answer::YouAreWelcome)
            }
            Intent::Unknown { said, nearest } => {
                Box::pin(self.learn_language(question, profiles)).await;
                let nearest = nearest.as_deref().map(str::to_owned);
                Ok(Answer::Help(Some(UnknownCommand { said: said.clone(), nearest })))
            }
        };
        match outcome {
            Ok(answer) => answer,
            Err(refusal) => {
                let died = Box::pin(self.token_died(question, &refusal)).await;
                died.unwrap_or(Answer::Refused(refusal))
            }
        }
    }

    /// Takes note of what Novu says of the link of the asker's chat account.
    fn note_link(&self, person: &Person, facts: &AskerFacts) {
        match facts.own() {
            Some(endpoint) => self.known_links.linked(SeenLink {
                person,
                workspace_name: facts.workspace_name(),
                subscriber: &facts.found.id,
                endpoint,
                verified: Verified::Found,
            }),
            None => self.known_links.not_there(person),
        }
    }

    /// The connection of the workspace that a new link goes through.
    fn connection_for(&self, facts: &AskerFacts) -> Result<Arc<ChannelConnection>, Refusal> {
        self.choose(&facts.candidates, &facts.found, facts.own())
    }

    fn choose(
        &self,
        candidates: &[Arc<ChannelConnection>],
        found: &Found,
        own: Option<&ChannelEndpoint>,
    ) -> Result<Arc<ChannelConnection>, Refusal> {
        let linked_over = own.and_then(|own| own.connection_identifier.as_deref());
        let pinned = self.index.pinned();
        choose(candidates, Choice { context: found.context.as_ref(), pinned, linked_over })
    }

    /// The link that a person already has, if Novu can deliver through it.
    fn existing_link(&self, facts: &AskerFacts) -> Result<Option<Link>, Refusal> {
        let Some(own) = facts.own() else { return Ok(None) };
        // Any connection of the workspace delivers, not only the one that a new link would use.
        if !self.delivers(own, &facts.candidates) {
            tracing::warn!(
                endpoint = own.identifier,
                "a chat account is linked over a connection that does not deliver"
            );
            return Err(Reason::LinkedElsewhere.into());
        }
        Ok(Some(self.link(facts, own)))
    }

    /// Whether Novu can deliver to an endpoint over one of these connections: that takes the endpoint on
    /// it and in its very context (Novu, context).
    fn delivers(&self, endpoint: &ChannelEndpoint, over: &[Arc<ChannelConnection>]) -> bool {
        over.iter().any(|connection| {
            let same = match endpoint.connection_identifier.as_deref() {
                Some(identifier) => identifier == connection.identifier,
                None => self.integration.platform.delivers_without_connection,
            };
            same && same_keys(&endpoint.context_keys, &connection.context_keys)
        })
    }

    fn link(&self, facts: &AskerFacts, endpoint: &ChannelEndpoint) -> Link {
        Link {
            subscriber: facts.found.id.clone(),
            name: facts.subscriber.as_ref().and_then(Subscriber::display_name),
            since: endpoint.created_at,
            can_test: self.can_test(),
        }
    }
}

/// Marks every log line on the way to an answer with the reference that the person sees.
fn span_of(question: &Question) -> Span {
    tracing::info_span!("ask", reference = %question.reference)
}
