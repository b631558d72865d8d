//! How fast the bot may speak, so that Teams need not tell it to slow down.
//!
//! Teams allows a bot, in one conversation, 7 messages in 1 second, 8 in 2, 60 in 30 and 1,800 in
//! 3,600, twice as many questions for members, and in one tenant 30 requests a second (Teams, rate
//! limiting). A quota of `burst` and one more every `period` lets at most `burst + window / period`
//! pass in any window. So two quotas cover the four limits of a conversation, one for the seconds and
//! one for the hour.

use std::hash::Hash;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use governor::clock::Clock as _;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};

use crate::clock::{PacingClock, SharedClock, Tick};

/// So many at once, then one every so often.
type Measure = (NonZeroU32, Duration);

/// 7 in 1 second, 8 in 2, 48 in 30.
const MESSAGES: Measure = (NonZeroU32::new(6).unwrap(), Duration::from_millis(700));
/// 1,800 in an hour.
const MESSAGES_HOUR: Measure = (NonZeroU32::new(900).unwrap(), Duration::from_secs(4));
/// 14 in 1 second, 16 in 2, 72 in 30.
const MEMBERS: Measure = (NonZeroU32::new(12).unwrap(), Duration::from_millis(500));
/// 3,600 in an hour.
const MEMBERS_HOUR: Measure = (NonZeroU32::new(1800).unwrap(), Duration::from_secs(2));
/// 30 in a second.
const PER_TENANT: Measure = (NonZeroU32::new(5).unwrap(), Duration::from_millis(40));
/// Requests between two clean-ups of conversations in which nothing has happened for long.
const CLEAN_EVERY: u32 = 1024;

type Limiter<K> = RateLimiter<K, HashMapStateStore<K>, PacingClock, NoOpMiddleware<Nanos>>;
type ConversationKey = (Lane, String);

/// What is counted apart within a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Lane {
    /// Messages: sent and replaced.
    Messages,
    /// Looking members up. Teams allows twice as many, and a crowd needs them: everybody who asks is
    /// looked up.
    Members,
    /// Opening a personal conversation; the "conversation" is the person.
    Conversations,
}

/// There is no turn before the deadline; the next one is this far off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Crowded(pub(super) Duration);

/// Lets requests pass one by one.
#[derive(Debug)]
pub(super) struct Pace {
    messages: Quotas,
    members: Quotas,
    tenants: Limiter<String>,
    clock: SharedClock,
    passed: AtomicU32,
}

/// What is allowed in each conversation.
#[derive(Debug)]
struct Quotas {
    seconds: Limiter<ConversationKey>,
    hour: Limiter<ConversationKey>,
}

impl Quotas {
    fn new(seconds: Measure, hour: Measure, clock: &SharedClock) -> Self {
        Self { seconds: limiter(seconds, clock), hour: limiter(hour, clock) }
    }

    fn clean_up(&self) {
        self.seconds.retain_recent();
        self.hour.retain_recent();
    }
}

impl Pace {
    /// Everybody may go.
    #[must_use]
    pub(super) fn new(clock: SharedClock) -> Self {
        Self {
            messages: Quotas::new(MESSAGES, MESSAGES_HOUR, &clock),
            members: Quotas::new(MEMBERS, MEMBERS_HOUR, &clock),
            tenants: limiter(PER_TENANT, &clock),
            clock,
            passed: AtomicU32::new(0),
        }
    }

    /// Waits for a turn, at most until `deadline`. The threads of a channel share one pace.
    ///
    /// # Errors
    /// The turn would come too late. It is not kept.
    pub(super) async fn turn(
        &self,
        lane: Lane,
        conversation: &str,
        tenant: &str,
        deadline: Tick,
    ) -> Result<(), Crowded> {
        self.clean_up();
        let conversation = conversation.split(';').next().unwrap_or_default();
        let key = (lane, conversation.to_owned());
        let quotas = match lane {
            Lane::Messages | Lane::Conversations => &self.messages,
            Lane::Members => &self.members,
        };
        // What a later quota refuses is lost to an earlier one, so the dearest come last.
        self.wait(&quotas.seconds, &key, deadline).await?;
        self.wait(&quotas.hour, &key, deadline).await?;
        self.wait(&self.tenants, &tenant.to_owned(), deadline).await
    }

    async fn wait<K: Hash + Eq + Clone>(
        &self,
        limiter: &Limiter<K>,
        key: &K,
        deadline: Tick,
    ) -> Result<(), Crowded> {
        while let Err(too_early) = limiter.check_key(key) {
            let wait = too_early.wait_time_from(limiter.clock().now());
            if self.clock.monotonic() + wait > deadline {
                return Err(Crowded(wait));
            }
            self.clock.sleep(wait).await;
        }
        Ok(())
    }

    fn clean_up(&self) {
        if self.passed.fetch_add(1, Ordering::Relaxed) % CLEAN_EVERY == CLEAN_EVERY - 1 {
            self.messages.clean_up();
            self.members.clean_up();
            self.tenants.retain_recent();
        }
    }
}

fn limiter<K: Hash + Eq + Clone>((burst, period): Measure, clock: &SharedClock) -> Limiter<K> {
    let quota =
        Quota::with_period(period).unwrap_or(Quota::per_second(NonZeroU32::MIN)).allow_burst(burst);
    RateLimiter::new(quota, HashMapStateStore::default(), PacingClock(clock.clone()))
}

#[cfg(test)]
mod tests;
