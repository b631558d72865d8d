//! One suite for all three stores, and what only those on a disk have to stand.

mod accounts;
mod database;
mod pages;
mod replicas;
mod workspace_requests;

use std::sync::Arc;

use connect_sandbox::Postgres as Server;
use jiff::Timestamp;
use secrecy::ExposeSecret;
use tempfile::TempDir;

use super::config::{Location, Settings, location};
use super::*;
use crate::clock::ManualClock;
use crate::random::SystemRandom;

const LEASE: Duration = Duration::from_mins(1);
const SECOND: Duration = Duration::from_secs(1);
/// A second less than a lease.
const ALMOST: Duration = Duration::from_secs(59);
const START: i64 = 1_790_000_000;

/// A store on a clock that is moved by hand.
struct Bench {
    store: Store,
    clock: ManualClock,
    settings: Settings,
    _directory: Option<TempDir>,
}

fn keys(texts: &[&str]) -> Vec<SecretString> {
    texts.iter().map(|text| SecretString::from(*text)).collect()
}

async fn open(settings: &Settings, clock: &ManualClock) -> anyhow::Result<Store> {
    Store::open(settings, Arc::new(clock.clone()), Arc::new(SystemRandom)).await
}

impl Bench {
    async fn at(location: Location, directory: Option<TempDir>) -> Self {
        let clock = ManualClock::new(Timestamp::from_second(START).unwrap());
        let keys = match location {
            Location::Postgres(_) => keys(&["canary-store-key-of-today"]),
            _ => Vec::new(),
        };
        let settings = Settings { location, keys };
        let store = open(&settings, &clock).await.unwrap();
        Self { store, clock, settings, _directory: directory }
    }

    async fn memory() -> Option<Self> {
        Some(Self::at(Location::Memory, None).await)
    }

    async fn sqlite() -> Option<Self> {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("store.db");
        Some(Self::at(Location::Sqlite(file), Some(directory)).await)
    }

    /// None where there is no PostgreSQL to test with.
    async fn postgres() -> Option<Self> {
        let server = Server::shared()?;
        Some(Self::at(location(&server.database()).unwrap(), None).await)
    }

    /// Ends the store as a process does that is killed, and opens it again.
    async fn reopen(&mut self) {
        self.kill();
        self.store = self.open_free().await.unwrap();
    }

    fn kill(&mut self) {
        self.store = Store::in_memory(Arc::new(self.clock.clone()));
    }

