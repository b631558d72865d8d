//! Jobs and messages in a database: what is sealed, what time it is, who holds what.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use secrecy::{ExposeSecret, SecretSlice, SecretString};
use tokio::task::JoinHandle;

use super::beats::Beats;
use super::changes::{
    Admission, Admitted, Change, Counts, Job, JobId, Lease, NewJob, StoredMessage, StoredWatch,
    Written,
};
use super::clock::StoreClock;
use super::owner::Owner;
use super::postgres::{self, Postgres};
use super::replicas::{Allowance, Replicas};
use super::sealed_changes::{Effect, Sealed, SealedMessage};
use super::sealing::{
    CryptographyFailed, JOBS_PAYLOAD, MESSAGES_BODY, MESSAGES_WATCH, RowId, SealedColumn, Sealing,
    Unsealed,
};
use super::session::Reading;
use super::sqlite::Sqlite;
use super::statements::{self, LeasedRow, WatchRow, Write, Wrote};
use super::trouble::{Failure, StoreError, StoreHealth, StoreTrouble};
use super::unwritten::Unwritten;
use crate::random::SharedRandom;

/// The most jobs that are open at once, by what was last counted and what came since.
const MOST_JOBS: usize = 100_000;

/// How long other replicas may take to say what they know of a request. A chat platform waits for no more
/// than three seconds.
const ADMITTED_WITHIN: Duration = Duration::from_millis(500);

/// How long a job is left to other instances that this one cannot open.
const LEFT_TO_OTHERS: Duration = Duration::from_secs(30);

/// One of the databases.
#[derive(Debug, Clone)]
pub(super) enum Pools {
    Sqlite(Arc<Sqlite>),
    Postgres(Postgres),
}

/// A store in a database.
#[derive(Debug)]
pub struct Database {
    pub(super) pools: Pools,
    pub(super) sealing: Sealing,
    pub(super) clock: StoreClock,
    pub(super) health: StoreHealth,
    pub(super) random: SharedRandom,
    /// Tells what this process holds from what others hold.
    pub(super) holder: i64,
    pub(super) beats: Beats,
    /// How many jobs were open when that was last looked at.
    pub(super) open: AtomicUsize,
    pub(super) unwritten: Unwritten,
}

pub(super) fn text(opened: &SecretSlice<u8>) -> Option<SecretString> {
    std::str::from_utf8(opened.expose_secret()).ok().map(SecretString::from)
}

/// What became of a task that spoke to the database.
async fn ended<T>(task: JoinHandle<Result<T, Failure>>) -> Result<T, Failure> {
    task.await.unwrap_or_else(|error| {
        let cause = if error.is_panic() { "it panicked" } else { "it was broken off" };
        Err(Failure { trouble: StoreTrouble::Failing, cause: cause.into() })
    })
}

impl Pools {
    /// A connection to read with.
    pub(super) async fn reading(&self) -> Result<Reading, sqlx::Error> {
        match self {
            Self::Sqlite(sqlite) => sqlite.reading().await,
            Self::Postgres(postgres) => postgres.reading().await,
        }
    }
}

impl Database {
    /// Writes a set of changes.
    pub(super) async fn apply(&self, changes: Vec<Change>) -> Result<Written, StoreError> {
        let begun =
            changes.iter().filter(|it| matches!(it, Change::Begin(..) | Change::Put(..))).count();
        if begun > 0 && self.open.fetch_add(begun, Ordering::Relaxed) >= MOST_JOBS {
            return Err(StoreError::Full);
        }
        let mut leases = Vec::new();
        let sealed = changes.into_iter().map(|change| self.seal(change, &mut leases));
        let sealed = sealed.collect::<Result<_, _>>().map_err(|error| self.cannot_seal(error))?;
        match self.write_set(&Arc::new(sealed)).await? {
            Wrote::Set(Effect::NotHeld) => Ok(Written::NotHeld),
            Wrote::Set(Effect::KeyTaken) => Ok(Written::KeyTaken),
            _ => Ok(Written::All(leases)),
        }
    }

    /// Writes a set. What must not be lost where that fails is written later.
    async fn write_set(&self, set: &Arc<Vec<Sealed>>) -> Result<Wrote, StoreError> {
        let away = self.away();
        let wrote = self.write(Write::Set(Arc::clone(set))).await;
        if let Err(StoreError::Unavailable(trouble)) = wrote {
            self.unwritten.keep_end(set);
            // A server that breaks off or is slow may have written it all the same.
            if away.is_none() && self.is_shared() && trouble.is_waited_for() {
                self.unwritten.withdraw(set);
            }
        }
        wrote
    }

