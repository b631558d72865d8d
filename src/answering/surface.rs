//! A chat platform as the service runs it.

use std::fmt::Debug;
use std::sync::Arc;

use axum::Router;
use futures_util::future::BoxFuture;
use tokio_util::sync::CancellationToken;

use super::responder::Responder;
use crate::core::Platform;

/// A chat platform: its routes, and what goes on beside them.
pub trait Surface: Send + Sync + Debug {
    /// The platform.
    fn platform(&self) -> &'static Platform;

    /// The paths that the platform calls.
    fn routes(self: Arc<Self>) -> Router;

    /// Does what goes on beside the requests, until `stop`.
    fn run(&self, stop: CancellationToken) -> BoxFuture<'_, ()>;

    /// Waits until nobody is being answered any more. Called once no new requests come in.
    fn drain(&self) -> BoxFuture<'_, ()>;

    /// What keeps the platform's people from being served, in a word; none if nothing does.
    fn trouble(&self) -> BoxFuture<'_, Option<&'static str>>;

    /// Who answers the platform's people elsewhere than in the chat.
    fn responder(&self) -> Arc<dyn Responder>;
}
