//! What the demonstration plays on: the service, the stand-ins, and a person who types commands.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::clock::{SharedClock, SystemClock};
use crate::config::Config;
use crate::outbound;
use crate::random::SystemRandom;
use crate::sandbox::novu::{self, Integration, NewConnection, Novu};
use crate::sandbox::slack::{self, Slack, SlashCommand, Team, User, block_kit};
use crate::server::{self, App, Limits, Listeners};

/// The person who asks.
pub(super) const PERSON: &str = "U0ADA";
/// What they are called.
pub(super) const PERSON_NAME: &str = "Ada";
/// Who they are in Novu, by the default template.
pub(super) const SUBSCRIBER: &str = "slack:T0ACME:U0ADA";
/// The channel connection of their workspace.
pub(super) const CONNECTION: &str = "acme-slack";

const TEAM: &str = "T0ACME";
const INTEGRATION: &str = "slack";
/// Signs requests on a stage that is gone in a minute; protects nothing.
const SECRET: &str = "demo-signing-secret";

/// The stage.
pub(super) struct Stage {
    pub(super) novu: Novu,
    pub(super) slack: Slack,
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
        let slack = Slack::start(Arc::clone(&clock), slack::Options::default()).await?;
        slack.add_team(Team::new(TEAM, "Acme"));
        slack.add_user(User::new(TEAM, PERSON, "Ada Lovelace"));
        slack.add_user(User::new(TEAM, "U0GRACE", "Grace Hopper"));
        let novu = start_novu(&slack, Arc::clone(&clock)).await?;
        let public = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", public.local_addr()?);
        let app = App::build(configure(&novu, &slack)?, Arc::clone(&clock), Arc::new(SystemRandom));
        let app = app.await?;
        let stop = CancellationToken::new();
        let served = tokio::spawn({
            let (listeners, stop) = (Listeners { public, ops: None }, stop.clone());
            async move { server::run(&app, listeners, Limits::default(), stop).await }
        });
        let http = outbound::client()?;
        Ok(Self { novu, slack, clock, url, http, stop, served })
    }

    /// Where the service is.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// Sends `/connect TEXT` as Slack would, and takes the answer as strictly as Slack would.
    pub(super) async fn command(&self, text: &str) -> anyhow::Result<(Value, Duration)> {
        let request = SlashCommand::new(TEAM, PERSON)
            .text(text)
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
        Ok((message, took))
    }

    /// Lets the service end as it would on SIGTERM.
    pub(super) async fn end(self) {
        self.stop.cancel();
        // A panic in it has been logged, and the story has been told by then.
        let _ = self.served.await;
    }
}

async fn start_novu(slack: &Slack, clock: SharedClock) -> anyhow::Result<Novu> {
    let options = novu::Options { slack_base: slack.url().to_owned(), ..novu::Options::default() };
    let novu = Novu::start(clock, options).await?;
    let app = slack.options();
    novu.add_integration(Integration::slack(INTEGRATION, &app.client_id, &app.client_secret));
    novu.add_connection(NewConnection {
        identifier: CONNECTION.to_owned(),
        integration: INTEGRATION.to_owned(),
        workspace: novu::Workspace { id: TEAM.to_owned(), ..novu::Workspace::default() },
        access_token: Team::new(TEAM, "Acme").bot_token,
        ..NewConnection::default()
    })?;
    Ok(novu)
}

/// The configuration that an operator would write, for this stage.
fn configure(novu: &Novu, slack: &Slack) -> anyhow::Result<Config> {
    let settings = [
        ("CONNECT_NOVU__API_URL", novu.url().to_owned()),
        ("CONNECT_NOVU__API_KEY", novu.api_key()),
        ("CONNECT_SLACK__SIGNING_SECRETS", SECRET.to_owned()),
        ("CONNECT_SLACK__INTEGRATION", INTEGRATION.to_owned()),
        ("CONNECT_SLACK__API_URL", format!("{}/api", slack.url())),
        ("CONNECT_SLACK__RESPONSE_HOSTS", "127.0.0.1".to_owned()),
        ("CONNECT_SLACK__LINK_HOSTS", "127.0.0.1".to_owned()),
    ];
    let settings: HashMap<String, String> =
        settings.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    Config::load(None, settings, &|_| Err(std::io::ErrorKind::NotFound.into()))
        .map_err(|problems| anyhow::anyhow!("{problems}"))
        .context("the stage's own configuration is wrong")
}

/// The link behind a message's button, if it has one.
pub(super) fn button_of(message: &Value) -> Option<String> {
    let button = *slack::buttons(message).first()?;
    Some(button.get("url")?.as_str()?.to_owned())
}
