//! What was sealed with an earlier key: whether it can be opened, and sealing it anew.

use std::collections::BTreeSet;

use super::database::Database;
use super::resealed::{Name, Resealed, keys_in_use, some_rows};
use super::sealing::{KeyId, SealedColumn};
use super::statements::Write;
use super::trouble::StoreError;

impl Database {
    /// The keys that sealed what is stored.
    pub(super) async fn keys_in_use(&self) -> Result<BTreeSet<KeyId>, StoreError> {
        self.read(|mut reading| async move { keys_in_use(&mut reading.session()).await }).await
    }

    /// Seals with the first key whatever was sealed with another. Gives how many rows that were.
    pub(super) async fn reseal(&self) -> Result<usize, StoreError> {
        let mut resealed = 0;
        for column in SealedColumn::ALL {
            let mut after = None;
            while let Some(last) = self.reseal_some(column, after, &mut resealed).await? {
                after = Some(last);
            }
        }
        Ok(resealed)
    }

    /// Goes through some rows behind the row `after`. Gives the last one; none at the end.
    async fn reseal_some(
        &self,
        column: &'static SealedColumn,
        after: Option<Name>,
        resealed: &mut usize,
    ) -> Result<Option<Name>, StoreError> {
        let rows = self.read(move |mut reading| async move {
            some_rows(&mut reading.session(), column, after.as_ref()).await
        });
        let mut last = None;
        for (row, before) in rows.await? {
            last = Some(row.clone());
            match self.sealing.renew(column, row.row_id(), &before) {
                Ok(None) => {}
                Ok(Some(after)) => {
                    self.write(Write::Replace(Resealed { column, row, before, after })).await?;
                    *resealed += 1;
                }
                Err(error) => {
                    tracing::error!(%error, table = column.table(), "a stored row cannot be opened");
                }
            }
        }
        Ok(last)
    }
}
