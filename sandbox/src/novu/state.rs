//! What the stand-in Novu knows, and the rules that hold between its documents.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use axum::http::StatusCode;
use jiff::Timestamp;

use super::envelope::Problem;
use super::model::{
    Connection, Endpoint, Integration, NewConnection, NewEndpoint, Profile, Subscriber, user_id,
};
use super::store::Collection;

/// Everything in one environment.
#[derive(Debug, Default)]
pub(super) struct State {
    integrations: Vec<Arc<Integration>>,
    pub(super) subscribers: Collection<Subscriber>,
    pub(super) connections: Collection<Connection>,
    endpoints: Collection<Endpoint>,
    /// The chat users that have an endpoint in an integration; one each.
    chat_users: HashSet<ChatUser>,
    identifiers: u64,
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct ChatUser {
    integration: String,
    kind: String,
    user: String,
}

impl ChatUser {
    fn new(integration: &str, kind: &str, endpoint: &serde_json::Value) -> Option<Self> {
        let user = user_id(kind, endpoint)?.to_owned();
        Some(Self { integration: integration.to_owned(), kind: kind.to_owned(), user })
    }

    fn of(endpoint: &Endpoint) -> Option<Self> {
        Self::new(&endpoint.integration_identifier, &endpoint.kind, &endpoint.endpoint)
    }
}

/// What a chat integration shares with everything that belongs to it.
struct Origin {
    provider_id: String,
    channel: String,
}

impl State {
    pub(super) fn endpoints(&self) -> &Collection<Endpoint> {
        &self.endpoints
    }

    /// All integrations, oldest first.
    pub(super) fn integrations(&self) -> &[Arc<Integration>] {
        &self.integrations
    }

    pub(super) fn integration(&self, identifier: &str) -> Option<&Arc<Integration>> {
        self.integrations.iter().find(|it| it.identifier == identifier)
    }

    /// Adds an integration, in place of one with the same identifier.
    pub(super) fn put_integration(&mut self, integration: Integration) {
        match self.integrations.iter_mut().find(|it| it.identifier == integration.identifier) {
            Some(slot) => *slot = Arc::new(integration),
            None => self.integrations.push(Arc::new(integration)),
        }
    }

    /// Removes an integration; what belongs to it stays.
    pub(super) fn remove_integration(&mut self, identifier: &str) {
        self.integrations.retain(|it| it.identifier != identifier);
    }

    /// An identifier with twelve characters after the prefix, told apart by order.
    fn identifier(&mut self, prefix: &str) -> String {
        self.identifiers += 1;
        format!("{prefix}{:012x}", self.identifiers)
    }

    fn origin(&self, integration: &str) -> Result<Origin, Problem> {
        let found = self
            .integration(integration)
            .ok_or_else(|| Problem::not_found(format!("Integration not found: {integration}")))?;
        let (provider_id, channel) = (found.provider_id.clone(), found.channel.clone());
        Ok(Origin { provider_id, channel })
    }

    /// Adds a subscriber, in place of one with the same id.
    pub(super) fn put_subscriber(&mut self, id: &str, profile: Profile, now: Timestamp) {
        self.subscribers.insert(Subscriber {
            subscriber_id: id.to_owned(),
            profile,
            cleared: BTreeSet::new(),
            created_at: now,
            updated_at: now,
        });
    }

    /// Creates an endpoint. Source: Novu 3.19, create-channel-endpoint use case.
    pub(super) fn create_endpoint(
        &mut self,
        new: NewEndpoint,
        environment: &str,
        now: Timestamp,
    ) -> Result<Endpoint, Problem> {
        let origin = self.origin(&new.integration)?;
        if !self.subscribers.contains(&new.subscriber_id) {
            return Err(subscriber_not_found(&new.subscriber_id));
        }
        if self.endpoints.contains(&new.identifier) {
            return Err(Problem::conflict(format!(
                "Channel endpoint with identifier \"{}\" already exists in environment \"{}\"",
                new.identifier, environment
            )));
        }
        if let Some(connection) = &new.connection {
            self.connections
                .get(connection)
                .filter(|found| found.integration_identifier == new.integration)
                .ok_or_else(|| {
                    Problem::not_found(format!("Channel connection not found: {connection}"))
                })?;
        }
        let chat_user = ChatUser::new(&new.integration, &new.kind, &new.endpoint);
        self.claim(chat_user)?;
        Ok(self.insert_endpoint(new, origin, now))
    }

    /// The unique index over chat users; nobody translates its error, so it is a 500.
    fn claim(&mut self, user: Option<ChatUser>) -> Result<(), Problem> {
        let Some(user) = user else { return Ok(()) };
        if self.chat_users.insert(user) { Ok(()) } else { Err(Problem::uncaught()) }
    }

    fn release(&mut self, user: Option<ChatUser>) {
        if let Some(user) = user {
            self.chat_users.remove(&user);
        }
    }

