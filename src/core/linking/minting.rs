//! Minting a link for somebody of whom everything is known that it takes.

use std::sync::{Mutex, PoisonError};

use super::connecting::invitee;
use super::{AskerFacts, Linking};
use crate::clock::after;
use crate::core::answer::{Lasts, SignIn, SignInLink};
use crate::core::person::Person;
use crate::core::refusal::{Reason, Refusal};
use crate::core::resolve::Found;
use crate::novu::{
    ChannelConnection, Context, Creation, Error, LINK_LIFETIME, LinkUser, NewSubscriber, Novu,
};

impl Linking {
    /// Refuses whose chat account another subscriber holds: Novu would fail after their sign-in, for
    /// ever.
    pub(super) async fn refuse_held(
        &self,
        novu: &Novu,
        person: &Person,
        facts: &AskerFacts,
    ) -> Result<(), Refusal> {
        let Some(held) = self.endpoints.of_holder(novu, person, &facts.found.id).await? else {
            return Ok(());
        };
        tracing::warn!(
            endpoint = held.identifier,
            advice = "delete this channel endpoint in Novu, or let the person keep the subscriber that \
                     it belongs to",
            "a chat account is held by another subscriber"
        );
        Err(Reason::Held.into())
    }

    /// Mints a link for a subscriber that exists.
    pub(super) async fn mint(
        &self,
        novu: &Novu,
        facts: &AskerFacts,
        connection: &ChannelConnection,
    ) -> Result<SignIn, Refusal> {
        let request = LinkUser {
            subscriber: facts.found.id.clone(),
            integration: self.integration.identifier.clone(),
            connection: Some(connection.identifier.clone()),
            context: context_of(&facts.found, connection)?,
            user_scope: self.integration.user_scope.clone(),
            idempotency_key: None,
        };
        // Taken before the call: Novu's clock starts no earlier, so the promise is kept.
        let asked_at = self.clock.now();
        let minted = novu.mint_link_user_url(&request).await;
        self.mints.note(minted.as_ref().err());
        if let Err(Error::BadKey | Error::UnknownIntegration) = minted {
            self.index.doubt();
        }
        let url = minted?;
        let link = SignInLink::admit(url, &self.integration.link_hosts).map_err(|outside| {
            tracing::error!(%outside, "Novu minted a link to a host that is not the provider's");
            Refusal::from(Reason::LinkHost)
        })?;
        let lasts = Lasts::Minted { until: after(asked_at, LINK_LIFETIME) };
        Ok(SignIn { link, lasts, invitee: invitee(facts) })
    }

    pub(super) fn may_create(&self, found: &Found) -> bool {
        self.chain.may_create(found.by)
    }

    /// Creates the subscriber if Novu does not have it.
    pub(super) async fn create_missing(
        &self,
        novu: &Novu,
        facts: &mut AskerFacts,
    ) -> Result<(), Refusal> {
        if facts.subscriber.is_some() || facts.created {
            return Ok(());
        }
        let found = &facts.found;
        if !self.may_create(found) {
            return Err(Reason::SubscriberMissing.into());
        }
        let platform_name = || facts.profile.as_ref().and_then(|profile| profile.name.clone());
        let new = NewSubscriber {
            first_name: found.name.clone().or_else(platform_name),
            ..NewSubscriber::new(found.id.clone())
        };
        match novu.create_subscriber(&new).await? {
            Creation::Created(subscriber) => {
                tracing::info!(subscriber = found.id.for_log(), resolver = %found.by, "subscriber created");
                self.recent_subscribers.note(found.id.clone(), subscriber);
            }
            // Somebody was faster: a second command of the same person, most likely.
            Creation::AlreadyExists => {}
        }
        facts.created = true;
        Ok(())
    }
}

/// What keeps Novu from minting any link and nothing but a mint tells, as the last one told.
#[derive(Debug, Default)]
pub(super) struct Mints(Mutex<Option<&'static str>>);

impl Mints {
    fn note(&self, error: Option<&Error>) {
        let trouble = match error {
            None => None,
            Some(error @ Error::ContextHmac(_)) => Some(error.code()),
            // Says nothing of the next one.
            Some(_) => return,
        };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = trouble;
    }

    pub(super) fn trouble(&self) -> Option<&'static str> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The context to mint in: the resolver's, which fits the connection by now, else the connection's.
pub(super) fn context_of(
    found: &Found,
    connection: &ChannelConnection,
) -> Result<Option<Context>, Refusal> {
    found.context.clone().map_or_else(|| read_context(&connection.context_keys), |it| Ok(Some(it)))
}

/// A context by its keys, as Novu has them; none where there are no keys.
pub(super) fn read_context(keys: &[String]) -> Result<Option<Context>, Refusal> {
    if keys.is_empty() {
        return Ok(None);
    }
    Context::from_keys(keys).map(Some).map_err(|error| {
        tracing::error!(%error, "something in Novu has context keys that cannot be read");
        Refusal::from(Reason::NovuNonsense)
    })
}
