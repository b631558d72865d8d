//! From a person to their link.
//!
//! The order is fixed by what Novu leaves unchecked: it takes any connection and, for Slack, creates
//! any subscriber, so the workspace, the subscriber and an existing link are settled before a link
//! is minted. What does not depend on each other is asked side by side.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use secrecy::SecretString;
use tracing::{Instrument, Span};

use super::answer::{
    Answer, Invitee, Link, Misheard, Reason, Reference, Refusal, SignIn, SignInLink,
};
use super::directory::{Directory, DirectoryError};
use super::intent::Intent;
use super::language::Language;
use super::person::{Kind, Person, Platform, Profile};
use super::resolve::{Chain, Found, ResolverKind};
use super::trouble;
use super::workspace_index::WorkspaceIndex;
use crate::clock::{SharedClock, after};
use crate::net::HostAllowlist;
use crate::novu::{
    ChannelConnection, ChannelEndpoint, Context, Creation, Endpoint, EndpointFilter, LinkUser,
    NewSubscriber, Novu, Subscriber,
};

/// How long Novu accepts a link that it minted (Novu, OAuth state).
pub const LINK_LIFETIME: Duration = Duration::from_mins(5);
/// Endpoints of one subscriber that are looked at: the most that Novu gives at once.
const MOST_ENDPOINTS: u8 = 100;

/// One question of one person.
#[derive(Debug, Clone)]
pub struct Ask {
    /// Who asks, as a verified request names them.
    pub person: Person,
    /// What for.
    pub intent: Intent,
    /// The reference that the answer and every log line of it carry.
    pub reference: Reference,
    /// The person's language, as soon as it is known. Others may read it while the answer is made.
    pub language: Arc<OnceLock<Language>>,
}

impl Ask {
    /// A question.
    #[must_use]
    pub fn new(person: Person, intent: Intent, reference: Reference) -> Self {
        Self { person, intent, reference, language: Arc::default() }
    }

    /// The language to answer in: the person's if it is known by now.
    #[must_use]
    pub fn language(&self) -> Language {
        self.language.get().copied().unwrap_or_default()
    }
}

/// The Novu integration of one chat platform, and what its links are like.
#[derive(Debug)]
pub struct Integration {
    /// Its identifier in Novu.
    pub identifier: String,
    /// What to ask of the person at sign-in, in place of Novu's default. Slack only.
    pub user_scope: Option<Vec<String>>,
    /// The hosts that a minted link may have.
    pub link_hosts: HostAllowlist,
    /// The bot token to use in place of the one that the channel connection carries.
    pub bot_token: Option<SecretString>,
}

/// Answers questions for one chat platform.
#[derive(Debug)]
pub struct Connect {
    novu: Novu,
    integration: Integration,
    index: WorkspaceIndex,
    chain: Chain,
    create_missing: Vec<ResolverKind>,
    clock: SharedClock,
}

/// Where a person stands: their subscriber, and the way Novu reaches their workspace.
struct Standing {
    found: Found,
    connection: Arc<ChannelConnection>,
    /// All connections of the workspace.
    candidates: Vec<Arc<ChannelConnection>>,
    profile: Option<Profile>,
    subscriber: Option<Subscriber>,
    endpoint: Option<ChannelEndpoint>,
}

impl Connect {
    /// Puts the parts together. Subscribers that Novu does not have are created only for people
    /// found by one of `create_missing`.
    #[must_use]
    pub fn new(
        novu: Novu,
        integration: Integration,
        index: WorkspaceIndex,
        chain: Chain,
        create_missing: Vec<ResolverKind>,
        clock: SharedClock,
    ) -> Self {
        Self { novu, integration, index, chain, create_missing, clock }
    }

