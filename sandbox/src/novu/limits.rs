//! Rate limits: a token bucket for each category of routes.
//!
//! Source: Novu 3.19, rate limiting. A window has five seconds, and a tenth more may come as a burst.
//! Nothing comes back before the bucket is empty; then one token for each interval that has passed
//! since the last refill. A bucket is forgotten two windows after it was last refilled.

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
    /// Minting and integrations.
    Global,
    /// Endpoints, connections and subscribers.
    Configuration,
    /// Triggering events.
    Trigger,
}

/// A plan of Novu's, which decides the rate limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plan {
    /// 30 requests a second for minting, 20 for look-ups.
    Free,
    /// Four times as many.
    Pro,
    /// Ten times as many.
    Team,
    /// A hundred times as many.
    Enterprise,
}

impl Plan {
    fn name(self) -> &'static str {
        match self {
            Self::Free => "free",
            Self::Pro => "pro",
            Self::Team => "business",
            Self::Enterprise => "enterprise",
        }
    }

    /// Requests per second.
    fn rate(self, category: Category) -> u32 {
        let free = match category {
            Category::Global => 30,
            Category::Configuration => 20,
            Category::Trigger => 60,
        };
        match self {
            Self::Free => free,
            Self::Pro => free * 4,
            Self::Team => free * 10,
            Self::Enterprise => free * 100,
        }
    }
}

/// What the bucket says to one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ruling {
    pub(super) allowed: bool,
    pub(super) limit: u32,
    pub(super) remaining: u32,
    pub(super) policy: String,
}

/// `RateLimit-Reset` and `Retry-After`, in seconds: the next token is always less than one away.
pub(super) const RESET: u64 = 1;

/// The buckets of one environment.
#[derive(Debug)]
pub(super) struct Limiter {
    plan: Plan,
    buckets: [Mutex<Option<Bucket>>; 3],
}

#[derive(Debug)]
struct Bucket {
    tokens: u32,
    refilled: Timestamp,
    forgotten: Timestamp,
}

impl Limiter {
    pub(super) fn new(plan: Plan) -> Self {
        Self { plan, buckets: Default::default() }
    }

    /// Takes one token.
    pub(super) fn take(&self, category: Category, now: Timestamp) -> Ruling {
        let [global, configuration, trigger] = &self.buckets;
        let (bucket, name) = match category {
            Category::Global => (global, "global"),
            Category::Configuration => (configuration, "configuration"),
            Category::Trigger => (trigger, "trigger"),
        };
        let rate = self.plan.rate(category);
        let (limit, burst) = (rate * 5, rate * 5 + rate / 2);
        let mut bucket = lock(bucket);
        let (window, plan) = (WINDOW.as_secs(), self.plan.name());
        Ruling {
            allowed: take(&mut bucket, rate, burst, now),
            limit,
            remaining: bucket.as_ref().map_or(burst, |bucket| bucket.tokens),
            policy: format!(
                "{limit};w={window};burst={burst};comment=\"token bucket\";category=\"{name}\";\
                 cost=\"single\";serviceLevel=\"{plan}\""
            ),
        }
    }
}

/// Takes a token out of a bucket, which is full where there is none; whether there was a token.
fn take(bucket: &mut Option<Bucket>, rate: u32, burst: u32, now: Timestamp) -> bool {
    let forgotten = clock::after(now, WINDOW * 2);
    let Some(bucket) = bucket.as_mut().filter(|bucket| now < bucket.forgotten) else {
        *bucket = Some(Bucket { tokens: burst - 1, refilled: now, forgotten });
        return true;
    };
    if bucket.tokens == 0 {
        let interval = Duration::from_secs(1) / rate;
        let gained = clock::between(bucket.refilled, now).as_nanos() / interval.as_nanos();
        let gained = u32::try_from(gained).unwrap_or(u32::MAX);
        if gained == 0 {
            return false;
        }
        bucket.tokens = gained.min(burst);
        bucket.refilled = clock::after(bucket.refilled, interval.saturating_mul(gained));
        bucket.forgotten = forgotten;
    }
    bucket.tokens -= 1;
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(limiter: &Limiter, category: Category, now: Timestamp) -> usize {
        std::iter::repeat_with(|| limiter.take(category, now)).take_while(|it| it.allowed).count()
    }

    #[test]
    fn nothing_comes_back_before_the_bucket_is_empty() {
        let start = Timestamp::UNIX_EPOCH;
        let limiter = Limiter::new(Plan::Free);
        let first = limiter.take(Category::Global, start);
        assert_eq!((first.limit, first.remaining), (150, 164));
        assert_eq!(
            first.policy,
            "150;w=5;burst=165;comment=\"token bucket\";category=\"global\";cost=\"single\";\
             serviceLevel=\"free\""
        );
        let later = clock::after(start, Duration::from_secs(2));
        assert_eq!(limiter.take(Category::Global, later).remaining, 163);
        // The 163 that are left, and what two seconds bring once they are gone.
        assert_eq!(allowed(&limiter, Category::Global, later), 163 + 60);
        assert_eq!(allowed(&limiter, Category::Configuration, later), 110);
    }

    #[test]
    fn an_empty_bucket_gets_one_token_for_each_interval() {
        let start = Timestamp::UNIX_EPOCH;
        let limiter = Limiter::new(Plan::Free);
        assert_eq!(allowed(&limiter, Category::Global, start), 165);
        let mut now = clock::after(start, Duration::from_millis(33));
        assert_eq!(allowed(&limiter, Category::Global, now), 0);
        for _ in 0..30 {
            now = clock::after(now, Duration::from_millis(34));
            assert!(limiter.take(Category::Global, now).allowed);
        }
        let forgotten = clock::after(now, Duration::from_secs(11));
        assert_eq!(allowed(&limiter, Category::Global, forgotten), 165);
    }

    #[test]
    fn larger_plans_allow_more() {
        let now = Timestamp::UNIX_EPOCH;
        let of = |plan| allowed(&Limiter::new(plan), Category::Configuration, now);
        assert_eq!([Plan::Pro, Plan::Team, Plan::Enterprise].map(of), [440, 1100, 11_000]);
    }
}
