//! A stream that fails when the other side is too slow.
//!
//! hyper has one time limit for a request head that arrives and for a connection that merely rests.
//! A proxy keeps connections open between requests, for a minute as a rule, and a request it sends
//! just when we hang up is lost; but a head that was begun has to come quickly, or anyone could
//! occupy connections with half a request each. So hyper's limit is the long one, for rest, and this
//! stream adds the short one, for heads. For writing hyper has none at all: somebody who never reads
//! would keep an answer, and its connection, for ever (hyper 1.12 source).

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

use super::activity::Activity;

/// A stream that fails once a request head has been arriving for too long, or an answer has been
/// waiting for too long to be read.
#[derive(Debug)]
pub(super) struct TimedStream<S> {
    stream: S,
    activity: Activity,
    head: Duration,
    /// When the head that is arriving has to be complete.
    head_due: Pin<Box<Sleep>>,
    arriving: bool,
    /// The turns of the connection's activity at the last read.
    turns: usize,
    write: Duration,
    /// When everything has to be written, while something waits to be.
    write_due: Option<Pin<Box<Sleep>>>,
}

impl<S> TimedStream<S> {
    /// Wraps a new connection, whose first head is due from now on.
    pub(super) fn new(stream: S, head: Duration, write: Duration, activity: Activity) -> Self {
        let head_due = Box::pin(tokio::time::sleep(head));
        Self { stream, activity, head, head_due, arriving: true, turns: 0, write, write_due: None }
    }

    fn note_work(&mut self) {
        let turns = self.activity.turns();
        if turns != self.turns {
            self.turns = turns;
            self.arriving = false;
        }
    }

    fn note_bytes(&mut self) {
        let at_work = !self.turns.is_multiple_of(2);
        if !self.arriving && !at_work {
            self.arriving = true;
            self.head_due.as_mut().reset(Instant::now() + self.head);
            self.activity.head_begins();
        }
    }

    /// Lets a write go on that has got through; fails one that has been stuck for too long.
    fn in_time(
        &mut self,
        written: Poll<io::Result<usize>>,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        if written.is_ready() {
            return written;
        }
        let limit = self.write;
        let due = self.write_due.get_or_insert_with(|| Box::pin(tokio::time::sleep(limit)));
        self.activity.write_stalls();
        ready!(due.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for TimedStream<S> {
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
        ready!(self.head_due.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for TimedStream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, buffer);
        self.in_time(written, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, buffers);
        self.in_time(written, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// hyper flushes once it has written all that it has.
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.write_due.take().is_some() {
            self.activity.all_is_written();
        }
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
