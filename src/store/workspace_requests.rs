//! Requests of administrators to connect a workspace: what is asked for, and what has become of it.
//!
//! A request names no person in a column of its own: who asked is in its body, which is sealed. Whoever
//! changes one says which version they know, so that of two who act at once one does.

mod beside;
mod calls;

use std::time::Duration;

use secrecy::SecretString;
use sqlx::Error;

pub use beside::{put_workspace_request_beside, workspace_request_beside};

use super::clock::{between, millis};
use super::session::{Row, Session};

/// How long a request is kept, in milliseconds, from when it was put in: whether or not it has ended.
pub(super) const REQUESTS_KEPT: i64 = 30 * 24 * 60 * 60 * 1000;
/// The most requests that are read at once.
const MOST_AT_ONCE: u32 = 1000;

/// What removes requests that are kept for no longer, and how long that is.
pub(super) const PRUNE: (&str, i64) =
    ("DELETE FROM workspace_requests WHERE created_at < $1", REQUESTS_KEPT);

/// A request as it is put into the store.
#[derive(Debug, Clone)]
pub struct NewWorkspaceRequest {
    /// Names it. It is stored in clear, so nothing may open to whoever knows it.
    pub id: String,
    /// The platform's name.
    pub platform: String,
    /// Of the requests of one platform at most one has this key, those that have ended included.
    pub key: Option<[u8; 32]>,
    /// Who asks for what, which is sealed.
    pub body: SecretString,
    /// How long it lasts from now on.
    pub lasts: Duration,
}

/// A request that was found.
#[derive(Debug, Clone)]
pub struct StoredWorkspaceRequest {
    /// Names it.
    pub id: String,
    /// The platform's name.
    pub platform: String,
    /// Who asks for what, and what has become of it.
    pub body: SecretString,
    /// Grows by one with each change.
    pub version: i64,
    /// How long ago it was put in.
    pub age: Duration,
    /// How long it still lasts (zero once its time is over); none once it has ended.
    pub left: Option<Duration>,
}

/// A request whose body is sealed.
#[derive(Debug)]
pub(super) struct SealedRequest {
    id: String,
    platform: String,
    key: Option<[u8; 32]>,
    body: Vec<u8>,
    lasts: Duration,
}

/// Whatever writes about requests.
#[derive(Debug)]
pub(super) enum RequestWrite {
    /// Puts one in, unless it or one with its key is there.
    Put(SealedRequest),
    /// Replaces the body of one that still has this version; without a time it ends.
    Change { id: String, version: i64, body: Vec<u8>, lasts: Option<Duration> },
}

/// What came of it.
#[derive(Debug)]
pub(super) enum RequestWrote {
    /// How many rows were changed.
    Rows(u64),
    /// The one that was in the way.
    There(RequestRow),
}

/// A request as it is in its row.
#[derive(Debug)]
pub(super) struct RequestRow {
    id: String,
    platform: String,
    body: Vec<u8>,
    version: i64,
    open_until: Option<i64>,
    created_at: i64,
}

/// A query for requests, as [`RequestRow::read`] reads them.
macro_rules! requests {
    ($which:literal) => {
        concat!(
            "SELECT id, platform, body, version, open_until, created_at FROM workspace_requests ",
            $which
        )
    };
}

const ONE: &str = requests!("WHERE id = $1");
const OPEN: &str =
    requests!("WHERE platform = $1 AND open_until IS NOT NULL ORDER BY created_at, id LIMIT $2");
const NEWEST: &str = requests!("WHERE platform = $1 ORDER BY created_at DESC, id DESC LIMIT $2");
const KEYED: &str = requests!("WHERE platform = $1 AND unique_key = $2");
const IN_THE_WAY: &str = requests!("WHERE id = $1 OR (platform = $2 AND unique_key = $3)");

impl RequestRow {
    fn read(row: &Row) -> Result<Self, Error> {
        Ok(Self {
            id: row.text(0)?,
            platform: row.text(1)?,
            body: row.bytes(2)?,
            version: row.number(3)?,
            open_until: row.get(4)?,
            created_at: row.number(5)?,
        })
    }

    /// What is said of it at a moment of the store's time, with its body opened.
    fn opened(self, body: SecretString, now: i64) -> StoredWorkspaceRequest {
        let Self { id, platform, version, open_until, created_at, .. } = self;
        let (age, left) = (between(created_at, now), open_until.map(|until| between(now, until)));
        StoredWorkspaceRequest { id, platform, body, version, age, left }
    }
}

impl RequestWrite {
    /// Does it.
    pub(super) async fn run(
        &self,
        session: &mut Session<'_>,
        now: i64,
    ) -> Result<RequestWrote, Error> {
        const CHANGE: &str = "
            UPDATE workspace_requests SET body = $1, version = version + 1, open_until = $2
            WHERE id = $3 AND version = $4";
        match self {
            Self::Put(request) => put(session, request, now).await,
            Self::Change { id, version, body, lasts } => {
                let until = lasts.map(|lasts| now.saturating_add(millis(lasts)));
                let values =
                    [body.as_slice().into(), until.into(), id.as_str().into(), (*version).into()];
                session.execute(CHANGE, &values).await.map(RequestWrote::Rows)
            }
        }
    }
}

async fn put(
    session: &mut Session<'_>,
    request: &SealedRequest,
    now: i64,
) -> Result<RequestWrote, Error> {
    const PUT: &str = "
        INSERT INTO workspace_requests
            (id, platform, unique_key, body, version, open_until, created_at)
        VALUES ($1, $2, $3, $4, 0, $5, $6) ON CONFLICT DO NOTHING";
    let SealedRequest { id, platform, key, body, lasts } = request;
    let key = key.as_ref().map(<[u8; 32]>::as_slice);
    let names = [id.as_str().into(), platform.as_str().into(), key.into()];
    let [id, platform, key] = names;
    let until = now.saturating_add(millis(*lasts));
    let values = [id, platform, key, body.as_slice().into(), until.into(), now.into()];
    loop {
        let rows = session.execute(PUT, &values).await?;
        if rows > 0 {
            return Ok(RequestWrote::Rows(rows));
        }
        // What was in the way may be gone by now, and then there is room.
        if let Some(row) = session.row(IN_THE_WAY, &names).await? {
            return RequestRow::read(&row).map(RequestWrote::There);
        }
    }
}

async fn find(session: &mut Session<'_>, id: &str) -> Result<Option<RequestRow>, Error> {
    let row = session.row(ONE, &[id.into()]).await?;
    row.as_ref().map(RequestRow::read).transpose()
}

async fn find_by_key(
    session: &mut Session<'_>,
    platform: &str,
    key: &[u8; 32],
) -> Result<Option<RequestRow>, Error> {
    let row = session.row(KEYED, &[platform.into(), key.as_slice().into()]).await?;
    row.as_ref().map(RequestRow::read).transpose()
}

/// Some requests of a platform, by a query that takes it and how many there may be.
async fn some(
    session: &mut Session<'_>,
    query: &'static str,
    platform: &str,
    most: u32,
) -> Result<Vec<RequestRow>, Error> {
    let rows = session.rows(query, &[platform.into(), i64::from(most).into()]).await?;
    rows.iter().map(RequestRow::read).collect()
}
