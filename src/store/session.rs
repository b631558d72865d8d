//! A connection to either database, as the statements see it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnection, PgRow};
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use sqlx::{Decode, Error, Executor, Postgres, Row as _, SqlSafeStr, Sqlite, Type};

/// A value that is bound to a placeholder.
#[derive(Debug, Clone, Copy)]
pub(super) enum Value<'a> {
    Number(i64),
    Text(&'a str),
    Bytes(&'a [u8]),
    NoBytes,
    NoNumber,
    NoText,
}

impl From<i64> for Value<'_> {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text)
    }
}

impl<'a> From<&'a [u8]> for Value<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self::Bytes(bytes)
    }
}

impl<'a> From<Option<&'a [u8]>> for Value<'a> {
    fn from(bytes: Option<&'a [u8]>) -> Self {
        bytes.map_or(Self::NoBytes, Self::Bytes)
    }
}

impl From<Option<i64>> for Value<'_> {
    fn from(number: Option<i64>) -> Self {
        number.map_or(Self::NoNumber, Self::Number)
    }
}

/// A connection. The text of a statement is the same for both databases, save where [`Session::either`]
/// chooses.
#[derive(Debug)]
pub(super) enum Session<'c> {
    Sqlite(&'c mut SqliteConnection),
    Postgres(&'c mut PgConnection),
}

/// A connection that is held while something is read.
pub(super) enum Reading {
    Sqlite(PoolConnection<Sqlite>),
    Postgres { connection: PoolConnection<Postgres>, _lent: Lent },
}

/// Counts a connection as lent until it is dropped.
#[derive(Debug)]
pub(super) struct Lent(Arc<AtomicUsize>);

impl Lent {
    pub(super) fn count(lent: &Arc<AtomicUsize>) -> Self {
        lent.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(lent))
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Reading {
    pub(super) fn session(&mut self) -> Session<'_> {
        match self {
            Self::Sqlite(connection) => Session::Sqlite(connection),
            Self::Postgres { connection, .. } => Session::Postgres(connection),
        }
    }
}

/// A row that was found.
#[derive(Debug)]
pub(super) enum Row {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

/// A statement for one of the databases, with its values.
macro_rules! bound {
    ($statement:expr, $values:expr) => {{
        let mut query = sqlx::query($statement);
        for value in $values {
            query = match *value {
                Value::Number(number) => query.bind(number),
                Value::Text(text) => query.bind(text.to_owned()),
                Value::Bytes(bytes) => query.bind(bytes.to_vec()),
                Value::NoBytes => query.bind(None::<Vec<u8>>),
                Value::NoNumber => query.bind(None::<i64>),
                Value::NoText => query.bind(None::<String>),
            };
        }
        query
    }};
}

impl Session<'_> {
    /// The text that suits this database.
    pub(super) fn either(&self, sqlite: &'static str, postgres: &'static str) -> &'static str {
        match self {
            Self::Sqlite(_) => sqlite,
            Self::Postgres(_) => postgres,
        }
    }

    /// Runs a statement. Gives the number of rows that it changed.
    pub(super) async fn execute(
        &mut self,
        statement: impl SqlSafeStr,
        values: &[Value<'_>],
    ) -> Result<u64, Error> {
        match self {
            Self::Sqlite(connection) => {
                let done = bound!(statement, values).execute(&mut **connection).await?;
                Ok(done.rows_affected())
            }
            Self::Postgres(connection) => {
                let done = bound!(statement, values).execute(&mut **connection).await?;
                Ok(done.rows_affected())
            }
        }
    }

    /// Runs a statement. Gives the rows that it found.
    pub(super) async fn rows(
        &mut self,
        statement: impl SqlSafeStr,
        values: &[Value<'_>],
    ) -> Result<Vec<Row>, Error> {
        match self {
            Self::Sqlite(connection) => {
                let rows = bound!(statement, values).fetch_all(&mut **connection).await?;
                Ok(rows.into_iter().map(Row::Sqlite).collect())
            }
            Self::Postgres(connection) => {
                let rows = bound!(statement, values).fetch_all(&mut **connection).await?;
                Ok(rows.into_iter().map(Row::Postgres).collect())
            }
        }
    }

    /// Runs a statement. Gives the first row that it found.
    pub(super) async fn row(
        &mut self,
        statement: impl SqlSafeStr,
        values: &[Value<'_>],
    ) -> Result<Option<Row>, Error> {
        Ok(self.rows(statement, values).await?.into_iter().next())
    }

    /// Runs statements without values, such as those that begin and end a transaction.
    pub(super) async fn command(&mut self, statement: &'static str) -> Result<(), Error> {
        match self {
            Self::Sqlite(connection) => connection.execute(statement).await.map(drop),
            Self::Postgres(connection) => connection.execute(statement).await.map(drop),
        }
    }
}

impl Row {
    pub(super) fn number(&self, column: usize) -> Result<i64, Error> {
        self.get(column)
    }

    pub(super) fn text(&self, column: usize) -> Result<String, Error> {
        self.get(column)
    }

    pub(super) fn bytes(&self, column: usize) -> Result<Vec<u8>, Error> {
        self.get(column)
    }

    /// A value of any type that both databases have; an option where there may be none.
    pub(super) fn get<'r, T>(&'r self, column: usize) -> Result<T, Error>
    where
        T: Decode<'r, Sqlite> + Type<Sqlite> + Decode<'r, Postgres> + Type<Postgres>,
    {
        match self {
            Self::Sqlite(row) => row.try_get(column),
            Self::Postgres(row) => row.try_get(column),
        }
    }
}