    fn insert_endpoint(&mut self, new: NewEndpoint, origin: Origin, now: Timestamp) -> Endpoint {
        let identifier =
            if new.identifier.is_empty() { self.identifier("chendp_") } else { new.identifier };
        let mut context_keys = new.context_keys;
        context_keys.sort_unstable();
        let created_at = new.created_at.unwrap_or(now);
        let endpoint = Endpoint {
            identifier,
            integration_identifier: new.integration,
            provider_id: origin.provider_id,
            channel: origin.channel,
            connection_identifier: new.connection,
            subscriber_id: Some(new.subscriber_id),
            context_keys,
            kind: new.kind,
            endpoint: new.endpoint,
            created_at,
            updated_at: created_at,
        };
        self.endpoints.insert(endpoint.clone());
        endpoint
    }

    /// Puts another address into an endpoint.
    pub(super) fn update_endpoint(
        &mut self,
        identifier: &str,
        address: serde_json::Value,
        now: Timestamp,
    ) -> Result<Endpoint, Problem> {
        let found = self
            .endpoints
            .get(identifier)
            .ok_or_else(|| Problem::not_found(endpoint_not_found(identifier)))?;
        let before = ChatUser::of(found);
        let after = ChatUser::new(&found.integration_identifier, &found.kind, &address);
        if before != after {
            self.claim(after)?;
            self.release(before);
        }
        let endpoint = self
            .endpoints
            .get_mut(identifier)
            .ok_or_else(|| Problem::not_found(endpoint_not_found(identifier)))?;
        endpoint.endpoint = address;
        endpoint.updated_at = now;
        Ok(endpoint.clone())
    }

    /// Removes an endpoint; nothing else goes with it.
    pub(super) fn remove_endpoint(&mut self, identifier: &str) -> Option<Endpoint> {
        let endpoint = self.endpoints.remove(identifier)?;
        self.release(ChatUser::of(&endpoint));
        Some(endpoint)
    }

    /// The connection of that integration, owner and exact context.
    pub(super) fn same_connection(
        &self,
        integration: &str,
        subscriber: Option<&str>,
        context_keys: &[String],
    ) -> Option<&Connection> {
        self.connections.all().map(|(_, connection)| connection).find(|connection| {
            connection.integration_identifier == integration
                && connection.subscriber_id.as_deref() == subscriber
                && connection.context_keys == context_keys
        })
    }

    /// Creates a connection. Source: Novu 3.19, create-channel-connection use case.
    pub(super) fn create_connection(
        &mut self,
        new: NewConnection,
        environment: &str,
        now: Timestamp,
    ) -> Result<Connection, Problem> {
        self.origin(&new.integration)?;
        let subscriber = new.subscriber_id.as_deref();
        if let Some(subscriber) = subscriber
            && !self.subscribers.contains(subscriber)
        {
            return Err(Problem::not_found(format!("Subscriber not found: {subscriber}")));
        }
        if let Some(twin) = self.same_connection(&new.integration, subscriber, &new.context_keys) {
            return Err(same_connection_conflict(&new, &twin.identifier));
        }
        if self.connections.contains(&new.identifier) {
            return Err(Problem::conflict(format!(
                "Channel connection with identifier \"{}\" already exists in environment \
                 \"{environment}\"",
                new.identifier
            )));
        }
        self.insert_connection(new, now)
    }

    /// Adds a connection without asking for one with the same owner and context, in place of one with the same identifier.
    pub(super) fn insert_connection(
        &mut self,
        new: NewConnection,
        now: Timestamp,
    ) -> Result<Connection, Problem> {
        let origin = self.origin(&new.integration)?;
        let identifier =
            if new.identifier.is_empty() { self.identifier("chconn_") } else { new.identifier };
        let mut context_keys = new.context_keys;
        context_keys.sort_unstable();
        let created_at = new.created_at.unwrap_or(now);
        let connection = Connection {
            identifier,
            integration_identifier: new.integration,
            provider_id: origin.provider_id,
            channel: origin.channel,
            subscriber_id: new.subscriber_id,
            context_keys,
            workspace: new.workspace,
            access_token: new.access_token,
            created_at,
            updated_at: created_at,
        };
        self.connections.insert(connection.clone());
        Ok(connection)
    }
}

fn same_connection_conflict(new: &NewConnection, twin: &str) -> Problem {
    let owner = new
        .subscriber_id
        .as_ref()
        .map_or_else(|| "no subscriberId".to_owned(), |id| format!("subscriberId \"{id}\""));
    let context = if new.context_keys.is_empty() {
        "no context".to_owned()
    } else {
        format!("context [{}]", new.context_keys.join(", "))
    };
    Problem::conflict(format!(
        "A channel connection already exists for integration \"{}\" with {owner} and {context}. \
         Connection ID: {twin}",
        new.integration
    ))
}

fn subscriber_not_found(id: &str) -> Problem {
    Problem::http(
        StatusCode::NOT_FOUND,
        format!(
            "Subscriber not found: {id}. Pass createSubscriberIfMissing: true to create it, or \
             provision it via POST /v1/subscribers."
        ),
    )
}

/// What Novu says of an endpoint that is not there.
pub(super) fn endpoint_not_found(identifier: &str) -> String {
    format!("Channel endpoint with identifier '{identifier}' not found")
}
