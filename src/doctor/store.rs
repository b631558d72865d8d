//! The store: whether it is there, opens, lasts and has room.

use std::path::Path;
use std::sync::Arc;

use tokio::sync::OnceCell;

use super::check::Check;
use super::examination::Examination;
use super::probe::Probe;
use super::report::Outcome;
use crate::store::config::Location;
use crate::store::{KeyRole, Overview, overview};

/// Less room, and the store fails any moment, in bytes.
const TOO_LITTLE: u64 = 32 << 20;
/// Less room, and somebody should look, in bytes.
const LITTLE: u64 = 512 << 20;

/// What the store tells of itself, asked once.
struct Looked {
    examination: Arc<Examination>,
    overview: OnceCell<Result<Overview, String>>,
}

pub(super) fn probes(examination: &Arc<Examination>) -> Vec<Probe> {
    let location = &examination.settings.store.location;
    let directory = match location {
        Location::Memory => return vec![Probe::known(Check::StoreDurable, forgetful())],
        Location::Sqlite(file) => file.parent().map(Path::to_owned),
        Location::Postgres(_) => None,
    };
    let durable = Outcome::ok(format!("what is stored outlives the service: {location}"));
    let mut probes = vec![Probe::known(Check::StoreDurable, durable)];
    if let Some(directory) = directory {
        probes.push(Probe::new(Check::StoreDisk, async move { disk(room_in(&directory)) }));
    }
    if let Location::Sqlite(file) = location
        && !file.exists()
    {
        probes.push(Probe::known(Check::StoreOpen, not_made_yet(file)));
        return probes;
    }
    let looked = Looked { examination: Arc::clone(examination), overview: OnceCell::new() };
    let looked = Arc::new(looked);
    let of = |check, judge: fn(&Overview) -> Outcome| {
        let looked = Arc::clone(&looked);
        Probe::new(check, async move { looked.judge(judge).await })
    };
    probes.push(of(Check::StoreTables, tables));
    probes.push(of(Check::StoreKeys, keys));
    probes.push(Probe::new(Check::StoreOpen, async move { looked.open().await }));
    probes
}

impl Looked {
    async fn overview(&self) -> &Result<Overview, String> {
        let look = async {
            let overview = overview(&self.examination.settings.store).await;
            overview.map_err(|error| format!("{error:#}"))
        };
        self.overview.get_or_init(|| look).await
    }

    /// What the running service says of its store counts before what a look from outside says.
    async fn open(&self) -> Outcome {
        if let Some(trouble) = self.examination.store.trouble() {
            let finding = format!("the service cannot use the store: {}", trouble.word());
            return Outcome::failure(finding, trouble.fix());
        }
        match self.overview().await {
            Ok(_) => Outcome::ok("the store opens"),
            Err(error) => {
                let fix =
                    "do what it says; the user that runs this command needs the service's rights";
                Outcome::failure(error.clone(), fix)
            }
        }
    }

    async fn judge(&self, judge: fn(&Overview) -> Outcome) -> Outcome {
        match self.overview().await {
            Ok(overview) => judge(overview),
            // `store.open` says so where it matters: a service that runs need not be looked into.
            Err(_) => {
                Outcome::note("the store cannot be looked into", "run this as the service's user")
            }
        }
    }
}

fn forgetful() -> Outcome {
    Outcome::warning(
        "the store is in memory: promised answers and pages are forgotten when the service ends",
        "set store.url to sqlite:FILE or postgres://…",
    )
}

fn not_made_yet(file: &Path) -> Outcome {
    let directory = file.parent().unwrap_or(file);
    if directory.is_dir() {
        return Outcome::note("there is no store yet", "start the service, which makes it");
    }
    let finding = format!("there is no directory {}", directory.display());
    let fix = "make the directory, or set store.url or STATE_DIRECTORY as the service has them";
    Outcome::failure(finding, fix)
}

