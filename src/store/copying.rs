//! Copying everything from one store into another, which seals it with its own keys.

use std::time::Duration;

use anyhow::{Context as _, bail};
use secrecy::{ExposeSecret, SecretString};
use sqlx::{AssertSqlSafe, Error};

use super::config::{Location, Settings};
use super::direct::{Direct, key_texts, key_texts_made};
use super::replicas::BEAT;
use super::sealing::{MISSING_KEY, RowId, SealedColumn, Sealing, Unsealed};
use super::session::{Row, Session, Value};
use super::statements::{Write, time_seen};
use super::trouble::cannot_use;
use crate::clock::SharedClock;

/// Rows that are read at once.
const ROWS: i64 = 200;
/// How long it takes until a service that is alive has said so again.
const SILENCE: Duration = BEAT.saturating_mul(2);

/// A table that is copied, with every column; the first one names a row.
struct Table {
    name: &'static str,
    columns: &'static [(&'static str, Kind)],
}

/// The type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Number,
    Text,
    Bytes,
}

/// What is copied. The store's time is taken over; what replicas tell each other is over within minutes.
const TABLES: [Table; 8] = [
    Table {
        name: "jobs",
        columns: &[
            ("id", Kind::Number),
            ("kind", Kind::Text),
            ("unique_key", Kind::Bytes),
            ("payload", Kind::Bytes),
            ("attempts", Kind::Number),
            ("due_at", Kind::Number),
            ("holder", Kind::Number),
            ("token", Kind::Number),
            ("outcome", Kind::Text),
            ("ended_at", Kind::Number),
        ],
    },
    Table {
        name: "messages",
        columns: &[
            ("id", Kind::Text),
            ("platform", Kind::Text),
            ("body", Kind::Bytes),
            ("version", Kind::Number),
            ("created_at", Kind::Number),
            ("watch", Kind::Bytes),
            ("watch_version", Kind::Number),
            ("watched_until", Kind::Number),
        ],
    },
    Table {
        name: "links",
        columns: &[
            ("owner", Kind::Text),
            ("subscriber", Kind::Text),
            ("body", Kind::Bytes),
            ("gone", Kind::Number),
            ("stored_at", Kind::Number),
        ],
    },
    Table {
        name: "held",
        columns: &[("owner", Kind::Text), ("endpoint", Kind::Bytes), ("stored_at", Kind::Number)],
    },
    Table {
        name: "audit",
        columns: &[
            ("id", Kind::Text),
            ("chain", Kind::Text),
            ("number", Kind::Number),
            ("line", Kind::Text),
            ("hash", Kind::Text),
            ("stored_at", Kind::Number),
        ],
    },
    Table {
        name: "pseudonyms",
        columns: &[("owner", Kind::Text), ("secret", Kind::Bytes), ("stored_at", Kind::Number)],
    },
    Table {
        name: "pages",
        columns: &[
            ("id", Kind::Text),
            ("owner", Kind::Text),
            ("message", Kind::Text),
            ("body", Kind::Bytes),
            ("used_at", Kind::Number),
            ("ended_at", Kind::Number),
            ("created_at", Kind::Number),
        ],
    },
    Table {
        name: "workspace_requests",
        columns: &[
            ("id", Kind::Text),
            ("platform", Kind::Text),
            ("unique_key", Kind::Bytes),
            ("body", Kind::Bytes),
            ("version", Kind::Number),
            ("open_until", Kind::Number),
            ("created_at", Kind::Number),
        ],
    },
];

