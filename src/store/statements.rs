//! What is said to a database, in SQL that both understand.
//!
//! Placeholders are `$1` and so on, numbers are `BIGINT`, moments are milliseconds of the store's time.
//! A job can be leased by whoever finds it due, unless another instance holds it: that one's leases end
//! only with the instance.

use sqlx::Error;

use super::changes::{Admitted, Counts, KeyAfterwards};
use super::replicas::Replicas;
use super::resealing::Resealed;
use super::session::{Row, Session, Value};

/// How long ended jobs are kept, in milliseconds: an event that is delivered again within that time
/// finds its job.
pub(super) const ENDED_KEPT: i64 = 60 * 60 * 1000;
/// How long messages are kept that can change later, in milliseconds.
pub(super) const MESSAGES_KEPT: i64 = 7 * 24 * 60 * 60 * 1000;

/// A change whose secret is sealed and whose moments are settled.
#[derive(Debug)]
pub(super) enum Sealed {
    Begin {
        id: i64,
        kind: &'static str,
        key: Option<[u8; 32]>,
        payload: Vec<u8>,
        due: i64,
        held: bool,
    },
    Save {
        id: i64,
        token: i64,
        payload: Vec<u8>,
        due: i64,
    },
    Postpone {
        id: i64,
        token: i64,
        payload: Vec<u8>,
        due: i64,
        counts: Counts,
    },
    Finish {
        id: i64,
        token: i64,
        outcome: &'static str,
        key: KeyAfterwards,
    },
    PutMessage(SealedMessage),
    ChangeMessage(SealedMessage),
}

/// A message whose body is sealed.
#[derive(Debug)]
pub(super) struct SealedMessage {
    pub(super) id: String,
    pub(super) platform: String,
    pub(super) realm: String,
    pub(super) user: String,
    pub(super) body: Vec<u8>,
    pub(super) version: i64,
}

/// Whatever writes.
#[derive(Debug)]
pub(super) enum Write {
    /// All of it or nothing.
    Set(Vec<Sealed>),
    Lease {
        kind: &'static str,
        until: i64,
    },
    Hasten {
        kind: &'static str,
    },
    Release,
    ReleaseAll,
    Prune,
    Forget {
        platform: String,
        realm: String,
        user: String,
    },
    TellTime,
    Replace(Resealed),
    /// What replicas tell each other (PostgreSQL).
    Replicas(Replicas),
    /// Lets the file grow to so many pages at most (SQLite).
    #[cfg(test)]
    LimitPages(u32),
    /// Panics.
    #[cfg(test)]
    Panic,
}

/// What came of it.
#[derive(Debug)]
pub(super) enum Wrote {
    Set(Effect),
    Leased(Option<LeasedRow>),
    Rows(u64),
    Time(i64),
    Admitted(Admitted),
}

impl Write {
    /// Whether it takes more than one statement, and hence a transaction of its own.
    pub(super) fn is_compound(&self) -> bool {
        match self {
            Self::Set(changes) => changes.len() > 1,
            Self::Replicas(said) => said.is_compound(),
            _ => false,
        }
    }

    /// Whether it is part of finding out how the database does.
    pub(super) const fn is_beat(&self) -> bool {
        matches!(self, Self::TellTime)
    }

    /// Whether what has been written of it must go.
    pub(super) const fn is_undone(wrote: &Wrote) -> bool {
        matches!(wrote, Wrote::Set(Effect::NotHeld | Effect::KeyTaken))
    }

