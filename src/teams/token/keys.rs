//! Keeps the keys: which are known, and when they may be fetched anew.
//!
//! There is at most one fetch at a time, whoever asks. It runs on its own, so that a request that
//! is broken off neither wastes it nor can be used to begin one after the other. While a fetch
//! fails the known keys stay; after it succeeds those that are no longer published are gone.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::fetch::{FetchError, Fetched, Source};
use super::key_set::KeySet;
use super::settings::Pacing;
use crate::clock::{SharedClock, Tick};
use crate::net::{Flight, SingleFlight};

/// What the operator is told while the keys have not been read for the first time.
pub(super) const NOT_READ_YET: &str = "not_read_yet";
/// The longest pause after a scheduled fetch that failed: keys that were withdrawn stay until then.
const LONGEST_PAUSE: Duration = Duration::from_mins(5);

/// The keys that are known.
#[derive(Debug)]
pub(super) struct Keys {
    source: Source,
    pacing: Pacing,
    known: RwLock<Arc<KeySet>>,
    fetching: Mutex<Fetching>,
    under_way: SingleFlight<()>,
    clock: SharedClock,
}

#[derive(Debug)]
struct Fetching {
    /// When an unknown key may cause a fetch again.
    next_for_unknown: Tick,
    /// What went wrong the last time.
    failed: Option<FetchError>,
}

impl Keys {
    /// No keys yet.
    pub(super) fn new(source: Source, pacing: Pacing, clock: SharedClock) -> Self {
        let fetching = Fetching { next_for_unknown: Tick::default(), failed: None };
        Self {
            source,
            pacing,
            known: RwLock::default(),
            fetching: Mutex::new(fetching),
            under_way: SingleFlight::default(),
            clock,
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
            fetch.outcome().await;
        }
        self.current()
    }

    /// Fetches the keys now and then, until `stop`. Ends before that where fetching breaks off.
    pub(super) async fn keep_fresh(self: &Arc<Self>, stop: CancellationToken) {
        let fetching = async {
            while self.join_or_begin().outcome().await.is_some() {
                self.clock.sleep(self.pause()).await;
            }
        };
        stop.run_until_cancelled(fetching).await;
    }

    /// How many keys are published now, and what time it is there. Takes nothing over.
    pub(super) async fn try_fetch(&self) -> Result<(usize, Option<Timestamp>), FetchError> {
        let Fetched { keys, date } = self.source.fetch().await?;
        Ok((keys.len(), date))
    }

    /// What keeps every token from being believed, in a word for the operator.
    pub(super) fn trouble(&self) -> Option<&'static str> {
        if !self.current().is_empty() {
            return None;
        }
        Some(self.fetching().failed.map_or(NOT_READ_YET, FetchError::code))
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

    fn fetch_unless_newer_than(self: &Arc<Self>, known: &Arc<KeySet>) -> Option<Flight<()>> {
        let mut fetching = self.fetching();
        // A fetch may have ended since the caller looked.
        if !Arc::ptr_eq(known, &self.current()) {
            return None;
        }
        let under_way = self.under_way.under_way();
        let now = self.clock.monotonic();
        if under_way.is_some() || now < fetching.next_for_unknown {
            return under_way;
        }
        fetching.next_for_unknown = now + self.pacing.unknown_key_every;
        Some(self.join_or_begin())
    }

    fn join_or_begin(self: &Arc<Self>) -> Flight<()> {
        self.under_way.join_or_begin(|| {
            let keys = Arc::clone(self);
            async move { keys.fetch().await }
        })
    }

    async fn fetch(&self) {
        match self.source.fetch().await {
            Ok(Fetched { keys, .. }) => self.replace(keys),
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
        let mut fetching = self.fetching();
        fetching.failed = Some(error);
        // Without any key every token is unknown, genuine ones too. With keys in hand only strangers
        // would gain from a fetch sooner than after the usual interval.
        if self.current().is_empty() {
            fetching.next_for_unknown = self.clock.monotonic() + self.pacing.retry_after;
        }
    }
}
