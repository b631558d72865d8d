//! The processes of a run: the stand-ins, the neighbour and the product.

use std::path::Path;
use std::time::{Duration, Instant};

use novu_connect_bot::net;

use super::SECRET;
use super::client::{self, Outcome, Plan};
use super::process::Process;
use super::store::Store;

/// How long it may take after the last response until everything else has happened.
const PATIENCE: Duration = Duration::from_mins(1);

/// Whose requests they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// The neighbour.
    Bare,
    /// The product.
    Ours,
    /// The product with `memory`, where `ours` has another store.
    Memory,
    /// The product once more, started anew.
    Anew,
    /// The same built with the usual library, where that is installed.
    Peer,
}

/// The two that are always there.
pub(crate) const NEIGHBOURS: [Side; 2] = [Side::Bare, Side::Ours];

impl Side {
    /// What it is called in the report.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Bare => "bare axum",
            Self::Ours => "ours",
            Self::Memory => "in memory",
            Self::Anew => "anew",
            Self::Peer => "the peer",
        }
    }
}

/// A server that is measured.
pub(crate) struct Server {
    process: Process,
    /// `host:port`.
    pub(crate) address: String,
    #[expect(dead_code, reason = "held, and removed with the server")]
    store: Option<Store>,
}

impl Server {
    /// The process, once somebody listens at the address.
    async fn listening(process: Process, address: String) -> Self {
        let waiting = Instant::now();
        while tokio::net::TcpStream::connect(&address).await.is_err() {
            assert!(waiting.elapsed() < PATIENCE, "nobody listens at {address}");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        Self { process, address, store: None }
    }
}

/// Everything that runs.
pub(crate) struct Field {
    /// The stand-ins.
    pub(crate) upstream: Process,
    bare: Server,
    ours: Server,
    /// Where ours has its figures, `host:port`.
    pub(crate) operators: String,
    memory: Option<Server>,
    anew: Option<Server>,
    peer: Option<Server>,
    store: Store,
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

/// How often others were called for each request, in tenths: Novu, Slack, Microsoft Teams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Calls([u64; 3]);

impl Calls {
    /// The calls since then, for each of so many requests. What is called now and then, whoever
    /// asks, is too little to show.
    fn since(self, earlier: Self, requests: u64) -> Self {
        let Self([novu, slack, teams]) = self;
        let Self([novu_then, slack_then, teams_then]) = earlier;
        let each = [novu - novu_then, slack - slack_then, teams - teams_then];
        Self(each.map(|calls| (calls * 10 + requests / 2) / requests))
    }
}

impl std::fmt::Display for Calls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [novu, slack, teams] = self.0.map(|tenths| tenths as f64 / 10.0);
        write!(f, "{novu:.1} to Novu, {slack:.1} to Slack, {teams:.1} to Teams")
    }
}

