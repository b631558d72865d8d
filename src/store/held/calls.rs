//! What the store offers about held accounts.

use secrecy::ExposeSecret;

use super::{HeldChange, one, read};
use crate::store::Store;
use crate::store::database::Database;
use crate::store::owner::Owner;
use crate::store::sealing::HELD_ENDPOINT;
use crate::store::statements::Write;
use crate::store::trouble::StoreError;

impl Store {
    /// Remembers that another subscriber holds a chat account, by the endpoint with that identifier.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn remember_held(&self, owner: &Owner, endpoint: &str) -> Result<(), StoreError> {
        match self {
            Self::Memory(memory) => {
                memory.held.insert(owner.clone(), endpoint.to_owned());
                Ok(())
            }
            Self::Database(database) => database.remember_held(owner, endpoint).await,
        }
    }

    /// The identifier of the endpoint by which another subscriber holds a chat account.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn held(&self, owner: &Owner) -> Result<Option<String>, StoreError> {
        match self {
            Self::Memory(memory) => Ok(memory.held.get(owner)),
            Self::Database(database) => database.held(owner).await,
        }
    }

    /// The chat accounts that others hold, each with the endpoint's identifier: so many at most, those
    /// that were remembered last.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn all_held(&self, most: usize) -> Result<Vec<(Owner, String)>, StoreError> {
        match self {
            Self::Memory(memory) => Ok(memory.held.iter().take(most).collect()),
            Self::Database(database) => database.all_held(most).await,
        }
    }

    /// Forgets that a chat account is held.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn forget_held(&self, owner: &Owner) -> Result<(), StoreError> {
        match self {
            Self::Memory(memory) => {
                memory.held.remove(owner);
                Ok(())
            }
            Self::Database(database) => {
                database.write(Write::Held(HeldChange::Forget(owner.clone()))).await.map(drop)
            }
        }
    }
}

impl Database {
    async fn remember_held(&self, owner: &Owner, endpoint: &str) -> Result<(), StoreError> {
        let endpoint = self
            .sealing
            .seal(&HELD_ENDPOINT, owner.as_str(), endpoint.as_bytes())
            .map_err(|error| self.cannot_seal(error))?;
        let owner = owner.clone();
        self.write(Write::Held(HeldChange::Remember { owner, endpoint })).await.map(drop)
    }

    async fn held(&self, owner: &Owner) -> Result<Option<String>, StoreError> {
        let owner = owner.clone();
        let found =
            self.read(move |mut reading| async move { one(&mut reading.session(), &owner).await });
        Ok(found.await?.and_then(|found| self.open_held(found)).map(|(_, endpoint)| endpoint))
    }

    async fn all_held(&self, most: usize) -> Result<Vec<(Owner, String)>, StoreError> {
        const ALL: &str = "SELECT owner, endpoint FROM held ORDER BY stored_at DESC LIMIT $1";
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let found = self.read(move |mut reading| async move {
            reading.session().rows(ALL, &[most.into()]).await?.iter().map(read).collect()
        });
        let found: Vec<_> = found.await?;
        Ok(found.into_iter().filter_map(|found| self.open_held(found)).collect())
    }

    fn open_held(&self, (owner, endpoint): (Owner, Vec<u8>)) -> Option<(Owner, String)> {
        let endpoint = self.open(&HELD_ENDPOINT, owner.as_str(), &endpoint)?;
        Some((owner, endpoint.expose_secret().to_owned()))
    }
}
