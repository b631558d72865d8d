//! Subscribers looked up in a table that the operator keeps in a file.
//!
//! The file is read anew when it changes, and a table is taken whole or not at all (see `file.rs`): what
//! is empty, cut off, out of form or has lost more than half of its rows leaves the one before in force
//! and raises an alarm, an ERROR line and a count. A cut that is meant is taken when the configuration is read
//! anew, or after a restart.
//!
//! A change shows in the file's times, size and place on the disk; and because a file can be put back
//! with the times that it had, it is also read now and then for its own sake.

mod file;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use tokio::sync::Mutex;

use super::{Found, Resolution, ResolverKind, Subject};
use crate::clock::{SharedClock, Tick};
use crate::core::person::PlatformName;
use crate::core::platform::Platform;
use crate::core::refusal::Reason;
use crate::metrics::Metrics;
use file::{Read, Rows};

pub(super) use file::TableError;

/// How long the file is taken to be unchanged after a look at its times.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long it is taken to be unchanged where its times say so.
const READ_EVERY: Duration = Duration::from_mins(1);

/// A table of people that follows its file.
#[derive(Debug)]
pub struct TableResolver {
    path: PathBuf,
    platforms: Vec<&'static Platform>,
    clock: SharedClock,
    metrics: Arc<Metrics>,
    rows: RwLock<Arc<Rows>>,
    seen: Mutex<Seen>,
}

/// What the file was like when it was last looked at.
#[derive(Debug)]
struct Seen {
    looked_at: Tick,
    read_at: Tick,
    stamp: Option<Stamp>,
    /// The hash of what was read last, taken or not.
    hash: Option<[u8; 32]>,
}

/// What tells one state of a file from another without reading it. Only Unix tells the last two: when
/// the file was changed in any way, which nobody can set, and which file it is.
type Stamp = (SystemTime, u64, Option<(i64, i64)>, Option<u64>);

impl TableResolver {
    /// Reads the table for the first time. Its rows may be about these platforms.
    ///
    /// # Errors
    /// The file cannot be read, or is not a whole table.
    pub async fn open(
        path: PathBuf,
        platforms: Vec<&'static Platform>,
        clock: SharedClock,
        metrics: Arc<Metrics>,
    ) -> Result<Self, TableError> {
        let stamp = stamp(&path).await?;
        let Read { hash, rows } = read(&path, &platforms).await?;
        let now = clock.monotonic();
        let seen = Seen { looked_at: now, read_at: now, stamp: Some(stamp), hash: Some(hash) };
        Ok(Self {
            path,
            platforms,
            clock,
            metrics,
            rows: RwLock::new(Arc::new(rows?)),
            seen: Mutex::new(seen),
        })
    }

    pub(super) async fn resolve(&self, subject: Subject<'_>) -> Resolution {
        self.follow_file().await;
        let Subject { platform, person, .. } = subject;
        let rows = self.rows();
        let places = [person.workspace.id.as_str(), person.workspace.realm()];
        let row = places
            .into_iter()
            .find_map(|place| rows.get(&file::key(platform, place, &person.user)));
        row.map_or(Resolution::NotMine(Reason::IdentityUnknown), |id| {
            Resolution::Found(Box::new(Found::id(ResolverKind::Table, id.clone())))
        })
    }

    /// How many rows each platform has in the file as it is now, if that is a table that is taken. Takes
    /// nothing over.
    ///
    /// # Errors
    /// The file cannot be read, or is no table that is taken.
    pub(crate) async fn read_for_check(&self) -> Result<BTreeMap<PlatformName, usize>, TableError> {
        let rows = read(&self.path, &self.platforms).await?.rows?;
        let rows = file::is_plausible(&self.rows(), rows)?;
        let mut counts = BTreeMap::new();
        for (platform, ..) in rows.into_keys() {
            *counts.entry(platform).or_default() += 1;
        }
        Ok(counts)
    }

    /// Whether its rows are others than those of another table.
    pub(super) fn has_other_rows_than(&self, other: &Self) -> bool {
        self.rows() != other.rows()
    }

    fn rows(&self) -> Arc<Rows> {
        // A poisoned lock still holds a whole table: it is only ever replaced, never edited.
        Arc::clone(&self.rows.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads the file again if it may have changed since the last look.
    async fn follow_file(&self) {
        // Somebody else is looking: their look serves this person's next request as well.
        let Ok(mut seen) = self.seen.try_lock() else { return };
        let now = self.clock.monotonic();
        if now - seen.looked_at < LOOK_EVERY {
            return;
        }
        seen.looked_at = now;
        let stamp = stamp(&self.path).await.ok();
        if stamp == seen.stamp && (stamp.is_none() || now - seen.read_at < READ_EVERY) {
            return;
        }
        let outcome = match stamp {
            Some(_) => read(&self.path, &self.platforms).await,
            None => Err(TableError::Gone),
        };
        // Somebody is still writing: what was read may be half of it.
        if self::stamp(&self.path).await.ok() != stamp {
            return;
        }
        seen.stamp = stamp;
        seen.read_at = now;
        match outcome {
            Ok(Read { hash, .. }) if seen.hash == Some(hash) => {}
            Ok(Read { hash, rows }) => {
                seen.hash = Some(hash);
                match rows.and_then(|rows| file::is_plausible(&self.rows(), rows)) {
                    Ok(rows) => self.take(rows),
                    Err(error) => self.alarm(&error),
                }
            }
            Err(error) => {
                seen.hash = None;
                self.alarm(&error);
            }
        }
    }

    fn take(&self, rows: Rows) {
        tracing::info!(rows = rows.len(), "the identity table was read anew");
        *self.rows.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(rows);
    }

    fn alarm(&self, error: &TableError) {
        self.metrics.tables_refused.inc();
        tracing::error!(
            error = error as &dyn std::error::Error,
            path = %self.path.display(),
            "the identity table is not taken; the last good one stays in use"
        );
    }
}

async fn stamp(path: &Path) -> std::io::Result<Stamp> {
    let metadata = tokio::fs::metadata(path).await?;
    let (changed, file) = identity_of(&metadata);
    Ok((metadata.modified()?, metadata.len(), changed, file))
}

#[cfg(unix)]
fn identity_of(metadata: &std::fs::Metadata) -> (Option<(i64, i64)>, Option<u64>) {
    use std::os::unix::fs::MetadataExt;

    (Some((metadata.ctime(), metadata.ctime_nsec())), Some(metadata.ino()))
}

#[cfg(not(unix))]
const fn identity_of(_: &std::fs::Metadata) -> (Option<(i64, i64)>, Option<u64>) {
    (None, None)
}

/// Reads and parses apart from the threads that answer people: a large table takes its time.
async fn read(path: &Path, platforms: &[&'static Platform]) -> Result<Read, TableError> {
    let (path, platforms) = (path.to_owned(), platforms.to_owned());
    tokio::task::spawn_blocking(move || file::read(&path, &platforms))
        .await
        .map_err(|panic| TableError::Read(std::io::Error::other(panic)))?
}

#[cfg(test)]
mod tests;
