//! What the store offers about personal pages.

use secrecy::ExposeSecret;

use super::{Found, NewPage, PageId, PageTimes, PageWrite, SealedPage, StoredPage, find};
use crate::store::Store;
use crate::store::database::Database;
use crate::store::sealing::PAGES_BODY;
use crate::store::statements::{Write, Wrote};
use crate::store::trouble::StoreError;

impl Store {
    /// Puts a page in.
    ///
    /// # Errors
    /// The store does not answer; then nobody may see the page's address.
    pub async fn put_page(&self, page: NewPage) -> Result<(), StoreError> {
        match self {
            Self::Memory(memory) => {
                memory.put_page(page);
                Ok(())
            }
            // Boxed: this is far larger than what waits for it.
            Self::Database(database) => Box::pin(database.put_page(page)).await,
        }
    }

    /// A page.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn page(&self, id: &PageId) -> Result<Option<StoredPage>, StoreError> {
        match self {
            Self::Memory(memory) => Ok(memory.page(id)),
            Self::Database(database) => database.page(id).await,
        }
    }

    /// Takes the one press that a page has at a time. Whether it was there to be taken.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn press_page(&self, id: &PageId, times: PageTimes) -> Result<bool, StoreError> {
        match self {
            Self::Memory(memory) => Ok(memory.press_page(id, times)),
            Self::Database(database) => {
                database.write_page(PageWrite::Press(id.clone(), times)).await
            }
        }
    }

    /// Gives back a press of which nothing came.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn release_page(&self, id: &PageId) -> Result<(), StoreError> {
        match self {
            Self::Memory(memory) => {
                memory.release_page(id);
                Ok(())
            }
            Self::Database(database) => {
                database.write_page(PageWrite::Release(id.clone())).await.map(drop)
            }
        }
    }

    /// Ends a page for good. Whether nobody had done so before.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn end_page(&self, id: &PageId) -> Result<bool, StoreError> {
        match self {
            Self::Memory(memory) => Ok(memory.end_page(id)),
            Self::Database(database) => database.write_page(PageWrite::End(id.clone())).await,
        }
    }
}

impl Database {
    async fn put_page(&self, page: NewPage) -> Result<(), StoreError> {
        let NewPage { id, owner, message, body } = page;
        let body = body.expose_secret().as_bytes();
        let body = self.sealing.seal(&PAGES_BODY, id.0.as_str(), body);
        let body = body.map_err(|error| self.cannot_seal(error))?;
        self.write_page(PageWrite::Put(SealedPage { id, owner, message, body })).await.map(drop)
    }

    /// Writes about a page. Whether there was one to write about.
    async fn write_page(&self, write: PageWrite) -> Result<bool, StoreError> {
        Ok(matches!(self.write(Write::Page(write)).await?, Wrote::Rows(rows) if rows > 0))
    }

    async fn page(&self, id: &PageId) -> Result<Option<StoredPage>, StoreError> {
        let row = id.clone();
        let found =
            self.read(move |mut reading| async move { find(&mut reading.session(), &row).await });
        let Some(Found { body, used_at, ended_at, created_at }) = found.await? else {
            return Ok(None);
        };
        let Some(body) = self.open(&PAGES_BODY, id.0.as_str(), &body) else { return Ok(None) };
        Ok(Some(StoredPage {
            body,
            age: self.clock.since(created_at),
            pressed: used_at.map(|used_at| self.clock.since(used_at)),
            ended: ended_at.is_some(),
        }))
    }
}
