//! `workspace`: connecting workspaces from the command line, beside a running service.

mod output;

use std::fmt::Display;
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use anyhow::anyhow;
use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;

use super::{ConfigFile, DONE, FAILED, MISUSED, complain, misconfigured, told};
use crate::admin::{RequestBody, WorkspaceBody};
use crate::app::{App, Config, platforms};
use crate::clock::{Clock, SharedClock, SystemClock};
use crate::core::workspaces::{
    DisconnectOrder, Given, NewRequest, RequestId, Requester, WorkspaceRequest, Workspaces, config,
};
use crate::core::{Language, Refusal, Workspace};
use crate::novu::{ConnectionMode, Context, SubscriberId};
use crate::random::SystemRandom;
use crate::store::config::Settings;
use crate::store::{self, Store};
use output::{describe, said, tell_of_page};

/// How long it is waited for the service to do what it was told to do.
const WAITED_FOR: Duration = Duration::from_mins(1);
/// How often is looked whether it has.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What to do.
#[derive(Debug, Subcommand)]
pub(super) enum Action {
    /// Make a page on which the administrator of a workspace agrees to connect it
    ///
    /// Nothing is connected before somebody has agreed there. What is not given here and not in the section
    /// workspaces of the configuration is asked for on the page. `workspace show` tells what came of it.
    Connect(Connect),

    /// Make a page on which a connected workspace gets new credentials
    ///
    /// For a Slack workspace whose token has died. Everybody who is linked stays linked.
    Reconnect {
        #[command(flatten)]
        place: Place,
        /// The identifier of the connection, where the workspace has several
        #[arg(long, value_name = "IDENTIFIER")]
        connection: Option<String>,
        #[command(flatten)]
        file: ConfigFile,
    },

    /// List what is connected
    List {
        /// Only this platform: slack or teams
        platform: Option<String>,
        /// Write JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        file: ConfigFile,
    },

    /// Tell how far a request has come
    Show {
        /// The id that was told when it was made
        request: String,
        /// Write JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        file: ConfigFile,
    },

    /// Tell whether a connection works, and how many links deliver over it
    Check {
        /// slack or teams
        platform: String,
        /// The identifier of the connection
        connection: String,
        /// Write JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        file: ConfigFile,
    },

    /// Disconnect a workspace
    ///
    /// Without --yes it only tells what would happen to whom. The service that runs on this store does it,
    /// and goes on after a restart.
    Disconnect {
        /// slack or teams
        platform: String,
        /// The identifier of the connection
        connection: String,
        /// Remove the links of its people, too; else they stay, and deliver nothing until the workspace is
        /// connected under the same identifier
        #[arg(long)]
        remove_links: bool,
        /// Do it
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        file: ConfigFile,
    },
}