    /// The index of connections, to be kept fresh and asked for its health.
    #[must_use]
    pub fn index(&self) -> &WorkspaceIndex {
        &self.index
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

    /// Answers a question. Never fails: what goes wrong is a refusal.
    pub async fn answer(&self, ask: &Ask, directory: &dyn Directory) -> Answer {
        self.work_out(ask, directory).instrument(span_of(ask)).await
    }

    async fn work_out(&self, ask: &Ask, directory: &dyn Directory) -> Answer {
        let outcome = match &ask.intent {
            Intent::Connect => self.connect(ask, directory).await,
            Intent::Status => self.status(ask, directory).await,
            Intent::Help => {
                self.learn_language(ask, directory).await;
                Ok(Answer::Help(None))
            }
            Intent::Unknown { said, nearest } => {
                self.learn_language(ask, directory).await;
                let nearest = nearest.as_deref().map(str::to_owned);
                Ok(Answer::Help(Some(Misheard { said: said.clone(), nearest })))
            }
        };
        outcome.unwrap_or_else(Answer::Refused)
    }

    async fn connect(&self, ask: &Ask, directory: &dyn Directory) -> Result<Answer, Refusal> {
        let standing = self.standing(ask, directory).await?;
        match existing_link(&standing)? {
            Some(link) => Ok(Answer::AlreadyConnected(link)),
            None => self.mint(standing).await.map(Answer::SignIn),
        }
    }

    /// Finds out whether a person may sign in, and as whom, without minting or creating anything:
    /// for messages that outlive a link, and get theirs when it is wanted.
    ///
    /// # Errors
    /// What to tell the person instead.
    pub async fn invite(&self, ask: &Ask, directory: &dyn Directory) -> Result<Invitee, Answer> {
        let standing = self.standing(ask, directory).instrument(span_of(ask)).await;
        let standing = standing.map_err(Answer::Refused)?;
        match existing_link(&standing).map_err(Answer::Refused)? {
            Some(link) => Err(Answer::AlreadyConnected(link)),
            None if standing.subscriber.is_none() && !self.may_create(&standing.found) => {
                Err(Answer::Refused(Reason::SubscriberMissing.into()))
            }
            None => Ok(invitee(&standing)),
        }
    }

    async fn status(&self, ask: &Ask, directory: &dyn Directory) -> Result<Answer, Refusal> {
        let standing = self.standing(ask, directory).await?;
        let link = existing_link(&standing)?;
        Ok(link.map_or(Answer::NotConnected, Answer::AlreadyConnected))
    }

    /// Finds out where a person stands, asking side by side what can be asked so.
    async fn standing(&self, ask: &Ask, directory: &dyn Directory) -> Result<Standing, Refusal> {
        let person = &ask.person;
        let candidates =
            self.index.find(&person.workspace).await.map_err(|error| trouble(&error))?;
        let first = candidates.first().ok_or(Reason::WorkspaceNotConnected)?;
        let token = self.integration.bot_token.clone().or_else(|| first.access_token.clone());
        let profile = Self::profile(ask, directory, token.as_ref()).shared();

        let known = async {
            let found = self.chain.resolve(person, profile.clone()).await?;
            let (subscriber, endpoint) =
                tokio::join!(self.subscriber(&found), self.endpoint(person, &found));
            Ok::<_, Refusal>((found, subscriber?, endpoint?))
        };
        let (profile, known) = tokio::join!(profile.clone(), known);

        let profile = admit(profile, person.platform)?;
        let (found, subscriber, endpoint) = known?;
        let connection = fitting(&candidates, found.context.as_ref())?;
        Ok(Standing { found, connection, candidates, profile, subscriber, endpoint })
    }

    fn profile<'a>(
        ask: &'a Ask,
        directory: &'a dyn Directory,
        token: Option<&'a SecretString>,
    ) -> BoxFuture<'a, Result<Profile, DirectoryError>> {
        async move {
            let profile = directory.profile(&ask.person, token).await;
            match &profile {
                Ok(profile) => {
                    let language = Language::best_for(profile.locale.as_deref());
                    // Set before only if this very question was asked before: the same answer then.
                    let _ = ask.language.set(language);
                }
                Err(error) => tracing::debug!(%error, "no profile"),
            }
            profile
        }
        .boxed()
    }

    /// Looks the person up for the sake of their language alone, unless the question told it.
    async fn learn_language(&self, ask: &Ask, directory: &dyn Directory) {
        if ask.language.get().is_some() {
            return;
        }
        // Help must not wait for Novu: without a token by now it is in the default language.
        let known = self.index.known(&ask.person.workspace).await;
        let token = self.integration.bot_token.as_ref();
        let token = token.or_else(|| known.first()?.access_token.as_ref());
        // Without a profile the answer is in the default language.
        let _ = Self::profile(ask, directory, token).await;
    }

    async fn subscriber(&self, found: &Found) -> Result<Option<Subscriber>, Refusal> {
        match &found.subscriber {
            Some(subscriber) => Ok(Some(subscriber.clone())),
            None => self.novu.get_subscriber(&found.id).await.map_err(|error| trouble(&error)),
        }
    }

    /// The endpoint that links this very chat account, not any other of the same subscriber's.
    async fn endpoint(
        &self,
        person: &Person,
        found: &Found,
    ) -> Result<Option<ChannelEndpoint>, Refusal> {
        let filter = EndpointFilter {
            subscriber: Some(found.id.clone()),
            integration: Some(self.integration.identifier.clone()),
            limit: Some(MOST_ENDPOINTS),
            ..EndpointFilter::default()
        };
        let page =
            self.novu.list_channel_endpoints(&filter).await.map_err(|error| trouble(&error))?;
        Ok(page.items.into_iter().find(|endpoint| reaches(endpoint, person)))
    }

    async fn mint(&self, standing: Standing) -> Result<SignIn, Refusal> {
        if standing.subscriber.is_none() {
            self.create(&standing).await?;
        }
        let context = context_of(&standing)?;
        let invitee = invitee(&standing);
        let request = LinkUser {
            subscriber: standing.found.id,
            integration: self.integration.identifier.clone(),
            connection: Some(standing.connection.identifier.clone()),
            context,
            user_scope: self.integration.user_scope.clone(),
            idempotency_key: None,
        };
        // Taken before the call: Novu's clock starts no earlier, so the promise is kept.
        let asked_at = self.clock.now();
        let url = self.novu.mint_link_user_url(&request).await.map_err(|error| trouble(&error))?;
        let link = SignInLink::admit(url, &self.integration.link_hosts).map_err(|outside| {
            tracing::error!(%outside, "novu minted a link to a host that is not the provider's");
            Refusal::from(Reason::LinkHost)
        })?;
        Ok(SignIn { link, expires_at: Some(after(asked_at, LINK_LIFETIME)), invitee })
    }

    fn may_create(&self, found: &Found) -> bool {
        self.create_missing.contains(&found.by)
    }

    async fn create(&self, standing: &Standing) -> Result<(), Refusal> {
        let found = &standing.found;
        if !self.may_create(found) {
            return Err(Reason::SubscriberMissing.into());
        }
        let platform_name = || standing.profile.as_ref().and_then(|profile| profile.name.clone());
        let new = NewSubscriber {
            first_name: found.name.clone().or_else(platform_name),
            ..NewSubscriber::new(found.id.clone())
        };
        match self.novu.create_subscriber(&new).await {
            Ok(Creation::Created(_)) => {
                tracing::info!(subscriber = ?found.id, resolver = %found.by, "subscriber created");
                Ok(())
            }
            // Somebody was faster: a second command of the same person, most likely.
            Ok(Creation::AlreadyExists) => Ok(()),
            Err(error) => Err(trouble(&error)),
        }
    }
}

