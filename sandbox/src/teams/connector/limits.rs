//! Rate limits: sliding windows for each conversation, and one for each tenant.
//!
//! Source: Teams, rate limits for bots. The limits that all bots share are wider than one bot's own,
//! so they never show here. A call that is throttled does not count; one that is refused for another
//! reason does.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use jiff::Timestamp;

use connect_clock::{after, between};

/// At most so many calls in so long a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Calls.
    pub calls: usize,
    /// The time.
    pub time: Duration,
}

impl Window {
    const fn new(calls: usize, seconds: u64) -> Self {
        Self { calls, time: Duration::from_secs(seconds) }
    }
}

/// How fast a bot may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RateLimits {
    /// Messages in one conversation, new ones and changed ones; and chats opened with one person.
    pub messages: Vec<Window>,
    /// Questions for members of one conversation.
    pub members: Vec<Window>,
    /// All calls for one tenant.
    pub tenant: Window,
}

impl RateLimits {
    /// The documented limits.
    #[must_use]
    pub fn teams() -> Self {
        let windows = |calls: [usize; 4]| {
            calls.into_iter().zip([1, 2, 30, 3600]).map(|(n, time)| Window::new(n, time)).collect()
        };
        Self {
            messages: windows([7, 8, 60, 1800]),
            members: windows([14, 16, 120, 3600]),
            tenant: Window::new(30, 1),
        }
    }
}

/// What is counted apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::teams) enum Lane {
    /// Messages in a conversation.
    Messages,
    /// Chats opened with a person.
    Chats,
    /// Questions for members of a conversation.
    Members,
}

/// What was called when.
#[derive(Debug)]
pub(in crate::teams) struct Limiter {
    limits: RateLimits,
    calls: HashMap<(Lane, String), VecDeque<Timestamp>>,
    tenants: HashMap<String, VecDeque<Timestamp>>,
}

impl Limiter {
    pub(in crate::teams) fn new(limits: RateLimits) -> Self {
        Self { limits, calls: HashMap::new(), tenants: HashMap::new() }
    }

    /// Counts a call; or says how long to wait for the next one that would be counted.
    pub(super) fn wait(
        &mut self,
        lane: Lane,
        subject: &str,
        tenant: &str,
        now: Timestamp,
    ) -> Option<Duration> {
        let windows = match lane {
            Lane::Messages | Lane::Chats => self.limits.messages.as_slice(),
            Lane::Members => self.limits.members.as_slice(),
        };
        let calls = self.calls.entry((lane, subject.to_owned())).or_default();
        let of_tenant = self.tenants.entry(tenant.to_owned()).or_default();
        let tenant_window = std::slice::from_ref(&self.limits.tenant);
        let wait = longest(calls, windows, now).max(longest(of_tenant, tenant_window, now));
        if wait.is_none() {
            calls.push_back(now);
            of_tenant.push_back(now);
        }
        wait
    }
}

/// The longest wait that any window asks for. Forgets what is older than all of them.
fn longest(
    calls: &mut VecDeque<Timestamp>,
    windows: &[Window],
    now: Timestamp,
) -> Option<Duration> {
    let memory = windows.iter().map(|window| window.time).max().unwrap_or_default();
    while calls.front().is_some_and(|&call| between(call, now) >= memory) {
        calls.pop_front();
    }
    windows.iter().filter_map(|window| window.wait(calls, now)).max()
}

impl Window {
    fn wait(&self, calls: &VecDeque<Timestamp>, now: Timestamp) -> Option<Duration> {
        // The call that has to leave the window before another one fits in.
        let first = calls.len().checked_sub(self.calls).and_then(|index| calls.get(index))?;
        let free_at = after(*first, self.time);
        (free_at > now).then(|| between(now, free_at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_window_counts_and_the_tenant_too() {
        let mut limiter = Limiter::new(RateLimits::teams());
        let start = Timestamp::UNIX_EPOCH;
        let at = |millis| after(start, Duration::from_millis(millis));
        for _ in 0..7 {
            assert_eq!(limiter.wait(Lane::Messages, "a", "t", start), None);
        }
        let second = Some(Duration::from_secs(1));
        assert_eq!(limiter.wait(Lane::Messages, "a", "t", start), second);
        assert_eq!(limiter.wait(Lane::Members, "a", "t", start), None);
        assert_eq!(limiter.wait(Lane::Messages, "b", "t", start), None);
        assert_eq!(limiter.wait(Lane::Messages, "a", "t", at(1000)), None);
        assert_eq!(
            limiter.wait(Lane::Messages, "a", "t", at(1500)),
            Some(at(500) - start).map(|wait| Duration::try_from(wait).unwrap())
        );
        assert_eq!(limiter.wait(Lane::Messages, "a", "t", at(2000)), None);
        for number in 0..29 {
            assert_eq!(limiter.wait(Lane::Chats, &number.to_string(), "t", at(2000)), None);
        }
        assert_eq!(limiter.wait(Lane::Chats, "new", "t", at(2000)), second);
        assert_eq!(limiter.wait(Lane::Chats, "new", "u", at(2000)), None);
    }
}
