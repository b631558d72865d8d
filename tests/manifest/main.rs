//! What the platforms are told about the app: valid by their own schemas, minimal, in step with the
//! service, and the same in the repository, in the program and in what it writes.

#![expect(clippy::unwrap_used, reason = "a test ends where it fails")]

mod command_line;
mod slack;
mod teams;

use novu_connect_bot::app::{Config, sections};
use novu_connect_bot::config::Sources;
use novu_connect_bot::net::origin::Origin;
use serde_json::Value;

/// The address in everything that the repository has as a sample.
const SAMPLE: &str = "https://connect.example.com";

fn origin() -> Origin {
    SAMPLE.parse().unwrap()
}

fn config(more: &[(&str, &str)]) -> Config {
    let base = [
        ("CONNECT_NOVU__API_KEY", "key"),
        ("CONNECT_SLACK__SIGNING_SECRETS", "secret"),
        ("CONNECT_SLACK__INTEGRATION", "slack"),
    ];
    let env = base.iter().chain(more);
    let env = env.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Config::load(None, env, &|_| Err(std::io::ErrorKind::NotFound.into())).unwrap()
}

/// What a published schema finds wrong.
fn problems(schema: &str, manifest: &Value) -> Vec<String> {
    let validator = jsonschema::validator_for(&serde_json::from_str(schema).unwrap()).unwrap();
    validator.iter_errors(manifest).map(|error| error.to_string()).collect()
}

/// A manifest with one value replaced.
fn with(manifest: &Value, pointer: &str, wrong: Value) -> Value {
    let mut manifest = manifest.clone();
    *manifest.pointer_mut(pointer).unwrap() = wrong;
    manifest
}
