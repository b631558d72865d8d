//! What came in: every request in full, or only how many there were.

use std::collections::HashMap;
use std::sync::Mutex;

use axum::http::request::Parts;
use axum::http::{HeaderMap, Method};
use bytes::Bytes;
use jiff::Timestamp;
use serde_json::Value;

use super::lock;

/// Distinct paths that are counted one by one; further ones share a counter for each method.
const COUNTED_PATHS: usize = 4_096;

/// A request as it came in.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// The method.
    pub method: Method,
    /// The path with its query.
    pub path_and_query: String,
    /// All headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
    /// When it came, by the stand-in's clock.
    pub at: Timestamp,
}

impl Recorded {
    /// The body as JSON, null where it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The path without its query.
    #[must_use]
    pub fn path(&self) -> &str {
        self.path_and_query.split('?').next().unwrap_or_default()
    }
}

/// Counts requests always and keeps them where that is wanted.
#[derive(Debug, Default)]
pub(super) struct Recorder {
    keep: bool,
    kept: Mutex<Vec<Recorded>>,
    counted: Mutex<HashMap<Method, HashMap<String, usize>>>,
}

impl Recorder {
    pub(super) fn new(keep: bool) -> Self {
        Self { keep, ..Self::default() }
    }

    pub(super) fn note(&self, parts: &Parts, body: &Bytes, at: Timestamp) {
        self.count_one(&parts.method, parts.uri.path());
        if self.keep {
            lock(&self.kept).push(Recorded {
                method: parts.method.clone(),
                path_and_query: parts.uri.to_string(),
                headers: parts.headers.clone(),
                body: body.clone(),
                at,
            });
        }
    }

    fn count_one(&self, method: &Method, path: &str) {
        let mut counted = lock(&self.counted);
        let paths = counted.entry(method.clone()).or_default();
        if let Some(count) = paths.get_mut(path) {
            *count += 1;
        } else {
            let path = if paths.len() < COUNTED_PATHS { path } else { "" };
            *paths.entry(path.to_owned()).or_default() += 1;
        }
    }

    pub(super) fn count(&self, method: &Method, prefix: &str) -> usize {
        lock(&self.counted).get(method).map_or(0, |paths| {
            paths.iter().filter(|(path, _)| path.starts_with(prefix)).map(|(_, count)| count).sum()
        })
    }

    pub(super) fn requests(&self) -> Vec<Recorded> {
        lock(&self.kept).clone()
    }

    pub(super) fn take(&self) -> Vec<Recorded> {
        std::mem::take(&mut *lock(&self.kept))
    }

    pub(super) fn kept(&self) -> usize {
        lock(&self.kept).len()
    }

    pub(super) fn clear(&self) {
        lock(&self.kept).clear();
        lock(&self.counted).clear();
    }
}
