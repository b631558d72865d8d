//! Sealed values, whatever column they are in: which keys sealed them, and putting others in their place.

use std::collections::BTreeSet;

use sqlx::{AssertSqlSafe, Error};

use super::sealing::{IdType, KeyId, RowId, SealedColumn};
use super::session::{Row, Session, Value};

/// Rows that are read at once.
const ROWS: i64 = 100;

/// A value that is sealed anew, in place of what it was.
#[derive(Debug)]
pub(super) struct Resealed {
    pub(super) column: &'static SealedColumn,
    pub(super) row: Name,
    pub(super) before: Vec<u8>,
    pub(super) after: Vec<u8>,
}

/// What names a row.
#[derive(Debug, Clone)]
pub(super) enum Name {
    Number(i64),
    Text(String),
}

impl Name {
    fn read(column: &SealedColumn, row: &Row) -> Result<Self, Error> {
        match column.id_type() {
            IdType::Number => row.number(0).map(Self::Number),
            IdType::Text => row.text(0).map(Self::Text),
        }
    }

    fn value(&self) -> Value<'_> {
        match self {
            Self::Number(number) => Value::Number(*number),
            Self::Text(text) => Value::Text(text),
        }
    }

    pub(super) fn row_id(&self) -> RowId<'_> {
        match self {
            Self::Number(number) => RowId::Number(*number),
            Self::Text(text) => RowId::Text(text),
        }
    }
}

impl Resealed {
    /// Puts it in place, unless the row has changed meanwhile.
    pub(super) async fn replace(&self, session: &mut Session<'_>) -> Result<u64, Error> {
        let (table, column, id) = (self.column.table(), self.column.column(), self.column.id());
        let statement =
            format!("UPDATE {table} SET {column} = $1 WHERE {id} = $2 AND {column} = $3");
        let values =
            [self.after.as_slice().into(), self.row.value(), self.before.as_slice().into()];
        session.execute(AssertSqlSafe(statement), &values).await
    }
}

/// The keys that sealed what is stored.
pub(super) async fn keys_in_use(session: &mut Session<'_>) -> Result<BTreeSet<KeyId>, Error> {
    let mut keys = BTreeSet::new();
    for column in SealedColumn::ALL {
        let (table, column) = (column.table(), column.column());
        let statement = format!(
            "SELECT DISTINCT substr({column}, 1, 5) FROM {table} WHERE length({column}) > 0"
        );
        for row in session.rows(AssertSqlSafe(statement), &[]).await? {
            keys.extend(KeyId::of(&row.bytes(0)?));
        }
    }
    Ok(keys)
}

/// Some rows of a column behind the row `after`, by their names.
pub(super) async fn some_rows(
    session: &mut Session<'_>,
    column: &'static SealedColumn,
    after: Option<&Name>,
) -> Result<Vec<(Name, Vec<u8>)>, Error> {
    let (table, sealed, id) = (column.table(), column.column(), column.id());
    let behind = if after.is_some() { format!("AND {id} > $2") } else { String::new() };
    let statement = format!(
        "SELECT {id}, {sealed} FROM {table} WHERE length({sealed}) > 0 {behind} ORDER BY {id} LIMIT $1"
    );
    let mut values = vec![Value::Number(ROWS)];
    values.extend(after.map(Name::value));
    let rows = session.rows(AssertSqlSafe(statement), &values).await?;
    rows.iter().map(|row| Ok((Name::read(column, row)?, row.bytes(1)?))).collect()
}
