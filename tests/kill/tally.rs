//! What came of a story, counted.

use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use novu_connect_bot::clock::between;

use super::world::{Question, Reply, Seen, SignedIn};

/// The figures of one or several stories.
#[derive(Debug, Default, Clone)]
pub(crate) struct Tally {
    /// Services that were killed.
    pub(crate) kills: usize,
    /// Questions whose HTTP response came.
    pub(crate) acknowledged: usize,
    /// Of them, those that had been promised an answer and waited for it at the last kill.
    pub(crate) open: usize,
    /// Answers that people were sent, each counted once.
    pub(crate) answers: usize,
    /// Answers that came once more.
    pub(crate) twice: usize,
    /// Sign-ins that Novu has stored.
    pub(crate) signed_in: usize,
    /// Of them, those that had been made before the last kill and were told after it.
    pub(crate) unjudged: usize,
    /// Messages that said once more that somebody is connected.
    pub(crate) told_twice: usize,
    /// From the last kill, or a sign-in after it, to the last answer to somebody who had been waiting.
    pub(crate) longest: Duration,
    /// Whatever must not be.
    pub(crate) trouble: Vec<String>,
}

/// What arrived so close to a kill may come twice: the service had no time to note that it was sent, and
/// what it had sent may arrive after its end.
const BEING_SENT: Duration = Duration::from_secs(2);
/// What was being sent at a kill is sent once more, and by then its person may have signed in: that, and the
/// change of the message that follows from the sign-in, may come so soon after each other.
const TOGETHER: Duration = Duration::from_secs(1);
/// Begins what is said of a question without an answer.
const LOST: &str = "no answer";

impl Tally {
    /// Judges what people got, in a story in which services were killed at these moments.
    pub(crate) fn of(
        questions: &[Question],
        signed_in: &[SignedIn],
        seen: &HashMap<String, Seen>,
        kills: &[Timestamp],
    ) -> Self {
        let mut tally = Self { kills: kills.len(), ..Self::default() };
        for question in questions {
            let none = Seen::default();
            tally.add(question, seen.get(&question.place).unwrap_or(&none), kills);
        }
        for signed_in in signed_in {
            let none = Seen::default();
            tally.add_sign_in(signed_in, seen.get(&signed_in.place).unwrap_or(&none), kills);
        }
        tally
    }

    /// Whoever has signed in is told so once, and nothing else afterwards.
    fn add_sign_in(&mut self, signed_in: &SignedIn, seen: &Seen, kills: &[Timestamp]) {
        self.signed_in += 1;
        let mut told = seen.connected.clone();
        told.sort_unstable();
        let (Some(first), Some(last)) = (told.first(), told.last()) else {
            self.trouble.push(format!("a sign-in that nobody was told of: {signed_in:?} {seen:?}"));
            return;
        };
        let last_kill = kills.iter().max().copied().unwrap_or(Timestamp::MIN);
        if signed_in.at < last_kill && *first > last_kill {
            self.unjudged += 1;
        }
        self.longest = self.longest.max(between(last_kill.max(signed_in.at), *first));
        let other = seen.answers.iter().filter(|at| !seen.ended.contains(at));
        if other.chain(&seen.waiting).any(|at| at > last) {
            self.trouble.push(format!("something came after the end: {signed_in:?} {seen:?}"));
        }
        for pair in told.windows(2) {
            self.told_twice += 1;
            if !has_reason(pair[0], pair[1], &seen.answers, kills) {
                self.trouble.push(format!(
                    "told twice without need, killed at {kills:?}: {signed_in:?} {seen:?}"
                ));
            }
        }
    }

    fn add(&mut self, question: &Question, seen: &Seen, kills: &[Timestamp]) {
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
        self.judge_twice(question, seen, kills);
        self.trouble.extend(seen.refusals.iter().map(|refusal| format!("a refusal: {refusal}")));
        let last_kill = kills.iter().max().copied().unwrap_or(Timestamp::MIN);
        let first = seen.answers.iter().min().filter(|first| **first > last_kill);
        if let Some(first) = first
            && question.reply == Reply::Promised
            && question.at < last_kill
        {
            self.open += 1;
            self.longest = self.longest.max(between(last_kill, *first));
        }
    }

    /// Counts what came too often, and complains unless there was a reason.
    fn judge_twice(&mut self, question: &Question, seen: &Seen, kills: &[Timestamp]) {
        let at_once = Some(question.at).filter(|_| question.reply == Reply::Answered);
        // Words that something is on its way are one message too many beside what was on its way.
        let mut came = [&*seen.waiting, &*seen.answers].concat();
        came.extend(at_once);
        came.sort_unstable();
        // The last one is the answer.
        for pair in came.windows(2) {
            self.twice += 1;
            if !has_reason(pair[0], pair[1], &seen.answers, kills) {
                self.trouble.push(format!(
                    "came again without need, killed at {kills:?}: {question:?} {seen:?}"
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
            sum.kills += one.kills;
            sum.acknowledged += one.acknowledged;
            sum.open += one.open;
            sum.answers += one.answers;
            sum.twice += one.twice;
            sum.signed_in += one.signed_in;
            sum.unjudged += one.unjudged;
            sum.told_twice += one.told_twice;
            sum.longest = sum.longest.max(one.longest);
            sum.trouble.extend(one.trouble.iter().cloned());
            sum
        })
    }
}

/// Whether there was a reason for two messages after each other, of one question with these answers: the first
/// was being sent at a kill; or it is what was sent again because of one, and nothing came between.
fn has_reason(
    first: Timestamp,
    second: Timestamp,
    answers: &[Timestamp],
    kills: &[Timestamp],
) -> bool {
    let before = answers.iter().filter(|at| **at < first && between(**at, first) > TOGETHER).max();
    let is_sent_again = before.is_some_and(|at| was_being_sent(*at, kills));
    was_being_sent(first, kills) || (is_sent_again && between(first, second) <= TOGETHER)
}

/// Whether something arrived so close to a kill that nobody could note it.
fn was_being_sent(at: Timestamp, kills: &[Timestamp]) -> bool {
    let apart = |kill: &Timestamp| between(at, *kill).max(between(*kill, at));
    kills.iter().map(apart).min().is_some_and(|apart| apart <= BEING_SENT)
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} kills, {} questions acknowledged, {} of them open at the kill, {} without an answer; {} \
             answers, {} of them twice; {} sign-ins, {} of them told after the kill that had been made before, \
             {} told twice; the last {:.1} s after the kill",
            self.kills,
            self.acknowledged,
            self.open,
            self.lost(),
            self.answers,
            self.twice,
            self.signed_in,
            self.unjudged,
            self.told_twice,
            self.longest.as_secs_f64()
        )
    }
}
