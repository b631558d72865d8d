//! One HTTP/1 server on a loopback port, with recording and faults in front of a router.

use std::convert::Infallible;
use std::sync::Arc;
use std::{fmt, io};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderValue, Method, Request, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::{CancellationToken, DropGuard};
use tower::ServiceExt;

use super::fault::{Effect, Failure, Fault, Faults};
use super::record::{Recorded, Recorder};
use connect_clock::SharedClock;

/// The largest request body that is read at all, in bytes.
const BODY_LIMIT: usize = 4 * 1024 * 1024;

/// What all stand-ins have: a clock, a record of requests, and faults.
#[derive(Debug)]
pub struct Controls {
    pub(super) clock: SharedClock,
    recorder: Recorder,
    faults: Faults,
}

impl Controls {
    pub(super) fn new(clock: SharedClock, record: bool) -> Arc<Self> {
        Arc::new(Self { clock, recorder: Recorder::new(record), faults: Faults::default() })
    }

    /// Puts a fault into force.
    pub fn fault(&self, fault: Fault) {
        self.faults.add(fault);
    }

    /// Ends all faults.
    pub fn clear_faults(&self) {
        self.faults.clear();
    }

    /// The requests so far, oldest first; none if they are not kept.
    #[must_use]
    pub fn requests(&self) -> Vec<Recorded> {
        self.recorder.requests()
    }

    /// The requests since they were last taken; what was counted stays.
    pub(super) fn take_requests(&self) -> Vec<Recorded> {
        self.recorder.take()
    }

    /// How many requests there are to take.
    pub(super) fn untaken(&self) -> usize {
        self.recorder.kept()
    }

    /// Forgets the requests so far, also in the counts.
    pub fn clear_requests(&self) {
        self.recorder.clear();
    }

    /// How many requests had this method and a path that begins so.
    #[must_use]
    pub fn count(&self, method: &Method, prefix: &str) -> usize {
        self.recorder.count(method, prefix)
    }
}

/// Writes a failure the way one service would: with the path (and query) and the time of day.
pub(super) type WriteFailure = fn(&Failure, &str, Timestamp) -> Response;

/// A bound port that does not answer yet; its address is needed to build what answers.
#[derive(Debug)]
pub(super) struct Port {
    listener: TcpListener,
    url: String,
}

impl Port {
    /// Binds a free port on 127.0.0.1.
    pub(super) async fn bind() -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        Ok(Self { listener, url })
    }

    /// The origin, without a slash at the end.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// Answers until the returned guard is dropped.
    pub(super) fn serve(
        self,
        controls: Arc<Controls>,
        router: Router,
        failure: WriteFailure,
    ) -> DropGuard {
        let stop = CancellationToken::new();
        let front = Arc::new(Front { controls, router, failure });
        tokio::spawn(accept(self.listener, front, stop.clone()));
        stop.drop_guard()
    }
}

async fn accept(listener: TcpListener, front: Arc<Front>, stop: CancellationToken) {
    while let Some(accepted) = stop.run_until_cancelled(listener.accept()).await {
        if let Ok((stream, _)) = accepted {
            tokio::spawn(converse(stream, Arc::clone(&front), stop.clone()));
        }
    }
}

async fn converse(stream: TcpStream, front: Arc<Front>, stop: CancellationToken) {
    // Without it small answers wait for the peer's delayed acknowledgement.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| {
        let front = Arc::clone(&front);
        async move { front.answer(request).await.map(|answer| front.dated(answer)) }
    });
    let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    // A broken connection is the peer's business, or a fault that was asked for.
    let _ = stop.run_until_cancelled(connection).await;
}

/// The answer of a handler that wants the connection ended without one.
#[derive(Debug, Clone, Copy)]
pub(super) struct HangUp;

impl IntoResponse for HangUp {
    fn into_response(self) -> Response {
        let mut response = StatusCode::INTERNAL_SERVER_ERROR.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// Ends a connection without an answer.
#[derive(Debug)]
struct HungUp;

impl fmt::Display for HungUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the connection is closed on purpose")
    }
}

impl std::error::Error for HungUp {}

struct Front {
    controls: Arc<Controls>,
    router: Router,
    failure: WriteFailure,
}

