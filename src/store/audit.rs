//! Lines of the audit, as texts that nobody changes, and the secrets that pseudonyms in them are made with.
//!
//! What a line says is not known here. A person's secret is theirs alone and sealed: once it is removed,
//! nobody can tell any more which pseudonym was theirs, and no line has to change for that.

use aws_lc_rs::rand;
use secrecy::{ExposeSecret, SecretSlice};
use sqlx::Error;

use super::config::Settings;
use super::database::Database;
use super::direct::{Direct, key_texts};
use super::owner::Owner;
use super::sealing::{CryptographyFailed, PSEUDONYMS_SECRET, Sealing};
use super::session::Session;
use super::statements::{Write, Wrote};
use super::trouble::{StoreError, StoreTrouble, cannot_use};
use super::{Memory, Store};

/// How long lines are kept after the last one of their chain, in milliseconds, and a secret after its last
/// use.
pub(super) const AUDIT_KEPT: i64 = 400 * 24 * 60 * 60 * 1000;
/// The length of a secret, in bytes.
const SECRET_LENGTH: usize = 32;
/// Lines that are read at once.
const LINES: i64 = 500;

/// A line of the audit as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRow {
    /// The chain that it belongs to.
    pub chain: String,
    /// Its place in the chain; the first is one.
    pub number: i64,
    /// The line itself.
    pub line: String,
    /// The hash of the line, in hexadecimal digits.
    pub hash: String,
}

/// What became of a line that was to be stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Appended {
    /// It is there.
    Done,
    /// There is another line in its place.
    Taken,
}

/// What is written of the audit.
#[derive(Debug)]
pub(super) enum AuditWrite {
    Append(AuditRow),
    /// Gives the secret that is there, or puts this one in.
    Secret {
        owner: Owner,
        sealed: Vec<u8>,
    },
}

impl AuditRow {
    /// What names the row: those of a chain follow each other.
    fn id(&self) -> String {
        format!("{}-{:012}", self.chain, self.number)
    }
}

impl AuditWrite {
    pub(super) async fn run(&self, session: &mut Session<'_>, now: i64) -> Result<Wrote, Error> {
        match self {
            Self::Append(row) => append(session, row, now).await.map(Wrote::Appended),
            Self::Secret { owner, sealed } => {
                const SECRET: &str = "
                    INSERT INTO pseudonyms (owner, secret, stored_at) VALUES ($1, $2, $3)
                    ON CONFLICT (owner) DO UPDATE SET stored_at = excluded.stored_at
                    RETURNING secret";
                let values = [owner.as_str().into(), sealed.as_slice().into(), now.into()];
                let row = session.row(SECRET, &values).await?;
                row.map_or(Ok(Wrote::Rows(0)), |row| row.bytes(0).map(Wrote::Secret))
            }
        }
    }
}

/// Puts a line in. One that is there already is the same line if it has the same hash: its writer did not
/// hear that it was written.
async fn append(session: &mut Session<'_>, row: &AuditRow, now: i64) -> Result<Appended, Error> {
    const APPEND: &str = "
        INSERT INTO audit (id, chain, number, line, hash, stored_at) VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (id) DO NOTHING";
    let id = row.id();
    let values = [
        id.as_str().into(),
        row.chain.as_str().into(),
        row.number.into(),
        row.line.as_str().into(),
        row.hash.as_str().into(),
        now.into(),
    ];
    if session.execute(APPEND, &values).await? > 0 {
        return Ok(Appended::Done);
    }
    let there = session.row("SELECT hash FROM audit WHERE id = $1", &[id.as_str().into()]).await?;
    let there = there.map(|there| there.text(0)).transpose()?;
    Ok(if there.as_deref() == Some(&*row.hash) { Appended::Done } else { Appended::Taken })
}

/// Removes the secret that a person's pseudonym is made with.
pub(super) async fn forget(session: &mut Session<'_>, owner: &Owner) -> Result<u64, Error> {
    session.execute("DELETE FROM pseudonyms WHERE owner = $1", &[owner.as_str().into()]).await
}

/// Removes what is kept for no longer: chains as a whole, so that one that lacks its beginning was cut.
pub(super) async fn prune(session: &mut Session<'_>, now: i64) -> Result<u64, Error> {
    const LINES: &str = "
        DELETE FROM audit WHERE stored_at < $1 AND NOT EXISTS (
            SELECT 1 FROM audit AS later WHERE later.chain = audit.chain AND later.stored_at >= $1)";
    let mut pruned = 0;
    for statement in [LINES, "DELETE FROM pseudonyms WHERE stored_at < $1"] {
        pruned += session.execute(statement, &[(now - AUDIT_KEPT).into()]).await?;
    }
    Ok(pruned)
}

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
            let read = |row: &super::session::Row| {
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
        let texts = key_texts(&self.settings)?;
        let Some(sealing) = Sealing::from_texts(&texts)? else {
            anyhow::bail!("there is no key: set store.keys, or put the key file back");
        };
        Ok(Some(sealing.open(&PSEUDONYMS_SECRET, owner.as_str(), &sealed)?))
    }
}
