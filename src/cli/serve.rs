//! `serve`: the service itself.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context as _;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::signals::{Endings, Hangups, Load, reload_on_signal};
use crate::app::{App, Config, Listeners};
use crate::clock::SystemClock;
use crate::http::{self, Limits, affordable_connections};
use crate::metrics;
use crate::random::SystemRandom;

/// Serves until the process is told to stop, then lets answers finish. `load` reads the configuration
/// anew when a hang-up asks for it.
///
/// # Errors
/// An address is taken, or something that the configuration names cannot be used.
pub(super) async fn run(config: Config, load: Load, hangups: Hangups) -> anyhow::Result<()> {
    for warning in &config.warnings {
        tracing::warn!("{warning}");
    }
    let limits = Limits {
        max_connections: affordable_connections(
            config.server.max_connections,
            metrics::open_files_limit(),
        ),
        idle: config.server.idle_timeout,
        ..Limits::default()
    };
    let listeners = listen(&config.server).await?;
    let app = App::build(config, Arc::new(SystemClock), Arc::new(SystemRandom)).await?;

    let stop = CancellationToken::new();
    // Before anybody is served, so that a signal that comes now breaks off no answer.
    tokio::spawn(Endings::listen().stop(stop.clone()));
    tracing::info!(
        address = %listeners.public.local_addr().context("no local address")?,
        version = env!("CARGO_PKG_VERSION"),
        "listening"
    );
    let reload = reload_on_signal(app.clone(), load, hangups);
    app.serve_beside(listeners, limits, stop, vec![reload]).await;
    tracing::info!("stopped");
    Ok(())
}

async fn listen(server: &http::config::Settings) -> anyhow::Result<Listeners> {
    let public = bind("server.listen", server.listen).await?;
    let ops = bind("server.ops_listen", server.ops_listen).await?;
    Ok(Listeners { public, ops: Some(ops) })
}

async fn bind(key: &'static str, address: SocketAddr) -> anyhow::Result<TcpListener> {
    let fix = "to an address of this machine and a port that is free";
    let bound = TcpListener::bind(address).await;
    bound.with_context(|| format!("cannot listen on {address}: set {key} {fix}"))
}
