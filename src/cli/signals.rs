//! What the system's signals ask of `serve`: to end, to end at once, to read the configuration anew.

use std::sync::Arc;

use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use crate::app::{App, Config};
use crate::config::Problems;
use crate::supervise::Background;

/// Reads the configuration anew, from wherever it came.
pub(super) type Load = Box<dyn Fn() -> Result<Config, Problems> + Send + Sync>;

/// Ends the service by `stop` when the process is told to end (SIGTERM or Ctrl-C). When it is told so
/// once more, it ends at once, as it would without us.
pub(super) async fn stop_on_signal(stop: CancellationToken) {
    ending().await;
    tracing::info!("stopping: not ready any more, and answers that have begun are finished");
    stop.cancel();
    ending().await;
    tracing::warn!("stopping at once");
    std::process::exit(130);
}

#[cfg(unix)]
async fn ending() {
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
async fn ending() {
    let _ = tokio::signal::ctrl_c().await;
}

/// The signal that asks to read the configuration anew (SIGHUP). As soon as this is there, that signal
/// ends the process no more, and is not lost.
pub(super) struct Hangups(#[cfg(unix)] Option<tokio::signal::unix::Signal>);

impl Hangups {
    #[cfg(unix)]
    pub(super) fn listen() -> Self {
        use tokio::signal::unix::{SignalKind, signal};
        let hangups = signal(SignalKind::hangup());
        Self(
            hangups
                .inspect_err(|error| tracing::warn!(%error, "SIGHUP cannot be listened for"))
                .ok(),
        )
    }

    #[cfg(not(unix))]
    pub(super) fn listen() -> Self {
        Self()
    }

    /// Waits for the next one.
    async fn next(&mut self) {
        #[cfg(unix)]
        if let Some(hangups) = &mut self.0
            && hangups.recv().await.is_some()
        {
            return;
        }
        std::future::pending::<()>().await;
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
