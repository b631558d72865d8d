//! What a store in a database has to stand.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::super::database::Pools;
use super::super::sealing::SealedColumn;
use super::super::session::Session;
use super::super::{schema, statements};
use super::*;

/// Says something to the database itself.
pub(super) async fn execute(bench: &Bench, statement: &'static str) -> u64 {
    let database = bench.database();
    match &database.pools {
        Pools::Sqlite(_) => {
            let mut connection = connect(&file(bench)).await;
            Session::Sqlite(&mut connection).execute(statement, &[]).await.unwrap()
        }
        Pools::Postgres(_) => {
            let mut reading = database.pools.reading().await.unwrap();
            reading.session().execute(statement, &[]).await.unwrap()
        }
    }
}

async fn connect(path: &Path) -> sqlx::SqliteConnection {
    use sqlx::ConnectOptions;
    sqlx::sqlite::SqliteConnectOptions::new().filename(path).connect().await.unwrap()
}

pub(super) async fn rows(
    bench: &Bench,
    statement: &'static str,
) -> Vec<super::super::session::Row> {
    let mut reading = bench.database().pools.reading().await.unwrap();
    reading.session().rows(statement, &[]).await.unwrap()
}

fn file(bench: &Bench) -> PathBuf {
    let Location::Sqlite(file) = &bench.settings.location else { panic!("it is no file") };
    file.clone()
}

