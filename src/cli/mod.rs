//! The command line: which commands there are, what their help says, how they exit.

mod audit;
mod check;
#[cfg(feature = "demo")]
mod demo;
mod explain;
mod healthcheck;
mod manifest;
mod serve;
mod signals;
mod store;
mod workspace;

use std::fmt::Display;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::app::Config;
use crate::config::{Problems, Warning};
use crate::store::config::Settings;
use crate::telemetry;
use signals::Hangups;

/// The command did what it was asked to.
const DONE: u8 = 0;
/// It failed while it ran.
const FAILED: u8 = 1;
/// It works, with warnings.
const WARNED: u8 = 2;
/// It did not run, as its arguments or its configuration are wrong (`EX_USAGE` of sysexits.h).
const MISUSED: u8 = 64;

const EXAMPLES: &str = "\
Examples:
  novu-connect-bot demo --once                   see it work, without any account
  novu-connect-bot manifest slack --public-url https://connect.example.com
                                                 describe the app to Slack
  novu-connect-bot check --config connect.toml   is the configuration right?
  novu-connect-bot serve --config connect.toml   run it
  novu-connect-bot check --online --config connect.toml
                                                 does everything around it work?
  novu-connect-bot workspace connect slack T0123ABCD
                                                 make a page on which its administrator agrees
  novu-connect-bot explain slack T0001 U0001     why does it not work for this person?
  CONNECT_SERVER__LISTEN=0.0.0.0:3000 novu-connect-bot serve

Every key of the configuration has a variable CONNECT_SECTION__KEY, every secret also one that ends
with _FILE and names a file. CONNECT_LOG filters the log, for example info,novu_connect_bot=debug.

Exit codes:
  0   done
  1   failed while running; for check --online: something does not work
  2   for check --online: there are warnings
  64  wrong arguments or configuration; every problem is told, with its fix";

/// Lets people connect their chat account to Novu by typing /connect.
#[derive(Debug, Parser)]
#[command(name = "novu-connect-bot", version, after_help = EXAMPLES, subcommand_required = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the service
    ///
    /// Answers /connect until it is told to stop with SIGTERM or Ctrl-C. It then says that it is not
    /// ready, serves on for server.drain, takes no more requests, and finishes those that it has. On
    /// SIGHUP it reads its configuration anew, and takes what can change while it runs.
    Serve(ConfigFile),

    #[cfg(feature = "demo")]
    /// See the service work, without any account
    ///
    /// Runs the real service on loopback ports with stand-ins for Novu, Slack and Teams, sends it
    /// genuinely signed requests, and shows what people see. You open the sign-in link in a browser and
    /// sign in as whom you like; the demonstration then shows what the chat says of it by itself.
    Demo {
        /// Play all of it without you, and succeed only if nobody but the right person stays linked
        #[arg(long)]
        once: bool,
    },

    /// Check the configuration, or with --online everything that it depends on
    ///
    /// Tells every problem with its fix, or else what is on. Calls nobody, unless --online is given: then
    /// it asks Novu, Slack, Entra, the store, the identity webhook and the service itself at its public
    /// address, and tells what is wrong with each. It changes nothing, and can be used beside the running
    /// service. It then exits with 0 if nothing is worse than a note, 2 if there are warnings,
    /// 1 if something does not work, and 64 if the configuration is wrong.
    Check {
        /// Ask everybody whom the service depends on
        #[arg(long)]
        online: bool,
        /// Tell it as JSON
        #[arg(long, requires = "online")]
        json: bool,
        #[command(flatten)]
        file: ConfigFile,
    },

    /// Say why one person would get a link, or not
    ///
    /// Goes the way to a link step by step and tells what each one says of the person, and what they would be
    /// answered now. Creates nothing, and mints no link. Needs the whole configuration; the service may go on
    /// running. Exits with 0 if they are connected or would get a link, with 1 if not.
    Explain {
        #[command(subcommand)]
        who: explain::Who,
    },

    /// Ask the service on this machine whether it is alive
    ///
    /// For container health checks. Asks /healthz at the address that you give, or else at
    /// server.listen of the same environment and configuration file, of which nothing else is
    /// looked at. Fails unless all is fine within two seconds.
    Healthcheck {
        /// Where the service listens; wins over any configuration
        #[arg(long, value_name = "HOST:PORT")]
        address: Option<SocketAddr>,
        #[command(flatten)]
        file: ConfigFile,
    },

    /// Describe the app to Slack or Teams
    ///
    /// Writes what you give to the platform to have the app there. Needs no secrets and nothing
    /// that exists only afterwards, but takes what is configured already.
    Manifest {
        #[command(subcommand)]
        platform: Box<manifest::Platform>,
    },

    /// Write what was noted of links and administrators, or check that all of it is there
    ///
    /// The audit is in the store of the configuration, of which nothing else has to be there.
    Audit {
        #[command(subcommand)]
        action: audit::Action,
    },

    /// Connect workspaces, and see what is connected
    ///
    /// Speaks to Novu, and leaves what has to be done to the service that runs on the store of the same
    /// configuration: it serves the pages and finishes what is begun.
    Workspace {
        #[command(subcommand)]
        action: Box<workspace::Action>,
    },

    /// Look into the store, back it up, copy another one into it, or forget a person
    ///
    /// The store is the one of the configuration, of which nothing else has to be there. What each
    /// command does to a running service stands in its help.
    Store {
        #[command(subcommand)]
        action: store::Action,
    },
}

