//! Where the service under test keeps what it must not forget.

use std::sync::Arc;
use std::time::Duration;

use connect_sandbox::Postgres;
use novu_connect_bot::clock::SharedClock;
use novu_connect_bot::random::SystemRandom;
use novu_connect_bot::store::config::Settings;
use novu_connect_bot::store::{Memory, Store};
use tempfile::TempDir;

/// Says which store stories use that do not care; `memory` unless it is set.
const CHOICE: &str = "CONNECT_TEST_STORE";
const KEY: &str = "canary-key-of-the-store";

/// A store that outlives the service that uses it.
pub(crate) struct Storage {
    url: String,
    /// How many jobs there is room for, if it is in memory.
    size: Option<usize>,
    _directory: Option<TempDir>,
}

impl Storage {
    /// The store for stories that do not care which.
    #[expect(clippy::disallowed_methods, reason = "the tests' own choice, not the service's")]
    pub(crate) fn any() -> Self {
        match std::env::var(CHOICE).as_deref() {
            Ok("sqlite") => Self::sqlite(),
            Ok("postgres") => Self::postgres().unwrap(),
            _ => Self::in_memory(),
        }
    }

    /// Memory: every service begins with an empty one.
    pub(crate) fn in_memory() -> Self {
        Self { url: "memory".to_owned(), size: None, _directory: None }
    }

    /// Memory with room for so many jobs of each kind.
    pub(crate) fn of_size(size: usize) -> Self {
        Self { size: Some(size), ..Self::in_memory() }
    }

    pub(crate) fn sqlite() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", directory.path().join("store.db").display());
        Self { url, size: None, _directory: Some(directory) }
    }

    /// None where there is no PostgreSQL to test with, which is said elsewhere.
    pub(crate) fn postgres() -> Option<Self> {
        Some(Self::at(Postgres::shared()?.database()))
    }

    /// A database of PostgreSQL.
    pub(crate) fn at(url: String) -> Self {
        Self { url, size: None, _directory: None }
    }

    /// Each of the stores that there are here.
    pub(crate) fn each() -> impl Iterator<Item = Self> {
        [Self::in_memory(), Self::sqlite()].into_iter().chain(Self::postgres())
    }

    /// Removes the file under whoever has it open.
    pub(crate) fn remove(&self) {
        std::fs::remove_file(self.url.strip_prefix("sqlite:").unwrap()).unwrap();
    }

    /// The settings that name it.
    pub(crate) fn settings(&self) -> impl Iterator<Item = (&'static str, String)> {
        let key = (self.url != "memory").then(|| ("CONNECT_STORE__KEYS", KEY.to_owned()));
        [("CONNECT_STORE__URL", self.url.clone())].into_iter().chain(key)
    }

    /// Opens it, once whoever had it before has let go of it.
    pub(crate) async fn open(&self, settings: &Settings, clock: SharedClock) -> Store {
        self.opener(settings.clone(), clock).await
    }

    /// As [`Storage::open`], elsewhere.
    pub(crate) fn opener(
        &self,
        settings: Settings,
        clock: SharedClock,
    ) -> impl Future<Output = Store> + Send + 'static {
        let size = self.size;
        async move {
            if let Some(size) = size {
                return Store::Memory(Memory::of_size(size, clock));
            }
            let deadline = tokio::time::Instant::now() + super::PATIENCE;
            loop {
                match Store::open(&settings, Arc::clone(&clock), Arc::new(SystemRandom)).await {
                    Err(error) if error.to_string().contains("in use by another") => {
                        assert!(tokio::time::Instant::now() < deadline, "{error}");
                        tokio::time::sleep(Duration::from_millis(5)).await;
                    }
                    opened => return opened.unwrap(),
                }
            }
        }
    }
}
