//! What the platforms are told about the app: valid by their own schemas, minimal, in step with the
//! service, and the same in the repository, in the program and in what it writes.

#![expect(clippy::unwrap_used, reason = "a test ends where it fails")]

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

mod slack {
    use std::collections::BTreeSet;
    use std::sync::Arc;

    use axum::body::Body;
    use axum::http::{Request, StatusCode};
    use connect_sandbox::slack::{Options, Slack, Team, User};
    use jiff::Timestamp;
    use novu_connect_bot::app;
    use novu_connect_bot::clock::SystemClock;
    use novu_connect_bot::clock::{ManualClock, SharedClock};
    use novu_connect_bot::core::{Directory, Person, Workspace};
    use novu_connect_bot::net::{self, Outgoing};
    use novu_connect_bot::random::SystemRandom;
    use novu_connect_bot::slack::WebApi;
    use novu_connect_bot::slack::block_kit::PrivateMessage;
    use novu_connect_bot::slack::manifest::{App, EMAIL_SCOPE, Grant, SCOPES};
    use novu_connect_bot::words::message::Message;
    use secrecy::SecretString;
    use serde_json::json;
    use tower::ServiceExt as _;
    use url::Url;

    use super::*;

    const COMMITTED: &str = include_str!("../manifests/slack/manifest.json");
    const README: &str = include_str!("../manifests/slack/README.md");
    const SCHEMA: &str = include_str!("schemas/slack-manifest-schema.json");

    fn parsed(app: &App) -> Value {
        serde_json::from_str(&app.json().unwrap()).unwrap()
    }

    /// The app with the default configuration, save for these variables.
    fn app_with(more: &[(&str, &str)]) -> App {
        let env = more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let mut reader = Sources::new(None, env).read_without_secrets(&sections());
        let app = App::read(&mut reader, origin());
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
        assert!(
            README.contains(&format!("]({link})\n")),
            "the link in the README should be {link}"
        );
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
            ("CONNECT_SLACK__COMMAND", "/notify"),
            ("CONNECT_SLACK__USER_SCOPE", "users:read"),
            ("CONNECT_IDENTITY__CHAIN", "email,template"),
            ("CONNECT_NOVU__API_URL", "https://novu.example.com/api"),
        ]);
        assert_eq!(at(&manifest, "/features/slash_commands/0/command"), "/notify");
        let description = at(&manifest, "/display_information/long_description");
        assert!(description.contains("/notify status") && !description.contains("/connect"));
        assert_eq!(
            manifest.pointer("/oauth_config/scopes").unwrap(),
            &json!({
                "bot": ["commands", "chat:write", "users:read", "users:read.email"],
                "user": ["users:read"],
            })
        );
        assert_eq!(
            at(&manifest, "/oauth_config/redirect_urls/0"),
            "https://novu.example.com/api/v1/integrations/chat/oauth/callback",
        );
    }

    #[test]
    fn novus_address_within_a_cluster_is_nobody_elses_business() {
        let manifest = configured(&[("CONNECT_NOVU__API_URL", "http://novu-api:3000")]);
        assert_eq!(
            at(&manifest, "/oauth_config/redirect_urls/0"),
            "https://api.novu.co/v1/integrations/chat/oauth/callback",
        );
    }

    #[tokio::test]
    async fn addresses_lead_to_routes() {
        let clock: SharedClock = Arc::new(ManualClock::new(Timestamp::UNIX_EPOCH));
        let app = app::App::build(config(&[]), clock, Arc::new(SystemRandom)).await.unwrap();
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
        assert!(
            manifest.pointer("/settings/event_subscriptions").is_none(),
            "no route takes events"
        );
    }

    #[test]
    fn the_readme_gives_the_reason_for_every_scope_and_for_no_other() {
        let given: BTreeSet<_> =
            README.lines().filter(|line| line.starts_with("| `")).map(str::to_owned).collect();
        let needed: BTreeSet<_> = SCOPES
            .iter()
            .chain([&EMAIL_SCOPE])
            .map(|scope| {
                format!("| `{}` | {} | {} |", scope.name, scope.grant.name(), scope.reason)
            })
            .collect();
        assert_eq!(given, needed);
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
            button: None,
            footer: None,
            spoken: "Hello".to_owned(),
        };
        let message = PrivateMessage::render(&message);
        let posted = api.post_direct_message(&token, "U1", &message).await.is_ok();
        (
            profile.is_some(),
            profile.is_some_and(|profile| profile.email.address().is_some()),
            posted,
        )
    }

    #[tokio::test]
    async fn every_scope_is_needed_and_none_is_missing() {
        let bot = SCOPES.iter().filter(|scope| scope.grant == Grant::Bot).map(|scope| scope.name);
        let all: Vec<_> = bot.collect();
        let without = |left_out: &str| -> Vec<_> {
            all.iter().copied().filter(|scope| *scope != left_out).collect()
        };
        assert_eq!(tried(&all).await, (true, false, true));
        assert_eq!(tried(&without("users:read")).await, (false, false, true));
        assert_eq!(tried(&without("chat:write")).await, (true, false, false));
        assert_eq!(tried(&[&all[..], &[EMAIL_SCOPE.name]].concat()).await, (true, true, true));
        // Slack itself looks for this one before it sends a command.
        assert!(all.contains(&"commands") && all.len() == 3);
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
}

