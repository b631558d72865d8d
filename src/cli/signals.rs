//! What the system's signals ask of `serve`: to end, to end at once, to read the configuration anew.

use std::sync::Arc;

use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use crate::app::{App, Config};
use crate::config::Problems;
use crate::supervise::Background;

/// Reads the configuration anew, from wherever it came.
pub(super) type Load = Box<dyn Fn() -> Result<Config, Problems> + Send + Sync>;

/// The signals that tell the process to end (SIGTERM and Ctrl-C). On Unix the first one does not end the
/// process by itself as soon as this is there, and one that comes between two looks is not lost.
pub(super) struct Endings {
    #[cfg(unix)]
    terminate: Option<tokio::signal::unix::Signal>,
    #[cfg(unix)]
    interrupt: Option<tokio::signal::unix::Signal>,
}

impl Endings {
    #[cfg(unix)]
    pub(super) fn listen() -> Self {
        use tokio::signal::unix::SignalKind;
        Self {
            terminate: listen_for(SignalKind::terminate(), "SIGTERM"),
            interrupt: listen_for(SignalKind::interrupt(), "SIGINT"),
        }
    }

    #[cfg(not(unix))]
    pub(super) fn listen() -> Self {
        Self {}
    }

    /// Ends the service by `stop` at the first of them. When the process is told so once more, it ends
    /// at once, as it would without us.
    pub(super) async fn stop(mut self, stop: CancellationToken) {
        self.next().await;
        tracing::info!("stopping: not ready any more, and answers that have begun are finished");
        stop.cancel();
        self.next().await;
        tracing::warn!("stopping at once");
        std::process::exit(130);
    }

    #[cfg(unix)]
    async fn next(&mut self) {
        tokio::select! {
            () = next(&mut self.terminate) => {}
            () = next(&mut self.interrupt) => {}
        }
    }

    #[cfg(not(unix))]
    async fn next(&mut self) {
        let _ = tokio::signal::ctrl_c().await;
    }
}

#[cfg(unix)]
fn listen_for(
    kind: tokio::signal::unix::SignalKind,
    name: &str,
) -> Option<tokio::signal::unix::Signal> {
    let listening = tokio::signal::unix::signal(kind);
    listening.inspect_err(|error| tracing::warn!(%error, "{name} cannot be listened for")).ok()
}

/// Waits for the next one; for ever where they cannot be listened for.
#[cfg(unix)]
async fn next(signals: &mut Option<tokio::signal::unix::Signal>) {
    if let Some(signals) = signals
        && signals.recv().await.is_some()
    {
        return;
    }
    std::future::pending::<()>().await;
}

/// The signal that asks to read the configuration anew (SIGHUP). As soon as this is there, that signal
/// ends the process no more, and is not lost.
pub(super) struct Hangups(#[cfg(unix)] Option<tokio::signal::unix::Signal>);

impl Hangups {
    #[cfg(unix)]
    pub(super) fn listen() -> Self {
        Self(listen_for(tokio::signal::unix::SignalKind::hangup(), "SIGHUP"))
    }

    #[cfg(not(unix))]
    pub(super) fn listen() -> Self {
        Self()
    }

    #[cfg(unix)]
    async fn next(&mut self) {
        next(&mut self.0).await;
    }

    #[cfg(not(unix))]
    async fn next(&mut self) {
        std::future::pending().await
    }
}

/// What it takes to read the configuration anew.
struct Reloading {
    app: App,
    load: Arc<Load>,
    hangups: Mutex<Hangups>,
}

/// The task that reads the configuration anew whenever the process is asked to.
pub(super) fn reload_on_signal(app: App, load: Load, hangups: Hangups) -> Background {
    let reloading = Reloading { app, load: Arc::new(load), hangups: Mutex::new(hangups) };
    Background::new("reload", &Arc::new(reloading), |reloading, stop| async move {
        // Large: it holds a whole new configuration.
        stop.run_until_cancelled(Box::pin(reloading.follow())).await;
    })
}

impl Reloading {
    async fn follow(&self) {
        let mut hangups = self.hangups.lock().await;
        loop {
            hangups.next().await;
            let load = Arc::clone(&self.load);
            // Files are read apart from the threads that answer people.
            match tokio::task::spawn_blocking(move || load()).await {
                Ok(new) => self.app.reload(new).await,
                Err(_) => return,
            }
        }
    }
}
