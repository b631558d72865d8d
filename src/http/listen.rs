//! Serves connections within limits, and stops without breaking off what is being answered.
//!
//! axum's own server has no time limit for request heads and waits for its connections without end
//! (axum 0.8.9 source), hence this one on hyper.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use super::head_timer::{HeadTimer, Work};

/// The size of a request's head. Chat platforms and proxies need a few thousand bytes.
const HEAD_MAX_BYTES: usize = 16 * 1024;
/// What a connection buffers at most, each way.
const BUFFER_MAX_BYTES: usize = 32 * 1024;
/// How long to wait when no connection can be accepted, as without free file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// The limits of connections.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// How many are served at a time. More wait in the listener's queue.
    pub max_connections: usize,
    /// How long the head of a request may take from its first byte, and the first one of a
    /// connection from its beginning.
    pub head: Duration,
    /// How long a connection may rest between requests. Longer than the 60 s after which proxies
    /// let go of one, so that they never send into a connection that is being closed.
    pub rest: Duration,
    /// How long requests may take to finish after the stop.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_connections: 1024,
            head: Duration::from_secs(10),
            rest: Duration::from_secs(75),
            drain: Duration::from_secs(10),
        }
    }
}

/// How serving ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drained {
    /// Every request was answered to its end.
    Completely,
    /// So many connections were broken off when the time to drain was over.
    CutOff(usize),
}

/// Serves the router on the listener until `stop` is cancelled.
///
/// Then the listener closes, so do connections at rest, and those with a request finish it, all
/// within [`Limits::drain`].
pub async fn serve(
    listener: TcpListener,
    router: Router,
    limits: Limits,
    stop: CancellationToken,
) -> Drained {
    let graceful = GracefulShutdown::new();
    let slots = Arc::new(Semaphore::new(limits.max_connections));
    let http = http(&limits);
    let mut connections = JoinSet::new();
    while let Some((stream, slot)) = stop.run_until_cancelled(next(&listener, &slots)).await {
        let connection =
            Connection { http: http.clone(), router: router.clone(), head: limits.head, slot };
        connections.spawn(connection.serve(stream, graceful.watcher()));
        while connections.try_join_next().is_some() {}
    }
    drop(listener);
    drain(graceful, connections, limits.drain).await
}

/// hyper by itself refuses more than a hundred headers; a limit of our own would cost an allocation
/// for each request (hyper 1.12 documentation).
fn http(limits: &Limits) -> http1::Builder {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(limits.rest)
        .max_header_size(HEAD_MAX_BYTES)
        .max_buf_size(BUFFER_MAX_BYTES);
    http
}

/// The next connection, once there is a slot for it.
async fn next(listener: &TcpListener, slots: &Arc<Semaphore>) -> (TcpStream, OwnedSemaphorePermit) {
    let Ok(slot) = Arc::clone(slots).acquire_owned().await else {
        // Nobody closes the semaphore; without slots there is nothing to serve.
        return std::future::pending().await;
    };
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return (stream, slot),
            Err(error) if concerns_one_connection(&error) => {}
            Err(error) => {
                tracing::error!(%error, "cannot accept connections, trying again");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Whether an error tells of the connection that was to be accepted, not of the listener.
fn concerns_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::Interrupted
    )
}

struct Connection {
    http: http1::Builder,
    router: Router,
    head: Duration,
    slot: OwnedSemaphorePermit,
}

impl Connection {
    async fn serve(self, stream: TcpStream, stop: Watcher) {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "a connection keeps its small packets back");
        }
        let work = Work::default();
        let stream = TokioIo::new(HeadTimer::new(stream, self.head, work.clone()));
        let service = service_fn(move |request: hyper::Request<Incoming>| {
            work.clone().during(self.router.clone().oneshot(request.map(Body::new)))
        });
        if let Err(error) = stop.watch(self.http.serve_connection(stream, service)).await {
            // Half of the internet does this all day; it is nothing to wake anyone for.
            tracing::debug!(%error, "a connection broke off");
        }
        drop(self.slot);
    }
}

async fn drain(
    graceful: GracefulShutdown,
    mut connections: JoinSet<()>,
    limit: Duration,
) -> Drained {
    if tokio::time::timeout(limit, graceful.shutdown()).await.is_ok() {
        return Drained::Completely;
    }
    while connections.try_join_next().is_some() {}
    let open = connections.len();
    connections.shutdown().await;
    if open == 0 { Drained::Completely } else { Drained::CutOff(open) }
}

#[cfg(test)]
mod tests {
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
            let router =
                Router::new().route("/quick", get(async || "quick")).route("/held", get(wait));
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
        Limits { drain: PATIENCE, ..Limits::default() }
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
        let limits = Limits { rest: Duration::from_millis(50), ..limits() };
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
        let mut served =
            Served::start(Limits { drain: Duration::from_millis(50), ..limits() }).await;
        let mut held = served.hold().await;
        served.stop.cancel();
        assert_eq!(read_to_end(&mut held).await, "");
        assert_eq!(served.end().await, Drained::CutOff(1));
    }

    #[tokio::test]
    async fn those_beyond_the_limit_wait_and_are_served_later() {
        let mut served = Served::start(Limits { max_connections: 1, ..limits() }).await;
        let mut first = served.hold().await;
        let mut second = served.connect().await;
        second.write_all(b"GET /held HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
        let mut third = served.connect().await;
        third.write_all(REQUEST).await.unwrap();
        assert_eq!(*served.held.borrow(), 1);

        served.release.send_replace(true);
        read_until(&mut first, "held").await;
        assert_eq!(*served.held.borrow(), 1);
        drop(first);
        assert!(read_until(&mut second, "\r\n\r\nheld").await.contains("200"));
        drop(second);
        assert!(read_until(&mut third, "quick").await.contains("200"));
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
}
