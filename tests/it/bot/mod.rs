//! The service under test, the stand-ins around it, and what a person can do with them.

mod http;
mod replica;
mod request;
mod slack;
mod storage;
pub(crate) mod teams;

use std::collections::HashMap;
use std::process::{Command, Output};
use std::sync::Arc;
use std::time::Duration;

use connect_sandbox::Recorded;
use connect_sandbox::novu::{self, Integration, Novu};
use connect_sandbox::slack::{Options, Slack};
use jiff::Timestamp;
use novu_connect_bot::answering::{People, SurfaceSettings};
use novu_connect_bot::app::{App, Config, Listeners};
use novu_connect_bot::clock::{ManualClock, SharedClock};
use novu_connect_bot::config::Problems;
use novu_connect_bot::doctor::Report;
use novu_connect_bot::http::Limits;
use novu_connect_bot::net;
use novu_connect_bot::random::SystemRandom;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::{canaries, panics};
pub(crate) use http::{Reply, find_button, find_code, is_on_its_way};
pub(crate) use replica::Replica;
pub(crate) use request::Request;
pub(crate) use slack::{connection, email, member};
pub(crate) use storage::Storage;

/// The signing secrets in use. Every secret of the suite has this word in it; see [`canaries`].
pub(crate) const SECRET: &str = "canary-signing-secret";
pub(crate) const NEW_SECRET: &str = "canary-signing-secret-of-tomorrow";
pub(crate) const API_KEY: &str = "canary-novu-key";
pub(crate) const BOT_TOKEN: &str = "xoxb-canary-token";
pub(crate) const TEAM: &str = "T0ACME";
pub(crate) const INTEGRATION: &str = "slack-main";
pub(crate) const CONNECTION: &str = "acme";
/// A member who reads English.
pub(crate) const ADA: &str = "U0ADA";
/// A member who reads German.
pub(crate) const GRACE: &str = "U0GRACE";

/// The value of a setting that is to be the service's own address.
pub(crate) const ITSELF: &str = "itself";
/// The path by which Novu is asked for a link.
pub(crate) const MINT: &str = "/v1/integrations/channel-endpoints/oauth";

const START: i64 = 1_790_000_000;
/// The longest that a condition is waited for.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) type Settings = HashMap<String, String>;

/// What people on one platform have been sent and nobody has looked at.
type Unread = Box<dyn Fn() -> Vec<String> + Send>;

/// A running service with its surroundings.
pub(crate) struct Bot {
    pub(crate) storage: Storage,
    pub(crate) novu: Arc<Novu>,
    pub(crate) slack: Arc<Slack>,
    pub(crate) clock: ManualClock,
    pub(crate) url: String,
    /// Where operators ask.
    pub(crate) ops_url: String,
    settings: Settings,
    /// Platforms beside those that the service knows by itself.
    further: Vec<Arc<dyn SurfaceSettings>>,
    /// What people have been sent and the story has not looked at, on each platform.
    unread: Vec<Unread>,
    http: reqwest::Client,
    app: App,
    stop: CancellationToken,
    served: Option<JoinHandle<()>>,
}

/// What stands around a service.
struct Around {
    storage: Storage,
    novu: Arc<Novu>,
    slack: Arc<Slack>,
    clock: ManualClock,
    further: Vec<Arc<dyn SurfaceSettings>>,
    unread: Vec<Unread>,
}

impl Drop for Bot {
    fn drop(&mut self) {
        self.stop.cancel();
        if !std::thread::panicking() {
            panics::none_so_far();
            canaries::none_sang();
            for unread in &self.unread {
                assert_eq!(unread(), [""; 0], "messages that the story has not looked at");
            }
        }
    }
}

impl Bot {
    /// One workspace that is connected, two members, the default configuration.
    pub(crate) async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// As [`Bot::start`], with these environment variables beside the usual ones.
    pub(crate) async fn start_with(more: &[(&str, &str)]) -> Self {
        Self::start_on(Storage::any(), more).await
    }

    /// As [`Bot::start_with`], with its promises in this store.
    pub(crate) async fn start_on(storage: Storage, more: &[(&str, &str)]) -> Self {
        Self::start_among(storage, clock(), novu::Options::default(), Vec::new(), |_| {}, more)
            .await
    }

    /// As [`Bot::start_with`], with further platforms.
    pub(crate) async fn start_beside(
        further: Vec<Arc<dyn SurfaceSettings>>,
        more: &[(&str, &str)],
    ) -> Self {
        let options = novu::Options::default();
        Self::start_among(Storage::any(), clock(), options, further, |_| {}, more).await
    }

