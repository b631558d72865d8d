//! The program as a process that can be killed.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::Value;

/// How long a start may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// The environment variables of the program.
pub(crate) type Settings = Vec<(&'static str, String)>;

/// A running service. It is killed when this is dropped.
#[derive(Debug)]
pub(crate) struct Service {
    child: Child,
    log: Receiver<String>,
    /// What was read from the log so far.
    told: Vec<String>,
    /// Where Slack and Teams send their requests.
    pub(crate) url: String,
    /// Where operators ask.
    ops: String,
}

impl Service {
    /// Starts the program and waits until it listens.
    pub(crate) async fn start(settings: &Settings) -> Self {
        let settings = settings.clone();
        tokio::task::spawn_blocking(move || Self::start_now(&settings)).await.unwrap()
    }

    fn start_now(settings: &Settings) -> Self {
        loop {
            let mut service = Self::spawn(settings);
            if service.listens() {
                return service;
            }
            let taken = service.told.iter().any(|line| line.contains("cannot listen"));
            assert!(taken, "the service does not start: {:#?}", service.told);
        }
    }

    fn spawn(settings: &Settings) -> Self {
        // Somebody else may take it in the meantime.
        let ops = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        let mut child = Command::new(env!("CARGO_BIN_EXE_novu-connect-bot"))
            .arg("serve")
            .env_clear()
            .envs(settings.iter().map(|(name, value)| (*name, value.as_str())))
            .env("CONNECT_SERVER__LISTEN", "127.0.0.1:0")
            .env("CONNECT_SERVER__OPS_LISTEN", &ops)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = follow(child.stderr.take().unwrap());
        let (told, url) = (Vec::new(), String::new());
        Self { child, log, told, url, ops: format!("http://{ops}") }
    }

    /// Whether it listens in the end, and no longer than it may take.
    fn listens(&mut self) -> bool {
        while let Ok(line) = self.log.recv_timeout(PATIENCE) {
            let json: Value = serde_json::from_str(&line).unwrap_or_default();
            self.told.push(line);
            if json["message"] == "listening" {
                self.url = format!("http://{}", json["address"].as_str().unwrap());
                return true;
            }
        }
        false
    }

    /// Ends the process at once, without a word to it.
    pub(crate) fn kill(&mut self) {
        // Already gone is as good as ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// What it has logged so far.
    pub(crate) fn log(&mut self) -> &[String] {
        self.told.extend(self.log.try_iter());
        &self.told
    }

    /// Whether it can serve.
    pub(crate) async fn is_ready(&self, http: &reqwest::Client) -> bool {
        let answer = http.get(format!("{}/readyz", self.ops)).send().await;
        answer.is_ok_and(|answer| answer.status() == 200)
    }

    /// How many promises are open; none if it does not say.
    pub(crate) async fn open_promises(&self, http: &reqwest::Client) -> Option<u64> {
        let figures = http.get(format!("{}/metrics", self.ops)).send().await.ok()?;
        let figures = figures.text().await.ok()?;
        let open = figures.lines().filter(|line| line.starts_with("connect_promises_open"));
        Some(open.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum())
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The lines of a log, read by a thread of its own.
fn follow(stderr: ChildStderr) -> Receiver<String> {
    let (tell, told) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            if tell.send(line).is_err() {
                return;
            }
        }
    });
    told
}
