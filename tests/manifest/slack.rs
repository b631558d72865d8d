//! The Slack app's manifest.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use connect_sandbox::slack::{Options, Slack, Team, User};
use jiff::Timestamp;
use novu_connect_bot::app;
use novu_connect_bot::clock::SystemClock;
use novu_connect_bot::clock::{ManualClock, SharedClock};
use novu_connect_bot::core::{Person, Profiles, Workspace};
use novu_connect_bot::net::{self, Outgoing};
use novu_connect_bot::random::SystemRandom;
use novu_connect_bot::slack::WebApi;
use novu_connect_bot::slack::block_kit::PrivateMessage;
use novu_connect_bot::slack::manifest::{App, Grant};
use novu_connect_bot::words::message::Message;
use secrecy::SecretString;
use serde_json::json;
use tower::ServiceExt as _;
use url::Url;

use super::*;

const COMMITTED: &str = include_str!("../../manifests/slack/manifest.json");
const README: &str = include_str!("../../manifests/slack/README.md");
const SCHEMA: &str = include_str!("../schemas/slack-manifest-schema.json");

fn parsed(app: &App) -> Value {
    serde_json::from_str(&app.json().unwrap()).unwrap()
}

/// The app with the default configuration, save for these variables.
fn app_with(more: &[(&str, &str)]) -> App {
    let env = more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let mut reader = Sources::new(None, env).read_without_secrets(&sections());
    let app = App::read(&mut reader, origin(), None);
    reader.conclude(app).unwrap().0
}

fn configured(more: &[(&str, &str)]) -> Value {
    parsed(&app_with(more))
}

fn at(manifest: &Value, pointer: &str) -> String {
    manifest.pointer(pointer).unwrap().as_str().unwrap().to_owned()
}

#[test]
fn the_repository_has_what_the_program_writes() {
    let app = app_with(&[]);
    assert_eq!(COMMITTED, app.json().unwrap());
    let link = app.creation_link().unwrap();
    assert!(README.contains(&format!("]({link})\n")), "the link in the README should be {link}");
}

#[test]
fn slacks_schema_accepts_it() {
    assert_eq!(problems(SCHEMA, &parsed(&app_with(&[]))), [""; 0]);
    let (shortest, longest) = ("/c", format!("/{}", "c".repeat(31)));
    for command in [shortest, &longest] {
        let manifest = configured(&[
            ("CONNECT_SLACK__COMMAND", command),
            ("CONNECT_SLACK__USER_SCOPE", "users:read,users:read.email"),
            ("CONNECT_IDENTITY__CHAIN", "email"),
        ]);
        assert_eq!(problems(SCHEMA, &manifest), [""; 0]);
    }
}

#[test]
fn slacks_schema_would_notice() {
    let manifest = parsed(&app_with(&[]));
    for (pointer, wrong) in [
        ("/features/slash_commands/0/command", "connect"),
        ("/features/slash_commands/0/url", "connect.example.com"),
        ("/display_information/name", ""),
    ] {
        let wrong = with(&manifest, pointer, wrong.into());
        assert!(!problems(SCHEMA, &wrong).is_empty(), "{pointer}");
    }
}

#[test]
fn it_says_what_is_configured() {
    let manifest = configured(&[
        ("CONNECT_APP__NAME", "Acme Updates!"),
        ("CONNECT_APP__SUPPORT", "help@acme.example"),
        ("CONNECT_APP__PRIVACY_URL", "https://acme.example/privacy"),
        ("CONNECT_SLACK__COMMAND", "/notify"),
        ("CONNECT_SLACK__USER_SCOPE", "users:read"),
        ("CONNECT_WORKSPACES__SCOPE", "commands,chat:write,users:read,im:write"),
        ("CONNECT_NOVU__API_URL", "https://novu.example.com/api"),
    ]);
    assert_eq!(problems(SCHEMA, &manifest), [""; 0]);
    assert_eq!(at(&manifest, "/display_information/name"), "Acme Updates!");
    assert_eq!(at(&manifest, "/features/bot_user/display_name"), "acme-updates");
    assert_eq!(at(&manifest, "/features/slash_commands/0/command"), "/notify");
    let description = at(&manifest, "/display_information/long_description");
    assert!(description.contains("/notify status") && !description.contains("/connect"));
    let addresses = "\nHelp: help@acme.example\nPrivacy: https://acme.example/privacy";
    assert!(description.ends_with(addresses), "{description}");
    assert_eq!(
        manifest.pointer("/oauth_config/scopes").unwrap(),
        &json!({
            "bot": ["commands", "chat:write", "users:read", "im:write"],
            "user": ["users:read"],
        })
    );
    assert_eq!(
        at(&manifest, "/oauth_config/redirect_urls/0"),
        "https://novu.example.com/api/v1/integrations/chat/oauth/callback",
    );
}

#[test]
fn a_bot_always_has_a_name_that_slack_takes() {
    for (name, bot) in [("Ünïted", "n-ted"), ("通知", "novu-connect"), ("A  b/C", "a-b-c")] {
        let manifest = configured(&[("CONNECT_APP__NAME", name)]);
        assert_eq!(at(&manifest, "/features/bot_user/display_name"), bot);
    }
}

