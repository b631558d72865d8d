//! Chat accounts that are known to be held by another subscriber than whoever asked for them, each with the
//! endpoint by which that is so. Whether it still is so only Novu knows.

mod calls;

use sqlx::Error;

use super::owner::Owner;
use super::session::{Row, Session};

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

/// By which endpoint an account is held.
pub(super) async fn one(
    session: &mut Session<'_>,
    owner: &Owner,
) -> Result<Option<(Owner, Vec<u8>)>, Error> {
    const HELD: &str = "SELECT owner, endpoint FROM held WHERE owner = $1";
    session.row(HELD, &[owner.as_str().into()]).await?.as_ref().map(read).transpose()
}

fn read(row: &Row) -> Result<(Owner, Vec<u8>), Error> {
    Ok((Owner::stored(row.text(0)?), row.bytes(1)?))
}
