//! One connection to a store, for commands beside the service.

use std::fs::File;
use std::path::Path;

use anyhow::{Context as _, bail};
use secrecy::SecretString;
use sqlx::postgres::PgConnection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode};
use sqlx::{ConnectOptions, Connection as _};

use super::config::{Location, PostgresAddress, Settings};
use super::key_file::{KeyFile, KeyFileError};
use super::resealed::keys_in_use;
use super::schema;
use super::sealing::Sealing;
use super::session::Session;
use super::sqlite;
use super::statements::{Write, Wrote, time_seen};
use super::trouble::cannot_use;

/// A connection to a store that may be in use.
#[derive(Debug)]
pub(super) struct Direct {
    connection: Connection,
    /// Keeps services out of a file.
    _lock: Option<File>,
}

#[derive(Debug)]
enum Connection {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

impl Direct {
    /// Connects to a store that is there, and that a service may be using.
    ///
    /// # Errors
    /// There is none, or it cannot be read.
    pub(super) async fn to_one_in_use(location: &Location) -> anyhow::Result<Self> {
        let connection = match location {
            Location::Memory => bail!(IN_MEMORY),
            Location::Sqlite(path) => {
                must_exist(path)?;
                Connection::Sqlite(connect_sqlite(path, SqliteConnectOptions::new()).await?)
            }
            Location::Postgres(address) => Connection::Postgres(connect_postgres(address).await?),
        };
        let mut direct = Self { connection, _lock: None };
        direct.must_have_tables(location).await?;
        Ok(direct)
    }

    /// Connects to a store that is there, that no service uses, and none will while this is there. Its
    /// tables are brought up to date.
    ///
    /// # Errors
    /// There is none, a service uses it, or it cannot be written.
    pub(super) async fn to_one_alone(location: &Location) -> anyhow::Result<Self> {
        let lock = match location {
            Location::Sqlite(path) => {
                must_exist(path)?;
                Some(sqlite::lock(path)?)
            }
            _ => None,
        };
        let mut direct = Self { _lock: lock, ..Self::to_one_in_use(location).await? };
        direct.migrate(location).await?;
        Ok(direct)
    }

    /// As [`Direct::to_one_alone`], but makes the store where there is none.
    ///
    /// # Errors
    /// A service uses it, or it cannot be written.
    pub(super) async fn to_one_made(location: &Location) -> anyhow::Result<Self> {
        let (connection, lock) = match location {
            Location::Memory => bail!(IN_MEMORY),
            Location::Sqlite(path) => {
                let lock = sqlite::lock(path)?;
                sqlite::make_private(path).map_err(|error| sqlite::cannot_open(path, &error))?;
                let options = SqliteConnectOptions::new().journal_mode(SqliteJournalMode::Wal);
                (Connection::Sqlite(connect_sqlite(path, options).await?), Some(lock))
            }
            Location::Postgres(address) => {
                (Connection::Postgres(connect_postgres(address).await?), None)
            }
        };
        let mut direct = Self { connection, _lock: lock };
        direct.migrate(location).await?;
        Ok(direct)
    }

    /// The connection, as the statements see it.
    pub(super) fn session(&mut self) -> Session<'_> {
        match &mut self.connection {
            Connection::Sqlite(connection) => Session::Sqlite(connection),
            Connection::Postgres(connection) => Session::Postgres(connection),
        }
    }

    /// Writes, at a moment of the store's time: all of it or nothing.
    pub(super) async fn write(&mut self, write: &Write, now: i64) -> Result<Wrote, sqlx::Error> {
        let mut session = self.session();
        session.command(session.either("BEGIN IMMEDIATE", "BEGIN")).await?;
        let outcome = write.run(&mut session, 0, now).await?;
        session.command("COMMIT").await?;
        Ok(outcome)
    }

    /// Whether several services may use it at once.
    pub(super) const fn is_shared(&self) -> bool {
        matches!(self.connection, Connection::Postgres(_))
    }