on_stores! { [sqlite, postgres] {
    async fn what_was_stored_is_there_after_a_restart(bench) {
        let begun = bench.begin().await;
        bench.postpone(&begun, "kept", SECOND).await;
        bench.store.write(vec![put(message("M1", "U1", "kept"))]).await.unwrap();
        bench.reopen().await;
        bench.clock.advance(SECOND);
        let job = bench.store.lease("late", LEASE).await.unwrap().unwrap();
        assert_eq!(job.payload.expose_secret(), "kept");
        assert_eq!(bench.finish(&begun).await, Held::NoLonger);
        assert_eq!(bench.message("M1").await.unwrap().unwrap().body.expose_secret(), "kept");
    }

    async fn a_clock_that_was_set_back_before_a_restart_blocks_nothing_for_longer(bench) {
        let begun = bench.begin().await;
        bench.postpone(&begun, "{}", SECOND * 10).await;
        bench.database().beat().await.unwrap();
        bench.clock.set(Timestamp::from_second(START - 86_400).unwrap());
        bench.reopen().await;
        bench.clock.advance(SECOND * 10);
        assert_eq!(bench.lease().await.unwrap().id, begun.id);
    }

    async fn a_clock_that_was_a_year_ahead_at_a_restart_takes_nothing_for_old(bench) {
        bench.store.write(vec![put(message("M1", "U1", "kept"))]).await.unwrap();
        let ended = leased(bench.store.begin(keyed(1), LEASE).await.unwrap());
        bench.store.finish(&ended, "told", KeyAfterwards::Taken).await.unwrap();
        bench.database().beat().await.unwrap();
        bench.clock.set(Timestamp::from_second(START + 366 * 86_400).unwrap());
        bench.reopen().await;
        bench.database().write(statements::Write::Prune).await.unwrap();
        assert!(bench.message("M1").await.unwrap().is_some());
        assert_eq!(bench.store.begin(keyed(1), LEASE).await, Ok(Begun::Known));
    }

    async fn rows_that_are_swapped_do_not_open(bench) {
        for payload in ["one", "other"] {
            let begun = bench.begin().await;
            bench.postpone(&begun, payload, Duration::ZERO).await;
        }
        let put = |id| put(message(id, "U1", id));
        bench.store.write(vec![put("M1"), put("M2")]).await.unwrap();
        execute(&bench, "
            UPDATE jobs SET payload = (SELECT payload FROM jobs AS other WHERE other.id <> jobs.id)
            WHERE id = (SELECT MIN(id) FROM jobs)").await;
        execute(&bench, "
            UPDATE messages SET body = (SELECT body FROM messages AS other WHERE other.id LIKE '%-M2')
            WHERE id LIKE '%-M1'").await;
        let mut opened = Vec::new();
        while let Some(job) = bench.store.lease("late", LEASE).await.unwrap() {
            opened.push(job.payload.expose_secret().to_owned());
        }
        opened.sort();
        assert_eq!(opened[0], "", "the row that was moved");
        assert!(["one", "other"].contains(&&*opened[1]));
        assert!(bench.message("M1").await.unwrap().is_none());
        assert_eq!(bench.message("M2").await.unwrap().unwrap().body.expose_secret(), "M2");
    }

    async fn keys_are_changed_without_leaving_a_column_behind(bench) {
        let (old, new) = ("canary-store-key-of-yesterday", "canary-store-key-of-tomorrow");
        bench.settings.keys = keys(&[old]);
        if matches!(bench.settings.location, Location::Sqlite(_)) {
            std::fs::remove_file(file(&bench).with_extension("db.key")).unwrap();
        }
        bench.reopen().await;
        for _ in 0..150 {
            bench.store.write(vec![Change::Put(job(), SECOND)]).await.unwrap();
        }
        let watch = Some(("watched".into(), LEASE));
        let kept = Change::PutMessage(message("M1", "U1", "kept"), watch);
        bench.store.write(vec![kept, put(message("M2", "U1", "unwatched"))]).await.unwrap();
        let account = Owner::of("slack", "T1", "U1");
        bench.store.remember_link(accounts::link("U1", "ada")).await.unwrap();
        bench.store.remember_held(&account, "kept").await.unwrap();
        let secret = bench.store.pseudonym_secret(&account).await.unwrap().unwrap();
        bench.store.put_page(super::pages::page("one", "U1", "M1")).await.unwrap();
        bench.store.put_workspace_request(workspace_requests::request("R1")).await.unwrap();
        for column in SealedColumn::ALL {
            let (table, column) = (column.table(), column.column());
            let text = format!("SELECT COUNT(*) FROM {table} WHERE length({column}) > 0");
            let mut reading = bench.database().pools.reading().await.unwrap();
            let found = reading.session().row(sqlx::AssertSqlSafe(text), &[]).await.unwrap();
            assert!(found.unwrap().number(0).unwrap() > 0, "{table} is not tried");
        }
        bench.settings.keys = keys(&[new, old]);
        bench.reopen().await;
        assert_eq!(bench.database().reseal().await, Ok(158));
        assert_eq!(bench.database().reseal().await, Ok(0));
        bench.settings.keys = keys(&[new]);
        bench.reopen().await;
        bench.clock.advance(SECOND);
        let job = bench.store.lease("late", LEASE).await.unwrap().unwrap();
        assert_eq!(job.payload.expose_secret(), "{}");
        assert_eq!(bench.message("M1").await.unwrap().unwrap().body.expose_secret(), "kept");
        assert_eq!(bench.watches().await[0].watch.expose_secret(), "watched");
        assert!(bench.store.known_link(&account).await.unwrap().is_some());
        assert_eq!(bench.store.held(&account).await, Ok(Some("kept".to_owned())));
        let same = bench.store.pseudonym_secret(&account).await.unwrap().unwrap();
        assert_eq!(same.expose_secret(), secret.expose_secret());
        let page = bench.store.page(&PageId::of("one")).await.unwrap().unwrap();
        assert_eq!(page.body.expose_secret(), "one");
        let request = bench.store.workspace_request("R1").await.unwrap().unwrap();
        assert_eq!(request.body.expose_secret(), "R1");
        // The key of before is not needed any more, and alone it is not enough.
        bench.settings.keys = keys(&[old]);
        bench.kill();
        let error = format!("{:#}", bench.open_free().await.unwrap_err());
        assert!(error.contains("store.keys"), "{error}");
    }

    async fn every_column_of_bytes_is_sealed_or_known_to_let_nobody_in(bench) {
        let found = match bench.settings.location {
            Location::Sqlite(_) => rows(&bench, "
                SELECT m.name, t.name FROM sqlite_master AS m, pragma_table_info(m.name) AS t
                WHERE m.type = 'table' AND m.name NOT LIKE '\\_sqlx%' ESCAPE '\\' AND t.type = 'BLOB'"),
            _ => rows(&bench, "
                SELECT table_name::TEXT, column_name::TEXT FROM information_schema.columns
                WHERE table_schema = current_schema() AND data_type = 'bytea'
                AND table_name NOT LIKE '\\_sqlx%'"),
        };
        let hashes = [
            ("jobs", "unique_key"),
            ("seen", "hash"),
            ("pace", "person"),
            ("workspace_requests", "unique_key"),
        ];
        for row in found.await {
            let (table, column) = (row.text(0).unwrap(), row.text(1).unwrap());
            let sealed = SealedColumn::ALL
                .iter()
                .any(|it| (it.table(), it.column()) == (table.as_str(), column.as_str()));
            assert!(sealed || hashes.contains(&(table.as_str(), column.as_str())), "{table}.{column}");
        }
    }

    async fn what_is_old_goes_and_what_is_open_stays(bench) {
        let ended = leased(bench.store.begin(keyed(1), LEASE).await.unwrap());
        bench.store.finish(&ended, "told", KeyAfterwards::Taken).await.unwrap();
        bench.begin().await;
        bench.store.write(vec![put(message("M1", "U1", "{}"))]).await.unwrap();
        let prune = async || match bench.database().write(statements::Write::Prune).await.unwrap() {
            statements::Wrote::Rows(rows) => rows,
            other => panic!("{other:?}"),
        };
        assert_eq!(prune().await, 0);
        bench.clock.advance(Duration::from_millis(statements::ENDED_KEPT.cast_unsigned()) + SECOND);
        assert_eq!(prune().await, 1);
        leased(bench.store.begin(keyed(1), LEASE).await.unwrap());
        // One that is due and that nobody has run for days, as of a platform that was switched off.
        bench.store.write(vec![Change::Put(job(), SECOND)]).await.unwrap();
        bench.clock.advance(Duration::from_millis(statements::MESSAGES_KEPT.cast_unsigned()));
        assert_eq!((prune().await, bench.open_jobs().await), (2, 2));
    }

    async fn a_job_that_has_ended_keeps_its_end_and_nothing_secret(bench) {
        let ended = bench.begin().await;
        bench.finish(&ended).await;
        let found = rows(&bench, "SELECT outcome, length(payload) FROM jobs").await;
        assert_eq!(found[0].text(0).unwrap(), "told");
        let length = rows(&bench, "SELECT COUNT(*) FROM jobs WHERE length(payload) = 0").await;
        assert_eq!(length[0].number(0).unwrap(), 1);
    }

    async fn tables_of_the_next_release_will_do_and_those_of_the_one_after_do_not(bench) {
        let next = schema::latest() + 1;
        assert_eq!(next, 2, "the statements below say so too");
        execute(&bench, "
            INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
            VALUES (2, 'next', TRUE, (SELECT checksum FROM _sqlx_migrations), 0)").await;
        bench.reopen().await;
        bench.begin().await;
        execute(&bench, "UPDATE _sqlx_migrations SET version = 3 WHERE version = 2").await;
        bench.kill();
        let error = format!("{:#}", bench.open_free().await.unwrap_err());
        assert!(error.contains("newer release"), "{error}");
    }

    async fn what_is_given_back_at_the_end_is_anybodys_at_once(bench) {
        let held = bench.begin().await;
        bench.store.close().await;
        bench.reopen().await;
        assert_eq!(bench.lease().await.unwrap().id, held.id);
    }
}}

#[tokio::test]
async fn what_a_killed_service_held_in_its_file_is_due_at_the_next_start() {
    let mut bench = Bench::sqlite().await.unwrap();
    let held = bench.begin().await;
    bench.reopen().await;
    let lease = bench.lease().await.unwrap();
    assert_eq!((lease.id, lease.attempts), (held.id, 2));
    assert_eq!(bench.finish(&held).await, Held::NoLonger);
}

#[tokio::test]
async fn a_file_is_one_services() {
    let bench = Bench::sqlite().await.unwrap();
    let error = format!("{:#}", bench.open_again().await.unwrap_err());
    assert!(error.contains("in use by another service"), "{error}");
    // Nothing happened to the one that has it.
    bench.begin().await;
}

#[tokio::test]
async fn what_cannot_be_opened_is_told_with_its_place_its_fix_and_its_cause_once() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| Location::Sqlite(folder.path().join(name));
    std::fs::write(folder.path().join("damaged"), "this is no database at all").unwrap();
    let unreached = location("postgres://u:canary@127.0.0.1:1/d").unwrap();
    for (location, fix, cause) in [
        (file("no/such"), "make its directory", "No such file"),
        (file("damaged"), "restore a backup", "not a database"),
        (unreached, "see that the database server runs", "refused"),
    ] {
        let settings = Settings { location, keys: keys(&["canary-store-key-of-today"]) };
        let clock = ManualClock::new(Timestamp::from_second(START).unwrap());
        let error = format!("{:#}", open(&settings, &clock).await.unwrap_err());
        let place = format!("{} cannot be used: {fix}", settings.location);
        assert!(error.starts_with(&place), "{error}");
        assert_eq!(error.matches(cause).count(), 1, "{error}");
        assert!(!error.contains("canary"), "{error}");
    }
}

#[tokio::test]
async fn a_server_that_is_away_is_not_said_to_be_slow_however_many_wait_for_it() {
    let Some(server) = Server::start() else { return };
    let bench = Bench::at(location(&server.database()).unwrap(), None).await;
    server.stop();
    let write = || bench.store.write(vec![put(message("M1", "U1", "{}"))]);
    let away = Err(StoreError::Unavailable(StoreTrouble::Unreachable));
    for written in futures_util::future::join_all((0..8).map(|_| write())).await {
        assert_eq!(written.map(drop), away);
    }
}

#[tokio::test]
async fn a_file_that_is_removed_is_missed() {
    let bench = Bench::sqlite().await.unwrap();
    let (there, away) = (file(&bench), file(&bench).with_extension("away"));
    std::fs::rename(&there, &away).unwrap();
    let gone = Err(StoreError::Unavailable(StoreTrouble::Gone));
    assert_eq!(bench.database().beat().await, gone);
    let written = bench.store.write(vec![put(message("M1", "U1", "{}"))]).await;
    assert_eq!(written.map(drop), gone, "nothing is written for nobody");
    assert_eq!(bench.store.trouble(), Some(StoreTrouble::Gone));
    // Another file of its name is not the one that is open.
    std::fs::copy(&away, &there).unwrap();
    #[cfg(unix)]
    assert_eq!(bench.database().beat().await, gone);
    std::fs::rename(&away, &there).unwrap();
    assert_eq!(bench.database().beat().await, Ok(()));
    assert_eq!(bench.store.trouble(), None);
}

#[tokio::test]
async fn a_file_that_is_replaced_is_missed() {
    let bench = Bench::sqlite().await.unwrap();
    let backup = file(&bench).with_extension("backup");
    super::super::back_up(&bench.settings, &backup).await.unwrap();
    std::fs::rename(&backup, file(&bench)).unwrap();
    assert!(bench.database().beat().await.is_err());
    assert_eq!(bench.store.trouble(), Some(StoreTrouble::Gone));
}

#[tokio::test]
async fn those_who_write_at_once_wait_for_a_lock_together() {
    let bench = Bench::sqlite().await.unwrap();
    let mut other = connect(&file(&bench)).await;
    let mut other = Session::Sqlite(&mut other);
    other.command("BEGIN IMMEDIATE").await.unwrap();
    let began = tokio::time::Instant::now();
    let writes = (0..20).map(|_| bench.store.begin(job(), LEASE));
    let locked = Err(StoreError::Unavailable(StoreTrouble::Locked));
    for begun in futures_util::future::join_all(writes).await {
        assert_eq!(begun, locked);
    }
    // The first alone, the others after it.
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    other.command("ROLLBACK").await.unwrap();
    bench.begin().await;
}

#[tokio::test]
async fn an_end_that_could_not_be_written_is_written_once_that_is_possible() {
    let bench = Bench::sqlite().await.unwrap();
    let ended = bench.begin().await;
    let taken_over = bench.begin().await;
    let mut other = connect(&file(&bench)).await;
    let mut other = Session::Sqlite(&mut other);
    other.command("BEGIN IMMEDIATE").await.unwrap();
    for lease in [&ended, &taken_over] {
        let finished = bench.store.finish(lease, "told", KeyAfterwards::Free).await;
        assert_eq!(finished, Err(StoreError::Unavailable(StoreTrouble::Locked)));
    }
    other
        .command("UPDATE jobs SET token = token + 1 WHERE id <> (SELECT MIN(id) FROM jobs)")
        .await
        .unwrap();
    other.command("COMMIT").await.unwrap();
    bench.database().write_late().await.unwrap();
    // The one that somebody took over meanwhile is theirs.
    assert_eq!(bench.open_jobs().await, 1);
    assert_eq!(bench.database().unwritten.len(), 0);
}

#[tokio::test]
async fn a_key_file_that_is_missing_is_not_made_anew_over_what_it_sealed() {
    let mut bench = Bench::sqlite().await.unwrap();
    bench.begin().await;
    let key = file(&bench).with_extension("db.key");
    let content = std::fs::read(&key).unwrap();
    std::fs::remove_file(&key).unwrap();
    bench.kill();
    let error = format!("{:#}", bench.open_free().await.unwrap_err());
    assert!(error.contains("is missing"), "{error}");
    assert!(!key.exists());
    std::fs::write(&key, content).unwrap();
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    bench.reopen().await;
    assert!(bench.lease().await.is_some());
}

#[tokio::test]
async fn nobody_but_the_owner_reads_the_files() {
    let bench = Bench::sqlite().await.unwrap();
    bench.begin().await;
    let directory = file(&bench).parent().unwrap().to_owned();
    let mut seen = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        if Path::new(&name).extension() != Some("lock".as_ref()) {
            assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o077, 0, "{name}");
        }
        seen.push(name);
    }
    seen.sort();
    let files = ["store.db", "store.db-shm", "store.db-wal", "store.db.key", "store.db.lock"];
    assert_eq!(seen, files);
}

#[tokio::test]
async fn a_place_that_cannot_be_written_stops_the_start_with_the_fix() {
    let clock = ManualClock::new(Timestamp::UNIX_EPOCH);
    let location = Location::Sqlite("/proc/nowhere/store.db".into());
    let settings = Settings { location, keys: Vec::new() };
    let error = format!("{:#}", open(&settings, &clock).await.unwrap_err());
    assert!(error.contains("set store.url"), "{error}");
}

#[tokio::test]
async fn a_disk_that_is_full_is_said_and_forgotten_once_there_is_room() {
    let bench = Bench::sqlite().await.unwrap();
    let Pools::Sqlite(sqlite) = &bench.database().pools else { panic!("it is no file") };
    // As few pages as there are by now.
    sqlite.limit_pages(1).await.unwrap();
    let big = || NewJob { payload: "x".repeat(100_000).into(), ..job() };
    let full = StoreError::Unavailable(StoreTrouble::DiskFull);
    assert_eq!(bench.store.begin(big(), LEASE).await, Err(full));
    // That it can be read, and asked in vain for a job, says nothing of its room.
    assert_eq!((bench.lease().await, bench.open_jobs().await), (None, 0));
    assert_eq!(bench.store.next_due("late").await, Ok(None));
    assert_eq!(bench.store.trouble(), Some(StoreTrouble::DiskFull));
    sqlite.limit_pages(1_000_000).await.unwrap();
    leased(bench.store.begin(big(), LEASE).await.unwrap());
    assert_eq!(bench.store.trouble(), None);
}

#[tokio::test]
async fn a_writer_that_panics_goes_on_with_what_comes_next() {
    let bench = Bench::sqlite().await.unwrap();
    let Pools::Sqlite(sqlite) = &bench.database().pools else { panic!("it is no file") };
    let (broken, begun) = tokio::join!(sqlite.break_writer(), bench.store.begin(job(), LEASE));
    assert!(broken.is_err());
    // It was written together with what panicked, or after it.
    let open = usize::from(begun.is_ok());
    assert_eq!(bench.store.open_jobs().await, Ok(open));
    leased(bench.store.begin(job(), LEASE).await.unwrap());
    assert_eq!((bench.store.open_jobs().await, bench.store.trouble()), (Ok(open + 1), None));
}

#[tokio::test]
async fn those_who_read_and_those_who_write_never_find_the_file_busy() {
    let bench = Bench::sqlite().await.unwrap();
    let writers = (0..8).map(|_| async {
        for _ in 0..50 {
            let begun = bench.begin().await;
            assert_eq!(bench.postpone(&begun, "{}", SECOND * 999).await, Held::Still);
        }
    });
    let readers = (0..4).map(|_| async {
        for _ in 0..50 {
            bench.store.next_due("late").await.unwrap();
        }
    });
    // Another program that has the file open for a long look.
    let mut other = connect(&file(&bench)).await;
    let mut other = Session::Sqlite(&mut other);
    other.command("BEGIN").await.unwrap();
    other.rows("SELECT id FROM jobs", &[]).await.unwrap();
    let (writers, readers) =
        (futures_util::future::join_all(writers), futures_util::future::join_all(readers));
    tokio::join!(writers, readers);
    assert_eq!(bench.open_jobs().await, 400);
    assert_eq!(bench.store.trouble(), None);
}

#[tokio::test]
async fn one_write_that_fails_is_not_the_end_of_those_beside_it() {
    let bench = Bench::sqlite().await.unwrap();
    let twice = put(message("M1", "U1", "{}"));
    let bad = NewJob { kind: "bad", ..job() };
    execute(
        &bench,
        "
        CREATE TRIGGER no_bad BEFORE INSERT ON jobs WHEN NEW.kind = 'bad'
        BEGIN SELECT RAISE(ABORT, 'no'); END",
    )
    .await;
    let (good, bad, message) = tokio::join!(
        bench.store.begin(job(), LEASE),
        bench.store.begin(bad, LEASE),
        bench.store.write(vec![twice])
    );
    assert!(matches!(good, Ok(Begun::Leased(_))), "{good:?}");
    assert_eq!(bad, Err(StoreError::Unavailable(StoreTrouble::Failing)));
    assert_eq!(message, Ok(Written::All(Vec::new())));
    assert_eq!(bench.open_jobs().await, 1);
}