impl Front {
    async fn answer(&self, request: Request<Incoming>) -> Result<Response, HungUp> {
        let (parts, body) = request.into_parts();
        let Ok(body) = Limited::new(body, BODY_LIMIT).collect().await else {
            return Ok(StatusCode::PAYLOAD_TOO_LARGE.into_response());
        };
        let body = body.to_bytes();
        self.controls.recorder.note(&parts, &body, self.controls.clock.now());
        let effect = self.controls.faults.take(&parts.method, parts.uri.path());
        let request = Request::from_parts(parts, Body::from(body));
        match effect {
            None => {
                let response = self.pass(request).await;
                if response.extensions().get::<HangUp>().is_some() {
                    return Err(HungUp);
                }
                Ok(response)
            }
            Some(effect) => self.suffer(effect, request).await,
        }
    }

    /// Says what time it is here, as every server does (RFC 9110, section 6.6.1).
    fn dated(&self, mut answer: Response) -> Response {
        let now = self.controls.clock.now().strftime("%a, %d %b %Y %H:%M:%S GMT");
        if let Ok(now) = HeaderValue::try_from(now.to_string()) {
            answer.headers_mut().insert(header::DATE, now);
        }
        answer
    }

    async fn pass(&self, request: Request<Body>) -> Response {
        let answer: Result<Response, Infallible> = self.router.clone().oneshot(request).await;
        answer.unwrap_or_else(|never| match never {})
    }

    async fn suffer(&self, effect: Effect, request: Request<Body>) -> Result<Response, HungUp> {
        Ok(match effect {
            Effect::Hangup => return Err(HungUp),
            Effect::LostAnswer => {
                self.pass(request).await;
                return Err(HungUp);
            }
            Effect::Fail(failure) => {
                (self.failure)(&failure, &request.uri().to_string(), self.controls.clock.now())
            }
            Effect::Slow(delay) => {
                tokio::time::sleep(delay).await;
                self.pass(request).await
            }
            Effect::LateAnswer(delay) => {
                let answer = self.pass(request).await;
                tokio::time::sleep(delay).await;
                answer
            }
            Effect::Hold(hold) => {
                hold.pass().await;
                self.pass(request).await
            }
            Effect::ProxyPage => proxy_page(),
            Effect::Truncated => halve(self.pass(request).await).await,
            Effect::Changed { pointer, value } => {
                change(self.pass(request).await, &pointer, value).await
            }
            Effect::WrongShape => json(Bytes::from_static(br#"{"data":[[42,null]],"ok":"maybe"}"#)),
            Effect::Huge(size) => json(huge(size)),
        })
    }
}

fn json(body: Bytes) -> Response {
    ([(header::CONTENT_TYPE, "application/json; charset=utf-8")], body).into_response()
}

fn huge(size: usize) -> Bytes {
    const FRAME: &str = r#"{"padding":""}"#;
    let padding = "x".repeat(size.saturating_sub(FRAME.len()));
    Bytes::from(format!(r#"{{"padding":"{padding}"}}"#))
}

fn proxy_page() -> Response {
    let page = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n\
                <center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>nginx</center>\r\n\
                </body>\r\n</html>\r\n";
    (StatusCode::BAD_GATEWAY, [(header::CONTENT_TYPE, "text/html")], page).into_response()
}

/// The same answer with another value in one place of its JSON.
async fn change(response: Response, pointer: &str, value: Value) -> Response {
    let (mut parts, body) = response.into_parts();
    let whole = to_bytes(body, usize::MAX).await.unwrap_or_default();
    let mut json: Value = serde_json::from_slice(&whole).unwrap_or_default();
    let (parent, name) = pointer.rsplit_once('/').unwrap_or_default();
    match json.pointer_mut(parent) {
        Some(Value::Object(fields)) => {
            fields.insert(name.to_owned(), value);
        }
        Some(Value::Array(items)) => {
            if let Some(item) = name.parse().ok().and_then(|at: usize| items.get_mut(at)) {
                *item = value;
            }
        }
        _ => {}
    }
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, Body::from(json.to_string()))
}

/// The same answer with the second half of its body missing, as after a proxy that lost it.
async fn halve(response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    let whole = to_bytes(body, usize::MAX).await.unwrap_or_default();
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, Body::from(whole.slice(..whole.len() / 2)))
}
