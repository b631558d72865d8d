//! What can be wrong with a store: a word for readiness, and the fix for the log.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sqlx::Error;

use super::config::Location;
use super::sealing::MISSING_KEY;

/// Why a store did not do as asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// There are too many open jobs of a kind to take another.
    #[error("the store holds as many open jobs as it can")]
    Full,
    /// The database is not able to.
    #[error("the store cannot be used at the moment: {}", .0.word())]
    Unavailable(StoreTrouble),
}

/// What is wrong with a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreTrouble {
    /// There is no room left.
    DiskFull,
    /// Somebody else holds the database's lock.
    Locked,
    /// It may be read, but not written.
    ReadOnly,
    /// The file is not there any more, or is another one, or cannot be opened.
    Gone,
    /// What is in it cannot be read.
    Damaged,
    /// The disk fails.
    DiskFailing,
    /// The server is not reached.
    Unreachable,
    /// The server lets nobody in with these credentials, or not into this database.
    Refused,
    /// The certificate of the server is not to be trusted, or there is no TLS.
    Tls,
    /// The server takes no further connection.
    Crowded,
    /// It does not answer in time.
    Slow,
    /// Something is sealed with a key that is not among `store.keys`.
    Keys,
    /// Anything else that the database refuses.
    Failing,
}

impl StoreTrouble {
    /// Every trouble there is.
    pub const ALL: [Self; 13] = [
        Self::DiskFull,
        Self::Locked,
        Self::ReadOnly,
        Self::Gone,
        Self::Damaged,
        Self::DiskFailing,
        Self::Unreachable,
        Self::Refused,
        Self::Tls,
        Self::Crowded,
        Self::Slow,
        Self::Keys,
        Self::Failing,
    ];

    /// The word for it in `/readyz`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::DiskFull => "disk_full",
            Self::Locked => "locked",
            Self::ReadOnly => "read_only",
            Self::Gone => "gone",
            Self::Damaged => "damaged",
            Self::DiskFailing => "disk_failing",
            Self::Unreachable => "unreachable",
            Self::Refused => "refused",
            Self::Tls => "tls",
            Self::Crowded => "no_connection_left",
            Self::Slow => "slow",
            Self::Keys => "unknown_key",
            Self::Failing => "failing",
        }
    }

    /// What an operator does about it.
    #[must_use]
    pub const fn fix(self) -> &'static str {
        match self {
            Self::DiskFull => "free some room on the disk that the database is on",
            Self::Locked => "end the other program that has the database open",
            Self::ReadOnly => {
                "let the service write to the database: the owner and mode of the file and of its \
                 directory, a read-only volume, or a server that is a standby"
            }
            Self::Gone => {
                "move the file back and let the service's user read it; or restart the service, which takes \
                 the file that is there then, or begins with an empty one"
            }
            Self::Damaged => "restore a backup of the database, or move it away and begin anew",
            Self::DiskFailing => "look at the disk of the database",
            Self::Unreachable => "see that the database server runs and that store.url names it",
            Self::Refused => {
                "see that store.url has the right user, password and database, and that the user may \
                 create tables in it"
            }
            Self::Tls => {
                "give the server a certificate for its name, and for an authority of your own add \
                 sslrootcert=FILE to store.url; on a network that is yours alone, sslmode=disable does \
                 without TLS"
            }
            Self::Crowded => "let the database server take more connections",
            Self::Slow => "see what keeps the database from answering",
            Self::Keys => MISSING_KEY,
            Self::Failing => "look at the cause, and at the log of the database",
        }
    }

    /// Whether it takes time to find out that a server is in this trouble, so that nobody but the keeper
    /// should.
    pub(super) const fn is_waited_for(self) -> bool {
        matches!(self, Self::Unreachable | Self::Slow | Self::Crowded)
    }

    /// Whether the connection that met it may be to blame: it may hang, or lead to a server that is not
    /// the first one any more.
    pub(super) const fn is_of_connection(self) -> bool {
        matches!(self, Self::Unreachable | Self::Slow | Self::ReadOnly)
    }

    /// What an error of the database means.
    pub(super) fn of(error: &Error) -> Self {
        match error {
            Error::Database(error) => {
                let code = error.code();
                let code = code.as_deref().unwrap_or_default();
                if error.try_downcast_ref::<sqlx::sqlite::SqliteError>().is_some() {
                    Self::of_sqlite(code)
                } else {
                    Self::of_postgres(code)
                }
            }
            Error::Tls(_) => Self::Tls,
            // A server that is going down breaks off in the middle of what it says.
            Error::Io(_) | Error::Protocol(_) | Error::PoolClosed | Error::WorkerCrashed => {
                Self::Unreachable
            }
            Error::PoolTimedOut => Self::Slow,
            Error::Configuration(_) => Self::Refused,
            _ => Self::Failing,
        }
    }

    /// By the primary result code (SQLite, result and error codes).
    fn of_sqlite(code: &str) -> Self {
        match code.parse::<u32>().map(|code| code & 0xff) {
            Ok(5 | 6) => Self::Locked,
            Ok(3 | 8) => Self::ReadOnly,
            Ok(10) => Self::DiskFailing,
            Ok(11 | 26) => Self::Damaged,
            Ok(13) => Self::DiskFull,
            Ok(14) => Self::Gone,
            _ => Self::Failing,
        }
    }

    /// By the state (PostgreSQL, appendix "error codes").
    fn of_postgres(state: &str) -> Self {
        match state {
            "53100" => Self::DiskFull,
            "53300" => Self::Crowded,
            "25006" => Self::ReadOnly,
            "55P03" | "40P01" => Self::Locked,
            "57014" => Self::Slow,
            "57P01" | "57P02" | "57P03" => Self::Unreachable,
            "58030" => Self::DiskFailing,
            "42501" | "3D000" => Self::Refused,
            "XX001" | "XX002" => Self::Damaged,
            _ if state.starts_with("28") => Self::Refused,
            _ => Self::Failing,
        }
    }
}

