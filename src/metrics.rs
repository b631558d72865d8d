//! What the service counts, in one registry that is passed around and owned by nobody else.
//!
//! Labels are short words that this code chooses; nothing that came from outside is ever a label,
//! so neither memory nor secrets can leak through `/metrics`.

mod labels;
mod process;

use std::fmt;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

use labels::{Answered, Background, Call, Delivered, Panicked, Refused, Step, Surface, Word};

/// Upper bounds of the latency histograms, in seconds.
const LATENCY_BOUNDS: [f64; 12] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0];

/// What can panic without harming more than itself: a request's handler, and a task that serves one person.
const PANICS: [&str; 2] = ["request", "task"];

/// The steps of the funnel.
const FUNNEL: [&str; 6] = ["asked", "shown", "clicked", "signed_in", "verified", "refused"];

/// The times from a sign-in to "Connected", in seconds.
const CONNECTED_BOUNDS: [f64; 10] = [0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0, 60.0];

type Latency<L> = Family<L, Histogram, fn() -> Histogram>;

fn latency() -> Histogram {
    Histogram::new(LATENCY_BOUNDS)
}

fn connected() -> Histogram {
    Histogram::new(CONNECTED_BOUNDS)
}

/// Every counter, gauge and histogram of the service.
pub struct Metrics {
    registry: Registry,
    refused: Family<Refused, Counter>,
    answered: Family<Answered, Counter>,
    funnel: Family<Step, Counter>,
    late: Family<Delivered, Counter>,
    upstream: Latency<Call>,
    reply: Latency<Surface>,
    background_restarts: Family<Background, Counter>,
    panics: Family<Panicked, Counter>,
    watches_open: Family<Surface, Gauge>,
    wrong_persons: Family<Surface, Counter>,
    links_removed: Family<Surface, Counter>,
    connected: Latency<Surface>,
    /// Promises that are not kept yet.
    pub promises_open: Gauge,
    /// Whether the store works.
    pub store_up: Gauge,
    /// Channel connections that the workspace index knows.
    pub connections_known: Gauge,
    /// When the workspace index was last refreshed, in seconds since 1970.
    pub connections_refreshed: Gauge<f64, AtomicU64>,
    /// States of the identity table's file that were not taken.
    pub tables_refused: Counter,
    /// Lines of this process's audit chain.
    pub audit_lines: Gauge,
    /// Audit lines that were lost, because they could not be written.
    pub audit_lines_lost: Counter,
    /// Replay records that had to be dropped before their time because the memory for them is bounded.
    pub replays_forgotten: Counter,
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// A fresh registry with everything at zero.
    #[must_use]
    pub fn new() -> Self {
        let mut metrics = Self {
            registry: Registry::default(),
            refused: Family::default(),
            answered: Family::default(),
            funnel: Family::default(),
            late: Family::default(),
            upstream: Family::new_with_constructor(latency as fn() -> Histogram),
            reply: Family::new_with_constructor(latency as fn() -> Histogram),
            background_restarts: Family::default(),
            panics: Family::default(),
            watches_open: Family::default(),
            wrong_persons: Family::default(),
            links_removed: Family::default(),
            connected: Family::new_with_constructor(connected as fn() -> Histogram),
            promises_open: Gauge::default(),
            store_up: Gauge::default(),
            connections_known: Gauge::default(),
            connections_refreshed: Gauge::default(),
            tables_refused: Counter::default(),
            audit_lines: Gauge::default(),
            audit_lines_lost: Counter::default(),
            replays_forgotten: Counter::default(),
        };
        for what in PANICS {
            drop(metrics.panics.get_or_create(&Panicked { what: Word(what) }));
        }
        metrics.register();
        metrics.register_links();
        metrics
    }

    /// Registers what happens after a sign-in.
    fn register_links(&mut self) {
        let registry = self.registry.sub_registry_with_prefix("connect");
        registry.register(
            "watches_open",
            "Sign-in links that are watched",
            self.watches_open.clone(),
        );
        registry.register(
            "wrong_persons",
            "Sign-ins by somebody else than the person whose link was used",
            self.wrong_persons.clone(),
        );
        registry.register(
            "links_removed",
            "Channel endpoints that were removed, because they bound the wrong person",
            self.links_removed.clone(),
        );
        registry.register_with_unit(
            "connected",
            "Time from the sign-in, as Novu dates it, until it was verified",
            Unit::Seconds,
            self.connected.clone(),
        );
    }

