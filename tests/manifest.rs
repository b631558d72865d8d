//! The Slack app's manifest: valid, minimal, in step with the service, and linked correctly.

#![expect(clippy::unwrap_used, reason = "a test ends where it fails")]

use serde_json::Value;

const MANIFEST: &str = include_str!("../manifests/slack/manifest.json");
const README: &str = include_str!("../manifests/slack/README.md");
const SCHEMA: &str = include_str!("schemas/slack-manifest-schema.json");
/// Creates an app from the manifest that follows (Slack: app manifests).
const CREATE_APP: &str = "https://api.slack.com/apps?new_app=1&manifest_json=";

fn manifest() -> Value {
    serde_json::from_str(MANIFEST).unwrap()
}

fn problems(manifest: &Value) -> Vec<String> {
    let schema = serde_json::from_str(SCHEMA).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    validator.iter_errors(manifest).map(|error| error.to_string()).collect()
}

#[test]
fn slacks_schema_accepts_it() {
    assert_eq!(problems(&manifest()), [""; 0]);
}

#[test]
fn slacks_schema_would_notice() {
    for (pointer, wrong) in [
        ("/features/slash_commands/0/command", "connect"),
        ("/features/slash_commands/0/url", "connect.example.com"),
        ("/display_information/name", ""),
    ] {
        let mut manifest = manifest();
        *manifest.pointer_mut(pointer).unwrap() = wrong.into();
        assert!(!problems(&manifest).is_empty(), "{pointer}");
    }
}

#[test]
fn addresses_lead_to_the_routes() {
    let manifest = manifest();
    let at = |pointer: &str| manifest.pointer(pointer).unwrap().as_str().unwrap().to_owned();
    let origin = "https://connect.example.com";
    assert_eq!(at("/features/slash_commands/0/url"), format!("{origin}/slack/commands"));
    assert_eq!(at("/settings/interactivity/request_url"), format!("{origin}/slack/interactions"));
    assert_eq!(
        at("/oauth_config/redirect_urls/0"),
        "https://api.novu.co/v1/integrations/chat/oauth/callback",
    );
    assert_eq!(at("/features/slash_commands/0/command"), "/connect");
}

#[test]
fn it_asks_for_no_more_than_the_readme_gives_a_reason_for() {
    let manifest = manifest();
    let scopes = manifest.pointer("/oauth_config/scopes").unwrap();
    assert_eq!(
        *scopes,
        serde_json::json!({
            "bot": ["commands", "chat:write", "users:read"],
            "user": ["identity.basic"],
        })
    );
    for (kind, scopes) in scopes.as_object().unwrap() {
        for scope in scopes.as_array().unwrap() {
            let row = format!("| `{}` | {kind} | ", scope.as_str().unwrap());
            assert!(README.contains(&row), "{row}");
        }
    }
    assert!(manifest.pointer("/settings/event_subscriptions").is_none());
}

#[test]
fn the_link_carries_the_manifest() {
    let lines: String = MANIFEST.lines().map(str::trim_start).collect();
    let encoded: String = form_urlencoded::byte_serialize(lines.as_bytes()).collect();
    // A space is %20 in any part of a URL, a plus only in some.
    let link = format!("{CREATE_APP}{}", encoded.replace('+', "%20"));
    assert!(README.contains(&format!("]({link})\n")), "the link in the README should be {link}");

    let url = url::Url::parse(&link).unwrap();
    let (_, carried) = url.query_pairs().find(|(name, _)| name == "manifest_json").unwrap();
    assert_eq!(serde_json::from_str::<Value>(&carried).unwrap(), manifest());
}
