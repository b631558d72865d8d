//! What the demonstration plays on: the service, the stand-ins, and two people in Slack and in Microsoft
//! Teams.

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::{Context as _, ensure};
use axum::http::HeaderMap;
use bytes::Bytes;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::answer::Answer;
use crate::app::{App, Config, Listeners};
use crate::clock::{SharedClock, SystemClock};
use crate::http::Limits;
use crate::net;
use crate::random::SystemRandom;
use crate::store::Store;
use connect_sandbox::novu::{self, Integration, Novu};
use connect_sandbox::slack::{self, Slack, SlashCommand, Team, User, block_kit};
use connect_sandbox::teams::{self, Person, ShownReply, Teams, Tenant};

/// A chat platform.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Chat {
    Slack,
    Teams,
}

/// Somebody on a platform.
#[derive(Debug)]
pub(super) struct Player {
    pub(super) name: &'static str,
    /// Their id there.
    pub(super) user: &'static str,
}

/// Who is on a platform, and who Ada has to become in Novu.
#[derive(Debug)]
pub(super) struct Role {
    /// The platform.
    chat: Chat,
    /// Who asks people for their consent there.
    pub(super) provider: &'static str,
    /// Who administers their workspace or tenant.
    pub(super) olga: Player,
    /// Who asks.
    pub(super) ada: Player,
    /// Who should keep away from her link.
    pub(super) bob: Player,
    /// Ada's id in Novu, by the default template.
    pub(super) subscriber: &'static str,
    /// The integration in Novu.
    pub(super) integration: &'static str,
    /// The channel connection that their workspace or tenant gets.
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

    /// How somebody says these words to the bot.
    pub(super) fn asking(&self, words: &str) -> String {
        match self.chat {
            Chat::Slack => {
                format!("types {} in Slack", format!("/connect {}", typed(words)).trim())
            }
            Chat::Teams => format!("writes \"{words}\" to the bot in Teams"),
        }
    }
}

/// What comes after `/connect` in Slack.
fn typed(words: &str) -> &str {
    match words {
        "connect" => "",
        "connect workspace" => "workspace",
        words => words,
    }
}

/// The people in Slack.
pub(super) const IN_SLACK: Role = Role {
    chat: Chat::Slack,
    provider: "Slack",
    olga: Player { name: "Olga", user: "U0OLGA" },
    ada: Player { name: "Ada", user: "U0ADA" },
    bob: Player { name: "Bob", user: "U0BOB" },
    subscriber: "slack:T0ACME:U0ADA",
    integration: "slack",
    connection: "slack-T0ACME",
};
/// The people in Microsoft Teams.
pub(super) const IN_TEAMS: Role = Role {
    chat: Chat::Teams,
    provider: "Microsoft",
    olga: Player { name: "Olga", user: "5c1f0000-0000-4000-8000-00000000001a" },
    ada: Player { name: "Ada", user: "5c1f0000-0000-4000-8000-0000000000ad" },
    bob: Player { name: "Bob", user: "5c1f0000-0000-4000-8000-0000000000b0" },
    subscriber: "teams:72f988bf-0000-4000-8000-00000000c0de:5c1f0000-0000-4000-8000-0000000000ad",
    integration: "teams",
    connection: "teams-72f988bf-0000-4000-8000-00000000c0de",
};

/// A message as somebody sees it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Shown {
    chat: Chat,
    id: String,
    /// Block Kit, or the Adaptive Card.
    body: Value,
}

impl Shown {
    pub(super) fn answer(&self) -> Answer {
        match self.chat {
            Chat::Slack => Answer::of_message(&self.body),
            Chat::Teams => Answer::of_card(&self.body),
        }
    }
}

const TEAM: &str = "T0ACME";
const TENANT: &str = "72f988bf-0000-4000-8000-00000000c0de";
/// The workflow that sends tests.
const TEST_WORKFLOW: &str = "connect-test";
/// Signs requests on a stage that is gone in a minute; protects nothing.
const SECRET: &str = "demo-signing-secret";

/// The stage.
pub(super) struct Stage {
    pub(super) novu: Novu,
    pub(super) slack: Slack,
    pub(super) teams: Teams,
    clock: SharedClock,
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
        let public = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", public.local_addr()?);
        let novu = start_novu(&slack, &teams, &url, Arc::clone(&clock)).await?;
        let config = configure(&novu, &slack, &teams, &url)?;
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

    /// Whether an address leads to the service.
    pub(super) fn is_own(&self, url: &Url) -> bool {
        url.as_str().starts_with(&self.url)
    }

    /// Writes to the bot as that person: with `/connect` in Slack, in their own chat with it in Teams.
    pub(super) async fn write(
        &self,
        role: &Role,
        person: &Player,
        words: &str,
    ) -> anyhow::Result<()> {
        match role.chat {
            Chat::Slack => {
                let command = SlashCommand::new(TEAM, person.user)
                    .text(typed(words))
                    .response_url(&self.slack.new_response_url());
                let slack::Signed { headers, body } = command.signed(SECRET, self.clock.now());
                let message: Value =
                    self.post("/slack/commands", headers, body).await?.json().await?;
                if let Err(problems) = block_kit::validate(&message) {
                    anyhow::bail!("Slack would not show the answer: {}", problems.join("; "));
                }
                let _shown = self.slack.receive_reply(&command, message);
            }
            Chat::Teams => {
                let chat = self.teams.chat(person.user);
                let signed = self.teams.message(person.user, &chat, words).signed();
                self.post("/api/messages", signed.headers, signed.body).await?;
            }
        }
        Ok(())
    }

