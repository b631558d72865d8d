//! A set-up in which everything is right, and the command that looks at it.

use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use connect_sandbox::novu::{self, Integration, NewConnection, Novu};
use connect_sandbox::slack::{self, Slack, Team};
use connect_sandbox::teams::{self, Teams, Tenant};
use novu_connect_bot::app::{App, Config, Listeners};
use novu_connect_bot::clock::{Clock, ManualClock, SharedClock, SystemClock, after};
use novu_connect_bot::http::Limits;
use novu_connect_bot::random::SystemRandom;
use serde_json::Value;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::front;
use crate::bot::teams::{ACME, CONNECTION as TEAMS_CONNECTION, INTEGRATION as TEAMS_INTEGRATION};
use crate::bot::{API_KEY, BOT_TOKEN, CONNECTION, INTEGRATION, Settings, TEAM, no_files};
use crate::canaries;

/// As Slack makes them, so not in doubt.
pub(super) const SECRET: &str = "0f1e2d3c4b5a69788796a5b4c3d2e1f0";
pub(super) const WEBHOOK_SECRET: &str = "canary-webhook-secret-that-is-long-enough";
const APP_SECRET: &str = "teams~canary-client-secret";

/// Everything that a set-up consists of. The command can be given another configuration than the service
/// that runs, and whatever is around both can be broken.
pub(super) struct World {
    pub(super) novu: Novu,
    pub(super) slack: Slack,
    pub(super) teams: Teams,
    pub(super) settings: Settings,
    pub(super) directory: TempDir,
    /// Where the service listens itself, and where operators ask it.
    pub(super) inside: String,
    pub(super) ops: String,
    /// The limit of open files of the command.
    pub(super) open_files: Option<u32>,
    _running: DropGuard,
}

/// What the command said.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) code: Option<i32>,
    pub(super) text: String,
    pub(super) json: Value,
}

impl World {
    pub(super) async fn start() -> Self {
        Self::start_ahead(Duration::ZERO).await
    }

    /// As [`World::start`], where the clocks of all others are ahead.
    pub(super) async fn start_ahead(ahead: Duration) -> Self {
        canaries::listen();
        let clock: SharedClock = if ahead.is_zero() {
            Arc::new(SystemClock)
        } else {
            Arc::new(ManualClock::new(after(SystemClock.now(), ahead)))
        };
        let slack = Slack::start(Arc::clone(&clock), slack::Options::default()).await.unwrap();
        slack.add_team(Team { bot_token: BOT_TOKEN.to_owned(), ..Team::new(TEAM, "Acme") });
        let options = teams::Options { app_secret: APP_SECRET.to_owned(), ..Default::default() };
        let teams = Teams::start(Arc::clone(&clock), options).await.unwrap();
        teams.add_tenant(Tenant::new(ACME, "Acme"));
        let novu = novu::Options { api_keys: vec![API_KEY.to_owned()], ..Default::default() };
        let novu = Novu::start(clock, novu).await.unwrap();
        let app = teams.options();
        novu.add_integration(Integration::slack(INTEGRATION, "canary-client", "canary-secret"));
        novu.add_integration(Integration::teams(
            TEAMS_INTEGRATION,
            &app.app_id,
            &app.app_secret,
            &app.home_tenant,
        ));
        novu.add_connection(crate::bot::connection(CONNECTION, TEAM, &[])).unwrap();
        novu.add_connection(tenant(TEAMS_CONNECTION, ACME)).unwrap();

        let directory = tempfile::tempdir().unwrap();
        let (tls, tls_port) = front::listener();
        let public = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let ops = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = |listener: &TcpListener| format!("http://{}", listener.local_addr().unwrap());
        let (inside, ops_url) = (address(&public), address(&ops));
        let authority = front::end_tls(tls, public.local_addr().unwrap().port());
        std::fs::write(directory.path().join("authority.pem"), authority).unwrap();
        std::fs::write(directory.path().join("people.csv"), TABLE).unwrap();
        let mut settings = settings(&novu, &slack, &teams, &directory);
        let public_url = format!("https://localhost:{tls_port}");
        settings.insert("CONNECT_SERVER__PUBLIC_URL".to_owned(), public_url);
        let running = serve(&settings, public, ops).await;
        Self {
            novu,
            slack,
            teams,
            settings,
            directory,
            inside,
            ops: ops_url,
            open_files: None,
            _running: running,
        }
    }

    /// Gives the command another value than the service.
    pub(super) fn set(&mut self, name: &str, value: impl Into<String>) {
        self.settings.insert(format!("CONNECT_{name}"), value.into());
    }

