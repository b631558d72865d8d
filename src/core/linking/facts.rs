//! Who asks, as whom, and what there is of them in Novu.

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::ready;
use secrecy::{ExposeSecret, SecretString};

use super::Linking;
use crate::core::endpoints::OwnEndpoints;
use crate::core::language::Language;
use crate::core::person::{Kind, Person, Profile};
use crate::core::profiles::{Profiles, ProfilesError};
use crate::core::question::Question;
use crate::core::refusal::{Reason, Refusal};
use crate::core::resolve::{Found, PendingProfile, Subject};
use crate::novu::{ChannelConnection, ChannelEndpoint, Novu, Subscriber};

/// Where a person stands: their subscriber, and the ways in which Novu reaches their workspace.
#[derive(Debug)]
pub(super) struct AskerFacts {
    pub(super) found: Found,
    /// All connections of the workspace, at least one.
    pub(super) candidates: Vec<Arc<ChannelConnection>>,
    pub(super) profile: Option<Profile>,
    pub(super) subscriber: Option<Subscriber>,
    /// Whether the subscriber was created since it was looked for.
    pub(super) created: bool,
    /// The subscriber's endpoints; none where they are to be read beside the mint.
    pub(super) endpoints: Option<OwnEndpoints>,
}

impl AskerFacts {
    /// What people call the asker's workspace, where Novu knows.
    pub(super) fn workspace_name(&self) -> Option<String> {
        let mut workspaces = self.candidates.iter().filter_map(|it| it.workspace.as_ref());
        workspaces.find_map(|workspace| workspace.name.clone())
    }

    /// The endpoint that links the asker's chat account, as far as that has been looked for.
    pub(super) fn own(&self) -> Option<&ChannelEndpoint> {
        self.endpoints.as_ref()?.own.as_deref()
    }
}

/// Whether endpoints may be left for later, to be read while a link is minted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MintAhead {
    /// Where all else is known.
    Allowed,
    /// They are wanted, or nothing is minted.
    Never,
}

impl Linking {
    /// Finds out where a person stands, asking side by side what can be asked so. To be boxed, so that
    /// those who wait for their link hold no room for it.
    ///
    /// The chain is asked each time. Tables and templates answer from memory, and a table that changed
    /// counts at once. What a webhook says may change at any moment, and whether an address is one
    /// subscriber's alone can only be told by all who have it, so neither is remembered.
    pub(super) async fn facts(
        &self,
        novu: &Novu,
        question: &Question,
        profiles: &dyn Profiles,
        ahead: MintAhead,
    ) -> Result<AskerFacts, Refusal> {
        let person = &question.asker;
        let candidates = self.candidates_of(person).await?;
        let token = self.token_of(&candidates);
        let asker = (person.clone(), profiles.asker());
        let recent = self.recent_profiles.get(&asker);
        let profile = if let Some(profile) = recent.clone() {
            let profile = Ok(profile);
            learn(question, &profile);
            ready(profile).boxed()
        } else {
            let looking = self.profile(person, profiles, token.as_ref());
            looking.inspect(|profile| learn(question, profile)).boxed()
        };
        let profile = profile.shared();
        let subject = self.subject(person).await;

        let known = async {
            let found = self.chain.resolve(subject, novu, profile.clone()).await?;
            if ahead == MintAhead::Allowed
                && novu.has_room()
                && let Some(subscriber) = self.known_asker(person, &candidates, &found, &profile)
            {
                return Ok((found, Some(subscriber), None));
            }
            let endpoints = self.endpoints.of_subscriber(novu, person, &found.id);
            let (subscriber, endpoints) = tokio::join!(self.subscriber(novu, &found), endpoints);
            let (subscriber, endpoints) = (subscriber?, endpoints?);
            self.remember(&found, subscriber.as_ref(), &endpoints);
            Ok::<_, Refusal>((found, subscriber, Some(endpoints)))
        };
        let (profile, known) = tokio::join!(profile.clone(), known);

        let profile = self.profiles.admit(profile, profiles.anybody_asks())?;
        let (found, subscriber, endpoints) = known?;
        // Whoever was refused may have changed what is wrong by the next time.
        if let Some(profile) = profile.as_ref().filter(|_| recent.is_none()) {
            self.recent_profiles.note(asker, profile.clone());
        }
        Ok(AskerFacts { found, candidates, profile, subscriber, created: false, endpoints })
    }

