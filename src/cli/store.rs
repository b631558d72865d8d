//! `store`: what is in the store, and moving it.

use std::fmt::Display;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Subcommand;

use super::{ConfigFile, MISUSED, complain, misconfigured, told};
use crate::app::platforms;
use crate::clock::SystemClock;
use crate::store::config::{Settings, location};
use crate::store::{self, Forgotten, KeyRole, Overview, Owner};

/// What to do with the store.
#[derive(Debug, Subcommand)]
pub(super) enum Action {
    /// Say what is in the store, and which keys seal it
    ///
    /// Tells how many promised answers (jobs) and messages there are, and how many rows each key has sealed:
    /// a key behind the first one that has sealed none can be taken out of store.keys. The service may go on
    /// running.
    Info {
        #[command(flatten)]
        file: ConfigFile,
    },

    /// Back up a store in a file of SQLite
    ///
    /// Writes a copy of the file as it is at this moment, while the service goes on running. A file that
    /// is there already is not touched. The key is not in it: keep the key file, or store.keys, too, and
    /// in another place. PostgreSQL is backed up by its own means.
    Backup {
        /// The file to write
        #[arg(value_name = "FILE")]
        to: PathBuf,
        #[command(flatten)]
        file: ConfigFile,
    },

    /// Copy everything from another store into this one
    ///
    /// This one, which the configuration names, has to be empty, or not there yet. What is copied is sealed
    /// with its first key; to open it, store.keys and the key files beside both stores count. Stop the
    /// service first: a store that is in use is not copied. All is copied or nothing, and the other store
    /// stays as it is, so do not start a service on it again.
    Copy {
        /// The store to copy, written as in store.url. A password of PostgreSQL that is not in it comes
        /// from PGPASSWORD or the password file
        #[arg(long, value_name = "URL")]
        from: String,
        #[command(flatten)]
        file: ConfigFile,
    },

    /// Remove what is stored of a person
    ///
    /// Removes the messages that could still change, and what is known of the link of their chat account. What
    /// is promised to them at this moment is gone once
    /// it is kept, a few minutes later. Nothing is removed from Novu, Slack or Teams, nor from the log. The
    /// service may go on running.
    Forget {
        /// slack or teams
        platform: String,
        /// The id of the workspace or tenant, or of the organisation of an Enterprise Grid
        workspace: String,
        /// The id of the user: as Slack writes it, or the one of Entra
        user: String,
        #[command(flatten)]
        file: ConfigFile,
    },
}

/// Does it. Gives the exit code.
pub(super) async fn run(action: Action, out: &mut impl Write) -> u8 {
    let file = match &action {
        Action::Info { file }
        | Action::Backup { file, .. }
        | Action::Copy { file, .. }
        | Action::Forget { file, .. } => file,
    };
    let (settings, warnings) = match file.store() {
        Ok(read) => read,
        Err(problems) => return misconfigured(&problems),
    };
    for warning in warnings {
        complain(format_args!("warning: {warning}"));
    }
    match action {
        Action::Info { .. } => told(&info(&settings, out).await),
        Action::Backup { to, .. } => told(&back_up(&settings, &to, out).await),
        Action::Copy { from, .. } => match location(&from) {
            Ok(from) => told(&copy(&from, &settings, out).await),
            Err(complaint) => misused(format_args!("--from {complaint}")),
        },
        Action::Forget { platform, workspace, user, .. } => {
            match owner(&platform, &workspace, &user) {
                Ok(owner) => told(&forget(&settings, owner, out).await),
                Err(code) => code,
            }
        }
    }
}

/// By whom the store knows a person; the exit code where there is no such platform.
pub(super) fn owner(platform: &str, workspace: &str, user: &str) -> Result<Owner, u8> {
    let Some(platform) = platforms().find(|known| known.name == platform) else {
        let names: Vec<_> = platforms().map(|known| known.name).collect();
        let names = names.join(" or ");
        return Err(misused(format_args!("there is no platform {platform}: take {names}")));
    };
    let (workspace, user) = (platform.canonical_id(workspace), platform.canonical_id(user));
    Ok(Owner::of(platform.name, &workspace, &user))
}

fn misused(words: impl Display) -> u8 {
    complain(words);
    MISUSED
}

async fn info(settings: &Settings, out: &mut impl Write) -> anyhow::Result<()> {
    let overview = store::overview(settings).await?;
    for (name, value) in settings.describe().into_iter().chain(figures(&overview)) {
        writeln!(out, "{name:<11} {value}")?;
    }
    for (key, rows, role) in &overview.keys {
        let role = match role {
            KeyRole::First => "seals what is new",
            KeyRole::Further if *rows == 0 => "has no use any more: take it out of store.keys",
            KeyRole::Further => "only opens",
            KeyRole::Missing => {
                "is missing: put the key file back, or put the key into store.keys, behind the first one"
            }
        };
        writeln!(out, "{:<11} {key} has sealed {rows} rows; it {role}", "key")?;
    }
    if let Some(trouble) = &overview.key_trouble {
        writeln!(out, "warning: {trouble}")?;
    }
    Ok(())
}

fn figures(overview: &Overview) -> [(&'static str, String); 8] {
    let Overview { step, known_step, open_jobs, ended_jobs, messages, pages, .. } = overview;
    let Overview { links: (links, gone), audit, held, workspaces: (requests, open), .. } = overview;
    [
        ("tables", format!("step {step}; this release knows {known_step}")),
        ("jobs", format!("{open_jobs} open, {ended_jobs} ended lately")),
        ("messages", messages.to_string()),
        ("pages", pages.to_string()),
        ("links", format!("{links} known, {gone} of them gone")),
        ("audit", format!("{audit} lines")),
        ("held", format!("{held} chat accounts that another subscriber holds")),
        ("workspaces", format!("{requests} requests, {open} open")),
    ]
}

async fn back_up(settings: &Settings, to: &Path, out: &mut impl Write) -> anyhow::Result<()> {
    let key = store::back_up(settings, to).await?;
    writeln!(out, "backed up to {}", to.display())?;
    let key = key.map_or("store.keys".into(), |file| format!("the key in {}", file.display()));
    writeln!(out, "it opens only with {key}: keep that too")?;
    Ok(())
}

async fn copy(
    from: &store::config::Location,
    settings: &Settings,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    let copied = store::copy(from, settings, &(Arc::new(SystemClock) as _)).await?;
    for (table, rows) in &copied.rows {
        writeln!(out, "{table:<18} {rows} copied")?;
    }
    if copied.damaged > 0 {
        writeln!(out, "warning: {} rows were left out, because they are damaged", copied.damaged)?;
    }
    writeln!(out, "start the service on {} now, and no more on {from}", settings.location)?;
    Ok(())
}

async fn forget(settings: &Settings, owner: Owner, out: &mut impl Write) -> anyhow::Result<()> {
    let forgotten = store::forget(&settings.location, owner).await?;
    let Forgotten { messages, pages, links, held, pseudonyms } = forgotten;
    let removed = [
        ("messages", messages),
        ("pages", pages),
        ("links", links),
        ("held", held),
        ("pseudonyms", pseudonyms),
    ];
    for (what, removed) in removed {
        writeln!(out, "{what:<11} {removed} removed")?;
    }
    Ok(())
}
