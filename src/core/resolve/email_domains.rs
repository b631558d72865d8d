//! Whose e-mail addresses count: an administrator of one workspace can confirm addresses there, so
//! where several workspaces share one set of subscribers, each has domains of its own.

use super::Subject;
use crate::core::platform::Platform;

/// Stands for any domain.
const ANY: &str = "*";

/// One domain of one workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmailDomain {
    /// Slack team or organisation id, or Entra tenant id.
    workspace: String,
    /// The domain; any if none.
    domain: Option<String>,
}

/// That an entry is not one, and what one looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "is not a workspace with a domain: write it like T0123ABCD=example.com, or T0123ABCD=* for any"
)]
pub struct BadEmailDomain;

impl EmailDomain {
    /// Reads `WORKSPACE=DOMAIN` or `WORKSPACE=*`.
    ///
    /// # Errors
    /// It is neither.
    pub fn parse(text: &str) -> Result<Self, BadEmailDomain> {
        let (workspace, domain) = text.split_once('=').ok_or(BadEmailDomain)?;
        let (workspace, domain) = (workspace.trim_ascii(), domain.trim_ascii());
        let fits = |text: &str, more: &[u8]| {
            !text.is_empty()
                && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || more.contains(&byte))
        };
        let is_domain = domain == ANY || fits(domain, b".-") && !domain.starts_with('.');
        if !fits(workspace, b"-_") || !is_domain {
            return Err(BadEmailDomain);
        }
        let domain = Some(domain.to_owned()).filter(|domain| domain != ANY);
        Ok(Self { workspace: workspace.to_owned(), domain })
    }
}

/// The domains of all workspaces.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EmailDomains(Vec<EmailDomain>);

impl EmailDomains {
    /// Takes the entries of the configuration.
    #[must_use]
    pub fn new(entries: Vec<EmailDomain>) -> Self {
        Self(entries)
    }

    /// Whether a domain is listed for a workspace or organisation.
    pub(super) fn list(&self, platform: &Platform, workspace: &str) -> bool {
        self.0.iter().any(|entry| platform.same_id(workspace, &entry.workspace))
    }

    /// Whether an address counts for this person: its domain is listed for their workspace or its
    /// organisation, or nothing is listed for these and no other workspace is served.
    #[must_use]
    pub fn permit(&self, subject: Subject<'_>, address: &str) -> bool {
        let Subject { platform, person, served } = subject;
        let place = &person.workspace;
        let is_theirs = |entry: &&EmailDomain| {
            [place.id.as_str(), place.realm()]
                .into_iter()
                .any(|id| platform.same_id(id, &entry.workspace))
        };
        let mut listed = self.0.iter().filter(is_theirs).peekable();
        if listed.peek().is_none() {
            return served <= 1;
        }
        let domain = address.rsplit_once('@').map_or("", |(_, domain)| domain);
        listed.any(|entry| {
            entry.domain.as_ref().is_none_or(|listed| listed.eq_ignore_ascii_case(domain))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::person::{Person, Workspace};
    use crate::{slack, teams};

    fn domains(entries: &[&str]) -> EmailDomains {
        EmailDomains::new(entries.iter().map(|entry| EmailDomain::parse(entry).unwrap()).collect())
    }

    #[test]
    fn with_several_workspaces_only_what_is_listed_counts() {
        let in_grid =
            Workspace { enterprise: Some("E1".to_owned()), ..Workspace::standalone("T1") };
        let ada =
            Person { platform: slack::PLATFORM.id(), workspace: in_grid, user: "U1".to_owned() };
        let cases = [
            (&[][..], "ada@acme.example", 1, true),
            (&[], "ada@acme.example", 2, false),
            (&["T1=acme.example"], "ada@ACME.example", 2, true),
            (&["T1=acme.example"], "ada@acme.example.org", 2, false),
            (&["T1=acme.example"], "ada@sub.acme.example", 2, false),
            (&["T1=acme.example"], "ada@x@other.example", 1, false),
            (&["T1=\u{41}cme.example"], "ada@acme.example", 2, true),
            (&["T2=acme.example"], "ada@acme.example", 2, false),
            (&["T2=acme.example"], "ada@acme.example", 1, true),
            (&["t1=acme.example"], "ada@acme.example", 2, false),
            (&["E1=acme.example"], "ada@acme.example", 2, true),
            (&["T1=*"], "ada@acme.example", 2, true),
            (&["T1=a.example", "T1=acme.example"], "ada@acme.example", 2, true),
        ];
        for (entries, address, served, permitted) in cases {
            let verdict = domains(entries)
                .permit(Subject { platform: &slack::PLATFORM, person: &ada, served }, address);
            assert_eq!(verdict, permitted, "{entries:?} {address} {served}");
        }
        let tenant = Workspace::standalone("3F25-a");
        let grace =
            Person { platform: teams::PLATFORM.id(), workspace: tenant, user: "g".to_owned() };
        let subject = Subject { platform: &teams::PLATFORM, person: &grace, served: 2 };
        assert!(domains(&["3f25-A=acme.example"]).permit(subject, "g@acme.example"));
    }

    #[test]
    fn entries_name_a_workspace_and_a_domain() {
        for text in
            ["", "T1", "=a.example", "T1=", "T1=a@b", "T1=.a", "T 1=a", "T1=https://a", "*=a"]
        {
            assert_eq!(EmailDomain::parse(text), Err(BadEmailDomain), "{text}");
        }
        assert!(EmailDomain::parse(" T1 = a.example ").is_ok());
    }
}
