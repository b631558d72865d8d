//! What the log, the figures, the audit and the store's known links hear of a sign-in.

use super::state::{State, Watch};
use crate::answering::Answering;
use crate::answering::deliver::Deliver;
use crate::audit::{Actor, Event, Kind};
use crate::doctor::Sighting;
use crate::novu::ChannelEndpoint;
use crate::store::{KnownLink, Owner, Verified};

impl<D: Deliver> Answering<D> {
    /// Somebody else signed in by a person's link.
    pub(super) fn alarm(&self, of: &Watch, endpoint: &ChannelEndpoint) {
        self.metrics.wrong_person(D::PLATFORM.name);
        self.metrics.funnel(D::PLATFORM.name, "refused");
        let signed_in = endpoint.endpoint.user_id();
        tracing::error!(
            reference = %of.message,
            platform = D::PLATFORM.name,
            workspace = of.person.workspace.realm(),
            asker = of.person.user,
            signed_in,
            subscriber = of.subscriber.for_log(),
            endpoint = endpoint.identifier,
            "somebody else signed in by a person's link; what they connected is removed"
        );
        let other = signed_in.map(|user| of.person.fellow(user).owner());
        self.note(Kind::Refused, of, other, &endpoint.identifier);
    }

    /// An endpoint of somebody else, or one that nobody confirmed, has been removed.
    pub(super) fn note_removed(&self, of: &Watch, other: Option<Owner>, endpoint: &str) {
        self.metrics.link_removed(D::PLATFORM.name);
        tracing::warn!(reference = %of.message, endpoint, "the endpoint of a wrong person is removed");
        self.note(Kind::Removed, of, other, endpoint);
    }

    /// A person has signed in by their own link.
    pub(super) async fn note_connected(&self, watch: &Watch, verified: Verified) {
        let State::Connected { endpoint, since } = &watch.state else { return };
        self.linking.signed_in(&watch.subscriber);
        self.sightings.note(Sighting::SignedIn);
        self.metrics.funnel(D::PLATFORM.name, "verified");
        tracing::info!(
            reference = %watch.message,
            platform = D::PLATFORM.name,
            workspace = watch.person.workspace.realm(),
            user = watch.person.user,
            subscriber = watch.subscriber.for_log(),
            "connected"
        );
        self.note(Kind::Linked, watch, None, endpoint);
        let known = KnownLink {
            owner: watch.person.owner(),
            platform: D::PLATFORM.name.to_owned(),
            workspace: watch.person.workspace.realm().to_owned(),
            workspace_name: self.linking.workspace_name(&watch.person).await,
            person: serde_json::to_string(&watch.person).unwrap_or_default().into(),
            subscriber: watch.subscriber.as_str().to_owned(),
            endpoint: endpoint.clone(),
            connection: None,
            since: *since,
            verified,
            seen_at: self.clock.now(),
            gone: false,
        };
        // Why not, the store says itself; the next status finds it.
        let _ = self.watches.store.remember_link(known).await;
    }

    fn note(&self, kind: Kind, of: &Watch, other: Option<Owner>, endpoint: &str) {
        let actor = if kind == Kind::Linked { Actor::Person } else { Actor::Service };
        self.audit.note(Event {
            person: Some(of.person.owner()),
            other,
            subscriber: Some(of.subscriber.as_str().to_owned()),
            endpoint: Some(endpoint.to_owned()),
            reference: Some(of.message.to_string()),
            ..Event::new(kind, actor, D::PLATFORM.name)
        });
    }
}