    /// Presses the button with that label on a message that the person sees.
    pub(super) async fn press(
        &self,
        role: &Role,
        person: &Player,
        message: &Shown,
        label: &str,
    ) -> anyhow::Result<()> {
        let missing = || format!("there is no button \"{label}\"");
        match role.chat {
            Chat::Slack => {
                let message = self.slack.shown_as(&message.id).with_context(missing)?;
                let press = self.slack.press(person.user, &message, label).with_context(missing)?;
                let slack::Signed { headers, body } = press.signed(SECRET, self.clock.now());
                self.post("/slack/interactions", headers, body).await?;
            }
            Chat::Teams => {
                let press = self.teams.press(person.user, &message.id, label);
                let press = press.with_context(missing)?;
                let signed = press.signed();
                let reply = self.post("/api/messages", signed.headers, signed.body).await?;
                let shown = self.teams.receive_reply(&press, &reply.json().await?);
                ensure!(shown != ShownReply::Error, "Teams says that the press failed");
            }
        }
        Ok(())
    }

    async fn post(
        &self,
        path: &str,
        headers: HeaderMap,
        body: Bytes,
    ) -> anyhow::Result<reqwest::Response> {
        let request = self.http.post(format!("{}{path}", self.url)).headers(headers).body(body);
        let response = request.send().await?;
        ensure!(response.status().is_success(), "the service answered {}", response.status());
        Ok(response)
    }

    /// The messages that somebody sees now.
    pub(super) fn seen(&self, role: &Role, reader: &Player) -> Vec<Shown> {
        let chat = role.chat;
        match chat {
            Chat::Slack => {
                let mut messages = self.slack.messages();
                messages.retain(|it| !it.is_replaced && it.user.as_deref() == Some(reader.user));
                messages.into_iter().map(|it| Shown { chat, id: it.ts, body: it.body }).collect()
            }
            Chat::Teams => {
                let messages = self.teams.seen_by(reader.user).into_iter();
                let shown = messages
                    .filter_map(|it| Some(Shown { chat, body: it.card()?.clone(), id: it.id }));
                shown.collect()
            }
        }
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
    slack.add_team(Team { installed: false, ..Team::new(TEAM, "Acme") });
    slack.add_user(User { is_admin: true, ..User::new(TEAM, IN_SLACK.olga.user, "Olga Owens") });
    slack.add_user(User::new(TEAM, IN_SLACK.ada.user, "Ada Lovelace"));
    slack.add_user(User::new(TEAM, IN_SLACK.bob.user, "Bob Noyce"));
    Ok(slack)
}

async fn start_teams(clock: SharedClock) -> anyhow::Result<Teams> {
    let options = teams::Options { home_tenant: TENANT.to_owned(), ..teams::Options::default() };
    let teams = Teams::start(clock, options).await?;
    teams.add_tenant(Tenant { consented: false, ..Tenant::new(TENANT, "Acme") });
    let olga = Person::new(TENANT, IN_TEAMS.olga.user, "Olga Owens");
    teams.add_person(Person { is_admin: true, ..olga });
    teams.add_person(Person::new(TENANT, IN_TEAMS.ada.user, "Ada Lovelace"));
    teams.add_person(Person::new(TENANT, IN_TEAMS.bob.user, "Bob Noyce"));
    Ok(teams)
}

async fn start_novu(
    slack: &Slack,
    teams: &Teams,
    url: &str,
    clock: SharedClock,
) -> anyhow::Result<Novu> {
    let options = novu::Options {
        slack_base: slack.url().to_owned(),
        entra_base: teams.url().to_owned(),
        ..novu::Options::default()
    };
    let novu = Novu::start(clock, options).await?;
    novu.add_workflow(TEST_WORKFLOW);
    let app = slack.options();
    let (id, secret) = (&app.client_id, &app.client_secret);
    novu.add_integration(Integration {
        redirect_url: Some(format!("{url}/linked/slack")),
        ..Integration::slack(IN_SLACK.integration, id, secret)
    });
    let app = teams.options();
    let (id, secret) = (&app.app_id, &app.app_secret);
    novu.add_integration(Integration {
        redirect_url: Some(format!("{url}/linked/teams")),
        ..Integration::teams(IN_TEAMS.integration, id, secret, TENANT)
    });
    Ok(novu)
}

/// The configuration that an operator would write, for this stage.
fn configure(novu: &Novu, slack: &Slack, teams: &Teams, url: &str) -> anyhow::Result<Config> {
    let settings = [
        ("CONNECT_SERVER__DRAIN", "0s".to_owned()),
        ("CONNECT_SERVER__PUBLIC_URL", url.to_owned()),
        ("CONNECT_WORKSPACES__CONTEXT", "tenant:{workspace}".to_owned()),
        ("CONNECT_NOVU__API_URL", novu.url().to_owned()),
        ("CONNECT_NOVU__API_KEY", novu.api_key()),
        ("CONNECT_NOVU__TEST_WORKFLOW", TEST_WORKFLOW.to_owned()),
        ("CONNECT_SLACK__SIGNING_SECRETS", SECRET.to_owned()),
        ("CONNECT_SLACK__ADMINISTRATORS", IN_SLACK.olga.user.to_owned()),
        ("CONNECT_SLACK__INTEGRATION", IN_SLACK.integration.to_owned()),
        ("CONNECT_SLACK__API_URL", format!("{}/api", slack.url())),
        ("CONNECT_SLACK__RESPONSE_HOSTS", "127.0.0.1".to_owned()),
        ("CONNECT_SLACK__LINK_HOSTS", "127.0.0.1".to_owned()),
        ("CONNECT_TEAMS__APP_ID", teams.options().app_id.clone()),
        ("CONNECT_TEAMS__APP_SECRET", teams.options().app_secret.clone()),
        ("CONNECT_TEAMS__TENANT_NAMES", format!("{TENANT}:Acme")),
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