/// Marks every log line on the way to an answer with the reference that the person sees.
fn span_of(ask: &Ask) -> Span {
    tracing::info_span!("ask", reference = %ask.reference)
}

fn invitee(standing: &Standing) -> Invitee {
    Invitee {
        subscriber: standing.found.id.clone(),
        subscriber_name: standing.subscriber.as_ref().and_then(Subscriber::display_name),
        chat_name: standing.profile.as_ref().and_then(|profile| profile.name.clone()),
    }
}

/// The link that a person already has, if Novu can deliver through it.
///
/// Delivery needs the endpoint on a connection of the workspace and in its very context (Novu, context).
fn existing_link(standing: &Standing) -> Result<Option<Link>, Refusal> {
    let Some(endpoint) = &standing.endpoint else { return Ok(None) };
    let over = |connection: &ChannelConnection| {
        let same = match (endpoint.connection_identifier.as_deref(), &endpoint.endpoint) {
            (Some(identifier), _) => identifier == connection.identifier,
            // A Teams endpoint carries its tenant, and needs no connection to be delivered to.
            (None, kind) => matches!(kind, Endpoint::MsTeamsUser { .. }),
        };
        same && same_keys(&endpoint.context_keys, &connection.context_keys)
    };
    // Any connection of the workspace delivers, not only the one that a new link would use.
    if !standing.candidates.iter().any(|connection| over(connection)) {
        tracing::warn!(
            endpoint = endpoint.identifier,
            "a chat account is linked over a connection that does not deliver"
        );
        return Err(Reason::LinkedElsewhere.into());
    }
    Ok(Some(Link {
        subscriber: standing.found.id.clone(),
        name: standing.subscriber.as_ref().and_then(Subscriber::display_name),
        since: endpoint.created_at,
    }))
}