#[derive(Debug, Args)]
struct ConfigFile {
    /// Configuration file (TOML); environment variables win over it
    #[arg(long = "config", value_name = "FILE", env = "CONNECT_CONFIG")]
    path: Option<PathBuf>,
}

impl ConfigFile {
    fn load(&self) -> Result<Config, Problems> {
        Config::from_process(self.path.as_deref())
    }

    fn store(&self) -> Result<(Settings, Vec<Warning>), Problems> {
        Config::store_from_process(self.path.as_deref())
    }

    fn listen(&self) -> Result<SocketAddr, Problems> {
        Config::listen_from_process(self.path.as_deref())
    }
}

/// Runs the command that this process was started with.
pub async fn run() -> ExitCode {
    let code = match Cli::try_parse() {
        Ok(cli) => cli.command.run().await,
        Err(error) => show(&error),
    };
    code.into()
}

impl Command {
    async fn run(self) -> u8 {
        match self {
            Self::Serve(file) => {
                // First of all, so that it ends nobody who is still starting.
                let hangups = Hangups::listen();
                match file.load() {
                    Ok(config) => {
                        telemetry::start(telemetry::FOR_OPERATION);
                        ended(&serve::run(config, Box::new(move || file.load()), hangups).await)
                    }
                    Err(problems) => misconfigured(&problems),
                }
            }
            #[cfg(feature = "demo")]
            Self::Demo { once } => {
                telemetry::start(telemetry::FOR_COMPANY);
                told(&demo::run(once, &mut io::stdout()).await)
            }
            Self::Check { online: false, file, .. } => {
                match check::report(file.load(), &mut io::stdout()).await {
                    Ok(true) => DONE,
                    Ok(false) => MISUSED,
                    Err(_) => FAILED,
                }
            }
            Self::Check { json, file, .. } => {
                check::examine(file.load(), json, &mut io::stdout()).await.unwrap_or(FAILED)
            }
            Self::Healthcheck { address, file } => {
                let listen = address.map_or_else(|| file.listen(), Ok);
                match listen {
                    Ok(listen) => told(&healthcheck::run(listen).await),
                    Err(problems) => misconfigured(&problems),
                }
            }
            Self::Manifest { platform } => {
                let result = manifest::run(*platform, &mut io::stdout(), &mut io::stderr());
                result.map_or_else(|trouble| describe(&trouble), |()| DONE)
            }
            Self::Explain { who } => {
                telemetry::start(telemetry::BESIDE_A_REPORT);
                explain::run(who, &mut io::stdout()).await
            }
            Self::Audit { action } => audit::run(action, &mut io::stdout()).await,
            Self::Workspace { action } => workspace::run(*action, &mut io::stdout()).await,
            Self::Store { action } => store::run(action, &mut io::stdout()).await,
        }
    }
}

/// The code for a service that ended, after a log line if it failed.
fn ended(result: &anyhow::Result<()>) -> u8 {
    let Err(error) = result else { return DONE };
    tracing::error!(error = format!("{error:#}"), "failed");
    FAILED
}

/// The code for a command that ended, after a plain line if it failed.
fn told(result: &anyhow::Result<()>) -> u8 {
    let Err(error) = result else { return DONE };
    complain(format_args!("{error:#}"));
    FAILED
}

/// The code for a manifest that was not written, after a line that says why.
fn describe(trouble: &manifest::Trouble) -> u8 {
    complain(trouble);
    trouble.code()
}

fn misconfigured(problems: &Problems) -> u8 {
    complain(problems);
    MISUSED
}

fn complain(words: impl Display) {
    // Where nobody can be told, the exit code has to do.
    let _ = writeln!(io::stderr(), "{words}");
}

/// Shows help or version, which is no failure, or what is wrong with the arguments.
fn show(error: &clap::Error) -> u8 {
    let _ = error.print();
    if error.use_stderr() { MISUSED } else { DONE }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_has_help_worth_reading() {
        for command in Cli::command().get_subcommands() {
            let name = command.get_name();
            let short = command.get_about().map(ToString::to_string);
            let long = command.get_long_about().map(ToString::to_string);
            assert!(short.is_some() && long.is_some() && long != short, "{name}");
        }
    }
}
