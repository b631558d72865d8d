//! Ends a request's body that stops coming.
//!
//! Nearly every body is there as soon as its head is. So the timer exists only while a reader waits:
//! one for each body would cost more than reading it.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use tokio::time::Sleep;

/// Why a body ended before it was complete.
#[derive(Debug, thiserror::Error)]
#[error("the body did not go on in time")]
struct Stopped;

/// A body that ends in an error once nothing of it has come for too long.
#[derive(Debug)]
pub(super) struct BodyTimer {
    body: Body,
    limit: Duration,
    /// Runs while the next piece is waited for.
    pause: Option<Pin<Box<Sleep>>>,
}

impl BodyTimer {
    /// Wraps a body, of which no two pieces may come further apart than `limit`.
    pub(super) fn new(body: Body, limit: Duration) -> Self {
        Self { body, limit, pause: None }
    }
}

impl HttpBody for BodyTimer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) {
            self.pause = None;
            return Poll::Ready(frame);
        }
        let limit = self.limit;
        let pause = self.pause.get_or_insert_with(|| Box::pin(tokio::time::sleep(limit)));
        ready!(pause.as_mut().poll(context));
        Poll::Ready(Some(Err(axum::Error::new(Stopped))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