/// Why a database did not do as asked.
#[derive(Debug, Clone)]
pub(super) struct Failure {
    pub(super) trouble: StoreTrouble,
    pub(super) cause: Arc<str>,
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        Self { trouble: StoreTrouble::of(&error), cause: error.to_string().into() }
    }
}

/// An error of a database before it is in use, with its fix.
pub(super) fn cannot_use(location: &Location, error: &Error) -> anyhow::Error {
    let fix = StoreTrouble::of(error).fix();
    // Its words tell its sources already.
    anyhow::anyhow!("{location} cannot be used: {fix} ({error})")
}

/// What is known of a store, by what it did last.
#[derive(Debug, Default)]
pub(super) struct StoreHealth(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    trouble: Option<StoreTrouble>,
    /// How often something has failed.
    failures: u64,
}

/// That something was begun, after so many failures.
#[derive(Debug, Clone, Copy)]
pub(super) struct BegunAfter(u64);

impl StoreHealth {
    /// What is wrong, if anything is.
    pub(super) fn trouble(&self) -> Option<StoreTrouble> {
        self.known().trouble
    }

    /// Takes note that something is begun.
    pub(super) fn begin(&self) -> BegunAfter {
        BegunAfter(self.known().failures)
    }

    /// Takes note that the store did as asked. What was begun before the last failure says nothing of
    /// what is since.
    pub(super) fn works(&self, BegunAfter(failures): BegunAfter) {
        let mut known = self.known();
        if known.failures == failures && known.trouble.take().is_some() {
            tracing::info!("the store works again");
        }
    }

    /// Takes note of trouble; its cause is in the log once per change.
    pub(super) fn fails(&self, trouble: StoreTrouble, cause: &dyn std::fmt::Display) {
        let mut known = self.known();
        known.failures += 1;
        if known.trouble.replace(trouble) != Some(trouble) {
            let (word, fix) = (trouble.word(), trouble.fix());
            tracing::error!(trouble = word, %cause, fix, "the store cannot be used");
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        // A panic while the lock was held leaves whole values behind: there is nothing to repair.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_trouble_has_a_word_and_a_fix_of_its_own() {
        let words: std::collections::BTreeSet<_> =
            StoreTrouble::ALL.iter().map(|it| (it.word(), it.fix())).collect();
        assert_eq!(words.len(), StoreTrouble::ALL.len());
    }

    #[test]
    fn the_codes_of_both_databases_are_told_apart() {
        for (code, trouble) in [
            ("5", StoreTrouble::Locked),
            ("517", StoreTrouble::Locked),
            ("13", StoreTrouble::DiskFull),
            ("1032", StoreTrouble::ReadOnly),
            ("778", StoreTrouble::DiskFailing),
            ("11", StoreTrouble::Damaged),
            ("1", StoreTrouble::Failing),
        ] {
            assert_eq!(StoreTrouble::of_sqlite(code), trouble, "{code}");
        }
        for (state, trouble) in [
            ("53100", StoreTrouble::DiskFull),
            ("28P01", StoreTrouble::Refused),
            ("57P01", StoreTrouble::Unreachable),
            ("57014", StoreTrouble::Slow),
            ("42P01", StoreTrouble::Failing),
        ] {
            assert_eq!(StoreTrouble::of_postgres(state), trouble, "{state}");
        }
    }

    #[test]
    fn a_server_that_breaks_off_is_in_one_trouble_wherever_it_does() {
        let io = std::io::ErrorKind::UnexpectedEof;
        for error in [Error::Io(io.into()), Error::Protocol("unexpected response".into())] {
            assert_eq!(StoreTrouble::of(&error), StoreTrouble::Unreachable, "{error}");
        }
    }

    #[test]
    fn what_was_begun_before_a_failure_does_not_end_it() {
        let health = StoreHealth::default();
        let early = health.begin();
        health.fails(StoreTrouble::Slow, &"a cause");
        health.works(early);
        assert_eq!(health.trouble(), Some(StoreTrouble::Slow));
        health.works(health.begin());
        assert_eq!(health.trouble(), None);
    }
}
