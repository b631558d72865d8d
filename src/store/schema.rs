//! The tables, and how a database is brought up to date.
//!
//! Each release adds migrations at most and changes none. A migration leaves what the release before
//! needs: that one may go on running beside it. So a database that is one step ahead is welcome, and
//! one that is further ahead is refused.

use anyhow::bail;
use sqlx::SqlSafeStr;
use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::postgres::PgConnection;
use sqlx::sqlite::SqliteConnection;

use super::config::Location;
use super::session::Session;
use super::trouble::cannot_use;

/// The steps, in order: a name, and what is said to each database.
const STEPS: &[(&str, &str, &str)] = &[(
    "store",
    include_str!("migrations/sqlite/0001_store.sql"),
    include_str!("migrations/postgres/0001_store.sql"),
)];

/// Brings an SQLite database up to date.
pub(super) async fn migrate_sqlite(
    connection: &mut SqliteConnection,
    location: &Location,
) -> anyhow::Result<()> {
    let migrator = migrator(Session::Sqlite(connection), location).await?;
    let migrated = migrator.run_direct(None, connection, false).await;
    migrated.map_err(|error| said(error, location))
}

/// Brings a PostgreSQL database up to date. Of several replicas that start together one does it.
pub(super) async fn migrate_postgres(
    connection: &mut PgConnection,
    location: &Location,
) -> anyhow::Result<()> {
    let migrator = migrator(Session::Postgres(connection), location).await?;
    let migrated = migrator.run_direct(None, connection, false).await;
    migrated.map_err(|error| said(error, location))
}

fn said(error: MigrateError, location: &Location) -> anyhow::Error {
    match error {
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => {
            cannot_use(location, &error)
        }
        error => anyhow::anyhow!(
            "the tables of {location} are of another build ({error}): run that one, or begin with a \
             new store"
        ),
    }
}

/// The version of the tables that this release makes.
pub(super) fn latest() -> i64 {
    i64::try_from(STEPS.len()).unwrap_or(i64::MAX)
}

/// The version that the tables have; zero where there are none.
pub(super) async fn version(session: &mut Session<'_>) -> Result<i64, sqlx::Error> {
    let there = session.either(
        "SELECT COUNT(*) FROM sqlite_master WHERE name = '_sqlx_migrations'",
        "SELECT COUNT(*) FROM information_schema.tables
         WHERE table_schema = current_schema() AND table_name = '_sqlx_migrations'",
    );
    let there = session.row(there, &[]).await?.map_or(Ok(0), |row| row.number(0))?;
    if there == 0 {
        return Ok(0);
    }
    let latest = session.row("SELECT COALESCE(MAX(version), 0) FROM _sqlx_migrations", &[]).await?;
    latest.map_or(Ok(0), |row| row.number(0))
}

/// What brings this database up to date.
async fn migrator(mut session: Session<'_>, location: &Location) -> anyhow::Result<Migrator> {
    let steps = (1..).zip(STEPS).map(|(version, (name, sqlite, postgres))| {
        let sql = session.either(sqlite, postgres).into_sql_str();
        Migration::new(version, (*name).into(), MigrationType::Simple, sql, false)
    });
    let mut migrator = Migrator::with_migrations(steps.collect());
    let found = version(&mut session).await.map_err(|error| cannot_use(location, &error))?;
    let latest = latest();
    if found > latest + 1 {
        bail!(
            "the tables of {location} are of a newer release (step {found}; this one knows {latest}): \
             run that release, or restore a backup from before the update"
        );
    }
    if found > latest {
        tracing::warn!(
            found,
            known = latest,
            "the store's tables are one step newer than this release, which works with them; the next \
             step would not be"
        );
        migrator.set_ignore_missing(true);
    }
    Ok(migrator)
}