fn tables(overview: &Overview) -> Outcome {
    let (found, known) = (overview.step, overview.known_step);
    if found > known + 1 {
        return Outcome::failure(
            format!(
                "the store's tables are of a newer release: step {found}, and this one knows {known}"
            ),
            "run that release, or restore a backup from before the update",
        );
    }
    if found > known {
        return Outcome::warning(
            format!("the store's tables are one step newer than this release, which knows {known}"),
            "run the release that made them; this one works with them, but not with the next step",
        );
    }
    Outcome::ok(format!("the store's tables are at step {found} of {known}"))
}

fn keys(overview: &Overview) -> Outcome {
    if let Some(trouble) = &overview.key_trouble {
        return Outcome::failure(trouble.clone(), "correct the key file, or set store.keys");
    }
    let missing = overview.keys.iter().filter(|(_, _, role)| *role == KeyRole::Missing);
    let missing: Vec<_> = missing.map(|(id, rows, _)| format!("{id} ({rows} rows)")).collect();
    if missing.is_empty() {
        return Outcome::ok("every key is there that has sealed something");
    }
    Outcome::failure(
        format!("keys are missing that have sealed something: {}", missing.join(", ")),
        "put the old key behind the new one in store.keys, or put the key file back",
    )
}

fn disk(room: Option<u64>) -> Outcome {
    let Some(room) = room else {
        return Outcome::note("nobody tells how much room the store's disk has", "look with df");
    };
    let finding = format!("the store's disk has room for {} MiB", room >> 20);
    let fix = "free some room on the disk that the store is on";
    match room {
        ..TOO_LITTLE => Outcome::failure(finding, fix),
        TOO_LITTLE..LITTLE => Outcome::warning(finding, fix),
        LITTLE.. => Outcome::ok(finding),
    }
}

/// How many bytes an unprivileged user can still write there, where the system tells.
#[cfg(unix)]
fn room_in(directory: &Path) -> Option<u64> {
    let directory = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
    let disk = rustix::fs::statvfs(directory).ok()?;
    Some(disk.f_bavail.saturating_mul(disk.f_frsize))
}

#[cfg(not(unix))]
fn room_in(_: &Path) -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Severity;

    #[test]
    fn a_disk_is_judged_by_its_room() {
        let cases = [
            (None, Severity::Note),
            (Some(0), Severity::Failure),
            (Some(TOO_LITTLE), Severity::Warning),
            (Some(LITTLE), Severity::Ok),
        ];
        for (room, severity) in cases {
            assert_eq!(disk(room).severity, severity, "{room:?}");
        }
        assert!(room_in(&std::env::temp_dir()).is_some_and(|room| room > 0));
    }

    fn overview(step: i64) -> Overview {
        Overview {
            step,
            known_step: 3,
            open_jobs: 0,
            ended_jobs: 0,
            messages: 0,
            links: (0, 0),
            audit: 0,
            held: 0,
            pages: 0,
            workspaces: (0, 0),
            keys: Vec::new(),
            key_trouble: None,
        }
    }

    #[test]
    fn a_key_that_has_sealed_something_has_to_be_there() {
        let with = |role| {
            let keys = vec![("first".to_owned(), 7, KeyRole::First), ("old".to_owned(), 2, role)];
            self::keys(&Overview { keys, ..overview(3) })
        };
        assert_eq!(with(KeyRole::Further).severity, Severity::Ok);
        let missing = with(KeyRole::Missing);
        assert_eq!(missing.severity, Severity::Failure);
        assert!(missing.finding.ends_with("old (2 rows)"), "{}", missing.finding);
    }

    #[test]
    fn tables_of_later_releases_are_told() {
        let cases =
            [(2, Severity::Ok), (3, Severity::Ok), (4, Severity::Warning), (5, Severity::Failure)];
        for (step, severity) in cases {
            assert_eq!(tables(&overview(step)).severity, severity, "{step}");
        }
    }
}