    /// The connections of a person's workspace, at least one.
    pub(super) async fn candidates_of(
        &self,
        person: &Person,
    ) -> Result<Vec<Arc<ChannelConnection>>, Refusal> {
        let candidates = self.index.find(&person.workspace).await?;
        if candidates.is_empty() {
            return Err(Reason::WorkspaceNotConnected.into());
        }
        Ok(candidates)
    }

    /// The bot token of the workspace that has these connections.
    pub(super) fn token_of(&self, candidates: &[Arc<ChannelConnection>]) -> Option<SecretString> {
        let of_connection = || candidates.first()?.access_token.clone();
        self.integration.bot_token.clone().or_else(of_connection)
    }

    /// A person, as the chain is asked for them.
    pub(super) async fn subject<'a>(&self, person: &'a Person) -> Subject<'a> {
        let (platform, served) = (self.integration.platform, self.index.workspaces().await);
        Subject { platform, person, served }
    }

    /// The subscriber of somebody of whom all is known that a mint takes: their profile, a subscriber
    /// that Novu had lately, the connection, and no other holder of their account.
    fn known_asker(
        &self,
        person: &Person,
        candidates: &[Arc<ChannelConnection>],
        found: &Found,
        profile: &PendingProfile<'_>,
    ) -> Option<Subscriber> {
        let subscriber = self.recent_subscribers.get(&found.id)?;
        let told = profile.clone().now_or_never()?.is_ok();
        let settled =
            told && self.choose(candidates, found, None).is_ok() && !self.endpoints.is_held(person);
        settled.then_some(subscriber)
    }

    /// Remembers a subscriber for the next question; none of somebody who needs no link.
    fn remember(&self, found: &Found, there: Option<&Subscriber>, endpoints: &OwnEndpoints) {
        match there {
            Some(subscriber) if endpoints.own.is_none() => {
                self.recent_subscribers.note(found.id.clone(), subscriber.clone());
            }
            _ => self.recent_subscribers.forget(&found.id),
        }
    }

    pub(super) async fn subscriber(
        &self,
        novu: &Novu,
        found: &Found,
    ) -> Result<Option<Subscriber>, Refusal> {
        if let Some(subscriber) = &found.subscriber {
            return Ok(Some(subscriber.as_ref().clone()));
        }
        Ok(novu.get_subscriber(&found.id).await?)
    }

    /// What the platform says of a person now.
    pub(super) async fn profile(
        &self,
        person: &Person,
        profiles: &dyn Profiles,
        token: Option<&SecretString>,
    ) -> Result<Profile, ProfilesError> {
        let profile = self.ask_platform(profiles, person, token).await;
        if profile == Err(ProfilesError::Expired)
            && let Some(fresh) = self.renewed(person, token).await
        {
            return self.ask_platform(profiles, person, Some(&fresh)).await;
        }
        profile
    }

    /// Looks a person up. What was known before is worth nothing if they may not ask any more.
    async fn ask_platform(
        &self,
        profiles: &dyn Profiles,
        person: &Person,
        token: Option<&SecretString>,
    ) -> Result<Profile, ProfilesError> {
        let profile = self.profiles.look_up(profiles, person, token).await;
        if !matches!(&profile, Ok(Profile { kind: Kind::Member | Kind::Guest, .. })) {
            self.recent_profiles.forget(&(person.clone(), profiles.asker()));
        }
        profile
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
    pub(super) async fn learn_language(&self, question: &Question, profiles: &dyn Profiles) {
        if question.language.get().is_some() {
            return;
        }
        // Help must not wait for Novu: without a token by now it is in the default language.
        let known = self.index.known(&question.asker.workspace).await;
        let token = self.integration.bot_token.as_ref();
        let token = token.or_else(|| known.first()?.access_token.as_ref());
        let asker = (question.asker.clone(), profiles.asker());
        let profile = match self.recent_profiles.get(&asker) {
            Some(profile) => Ok(profile),
            None => self.ask_platform(profiles, &question.asker, token).await,
        };
        // Without a profile the answer is in the default language.
        learn(question, &profile);
    }
}

/// Takes the language from a profile that is there.
fn learn(question: &Question, profile: &Result<Profile, ProfilesError>) {
    match profile {
        Ok(profile) => question.language.learn(Language::best_for(profile.locale.as_deref())),
        Err(error) => tracing::debug!(%error, "no profile"),
    }
}