mod teams {
    use std::io::{Cursor, Read as _};

    use novu_connect_bot::core::Intent;
    use novu_connect_bot::teams::manifest::{AppId, COMMANDS, Package};
    use zip::ZipArchive;

    use super::*;

    const COMMITTED: &str = include_str!("../manifests/teams/manifest.json");
    const SCHEMA: &str = include_str!("schemas/teams-manifest-schema.json");
    const APP_ID: &str = "11111111-2222-3333-4444-555555555555";

    fn package() -> Package {
        let app_id: AppId = APP_ID.parse().unwrap();
        Package { version: "1.0.0".parse().unwrap(), ..Package::new(app_id, Some(origin())) }
    }

    fn parsed(package: &Package) -> Value {
        serde_json::from_str(&package.json().unwrap()).unwrap()
    }

    fn file(zip: &[u8], name: &str) -> Vec<u8> {
        let mut archive = ZipArchive::new(Cursor::new(zip)).unwrap();
        let mut content = Vec::new();
        archive.by_name(name).unwrap().read_to_end(&mut content).unwrap();
        content
    }

    /// Width, height, and pixels as red, green, blue, opacity.
    fn picture(png: &[u8]) -> (u32, u32, Vec<[u8; 4]>) {
        let mut reader = png::Decoder::new(Cursor::new(png)).read_info().unwrap();
        let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
        let frame = reader.next_frame(&mut bytes).unwrap();
        assert_eq!(frame.color_type, png::ColorType::Rgba);
        let (pixels, rest) = bytes.as_chunks();
        assert!(rest.is_empty());
        (frame.width, frame.height, pixels.to_vec())
    }

    #[test]
    fn the_repository_has_what_the_program_writes() {
        assert_eq!(COMMITTED, package().json().unwrap());
    }

    #[test]
    fn microsofts_schema_accepts_it() {
        let manifest = parsed(&package());
        assert_eq!(problems(SCHEMA, &manifest), [""; 0]);
        let hidden = Package { origin: None, ..package() };
        assert_eq!(problems(SCHEMA, &parsed(&hidden)), [""; 0]);
        // The schema says so by a keyword that its own version of JSON Schema does not have.
        let schema: Value = serde_json::from_str(SCHEMA).unwrap();
        assert_eq!(
            manifest["manifestVersion"],
            schema.pointer("/properties/manifestVersion/const").unwrap().as_str().unwrap()
        );
    }

    #[test]
    fn microsofts_schema_would_notice() {
        let manifest = parsed(&package());
        for (pointer, wrong) in [
            ("/id", "connect".into()),
            ("/name/short", "n".repeat(31).into()),
            ("/description/short", "d".repeat(81).into()),
            ("/developer/name", "d".repeat(33).into()),
            ("/developer/websiteUrl", "example.com".into()),
            ("/accentColor", "black".into()),
            ("/bots/0/scopes/0", "groupchat".into()),
            ("/bots/0/commandLists/0/triggers/0", "colon".into()),
            ("/bots/0/commandLists/0/commands/0/title", "t".repeat(129).into()),
            ("/permissions/0", "everything".into()),
            ("/supportsChannelFeatures", "tier9".into()),
        ] {
            assert!(!problems(SCHEMA, &with(&manifest, pointer, wrong)).is_empty(), "{pointer}");
        }
    }

