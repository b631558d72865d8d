//! What came of a sign-in at the provider: judged by the connection that is there afterwards, without any
//! effect.

use super::request::{Before, Outcome, Terms};
use super::traps::is_of;
use crate::core::candidates::same_keys;
use crate::core::person::Workspace;
use crate::core::platform::Platform;
use crate::novu::ChannelConnection;

/// What is known of a request by now.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing has happened yet.
    Nothing,
    /// It is as it was asked for.
    Right {
        /// Whether the connection is the organisation's.
        organisation: bool,
    },
    /// It is not. A connection that was not there before can be removed.
    Wrong(Outcome),
}

/// Judges the connection that has the identifier that was asked for, if there is one. `before` is what
/// it was when the button was pressed.
pub(super) fn judge(
    platform: &Platform,
    workspace: &Workspace,
    terms: &Terms,
    before: Option<&Before>,
    now: Option<&ChannelConnection>,
) -> Verdict {
    let Some(connection) = now else { return Verdict::Nothing };
    // Made anew under the same identifier, it was not there before either.
    let before = before.filter(|before| before.created_at == connection.created_at);
    if before.is_some_and(|before| before.updated_at == connection.updated_at) {
        return Verdict::Nothing;
    }
    let undone = before.is_none();
    if !is_of(platform, connection, workspace) {
        let at = connection.workspace.as_ref();
        let called = at.map(|at| at.name.clone().unwrap_or_else(|| at.id.clone()));
        let workspace = called.unwrap_or_default();
        return Verdict::Wrong(Outcome::WrongWorkspace { workspace, undone });
    }
    // Novu leaves context and owner of a connection that it finds as they are.
    let as_asked = same_keys(&connection.context_keys, &terms.context_keys())
        && connection.subscriber_id.as_ref() == terms.owner(platform);
    if before.is_none() && !as_asked {
        return Verdict::Wrong(Outcome::WrongContext { undone });
    }
    let at = connection.workspace.as_ref();
    let organisation = at.is_some_and(|at| workspace.enterprise.as_deref() == Some(&at.id));
    Verdict::Right { organisation }
}

#[cfg(test)]
mod tests;
