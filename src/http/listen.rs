//! Serves connections within limits, and stops without breaking off what is being answered.
//!
//! axum's own server has no time limit for request heads and waits for its connections without end
//! (axum 0.8.9 source), hence this one on hyper.

#[cfg(test)]
mod tests;

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
use socket2::SockRef;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use super::activity::{Connections, Entry};
use super::timed_stream::TimedStream;

/// The size of a request's head. Chat platforms and proxies need a few thousand bytes.
const HEAD_MAX_BYTES: usize = 16 * 1024;
/// What a connection buffers at most, each way.
const BUFFER_MAX_BYTES: usize = 32 * 1024;
/// Connections to the operators' address.
const OPERATORS_CONNECTIONS: usize = 32;
/// What the kernel keeps of answers until they are read, and doubles (socket(7)). Left to itself it
/// keeps megabytes for each connection.
const UNREAD_MAX_BYTES: usize = 64 * 1024;
/// How long to wait when no connection can be accepted, as without free file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);
/// How long a connection is idle at least before it gives way, so that a request that is under way
/// to us arrives, however many others come. Whoever has waited for a place this long need not wait
/// any longer: not for connections either that are never idle for as long.
const GRACE: Duration = Duration::from_millis(200);
/// How soon to look again for a connection that can give way.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// The limits of connections.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// How many are served at a time. For one more, the one that has been idle for the longest time
    /// is closed; while all are at work on requests, more wait in the listener's queue.
    pub max_connections: usize,
    /// How long the head of a request may take from its first byte, and the first one of a
    /// connection from its beginning.
    pub head: Duration,
    /// How long a connection may be idle between requests. Longer than the time, 60 s as a rule,
    /// after which proxies let go of one, so that they never send into a connection that is being
    /// closed.
    pub idle: Duration,
    /// How long an answer may take to be read, once the other side does not take all of it at once.
    pub write: Duration,
    /// How long requests may take to finish after the stop.
    pub finish: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_connections: 1024,
            head: Duration::from_secs(10),
            idle: Duration::from_secs(75),
            write: Duration::from_secs(30),
            finish: Duration::from_secs(10),
        }
    }
}

impl Limits {
    /// The same for the operators' address, where a few connections are enough.
    #[must_use]
    pub fn for_operators(self) -> Self {
        Self { max_connections: self.max_connections.min(OPERATORS_CONNECTIONS), ..self }
    }
}

/// How serving ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drained {
    /// Every request was answered to its end.
    Completely,
    /// So many connections were broken off when the time to finish was over.
    CutOff(usize),
}

/// Serves the router on the listener until `stop` is cancelled.
///
/// Then the listener closes, so do connections at rest, and those with a request finish it, all
/// within [`Limits::finish`].
pub async fn serve(
    listener: TcpListener,
    router: Router,
    limits: Limits,
    stop: CancellationToken,
) -> Drained {
    let graceful = GracefulShutdown::new();
    let places = Places::new(limits.max_connections);
    let http = http(&limits);
    let mut connections = JoinSet::new();
    while let Some((stream, place)) = stop.run_until_cancelled(places.next(&listener)).await {
        let connection = Connection { http: http.clone(), router: router.clone(), limits, place };
        connections.spawn(connection.serve(stream, graceful.watcher()));
        while connections.try_join_next().is_some() {}
    }
    drop(listener);
    drain(graceful, connections, limits.finish).await
}

/// hyper by itself refuses more than a hundred headers; a limit of our own would cost an allocation
/// for each request (hyper 1.12 documentation).
fn http(limits: &Limits) -> http1::Builder {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(limits.idle)
        .max_header_size(HEAD_MAX_BYTES)
        .max_buf_size(BUFFER_MAX_BYTES);
    http
}

/// The places for connections, and who takes them.
struct Places {
    free: Arc<Semaphore>,
    taken: Connections,
}

/// A connection's place, free again once this is dropped.
struct Place {
    entry: Entry,
    _permit: OwnedSemaphorePermit,
}

impl Places {
    fn new(most: usize) -> Self {
        Self { free: Arc::new(Semaphore::new(most)), taken: Connections::default() }
    }

    /// The next connection, once there is a place for it.
    async fn next(&self, listener: &TcpListener) -> (TcpStream, Place) {
        let stream = accept(listener).await;
        let permit = self.permit().await;
        (stream, Place { entry: self.taken.enter(), _permit: permit })
    }

    async fn permit(&self) -> OwnedSemaphorePermit {
        let arrived = Instant::now();
        loop {
            if let Ok(permit) = Arc::clone(&self.free).try_acquire_owned() {
                return permit;
            }
            self.taken.make_room(GRACE.saturating_sub(arrived.elapsed()));
            let free = Arc::clone(&self.free).acquire_owned();
            if let Ok(Ok(permit)) = tokio::time::timeout(LOOK_EVERY, free).await {
                return permit;
            }
        }
    }
}

async fn accept(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return stream,
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
    limits: Limits,
    place: Place,
}

impl Connection {
    async fn serve(self, stream: TcpStream, stop: Watcher) {
        let bounded = SockRef::from(&stream).set_send_buffer_size(UNREAD_MAX_BYTES);
        if let Err(error) = stream.set_nodelay(true).and(bounded) {
            tracing::debug!(%error, "a connection keeps its small packets back, or too many");
        }
        let activity = &self.place.entry.activity;
        let (head, write) = (self.limits.head, self.limits.write);
        let stream = TokioIo::new(TimedStream::new(stream, head, write, activity.clone()));
        let service = service_fn(|request: hyper::Request<Incoming>| {
            let request = request.map(|body| Body::new(activity.body(body)));
            activity.during(self.router.clone().oneshot(request))
        });
        let connection = stop.watch(self.http.serve_connection(stream, service));
        tokio::select! {
            biased;
            () = activity.gave_way() => {
                tracing::debug!("an idle connection gave way to another one");
            }
            served = connection => if let Err(error) = served {
                // Half of the internet does this all day; it is nothing to wake anyone for.
                tracing::debug!(%error, "a connection broke off");
            }
        }
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
