//! What is logged of failures, and when.

use std::io;
use std::sync::Arc;

use super::*;
use crate::clock::ManualClock;

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Scene {
    clock: ManualClock,
    upstreams: Upstreams,
}

impl Scene {
    fn new() -> Self {
        let clock = ManualClock::new("2026-08-01T10:00:00Z".parse().unwrap());
        Self { upstreams: Upstreams::new(Arc::new(clock.clone())), clock }
    }

    fn fail(&self, operation: &'static str, cause: Cause) {
        let advice = cause.advice();
        self.upstreams.failed("novu", operation, cause, None, advice);
    }

    fn succeed(&self, operation: &'static str) {
        self.upstreams.succeeded("novu", operation);
    }

    /// What is logged at the default level meanwhile.
    fn lines(&self, act: impl FnOnce(&Self)) -> Vec<String> {
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::INFO)
            .with_ansi(false)
            .without_time()
            .with_writer(move || writer.clone())
            .finish();
        tracing::subscriber::with_default(subscriber, || act(self));
        let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        text.lines().map(str::to_owned).collect()
    }
}

fn count(lines: &[String], words: &str) -> usize {
    lines.iter().filter(|line| line.contains(words)).count()
}

#[test]
fn a_failure_is_logged_once_with_its_cause_and_once_when_it_is_over() {
    let scene = Scene::new();
    let lines = scene.lines(|scene| {
        scene.succeed("mint");
        for _ in 0..100 {
            scene.upstreams.failed(
                "novu",
                "mint",
                Cause::Tls("invalid peer certificate: UnknownIssuer".into()),
                Some("a word".into()),
                "trust its CA",
            );
        }
        scene.clock.advance(Duration::from_secs(30));
        scene.succeed("mint");
        scene.succeed("mint");
    });
    assert_eq!(lines.len(), 2, "{lines:#?}");
    for part in [
        "WARN",
        "novu",
        "mint",
        "invalid peer certificate: UnknownIssuer",
        "a word",
        "trust its CA",
    ] {
        assert!(lines[0].contains(part), "{part}: {}", lines[0]);
    }
    for part in ["INFO", "novu", "mint", "failures=100", "lasted=30s"] {
        assert!(lines[1].contains(part), "{part}: {}", lines[1]);
    }
}

#[test]
fn a_failure_that_lasts_is_logged_once_a_minute_with_the_count() {
    let scene = Scene::new();
    let lines = scene.lines(|scene| {
        for _ in 0..=180 {
            scene.fail("mint", Cause::TimedOut);
            scene.clock.advance(Duration::from_secs(1));
        }
    });
    assert_eq!(lines.len(), 4, "{lines:#?}");
    assert!(lines[1].contains("failures=61") && lines[3].contains("failures=181"), "{lines:#?}");
}

#[test]
fn another_cause_is_news_and_operations_do_not_hide_each_other() {
    let scene = Scene::new();
    let lines = scene.lines(|scene| {
        scene.fail("mint", Cause::TimedOut);
        scene.fail("mint", Cause::ServerError(500));
        scene.fail("list", Cause::TimedOut);
        scene.succeed("list");
    });
    assert_eq!(count(&lines, "WARN"), 3, "{lines:#?}");
    assert_eq!(count(&lines, "INFO"), 1, "{lines:#?}");
    let ill = scene.upstreams.ill();
    assert_eq!(ill.len(), 1);
    assert_eq!((ill[0].operation, &ill[0].cause), ("mint", &Cause::ServerError(500)));
}

#[test]
fn what_goes_back_and_forth_does_not_flood_the_log() {
    let scene = Scene::new();
    let lines = scene.lines(|scene| {
        for _ in 0..1000 {
            scene.fail("mint", Cause::TimedOut);
            scene.succeed("mint");
        }
    });
    assert_eq!(lines.len(), usize::from(MOST_LINES), "{lines:#?}");
    scene.clock.advance(REPEAT_EVERY);
    assert_eq!(scene.lines(|scene| scene.fail("mint", Cause::TimedOut)).len(), 1);
}

#[test]
fn a_clock_that_is_set_back_silences_nobody() {
    let scene = Scene::new();
    scene.fail("mint", Cause::TimedOut);
    scene.clock.set("2026-08-01T09:00:00Z".parse().unwrap());
    assert_eq!(scene.lines(|scene| scene.fail("mint", Cause::TimedOut)).len(), 1);
}
