//! What the store offers about the audit, and how it is read beside a service that writes it.

use aws_lc_rs::rand;
use secrecy::{ExposeSecret, SecretSlice};

use super::{Appended, AuditRow, AuditWrite};
use crate::store::config::Settings;
use crate::store::database::Database;
use crate::store::direct::{Direct, sealing};
use crate::store::owner::Owner;
use crate::store::sealing::{CryptographyFailed, PSEUDONYMS_SECRET};
use crate::store::session::Row;
use crate::store::statements::{Write, Wrote};
use crate::store::trouble::{StoreError, StoreTrouble, cannot_use};
use crate::store::{Memory, Store};

/// The length of a secret, in bytes.
const SECRET_LENGTH: usize = 32;
/// Lines that are read at once.
const LINES: i64 = 500;

fn new_secret() -> Result<SecretSlice<u8>, CryptographyFailed> {
    let mut secret = vec![0; SECRET_LENGTH];
    rand::fill(&mut secret).map_err(|_| CryptographyFailed)?;
    Ok(secret.into())
}

impl Store {
    /// Stores a line of the audit. A store in memory keeps none.
    ///
    /// # Errors
    /// The store does not answer. It may have stored the line all the same; it can be asked again.
    pub async fn append_to_audit(&self, row: AuditRow) -> Result<Appended, StoreError> {
        match self {
            Self::Memory(_) => Ok(Appended::Done),
            Self::Database(database) => {
                match database.write(Write::Audit(AuditWrite::Append(row))).await? {
                    Wrote::Appended(appended) => Ok(appended),
                    _ => Ok(Appended::Done),
                }
            }
        }
    }

    /// The secret that a person's pseudonym is made with; a new one for whoever has none. None if the one
    /// that is stored does not open.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn pseudonym_secret(
        &self,
        owner: &Owner,
    ) -> Result<Option<SecretSlice<u8>>, StoreError> {
        match self {
            Self::Memory(memory) => memory.pseudonym_secret(owner).map(Some),
            Self::Database(database) => database.pseudonym_secret(owner).await,
        }
    }
}

impl Memory {
    fn pseudonym_secret(&self, owner: &Owner) -> Result<SecretSlice<u8>, StoreError> {
        if let Some(secret) = self.secrets.get(owner) {
            return Ok(secret);
        }
        let secret = new_secret().map_err(|_| StoreError::Unavailable(StoreTrouble::Failing))?;
        self.secrets.insert(owner.clone(), secret.clone());
        Ok(secret)
    }
}

impl Database {
    async fn pseudonym_secret(&self, owner: &Owner) -> Result<Option<SecretSlice<u8>>, StoreError> {
        let seal = |new: SecretSlice<u8>| {
            self.sealing.seal(&PSEUDONYMS_SECRET, owner.as_str(), new.expose_secret())
        };
        let sealed = new_secret().and_then(seal).map_err(|error| self.cannot_seal(error))?;
        let secret = AuditWrite::Secret { owner: owner.clone(), sealed };
        let Wrote::Secret(sealed) = self.write(Write::Audit(secret)).await? else {
            return Ok(None);
        };
        let opened = self.sealing.open(&PSEUDONYMS_SECRET, owner.as_str(), &sealed);
        if let Err(error) = &opened {
            let table = PSEUDONYMS_SECRET.table();
            tracing::error!(%error, table, "a stored row cannot be opened");
        }
        Ok(opened.ok())
    }
}

/// Reads the audit of a store, which a service may be using.
#[derive(Debug)]
pub struct AuditReader {
    direct: Direct,
    settings: Settings,
}

impl AuditReader {
    /// Opens the audit of the store that the configuration names.
    ///
    /// # Errors
    /// There is no store, or it cannot be read.
    pub async fn open(settings: &Settings) -> anyhow::Result<Self> {
        let direct = Direct::to_one_in_use(&settings.location).await?;
        Ok(Self { direct, settings: settings.clone() })
    }

    /// The chains, the one that began first first.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn chains(&mut self) -> anyhow::Result<Vec<String>> {
        const CHAINS: &str =
            "SELECT chain FROM audit GROUP BY chain ORDER BY MIN(stored_at), chain";
        let rows = self.direct.session().rows(CHAINS, &[]).await;
        let chains = rows.and_then(|rows| rows.iter().map(|row| row.text(0)).collect());
        chains.map_err(|error| cannot_use(&self.settings.location, &error))
    }

    /// Some lines of a chain behind the one with that number; none at the end.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn lines(&mut self, chain: &str, after: i64) -> anyhow::Result<Vec<AuditRow>> {
        const SOME: &str = "
            SELECT chain, number, line, hash FROM audit WHERE chain = $1 AND number > $2
            ORDER BY number LIMIT $3";
        let values = [chain.into(), after.into(), LINES.into()];
        let rows = self.direct.session().rows(SOME, &values).await;
        let rows = rows.and_then(|rows| {
            let read = |row: &Row| {
                let (chain, number) = (row.text(0)?, row.number(1)?);
                Ok(AuditRow { chain, number, line: row.text(2)?, hash: row.text(3)? })
            };
            rows.iter().map(read).collect()
        });
        rows.map_err(|error| cannot_use(&self.settings.location, &error))
    }

    /// The secret that a person's pseudonym is made with; none for whoever has none, or was forgotten.
    ///
    /// # Errors
    /// The store cannot be read, or the secret does not open with the keys that are given.
    pub async fn secret(&mut self, owner: &Owner) -> anyhow::Result<Option<SecretSlice<u8>>> {
        const SECRET: &str = "SELECT secret FROM pseudonyms WHERE owner = $1";
        let found = self.direct.session().row(SECRET, &[owner.as_str().into()]).await;
        let found = found.and_then(|row| row.map(|row| row.bytes(0)).transpose());
        let found = found.map_err(|error| cannot_use(&self.settings.location, &error))?;
        let Some(sealed) = found else { return Ok(None) };
        let sealing = sealing(&self.settings)?;
        Ok(Some(sealing.open(&PSEUDONYMS_SECRET, owner.as_str(), &sealed)?))
    }
}
