//! Who may pass: a token before anything else is read, then its pace, then a limit of time.

use std::num::NonZeroU32;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{AUTHORIZATION, CACHE_CONTROL, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use governor::clock::Clock as _;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};

use super::Admin;
use super::problem::Problem;
use super::token::{Caller, Tokens};
use crate::clock::{PacingClock, SharedClock};
use crate::core::Reference;
use crate::metrics::Metrics;
use crate::refused::{CausedBy, RefusedRequests, Why};

/// Requests that may be made with one token at once.
const BURST: NonZeroU32 = NonZeroU32::new(60).unwrap();
/// How long it takes until one more is allowed.
const REFILL: Duration = Duration::from_millis(200);
/// How long a request may take. Below the time after which the listener gives up.
const TIME_TO_ANSWER: Duration = Duration::from_secs(25);

/// There is no token.
const NO_TOKEN: Why = Why {
    reason: "no_token",
    advice: "strangers, who should not reach server.ops_listen; else send one of server.admin_tokens",
    by: CausedBy::Strangers,
};
/// The token is not in force.
const WRONG_TOKEN: Why = Why {
    reason: "wrong_token",
    advice: "compare the caller's token with server.admin_tokens; else strangers, who should not reach \
             server.ops_listen",
    by: CausedBy::Anybody,
};
/// The role does not allow it.
const ROLE_TOO_LOW: &str = "role_too_low";
/// The token is used too often.
const TOO_OFTEN: &str = "too_often";

type Paces = RateLimiter<String, HashMapStateStore<String>, PacingClock, NoOpMiddleware<Nanos>>;

/// Keeps everybody out who has no token, and holders of one from asking too often.
#[derive(Debug)]
pub(super) struct Gate {
    pub(super) tokens: Tokens,
    clock: PacingClock,
    /// By the name of the token, so there are no more than tokens.
    paces: Paces,
    refused: RefusedRequests,
}

impl Gate {
    pub(super) fn new(tokens: Tokens, clock: SharedClock, metrics: Arc<Metrics>) -> Self {
        let reasons = [NO_TOKEN.reason, WRONG_TOKEN.reason, ROLE_TOO_LOW, TOO_OFTEN];
        let refused = RefusedRequests::new("admin", reasons, Arc::clone(&clock), metrics);
        let quota = Quota::with_period(REFILL)
            .unwrap_or(Quota::per_second(NonZeroU32::MIN))
            .allow_burst(BURST);
        let clock = PacingClock(clock);
        let paces = RateLimiter::new(quota, HashMapStateStore::default(), clock.clone());
        Self { tokens, clock, paces, refused }
    }

    /// Who asks.
    fn admit(&self, headers: &HeaderMap) -> Result<Caller, Problem> {
        let refuse = |why| {
            self.refused.note(why);
            Problem::unauthenticated()
        };
        let shown = bearer(headers).ok_or_else(|| refuse(NO_TOKEN))?;
        let caller = self.tokens.caller(shown).ok_or_else(|| refuse(WRONG_TOKEN))?;
        self.paces.check_key(&caller.name).map_err(|until| {
            self.refused.count(TOO_OFTEN);
            Problem::too_often(until.wait_time_from(self.clock.now()))
        })?;
        Ok(caller)
    }
}

/// The token in a request that has exactly one.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut all = headers.get_all(AUTHORIZATION).iter();
    let (Some(only), None) = (all.next(), all.next()) else { return None };
    let (scheme, token) = only.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("Bearer").then_some(token)
}

/// Lets a request pass or not, and tells the log what came of it.
pub(super) async fn guard(
    State(admin): State<Arc<Admin>>,
    mut request: Request,
    next: Next,
) -> Response {
    if admin.gate.tokens.are_none() {
        return StatusCode::NOT_FOUND.into_response();
    }
    let path = request.extensions().get::<MatchedPath>();
    let path = path.map_or_else(|| "other".to_owned(), |path| path.as_str().to_owned());
    let method = request.method().clone();
    let (caller, response) = match admin.gate.admit(request.headers()) {
        Ok(caller) => {
            request.extensions_mut().insert(caller.clone());
            (Some(caller), answer(&admin, request, next).await)
        }
        Err(problem) => (None, problem.into_response()),
    };
    let mut response = admin.told(&Asked { caller, method, path }, response);
    let headers = response.headers_mut();
    // Some answers have the address of a page, which lets whoever has it go on to the provider.
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

async fn answer(admin: &Admin, request: Request, next: Next) -> Response {
    let answering = AssertUnwindSafe(next.run(request)).catch_unwind();
    match tokio::time::timeout(TIME_TO_ANSWER, answering).await {
        Ok(Ok(response)) => response,
        Ok(Err(panic)) => {
            // What the panic says may contain anything; the panic hook has logged its place.
            drop(panic);
            admin.metrics.panicked("request");
            Problem::broken().into_response()
        }
        Err(_) => Problem::took_too_long().into_response(),
    }
}

/// What somebody asked.
struct Asked {
    caller: Option<Caller>,
    method: Method,
    /// The path as it is in the document: never what somebody wrote into it.
    path: String,
}

impl Admin {
    /// Puts a problem into its form, and tells the log what came of a request.
    fn told(&self, asked: &Asked, mut response: Response) -> Response {
        let Asked { caller, method, path } = asked;
        let token = caller.as_ref().map(|caller| caller.name.as_str());
        let status = response.status().as_u16();
        let Some(problem) = response.extensions_mut().remove::<Problem>() else {
            if method.is_safe() {
                tracing::debug!(token, %method, path, status, "an administrator was answered");
            } else {
                tracing::info!(token, %method, path, status, "an administrator was answered");
            }
            return response;
        };
        let reference = Reference::new(&*self.random);
        let word = problem.word();
        if status == StatusCode::FORBIDDEN.as_u16() {
            self.gate.refused.count(ROLE_TOO_LOW);
        }
        if problem.is_ours() {
            tracing::warn!(%reference, token, %method, path, status, problem = word, "an administrator is refused");
        } else if token.is_some() {
            tracing::info!(%reference, token, %method, path, status, problem = word, "an administrator is refused");
        } else {
            // Strangers cause these at will: the log tells of them by their number.
            tracing::debug!(%reference, %method, path, status, problem = word, "a stranger is refused");
        }
        let mut told = problem.told(reference);
        // What the router knows of the path, as which methods it takes.
        for (name, value) in response.headers() {
            if name == axum::http::header::ALLOW {
                told.headers_mut().insert(name.clone(), value.clone());
            }
        }
        told
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_one_header_of_the_scheme_bearer() {
        let headers = |values: &[&'static str]| {
            let values = values.iter().map(|it| (AUTHORIZATION, HeaderValue::from_static(it)));
            values.collect::<HeaderMap>()
        };
        let cases: [(&[&str], Option<&str>); 7] = [
            (&[], None),
            (&["Bearer a"], Some("a")),
            (&["bearer a"], Some("a")),
            (&["Bearer  a"], Some(" a")),
            (&["Basic a"], None),
            (&["Bearer"], None),
            (&["Bearer a", "Bearer a"], None),
        ];
        for (values, expected) in cases {
            assert_eq!(bearer(&headers(values)), expected, "{values:?}");
        }
    }
}
