//! What goes wrong: each ends in a true sentence and the next step, and changes nothing that it should not.

use std::time::Duration;

use axum::http::StatusCode;
use connect_sandbox::{Browser, Effect, Fault, Page, Route};

use super::{
    ADA, Asked, CONNECTED, CONTEXT, CONTINUE, Everything, GLOBEX, ITS_CONNECTION, LISTED, MINT,
    OLGA, PAGES, USUAL, assert_labels, go_on, page_of,
};
use crate::bot::{Bot, CONNECTION, Replica, Storage, TEAM, connection};
use crate::log::Log;

const AGAIN: &str = "Connect the workspace";
const CONNECTIONS: &str = "/v1/channel-connections";

fn ill() -> Effect {
    Effect::status(StatusCode::SERVICE_UNAVAILABLE)
}

#[tokio::test]
async fn whoever_denies_at_the_provider_has_changed_nothing() {
    let asked = Asked::usual().await;
    let browser = Browser::new().unwrap();
    let consent = go_on(&browser, &asked.page).await;
    let denied = browser.press(&consent, "deny").await.unwrap();
    assert!(denied.body.contains("access_denied"), "{}", denied.body);
    let words = ["T0GLOBEX was not connected: nobody finished the sign-in in time."];
    asked.ends_unchanged(&words, AGAIN).await;
}

#[tokio::test]
async fn another_workspace_that_was_chosen_is_taken_back() {
    let log = Log::read();
    let asked = Asked::usual().await;
    let browser = Browser::new().unwrap();
    let consent = go_on(&browser, &asked.page).await;
    // Whatever that takes.
    asked.bot.novu.fault(Fault::new(Route::delete(CONNECTIONS), ill()).times(6));
    asked.bot.novu.fault(Fault::new(Route::delete(CONNECTIONS), Effect::LostAnswer).times(1));
    browser.press(&consent, ADA).await.unwrap();
    let words = [
        "but Acme was connected.",
        "I removed that connection. The app is still installed in Acme:",
    ];
    asked.ends_unchanged(&words, AGAIN).await;
    let alarms = log.lines("a workspace was not connected as it was asked for");
    assert_eq!(alarms.len(), 1);
    assert_eq!(
        (&alarms[0]["level"], &alarms[0]["outcome"]),
        (&"ERROR".into(), &"wrong_workspace".into())
    );
}

#[tokio::test]
async fn another_workspace_that_was_chosen_for_a_connection_that_was_there_is_said_exactly() {
    let log = Log::read();
    let bot = Bot::beside_globex(&USUAL).await;
    bot.connect_acme();
    let asked = bot.types(bot.slash(ADA, "workspace reconnect")).await;
    bot.clock.advance(Duration::from_secs(1));
    let browser = Browser::new().unwrap();
    let consent = go_on(&browser, &page_of(&asked)).await;
    browser.press(&consent, OLGA).await.unwrap();
    let last = bot.until_says(&asked, "You asked to connect Acme, but Globex was connected.").await;
    let words = "The connection was there before, so I did not remove it. Until it is put right, messages \
                 do not reach your people. Ask whoever runs the notification service to disconnect it; then \
                 connect again, and choose the right workspace.";
    assert!(last.text().contains(words), "{}", last.text());
    assert_labels(&last, &["Connect the workspace"]);
    assert!(bot.novu.connections().iter().any(|it| it.identifier == CONNECTION));
    assert_eq!(log.lines("a workspace was not connected as it was asked for").len(), 1);

    let page = browser.open(&page_of(&asked)).await.unwrap();
    assert_eq!(page.status, 410);
    assert!(page.body.contains("This was not connected"), "{}", page.body);
}

#[tokio::test]
async fn a_way_to_the_provider_that_is_used_once_more_for_another_workspace_is_noticed() {
    let log = Log::read();
    let Asked { bot, message, page, .. } = Asked::usual().await;
    let browser = Browser::new().unwrap();
    let consent = go_on(&browser, &page).await;
    browser.press(&consent, OLGA).await.unwrap();
    bot.until_says(&message, CONNECTED).await;
    bot.clock.advance(Duration::from_secs(30));
    // Back in the same browser, where the consent is still open.
    browser.press(&consent, ADA).await.unwrap();
    bot.until_says(&message, "You asked to connect Globex, but Acme was connected.").await;
    assert_eq!(log.lines("a workspace was not connected as it was asked for").len(), 1);
}

