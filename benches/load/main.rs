//! The whole service under load, beside a bare axum handler that does the same work.
//!
//! `cargo bench --bench load` starts each part as a process of its own on loopback: the stand-ins for
//! Novu, Slack and Microsoft Teams, the neighbour, and the product's own binary. Every request is distinct and signed.
//! What counts is processor time for each request, because it holds on a machine that others use too;
//! the ratio is taken in pairs, one round of each after the other. `LOAD_REQUESTS` and `LOAD_ROUNDS`
//! change the size of a run, `LOAD_RATE` that of its steady part, and `LOAD_ONLY=slack` or `teams`
//! leaves the other out. `LOAD_TEAMS_REQUESTS` and `LOAD_TEAMS_RATE` are for Teams alone.
#![expect(clippy::expect_used, reason = "a benchmark that cannot run says why and ends")]
#![expect(clippy::print_stdout, reason = "the report is what it is for")]
#![expect(clippy::cast_precision_loss, reason = "figures to read")]

mod bare;
mod client;
mod control;
mod process;
mod teams;
mod upstream;

use std::time::{Duration, Instant};

use client::{Outcome, Plan, Script};
use novu_connect_bot::signing::SigningKey;
use process::Process;

const SECRET: &str = "load-signing-secret";
/// Connections of the saturating runs.
const CONNECTIONS: usize = 32;

fn main() {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    match std::env::var_os("LOAD_ROLE").as_deref().and_then(|role| role.to_str()) {
        Some("bare") => runtime.block_on(bare::serve()),
        Some("upstream") => runtime.block_on(upstream::serve()),
        _ => runtime.block_on(report()),
    }
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var_os(name).and_then(|text| text.to_str()?.parse().ok()).unwrap_or(default)
}

/// The two servers that are compared, and where their requests go.
struct Field {
    upstream: Process,
    bare: (Process, String),
    ours: (Process, String),
    first_answer: Duration,
    people: u64,
}

impl Field {
    async fn start(delay: &str) -> Self {
        let upstream = Process::role("upstream", &[("DELAY", delay)]);
        let (novu, slack) = (upstream.value("novu"), upstream.value("slack"));
        let (key, token) = (upstream.value("key"), upstream.value("token"));
        let bare = Process::role(
            "bare",
            &[
                ("SECRET", SECRET),
                ("NOVU", &novu),
                ("SLACK", &slack),
                ("KEY", &key),
                ("TOKEN", &token),
            ],
        );
        let bare_address = bare.value("address");
        let address = free_address();
        let settings = [
            ("CONNECT_SERVER__LISTEN", address.clone()),
            ("CONNECT_NOVU__API_URL", novu),
            ("CONNECT_NOVU__API_KEY", key),
            ("CONNECT_SLACK__SIGNING_SECRETS", SECRET.to_owned()),
            ("CONNECT_SLACK__INTEGRATION", "slack".to_owned()),
            ("CONNECT_SLACK__API_URL", format!("{slack}/api")),
            ("CONNECT_SLACK__RESPONSE_HOSTS", "127.0.0.1".to_owned()),
            ("CONNECT_SLACK__LINK_HOSTS", "127.0.0.1".to_owned()),
            ("CONNECT_TEAMS__APP_ID", upstream.value("app_id")),
            ("CONNECT_TEAMS__APP_SECRET", upstream.value("app_secret")),
            ("CONNECT_TEAMS__INTEGRATION", "teams".to_owned()),
            ("CONNECT_TEAMS__OPENID_METADATA_URL", upstream.value("metadata_url")),
            ("CONNECT_TEAMS__TOKEN_URL", upstream.value("token_url")),
            ("CONNECT_TEAMS__LINK_HOSTS", "127.0.0.1".to_owned()),
            ("CONNECT_TEAMS__SERVICE_HOSTS", "127.0.0.1".to_owned()),
            ("CONNECT_LOG", "warn".to_owned()),
        ];
        let started = Instant::now();
        let ours = Process::program(env!("CARGO_BIN_EXE_novu-connect-bot"), &["serve"], &settings);
        while tokio::net::TcpStream::connect(&address).await.is_err() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let mut field = Self {
            upstream,
            bare: (bare, bare_address),
            ours: (ours, address),
            first_answer: Duration::ZERO,
            people: 1,
        };
        let plan = field.plan(&field.ours.1, true);
        let first = client::run(&Plan { connections: 1, requests: 1, ..plan }, 0).await;
        assert_eq!(first.with_link, 1, "the first answer has no link");
        field.first_answer = started.elapsed();
        field
    }

    fn plan(&self, address: &str, genuine: bool) -> Plan {
        Plan {
            address: address.to_owned(),
            script: Script::Slack {
                key: genuine.then(|| SigningKey::new(&SECRET.into()).expect("a secret")),
                response_url: self.upstream.value("response_url"),
            },
            connections: CONNECTIONS,
            requests: number("LOAD_REQUESTS", 10_000),
            rate: None,
        }
    }

