//! Tells a request head that arrives too slowly from a connection that merely rests.
//!
//! hyper has one time limit for both. A proxy keeps connections open between requests, for a minute
//! as a rule, and a request it sends just when we hang up is lost; but a head that was begun has to
//! come quickly, or anyone could occupy connections with half a request each. So hyper's limit is
//! the long one, for rest, and this stream adds the short one, for heads.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

/// How often a connection went to work on a request, which begins when the request's head is
/// complete, and how often it was done, which is when the head of the answer is.
#[derive(Debug, Clone, Default)]
pub(super) struct Work(Arc<AtomicUsize>);

impl Work {
    /// Works on a request.
    pub(super) async fn during<T>(self, request: impl Future<Output = T>) -> T {
        self.0.fetch_add(1, Ordering::Relaxed);
        let answer = request.await;
        self.0.fetch_add(1, Ordering::Relaxed);
        answer
    }

    /// Beginnings and ends together: odd during work.
    fn turns(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

/// A stream that fails once a request head has been arriving for too long.
#[derive(Debug)]
pub(super) struct HeadTimer<S> {
    stream: S,
    work: Work,
    limit: Duration,
    /// When the head that is arriving has to be complete.
    deadline: Pin<Box<Sleep>>,
    arriving: bool,
    /// The turns of work at the last read.
    turns: usize,
}

impl<S> HeadTimer<S> {
    /// Wraps a new connection, whose first head is due from now on.
    pub(super) fn new(stream: S, limit: Duration, work: Work) -> Self {
        let deadline = Box::pin(tokio::time::sleep(limit));
        Self { stream, work, limit, deadline, arriving: true, turns: 0 }
    }

    fn note_work(&mut self) {
        let turns = self.work.turns();
        if turns != self.turns {
            self.turns = turns;
            self.arriving = false;
        }
    }

    fn note_bytes(&mut self) {
        let at_work = !self.turns.is_multiple_of(2);
        if !self.arriving && !at_work {
            self.arriving = true;
            self.deadline.as_mut().reset(Instant::now() + self.limit);
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for HeadTimer<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.note_work();
        let before = buffer.filled().len();
        if let Poll::Ready(result) = Pin::new(&mut self.stream).poll_read(context, buffer) {
            if buffer.filled().len() > before {
                self.note_bytes();
            }
            return Poll::Ready(result);
        }
        if !self.arriving {
            return Poll::Pending;
        }
        ready!(self.deadline.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for HeadTimer<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, buffer)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, buffers)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
