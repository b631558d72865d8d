//! What the command says of workspaces and of requests.

use std::io::{self, Write};

use crate::core::Platform;
use crate::core::workspaces::{ConnectedWorkspace, Health, Outcome, Stage, WorkspaceRequest};

/// What a request is about, and where its page is.
pub(super) fn tell_of_page(
    platform: &Platform,
    request: &WorkspaceRequest,
    page: &str,
    out: &mut impl Write,
) -> io::Result<()> {
    let terms = &request.terms;
    let left_open = if terms.are_undecided() { "asked for on the page" } else { "none" }.to_owned();
    let context = Some(terms.context_keys().join(", ")).filter(|keys| !keys.is_empty());
    let owner = terms.owner(platform).map(|owner| owner.as_str().to_owned());
    let lines = [
        ("workspace", request.called().to_owned()),
        ("connection", terms.connection.clone()),
        ("context", context.unwrap_or_else(|| left_open.clone())),
        ("owner", owner.unwrap_or(left_open)),
        ("request", request.id().as_str().to_owned()),
        ("page", page.to_owned()),
    ];
    for (name, value) in lines {
        writeln!(out, "{name:<11} {value}")?;
    }
    writeln!(
        out,
        "let an administrator of the workspace open the page within a day; whoever has its address can \
         use it. Nothing is connected before they agree there"
    )
}

/// One line for a connection.
pub(super) fn describe(
    platform: &str,
    connected: &ConnectedWorkspace,
    out: &mut impl Write,
) -> io::Result<()> {
    let ConnectedWorkspace { connection, workspace, name, context, subscriber, .. } = connected;
    let id = workspace.as_deref().unwrap_or("no workspace");
    let called = name.as_deref().map_or_else(|| id.to_owned(), |name| format!("{name} ({id})"));
    let context = Some(context.join(", ")).filter(|keys| !keys.is_empty());
    let context = context.as_deref().unwrap_or("none");
    write!(out, "{platform} {connection}: {called}, context {context}")?;
    if let Some(owner) = subscriber {
        write!(out, ", owner {}", owner.as_str())?;
    }
    if let Some(since) = connected.since {
        write!(out, ", since {}", since.strftime("%Y-%m-%d"))?;
    }
    if let Some(links) = connected.links {
        write!(out, ", {links} links")?;
    }
    match connected.health {
        None => writeln!(out),
        Some(Health::Works) => writeln!(out, ", works"),
        Some(Health::Dead(why)) => {
            writeln!(out, ", does not work: Slack says {why}; run workspace reconnect")
        }
        Some(Health::NoToken) => {
            writeln!(out, ", does not work: it has no token; run workspace reconnect")
        }
        Some(Health::Expired) => {
            writeln!(out, ", its token has expired: Novu renews it when it sends")
        }
        Some(Health::Unknown) => writeln!(out, ", the platform does not say whether it works"),
    }
}

/// How far a request has come, in a sentence.
pub(super) fn said(request: &WorkspaceRequest) -> String {
    match &request.stage {
        Stage::Waiting => "nobody has used the page yet".to_owned(),
        Stage::Started { .. } => {
            "somebody went on to the provider, and has not agreed yet".to_owned()
        }
        Stage::Undoing { .. } => "what was connected is wrong and is being removed".to_owned(),
        Stage::Removing { removed, .. } => {
            format!("it is being disconnected; {removed} links removed")
        }
        Stage::Ended { outcome } | Stage::Confirmed { outcome, .. } => ended(outcome),
    }
}

fn ended(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Connected { came_back: true, .. } => "it is connected".to_owned(),
        Outcome::Connected { came_back: false, .. } => {
            "it is connected, but the browser in which the page was used did not come back: find out who \
             agreed"
                .to_owned()
        }
        Outcome::WrongWorkspace { workspace, undone: true } => {
            format!("{workspace} was connected in its place; that connection was removed")
        }
        Outcome::WrongWorkspace { workspace, undone: false } => format!(
            "its connection now belongs to {workspace}: run workspace disconnect for it, and connect the right one again"
        ),
        Outcome::WrongContext { undone: true } => {
            "it was connected in another context; that connection was removed".to_owned()
        }
        Outcome::WrongContext { undone: false } => "it is connected in another context".to_owned(),
        Outcome::NotFinished => "nobody finished the sign-in in time".to_owned(),
        Outcome::NotStarted => "nobody used the page within its day".to_owned(),
        Outcome::Replaced => "the page was handed on".to_owned(),
        Outcome::Disconnected { kept: true, .. } => {
            "it is disconnected; its links were kept".to_owned()
        }
        Outcome::Disconnected { removed, kept: false } => {
            format!("it is disconnected; {removed} links removed")
        }
    }
}
