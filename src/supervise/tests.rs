//! Background tasks on a clock that is moved by hand.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::*;
use crate::clock::{Clock, ManualClock};

#[derive(Default)]
struct Kettle {
    starts: AtomicUsize,
    fail: Notify,
}

/// A task that goes on until it is told to fail.
struct Bench {
    clock: ManualClock,
    metrics: Arc<Metrics>,
    supervisor: Arc<Supervisor>,
    stop: CancellationToken,
    kettle: Arc<Kettle>,
    kept_up: JoinHandle<()>,
}

impl Bench {
    /// Starts a task that ends as `end` does once it is told to fail.
    fn start(end: fn()) -> Self {
        let clock = ManualClock::new(jiff::Timestamp::UNIX_EPOCH);
        let metrics = Arc::new(Metrics::new());
        let supervisor = Arc::new(Supervisor::new(Arc::new(clock.clone()), Arc::clone(&metrics)));
        let kettle = Arc::new(Kettle::default());
        let task = Background::new("kettle", &kettle, move |kettle, stop| async move {
            kettle.starts.fetch_add(1, Ordering::SeqCst);
            if stop.run_until_cancelled(kettle.fail.notified()).await.is_some() {
                end();
            }
        });
        metrics.begin_background(task.name());
        let stop = CancellationToken::new();
        let kept_up = tokio::spawn({
            let (supervisor, stop) = (Arc::clone(&supervisor), stop.clone());
            async move { supervisor.keep_up(task, stop).await }
        });
        Self { clock, metrics, supervisor, stop, kettle, kept_up }
    }

    async fn until(condition: impl Fn() -> bool) {
        for _ in 0..100 {
            if condition() {
                return;
            }
            tokio::task::yield_now().await;
        }
        panic!("never came true");
    }

    fn starts(&self) -> usize {
        self.kettle.starts.load(Ordering::SeqCst)
    }

    async fn started(&self) {
        Self::until(|| self.starts() == 1).await;
    }

    /// Lets it fail, and gives how long it pauses before it starts again.
    async fn pause(&self) -> Duration {
        let starts = self.starts();
        self.kettle.fail.notify_one();
        Self::until(|| self.supervisor.pausing_tasks() == ["kettle"]).await;
        let failed = self.clock.monotonic();
        while self.starts() == starts {
            self.clock.advance(Duration::from_millis(500));
            for _ in 0..10 {
                tokio::task::yield_now().await;
            }
        }
        assert!(self.supervisor.pausing_tasks().is_empty());
        self.clock.monotonic() - failed
    }

    fn restarts(&self) -> String {
        let text = self.metrics.render();
        let name = "connect_background_restarts_total{task=\"kettle\"} ";
        text.lines().find_map(|line| line.strip_prefix(name)).unwrap().to_owned()
    }
}

#[tokio::test]
async fn a_task_that_ends_is_started_again_after_a_pause_that_grows_until_it_runs_well() {
    let bench = Bench::start(|| {});
    bench.started().await;
    assert_eq!(bench.restarts(), "0");
    for seconds in [1, 2, 4, 8, 16, 32, 60, 60] {
        assert_eq!(bench.pause().await, Duration::from_secs(seconds));
    }
    assert_eq!(bench.restarts(), "8");
    bench.clock.advance(LONGEST_PAUSE);
    assert_eq!(bench.pause().await, FIRST_PAUSE);
}

#[tokio::test]
#[expect(clippy::panic, reason = "that is what is tested")]
async fn a_task_that_panics_is_started_again_as_well() {
    let bench = Bench::start(|| panic!("out of water"));
    bench.started().await;
    bench.pause().await;
    assert_eq!(bench.restarts(), "1");
}

#[tokio::test]
async fn a_task_that_is_told_to_stop_is_not_started_again_running_or_pausing() {
    let mut running = Bench::start(|| {});
    running.started().await;
    running.stop.cancel();
    (&mut running.kept_up).await.unwrap();
    assert_eq!(running.starts(), 1);
    assert!(running.metrics.render().contains("restarts_total{task=\"kettle\"} 0"));

    let mut pausing = Bench::start(|| {});
    pausing.started().await;
    pausing.kettle.fail.notify_one();
    Bench::until(|| !pausing.supervisor.pausing_tasks().is_empty()).await;
    pausing.stop.cancel();
    (&mut pausing.kept_up).await.unwrap();
    assert_eq!(pausing.starts(), 1);
    assert!(pausing.supervisor.pausing_tasks().is_empty());
}