    /// Does it, as `holder`.
    pub(super) async fn run(
        &self,
        session: &mut Session<'_>,
        holder: i64,
        now: i64,
    ) -> Result<Wrote, Error> {
        match self {
            Self::Set(changes) => {
                for change in changes {
                    let effect = change.apply(session, holder, now).await?;
                    if effect != Effect::Done {
                        return Ok(Wrote::Set(effect));
                    }
                }
                Ok(Wrote::Set(Effect::Done))
            }
            Self::Lease { kind, until } => {
                lease(session, holder, kind, *until, now).await.map(Wrote::Leased)
            }
            Self::Hasten { kind } => hasten(session, kind, now).await.map(Wrote::Rows),
            Self::Release => release(session, holder, now).await.map(Wrote::Rows),
            Self::ReleaseAll => release_all(session, now).await.map(Wrote::Rows),
            Self::Prune => prune(session, now).await.map(Wrote::Rows),
            Self::Forget { platform, realm, user } => {
                forget(session, platform, realm, user).await.map(Wrote::Rows)
            }
            Self::TellTime => tell_time(session, now).await.map(Wrote::Time),
            Self::Replace(resealed) => resealed.replace(session).await.map(Wrote::Rows),
            Self::Replicas(said) => said.run(session, holder, now).await,
            #[cfg(test)]
            Self::LimitPages(pages) => {
                let pragma = format!("PRAGMA max_page_count = {pages}");
                let limited = session.rows(sqlx::AssertSqlSafe(pragma), &[]).await;
                limited.map(|_| Wrote::Rows(0))
            }
            #[cfg(test)]
            #[expect(clippy::panic, reason = "that is what is tested")]
            Self::Panic => panic!("on purpose"),
        }
    }
}

/// What became of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    Done,
    NotHeld,
    KeyTaken,
}

/// A job as it was leased.
#[derive(Debug)]
pub(super) struct LeasedRow {
    pub(super) id: i64,
    pub(super) token: i64,
    pub(super) attempts: i64,
    pub(super) payload: Vec<u8>,
}

impl Sealed {
    /// Makes the change, as `holder`.
    pub(super) async fn apply(
        &self,
        session: &mut Session<'_>,
        holder: i64,
        now: i64,
    ) -> Result<Effect, Error> {
        match self {
            Self::Begin { id, kind, key, payload, due, held } => {
                let values = [
                    (*id).into(),
                    (*kind).into(),
                    key.as_ref().map(<[u8; 32]>::as_slice).into(),
                    payload.as_slice().into(),
                    i64::from(*held).into(),
                    (*due).into(),
                    holder.into(),
                ];
                Ok(found(session.execute(BEGIN, &values).await?, Effect::KeyTaken))
            }
            Self::Save { id, token, payload, due } => {
                let values =
                    [payload.as_slice().into(), (*due).into(), (*id).into(), (*token).into()];
                Ok(found(session.execute(SAVE, &values).await?, Effect::NotHeld))
            }
            Self::Postpone { id, token, payload, due, counts } => {
                let uncounted = i64::from(*counts == Counts::Snooze);
                let values = [
                    payload.as_slice().into(),
                    (*due).into(),
                    uncounted.into(),
                    (*id).into(),
                    (*token).into(),
                ];
                Ok(found(session.execute(POSTPONE, &values).await?, Effect::NotHeld))
            }
            Self::Finish { id, token, outcome, key } => {
                let statement = match key {
                    KeyAfterwards::Taken => FINISH,
                    KeyAfterwards::Free => FINISH_AND_FREE,
                };
                let nothing: &[u8] = &[];
                let values =
                    [(*outcome).into(), now.into(), nothing.into(), (*id).into(), (*token).into()];
                Ok(found(session.execute(statement, &values).await?, Effect::NotHeld))
            }
            Self::PutMessage(message) => {
                let values = [
                    message.id.as_str().into(),
                    message.platform.as_str().into(),
                    message.realm.as_str().into(),
                    message.user.as_str().into(),
                    message.body.as_slice().into(),
                    message.version.into(),
                    now.into(),
                ];
                session.execute(PUT_MESSAGE, &values).await?;
                Ok(Effect::Done)
            }
            Self::ChangeMessage(message) => {
                let values = [
                    message.body.as_slice().into(),
                    message.id.as_str().into(),
                    message.version.into(),
                ];
                Ok(found(session.execute(CHANGE_MESSAGE, &values).await?, Effect::NotHeld))
            }
        }
    }
}

fn found(rows: u64, otherwise: Effect) -> Effect {
    if rows == 0 { otherwise } else { Effect::Done }
}

