//! Personal pages, from the card or the message to the sign-in.

pub(crate) mod chromium;
pub(crate) mod looks;

use connect_sandbox::novu::Integration;

use crate::bot::teams::{ACME, ADA, GRACE, GROUP, INTEGRATION, PAGES, TeamsBot, link, said};
use crate::bot::{self, Bot, MINT, Storage, until};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use connect_sandbox::{Browser, Effect, Fault, Route};
use novu_connect_bot::clock::Clock as _;
use novu_connect_bot::novu::LINK_LIFETIME;
use novu_connect_bot::signing::SigningKey;
use serde_json::json;

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

    let spent = browser.press(&page, CONTINUE).await.unwrap();
    assert!(spent.body.contains("already open"), "{}", spent.body);
    bot.clock.advance(LINK_LIFETIME);
    let after = browser.press(&page, CONTINUE).await.unwrap();
    assert!(after.body.contains("You are connected"), "{}", after.body);
    assert_eq!(bot.mints().len(), 1);
    reads(&bot, ADA, "You are connected").await;
}

#[tokio::test]
async fn an_altered_or_foreign_or_expired_link_mints_never() {
    let bot = TeamsBot::start_with(&PAGES).await;
    let other = TeamsBot::start_with(&PAGES).await;
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
async fn an_address_says_nothing_of_anybody() {
    let bot = TeamsBot::start_with(&PAGES).await;
    let link = link(&bot.ask(ADA, "connect").await);
    let id = path(&bot, &link).trim_start_matches("/link/");
    assert_eq!(id.len(), 24, "{id}");
    assert_ne!(link, crate::bot::teams::link(&bot.ask(ADA, "connect").await));
}

#[tokio::test]
async fn a_stranger_with_the_address_can_spend_a_press_and_not_keep_the_owner_out() {
    let bot = TeamsBot::start_with(&PAGES).await;
    let link = link(&bot.ask(ADA, "connect").await);
    let (stranger, owner) = (Browser::new().unwrap(), Browser::new().unwrap());
    let page = stranger.open(&link).await.unwrap();
    stranger.press(&page, CONTINUE).await.unwrap();
    let spent = owner.open(&link).await.unwrap();
    assert!(spent.body.contains("already open") && !spent.body.contains("<form"), "{}", spent.body);
    // Asking anew helps at once, waiting helps in five minutes.
    bot.clock.advance(std::time::Duration::from_secs(5));
    let anew = crate::bot::teams::link(&bot.ask(ADA, "connect").await);
    let page = owner.open(&anew).await.unwrap();
    let sign_in = owner.press(&page, CONTINUE).await.unwrap();
    assert!(sign_in.url.as_str().starts_with(bot.teams.url()), "{}", sign_in.url);
    bot.clock.advance(LINK_LIFETIME);
    let page = owner.open(&link).await.unwrap();
    assert!(page.body.contains(CONTINUE), "{}", page.body);
}

#[tokio::test]
async fn a_refused_press_can_be_made_again() {
    let bot = TeamsBot::start_with(&PAGES).await;
    let link = link(&bot.ask(ADA, "connect").await);
    let ill = Effect::status(axum::http::StatusCode::SERVICE_UNAVAILABLE);
    bot.novu.fault(Fault::new(Route::post(MINT), ill).times(3));
    let browser = Browser::new().unwrap();
    let page = browser.open(&link).await.unwrap();
    let refused = browser.press(&page, CONTINUE).await.unwrap();
    assert!(refused.body.contains("C-NOVU-DOWN"), "{}", refused.body);
    bot.novu.clear_faults();
    let sign_in = browser.press(&page, CONTINUE).await.unwrap();
    assert!(sign_in.url.as_str().starts_with(bot.teams.url()), "{}", sign_in.url);
}

#[tokio::test]
async fn whoever_it_is_not_ends_the_page_and_the_owner_reads_it_in_their_chat() {
    for (asker, words) in [(ADA, "not theirs"), (GRACE, "nicht die eigene")] {
        let bot = TeamsBot::start_with(&PAGES).await;
        let link = link(&bot.ask(asker, "connect").await);
        let browser = Browser::new().unwrap();
        let page = browser.open(&link).await.unwrap();
        let ended = browser.press(&page, "This is not me").await.unwrap();
        assert!(ended.body.contains("The page is closed"), "{}", ended.body);
        until(async || said(&bot.teams.seen_by(asker)[0]).contains(words)).await;
        assert_eq!(bot.teams.seen_by(asker).len(), 1, "the card is replaced");
        assert_eq!(browser.open(&link).await.unwrap().status, 410);
        assert_eq!(press(&bot, path(&bot, &link)).await, 410);
        assert_eq!(bot.mints().len(), 0);
        bot.forget();
    }
}

#[tokio::test]
async fn a_page_outlives_the_process_and_a_press_stays_spent() {
    let storage = Storage::sqlite();
    let mut bot = TeamsBot::start_on(storage, &PAGES).await;
    bot.ready().await;
    let link = path(&bot, &link(&bot.ask(ADA, "connect").await)).to_owned();
    assert_eq!(press(&bot, &link).await, 303);
    let settings = bot.settings();
    bot = bot.restart(settings).await;
    assert_eq!(press(&bot, &link).await, 200);
    assert!(bot.get(&link).await.body.contains("already open"));
    bot.clock.advance(LINK_LIFETIME);
    assert_eq!(press(&bot, &link).await, 303);
}

#[tokio::test]
async fn a_tenant_has_the_name_that_the_operator_gave_it_and_a_workspace_novus() {
    let scope = format!("identity.basic,{}", "x".repeat(3000));
    let bot = TeamsBot::start_with(&[PAGES[0], ("CONNECT_SLACK__USER_SCOPE", &scope)]).await;
    let unnamed = link(&bot.ask(ADA, "connect").await);
    let page = bot.get(path(&bot, &unnamed)).await.body;
    assert!(!page.contains("Organisation</dt>"), "{page}");
    let slacks = bot.command(bot::ADA, "").await.link();
    let page = bot.get(path(&bot, &slacks)).await.body;
    assert!(page.contains("Workspace</dt><dd><bdi>Acme<"), "{page}");
    assert!(!page.contains(&format!("<bdi>{}<", bot::TEAM)), "{page}");

    let mut settings = bot.settings();
    settings.insert("CONNECT_TEAMS__TENANT_NAMES".to_owned(), format!("{ACME}:Acme & Sons"));
    let bot = bot.restart(settings).await;
    let named = link(&bot.ask(ADA, "connect").await);
    let page = bot.get(path(&bot, &named)).await.body;
    assert!(page.contains("Organisation</dt><dd><bdi>Acme &#38; Sons<"), "{page}");
}

#[tokio::test]
async fn an_address_that_was_signed_before_pages_were_kept_still_leads_to_the_sign_in() {
    let key = "canary-key-of-personal-links";
    let bot = Bot::start_with(&[PAGES[0], ("CONNECT_SERVER__LINK_KEYS", key)]).await;
    let now = bot.clock.now().as_second();
    let workspace = json!({ "id": bot::TEAM, "enterprise": null, "org_install": false });
    let payload = json!({
        "subscriber": null,
        "invitation": {
            "person": { "platform": "slack", "workspace": workspace, "user": bot::ADA },
            "name": "Ada", "workspace": null, "subscriber": null, "subscriber_name": null,
            "command": "/connect", "reference": "01234567",
        },
        "issued": now, "expires": now + 24 * 60 * 60,
    });
    // As earlier builds made them: a version, JSON, and a code over both.
    let mut token = [&[1], payload.to_string().as_bytes()].concat();
    let code = SigningKey::new(&key.into()).unwrap().code("link", &[], &token);
    token.extend_from_slice(&code);
    let path = format!("/link/{}", URL_SAFE_NO_PAD.encode(token));
    let page = bot.get(&path).await;
    assert!(page.status == 200 && page.body.contains("If this is not you"), "{}", page.body);
    for _ in 0..2 {
        assert_eq!(press(&bot, &path).await, 303);
    }
    assert_eq!(bot.mints().len(), 2);
}

#[tokio::test]
async fn novu_leads_to_the_landing_page_which_leads_back_to_the_chat() {
    let bot = TeamsBot::start_with(&PAGES).await;
    let landing = format!("{}/linked/teams", bot.url);
    let app = bot.teams.options();
    let known = Integration::teams(INTEGRATION, &app.app_id, &app.app_secret, &app.home_tenant);
    bot.novu.add_integration(Integration { redirect_url: Some(landing.clone()), ..known });
    let browser = Browser::new().unwrap();
    let page = browser.open(&link(&bot.ask(ADA, "connect").await)).await.unwrap();
    let sign_in = browser.press(&page, CONTINUE).await.unwrap();
    let landed = browser.press(&sign_in, ADA).await.unwrap();
    assert_eq!(landed.url.as_str(), landing);
    let back = format!("https://teams.microsoft.com/l/chat/0/0?users=28:{}", app.app_id);
    assert!(landed.body.contains(&back), "{}", landed.body);
    for secret in [ADA, ACME, "Ada"] {
        assert!(!landed.body.replace(&back, "").contains(secret), "{}", landed.body);
    }
    reads(&bot, ADA, "You are connected").await;
    assert!(bot.get("/linked/slack").await.body.contains("slack://open"));
    assert_eq!(bot.get("/linked/irc").await.status, 404);
    let none = Bot::start().await;
    assert_eq!(none.get("/linked/slack").await.status, 404);
}

#[tokio::test]
async fn a_link_for_a_platform_that_is_switched_off_mints_never() {
    let scope = format!("identity.basic,{}", "x".repeat(3000));
    let more = [PAGES[0], ("CONNECT_SLACK__USER_SCOPE", &*scope)];
    let mut bot = TeamsBot::start_on(Storage::sqlite(), &more).await;
    bot.ready().await;
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

/// Waits until the newest message that somebody sees says this.
async fn reads(bot: &TeamsBot, oid: &str, words: &str) {
    let newest = || bot.teams.seen_by(oid).last().map(said).unwrap_or_default();
    bot.until_later(async || newest().contains(words)).await;
}

/// The status of a press on a page's button.
async fn press(bot: &Bot, path: &str) -> u16 {
    bot.method("POST", path).await
}

#[tokio::test]
async fn a_link_of_slacks_that_is_too_long_for_a_button_goes_through_a_page() {
    let scope = format!("identity.basic,{}", "x".repeat(3000));
    let bot = Bot::start_with(&[PAGES[0], ("CONNECT_SLACK__USER_SCOPE", &scope)]).await;
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