    /// Runs a plan against one of the two, for people who have not been there yet.
    async fn round(&mut self, ours: bool, plan: &Plan) -> (Outcome, Duration) {
        let process = if ours { &self.ours.0 } else { &self.bare.0 };
        let before = process.processor_time();
        let outcome = client::run(plan, self.people).await;
        let spent = process.processor_time().saturating_sub(before);
        self.people += plan.requests;
        (outcome, spent)
    }

    /// Pairs of rounds, the neighbour's first.
    async fn compare(&mut self, name: &str, genuine: bool) {
        let (mut ratios, mut last) = (Vec::new(), Vec::new());
        let bare_plan = self.plan(&self.bare.1, genuine);
        let our_plan = self.plan(&self.ours.1, genuine);
        // The first pair warms up and does not count.
        for round in 0..=number("LOAD_ROUNDS", 5) {
            let (bare, bare_spent) = self.round(false, &bare_plan).await;
            let (ours, our_spent) = self.round(true, &our_plan).await;
            for outcome in [&bare, &ours] {
                let good = if genuine { outcome.with_link } else { outcome.statuses[1] };
                assert_eq!(good, our_plan.requests, "{name}: {:?}", outcome.statuses);
            }
            if round > 0 {
                ratios.push(our_spent.as_secs_f64() / bare_spent.as_secs_f64());
                last = vec![("bare axum", bare, bare_spent), ("ours", ours, our_spent)];
            }
        }
        ratios.sort_by(f64::total_cmp);
        println!("\n{name}");
        for (who, outcome, spent) in last {
            line(who, &outcome, Some(spent));
        }
        println!(
            "  processor time, ours / bare: median {:.2}, from {:.2} to {:.2} over {} pairs",
            ratios[ratios.len() / 2],
            ratios[0],
            ratios[ratios.len() - 1],
            ratios.len()
        );
    }

    fn memory(&self, when: &str) {
        let (now, peak) = self.ours.0.memory();
        println!("  memory of ours {when}: {now:.1} MiB, peak {peak:.1} MiB");
    }
}

fn line(who: &str, outcome: &Outcome, spent: Option<Duration>) {
    let millis = |share| outcome.percentile(share).as_secs_f64() * 1000.0;
    let each = spent.map_or(String::new(), |spent| {
        format!(
            ", {:.0} µs of processor each",
            spent.as_secs_f64() * 1e6 / outcome.times.len() as f64
        )
    });
    println!(
        "  {who:<10} {:>7.0} requests/s, p50 {:.1} ms, p99 {:.1} ms, longest {:.1} ms{each}",
        outcome.rate(),
        millis(0.5),
        millis(0.99),
        millis(1.0),
    );
}

fn free_address() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address").to_string()
}

async fn report() {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    println!("{cores} cores, load before the run {}", load.trim());
    let size =
        std::fs::metadata(env!("CARGO_BIN_EXE_novu-connect-bot")).map_or(0, |file| file.len());
    println!("binary {:.1} MiB", size as f64 / 1024.0 / 1024.0);
    let only = std::env::var_os("LOAD_ONLY");
    if only.as_ref().is_none_or(|only| only == "slack") {
        slack().await;
    }
    if only.as_ref().is_none_or(|only| only == "teams") {
        teams::report().await;
    }
}

async fn slack() {
    let mut field = Field::start("0ms").await;
    println!("first good answer {} ms after start", field.first_answer.as_millis());
    field.memory("at rest");
    field.compare("/connect for new people, as fast as it goes", true).await;
    field.memory(&format!("after {} requests", field.people));
    field.compare("forged requests, as fast as they are refused", false).await;
    drop(field);

    let mut field = Field::start("50ms").await;
    let rate = number("LOAD_RATE", 300);
    let steady = Plan { connections: 200, rate: Some(rate), ..field.plan(&field.ours.1, true) };
    let (outcome, spent) = field.round(true, &steady).await;
    println!(
        "\n/connect at a steady rate while each call to Novu's mint takes 50 ms: \
         offered {rate}/s, achieved {:.0}/s",
        outcome.rate()
    );
    line("ours", &outcome, Some(spent));
    assert_eq!(outcome.with_link, steady.requests, "not everybody got a link in time");
    drop(field);

    let mut field = Field::start("60s").await;
    let hanging = Plan { connections: 200, requests: 200, ..field.plan(&field.ours.1, true) };
    let (outcome, _) = field.round(true, &hanging).await;
    println!("\n/connect by 200 people at once while Novu hangs (reply budget 2 s)");
    line("ours", &outcome, None);
    assert_eq!(outcome.statuses[0], 200, "somebody got no answer");
}
