//! What was found: in a line of text for people, in JSON for scripts.

use std::fmt;

use serde::{Serialize, Serializer};
use utoipa::ToSchema;

use super::check::Check;

/// How bad a finding is, from good to bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// All is as it should be.
    Ok,
    /// Nothing can be said, because another check failed that this one needs.
    Skipped,
    /// Nothing can be said yet; the fix says how to find out.
    Note,
    /// It works, but not for everybody, or not for long.
    Warning,
    /// It does not work.
    Failure,
}

impl Severity {
    /// Every severity.
    pub const ALL: [Self; 5] = [Self::Ok, Self::Skipped, Self::Note, Self::Warning, Self::Failure];

    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Skipped => "skipped",
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Failure => "failure",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

impl Serialize for Check {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// What one check came to: a severity, a line that says what was found, and one that says what to do.
/// Neither holds a secret, a token, an e-mail address or a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    pub(super) severity: Severity,
    pub(super) finding: String,
    pub(super) fix: Option<String>,
}

impl Outcome {
    /// All is as it should be.
    pub(crate) fn ok(finding: impl Into<String>) -> Self {
        Self { severity: Severity::Ok, finding: finding.into(), fix: None }
    }

    /// Nothing can be said yet, and how to find out.
    pub(crate) fn note(finding: impl Into<String>, fix: impl Into<String>) -> Self {
        Self::bad(Severity::Note, finding, fix)
    }

    /// It works, but not for everybody, or not for long.
    pub(crate) fn warning(finding: impl Into<String>, fix: impl Into<String>) -> Self {
        Self::bad(Severity::Warning, finding, fix)
    }

    /// It does not work.
    pub(crate) fn failure(finding: impl Into<String>, fix: impl Into<String>) -> Self {
        Self::bad(Severity::Failure, finding, fix)
    }

    /// How bad it is.
    #[must_use]
    pub const fn severity(&self) -> Severity {
        self.severity
    }

    /// What was found.
    #[must_use]
    pub fn finding(&self) -> &str {
        &self.finding
    }

    fn bad(severity: Severity, finding: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { severity, finding: finding.into(), fix: Some(fix.into()) }
    }

    /// Nothing can be said, because that check failed.
    pub(super) fn skipped(because: Check) -> Self {
        let finding = format!("not looked at, because {} failed", because.name());
        Self { severity: Severity::Skipped, finding, fix: None }
    }
}

/// What one check found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Finding {
    /// The check.
    #[schema(value_type = String)]
    pub check: Check,
    /// How bad it is.
    pub severity: Severity,
    /// What was found, in one line.
    pub finding: String,
    /// What to do, in one line; none where there is nothing to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub fix: Option<String>,
}

impl Finding {
    pub(super) fn new(check: Check, outcome: Outcome) -> Self {
        let Outcome { severity, finding, fix } = outcome;
        Self { check, severity, finding, fix }
    }
}

/// What all checks found, in the order of [`Check::ALL`]. Checks of what is not configured are left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Report {
    /// How bad the worst finding is; a note is nothing bad.
    pub status: Severity,
    /// The findings.
    pub checks: Vec<Finding>,
}

impl Report {
    pub(super) fn new(mut checks: Vec<Finding>) -> Self {
        checks.sort_by_key(|finding| finding.check);
        let bad = checks.iter().map(|finding| finding.severity).max();
        let status = bad.filter(|worst| *worst > Severity::Note).unwrap_or(Severity::Ok);
        Self { status, checks }
    }

    /// How many findings there are of a severity.
    #[must_use]
    pub fn count(&self, severity: Severity) -> usize {
        self.checks.iter().filter(|finding| finding.severity == severity).count()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Finding { check, severity, finding, fix } in &self.checks {
            writeln!(f, "{severity:<8} {:<28} {finding}", check.name())?;
            if let Some(fix) = fix {
                writeln!(f, "{:<8} {:<28} -> {fix}", "", "")?;
            }
        }
        let told = Severity::ALL.into_iter().rev();
        let counts: Vec<_> = told
            .map(|severity| (severity, self.count(severity)))
            .filter(|(_, count)| *count > 0)
            .map(|(severity, count)| format!("{count} {severity}"))
            .collect();
        write!(f, "{} checks: {}", self.checks.len(), counts.join(", "))
    }
}
