//! The section `workspaces`: what a workspace is connected with, as far as that is decided beforehand.

use std::collections::BTreeMap;

use crate::config::{Complaint, Key, ListKey, Parsed, Reader, parse};
use crate::core::resolve::ResolverKind;
use crate::core::resolve::config::CHAIN;
use crate::novu::{Context, ContextError, ContextValue, SubscriberId};
use crate::section;

/// The place in a template where the id of the workspace or tenant goes.
const WORKSPACE: &str = "{workspace}";

section! {
    /// What a workspace is connected with.
    pub(crate) SECTION = "workspaces";

    CONTEXT: ListKey<(String, String)> = ListKey::new(
        "workspaces.context",
        "the context of connections that administrators make, each entry as type:id; {workspace} in an \
         id becomes the id of the workspace or tenant",
        context_entry,
    );

    SUBSCRIBER: Key<String> = Key::new(
        "workspaces.subscriber",
        "the subscriber that owns such a connection; {workspace} becomes the id of the workspace or \
         tenant. Created where Novu does not have it",
        subscriber,
    );

    pub(crate) SCOPE: ListKey<String> = ListKey::new(
        "workspaces.scope",
        "the scopes that a Slack workspace grants the bot",
        scope,
    )
    .or("chat:write,commands,users:read,users:read.email");
}

/// What the section says.
#[derive(Debug, Clone, Default)]
pub(crate) struct Settings {
    context: Option<Vec<(String, String)>>,
    subscriber: Option<String>,
    /// The bot scopes to ask for, in Slack.
    pub(crate) scope: Vec<String>,
}

impl Settings {
    /// Reads the section; `None` where a problem was noted.
    pub(crate) fn read(reader: &mut Reader) -> Option<Self> {
        let context = reader.optional_list(&CONTEXT);
        let subscriber = reader.optional(&SUBSCRIBER);
        let scope = reader.filled_list(&SCOPE)?;
        if let Some(entries) = &context
            && let Err(error) = context_of(entries, "T0")
        {
            reader.blame(&CONTEXT, format!("cannot be used: {error}"));
        }
        let names_workspace = |text: &String| text.contains(WORKSPACE);
        let by_context = context.iter().flatten().any(|(_, id)| names_workspace(id));
        let by_subscriber = subscriber.as_ref().is_some_and(names_workspace);
        if context.is_some() && !by_context {
            reader.warn(&CONTEXT, ONE_WORKSPACE);
        } else if context.is_none() && subscriber.is_some() && !by_subscriber {
            reader.warn(&SUBSCRIBER, ONE_WORKSPACE);
        }
        for (needed, what) in NEEDED_SCOPES {
            if !scope.iter().any(|scope| scope == needed) {
                reader.warn(&SCOPE, format!("lacks {needed}, without which {what}: add it"));
            }
        }
        let finds_by_email =
            reader.filled_list(&CHAIN).is_some_and(|it| it.contains(&ResolverKind::Email));
        if finds_by_email && !scope.iter().any(|scope| scope == EMAIL_SCOPE) {
            let what = "though identity.chain has email, which finds nobody in Slack without";
            reader.warn(&SCOPE, format!("lacks {EMAIL_SCOPE}, {what}: add it"));
        }
        Some(Self { context, subscriber, scope })
    }

    /// The context of the connection of this workspace, where that is decided; an error where this
    /// workspace's id makes none that Novu takes.
    pub(super) fn context(&self, workspace: &str) -> Option<Result<Context, ContextError>> {
        Some(context_of(self.context.as_ref()?, workspace))
    }

    /// The subscriber that owns the connection of this workspace, where that is decided.
    pub(super) fn subscriber(&self, workspace: &str) -> Option<SubscriberId> {
        SubscriberId::new(self.subscriber.as_ref()?.replace(WORKSPACE, workspace)).ok()
    }

    /// What the section says, in lines of a name and its value.
    pub(crate) fn describe(&self) -> Vec<(&'static str, String)> {
        let entry = |(kind, id): &(String, String)| format!("{kind}:{id}");
        let context = self
            .context
            .as_ref()
            .map(|entries| entries.iter().map(entry).collect::<Vec<_>>().join(","));
        let asked = "asked for".to_owned();
        let words = format!(
            "context {}, subscriber {}",
            context.unwrap_or_else(|| asked.clone()),
            self.subscriber.clone().unwrap_or(asked),
        );
        vec![("workspaces", words)]
    }
}

/// What is said where every workspace would get the same connection.
const ONE_WORKSPACE: &str = "is the same for all workspaces, so Novu would keep one connection for all: \
                             put {workspace} into it, unless there is one workspace only";

/// What is needed of a Slack workspace, and what fails without.
pub(crate) const NEEDED_SCOPES: [(&str, &str); 3] = [
    ("commands", "people have no slash command"),
    ("chat:write", "nothing can be sent"),
    ("users:read", "it cannot be told who somebody is"),
];

/// What the resolver `email` needs of a Slack workspace.
const EMAIL_SCOPE: &str = "users:read.email";

fn context_of(entries: &[(String, String)], workspace: &str) -> Result<Context, ContextError> {
    let mut values = BTreeMap::new();
    for (kind, id) in entries {
        let id = ContextValue::Id(id.replace(WORKSPACE, workspace));
        values.insert(kind.clone(), id);
    }
    Context::new(values)
}

fn context_entry(text: &str) -> Parsed<(String, String)> {
    match text.rsplit_once(':') {
        Some((kind, id)) if !kind.is_empty() && !id.is_empty() => {
            Ok((kind.to_owned(), id.to_owned()))
        }
        _ => Err("is not of the form type:id: write it like tenant:{workspace}".into()),
    }
}

fn subscriber(text: &str) -> Parsed<String> {
    parse::identifier(text).map_err(|_| Complaint::from("contains a space: write the id without"))
}

/// A scope of Slack's that a bot may ask for.
pub(crate) fn scope(text: &str) -> Parsed<String> {
    if text.contains("incoming-webhook") {
        return Err("must not be incoming-webhook: with it Novu makes a webhook in place of a \
                    connection"
            .into());
    }
    if text.chars().all(|c| c.is_ascii_lowercase() || matches!(c, '.' | ':' | '_' | '-')) {
        return Ok(text.to_owned());
    }
    Err("is not a Slack scope: write it like users:read".into())
}

#[cfg(test)]
mod tests;
