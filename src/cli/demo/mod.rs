//! `demo`: the real service among stand-ins, so that anybody can see it work without any account.

mod answer;
mod screen;
mod stage;

use std::io::Write;
use std::time::Duration;

use anyhow::{Context as _, ensure};

use crate::clock::between;
use crate::core::LINK_LIFETIME;
use answer::Answer;
use connect_sandbox::Browser;
use connect_sandbox::novu::Endpoint;
use screen::Screen;
use stage::{IN_SLACK, IN_TEAMS, PERSON_NAME, Role, Stage};

/// How often Novu is asked whether somebody has signed in.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Plays the story, in Slack and then in Microsoft Teams. With `once` nobody is needed: the links are
/// followed as a browser would.
///
/// # Errors
/// The story did not end as it should, above all if the wrong person was linked.
pub(super) async fn run(once: bool, out: &mut (impl Write + Send)) -> anyhow::Result<()> {
    let mut screen = Screen::new(out);
    let stage = Stage::build().await.context("the stage could not be built")?;
    introduce(&stage, &mut screen);
    for (role, asking) in [
        (&IN_SLACK, "types /connect in Slack. Slack signs it and sends it here."),
        (&IN_TEAMS, "writes \"connect\" to the bot in Teams. Teams signs it and sends it here."),
    ] {
        screen.scene(&format!("{PERSON_NAME} {asking}"));
        Story { stage: &stage, role, screen: &mut screen }.play(once).await?;
    }
    screen.line("");
    screen.line("That is all. README.md tells how to do the same with your own chat and Novu.");
    stage.end().await;
    Ok(())
}

fn introduce(stage: &Stage, screen: &mut Screen<'_, impl Write>) {
    screen.title("novu-connect-bot: the real service, with stand-ins for Novu, Slack and Teams");
    screen.line("Nothing leaves this machine, and no account is needed.");
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
}

impl<W: Write> Story<'_, '_, W> {
    async fn play(&mut self, once: bool) -> anyhow::Result<()> {
        let link = self.ask_for_link().await?;
        if once {
            self.screen.scene(
                "The button's link is followed as a browser would, allowing as the same person.",
            );
            let page = Browser::new()?.approve(&link, self.role.user).await?;
            self.screen.line(&format!("the browser ends up with status {}", page.status));
        } else {
            self.screen.scene(
                "Your turn: open the link in a browser, and allow or deny as whom you like.",
            );
            self.wait_for_sign_in(link).await?;
        }
        self.screen.scene("What Novu has now:");
        let right = self.show_endpoints();
        ensure!(right, "Novu ended up with somebody else linked than the person who asked");

        self.screen.scene(&format!("{PERSON_NAME} asks again."));
        let answer = self.ask().await?;
        ensure!(answer.link.is_none(), "there should be nothing left to do");
        Ok(())
    }

    /// Asks on the platform and shows the answer.
    async fn ask(&mut self) -> anyhow::Result<Answer> {
        let answer = self.stage.ask(self.role).await?;
        self.screen.answer(&answer.lines, answer.took);
        Ok(answer)
    }

    /// Asks for a link, which is behind the button of the answer.
    async fn ask_for_link(&mut self) -> anyhow::Result<String> {
        self.ask().await?.link.context("the answer has no sign-in button")
    }

    /// Waits until anybody has signed in; an expired link is replaced, as a person would do it.
    async fn wait_for_sign_in(&mut self, mut link: String) -> anyhow::Result<()> {
        self.screen.line(&link);
        let mut asked_at = self.stage.clock.now();
        self.screen.line("");
        self.screen.line("Waiting for you. Ctrl-C ends the demonstration.");
        while self.endpoints().is_empty() {
            if between(asked_at, self.stage.clock.now()) >= LINK_LIFETIME {
                self.screen.scene("The link has expired, so another one is asked for.");
                link = self.ask_for_link().await?;
                self.screen.line(&link);
                asked_at = self.stage.clock.now();
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Ok(())
    }

    /// Shows who is linked to whom. Whether it is the right person, and nobody else.
    fn show_endpoints(&mut self) -> bool {
        let endpoints = self.endpoints();
        for endpoint in &endpoints {
            self.screen.line(&format!(
                "subscriber {} is reached as {} user {} through connection {}",
                endpoint.subscriber_id.as_deref().unwrap_or("nobody"),
                self.role.platform_name(),
                endpoint.user_id().unwrap_or("nobody"),
                endpoint.connection_identifier.as_deref().unwrap_or("none"),
            ));
        }
        let [only] = endpoints.as_slice() else { return false };
        only.user_id() == Some(self.role.user)
            && only.subscriber_id.as_deref() == Some(self.role.subscriber)
            && only.connection_identifier.as_deref() == Some(self.role.connection)
    }

    /// The people who are linked on this platform.
    fn endpoints(&self) -> Vec<Endpoint> {
        let mut endpoints = self.stage.novu.endpoints();
        endpoints.retain(|endpoint| endpoint.integration_identifier == self.role.integration);
        endpoints
    }
}
