//! Subscribers looked up in a table that the operator keeps in a file.
//!
//! A CSV file has the columns `platform,workspace,user,subscriber` in any order; a TOML file has
//! one `[[person]]` with those keys for each row. The file is read anew when it changes; a changed
//! file that cannot be read or contradicts itself leaves the table as it was, and says so in the log.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, RwLock};
use std::time::{Duration, SystemTime};

use serde::Deserialize;
use tokio::sync::Mutex;

use super::{Found, Resolution, ResolverKind};
use crate::clock::{SharedClock, Tick};
use crate::core::answer::Reason;
use crate::core::person::Person;
use crate::core::platform::PlatformName;
use crate::novu::SubscriberId;

/// How long the file is taken to be unchanged after a look at it.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// The largest file that is read, in bytes.
const LARGEST_FILE: u64 = 64 * 1024 * 1024;

type Rows = HashMap<(PlatformName, String, String), SubscriberId>;

/// A table of people that follows its file.
#[derive(Debug)]
pub struct TableResolver {
    path: PathBuf,
    platforms: &'static [&'static str],
    clock: SharedClock,
    rows: RwLock<Arc<Rows>>,
    seen: Mutex<Seen>,
}

/// What the file looked like when it was last looked at.
#[derive(Debug)]
struct Seen {
    at: Tick,
    stamp: Option<Stamp>,
}

/// What tells one state of a file from another without reading it.
type Stamp = (SystemTime, u64);

/// Why a table cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// The file cannot be read.
    #[error("the file cannot be read: {0}")]
    Read(#[from] std::io::Error),
    /// The file is larger than the limit.
    #[error("the file is larger than {} MiB", LARGEST_FILE / 1024 / 1024)]
    TooLarge,
    /// The name ends neither in `.csv` nor in `.toml`.
    #[error("the name must end in .csv or .toml")]
    Ending,
    /// A line is not what a table has there. The line itself may hold an address, so it is not shown.
    #[error("line {0} is not a row of platform, workspace, user and subscriber")]
    Line(u64),
    /// A row is about a platform that there is not.
    #[error("row {0} names a platform that is neither of those known")]
    Platform(usize),
    /// A cell is empty.
    #[error("row {0} has an empty cell")]
    Empty(usize),
    /// Two rows give one person two subscribers.
    #[error("row {0} gives a person another subscriber than a row before it")]
    Contradiction(usize),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    platform: PlatformName,
    workspace: String,
    user: String,
    subscriber: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TomlTable {
    #[serde(default)]
    person: Vec<Row>,
}

impl TableResolver {
    /// Reads the table for the first time. Its rows may be about these platforms.
    ///
    /// # Errors
    /// The file cannot be read, or is not a table.
    pub async fn open(
        path: PathBuf,
        platforms: &'static [&'static str],
        clock: SharedClock,
    ) -> Result<Self, TableError> {
        let stamp = stamp(&path).await?;
        let rows = read(&path, platforms, stamp.1).await?;
        let seen = Seen { at: clock.monotonic(), stamp: Some(stamp) };
        Ok(Self {
            path,
            platforms,
            clock,
            rows: RwLock::new(Arc::new(rows)),
            seen: Mutex::new(seen),
        })
    }

    pub(super) async fn resolve(&self, person: &Person) -> Resolution {
        self.follow_file().await;
        let rows = self.rows();
        let places = [person.workspace.id.as_str(), person.workspace.realm()];
        let row = places.into_iter().find_map(|place| {
            rows.get(&(person.platform.clone(), place.to_owned(), person.user.clone()))
        });
        row.map_or(Resolution::NotMine(Reason::IdentityUnknown), |id| {
            Resolution::Found(Box::new(Found::id(ResolverKind::Table, id.clone())))
        })
    }

    fn rows(&self) -> Arc<Rows> {
        // A poisoned lock still holds a whole table: it is only ever replaced, never edited.
        Arc::clone(&self.rows.read().unwrap_or_else(std::sync::PoisonError::into_inner))
    }

    /// Reads the file again if it has changed since the last look.
    async fn follow_file(&self) {
        // Somebody else is looking: their look serves this person's next request as well.
        let Ok(mut seen) = self.seen.try_lock() else { return };
        let now = self.clock.monotonic();
        if now - seen.at < LOOK_EVERY {
            return;
        }
        seen.at = now;
        let stamp = stamp(&self.path).await.ok();
        if stamp == seen.stamp {
            return;
        }
        let Some(changed) = stamp else {
            tracing::error!("the identity table has gone; the last one stays in use");
            seen.stamp = None;
            return;
        };
        let outcome = read(&self.path, self.platforms, changed.1).await;
        // Somebody is still writing: what was read may be half of it.
        if self::stamp(&self.path).await.ok() != stamp {
            return;
        }
        seen.stamp = stamp;
        match outcome {
            Ok(rows) => {
                tracing::info!(rows = rows.len(), "the identity table was read anew");
                *self.rows.write().unwrap_or_else(std::sync::PoisonError::into_inner) =
                    Arc::new(rows);
            }
            Err(error) => {
                tracing::error!(%error, "the identity table is not usable; the last one stays in use");
            }
        }
    }
}

