//! Novu's rate limits as a budget: one queue for each category of routes, shared by all calls.
//!
//! Novu counts calls by category in token buckets. Nothing comes back before a bucket is empty; then
//! one token after each interval (Novu 3.19, rate limiting). So whoever is too early gains nothing,
//! and takes a place from somebody else. Calls go out in the order in which they came, changes before
//! look-ups before polling, at the rate that the `RateLimit-*` headers tell. Where there are no such
//! headers, as by default in a self-hosted Novu, there is no budget to keep. Others with the same key
//! spend from the same bucket: what the headers say is remaining counts, not what was spent here. A
//! 429 closes the queue for everybody.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use tokio::sync::Notify;

use crate::clock::{SharedClock, Tick};
use crate::net::Answered;

/// The most calls of one category that are under way at once. A Novu that hangs is not buried under
/// more.
const MOST_CALLS: usize = 512;
/// The same while it is not known whether there is a limit: less than the smallest bucket holds.
const MOST_AT_FIRST: usize = 64;
/// How long a 429 closes a queue at least: one that says 0 is no invitation to hammer.
const SHORTEST_PAUSE: Duration = Duration::from_millis(100);
/// How long a 429 closes a queue that does not say how long.
const USUAL_PAUSE: Duration = Duration::from_secs(1);
/// The length of Novu's windows, where the policy does not tell it.
const USUAL_WINDOW: u32 = 5;

/// A category of routes; each has a bucket of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Category {
    /// Minting and integrations.
    Global,
    /// Endpoints, connections and subscribers.
    Configuration,
    /// Triggering events.
    Trigger,
}

/// What goes first where calls have to wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    /// Something is created or removed.
    Change,
    /// Somebody waits for what is looked up.
    LookUp,
    /// Nobody waits.
    Poll,
}

/// The queues of all categories.
pub(super) struct Budgets([Queue; 3]);

impl Budgets {
    pub(super) fn new(clock: &SharedClock) -> Self {
        Self(std::array::from_fn(|_| Queue::new(Arc::clone(clock))))
    }

    /// Whether there is room in every queue for one call more.
    pub(super) fn have_room(&self) -> bool {
        self.0.iter().all(Queue::has_room)
    }

    pub(super) fn of(&self, category: Category) -> &Queue {
        let [global, configuration, trigger] = &self.0;
        match category {
            Category::Global => global,
            Category::Configuration => configuration,
            Category::Trigger => trigger,
        }
    }
}

/// Who waits for one category, and what may be spent.
pub(super) struct Queue {
    clock: SharedClock,
    state: Mutex<State>,
}

/// A place in a queue. It is kept by a call that has to come again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    rank: Rank,
    number: u64,
}

/// That it was not one's turn in the time that there was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OutOfTurn {
    /// Novu's limit is used up; it may be one's turn after so long.
    Throttled(Duration),
    /// Novu does not answer those who went before.
    Silent,
}

#[derive(Default)]
struct State {
    /// Those who wait, with what wakes them.
    waiting: BTreeMap<Place, Arc<Notify>>,
    next_number: u64,
    under_way: usize,
    /// How many calls have gone out.
    started: u64,
    allowance: Allowance,
    /// Until when nobody may call, because Novu said so.
    closed_until: Option<Tick>,
}

/// What is known of a limit.
#[derive(Default)]
enum Allowance {
    #[default]
    Unknown,
    Unlimited,
    Limited(Bucket),
}

/// Novu's bucket, as far as its answers tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Bucket {
    tokens: u32,
    /// The most that it can gain.
    limit: u32,
    /// After how long an empty bucket gains a token.
    interval: Duration,
    /// Since when it has been empty, gains aside.
    empty_since: Tick,
}

/// When a call went out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Start {
    /// How many calls had gone out by then, this one included.
    number: u64,
    /// Whether no other was under way.
    alone: bool,
}

/// Whether a call may go out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Admission {
    Now(Start),
    After(Duration),
    /// When another one has ended.
    Later,
}