impl Field {
    /// Starts everything, with `more` settings of the product. Each call to Novu's mint takes `delay`,
    /// save for the first.
    pub(crate) async fn start(delay: &str, more: &[(&'static str, &str)]) -> Self {
        let upstream = Process::role("upstream", &[("DELAY", delay.to_owned())]);
        let bare = start_bare(&upstream);
        let (store, operators) = (Store::chosen(), free_address());
        let mut settings = settings(&upstream, &store, &operators);
        settings.extend(more.iter().map(|&(name, value)| (name, value.to_owned())));
        let started = Instant::now();
        let ours = start_product(settings).await;
        let (memory, anew, peer) = (None, None, None);
        Self { upstream, bare, ours, operators, memory, anew, peer, store, started, people: 1 }
    }

    /// Starts the product once more, with `memory`; false where that is the store already.
    pub(crate) async fn start_with_memory(&mut self) -> bool {
        if matches!(self.store, Store::Memory) {
            return false;
        }
        let settings = settings(&self.upstream, &Store::Memory, &free_address());
        self.memory = Some(start_product(settings).await);
        true
    }

    /// Starts the product anew beside ours, with an empty store of the same kind, in place of the one that
    /// was started so before.
    pub(crate) async fn start_anew(&mut self) {
        let store = Store::chosen();
        let process = start_product(settings(&self.upstream, &store, &free_address())).await;
        self.anew = Some(Server { store: Some(store), ..process });
    }

    /// Processor time of one of them in so long a time in which nobody asks it anything.
    pub(crate) async fn left_alone(&self, side: Side, time: Duration) -> Duration {
        let process = &self.server(side).process;
        let before = process.processor_time();
        tokio::time::sleep(time).await;
        process.processor_time().saturating_sub(before)
    }

    /// Starts a peer by the name of its file; false where the peers are not installed.
    pub(crate) async fn start_peer(&mut self, file: &str) -> bool {
        let peers = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/peers");
        if !peers.join("node_modules").exists() {
            return false;
        }
        let address = free_address();
        let port = address.rsplit(':').next().unwrap_or_default();
        let mut settings = neighbour_settings(&self.upstream);
        settings.extend([("PORT", port.to_owned()), ("NODE_ENV", "production".to_owned())]);
        let program = peers.join(file).to_string_lossy().into_owned();
        let process = Process::program("node", &[&program], &settings);
        self.peer = Some(Server::listening(process, address).await);
        true
    }

    /// One of them.
    pub(crate) fn server(&self, side: Side) -> &Server {
        match side {
            Side::Bare => &self.bare,
            Side::Ours => &self.ours,
            Side::Memory => self.memory.as_ref().expect("a product that was started"),
            Side::Anew => self.anew.as_ref().expect("a product that was started"),
            Side::Peer => self.peer.as_ref().expect("a peer that was started"),
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

    /// Prints the memory of these.
    pub(crate) fn memory(&self, sides: &[Side], when: &str) {
        for &side in sides {
            let (now, peak) = self.server(side).process.memory();
            println!("  memory of {} {when}: {now:.1} MiB, peak {peak:.1} MiB", side.name());
        }
    }

    /// Asks the stand-ins.
    pub(crate) async fn control(&self, path: &str) -> String {
        get(&format!("{}{path}", self.upstream.value("control"))).await
    }

    /// The sum of a figure of ours.
    pub(crate) async fn figure(&self, name: &str) -> u64 {
        let figures = get(&format!("http://{}/metrics", self.operators)).await;
        let lines = figures.lines().filter(|line| line.starts_with(name));
        lines.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum()
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
    let http = net::client().expect("a client");
    let response = http.get(url).send().await.expect("an answer");
    response.text().await.expect("a text")
}

fn start_bare(upstream: &Process) -> Server {
    let process = Process::role("bare", &neighbour_settings(upstream));
    let address = process.value("address");
    Server { process, address, store: None }
}

/// What the neighbours have to know.
fn neighbour_settings(upstream: &Process) -> Vec<(&'static str, String)> {
    vec![
        ("NOVU", upstream.value("novu")),
        ("KEY", upstream.value("key")),
        ("SECRET", SECRET.to_owned()),
        ("SLACK", upstream.value("slack")),
        ("TOKEN", upstream.value("token")),
        ("APP_ID", upstream.value("app_id")),
        ("APP_SECRET", upstream.value("app_secret")),
        ("METADATA_URL", upstream.value("metadata_url")),
        ("TOKEN_URL", upstream.value("token_url")),
    ]
}

/// The product, once it listens.
async fn start_product(mut settings: Vec<(&'static str, String)>) -> Server {
    let address = free_address();
    settings.push(("CONNECT_SERVER__LISTEN", address.clone()));
    let process = Process::program(env!("CARGO_BIN_EXE_novu-connect-bot"), &["serve"], &settings);
    Server::listening(process, address).await
}

/// What the product has to know.
fn settings(upstream: &Process, store: &Store, operators: &str) -> Vec<(&'static str, String)> {
    let settings = [
        ("CONNECT_SERVER__OPS_LISTEN", operators.to_owned()),
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
    ];
    settings.into_iter().chain(store.settings()).collect()
}

fn free_address() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address").to_string()
}
