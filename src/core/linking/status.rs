//! What is connected to the asker's subscriber.

use std::sync::Arc;

use super::Linking;
use super::facts::{AskerFacts, MintAhead};
use crate::core::answer::{Answer, LinkStatus, Refusal, Status};
use crate::core::profiles::Profiles;
use crate::core::question::Question;
use crate::novu::{ChannelConnection, ChannelEndpoint, Novu};

impl Linking {
    pub(super) async fn status(
        &self,
        novu: &Novu,
        question: &Question,
        profiles: &dyn Profiles,
    ) -> Result<Answer, Refusal> {
        let facts = Box::pin(self.facts(novu, question, profiles, MintAhead::Never)).await?;
        let links = self.links_here(question, &facts).await;
        if links.is_empty() {
            return Ok(Answer::NotConnected);
        }
        Ok(Answer::Status(Status { links, as_of: None }))
    }

    /// The links of the asker's subscriber on this platform, the asker's own first.
    async fn links_here(&self, question: &Question, facts: &AskerFacts) -> Vec<LinkStatus> {
        let Some(endpoints) = &facts.endpoints else { return Vec::new() };
        let mut links = Vec::new();
        if let Some(own) = &endpoints.own {
            links.push(self.link_status(facts, own, &facts.candidates, true));
        }
        for endpoint in &endpoints.others {
            // Channels, webhooks and the like are no chat accounts; what is the asker's own is above.
            if endpoint.endpoint.user_id().is_none()
                || self.endpoints.reaches(endpoint, &question.asker)
            {
                continue;
            }
            let over = self.connections_of(endpoint, facts).await;
            links.push(self.link_status(facts, endpoint, &over, false));
        }
        links
    }

    /// The connections over which an endpoint of whatever workspace may deliver.
    async fn connections_of(
        &self,
        endpoint: &ChannelEndpoint,
        facts: &AskerFacts,
    ) -> Vec<Arc<ChannelConnection>> {
        match &endpoint.connection_identifier {
            Some(identifier) => self.index.with_identifier(identifier).await.into_iter().collect(),
            // It names none; its platform may deliver over any of the same tenant.
            None => facts.candidates.clone(),
        }
    }

    fn link_status(
        &self,
        facts: &AskerFacts,
        endpoint: &ChannelEndpoint,
        over: &[Arc<ChannelConnection>],
        own: bool,
    ) -> LinkStatus {
        let named = endpoint.connection_identifier.as_deref();
        let connection = over.iter().find(|connection| named == Some(&*connection.identifier));
        // The asker's own account is in the workspace whose connections these are, however it is linked.
        let connection = connection.or_else(|| over.first().filter(|_| own || named.is_none()));
        let workspace = connection.and_then(|connection| connection.workspace.as_ref());
        LinkStatus {
            brand: self.integration.platform.brand,
            workspace: workspace.and_then(|workspace| workspace.name.clone()),
            link: self.link(facts, endpoint),
            own,
            delivers: self.delivers(endpoint, over),
        }
    }
}
