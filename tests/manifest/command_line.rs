//! What `manifest` writes.

use std::path::Path;
use std::process::{Command, Output};

use super::*;

const APP_ID: [&str; 2] = ["--app-id", "11111111-2222-3333-4444-555555555555"];

fn run(arguments: &[&str], env: &[(&str, &str)]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_novu-connect-bot"))
        .arg("manifest")
        .args(arguments)
        .env_clear()
        .envs(env.iter().copied())
        .output()
        .unwrap()
}

fn done(arguments: &[&str], env: &[(&str, &str)]) -> Output {
    let output = run(arguments, env);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    output
}

fn refused(arguments: &[&str], env: &[(&str, &str)]) -> String {
    let output = run(arguments, env);
    assert_eq!(output.status.code(), Some(64), "{output:?}");
    assert!(output.stdout.is_empty(), "{output:?}");
    String::from_utf8(output.stderr).unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

fn path(folder: &tempfile::TempDir, name: &str) -> String {
    folder.path().join(name).to_str().unwrap().to_owned()
}

#[test]
fn slacks_manifest_can_be_redirected_and_the_link_still_seen() {
    let output = done(&["slack", "--public-url", SAMPLE], &[]);
    assert_eq!(text(&output.stdout), include_str!("../../manifests/slack/manifest.json"));
    let aside = text(&output.stderr);
    assert!(aside.starts_with("Create the app: https://api.slack.com/apps?new_app=1&"), "{aside}");
    assert!(aside.contains("\n  commands (bot): so that people can type the slash command\n"));
}

#[test]
fn slack_leads_back_to_novu_where_browsers_find_it() {
    let back = |arguments: &[&str], env: &[(&str, &str)]| {
        let output = done(&[&["slack", "--public-url", SAMPLE], arguments].concat(), env);
        let manifest: Value = serde_json::from_slice(&output.stdout).unwrap();
        manifest.pointer("/oauth_config/redirect_urls/0").unwrap().as_str().unwrap().to_owned()
    };
    let callback = "v1/integrations/chat/oauth/callback";
    let europe = [("CONNECT_NOVU__API_URL", "https://eu.api.novu.co")];
    assert_eq!(back(&[], &europe), format!("https://eu.api.novu.co/{callback}"));
    let cluster = [("CONNECT_NOVU__API_URL", "http://novu-api:3000")];
    let own = ["--novu-api", "https://novu.example.com/api/"];
    assert_eq!(back(&own, &cluster), format!("https://novu.example.com/api/{callback}"));
    let told = refused(&["slack", "--public-url", SAMPLE], &cluster);
    assert!(told.contains("NOVU__API_URL") && told.contains("--novu-api"), "{told}");
    for wrong in ["http://novu.example.com", "https://dashboard.novu.co", "https://api.novu.co/v1"]
    {
        refused(&["slack", "--public-url", SAMPLE, "--novu-api", wrong], &[]);
    }
}

#[test]
fn slacks_manifest_can_go_to_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = path(&folder, "manifest.json");
    let output = done(&["slack", "--public-url", SAMPLE, "--out", &file], &[]);
    assert!(text(&output.stdout).starts_with("Create the app: https://api.slack.com/apps?"));
    let written = std::fs::read_to_string(file).unwrap();
    assert_eq!(written, include_str!("../../manifests/slack/manifest.json"));
}

#[test]
fn the_configuration_counts_and_needs_nothing_that_comes_later() {
    let folder = tempfile::tempdir().unwrap();
    let file = path(&folder, "connect.toml");
    let toml = "[server]\npublic_url = 'https://file.example.com'\n\
                [slack]\ncommand = '/notify'\nsigning_secrets = 's3cret'\n";
    std::fs::write(&file, toml).unwrap();
    let url = |output: &Output| {
        let manifest: Value = serde_json::from_slice(&output.stdout).unwrap();
        manifest.pointer("/features/slash_commands/0/url").unwrap().as_str().unwrap().to_owned()
    };
    let from_file = done(&["slack", "--config", &file], &[]);
    assert_eq!(url(&from_file), "https://file.example.com/slack/commands");
    assert!(text(&from_file.stdout).contains("\"/notify\""));

    let env = [
        ("CONNECT_SERVER__PUBLIC_URL", "https://env.example.com"),
        ("CONNECT_SLACK__SIGNING_SECRETS_FILE", "/does/not/exist"),
        ("CONNECT_SLACK__BOT_TOKEN_FILE", "/does/not/exist"),
    ];
    let from_env = done(&["slack", "--config", &file], &env);
    assert_eq!(url(&from_env), "https://env.example.com/slack/commands");
    let from_argument = done(&["slack", "--config", &file, "--public-url", SAMPLE], &env);
    assert_eq!(url(&from_argument), "https://connect.example.com/slack/commands");
    for output in [from_file, from_env, from_argument] {
        assert!(!format!("{output:?}").contains("s3cret"));
    }
}