    /// A change as it is stored. A job that is begun has its lease noted.
    fn seal(&self, change: Change, leases: &mut Vec<Lease>) -> Result<Sealed, CryptographyFailed> {
        Ok(match change {
            Change::Begin(job, lasting) => {
                let id = self.new_id();
                leases.push(Lease { id: JobId(id), token: 1, attempts: 1 });
                self.new_job(id, job, lasting, true)?
            }
            Change::Put(job, pause) => self.new_job(self.new_id(), job, pause, false)?,
            Change::Save(lease, payload, lasting) => Sealed::Save {
                id: lease.id.0,
                token: lease.token,
                payload: self.seal_payload(lease.id.0, &payload)?,
                due: self.clock.after(lasting),
            },
            Change::Postpone(lease, payload, pause, counts) => Sealed::Postpone {
                id: lease.id.0,
                token: lease.token,
                payload: self.seal_payload(lease.id.0, &payload)?,
                due: self.clock.after(pause),
                counts,
            },
            Change::Finish(lease, outcome, key) => {
                Sealed::Finish { id: lease.id.0, token: lease.token, outcome, key }
            }
            Change::PutMessage(message, watch) => {
                Sealed::PutMessage(self.seal_message(message, watch)?)
            }
            Change::ChangeMessage(message) => {
                Sealed::ChangeMessage(self.seal_message(message, None)?)
            }
            Change::ChangeWatch(StoredWatch { owner, id, watch, version, .. }, lasting) => {
                let row = owner.row(&id);
                let watch = self.seal_watch(&row, &watch)?;
                let until = lasting.map(|lasting| self.clock.after(lasting));
                Sealed::ChangeWatch { row, watch, version, until }
            }
        })
    }

    fn new_job(
        &self,
        id: i64,
        job: NewJob,
        pause: Duration,
        held: bool,
    ) -> Result<Sealed, CryptographyFailed> {
        let NewJob { kind, key, payload } = job;
        let payload = self.seal_payload(id, &payload)?;
        Ok(Sealed::Begin { id, kind, key, payload, due: self.clock.after(pause), held })
    }

    fn seal_payload(&self, id: i64, payload: &SecretString) -> Result<Vec<u8>, CryptographyFailed> {
        self.sealing.seal(&JOBS_PAYLOAD, id, payload.expose_secret().as_bytes())
    }

    fn seal_message(
        &self,
        message: StoredMessage,
        watch: Option<(SecretString, Duration)>,
    ) -> Result<SealedMessage, CryptographyFailed> {
        let StoredMessage { owner, id, platform, body, version } = message;
        let row = owner.row(&id);
        let body = body.expose_secret().as_bytes();
        let body = self.sealing.seal(&MESSAGES_BODY, row.as_str(), body)?;
        let watch = watch.map(|(watch, lasting)| {
            self.seal_watch(&row, &watch).map(|watch| (watch, self.clock.after(lasting)))
        });
        let watch = watch.transpose()?;
        Ok(SealedMessage { row, platform, body, version, watch })
    }

    fn seal_watch(&self, row: &str, watch: &SecretString) -> Result<Vec<u8>, CryptographyFailed> {
        self.sealing.seal(&MESSAGES_WATCH, row, watch.expose_secret().as_bytes())
    }

    pub(super) fn cannot_seal(&self, error: CryptographyFailed) -> StoreError {
        self.health.fails(StoreTrouble::Failing, &error);
        StoreError::Unavailable(StoreTrouble::Failing)
    }

    /// Chance alone names jobs: their names are part of what is sealed, so they are settled before the
    /// database is asked.
    pub(super) fn new_id(&self) -> i64 {
        let mut bytes = [0; 8];
        self.random.fill(&mut bytes);
        i64::from_be_bytes(bytes) & i64::MAX
    }

