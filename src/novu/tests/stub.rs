//! A server on loopback that answers from a script and remembers what it was asked.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Method, Response, Uri};
use futures_util::{StreamExt, stream};
use secrecy::SecretString;
use serde_json::Value;
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use url::Url;

use super::super::{Novu, Settings};
use crate::clock::ManualClock;
use crate::metrics::Metrics;
use crate::net::Outgoing;

pub(super) const KEY: &str = "novu-test-secret";

/// What the stub does with a request.
#[derive(Clone)]
pub(super) enum Reply {
    /// Answers.
    Answer { status: u16, headers: Vec<(&'static str, String)>, body: String },
    /// Keeps the request and never answers.
    Silence,
    /// Answers 200, begins a body and never ends it.
    HalfThenSilence,
    /// Answers 200, begins a body and breaks the connection.
    HalfThenReset,
    /// Reads the request and breaks the connection.
    Reset,
}

pub(super) fn answer(status: u16, body: &impl ToString) -> Reply {
    Reply::Answer { status, headers: Vec::new(), body: body.to_string() }
}

pub(super) fn answer_with(status: u16, name: &'static str, value: &impl ToString) -> Reply {
    Reply::Answer { status, headers: vec![(name, value.to_string())], body: String::new() }
}

/// A request as it arrived.
pub(super) struct Seen {
    pub(super) method: Method,
    /// Path and query.
    pub(super) target: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Seen {
    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

#[derive(Clone)]
struct Script {
    replies: Arc<Mutex<VecDeque<Reply>>>,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Script {
    /// The next reply; the last one is given for ever.
    fn next(&self) -> Reply {
        let mut replies = self.replies.lock().unwrap();
        if replies.len() > 1 { replies.pop_front().unwrap() } else { replies[0].clone() }
    }
}

/// The stub and a client that talks to it.
pub(super) struct Stub {
    pub(super) novu: Novu,
    pub(super) metrics: Arc<Metrics>,
    pub(super) clock: ManualClock,
    script: Script,
}

/// How a stub's client is set up.
pub(super) struct Setup {
    pub(super) timeout: Duration,
    pub(super) context_hmac: bool,
    pub(super) prefix: &'static str,
}

impl Default for Setup {
    fn default() -> Self {
        Self { timeout: Duration::from_secs(10), context_hmac: false, prefix: "" }
    }
}

impl Stub {
    pub(super) async fn start(replies: impl IntoIterator<Item = Reply>) -> Self {
        Self::start_with(Setup::default(), replies).await
    }

    pub(super) async fn start_with(setup: Setup, replies: impl IntoIterator<Item = Reply>) -> Self {
        let script = Script {
            replies: Arc::new(Mutex::new(replies.into_iter().collect())),
            seen: Arc::default(),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        if matches!(script.replies.lock().unwrap()[0], Reply::Reset) {
            tokio::spawn(hang_up(listener, script.clone()));
        } else {
            let router = Router::new().fallback(respond).with_state(script.clone());
            tokio::spawn(async move { axum::serve(listener, router).await });
        }
        let metrics = Arc::new(Metrics::new());
        let clock = ManualClock::new("2026-08-01T10:00:00Z".parse().unwrap());
        let settings = Settings {
            api_url: Url::parse(&format!("http://{address}{}", setup.prefix)).unwrap(),
            api_key: SecretString::from(KEY),
            timeout: setup.timeout,
            context_hmac: setup.context_hmac,
        };
        let http = crate::net::client().unwrap();
        let http = Outgoing::new(http, Arc::new(clock.clone()), metrics.clone());
        let novu = Novu::new(settings, http, Arc::new(clock.clone())).unwrap();
        Self { novu, metrics, clock, script }
    }

    /// How many requests have arrived.
    pub(super) fn count(&self) -> usize {
        self.script.seen.lock().unwrap().len()
    }

    /// The only request that has arrived since the last look.
    pub(super) fn only_request(&self) -> Seen {
        let mut seen = std::mem::take(&mut *self.script.seen.lock().unwrap());
        assert_eq!(seen.len(), 1);
        seen.remove(0)
    }
}

async fn respond(
    State(script): State<Script>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    script.seen.lock().unwrap().push(Seen { method, target: uri.to_string(), headers, body });
    match script.next() {
        Reply::Answer { status, headers, body } => {
            let mut response = Response::builder().status(status);
            for (name, value) in headers {
                response = response.header(name, value);
            }
            response.body(Body::from(body)).unwrap()
        }
        Reply::Silence => std::future::pending().await,
        Reply::HalfThenSilence => {
            let half = stream::iter([Ok::<_, Infallible>(r#"{"data":"#)]);
            Response::new(Body::from_stream(half.chain(stream::pending())))
        }
        Reply::HalfThenReset => {
            let broken = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
            Response::new(Body::from_stream(stream::iter([Ok(r#"{"data":"#), Err(broken)])))
        }
        Reply::Reset => unreachable!("a stub that hangs up always does"),
    }
}

/// Takes every connection, reads a little and drops it.
async fn hang_up(listener: TcpListener, script: Script) {
    loop {
        let (mut connection, _) = listener.accept().await.unwrap();
        let _ = connection.read(&mut [0; 64]).await;
        script.seen.lock().unwrap().push(Seen {
            method: Method::GET,
            target: String::new(),
            headers: HeaderMap::new(),
            body: Bytes::new(),
        });
    }
}
