//! What each connection is doing, and which one has been of no use for the longest time.
//!
//! Somebody who holds connections open without ever sending a whole request, or without ever reading
//! an answer, must not keep others out. So when all places are taken, the connection gives way that
//! has been idle for the longest time. Idle is whatever waits for the other side: a new connection, one at rest
//! between requests, one whose request is still arriving, one whose answer is not being read. A
//! request that has arrived completely is at work until it is answered, and never gives way.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// What one connection is doing. Clones are of the same connection.
#[derive(Debug, Clone)]
pub(super) struct Activity(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    state: Mutex<State>,
    gave_way: CancellationToken,
}

#[derive(Debug)]
struct State {
    /// Since when the other side owes us a complete request; `None` while one is at work.
    waiting: Option<Instant>,
    /// Since when the other side has not read all that was written to it.
    unread: Option<Instant>,
    /// How often a request's head was complete, and how often the answer's was, together: odd from
    /// the one to the other.
    turns: usize,
}

impl Activity {
    fn new() -> Self {
        let state = State { waiting: Some(Instant::now()), unread: None, turns: 0 };
        Self(Arc::new(Inner { state: Mutex::new(state), gave_way: CancellationToken::new() }))
    }

    /// The first byte of a request has come.
    pub(super) fn head_begins(&self) {
        self.state().waiting = Some(Instant::now());
    }

    /// Answers a request whose head is complete.
    pub(super) async fn during<T>(&self, answer: impl Future<Output = T>) -> T {
        self.state().turns += 1;
        let answer = answer.await;
        let mut state = self.state();
        state.turns += 1;
        state.waiting = Some(Instant::now());
        answer
    }

    /// The request's body, which puts the request to work with its end.
    pub(super) fn body(&self, body: Incoming) -> ArrivingBody {
        if body.is_end_stream() {
            self.request_is_complete();
        }
        ArrivingBody { body, activity: self.clone() }
    }

    fn request_is_complete(&self) {
        self.state().waiting = None;
    }

    /// The other side takes no more of what is written to it.
    pub(super) fn write_stalls(&self) {
        self.state().unread.get_or_insert_with(Instant::now);
    }

    /// Everything was written that there was.
    pub(super) fn all_is_written(&self) {
        self.state().unread = None;
    }

    /// Counts heads of requests and heads of answers together: odd from the one to the other.
    pub(super) fn turns(&self) -> usize {
        self.state().turns
    }

    /// Resolves when the connection has to give way.
    pub(super) async fn gave_way(&self) {
        self.0.gave_way.cancelled().await;
    }

    fn idle_since(&self) -> Option<Instant> {
        let state = self.state();
        let waiting = state.waiting?;
        Some(state.unread.map_or(waiting, |unread| unread.min(waiting)))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every change is one assignment, so a panic leaves nothing half done.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request's body, which tells when it has arrived to its end.
#[derive(Debug)]
pub(super) struct ArrivingBody {
    body: Incoming,
    activity: Activity,
}

impl Body for ArrivingBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        if frame.is_none() || self.body.is_end_stream() {
            self.activity.request_is_complete();
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// All connections of one listener.
#[derive(Debug, Clone, Default)]
pub(super) struct Connections(Arc<Mutex<Registry>>);

#[derive(Debug, Default)]
struct Registry {
    last: u64,
    open: BTreeMap<u64, Activity>,
}

/// A connection that is known to its listener until this is dropped.
#[derive(Debug)]
pub(super) struct Entry {
    connections: Connections,
    number: u64,
    pub(super) activity: Activity,
}

impl Connections {
    /// Takes a new connection in.
    pub(super) fn enter(&self) -> Entry {
        let activity = Activity::new();
        let mut registry = self.registry();
        registry.last += 1;
        let number = registry.last;
        registry.open.insert(number, activity.clone());
        Entry { connections: self.clone(), number, activity }
    }

    /// Makes the connection give way that has been idle for the longest time, if that is at least
    /// `least`. Whether there is one.
    pub(super) fn make_room(&self, least: Duration) -> bool {
        let mut registry = self.registry();
        let idle = |(number, activity): (&u64, &Activity)| Some((activity.idle_since()?, *number));
        let longest = registry.open.iter().filter_map(idle).min();
        let Some((_, number)) = longest.filter(|(since, _)| since.elapsed() >= least) else {
            return false;
        };
        if let Some(activity) = registry.open.remove(&number) {
            activity.0.gave_way.cancel();
        }
        true
    }

    fn registry(&self) -> MutexGuard<'_, Registry> {
        // As above: every change is one insertion or one removal.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.connections.registry().open.remove(&self.number);
    }
}
