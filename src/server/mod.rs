//! Everything between the socket and the routes: the service put together, connections and their
//! limits, shutdown, and what happens to requests that panic or get stuck.

mod app;
mod harden;
mod head_timer;
mod listen;
mod ops;

pub use self::app::App;
pub use self::harden::{REFERENCE_HEADER, RequestLimits, harden};
pub use self::listen::{Drained, Limits, serve};

use std::time::Duration;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// How long answers that were promised may take to go out after the last request.
const LAST_ANSWERS: Duration = Duration::from_secs(10);

/// The addresses that the service listens on.
#[derive(Debug)]
pub struct Listeners {
    /// For chat platforms and people.
    pub public: TcpListener,
    /// For operation, if it has an address of its own.
    pub ops: Option<TcpListener>,
}

/// Serves until `stop`, then lets what has begun come to its end.
///
/// Connections finish first, so that every promise is in the store before the last answers go out.
pub async fn run(app: &App, listeners: Listeners, limits: Limits, stop: CancellationToken) {
    // Of its own, not a child of `stop`: promises are kept until the last one is.
    let background = CancellationToken::new();
    let work = tokio::spawn({
        let (app, stop) = (app.clone(), background.clone());
        async move { app.run(stop).await }
    });
    let ops = async {
        if let Some(listener) = listeners.ops {
            serve(listener, app.ops_router(), limits, stop.clone()).await;
        }
    };
    let (drained, ()) =
        tokio::join!(serve(listeners.public, app.router(), limits, stop.clone()), ops);
    if let Drained::CutOff(connections) = drained {
        tracing::warn!(connections, "connections were broken off");
    }
    let settled = tokio::time::timeout(LAST_ANSWERS, app.keep_promises()).await;
    background.cancel();
    if settled.is_err() {
        let promises = app.open_promises().await;
        tracing::warn!(promises, "some answers did not go out in time");
    }
    // What is still asked of Novu for the index is of no use to anybody any more.
    work.abort();
}
