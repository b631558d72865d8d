//! What is said to a database, in SQL that both understand.
//!
//! Placeholders are `$1` and so on, numbers are `BIGINT`, moments are milliseconds of the store's time.
//! A job can be leased by whoever finds it due, unless another instance holds it: that one's leases end
//! only with the instance.

use std::sync::Arc;

use sqlx::Error;

use super::audit::{self, Appended, AuditWrite};
use super::changes::Admitted;
use super::held::{self, HeldChange};
use super::links::{self, LinkChange};
use super::owner::Owner;
use super::pages::{self, PageWrite};
use super::replicas::{self, Replicas, Told};
use super::resealed::Resealed;
use super::sealed_changes::{Effect, Sealed, SealedMessage};
use super::session::{Row, Session, Value};
use super::workspace_requests::{self, RequestWrite, RequestWrote};

/// How long ended jobs are kept, in milliseconds: an event that is delivered again within that time
/// finds its job.
pub(super) const ENDED_KEPT: i64 = 60 * 60 * 1000;
/// How long jobs are kept that are due and that nobody runs, in milliseconds.
const OVERDUE_KEPT: i64 = 24 * 60 * 60 * 1000;
/// How long messages are kept that can change later, in milliseconds.
pub(super) const MESSAGES_KEPT: i64 = 7 * 24 * 60 * 60 * 1000;

/// Whatever writes.
#[derive(Debug)]
pub(super) enum Write {
    /// All of it or nothing.
    Set(Arc<Vec<Sealed>>),
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
    Forget(Owner),
    /// What is known of links.
    Link(LinkChange),
    /// Which chat accounts others hold.
    Held(HeldChange),
    /// What is written of the audit.
    Audit(AuditWrite),
    TellTime,
    /// About a personal page.
    Page(PageWrite),
    /// About a request to connect a workspace.
    WorkspaceRequest(RequestWrite),
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

/// How many rows of a person were removed, of each sort.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Forgotten {
    /// Messages that could still change.
    pub messages: u64,
    /// Personal pages.
    pub pages: u64,
    /// What was known of the link of their chat account.
    pub links: u64,
    /// That another subscriber holds it.
    pub held: u64,
    /// The secret that their pseudonym in the audit is made with.
    pub pseudonyms: u64,
}

/// What came of it.
#[derive(Debug)]
pub(super) enum Wrote {
    Set(Effect),
    Leased(Option<LeasedRow>),
    Rows(u64),
    Time(i64),
    Forgotten(Forgotten),
    Appended(Appended),
    Secret(Vec<u8>),
    WorkspaceRequest(RequestWrote),
    Admitted(Admitted),
}

impl Wrote {
    /// Whether what has been written of it must go.
    pub(super) const fn is_undone(&self) -> bool {
        matches!(self, Self::Set(Effect::NotHeld | Effect::KeyTaken))
    }

    /// Whether anything was written, so that it is known that this is possible.
    pub(super) const fn proves_writing(&self) -> bool {
        match self {
            Self::Set(effect) => matches!(effect, Effect::Done),
            Self::Leased(row) => row.is_some(),
            Self::Rows(rows) | Self::WorkspaceRequest(RequestWrote::Rows(rows)) => *rows > 0,
            Self::WorkspaceRequest(RequestWrote::There(_)) => false,
            Self::Time(_) | Self::Secret(_) => true,
            Self::Appended(appended) => matches!(appended, Appended::Done),
            Self::Forgotten(forgotten) => {
                let Forgotten { messages, pages, links, held, pseudonyms } = *forgotten;
                messages + pages + links + held + pseudonyms > 0
            }
            Self::Admitted(admitted) => admitted.first_time,
        }
    }
}

impl Write {
    /// Whether it takes more than one statement, and hence a transaction of its own.
    pub(super) fn is_compound(&self) -> bool {
        match self {
            Self::Set(changes) => changes.len() > 1,
            Self::Replicas(said) => said.is_compound(),
            Self::Prune | Self::Forget { .. } => true,
            _ => false,
        }
    }

    /// The message, where it puts in one and nothing else.
    pub(super) fn only_message(&self) -> Option<&SealedMessage> {
        let Self::Set(changes) = self else { return None };
        match changes.as_slice() {
            [Sealed::PutMessage(message)] => Some(message),
            _ => None,
        }
    }