#[tokio::test]
async fn two_who_want_one_workspace_in_different_contexts_take_nothing_from_each_other() {
    let listed = (super::LISTED.0, "U0OLGA,U0OTTO");
    let bot = Bot::beside_globex(&[super::PAGES, listed]).await;
    let first = page_of(&bot.types_in_globex(OLGA, "connect workspace").await);
    let second = page_of(&bot.types_in_globex("U0OTTO", "connect workspace").await);
    let (one, other) = (Browser::new().unwrap(), Browser::new().unwrap());
    let begin = async |browser: &Browser, page: &str, context: &str| {
        let page = browser.open(page).await.unwrap();
        let typed = [("context", context)];
        browser.fill_and_press(&page, &typed, super::CONTINUE).await.unwrap()
    };
    let consent = begin(&one, &first, "tenant:one").await;
    let refused = begin(&other, &second, "tenant:other").await;
    assert!(refused.body.contains("C-BEING-CONNECTED"), "{}", refused.body);
    one.press(&consent, OLGA).await.unwrap();
    bot.clock.advance(Duration::from_mins(8));
    bot.until_later(async || {
        bot.novu.connections().iter().any(|it| it.identifier == ITS_CONNECTION)
    })
    .await;
    assert_eq!(bot.connect_mints().len(), 1);
}

#[tokio::test]
async fn what_was_taken_meanwhile_is_told_on_the_page() {
    for (there, code) in [
        (connection(ITS_CONNECTION, "T0OTHER", &["tenant:x"]), "C-IDENTIFIER-TAKEN"),
        (connection("theirs", "T0OTHER", &["tenant:T0GLOBEX"]), "C-CONTEXT-TAKEN"),
        (connection(ITS_CONNECTION, GLOBEX, &["tenant:T0GLOBEX"]), "C-CONNECTED"),
    ] {
        let asked = Asked::usual().await;
        asked.bot.novu.add_connection(there).unwrap();
        let before = Everything::of(&asked.bot);
        let browser = Browser::new().unwrap();
        let refused = go_on(&browser, &asked.page).await;
        asked.is_refused(&refused, &[code, CONTINUE]);
        assert_eq!(Everything::of(&asked.bot), before);
        assert_eq!(asked.bot.connect_mints().len(), 0);
    }
}

#[tokio::test]
async fn a_page_that_has_led_to_a_connection_leads_nowhere_else() {
    let asked = Asked::usual().await;
    let browser = Browser::new().unwrap();
    let consent = go_on(&browser, &asked.page).await;
    browser.press(&consent, OLGA).await.unwrap();
    asked.bot.until_says(&asked.message, CONNECTED).await;
    let after = Everything::of(&asked.bot);
    let path = asked.page.strip_prefix(&asked.bot.url).unwrap();
    assert_eq!(asked.bot.method("POST", path).await, 200);
    let page = browser.open(&asked.page).await.unwrap();
    assert!(page.body.contains(CONNECTED) && !page.body.contains("<form"), "{}", page.body);
    // The provider's page is still open in another tab.
    let spent = browser.press(&consent, OLGA).await.unwrap();
    assert!(spent.status.is_success() || spent.status.is_client_error(), "{}", spent.body);
    assert_eq!(Everything::of(&asked.bot).but_ours(), after.but_ours());
    assert_eq!(asked.bot.connect_mints().len(), 1);
}

