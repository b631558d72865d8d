//! What the store offers about requests to connect a workspace.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};

use super::{
    MOST_AT_ONCE, NEWEST, NewWorkspaceRequest, OPEN, RequestRow, RequestWrite, RequestWrote,
    SealedRequest, StoredWorkspaceRequest, find, find_by_key, some,
};
use crate::store::Store;
use crate::store::changes::Held;
use crate::store::database::Database;
use crate::store::sealing::{CryptographyFailed, Sealing, WORKSPACE_REQUESTS_BODY};
use crate::store::statements::{Write, Wrote};
use crate::store::trouble::{StoreError, StoreTrouble};

impl Store {
    /// Puts a request in; gives none then. Where one with its key or its id is there already, gives that
    /// one and changes nothing.
    ///
    /// # Errors
    /// The store does not answer, and it is not known whether the request is in; or the one that is there
    /// does not open.
    pub async fn put_workspace_request(
        &self,
        request: NewWorkspaceRequest,
    ) -> Result<Option<StoredWorkspaceRequest>, StoreError> {
        match self {
            Self::Memory(memory) => Ok(memory.put_workspace_request(request)),
            // Boxed: this is far larger than what waits for it.
            Self::Database(database) => Box::pin(database.put_workspace_request(request)).await,
        }
    }

    /// A request.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn workspace_request(
        &self,
        id: &str,
    ) -> Result<Option<StoredWorkspaceRequest>, StoreError> {
        match self {
            Self::Memory(memory) => Ok(memory.workspace_request(id)),
            Self::Database(database) => database.workspace_request(id).await,
        }
    }

    /// The request of a platform that has this key.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn workspace_request_by_key(
        &self,
        platform: &str,
        key: [u8; 32],
    ) -> Result<Option<StoredWorkspaceRequest>, StoreError> {
        match self {
            Self::Memory(memory) => Ok(memory.workspace_request_by_key(platform, &key)),
            Self::Database(database) => database.workspace_request_by_key(platform, key).await,
        }
    }

    /// The requests of a platform that have not ended, those included whose time is over, the oldest first;
    /// a thousand at most.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn open_workspace_requests(
        &self,
        platform: &str,
    ) -> Result<Vec<StoredWorkspaceRequest>, StoreError> {
        match self {
            Self::Memory(memory) => Ok(memory.open_workspace_requests(platform)),
            Self::Database(database) => database.requests_of(OPEN, platform, MOST_AT_ONCE).await,
        }
    }

    /// The newest requests of a platform, ended or not, the newest first; `most` at most.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn newest_workspace_requests(
        &self,
        platform: &str,
        most: u32,
    ) -> Result<Vec<StoredWorkspaceRequest>, StoreError> {
        match self {
            Self::Memory(memory) => Ok(memory.newest_workspace_requests(platform, most)),
            Self::Database(database) => database.requests_of(NEWEST, platform, most).await,
        }
    }

    /// Replaces the body of a request that still has this version, and lets it last for so long from now
    /// on, or end (none).
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn change_workspace_request(
        &self,
        id: &str,
        version: i64,
        body: SecretString,
        lasts: Option<Duration>,
    ) -> Result<Held, StoreError> {
        match self {
            Self::Memory(memory) => Ok(memory.change_workspace_request(id, version, body, lasts)),
            Self::Database(database) => {
                database.change_workspace_request(id, version, &body, lasts).await
            }
        }
    }
}

impl NewWorkspaceRequest {
    /// Seals it for its row.
    pub(super) fn seal(self, sealing: &Sealing) -> Result<SealedRequest, CryptographyFailed> {
        let Self { id, platform, key, body, lasts } = self;
        let body = body.expose_secret().as_bytes();
        let body = sealing.seal(&WORKSPACE_REQUESTS_BODY, id.as_str(), body)?;
        Ok(SealedRequest { id, platform, key, body, lasts })
    }
}

impl Database {
    async fn put_workspace_request(
        &self,
        request: NewWorkspaceRequest,
    ) -> Result<Option<StoredWorkspaceRequest>, StoreError> {
        let sealed = request.seal(&self.sealing).map_err(|error| self.cannot_seal(error))?;
        match self.write(Write::WorkspaceRequest(RequestWrite::Put(sealed))).await? {
            Wrote::WorkspaceRequest(RequestWrote::There(row)) => {
                // None would say that the new one is in.
                let there = self.open_request(row);
                there.map(Some).ok_or(StoreError::Unavailable(StoreTrouble::Failing))
            }
            _ => Ok(None),
        }
    }

    async fn workspace_request(
        &self,
        id: &str,
    ) -> Result<Option<StoredWorkspaceRequest>, StoreError> {
        let id = id.to_owned();
        let found =
            self.read(move |mut reading| async move { find(&mut reading.session(), &id).await });
        Ok(found.await?.and_then(|row| self.open_request(row)))
    }

    async fn workspace_request_by_key(
        &self,
        platform: &str,
        key: [u8; 32],
    ) -> Result<Option<StoredWorkspaceRequest>, StoreError> {
        let platform = platform.to_owned();
        let found = self.read(move |mut reading| async move {
            find_by_key(&mut reading.session(), &platform, &key).await
        });
        Ok(found.await?.and_then(|row| self.open_request(row)))
    }

    async fn requests_of(
        &self,
        query: &'static str,
        platform: &str,
        most: u32,
    ) -> Result<Vec<StoredWorkspaceRequest>, StoreError> {
        let platform = platform.to_owned();
        let found = self.read(move |mut reading| async move {
            some(&mut reading.session(), query, &platform, most).await
        });
        Ok(found.await?.into_iter().filter_map(|row| self.open_request(row)).collect())
    }

    async fn change_workspace_request(
        &self,
        id: &str,
        version: i64,
        body: &SecretString,
        lasts: Option<Duration>,
    ) -> Result<Held, StoreError> {
        let body = self.sealing.seal(&WORKSPACE_REQUESTS_BODY, id, body.expose_secret().as_bytes());
        let body = body.map_err(|error| self.cannot_seal(error))?;
        let change = RequestWrite::Change { id: id.to_owned(), version, body, lasts };
        match self.write(Write::WorkspaceRequest(change)).await? {
            Wrote::WorkspaceRequest(RequestWrote::Rows(1..)) => Ok(Held::Still),
            _ => Ok(Held::NoLonger),
        }
    }

    fn open_request(&self, row: RequestRow) -> Option<StoredWorkspaceRequest> {
        let body = self.open(&WORKSPACE_REQUESTS_BODY, row.id.as_str(), &row.body)?;
        Some(row.opened(body, self.clock.now()))
    }
}
