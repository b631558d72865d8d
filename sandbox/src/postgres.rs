//! A private PostgreSQL server for tests, from the programs of Debian's package `postgresql`.
//!
//! It listens on a loopback port, asks for a password, and keeps nothing: a server and its databases
//! are gone with the process that started them, in whatever way that ends. A small shell sees to it
//! (`postgres/keeper.sh`).

#[cfg(test)]
mod tests;

use std::io::{self, BufRead, BufReader, Write};
use std::net::TcpListener;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock};
use std::{env, fs, process};

use super::lock;

/// Set where the tests on PostgreSQL must not be left out.
const NEEDED: &str = "CONNECT_TESTS_NEED_POSTGRES";
/// What is said where there is none.
const MISSING: &str = "the tests on PostgreSQL are left out: they need the package postgresql";
/// The user who owns all databases.
const USER: &str = "connect";
/// Their password.
const PASSWORD: &str = "canary-database-password";
/// Where Debian puts each version's programs: `15/bin`.
const DEBIAN: &str = "/usr/lib/postgresql";
/// The programs that are used.
const PROGRAMS: [&str; 4] = ["initdb", "pg_ctl", "postgres", "psql"];
/// Ports below those that systems give to outgoing connections, so that a server that is stopped
/// finds its own free again.
const PORTS: std::ops::Range<u32> = 20_000..30_000;
/// How many ports are tried, if somebody else takes one at the same moment.
const ATTEMPTS: usize = 5;

/// A running server. It ends, and what it holds goes, when this is dropped or the process ends.
#[derive(Debug)]
pub struct Postgres {
    programs: PathBuf,
    port: u16,
    keeper: Mutex<Keeper>,
    databases: AtomicU32,
}

impl Postgres {
    /// The server that all tests of this process share; started by the first. None where the package
    /// is missing, which is said once on stderr.
    ///
    /// # Panics
    /// The package is missing and `CONNECT_TESTS_NEED_POSTGRES` is set, or the server does not start.
    pub fn shared() -> Option<&'static Self> {
        static SHARED: OnceLock<Option<Postgres>> = OnceLock::new();
        SHARED.get_or_init(Self::start).as_ref()
    }

    /// A server of one's own, for a test that stops it.
    ///
    /// # Panics
    /// As for [`Postgres::shared`].
    #[must_use]
    pub fn start() -> Option<Self> {
        let programs = programs()?;
        match Self::start_with(programs) {
            Ok(postgres) => Some(postgres),
            Err(error) => panic!("the private PostgreSQL does not start: {error}"),
        }
    }

    fn start_with(programs: PathBuf) -> io::Result<Self> {
        let mut keeper = Keeper::start(&programs)?;
        keeper.order("create")?;
        let mut attempt = 0;
        let port = loop {
            let port = free_port()?;
            attempt += 1;
            match keeper.order(&format!("start {port}")) {
                Ok(()) => break port,
                Err(_) if attempt < ATTEMPTS => {}
                Err(error) => return Err(error),
            }
        };
        Ok(Self { programs, port, keeper: Mutex::new(keeper), databases: AtomicU32::new(0) })
    }

    /// Makes an empty database and gives its URL.
    ///
    /// # Panics
    /// The server is stopped.
    #[must_use]
    pub fn database(&self) -> String {
        let name = format!("connect_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        let output = Command::new(self.programs.join("psql"))
            .args(["--no-psqlrc", "--quiet", "--dbname", &self.url("postgres")])
            .args(["--command", &format!("CREATE DATABASE {name}")])
            .stdin(Stdio::null())
            .output();
        match output {
            Ok(output) if output.status.success() => self.url(&name),
            other => panic!("no database is made: {other:?}"),
        }
    }

    /// Stops the server at once, as a machine does that fails: connections break. What was committed
    /// is still there after [`Postgres::resume`].
    ///
    /// # Panics
    /// The server does not stop.
    pub fn stop(&self) {
        self.order("stop");
    }

    /// Starts the server again after [`Postgres::stop`], at the same address.
    ///
    /// # Panics
    /// The server does not start.
    pub fn resume(&self) {
        self.order(&format!("start {}", self.port));
    }

    fn order(&self, order: &str) {
        let done = lock(&self.keeper).order(order);
        assert!(done.is_ok(), "PostgreSQL does not {order}: {done:?}");
    }

    fn url(&self, database: &str) -> String {
        format!("postgres://{USER}:{PASSWORD}@127.0.0.1:{}/{database}", self.port)
    }
}