/// Lets people pass, and lets nobody else. On Slack a profile that is not to be had lets pass too:
/// the chain has already refused if it depends on one, and Slack lets only members of an installing
/// workspace ask. In Teams people of other tenants can ask as well, so who they are has to be known.
fn admit(
    profile: Result<Profile, DirectoryError>,
    platform: Platform,
) -> Result<Option<Profile>, Refusal> {
    match (profile, platform) {
        (Ok(profile), _) => match profile.kind {
            Kind::Member | Kind::Guest => Ok(Some(profile)),
            Kind::External => Err(Reason::External.into()),
            Kind::Bot => Err(Reason::Bot.into()),
            Kind::Deactivated => Err(Reason::Deactivated.into()),
        },
        (Err(DirectoryError::Stranger), _) => Err(Reason::External.into()),
        (Err(_), Platform::Slack) => Ok(None),
        (Err(error), Platform::Teams) => Err(error.into()),
    }
}

/// Whether an endpoint reaches this person's chat account.
fn reaches(endpoint: &ChannelEndpoint, person: &Person) -> bool {
    match (&endpoint.endpoint, person.platform) {
        (Endpoint::SlackUser { user_id }, Platform::Slack) => *user_id == person.user,
        (Endpoint::MsTeamsUser { user_id, tenant_id }, Platform::Teams) => {
            *user_id == person.user
                && tenant_id.as_ref().is_none_or(|tenant| *tenant == person.workspace.id)
        }
        _ => false,
    }
}

/// The best connection; if the resolver named a context, the best in that context.
fn fitting(
    candidates: &[Arc<ChannelConnection>],
    context: Option<&Context>,
) -> Result<Arc<ChannelConnection>, Refusal> {
    let wanted = context.map(Context::keys);
    candidates
        .iter()
        .find(|candidate| {
            wanted.as_ref().is_none_or(|wanted| same_keys(wanted, &candidate.context_keys))
        })
        .cloned()
        .ok_or_else(|| Reason::ContextMismatch.into())
}

/// The context to mint in: the resolver's, which fits the connection by now, else the connection's.
fn context_of(standing: &Standing) -> Result<Option<Context>, Refusal> {
    if let Some(context) = &standing.found.context {
        return Ok(Some(context.clone()));
    }
    let keys = &standing.connection.context_keys;
    if keys.is_empty() {
        return Ok(None);
    }
    Context::from_keys(keys).map(Some).map_err(|error| {
        tracing::error!(%error, "a channel connection has context keys that cannot be read");
        Refusal::from(Reason::NovuNonsense)
    })
}

fn same_keys(one: &[String], other: &[String]) -> bool {
    one.len() == other.len() && one.iter().all(|key| other.contains(key))
}
