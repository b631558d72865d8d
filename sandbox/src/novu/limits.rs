//! Rate limits: a token bucket for each category of routes.
//!
//! Source: Novu 3.19, rate limiting: windows of five seconds, a tenth more as burst.

use std::sync::Mutex;
use std::time::Duration;

use jiff::Timestamp;

use crate::lock;
use connect_clock as clock;

/// Length of a window.
const WINDOW: Duration = Duration::from_secs(5);

/// What kind of route a request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Category {
    Global,
    Configuration,
    Trigger,
}

impl Category {
    fn name(self) -> &'static str {
        match self {
            Self::Global => "global",
            Self::Configuration => "configuration",
            Self::Trigger => "trigger",
        }
    }
}

/// Requests per second that a plan allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimits {
    /// Minting and integrations.
    pub global: u32,
    /// Endpoints, connections and subscribers.
    pub configuration: u32,
    /// Triggering events.
    pub trigger: u32,
    /// Name of the plan.
    pub service_level: &'static str,
}

impl RateLimits {
    /// Novu's free plan.
    pub const FREE: Self =
        Self { global: 30, configuration: 20, trigger: 60, service_level: "free" };
}

/// What the bucket says to one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ruling {
    pub(super) allowed: bool,
    pub(super) limit: u32,
    pub(super) remaining: u32,
    /// Seconds until the bucket is filled up.
    pub(super) reset: u64,
    pub(super) policy: String,
}

/// The buckets of one environment.
#[derive(Debug)]
pub(super) struct Limiter {
    limits: RateLimits,
    buckets: [Mutex<Bucket>; 3],
}

#[derive(Debug)]
struct Bucket {
    tokens: u32,
    filled: Timestamp,
}

impl Limiter {
    pub(super) fn new(limits: RateLimits, now: Timestamp) -> Self {
        let bucket = |rate| Mutex::new(Bucket { tokens: burst(rate), filled: now });
        let RateLimits { global, configuration, trigger, .. } = limits;
        Self { limits, buckets: [bucket(global), bucket(configuration), bucket(trigger)] }
    }

    /// Takes one token.
    pub(super) fn take(&self, category: Category, now: Timestamp) -> Ruling {
        let [global, configuration, trigger] = &self.buckets;
        let (bucket, rate) = match category {
            Category::Global => (global, self.limits.global),
            Category::Configuration => (configuration, self.limits.configuration),
            Category::Trigger => (trigger, self.limits.trigger),
        };
        let mut bucket = lock(bucket);
        bucket.refill(rate, now);
        let allowed = bucket.tokens > 0;
        bucket.tokens = bucket.tokens.saturating_sub(1);
        let until = clock::between(now, clock::after(bucket.filled, WINDOW));
        Ruling {
            allowed,
            limit: window_limit(rate),
            remaining: bucket.tokens,
            reset: until.as_secs() + u64::from(until.subsec_nanos() > 0),
            policy: format!(
                "{};w={};burst={};comment=\"token bucket\";category=\"{}\";cost=\"single\";\
                 serviceLevel=\"{}\"",
                window_limit(rate),
                WINDOW.as_secs(),
                burst(rate),
                category.name(),
                self.limits.service_level,
            ),
        }
    }
}

impl Bucket {
    fn refill(&mut self, rate: u32, now: Timestamp) {
        let windows = clock::between(self.filled, now).as_secs() / WINDOW.as_secs();
        let windows = u32::try_from(windows).unwrap_or(u32::MAX);
        if windows > 0 {
            let gained = window_limit(rate).saturating_mul(windows);
            self.tokens = self.tokens.saturating_add(gained).min(burst(rate));
            self.filled = clock::after(self.filled, WINDOW.saturating_mul(windows));
        }
    }
}

fn window_limit(rate: u32) -> u32 {
    rate.saturating_mul(5)
}

fn burst(rate: u32) -> u32 {
    window_limit(rate).saturating_add(window_limit(rate) / 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_empties_and_fills_up_with_the_window() {
        let start = Timestamp::UNIX_EPOCH;
        let limiter = Limiter::new(RateLimits::FREE, start);
        for left in (0..165).rev() {
            let ruling = limiter.take(Category::Global, start);
            assert!(ruling.allowed);
            assert_eq!(ruling.remaining, left);
        }
        let late = clock::after(start, Duration::from_millis(1_500));
        let ruling = limiter.take(Category::Global, late);
        assert!(!ruling.allowed);
        assert_eq!(ruling.reset, 4);
        assert_eq!(
            ruling.policy,
            "150;w=5;burst=165;comment=\"token bucket\";category=\"global\";cost=\"single\";\
             serviceLevel=\"free\""
        );
        assert!(limiter.take(Category::Trigger, late).allowed);
        assert!(limiter.take(Category::Global, clock::after(start, WINDOW)).allowed);
    }
}
