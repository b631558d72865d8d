//! The typed client of Novu's API.
//!
//! It owns how Novu is spoken to: paths, bodies, envelopes, the error shapes, the time limits, the one
//! retry and the rate limits. It knows nothing of chat platforms and decides nothing about people; what
//! an answer means for a person is for `core` to say.
//!
//! One file per resource (`subscribers`, `endpoints`, `connections`, `integrations`, `oauth`,
//! `events`) adds its calls to [`Novu`]; `client` is the only file that sends, `budget` says when,
//! `refusal` is the only one that reads errors.
//! Field names and rules follow the source of Novu 3.19.

mod budget;
mod canonical;
mod client;
pub(crate) mod config;
mod connections;
mod context;
mod decode;
mod endpoints;
mod error;
mod events;
mod integrations;
mod oauth;
mod page;
mod refusal;
mod subscribers;
#[cfg(test)]
mod tests;

pub use client::{Novu, Settings, SettingsError};
pub use connections::{AllConnections, ChannelConnection, ConnectionFilter, Workspace};
pub use context::{Context, ContextError, ContextValue};
pub use endpoints::{ChannelEndpoint, Endpoint, EndpointFilter};
pub use error::Error;
pub use events::{Trigger, Triggered};
pub use integrations::{Integration, Survey};
pub use oauth::{Connect, ConnectionMode, LINK_LIFETIME, LinkUser};
pub use page::Page;
pub use subscribers::{
    Creation, EmptySubscriberId, NewSubscriber, Subscriber, SubscriberId, SubscriberSearch,
};