    pub(super) async fn lease(
        &self,
        kind: &'static str,
        lasting: Duration,
    ) -> Result<Option<Job>, StoreError> {
        let until = self.clock.after(lasting);
        let Wrote::Leased(Some(row)) = self.write(Write::Lease { kind, until }).await? else {
            return Ok(None);
        };
        let attempts = u32::try_from(row.attempts).unwrap_or(u32::MAX);
        let lease = Lease { id: JobId(row.id), token: row.token, attempts };
        match self.sealing.open(&JOBS_PAYLOAD, row.id, &row.payload) {
            Ok(payload) => Ok(Some(Job { lease, payload: text(&payload).unwrap_or_default() })),
            Err(error @ Unsealed::UnknownKey(_)) => {
                let fix = StoreTrouble::Keys.fix();
                tracing::error!(%error, fix, "a job is left to an instance that has its key");
                self.leave_to_others(row).await.map(|()| None)
            }
            Err(error) => {
                tracing::error!(%error, table = JOBS_PAYLOAD.table(), "a stored row cannot be opened");
                // Whoever reads it finds that nothing is in it.
                Ok(Some(Job { lease, payload: SecretString::default() }))
            }
        }
    }

    /// Gives a job back as it was.
    async fn leave_to_others(&self, row: LeasedRow) -> Result<(), StoreError> {
        let LeasedRow { id, token, payload, .. } = row;
        let (due, counts) = (self.clock.after(LEFT_TO_OTHERS), Counts::Snooze);
        let postponed = Sealed::Postpone { id, token, payload, due, counts };
        self.write_set(&Arc::new(vec![postponed])).await.map(drop)
    }

    pub(super) async fn next_due(
        &self,
        kind: &'static str,
    ) -> Result<Option<Duration>, StoreError> {
        let holder = self.holder;
        let due = self.read(move |mut reading| async move {
            statements::next_due(&mut reading.session(), holder, kind).await
        });
        Ok(due.await?.map(|due| self.clock.until(due)))
    }

    pub(super) async fn hasten(&self, kind: &'static str) -> Result<(), StoreError> {
        self.write(Write::Hasten { kind }).await.map(drop)
    }

    pub(super) async fn open_jobs(&self) -> Result<usize, StoreError> {
        let open = self
            .read(|mut reading| async move { statements::open_jobs(&mut reading.session()).await });
        Ok(usize::try_from(open.await?).unwrap_or(0))
    }

    /// The latest time that the store has seen; none where it is new.
    pub(super) async fn time_seen(&self) -> Result<Option<i64>, StoreError> {
        self.read(|mut reading| async move { statements::time_seen(&mut reading.session()).await })
            .await
    }

    pub(super) async fn jobs_at_hand(&self) -> Result<usize, StoreError> {
        let (holder, now) = (self.holder, self.clock.now());
        let at_hand = self.read(move |mut reading| async move {
            statements::jobs_at_hand(&mut reading.session(), holder, now).await
        });
        Ok(usize::try_from(at_hand.await?).unwrap_or(0))
    }

    /// What all replicas know of a request. A file has one service alone, which has asked itself.
    pub(super) async fn admit(
        &self,
        admission: Admission,
        allowance: Allowance,
    ) -> Result<Admitted, StoreError> {
        if let Pools::Sqlite(_) = self.pools {
            return Ok(Admitted::ALONE);
        }
        let asking = self.write(Write::Replicas(Replicas::Admit(admission, allowance)));
        tokio::select! {
            admitted = asking => match admitted? {
                Wrote::Admitted(admitted) => Ok(admitted),
                _ => Ok(Admitted::ALONE),
            },
            () = self.clock.sleep(ADMITTED_WITHIN) => Ok(Admitted::ALONE),
        }
    }

    /// Whether this instance is the one that does something.
    pub(super) async fn leads(&self, what: &'static str) -> Result<bool, StoreError> {
        let led = self.write(Write::Replicas(Replicas::Lead(what))).await?;
        Ok(matches!(led, Wrote::Rows(rows) if rows > 0))
    }

    /// Whether jobs may come that this process did not put in, and does not hear of.
    pub(super) const fn is_shared(&self) -> bool {
        matches!(self.pools, Pools::Postgres(_))
    }

    pub(super) async fn message(
        &self,
        owner: &Owner,
        id: &str,
    ) -> Result<Option<StoredMessage>, StoreError> {
        let (whose, name) = (owner.clone(), id.to_owned());
        let found = self.read(move |mut reading| async move {
            let row = statements::message(&mut reading.session(), &whose, &name).await?;
            row.map(|row| Ok((row.text(0)?, row.bytes(1)?, row.number(2)?))).transpose()
        });
        let Some((platform, body, version)) = found.await? else { return Ok(None) };
        let body = self.open(&MESSAGES_BODY, owner.row(id).as_str(), &body);
        let (owner, id) = (owner.clone(), id.to_owned());
        Ok(body.map(|body| StoredMessage { owner, id, platform, body, version }))
    }