    fn register(&mut self) {
        self.registry.register_collector(Box::new(process::Process));
        let registry = self.registry.sub_registry_with_prefix("connect");
        registry.register(
            "build",
            "The build that is running",
            Info::new([("version", env!("CARGO_PKG_VERSION"))]),
        );
        registry.register(
            "requests_refused",
            "Requests that were refused before anything in them was believed, by reason",
            self.refused.clone(),
        );
        registry.register("answers", "Answers given, by intent and kind", self.answered.clone());
        registry.register(
            "funnel",
            "People on their way: asked, link shown, clicked, signed in, verified, refused afterwards",
            self.funnel.clone(),
        );
        registry.register(
            "late_deliveries",
            "Answers that came after the reply budget, by how they were delivered",
            self.late.clone(),
        );
        registry.register_with_unit(
            "upstream",
            "Time of calls to Novu, chat platforms and the identity webhook",
            Unit::Seconds,
            self.upstream.clone(),
        );
        registry.register_with_unit(
            "reply",
            "Time from a request's arrival to its response",
            Unit::Seconds,
            self.reply.clone(),
        );
        registry.register(
            "background_restarts",
            "Background tasks that ended or panicked and are started again",
            self.background_restarts.clone(),
        );
        registry.register(
            "panics",
            "Requests, and tasks that serve one person, that panicked",
            self.panics.clone(),
        );
        registry.register(
            "promises_open",
            "Late answers that are promised and not delivered yet",
            self.promises_open.clone(),
        );
        registry.register(
            "store_up",
            "Whether the store works: 1, or 0 while it cannot be used",
            self.store_up.clone(),
        );
        registry.register(
            "workspace_index_connections",
            "Channel connections that the workspace index knows",
            self.connections_known.clone(),
        );
        registry.register_with_unit(
            "workspace_index_refreshed_timestamp",
            "When the workspace index was last refreshed",
            Unit::Seconds,
            self.connections_refreshed.clone(),
        );
        registry.register(
            "identity_tables_refused",
            "States of the identity table's file that were not taken, so that an older one is in use",
            self.tables_refused.clone(),
        );
        registry.register(
            "audit_lines",
            "Lines of this process's audit chain",
            self.audit_lines.clone(),
        );
        registry.register(
            "audit_lines_lost",
            "Audit lines that were lost, because they could not be written",
            self.audit_lines_lost.clone(),
        );
        registry.register(
            "replay_records_forgotten",
            "Replay records dropped early because their memory is bounded",
            self.replays_forgotten.clone(),
        );
    }

    /// Makes the counts of refused requests exist, at zero: what begins to exist at one looks to
    /// Prometheus as if nothing had happened.
    pub fn begin_refused(
        &self,
        platform: &'static str,
        reasons: impl IntoIterator<Item = &'static str>,
    ) {
        for reason in reasons {
            let labels = Refused { platform: Word(platform), reason: Word(reason) };
            drop(self.refused.get_or_create(&labels));
        }
    }

