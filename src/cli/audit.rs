//! `audit`: what was noted, and whether all of it is still there.

use std::io::Write;

use clap::Subcommand;

use super::store::owner;
use super::{ConfigFile, DONE, FAILED, complain, misconfigured, told};
use crate::audit::{self, Checkpoint, Found, Verdict};
use crate::store::config::{Location, Settings};

/// What to do with the audit.
#[derive(Debug, Subcommand)]
pub(super) enum Action {
    /// Write what was noted, one line of JSON for each event
    ///
    /// Writes chain by chain, the oldest first. Each line names the SHA-256 of the one before (previous), so
    /// what is exported can be checked without this program. People are in it by pseudonyms. The service may
    /// go on running.
    Export {
        /// Only what is about one person: slack or teams, the id of the workspace, tenant or organisation,
        /// and the id of the user
        #[arg(long, num_args = 3, value_names = ["PLATFORM", "WORKSPACE", "USER"])]
        person: Option<Vec<String>>,
        #[command(flatten)]
        file: ConfigFile,
    },

    /// Check that no line was changed, put in or taken out
    ///
    /// Follows each chain from its beginning, and tells how many lines it has, the hash of the last one, and
    /// what breaks it. That lines are missing at the end shows only against what the log said: give each
    /// checkpoint of the log by --expect. Fails if a chain is broken. The service may go on running.
    Verify {
        /// A checkpoint from the service's log; may be given more than once
        #[arg(long, value_name = "CHAIN:LENGTH:HEAD")]
        expect: Vec<Checkpoint>,
        #[command(flatten)]
        file: ConfigFile,
    },
}

/// Does it. Gives the exit code.
pub(super) async fn run(action: Action, out: &mut impl Write) -> u8 {
    let file = match &action {
        Action::Export { file, .. } | Action::Verify { file, .. } => file,
    };
    let (settings, warnings) = match file.store() {
        Ok(read) => read,
        Err(problems) => return misconfigured(&problems),
    };
    for warning in warnings {
        complain(format_args!("warning: {warning}"));
    }
    if matches!(settings.location, Location::Memory) {
        complain(IN_MEMORY);
        return FAILED;
    }
    match action {
        Action::Export { person, .. } => export(&settings, person, out).await,
        Action::Verify { expect, .. } => match verify(&settings, &expect, out).await {
            Ok(true) => DONE,
            Ok(false) => FAILED,
            Err(error) => told(&Err(error)),
        },
    }
}

/// What is said where there is no audit to read.
const IN_MEMORY: &str = "the store is in memory, so the audit is in the log alone: look there for lines \
                         with the message audit, or set store.url to sqlite:FILE or postgres://…";

async fn export(settings: &Settings, person: Option<Vec<String>>, out: &mut impl Write) -> u8 {
    let person = match person.as_deref() {
        Some([platform, workspace, user]) => match owner(platform, workspace, user) {
            Ok(owner) => Some(owner),
            Err(code) => return code,
        },
        _ => None,
    };
    match audit::export(settings, person.as_ref(), out).await {
        Ok(Found::Lines(_)) => DONE,
        Ok(Found::Nobody) => {
            complain("nothing was noted of that person, or they were forgotten");
            FAILED
        }
        Err(error) => told(&Err(error)),
    }
}

async fn verify(
    settings: &Settings,
    expected: &[Checkpoint],
    out: &mut impl Write,
) -> anyhow::Result<bool> {
    let verdicts = audit::verify(settings, expected).await?;
    for Verdict { held, broken } in &verdicts {
        match broken {
            None => writeln!(out, "{held} is whole")?,
            Some((line, why)) => {
                writeln!(out, "{held} holds so far; line {line} breaks it: {why}")?;
            }
        }
    }
    if verdicts.is_empty() {
        writeln!(out, "nothing was noted yet")?;
    }
    Ok(verdicts.iter().all(|verdict| verdict.broken.is_none()))
}
