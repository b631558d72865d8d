//! A configuration as a whole: its sections and their contradictions.

mod agreement;
mod example;
mod problems;
mod store;
mod values;
mod warnings;

use std::any::Any;
use std::collections::{BTreeSet, HashMap};
use std::io;
use std::path::Path;
use std::time::Duration;

use secrecy::ExposeSecret;
use url::Url;

use super::*;
use crate::config::KeyInfo;
use crate::core::resolve::{ResolverKind, Template};
use crate::teams::config::AppCredential;

/// The least that makes a configuration.
const LEAST: [(&str, &str); 3] = [
    ("CONNECT_NOVU__API_KEY", "novu-key"),
    ("CONNECT_SLACK__SIGNING_SECRETS", "0123456789abcdef0123456789abcdef"),
    ("CONNECT_SLACK__INTEGRATION", "slack"),
];

/// What the section `teams` needs beside that.
const TEAMS_LEAST: [(&str, &str); 3] = [
    ("CONNECT_TEAMS__APP_ID", "0b1f7a3e-5b1c-4f52-9a43-0d2c5a9e7f10"),
    ("CONNECT_TEAMS__APP_SECRET", "teams-secret"),
    ("CONNECT_TEAMS__INTEGRATION", "teams"),
];

fn no_files(_: &Path) -> io::Result<String> {
    Err(io::ErrorKind::NotFound.into())
}

/// Loads the least configuration with further variables; an empty pair of brackets unsets one.
fn load(file: Option<&str>, more: &[(&str, &str)]) -> Result<Config, Problems> {
    let mut env: HashMap<_, _> = LEAST.into();
    for (name, value) in more {
        if *value == "[]" {
            env.remove(name)
        } else {
            env.insert(name, value)
        };
    }
    let env = env.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
    Config::load(file, env, &no_files)
}

/// What a platform's section says.
fn settings<T: SurfaceSettings + Clone>(config: &Config) -> T {
    let mut of_all = config.surfaces.iter().map(|settings| &**settings as &dyn Any);
    of_all.find_map(|settings| settings.downcast_ref::<T>()).unwrap().clone()
}

fn slack_settings(config: &Config) -> slack::config::Settings {
    settings(config)
}

fn teams_settings(config: &Config) -> teams::config::Settings {
    settings(config)
}

/// Every key there is.
fn keys() -> impl Iterator<Item = &'static KeyInfo> {
    sections().into_iter().flat_map(|section| section.keys.iter().copied())
}

#[track_caller]
fn problems(file: Option<&str>, more: &[(&str, &str)]) -> Vec<String> {
    load(file, more).unwrap_err().iter().map(ToString::to_string).collect()
}

/// Asserts that exactly one problem comes of it, which names `subject` and says `words`.
#[track_caller]
fn one_problem(more: &[(&str, &str)], subject: &str, words: &str) {
    let problems = problems(None, more);
    assert_eq!(problems.len(), 1, "{problems:#?}");
    assert!(problems[0].contains(subject) && problems[0].contains(words), "{problems:#?}");
}

#[test]
fn every_key_has_a_name_of_its_own_in_its_section() {
    let names: BTreeSet<_> = keys().map(|key| key.name).collect();
    assert_eq!(names.len(), keys().count());
    for section in sections() {
        for key in section.keys {
            assert_eq!(key.section(), section.name, "{}", key.name);
            assert_eq!(key.name.split('.').count(), 2, "{}", key.name);
        }
    }
}

#[test]
fn three_values_are_enough_and_the_rest_has_defaults() {
    let config = load(None, &[]).unwrap();
    let slack = slack_settings(&config);
    assert_eq!(config.server.listen, "127.0.0.1:3000".parse().unwrap());
    assert_eq!(config.server.ops_listen, "127.0.0.1:3001".parse().unwrap());
    assert_eq!(config.server.max_connections, 1024);
    assert_eq!(config.server.idle_timeout, Duration::from_secs(75));
    assert_eq!(config.novu.api_url.as_str(), "https://api.novu.co/");
    assert_eq!(config.novu.api_key.expose_secret(), "novu-key");
    assert_eq!(config.novu.timeout, Duration::from_secs(2));
    assert_eq!(config.novu.patience, Duration::from_secs(15));
    assert!(!config.novu.context_hmac);
    assert_eq!(slack.command, "/connect");
    assert_eq!(slack.api_url.as_str(), "https://slack.com/api");
    assert_eq!(slack.reply_budget, Duration::from_secs(2));
    assert_eq!(slack.user_scope, None);
    assert_eq!(config.identity.chain, [ResolverKind::Template]);
    assert_eq!(config.identity.create_missing, [ResolverKind::Template]);
    assert_eq!(Ok(config.identity.template), Template::parse("{platform}:{workspace}:{user}"));
    let response = Url::parse("https://hooks.slack.com/commands/1").unwrap();
    assert_eq!(slack.response_hosts.check(&response), Ok(()));
    assert!(slack.link_hosts.check(&response).is_err());
}

#[test]
fn no_secret_prints() {
    let chain = ("CONNECT_IDENTITY__CHAIN", "webhook,template");
    let secrets = [
        chain,
        ("CONNECT_NOVU__API_KEY", "s3cret-novu"),
        ("CONNECT_SLACK__SIGNING_SECRETS", "s3cret-slack,s3cret-old"),
        ("CONNECT_SLACK__BOT_TOKEN", "xoxb-s3cret"),
        ("CONNECT_SERVER__PUBLIC_URL", "https://a.example"),
        ("CONNECT_SERVER__LINK_KEYS", "s3cret-s3cret-s3cret,s3cret-s3cret-older"),
        ("CONNECT_IDENTITY__WEBHOOK_URL", "https://a.example/s3cret?code=s3cret"),
        ("CONNECT_IDENTITY__WEBHOOK_SECRET", "s3cret-s3cret-s3cret"),
        ("CONNECT_STORE__URL", "postgres://s3cret:s3cret@a.example/d?password=s3cret"),
        ("CONNECT_STORE__KEYS", "s3cret-s3cret-s3cret,s3cret-s3cret-older"),
    ];
    let config = load(None, &secrets).unwrap();
    assert!(!format!("{config:?}").contains("s3cret"));
    // In every wrong place, in turn; a name may be any text, and everybody reads it.
    for key in keys().filter(|key| key.name != "app.name") {
        let text = format!("{:?}", load(None, &[(key.env().as_str(), "s3cret wrong §")]));
        assert!(!text.contains("s3cret"), "{}: {text}", key.name);
    }
}
