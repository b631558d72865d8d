//! `demo`: the real service among stand-ins, so that anybody can see it work without any account.

mod screen;
mod stage;

use std::io::Write;
use std::time::Duration;

use anyhow::{Context as _, ensure};

use crate::clock::between;
use crate::connect::LINK_LIFETIME;
use crate::sandbox::Browser;
use screen::Screen;
use stage::{PERSON, PERSON_NAME, SUBSCRIBER, Stage};

/// How often Novu is asked whether somebody has signed in.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Plays the story. With `once` nobody is needed: the link is followed as a browser would.
///
/// # Errors
/// The story did not end as it should, above all if the wrong person was linked.
pub async fn run(once: bool, out: &mut (impl Write + Send)) -> anyhow::Result<()> {
    let mut screen = Screen::new(out);
    let stage = Stage::build().await.context("the stage could not be built")?;
    introduce(&stage, &mut screen);

    screen.scene(&format!(
        "{PERSON_NAME} types /connect in Slack. Slack signs it and sends it here."
    ));
    let mut link = ask_for_link(&stage, &mut screen).await?;

    if once {
        screen.scene(
            "The button's link is followed as a browser would, allowing as the same person.",
        );
        let page = Browser::new()?.approve(&link, PERSON).await?;
        screen.line(&format!("the browser ends up with status {}", page.status));
    } else {
        screen.scene("Your turn: open the link in a browser, and allow or deny as whom you like.");
        screen.line(&link);
        wait_for_sign_in(&stage, &mut screen, &mut link).await?;
    }

    screen.scene("What Novu has now:");
    let right = show_endpoints(&stage, &mut screen);
    ensure!(right, "Novu ended up with somebody else linked than the person who asked");

    screen.scene(&format!("{PERSON_NAME} types /connect again."));
    let (message, took) = stage.command("").await?;
    screen.message(&message, took);
    ensure!(stage::button_of(&message).is_none(), "there should be nothing left to do");
    screen.line("");
    screen.line("That is all. README.md tells how to do the same with your own Slack and Novu.");
    stage.end().await;
    Ok(())
}

fn introduce(stage: &Stage, screen: &mut Screen<'_, impl Write>) {
    screen.title("novu-connect-bot: the real service, with stand-ins for Novu and Slack");
    screen.line("Nothing leaves this machine, and no account is needed.");
    screen.line("");
    screen.line(&format!("service  {}", stage.url()));
    screen.line(&format!("Novu     {}  (stand-in)", stage.novu.url()));
    screen.line(&format!("Slack    {}  (stand-in)", stage.slack.url()));
}

/// Sends `/connect` and shows the answer. Gives the link behind its button.
async fn ask_for_link(
    stage: &Stage,
    screen: &mut Screen<'_, impl Write>,
) -> anyhow::Result<String> {
    let (message, took) = stage.command("").await?;
    screen.message(&message, took);
    stage::button_of(&message).context("the answer has no sign-in button")
}

/// Waits until anybody has signed in; an expired link is replaced, as a person would do it.
async fn wait_for_sign_in(
    stage: &Stage,
    screen: &mut Screen<'_, impl Write>,
    link: &mut String,
) -> anyhow::Result<()> {
    let mut asked_at = stage.clock.now();
    screen.line("");
    screen.line("Waiting for you. Ctrl-C ends the demonstration.");
    while stage.novu.endpoints().is_empty() {
        if between(asked_at, stage.clock.now()) >= LINK_LIFETIME {
            screen.scene("The link has expired, so the command is typed again.");
            *link = ask_for_link(stage, screen).await?;
            screen.line(link);
            asked_at = stage.clock.now();
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    Ok(())
}

/// Shows who is linked to whom. Whether it is the right person, and nobody else.
fn show_endpoints(stage: &Stage, screen: &mut Screen<'_, impl Write>) -> bool {
    let endpoints = stage.novu.endpoints();
    for endpoint in &endpoints {
        screen.line(&format!(
            "subscriber {} is reached as Slack user {} through connection {}",
            endpoint.subscriber_id.as_deref().unwrap_or("nobody"),
            endpoint.user_id().unwrap_or("nobody"),
            endpoint.connection_identifier.as_deref().unwrap_or("none"),
        ));
    }
    let [only] = endpoints.as_slice() else { return false };
    only.user_id() == Some(PERSON)
        && only.subscriber_id.as_deref() == Some(SUBSCRIBER)
        && only.connection_identifier.as_deref() == Some(stage::CONNECTION)
}
