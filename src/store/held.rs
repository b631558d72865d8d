//! Chat accounts that are known to be held by another subscriber than whoever asked for them, each with the
//! endpoint by which that is so. Whether it still is so only Novu knows.

use secrecy::ExposeSecret;
use sqlx::Error;

use super::Store;
use super::database::Database;
use super::owner::Owner;
use super::sealing::HELD_ENDPOINT;
use super::session::{Row, Session};
use super::statements::Write;
use super::trouble::StoreError;

/// How long it is kept that an account is held, in milliseconds.
pub(super) const HELD_KEPT: i64 = 90 * 24 * 60 * 60 * 1000;

/// What is written of held accounts.
#[derive(Debug)]
pub(super) enum HeldChange {
    Remember { owner: Owner, endpoint: Vec<u8> },
    Forget(Owner),
}

impl HeldChange {
    pub(super) async fn run(&self, session: &mut Session<'_>, now: i64) -> Result<u64, Error> {
        const REMEMBER: &str = "
            INSERT INTO held (owner, endpoint, stored_at) VALUES ($1, $2, $3)
            ON CONFLICT (owner) DO UPDATE SET endpoint = excluded.endpoint,
                stored_at = excluded.stored_at";
        match self {
            Self::Remember { owner, endpoint } => {
                let values = [owner.as_str().into(), endpoint.as_slice().into(), now.into()];
                session.execute(REMEMBER, &values).await
            }
            Self::Forget(owner) => forget(session, owner).await,
        }
    }
}

/// Removes that an account is held.
pub(super) async fn forget(session: &mut Session<'_>, owner: &Owner) -> Result<u64, Error> {
    session.execute("DELETE FROM held WHERE owner = $1", &[owner.as_str().into()]).await
}

/// Removes what is kept for no longer.
pub(super) async fn prune(session: &mut Session<'_>, now: i64) -> Result<u64, Error> {
    session.execute("DELETE FROM held WHERE stored_at < $1", &[(now - HELD_KEPT).into()]).await
}

fn read(row: &Row) -> Result<(Owner, Vec<u8>), Error> {
    Ok((Owner::stored(row.text(0)?), row.bytes(1)?))
}

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
        const HELD: &str = "SELECT owner, endpoint FROM held WHERE owner = $1";
        let owner = owner.clone();
        let found = self.read(move |mut reading| async move {
            let row = reading.session().row(HELD, &[owner.as_str().into()]).await?;
            row.as_ref().map(read).transpose()
        });
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
