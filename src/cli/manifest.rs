//! `manifest`: what the chat platforms are told about the app.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{Args, Subcommand};
use url::Url;

use super::{ConfigFile, FAILED, MISUSED};
use crate::app::{Config, sections};
use crate::config::{Problems, Reader, Sources};
use crate::http::config::PUBLIC_URL;
use crate::net::origin::Origin;
use crate::novu::config::public_api_url;
use crate::slack::manifest as slack;
use crate::teams::manifest::PackageOptions;

/// The platform to describe the app to.
#[derive(Debug, Subcommand)]
pub(super) enum Platform {
    /// Print the Slack app's manifest, and the link that creates the app
    ///
    /// The manifest goes to standard output or to --out, with your address, name, command, scopes and
    /// Novu as configured. The link opens Slack's page for new apps with all of it filled in. What each
    /// scope is for is printed beside it.
    Slack {
        #[command(flatten)]
        source: Source,
        /// Novu's API as browsers reach it; wins over the configured one
        #[arg(long, value_name = "URL", value_parser = public_api_url)]
        novu_api: Option<Url>,
        /// Write the manifest to a file instead
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },

    /// Build the Teams app package
    ///
    /// A ZIP file with manifest and icons, to be uploaded to your organisation's app catalogue in
    /// the Teams admin center. The same input always gives the same file.
    Teams {
        #[command(flatten)]
        source: Source,
        #[command(flatten)]
        app: PackageOptions,
        /// The ZIP file to write
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
}

/// Where the service's own data come from.
#[derive(Debug, Args)]
pub(super) struct Source {
    #[command(flatten)]
    config: ConfigFile,
    /// The https origin at which people reach the service; wins over the configured one
    #[arg(long, value_name = "URL")]
    public_url: Option<Origin>,
}

/// Why there is no manifest.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    /// The configuration says something wrong, or not enough.
    #[error(transparent)]
    Misconfigured(#[from] Problems),
    /// It could not be made or written.
    #[error("{0:#}")]
    Failed(#[from] anyhow::Error),
}

impl Trouble {
    /// The exit code for it.
    pub(super) fn code(&self) -> u8 {
        match self {
            Self::Misconfigured(_) => MISUSED,
            Self::Failed(_) => FAILED,
        }
    }
}

/// Describes the app. What was asked for goes to `out`, remarks go to `aside`.
///
/// # Errors
/// The configuration is wrong, the service's address is not known, or a file cannot be written.
pub(super) fn run(
    platform: Platform,
    out: &mut impl Write,
    aside: &mut impl Write,
) -> Result<(), Trouble> {
    match platform {
        Platform::Slack { source, novu_api, out: file } => {
            let app = source.describe(|reader, origin| {
                if !reader.is_given(&PUBLIC_URL) && origin.is_none() {
                    let cause = "is missing, but Slack has to know the address of this service";
                    reader.lacks(&PUBLIC_URL, format!("{cause}: set it or give --public-url"));
                }
                slack::App::read(reader, origin?, novu_api)
            })?;
            match file {
                Some(file) => save_slack(&app, &file, out)?,
                None => show_slack(&app, out, aside)?,
            }
        }
        Platform::Teams { source, app, out: file } => {
            let package = source.describe(|reader, origin| app.package(reader, origin))?;
            save(&file, &package.zip().context("the package could not be built")?)?;
            say(out, format_args!("Upload {} to your app catalogue in Teams.", file.display()))?;
        }
    }
    Ok(())
}

/// The manifest alone goes to `out`, so that it can be redirected.
fn show_slack(
    app: &slack::App,
    out: &mut impl Write,
    aside: &mut impl Write,
) -> anyhow::Result<()> {
    write!(out, "{}", app.json()?).context("the manifest cannot be printed")?;
    describe(app, aside)
}

fn save_slack(app: &slack::App, file: &Path, out: &mut impl Write) -> anyhow::Result<()> {
    save(file, app.json()?.as_bytes())?;
    describe(app, out)
}

/// The link that creates the app, and what each of its scopes is for.
fn describe(app: &slack::App, to: &mut impl Write) -> anyhow::Result<()> {
    say(to, format_args!("Create the app: {}", app.creation_link()?))?;
    say(to, format_args!("It asks for these scopes:"))?;
    for slack::Scope { name, grant, reason } in app.scopes() {
        say(to, format_args!("  {name} ({}): {reason}", grant.name()))?;
    }
    Ok(())
}

fn say(to: &mut impl Write, words: std::fmt::Arguments<'_>) -> anyhow::Result<()> {
    writeln!(to, "{words}").context("the answer cannot be printed")
}

fn save(file: &Path, content: &[u8]) -> anyhow::Result<()> {
    std::fs::write(file, content).with_context(|| format!("cannot write {}", file.display()))
}

impl Source {
    /// Describes the app from the configuration as far as it goes: a manifest is made before there
    /// are secrets, so these are not looked at, and before the app has its place in Novu.
    fn describe<T>(
        self,
        describe: impl FnOnce(&mut Reader, Option<Origin>) -> Option<T>,
    ) -> Result<T, Problems> {
        let sources = Sources::of_process(self.config.path.as_deref())?;
        let mut reader = sources.read_without_secrets(&sections());
        Config::judge_unfinished(&mut reader);
        let origin = self.public_url.or_else(|| configured_origin(&mut reader));
        let app = describe(&mut reader, origin);
        reader.conclude(app).map(|(app, _)| app)
    }
}

/// The configured address of the service, where a platform can call it.
fn configured_origin(reader: &mut Reader) -> Option<Origin> {
    let origin = Origin::try_from(reader.optional(&PUBLIC_URL)?);
    origin.map_err(|complaint| reader.blame(&PUBLIC_URL, complaint)).ok()
}
