//! Keeps the keys: which are known, and when they may be fetched anew.
//!
//! There is at most one fetch at a time, whoever asks. It runs on its own, so that a request that
//! is broken off neither wastes it nor can be used to begin one after the other. While a fetch
//! fails the known keys stay; after it succeeds those that are no longer published are gone.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::Pacing;
use super::fetch::{FetchError, Source};
use super::key_set::KeySet;
use crate::clock::{SharedClock, after};
use crate::metrics::Metrics;

/// The longest pause after a scheduled fetch that failed: keys that were withdrawn stay until then.
const LONGEST_PAUSE: Duration = Duration::from_mins(5);

/// The keys that are known.
#[derive(Debug)]
pub(super) struct Keys {
    source: Source,
    pacing: Pacing,
    known: RwLock<Arc<KeySet>>,
    fetching: Mutex<Fetching>,
    clock: SharedClock,
    metrics: Arc<Metrics>,
}

#[derive(Debug)]
struct Fetching {
    /// Closes when the fetch is over, however it ends.
    under_way: Option<watch::Receiver<()>>,
    /// When an unknown key may cause a fetch again.
    next_for_unknown: Timestamp,
    /// What went wrong the last time.
    failed: Option<FetchError>,
}

/// Why keys are fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cause {
    Schedule,
    UnknownKey,
}

impl Keys {
    /// No keys yet.
    pub(super) fn new(
        source: Source,
        pacing: Pacing,
        clock: SharedClock,
        metrics: Arc<Metrics>,
    ) -> Self {
        let fetching = Fetching { under_way: None, next_for_unknown: Timestamp::MIN, failed: None };
        Self {
            source,
            pacing,
            known: RwLock::default(),
            fetching: Mutex::new(fetching),
            clock,
            metrics,
        }
    }

    /// The keys that are known now.
    pub(super) fn current(&self) -> Arc<KeySet> {
        Arc::clone(&self.known.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Newer keys than those in which one was missing, if there are or may be any: waits for the
    /// fetch that is under way, or for a new one if it is time for one. Else the same keys again.
    pub(super) async fn newer_than(self: &Arc<Self>, known: &Arc<KeySet>) -> Arc<KeySet> {
        if let Some(fetch) = self.fetch_unless_newer_than(known) {
            over(fetch).await;
        }
        self.current()
    }

    /// Fetches the keys now and then, until `stop`.
    pub(super) async fn keep_fresh(self: &Arc<Self>, stop: CancellationToken) {
        loop {
            let fetch = self.join_or_begin(&mut self.fetching(), Cause::Schedule);
            let round = async {
                over(fetch).await;
                self.clock.sleep_until(after(self.clock.now(), self.pause())).await;
            };
            if stop.run_until_cancelled(round).await.is_none() {
                return;
            }
        }
    }

    /// What keeps every token from being believed, in a word for the operator.
    pub(super) fn trouble(&self) -> Option<&'static str> {
        if !self.current().is_empty() {
            return None;
        }
        Some(self.fetching().failed.map_or("not_read_yet", FetchError::code))
    }

    fn fetching(&self) -> MutexGuard<'_, Fetching> {
        self.fetching.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How long the scheduled fetches rest. Without any key every request is refused, so hurry.
    fn pause(&self) -> Duration {
        match self.fetching().failed {
            None => self.pacing.refresh_every,
            Some(_) if self.current().is_empty() => self.pacing.retry_after,
            Some(_) => self.pacing.unknown_key_every.min(LONGEST_PAUSE),
        }
    }

    fn fetch_unless_newer_than(
        self: &Arc<Self>,
        known: &Arc<KeySet>,
    ) -> Option<watch::Receiver<()>> {
        let mut fetching = self.fetching();
        // A fetch may have ended since the caller looked.
        if !Arc::ptr_eq(known, &self.current()) {
            return None;
        }
        let may_begin = self.clock.now() >= fetching.next_for_unknown;
        (may_begin || fetching.is_under_way())
            .then(|| self.join_or_begin(&mut fetching, Cause::UnknownKey))
    }

    fn join_or_begin(
        self: &Arc<Self>,
        fetching: &mut Fetching,
        cause: Cause,
    ) -> watch::Receiver<()> {
        if let Some(fetch) = fetching.under_way.as_ref().filter(|_| fetching.is_under_way()) {
            return fetch.clone();
        }
        let (ended, fetch) = watch::channel(());
        fetching.under_way = Some(fetch.clone());
        if cause == Cause::UnknownKey {
            fetching.next_for_unknown = after(self.clock.now(), self.pacing.unknown_key_every);
        }
        let keys = Arc::clone(self);
        tokio::spawn(async move {
            keys.fetch().await;
            drop(ended);
        });
        fetch
    }

    async fn fetch(&self) {
        let started = Instant::now();
        let outcome = self.source.fetch().await;
        let code = outcome.as_ref().err().map_or("ok", |error| error.code());
        self.metrics.upstream("bot_connector", "keys", code, started.elapsed());
        match outcome {
            Ok(keys) => self.replace(keys),
            Err(error) => self.note_failure(error),
        }
    }

    fn replace(&self, keys: KeySet) {
        tracing::debug!(keys = keys.len(), "the Bot Connector's keys are fetched");
        let mut fetching = self.fetching();
        fetching.failed = None;
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
    }

    fn note_failure(&self, error: FetchError) {
        tracing::warn!(error = error.code(), "{error}");
        let mut fetching = self.fetching();
        fetching.failed = Some(error);
        // Without any key every token is unknown, genuine ones too. With keys in hand only strangers
        // would gain from a fetch sooner than after the usual interval.
        if self.current().is_empty() {
            fetching.next_for_unknown = after(self.clock.now(), self.pacing.retry_after);
        }
    }
}

impl Fetching {
    fn is_under_way(&self) -> bool {
        self.under_way.as_ref().is_some_and(|fetch| fetch.has_changed().is_ok())
    }
}

/// Waits until a fetch is over. Nothing is ever sent: its end closes the channel.
async fn over(mut fetch: watch::Receiver<()>) {
    let _ = fetch.changed().await;
}
