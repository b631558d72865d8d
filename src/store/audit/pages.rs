//! The audit page by page, for whoever reads it from the service that writes it.

use secrecy::SecretSlice;
use serde::{Deserialize, Serialize};

use crate::store::Store;
use crate::store::database::Database;
use crate::store::owner::Owner;
use crate::store::sealing::PSEUDONYMS_SECRET;
use crate::store::session::Row;
use crate::store::trouble::{StoreError, StoreTrouble};

/// A place in the audit, behind one line. Lines are in the order in which they were stored, those of all
/// chains among each other, so whoever goes on from a place later misses none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditPlace {
    stored_at: i64,
    id: String,
}

impl Store {
    /// The lines behind a place, or from the beginning, each with its own place; `most` at most. A store in
    /// memory has none.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn audit_lines(
        &self,
        after: Option<AuditPlace>,
        most: u32,
    ) -> Result<Vec<(AuditPlace, String)>, StoreError> {
        match self {
            Self::Memory(_) => Ok(Vec::new()),
            Self::Database(database) => database.audit_lines(after, most).await,
        }
    }

    /// The secret that a person's pseudonym is made with; none for whoever has none, or was forgotten.
    ///
    /// # Errors
    /// The store does not answer, or the secret does not open.
    pub async fn known_pseudonym_secret(
        &self,
        owner: &Owner,
    ) -> Result<Option<SecretSlice<u8>>, StoreError> {
        match self {
            Self::Memory(_) => Ok(None),
            Self::Database(database) => database.known_pseudonym_secret(owner).await,
        }
    }
}

impl Database {
    async fn audit_lines(
        &self,
        after: Option<AuditPlace>,
        most: u32,
    ) -> Result<Vec<(AuditPlace, String)>, StoreError> {
        const SOME: &str = "
            SELECT stored_at, id, line FROM audit WHERE stored_at > $1 OR (stored_at = $1 AND id > $2)
            ORDER BY stored_at, id LIMIT $3";
        let after = after.unwrap_or(AuditPlace { stored_at: i64::MIN, id: String::new() });
        self.read(move |mut reading| async move {
            let values = [after.stored_at.into(), after.id.as_str().into(), i64::from(most).into()];
            let rows = reading.session().rows(SOME, &values).await?;
            let read = |row: &Row| {
                let place = AuditPlace { stored_at: row.number(0)?, id: row.text(1)? };
                Ok((place, row.text(2)?))
            };
            rows.iter().map(read).collect()
        })
        .await
    }

    async fn known_pseudonym_secret(
        &self,
        owner: &Owner,
    ) -> Result<Option<SecretSlice<u8>>, StoreError> {
        const SECRET: &str = "SELECT secret FROM pseudonyms WHERE owner = $1";
        let id = owner.as_str().to_owned();
        let found = self.read(move |mut reading| async move {
            let row = reading.session().row(SECRET, &[id.as_str().into()]).await?;
            row.map(|row| row.bytes(0)).transpose()
        });
        let Some(sealed) = found.await? else { return Ok(None) };
        match self.sealing.open(&PSEUDONYMS_SECRET, owner.as_str(), &sealed) {
            Ok(secret) => Ok(Some(secret)),
            Err(error) => {
                let table = PSEUDONYMS_SECRET.table();
                tracing::error!(%error, table, "a stored row cannot be opened");
                Err(StoreError::Unavailable(StoreTrouble::Failing))
            }
        }
    }
}