    #[test]
    fn one_id_is_the_apps_the_bots_and_entras() {
        let manifest = parsed(&package());
        for pointer in ["/id", "/bots/0/botId", "/webApplicationInfo/id"] {
            assert_eq!(manifest.pointer(pointer).unwrap(), APP_ID, "{pointer}");
        }
    }

    #[test]
    fn slash_commands_are_private_and_for_groups() {
        let manifest = parsed(&package());
        let bot = &manifest["bots"][0];
        assert_eq!(bot["supportsTargetedMessages"], true);
        let slash: Vec<_> = bot["commandLists"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|list| list["triggers"].as_array().unwrap().contains(&"slash".into()))
            .collect();
        assert_eq!(slash.len(), 1);
        assert_eq!(slash[0]["scopes"], serde_json::json!(["team", "groupChat"]));
    }

    #[test]
    fn every_command_means_something_and_fits_older_clients() {
        for command in COMMANDS {
            let intent = Intent::parse(command.title);
            assert!(Intent::known().any(|(known, _)| *known == intent), "{}", command.title);
            assert!(command.title.len() <= 32 && command.description.len() <= 128);
        }
    }

    #[test]
    fn the_only_domain_is_our_own() {
        assert_eq!(parsed(&package())["validDomains"], serde_json::json!(["connect.example.com"]));
        let hidden = Package { origin: None, ..package() };
        assert!(parsed(&hidden).get("validDomains").is_none());
    }

    #[test]
    fn the_package_has_the_manifest_and_the_icons_in_its_root() {
        let zip = package().zip().unwrap();
        let archive = ZipArchive::new(Cursor::new(&zip)).unwrap();
        let names: Vec<_> = archive.file_names().map(Result::unwrap).collect();
        assert_eq!(names, ["manifest.json", "color.png", "outline.png"]);
        assert_eq!(file(&zip, "manifest.json"), package().json().unwrap().as_bytes());
    }

    #[test]
    fn the_same_app_gives_the_same_bytes() {
        assert_eq!(package().zip().unwrap(), package().zip().unwrap());
        let zip = package().zip().unwrap();
        let mut archive = ZipArchive::new(Cursor::new(&zip)).unwrap();
        for at in 0..archive.len() {
            let changed = archive.by_index(at).unwrap().last_modified().unwrap();
            assert_eq!((changed.year(), changed.month(), changed.day()), (1980, 1, 1));
        }
    }

    #[test]
    fn the_colour_icon_is_opaque() {
        let (width, height, pixels) = picture(&file(&package().zip().unwrap(), "color.png"));
        assert_eq!((width, height), (192, 192));
        assert!(pixels.iter().all(|[.., opacity]| *opacity == 255));
    }

    #[test]
    fn the_outline_icon_is_white_on_transparent_ground() {
        let (width, height, pixels) = picture(&file(&package().zip().unwrap(), "outline.png"));
        assert_eq!((width, height), (32, 32));
        assert!(pixels.iter().all(|[red, green, blue, _]| [red, green, blue] == [&255; 3]));
        let with_opacity =
            |wanted| pixels.iter().filter(|[.., opacity]| *opacity == wanted).count();
        assert!(with_opacity(255) > 100 && with_opacity(0) > 400);
        assert_eq!(pixels[0][3], 0);
    }
}

mod command_line {
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
        assert_eq!(text(&output.stdout), include_str!("../manifests/slack/manifest.json"));
        let aside = text(&output.stderr);
        assert!(
            aside.starts_with("Create the app: https://api.slack.com/apps?new_app=1&"),
            "{aside}"
        );
    }

    #[test]
    fn slacks_manifest_can_go_to_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = path(&folder, "manifest.json");
        let output = done(&["slack", "--public-url", SAMPLE, "--out", &file], &[]);
        assert!(text(&output.stdout).starts_with("Create the app: https://api.slack.com/apps?"));
        let written = std::fs::read_to_string(file).unwrap();
        assert_eq!(written, include_str!("../manifests/slack/manifest.json"));
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
}
