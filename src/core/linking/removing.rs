//! The link of somebody who did not ask: what is known of it, and its removal by an administrator.
//!
//! The names of fields and their words are part of the outside interface.

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::Linking;
use crate::audit::{Actor, Event, Kind};
use crate::core::explanation::stored;
use crate::core::person::Person;
use crate::core::refusal::Refusal;
use crate::novu::{ChannelEndpoint, Error, SubscriberId};
use crate::store::{KnownLink, StoreError, Verified};
use crate::text::{one_line, shortened};

/// The longest reason that is written down, in characters.
const LONGEST_REASON: usize = 300;

/// The link of one chat account, as far as it is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct PersonsLink {
    /// The subscriber's id; `…` in place of one that looks like an e-mail address.
    pub subscriber: String,
    /// The identifier of the channel endpoint.
    pub endpoint: String,
    /// The identifier of the channel connection that it delivers over.
    pub connection: Option<String>,
    /// What people call the workspace.
    pub workspace_name: Option<String>,
    /// Since when it is there.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub since: Option<Timestamp>,
    /// How it is known that it is the right person's: `signed_in`, `found` or `confirmed`.
    pub verified: Verified,
    /// When Novu last said that it is there, before it was asked now.
    #[schema(value_type = String, format = DateTime)]
    pub seen_at: Timestamp,
    /// Whether it is there now; null if Novu cannot be asked.
    pub exists: Option<bool>,
    /// Whether Novu can deliver over it; null if Novu cannot be asked.
    pub delivers: Option<bool>,
}

/// What became of a link that was to be removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkRemoval {
    /// It is gone. More than one only in a Novu from before May 2026.
    Removed {
        /// The identifiers of the channel endpoints.
        endpoints: Vec<String>,
    },
    /// There is none.
    NoLink,
    /// None was found, and there are too many channel endpoints to look at all.
    NotFound,
    /// Whether it is gone is not known.
    Uncertain {
        /// The identifier of the channel endpoint.
        endpoint: String,
    },
    /// It is certainly still there, or was not even looked for.
    Failed(Refusal),
}

