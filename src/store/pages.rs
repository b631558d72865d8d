//! Personal pages: whom each was made for, and what has become of it.
//!
//! What is in a page's address is a secret, so a row is named by a hash of it: whoever reads the
//! database opens no page. A person has one page for each message; a new one takes the place of the
//! one before.

mod calls;

use std::time::Duration;

use secrecy::SecretString;
use sha2::{Digest, Sha256};
use sqlx::Error;

use super::clock::millis;
use super::owner::Owner;
use super::session::Session;

/// How long a page is kept, in milliseconds: for the time after its end it can say what it was.
const KEPT: i64 = 7 * 24 * 60 * 60 * 1000;

/// What removes pages that are kept for no longer, and how long that is.
pub(super) const PRUNE: (&str, i64) = ("DELETE FROM pages WHERE created_at < $1", KEPT);

/// Names a page's row: the hash of what is in the page's address.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PageId(String);

impl PageId {
    /// The row of the page with this in its address.
    #[must_use]
    pub fn of(address: &str) -> Self {
        Self(hex::encode(Sha256::digest(address)))
    }
}

/// A page as it is put into the store.
#[derive(Debug, Clone)]
pub struct NewPage {
    /// Its row.
    pub id: PageId,
    /// Whose it is.
    pub owner: Owner,
    /// The message that leads to it. A new page takes the place of the one before it.
    pub message: String,
    /// What it shows, which is sealed.
    pub body: SecretString,
}

/// A page that was found.
#[derive(Debug, Clone)]
pub struct StoredPage {
    /// What it shows.
    pub body: SecretString,
    /// How long ago it was put in.
    pub age: Duration,
    /// How long ago its button was pressed, if what came of that may still be used.
    pub pressed: Option<Duration>,
    /// Whether somebody has ended it.
    pub ended: bool,
}

/// How long a page can be used, and how long a press keeps others from it.
#[derive(Debug, Clone, Copy)]
pub struct PageTimes {
    /// From when it was put in.
    pub lifetime: Duration,
    /// From when it was pressed.
    pub spent: Duration,
}

/// A page whose body is sealed.
#[derive(Debug)]
pub(super) struct SealedPage {
    id: PageId,
    owner: Owner,
    message: String,
    body: Vec<u8>,
}

/// Whatever writes about pages.
#[derive(Debug)]
pub(super) enum PageWrite {
    Put(SealedPage),
    Press(PageId, PageTimes),
    Release(PageId),
    End(PageId),
}

impl PageWrite {
    /// Does it. Gives the number of rows that it changed.
    pub(super) async fn run(&self, session: &mut Session<'_>, now: i64) -> Result<u64, Error> {
        match self {
            Self::Put(SealedPage { id, owner, message, body }) => {
                let values = [
                    id.0.as_str().into(),
                    owner.as_str().into(),
                    message.as_str().into(),
                    body.as_slice().into(),
                    now.into(),
                ];
                session.execute(PUT, &values).await
            }
            Self::Press(PageId(id), PageTimes { lifetime, spent }) => {
                let values = [
                    now.into(),
                    id.as_str().into(),
                    now.saturating_sub(millis(*lifetime)).into(),
                    now.saturating_sub(millis(*spent)).into(),
                ];
                session.execute(PRESS, &values).await
            }
            Self::Release(PageId(id)) => {
                session
                    .execute("UPDATE pages SET used_at = NULL WHERE id = $1", &[id.as_str().into()])
                    .await
            }
            Self::End(PageId(id)) => {
                const END: &str =
                    "UPDATE pages SET ended_at = $1 WHERE id = $2 AND ended_at IS NULL";
                session.execute(END, &[now.into(), id.as_str().into()]).await
            }
        }
    }
}

/// Removes the pages of a person. Gives how many those were.
pub(super) async fn forget(session: &mut Session<'_>, owner: &Owner) -> Result<u64, Error> {
    session.execute("DELETE FROM pages WHERE owner = $1", &[owner.as_str().into()]).await
}

const PUT: &str = "
    INSERT INTO pages (id, owner, message, body, created_at) VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (owner, message) DO UPDATE SET
        id = excluded.id, body = excluded.body, created_at = excluded.created_at,
        used_at = NULL, ended_at = NULL";

/// A press that comes from a time that has not come yet is none.
const PRESS: &str = "
    UPDATE pages SET used_at = $1
    WHERE id = $2 AND ended_at IS NULL AND created_at > $3
        AND (used_at IS NULL OR used_at <= $4 OR used_at > $1)";

/// A page as it is in its row.
struct Found {
    body: Vec<u8>,
    used_at: Option<i64>,
    ended_at: Option<i64>,
    created_at: i64,
}

async fn find(session: &mut Session<'_>, id: &PageId) -> Result<Option<Found>, Error> {
    const PAGE: &str = "SELECT body, used_at, ended_at, created_at FROM pages WHERE id = $1";
    let Some(row) = session.row(PAGE, &[id.0.as_str().into()]).await? else { return Ok(None) };
    Ok(Some(Found {
        body: row.bytes(0)?,
        used_at: row.get(1)?,
        ended_at: row.get(2)?,
        created_at: row.number(3)?,
    }))
}
