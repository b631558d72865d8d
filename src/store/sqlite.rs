//! A store in one SQLite file.
//!
//! There is one writer, so no write ever finds the database busy: a task takes what is waiting, writes
//! it in one transaction, and only then tells those who wait. Readers have connections of their own.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::bail;
use futures_util::FutureExt;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool, SqlitePoolOptions,
    SqliteSynchronous,
};
use sqlx::{ConnectOptions, Connection as _};
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio::task::{JoinHandle, yield_now};
use tokio_util::sync::CancellationToken;

use super::config::Location;
use super::schema;
use super::sealed_changes::{Effect, MOST_ROWS, SealedMessage, put_messages};
use super::session::{Reading, Session};
use super::statements::{Write, Wrote};
use super::trouble::{Failure, StoreTrouble, cannot_use};

/// Writes that are written in one transaction at most.
const MOST_AT_ONCE: usize = 256;
/// Writes that wait at most.
const MOST_WAITING: usize = 4096;
/// Connections that read.
const READERS: u32 = 2;
/// The most memory for pages of the file, negative because it is in KiB (`SQLite`, `PRAGMA cache_size`): what
/// a busy hour changes stays in it.
const CACHE: &str = "-8192";
/// After so many pages the log is copied into the file. A page that was written often is copied once.
const PAGES_OF_LOG: &str = "4000";
/// How long another program may hold the database's lock, for instance to copy it.
pub(super) const BUSY: Duration = Duration::from_secs(2);

/// An open file.
#[derive(Debug)]
pub(super) struct Sqlite {
    readers: SqlitePool,
    writes: mpsc::Sender<Waiting>,
    closing: CancellationToken,
    task: Mutex<Option<JoinHandle<()>>>,
}

/// A write whose caller waits.
#[derive(Debug)]
struct Waiting {
    write: Write,
    holder: i64,
    now: i64,
    told: oneshot::Sender<Result<Wrote, Failure>>,
}

impl Sqlite {
    /// Opens the file, makes it where there is none, and brings its tables up to date.
    ///
    /// # Errors
    /// It cannot be opened or written, or another service has it open.
    pub(super) async fn open(path: &Path) -> anyhow::Result<Self> {
        let lock = lock(path)?;
        make_private(path).map_err(|error| cannot_open(path, &error))?;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal)
            .busy_timeout(BUSY)
            .pragma("cache_size", CACHE)
            .pragma("wal_autocheckpoint", PAGES_OF_LOG)
            .disable_statement_logging();
        let location = Location::Sqlite(path.to_owned());
        let connected = options.connect().await;
        let mut connection = connected.map_err(|error| cannot_use(&location, &error))?;
        schema::migrate_sqlite(&mut connection, &location).await?;
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS)
            .connect_lazy_with(options.pragma("query_only", "on"));
        let (writes, waiting) = mpsc::channel(MOST_WAITING);
        let closing = CancellationToken::new();
        let file = OneFile::at(path).map_err(|error| cannot_open(path, &error))?;
        let task = Writer { connection, file, _lock: lock }.keep_writing(waiting, closing.clone());
        let task = Mutex::new(Some(tokio::spawn(task)));
        Ok(Self { readers, writes, closing, task })
    }

    /// Writes, together with whatever else waits to be written.
    pub(super) async fn write(
        &self,
        write: Write,
        holder: i64,
        now: i64,
    ) -> Result<Wrote, Failure> {
        let (told, outcome) = oneshot::channel();
        let waiting = Waiting { write, holder, now, told };
        let ended = || Failure {
            trouble: StoreTrouble::Failing,
            cause: "the database's writer broke off".into(),
        };
        self.writes.send(waiting).await.map_err(|_| ended())?;
        outcome.await.map_err(|_| ended())?
    }

    /// A connection to read with.
    pub(super) async fn reading(&self) -> Result<Reading, sqlx::Error> {
        self.readers.acquire().await.map(Reading::Sqlite)
    }

    /// Lets the file grow to so many pages at most, as a disk does that fills up. Never below what it has.
    #[cfg(test)]
    pub(super) async fn limit_pages(&self, pages: u32) -> Result<(), Failure> {
        self.write(Write::LimitPages(pages), 0, 0).await.map(drop)
    }

    /// Makes the writer panic.
    #[cfg(test)]
    pub(super) async fn break_writer(&self) -> Result<(), Failure> {
        self.write(Write::Panic, 0, 0).await.map(drop)
    }

    /// Lets what waits be written, and closes the file.
    pub(super) async fn close(&self) {
        self.closing.cancel();
        self.readers.close().await;
        if let Some(task) = self.task.lock().await.take() {
            let _ = task.await;
        }
    }
}