    pub(super) async fn watches(&self, platform: &str) -> Result<Vec<StoredWatch>, StoreError> {
        let platform = platform.to_owned();
        let found = self.read(move |mut reading| async move {
            statements::watches(&mut reading.session(), &platform).await
        });
        Ok(found.await?.into_iter().filter_map(|found| self.open_watch(&found)).collect())
    }

    pub(super) async fn watch(
        &self,
        owner: &Owner,
        id: &str,
    ) -> Result<Option<StoredWatch>, StoreError> {
        let (owner, id) = (owner.clone(), id.to_owned());
        let found = self.read(move |mut reading| async move {
            statements::watch(&mut reading.session(), &owner, &id).await
        });
        Ok(found.await?.first().and_then(|found| self.open_watch(found)))
    }

    fn open_watch(&self, found: &WatchRow) -> Option<StoredWatch> {
        let watch = self.open(&MESSAGES_WATCH, found.row.as_str(), &found.watch)?;
        let (owner, id) = Owner::of_row(&found.row)?;
        let left = found.until.map(|until| self.clock.until(until));
        Some(StoredWatch { owner, id: id.to_owned(), watch, version: found.version, left })
    }

    /// Opens a text; none where it does not open, which the log says.
    pub(super) fn open<'a>(
        &self,
        column: &'static SealedColumn,
        row: impl Into<RowId<'a>>,
        sealed: &[u8],
    ) -> Option<SecretString> {
        match self.sealing.open(column, row, sealed) {
            Ok(opened) => text(&opened),
            Err(error) => {
                tracing::error!(%error, table = column.table(), "a stored row cannot be opened");
                None
            }
        }
    }

    pub(super) async fn newest_message(&self, owner: &Owner) -> Result<Option<String>, StoreError> {
        let owner = owner.clone();
        self.read(move |mut reading| async move {
            statements::newest_message(&mut reading.session(), &owner).await
        })
        .await
    }

    pub(super) async fn write(&self, write: Write) -> Result<Wrote, StoreError> {
        if let Some(trouble) = self.away().filter(|_| !write.is_beat()) {
            return Err(StoreError::Unavailable(trouble));
        }
        let (begun, now) = (self.health.begin(), self.clock.now());
        let outcome = match &self.pools {
            Pools::Sqlite(sqlite) => sqlite.write(write, self.holder, now).await,
            Pools::Postgres(postgres) => {
                let (postgres, holder) = (postgres.clone(), self.holder);
                // In a task of its own, as for reading.
                ended(tokio::spawn(async move { postgres.write(&write, holder, now).await })).await
            }
        };
        if outcome.as_ref().is_ok_and(Wrote::proves_writing) {
            self.health.works(begun);
        }
        outcome.map_err(|failure| self.fails(&failure))
    }

    /// The trouble of a server that is away. Nobody waits for one: its keeper finds out when it is back.
    fn away(&self) -> Option<StoreTrouble> {
        self.health.trouble().filter(|trouble| self.is_shared() && trouble.is_waited_for())
    }

    /// Reads, in a task of its own: whoever holds a connection goes on, whether or not anybody waits.
    pub(super) async fn read<T, F>(
        &self,
        read: impl FnOnce(Reading) -> F + Send + 'static,
    ) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, sqlx::Error>> + Send,
    {
        if let Some(trouble) = self.away() {
            return Err(StoreError::Unavailable(trouble));
        }
        let pools = self.pools.clone();
        let found = tokio::spawn(async move {
            let found = async { read(pools.reading().await?).await };
            match &pools {
                Pools::Sqlite(_) => found.await.map_err(Failure::from),
                Pools::Postgres(postgres) => postgres.in_time(postgres::limit(), found).await,
            }
        });
        ended(found).await.map_err(|failure| self.fails(&failure))
    }

    /// Takes note of what the database could not do. That it works again only a write shows: a disk that
    /// is full and a server that is a standby can be read.
    fn fails(&self, Failure { trouble, cause }: &Failure) -> StoreError {
        self.health.fails(*trouble, cause);
        StoreError::Unavailable(*trouble)
    }
}