#[tokio::test]
async fn another_browser_cannot_go_on_with_a_page_that_was_begun() {
    let asked = Asked::usual().await;
    let (browser, other) = (Browser::new().unwrap(), Browser::new().unwrap());
    let shown = other.open(&asked.page).await.unwrap();
    go_on(&browser, &asked.page).await;
    let pressed = other.press(&shown, CONTINUE).await.unwrap();
    asked.is_refused(&pressed, &["Somebody has begun", "Go on in that browser"]);
    let handed_on = other.press(&shown, "Hand this page on").await.unwrap();
    asked.is_refused(&handed_on, &["Somebody has begun"]);
    assert_eq!(asked.bot.connect_mints().len(), 1);
    let own = browser.open(&asked.page).await.unwrap();
    asked.is_refused(&own, &["Continue to Slack once more"]);
}

#[tokio::test]
async fn a_page_that_is_handed_on_ends_and_the_new_one_works() {
    let asked = Asked::usual().await;
    let (browser, colleague) = (Browser::new().unwrap(), Browser::new().unwrap());
    let shown = browser.open(&asked.page).await.unwrap();
    let handed_on = browser.press(&shown, "Hand this page on").await.unwrap();
    asked.is_refused(&handed_on, &["Give this address to the colleague"]);
    let next = address_in(&handed_on);
    assert_ne!(next, asked.page);
    let old = browser.press(&shown, CONTINUE).await.unwrap();
    assert_eq!(old.status, 410);
    asked.is_refused(&old, &["There is a newer page"]);
    let consent = go_on(&colleague, &next).await;
    colleague.press(&consent, OLGA).await.unwrap();
    let last = asked.bot.until_says(&asked.message, CONNECTED).await;
    assert!(!last.text().contains("did not come back"), "{}", last.text());
}

