//! Why somebody would get a link, or not: the same steps as to a link, told one by one. Creates nothing and
//! mints nothing.

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::ready;

use super::Linking;
use super::facts::AskerFacts;
use super::minting::context_of;
use crate::core::candidates::{Choice, choose};
use crate::core::endpoints::OwnEndpoints;
use crate::core::explanation::{
    AccountOutcome, AnswerOutcome, ExpectedAnswer, ExplainedAccount, ExplainedConnection,
    ExplainedEndpoint, ExplainedHolder, ExplainedLink, ExplainedSubscriber, Explanation,
    HolderOutcome, Step, shown,
};
use crate::core::person::{Person, Profile};
use crate::core::profiles::{Profiles, ProfilesError};
use crate::core::refusal::{Reason, Refusal};
use crate::core::resolve::{Found, Resolution, ResolverKind, Subject};
use crate::novu::{ChannelConnection, ChannelEndpoint};

/// Why the way ends at a step.
type Ends = (Step, Refusal);

/// Says at which step a refusal came.
fn at<E: Into<Refusal>>(step: Step) -> impl FnOnce(E) -> Ends {
    move |error| (step, error.into())
}

impl Linking {
    /// Tells what each step on the way to a link says of a person, and what they would be answered now.
    /// `profiles` is none where the platform tells who somebody is in a conversation alone and none is
    /// known; what depends on it is then left open.
    pub async fn explain(&self, person: &Person, profiles: Option<&dyn Profiles>) -> Explanation {
        let mut told = Explanation::of(person, &self.chain.kinds());
        let ended = Box::pin(self.walk(person, profiles, &mut told)).await;
        told.last_seen = self.known_links.of(person).await.map(ExplainedLink::of);
        let unknown = profiles.is_none();
        told.answer = match ended {
            Ok(outcome) => {
                ExpectedAnswer { outcome, step: last_step(outcome), ..ExpectedAnswer::default() }
            }
            Err((step, refusal)) if unknown && refusal.reason == Reason::ProfileUnavailable => {
                let outcome = AnswerOutcome::CannotTell;
                ExpectedAnswer { outcome, ..ExpectedAnswer::refused(step, &refusal) }
            }
            Err((step, refusal)) => ExpectedAnswer::refused(step, &refusal),
        };
        told.answer.last_mint = self.mints.trouble();
        told
    }

    async fn walk(
        &self,
        person: &Person,
        profiles: Option<&dyn Profiles>,
        told: &mut Explanation,
    ) -> Result<AnswerOutcome, Ends> {
        let candidates = self.candidates_of(person).await;
        let candidates = candidates.inspect_err(|refusal| {
            told.workspace.code = Some(refusal.reason.code());
        });
        let candidates = candidates.map_err(at(Step::Workspace))?;
        let subject = self.subject(person).await;
        self.tell_connections(&candidates, subject, told);
        let (said, found) = self.ask_who(&candidates, subject, profiles, told).await;
        let profile = self.tell_account(&said, subject, profiles, told)?;
        let found = found.map_err(at(Step::Identity))?;
        let facts = self.tell_subscriber(person, candidates, profile, found, told).await?;

        let connection = self.connection_for(&facts);
        tell_choice(&connection, told);
        let connection = connection.map_err(at(Step::Connection))?;
        if self.existing_link(&facts).map_err(at(Step::Link))?.is_some() {
            return Ok(AnswerOutcome::AlreadyConnected);
        }
        self.tell_holder(person, &facts, told).await?;
        if facts.subscriber.is_none() && !self.may_create(&facts.found) {
            return Err((Step::Subscriber, Reason::SubscriberMissing.into()));
        }
        context_of(&facts.found, &connection).map_err(at(Step::Mint))?;
        Ok(AnswerOutcome::Link)
    }

    fn tell_connections(
        &self,
        candidates: &[Arc<ChannelConnection>],
        subject: Subject<'_>,
        told: &mut Explanation,
    ) {
        let pinned = self.index.pinned();
        let connection = |it: &Arc<ChannelConnection>| ExplainedConnection::of(it, pinned);
        told.workspace.connections = candidates.iter().map(connection).collect();
        told.workspace.served = subject.served;
        // What the webhook and a link that is there say of it, nobody knows yet.
        tell_choice(&choose(candidates, Choice { pinned, ..Choice::default() }), told);
    }

    /// Asks the platform and the chain, side by side.
    async fn ask_who(
        &self,
        candidates: &[Arc<ChannelConnection>],
        subject: Subject<'_>,
        profiles: Option<&dyn Profiles>,
        told: &mut Explanation,
    ) -> (Result<Profile, ProfilesError>, Result<Found, Refusal>) {
        let token = self.token_of(candidates);
        let profile = match profiles {
            Some(profiles) => self.profile(subject.person, profiles, token.as_ref()).boxed(),
            None => ready(Err(ProfilesError::OutOfReach)).boxed(),
        };
        let profile = profile.shared();
        let mut resolvers = told.resolvers.iter_mut();
        let hear = |kind: ResolverKind, resolution: &Resolution| {
            // The chain may have been replaced since its kinds were read.
            if let Some(resolver) = resolvers.find(|it| it.resolver == kind.name()) {
                resolver.hear(resolution);
            }
        };
        let chain = self.chain.resolve_aloud(subject, &self.novu, profile.clone(), hear);
        tokio::join!(profile.clone(), chain)
    }