const BEGIN: &str = "
    INSERT INTO jobs (id, kind, unique_key, payload, attempts, token, due_at, holder)
    VALUES ($1, $2, $3, $4, $5, $5, $6, CASE WHEN $5 = 1 THEN $7 END)
    ON CONFLICT (kind, unique_key) WHERE unique_key IS NOT NULL DO NOTHING";

const SAVE: &str = "
    UPDATE jobs SET payload = $1, due_at = $2
    WHERE id = $3 AND token = $4 AND outcome IS NULL";

const POSTPONE: &str = "
    UPDATE jobs SET payload = $1, due_at = $2, attempts = attempts - $3, holder = NULL
    WHERE id = $4 AND token = $5 AND outcome IS NULL";

const FINISH: &str = "
    UPDATE jobs SET outcome = $1, ended_at = $2, payload = $3, holder = NULL
    WHERE id = $4 AND token = $5 AND outcome IS NULL";

const FINISH_AND_FREE: &str = "
    UPDATE jobs SET outcome = $1, ended_at = $2, payload = $3, holder = NULL, unique_key = NULL
    WHERE id = $4 AND token = $5 AND outcome IS NULL";

const PUT_MESSAGE: &str = "
    INSERT INTO messages (id, platform, realm, user_id, body, version, created_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7)
    ON CONFLICT (id) DO UPDATE SET body = excluded.body, version = messages.version + 1";

const CHANGE_MESSAGE: &str = "
    UPDATE messages SET body = $1, version = version + 1 WHERE id = $2 AND version = $3";

const LEASE_SQLITE: &str = "
    UPDATE jobs SET holder = $1, due_at = $2, token = token + 1, attempts = attempts + 1
    WHERE id = (
        SELECT id FROM jobs
        WHERE kind = $3 AND outcome IS NULL AND due_at <= $4 AND (holder IS NULL OR holder = $1)
        ORDER BY due_at, id LIMIT 1)
    RETURNING id, token, attempts, payload";

