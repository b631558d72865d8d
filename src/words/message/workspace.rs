//! What an administrator is told about their workspace.

use super::{
    Button, CHECK, CONNECT_WORKSPACE, DISCONNECT_WORKSPACE, DISCONNECT_WORKSPACE_AND_LINKS,
    DISCONNECT_WORKSPACE_NOW, KEEP_WORKSPACE, LONGEST_NAME, Message, Offer, RECONNECT,
    RECONNECT_WORKSPACE, Style, Target, Voice,
};
use crate::core::workspaces::{ConnectedWorkspace, Health, Outcome};
use crate::core::{WorkspaceAnswer, WorkspaceStart};

/// The most connections of one workspace that are shown.
const MOST_CONNECTIONS: usize = 5;

impl Voice<'_> {
    pub(super) fn workspace(&self, answer: &WorkspaceAnswer) -> Message {
        match answer {
            WorkspaceAnswer::Start(start) => self.workspace_start(start),
            WorkspaceAnswer::Overview { connected, can_reconnect } => {
                let shown = connected.iter().take(MOST_CONNECTIONS);
                let body = shown.flat_map(|it| self.connected_workspace(it)).collect();
                let offers: &[Offer] = if *can_reconnect {
                    &[CHECK, RECONNECT, DISCONNECT_WORKSPACE]
                } else {
                    &[CHECK, DISCONNECT_WORKSPACE]
                };
                self.with(body, offers)
            }
            WorkspaceAnswer::DisconnectWanted(connected) => {
                let links = connected.links.unwrap_or_default().to_string();
                let name = self.workspace_name(connected);
                let body = vec![
                    self.say("workspace-disconnect-wanted", &[("workspace", &name)]),
                    self.say("workspace-disconnect-links", &[("links", &links)]),
                    self.say("workspace-disconnect-hint", &[]),
                ];
                let offers =
                    [DISCONNECT_WORKSPACE_NOW, DISCONNECT_WORKSPACE_AND_LINKS, KEEP_WORKSPACE];
                self.with(body, &offers)
            }
            WorkspaceAnswer::Disconnecting => {
                self.with(vec![self.say("workspace-disconnecting", &[])], &[])
            }
            WorkspaceAnswer::TokenDied { workspace, why } => {
                let name = workspace.as_deref().map(|name| self.harmless(name, LONGEST_NAME));
                let name = name.unwrap_or_else(|| self.say("workspace-this", &[]));
                let values = [("workspace", name.as_str()), ("why", *why)];
                let body =
                    vec![self.say("workspace-died", &values), self.say("workspace-died-hint", &[])];
                self.with(body, &[RECONNECT_WORKSPACE])
            }
            WorkspaceAnswer::Ended { workspace, outcome, reconnects } => {
                self.workspace_ended(workspace, outcome, *reconnects)
            }
        }
    }

    fn workspace_start(&self, start: &WorkspaceStart) -> Message {
        let name = start.workspace.as_deref().map(|name| self.harmless(name, LONGEST_NAME));
        let name = name.unwrap_or_else(|| self.say("workspace-this", &[]));
        let key = if start.reconnects { "workspace-restart" } else { "workspace-start" };
        let lead = self.say(key, &[("workspace", &name)]);
        let hint = self.language.remedy("workspace-start", &[]);
        let label = self.say("workspace-start-button", &[]);
        let quoted = self.say("button-spoken", &[("label", &label)]);
        let buttons = self.say("buttons-spoken", &[("buttons", &quoted)]);
        Message {
            spoken: format!("{lead} {hint}\n{buttons}"),
            body: vec![lead, hint],
            buttons: vec![Button {
                spoken_label: label.clone(),
                label,
                style: Style::Primary,
                target: Target::Link(start.page.clone()),
            }],
            footer: None,
        }
    }

    fn workspace_name(&self, connected: &ConnectedWorkspace) -> String {
        let called = connected.name.as_deref().or(connected.workspace.as_deref());
        self.harmless(called.unwrap_or(&connected.connection), LONGEST_NAME)
    }

    /// What is connected, and whether it works where somebody looked.
    fn connected_workspace(&self, connected: &ConnectedWorkspace) -> Vec<String> {
        let name = self.workspace_name(connected);
        let since = connected.since.map(|since| self.markup.day(since));
        let lead = match &since {
            Some(since) => {
                self.say("workspace-connected-since", &[("workspace", &name), ("since", since)])
            }
            None => self.say("workspace-is-connected", &[("workspace", &name)]),
        };
        let owner = connected.subscriber.as_ref().map(|owner| {
            let owner = self.harmless(owner.as_str(), LONGEST_NAME);
            self.say("workspace-owner", &[("owner", &owner)])
        });
        let context = if connected.context.is_empty() {
            self.say("workspace-no-context", &[])
        } else {
            let context = self.harmless(&connected.context.join(", "), LONGEST_NAME);
            self.say("workspace-context", &[("context", &context)])
        };
        let connection = self.harmless(&connected.connection, LONGEST_NAME);
        let connection =
            self.say("workspace-connection", &[("connection", &self.markup.code(&connection))]);
        let links = connected
            .links
            .map(|links| self.say("workspace-links", &[("links", &links.to_string())]));
        let health = connected.health.map(|health| match health {
            Health::Works => self.say("workspace-works", &[]),
            Health::Dead(why) => self.say("workspace-dead", &[("why", why)]),
            Health::NoToken => self.say("workspace-no-token", &[]),
            Health::Expired => self.say("workspace-expired", &[]),
            Health::Unknown => self.say("workspace-unknown", &[]),
        });
        let details = [owner, Some(context), Some(connection), links].into_iter().flatten();
        [Some(lead), Some(details.collect::<Vec<_>>().join(" ")), health]
            .into_iter()
            .flatten()
            .collect()
    }

    fn workspace_ended(&self, workspace: &str, outcome: &Outcome, reconnects: bool) -> Message {
        let name = self.harmless(workspace, LONGEST_NAME);
        let again = if reconnects { RECONNECT_WORKSPACE } else { CONNECT_WORKSPACE };
        let mut body = Vec::new();
        let offer = match outcome {
            Outcome::Connected { organisation, came_back } => {
                body.push(self.say("workspace-connected", &[("workspace", &name)]));
                body.push(self.say("workspace-connected-hint", &[]));
                if *organisation {
                    body.push(self.say("workspace-organisation", &[]));
                }
                if !came_back {
                    body.push(self.say("workspace-other-browser", &[]));
                }
                CHECK
            }
            Outcome::WrongWorkspace { workspace: other, undone } => {
                let other = self.harmless(other, LONGEST_NAME);
                let values = [("workspace", name.as_str()), ("other", other.as_str())];
                body.push(self.say("workspace-wrong", &values));
                let key = if *undone { "workspace-undone" } else { "workspace-repointed" };
                body.push(self.say(key, &[("other", &other)]));
                if *undone { again } else { CONNECT_WORKSPACE }
            }
            Outcome::WrongContext { undone } => {
                body.push(self.say("workspace-wrong-context", &[("workspace", &name)]));
                let key = if *undone { "workspace-undone-context" } else { "workspace-repointed" };
                body.push(self.say(key, &[]));
                if *undone { again } else { CONNECT_WORKSPACE }
            }
            Outcome::NotFinished => {
                body.push(self.say("workspace-not-finished", &[("workspace", &name)]));
                body.push(self.language.remedy("workspace-not-finished", &[]));
                again
            }
            Outcome::NotStarted | Outcome::Replaced => {
                body.push(self.say("workspace-not-started", &[]));
                again
            }
            Outcome::Disconnected { removed, kept } => {
                body.push(self.say("workspace-disconnected", &[("workspace", &name)]));
                if *removed > 0 {
                    let links = removed.to_string();
                    body.push(self.say("workspace-links-removed", &[("links", &links)]));
                }
                if *kept {
                    body.push(self.say("workspace-links-stay", &[]));
                }
                CONNECT_WORKSPACE
            }
        };
        self.with(body, &[offer])
    }
}
