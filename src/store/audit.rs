//! Lines of the audit, as texts that nobody changes, and the secrets that pseudonyms in them are made with.
//!
//! What a line says is not known here. A person's secret is theirs alone and sealed: once it is removed,
//! nobody can tell any more which pseudonym was theirs, and no line has to change for that.

mod calls;
mod pages;

use sqlx::Error;

pub use calls::AuditReader;
pub use pages::AuditPlace;

use super::owner::Owner;
use super::session::Session;

/// How long lines are kept after the last one of their chain, in milliseconds, and a secret after its last
/// use.
pub(super) const AUDIT_KEPT: i64 = 400 * 24 * 60 * 60 * 1000;

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

/// Gives the secret that is there, or puts this one in.
pub(super) async fn secret(
    session: &mut Session<'_>,
    owner: &Owner,
    sealed: &[u8],
    now: i64,
) -> Result<Option<Vec<u8>>, Error> {
    const SECRET: &str = "
        INSERT INTO pseudonyms (owner, secret, stored_at) VALUES ($1, $2, $3)
        ON CONFLICT (owner) DO UPDATE SET stored_at = excluded.stored_at
        RETURNING secret";
    let row = session.row(SECRET, &[owner.as_str().into(), sealed.into(), now.into()]).await?;
    row.map(|row| row.bytes(0)).transpose()
}

/// Puts a line in. One that is there already is the same line if it has the same hash: its writer did not
/// hear that it was written.
pub(super) async fn append(
    session: &mut Session<'_>,
    row: &AuditRow,
    now: i64,
) -> Result<Appended, Error> {
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