/// The file that was opened, which has to stay where it was: one that was removed, or has another in its
/// place, would go on being written, for nobody.
#[derive(Debug, Clone)]
struct OneFile {
    path: PathBuf,
    mark: Mark,
}

/// What tells a file from another of the same name.
#[cfg(unix)]
type Mark = (u64, u64);
#[cfg(not(unix))]
type Mark = ();

impl OneFile {
    fn at(path: &Path) -> io::Result<Self> {
        Ok(Self { path: path.to_owned(), mark: Self::mark(path)? })
    }

    #[cfg(unix)]
    fn mark(path: &Path) -> io::Result<Mark> {
        use std::os::unix::fs::MetadataExt as _;
        std::fs::metadata(path).map(|it| (it.dev(), it.ino()))
    }

    #[cfg(not(unix))]
    fn mark(path: &Path) -> io::Result<Mark> {
        std::fs::metadata(path).map(|_| ())
    }

    /// Why it may not be written.
    fn gone(&self) -> Option<Failure> {
        let there = Self::mark(&self.path).is_ok_and(|mark| mark == self.mark);
        let gone = || Failure {
            trouble: StoreTrouble::Gone,
            cause: format!("the file {} was removed or replaced", self.path.display()).into(),
        };
        (!there).then(gone)
    }
}

/// What is said where a file cannot be made or written.
pub(super) fn cannot_open(path: &Path, error: &io::Error) -> anyhow::Error {
    let location = Location::Sqlite(path.to_owned());
    anyhow::anyhow!(
        "{location} cannot be used: make its directory, and let the service write to the directory and \
         to all files of that name in it; or set store.url to sqlite:FILE with another FILE, or to memory \
         ({error})"
    )
}

/// Takes the lock of the file, which is another file, because SQLite locks the file itself as it likes.
pub(super) fn lock(path: &Path) -> anyhow::Result<File> {
    let beside = beside(path, "lock");
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true);
    let file = options.open(&beside).map_err(|error| cannot_open(path, &error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => bail!(
            "{} is in use by another service: stop that one, or give this one a file of its own, or let \
             both share a PostgreSQL (store.url)",
            Location::Sqlite(path.to_owned())
        ),
        Err(TryLockError::Error(error)) => Err(cannot_open(path, &error)),
    }
}

/// The name of a file that lies beside the database.
pub(super) fn beside(path: &Path, extension: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(extension);
    name.into()
}

