//! The commands that look into the store and its audit and move it, with the real binary on real stores.

#![expect(clippy::unwrap_used, reason = "a test ends where it fails")]

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::time::Duration;

use novu_connect_bot::audit::{Actor, Audit, Event, Kind};
use novu_connect_bot::clock::SystemClock;
use novu_connect_bot::random::{SharedRandom, SystemRandom};
use novu_connect_bot::store::config::{Location, Settings};
use novu_connect_bot::store::{Begun, Change, KeyAfterwards, NewJob, Owner, Store, StoredMessage};
use secrecy::{ExposeSecret, SecretString};
use tempfile::TempDir;

const NEW: &str = "canary-key-of-tomorrow";
const OLD: &str = "canary-key-of-yesterday";
const PAYLOAD: &str = "canary-payload";
const BODY: &str = "canary-body";
const LEASE: Duration = Duration::from_mins(1);

fn store(arguments: &[&str], env: &[(&str, &str)]) -> Output {
    command("store", arguments, env)
}

fn command(name: &str, arguments: &[&str], env: &[(&str, &str)]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_novu-connect-bot"))
        .arg(name)
        .args(arguments)
        .env_clear()
        .envs(env.iter().copied())
        .output()
        .unwrap()
}

/// What a command said that did as asked, without its frequent blanks.
#[track_caller]
fn done(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    words(&output.stdout)
}

/// What a command said that failed.
#[track_caller]
fn failed(output: &Output, code: i32) -> String {
    assert_eq!(output.status.code(), Some(code), "{output:?}");
    let told = words(&output.stderr);
    assert!(!told.contains("canary"), "{told}");
    told
}

fn words(bytes: &[u8]) -> String {
    let text = std::str::from_utf8(bytes).unwrap();
    let lines = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    lines.collect::<Vec<_>>().join("\n")
}

/// A file of SQLite in a directory of its own.
struct Bench {
    directory: TempDir,
    file: PathBuf,
    url: String,
}

impl Bench {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("store.db");
        let url = format!("sqlite:{}", file.display());
        Self { directory, file, url }
    }

    fn path(&self, name: &str) -> String {
        self.directory.path().join(name).to_str().unwrap().to_owned()
    }

    /// The same, with one open and one ended job and a message in it.
    async fn filled(keys: &[&str]) -> Self {
        let bench = Self::new();
        let store = open(&bench.file, keys).await;
        let job = |payload: &str| NewJob { kind: "reply", key: None, payload: payload.into() };
        assert!(matches!(store.begin(job(PAYLOAD), LEASE).await, Ok(Begun::Leased(_))));
        let Ok(Begun::Leased(ended)) = store.begin(job("x"), LEASE).await else { panic!() };
        store.finish(&ended, "done", KeyAfterwards::Taken).await.unwrap();
        store.write(vec![Change::PutMessage(message(), None)]).await.unwrap();
        store.close().await;
        bench
    }
}

fn message() -> StoredMessage {
    let (owner, platform) = (owner(), "slack".into());
    StoredMessage { owner, id: "a-reference".into(), platform, body: BODY.into(), version: 0 }
}

fn owner() -> Owner {
    Owner::of("slack", "T1", "U1")
}