    /// Opens the store once whoever was killed has let go of it.
    async fn open_free(&self) -> anyhow::Result<Store> {
        let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
        loop {
            match self.open_again().await {
                Err(error) if error.to_string().contains("in use by another") => {
                    assert!(tokio::time::Instant::now() < deadline, "{error}");
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                opened => return opened,
            }
        }
    }

    /// Opens the same store once more.
    async fn open_again(&self) -> anyhow::Result<Store> {
        open(&self.settings, &self.clock).await
    }

    fn database(&self) -> &Database {
        let Store::Database(database) = &self.store else { panic!("it is in memory") };
        database
    }

    async fn begin(&self) -> Lease {
        leased(self.store.begin(job(), LEASE).await.unwrap())
    }

    /// A message of the person who has most of them.
    async fn message(&self, id: &str) -> Result<Option<StoredMessage>, StoreError> {
        self.store.message(&message("", "U1", "").owner, id).await
    }

    async fn watches(&self) -> Vec<StoredWatch> {
        self.store.watches("slack").await.unwrap()
    }

    async fn lease(&self) -> Option<Lease> {
        self.store.lease("late", LEASE).await.unwrap().map(|job| job.lease)
    }

    async fn postpone(&self, lease: &Lease, payload: &str, pause: Duration) -> Held {
        let counts = Counts::Attempt;
        self.store.postpone(lease, payload.into(), pause, counts).await.unwrap()
    }

    async fn finish(&self, lease: &Lease) -> Held {
        self.store.finish(lease, "told", KeyAfterwards::Free).await.unwrap()
    }

    async fn open_jobs(&self) -> usize {
        self.store.open_jobs().await.unwrap()
    }
}

fn leased(begun: Begun) -> Lease {
    match begun {
        Begun::Leased(lease) => lease,
        Begun::Known => panic!("it has no key, or a new one"),
    }
}

fn job() -> NewJob {
    NewJob { kind: "late", key: None, payload: "{}".into() }
}

fn keyed(key: u8) -> NewJob {
    NewJob { key: Some([key; 32]), ..job() }
}

fn message(id: &str, user: &str, body: &str) -> StoredMessage {
    let (owner, platform) = (Owner::of("slack", "T1", user), "slack".to_owned());
    StoredMessage { owner, id: id.to_owned(), platform, body: body.into(), version: 0 }
}

/// The change that puts a message in.
fn put(message: StoredMessage) -> Change {
    Change::PutMessage(message, None)
}

/// Tests that hold on each of the stores.
macro_rules! on_stores {
    ([$($store:ident),+] $tests:tt) => {
        $(mod $store {
            use super::*;

            on_stores! { @on $store $tests }
        })+
    };
    (@on $store:ident { $(async fn $name:ident($bench:ident) $body:block)+ }) => {
        $(
            #[tokio::test]
            async fn $name() {
                // The server's own line says that it is left out.
                #[allow(unused_mut, clippy::allow_attributes, reason = "some tests open the store anew")]
                let Some(mut $bench) = Bench::$store().await else { return };
                $body
            }
        )+
    };
}
use on_stores;

on_stores! { [memory, sqlite, postgres] {
    async fn a_job_is_held_by_one_and_comes_back_when_its_lease_runs_out(bench) {
        let mine = bench.begin().await;
        bench.clock.advance(ALMOST);
        assert_eq!(bench.lease().await, None);
        bench.clock.advance(SECOND);
        let theirs = bench.lease().await.unwrap();
        assert_eq!((theirs.id, theirs.attempts), (mine.id, 2));
        assert_eq!(bench.lease().await, None);
        // The lease ran out, so it is not mine any more, whatever I conclude.
        assert_eq!(bench.postpone(&mine, "mine", SECOND).await, Held::NoLonger);
        assert_eq!(bench.store.save(&mine, "mine".into(), LEASE).await, Ok(Held::NoLonger));
        assert_eq!(bench.finish(&mine).await, Held::NoLonger);
        assert_eq!(bench.open_jobs().await, 1);
        assert_eq!(bench.finish(&theirs).await, Held::Still);
        assert_eq!(bench.open_jobs().await, 0);
        assert_eq!(bench.finish(&theirs).await, Held::NoLonger);
    }

    async fn a_job_that_is_saved_is_held_for_another_while_with_its_new_payload(bench) {
        let mine = bench.begin().await;
        bench.clock.advance(ALMOST);
        assert_eq!(bench.store.save(&mine, "more".into(), LEASE).await, Ok(Held::Still));
        bench.clock.advance(ALMOST);
        assert_eq!(bench.lease().await, None);
        bench.clock.advance(SECOND);
        let theirs = bench.store.lease("late", LEASE).await.unwrap().unwrap();
        assert_eq!(theirs.payload.expose_secret(), "more");
    }

    async fn the_job_that_is_due_first_comes_first_and_kinds_do_not_mix(bench) {
        for (pause, payload) in [(30, "last"), (10, "first"), (20, "second")] {
            let begun = bench.begin().await;
            bench.postpone(&begun, payload, SECOND * pause).await;
        }
        let most = SECOND * 10;
        assert!(bench.store.next_due("late").await.unwrap().unwrap() <= most);
        bench.clock.advance(SECOND * 30);
        assert!(bench.store.lease("other", LEASE).await.unwrap().is_none());
        for expected in ["first", "second", "last"] {
            let job = bench.store.lease("late", LEASE).await.unwrap().unwrap();
            assert_eq!(job.payload.expose_secret(), expected);
        }
        assert_eq!(bench.lease().await, None);
    }

    async fn what_waits_can_be_made_due_at_once_and_what_is_held_stays_so(bench) {
        let held = bench.begin().await;
        let waiting = bench.begin().await;
        bench.postpone(&waiting, "{}", SECOND * 30).await;
        bench.store.hasten("late").await.unwrap();
        let hastened = bench.store.lease("late", LEASE * 2).await.unwrap().unwrap();
        assert_eq!(hastened.lease.id, waiting.id);
        assert_eq!(bench.lease().await, None);
        bench.clock.advance(LEASE);
        assert_eq!(bench.lease().await.unwrap().id, held.id);
    }

    async fn a_wall_clock_that_is_set_moves_no_job(bench) {
        let begun = bench.begin().await;
        bench.postpone(&begun, "{}", SECOND).await;
        let held = bench.begin().await;
        for wall in [START - 86_400, START + 86_400] {
            bench.clock.set(Timestamp::from_second(wall).unwrap());
            assert_eq!(bench.lease().await, None, "{wall}");
        }
        bench.clock.advance(SECOND);
        assert_eq!(bench.lease().await.unwrap().id, begun.id);
        assert_eq!(bench.finish(&held).await, Held::Still);
    }

    async fn of_jobs_with_one_key_there_is_one_and_it_can_stay_taken(bench) {
        let first = leased(bench.store.begin(keyed(1), LEASE).await.unwrap());
        assert_eq!(bench.store.begin(keyed(1), LEASE).await, Ok(Begun::Known));
        let put = vec![Change::Put(keyed(1), SECOND)];
        assert_eq!(bench.store.write(put).await, Ok(Written::KeyTaken));
        let other = NewJob { kind: "other", ..keyed(1) };
        leased(bench.store.begin(other, LEASE).await.unwrap());
        bench.store.finish(&first, "told", KeyAfterwards::Free).await.unwrap();
        let second = leased(bench.store.begin(keyed(1), LEASE).await.unwrap());
        bench.store.finish(&second, "told", KeyAfterwards::Taken).await.unwrap();
        bench.clock.advance(SECOND * 599);
        assert_eq!(bench.store.begin(keyed(1), LEASE).await, Ok(Begun::Known));
    }

    async fn a_set_of_changes_is_written_whole_or_not_at_all(bench) {
        let stale = bench.begin().await;
        bench.clock.advance(LEASE);
        let held = bench.lease().await.unwrap();
        let finish = |lease: &Lease| Change::Finish(lease.clone(), "told", KeyAfterwards::Free);
        let told = || put(message("M1", "U1", "told"));
        let set = vec![Change::Put(job(), SECOND), told(), finish(&stale)];
        assert_eq!(bench.store.write(set).await, Ok(Written::NotHeld));
        let taken = leased(bench.store.begin(keyed(1), LEASE).await.unwrap());
        let set = vec![finish(&held), told(), Change::Begin(keyed(1), LEASE)];
        assert_eq!(bench.store.write(set).await, Ok(Written::KeyTaken));
        assert_eq!(bench.open_jobs().await, 2);
        assert!(bench.message("M1").await.unwrap().is_none());
        let set = vec![finish(&held), finish(&taken), told(), Change::Begin(job(), LEASE)];
        let Ok(Written::All(leases)) = bench.store.write(set).await else { panic!("not written") };
        assert_eq!(bench.open_jobs().await, 1);
        assert!(bench.message("M1").await.unwrap().is_some());
        assert_eq!(bench.finish(&leases[0]).await, Held::Still);
    }

    async fn a_snooze_does_not_count_as_an_attempt(bench) {
        let mut lease = bench.begin().await;
        for counts in [Counts::Snooze, Counts::Snooze, Counts::Attempt] {
            assert_eq!(lease.attempts, 1, "{counts:?}");
            bench.store.postpone(&lease, "{}".into(), SECOND, counts).await.unwrap();
            bench.clock.advance(SECOND);
            lease = bench.lease().await.unwrap();
        }
        assert_eq!(lease.attempts, 2);
    }

    async fn what_is_put_in_for_later_is_nobodys_until_then(bench) {
        bench.store.write(vec![Change::Put(job(), SECOND)]).await.unwrap();
        assert_eq!(bench.lease().await, None);
        bench.clock.advance(SECOND);
        assert_eq!(bench.lease().await.unwrap().attempts, 1);
    }

    async fn a_message_is_changed_by_whoever_knows_how_it_is(bench) {
        bench.store.write(vec![put(message("M1", "U1", "first"))]).await.unwrap();
        let found = bench.message("M1").await.unwrap().unwrap();
        assert_eq!(found.body.expose_secret(), "first");
        let theirs = bench.store.message(&message("", "U2", "").owner, "M1").await.unwrap();
        assert!(theirs.is_none(), "a message is found by its owner alone");
        let change = |body: &str| {
            vec![Change::ChangeMessage(StoredMessage { body: body.into(), ..found.clone() })]
        };
        assert_eq!(bench.store.write(change("second")).await.unwrap().held(), Held::Still);
        assert_eq!(bench.store.write(change("third")).await.unwrap().held(), Held::NoLonger);
        assert_eq!(bench.message("M1").await.unwrap().unwrap().body.expose_secret(), "second");
        bench.store.write(vec![put(message("M1", "U1", "anew"))]).await.unwrap();
        let again = bench.message("M1").await.unwrap().unwrap();
        assert_eq!((again.body.expose_secret(), again.version), ("anew", 2));
        assert!(bench.message("M2").await.unwrap().is_none());
    }

    async fn a_watch_is_changed_by_whoever_knows_how_it_is_and_stays_while_its_message_changes(bench) {
        let watched = |watch: &str| {
            vec![Change::PutMessage(message("M1", "U1", "link"), Some((watch.into(), LEASE)))]
        };
        bench.store.write(vec![put(message("M2", "U1", "no link"))]).await.unwrap();
        bench.store.write(watched("waiting")).await.unwrap();
        bench.store.write(vec![put(message("M1", "U1", "moved"))]).await.unwrap();
        let found = bench.watches().await;
        let [waiting] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!((waiting.id.as_str(), waiting.watch.expose_secret()), ("M1", "waiting"));
        let change = |to: &str, lasting| {
            vec![Change::ChangeWatch(StoredWatch { watch: to.into(), ..waiting.clone() }, lasting)]
        };
        let write = async |set| bench.store.write(set).await.unwrap().held();
        assert_eq!(write(change("connected", Some(LEASE))).await, Held::Still);
        assert_eq!(write(change("late", Some(LEASE))).await, Held::NoLonger);
        assert_eq!(bench.watches().await[0].watch.expose_secret(), "connected");

        let over = StoredWatch { watch: "over".into(), ..bench.watches().await.remove(0) };
        assert_eq!(write(vec![Change::ChangeWatch(over, None)]).await, Held::Still);
        assert!(bench.watches().await.is_empty());
        let ended = bench.store.watch(&message("", "U1", "").owner, "M1").await.unwrap().unwrap();
        assert_eq!(ended.watch.expose_secret(), "over");
        assert!(bench.store.watch(&ended.owner, "M2").await.unwrap().is_none());
        bench.store.write(watched("anew")).await.unwrap();
        assert_eq!(bench.watches().await[0].watch.expose_secret(), "anew");
    }

    async fn the_newest_message_of_a_person_is_found(bench) {
        for (id, user) in [("M1", "U1"), ("M2", "U1"), ("M3", "U2")] {
            bench.store.write(vec![put(message(id, user, "{}"))]).await.unwrap();
            bench.clock.advance(SECOND);
        }
        for (user, newest) in [("U1", Some("M2")), ("U2", Some("M3")), ("U3", None)] {
            let owner = message("", user, "").owner;
            assert_eq!(bench.store.newest_message(&owner).await.unwrap().as_deref(), newest);
        }
    }

    async fn many_who_work_at_once_lease_each_job_once(bench) {
        for _ in 0..100 {
            bench.store.write(vec![Change::Put(job(), Duration::ZERO)]).await.unwrap();
        }
        let workers = (0..8).map(|_| async {
            let mut leased = Vec::new();
            while let Some(job) = bench.store.lease("late", LEASE).await.unwrap() {
                leased.push(job.lease.id);
                assert_eq!(bench.finish(&job.lease).await, Held::Still);
            }
            leased
        });
        let leased: Vec<_> = futures_util::future::join_all(workers).await.concat();
        let distinct: std::collections::BTreeSet<_> = leased.iter().collect();
        assert_eq!((leased.len(), distinct.len(), bench.open_jobs().await), (100, 100, 0));
    }

    async fn what_is_at_hand_is_what_is_held_or_due(bench) {
        let held = bench.begin().await;
        bench.store.write(vec![Change::Put(job(), SECOND)]).await.unwrap();
        assert_eq!(bench.store.jobs_at_hand().await, Ok(1));
        bench.clock.advance(SECOND);
        assert_eq!(bench.store.jobs_at_hand().await, Ok(2));
        bench.finish(&held).await;
        assert_eq!(bench.store.jobs_at_hand().await, Ok(1));
    }
}}

#[tokio::test]
async fn a_kind_that_is_full_takes_nothing_more_and_leaves_the_others_their_room() {
    let clock = ManualClock::new(Timestamp::UNIX_EPOCH);
    let store = Store::Memory(Memory::of_size(1, Arc::new(clock)));
    store.begin(job(), LEASE).await.unwrap();
    assert_eq!(store.begin(job(), LEASE).await.unwrap_err(), StoreError::Full);
    assert!(store.begin(NewJob { kind: "other", ..job() }, LEASE).await.is_ok());
}