    /// As [`Bot::start_on`], with a clock that others share, and a Novu that knows others and other
    /// things as well.
    pub(crate) async fn start_among(
        storage: Storage,
        clock: ManualClock,
        options: novu::Options,
        further: Vec<Arc<dyn SurfaceSettings>>,
        known: impl FnOnce(&Novu),
        more: &[(&str, &str)],
    ) -> Self {
        canaries::listen();
        panics::listen();
        let shared: SharedClock = Arc::new(clock.clone());
        let slack = Slack::start(Arc::clone(&shared), Options::default()).await.unwrap();
        slack::people(&slack);
        let options = novu::Options {
            api_keys: vec![API_KEY.to_owned()],
            slack_base: slack.url().to_owned(),
            ..options
        };
        let novu = Novu::start(shared, options).await.unwrap();
        let app = slack.options();
        novu.add_integration(Integration::slack(INTEGRATION, &app.client_id, &app.client_secret));
        novu.add_connection(slack::connection(CONNECTION, TEAM, &[])).unwrap();
        known(&novu);
        let mut settings = settings(&novu, &slack);
        settings.extend(storage.settings().map(|(name, value)| (name.to_owned(), value)));
        settings.extend(more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let (novu, slack) = (Arc::new(novu), Arc::new(slack));
        let unread: Vec<Unread> = vec![Box::new({
            let slack = Arc::clone(&slack);
            move || slack.unread().iter().map(|message| message.body.to_string()).collect()
        })];
        let around = Around { storage, novu, slack, clock, further, unread };
        Self::serve(around, settings).await
    }

    /// The environment variables that the service was started with.
    pub(crate) fn settings(&self) -> Settings {
        self.settings.clone()
    }

    /// Stops the service and starts another with the same surroundings.
    pub(crate) async fn restart(mut self, settings: Settings) -> Self {
        self.stop().await;
        let around = Around {
            storage: std::mem::replace(&mut self.storage, Storage::in_memory()),
            novu: Arc::clone(&self.novu),
            slack: Arc::clone(&self.slack),
            clock: self.clock.clone(),
            further: std::mem::take(&mut self.further),
            unread: std::mem::take(&mut self.unread),
        };
        Self::serve(around, settings).await
    }

    async fn serve(around: Around, settings: Settings) -> Self {
        let Around { storage, novu, slack, clock, further, unread } = around;
        let public = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = url_of(&public);
        let config = configure(&settings, &url).unwrap();
        let config = further.iter().cloned().fold(config, Config::with_surface);
        let ops = TcpListener::bind(config.server.ops_listen).await.unwrap();
        let ops_url = url_of(&ops);
        let limits = Limits {
            max_connections: config.server.max_connections,
            idle: config.server.idle_timeout,
            ..Limits::default()
        };
        let shared: SharedClock = Arc::new(clock.clone());
        let store = storage.open(&config.store, Arc::clone(&shared)).await;
        let app = App::build_on(store, config, shared, Arc::new(SystemRandom)).await.unwrap();
        let stop = CancellationToken::new();
        let served = tokio::spawn({
            let (app, stop) = (app.clone(), stop.clone());
            async move {
                let listeners = Listeners { public, ops: Some(ops) };
                app.serve(listeners, limits, stop).await;
            }
        });
        let http = net::client().unwrap();
        Self {
            storage,
            novu,
            slack,
            clock,
            url,
            ops_url,
            settings,
            further,
            unread,
            http,
            app,
            stop,
            served: Some(served),
        }
    }

    /// Lets the service read its configuration anew, with these environment variables beside those that
    /// it was started with.
    pub(crate) async fn reload(&self, more: &[(&str, &str)]) {
        let mut settings = self.settings();
        settings.extend(more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let config = configure(&settings, &self.url);
        let further = self.further.iter().cloned();
        self.app.reload(config.map(|config| further.fold(config, Config::with_surface))).await;
    }

    /// Lets the service look at everything that it depends on.
    pub(crate) async fn doctor(&self) -> Report {
        let report = self.app.doctor().await;
        canaries::assert_silent(&report.to_string());
        report
    }

    /// Asks the service to stop and waits until it has.
    pub(crate) async fn stop(&mut self) {
        self.stop.cancel();
        if let Some(served) = self.served.take() {
            // What the service waits for at the end, it waits for by this clock.
            self.until_later(async || served.is_finished()).await;
            served.await.unwrap();
        }
        canaries::none_sang();
    }

    /// Begins to stop the service without waiting for it.
    pub(crate) fn begin_stop(&self) {
        self.stop.cancel();
    }

    /// The people of a platform, as administrators see them.
    pub(crate) fn people(&self, platform: &str) -> Arc<dyn People> {
        self.app.people(platform).unwrap()
    }

    /// Waits until the service says that it can serve.
    pub(crate) async fn ready(&self) {
        until(async || self.method("GET", "/readyz").await == 200).await;
    }

    /// What the service warns of, in the words of `/readyz`, while it is ready.
    pub(crate) async fn warnings(&self) -> Vec<String> {
        let reply = self.ops("/readyz").await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        let words = reply.json["warnings"].as_array().into_iter().flatten();
        words.map(|warning| warning["trouble"].as_str().unwrap().to_owned()).collect()
    }

    /// Moves the clock on until a condition holds.
    #[track_caller]
    pub(crate) fn until_later<F: AsyncFn() -> bool>(
        &self,
        condition: F,
    ) -> impl Future<Output = ()> {
        self.until_later_by(Duration::from_millis(500), condition)
    }

    /// As [`Bot::until_later`], by so much at a time: little where much has to be done meanwhile.
    #[track_caller]
    pub(crate) fn until_later_by<F: AsyncFn() -> bool>(
        &self,
        step: Duration,
        condition: F,
    ) -> impl Future<Output = ()> {
        let caller = std::panic::Location::caller();
        async move {
            let deadline = tokio::time::Instant::now() + PATIENCE;
            while !condition().await {
                panics::none_so_far();
                assert!(tokio::time::Instant::now() < deadline, "never came true: {caller}");
                self.clock.advance(step);
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
    }

    /// Lets every link run out, and what follows from that be done.
    pub(crate) async fn links_over(&self) {
        let over = async || {
            self.metric("connect_watches_open").await + self.metric("connect_promises_open").await
                == 0
        };
        self.until_later_by(Duration::from_mins(1), over).await;
    }

    /// The mints that Novu was asked for.
    pub(crate) fn mints(&self) -> Vec<Recorded> {
        let all = self.novu.requests();
        all.into_iter().filter(|request| request.path() == MINT).collect()
    }
}

/// Runs the binary with these settings and arguments to its end, beside a service that is running.
pub(crate) async fn run_binary(settings: Settings, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_novu-connect-bot"));
    command.args(arguments).env_clear().envs(settings);
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

/// The configuration of a service at this address.
fn configure(settings: &Settings, url: &str) -> Result<Config, Problems> {
    let given = settings.iter().map(|(name, value)| {
        let value = if value == ITSELF { url } else { value };
        (name.clone(), value.to_owned())
    });
    Config::load(None, given.collect::<Settings>(), &no_files)
}

/// A disk without the files that a configuration may name.
pub(crate) fn no_files(_: &std::path::Path) -> std::io::Result<String> {
    Err(std::io::Error::other("no files here"))
}

fn url_of(listener: &TcpListener) -> String {
    format!("http://{}", listener.local_addr().unwrap())
}

/// The clock of a story, at its beginning.
pub(crate) fn clock() -> ManualClock {
    ManualClock::new(Timestamp::from_second(START).unwrap())
}

/// Waits until a condition holds, and fails if it does not come to that.
#[track_caller]
pub(crate) fn until<F: AsyncFn() -> bool>(condition: F) -> impl Future<Output = ()> {
    let caller = std::panic::Location::caller();
    async move {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while !condition().await {
            panics::none_so_far();
            assert!(tokio::time::Instant::now() < deadline, "never came true: {caller}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

fn settings(novu: &Novu, slack: &Slack) -> Settings {
    [
        ("CONNECT_SERVER__OPS_LISTEN", "127.0.0.1:0"),
        ("CONNECT_SERVER__DRAIN", "0s"),
        ("CONNECT_NOVU__API_URL", novu.url()),
        ("CONNECT_NOVU__API_KEY", API_KEY),
        ("CONNECT_SLACK__SIGNING_SECRETS", &format!("{SECRET},{NEW_SECRET}")),
        ("CONNECT_SLACK__INTEGRATION", INTEGRATION),
        ("CONNECT_SLACK__API_URL", &format!("{}/api", slack.url())),
        ("CONNECT_SLACK__RESPONSE_HOSTS", "127.0.0.1"),
        ("CONNECT_SLACK__LINK_HOSTS", "127.0.0.1"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}

/// A number that nobody else has.
pub(crate) fn unique() -> String {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed).to_string()
}
