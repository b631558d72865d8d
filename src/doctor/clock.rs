//! This machine's clock, held against those of whoever answered.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;

use super::check::Check;
use super::examination::Examination;
use super::probe::Probe;
use super::report::Outcome;

/// Less can be a slow answer.
const DOUBTFUL: Duration = Duration::from_mins(1);
/// More, and Slack's and Teams' genuine requests are refused (Slack, verifying requests; Bot Connector
/// authentication).
const WRONG: Duration = Duration::from_mins(5);

/// Judges all dates that the other checks have met, so it has to be made after them.
pub(super) fn probe(examination: &Arc<Examination>) -> Probe {
    let examination = Arc::clone(examination);
    Probe::new(Check::ServerClock, async move { judge(&examination.dates.ahead()) })
}

fn judge(ahead: &BTreeMap<&'static str, SignedDuration>) -> Outcome {
    let off = |limit: Duration| {
        let off = ahead.iter().filter(move |(_, ahead)| ahead.unsigned_abs() > limit);
        off.map(|(place, ahead)| {
            let side = if ahead.is_negative() { "ahead of" } else { "behind" };
            format!("{side} {place} by {} s", ahead.unsigned_abs().as_secs())
        })
        .collect::<Vec<_>>()
    };
    let (doubtful, wrong) = (off(DOUBTFUL), off(WRONG));
    let fix = "let this machine set its clock by NTP";
    if ahead.is_empty() {
        let fix = "look at it again once the others answer, or compare the clock yourself";
        Outcome::note("nobody answered with a date", fix)
    } else if doubtful.is_empty() {
        let places: Vec<_> = ahead.keys().copied().collect();
        Outcome::ok(format!("the clock agrees with that of {}", places.join(", ")))
    } else if doubtful.len() * 2 <= ahead.len() {
        let finding = format!("the clock agrees with others, but is {}", doubtful.join(", "));
        Outcome::warning(finding, "the clock over there is wrong: tell whoever runs it")
    } else if wrong.is_empty() {
        Outcome::warning(format!("the clock is {}", doubtful.join(", ")), fix)
    } else {
        let finding = format!("the clock is {}, so genuine requests are refused", wrong.join(", "));
        Outcome::failure(finding, fix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Severity;

    /// The differences, what comes of them, and what is said.
    type Case<'a> = (&'a [(&'static str, i64)], Severity, &'a str);

    #[test]
    fn whoever_is_in_the_minority_is_wrong() {
        let agrees = "the clock agrees with";
        let refuses = ", so genuine requests are refused";
        let cases: [Case<'_>; 7] = [
            (&[], Severity::Note, "nobody answered with a date"),
            (
                &[("Novu", 2), ("Slack", -50)],
                Severity::Ok,
                &format!("{agrees} that of Novu, Slack"),
            ),
            (&[("Novu", 90)], Severity::Warning, "the clock is behind Novu by 90 s"),
            (
                &[("Novu", -90), ("Slack", 0)],
                Severity::Warning,
                &format!("{agrees} others, but is ahead of Novu by 90 s"),
            ),
            (
                &[("Novu", -600)],
                Severity::Failure,
                &format!("the clock is ahead of Novu by 600 s{refuses}"),
            ),
            (
                &[("Novu", 600), ("Slack", 0), ("Entra", 0)],
                Severity::Warning,
                &format!("{agrees} others, but is behind Novu by 600 s"),
            ),
            (
                &[("Novu", 600), ("Slack", -601), ("Entra", 0)],
                Severity::Failure,
                &format!("the clock is behind Novu by 600 s, ahead of Slack by 601 s{refuses}"),
            ),
        ];
        for (ahead, severity, finding) in cases {
            let ahead: BTreeMap<_, _> = ahead
                .iter()
                .map(|(place, seconds)| (*place, SignedDuration::from_secs(*seconds)))
                .collect();
            let judged = judge(&ahead);
            assert_eq!((judged.severity, judged.finding.as_str()), (severity, finding));
        }
    }
}
