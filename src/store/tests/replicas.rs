//! Several replicas on one PostgreSQL.

use std::future::Future;

use sqlx::{ConnectOptions, Executor};

use super::super::replicas::{BEAT, DEAD};
use super::*;

const ALLOWANCE: Allowance = Allowance { burst: 3, refill: Duration::from_secs(3) };

/// Two replicas, and the server that they share.
async fn two() -> Option<(Bench, Store)> {
    let bench = Bench::postgres().await?;
    let other = bench.open_again().await.unwrap();
    Some((bench, other))
}

/// Somebody else's connection to the server.
async fn connect(bench: &Bench) -> sqlx::PgConnection {
    let Location::Postgres(address) = &bench.settings.location else { panic!("it is no server") };
    address.options().connect().await.unwrap()
}

fn beat(store: &Store) -> impl Future<Output = ()> + '_ {
    let Store::Database(database) = store else { panic!("it is in memory") };
    async { database.beat().await.unwrap() }
}

#[tokio::test]
async fn replicas_that_start_together_make_the_tables_once() {
    let Some(server) = Server::shared() else { return };
    let clock = ManualClock::new(Timestamp::from_second(START).unwrap());
    let location = location(&server.database()).unwrap();
    let settings = Settings { location, keys: keys(&["canary-store-key-of-today"]) };
    let opened = (0..4).map(|_| open(&settings, &clock));
    for store in futures_util::future::join_all(opened).await {
        leased(store.unwrap().begin(job(), LEASE).await.unwrap());
    }
}

#[tokio::test]
async fn what_a_dead_replica_held_is_taken_over_and_what_a_living_one_holds_is_not() {
    let Some((bench, other)) = two().await else { return };
    let dies = leased(other.begin(job(), LEASE).await.unwrap());
    // Its lease alone says nothing, as long as it lives.
    for _ in 0..60 {
        bench.clock.advance(BEAT);
        beat(&bench.store).await;
        beat(&other).await;
        assert_eq!(bench.lease().await, None);
    }
    let mut waited = Duration::ZERO;
    let taken = loop {
        bench.clock.advance(BEAT);
        waited += BEAT;
        beat(&bench.store).await;
        if let Some(taken) = bench.lease().await {
            break taken;
        }
    };
    assert_eq!(taken.id, dies.id);
    assert!(waited >= DEAD && waited <= DEAD + BEAT * 2, "{waited:?}");
    // It was only stalled, and wakes late: nothing changes.
    let late = other.finish(&dies, "told", KeyAfterwards::Free).await;
    assert_eq!(late, Ok(Held::NoLonger));
    beat(&other).await;
    assert_eq!(bench.finish(&taken).await, Held::Still);
}

#[tokio::test]
async fn a_replica_that_was_itself_away_takes_nobody_for_dead() {
    let Some((bench, other)) = two().await else { return };
    beat(&other).await;
    leased(other.begin(job(), LEASE).await.unwrap());
    for _ in 0..5 {
        bench.clock.advance(BEAT);
        beat(&bench.store).await;
        beat(&other).await;
    }
    // As after a minute without the database: who looks first must not conclude anything.
    bench.clock.advance(LEASE);
    beat(&bench.store).await;
    assert_eq!(bench.lease().await, None);
    beat(&other).await;
    bench.clock.advance(BEAT);
    beat(&bench.store).await;
    assert_eq!(bench.lease().await, None);
}

