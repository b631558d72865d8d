//! The service as a process that is sent signals.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test ends where it fails")]

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

const BINARY: &str = env!("CARGO_BIN_EXE_novu-connect-bot");

/// A service that is ended with this value, if it has not ended by itself.
struct Service {
    child: Child,
    address: String,
    folder: TempDir,
}

impl Drop for Service {
    fn drop(&mut self) {
        // Already gone is as good as ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Service {
    /// Starts the service by a line for the shell, in which `$0` is the binary, with these variables
    /// beside those that it needs. What it names is in the folder.
    fn start(line: &str, folder: TempDir, more: &[(&str, &str)]) -> Self {
        let free = || TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        let (address, nobody) = (free(), format!("http://{}", free()));
        let child = Command::new("sh")
            .args(["-c", line, BINARY])
            .current_dir(&folder)
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("CONNECT_NOVU__API_URL", nobody)
            .env("CONNECT_NOVU__API_KEY", "s3cret-novu")
            .env("CONNECT_SLACK__INTEGRATION", "slack")
            .env("CONNECT_SERVER__LISTEN", &address)
            .env("CONNECT_SERVER__OPS_LISTEN", "127.0.0.1:0")
            .envs(more.iter().copied())
            .stdout(Stdio::null())
            .stderr(File::create(folder.path().join("log")).unwrap())
            .spawn();
        Self { child: child.unwrap(), address, folder }
    }

    /// Starts it with a secret and this drain, and waits until it serves.
    fn start_with_drain(line: &str, drain: &str) -> Self {
        let secret = ("CONNECT_SLACK__SIGNING_SECRETS", "s3cret-slack");
        let drain = ("CONNECT_SERVER__DRAIN", drain);
        let service = Self::start(line, tempfile::tempdir().unwrap(), &[secret, drain]);
        service.serves();
        service
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    fn signal(&self, signal: &str) {
        let told = Command::new("kill").args([signal, &self.child.id().to_string()]).status();
        assert!(told.unwrap().success());
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.path("log")).unwrap()
    }

    /// Waits until the log says this.
    fn says(&self, words: &str) {
        until(|| self.log().contains(words).then_some(()));
    }

    /// The first line of the answer to `GET /healthz`, if anybody answers.
    fn health(&self) -> Option<String> {
        let address = &self.address;
        let mut stream = TcpStream::connect(address).ok()?;
        let request =
            format!("GET /healthz HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        answer.lines().next().map(str::to_owned)
    }

    /// Waits until it answers.
    fn serves(&self) {
        assert_eq!(until(|| self.health()), "HTTP/1.1 200 OK");
    }

    /// Waits until it has ended.
    fn ended(&mut self) -> ExitStatus {
        until(|| self.child.try_wait().unwrap())
    }
}

/// Waits until `look` sees something.
#[expect(clippy::disallowed_methods, reason = "a thread of its own, which waits for a process")]
fn until<T>(mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        if let Some(seen) = look() {
            return seen;
        }
        assert!(Instant::now() < deadline, "never came true");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn few_open_files_leave_room_and_a_warning() {
    let service = Service::start_with_drain("ulimit -n 100 && exec \"$0\" serve", "0s");
    // Far more than the files would do for.
    let strangers: Vec<_> =
        (0..150).filter_map(|_| TcpStream::connect(&service.address).ok()).collect();
    service.serves();
    assert_eq!(strangers.len(), 150);
    let log = service.log();
    assert!(log.contains("at most 18 connections") && log.contains("LimitNOFILE"), "{log}");
    assert!(!log.contains("cannot accept connections"), "{log}");
}

#[test]
fn the_service_is_healthy_until_it_is_told_to_stop_and_serves_on_and_ends_well() {
    let mut service = Service::start_with_drain("exec \"$0\" serve", "1s");
    let check = Command::new(BINARY).args(["healthcheck", "--address", &service.address]).output();
    let check = check.unwrap();
    assert_eq!(check.status.code(), Some(0), "{check:?}");

    let begun = Instant::now();
    service.signal("-TERM");
    service.says("stopping: not ready any more");
    service.serves();
    assert_eq!(service.ended().code(), Some(0), "{}", service.log());
    assert!(begun.elapsed() >= Duration::from_secs(1));
    assert!(service.health().is_none());
}

#[test]
fn a_second_signal_ends_the_service_at_once() {
    let mut service = Service::start_with_drain("exec \"$0\" serve", "60s");
    service.signal("-TERM");
    service.says("stopping: not ready any more");
    service.signal("-TERM");
    assert_eq!(service.ended().code(), Some(130));
}

#[test]
fn a_hang_up_makes_the_service_read_its_configuration_anew_and_never_ends_it() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("connect.toml"), "[server]\ndrain = '1s'\n").unwrap();
    std::fs::write(folder.path().join("secret"), "s3cret-of-today").unwrap();
    let file = ("CONNECT_SLACK__SIGNING_SECRETS_FILE", "secret");
    let mut service = Service::start("exec \"$0\" serve --config connect.toml", folder, &[file]);
    service.serves();

    service.write("connect.toml", "[slack]\ncommand = 'nonsense'\n");
    service.write("secret", "s3cret-of-tomorrow");
    service.signal("-HUP");
    service.says("the new configuration is not taken: nothing changes");
    service.says("slack.command (CONNECT_SLACK__COMMAND) is not a command name");
    service.write("connect.toml", "[slack]\ncommand = '/other'\n");
    service.signal("-HUP");
    service.says("the configuration was read anew");
    service.says(r#""keys":"slack.signing_secrets""#);
    service.says(r#""keys":"server.drain, slack.command""#);

    service.signal("-TERM");
    service.says("stopping: not ready any more");
    service.signal("-HUP");
    assert_eq!(service.ended().code(), Some(0), "{}", service.log());
    assert!(!service.log().contains("s3cret"));
}

#[test]
fn a_hang_up_during_the_start_ends_nobody_and_is_not_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    // Whoever reads it waits until somebody writes.
    let pipe = folder.path().join("secret");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let files =
        [("CONNECT_SLACK__SIGNING_SECRETS_FILE", "secret"), ("CONNECT_SERVER__DRAIN", "0s")];
    let mut service = Service::start("exec \"$0\" serve", folder, &files);
    let mut starting = OpenOptions::new().write(true).open(&pipe).unwrap();
    std::fs::remove_file(&pipe).unwrap();
    service.write("secret", "s3cret-of-tomorrow");
    service.signal("-HUP");
    starting.write_all(b"s3cret-of-today").unwrap();
    drop(starting);
    service.serves();
    service.says(r#""keys":"slack.signing_secrets""#);
    service.signal("-TERM");
    assert_eq!(service.ended().code(), Some(0), "{}", service.log());
}
