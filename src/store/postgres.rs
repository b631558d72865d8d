//! A store in PostgreSQL, which several replicas share.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use sqlx::postgres::{PgConnection, PgPool, PgPoolOptions};
use sqlx::{ConnectOptions, Connection};
use tokio::time::Instant;

use super::config::{Location, PostgresAddress};
use super::schema;
use super::session::{Lent, Reading, Session};
use super::statements::{Write, Wrote};
use super::trouble::{Failure, StoreTrouble, cannot_use};

/// Connections of one replica at most.
const CONNECTIONS: u32 = 16;
/// How long anything may take, with the wait for a connection where a crowd shares them.
const LIMIT: Duration = Duration::from_secs(5);
/// A connection that was idle for longer is tried before it is used: the server may have gone meanwhile.
const TRIED_AFTER: Duration = Duration::from_secs(1);

/// Connections to a server.
#[derive(Debug, Clone)]
pub(super) struct Postgres {
    pool: PgPool,
    /// How many connections are lent.
    lent: Arc<AtomicUsize>,
}

/// Until when something may take that begins now.
pub(super) fn limit() -> Instant {
    Instant::now() + LIMIT
}

async fn write_on(
    connection: &mut PgConnection,
    write: &Write,
    holder: i64,
    now: i64,
) -> Result<Wrote, sqlx::Error> {
    if !write.is_compound() {
        return write.run(&mut Session::Postgres(connection), holder, now).await;
    }
    let mut transaction = connection.begin().await?;
    let outcome = write.run(&mut Session::Postgres(&mut transaction), holder, now).await?;
    if outcome.is_undone() {
        transaction.rollback().await?;
    } else {
        transaction.commit().await?;
    }
    Ok(outcome)
}

impl Postgres {
    /// Connects, and brings the tables up to date.
    ///
    /// # Errors
    /// The server is not reached, lets nobody in, or has tables of a release that is too new.
    pub(super) async fn open(address: &PostgresAddress) -> anyhow::Result<Self> {
        let location = Location::Postgres(address.clone());
        let options = address.options().clone().disable_statement_logging();
        let connected = options.connect().await;
        let mut connection = connected.map_err(|error| cannot_use(&location, &error))?;
        schema::migrate_postgres(&mut connection, &location).await?;
        // What is left open of it the server notices by itself.
        let _ = connection.close().await;
        let pool = PgPoolOptions::new()
            .max_connections(CONNECTIONS)
            .acquire_timeout(LIMIT)
            .test_before_acquire(false)
            .before_acquire(|connection, meta| {
                Box::pin(async move {
                    // One that has ended is no news: another one takes its place.
                    Ok(meta.idle_for <= TRIED_AFTER || connection.ping().await.is_ok())
                })
            })
            .connect_lazy_with(options);
        Ok(Self { pool, lent: Arc::default() })
    }

    /// Writes.
    pub(super) async fn write(
        &self,
        write: &Write,
        holder: i64,
        now: i64,
    ) -> Result<Wrote, Failure> {
        let until = limit();
        let mut connection = self.in_time(until, self.pool.acquire()).await?;
        let _lent = Lent::count(&self.lent);
        let outcome = self.in_time(until, write_on(&mut connection, write, holder, now)).await;
        if outcome.as_ref().is_err_and(|failure| failure.trouble.is_of_connection()) {
            // Nobody else is to wait on it, or to be led to where it leads.
            connection.close_on_drop();
        }
        outcome
    }

    /// A connection to read with.
    pub(super) async fn reading(&self) -> Result<Reading, sqlx::Error> {
        let connection = self.pool.acquire().await?;
        Ok(Reading::Postgres { connection, _lent: Lent::count(&self.lent) })
    }

    /// Does it in time.
    pub(super) async fn in_time<T>(
        &self,
        until: Instant,
        doing: impl Future<Output = Result<T, sqlx::Error>>,
    ) -> Result<T, Failure> {
        let slow =
            || Failure { trouble: StoreTrouble::Slow, cause: "there was no answer in time".into() };
        match tokio::time::timeout_at(until, doing).await {
            // Whoever waits for a connection while nobody has one waits for the server.
            Ok(Err(sqlx::Error::PoolTimedOut)) | Err(_) if self.nobody_has_one() => Err(Failure {
                trouble: StoreTrouble::Unreachable,
                cause: "no connection could be made in time".into(),
            }),
            Ok(done) => done.map_err(Failure::from),
            Err(_) => Err(slow()),
        }
    }

    fn nobody_has_one(&self) -> bool {
        self.lent.load(Ordering::Relaxed) == 0
    }

    /// Closes every connection.
    pub(super) async fn close(&self) {
        self.pool.close().await;
    }
}