    /// Ends the connection.
    pub(super) async fn close(self) -> anyhow::Result<()> {
        match self.connection {
            Connection::Sqlite(connection) => connection.close().await?,
            Connection::Postgres(connection) => connection.close().await?,
        }
        Ok(())
    }

    async fn migrate(&mut self, location: &Location) -> anyhow::Result<()> {
        match &mut self.connection {
            Connection::Sqlite(connection) => schema::migrate_sqlite(connection, location).await,
            Connection::Postgres(connection) => {
                schema::migrate_postgres(connection, location).await
            }
        }
    }

    async fn must_have_tables(&mut self, location: &Location) -> anyhow::Result<()> {
        let version = schema::version(&mut self.session()).await;
        if version.map_err(|error| cannot_use(location, &error))? == 0 {
            bail!(never_used(location));
        }
        Ok(())
    }

    /// The store's time, as a service has written it down last.
    ///
    /// # Errors
    /// No service has used the store yet, or it cannot be read.
    pub(super) async fn time(&mut self, location: &Location) -> anyhow::Result<i64> {
        let seen = time_seen(&mut self.session()).await;
        let seen = seen.map_err(|error| cannot_use(location, &error))?;
        seen.with_context(|| never_used(location))
    }
}

fn never_used(location: &Location) -> String {
    format!("there is no store in {location}: no service has used it yet")
}

/// What is said where a command needs a store that outlives its service.
const IN_MEMORY: &str = "the store is in memory, which ends with the service: set store.url to \
                         sqlite:FILE or postgres://…";

fn must_exist(path: &Path) -> anyhow::Result<()> {
    if path.is_file() {
        return Ok(());
    }
    bail!(
        "there is no file {}: start the service once, which makes it, or set store.url, STATE_DIRECTORY or \
         --config as the service has them",
        path.display()
    )
}

async fn connect_sqlite(
    path: &Path,
    options: SqliteConnectOptions,
) -> anyhow::Result<SqliteConnection> {
    let options = options.filename(path).busy_timeout(sqlite::BUSY).disable_statement_logging();
    let location = Location::Sqlite(path.to_owned());
    options.connect().await.map_err(|error| cannot_use(&location, &error))
}

async fn connect_postgres(address: &PostgresAddress) -> anyhow::Result<PgConnection> {
    let options = address.options().clone().disable_statement_logging();
    let location = Location::Postgres(address.clone());
    options.connect().await.map_err(|error| cannot_use(&location, &error))
}

/// The texts of the keys that a store is sealed with: those of the configuration, or the one in the file
/// beside it; none where there is no such file.
///
/// # Errors
/// The key file cannot be read.
pub(super) fn key_texts(settings: &Settings) -> Result<Vec<SecretString>, KeyFileError> {
    match &settings.location {
        Location::Sqlite(path) if settings.keys.is_empty() => match KeyFile::beside(path).read() {
            Err(KeyFileError::Missing(_)) => Ok(Vec::new()),
            read => read.map(|key| vec![key]),
        },
        _ => Ok(settings.keys.clone()),
    }
}

/// The keys of a store that a service may be using.
///
/// # Errors
/// The key file cannot be read, or there is no key.
pub(super) fn sealing(settings: &Settings) -> anyhow::Result<Sealing> {
    let sealing = Sealing::from_texts(&key_texts(settings)?)?;
    sealing.context("there is no key: set store.keys, or put the key file back")
}

/// As [`key_texts`], but makes the key file where there is none and nothing is sealed yet.
///
/// # Errors
/// The key file cannot be read or made, or is missing.
pub(super) async fn key_texts_made(
    settings: &Settings,
    direct: &mut Direct,
) -> anyhow::Result<Vec<SecretString>> {
    let texts = key_texts(settings)?;
    match &settings.location {
        Location::Sqlite(path) if texts.is_empty() => {
            let file = KeyFile::beside(path);
            if !keys_in_use(&mut direct.session()).await?.is_empty() {
                return Err(KeyFileError::Missing(file.path().to_owned()).into());
            }
            Ok(vec![file.make()?])
        }
        _ => Ok(texts),
    }
}
