//! An administrator connects a workspace: from chat to the page, to the provider's consent, and back to the
//! message, which says by itself what came of it.

mod command_line;
mod disconnecting;
mod endings;
mod looks;
mod slack;
mod teams;
mod traps;

use std::time::Duration;

use connect_sandbox::novu::{Connection, Endpoint, Integration, Subscriber};
use connect_sandbox::slack::{Message, Team, User};
use connect_sandbox::{Browser, Page, Recorded};
use serde_json::Value;

use crate::bot::{self, ADA, BOT_TOKEN, Bot, INTEGRATION, ITSELF, Request, find_button, member};

/// A workspace that is not connected.
const GLOBEX: &str = "T0GLOBEX";
/// The connection that it gets.
const ITS_CONNECTION: &str = "slack-main-T0GLOBEX";
/// Its administrator, who is listed as well.
const OLGA: &str = "U0OLGA";
/// A member of it.
const MIA: &str = "U0MIA";
/// The path by which Novu is asked for the way to the provider.
const MINT: &str = "/v1/integrations/channel-connections/oauth";
const CONTINUE: &str = "Continue to Slack";
const CONNECTED: &str = "Globex is connected.";
/// Longer than somebody may take at the provider.
const A_SIGN_INS_LIFE: Duration = Duration::from_mins(7);

const PAGES: (&str, &str) = ("CONNECT_SERVER__PUBLIC_URL", ITSELF);
const CONTEXT: (&str, &str) = ("CONNECT_WORKSPACES__CONTEXT", "tenant:{workspace}");
const LISTED: (&str, &str) = ("CONNECT_SLACK__ADMINISTRATORS", OLGA);
/// How most operators have it.
const USUAL: [(&str, &str); 3] = [PAGES, CONTEXT, LISTED];

/// Everything that Novu has.
#[derive(Debug, PartialEq)]
struct Everything {
    connections: Vec<Connection>,
    endpoints: Vec<Endpoint>,
    subscribers: Vec<Subscriber>,
}

impl Everything {
    fn of(bot: &Bot) -> Self {
        let novu = &bot.novu;
        Self {
            connections: novu.connections(),
            endpoints: novu.endpoints(),
            subscribers: novu.subscribers(),
        }
    }

    /// The same without the workspace's own connection.
    fn but_ours(mut self) -> Self {
        self.connections.retain(|it| it.identifier != ITS_CONNECTION);
        self
    }
}

impl Bot {
    /// A second workspace in Slack, which is not connected, and a service that is ready.
    async fn beside_globex(settings: &[(&str, &str)]) -> Self {
        let bot = Self::start_with(settings).await;
        bot.open_globex();
        bot.ready().await;
        bot
    }

    fn open_globex(&self) {
        self.slack.add_team(Team {
            bot_token: format!("{BOT_TOKEN}-of-globex"),
            installed: false,
            ..Team::new(GLOBEX, "Globex")
        });
        let of_globex = |id, name| User { team_id: GLOBEX.to_owned(), ..member(id, name) };
        self.slack.add_user(User { is_admin: true, ..of_globex(OLGA, "Olga Owens") });
        self.slack.add_user(of_globex(MIA, "Mia Moss"));
        self.lead_back();
    }

    /// Lets Novu lead browsers to the landing page in the end.
    fn lead_back(&self) {
        let app = self.slack.options();
        let known = Integration::slack(INTEGRATION, &app.client_id, &app.client_secret);
        let redirect_url = Some(format!("{}/linked/slack", self.url));
        self.novu.add_integration(Integration { redirect_url, ..known });
    }

    /// A command in the workspace that is not connected.
    fn in_globex(&self, user: &str, text: &str) -> Request {
        self.slash(user, text).with("team_id", GLOBEX)
    }

    /// Types it. Gives the message as Slack shows it, whose buttons can be pressed and which can change.
    async fn types_in_globex(&self, user: &str, text: &str) -> Message {
        self.types(self.in_globex(user, text)).await
    }

