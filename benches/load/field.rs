//! The processes of a run: the stand-ins, the neighbour and the product.

use std::time::{Duration, Instant};

use novu_connect_bot::outbound;

use super::SECRET;
use super::client::{self, Outcome, Plan};
use super::process::Process;

/// How long it may take after the last response until everything else has happened.
const PATIENCE: Duration = Duration::from_mins(1);

/// Whose requests they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// The neighbour.
    Bare,
    /// The product.
    Ours,
}

impl Side {
    /// What it is called in the report.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Bare => "bare axum",
            Self::Ours => "ours",
        }
    }
}

/// A server that is measured.
pub(crate) struct Server {
    process: Process,
    /// `host:port`.
    pub(crate) address: String,
}

/// Everything that runs.
pub(crate) struct Field {
    /// The stand-ins.
    pub(crate) upstream: Process,
    bare: Server,
    ours: Server,
    /// When the product was started.
    pub(crate) started: Instant,
    /// The number of the next person.
    pub(crate) people: u64,
}

/// What came of a plan.
pub(crate) struct Round {
    /// What the client saw.
    pub(crate) outcome: Outcome,
    /// From the last response until everything else had happened.
    pub(crate) settled_after: Duration,
    /// Processor time of the server.
    pub(crate) spent: Duration,
    /// What the server asked of others.
    pub(crate) calls: Calls,
}

impl Round {
    /// Microseconds of processor time for each request.
    pub(crate) fn cost(&self) -> f64 {
        self.spent.as_secs_f64() * 1e6 / self.outcome.times.len() as f64
    }
}

/// How often others were called: Novu, Slack, Microsoft Teams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Calls([u64; 3]);

impl Calls {
    /// The calls since then, for each of so many requests. What is called now and then, whoever
    /// asks, is less than one for each and does not count.
    fn since(self, earlier: Self, requests: u64) -> Self {
        let Self([novu, slack, teams]) = self;
        let Self([novu_then, slack_then, teams_then]) = earlier;
        let each = [novu - novu_then, slack - slack_then, teams - teams_then];
        Self(each.map(|calls| calls / requests))
    }
}

impl std::fmt::Display for Calls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self([novu, slack, teams]) = self;
        write!(f, "{novu} to Novu, {slack} to Slack, {teams} to Teams")
    }
}

impl Field {
    /// Starts everything. Each call to Novu's mint takes `delay`, save for the first.
    pub(crate) async fn start(delay: &str) -> Self {
        let upstream = Process::role("upstream", &[("DELAY", delay)]);
        let bare = start_bare(&upstream);
        let address = free_address();
        let settings = settings(&upstream, &address);
        let started = Instant::now();
        let process =
            Process::program(env!("CARGO_BIN_EXE_novu-connect-bot"), &["serve"], &settings);
        while tokio::net::TcpStream::connect(&address).await.is_err() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        Self { upstream, bare, ours: Server { process, address }, started, people: 1 }
    }

    /// One of the two.
    pub(crate) fn server(&self, side: Side) -> &Server {
        match side {
            Side::Bare => &self.bare,
            Side::Ours => &self.ours,
        }
    }

    /// Carries a plan out for people who have not been there yet, and waits until all that follows
    /// from it has happened.
    pub(crate) async fn round(
        &mut self,
        side: Side,
        plan: &Plan,
        settled: impl AsyncFn(&Self) -> bool,
    ) -> Round {
        let calls = self.calls().await;
        let before = self.server(side).process.processor_time();
        let outcome = client::run(plan, self.people).await;
        self.people += plan.requests;
        let waiting = Instant::now();
        while !settled(self).await {
            assert!(waiting.elapsed() < PATIENCE, "{}: something never happened", side.name());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let settled_after = waiting.elapsed();
        let spent = self.server(side).process.processor_time().saturating_sub(before);
        let calls = self.calls().await.since(calls, plan.requests);
        Round { outcome, settled_after, spent, calls }
    }

    /// Prints the memory of both.
    pub(crate) fn memory(&self, when: &str) {
        for side in [Side::Bare, Side::Ours] {
            let (now, peak) = self.server(side).process.memory();
            println!("  memory of {} {when}: {now:.1} MiB, peak {peak:.1} MiB", side.name());
        }
    }

    /// Asks the stand-ins.
    pub(crate) async fn control(&self, path: &str) -> String {
        get(&format!("{}{path}", self.upstream.value("control"))).await
    }

    async fn calls(&self) -> Calls {
        let text = self.control("/calls").await;
        let numbers: Vec<u64> =
            text.split(' ').map(|number| number.parse().expect("a number")).collect();
        Calls(numbers.try_into().expect("a number for each stand-in"))
    }
}

/// Asks anybody.
pub(crate) async fn get(url: &str) -> String {
    let http = outbound::client().expect("a client");
    let response = http.get(url).send().await.expect("an answer");
    response.text().await.expect("a text")
}

fn start_bare(upstream: &Process) -> Server {
    let (novu, slack) = (upstream.value("novu"), upstream.value("slack"));
    let (key, token) = (upstream.value("key"), upstream.value("token"));
    let (app_id, app_secret) = (upstream.value("app_id"), upstream.value("app_secret"));
    let (metadata, tokens) = (upstream.value("metadata_url"), upstream.value("token_url"));
    let process = Process::role(
        "bare",
        &[
            ("NOVU", &novu),
            ("KEY", &key),
            ("SECRET", SECRET),
            ("SLACK", &slack),
            ("TOKEN", &token),
            ("APP_ID", &app_id),
            ("APP_SECRET", &app_secret),
            ("METADATA_URL", &metadata),
            ("TOKEN_URL", &tokens),
        ],
    );
    let address = process.value("address");
    Server { process, address }
}

fn settings(upstream: &Process, address: &str) -> [(&'static str, String); 16] {
    [
        ("CONNECT_SERVER__LISTEN", address.to_owned()),
        ("CONNECT_NOVU__API_URL", upstream.value("novu")),
        ("CONNECT_NOVU__API_KEY", upstream.value("key")),
        ("CONNECT_SLACK__SIGNING_SECRETS", SECRET.to_owned()),
        ("CONNECT_SLACK__INTEGRATION", "slack".to_owned()),
        ("CONNECT_SLACK__API_URL", format!("{}/api", upstream.value("slack"))),
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
    ]
}

fn free_address() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address").to_string()
}