    fn tell_account(
        &self,
        said: &Result<Profile, ProfilesError>,
        subject: Subject<'_>,
        profiles: Option<&dyn Profiles>,
        told: &mut Explanation,
    ) -> Result<Option<Profile>, Ends> {
        let account = &mut told.account;
        *account = ExplainedAccount::told(said);
        let Some(profiles) = profiles else {
            account.outcome = AccountOutcome::NoConversation;
            return Ok(None);
        };
        let address = said.as_ref().ok().and_then(|profile| profile.email.address());
        account.email_domain_counts =
            address.and_then(|address| self.chain.counts_address(subject, address));
        let admitted = self.profiles.admit(said.clone(), profiles.anybody_asks());
        account.outcome = match &admitted {
            Ok(Some(_)) => AccountOutcome::Admitted,
            Ok(None) => AccountOutcome::AdmittedUntold,
            Err(_) => AccountOutcome::Refused,
        };
        account.code = admitted.as_ref().err().map(|refusal| refusal.reason.code());
        admitted.map_err(at(Step::Account))
    }

    /// Asks Novu for the subscriber and their endpoints.
    async fn tell_subscriber(
        &self,
        person: &Person,
        candidates: Vec<Arc<ChannelConnection>>,
        profile: Option<Profile>,
        found: Found,
        told: &mut Explanation,
    ) -> Result<AskerFacts, Ends> {
        let endpoints = self.endpoints.of_subscriber(&self.novu, person, &found.id);
        let (subscriber, endpoints) = tokio::join!(self.subscriber(&self.novu, &found), endpoints);
        let exists = subscriber.as_ref().ok().map(Option::is_some);
        told.subscriber = Some(ExplainedSubscriber {
            id: shown(&found.id),
            found_by: found.by.name(),
            exists,
            would_be_created: exists == Some(false) && self.may_create(&found),
        });
        let subscriber = subscriber.map_err(at(Step::Endpoints))?;
        let endpoints = Some(endpoints.map_err(at(Step::Endpoints))?);
        let facts =
            AskerFacts { found, candidates, profile, subscriber, created: false, endpoints };
        told.endpoints = Some(self.explained_endpoints(person, &facts).await);
        if facts.own().is_some() {
            told.holder =
                Some(ExplainedHolder { outcome: HolderOutcome::Own, ..ExplainedHolder::default() });
        }
        Ok(facts)
    }

    async fn explained_endpoints(
        &self,
        person: &Person,
        facts: &AskerFacts,
    ) -> Vec<ExplainedEndpoint> {
        let all = facts.endpoints.iter().flat_map(OwnEndpoints::all);
        // Channels, webhooks and the like are no chat accounts.
        let accounts: Vec<_> = all.filter(|it| it.endpoint.user_id().is_some()).collect();
        let mut explained = Vec::with_capacity(accounts.len());
        for endpoint in accounts {
            let own = self.endpoints.reaches(endpoint, person);
            let delivers = if own {
                self.delivers(endpoint, &facts.candidates)
            } else {
                self.delivers(endpoint, &self.connections_of(endpoint, facts).await)
            };
            explained.push(ExplainedEndpoint {
                identifier: endpoint.identifier.clone(),
                own,
                connection: endpoint.connection_identifier.clone(),
                context: endpoint.context_keys.clone(),
                since: endpoint.created_at,
                delivers,
            });
        }
        explained
    }

    /// Who has the account: as it is known, or else by a look through all endpoints, which nobody has who
    /// types `/connect`.
    async fn tell_holder(
        &self,
        person: &Person,
        facts: &AskerFacts,
        told: &mut Explanation,
    ) -> Result<(), Ends> {
        let subscriber = &facts.found.id;
        let known = self.endpoints.of_holder(&self.novu, person, subscriber).await;
        let mut holder = known.map_err(at(Step::Holder))?;
        let mut outcome = HolderOutcome::Nobody;
        if holder.is_none() {
            let reaching = self.endpoints.that_reach(&self.novu.polling(), person).await;
            let reaching = reaching.map_err(at(Step::Holder))?;
            if !reaching.are_all {
                outcome = HolderOutcome::NotSeen;
            }
            let is_others = |it: &ChannelEndpoint| self.endpoints.is_others(it, person, subscriber);
            holder = reaching.endpoints.into_iter().find(is_others);
        }
        let is_held = holder.is_some();
        told.holder = Some(ExplainedHolder {
            outcome: if is_held { HolderOutcome::Another } else { outcome },
            subscriber: holder.as_ref().and_then(|it| it.subscriber_id.as_ref()).map(shown),
            endpoint: holder.map(|it| it.identifier),
        });
        if is_held { Err((Step::Holder, Reason::Held.into())) } else { Ok(()) }
    }
}

fn tell_choice(chosen: &Result<Arc<ChannelConnection>, Refusal>, told: &mut Explanation) {
    told.workspace.chosen = chosen.as_ref().ok().map(|it| it.identifier.clone());
    told.workspace.code = chosen.as_ref().err().map(|refusal| refusal.reason.code());
}

/// The step that a good answer comes of.
const fn last_step(outcome: AnswerOutcome) -> Step {
    match outcome {
        AnswerOutcome::AlreadyConnected => Step::Link,
        _ => Step::Mint,
    }
}
