//! Which Novu this is: upstream changes that a given version has or does not have yet.

use std::collections::BTreeSet;

/// A change of behaviour in Novu, named for what holds after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    /// The two OAuth routes for linking and connecting exist (pull request 10870, April 2026);
    /// before, only the combined `/v1/integrations/chat/oauth` did.
    SplitRoutes,
    /// One chat user has at most one endpoint for each integration (11307, May 2026).
    UniqueChatUser,
    /// The page after OAuth is a card instead of a script that closes the tab (11372, May 2026).
    ResultCard,
    /// Installing into Slack again updates the connection instead of a 409 (11613, June 2026).
    SlackUpsert,
    /// Minting a Slack link creates a missing subscriber (11992, July 2026); before, only ids that
    /// begin with `connect:`.
    SlackProvisioning,
    /// A context can be signed, and must be where the integration says so (11973, July 2026).
    ContextHmac,
    /// Azure's refusals are shown as a page instead of a 500 (11934, August 2026).
    TeamsErrorPage,
    /// Idempotent replays of an error have its status instead of 503 (12451, August 2026).
    ErrorReplay,
}

/// A version of Novu, as the set of changes it contains.
#[derive(Debug, Clone)]
pub struct Release(BTreeSet<Change>);

impl Default for Release {
    fn default() -> Self {
        Self::v3_19()
    }
}

impl Release {
    /// Novu 3.19.0.
    #[must_use]
    pub fn v3_19() -> Self {
        Self(BTreeSet::from([
            Change::SplitRoutes,
            Change::UniqueChatUser,
            Change::ResultCard,
            Change::SlackUpsert,
            Change::SlackProvisioning,
            Change::ContextHmac,
            Change::TeamsErrorPage,
        ]))
    }

    /// The same version with one more change.
    #[must_use]
    pub fn with(mut self, change: Change) -> Self {
        self.0.insert(change);
        self
    }

    /// The same version before one change.
    #[must_use]
    pub fn without(mut self, change: Change) -> Self {
        self.0.remove(&change);
        self
    }

    pub(super) fn has(&self, change: Change) -> bool {
        self.0.contains(&change)
    }
}
