//! The one log line and the one count that every answer leaves behind.

use super::answer::Answer;
use super::linking::Ask;
use crate::metrics::Metrics;

/// Counts an answer and writes it into the log, with the reference that the person sees. What only
/// the operator can mend is a warning.
pub fn note(metrics: &Metrics, ask: &Ask, answer: &Answer) {
    let platform = ask.person.platform.name();
    metrics.answered(platform, ask.intent.name(), answer.name());
    let workspace = ask.person.workspace.realm();
    let (user, intent) = (&ask.person.user, ask.intent.name());
    let (reference, name) = (ask.reference, answer.name());
    if matches!(answer, Answer::Refused(refusal) if refusal.reason.needs_operator()) {
        tracing::warn!(%reference, platform, workspace, user, intent, answer = name, "answered");
    } else {
        tracing::info!(%reference, platform, workspace, user, intent, answer = name, "answered");
    }
}