impl Linking {
    /// What is known of the link of a chat account, and whether it is still so; none if none is known.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn link_of(&self, person: &Person) -> Result<Option<PersonsLink>, StoreError> {
        let Some(known) = self.known_links.look_up(person).await? else { return Ok(None) };
        let (exists, delivers) = self.is_there(person, &known).await;
        Ok(Some(PersonsLink {
            subscriber: stored(known.subscriber),
            endpoint: known.endpoint,
            connection: known.connection,
            workspace_name: known.workspace_name,
            since: known.since,
            verified: known.verified,
            seen_at: known.seen_at,
            exists,
            delivers,
        }))
    }

    async fn is_there(&self, person: &Person, known: &KnownLink) -> (Option<bool>, Option<bool>) {
        match self.novu.get_channel_endpoint(&known.endpoint).await {
            Ok(Some(endpoint)) if self.reaches_here(&endpoint, person) => {
                let over = self.index.find(&person.workspace).await.ok();
                (Some(true), over.map(|over| self.delivers(&endpoint, &over)))
            }
            Ok(_) => (Some(false), Some(false)),
            Err(_) => (None, None),
        }
    }

    /// Deletes what links a person's chat account in this integration, to whichever subscriber, and nothing
    /// else; for an administrator of that name, who says why.
    pub async fn remove_link(&self, person: &Person, by: &str, reason: &str) -> LinkRemoval {
        let theirs = match self.links_of(person).await {
            Ok(Theirs::These(endpoints)) => endpoints,
            Ok(Theirs::None) => return LinkRemoval::NoLink,
            Ok(Theirs::NotSeen) => return LinkRemoval::NotFound,
            Err(refusal) => return LinkRemoval::Failed(refusal),
        };
        let mut removed = Vec::with_capacity(theirs.len());
        for endpoint in theirs {
            if let Err(removal) = self.delete(&endpoint, by).await {
                return removal;
            }
            self.note_removed(person, &endpoint, by, reason);
            removed.push(endpoint.identifier);
        }
        self.known_links.disconnected(person);
        LinkRemoval::Removed { endpoints: removed }
    }

    /// The endpoints that are certainly this person's: of the subscriber to whom they are known to be linked,
    /// or else over a connection of their workspace. In Slack the id of a user alone does not say in which
    /// workspace that is.
    async fn links_of(&self, person: &Person) -> Result<Theirs, Refusal> {
        if let Some(known) = self.known_links.of(person).await
            && let Ok(subscriber) = SubscriberId::new(known.subscriber)
        {
            let all = self.endpoints.of_subscriber(&self.novu, person, &subscriber).await?;
            let theirs = all.own.into_iter().map(|own| *own).chain(all.others);
            let theirs: Vec<_> = theirs.filter(|it| self.is_own(it, person, &subscriber)).collect();
            if !theirs.is_empty() {
                return Ok(Theirs::These(theirs));
            }
        }
        let connections = self.index.find(&person.workspace).await?;
        let reaching = self.endpoints.that_reach(&self.novu.polling(), person).await?;
        let is_theirs = |it: &ChannelEndpoint| {
            self.reaches_here(it, person)
                && match it.connection_identifier.as_deref() {
                    Some(over) => connections.iter().any(|known| known.identifier == over),
                    None => self.integration.platform.delivers_without_connection,
                }
        };
        let theirs: Vec<_> = reaching.endpoints.into_iter().filter(is_theirs).collect();
        Ok(match (theirs.is_empty(), reaching.are_all) {
            (false, _) => Theirs::These(theirs),
            (true, true) => Theirs::None,
            (true, false) => Theirs::NotSeen,
        })
    }

    /// Deletes an endpoint. Where Novu's answer is lost, it is asked whether it is still there.
    async fn delete(&self, endpoint: &ChannelEndpoint, by: &str) -> Result<(), LinkRemoval> {
        let identifier = &endpoint.identifier;
        let Err(error) = self.novu.delete_channel_endpoint(identifier).await else { return Ok(()) };
        if !may_be_done(&error) {
            return Err(LinkRemoval::Failed(error.into()));
        }
        if let Ok(None) = self.novu.get_channel_endpoint(identifier).await {
            return Ok(());
        }
        tracing::warn!(
            %error,
            endpoint = identifier,
            administrator = by,
            "whether a link was removed that an administrator wanted to be removed is not known"
        );
        Err(LinkRemoval::Uncertain { endpoint: identifier.clone() })
    }

    fn note_removed(&self, person: &Person, endpoint: &ChannelEndpoint, by: &str, reason: &str) {
        let subscriber = endpoint.subscriber_id.as_ref();
        let reason = shortened(&one_line(reason), LONGEST_REASON);
        let actor = Actor::Administrator(by.to_owned());
        self.audit.note(Event {
            person: Some(person.owner()),
            subscriber: subscriber.map(|it| it.as_str().to_owned()),
            endpoint: Some(endpoint.identifier.clone()),
            reason: Some(reason).filter(|reason| !reason.is_empty()),
            ..Event::new(Kind::Removed, actor, self.integration.platform.name)
        });
        tracing::info!(
            subscriber = subscriber.map(SubscriberId::for_log),
            endpoint = endpoint.identifier,
            administrator = by,
            "a link was removed by an administrator"
        );
    }
}

/// The endpoints of one person.
enum Theirs {
    These(Vec<ChannelEndpoint>),
    None,
    /// None of those that were looked at; there are too many to look at all.
    NotSeen,
}

/// Whether a call that failed may have done what it was to do.
const fn may_be_done(error: &Error) -> bool {
    matches!(error, Error::Unavailable { .. } | Error::TimedOut | Error::Nonsense(_))
}