    /// Makes the counts of answers exist, as above, in each combination.
    pub fn begin_answers(
        &self,
        platform: &'static str,
        intents: &[&'static str],
        answers: impl IntoIterator<Item = &'static str>,
    ) {
        for answer in answers {
            for intent in intents {
                let labels = Answered {
                    platform: Word(platform),
                    intent: Word(intent),
                    answer: Word(answer),
                };
                drop(self.answered.get_or_create(&labels));
            }
        }
    }

    /// Makes the counts of the funnel exist, as above.
    pub fn begin_funnel(&self, platform: &'static str) {
        for step in FUNNEL {
            let labels = Step { platform: Word(platform), step: Word(step) };
            drop(self.funnel.get_or_create(&labels));
        }
        let surface = Surface { platform: Word(platform) };
        drop(self.watches_open.get_or_create(&surface));
        drop(self.wrong_persons.get_or_create(&surface));
        drop(self.links_removed.get_or_create(&surface));
        drop(self.connected.get_or_create(&surface));
    }

    /// Notes how many sign-in links are watched.
    pub fn watches_open(&self, platform: &'static str, count: usize) {
        let open = self.watches_open.get_or_create(&Surface { platform: Word(platform) });
        open.set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    /// Counts a sign-in by somebody else than the person whose link was used.
    pub fn wrong_person(&self, platform: &'static str) {
        self.wrong_persons.get_or_create(&Surface { platform: Word(platform) }).inc();
    }

    /// Counts a channel endpoint that was removed, because it bound the wrong person.
    pub fn link_removed(&self, platform: &'static str) {
        self.links_removed.get_or_create(&Surface { platform: Word(platform) }).inc();
    }

    /// Records how long it took from a sign-in until it was verified.
    pub fn connected_after(&self, platform: &'static str, took: Duration) {
        let surface = Surface { platform: Word(platform) };
        self.connected.get_or_create(&surface).observe(took.as_secs_f64());
    }

    /// Makes the counts of late answers exist, as above.
    pub fn begin_late(&self, platform: &'static str, outcomes: &[&'static str]) {
        for outcome in outcomes {
            let labels = Delivered { platform: Word(platform), outcome: Word(outcome) };
            drop(self.late.get_or_create(&labels));
        }
    }

    /// Makes the times of responses exist, as above.
    pub fn begin_reply(&self, platform: &'static str) {
        drop(self.reply.get_or_create(&Surface { platform: Word(platform) }));
    }

    /// Makes the count of a background task's restarts exist, as above.
    pub fn begin_background(&self, task: &str) {
        drop(self.background_restarts.get_or_create(&Background { task: task.to_owned() }));
    }

    /// Counts that a background task is started again.
    pub fn background_restarted(&self, task: &str) {
        self.background_restarts.get_or_create(&Background { task: task.to_owned() }).inc();
    }

    /// Counts a panic that harmed nothing but what panicked.
    pub fn panicked(&self, what: &'static str) {
        self.panics.get_or_create(&Panicked { what: Word(what) }).inc();
    }

    /// Counts a request that was refused before anything in it was believed.
    pub fn refused(&self, platform: &'static str, reason: &'static str) {
        let labels = Refused { platform: Word(platform), reason: Word(reason) };
        self.refused.get_or_create(&labels).inc();
    }

    /// Counts an answer.
    pub fn answered(&self, platform: &'static str, intent: &'static str, answer: &'static str) {
        let labels =
            Answered { platform: Word(platform), intent: Word(intent), answer: Word(answer) };
        self.answered.get_or_create(&labels).inc();
    }

    /// Counts a person who reached a step of the funnel.
    pub fn funnel(&self, platform: &'static str, step: &'static str) {
        self.funnel.get_or_create(&Step { platform: Word(platform), step: Word(step) }).inc();
    }

    /// Counts a late answer by how it was delivered, or that it could not be.
    pub fn late(&self, platform: &'static str, outcome: &'static str) {
        let labels = Delivered { platform: Word(platform), outcome: Word(outcome) };
        self.late.get_or_create(&labels).inc();
    }

    /// Records one call to an upstream.
    pub fn upstream(
        &self,
        upstream: &'static str,
        operation: &'static str,
        outcome: &'static str,
        took: Duration,
    ) {
        let labels =
            Call { upstream: Word(upstream), operation: Word(operation), outcome: Word(outcome) };
        self.upstream.get_or_create(&labels).observe(took.as_secs_f64());
    }

    /// Records how long a platform waited for its response.
    pub fn reply(&self, platform: &'static str, took: Duration) {
        let labels = Surface { platform: Word(platform) };
        self.reply.get_or_create(&labels).observe(took.as_secs_f64());
    }

    /// All figures, and those of the process, in the OpenMetrics text format.
    #[must_use]
    pub fn render(&self) -> String {
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}

/// The most files, connections among them, that this process may have open, where there is a limit.
#[must_use]
pub(crate) fn open_files_limit() -> Option<u64> {
    #[cfg(unix)]
    return rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    #[cfg(not(unix))]
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_build_is_told_and_series_begin_at_zero() {
        let metrics = Metrics::new();
        metrics.begin_refused("slack", ["replayed"]);
        metrics.begin_answers("slack", &["help"], ["help"]);
        metrics.begin_funnel("slack");
        metrics.begin_late("slack", &["response_url"]);
        metrics.begin_reply("slack");
        let text = metrics.render();
        for line in [
            concat!("connect_build_info{version=\"", env!("CARGO_PKG_VERSION"), "\"} 1"),
            "connect_requests_refused_total{platform=\"slack\",reason=\"replayed\"} 0",
            "connect_answers_total{platform=\"slack\",intent=\"help\",answer=\"help\"} 0",
            "connect_funnel_total{platform=\"slack\",step=\"clicked\"} 0",
            "connect_late_deliveries_total{platform=\"slack\",outcome=\"response_url\"} 0",
            "connect_reply_seconds_count{platform=\"slack\"} 0",
            "connect_replay_records_forgotten_total 0",
        ] {
            assert!(text.lines().any(|it| it == line), "{line}\n{text}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_process_has_figures() {
        let text = Metrics::new().render();
        for name in [
            "process_resident_memory_bytes ",
            "process_cpu_seconds_total ",
            "process_start_time_seconds ",
            "process_open_fds ",
            "process_max_fds ",
        ] {
            assert!(text.lines().any(|line| line.starts_with(name)), "{name}\n{text}");
        }
    }

    #[test]
    fn figures_are_rendered_with_their_labels() {
        let metrics = Metrics::new();
        metrics.refused("slack", "bad_signature");
        metrics.upstream("novu", "mint_link", "ok", Duration::from_millis(3));
        let text = metrics.render();
        assert!(text.contains(
            r#"connect_requests_refused_total{platform="slack",reason="bad_signature"} 1"#
        ));
        assert!(text.contains(
            r#"connect_upstream_seconds_bucket{le="0.005",upstream="novu",operation="mint_link",outcome="ok"} 1"#
        ), "{text}");
    }
}
