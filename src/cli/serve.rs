//! `serve`: the service itself.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context as _;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::app::{App, Config, Listeners};
use crate::clock::SystemClock;
use crate::http::{self, Limits, affordable_connections};
use crate::metrics;
use crate::random::SystemRandom;

/// Serves until the process is told to stop (SIGTERM or Ctrl-C), then lets answers finish.
///
/// # Errors
/// An address is taken, or something that the configuration names cannot be used.
pub(super) async fn run(config: Config) -> anyhow::Result<()> {
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
    tokio::spawn(stop_on_signal(stop.clone()));
    tracing::info!(
        address = %listeners.public.local_addr().context("no local address")?,
        version = env!("CARGO_PKG_VERSION"),
        "listening"
    );
    app.serve(listeners, limits, stop).await;
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

/// The first signal asks to finish; a second one ends the process as it would without us.
async fn stop_on_signal(stop: CancellationToken) {
    signal().await;
    tracing::info!("stopping: answers that have begun are finished first");
    stop.cancel();
    signal().await;
    tracing::warn!("stopping at once");
    std::process::exit(130);
}

#[cfg(unix)]
async fn signal() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
        }
        Err(error) => {
            tracing::warn!(%error, "SIGTERM cannot be listened for");
            let _ = tokio::signal::ctrl_c().await;
        }
    }
}

#[cfg(not(unix))]
async fn signal() {
    let _ = tokio::signal::ctrl_c().await;
}
