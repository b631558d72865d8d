//! What is connected to the asker's subscriber.

use std::sync::Arc;

use super::Linking;
use super::facts::{AskerFacts, MintAhead};
use crate::core::answer::{Answer, Link, LinkStatus, Status};
use crate::core::known_links::as_of;
use crate::core::platform::Platform;
use crate::core::profiles::Profiles;
use crate::core::question::Question;
use crate::core::refusal::Refusal;
use crate::novu::{ChannelConnection, ChannelEndpoint, Novu, Subscriber, SubscriberId};
use crate::store::KnownLink;

impl Linking {
    /// What is connected: as Novu says, and what the store knows of other platforms. While Novu is away,
    /// all as the store last knew it.
    pub(super) async fn status(
        &self,
        novu: &Novu,
        question: &Question,
        profiles: &dyn Profiles,
    ) -> Result<Answer, Refusal> {
        let facts = match Box::pin(self.facts(novu, question, profiles, MintAhead::Never)).await {
            Ok(facts) => facts,
            Err(refusal) if refusal.reason.is_novus() => {
                return self.status_as_known(question).await.ok_or(refusal);
            }
            Err(refusal) => return Err(refusal),
        };
        self.note_link(&question.asker, &facts);
        let mut links = self.links_here(question, &facts).await;
        let name = facts.subscriber.as_ref().and_then(Subscriber::display_name);
        let known = self.known_links.of_subscriber(facts.found.id.as_str()).await;
        for (platform, known) in known {
            // Of this platform Novu has just said what there is.
            if platform.name != self.integration.platform.name {
                links.extend(self.known_status(platform, &known, name.clone(), false));
            }
        }
        if links.is_empty() {
            return Ok(Answer::NotConnected);
        }
        Ok(Answer::Status(Status { links, as_of: None }))
    }

    /// What was last known to be connected; none if the asker's own account was not.
    async fn status_as_known(&self, question: &Question) -> Option<Answer> {
        let own = self.known_links.of(&question.asker).await?;
        let mut all = vec![(self.integration.platform, own)];
        let of_subscriber = self.known_links.of_subscriber(&all[0].1.subscriber).await;
        let others = of_subscriber.into_iter().filter(|(_, link)| link.owner != all[0].1.owner);
        let others: Vec<_> = others.collect();
        all.extend(others);
        let as_of = as_of(all.iter().map(|(_, link)| link));
        let links = all.iter().enumerate();
        let links =
            links.filter_map(|(index, (at, link))| self.known_status(at, link, None, index == 0));
        Some(Answer::Status(Status { links: links.collect(), as_of }))
    }

    fn known_status(
        &self,
        platform: &Platform,
        known: &KnownLink,
        name: Option<String>,
        own: bool,
    ) -> Option<LinkStatus> {
        let link = Link {
            subscriber: SubscriberId::new(known.subscriber.clone()).ok()?,
            name,
            since: known.since,
            can_test: self.can_test(),
        };
        let workspace = known.workspace_name.clone();
        // Whether its connection has gone, nobody has looked.
        Some(LinkStatus { brand: platform.brand, workspace, link, own, delivers: true })
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
    pub(super) async fn connections_of(
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
