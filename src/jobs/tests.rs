//! Jobs on a clock that is moved by hand.

use secrecy::SecretString;
use serde::Deserialize;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Executor};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio_util::sync::CancellationToken;

use super::*;
use crate::clock::{Clock, ManualClock, SystemClock};
use crate::random::SystemRandom;
use crate::store::config::{Location, Settings};
use crate::tasks::Tasks;

/// Work that reports each run and does as its payload says.
#[derive(Debug, Serialize, Deserialize)]
struct Errand {
    text: String,
    failures_left: u32,
}

struct Reports(UnboundedSender<(String, u32)>);

impl Work for Errand {
    const KIND: &'static str = "errand";
    const VERSION: u32 = 2;
    const IS_ANSWER: bool = true;
    const OWNER: &'static str = "slack";
    const KEY_AFTERWARDS: KeyAfterwards = KeyAfterwards::Free;
    type Context = Reports;

    async fn run(&mut self, context: &Arc<Reports>, lease: &Lease) -> Ran {
        context.0.send((self.text.clone(), lease.attempts)).unwrap();
        if self.failures_left == 0 {
            return Ran::Done("told");
        }
        self.failures_left -= 1;
        Ran::Again(Some(Duration::from_secs(7)))
    }

    fn key(&self) -> Option<[u8; 32]> {
        None
    }

    fn reference(&self) -> String {
        self.text.clone()
    }

    fn upgrade(version: u32, payload: serde_json::Value) -> Option<Self> {
        (version == 1)
            .then(|| Self { text: payload.as_str().unwrap().to_owned(), failures_left: 0 })
    }
}

fn errand(failures_left: u32) -> Errand {
    Errand { text: "milk".to_owned(), failures_left }
}

struct Bench {
    jobs: Arc<Jobs<Errand>>,
    clock: ManualClock,
    context: Arc<Reports>,
    reports: UnboundedReceiver<(String, u32)>,
    stop: CancellationToken,
}

impl Bench {
    fn new() -> Self {
        let clock = ManualClock::new(jiff::Timestamp::UNIX_EPOCH);
        let shared: SharedClock = Arc::new(clock.clone());
        let store = Store::in_memory(Arc::clone(&shared));
        let jobs = Jobs::new(store, shared, Arc::new(SystemRandom), Arc::default());
        let (reports, heard) = unbounded_channel();
        let context = Arc::new(Reports(reports));
        let stop = CancellationToken::new();
        Self { jobs: Arc::new(jobs), clock, context, reports: heard, stop }
    }

    /// Starts a worker.
    fn work(&self) {
        let (jobs, context, stop) =
            (Arc::clone(&self.jobs), Arc::clone(&self.context), self.stop.clone());
        let tasks = Tasks::new(Arc::clone(&jobs.metrics));
        tokio::spawn(async move { jobs.work(&context, &tasks, stop).await });
    }

    /// Lets time pass until something is reported.
    async fn next(&mut self) -> (String, u32) {
        loop {
            if let Ok(report) = self.reports.try_recv() {
                return report;
            }
            self.clock.advance(Duration::from_millis(100));
            tokio::task::yield_now().await;
        }
    }

    /// Begins a job.
    async fn begin(&self) -> Lease {
        match self.jobs.begin(&errand(0)).await.unwrap() {
            Begun::Leased(lease) => lease,
            Begun::Known => panic!("errands have no keys"),
        }
    }