#[tokio::test]
async fn an_instance_that_has_much_to_seal_or_remove_is_alive_meanwhile() {
    const SEEN: &str = "SELECT COUNT(*) FROM instances WHERE seen_at >= $1";
    let Some((bench, other)) = two().await else { return };
    let mut locked = bench.database().pools.reading().await.unwrap();
    locked.session().command("BEGIN; LOCK TABLE messages IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let clock: crate::clock::SharedClock = Arc::new(bench.clock.clone());
    let keeping = tokio::spawn(async move { other.keep(&clock).await });
    bench.clock.advance(LEASE);
    let since = bench.database().clock.now();
    let deadline = tokio::time::Instant::now() + Duration::from_secs(3);
    loop {
        let mut reading = bench.database().pools.reading().await.unwrap();
        let row = reading.session().row(SEEN, &[since.into()]).await.unwrap().unwrap();
        if row.number(0).unwrap() > 0 {
            break;
        }
        assert!(tokio::time::Instant::now() < deadline, "its beats wait for what is locked");
        bench.clock.advance(BEAT);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    locked.session().command("ROLLBACK").await.unwrap();
    keeping.abort();
}

#[tokio::test]
async fn a_request_that_was_at_one_replica_is_known_at_the_other() {
    let Some((bench, other)) = two().await else { return };
    let request = |byte| Admission { hash: Some([byte; 32]), person: Some([9; 32]) };
    let admitted = bench.store.admit(request(1), ALLOWANCE).await.unwrap();
    assert_eq!(admitted, Admitted { first_time: true, in_pace: true });
    let again = other.admit(request(1), ALLOWANCE).await.unwrap();
    assert!(!again.first_time);
    assert!(other.admit(request(2), ALLOWANCE).await.unwrap().first_time);
    // A replay has not counted for the person's pace: this is the third question.
    assert!(bench.store.admit(request(3), ALLOWANCE).await.unwrap().in_pace);
    assert!(!other.admit(request(4), ALLOWANCE).await.unwrap().in_pace);
    bench.clock.advance(ALLOWANCE.refill);
    assert!(other.admit(request(5), ALLOWANCE).await.unwrap().in_pace);
    assert!(!other.admit(request(6), ALLOWANCE).await.unwrap().in_pace);
}

#[tokio::test]
async fn a_job_that_one_replica_has_no_key_for_is_left_to_those_who_have() {
    let Some(bench) = Bench::postgres().await else { return };
    let keys = keys(&["canary-store-key-of-yesterday"]);
    let other = open(&Settings { keys, ..bench.settings.clone() }, &bench.clock).await.unwrap();
    let begun = bench.begin().await;
    bench.postpone(&begun, "kept", Duration::ZERO).await;
    assert!(other.lease("late", LEASE).await.unwrap().is_none());
    bench.clock.advance(SECOND * 30);
    let taken = bench.store.lease("late", LEASE).await.unwrap().unwrap();
    assert_eq!((taken.payload.expose_secret(), taken.lease.attempts), ("kept", 2));
}

#[tokio::test]
async fn a_job_that_is_stored_after_nobody_waited_for_it_any_more_is_withdrawn() {
    const STALL: &str = "
        CREATE FUNCTION stall() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN PERFORM pg_advisory_xact_lock(1); RETURN NEW; END $$;
        CREATE TRIGGER stalled BEFORE INSERT ON jobs FOR EACH ROW EXECUTE FUNCTION stall();
        SELECT pg_advisory_lock(1)";
    const WITHDRAWN: &str = "SELECT COUNT(*) FROM jobs WHERE outcome = 'withdrawn'";
    let Some(bench) = Bench::postgres().await else { return };
    let mut other = connect(&bench).await;
    other.execute(STALL).await.unwrap();
    let begun = bench.store.begin(job(), LEASE).await;
    assert!(matches!(begun, Err(StoreError::Unavailable(_))), "{begun:?}");
    other.execute("SELECT pg_advisory_unlock(1)").await.unwrap();
    let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
    loop {
        bench.database().beat().await.unwrap();
        bench.database().write_late().await.unwrap();
        let withdrawn: i64 = sqlx::query_scalar(WITHDRAWN).fetch_one(&mut other).await.unwrap();
        if withdrawn == 1 {
            return;
        }
        assert!(tokio::time::Instant::now() < deadline, "it is not withdrawn");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_server_that_was_a_standby_is_written_again_as_soon_as_it_is_none() {
    const SET: &str = "
        DO $$ BEGIN EXECUTE format(
            'ALTER DATABASE %I SET default_transaction_read_only = on', current_database()); END $$;
        SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()";
    const RESET: &str = "
        DO $$ BEGIN EXECUTE format(
            'ALTER DATABASE %I RESET default_transaction_read_only', current_database()); END $$";
    let Some(bench) = Bench::postgres().await else { return };
    let mut other = connect(&bench).await;
    let until = async |trouble| {
        let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
        while bench.store.trouble() != trouble {
            let _ = bench.database().beat().await;
            assert!(tokio::time::Instant::now() < deadline, "{:?}", bench.store.trouble());
        }
    };
    other.execute(SET).await.unwrap();
    until(Some(StoreTrouble::ReadOnly)).await;
    assert_eq!(bench.open_jobs().await, 0);
    assert_eq!(
        bench.store.trouble(),
        Some(StoreTrouble::ReadOnly),
        "that it can be read is no help"
    );
    other.execute(RESET).await.unwrap();
    until(None).await;
    bench.begin().await;
}

#[tokio::test]
async fn of_a_redelivery_at_the_other_replica_there_is_one_job() {
    let Some((bench, other)) = two().await else { return };
    let first = leased(bench.store.begin(keyed(1), LEASE).await.unwrap());
    assert_eq!(other.begin(keyed(1), LEASE).await, Ok(Begun::Known));
    bench.store.finish(&first, "told", KeyAfterwards::Taken).await.unwrap();
    assert_eq!(other.begin(keyed(1), LEASE).await, Ok(Begun::Known));
}

#[tokio::test]
async fn replicas_agree_on_the_time_whatever_their_clocks_say() {
    let Some(bench) = Bench::postgres().await else { return };
    let ahead = ManualClock::new(Timestamp::from_second(START + 3600).unwrap());
    let other = open(&bench.settings, &ahead).await.unwrap();
    beat(&other).await;
    beat(&bench.store).await;
    let mine = bench.begin().await;
    bench.postpone(&mine, "{}", SECOND * 10).await;
    assert!(other.lease("late", LEASE).await.unwrap().is_none(), "not an hour early");
    ahead.advance(SECOND * 10);
    assert!(other.lease("late", LEASE).await.unwrap().is_some());
}

#[tokio::test]
async fn a_server_that_goes_away_is_said_and_used_again_when_it_is_back() {
    let Some(server) = Server::start() else { return };
    let bench = Bench::at(location(&server.database()).unwrap(), None).await;
    let held = bench.begin().await;
    server.stop();
    let error = bench.store.begin(job(), LEASE).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error}");
    assert!(bench.store.trouble().is_some());
    let admission = Admission { hash: Some([1; 32]), person: None };
    assert!(bench.store.admit(admission, ALLOWANCE).await.is_err());
    server.resume();
    let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
    while bench.database().beat().await.is_err() {
        assert!(tokio::time::Instant::now() < deadline, "it is not used again");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(bench.store.trouble(), None);
    assert_eq!(bench.finish(&held).await, Held::Still);
}