#[test]
fn it_can_be_installed_for_an_organisation_where_one_is_served() {
    let switched = |workspaces: &str| {
        let manifest = configured(&[("CONNECT_SLACK__WORKSPACES", workspaces)]);
        manifest.pointer("/settings/org_deploy_enabled").unwrap().as_bool().unwrap()
    };
    assert!(switched("T0123ABCD,E0123ABCD"));
    assert!(!switched("T0123ABCD"));
}

#[tokio::test]
async fn addresses_lead_to_routes() {
    let clock: SharedClock = Arc::new(ManualClock::new(Timestamp::UNIX_EPOCH));
    let config = config(&[("CONNECT_STORE__URL", "memory")]);
    let app = app::App::build(config, clock, Arc::new(SystemRandom)).await.unwrap();
    let status = async |path: &str| {
        let request = Request::post(path).body(Body::empty()).unwrap();
        app.router().oneshot(request).await.unwrap().status()
    };
    let manifest = parsed(&app_with(&[]));
    for pointer in ["/features/slash_commands/0/url", "/settings/interactivity/request_url"] {
        let address = at(&manifest, pointer);
        let path = address.strip_prefix(SAMPLE).unwrap();
        assert_eq!(status(path).await, StatusCode::UNAUTHORIZED, "{path} wants a signature");
    }
    assert_eq!(status("/slack/elsewhere").await, StatusCode::NOT_FOUND);
    assert!(manifest.pointer("/settings/event_subscriptions").is_none(), "no route takes events");
}

#[test]
fn the_readme_gives_the_reason_for_every_scope_and_for_no_other() {
    let section = README.split("## Scopes, and why").nth(1).unwrap();
    let given: BTreeSet<_> =
        section.lines().filter(|line| line.starts_with("| `")).map(str::to_owned).collect();
    let asked = app_with(&[]).scopes();
    let needed: BTreeSet<_> = asked
        .iter()
        .map(|scope| format!("| `{}` | {} | {} |", scope.name, scope.grant.name(), scope.reason))
        .collect();
    assert_eq!(given, needed);
    let unexplained = app_with(&[("CONNECT_WORKSPACES__SCOPE", "im:write")]).scopes();
    assert!(asked.iter().all(|scope| scope.reason != unexplained[0].reason));
}

/// What the service does in Slack with a token that has these scopes: looks a person up, with
/// their address or without, and writes to them.
async fn tried(scopes: &[&str]) -> (bool, bool, bool) {
    let clock: SharedClock = Arc::new(ManualClock::new(Timestamp::UNIX_EPOCH));
    let slack = Slack::start(clock, Options::default()).await.unwrap();
    let team = Team::new("T1", "Acme");
    let token = SecretString::from(team.bot_token.clone());
    slack.add_team(team);
    slack.add_user(User::new("T1", "U1", "Ada Lovelace"));
    slack.set_scopes("T1", scopes);
    let base = Url::parse(&format!("{}/api", slack.url())).unwrap();
    let clock = Arc::new(SystemClock);
    let http = Outgoing::new(net::client().unwrap(), clock.clone(), Arc::default());
    let api = WebApi::new(&base, http, clock).unwrap();
    let person = Person {
        platform: novu_connect_bot::slack::PLATFORM.id(),
        workspace: Workspace::standalone("T1"),
        user: "U1".to_owned(),
    };
    let profile = api.profile(&person, Some(&token)).await.ok();
    let message = Message {
        body: vec!["Hello".to_owned()],
        buttons: Vec::new(),
        footer: None,
        spoken: "Hello".to_owned(),
    };
    let message = PrivateMessage::render(&message);
    let posted = api.post_direct_message(&token, "U1", &message).await.is_ok();
    (profile.is_some(), profile.is_some_and(|profile| profile.email.address().is_some()), posted)
}

#[tokio::test]
async fn every_scope_is_needed_and_none_is_missing() {
    let app = app_with(&[]);
    let all: Vec<_> = app.bot_scopes.iter().map(String::as_str).collect();
    let without = |left_out: &str| -> Vec<_> {
        all.iter().copied().filter(|scope| *scope != left_out).collect()
    };
    assert_eq!(tried(&all).await, (true, true, true));
    assert_eq!(tried(&without("users:read.email")).await, (true, false, true));
    assert_eq!(tried(&without("users:read")).await, (false, false, true));
    assert_eq!(tried(&without("chat:write")).await, (true, true, false));
    // Slack itself looks for this one before it sends a command.
    assert!(all.contains(&"commands") && all.len() == 4);
    assert_eq!(app.scopes().iter().filter(|scope| scope.grant == Grant::Bot).count(), 4);
}

#[test]
fn the_link_carries_the_manifest() {
    let app = app_with(&[]);
    let url = Url::parse(&app.creation_link().unwrap()).unwrap();
    assert_eq!((url.host_str(), url.path()), (Some("api.slack.com"), "/apps"));
    let carried = |wanted: &str| {
        let (_, value) = url.query_pairs().find(|(name, _)| name == wanted).unwrap();
        value.into_owned()
    };
    assert_eq!(carried("new_app"), "1");
    assert_eq!(serde_json::from_str::<Value>(&carried("manifest_json")).unwrap(), parsed(&app));
    assert!(!url.as_str().contains('+'));
}