    async fn until_empty(&self) {
        while self.jobs.store.open_jobs().await.unwrap() > 0 {
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn a_job_whose_holder_died_is_run_by_a_worker_when_its_lease_runs_out() {
    let mut bench = Bench::new();
    let lease = bench.begin().await;
    bench.work();
    assert_eq!(bench.next().await, ("milk".to_owned(), 2));
    let waited = bench.clock.now().duration_since(jiff::Timestamp::UNIX_EPOCH);
    assert!(waited.unsigned_abs() >= LEASE, "not while it is held");
    bench.until_empty().await;
    // The first holder wakes late, and changes nothing.
    assert_eq!(bench.jobs.conclude(&lease, &errand(0), Ran::Again(None)).await, Over::NotYet);
    assert_eq!(bench.jobs.store.open_jobs().await, Ok(0));
}

#[tokio::test]
async fn what_an_attempt_changes_is_there_at_the_next() {
    let mut bench = Bench::new();
    bench.work();
    bench.jobs.put(&errand(2), Duration::from_secs(1)).await.unwrap();
    for attempts in 1..4 {
        assert_eq!(bench.next().await.1, attempts);
    }
    bench.until_empty().await;
}

#[tokio::test]
async fn a_payload_of_the_version_before_is_understood_and_what_nobody_understands_is_dropped() {
    let mut bench = Bench::new();
    for payload in [r#"{"v":1,"job":"bread"}"#, r#"{"v":0,"job":{}}"#, "nonsense"] {
        let job = NewJob { kind: Errand::KIND, key: None, payload: SecretString::from(payload) };
        bench.jobs.store.begin(job, Duration::ZERO).await.unwrap();
    }
    bench.work();
    assert_eq!(bench.next().await.0, "bread");
    bench.until_empty().await;
    assert!(bench.reports.try_recv().is_err());
    let dropped = r#"connect_late_deliveries_total{platform="slack",outcome="unreadable"} 2"#;
    assert!(bench.jobs.metrics.render().contains(dropped));
}

#[tokio::test]
async fn a_payload_of_a_later_version_is_left_to_an_instance_that_understands_it_for_minutes() {
    let bench = Bench::new();
    let payload = SecretString::from(r#"{"v":3,"job":{}}"#);
    let job = NewJob { kind: Errand::KIND, key: None, payload };
    bench.jobs.store.begin(job, Duration::ZERO).await.unwrap();
    bench.work();
    let began = bench.clock.now();
    while bench.jobs.store.open_jobs().await.unwrap() > 0 {
        bench.clock.advance(Duration::from_millis(500));
        tokio::task::yield_now().await;
    }
    let waited = bench.clock.now().duration_since(began).unsigned_abs();
    assert!(waited > Duration::from_mins(3), "{waited:?}");
    let dropped = r#"connect_late_deliveries_total{platform="slack",outcome="unreadable"} 1"#;
    assert!(bench.jobs.metrics.render().contains(dropped));
}

#[tokio::test]
async fn a_job_that_is_stored_too_late_to_be_promised_is_withdrawn() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("store.db");
    let clock: SharedClock = Arc::new(SystemClock);
    let settings = Settings { location: Location::Sqlite(file.clone()), keys: Vec::new() };
    let store = Store::open(&settings, Arc::clone(&clock), Arc::new(SystemRandom)).await.unwrap();
    let jobs = Arc::new(Jobs::new(store, clock, Arc::new(SystemRandom), Arc::default()));
    let mut other = SqliteConnectOptions::new().filename(&file).connect().await.unwrap();
    other.execute("BEGIN IMMEDIATE").await.unwrap();
    let begun = jobs.begin_within(&errand(0), Duration::from_millis(50)).await;
    assert_eq!(begun, Err(StoreError::Unavailable(StoreTrouble::Slow)));
    other.execute("ROLLBACK").await.unwrap();
    let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
    loop {
        let outcomes = sqlx::query_scalar("SELECT outcome FROM jobs").fetch_all(&mut other);
        let outcomes: Vec<Option<String>> = outcomes.await.unwrap();
        if outcomes == [Some("withdrawn".to_owned())] {
            return;
        }
        assert!(tokio::time::Instant::now() < deadline, "{outcomes:?}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn an_attempt_ends_its_job_or_puts_it_back_and_the_last_one_always_ends_it() {
    let asked = Some(Duration::from_secs(7));
    let far = Some(Duration::from_secs(999_999_999));
    let cases = [
        (1, Ran::Done("chat"), Over::Done, None),
        (MOST_ATTEMPTS, Ran::Done("chat"), Over::Done, None),
        (1, Ran::Failed, Over::GivenUp, None),
        (1, Ran::Again(asked), Over::NotYet, Some((7, 7))),
        (MOST_ATTEMPTS, Ran::Snooze(Duration::from_secs(7)), Over::NotYet, Some((7, 7))),
        (1, Ran::Again(far), Over::NotYet, Some((600, 600))),
        (1, Ran::Again(None), Over::NotYet, Some((1, 3))),
        (3, Ran::Again(None), Over::NotYet, Some((6, 10))),
        (MOST_ATTEMPTS - 1, Ran::Again(None), Over::NotYet, Some((48, 60))),
        (MOST_ATTEMPTS, Ran::Again(asked), Over::GivenUp, None),
    ];
    for (attempts, ran, over, due) in cases {
        let bench = Bench::new();
        let mut lease = bench.begin().await;
        let Bench { jobs, clock, .. } = bench;
        while lease.attempts < attempts {
            clock.advance(LEASE);
            let job = jobs.store.lease(Errand::KIND, LEASE).await.unwrap().unwrap();
            lease = job.lease;
        }
        assert_eq!(jobs.conclude(&lease, &errand(0), ran).await, over, "{attempts} {ran:?}");
        let due_after = jobs.store.next_due(Errand::KIND).await.unwrap();
        assert_eq!(due_after.is_some(), due.is_some(), "{attempts} {ran:?}");
        let expected = due.map_or(0.0..=0.0, |(least, most)| f64::from(least)..=f64::from(most));
        let due_after = due_after.unwrap_or_default().as_secs_f64();
        assert!(expected.contains(&due_after), "{attempts} {ran:?} {due_after}");
    }
}

#[tokio::test]
async fn once_nothing_waits_any_more_an_attempt_is_followed_by_the_next_at_once() {
    let mut bench = Bench::new();
    bench.work();
    bench.jobs.put(&errand(1), Duration::from_mins(9)).await.unwrap();
    bench.jobs.hasten().await;
    let hastened_at = bench.clock.now();
    for attempts in [1, 2] {
        assert_eq!(bench.next().await.1, attempts);
    }
    let took = bench.clock.now().duration_since(hastened_at).unsigned_abs();
    assert!(took < Duration::from_secs(3), "it would have paused for seven seconds: {took:?}");
}
