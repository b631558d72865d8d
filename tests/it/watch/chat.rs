//! Slack and Teams as one: what somebody does who asks for a link there, and what they are told.

use std::ops::Deref;

use axum::http::{Method, StatusCode};
use connect_sandbox::novu::{Endpoint, NewEndpoint, Profile};
use connect_sandbox::slack::Message;
use connect_sandbox::teams::{Person, Standing, Tenant};
use connect_sandbox::{Effect, Fault, Route};
use serde_json::{Value, json};

use super::{ENDPOINTS, labels, subscriber};
use crate::bot::teams::{self, TeamsBot, find_link, said};
use crate::bot::{self, BOT_TOKEN, Bot, find_button, member};

/// A chat platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum On {
    Slack,
    Teams,
}

/// Somebody who signs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Who {
    /// Whoever asked for the link.
    Asker,
    /// Another member of the same workspace.
    Other,
    /// Somebody of another workspace.
    Outsider,
    /// Whoever asked, by an account that nobody can tie to the one that asked.
    Untied,
}

/// What somebody has been told.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Told {
    /// How often anything was shown to them, as a new message or in place of one.
    pub(super) times: usize,
    /// How many messages they see.
    pub(super) messages: usize,
    /// What the newest one says.
    pub(super) text: String,
    /// The words on its buttons.
    pub(super) labels: Vec<String>,
    /// Where its button leads, if that is a link.
    pub(super) link: Option<String>,
}

/// A running service, and one person who asks.
pub(super) struct Chat {
    bot: Either,
    asker: &'static str,
    is_doubtful: bool,
}

enum Either {
    Slack(Bot),
    Teams(TeamsBot),
}

/// Another subscriber, to whom the asker's account may belong.
const PHANTOM: &str = "phantom";
const GRID: &str = "E0GRID";
const IN_GRID: &str = "W0ADA";
const GUEST: &str = "oid-guest";
const HOME: &str = "tenant-home";
const OUTSIDER: &str = "oid-outsider";
const ELSEWHERE: &str = "tenant-elsewhere";

impl Deref for Chat {
    type Target = Bot;

    fn deref(&self) -> &Bot {
        match &self.bot {
            Either::Slack(bot) => bot,
            Either::Teams(bot) => bot,
        }
    }
}

impl Chat {
    /// Starts with somebody who asks. Who is doubtful may sign in by an account that cannot be tied to
    /// theirs: a member of an Enterprise Grid, or a guest.
    pub(super) async fn start(on: On, is_doubtful: bool) -> Self {
        let (bot, asker) = match on {
            On::Slack => {
                let bot = Bot::start().await;
                bot.slack.add_user(member(IN_GRID, "Ada Lovelace"));
                bot.open_workspace(ELSEWHERE);
                (Either::Slack(bot), bot::ADA)
            }
            On::Teams => {
                let bot = TeamsBot::start().await;
                bot.teams.add_tenant(Tenant::new(HOME, "Globex"));
                bot.teams.add_tenant(Tenant::new(ELSEWHERE, "Initech"));
                bot.teams.add_person(Person::new(ELSEWHERE, OUTSIDER, "Ida Rhodes"));
                let guest = Person::guest(teams::ACME, GUEST, "Gus Guest", HOME, "oid-at-home");
                bot.teams.add_person(guest);
                (Either::Teams(bot), if is_doubtful { GUEST } else { teams::ADA })
            }
        };
        let chat = Self { bot, asker, is_doubtful };
        chat.ready().await;
        chat
    }

