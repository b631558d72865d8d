//! Makes the checks, side by side as far as they do not need one another.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::future::Future;
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt};
use futures_util::{FutureExt, future::ready};

use super::check::Check;
use super::report::{Finding, Outcome, Report, Severity};

/// The longest that one check may take. Every call within has a limit of its own, so this is for what
/// nobody thought of.
const LONGEST: Duration = Duration::from_secs(30);

/// A check, and how it is made.
pub struct Probe {
    check: Check,
    run: BoxFuture<'static, Outcome>,
}

impl fmt::Debug for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Probe").field(&self.check).finish()
    }
}

impl Probe {
    /// A check that is made by this. Nothing happens before it is its turn.
    pub(crate) fn new(check: Check, run: impl Future<Output = Outcome> + Send + 'static) -> Self {
        Self { check, run: run.boxed() }
    }

    /// A check of which it is known already what it comes to.
    pub(crate) fn known(check: Check, outcome: Outcome) -> Self {
        Self::new(check, ready(outcome))
    }

    async fn make(self) -> (Check, Outcome) {
        let outcome = tokio::time::timeout(LONGEST, self.run).await;
        let late = |_| {
            let finding = format!("it took longer than {} s", LONGEST.as_secs());
            Outcome::failure(finding, "look at what it calls; report it if that answers well")
        };
        (self.check, outcome.unwrap_or_else(late))
    }
}

/// Makes all checks. One that needs another is made after it, and skipped if that fails; checks that are
/// not among these count as what they need themselves. `last` is made when all others are over.
pub(super) async fn make_all(mut waiting: Vec<Probe>, last: Probe) -> Report {
    let mut open: BTreeSet<Check> = waiting.iter().map(|probe| probe.check).collect();
    let mut over: BTreeMap<Check, Outcome> = BTreeMap::new();
    let mut under_way = FuturesUnordered::new();
    loop {
        while let Some(probe) = take_next(&mut waiting, &open) {
            match blamed(probe.check, &over) {
                Some(blamed) => {
                    open.remove(&probe.check);
                    over.insert(probe.check, Outcome::skipped(blamed));
                }
                // Boxed: there are dozens of them.
                None => under_way.push(probe.make().boxed()),
            }
        }
        let Some((check, outcome)) = under_way.next().await else { break };
        open.remove(&check);
        over.insert(check, outcome);
    }
    let (check, outcome) = last.make().await;
    over.insert(check, outcome);
    Report::new(over.into_iter().map(|(check, outcome)| Finding::new(check, outcome)).collect())
}

/// A check that waits for none that is still open.
fn take_next(waiting: &mut Vec<Probe>, open: &BTreeSet<Check>) -> Option<Probe> {
    let position = waiting.iter().position(|probe| !waits(probe.check, open))?;
    Some(waiting.swap_remove(position))
}

/// Whether something is open that this check needs, be it by way of checks that are not made.
fn waits(check: Check, open: &BTreeSet<Check>) -> bool {
    check.after().iter().any(|before| open.contains(before) || waits(*before, open))
}

/// The check whose failure makes this one say nothing, if there is one.
fn blamed(check: Check, over: &BTreeMap<Check, Outcome>) -> Option<Check> {
    check.after().iter().find_map(|before| match over.get(before).map(|it| it.severity) {
        Some(Severity::Failure) => Some(*before),
        Some(Severity::Skipped) | None => blamed(*before, over),
        Some(Severity::Ok | Severity::Note | Severity::Warning) => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good(check: Check) -> Probe {
        Probe::known(check, Outcome::ok("fine"))
    }

    #[tokio::test]
    async fn what_follows_from_a_failure_is_skipped_and_blames_the_failure_alone() {
        let report = make_all(
            vec![
                good(Check::SlackScopes),
                good(Check::SlackConnectionToken),
                Probe::known(Check::SlackApi, Outcome::failure("Slack is away", "wait")),
                // By way of one that is not made.
                good(Check::SlackProfiles),
                good(Check::IdentityTable),
            ],
            good(Check::ServerClock),
        )
        .await;
        assert_eq!(report.status, Severity::Failure);
        let told: Vec<_> =
            report.checks.iter().map(|it| (it.check, it.severity, it.finding.as_str())).collect();
        let skipped = "not looked at, because slack.api failed";
        assert_eq!(
            told,
            [
                (Check::ServerClock, Severity::Ok, "fine"),
                (Check::IdentityTable, Severity::Ok, "fine"),
                (Check::SlackApi, Severity::Failure, "Slack is away"),
                (Check::SlackConnectionToken, Severity::Skipped, skipped),
                (Check::SlackScopes, Severity::Skipped, skipped),
                (Check::SlackProfiles, Severity::Skipped, skipped),
            ]
        );
    }

    #[tokio::test]
    async fn a_warning_skips_nothing_and_a_note_is_nothing_bad() {
        let note = Probe::known(Check::SlackSignInSeen, Outcome::note("not seen yet", "try it"));
        let report = make_all(vec![note], good(Check::ServerClock)).await;
        assert_eq!(report.status, Severity::Ok);
        let warning = Probe::known(Check::SlackTokenRotation, Outcome::warning("soon", "act"));
        let probes = vec![warning, good(Check::SlackConnectionToken)];
        let report = make_all(probes, good(Check::ServerClock)).await;
        assert_eq!((report.status, report.count(Severity::Skipped)), (Severity::Warning, 0));
    }
}
