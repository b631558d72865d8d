//! Changes as they are written: sealed, and with their moments settled.

use sqlx::{AssertSqlSafe, Error};

use super::changes::{Counts, KeyAfterwards};
use super::session::{Session, Value};

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
    ChangeWatch {
        row: String,
        watch: Vec<u8>,
        version: i64,
        until: Option<i64>,
    },
}

impl Sealed {
    /// What ends a job that this puts in, and when its lease or pause is over.
    pub(super) const fn withdrawal(&self) -> Option<(Self, i64)> {
        let Self::Begin { id, due, held, .. } = *self else { return None };
        let (token, key) = (held as i64, KeyAfterwards::Free);
        Some((Self::Finish { id, token, outcome: "withdrawn", key }, due))
    }
}

/// The most rows that one statement puts in: the texts of all its lengths fit a connection's memory of
/// statements, which is 100.
pub(super) const MOST_ROWS: usize = 64;

/// A message whose body is sealed, and its watch.
#[derive(Debug)]
pub(super) struct SealedMessage {
    pub(super) row: String,
    pub(super) platform: String,
    pub(super) body: Vec<u8>,
    pub(super) version: i64,
    /// The watch, and until when it lasts.
    pub(super) watch: Option<(Vec<u8>, i64)>,
}

/// What became of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    Done,
    NotHeld,
    KeyTaken,
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
                put_messages(session, &[(message, now)]).await.map(|()| Effect::Done)
            }
            Self::ChangeMessage(message) => {
                let values = [
                    message.body.as_slice().into(),
                    message.row.as_str().into(),
                    message.version.into(),
                ];
                Ok(found(session.execute(CHANGE_MESSAGE, &values).await?, Effect::NotHeld))
            }
            Self::ChangeWatch { row, watch, version, until } => {
                let values = [
                    watch.as_slice().into(),
                    until.map_or(Value::NoNumber, Value::Number),
                    row.as_str().into(),
                    (*version).into(),
                ];
                Ok(found(session.execute(CHANGE_WATCH, &values).await?, Effect::NotHeld))
            }
        }
    }
}

/// Puts messages in, each with the moment of that, by one statement: at most [`MOST_ROWS`], and with
/// `PostgreSQL` no two of one name.
pub(super) async fn put_messages(
    session: &mut Session<'_>,
    messages: &[(&SealedMessage, i64)],
) -> Result<(), Error> {
    const COLUMNS: usize = 7;
    let mut values: Vec<Value<'_>> = Vec::with_capacity(messages.len() * COLUMNS);
    for (message, now) in messages {
        values.extend::<[Value<'_>; COLUMNS]>([
            message.row.as_str().into(),
            message.platform.as_str().into(),
            message.body.as_slice().into(),
            message.version.into(),
            (*now).into(),
            message.watch.as_ref().map(|(watch, _)| watch.as_slice()).into(),
            message.watch.as_ref().map_or(Value::NoNumber, |(_, until)| Value::Number(*until)),
        ]);
    }
    let row = |first: usize| {
        let places: Vec<_> = (first..first + COLUMNS).map(|place| format!("${place}")).collect();
        format!("({}, 0)", places.join(", "))
    };
    let rows: Vec<_> = (1..=values.len()).step_by(COLUMNS).map(row).collect();
    let rows = rows.join(", ");
    let statement = format!(
        "INSERT INTO messages
             (id, platform, body, version, created_at, watch, watched_until, watch_version)
         VALUES {rows}
         ON CONFLICT (id) DO UPDATE SET
             body = excluded.body,
             version = messages.version + 1,
             watch = COALESCE(excluded.watch, messages.watch),
             watched_until = COALESCE(excluded.watched_until, messages.watched_until),
             watch_version = messages.watch_version + CASE WHEN excluded.watch IS NULL THEN 0 ELSE 1 END"
    );
    session.execute(AssertSqlSafe(statement), &values).await.map(drop)
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

const CHANGE_WATCH: &str = "
    UPDATE messages SET watch = $1, watched_until = $2, watch_version = watch_version + 1
    WHERE id = $3 AND watch_version = $4 AND watch IS NOT NULL";

const CHANGE_MESSAGE: &str = "
    UPDATE messages SET body = $1, version = version + 1 WHERE id = $2 AND version = $3";