const LEASE_POSTGRES: &str = "
    UPDATE jobs SET holder = $1, due_at = $2, token = token + 1, attempts = attempts + 1
    WHERE id = (
        SELECT id FROM jobs
        WHERE kind = $3 AND outcome IS NULL AND due_at <= $4 AND (holder IS NULL OR holder = $1)
        ORDER BY due_at, id LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING id, token, attempts, payload";

/// Leases the job of a kind that is due first, until `until`.
async fn lease(
    session: &mut Session<'_>,
    holder: i64,
    kind: &str,
    until: i64,
    now: i64,
) -> Result<Option<LeasedRow>, Error> {
    let statement = session.either(LEASE_SQLITE, LEASE_POSTGRES);
    let values = [holder.into(), until.into(), kind.into(), now.into()];
    let leased = |row: Row| {
        Ok(LeasedRow {
            id: row.number(0)?,
            token: row.number(1)?,
            attempts: row.number(2)?,
            payload: row.bytes(3)?,
        })
    };
    session.row(statement, &values).await?.map(leased).transpose()
}

/// When the next job of a kind can be leased by `holder`.
pub(super) async fn next_due(
    session: &mut Session<'_>,
    holder: i64,
    kind: &str,
) -> Result<Option<i64>, Error> {
    const NEXT: &str = "
        SELECT due_at FROM jobs
        WHERE kind = $1 AND outcome IS NULL AND (holder IS NULL OR holder = $2)
        ORDER BY due_at LIMIT 1";
    let row = session.row(NEXT, &[kind.into(), holder.into()]).await?;
    row.map(|row| row.number(0)).transpose()
}

/// Makes every job of a kind that nobody holds due.
async fn hasten(session: &mut Session<'_>, kind: &str, now: i64) -> Result<u64, Error> {
    const HASTEN: &str = "
        UPDATE jobs SET due_at = $1
        WHERE kind = $2 AND outcome IS NULL AND holder IS NULL AND due_at > $1";
    session.execute(HASTEN, &[now.into(), kind.into()]).await
}

/// How many jobs are open.
pub(super) async fn open_jobs(session: &mut Session<'_>) -> Result<i64, Error> {
    count(session, "SELECT COUNT(*) FROM jobs WHERE outcome IS NULL", &[]).await
}

/// How many jobs `holder` works on, or could work on now.
pub(super) async fn jobs_at_hand(
    session: &mut Session<'_>,
    holder: i64,
    now: i64,
) -> Result<i64, Error> {
    const AT_HAND: &str = "
        SELECT COUNT(*) FROM jobs
        WHERE outcome IS NULL AND (holder = $1 OR (holder IS NULL AND due_at <= $2))";
    count(session, AT_HAND, &[holder.into(), now.into()]).await
}

async fn count(
    session: &mut Session<'_>,
    statement: &'static str,
    values: &[Value<'_>],
) -> Result<i64, Error> {
    let row = session.row(statement, values).await?;
    row.map_or(Ok(0), |row| row.number(0))
}

/// A message.
pub(super) async fn message(
    session: &mut Session<'_>,
    id: &str,
) -> Result<Option<SealedMessage>, Error> {
    const MESSAGE: &str =
        "SELECT id, platform, realm, user_id, body, version FROM messages WHERE id = $1";
    let read = |row: Row| {
        Ok(SealedMessage {
            id: row.text(0)?,
            platform: row.text(1)?,
            realm: row.text(2)?,
            user: row.text(3)?,
            body: row.bytes(4)?,
            version: row.number(5)?,
        })
    };
    session.row(MESSAGE, &[id.into()]).await?.map(read).transpose()
}

/// The newest message of a person.
pub(super) async fn newest_message(
    session: &mut Session<'_>,
    platform: &str,
    realm: &str,
    user: &str,
) -> Result<Option<String>, Error> {
    const NEWEST: &str = "
        SELECT id FROM messages WHERE platform = $1 AND realm = $2 AND user_id = $3
        ORDER BY created_at DESC LIMIT 1";
    let row = session.row(NEWEST, &[platform.into(), realm.into(), user.into()]).await?;
    row.map(|row| row.text(0)).transpose()
}

/// Releases what `holder` holds, at once.
async fn release(session: &mut Session<'_>, holder: i64, now: i64) -> Result<u64, Error> {
    const RELEASE: &str = "
        UPDATE jobs SET holder = NULL, due_at = $1 WHERE outcome IS NULL AND holder = $2";
    session.execute(RELEASE, &[now.into(), holder.into()]).await
}

/// Releases what anybody holds, at once.
async fn release_all(session: &mut Session<'_>, now: i64) -> Result<u64, Error> {
    const RELEASE: &str = "
        UPDATE jobs SET holder = NULL, due_at = $1 WHERE outcome IS NULL AND holder IS NOT NULL";
    session.execute(RELEASE, &[now.into()]).await
}

/// Removes what is kept for no longer. Gives how many rows went.
async fn prune(session: &mut Session<'_>, now: i64) -> Result<u64, Error> {
    let mut pruned = 0;
    for (statement, kept) in [
        ("DELETE FROM jobs WHERE outcome IS NOT NULL AND ended_at < $1", ENDED_KEPT),
        ("DELETE FROM messages WHERE created_at < $1", MESSAGES_KEPT),
    ] {
        pruned += session.execute(statement, &[(now - kept).into()]).await?;
    }
    Ok(pruned)
}

/// Removes the messages of a person. What is still promised to them goes when it is kept.
async fn forget(
    session: &mut Session<'_>,
    platform: &str,
    realm: &str,
    user: &str,
) -> Result<u64, Error> {
    const FORGET: &str = "DELETE FROM messages WHERE platform = $1 AND realm = $2 AND user_id = $3";
    session.execute(FORGET, &[platform.into(), realm.into(), user.into()]).await
}

/// Writes down what time it is, unless it is written down that it is later. Gives what stands there now.
async fn tell_time(session: &mut Session<'_>, now: i64) -> Result<i64, Error> {
    const TELL: &str = "
        INSERT INTO store_clock (one, now) VALUES (1, $1)
        ON CONFLICT (one) DO UPDATE SET now =
            CASE WHEN store_clock.now > excluded.now THEN store_clock.now ELSE excluded.now END
        RETURNING now";
    let row = session.row(TELL, &[now.into()]).await?;
    row.map_or(Ok(now), |row| row.number(0))
}
