//! Disconnecting the asker's own chat account.

use super::Linking;
use super::facts::{AskerFacts, MintAhead};
use crate::audit::{Actor, Event, Kind};
use crate::core::answer::Answer;
use crate::core::endpoints::OwnEndpoints;
use crate::core::profiles::Profiles;
use crate::core::question::Question;
use crate::core::refusal::Refusal;
use crate::novu::{ChannelEndpoint, Novu};

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
            self.audit.note(Event {
                kind: Kind::Disconnected,
                actor: Actor::Person,
                platform: self.integration.platform.name.to_owned(),
                person: Some(question.asker.owner()),
                other: None,
                subscriber: Some(facts.found.id.as_str().to_owned()),
                endpoint: Some(endpoint.identifier.clone()),
                reference: Some(question.reference.to_string()),
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
        all.filter(move |endpoint| {
            self.endpoints.reaches(endpoint, &question.asker)
                && endpoint.subscriber_id.as_ref() == Some(&facts.found.id)
                && endpoint.integration_identifier == self.integration.identifier
        })
    }
}
