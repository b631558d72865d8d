use std::io::Read;
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use super::*;

/// Runs SQL and gives what comes out.
fn run(postgres: &Postgres, database: &str, sql: &str) -> Result<String, String> {
    let output = Command::new(postgres.programs.join("psql"))
        .args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align"])
        .args(["--dbname", database, "--command", sql])
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap().trim().to_owned();
    if output.status.success() { Ok(text(output.stdout)) } else { Err(text(output.stderr)) }
}

/// Waits until something holds.
#[expect(clippy::disallowed_methods, reason = "a thread of its own, which waits for a process")]
fn until(condition: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !condition() {
        assert!(Instant::now() < deadline, "never came true");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn answers(address: SocketAddr) -> bool {
    TcpStream::connect(address).is_ok()
}

#[test]
fn databases_are_apart_and_last_as_long_as_their_server() {
    let Some(postgres) = Postgres::start() else { return };
    let (one, other) = (postgres.database(), postgres.database());
    run(&postgres, &one, "CREATE TABLE told (word TEXT); INSERT INTO told VALUES ('yes')").unwrap();
    assert!(run(&postgres, &other, "SELECT word FROM told").unwrap_err().contains("told"));

    postgres.stop();
    assert!(run(&postgres, &one, "SELECT word FROM told").unwrap_err().contains("refused"));
    postgres.resume();
    assert_eq!(run(&postgres, &one, "SELECT word FROM told").unwrap(), "yes");

    let address = SocketAddr::from(([127, 0, 0, 1], postgres.port));
    let home = lock(&postgres.keeper).home.clone();
    assert!(answers(address) && home.is_dir());
    drop(postgres);
    assert!(!answers(address) && !home.exists());
}

#[test]
fn the_password_counts() {
    let Some(postgres) = Postgres::shared() else { return };
    let database = postgres.database();
    assert_eq!(run(postgres, &database, "SELECT 1").unwrap(), "1");
    let wrong = database.replace(PASSWORD, "guessed");
    assert!(run(postgres, &wrong, "SELECT 1").unwrap_err().contains("authentication failed"));
}

#[test]
#[ignore = "the process that the next test kills"]
fn a_process_with_a_server_waits_for_its_end() {
    let Some(postgres) = Postgres::shared() else { return };
    let home = lock(&postgres.keeper).home.clone();
    writeln!(io::stderr(), "{} {}", postgres.port, home.display()).unwrap();
    io::stdin().read_to_end(&mut Vec::new()).unwrap();
}

#[test]
fn a_process_that_is_killed_leaves_no_server() {
    if programs().is_none() {
        return;
    }
    let mut process = Command::new(env::current_exe().unwrap())
        .args(["--ignored", "--exact", "--nocapture"])
        .arg("postgres::tests::a_process_with_a_server_waits_for_its_end")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut told = String::new();
    BufReader::new(process.stderr.take().unwrap()).read_line(&mut told).unwrap();
    let (port, home) = told.trim().split_once(' ').unwrap();
    let address = SocketAddr::from(([127, 0, 0, 1], port.parse().unwrap()));
    assert!(answers(address) && Path::new(home).is_dir());
    process.kill().unwrap();
    process.wait().unwrap();
    until(|| !answers(address) && !Path::new(home).exists());
}