impl Queue {
    fn new(clock: SharedClock) -> Self {
        Self { clock, state: Mutex::default() }
    }

    fn has_room(&self) -> bool {
        let state = self.state();
        let spent = matches!(&state.allowance, Allowance::Limited(bucket) if bucket.tokens == 0);
        state.waiting.is_empty() && !spent && state.closed_for(self.clock.monotonic()).is_none()
    }

    /// The place behind everybody of the same rank.
    pub(super) fn place(&self, rank: Rank) -> Place {
        let mut state = self.state();
        let number = state.next_number;
        state.next_number += 1;
        Place { rank, number }
    }

    /// Waits until it is the turn of whoever has this place, at most for `longest`.
    ///
    /// # Errors
    /// It is not in time.
    pub(super) async fn turn(
        &self,
        place: Place,
        longest: Duration,
    ) -> Result<Turn<'_>, OutOfTurn> {
        let bell = Arc::new(Notify::new());
        {
            let mut state = self.state();
            if state.is_first(place)
                && let Admission::Now(start) = state.admit(self.clock.monotonic())
            {
                return Ok(Turn { queue: self, start });
            }
            state.waiting.insert(place, Arc::clone(&bell));
        }
        let waiting = Waiting { queue: self, place };
        let turn = tokio::time::timeout(longest, self.wait(place, &bell, longest)).await;
        drop(waiting);
        turn.unwrap_or_else(|_| Err(self.state().out_of_turn(self.clock.monotonic())))
    }

    async fn wait(
        &self,
        place: Place,
        bell: &Notify,
        longest: Duration,
    ) -> Result<Turn<'_>, OutOfTurn> {
        loop {
            let admission = {
                let mut state = self.state();
                let now = self.clock.monotonic();
                match state.closed_for(now) {
                    Some(pause) if pause > longest => return Err(OutOfTurn::Throttled(pause)),
                    _ if state.is_first(place) => state.admit(now),
                    _ => Admission::Later,
                }
            };
            match admission {
                Admission::Now(start) => return Ok(Turn { queue: self, start }),
                Admission::Later => bell.notified().await,
                Admission::After(pause) => {
                    tokio::select! {
                        () = self.clock.sleep(pause) => {}
                        () = bell.notified() => {}
                    }
                }
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing panics while the lock is held.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn is_first(&self, place: Place) -> bool {
        self.waiting.first_key_value().is_none_or(|(first, _)| *first >= place)
    }

    fn wake_first(&self) {
        if let Some((_, bell)) = self.waiting.first_key_value() {
            bell.notify_one();
        }
    }

    /// Lets one call go out if it may.
    fn admit(&mut self, now: Tick) -> Admission {
        if let Some(pause) = self.closed_for(now) {
            return Admission::After(pause);
        }
        let most = match self.allowance {
            Allowance::Unknown => MOST_AT_FIRST,
            Allowance::Unlimited | Allowance::Limited(_) => MOST_CALLS,
        };
        if self.under_way >= most {
            return Admission::Later;
        }
        if let Allowance::Limited(bucket) = &mut self.allowance
            && let Some(pause) = bucket.take(now)
        {
            return Admission::After(pause);
        }
        let alone = self.under_way == 0;
        self.under_way += 1;
        self.started += 1;
        Admission::Now(Start { number: self.started, alone })
    }

    fn closed_for(&self, now: Tick) -> Option<Duration> {
        self.closed_until.map(|until| until - now).filter(|pause| !pause.is_zero())
    }

    fn out_of_turn(&self, now: Tick) -> OutOfTurn {
        match &self.allowance {
            _ if self.closed_for(now).is_some() => OutOfTurn::Throttled(USUAL_PAUSE),
            _ if self.under_way >= MOST_CALLS => OutOfTurn::Silent,
            Allowance::Limited(_) => OutOfTurn::Throttled(USUAL_PAUSE),
            _ => OutOfTurn::Silent,
        }
    }

    /// Takes over what the answer to a call tells of the bucket. Answers overtake each other, so what
    /// one says remains can be more than there is by now; only of a call that was alone it is exact.
    fn learn(&mut self, start: Start, headers: &HeaderMap, is_success: bool, now: Tick) {
        match Bucket::read(headers, now) {
            Some(mut told) => {
                let is_exact = start.alone && start.number == self.started;
                if let Allowance::Limited(known) = &self.allowance {
                    if !is_exact {
                        told.tokens = told.tokens.min(known.tokens);
                    }
                    if known.tokens == 0 {
                        told.empty_since = known.empty_since;
                    }
                } else {
                    // Whether those that are under way have been counted, nobody knows.
                    let others = u32::try_from(self.under_way - 1).unwrap_or(u32::MAX);
                    told.tokens = told.tokens.saturating_sub(others);
                }
                self.allowance = Allowance::Limited(told);
            }
            // An answer of something in between says nothing of Novu's limits.
            None if is_success => self.allowance = Allowance::Unlimited,
            None => {}
        }
    }

    /// Lets nobody call for a while.
    fn close(&mut self, pause: Duration, now: Tick) {
        let until = now + pause.max(SHORTEST_PAUSE);
        self.closed_until = Some(self.closed_until.map_or(until, |before| before.max(until)));
        if let Allowance::Limited(bucket) = &mut self.allowance {
            bucket.tokens = 0;
            bucket.empty_since = now;
        }
        // Whoever has less time than that need not wait.
        self.waiting.values().for_each(|bell| bell.notify_one());
    }
}

impl Bucket {
    fn read(headers: &HeaderMap, now: Tick) -> Option<Self> {
        let text = |name: &str| headers.get(name)?.to_str().ok();
        let tokens = text("ratelimit-remaining")?.trim().parse().ok()?;
        let mut policy = text("ratelimit-policy").unwrap_or_default().split(';').map(str::trim);
        let limit = policy.next().and_then(|limit| limit.parse().ok());
        let limit: u32 = limit.or_else(|| text("ratelimit-limit")?.trim().parse().ok())?;
        let window = policy.find_map(|part| part.strip_prefix("w=")?.parse::<u32>().ok());
        let window = Duration::from_secs(window.unwrap_or(USUAL_WINDOW).into());
        let interval = window.checked_div(limit).filter(|interval| !interval.is_zero())?;
        Some(Self { tokens, limit, interval, empty_since: now })
    }

    /// Takes a token; if there is none, says how long it takes until there is.
    fn take(&mut self, now: Tick) -> Option<Duration> {
        if self.tokens == 0 {
            let passed = now - self.empty_since;
            let gained = passed.as_nanos() / self.interval.as_nanos();
            self.tokens = u32::try_from(gained).unwrap_or(u32::MAX).min(self.limit);
            if self.tokens == 0 {
                return Some(self.interval.saturating_sub(passed));
            }
        }
        self.tokens -= 1;
        if self.tokens == 0 {
            self.empty_since = now;
        }
        None
    }
}

/// Somebody who waits in a queue, and leaves it when this is dropped.
struct Waiting<'a> {
    queue: &'a Queue,
    place: Place,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut state = self.queue.state();
        state.waiting.remove(&self.place);
        state.wake_first();
    }
}

/// The right to make one call, which ends when this is dropped.
#[must_use]
pub(super) struct Turn<'a> {
    queue: &'a Queue,
    start: Start,
}

impl Turn<'_> {
    /// Takes note of what came back.
    pub(super) fn answered(&self, answer: &Answered, retry_after: Option<Duration>) {
        let now = self.queue.clock.monotonic();
        let mut state = self.queue.state();
        state.learn(self.start, &answer.headers, answer.status.is_success(), now);
        if answer.status == StatusCode::TOO_MANY_REQUESTS {
            state.close(retry_after.unwrap_or(USUAL_PAUSE), now);
        }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut state = self.queue.state();
        state.under_way -= 1;
        state.wake_first();
    }
}

#[cfg(test)]
mod tests;
