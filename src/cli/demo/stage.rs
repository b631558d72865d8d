//! What the demonstration plays on: the service, the stand-ins, and a person who asks in Slack and in
//! Microsoft Teams.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::answer::Answer;
use crate::app::{App, Config, Listeners};
use crate::clock::{SharedClock, SystemClock};
use crate::http::Limits;
use crate::net;
use crate::random::SystemRandom;
use crate::store::Store;
use connect_sandbox::novu::{self, Integration, NewConnection, Novu};
use connect_sandbox::slack::{self, Slack, SlashCommand, Team, User, block_kit};
use connect_sandbox::teams::{self, Person, Teams, Tenant};

/// What the person is called who asks.
pub(super) const PERSON_NAME: &str = "Ada";

/// A chat platform.
#[derive(Debug, Clone, Copy)]
enum Chat {
    Slack,
    Teams,
}

/// Who the person is on a platform, and who they have to become in Novu.
#[derive(Debug)]
pub(super) struct Role {
    /// The platform.
    chat: Chat,
    /// Their id there.
    pub(super) user: &'static str,
    /// Their id in Novu, by the default template.
    pub(super) subscriber: &'static str,
    /// The integration in Novu.
    pub(super) integration: &'static str,
    /// The channel connection of their workspace or tenant.
    pub(super) connection: &'static str,
}

impl Role {
    /// What the platform is called.
    pub(super) fn platform_name(&self) -> &'static str {
        match self.chat {
            Chat::Slack => "Slack",
            Chat::Teams => "Teams",
        }
    }
}

/// The person in Slack.
pub(super) const IN_SLACK: Role = Role {
    chat: Chat::Slack,
    user: "U0ADA",
    subscriber: "slack:T0ACME:U0ADA",
    integration: "slack",
    connection: "acme-slack",
};
/// The person in Microsoft Teams.
pub(super) const IN_TEAMS: Role = Role {
    chat: Chat::Teams,
    user: "5c1f0000-0000-4000-8000-0000000000ad",
    subscriber: "teams:72f988bf-0000-4000-8000-00000000c0de:5c1f0000-0000-4000-8000-0000000000ad",
    integration: "teams",
    connection: "acme-teams",
};

const TEAM: &str = "T0ACME";
const TENANT: &str = "72f988bf-0000-4000-8000-00000000c0de";
/// How long an answer in Teams may take: longer than anything that is tried again.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often the chat is looked at for an answer.
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// Signs requests on a stage that is gone in a minute; protects nothing.
const SECRET: &str = "demo-signing-secret";

/// The stage.
pub(super) struct Stage {
    pub(super) novu: Novu,
    pub(super) slack: Slack,
    pub(super) teams: Teams,
    pub(super) clock: SharedClock,
    url: String,
    http: reqwest::Client,
    stop: CancellationToken,
    served: JoinHandle<()>,
}

impl Stage {
    /// Starts everything on free loopback ports.
    pub(super) async fn build() -> anyhow::Result<Self> {
        let clock: SharedClock = Arc::new(SystemClock);
        let slack = start_slack(Arc::clone(&clock)).await?;
        let teams = start_teams(Arc::clone(&clock)).await?;
        let novu = start_novu(&slack, &teams, Arc::clone(&clock)).await?;
        let public = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", public.local_addr()?);
        let config = configure(&novu, &slack, &teams)?;
        let store = Store::in_memory(Arc::clone(&clock));
        let app = App::build_on(store, config, Arc::clone(&clock), Arc::new(SystemRandom)).await?;
        let stop = CancellationToken::new();
        let served = tokio::spawn({
            let (listeners, stop) = (Listeners { public, ops: None }, stop.clone());
            async move { app.serve(listeners, Limits::default(), stop).await }
        });
        let http = net::client()?;
        Ok(Self { novu, slack, teams, clock, url, http, stop, served })
    }

    /// Where the service is.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// Asks for a link as the person would do it on that platform.
    pub(super) async fn ask(&self, role: &Role) -> anyhow::Result<Answer> {
        match role.chat {
            Chat::Slack => self.command().await,
            Chat::Teams => self.write("connect").await,
        }
    }

    /// Sends `/connect` as Slack would, and takes the answer as strictly as Slack would.
    async fn command(&self) -> anyhow::Result<Answer> {
        let request = SlashCommand::new(TEAM, IN_SLACK.user)
            .response_url(&self.slack.new_response_url())
            .signed(SECRET, self.clock.now());
        let started = Instant::now();
        let response = self
            .http
            .post(format!("{}/slack/commands", self.url))
            .headers(request.headers)
            .body(request.body)
            .send()
            .await?;
        let took = started.elapsed();
        ensure!(response.status().is_success(), "the service answered {}", response.status());
        let message: Value = response.json().await?;
        if let Err(problems) = block_kit::validate(&message) {
            anyhow::bail!("Slack would not show the answer: {}", problems.join("; "));
        }
        Ok(Answer::of_message(&message, took))
    }