async fn stamp(path: &Path) -> std::io::Result<Stamp> {
    let metadata = tokio::fs::metadata(path).await?;
    Ok((metadata.modified()?, metadata.len()))
}

async fn read(path: &Path, platforms: &[&str], size: u64) -> Result<Rows, TableError> {
    if size > LARGEST_FILE {
        return Err(TableError::TooLarge);
    }
    let text = tokio::fs::read(path).await?;
    match path.extension().and_then(|ending| ending.to_str()) {
        Some("csv") => parse_csv(&text, platforms),
        Some("toml") => parse_toml(&String::from_utf8_lossy(&text), platforms),
        _ => Err(TableError::Ending),
    }
}

fn parse_csv(text: &[u8], platforms: &[&str]) -> Result<Rows, TableError> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text);
    let rows = reader.deserialize().collect::<Result<Vec<Row>, csv::Error>>();
    let rows =
        rows.map_err(|error| TableError::Line(error.position().map_or(1, csv::Position::line)))?;
    // Row 1 of a CSV file is its header.
    collect(rows, platforms, 2)
}

fn parse_toml(text: &str, platforms: &[&str]) -> Result<Rows, TableError> {
    let table = toml::from_str::<TomlTable>(text).map_err(|error| {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        TableError::Line(1 + before.matches('\n').count() as u64)
    })?;
    collect(table.person, platforms, 1)
}

fn collect(rows: Vec<Row>, platforms: &[&str], first: usize) -> Result<Rows, TableError> {
    let mut table = Rows::with_capacity(rows.len());
    for (number, row) in (first..).zip(rows) {
        let id = SubscriberId::new(row.subscriber).map_err(|_| TableError::Empty(number))?;
        if !platforms.contains(&row.platform.as_str()) {
            return Err(TableError::Platform(number));
        }
        if row.workspace.is_empty() || row.user.is_empty() {
            return Err(TableError::Empty(number));
        }
        let earlier = table.insert((row.platform, row.workspace, row.user), id.clone());
        if earlier.is_some_and(|earlier| earlier != id) {
            return Err(TableError::Contradiction(number));
        }
    }
    Ok(table)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use jiff::Timestamp;

    use crate::clock::ManualClock;
    use crate::core::person::Workspace;

    fn ada() -> Person {
        Person {
            platform: crate::slack::PLATFORM.id(),
            workspace: Workspace::standalone("T1"),
            user: "U1".to_owned(),
        }
    }

    fn subscriber(resolution: Resolution) -> Option<String> {
        match resolution {
            Resolution::Found(found) => Some(found.id.as_str().to_owned()),
            _ => None,
        }
    }

    #[tokio::test]
    async fn the_table_follows_its_file_and_outlives_a_bad_edit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("people.csv");
        let clock = ManualClock::new(Timestamp::UNIX_EPOCH);
        let write = |text: &str| {
            std::fs::write(&path, text).unwrap();
            clock.advance(LOOK_EVERY);
        };
        write("platform,workspace,user,subscriber\nslack,T1,U1,ada\n");
        let table =
            TableResolver::open(path.clone(), &["slack"], Arc::new(clock.clone())).await.unwrap();
        assert_eq!(subscriber(table.resolve(&ada()).await).as_deref(), Some("ada"));

        write("subscriber,user,workspace,platform\nlovelace,U1,T1,slack\n");
        assert_eq!(subscriber(table.resolve(&ada()).await).as_deref(), Some("lovelace"));

        write("platform,workspace,user,subscriber\nslack,T1,U1,a\nslack,T1,U1,b\n");
        assert_eq!(subscriber(table.resolve(&ada()).await).as_deref(), Some("lovelace"));

        std::fs::remove_file(&path).unwrap();
        clock.advance(LOOK_EVERY);
        assert_eq!(subscriber(table.resolve(&ada()).await).as_deref(), Some("lovelace"));

        write("platform,workspace,user,subscriber\n");
        assert_eq!(subscriber(table.resolve(&ada()).await), None);
    }

    #[test]
    fn rows_that_cannot_be_meant_are_named() {
        let head = "platform,workspace,user,subscriber\n";
        let cases = [
            (format!("{head}slack,T1,U1,\n"), "row 2 has an empty cell"),
            (format!("{head}slack,T1,U1,a\nslack,T1,U1,b\n"), "row 3 gives a person"),
            (format!("{head}irc,T1,U1,a\n"), "row 2 names a platform"),
            ("platform,workspace,user\nslack,T1,U1\n".to_owned(), "line 2 is not a row"),
        ];
        for (text, problem) in cases {
            let error = parse_csv(text.as_bytes(), &["slack"]).unwrap_err().to_string();
            assert!(error.contains(problem), "{error}");
        }
        assert_eq!(
            parse_toml(
                "[[person]]\nplatform='slack'\nworkspace='T1'\nuser='U1'\nsubscriber='a'",
                &["slack"]
            )
            .unwrap()
            .len(),
            1
        );
        assert!(parse_toml("[[people]]\n", &["slack"]).is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_table_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse_csv(&bytes, &["slack"]);
            let _ = parse_toml(&String::from_utf8_lossy(&bytes), &["slack"]);
        }
    }
}
