//! A server that answers from a script and keeps what it was asked, for tests of a client.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use connect_clock::SystemClock;
use hyper::body::Frame;
use tokio_util::sync::DropGuard;

use super::fault::Fault;
use super::lock;
use super::record::Recorded;
use super::server::{Controls, HangUp, Port};

/// What a [`Scripted`] server does with one request.
#[derive(Debug, Clone)]
pub enum Reply {
    /// Answers.
    Answer {
        /// The HTTP status.
        status: u16,
        /// Headers, all with valid names and values.
        headers: Vec<(&'static str, String)>,
        /// The whole body.
        body: String,
    },
    /// Keeps the request and never answers.
    Silence,
    /// Begins a body under this status and never ends it.
    HalfThenSilence(u16, &'static str),
    /// Begins a body under this status and breaks the connection.
    HalfThenReset(u16, &'static str),
    /// Breaks the connection without an answer.
    Reset,
}

impl Reply {
    /// An answer with this status and body.
    #[must_use]
    pub fn new(status: u16, body: &impl ToString) -> Self {
        Self::Answer { status, headers: Vec::new(), body: body.to_string() }
    }

    /// An answer with one header and no body.
    #[must_use]
    pub fn with_header(status: u16, name: &'static str, value: &impl ToString) -> Self {
        Self::Answer { status, headers: vec![(name, value.to_string())], body: String::new() }
    }

    async fn respond(self) -> Response {
        match self {
            Self::Answer { status, headers, body } => answer(status, &headers, Body::from(body)),
            Self::Silence => std::future::pending().await,
            Self::HalfThenSilence(status, half) => {
                answer(status, &[], Body::new(Half::new(half, false)))
            }
            Self::HalfThenReset(status, half) => {
                answer(status, &[], Body::new(Half::new(half, true)))
            }
            Self::Reset => HangUp.into_response(),
        }
    }
}

fn answer(status: u16, headers: &[(&'static str, String)], body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or_default();
    for (name, value) in headers {
        if let Ok(value) = HeaderValue::from_str(value) {
            response.headers_mut().append(HeaderName::from_static(name), value);
        }
    }
    response
}

/// A body that stops after its first half.
struct Half {
    first: Option<&'static str>,
    breaks: bool,
    flushed: bool,
}

impl Half {
    fn new(half: &'static str, breaks: bool) -> Self {
        Self { first: Some(half), breaks, flushed: false }
    }
}

impl hyper::body::Body for Half {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        match self.first.take() {
            Some(half) => Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(half.as_bytes()))))),
            // An error right behind the half would keep the half from being sent.
            None if self.breaks && !self.flushed => {
                self.flushed = true;
                context.waker().wake_by_ref();
                Poll::Pending
            }
            None if self.breaks => {
                Poll::Ready(Some(Err(io::Error::from(io::ErrorKind::ConnectionReset))))
            }
            None => Poll::Pending,
        }
    }
}

#[derive(Debug, Default)]
struct Script {
    next: VecDeque<Reply>,
    /// The reply that was given last, which stays until there is another.
    last: Option<Reply>,
}

impl Script {
    fn next(&mut self) -> Reply {
        if let Some(reply) = self.next.pop_front() {
            self.last = Some(reply);
        }
        self.last.clone().unwrap_or(Reply::Reset)
    }
}

/// A running server. It stops when this is dropped.
#[derive(Debug)]
pub struct Scripted {
    url: String,
    controls: Arc<Controls>,
    script: Arc<Mutex<Script>>,
    _running: DropGuard,
}

impl Scripted {
    /// Starts on a free loopback port. The replies are given one after the other, the last one for
    /// ever; without any, connections are broken.
    ///
    /// # Errors
    /// The port cannot be bound.
    pub async fn start(replies: impl IntoIterator<Item = Reply>) -> io::Result<Self> {
        let port = Port::bind().await?;
        let url = port.url().to_owned();
        let next = replies.into_iter().collect();
        let script = Arc::new(Mutex::new(Script { next, last: None }));
        let router = Router::new().fallback(respond).with_state(Arc::clone(&script));
        let controls = Controls::new(Arc::new(SystemClock), true);
        let running = port
            .serve(Arc::clone(&controls), router, |failure, _, _| failure.status.into_response());
        Ok(Self { url, controls, script, _running: running })
    }

    /// The origin, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Adds a reply to the end of the script.
    pub fn then(&self, reply: Reply) {
        lock(&self.script).next.push_back(reply);
    }

    /// Puts a fault into force, such as a [`crate::Hold`] in front of the replies.
    pub fn fault(&self, fault: Fault) {
        self.controls.fault(fault);
    }

    /// Ends all faults.
    pub fn clear_faults(&self) {
        self.controls.clear_faults();
    }

    /// How many requests have arrived since they were last taken.
    #[must_use]
    pub fn count(&self) -> usize {
        self.controls.untaken()
    }

    /// The requests that have arrived since they were last taken, oldest first.
    #[must_use]
    pub fn requests(&self) -> Vec<Recorded> {
        self.controls.requests()
    }

    /// Takes the requests that have arrived since the last time, oldest first.
    #[must_use]
    pub fn take_requests(&self) -> Vec<Recorded> {
        self.controls.take_requests()
    }
}

async fn respond(State(script): State<Arc<Mutex<Script>>>) -> Response {
    let reply = lock(&script).next();
    reply.respond().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn replies_come_in_turn_and_the_last_one_stays() {
        let half = Reply::HalfThenReset(200, "{");
        let server = Scripted::start([Reply::new(201, &"one"), half, Reply::Reset]).await.unwrap();
        let client = crate::transport::client().unwrap();
        let ask = || client.get(server.url()).send();
        let first = ask().await.unwrap();
        assert_eq!((first.status().as_u16(), first.text().await.unwrap().as_str()), (201, "one"));
        assert!(ask().await.unwrap().text().await.is_err());
        for _ in 0..2 {
            assert!(ask().await.is_err());
        }
        assert_eq!(server.count(), 4);
        assert_eq!(server.take_requests()[0].path(), "/");
        assert_eq!(server.count(), 0);
        server.then(Reply::new(204, &""));
        assert_eq!(ask().await.unwrap().status().as_u16(), 204);
    }
}