/// What was copied.
#[derive(Debug, PartialEq, Eq)]
pub struct Copied {
    /// How many rows of each table.
    pub rows: Vec<(&'static str, usize)>,
    /// How many rows were left out, because they cannot be opened whatever the key.
    pub damaged: usize,
}

/// Copies everything from one store into another, which has to be empty: all of it or nothing. No service
/// may use either. The one that is copied stays as it is.
///
/// # Errors
/// One of them cannot be opened or is in use, the other one is not empty, or something is sealed with a
/// key that is not given.
pub async fn copy(from: &Location, into: &Settings, clock: &SharedClock) -> anyhow::Result<Copied> {
    let mut source = Direct::to_one_alone(from).await?;
    must_be_silent(&mut source, clock).await.with_context(|| format!("{from} is not copied"))?;
    let mut target = Direct::to_one_made(&into.location).await?;
    let (opening, sealing) = keys(from, into, &mut target).await?;

    let mut session = target.session();
    session.command(session.either("BEGIN IMMEDIATE", "BEGIN")).await?;
    let copied = all(&mut source, &opening, &mut target, &sealing, from, &into.location).await?;
    target.session().command("COMMIT").await.map_err(|error| cannot_use(&into.location, &error))?;
    source.close().await?;
    target.close().await?;
    Ok(copied)
}

/// What opens the one store, and what seals the other. To open, every key counts that is given for
/// either: of a backup, the key file is still beside the store that it was made of.
async fn keys(
    from: &Location,
    into: &Settings,
    target: &mut Direct,
) -> anyhow::Result<(Sealing, Sealing)> {
    let none = "there is no key: set store.keys";
    let texts = key_texts_made(into, target).await?;
    let sealing = Sealing::from_texts(&texts)?.context(none)?;
    let beside = key_texts(&Settings { location: from.clone(), keys: Vec::new() })?;
    let all: Vec<SecretString> = texts.into_iter().chain(beside).collect();
    Ok((Sealing::from_texts(&all)?.context(none)?, sealing))
}

/// Makes certain that no service uses a database that several may use: one that does says so often.
async fn must_be_silent(source: &mut Direct, clock: &SharedClock) -> anyhow::Result<()> {
    if !source.is_shared() {
        return Ok(());
    }
    let before = instances(&mut source.session()).await?;
    if before.is_empty() {
        return Ok(());
    }
    clock.sleep(SILENCE).await;
    if instances(&mut source.session()).await? != before {
        bail!("a service is using it: stop every replica first");
    }
    Ok(())
}

/// Who has said when that they are alive.
async fn instances(session: &mut Session<'_>) -> Result<Vec<(i64, i64)>, Error> {
    let rows = session.rows("SELECT id, seen_at FROM instances ORDER BY id", &[]).await?;
    rows.iter().map(|row| Ok((row.get(0)?, row.get(1)?))).collect()
}

async fn all(
    source: &mut Direct,
    opening: &Sealing,
    target: &mut Direct,
    sealing: &Sealing,
    from: &Location,
    into: &Location,
) -> anyhow::Result<Copied> {
    let mut copied = Copied { rows: Vec::new(), damaged: 0 };
    for table in &TABLES {
        let count = AssertSqlSafe(format!("SELECT COUNT(*) FROM {}", table.name));
        let row =
            target.session().row(count, &[]).await.map_err(|error| cannot_use(into, &error))?;
        if row.map_or(Ok(0), |row| row.get::<i64>(0))? > 0 {
            bail!("{into} is not empty: let store.url name a store that is new");
        }
        let (mut rows, mut after) = (0, None);
        loop {
            let some = table.some(&mut source.session(), after.as_ref()).await;
            let some = some.map_err(|error| cannot_use(from, &error))?;
            let Some(last) = some.last() else { break };
            after = last.first().cloned();
            for mut row in some {
                if table.reseal(&mut row, opening, sealing)? {
                    let put = table.put(&mut target.session(), &row).await;
                    put.map_err(|error| cannot_use(into, &error))?;
                    rows += 1;
                } else {
                    copied.damaged += 1;
                }
            }
        }
        copied.rows.push((table.name, rows));
    }
    if let Some(now) = time_seen(&mut source.session()).await? {
        Write::TellTime.run(&mut target.session(), 0, now).await?;
        // Whoever held something does not hold it there.
        Write::ReleaseAll.run(&mut target.session(), 0, now).await?;
    }
    Ok(copied)
}

/// A value of a row.
#[derive(Debug, Clone)]
enum Cell {
    Number(Option<i64>),
    Text(Option<String>),
    Bytes(Option<Vec<u8>>),
}

impl Cell {
    fn read(kind: Kind, row: &Row, column: usize) -> Result<Self, Error> {
        match kind {
            Kind::Number => row.get(column).map(Self::Number),
            Kind::Text => row.get(column).map(Self::Text),
            Kind::Bytes => row.get(column).map(Self::Bytes),
        }
    }

