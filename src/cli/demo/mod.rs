//! `demo`: the real service among stand-ins, so that anybody can see it work without any account.

mod answer;
mod screen;
mod stage;

use std::io::Write;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};

use answer::Answer;
use connect_sandbox::Browser;
use connect_sandbox::novu::Endpoint;
use screen::Screen;
use stage::{IN_SLACK, IN_TEAMS, Player, Role, Shown, Stage};

/// How often chat and Novu are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// How long chat may take to say what it has to say by itself.
const PATIENCE: Duration = Duration::from_secs(30);
/// The same while somebody may use a link: longer than it is watched.
const PATIENCE_WITH_PEOPLE: Duration = Duration::from_mins(10);

const START: &str = "[ Open the page ]";
const SIGN_IN: &str = "[ Sign in ]";
const CONNECTED: &str = "You are connected as";
const REMOVED: &str = "I removed it at once";
const RUN_OUT: &str = "Your link has run out";

/// Plays the story, in Slack and then in Microsoft Teams. With `once` nobody is needed: the links are
/// followed as a browser would.
///
/// # Errors
/// The story did not go as it should, above all if the wrong person stayed linked.
pub(super) async fn run(once: bool, out: &mut (impl Write + Send)) -> anyhow::Result<()> {
    let mut screen = Screen::new(out);
    let stage = Stage::build().await.context("the stage could not be built")?;
    introduce(&stage, &mut screen);
    for role in [&IN_SLACK, &IN_TEAMS] {
        let story = Story {
            stage: &stage,
            role,
            screen: &mut screen,
            patience: if once { PATIENCE } else { PATIENCE_WITH_PEOPLE },
            read: Vec::new(),
            linked: Vec::new(),
            acted: Instant::now(),
        };
        story.play(once).await?;
    }
    screen.line("");
    screen.line("That is all. README.md tells how to do the same with your own chat and Novu.");
    stage.end().await;
    Ok(())
}

fn introduce(stage: &Stage, screen: &mut Screen<'_, impl Write>) {
    screen.title("novu-connect-bot: the real service, with stand-ins for Novu, Slack and Teams");
    screen.line("Nothing leaves this machine, and no account is needed. Slack and Teams sign what");
    screen.line("they send, and the service verifies it.");
    screen.line("");
    screen.line(&format!("service  {}", stage.url()));
    screen.line(&format!("Novu     {}  (stand-in)", stage.novu.url()));
    screen.line(&format!("Slack    {}  (stand-in)", stage.slack.url()));
    screen.line(&format!("Teams    {}  (stand-in)", stage.teams.url()));
}

/// The story on one platform.
struct Story<'a, 'b, W> {
    stage: &'a Stage,
    role: &'a Role,
    screen: &'a mut Screen<'b, W>,
    patience: Duration,
    /// The messages that were shown on the screen.
    read: Vec<Shown>,
    /// Who is linked in Novu, as the screen has it.
    linked: Vec<Endpoint>,
    /// When somebody last did something.
    acted: Instant,
}

impl<W: Write> Story<'_, '_, W> {
    async fn play(mut self, once: bool) -> anyhow::Result<()> {
        let Role { ada, bob, .. } = self.role;
        self.connect_workspace(once).await?;
        // In Teams people can only be told where they have asked for a link of their own before.
        self.stage.write(self.role, bob, "connect").await?;
        self.ask("connect").await?;
        self.sign_in(once).await?;
        self.check_link()?;

        self.ask("test").await?;
        self.hear(ada, &["A test notification is on its way"]).await?;
        self.show_triggered()?;

        self.ask("disconnect").await?;
        let (asked, _) = self.hear(ada, &["Do you want to disconnect?"]).await?;
        self.press(&asked, "Yes, disconnect").await?;
        self.hear(ada, &["You are disconnected"]).await?;
        ensure!(self.endpoints().is_empty(), "Novu still has somebody linked");

        self.ask("status").await?;
        self.hear(ada, &["You are not connected yet"]).await?;
        Ok(())
    }

    /// Lets Olga connect the workspace, by the page and the provider's consent.
    async fn connect_workspace(&mut self, once: bool) -> anyhow::Result<()> {
        let Role { olga, provider, .. } = self.role;
        self.say(olga, "connect workspace").await?;
        let (_, answer) = self.hear(olga, &[START]).await?;
        let page = answer.link.context("there is no page behind the button")?;
        if once {
            self.scene(&format!("Olga opens the page in a browser, and agrees at {provider}."));
            let browser = Browser::new()?;
            let start = browser.open(&page).await?;
            let consent = browser.press(&start, &format!("Continue to {provider}")).await?;
            let end = browser.press(&consent, olga.user).await?;
            self.screen.line(&format!("the browser ends up with status {}", end.status));
        } else {
            self.scene("Your turn: open the page in a browser, go on, and allow as Olga.");
            self.wait_for_people(&page);
        }
        self.hear(olga, &["is connected."]).await?;
        let connections = self.stage.novu.connections();
        let ours = connections.iter().find(|it| it.identifier == self.role.connection);
        let ours = ours.context("Novu has no connection of the workspace")?;
        self.screen.line(&format!(
            "Novu: connection {} is that of {}, with the context {}",
            ours.identifier,
            ours.workspace.id,
            ours.context_keys.join(", "),
        ));
        Ok(())
    }

