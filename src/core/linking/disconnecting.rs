//! Disconnecting the asker's own chat account.

use super::Linking;
use super::facts::{AskerFacts, MintAhead};
use crate::audit::{Actor, Event, Kind};
use crate::core::answer::Answer;
use crate::core::endpoints::OwnEndpoints;
use crate::core::person::Person;
use crate::core::profiles::Profiles;
use crate::core::question::Question;
use crate::core::refusal::Refusal;
use crate::novu::{ChannelEndpoint, Novu, SubscriberId};

impl Linking {
    /// Asks whether the asker wants to be disconnected, if they are connected.
    pub(super) async fn ask_to_disconnect(
        &self,
        novu: &Novu,
        question: &Question,
        profiles: &dyn Profiles,
    ) -> Result<Answer, Refusal> {
        let facts = Box::pin(self.facts(novu, question, profiles, MintAhead::Never)).await?;
        self.note_link(&question.asker, &facts);
        let own = facts.own().map(|own| self.link(&facts, own));
        Ok(own.map_or(Answer::NotConnected, Answer::DisconnectWanted))
    }

    /// Deletes what links the asker's own chat account to their subscriber. Where nothing is left of
    /// that, an earlier attempt has done it, and they are disconnected all the same.
    pub(super) async fn disconnect(
        &self,
        novu: &Novu,
        question: &Question,
        profiles: &dyn Profiles,
    ) -> Result<Answer, Refusal> {
        let facts = Box::pin(self.facts(novu, question, profiles, MintAhead::Never)).await?;
        for endpoint in self.own_endpoints(question, &facts) {
            let was_there = novu.delete_channel_endpoint(&endpoint.identifier).await?;
            let platform = self.integration.platform.name;
            self.audit.note(Event {
                person: Some(question.asker.owner()),
                subscriber: Some(facts.found.id.as_str().to_owned()),
                endpoint: Some(endpoint.identifier.clone()),
                reference: Some(question.reference.to_string()),
                ..Event::new(Kind::Disconnected, Actor::Person, platform)
            });
            tracing::info!(
                subscriber = facts.found.id.for_log(),
                endpoint = endpoint.identifier,
                was_there,
                "a chat account was disconnected because its owner asked for it"
            );
        }
        self.known_links.disconnected(&question.asker);
        Ok(Answer::Disconnected)
    }

    /// The endpoints of the asker's own chat account. Deleting is not undone, so what Novu leaves open
    /// counts against it: whose endpoint it is, and in which integration.
    fn own_endpoints<'a>(
        &'a self,
        question: &'a Question,
        facts: &'a AskerFacts,
    ) -> impl Iterator<Item = &'a ChannelEndpoint> {
        let all = facts.endpoints.iter().flat_map(OwnEndpoints::all);
        all.filter(move |endpoint| self.is_own(endpoint, &question.asker, &facts.found.id))
    }

    /// Whether an endpoint certainly links this person's chat account to this subscriber, in this
    /// integration.
    pub(super) fn is_own(
        &self,
        endpoint: &ChannelEndpoint,
        person: &Person,
        subscriber: &SubscriberId,
    ) -> bool {
        self.reaches_here(endpoint, person) && endpoint.subscriber_id.as_ref() == Some(subscriber)
    }

    /// Whether an endpoint reaches this person's chat account and is certainly of this integration.
    pub(super) fn reaches_here(&self, endpoint: &ChannelEndpoint, person: &Person) -> bool {
        self.endpoints.reaches(endpoint, person)
            && endpoint.integration_identifier == self.integration.identifier
    }
}
