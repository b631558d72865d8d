//! Which of a workspace's channel connections a link goes through.
//!
//! Novu delivers only where trigger, endpoint and connection agree on the context, so connections in
//! different contexts are different ways to be reached, and picking one is somebody's decision.

use std::sync::Arc;

use super::refusal::{Reason, Refusal};
use crate::novu::{ChannelConnection, Context};

/// What settles which connection is meant.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Choice<'a> {
    /// The context that the identity webhook named.
    pub(super) context: Option<&'a Context>,
    /// The identifier of the connection that the operator prefers.
    pub(super) pinned: Option<&'a str>,
    /// The identifier of the connection that the person is linked over already.
    pub(super) linked_over: Option<&'a str>,
}

/// The connection to use. `candidates` are those of one workspace, the best first.
///
/// # Errors
/// None is in the context that was named; or they are in different contexts, and nothing says which
/// one is meant.
pub(super) fn choose(
    candidates: &[Arc<ChannelConnection>],
    choice: Choice<'_>,
) -> Result<Arc<ChannelConnection>, Refusal> {
    let first = candidates.first().ok_or(Reason::WorkspaceNotConnected)?;
    let named = |identifier: Option<&str>| {
        candidates.iter().find(|candidate| identifier == Some(candidate.identifier.as_str()))
    };
    let chosen = if let Some(context) = choice.context {
        let wanted = context.keys();
        candidates.iter().find(|candidate| same_keys(&wanted, &candidate.context_keys))
    } else if let Some(pinned) = named(choice.pinned) {
        Some(pinned)
    } else if is_contested(candidates) {
        named(choice.linked_over)
    } else {
        Some(first)
    };
    chosen.cloned().ok_or_else(|| Reason::ContextMismatch.into())
}

/// Whether connections that nothing puts behind the first are in another context than it.
pub(super) fn is_contested(candidates: &[Arc<ChannelConnection>]) -> bool {
    equals(candidates).any(|other| !same_keys(&other.context_keys, &candidates[0].context_keys))
}

/// The connections that are as good as the first but for their age: of the same workspace or
/// organisation, and shared like it. A personal one never stands in the way of a shared one, because
/// any subscriber can make it.
pub(super) fn equals(
    candidates: &[Arc<ChannelConnection>],
) -> impl Iterator<Item = &Arc<ChannelConnection>> {
    let like_the_first = |other: &ChannelConnection, first: &ChannelConnection| {
        // Entra's ids differ in case without being others, and here no others can meet.
        let id =
            |of: &ChannelConnection| of.workspace.as_ref().map(|at| at.id.to_ascii_lowercase());
        other.subscriber_id.is_some() == first.subscriber_id.is_some() && id(other) == id(first)
    };
    let first = candidates.first();
    candidates.iter().filter(move |other| first.is_some_and(|first| like_the_first(other, first)))
}

/// Whether two contexts are the same; the order of their keys plays no part.
pub(super) fn same_keys(one: &[String], other: &[String]) -> bool {
    one.len() == other.len() && one.iter().all(|key| other.contains(key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::novu::{SubscriberId, Workspace};

    fn connection(identifier: &str, keys: &[&str]) -> ChannelConnection {
        ChannelConnection {
            identifier: identifier.to_owned(),
            integration_identifier: "slack".to_owned(),
            subscriber_id: None,
            context_keys: keys.iter().map(|key| (*key).to_owned()).collect(),
            workspace: Some(Workspace { id: "T1".to_owned(), name: None, bot_user_id: None }),
            access_token: None,
            created_at: None,
            updated_at: None,
        }
    }

    #[track_caller]
    fn verdict(candidates: &[ChannelConnection], choice: Choice<'_>) -> Option<String> {
        let candidates: Vec<_> = candidates.iter().cloned().map(Arc::new).collect();
        choose(&candidates, choice).ok().map(|chosen| chosen.identifier.clone())
    }

    #[test]
    fn connections_in_different_contexts_need_somebody_who_chooses() {
        let eu = connection("eu", &["tenant:eu", "app:crm"]);
        let us = connection("us", &["tenant:us"]);
        let also_eu = connection("also-eu", &["app:crm", "tenant:eu"]);
        let personal = ChannelConnection {
            subscriber_id: SubscriberId::new("admin").ok(),
            ..connection("personal", &[])
        };
        let none = Choice::default();
        let both = [eu.clone(), us.clone()];
        assert_eq!(verdict(&both, none), None);
        assert_eq!(verdict(&both, Choice { pinned: Some("eu"), ..none }).as_deref(), Some("eu"));
        assert_eq!(verdict(&both, Choice { pinned: Some("other"), ..none }), None);
        assert_eq!(
            verdict(&both, Choice { linked_over: Some("us"), ..none }).as_deref(),
            Some("us")
        );
        let context = Context::from_keys(&["tenant:us".to_owned()]).unwrap();
        let named = Choice { context: Some(&context), pinned: Some("eu"), ..none };
        assert_eq!(verdict(&both, named).as_deref(), Some("us"));
        assert_eq!(verdict(std::slice::from_ref(&eu), named), None);

        assert_eq!(verdict(&[eu.clone(), also_eu], none).as_deref(), Some("eu"));
        assert_eq!(verdict(&[eu.clone(), personal.clone()], none).as_deref(), Some("eu"));
        let organisation = ChannelConnection {
            workspace: Some(Workspace { id: "E1".to_owned(), name: None, bot_user_id: None }),
            ..us
        };
        assert_eq!(verdict(&[eu.clone(), organisation], none).as_deref(), Some("eu"));
        let another = ChannelConnection { context_keys: eu.context_keys, ..personal.clone() };
        assert_eq!(verdict(&[personal, another], none), None);
        assert_eq!(verdict(&[], none), None);
    }
}