#[tokio::test]
async fn what_is_done_by_a_link_from_before_the_page_was_handed_on_is_watched() {
    for (who, words) in [(OLGA, CONNECTED), (ADA, "but Acme was connected.")] {
        let asked = Asked::usual().await;
        let browser = Browser::new().unwrap();
        let consent = go_on(&browser, &asked.page).await;
        let shown = browser.open(&asked.page).await.unwrap();
        let handed_on = browser.press(&shown, "Hand this page on").await.unwrap();
        let next = address_in(&handed_on);
        browser.press(&consent, who).await.unwrap();
        asked.bot.until_says(&asked.message, words).await;
        assert_eq!(Everything::of(&asked.bot).but_ours(), asked.before);
        let page = browser.open(&next).await.unwrap();
        assert!(!page.body.contains("<form"), "{}", page.body);
    }
    // And where nobody uses it, the colleague has their day.
    let asked = Asked::usual().await;
    let (browser, colleague) = (Browser::new().unwrap(), Browser::new().unwrap());
    go_on(&browser, &asked.page).await;
    let shown = browser.open(&asked.page).await.unwrap();
    let next = address_in(&browser.press(&shown, "Hand this page on").await.unwrap());
    for _ in 0..60 {
        asked.bot.clock.advance(Duration::from_mins(1));
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let consent = go_on(&colleague, &next).await;
    colleague.press(&consent, OLGA).await.unwrap();
    // Slack lets nobody change so old a message: the end is a message of its own.
    let told = async || asked.bot.slack.messages().iter().any(|it| it.text().contains(CONNECTED));
    asked.bot.until_later(told).await;
}

/// The address that a page gives to be handed on.
#[track_caller]
fn address_in(page: &Page) -> String {
    let (_, rest) = page.body.split_once("readonly value=\"").expect("an address");
    rest.split_once('"').unwrap().0.to_owned()
}

#[tokio::test]
async fn novu_away_at_the_press_is_told_and_the_next_press_works() {
    let log = Log::read();
    let asked = Asked::usual().await;
    asked.bot.novu.fault(Fault::new(Route::post(MINT), ill()));
    let browser = Browser::new().unwrap();
    let refused = go_on(&browser, &asked.page).await;
    let lines = log.lines("an administrator cannot go on to connect a workspace");
    let reference = lines[0]["reference"].as_str().unwrap();
    asked.is_refused(&refused, &["C-NOVU-DOWN", reference, CONTINUE]);
    assert_eq!(lines[0]["advice"], "see Novu; the log has the cause");
    asked.bot.novu.clear_faults();
    let consent = browser.press(&refused, CONTINUE).await.unwrap();
    browser.press(&consent, OLGA).await.unwrap();
    asked.bot.until_says(&asked.message, CONNECTED).await;
}

#[tokio::test]
async fn novu_away_while_somebody_is_at_the_provider_delays_the_end() {
    let asked = Asked::usual().await;
    let browser = Browser::new().unwrap();
    let consent = go_on(&browser, &asked.page).await;
    asked.bot.novu.fault(Fault::new(Route::get(CONNECTIONS), ill()));
    browser.press(&consent, OLGA).await.unwrap();
    for _ in 0..20 {
        asked.bot.clock.advance(Duration::from_secs(30));
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    assert!(asked.bot.now_says(&asked.message).contains("Connect this workspace"));
    asked.bot.novu.clear_faults();
    let last = asked.bot.until_says(&asked.message, CONNECTED).await;
    assert!(!last.text().contains("did not come back"), "{}", last.text());
}

#[tokio::test]
async fn a_consent_in_another_browser_than_the_pages_is_said() {
    let asked = Asked::usual().await;
    let consent = go_on(&Browser::new().unwrap(), &asked.page).await;
    Browser::new().unwrap().approve(consent.url.as_str(), OLGA).await.unwrap();
    let last = asked.bot.until_says(&asked.message, CONNECTED).await;
    let words = "The browser in which the page was used did not come back from the sign-in.";
    assert!(last.text().contains(words), "{}", last.text());
    assert_eq!(Everything::of(&asked.bot).but_ours(), asked.before);
}

#[tokio::test]
async fn a_form_on_another_site_goes_nowhere() {
    let asked = Asked::usual().await;
    let client = novu_connect_bot::net::client().unwrap();
    for action in ["start", "hand_on"] {
        let post = client.post(&asked.page).header("origin", "https://elsewhere.example");
        let refused = post.form(&[("action", action)]).send().await.unwrap();
        assert_eq!(refused.status(), 403);
    }
    let page = Browser::new().unwrap().open(&asked.page).await.unwrap();
    asked.is_refused(&page, &[CONTINUE]);
    assert_eq!(asked.bot.connect_mints().len(), 0);
}

#[tokio::test]
async fn without_a_web_address_or_for_a_workspace_that_is_not_allowed_the_operator_is_named() {
    let not_allowed = ("CONNECT_SLACK__WORKSPACES", TEAM);
    for (settings, code, words) in [
        (&[CONTEXT, LISTED][..], "C-NO-PAGE", "the code and the reference below"),
        (&[PAGES, CONTEXT, LISTED, not_allowed], "C-NOT-ALLOWED", "to allow it"),
    ] {
        let bot = Bot::beside_globex(settings).await;
        let before = Everything::of(&bot);
        let reply = bot.send(bot.in_globex(OLGA, "connect workspace")).await;
        assert_eq!(reply.code(), code);
        assert!(reply.text().contains(words), "{}", reply.text());
        assert_eq!(Everything::of(&bot), before);
    }
}

#[tokio::test]
async fn what_a_killed_instance_began_the_next_one_ends() {
    let bot = Bot::beside_globex(&USUAL).await;
    let storage = Storage::sqlite();
    let first = Replica::start(&bot, &storage).await;
    let command = bot.in_globex(OLGA, "connect workspace");
    let (status, body) = first.post("/slack/commands", command.clone()).await;
    assert_eq!(status, 200, "{body}");
    let reply = serde_json::from_str(&body).unwrap();
    let message = bot.slack.receive_reply(command.slash_command(), reply);
    let page = page_of(&message).replace(&bot.url, &first.url);
    let client = novu_connect_bot::net::client().unwrap();
    let pressed = client.post(page).send().await.unwrap();
    let consent = pressed.headers()["location"].to_str().unwrap().to_owned();
    first.kill().await;
    Browser::new().unwrap().approve(&consent, OLGA).await.unwrap();
    let second = Replica::start(&bot, &storage).await;
    bot.until_says(&message, CONNECTED).await;
    second.kill().await;
}
