//! `check`: what is wrong with the configuration, or what is on; with `--online`, what is wrong with
//! everything else.

use std::io::{self, Write};
use std::sync::Arc;

use serde_json::json;

use super::{DONE, FAILED, MISUSED, WARNED};
use crate::app::{App, Config};
use crate::clock::{SharedClock, SystemClock};
use crate::config::Problems;
use crate::doctor::{Report, Severity};
use crate::random::SystemRandom;
use crate::store::Store;

/// Tells every problem with its fix, one per line; or what is on, what is taken with a warning, and
/// that all is fine. Calls nobody,
/// but opens the files that the configuration names, as the service would. Says whether all is fine.
///
/// # Errors
/// `out` cannot be written to.
pub(super) async fn report(
    config: Result<Config, Problems>,
    out: &mut impl Write,
) -> io::Result<bool> {
    let fine = config.is_ok();
    match config {
        Ok(config) => {
            for (name, value) in config.describe() {
                writeln!(out, "{name:<11} {value}")?;
            }
            for warning in &config.warnings {
                writeln!(out, "warning: {warning}")?;
            }
            if let Err(error) = open(config).await {
                writeln!(out, "- {error:#}")?;
                writeln!(out, "1 problem to solve")?;
                return Ok(false);
            }
            writeln!(out, "configuration is fine")?;
        }
        Err(problems) => {
            for problem in problems.iter() {
                writeln!(out, "- {problem}")?;
            }
            match problems.len() {
                1 => writeln!(out, "1 problem to solve")?,
                count => writeln!(out, "{count} problems to solve")?,
            }
        }
    }
    Ok(fine)
}

/// Looks at everything that the configuration depends on, and tells what is wrong, with the fix; as JSON if
/// that is asked for. Gives the exit code.
///
/// # Errors
/// `out` cannot be written to.
pub(super) async fn examine(
    config: Result<Config, Problems>,
    json: bool,
    out: &mut impl Write,
) -> io::Result<u8> {
    let problems = match config {
        Ok(config) => match open(config).await {
            Ok(app) => return tell(&app.doctor().await, json, out),
            Err(error) => vec![format!("{error:#}")],
        },
        Err(problems) => problems.iter().map(ToString::to_string).collect(),
    };
    if json {
        let told = json!({ "status": "misconfigured", "problems": problems });
        writeln!(out, "{told:#}")?;
    } else {
        for problem in problems {
            writeln!(out, "- {problem}")?;
        }
    }
    Ok(MISUSED)
}

/// The service as it would be, on a store of its own: the one that is configured may be in use, and is not
/// made before there is a service.
async fn open(config: Config) -> anyhow::Result<App> {
    let clock: SharedClock = Arc::new(SystemClock);
    let store = Store::in_memory(Arc::clone(&clock));
    App::build_on(store, config, clock, Arc::new(SystemRandom)).await
}

fn tell(report: &Report, json: bool, out: &mut impl Write) -> io::Result<u8> {
    if json {
        let told = serde_json::to_string_pretty(report)?;
        writeln!(out, "{told}")?;
    } else {
        writeln!(out, "{report}")?;
    }
    Ok(match report.status {
        Severity::Failure => FAILED,
        Severity::Warning => WARNED,
        Severity::Ok | Severity::Skipped | Severity::Note => DONE,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn reported(env: &[(&str, &str)]) -> String {
        let env = env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let config = Config::load(None, env, &|_| Err(io::ErrorKind::NotFound.into()));
        let mut out = Vec::new();
        report(config, &mut out).await.unwrap();
        String::from_utf8(out).unwrap()
    }

    #[tokio::test]
    async fn what_is_on_is_told_without_secrets() {
        let text = reported(&[
            ("CONNECT_NOVU__API_KEY", "s3cret"),
            ("CONNECT_SLACK__SIGNING_SECRETS", "s3cret1,s3cret2"),
            ("CONNECT_SLACK__INTEGRATION", "slack-main"),
            ("CONNECT_IDENTITY__CHAIN", "email,template"),
        ])
        .await;
        for words in [
            "127.0.0.1:3000",
            "https://api.novu.co/",
            "/connect by integration slack-main, 2 signing secrets, preferred connection none",
            "email then template",
            "store       SQLite in /",
            "/novu-connect-bot.db, sealed by the key file beside it",
        ] {
            assert!(text.contains(words), "{words}: {text}");
        }
        assert!(text.ends_with("\nconfiguration is fine\n") && !text.contains("s3cret"), "{text}");
    }

    #[tokio::test]
    async fn what_is_seldom_meant_is_a_warning_and_fine() {
        let text = reported(&[
            ("CONNECT_NOVU__API_KEY", "s3cret"),
            ("CONNECT_NOVU__API_URL", "http://novu-api:3000"),
            ("CONNECT_SLACK__SIGNING_SECRETS", "0123456789abcdef0123456789abcdef"),
            ("CONNECT_SLACK__INTEGRATION", "slack-main"),
        ])
        .await;
        let warning = "\nwarning: novu.api_url (CONNECT_NOVU__API_URL) is plain http to another \
                       machine, so keys travel unencrypted: write https unless the network between \
                       is your own.\nconfiguration is fine\n";
        assert!(text.ends_with(warning), "{text}");
    }

    #[tokio::test]
    async fn a_table_that_cannot_be_read_is_a_problem_too() {
        let text = reported(&[
            ("CONNECT_NOVU__API_KEY", "s3cret"),
            ("CONNECT_SLACK__SIGNING_SECRETS", "s3cret1"),
            ("CONNECT_SLACK__INTEGRATION", "slack-main"),
            ("CONNECT_IDENTITY__CHAIN", "table"),
            ("CONNECT_IDENTITY__TABLE", "/nowhere/people.csv"),
        ])
        .await;
        assert!(
            text.ends_with(
                "\n- identity.table (/nowhere/people.csv) cannot be used: the file cannot be read: No \
                 such file or directory (os error 2)\n1 problem to solve\n"
            ),
            "{text}"
        );
    }

    #[tokio::test]
    async fn a_certificate_that_cannot_be_read_is_a_problem_too() {
        let text = reported(&[
            ("CONNECT_NOVU__API_KEY", "s3cret"),
            ("CONNECT_TEAMS__APP_ID", "0b1f7a3e-5b1c-4f52-9a43-0d2c5a9e7f10"),
            ("CONNECT_TEAMS__APP_CERTIFICATE", "/nowhere/bot.crt"),
            ("CONNECT_TEAMS__APP_CERTIFICATE_KEY", "/nowhere/bot.key"),
            ("CONNECT_TEAMS__INTEGRATION", "teams"),
        ])
        .await;
        assert!(text.contains("9e7f10 with the certificate /nowhere/bot.crt by"), "{text}");
        let problem = "- teams.app_certificate or teams.app_certificate_key cannot be used: the \
                       certificate's file cannot be read (entity not found)\n1 problem to solve\n";
        assert!(text.ends_with(problem), "{text}");
    }

    #[tokio::test]
    async fn every_problem_has_a_line() {
        let text = reported(&[("CONNECT_SLACK__INTEGRATION", "slack")]).await;
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 3, "{text}");
        assert!(lines[0].starts_with("- novu.api_key (CONNECT_NOVU__API_KEY) is missing: set it"));
        assert!(lines[1].starts_with("- slack.signing_secrets"));
        assert_eq!(lines[2], "2 problems to solve");
    }
}