/// Makes the file where there is none, so that nobody but its owner ever reads it. `SQLite` gives those
/// that it puts beside it the same mode.
pub(super) fn make_private(path: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.create_new(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// The one who writes.
struct Writer {
    connection: SqliteConnection,
    file: OneFile,
    /// Held for as long as the file is open, so that nobody else opens it.
    _lock: File,
}

impl Writer {
    /// Writes what comes, until nobody can send anything any more. Where writing panics, what was being
    /// written fails, and what comes next is written.
    async fn keep_writing(
        mut self,
        mut waiting: mpsc::Receiver<Waiting>,
        closing: CancellationToken,
    ) {
        loop {
            let until_the_end = self.write_all(&mut waiting, &closing).boxed();
            if AssertUnwindSafe(until_the_end).catch_unwind().await.is_ok() {
                break;
            }
            tracing::error!("the store's writer panicked; it goes on with what comes next");
            undo(&mut self.connection).await;
        }
        if let Err(error) = self.connection.close().await {
            tracing::warn!(%error, "the store's file was not closed properly");
        }
    }

    async fn write_all(
        &mut self,
        waiting: &mut mpsc::Receiver<Waiting>,
        closing: &CancellationToken,
    ) {
        let mut batch = Vec::new();
        loop {
            let more =
                closing.run_until_cancelled(waiting.recv_many(&mut batch, MOST_AT_ONCE)).await;
            if more.is_none() && !waiting.is_closed() {
                // What has been sent by now is still written.
                waiting.close();
                continue;
            }
            if batch.is_empty() && waiting.recv_many(&mut batch, MOST_AT_ONCE).await == 0 {
                break;
            }
            // Whoever is about to write under a crowd writes in the same transaction.
            yield_now().await;
            while batch.len() < MOST_AT_ONCE
                && let Ok(next) = waiting.try_recv()
            {
                batch.push(next);
            }
            let outcomes = match self.file.gone() {
                Some(gone) => batch.iter().map(|_| Err(gone.clone())).collect(),
                None => write_batch(&mut self.connection, &batch).await,
            };
            for (waiting, outcome) in batch.drain(..).zip(outcomes) {
                // What SQLite says of a file that was removed under it depends on what it was doing.
                let outcome = outcome.map_err(|failure| self.file.gone().unwrap_or(failure));
                // Whoever has gone away does not want to know.
                let _ = waiting.told.send(outcome);
            }
        }
    }
}

async fn write_batch(
    connection: &mut SqliteConnection,
    batch: &[Waiting],
) -> Vec<Result<Wrote, Failure>> {
    if let [only] = batch
        && !only.write.is_compound()
    {
        return vec![alone(connection, only).await.map_err(Failure::from)];
    }
    let messages = leading_messages(batch);
    let written = if messages.len() == batch.len() {
        // One statement is a transaction by itself.
        put_messages(&mut Session::Sqlite(connection), &messages).await.map(|()| put(&messages))
    } else {
        together(connection, batch).await
    };
    match written {
        Ok(wrote) => wrote.into_iter().map(Ok).collect(),
        Err(error) => {
            undo(connection).await;
            let failure = Failure::from(error);
            // What locks out one locks out all: each alone would wait for it as long once more.
            if batch.len() == 1 || failure.trouble == StoreTrouble::Locked {
                return batch.iter().map(|_| Err(failure.clone())).collect();
            }
            // One that cannot be written must not be the end of the others.
            one_by_one(connection, batch).await
        }
    }
}

async fn alone(connection: &mut SqliteConnection, waiting: &Waiting) -> Result<Wrote, sqlx::Error> {
    let Waiting { write, holder, now, .. } = waiting;
    write.run(&mut Session::Sqlite(connection), *holder, *now).await
}

/// The messages that a batch begins with, as many as one statement puts in.
fn leading_messages(batch: &[Waiting]) -> Vec<(&SealedMessage, i64)> {
    let messages = batch.iter().map_while(|it| Some((it.write.only_message()?, it.now)));
    messages.take(MOST_ROWS).collect()
}

/// What came of messages that were put in.
fn put(messages: &[(&SealedMessage, i64)]) -> Vec<Wrote> {
    messages.iter().map(|_| Wrote::Set(Effect::Done)).collect()
}

async fn together(
    connection: &mut SqliteConnection,
    batch: &[Waiting],
) -> Result<Vec<Wrote>, sqlx::Error> {
    let mut session = Session::Sqlite(connection);
    session.command("BEGIN IMMEDIATE").await?;
    let mut wrote = Vec::with_capacity(batch.len());
    while let Some(Waiting { write, holder, now, .. }) = batch.get(wrote.len()) {
        let messages = leading_messages(&batch[wrote.len()..]);
        if !messages.is_empty() {
            put_messages(&mut session, &messages).await?;
            wrote.append(&mut put(&messages));
            continue;
        }
        let compound = write.is_compound();
        if compound {
            session.command("SAVEPOINT a_set").await?;
        }
        let outcome = write.run(&mut session, *holder, *now).await?;
        if compound {
            if outcome.is_undone() {
                session.command("ROLLBACK TO a_set").await?;
            }
            session.command("RELEASE a_set").await?;
        }
        wrote.push(outcome);
    }
    session.command("COMMIT").await?;
    Ok(wrote)
}

async fn one_by_one(
    connection: &mut SqliteConnection,
    batch: &[Waiting],
) -> Vec<Result<Wrote, Failure>> {
    let mut outcomes = Vec::with_capacity(batch.len());
    for waiting in batch {
        let outcome = together(connection, std::slice::from_ref(waiting)).await;
        if outcome.is_err() {
            undo(connection).await;
        }
        outcomes.push(outcome.map_err(Failure::from).and_then(|mut wrote| {
            wrote.pop().ok_or_else(|| Failure {
                trouble: StoreTrouble::Failing,
                cause: "a write had no outcome".into(),
            })
        }));
    }
    outcomes
}

/// Ends a transaction that failed. It may have ended by itself, and then there is none to end.
async fn undo(connection: &mut SqliteConnection) {
    let _ = Session::Sqlite(connection).command("ROLLBACK").await;
}