/// The shell that runs the server, in a directory of its own.
#[derive(Debug)]
struct Keeper {
    home: PathBuf,
    shell: Child,
    /// None once it is to end.
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Keeper {
    fn start(programs: &Path) -> io::Result<Self> {
        let home = home()?;
        let mut command = Command::new("sh");
        command
            .args(["-c", include_str!("postgres/keeper.sh"), "sh"])
            .arg(&home)
            .arg(programs)
            .args([USER, PASSWORD])
            .current_dir("/")
            // A group of its own: what interrupts the tests must not interrupt the cleaning up.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        // PostgreSQL refuses to run as root, to whom new directories belong.
        if fs::metadata(&home)?.uid() == 0 {
            let (user, group) = account("postgres")?;
            chown(&home, Some(user), Some(group))?;
            command.uid(user).gid(group);
        }
        let mut shell = command.spawn()?;
        match (shell.stdin.take(), shell.stdout.take()) {
            (orders @ Some(_), Some(answers)) => {
                Ok(Self { home, shell, orders, answers: BufReader::new(answers) })
            }
            _ => Err(io::Error::other("the shell has no pipes")),
        }
    }

    /// Has something done, and waits until it is.
    fn order(&mut self, order: &str) -> io::Result<()> {
        if let Some(orders) = &mut self.orders {
            writeln!(orders, "{order}")?;
        }
        let mut status = String::new();
        self.answers.read_line(&mut status)?;
        if status.trim() == "0" {
            return Ok(());
        }
        let log = fs::read_to_string(self.home.join("log")).unwrap_or_default();
        Err(io::Error::other(format!("{order} ends with status {}: {log}", status.trim())))
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.orders = None;
        // It ends by itself, and nobody could do anything if it did not.
        let _ = self.shell.wait();
    }
}

/// The directory of PostgreSQL's programs, newest version first. Where there is none, says so once.
fn programs() -> Option<PathBuf> {
    static FOUND: OnceLock<Option<PathBuf>> = OnceLock::new();
    let found = FOUND.get_or_init(|| {
        let found = debian()
            .into_iter()
            .chain(on_path())
            .find(|folder| PROGRAMS.iter().all(|program| folder.join(program).is_file()));
        if found.is_none() {
            assert!(env::var_os(NEEDED).is_none(), "{NEEDED} is set: {MISSING}");
            // Not by a macro, whose words nobody sees unless the test fails.
            let _ = writeln!(io::stderr(), "{MISSING}");
        }
        found
    });
    found.clone()
}

/// The directories of Debian's packages, newest version first.
fn debian() -> Vec<PathBuf> {
    let versions = fs::read_dir(DEBIAN).into_iter().flatten().flatten();
    let mut versions: Vec<(u32, PathBuf)> = versions
        .filter_map(|entry| {
            let version = entry.file_name().to_str()?.parse().ok()?;
            Some((version, entry.path().join("bin")))
        })
        .collect();
    versions.sort_unstable_by(|one, other| other.cmp(one));
    versions.into_iter().map(|(_, folder)| folder).collect()
}

/// The directories in `PATH`; links to programs lead to where the others are.
fn on_path() -> Vec<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let programs =
        env::split_paths(&path).filter_map(|folder| folder.join("initdb").canonicalize().ok());
    programs.filter_map(|program| program.parent().map(Path::to_owned)).collect()
}

/// A new directory that nobody else can read.
fn home() -> io::Result<PathBuf> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    loop {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let home = env::temp_dir().join(format!("connect-postgres-{}-{number}", process::id()));
        match fs::DirBuilder::new().mode(0o700).create(&home) {
            Ok(()) => return Ok(home),
            // Left by a process of the same number that was ended together with its shell.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
}

/// The ids of a user of the system and of their group.
fn account(name: &str) -> io::Result<(u32, u32)> {
    let accounts = fs::read_to_string("/etc/passwd")?;
    let found = accounts.lines().find_map(|line| {
        let mut fields = line.split(':');
        let is_it = fields.next() == Some(name);
        let mut ids = fields.skip(1).map_while(|id| id.parse().ok());
        Some((ids.next()?, ids.next()?)).filter(|_| is_it)
    });
    found.ok_or_else(|| io::Error::other(format!("there is no user {name} to run it as")))
}

fn free_port() -> io::Result<u16> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    PORTS
        .filter_map(|_| {
            let number = process::id().wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed));
            let count = PORTS.end - PORTS.start;
            u16::try_from(PORTS.start + number % count).ok()
        })
        .find(|&port| TcpListener::bind(("127.0.0.1", port)).is_ok())
        .ok_or_else(|| io::Error::other("no port is free"))
}
