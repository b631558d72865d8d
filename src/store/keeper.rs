//! What goes on in a store beside its use: its time is written down, the dead are found, what is old goes,
//! and what an earlier key sealed is sealed anew. It writes often enough to know whether the store works.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::database::{Database, Pools};
use super::replicas::{BEAT, Replicas};
use super::sealed_changes::Effect;
use super::statements::{Write, Wrote};
use super::trouble::{StoreError, StoreTrouble};
use crate::clock::SharedClock;

/// How often the time is written into a file, which nobody else reads.
const FILE_BEAT: Duration = Duration::from_secs(5);
/// How often what is old is removed.
const PRUNED_EVERY: Duration = Duration::from_mins(1);
/// How soon what could not be written is written once the store works again.
const LATE_AGAIN: Duration = Duration::from_secs(1);

impl Database {
    /// Looks after the store, for as long as the service runs.
    pub(super) async fn keep(&self, clock: &SharedClock) {
        // Beside each other: whoever has so much to seal or to remove that its beats are late is dead for
        // the others.
        let ((), (), (), ()) = tokio::join!(
            self.keep_beating(clock),
            self.keep_pruning(clock),
            self.keep_writing_late(clock),
            self.seal_anew()
        );
    }

    async fn keep_beating(&self, clock: &SharedClock) {
        loop {
            // Failures are noted where they happen, here and below.
            let _ = self.beat().await;
            clock.sleep(self.beat_every()).await;
        }
    }

    async fn keep_pruning(&self, clock: &SharedClock) {
        loop {
            let _ = self.prune().await;
            clock.sleep(PRUNED_EVERY).await;
        }
    }

    async fn keep_writing_late(&self, clock: &SharedClock) {
        loop {
            clock.sleep(LATE_AGAIN).await;
            if self.unwritten.len() > 0 && self.health.trouble().is_none() {
                let _ = self.write_late().await;
            }
        }
    }

    async fn seal_anew(&self) {
        match self.reseal().await {
            Ok(0) => {}
            Ok(rows) => tracing::info!(rows, "sealed anew with the first of store.keys"),
            Err(error) => {
                tracing::warn!(%error, "what earlier keys sealed is sealed anew at the next start");
            }
        }
    }

    /// Writes what could not be written, as far as that is possible by now.
    pub(super) async fn write_late(&self) -> Result<(), StoreError> {
        for _ in 0..self.unwritten.len() {
            let Some(late) = self.unwritten.pop() else { break };
            match self.write(Write::Set(Arc::clone(&late.set))).await {
                Ok(Wrote::Set(Effect::NotHeld)) if self.clock.now() < late.until => {
                    self.unwritten.push(late);
                }
                // What the database refuses for itself it would refuse for ever.
                Ok(_) | Err(StoreError::Unavailable(StoreTrouble::Failing)) => {}
                Err(error) => {
                    self.unwritten.push(late);
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    fn beat_every(&self) -> Duration {
        match self.pools {
            Pools::Sqlite(_) => FILE_BEAT,
            Pools::Postgres(_) => BEAT,
        }
    }

    /// One look after the store.
    pub(super) async fn beat(&self) -> Result<(), StoreError> {
        let beaten = self.try_beat().await;
        if beaten.is_err() {
            self.beats.miss();
        }
        beaten
    }

    async fn try_beat(&self) -> Result<(), StoreError> {
        if let Wrote::Time(now) = self.write(Write::TellTime).await? {
            self.clock.catch_up(now);
        }
        if let Pools::Postgres(_) = self.pools {
            let dead_before = self.beats.look(self.clock.now());
            let alive = self.write(Write::Replicas(Replicas::Alive { dead_before })).await?;
            if let Wrote::Rows(jobs @ 1..) = alive {
                tracing::warn!(jobs, "another instance has died; its jobs are taken over");
            }
        }
        let open = self.open_jobs().await?;
        self.open.store(open, Ordering::Relaxed);
        Ok(())
    }

    async fn prune(&self) -> Result<(), StoreError> {
        self.write(Write::Prune).await?;
        if let Pools::Postgres(_) = self.pools {
            self.write(Write::Replicas(Replicas::Prune)).await?;
        }
        Ok(())
    }

    /// Gives back what this instance holds, and closes the store.
    pub(super) async fn close(&self) {
        if let Err(error) = self.write_late().await {
            tracing::warn!(%error, "some answers that were given may be given again");
        }
        let released = match &self.pools {
            Pools::Sqlite(_) => self.write(Write::Release).await,
            Pools::Postgres(_) => self.write(Write::Replicas(Replicas::Gone)).await,
        };
        if let Err(error) = released {
            tracing::warn!(%error, "what this instance holds is taken over later");
        }
        match &self.pools {
            Pools::Sqlite(sqlite) => sqlite.close().await,
            Pools::Postgres(postgres) => postgres.close().await,
        }
    }
}
