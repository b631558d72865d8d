//! The labels of the figures.

use std::fmt;

use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};

/// A word that this code chose as a label value.
#[derive(Clone, Copy, Debug, Hash, PartialEq, Eq)]
pub(super) struct Word(pub(super) &'static str);

impl EncodeLabelValue for Word {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), fmt::Error> {
        self.0.encode(encoder)
    }
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(super) struct Refused {
    pub(super) platform: Word,
    pub(super) reason: Word,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(super) struct Answered {
    pub(super) platform: Word,
    pub(super) intent: Word,
    pub(super) answer: Word,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(super) struct Step {
    pub(super) platform: Word,
    pub(super) step: Word,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(super) struct Delivered {
    pub(super) platform: Word,
    pub(super) outcome: Word,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(super) struct Call {
    pub(super) upstream: Word,
    pub(super) operation: Word,
    pub(super) outcome: Word,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(super) struct Surface {
    pub(super) platform: Word,
}

/// A background task. Its name is made of words that this code chose.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(super) struct Background {
    pub(super) task: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(super) struct Panicked {
    pub(super) what: Word,
}
