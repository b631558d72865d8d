//! Failures on demand: which requests fail, how, and how often.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::http::{Method, StatusCode};
use serde_json::Value;
use tokio::sync::watch;

use super::lock;

/// Which requests a fault is for: a method, or any, and the beginning of a path.
#[derive(Debug, Clone)]
pub struct Route {
    method: Option<Method>,
    prefix: String,
}

impl Route {
    /// Every request.
    #[must_use]
    pub fn any() -> Self {
        Self { method: None, prefix: String::new() }
    }

    /// Requests of any method whose path begins with `prefix`.
    #[must_use]
    pub fn path(prefix: impl Into<String>) -> Self {
        Self { method: None, prefix: prefix.into() }
    }

    /// Requests with this method whose path begins with `prefix`.
    #[must_use]
    pub fn new(method: Method, prefix: impl Into<String>) -> Self {
        Self { method: Some(method), prefix: prefix.into() }
    }

    /// GET requests whose path begins with `prefix`.
    #[must_use]
    pub fn get(prefix: impl Into<String>) -> Self {
        Self::new(Method::GET, prefix)
    }

    /// POST requests whose path begins with `prefix`.
    #[must_use]
    pub fn post(prefix: impl Into<String>) -> Self {
        Self::new(Method::POST, prefix)
    }

    /// DELETE requests whose path begins with `prefix`.
    #[must_use]
    pub fn delete(prefix: impl Into<String>) -> Self {
        Self::new(Method::DELETE, prefix)
    }

    pub(super) fn matches(&self, method: &Method, path: &str) -> bool {
        self.method.as_ref().is_none_or(|wanted| wanted == method) && path.starts_with(&self.prefix)
    }
}

/// An error status, answered in the way of the service that fails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The HTTP status.
    pub status: StatusCode,
    /// The sentence or error word; each stand-in has a usual one for each status.
    pub message: Option<String>,
    /// `Retry-After`, in seconds.
    pub retry_after: Option<u64>,
}

impl Failure {
    /// A failure with the service's usual words.
    #[must_use]
    pub fn new(status: StatusCode) -> Self {
        Self { status, message: None, retry_after: None }
    }

    /// A 429 that asks to come back after `retry_after` seconds.
    #[must_use]
    pub fn throttled(retry_after: u64) -> Self {
        Self {
            status: StatusCode::TOO_MANY_REQUESTS,
            message: None,
            retry_after: Some(retry_after),
        }
    }
}

/// What a faulty request meets.
#[derive(Debug, Clone)]
pub enum Effect {
    /// An error status in the service's own envelope; the request has no effect.
    Fail(Failure),
    /// The right answer, this much later in real time; so is the effect.
    Slow(Duration),
    /// The right answer, this much later in real time; the request has its effect at once.
    LateAnswer(Duration),
    /// The right answer, once the [`Hold`] is released.
    Hold(Hold),
    /// The connection is closed without an answer; the request has no effect.
    Hangup,
    /// The connection is closed without an answer; the request has its effect.
    LostAnswer,
    /// A proxy's HTML page with status 502; the request has no effect.
    ProxyPage,
    /// The right answer, cut in half; the request has its effect.
    Truncated,
    /// The right answer with another value in one place of its JSON, such as `/expires_in`; what is on
    /// the way there has to be there. The request has its effect.
    Changed {
        /// The place, as a JSON pointer.
        pointer: String,
        /// What stands there instead.
        value: Value,
    },
    /// Status 200 with JSON that means nothing; the request has no effect.
    WrongShape,
    /// Status 200 with a JSON body of this many bytes; the request has no effect.
    Huge(usize),
}

impl Effect {
    /// The right answer with another value in one place of its JSON.
    #[must_use]
    pub fn changed(pointer: &str, value: impl Into<Value>) -> Self {
        Self::Changed { pointer: pointer.to_owned(), value: value.into() }
    }

    /// An error status with the service's usual words.
    #[must_use]
    pub fn status(status: StatusCode) -> Self {
        Self::Fail(Failure::new(status))
    }
}

/// A fault: a route, an effect and how many requests it is good for.
#[derive(Debug, Clone)]
pub struct Fault {
    route: Route,
    effect: Effect,
    left: Option<usize>,
}

impl Fault {
    /// A fault that lasts until it is cleared.
    #[must_use]
    pub fn new(route: Route, effect: Effect) -> Self {
        Self { route, effect, left: None }
    }

    /// Limits the fault to the next `count` matching requests.
    #[must_use]
    pub fn times(mut self, count: usize) -> Self {
        self.left = Some(count);
        self
    }
}

/// Holds requests back until somebody lets them go. Clones are the same hold.
#[derive(Debug, Clone)]
pub struct Hold(Arc<Gate>);

#[derive(Debug)]
struct Gate {
    open: watch::Sender<bool>,
    arrived: watch::Sender<usize>,
}

impl Default for Hold {
    fn default() -> Self {
        Self::new()
    }
}

impl Hold {
    /// A closed gate.
    #[must_use]
    pub fn new() -> Self {
        Self(Arc::new(Gate { open: watch::Sender::new(false), arrived: watch::Sender::new(0) }))
    }

    /// Lets everyone pass, now and later.
    pub fn release(&self) {
        self.0.open.send_replace(true);
    }

    /// How many requests have come to the gate so far.
    #[must_use]
    pub fn arrived(&self) -> usize {
        *self.0.arrived.borrow()
    }

    /// Waits until `count` requests have come to the gate.
    pub async fn reached(&self, count: usize) {
        // Cannot fail while `self` keeps the sender alive.
        let _ = self.0.arrived.subscribe().wait_for(|arrived| *arrived >= count).await;
    }

    pub(super) async fn pass(&self) {
        self.0.arrived.send_modify(|arrived| *arrived += 1);
        // Cannot fail while `self` keeps the sender alive.
        let _ = self.0.open.subscribe().wait_for(|open| *open).await;
    }
}

/// The faults in force. Costs one atomic read while there are none.
#[derive(Debug, Default)]
pub(super) struct Faults {
    any: AtomicBool,
    list: Mutex<Vec<Fault>>,
}

impl Faults {
    pub(super) fn add(&self, fault: Fault) {
        lock(&self.list).push(fault);
        self.any.store(true, Ordering::Release);
    }

    pub(super) fn clear(&self) {
        lock(&self.list).clear();
        self.any.store(false, Ordering::Release);
    }

    /// The effect of the oldest fault that matches and is not used up.
    pub(super) fn take(&self, method: &Method, path: &str) -> Option<Effect> {
        if !self.any.load(Ordering::Acquire) {
            return None;
        }
        let mut list = lock(&self.list);
        let fault = list
            .iter_mut()
            .find(|fault| fault.left != Some(0) && fault.route.matches(method, path))?;
        if let Some(left) = &mut fault.left {
            *left -= 1;
        }
        Some(fault.effect.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_hits_its_route_and_only_so_often() {
        let faults = Faults::default();
        faults.add(Fault::new(Route::post("/v1/a"), Effect::Hangup).times(1));
        assert!(faults.take(&Method::GET, "/v1/a").is_none());
        assert!(faults.take(&Method::POST, "/v1/b").is_none());
        assert!(faults.take(&Method::POST, "/v1/a/b").is_some());
        assert!(faults.take(&Method::POST, "/v1/a/b").is_none());
        faults.add(Fault::new(Route::any(), Effect::Hangup));
        assert!(faults.take(&Method::PUT, "/").is_some());
        faults.clear();
        assert!(faults.take(&Method::PUT, "/").is_none());
    }
}