    pub(super) const fn name(&self) -> &'static str {
        match self.bot {
            Either::Slack(_) => "slack",
            Either::Teams(_) => "teams",
        }
    }

    /// The account of somebody.
    fn account(&self, who: Who) -> String {
        let account = match (&self.bot, who) {
            (_, Who::Asker) | (Either::Teams(_), Who::Untied) => self.asker,
            (Either::Slack(_), Who::Other) => bot::GRACE,
            (Either::Teams(_), Who::Other) => teams::GRACE,
            (Either::Slack(_), Who::Untied) => IN_GRID,
            (Either::Slack(_), Who::Outsider) => return format!("U{ELSEWHERE}"),
            (Either::Teams(_), Who::Outsider) => OUTSIDER,
        };
        account.to_owned()
    }

    /// Somebody says something to the bot.
    pub(super) async fn say(&self, who: Who, text: &str) {
        let account = self.account(who);
        match &self.bot {
            Either::Slack(bot) => {
                let mut request = bot.slash(&account, text);
                if self.is_doubtful {
                    request = request.with("enterprise_id", GRID);
                }
                let reply = bot.send(request.clone()).await;
                let _ = bot.slack.receive_reply(request.slash_command(), reply.json);
            }
            Either::Teams(bot) => bot.say(&account, text).await,
        }
    }

    /// Opens a link as somebody, and allows what it asks for. Gives the status of the last page.
    pub(super) async fn sign_in(&self, link: &str, who: Who) -> u16 {
        self.approve(link, &self.account(who)).await.status.as_u16()
    }

    /// The asker presses a button of the newest message.
    pub(super) async fn press(&self, label: &str) {
        match &self.bot {
            Either::Slack(bot) => {
                let mut messages = bot.slack.messages().into_iter();
                let theirs =
                    |it: &Message| it.user.as_deref() == Some(self.asker) && !it.is_replaced;
                let message = messages.rfind(theirs).unwrap();
                let press = bot.slack.press(self.asker, &message, label).unwrap();
                let of_grid = |payload: &mut Value| {
                    if self.is_doubtful {
                        payload["enterprise"] = json!({ "id": GRID, "name": "Grid" });
                    }
                };
                bot.send_press(&press.edit(of_grid)).await;
            }
            Either::Teams(bot) => {
                let message = bot.teams.seen_by(self.asker).pop().unwrap();
                bot.press(self.asker, &message, label).await;
            }
        }
    }

    /// What somebody has been told so far.
    pub(super) fn told(&self, who: Who) -> Told {
        let account = self.account(who);
        match &self.bot {
            Either::Slack(bot) => {
                let mut messages = bot.slack.messages();
                messages.retain(|it| it.user.as_deref() == Some(&account));
                let times = messages.len();
                messages.retain(|it| !it.is_replaced);
                let Some(newest) = messages.last() else { return Told::default() };
                let link = find_button(&newest.body).and_then(|it| it["url"].as_str());
                Told {
                    times,
                    messages: messages.len(),
                    text: newest.text().to_owned(),
                    labels: labels(newest),
                    link: link.map(str::to_owned),
                }
            }
            Either::Teams(bot) => {
                let messages = bot.teams.seen_by(&account);
                let Some(newest) = messages.last() else { return Told::default() };
                let title = |action: &serde_json::Map<String, Value>| {
                    action["title"].as_str().unwrap_or_default().to_owned()
                };
                Told {
                    times: messages.iter().map(|it| it.edits + 1).sum(),
                    messages: messages.len(),
                    text: said(newest),
                    labels: newest.actions().into_iter().map(title).collect(),
                    link: newest.card().and_then(find_link),
                }
            }
        }
    }

    /// The endpoints that were made by the asker's links.
    pub(super) fn connected(&self) -> Vec<Endpoint> {
        let mut endpoints = self.novu.endpoints();
        endpoints.retain(|it| it.subscriber_id.as_deref() != Some(PHANTOM));
        endpoints
    }

    fn subscriber(&self) -> String {
        match self.bot {
            Either::Slack(_) => subscriber(self.asker),
            Either::Teams(_) => format!("teams:{}:{}", teams::ACME, self.asker),
        }
    }

    /// The asker's account belongs to a subscriber already: their own, or another one.
    pub(super) fn belongs(&self, to_another: bool) {
        let own = self.subscriber();
        let subscriber = if to_another { PHANTOM } else { &own };
        self.novu.add_subscriber(subscriber, Profile::default());
        let endpoint = match self.bot {
            Either::Slack(_) => {
                NewEndpoint::slack_user(bot::INTEGRATION, bot::CONNECTION, subscriber, self.asker)
            }
            Either::Teams(_) => NewEndpoint {
                integration: teams::INTEGRATION.to_owned(),
                connection: Some(teams::CONNECTION.to_owned()),
                subscriber_id: subscriber.to_owned(),
                kind: "ms_teams_user".to_owned(),
                endpoint: json!({ "userId": self.asker, "tenantId": teams::ACME }),
                ..NewEndpoint::default()
            },
        };
        self.novu.add_endpoint(endpoint).unwrap();
    }

    /// An operator removes at Novu what was made by the asker's links.
    pub(super) async fn remove_connected(&self) {
        for endpoint in self.connected() {
            self.remove(&endpoint.identifier).await;
        }
    }

    /// Slack does not say who anybody is.
    pub(super) fn slack_tells_nobody_apart(&self) {
        if let Either::Slack(bot) = &self.bot {
            let away = Effect::status(StatusCode::SERVICE_UNAVAILABLE);
            bot.slack.fault(Fault::new(Route::path("/api/users.info"), away));
        }
    }

    /// No message of the bot's can be replaced any more.
    pub(super) fn messages_are_gone(&self) {
        let gone = Effect::status(StatusCode::NOT_FOUND);
        match &self.bot {
            Either::Slack(bot) => bot.slack.fault(Fault::new(Route::post("/commands/"), gone)),
            Either::Teams(bot) => {
                bot.teams.fault(Fault::new(Route::new(Method::PUT, bot.conversations()), gone));
            }
        }
    }

    /// The asker's workspace has removed the app.
    pub(super) fn app_is_removed(&self) {
        match &self.bot {
            Either::Slack(bot) => {
                self.messages_are_gone();
                bot.slack.kill_token(BOT_TOKEN, "account_inactive");
            }
            Either::Teams(bot) => {
                bot.teams.set_standing(&bot.teams.chat(self.asker), Standing::NotInstalled);
            }
        }
    }

    /// Novu does not list endpoints for everybody.
    pub(super) fn novu_lists_nothing(&self) {
        let away = Effect::status(StatusCode::SERVICE_UNAVAILABLE);
        self.novu.fault(Fault::new(Route::get(ENDPOINTS), away));
    }
}
