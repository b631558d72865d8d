use std::net::SocketAddr;

use axum::routing::get;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::*;

const REQUEST: &[u8] = b"GET /quick HTTP/1.1\r\nhost: a\r\n\r\n";
/// Long enough for the slowest machine, so that only a failure ever waits for it.
const PATIENCE: Duration = Duration::from_secs(10);

struct Served {
    address: SocketAddr,
    stop: CancellationToken,
    /// Lets requests to `/held` go on.
    release: watch::Sender<bool>,
    /// How many requests to `/held` have arrived.
    held: watch::Receiver<usize>,
    end: JoinHandle<Drained>,
}

impl Served {
    async fn start(limits: Limits) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let (release, released) = watch::channel(false);
        let (arrived, held) = watch::channel(0);
        let arrived = Arc::new(arrived);
        let wait = move || {
            arrived.send_modify(|count| *count += 1);
            let mut released = released.clone();
            async move {
                released.wait_for(|released| *released).await.unwrap();
                "held"
            }
        };
        let router = Router::new().route("/quick", get(async || "quick")).route("/held", get(wait));
        let end = tokio::spawn(serve(listener, router, limits, stop.clone()));
        Self { address, stop, release, held, end }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// A connection with a request that is being worked on.
    async fn hold(&mut self) -> TcpStream {
        let mut stream = self.connect().await;
        let before = *self.held.borrow();
        stream.write_all(b"GET /held HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
        self.held.wait_for(|count| *count > before).await.unwrap();
        stream
    }

    async fn end(self) -> Drained {
        self.stop.cancel();
        self.end.await.unwrap()
    }
}

fn limits() -> Limits {
    Limits { finish: PATIENCE, ..Limits::default() }
}

/// Reads until the text has come, or the connection is closed.
async fn read_until(stream: &mut TcpStream, text: &str) -> String {
    let mut read = Vec::new();
    let reading = async {
        while !String::from_utf8_lossy(&read).contains(text) {
            if stream.read_buf(&mut read).await.unwrap_or(0) == 0 {
                break;
            }
        }
    };
    tokio::time::timeout(PATIENCE, reading).await.unwrap();
    String::from_utf8(read).unwrap()
}

async fn read_to_end(stream: &mut TcpStream) -> String {
    read_until(stream, "\0").await
}

#[tokio::test]
async fn half_a_head_is_cut_while_rest_is_allowed() {
    let limits = Limits { head: Duration::from_millis(50), ..limits() };
    let served = Served::start(limits).await;
    let mut resting = served.connect().await;
    resting.write_all(REQUEST).await.unwrap();
    assert!(read_until(&mut resting, "quick").await.starts_with("HTTP/1.1 200"));

    let mut silent = served.connect().await;
    let mut halting = served.connect().await;
    halting.write_all(b"GET /quick HTTP/1.1\r\nhost:").await.unwrap();
    let mut late = served.connect().await;
    late.write_all(REQUEST).await.unwrap();
    read_until(&mut late, "quick").await;
    late.write_all(b"GET").await.unwrap();
    for stream in [&mut silent, &mut halting, &mut late] {
        assert!(!read_to_end(stream).await.contains("200"));
    }

    resting.write_all(REQUEST).await.unwrap();
    assert!(read_until(&mut resting, "quick").await.starts_with("HTTP/1.1 200"));
    assert_eq!(served.end().await, Drained::Completely);
}

#[tokio::test]
async fn work_is_no_arriving_head() {
    let limits = Limits { head: Duration::from_millis(50), ..limits() };
    let mut served = Served::start(limits).await;
    let mut held = served.hold().await;
    let mut halting = served.connect().await;
    halting.write_all(b"GET").await.unwrap();
    // By now the head's time is over for the other one too.
    read_to_end(&mut halting).await;
    served.release.send_replace(true);
    assert!(read_until(&mut held, "\r\n\r\nheld").await.contains("200"));
}

#[tokio::test]
async fn rest_ends() {
    let limits = Limits { idle: Duration::from_millis(50), ..limits() };
    let served = Served::start(limits).await;
    let mut stream = served.connect().await;
    stream.write_all(REQUEST).await.unwrap();
    assert!(read_to_end(&mut stream).await.ends_with("quick"));
}

#[tokio::test]
async fn at_the_stop_a_request_finishes_and_others_close() {
    let mut served = Served::start(limits()).await;
    let mut held = served.hold().await;
    let mut resting = served.connect().await;
    resting.write_all(REQUEST).await.unwrap();
    read_until(&mut resting, "quick").await;

    served.stop.cancel();
    assert_eq!(read_to_end(&mut resting).await, "");
    assert!(TcpStream::connect(served.address).await.is_err());
    served.release.send_replace(true);
    let answer = read_to_end(&mut held).await;
    assert!(answer.contains("connection: close") && answer.ends_with("held"), "{answer}");
    assert_eq!(served.end().await, Drained::Completely);
}

#[tokio::test]
async fn what_does_not_finish_in_time_is_cut_off() {
    let mut served = Served::start(Limits { finish: Duration::from_millis(50), ..limits() }).await;
    let mut held = served.hold().await;
    served.stop.cancel();
    assert_eq!(read_to_end(&mut held).await, "");
    assert_eq!(served.end().await, Drained::CutOff(1));
}

#[tokio::test]
async fn while_all_are_at_work_others_wait_and_are_served_later() {
    let mut served = Served::start(Limits { max_connections: 1, ..limits() }).await;
    let mut first = served.hold().await;
    let mut second = served.connect().await;
    second.write_all(REQUEST).await.unwrap();
    let nothing = tokio::time::timeout(GRACE * 2, second.read_u8()).await;
    assert!(nothing.is_err(), "there was no place");

    served.release.send_replace(true);
    assert!(read_until(&mut first, "\r\n\r\nheld").await.contains("200"));
    assert!(read_until(&mut second, "quick").await.contains("200"));
    assert_eq!(read_to_end(&mut first).await, "", "at rest, it gave way");
}

#[tokio::test]
async fn an_answer_that_nobody_reads_ends_its_connection() {
    let limits = Limits { write: Duration::from_millis(50), ..limits() };
    let served = Served::start(limits).await;
    let mut stream = served.connect().await;
    let writing = async {
        // The buffers of both sides hold a few megabytes at most.
        while stream.write_all(&REQUEST.repeat(1000)).await.is_ok() {}
    };
    tokio::time::timeout(PATIENCE, writing).await.unwrap();
    assert_eq!(served.end().await, Drained::Completely);
}

#[tokio::test]
async fn heads_beyond_the_limits_are_refused() {
    let served = Served::start(limits()).await;
    let many = "x: y\r\n".repeat(101);
    let large = format!("x: {}\r\n", "y".repeat(HEAD_MAX_BYTES));
    for headers in [many, large] {
        let mut stream = served.connect().await;
        let head = format!("GET /quick HTTP/1.1\r\n{headers}\r\n");
        // The server may hang up before it has read everything.
        let _ = stream.write_all(head.as_bytes()).await;
        let answer = read_to_end(&mut stream).await;
        assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
    }
}

#[test]
fn the_queue_goes_on_after_a_connection_that_failed_early() {
    assert!(concerns_one_connection(&io::ErrorKind::ConnectionAborted.into()));
    // EMFILE: no file descriptor is left.
    assert!(!concerns_one_connection(&io::Error::from_raw_os_error(24)));
}