    pub(super) fn unset(&mut self, name: &str) {
        self.settings.remove(&format!("CONNECT_{name}"));
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Puts a proxy between the public and the service.
    pub(super) fn behind(&mut self, spoil: front::Spoil) {
        let url = front::proxy(&self.inside, spoil);
        self.set("SERVER__PUBLIC_URL", url);
    }

    /// Opens another workspace in Slack, with a connection of its own.
    pub(super) fn open_workspace(&self, workspace: &str, keys: &[&str]) {
        let connection = crate::bot::connection(&format!("of-{workspace}"), workspace, keys);
        let team = Team::new(workspace, "Other");
        self.slack.add_team(Team { bot_token: connection.access_token.clone(), ..team });
        self.novu.add_connection(connection).unwrap();
    }

    /// What `check --online` says.
    pub(super) async fn check(&self, json: bool) -> Told {
        let binary = env!("CARGO_BIN_EXE_novu-connect-bot");
        let limit = self.open_files.map(|limit| format!("ulimit -n {limit}; "));
        let script = format!("{}exec \"$0\" \"$@\"", limit.unwrap_or_default());
        let mut command = Command::new("sh");
        command.args(["-c", &script, binary, "check", "--online"]);
        if json {
            command.arg("--json");
        }
        command.current_dir(&self.directory).env_clear().envs(&self.settings);
        let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
        let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        for secret in [SECRET, APP_SECRET, WEBHOOK_SECRET, API_KEY, BOT_TOKEN] {
            assert!(!text.contains(secret), "{text}");
        }
        canaries::assert_silent(&text);
        let json = if json { serde_json::from_str(&text).expect(&text) } else { Value::Null };
        Told { code: output.status.code(), text, json }
    }
}

impl Told {
    /// The checks with this severity.
    pub(super) fn checks(&self, severity: &str) -> Vec<&str> {
        let all = self.json["checks"].as_array().expect(&self.text).iter();
        let of_it = all.filter(|check| check["severity"] == severity);
        of_it.map(|check| check["check"].as_str().unwrap()).collect()
    }
}

const TABLE: &str = "platform,workspace,user,subscriber\n\
                     slack,T0ACME,U0ADA,ada\n\
                     teams,tenant-acme,oid-ada,ada\n";

/// A shared connection of a tenant.
pub(super) fn tenant(identifier: &str, tenant: &str) -> NewConnection {
    NewConnection {
        identifier: identifier.to_owned(),
        integration: TEAMS_INTEGRATION.to_owned(),
        workspace: novu::Workspace { id: tenant.to_owned(), ..novu::Workspace::default() },
        access_token: "app-only".to_owned(),
        ..NewConnection::default()
    }
}

fn settings(novu: &Novu, slack: &Slack, teams: &Teams, directory: &TempDir) -> Settings {
    let path = |name: &str| directory.path().join(name).display().to_string();
    let metadata = teams.metadata_url().to_string();
    [
        ("SSL_CERT_FILE", path("authority.pem")),
        ("PATH", "/usr/bin:/bin".to_owned()),
        ("CONNECT_SERVER__MAX_CONNECTIONS", "64".to_owned()),
        ("CONNECT_STORE__URL", format!("sqlite:{}", path("store.db"))),
        ("CONNECT_NOVU__API_URL", novu.url().to_owned()),
        ("CONNECT_NOVU__API_KEY", API_KEY.to_owned()),
        ("CONNECT_SLACK__SIGNING_SECRETS", SECRET.to_owned()),
        ("CONNECT_SLACK__INTEGRATION", INTEGRATION.to_owned()),
        ("CONNECT_SLACK__API_URL", format!("{}/api", slack.url())),
        ("CONNECT_TEAMS__APP_ID", teams.options().app_id.clone()),
        ("CONNECT_TEAMS__APP_SECRET", APP_SECRET.to_owned()),
        ("CONNECT_TEAMS__INTEGRATION", TEAMS_INTEGRATION.to_owned()),
        ("CONNECT_TEAMS__OPENID_METADATA_URL", metadata),
        ("CONNECT_TEAMS__TOKEN_URL", teams.token_url()),
        ("CONNECT_IDENTITY__CHAIN", "table,webhook,email,template".to_owned()),
        ("CONNECT_IDENTITY__TABLE", path("people.csv")),
        ("CONNECT_IDENTITY__WEBHOOK_URL", front::webhook(WEBHOOK_SECRET, 204, 401)),
        ("CONNECT_IDENTITY__WEBHOOK_SECRET", WEBHOOK_SECRET.to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}

/// Runs the service until the guard is dropped.
async fn serve(settings: &Settings, public: TcpListener, ops: TcpListener) -> DropGuard {
    let config = Config::load(None, settings.clone(), &no_files).unwrap();
    let app = App::build(config, Arc::new(SystemClock), Arc::new(SystemRandom)).await.unwrap();
    let stop = CancellationToken::new();
    tokio::spawn({
        let stop = stop.clone();
        async move {
            let listeners = Listeners { public, ops: Some(ops) };
            app.serve(listeners, Limits::default(), stop).await;
        }
    });
    stop.drop_guard()
}
