//! Which refusals are worth another try, and for how long.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use crate::clock::between;
use crate::core::{Answer, Reason, Refusal};

/// For so long after a question a refusal that may pass is not said but tried again.
const TRIED_FOR: Duration = Duration::from_secs(30);
/// The same where only a turn has to be waited for: it comes, in a crowd later.
const TURN_WAITED_FOR: Duration = Duration::from_mins(3);
/// Once everybody has met refusals for so long, they are said at once.
const OUTAGE: Duration = Duration::from_mins(1);

/// Since when nobody has had an answer that was not such a refusal.
#[derive(Debug, Default)]
pub(super) struct Outage(Mutex<Option<Timestamp>>);

impl Outage {
    /// Takes note of an answer.
    pub(super) fn note(&self, answer: &Answer, now: Timestamp) {
        let mut since = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if answer.passing().is_none() {
            *since = None;
        } else if since.is_none_or(|since| since > now) {
            *since = Some(now);
        }
    }

    /// How long to wait before a question is tried again that was asked at `asked_at` and refused so:
    /// the pause that the refusal names, if any. None where the refusal is to be said.
    pub(super) fn another_try(
        &self,
        refusal: &Refusal,
        asked_at: Timestamp,
        now: Timestamp,
    ) -> Option<Option<Duration>> {
        let turn = refusal.reason == Reason::ProfileUnavailable && refusal.retry_after.is_some();
        let limit = if turn { TURN_WAITED_FOR } else { TRIED_FOR };
        let pause = refusal.retry_after;
        let in_time = between(asked_at, now) + pause.unwrap_or_default() <= limit;
        let since = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let outage = !turn && since.is_some_and(|since| between(since, now) > OUTAGE);
        (in_time && !outage).then_some(pause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn after(seconds: u64) -> Option<Duration> {
        Some(Duration::from_secs(seconds))
    }

    #[test]
    fn a_refusal_that_may_pass_is_tried_again_for_half_a_minute_and_a_turn_for_longer() {
        let down = Refusal::from(Reason::NovuUnavailable);
        let asked_to_wait = Refusal { retry_after: after(5), ..down.clone() };
        let turn = Refusal { retry_after: after(5), ..Reason::ProfileUnavailable.into() };
        for (refusal, waited, expected) in [
            (&down, 0, Some(None)),
            (&down, 30, Some(None)),
            (&down, 31, None),
            (&asked_to_wait, 25, Some(after(5))),
            (&asked_to_wait, 26, None),
            (&turn, 170, Some(after(5))),
            (&turn, 176, None),
        ] {
            let outage = Outage::default();
            assert_eq!(outage.another_try(refusal, at(0), at(waited)), expected, "{waited}");
        }
    }

    #[test]
    fn what_everybody_has_met_for_more_than_a_minute_is_said_at_once() {
        let refused = Answer::Refused(Reason::NovuUnavailable.into());
        let refusal = refused.passing().unwrap();
        let outage = Outage::default();
        outage.note(&refused, at(0));
        outage.note(&refused, at(60));
        assert_eq!(outage.another_try(refusal, at(60), at(60)), Some(None));
        assert_eq!(outage.another_try(refusal, at(61), at(61)), None);
        // One good answer ends it.
        outage.note(&Answer::NotConnected, at(62));
        outage.note(&refused, at(63));
        assert_eq!(outage.another_try(refusal, at(63), at(63)), Some(None));
        // A clock that steps back does not make it longer.
        outage.note(&refused, at(10));
        assert_eq!(outage.another_try(refusal, at(70), at(70)), Some(None));
    }
}
