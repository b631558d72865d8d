//! The one log line and the one count that every answer leaves behind, once somebody has seen it.

use crate::core::{Answer, Platform, Question};
use crate::metrics::Metrics;

/// Counts an answer and writes it into the log, with the reference that the person sees. What is
/// an operator's to look at is a warning.
pub fn record(metrics: &Metrics, platform: &Platform, question: &Question, answer: &Answer) {
    let (platform, intent, name) = (platform.name, question.intent.name(), answer.name());
    metrics.answered(platform, intent, name);
    let reference = question.reference;
    let (workspace, user) = (question.asker.workspace.realm(), &question.asker.user);
    if matches!(answer, Answer::Refused(refusal) if refusal.reason.needs_operator()) {
        tracing::warn!(%reference, platform, workspace, user, intent, answer = name, "answered");
    } else {
        tracing::info!(%reference, platform, workspace, user, intent, answer = name, "answered");
    }
}