    /// Whether it is part of finding out how the database does.
    pub(super) const fn is_beat(&self) -> bool {
        matches!(self, Self::TellTime)
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
                for change in changes.iter() {
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
            Self::Release => replicas::release(session, holder, now).await.map(Wrote::Rows),
            Self::ReleaseAll => release_all(session, now).await.map(Wrote::Rows),
            Self::Prune => prune(session, now).await.map(Wrote::Rows),
            Self::Forget(owner) => forget(session, owner).await.map(Wrote::Forgotten),
            Self::Link(change) => change.run(session, now).await.map(Wrote::Rows),
            Self::Held(change) => change.run(session, now).await.map(Wrote::Rows),
            Self::Audit(AuditWrite::Append(row)) => {
                audit::append(session, row, now).await.map(Wrote::Appended)
            }
            Self::Audit(AuditWrite::Secret { owner, sealed }) => {
                let secret = audit::secret(session, owner, sealed, now).await?;
                Ok(secret.map_or(Wrote::Rows(0), Wrote::Secret))
            }
            Self::TellTime => tell_time(session, now).await.map(Wrote::Time),
            Self::Page(write) => write.run(session, now).await.map(Wrote::Rows),
            Self::WorkspaceRequest(write) => {
                write.run(session, now).await.map(Wrote::WorkspaceRequest)
            }
            Self::Replace(resealed) => resealed.replace(session).await.map(Wrote::Rows),
            Self::Replicas(said) => said.run(session, holder, now).await.map(|told| match told {
                Told::Rows(rows) => Wrote::Rows(rows),
                Told::Admitted(admitted) => Wrote::Admitted(admitted),
            }),
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

/// A job as it was leased.
#[derive(Debug)]
pub(super) struct LeasedRow {
    pub(super) id: i64,
    pub(super) token: i64,
    pub(super) attempts: i64,
    pub(super) payload: Vec<u8>,
}

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
    owner: &Owner,
    id: &str,
) -> Result<Option<Row>, Error> {
    const MESSAGE: &str = "SELECT platform, body, version FROM messages WHERE id = $1";
    session.row(MESSAGE, &[owner.row(id).as_str().into()]).await
}

/// What is watched of one message.
pub(super) async fn watch(
    session: &mut Session<'_>,
    owner: &Owner,
    id: &str,
) -> Result<Vec<WatchRow>, Error> {
    const WATCH: &str = "SELECT id, watch, watch_version, watched_until FROM messages WHERE id = $1 AND watch IS NOT NULL";
    let rows = session.rows(WATCH, &[owner.row(id).as_str().into()]).await?;
    rows.iter().map(WatchRow::read).collect()
}

/// What is watched of a platform's messages.
pub(super) async fn watches(
    session: &mut Session<'_>,
    platform: &str,
) -> Result<Vec<WatchRow>, Error> {
    const WATCHES: &str = "
        SELECT id, watch, watch_version, watched_until FROM messages
        WHERE platform = $1 AND watched_until IS NOT NULL ORDER BY watched_until";
    let rows = session.rows(WATCHES, &[platform.into()]).await?;
    rows.iter().map(WatchRow::read).collect()
}

/// A watch as it is stored.
#[derive(Debug)]
pub(super) struct WatchRow {
    pub(super) row: String,
    pub(super) watch: Vec<u8>,
    pub(super) version: i64,
    pub(super) until: Option<i64>,
}

impl WatchRow {
    fn read(row: &Row) -> Result<Self, Error> {
        Ok(Self {
            row: row.text(0)?,
            watch: row.bytes(1)?,
            version: row.number(2)?,
            until: row.get(3)?,
        })
    }
}

/// The name of a person's newest message among theirs.
pub(super) async fn newest_message(
    session: &mut Session<'_>,
    owner: &Owner,
) -> Result<Option<String>, Error> {
    const NEWEST: &str = "
        SELECT id FROM messages WHERE id >= $1 AND id < $2 ORDER BY created_at DESC LIMIT 1";
    let [first, end] = owner.rows();
    let row = session.row(NEWEST, &[first.as_str().into(), end.as_str().into()]).await?;
    let row = row.map(|row| row.text(0)).transpose()?;
    Ok(row.and_then(|row| Owner::of_row(&row).map(|(_, id)| id.to_owned())))
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
        // Nobody runs those of a platform that was switched off, and nobody waits for them any more.
        ("DELETE FROM jobs WHERE outcome IS NULL AND holder IS NULL AND due_at < $1", OVERDUE_KEPT),
        ("DELETE FROM messages WHERE created_at < $1", MESSAGES_KEPT),
        pages::PRUNE,
        workspace_requests::PRUNE,
    ] {
        pruned += session.execute(statement, &[(now - kept).into()]).await?;
    }
    pruned += links::prune(session, now).await?;
    pruned += held::prune(session, now).await?;
    pruned += audit::prune(session, now).await?;
    Ok(pruned)
}

/// Removes what is kept of a person. What is still promised to them goes when it is kept.
async fn forget(session: &mut Session<'_>, owner: &Owner) -> Result<Forgotten, Error> {
    const FORGET: &str = "DELETE FROM messages WHERE id >= $1 AND id < $2";
    let [first, end] = owner.rows();
    Ok(Forgotten {
        messages: session.execute(FORGET, &[first.as_str().into(), end.as_str().into()]).await?,
        pages: pages::forget(session, owner).await?,
        links: links::forget(session, owner).await?,
        held: held::forget(session, owner).await?,
        pseudonyms: audit::forget(session, owner).await?,
    })
}

/// The latest time that was told; none before the first.
pub(super) async fn time_seen(session: &mut Session<'_>) -> Result<Option<i64>, Error> {
    let row = session.row("SELECT now FROM store_clock", &[]).await?;
    row.map(|row| row.number(0)).transpose()
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
