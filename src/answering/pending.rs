//! A question that is being answered, and its stored form: the promise to answer it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::deliver::Deliver;
use crate::core::{Answer, Person, Question};

/// How long an answer may take to be found: a few calls to Novu, one after the other, each with all
/// of its patience. What is left of a job's lease after that is for the delivery, which nobody must
/// break off: what has been sent by then is there.
pub(super) const TIME_TO_ANSWER: Duration = Duration::from_mins(1);

/// A question with what is needed to answer it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Asked<L> {
    /// The question.
    pub question: Question,
    /// What it takes to look the asker up.
    pub lookup: L,
    /// Whether the asker was asking too often, once that has been judged: a question counts once,
    /// however often its answer is tried.
    pub too_often: Option<bool>,
}

/// A question with the place where its answer is to be seen.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(bound = "")]
pub struct PendingReply<D: Deliver> {
    /// The question.
    pub asked: Asked<D::Lookup>,
    /// The place.
    pub place: D::Place,
    /// Whether the asker has been told that the answer is on its way.
    pub told: bool,
    /// Whether the message is stored, because it can change once it is shown.
    #[serde(default)]
    pub stored: bool,
    /// Whether a message of its own has said that the answer is on its way.
    #[serde(default)]
    pub says_on_its_way: bool,
}

impl<D: Deliver> PendingReply<D> {
    /// A question that has just arrived.
    #[must_use]
    pub const fn new(question: Question, lookup: D::Lookup, place: D::Place) -> Self {
        let asked = Asked { question, lookup, too_often: None };
        Self { asked, place, told: false, stored: false, says_on_its_way: false }
    }

    /// The question.
    #[must_use]
    pub const fn question(&self) -> &Question {
        &self.asked.question
    }

    /// Takes over what was learnt while the answer was made.
    pub(super) fn learn(&mut self, learnt: Learnt) {
        let Learnt { asker, too_often, stored } = learnt;
        if let Some(asker) = asker {
            self.asked.question.asker = *asker;
            self.asked.question.identified = true;
        }
        self.asked.too_often = self.asked.too_often.or(too_often);
        self.stored |= stored;
    }
}

/// What is learnt of a question while its answer is made, and stays true for the next attempt.
#[derive(Debug, Default)]
pub(super) struct Learnt {
    /// Who asks, where the question did not say.
    pub(super) asker: Option<Box<Person>>,
    /// Whether they ask too often.
    pub(super) too_often: Option<bool>,
    /// Whether the message was stored.
    pub(super) stored: bool,
}

/// An answer, with what was learnt while it was made.
#[derive(Debug)]
pub(super) struct Decided {
    pub(super) answer: Answer,
    pub(super) learnt: Learnt,
}
