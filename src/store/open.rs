//! Opening a store: as the configuration says, with the keys that it needs.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use secrecy::SecretString;

use super::clock::StoreClock;
use super::config::{Location, Settings};
use super::database::{Database, Pools};
use super::key_file::{KeyFile, KeyFileError};
use super::postgres::Postgres;
use super::resealed::keys_in_use;
use super::sealing::Sealing;
use super::sqlite::Sqlite;
use super::statements::Write;
use super::trouble::StoreError;
use super::{Memory, Store};
use crate::clock::SharedClock;
use crate::random::SharedRandom;

impl Store {
    /// Opens the store that the configuration names. One in a file or a database is made where there is
    /// none, and its tables are brought up to date.
    ///
    /// # Errors
    /// It cannot be opened or written, is somebody else's, is of a later release, or something in it is
    /// sealed with a key that is not given.
    pub async fn open(
        settings: &Settings,
        clock: SharedClock,
        random: SharedRandom,
    ) -> anyhow::Result<Self> {
        let pools = match &settings.location {
            Location::Memory => return Ok(Self::Memory(Memory::new(clock))),
            Location::Sqlite(path) => Pools::Sqlite(Arc::new(Sqlite::open(path).await?)),
            Location::Postgres(address) => Pools::Postgres(Postgres::open(address).await?),
        };
        let sealing = match &settings.location {
            Location::Sqlite(path) if settings.keys.is_empty() => key_beside(path, &pools).await?,
            _ => sealing(&settings.keys)?,
        };
        let database = Database::new(pools, sealing, StoreClock::new(clock), random);
        let begun = database.begin().await;
        begun.with_context(|| format!("{} cannot be used", settings.location))?;
        Ok(Self::Database(Arc::new(database)))
    }
}

fn sealing(keys: &[SecretString]) -> anyhow::Result<Sealing> {
    Sealing::from_texts(keys)?.context("the store needs a key: set store.keys")
}

/// The key in the file beside a database, made with the database. It is not made a second time: what is
/// sealed already would not open.
async fn key_beside(path: &Path, pools: &Pools) -> anyhow::Result<Sealing> {
    let file = KeyFile::beside(path);
    let key = match file.read() {
        Err(KeyFileError::Missing(missing)) => {
            let mut reading = pools.reading().await?;
            if !keys_in_use(&mut reading.session()).await?.is_empty() {
                return Err(KeyFileError::Missing(missing).into());
            }
            file.make()?
        }
        key => key?,
    };
    sealing(&[key])
}

impl Database {
    fn new(pools: Pools, sealing: Sealing, clock: StoreClock, random: SharedRandom) -> Self {
        let (health, beats, open, unwritten) = Default::default();
        let holder = 0;
        let mut database =
            Self { pools, sealing, clock, health, random, holder, beats, open, unwritten };
        database.holder = database.new_id();
        database
    }

    /// Finds out what has to be known before anything is stored, and that something can be stored.
    async fn begin(&self) -> anyhow::Result<()> {
        self.sealing.must_have(self.keys_in_use().await.map_err(said)?)?;
        if let Some(seen) = self.time_seen().await.map_err(said)? {
            self.clock.resume(seen);
        }
        self.beat().await.map_err(said)?;
        if matches!(self.pools, Pools::Sqlite(_)) {
            // Whoever held something is not there any more, or the file could not have been opened.
            self.write(Write::ReleaseAll).await.map_err(said)?;
        }
        Ok(())
    }
}

/// An error with its fix. Its cause is in the log.
fn said(error: StoreError) -> anyhow::Error {
    match error {
        StoreError::Unavailable(trouble) => {
            anyhow::anyhow!("{}: {}", trouble.word(), trouble.fix())
        }
        StoreError::Full => error.into(),
    }
}