    async fn types(&self, request: Request) -> Message {
        let reply = self.send(request.clone()).await;
        self.slack.receive_reply(request.slash_command(), reply.json)
    }

    /// What a message says now.
    fn now_says(&self, message: &Message) -> String {
        let shown = self.slack.shown_as(&message.ts);
        shown.map(|it| it.text().to_owned()).unwrap_or_default()
    }

    /// Waits, while time goes on, until a message says this by itself. Gives it.
    async fn until_says(&self, message: &Message, words: &str) -> Message {
        self.until_says_by(Duration::from_millis(500), message, words).await
    }

    /// As [`Bot::until_says`], by so much at a time: a lot where it takes until nobody can be at the provider
    /// any more.
    async fn until_says_by(&self, step: Duration, message: &Message, words: &str) -> Message {
        let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
        loop {
            let shown = self.slack.shown_as(&message.ts);
            if let Some(shown) = shown.filter(|it| it.text().contains(words)) {
                return shown;
            }
            let now = self.now_says(message);
            assert!(tokio::time::Instant::now() < deadline, "never {words:?}: {now}");
            self.clock.advance(step);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// What Novu was asked to mint, the newest last.
    fn connect_mints(&self) -> Vec<Value> {
        let all = self.novu.requests();
        let mints = all.iter().filter(|request| request.path() == MINT);
        mints.map(Recorded::json).collect()
    }

    /// Lets administrators of the first workspace be there, and a connection as Novu makes it.
    fn connect_acme(&self) {
        self.novu.remove_connection(bot::CONNECTION);
        self.connect_workspace_in_context(bot::CONNECTION, bot::TEAM, &["tenant:T0ACME"]);
        self.slack.add_user(User { is_admin: true, ..member(ADA, "Ada Lovelace") });
        self.lead_back();
    }
}

/// The address of the page behind a message's button.
#[track_caller]
fn page_of(message: &Message) -> String {
    let button =
        find_button(&message.body).unwrap_or_else(|| panic!("no page in {}", message.body));
    button["url"].as_str().unwrap().to_owned()
}

/// Opens a page and goes on to the provider.
async fn go_on(browser: &Browser, page: &str) -> Page {
    let page = browser.open(page).await.unwrap();
    browser.press(&page, CONTINUE).await.unwrap()
}

/// An administrator of a workspace that is not connected has asked for the page.
struct Asked {
    bot: Bot,
    before: Everything,
    message: Message,
    page: String,
}

impl Asked {
    async fn usual() -> Self {
        Self::with(&USUAL).await
    }

    async fn with(settings: &[(&str, &str)]) -> Self {
        let bot = Bot::beside_globex(settings).await;
        let before = Everything::of(&bot);
        let message = bot.types_in_globex(OLGA, "connect workspace").await;
        let page = page_of(&message);
        Self { bot, before, message, page }
    }

    /// The message says all of this in the end, with the button of the next step, and nothing has changed.
    async fn ends_unchanged(self, words: &[&str], button: &str) {
        let last = self.bot.until_says_by(Duration::from_secs(20), &self.message, words[0]).await;
        for words in words {
            assert!(last.text().contains(words), "{words} in {}", last.text());
        }
        assert_labels(&last, &[button]);
        assert_eq!(Everything::of(&self.bot), self.before);
    }

    /// A page says this, and neither Novu nor the message has changed.
    #[track_caller]
    fn is_refused(&self, page: &Page, words: &[&str]) {
        for words in words {
            assert!(page.body.contains(words), "{words} in {}", page.body);
        }
        assert!(page.url.as_str().starts_with(&self.bot.url), "{}", page.url);
        assert!(self.bot.now_says(&self.message).contains("Connect this workspace"));
    }
}

/// A message has exactly these buttons.
#[track_caller]
fn assert_labels(message: &Message, expected: &[&str]) {
    let buttons = message.buttons();
    let labels: Vec<_> = buttons.iter().filter_map(|it| it["text"]["text"].as_str()).collect();
    assert_eq!(labels, expected, "{}", message.text());
}