async fn open(file: &Path, keys: &[&str]) -> Store {
    let keys = keys.iter().map(|key| SecretString::from(*key)).collect();
    let settings = Settings { location: Location::Sqlite(file.to_owned()), keys };
    let open = || Store::open(&settings, Arc::new(SystemClock), Arc::new(SystemRandom));
    // A process that another test has just forked holds the lock of a closed store until it is itself.
    for _ in 0..100 {
        if let Ok(store) = open().await {
            return store;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    open().await.unwrap()
}

/// Whether all is there that [`Bench::filled`] put in.
async fn is_whole(file: &Path, keys: &[&str]) -> bool {
    let store = open(file, keys).await;
    let job = store.lease("reply", LEASE).await.unwrap();
    let message = store.message(&owner(), "a-reference").await.unwrap();
    store.close().await;
    job.is_some_and(|job| job.payload.expose_secret() == PAYLOAD)
        && message.is_some_and(|message| message.body.expose_secret() == BODY)
}

/// A service that is ended with this value, if it has not ended by itself.
struct Service(Child);

impl Drop for Service {
    fn drop(&mut self) {
        // Already gone is as good as ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Service {
    /// Starts it as it was started before there was a store, in a directory.
    fn start(directory: &Path) -> Self {
        let child = Command::new(env!("CARGO_BIN_EXE_novu-connect-bot"))
            .arg("serve")
            .current_dir(directory)
            .env_clear()
            .env("CONNECT_NOVU__API_URL", "http://127.0.0.1:9")
            .env("CONNECT_NOVU__API_KEY", "canary-novu")
            .env("CONNECT_SLACK__SIGNING_SECRETS", "canary-slack")
            .env("CONNECT_SLACK__INTEGRATION", "slack")
            .env("CONNECT_SERVER__LISTEN", "127.0.0.1:0")
            .env("CONNECT_SERVER__OPS_LISTEN", "127.0.0.1:0")
            .stderr(Stdio::piped())
            .spawn();
        Self(child.unwrap())
    }

    /// The line of the log that says so.
    fn says(&mut self, words: &str) -> String {
        let log = BufReader::new(self.0.stderr.as_mut().unwrap());
        log.lines().map(Result::unwrap).find(|line| line.contains(words)).unwrap()
    }
}

#[test]
fn a_service_needs_no_word_about_its_store_and_has_it_for_itself() {
    let directory = tempfile::tempdir().unwrap();
    let mut service = Service::start(directory.path());
    service.says("listening");
    for name in ["novu-connect-bot.db", "novu-connect-bot.db.key"] {
        assert!(directory.path().join(name).is_file(), "{name}");
    }
    let told = done(&store(&["info"], &[("STATE_DIRECTORY", directory.path().to_str().unwrap())]));
    assert!(told.contains("jobs 0 open") && told.contains("has sealed 0 rows; it seals"), "{told}");

    let mut second = Service::start(directory.path());
    assert_eq!(second.0.wait().unwrap().code(), Some(1));
    let said = second.says("is in use by another service");
    assert!(said.contains("store.url") && !said.contains("canary"), "{said}");
}

#[tokio::test]
async fn what_is_in_a_store_is_told_while_it_is_in_use_and_without_secrets() {
    let bench = Bench::filled(&[OLD]).await;
    let service = open(&bench.file, &[OLD]).await;
    let told = done(&store(
        &["info"],
        &[("CONNECT_STORE__URL", &bench.url), ("CONNECT_STORE__KEYS", &format!("{NEW},{OLD}"))],
    ));
    for line in [
        "tables step 1; this release knows 1",
        "jobs 1 open, 1 ended lately",
        "messages 1",
        "pages 0",
        "workspaces 0 requests, 0 open",
    ] {
        assert!(told.contains(line), "{line}: {told}");
    }
    assert!(told.contains(" has sealed 0 rows; it seals"), "{told}");
    assert!(told.contains(" has sealed 2 rows; it only opens"), "{told}");
    assert!(!told.contains("canary"), "{told}");

    let lacking = [("CONNECT_STORE__URL", &*bench.url), ("CONNECT_STORE__KEYS", NEW)];
    let told = done(&store(&["info"], &lacking));
    assert!(told.contains(" has sealed 2 rows; it is missing: put the key file back"), "{told}");
    service.close().await;
}

#[tokio::test]
async fn a_file_is_backed_up_while_it_is_in_use_and_opens_with_its_key() {
    let bench = Bench::filled(&[]).await;
    let env = [("CONNECT_STORE__URL", &*bench.url)];
    let service = open(&bench.file, &[]).await;
    let backup = bench.path("backup.db");
    let told = done(&store(&["backup", &backup], &env));
    assert!(told.contains(&format!("the key in {}.key: keep that too", bench.file.display())));
    service.close().await;
    let told = failed(&store(&["backup", &backup], &env), 1);
    assert!(told.contains("is there already"), "{told}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(&backup).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    std::fs::copy(bench.path("store.db.key"), bench.path("backup.db.key")).unwrap();
    assert!(is_whole(Path::new(&backup), &[]).await);
}

#[tokio::test]
async fn a_backup_is_copied_back_by_the_key_file_that_stayed() {
    let bench = Bench::filled(&[]).await;
    let env = [("CONNECT_STORE__URL", &*bench.url)];
    let backup = bench.path("backup.db");
    done(&store(&["backup", &backup], &env));
    std::fs::remove_file(&bench.file).unwrap();
    done(&store(&["copy", "--from", &format!("sqlite:{backup}")], &env));
    assert!(is_whole(&bench.file, &[]).await);
}

#[tokio::test]
async fn everything_is_copied_and_sealed_with_the_keys_of_the_new_store() {
    let bench = Bench::filled(&[]).await;
    let (target, url) = (bench.path("new.db"), format!("sqlite:{}", bench.path("new.db")));
    let env = [("CONNECT_STORE__URL", &*url), ("CONNECT_STORE__KEYS", NEW)];
    let copy = ["copy", "--from", &*bench.url];

    let service = open(&bench.file, &[]).await;
    let told = failed(&store(&copy, &env), 1);
    assert!(told.contains("is in use by another service"), "{told}");
    service.close().await;

    let told = done(&store(&copy, &env));
    assert!(told.contains("jobs 2 copied\nmessages 1 copied"), "{told}");
    let told = failed(&store(&copy, &env), 1);
    assert!(told.contains("is not empty: let store.url name"), "{told}");
    let told = done(&store(&["info"], &env));
    assert!(told.contains("has sealed 2 rows; it seals"), "{told}");
    assert!(is_whole(Path::new(&target), &[NEW]).await);
    assert!(is_whole(&bench.file, &[]).await);
}

#[tokio::test]
async fn what_is_sealed_with_a_key_that_is_not_given_is_not_copied() {
    let bench = Bench::filled(&[OLD]).await;
    let url = format!("sqlite:{}", bench.path("new.db"));
    let lacking = [("CONNECT_STORE__URL", &*url), ("CONNECT_STORE__KEYS", NEW)];
    let copy = ["copy", "--from", &*bench.url];
    let told = failed(&store(&copy, &lacking), 1);
    assert!(told.contains("put the key into store.keys, behind the first one"), "{told}");
    // Nothing of it was.
    let both = format!("{NEW},{OLD}");
    done(&store(&copy, &[lacking[0], ("CONNECT_STORE__KEYS", &both)]));
    assert!(is_whole(Path::new(&bench.path("new.db")), &[NEW]).await);
}

#[tokio::test]
async fn a_file_moves_to_postgresql_and_back() {
    let Some(server) = connect_sandbox::Postgres::shared() else { return };
    let bench = Bench::filled(&[]).await;
    let postgres = server.database();
    let env = [("CONNECT_STORE__URL", &*postgres), ("CONNECT_STORE__KEYS", NEW)];
    let told = done(&store(&["copy", "--from", &bench.url], &env));
    assert!(
        told.contains("jobs 2 copied\nmessages 1 copied") && !told.contains("canary"),
        "{told}"
    );
    let told = failed(&store(&["copy", "--from", &bench.url], &env), 1);
    assert!(told.contains("is not empty"), "{told}");
    let told = failed(&store(&["backup", &bench.path("backup.db")], &env), 1);
    assert!(told.contains("pg_dump"), "{told}");
    let told = done(&store(&["info"], &env));
    assert!(told.contains("jobs 1 open, 1 ended lately") && !told.contains("canary"), "{told}");

    let demanding = format!("{postgres}?sslmode=verify-full");
    let told = failed(&store(&["info"], &[("CONNECT_STORE__URL", &demanding), env[1]]), 1);
    assert!(told.contains("does not support TLS") && told.contains("sslmode"), "{told}");

    let url = format!("sqlite:{}", bench.path("back.db"));
    let env = [("CONNECT_STORE__URL", &*url), ("CONNECT_STORE__KEYS", NEW)];
    done(&store(&["copy", "--from", &postgres], &env));
    assert!(is_whole(Path::new(&bench.path("back.db")), &[NEW]).await);
}

#[tokio::test]
async fn what_is_stored_of_a_person_is_removed_while_the_store_is_in_use() {
    let bench = Bench::filled(&[OLD]).await;
    let env = [("CONNECT_STORE__URL", &*bench.url), ("CONNECT_STORE__KEYS", OLD)];
    let service = open(&bench.file, &[OLD]).await;
    for (person, removed) in [(["slack", "T1", "U2"], 0), (["slack", "T1", "U1"], 1)] {
        let told = done(&store(&[&["forget"][..], &person].concat(), &env));
        assert!(told.starts_with(&format!("messages {removed} removed")), "{told}");
        assert_eq!(service.message(&owner(), "a-reference").await.unwrap().is_none(), removed == 1);
    }
    service.write(vec![Change::PutMessage(message(), None)]).await.unwrap();
    service.close().await;
    let told = failed(&store(&["forget", "irc", "T1", "U1"], &env), 64);
    assert!(told.contains("there is no platform irc: take slack or teams"), "{told}");
}

#[tokio::test]
async fn mistakes_are_told_with_their_fix_and_leave_nothing_behind() {
    let bench = Bench::new();
    let env = [("CONNECT_STORE__URL", &*bench.url)];
    for action in [&["info"][..], &["backup", "x.db"], &["forget", "slack", "T1", "U1"]] {
        let told = failed(&store(action, &env), 1);
        assert!(told.contains("there is no file") && told.contains("set store.url"), "{told}");
        let told = failed(&store(action, &[("CONNECT_STORE__URL", "memory")]), 1);
        assert!(told.contains("in memory"), "{told}");
    }
    std::fs::write(&bench.file, "").unwrap();
    let told = failed(&store(&["info"], &env), 1);
    assert!(told.contains("no service has used it yet"), "{told}");
    let from = ["copy", "--from", "mysql://u:canary@h/d"];
    let told = failed(&store(&from, &env), 64);
    assert!(told.starts_with("--from is no kind of store: write sqlite:FILE"), "{told}");
    let told = failed(&store(&["info"], &[("CONNECT_STORE__URL", "postgres://u:canary@h/d")]), 64);
    assert!(told.contains("store.keys (CONNECT_STORE__KEYS) is missing"), "{told}");
    assert_eq!(std::fs::read_dir(&bench.directory).unwrap().count(), 1);
}

#[tokio::test]
async fn the_audit_is_exported_and_checked_while_the_store_is_in_use() {
    let bench = Bench::filled(&[OLD]).await;
    let env = [("CONNECT_STORE__URL", &*bench.url), ("CONNECT_STORE__KEYS", OLD)];
    assert_eq!(done(&command("audit", &["verify"], &env)), "nothing was noted yet");
    let service = open(&bench.file, &[OLD]).await;
    let random: SharedRandom = Arc::new(SystemRandom);
    let audit = Audit::begin(service.clone(), Arc::new(SystemClock), &random, Arc::default());
    for user in ["U1", "U2"] {
        audit.note(Event {
            kind: Kind::Linked,
            actor: Actor::Person,
            platform: "slack".to_owned(),
            person: Some(Owner::of("slack", "T1", user)),
            other: None,
            subscriber: Some("canary-subscriber".to_owned()),
            endpoint: None,
            workspace: None,
            connection: None,
            reference: None,
            reason: None,
        });
    }
    audit.finish().await;
    let exported = done(&command("audit", &["export"], &env));
    assert_eq!(exported.lines().count(), 2);
    assert!(!exported.contains("U1") && !exported.contains("canary"), "{exported}");
    let person = ["export", "--person", "slack", "T1", "U2"];
    assert_eq!(done(&command("audit", &person, &env)), exported.lines().nth(1).unwrap());
    let told = done(&command("audit", &["verify"], &env));
    let checkpoint = told.strip_suffix(" is whole").unwrap();
    done(&command("audit", &["verify", "--expect", checkpoint], &env));
    let more = checkpoint.replacen(":2:", ":3:", 1);
    let cut = command("audit", &["verify", "--expect", &more], &env);
    assert_eq!(cut.status.code(), Some(1));
    assert!(words(&cut.stdout).contains("line 3 breaks it: it is missing"), "{cut:?}");
    failed(&command("audit", &["verify", "--expect", "x"], &env), 64);

    done(&store(&["forget", "slack", "T1", "U2"], &env));
    let told = failed(&command("audit", &person, &env), 1);
    assert!(told.contains("they were forgotten"), "{told}");
    done(&command("audit", &["verify", "--expect", checkpoint], &env));
    service.close().await;
    let told = failed(&command("audit", &["verify"], &[("CONNECT_STORE__URL", "memory")]), 1);
    assert!(told.contains("in the log alone"), "{told}");
}
