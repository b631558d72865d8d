//! Personal pages, from the card or the message to the sign-in.

use connect_sandbox::Browser;

use crate::bot::teams::{ADA, GROUP, PAGES, TeamsBot, link};
use crate::bot::{self, Bot};

const CONTINUE: &str = "Continue to sign in";

/// The path of a link to the service itself.
fn path<'a>(bot: &Bot, link: &'a str) -> &'a str {
    let path = link.strip_prefix(&bot.url).unwrap_or_else(|| panic!("{link} leads elsewhere"));
    assert!(path.starts_with("/link/"), "{path}");
    path
}

#[tokio::test]
async fn a_page_that_is_looked_at_mints_nothing_and_pressed_once_mints_once() {
    let bot = TeamsBot::start_with(&PAGES).await;
    bot.say_in(ADA, GROUP, "connect").await;
    let card = bot.seen(ADA, 1).await;
    let link = link(&card);
    assert_eq!(card.actions().len(), 1, "the page outlives the card: no new links are needed");
    for _ in 0..200 {
        let page = bot.get(path(&bot, &link)).await;
        assert_eq!(page.status, 200);
        assert!(page.body.contains("Ada Lovelace") && page.body.contains(CONTINUE));
    }
    assert_eq!(bot.mints().len(), 0);

    let browser = Browser::new().unwrap();
    let page = browser.open(&link).await.unwrap();
    let sign_in = browser.press(&page, CONTINUE).await.unwrap();
    assert!(sign_in.url.as_str().starts_with(bot.teams.url()), "{}", sign_in.url);
    assert_eq!(bot.mints().len(), 1);
    let done = browser.press(&sign_in, ADA).await.unwrap();
    assert_eq!(done.status, 200, "{}", done.body);
    assert_eq!(bot.novu.endpoints()[0].user_id(), Some(ADA));

    let after = browser.press(&page, CONTINUE).await.unwrap();
    assert!(after.body.contains("You are connected"), "{}", after.body);
    assert_eq!(bot.mints().len(), 1);
}

#[tokio::test]
async fn an_altered_or_foreign_or_expired_link_mints_never() {
    let bot = TeamsBot::start_with(&PAGES).await;
    let other = TeamsBot::start_with(&[
        PAGES[0],
        ("CONNECT_SERVER__LINK_KEYS", "canary-key-of-somebody-else"),
    ])
    .await;
    let link = link(&bot.ask(ADA, "connect").await);
    let foreign = crate::bot::teams::link(&other.ask(ADA, "connect").await);
    let good = path(&bot, &link).to_owned();
    let mut links = vec![path(&other, &foreign).to_owned()];
    for place in ["/link/".len(), good.len() / 2, good.len() - 2] {
        let swapped = if &good[place..=place] == "A" { "B" } else { "A" };
        links.push(format!("{}{swapped}{}", &good[..place], &good[place + 1..]));
    }
    for bad in &links {
        assert_eq!(press(&bot, bad).await, 404, "{bad}");
    }
    bot.clock.advance(std::time::Duration::from_hours(25));
    assert_eq!(press(&bot, &good).await, 410);
    assert_eq!(bot.mints().len(), 0);
}

#[tokio::test]
async fn a_link_for_a_platform_that_is_switched_off_mints_never() {
    let scope = format!("identity.basic,{}", "x".repeat(3000));
    let mut bot =
        TeamsBot::start_with(&[PAGES[0], PAGES[1], ("CONNECT_SLACK__USER_SCOPE", &scope)]).await;
    let slacks = path(&bot, &bot.command(bot::ADA, "").await.link()).to_owned();
    let teams = path(&bot, &link(&bot.ask(ADA, "connect").await)).to_owned();
    let all = bot.settings();
    bot.novu.clear_requests();
    for (off, dead, good) in [("SLACK", &slacks, &teams), ("TEAMS", &teams, &slacks)] {
        let mut settings = all.clone();
        settings.retain(|name, _| !name.starts_with(&format!("CONNECT_{off}__")));
        bot = bot.restart(settings).await;
        assert_eq!(bot.get(good).await.status, 200, "{off}");
        assert_eq!((bot.get(dead).await.status, press(&bot, dead).await), (404, 404), "{off}");
    }
    assert_eq!(bot.mints().len(), 0);
}

/// The status of a press on a page's button.
async fn press(bot: &Bot, path: &str) -> u16 {
    bot.method("POST", path).await
}

#[tokio::test]
async fn a_link_of_slacks_that_is_too_long_for_a_button_goes_through_a_page() {
    let scope = format!("identity.basic,{}", "x".repeat(3000));
    let bot = Bot::start_with(&[PAGES[0], PAGES[1], ("CONNECT_SLACK__USER_SCOPE", &scope)]).await;
    let link = bot.command(bot::ADA, "").await.link();
    path(&bot, &link);
    assert!(link.len() < 3000);
    let browser = Browser::new().unwrap();
    let page = browser.open(&link).await.unwrap();
    let sign_in = browser.press(&page, CONTINUE).await.unwrap();
    assert!(sign_in.url.as_str().starts_with(bot.slack.url()), "{}", sign_in.url);
    let done = browser.press(&sign_in, bot::ADA).await.unwrap();
    assert_eq!(done.status, 200, "{}", done.body);
    assert_eq!(bot.novu.endpoints()[0].user_id(), Some(bot::ADA));
}
