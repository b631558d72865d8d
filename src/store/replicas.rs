//! What the replicas of a service tell each other over PostgreSQL: who is alive, which requests have been
//! here, and who asks how often.

use std::time::Duration;

use sqlx::Error;

use super::changes::{Admission, Admitted};
use super::clock::millis;
use super::session::{Session, Value};

/// How often an instance says that it is alive.
pub(super) const BEAT: Duration = Duration::from_secs(2);
/// An instance that has said nothing for so long is dead, and its jobs are anybody's.
pub(super) const DEAD: Duration = Duration::from_secs(8);
/// How long a request is remembered. Its own time alone refuses it after five minutes, by clocks that
/// may be five minutes apart.
const REMEMBERED: Duration = Duration::from_mins(11);

/// Questions that a person may ask at once, and how long it takes until one more is allowed.
#[derive(Debug, Clone, Copy)]
pub struct Allowance {
    /// At once.
    pub burst: u32,
    /// For one more.
    pub refill: Duration,
}

/// What comes of what is told or asked.
#[derive(Debug)]
pub(super) enum Told {
    /// So many rows were changed.
    Rows(u64),
    Admitted(Admitted),
}

/// What one replica tells the others, or asks them.
#[derive(Debug)]
pub(super) enum Replicas {
    /// It is alive. Where `dead_before` is given, those that were silent since then are dead.
    Alive { dead_before: Option<i64> },
    /// It ends, and holds nothing any more.
    Gone,
    /// It wants to be the only one that does something, as long as it lives.
    Lead(&'static str),
    /// Whether a request is new, and its sender not too fast.
    Admit(Admission, Allowance),
    /// What is kept for no longer goes.
    Prune,
}

impl Replicas {
    /// Whether it takes more than one statement.
    pub(super) const fn is_compound(&self) -> bool {
        !matches!(self, Self::Admit(..) | Self::Lead(_))
    }

    pub(super) async fn run(
        &self,
        session: &mut Session<'_>,
        holder: i64,
        now: i64,
    ) -> Result<Told, Error> {
        match self {
            Self::Alive { dead_before } => {
                alive(session, holder, *dead_before, now).await.map(Told::Rows)
            }
            Self::Lead(what) => lead(session, holder, what).await.map(Told::Rows),
            Self::Gone => gone(session, holder, now).await.map(Told::Rows),
            Self::Admit(admission, allowance) => {
                admit(session, admission, *allowance, now).await.map(Told::Admitted)
            }
            Self::Prune => prune(session, now).await.map(Told::Rows),
        }
    }
}

/// Says that `holder` is alive, and releases what the dead hold. Gives how many jobs that were.
async fn alive(
    session: &mut Session<'_>,
    holder: i64,
    dead_before: Option<i64>,
    now: i64,
) -> Result<u64, Error> {
    const ALIVE: &str = "
        INSERT INTO instances (id, seen_at) VALUES ($1, $2)
        ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at";
    const RELEASE: &str = "
        UPDATE jobs SET holder = NULL, due_at = $1
        WHERE outcome IS NULL AND holder IS NOT NULL AND NOT EXISTS (
            SELECT 1 FROM instances WHERE instances.id = jobs.holder AND seen_at >= $2)";
    session.execute(ALIVE, &[holder.into(), now.into()]).await?;
    let Some(dead_before) = dead_before else { return Ok(0) };
    let released = session.execute(RELEASE, &[now.into(), dead_before.into()]).await?;
    session.execute("DELETE FROM instances WHERE seen_at < $1", &[dead_before.into()]).await?;
    Ok(released)
}

/// Releases what `holder` holds, at once.
pub(super) async fn release(
    session: &mut Session<'_>,
    holder: i64,
    now: i64,
) -> Result<u64, Error> {
    const RELEASE: &str = "
        UPDATE jobs SET holder = NULL, due_at = $1 WHERE outcome IS NULL AND holder = $2";
    session.execute(RELEASE, &[now.into(), holder.into()]).await
}

/// Releases what `holder` holds, and removes it from those that are alive.
async fn gone(session: &mut Session<'_>, holder: i64, now: i64) -> Result<u64, Error> {
    let released = release(session, holder, now).await?;
    session.execute("DELETE FROM instances WHERE id = $1", &[holder.into()]).await?;
    Ok(released)
}

/// Lets `holder` be the one that does something, unless another one does that is alive. Gives one row if
/// it is.
async fn lead(session: &mut Session<'_>, holder: i64, what: &str) -> Result<u64, Error> {
    const LEAD: &str = "
        INSERT INTO leaders (what, holder) VALUES ($1, $2)
        ON CONFLICT (what) DO UPDATE SET holder = excluded.holder
        WHERE leaders.holder = excluded.holder
            OR NOT EXISTS (SELECT 1 FROM instances WHERE id = leaders.holder)";
    session.execute(LEAD, &[what.into(), holder.into()]).await
}

/// One statement for both questions. A person's allowance is the moment at which it is whole again, which
/// each question moves on by one refill (the generic cell rate algorithm).
async fn admit(
    session: &mut Session<'_>,
    Admission { hash, person }: &Admission,
    Allowance { burst, refill }: Allowance,
    now: i64,
) -> Result<Admitted, Error> {
    const ADMIT: &str = "
        WITH first AS (
            INSERT INTO seen (hash, until) SELECT $1, $2 WHERE $1 IS NOT NULL
            ON CONFLICT (hash) DO NOTHING RETURNING 1),
        paced AS (
            INSERT INTO pace (person, full_at) SELECT $3, $4 + $5
            WHERE $3 IS NOT NULL AND ($1 IS NULL OR EXISTS (SELECT 1 FROM first))
            ON CONFLICT (person) DO UPDATE SET full_at =
                CASE WHEN pace.full_at > $4 THEN pace.full_at ELSE $4 END + $5
            WHERE pace.full_at <= $4 + $6 RETURNING 1)
        SELECT (SELECT COUNT(*) FROM first), (SELECT COUNT(*) FROM paced)";
    let refill = millis(refill);
    let borrowed = refill.saturating_mul(i64::from(burst.saturating_sub(1)));
    let values: [Value<'_>; 6] = [
        hash.as_ref().map(<[u8; 32]>::as_slice).into(),
        now.saturating_add(millis(REMEMBERED)).into(),
        person.as_ref().map(<[u8; 32]>::as_slice).into(),
        now.into(),
        refill.into(),
        borrowed.into(),
    ];
    let Some(row) = session.row(ADMIT, &values).await? else { return Ok(Admitted::ALONE) };
    let first_time = hash.is_none() || row.number(0)? > 0;
    let in_pace = person.is_none() || row.number(1)? > 0;
    Ok(Admitted { first_time, in_pace: in_pace || !first_time })
}

async fn prune(session: &mut Session<'_>, now: i64) -> Result<u64, Error> {
    let mut pruned = 0;
    for statement in ["DELETE FROM seen WHERE until < $1", "DELETE FROM pace WHERE full_at < $1"] {
        pruned += session.execute(statement, &[now.into()]).await?;
    }
    Ok(pruned)
}
