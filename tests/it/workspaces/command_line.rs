//! From the command line, beside a running service: the page, what came of it, and the end of a connection.

use connect_sandbox::Browser;
use connect_sandbox::novu::{NewEndpoint, Profile};
use serde_json::Value;

use super::{CONTEXT, Everything, GLOBEX, ITS_CONNECTION, OLGA, PAGES, go_on};
use crate::bot::{ADA, Bot, CONNECTION, INTEGRATION, Storage, TEAM, run_binary};

/// Runs `workspace` with the settings of this service. Gives the exit code, and what it said on both ways.
async fn workspace(bot: &Bot, arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut settings = bot.settings();
    if settings.contains_key(PAGES.0) {
        settings.insert(PAGES.0.to_owned(), bot.url.clone());
    }
    let output = run_binary(settings, &[&["workspace"], arguments].concat()).await;
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

async fn done(bot: &Bot, arguments: &[&str]) -> String {
    let (code, said, beside) = workspace(bot, arguments).await;
    assert_eq!(code, Some(0), "{said}{beside}");
    said
}

/// What a line of the output says of this.
#[track_caller]
fn told<'a>(said: &'a str, name: &str) -> &'a str {
    let line = said.lines().find_map(|line| line.strip_prefix(name));
    line.unwrap_or_else(|| panic!("no {name} in {said}")).trim()
}

async fn beside_globex() -> Bot {
    let bot = Bot::start_on(Storage::sqlite(), &[PAGES]).await;
    bot.open_globex();
    bot.ready().await;
    bot
}

/// Lets time go on until the command says this of a request.
async fn until_shown(bot: &Bot, request: &str, words: &str) {
    for _ in 0..40 {
        if done(bot, &["show", request]).await.contains(words) {
            return;
        }
        bot.clock.advance(std::time::Duration::from_secs(1));
    }
    panic!("never {words:?}");
}

#[tokio::test]
async fn a_workspace_is_connected_checked_and_disconnected() {
    let bot = beside_globex().await;
    let connect = ["connect", "slack", GLOBEX, "--context", "tenant:globex", "--scope", "commands"];
    let said = done(&bot, &connect).await;
    assert_eq!(told(&said, "connection"), ITS_CONNECTION);
    assert_eq!(told(&said, "context"), "tenant:globex");
    let (request, page) = (told(&said, "request").to_owned(), told(&said, "page").to_owned());
    assert!(done(&bot, &["show", &request]).await.contains("nobody has used the page"));

    let browser = Browser::new().unwrap();
    let consent = go_on(&browser, &page).await;
    assert!(done(&bot, &["show", &request]).await.contains("went on to the provider"));
    let landed = browser.press(&consent, OLGA).await.unwrap();
    assert_eq!(landed.url.path(), "/linked/slack");
    until_shown(&bot, &request, "Globex: it is connected").await;

    let shown = done(&bot, &["show", &request, "--json"]).await;
    assert!(!shown.contains(page.rsplit('/').next().unwrap()), "the page's address: {shown}");
    let shown: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(
        (&shown["outcome"]["what"], &shown["connection"]),
        (&"connected".into(), &ITS_CONNECTION.into())
    );
    let listed = done(&bot, &["list", "slack"]).await;
    assert!(listed.contains("Globex (T0GLOBEX), context tenant:globex"), "{listed}");
    assert_eq!(listed.lines().count(), 2, "{listed}");
    let checked = done(&bot, &["check", "slack", ITS_CONNECTION]).await;
    assert!(checked.ends_with("0 links, works\n"), "{checked}");
}

#[tokio::test]
async fn disconnecting_tells_first_and_is_done_by_the_service() {
    let bot = beside_globex().await;
    let subscriber = format!("slack:{TEAM}:{ADA}");
    bot.novu.add_subscriber(&subscriber, Profile::default());
    let endpoint = NewEndpoint::slack_user(INTEGRATION, CONNECTION, &subscriber, ADA);
    bot.novu.add_endpoint(endpoint).unwrap();
    let before = Everything::of(&bot);

    let command = ["disconnect", "slack", CONNECTION, "--remove-links"];
    let said = done(&bot, &command).await;
    assert!(said.contains("1 links") && said.contains("nothing was done"), "{said}");
    assert_eq!(Everything::of(&bot), before);

    let doing = [&command[..], &["--yes"]].concat();
    let time = async {
        loop {
            bot.clock.advance(std::time::Duration::from_millis(500));
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    let said = tokio::select! {
        said = done(&bot, &doing) => said,
        () = time => unreachable!("time goes on for ever"),
    };
    assert!(said.ends_with("it is disconnected; 1 links removed\n"), "{said}");
    assert!(bot.novu.connections().is_empty() && bot.novu.endpoints().is_empty());
}

#[tokio::test]
async fn what_cannot_be_done_is_told_with_its_fix_and_changes_nothing() {
    let bot = beside_globex().await;
    let before = Everything::of(&bot);
    for (arguments, code, words) in [
        (&["connect", "slack", TEAM][..], 1, "C-CONNECTED"),
        (&["connect", "slack", GLOBEX, "--connection", CONNECTION], 1, "C-IDENTIFIER-TAKEN"),
        (&["connect", "slack", GLOBEX, "--context", "tenant"], 64, "--context cannot be used"),
        (&["connect", "slack", GLOBEX, "--scope", "incoming-webhook"], 64, "makes a webhook"),
        (&["connect", "irc", "T1"], 64, "there is no platform irc: take slack or teams"),
        (&["connect", "teams", "T1"], 64, "teams is not on"),
        (&["connect", "slack", "not/an_id"], 64, "an id has 1 to 100"),
        (&["connect", "slack", GLOBEX, "--organisation", ""], 64, "an id has 1 to 100"),
        (&["reconnect", "slack", GLOBEX], 1, "C-WORKSPACE"),
        (&["check", "slack", "nothing"], 1, "C-WORKSPACE"),
        (&["show", "xyz"], 64, "is no id of a request"),
        (&["show", "00112233445566778899aabbccddeeff"], 1, "there is no request"),
    ] {
        let (exit, _, said) = workspace(&bot, arguments).await;
        assert!(exit == Some(code) && said.contains(words), "{arguments:?}: {exit:?} {said}");
    }
    assert_eq!(Everything::of(&bot), before);

    let without_pages = Bot::start_on(Storage::sqlite(), &[CONTEXT]).await;
    without_pages.ready().await;
    let (exit, _, said) = workspace(&without_pages, &["connect", "slack", GLOBEX]).await;
    assert!(exit == Some(1) && said.contains("C-NO-PAGE"), "{said}");
}