/// A workspace or tenant.
#[derive(Debug, Args)]
pub(super) struct Place {
    /// slack or teams
    platform: String,
    /// The id of the workspace (T…) or tenant; or that of an Enterprise Grid organisation (E…)
    workspace: String,
    /// The organisation (E…) of a workspace of an Enterprise Grid
    #[arg(long, value_name = "ID")]
    organisation: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct Connect {
    #[command(flatten)]
    place: Place,
    /// The identifier that the connection gets; made of the integration's and the workspace's without it
    #[arg(long, value_name = "IDENTIFIER")]
    connection: Option<String>,
    /// An entry of the context, as type:id; may be given more than once
    #[arg(long, value_name = "TYPE:ID")]
    context: Vec<String>,
    /// The subscriber that owns the connection
    #[arg(long, value_name = "ID")]
    subscriber: Option<String>,
    /// A Slack scope, in place of workspaces.scope; may be given more than once
    #[arg(long, value_name = "SCOPE")]
    scope: Vec<String>,
    /// Whose the connection is; shared where there is a context, else the subscriber's
    #[arg(long)]
    mode: Option<Mode>,
    /// Link the account of whoever agrees to the subscriber as well
    #[arg(long, requires = "subscriber")]
    link_administrator: bool,
    #[command(flatten)]
    file: ConfigFile,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Mode {
    /// Everybody's with the same context
    Shared,
    /// One subscriber's
    Subscriber,
}

impl Action {
    const fn file(&self) -> &ConfigFile {
        match self {
            Self::Connect(Connect { file, .. })
            | Self::Reconnect { file, .. }
            | Self::List { file, .. }
            | Self::Show { file, .. }
            | Self::Check { file, .. }
            | Self::Disconnect { file, .. } => file,
        }
    }
}

/// Does it. Gives the exit code.
pub(super) async fn run(action: Action, out: &mut impl Write) -> u8 {
    let config = match action.file().load() {
        Ok(config) => config,
        Err(problems) => return misconfigured(&problems),
    };
    for warning in &config.warnings {
        complain(format_args!("warning: {warning}"));
    }
    match act(action, config, out).await {
        Ok(()) => DONE,
        Err(Failed::Misused(why)) => {
            complain(why);
            MISUSED
        }
        Err(Failed::Refused(refusal)) => {
            complain(sentence(&refusal));
            FAILED
        }
        Err(Failed::Other(error)) => told(&Err(error)),
    }
}

/// Why it was not done.
enum Failed {
    Misused(String),
    Refused(Refusal),
    Other(anyhow::Error),
}

impl From<Refusal> for Failed {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<anyhow::Error> for Failed {
    fn from(error: anyhow::Error) -> Self {
        Self::Other(error)
    }
}

impl From<std::io::Error> for Failed {
    fn from(error: std::io::Error) -> Self {
        Self::Other(error.into())
    }
}

/// A refusal as people in chat read it, with its code.
fn sentence(refusal: &Refusal) -> String {
    let (language, code) = (Language::default(), refusal.reason.code());
    let (why, then) = (language.say(code, &[]), language.remedy(code, &[("connect", "connect")]));
    format!("{why} {then} ({code})")
}

async fn act(action: Action, config: Config, out: &mut impl Write) -> Result<(), Failed> {
    let settings = config.store.clone();
    // The store may be in use by a service: what this command makes is put beside it.
    let clock: SharedClock = Arc::new(SystemClock);
    let store = Store::in_memory(Arc::clone(&clock));
    let app = App::build_on(store, config, clock, Arc::new(SystemRandom)).await?;
    match action {
        Action::Connect(connect) => {
            let workspaces = workspaces(&app, &connect.place.platform)?;
            let new = connect.request(&workspaces)?;
            begin(&workspaces, &settings, new, out).await
        }
        Action::Reconnect { place, connection, .. } => {
            let workspaces = workspaces(&app, &place.platform)?;
            let new = NewRequest {
                workspace: place.workspace(&workspaces)?,
                requester: Requester::CommandLine,
                reconnects: true,
                given: Given { connection, ..Given::default() },
                key: None,
            };
            begin(&workspaces, &settings, new, out).await
        }
        Action::List { platform, json, .. } => list(&app, platform, json, out).await,
        Action::Show { request, json, .. } => show(&settings, &request, json, out).await,
        Action::Check { platform, connection, json, .. } => {
            let workspaces = workspaces(&app, &platform)?;
            let checked = workspaces.check(None, Some(&connection)).await?;
            if json {
                let shown = WorkspaceBody::of(workspaces.platform().name, checked);
                writeln!(out, "{:#}", json!(shown))?;
            } else {
                describe(&platform, &checked, out)?;
            }
            Ok(())
        }
        Action::Disconnect { platform, connection, remove_links, yes, .. } => {
            let workspaces = workspaces(&app, &platform)?;
            let checked = workspaces.check(None, Some(&connection)).await?;
            describe(&platform, &checked, out)?;
            if !yes {
                let links = if remove_links { "its links are removed" } else { "its links stay" };
                writeln!(out, "nothing was done: with --yes it is disconnected, and {links}")?;
                return Ok(());
            }
            let order = DisconnectOrder {
                workspace: None,
                connection: Some(connection),
                remove_links,
                requester: Requester::CommandLine,
                key: None,
            };
            let request = workspaces.draft_disconnect(order).await?;
            put(&workspaces, &settings, &request).await?;
            wait(&settings, &request, out).await
        }
    }
}

fn workspaces(app: &App, platform: &str) -> Result<Arc<Workspaces>, Failed> {
    app.workspaces(platform).ok_or_else(|| {
        let known = platforms().any(|known| known.name == platform);
        let names: Vec<_> = platforms().map(|known| known.name).collect();
        Failed::Misused(if known {
            format!("{platform} is not on: fill in its section of the configuration")
        } else {
            format!("there is no platform {platform}: take {}", names.join(" or "))
        })
    })
}

impl Place {
    fn workspace(&self, workspaces: &Workspaces) -> Result<Workspace, Failed> {
        let place =
            workspaces.platform().place(Some(&self.workspace), self.organisation.as_deref());
        place.map_err(Failed::Misused)
    }
}

impl Connect {
    fn request(&self, workspaces: &Workspaces) -> Result<NewRequest, Failed> {
        let context = match self.context.as_slice() {
            [] => None,
            keys => Some(Context::from_keys(keys).map_err(|error| misused("context", error))?),
        };
        let subscriber = self.subscriber.clone().map(SubscriberId::new).transpose();
        let subscriber = subscriber.map_err(|error| misused("subscriber", error))?;
        for scope in &self.scope {
            config::scope(scope).map_err(|why| Failed::Misused(format!("--scope {why}")))?;
        }
        let given = Given {
            connection: self.connection.clone(),
            context,
            subscriber,
            scope: Some(self.scope.clone()).filter(|scope| !scope.is_empty()),
            mode: self.mode.map(|mode| match mode {
                Mode::Shared => ConnectionMode::Shared,
                Mode::Subscriber => ConnectionMode::Subscriber,
            }),
            auto_link_user: self.link_administrator,
        };
        Ok(NewRequest {
            workspace: self.place.workspace(workspaces)?,
            requester: Requester::CommandLine,
            reconnects: false,
            given,
            key: None,
        })
    }
}

fn misused(option: &str, why: impl Display) -> Failed {
    Failed::Misused(format!("--{option} cannot be used: {why}"))
}

async fn put(
    workspaces: &Workspaces,
    settings: &Settings,
    request: &WorkspaceRequest,
) -> anyhow::Result<()> {
    store::put_workspace_request_beside(settings, workspaces.to_store(request, None)).await?;
    Ok(())
}

/// Stores a request, and tells what it is about and where its page is.
async fn begin(
    workspaces: &Workspaces,
    settings: &Settings,
    new: NewRequest,
    out: &mut impl Write,
) -> Result<(), Failed> {
    let request = workspaces.draft(new).await?;
    let page = workspaces.page_of(&request)?;
    put(workspaces, settings, &request).await?;
    Ok(tell_of_page(workspaces.platform(), &request, page.expose(), out)?)
}

async fn list(
    app: &App,
    platform: Option<String>,
    json: bool,
    out: &mut impl Write,
) -> Result<(), Failed> {
    let wanted: Vec<_> = match platform {
        Some(platform) => vec![workspaces(app, &platform)?],
        None => platforms().filter_map(|platform| app.workspaces(platform.name)).collect(),
    };
    let mut all = Vec::new();
    for workspaces in wanted {
        let name = workspaces.platform().name;
        all.extend(workspaces.list(None).await?.into_iter().map(|it| (name, it)));
    }
    if json {
        let rows: Vec<_> = all.into_iter().map(|(name, it)| WorkspaceBody::of(name, it)).collect();
        writeln!(out, "{:#}", json!(rows))?;
        return Ok(());
    }
    if all.is_empty() {
        writeln!(out, "nothing is connected: begin with workspace connect")?;
    }
    for (name, connected) in &all {
        describe(name, connected, out)?;
    }
    Ok(())
}

async fn show(
    settings: &Settings,
    id: &str,
    json: bool,
    out: &mut impl Write,
) -> Result<(), Failed> {
    let Some(id) = RequestId::read(id) else {
        return Err(Failed::Misused(format!("{id} is no id of a request")));
    };
    let Some((platform, request)) = stored(settings, &id).await? else {
        return Err(anyhow!("there is no request {}", id.as_str()).into());
    };
    if json {
        writeln!(out, "{:#}", json!(RequestBody::of(platform, &request)))?;
    } else {
        writeln!(out, "{}: {}", request.called(), said(&request))?;
    }
    Ok(())
}

/// A request that is stored, with its platform's name.
async fn stored(
    settings: &Settings,
    id: &RequestId,
) -> anyhow::Result<Option<(&'static str, WorkspaceRequest)>> {
    let stored = store::workspace_request_beside(settings, id.as_str()).await?;
    Ok(stored.and_then(|stored| {
        let platform = platforms().find(|known| known.name == stored.platform)?;
        Some((platform.name, WorkspaceRequest::read(&stored)?))
    }))
}

/// Waits until the service has done it, or for a while.
async fn wait(
    settings: &Settings,
    request: &WorkspaceRequest,
    out: &mut impl Write,
) -> Result<(), Failed> {
    let (id, clock) = (request.id(), SystemClock);
    let until = clock.monotonic() + WAITED_FOR;
    while clock.monotonic() < until {
        let request = stored(settings, &id).await?.map(|(_, request)| request);
        if let Some(request) = request.filter(|request| request.outcome().is_some()) {
            writeln!(out, "{}: {}", request.called(), said(&request))?;
            return Ok(());
        }
        clock.sleep(LOOK_EVERY).await;
    }
    let why = format!(
        "it is ordered and not done yet: see that a service runs on {}, and ask workspace show {}",
        settings.location,
        id.as_str()
    );
    Err(anyhow!(why).into())
}
