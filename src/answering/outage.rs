//! Which refusals are worth another try, and for how long.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use crate::clock::{Tick, between};
use crate::core::{Answer, Reason, Refusal};
use crate::jobs::Ran;

/// For so long after a question a refusal that may pass is not said but tried again.
const TRIED_FOR: Duration = Duration::from_secs(30);
/// The same where only a turn has to be waited for: it comes, in a crowd later.
const TURN_WAITED_FOR: Duration = Duration::from_mins(3);
/// Once everybody has met refusals for so long, they are said at once.
const OUTAGE: Duration = Duration::from_mins(1);

/// What is done about a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NextStep {
    /// It is said.
    Say,
    /// The question is tried again: after so long, where the refusal says how long.
    TryAgain(Option<Duration>),
    /// Its turn comes after so long; until then nothing is tried.
    AwaitTurn(Duration),
}

impl NextStep {
    /// After how long the question is tried again, `otherwise` where nobody says how long; none where
    /// something is said.
    pub(super) fn pause_or(self, otherwise: Duration) -> Option<Duration> {
        match self {
            Self::Say => None,
            Self::TryAgain(pause) => Some(pause.unwrap_or(otherwise)),
            Self::AwaitTurn(pause) => Some(pause),
        }
    }

    /// How an attempt ends that leads to it; none where something is said.
    pub(super) const fn ran(self) -> Option<Ran> {
        match self {
            Self::Say => None,
            Self::TryAgain(pause) => Some(Ran::Again(pause)),
            Self::AwaitTurn(pause) => Some(Ran::Snooze(pause)),
        }
    }
}

/// The refusals that everybody meets at the moment.
#[derive(Debug, Default)]
pub(super) struct Outage(Mutex<Option<Met>>);

/// When the first and the last of an unbroken row of refusals were met.
#[derive(Debug, Clone, Copy)]
struct Met {
    first: Tick,
    last: Tick,
}

impl Outage {
    /// Takes note of an answer. Only one that Novu had a part in ends an outage.
    pub(super) fn note(&self, answer: &Answer, now: Tick) {
        let mut met = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_slow =
            matches!(answer, Answer::Refused(Refusal { reason: Reason::NovuTimeout, .. }));
        if is_slow || answer.passing().is_some() {
            *met = Some(match *met {
                Some(Met { first, last }) if now - last <= OUTAGE => Met { first, last: now },
                // Nobody asked for a while: nothing is known of the time between.
                _ => Met { first: now, last: now },
            });
        } else if matches!(
            answer,
            Answer::SignIn(_) | Answer::AlreadyConnected(_) | Answer::NotConnected
        ) {
            *met = None;
        }
    }

    /// What is done about a refusal of a question that was asked at `asked_at`.
    pub(super) fn next_step(
        &self,
        refusal: &Refusal,
        asked_at: Timestamp,
        now: Timestamp,
    ) -> NextStep {
        let in_turn = matches!(refusal.reason, Reason::ProfileUnavailable | Reason::NovuBusy);
        let waited = between(asked_at, now);
        if let Some(pause) = refusal.retry_after.filter(|_| in_turn) {
            let in_time = waited < TURN_WAITED_FOR;
            return if in_time { NextStep::AwaitTurn(pause) } else { NextStep::Say };
        }
        let met = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let outage = met.is_some_and(|met| met.last - met.first > OUTAGE);
        let worth_it = waited < TRIED_FOR && !outage;
        if worth_it { NextStep::TryAgain(refusal.retry_after) } else { NextStep::Say }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[expect(clippy::unnecessary_wraps, reason = "the pause that a refusal may name")]
    fn after(seconds: u64) -> Option<Duration> {
        Some(Duration::from_secs(seconds))
    }

    #[test]
    fn a_refusal_that_may_pass_is_tried_again_for_half_a_minute_and_a_turn_for_longer() {
        let down = Refusal::from(Reason::NovuUnavailable);
        let asked_to_wait = Refusal { retry_after: after(5), ..down.clone() };
        let turn = Refusal { retry_after: after(5), ..Reason::ProfileUnavailable.into() };
        let novus_turn = Refusal { retry_after: after(5), ..Reason::NovuBusy.into() };
        for (refusal, waited, expected) in [
            (&down, 0, NextStep::TryAgain(None)),
            (&down, 29, NextStep::TryAgain(None)),
            (&down, 30, NextStep::Say),
            (&asked_to_wait, 29, NextStep::TryAgain(after(5))),
            (&asked_to_wait, 30, NextStep::Say),
            (&turn, 179, NextStep::AwaitTurn(Duration::from_secs(5))),
            (&turn, 180, NextStep::Say),
            (&novus_turn, 179, NextStep::AwaitTurn(Duration::from_secs(5))),
            (&novus_turn, 180, NextStep::Say),
        ] {
            let outage = Outage::default();
            assert_eq!(outage.next_step(refusal, at(0), at(waited)), expected, "{waited}");
        }
    }

    #[test]
    fn what_everybody_has_met_for_more_than_a_minute_is_said_at_once() {
        let refused = Answer::Refused(Reason::NovuUnavailable.into());
        let outage = Outage::default();
        let tick = |second| Tick::after_start(Duration::from_secs(second));
        let meets = |second| {
            outage.note(&refused, tick(second));
            outage.next_step(refused.passing().unwrap(), at(0), at(0))
        };
        for second in [0, 30, 60] {
            assert_eq!(meets(second), NextStep::TryAgain(None), "{second}");
        }
        assert_eq!(meets(61), NextStep::Say);
        // An answer without Novu says nothing of it.
        outage.note(&Answer::Help(None), tick(61));
        assert_eq!(meets(61), NextStep::Say);
        // One good answer ends it, and so does a while in which nobody asked.
        outage.note(&Answer::NotConnected, tick(62));
        assert_eq!(meets(63), NextStep::TryAgain(None));
        assert_eq!(meets(600), NextStep::TryAgain(None));
    }
}
