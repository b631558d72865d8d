//! What came of a story, counted.

use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use novu_connect_bot::clock::between;

use super::world::{Question, Reply, Seen};

/// The figures of one or several stories.
#[derive(Debug, Default, Clone)]
pub(crate) struct Tally {
    /// Questions whose HTTP response came.
    pub(crate) acknowledged: usize,
    /// Of them, those that had been promised an answer and waited for it at the kill.
    pub(crate) open: usize,
    /// Answers that people were sent, each counted once.
    pub(crate) answers: usize,
    /// Answers that came once more.
    pub(crate) twice: usize,
    /// From the next start to the last answer to somebody who had been waiting.
    pub(crate) longest: Duration,
    /// Whatever must not be.
    pub(crate) trouble: Vec<String>,
}

/// What arrived so close to a kill may come twice: the service had no time to note that it was sent, and
/// what it had sent may arrive after its end.
const BEING_SENT: Duration = Duration::from_secs(2);
/// Begins what is said of a question without an answer.
const LOST: &str = "no answer";

impl Tally {
    /// Judges what people got. `killed` and `started` are when it ended and when the next began.
    pub(crate) fn of(
        questions: &[Question],
        seen: &HashMap<String, Seen>,
        killed: Timestamp,
        started: Timestamp,
    ) -> Self {
        let mut tally = Self::default();
        for question in questions {
            let none = Seen::default();
            tally.add(question, seen.get(&question.place).unwrap_or(&none), killed, started);
        }
        tally
    }

    fn add(&mut self, question: &Question, seen: &Seen, killed: Timestamp, started: Timestamp) {
        let at_once = usize::from(question.reply == Reply::Answered);
        let came = seen.answers.len() + at_once;
        match &question.reply {
            Reply::Broken => {}
            Reply::Odd(reply) => self.trouble.push(format!("a reply of {reply}")),
            Reply::Answered | Reply::Promised => self.acknowledged += 1,
        }
        if came == 0 && question.reply == Reply::Promised {
            self.trouble.push(format!("{LOST} to {question:?}"));
        }
        self.answers += came.min(1);
        self.judge_twice(question, seen, killed);
        self.trouble.extend(seen.refusals.iter().map(|refusal| format!("a refusal: {refusal}")));
        let first = seen.answers.iter().min().copied();
        if question.reply == Reply::Promised && question.at < killed {
            let first = first.filter(|first| *first > killed);
            self.open += usize::from(first.is_some());
            let waited = first.map_or(Duration::ZERO, |first| between(started, first));
            self.longest = self.longest.max(waited);
        }
    }

    /// Counts what came too often, and complains unless it was being sent at the kill.
    fn judge_twice(&mut self, question: &Question, seen: &Seen, killed: Timestamp) {
        let at_once = Some(question.at).filter(|_| question.reply == Reply::Answered);
        // Words that something is on its way are one message too many beside what was on its way.
        let mut came = [&*seen.waiting, &*seen.answers].concat();
        came.extend(at_once);
        came.sort_unstable();
        // The last one is the answer.
        for too_many in came.iter().rev().skip(1) {
            self.twice += 1;
            let apart = between(*too_many, killed).max(between(killed, *too_many));
            if apart > BEING_SENT {
                self.trouble.push(format!(
                    "came again without need, killed at {killed}: {question:?} {seen:?}"
                ));
            }
        }
    }

    /// How many acknowledged questions have no answer.
    pub(crate) fn lost(&self) -> usize {
        self.trouble.iter().filter(|it| it.starts_with(LOST)).count()
    }

    pub(crate) fn sum(tallies: &[Self]) -> Self {
        tallies.iter().fold(Self::default(), |mut sum, one| {
            sum.acknowledged += one.acknowledged;
            sum.open += one.open;
            sum.answers += one.answers;
            sum.twice += one.twice;
            sum.longest = sum.longest.max(one.longest);
            sum.trouble.extend(one.trouble.iter().cloned());
            sum
        })
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} questions acknowledged, {} of them open at a kill and answered later, {} without an \
             answer, {} answers, {} of them twice, the last {:.1} s after the next start",
            self.acknowledged,
            self.open,
            self.lost(),
            self.answers,
            self.twice,
            self.longest.as_secs_f64()
        )
    }
}
