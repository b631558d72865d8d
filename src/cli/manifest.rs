//! `manifest`: what the chat platforms are told about the app.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{Args, Subcommand};

use super::{ConfigFile, FAILED, MISUSED};
use crate::config::{Config, KEYS, Key, Problems};
use crate::net::origin::Origin;
use crate::slack::manifest as slack;
use crate::teams::manifest::{AppId, Developer, DeveloperName, Package, Version, WebPage};

/// Keys whose values exist only once the app does. A manifest is written before, and needs none.
const LATER: &[&str] = &["novu.api_key", "slack.signing_secrets", "slack.integration"];
/// The same for a manifest of Teams.
const LATER_FOR_TEAMS: &[&str] = &["novu.api_key", "teams.integration"];
/// And where the bot's application is named on the command line.
const LATER_FOR_NAMED: &[&str] = &["novu.api_key", "teams.integration", "teams.app_id"];
/// Wanted where the service has an address, and only there.
const LINK_KEYS: &str = "server.link_keys";
/// Wanted where the bot has no certificate, and only there.
const APP_SECRET: &str = "teams.app_secret";
/// What stands for the values of secrets and of [`LATER`]; fits all of them.
const PLACEHOLDER: &str = "not-needed-for-a-manifest";

/// The platform to describe the app to.
#[derive(Debug, Subcommand)]
pub(super) enum Platform {
    /// Print the Slack app's manifest, and the link that creates the app
    ///
    /// The manifest goes to standard output or to --out, with your address, command, scopes and
    /// Novu as configured. The link opens Slack's page for new apps with all of it filled in.
    Slack {
        #[command(flatten)]
        source: Source,
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
        app: TeamsApp,
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

/// What only Teams wants to know.
#[derive(Debug, Args)]
pub(super) struct TeamsApp {
    /// Client id of the bot's Entra application [default: `teams.app_id`]
    #[arg(long, value_name = "ID")]
    app_id: Option<AppId>,
    /// Version of the package, which has to grow with every upload [default: this program's]
    #[arg(long, value_name = "VERSION")]
    app_version: Option<Version>,
    /// Who stands behind the app, at most 32 characters [default: Novu Connect]
    #[arg(long, value_name = "NAME")]
    developer: Option<DeveloperName>,
    /// Page with help for the app [default: Novu's]
    #[arg(long, value_name = "URL")]
    website: Option<WebPage>,
    /// Page about privacy [default: Novu's]
    #[arg(long, value_name = "URL")]
    privacy: Option<WebPage>,
    /// Page with the terms of use [default: Novu's]
    #[arg(long, value_name = "URL")]
    terms: Option<WebPage>,
}

/// Why there is no manifest.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    /// The arguments or the configuration do not say enough, or something wrong.
    #[error("{0}")]
    Misused(String),
    /// It could not be made or written.
    #[error("{0:#}")]
    Failed(#[from] anyhow::Error),
}

impl Trouble {
    /// The exit code for it.
    pub(super) fn code(&self) -> u8 {
        match self {
            Self::Misused(_) => MISUSED,
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
        Platform::Slack { source, out: file } => {
            let app = describe_slack(&source)?;
            match file {
                Some(file) => save_slack(&app, &file, out)?,
                None => show_slack(&app, out, aside)?,
            }
        }
        Platform::Teams { source, app, out: file } => {
            let later = if app.app_id.is_some() { LATER_FOR_NAMED } else { LATER_FOR_TEAMS };
            let config = source.config(later)?;
            let origin = source.origin(&config)?;
            let package = app.package(&config, origin)?;
            save(&file, &package.zip().context("the package could not be built")?)?;
            say(out, format_args!("Upload {} to your app catalogue in Teams.", file.display()))?;
        }
    }
    Ok(())
}

fn describe_slack(source: &Source) -> Result<slack::App, Trouble> {
    let config = source.config(LATER)?;
    let origin = source.origin(&config)?.ok_or_else(|| {
        Trouble::Misused(
            "Slack has to know the address of this service: give --public-url or set \
             server.public_url."
                .to_owned(),
        )
    })?;
    Ok(slack::App::configured(origin, &config))
}

/// The manifest alone goes to `out`, so that it can be redirected.
fn show_slack(
    app: &slack::App,
    out: &mut impl Write,
    aside: &mut impl Write,
) -> anyhow::Result<()> {
    write!(out, "{}", app.json()?).context("the manifest cannot be printed")?;
    say(aside, format_args!("Create the app: {}", app.creation_link()?))
}

fn save_slack(app: &slack::App, file: &Path, out: &mut impl Write) -> anyhow::Result<()> {
    save(file, app.json()?.as_bytes())?;
    say(out, format_args!("Create the app: {}", app.creation_link()?))
}

fn say(to: &mut impl Write, words: std::fmt::Arguments<'_>) -> anyhow::Result<()> {
    writeln!(to, "{words}").context("the answer cannot be printed")
}

fn save(file: &Path, content: &[u8]) -> anyhow::Result<()> {
    std::fs::write(file, content).with_context(|| format!("cannot write {}", file.display()))
}

impl Source {
    /// The configuration, with placeholders for what a manifest does without.
    fn config(&self, later: &[&str]) -> Result<Config, Trouble> {
        let file = self.config.path.as_deref().map(std::fs::read_to_string).transpose();
        let file = file.map_err(|error| {
            Trouble::Misused(format!(
                "The configuration file cannot be read ({}): correct the path after --config or \
                 the file's permissions.",
                error.kind(),
            ))
        })?;
        let env = std::env::vars_os().map(|(name, value)| {
            (name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned())
        });
        let env: Vec<_> = without_secrets(env, later).collect();
        let load = |with: &[&str]| {
            let env = without_secrets(env.iter().cloned(), with);
            // The files that variables name hold secrets.
            Config::load(file.as_deref(), env, &|_| Ok(PLACEHOLDER.to_owned()))
        };
        let mut problems = Vec::new();
        for with in [&[LINK_KEYS, APP_SECRET][..], &[LINK_KEYS], &[APP_SECRET], &[]] {
            match load(with) {
                Ok(config) => return Ok(config),
                Err(these) => problems.push(these),
            }
        }
        // Placeholders that were wrong make problems of their own: the fewer of them, the better.
        let least = problems.into_iter().rev().min_by_key(Problems::len).unwrap_or_default();
        Err(Trouble::Misused(least.to_string()))
    }

    /// The service's address, if it is known.
    fn origin(&self, config: &Config) -> Result<Option<Origin>, Trouble> {
        if self.public_url.is_some() {
            return Ok(self.public_url.clone());
        }
        let configured = config.server.public_url.clone().map(Origin::try_from).transpose();
        configured.map_err(|problem| Trouble::Misused(format!("server.public_url {problem}.")))
    }
}

/// The variables with placeholders for the keys that come later, whichever way those are given.
fn without_secrets(
    env: impl Iterator<Item = (String, String)>,
    later: &[&str],
) -> impl Iterator<Item = (String, String)> {
    let later: Vec<_> = KEYS.iter().filter(|key| later.contains(&key.name)).map(Key::env).collect();
    let files: Vec<_> = later.iter().map(|variable| format!("{variable}_FILE")).collect();
    env.filter(move |(name, _)| !files.contains(name))
        .chain(later.into_iter().map(|variable| (variable, PLACEHOLDER.to_owned())))
}

impl TeamsApp {
    fn package(self, config: &Config, origin: Option<Origin>) -> Result<Package, Trouble> {
        let configured = config.teams.as_ref().map(|teams| teams.app_id.parse());
        let Some(app_id) = self.app_id.or_else(|| configured.and_then(Result::ok)) else {
            let words = "teams.app_id is not a GUID: copy the application (client) id.";
            return Err(Trouble::Misused(words.to_owned()));
        };
        let usual = Developer::default();
        Ok(Package {
            version: self.app_version.unwrap_or_default(),
            developer: Developer {
                name: self.developer.unwrap_or(usual.name),
                website: self.website.unwrap_or(usual.website),
                privacy: self.privacy.unwrap_or(usual.privacy),
                terms: self.terms.unwrap_or(usual.terms),
            },
            ..Package::new(app_id, origin)
        })
    }
}