    fn value(&self) -> Value<'_> {
        match self {
            Self::Number(number) => (*number).into(),
            Self::Text(text) => text.as_deref().map_or(Value::NoText, Value::Text),
            Self::Bytes(bytes) => bytes.as_deref().map_or(Value::NoBytes, Value::Bytes),
        }
    }

    fn row_id(&self) -> Option<RowId<'_>> {
        match self {
            Self::Number(number) => number.map(RowId::Number),
            Self::Text(text) => text.as_deref().map(RowId::Text),
            Self::Bytes(_) => None,
        }
    }
}

impl Table {
    fn names(&self) -> Vec<&'static str> {
        self.columns.iter().map(|(name, _)| *name).collect()
    }

    /// Some rows behind the one that is named; none at the end.
    async fn some(
        &self,
        session: &mut Session<'_>,
        after: Option<&Cell>,
    ) -> Result<Vec<Vec<Cell>>, Error> {
        let names = self.names();
        let (table, id, columns) = (self.name, names[0], names.join(", "));
        let behind = if after.is_some() { format!("WHERE {id} > $2") } else { String::new() };
        let statement = format!("SELECT {columns} FROM {table} {behind} ORDER BY {id} LIMIT $1");
        let values: Vec<_> =
            std::iter::once(Value::Number(ROWS)).chain(after.map(Cell::value)).collect();
        let rows = session.rows(AssertSqlSafe(statement), &values).await?;
        rows.iter().map(|row| self.read(row)).collect()
    }

    fn read(&self, row: &Row) -> Result<Vec<Cell>, Error> {
        let cells = self.columns.iter().enumerate();
        cells.map(|(column, (_, kind))| Cell::read(*kind, row, column)).collect()
    }

    /// Seals what is sealed anew. Whether all of it could be opened.
    fn reseal(
        &self,
        row: &mut [Cell],
        opening: &Sealing,
        sealing: &Sealing,
    ) -> anyhow::Result<bool> {
        let Some((id, rest)) = row.split_first_mut() else { return Ok(true) };
        for (cell, (name, _)) in rest.iter_mut().zip(&self.columns[1..]) {
            let of_this =
                |column: &&&SealedColumn| column.table() == self.name && column.column() == *name;
            let (Some(column), Cell::Bytes(Some(sealed))) =
                (SealedColumn::ALL.iter().find(of_this), cell)
            else {
                continue;
            };
            let Some(row) = id.row_id().filter(|_| !sealed.is_empty()) else { continue };
            match opening.open(column, row, sealed) {
                Ok(plain) => *sealed = sealing.seal(column, row, plain.expose_secret())?,
                Err(Unsealed::Damaged) => return Ok(false),
                Err(error @ Unsealed::UnknownKey(_)) => {
                    let table = self.name;
                    bail!("a row of {table} does not open: {error}; {MISSING_KEY}");
                }
            }
        }
        Ok(true)
    }

    async fn put(&self, session: &mut Session<'_>, row: &[Cell]) -> Result<u64, Error> {
        let places: Vec<_> = (1..=row.len()).map(|place| format!("${place}")).collect();
        let (columns, places) = (self.names().join(", "), places.join(", "));
        let statement = format!("INSERT INTO {} ({columns}) VALUES ({places})", self.name);
        let values: Vec<_> = row.iter().map(Cell::value).collect();
        session.execute(AssertSqlSafe(statement), &values).await
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Arc;

    use jiff::Timestamp;

    use super::super::Store;
    use super::super::config::location;
    use super::*;
    use crate::clock::ManualClock;
    use crate::random::SystemRandom;

    /// The tables of a store, without those that are made anew.
    async fn tables(session: &mut Session<'_>) -> BTreeSet<String> {
        const NOT_COPIED: [&str; 6] =
            ["_sqlx_migrations", "store_clock", "instances", "leaders", "seen", "pace"];
        let statement = session.either(
            "SELECT name FROM sqlite_master WHERE type = 'table'",
            "SELECT CAST(table_name AS TEXT) FROM information_schema.tables
             WHERE table_schema = current_schema()",
        );
        let rows = session.rows(statement, &[]).await.unwrap();
        let names = rows.iter().map(|row| row.text(0).unwrap());
        names.filter(|name| !NOT_COPIED.contains(&name.as_str())).collect()
    }

    async fn columns(session: &mut Session<'_>, table: &str) -> BTreeSet<String> {
        let statement = session.either(
            "SELECT name FROM pragma_table_info($1)",
            "SELECT CAST(column_name AS TEXT) FROM information_schema.columns
             WHERE table_schema = current_schema() AND table_name = $1",
        );
        let rows = session.rows(statement, &[table.into()]).await.unwrap();
        rows.iter().map(|row| row.text(0).unwrap()).collect()
    }

    #[tokio::test]
    async fn every_column_of_every_table_is_copied() {
        let directory = tempfile::tempdir().unwrap();
        let mut locations = vec![Location::Sqlite(directory.path().join("store.db"))];
        let server = connect_sandbox::Postgres::shared();
        locations.extend(server.map(|server| location(&server.database()).unwrap()));
        for location in locations {
            let mut direct = Direct::to_one_made(&location).await.unwrap();
            let mut session = direct.session();
            let named: BTreeSet<_> = TABLES.iter().map(|table| table.name.to_owned()).collect();
            assert_eq!(tables(&mut session).await, named, "{location}");
            for table in &TABLES {
                let named: BTreeSet<_> = table.names().into_iter().map(str::to_owned).collect();
                assert_eq!(columns(&mut session, table.name).await, named, "{location}");
            }
        }
        for column in SealedColumn::ALL {
            let table = TABLES.iter().find(|table| table.name == column.table()).unwrap();
            assert!(table.names().contains(&column.column()) && table.names()[0] == column.id());
        }
    }

    #[tokio::test]
    async fn a_database_that_a_service_uses_is_not_copied() {
        let Some(server) = connect_sandbox::Postgres::shared() else { return };
        let directory = tempfile::tempdir().unwrap();
        let keys = vec![SecretString::from("canary-key-of-a-store")];
        let from = Settings { location: location(&server.database()).unwrap(), keys };
        let into = Settings {
            location: Location::Sqlite(directory.path().join("store.db")),
            keys: from.keys.clone(),
        };
        let manual = ManualClock::new(Timestamp::from_second(1_790_000_000).unwrap());
        let clock: SharedClock = Arc::new(manual.clone());
        let service = Store::open(&from, Arc::clone(&clock), Arc::new(SystemRandom)).await.unwrap();
        let Store::Database(database) = service else { panic!("a database") };
        for is_alive in [true, false] {
            database.beat().await.unwrap();
            let (from, into, clock) = (from.location.clone(), into.clone(), Arc::clone(&clock));
            let copying = tokio::spawn(async move { copy(&from, &into, &clock).await });
            while !copying.is_finished() {
                tokio::task::yield_now().await;
                if is_alive {
                    database.beat().await.unwrap();
                }
                manual.advance(Duration::from_millis(100));
            }
            let copied = copying.await.unwrap();
            assert_eq!(copied.is_err(), is_alive, "{copied:?}");
            if let Err(error) = copied {
                assert!(format!("{error:#}").contains("stop every replica first"), "{error:#}");
            }
        }
    }
}