#[test]
fn without_an_address_there_is_no_slack_manifest() {
    let told = refused(&["slack"], &[]);
    assert!(told.contains("--public-url") && told.contains("server.public_url"), "{told}");
    let told = refused(&["slack"], &[("CONNECT_SERVER__PUBLIC_URL", "http://127.0.0.1:3000")]);
    assert!(told.contains("SERVER__PUBLIC_URL) is not an https origin"), "{told}");
    let told = refused(&["slack", "--public-url", "http://connect.example.com"], &[]);
    assert!(told.contains("https origin"), "{told}");
}

#[test]
fn a_wrong_configuration_is_told() {
    let told = refused(
        &["slack", "--public-url", SAMPLE],
        &[("CONNECT_SLACK__COMMAND", "connect"), ("CONNECT_SLACK__COMAND", "/connect")],
    );
    assert!(told.contains("CONNECT_SLACK__COMMAND") && told.contains("COMAND:"), "{told}");
    let told = refused(&["slack", "--config", "/does/not/exist.toml"], &[]);
    assert!(told.contains("cannot be read"), "{told}");
    refused(&[], &[]);
}

#[test]
fn a_teams_package_is_built() {
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = (path(&folder, "first.zip"), path(&folder, "second.zip"));
    for file in [&first, &second] {
        let arguments = [&["teams", "--out", file][..], &APP_ID].concat();
        let output = done(&arguments, &[("CONNECT_SERVER__PUBLIC_URL", SAMPLE)]);
        assert!(text(&output.stdout).contains(file.as_str()), "{output:?}");
    }
    let read = |file: &str| std::fs::read(file).unwrap();
    assert_eq!(read(&first), read(&second));
    let manifest = teams_manifest(Path::new(&first));
    assert_eq!(manifest["validDomains"][0], "connect.example.com");
}

#[test]
fn a_bot_with_a_certificate_needs_no_secret_for_its_package() {
    let folder = tempfile::tempdir().unwrap();
    let file = path(&folder, "app.zip");
    let certificate = [
        ("CONNECT_TEAMS__APP_CERTIFICATE", "/nowhere/bot.crt"),
        ("CONNECT_TEAMS__APP_CERTIFICATE_KEY", "/nowhere/bot.key"),
    ];
    let arguments = [&["teams", "--out", &file][..], &APP_ID].concat();
    done(&arguments, &certificate);
    let told = refused(&arguments, &certificate[..1]);
    assert!(told.contains("teams.app_certificate_key"), "{told}");
    assert!(!told.contains("is set, but so is"), "{told}");
}

#[test]
fn a_teams_package_can_carry_ones_own_name() {
    let folder = tempfile::tempdir().unwrap();
    let file = path(&folder, "app.zip");
    let own = [
        "teams",
        "--out",
        &file,
        "--app-version",
        "2.0.1",
        "--developer",
        "Acme",
        "--website",
        "https://acme.example",
        "--privacy",
        "https://acme.example/p",
        "--terms",
        "https://acme.example/t",
    ];
    done(&[&own[..], &APP_ID].concat(), &[]);
    let manifest = teams_manifest(Path::new(&file));
    assert_eq!(manifest["version"], "2.0.1");
    assert_eq!(
        manifest["developer"],
        serde_json::json!({
            "name": "Acme",
            "websiteUrl": "https://acme.example",
            "privacyUrl": "https://acme.example/p",
            "termsOfUseUrl": "https://acme.example/t",
        })
    );
}

#[test]
fn a_teams_package_says_what_is_configured() {
    let folder = tempfile::tempdir().unwrap();
    let file = path(&folder, "app.zip");
    let env = [
        ("CONNECT_APP__NAME", "Acme Updates"),
        ("CONNECT_APP__SUPPORT", "https://acme.example/help"),
        ("CONNECT_APP__PRIVACY_URL", "https://acme.example/p"),
    ];
    let arguments =
        [&["teams", "--out", &file, "--privacy", "https://acme.example/q"][..], &APP_ID];
    done(&arguments.concat(), &env);
    let manifest = teams_manifest(Path::new(&file));
    assert_eq!(manifest["name"]["short"], "Acme Updates");
    assert_eq!(manifest["name"]["full"], "Acme Updates: your notifications in Teams");
    assert_eq!(
        manifest["developer"],
        serde_json::json!({
            "name": "Acme Updates",
            "websiteUrl": "https://acme.example/help",
            "privacyUrl": "https://acme.example/q",
            "termsOfUseUrl": "https://novu.co/terms",
        })
    );
}

fn teams_manifest(zip: &Path) -> Value {
    let mut archive = zip::ZipArchive::new(std::fs::File::open(zip).unwrap()).unwrap();
    serde_json::from_reader(archive.by_name("manifest.json").unwrap()).unwrap()
}

#[test]
fn a_teams_package_needs_a_real_id_and_a_place() {
    assert!(refused(&["teams", "--out", "x.zip", "--app-id", "my-bot"], &[]).contains("id"));
    assert!(refused(&["teams", "--out", "x.zip"], &[]).contains("teams.app_id"));
    assert!(refused(&[&["teams"][..], &APP_ID].concat(), &[]).contains("--out"));
    let nowhere = [&["teams", "--out", "/does/not/exist/x.zip"][..], &APP_ID].concat();
    let output = run(&nowhere, &[]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(text(&output.stderr).contains("cannot write"), "{output:?}");
}
