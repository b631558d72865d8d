//! What is refused before anybody goes to the provider, because Novu would take it and break something.
//!
//! Novu looks for the connection to write by its identifier alone, and then by integration, subscriber
//! and context, whatever workspace it is of: what it finds gets the new token and the new workspace, and
//! everybody who is linked over it is reached through another workspace from then on (Novu 3.19,
//! Slack callback). For Teams it refuses with 409 after the consent (Novu 3.19, Teams callback).

use super::request::{Purpose, Stage, Terms, WorkspaceRequest};
use crate::core::candidates::same_keys;
use crate::core::person::Workspace;
use crate::core::platform::Platform;
use crate::core::refusal::Reason;
use crate::novu::ChannelConnection;

/// The first reason against a request, if there is one. `connections` are all of the integration.
pub(super) fn trap<'a>(
    platform: &Platform,
    workspace: &Workspace,
    purpose: Purpose,
    terms: &Terms,
    connections: impl Iterator<Item = &'a ChannelConnection> + Clone,
) -> Option<Reason> {
    let named = connections.clone().find(|it| it.identifier == terms.connection);
    if purpose == Purpose::Reconnect {
        return match named {
            None => Some(Reason::WorkspaceNotConnected),
            Some(named) if !is_of(platform, named, workspace) => Some(Reason::IdentifierTaken),
            Some(_) if platform.consents_once() => Some(Reason::ConsentedAlready),
            Some(_) => None,
        };
    }
    match named {
        Some(named) if is_of(platform, named, workspace) => return Some(Reason::ConnectedAlready),
        Some(_) => return Some(Reason::IdentifierTaken),
        None => {}
    }
    if terms.are_undecided() {
        return None;
    }
    let (owner, keys) = (terms.owner(platform), terms.context_keys());
    let written = connections
        .into_iter()
        .find(|it| it.subscriber_id.as_ref() == owner && same_keys(&it.context_keys, &keys));
    match written {
        Some(other) if is_of(platform, other, workspace) => Some(Reason::ConnectedAlready),
        Some(_) => Some(Reason::ContextTaken),
        None => None,
    }
}

/// The reason against a request while another one is under way: whichever of them ends last would take the
/// other's connection, or what the other has made would be taken for wrong and removed.
pub(super) fn rival(
    platform: &Platform,
    request: &WorkspaceRequest,
    other: &WorkspaceRequest,
) -> Option<Reason> {
    let (one, two) = (&request.terms, &other.terms);
    let same_identifier = one.connection == two.connection;
    let same_place = one.owner(platform) == two.owner(platform)
        && same_keys(&one.context_keys(), &two.context_keys());
    let same = |id: &str| ids_of(&other.workspace).any(|it| platform.same_id(id, it));
    if ids_of(&request.workspace).any(same) {
        let is_removal = matches!(other.stage, Stage::Undoing { .. } | Stage::Removing { .. });
        let same_wish = !is_removal && same_identifier && same_place;
        return (!same_wish).then_some(Reason::BeingConnected);
    }
    if same_identifier {
        return Some(Reason::IdentifierTaken);
    }
    (same_place && !one.are_undecided()).then_some(Reason::ContextTaken)
}

/// Whether a connection is this workspace's, or its organisation's.
pub(super) fn is_of(
    platform: &Platform,
    connection: &ChannelConnection,
    workspace: &Workspace,
) -> bool {
    let at = connection.workspace.as_ref();
    at.is_some_and(|at| ids_of(workspace).any(|id| platform.same_id(id, &at.id)))
}

/// The ids that Novu may give to a connection of this workspace: an installation for the organisation
/// has the organisation's.
pub(super) fn ids_of(workspace: &Workspace) -> impl Iterator<Item = &str> {
    let team = Some(workspace.id.as_str()).filter(|id| !id.is_empty());
    team.into_iter().chain(workspace.enterprise.as_deref())
}

#[cfg(test)]
mod tests;