    /// Writes to the bot in Teams, in the person's own chat with it, and takes its answer.
    async fn write(&self, text: &str) -> anyhow::Result<Answer> {
        let person = IN_TEAMS.user;
        let before = self.teams.seen_by(person).len();
        let request = self.teams.message(person, &self.teams.chat(person), text).signed();
        let started = Instant::now();
        let response = self
            .http
            .post(format!("{}/api/messages", self.url))
            .headers(request.headers)
            .body(request.body)
            .send()
            .await?;
        ensure!(response.status().is_success(), "the service answered {}", response.status());
        while started.elapsed() < PATIENCE {
            if let Some(message) = self.teams.seen_by(person).get(before) {
                let card = message.card().context("the answer in Teams has no card")?;
                return Ok(Answer::of_card(card, started.elapsed()));
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        anyhow::bail!("the service answered nothing in Teams")
    }

    /// Lets the service end as it would on SIGTERM.
    pub(super) async fn end(self) {
        self.stop.cancel();
        // A panic in it has been logged, and the story has been told by then.
        let _ = self.served.await;
    }
}

async fn start_slack(clock: SharedClock) -> anyhow::Result<Slack> {
    let slack = Slack::start(clock, slack::Options::default()).await?;
    slack.add_team(Team::new(TEAM, "Acme"));
    slack.add_user(User::new(TEAM, IN_SLACK.user, "Ada Lovelace"));
    slack.add_user(User::new(TEAM, "U0GRACE", "Grace Hopper"));
    Ok(slack)
}

async fn start_teams(clock: SharedClock) -> anyhow::Result<Teams> {
    let options = teams::Options { home_tenant: TENANT.to_owned(), ..teams::Options::default() };
    let teams = Teams::start(clock, options).await?;
    teams.add_tenant(Tenant::new(TENANT, "Acme"));
    teams.add_person(Person::new(TENANT, IN_TEAMS.user, "Ada Lovelace"));
    let grace = "5c1f0000-0000-4000-8000-0000000000ae";
    teams.add_person(Person::new(TENANT, grace, "Grace Hopper"));
    Ok(teams)
}

async fn start_novu(slack: &Slack, teams: &Teams, clock: SharedClock) -> anyhow::Result<Novu> {
    let options = novu::Options {
        slack_base: slack.url().to_owned(),
        entra_base: teams.url().to_owned(),
        ..novu::Options::default()
    };
    let novu = Novu::start(clock, options).await?;
    let app = slack.options();
    novu.add_integration(Integration::slack(
        IN_SLACK.integration,
        &app.client_id,
        &app.client_secret,
    ));
    novu.add_connection(NewConnection {
        identifier: IN_SLACK.connection.to_owned(),
        integration: IN_SLACK.integration.to_owned(),
        workspace: novu::Workspace { id: TEAM.to_owned(), ..novu::Workspace::default() },
        access_token: Team::new(TEAM, "Acme").bot_token,
        ..NewConnection::default()
    })?;
    let app = teams.options();
    let (id, secret) = (&app.app_id, &app.app_secret);
    novu.add_integration(Integration::teams(IN_TEAMS.integration, id, secret, TENANT));
    novu.add_connection(NewConnection {
        identifier: IN_TEAMS.connection.to_owned(),
        integration: IN_TEAMS.integration.to_owned(),
        workspace: novu::Workspace { id: TENANT.to_owned(), ..novu::Workspace::default() },
        access_token: "app-only".to_owned(),
        ..NewConnection::default()
    })?;
    Ok(novu)
}

/// The configuration that an operator would write, for this stage.
fn configure(novu: &Novu, slack: &Slack, teams: &Teams) -> anyhow::Result<Config> {
    let settings = [
        ("CONNECT_SERVER__DRAIN", "0s".to_owned()),
        ("CONNECT_NOVU__API_URL", novu.url().to_owned()),
        ("CONNECT_NOVU__API_KEY", novu.api_key()),
        ("CONNECT_SLACK__SIGNING_SECRETS", SECRET.to_owned()),
        ("CONNECT_SLACK__INTEGRATION", IN_SLACK.integration.to_owned()),
        ("CONNECT_SLACK__API_URL", format!("{}/api", slack.url())),
        ("CONNECT_SLACK__RESPONSE_HOSTS", "127.0.0.1".to_owned()),
        ("CONNECT_SLACK__LINK_HOSTS", "127.0.0.1".to_owned()),
        ("CONNECT_TEAMS__APP_ID", teams.options().app_id.clone()),
        ("CONNECT_TEAMS__APP_SECRET", teams.options().app_secret.clone()),
        ("CONNECT_TEAMS__INTEGRATION", IN_TEAMS.integration.to_owned()),
        ("CONNECT_TEAMS__OPENID_METADATA_URL", teams.metadata_url().into()),
        ("CONNECT_TEAMS__TOKEN_URL", teams.token_url()),
        ("CONNECT_TEAMS__LINK_HOSTS", "127.0.0.1".to_owned()),
        ("CONNECT_TEAMS__SERVICE_HOSTS", "127.0.0.1".to_owned()),
    ];
    let settings: HashMap<String, String> =
        settings.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    Config::load(None, settings, &|_| Err(std::io::ErrorKind::NotFound.into()))
        .map_err(|problems| anyhow::anyhow!("{problems}"))
        .context("the stage's own configuration is wrong")
}
