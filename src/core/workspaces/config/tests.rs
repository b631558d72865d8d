//! Tests of `config.rs`.

use super::*;
use crate::config::Sources;

/// What is read of these variables, with what is wrong or doubtful.
fn read(env: &[(&str, &str)]) -> Result<(Settings, Vec<String>), Vec<String>> {
    let env = env.iter().map(|(name, value)| (format!("CONNECT_{name}"), (*value).to_owned()));
    let no_files = |_: &std::path::Path| Err(std::io::ErrorKind::NotFound.into());
    let mut reader = Sources::new(None, env).read(&[&SECTION], &no_files);
    let settings = Settings::read(&mut reader);
    match reader.conclude(settings) {
        Ok((settings, warnings)) => {
            Ok((settings, warnings.iter().map(ToString::to_string).collect()))
        }
        Err(problems) => Err(problems.iter().map(ToString::to_string).collect()),
    }
}

#[test]
fn the_workspace_is_put_where_its_name_is_and_what_is_not_said_is_asked_for() {
    let (settings, warnings) = read(&[
        ("WORKSPACES__CONTEXT", "tenant:{workspace},app:jira"),
        ("WORKSPACES__SUBSCRIBER", "bot-{workspace}"),
    ])
    .unwrap();
    assert_eq!(warnings, [""; 0]);
    assert_eq!(settings.context("T1").unwrap().unwrap().keys(), ["app:jira", "tenant:T1"]);
    assert_eq!(settings.subscriber("T1").unwrap().as_str(), "bot-T1");
    assert_eq!(settings.scope, ["chat:write", "commands", "users:read", "users:read.email"]);
    let (settings, warnings) = read(&[]).unwrap();
    assert_eq!(warnings, [""; 0]);
    assert_eq!((settings.context("T1"), settings.subscriber("T1")), (None, None));
    assert_eq!(settings.describe()[0].1, "context asked for, subscriber asked for");
}

#[test]
fn what_novu_would_not_take_or_would_take_amiss_is_refused() {
    for (name, value, words) in [
        ("WORKSPACES__CONTEXT", "acme", "is not of the form type:id"),
        ("WORKSPACES__CONTEXT", ":acme", "is not of the form type:id"),
        ("WORKSPACES__CONTEXT", "tenant:", "is not of the form type:id"),
        ("WORKSPACES__CONTEXT", "tenant:a.b", "cannot be used"),
        ("WORKSPACES__CONTEXT", "a:1,b:2,c:3,d:4,e:5,f:6", "cannot be used"),
        ("WORKSPACES__SUBSCRIBER", "a b", "contains a space"),
        ("WORKSPACES__SCOPE", "incoming-webhook", "must not be incoming-webhook"),
        ("WORKSPACES__SCOPE", "commands,incoming-webhook", "must not be incoming-webhook"),
        ("WORKSPACES__SCOPE", "Chat Write", "is not a Slack scope"),
    ] {
        let problems = read(&[(name, value)]).expect_err(value);
        assert_eq!(problems.len(), 1, "{value}: {problems:?}");
        assert!(problems[0].contains(words), "{value}: {problems:?}");
    }
}

#[test]
fn what_is_right_for_one_workspace_alone_or_lacks_a_scope_is_doubted() {
    for (env, words) in [
        (&[("WORKSPACES__CONTEXT", "tenant:acme")][..], &["is the same for all workspaces"][..]),
        (&[("WORKSPACES__SUBSCRIBER", "ops")], &["is the same for all workspaces"]),
        (&[("WORKSPACES__CONTEXT", "tenant:{workspace}"), ("WORKSPACES__SUBSCRIBER", "ops")], &[]),
        (&[("WORKSPACES__SCOPE", "commands,chat:write,users:read")], &[]),
        (
            &[("WORKSPACES__SCOPE", "users:read.email")],
            &["lacks commands", "lacks chat:write", "lacks users:read"],
        ),
    ] {
        let (_, warnings) = read(env).unwrap();
        assert_eq!(warnings.len(), words.len(), "{env:?}: {warnings:?}");
        for (warning, words) in warnings.iter().zip(words) {
            assert!(warning.contains(words), "{env:?}: {warnings:?}");
        }
    }
}