    /// Gives links out until Ada is connected. By itself, Bob takes the first one.
    async fn sign_in(&mut self, once: bool) -> anyhow::Result<()> {
        let Role { ada, bob, .. } = self.role;
        let mut visitors = [bob, ada].into_iter();
        loop {
            let (_, answer) = self.hear(ada, &[SIGN_IN]).await?;
            let link = answer.link.context("the sign-in button has no link")?;
            if once {
                let visitor = visitors.next().context("Ada is not connected by her own link")?;
                self.scene(&format!("{} opens the link in a browser, and allows.", visitor.name));
                let browser = Browser::new()?;
                let mut page = browser.open(&link).await?;
                if self.stage.is_own(&page.url) {
                    page = browser.press(&page, "Continue to sign in").await?;
                }
                let end = browser.press(&page, visitor.user).await?;
                self.screen.line(&format!("the browser ends up with status {}", end.status));
            } else {
                self.scene("Your turn: open the link in a browser, and allow as Ada, or as Bob.");
                self.wait_for_people(&link);
            }
            let (shown, answer) = self.hear(ada, &[CONNECTED, REMOVED, RUN_OUT]).await?;
            if answer.says(CONNECTED) {
                return Ok(());
            }
            if answer.says(REMOVED) {
                self.hear(bob, &["was made for somebody else"]).await?;
            }
            self.press(&shown, "New link").await?;
        }
    }

    fn wait_for_people(&mut self, link: &str) {
        self.screen.line(link);
        self.screen.line("");
        self.screen.line("Waiting for you. Ctrl-C ends the demonstration.");
    }

    /// Lets Ada write to the bot.
    async fn ask(&mut self, words: &str) -> anyhow::Result<()> {
        self.say(&self.role.ada, words).await
    }

    /// Lets somebody write to the bot.
    async fn say(&mut self, player: &Player, words: &str) -> anyhow::Result<()> {
        self.scene(&format!("{} {}.", player.name, self.role.asking(words)));
        self.stage.write(self.role, player, words).await
    }

    /// Lets Ada press a button.
    async fn press(&mut self, message: &Shown, label: &str) -> anyhow::Result<()> {
        self.scene(&format!("Ada presses \"{label}\"."));
        self.stage.press(self.role, &self.role.ada, message, label).await
    }

    fn scene(&mut self, text: &str) {
        self.screen.scene(text);
        self.acted = Instant::now();
    }

    /// Waits until somebody reads something new with any of these words in it, and shows it; meanwhile
    /// shows what becomes of the links in Novu.
    async fn hear(&mut self, reader: &Player, words: &[&str]) -> anyhow::Result<(Shown, Answer)> {
        while self.acted.elapsed() < self.patience {
            self.show_linked();
            for shown in self.stage.seen(self.role, reader) {
                let answer = shown.answer();
                if !self.read.contains(&shown) && words.iter().any(|words| answer.says(words)) {
                    self.show_linked();
                    self.screen.answer(reader.name, &answer.lines, self.acted.elapsed());
                    self.read.push(shown.clone());
                    return Ok((shown, answer));
                }
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        anyhow::bail!("{} reads none of {words:?} in {}", reader.name, self.role.platform_name())
    }

    /// Shows who is linked to whom in Novu, where that has changed.
    fn show_linked(&mut self) {
        let endpoints = self.endpoints();
        if endpoints == self.linked {
            return;
        }
        for endpoint in &endpoints {
            self.acted = Instant::now();
            self.screen.line(&format!(
                "Novu: subscriber {} is reached as {} user {} through connection {}",
                endpoint.subscriber_id.as_deref().unwrap_or("nobody"),
                self.role.platform_name(),
                endpoint.user_id().unwrap_or("nobody"),
                endpoint.connection_identifier.as_deref().unwrap_or("none"),
            ));
        }
        if endpoints.is_empty() {
            self.screen.line("Novu: the endpoint is gone, nobody is linked");
        }
        self.linked = endpoints;
    }

    /// Shows the event that Novu got last.
    fn show_triggered(&mut self) -> anyhow::Result<()> {
        let requests = self.stage.novu.requests();
        let event = requests.iter().rfind(|request| request.path() == "/v1/events/trigger");
        let event = event.context("Novu got no event")?.json();
        self.screen.line(&format!("Novu: event {event}"));
        ensure!(event["to"] == self.role.subscriber, "the test is not for Ada");
        Ok(())
    }

    /// Makes sure that Ada is linked, and nobody else.
    fn check_link(&self) -> anyhow::Result<()> {
        let endpoints = self.endpoints();
        let [only] = endpoints.as_slice() else {
            anyhow::bail!("{} endpoints in place of one", endpoints.len())
        };
        let is_right = only.user_id() == Some(self.role.ada.user)
            && only.subscriber_id.as_deref() == Some(self.role.subscriber)
            && only.connection_identifier.as_deref() == Some(self.role.connection);
        ensure!(is_right, "Novu ended up with somebody else linked than the person who asked");
        Ok(())
    }

    /// The people who are linked on this platform.
    fn endpoints(&self) -> Vec<Endpoint> {
        let mut endpoints = self.stage.novu.endpoints();
        endpoints.retain(|endpoint| endpoint.integration_identifier == self.role.integration);
        endpoints
    }
}
