//! The start page in a real browser, as the personal page is looked at.

use connect_sandbox::Browser;

use super::{Asked, LISTED, OLGA, PAGES, go_on, page_of};
use crate::page::chromium::Chromium;
use crate::page::looks::{look_at, look_once};

/// A small phone in English and a laptop in German, for pages that are built like others.
const FEW_VIEWS: [(u32, u32, bool); 2] = [(320, 568, false), (1280, 800, true)];
const START: [&str; 2] = ["Connect a workspace", "Einen Workspace verbinden"];

#[tokio::test]
async fn every_page_of_an_administrator_is_fit_to_be_read_and_pressed() {
    let Some(mut chromium) = tokio::task::spawn_blocking(Chromium::start).await.unwrap() else {
        return;
    };
    let decided = Asked::usual().await;
    let listed = (LISTED.0, "U0OLGA,U0OTTO,U0OPAL");
    let undecided = Asked::with(&[PAGES, listed]).await;
    let bot = &undecided.bot;
    let mut handed_on = Vec::new();
    // Each has one page at a time.
    for administrator in ["U0OTTO", "U0OPAL"] {
        handed_on.push(page_of(&bot.types_in_globex(administrator, "connect workspace").await));
    }
    let (open, fields) = (decided.page.clone(), undecided.page.clone());
    let mut chromium = tokio::task::spawn_blocking(move || {
        let stay = |_: &mut Chromium| {};
        look_at(&mut chromium, ("start", START), &open, true, stay);
        look_at(&mut chromium, ("start-fields", START), &fields, false, stay);
        let replaced = ["There is a newer page", "Es gibt eine neuere Seite"];
        for (view, page) in FEW_VIEWS.into_iter().zip(&handed_on) {
            let press = |chromium: &mut Chromium| chromium.click("form button");
            look_once(&mut chromium, ("start-refused", START), &fields, false, view, press);
            let named = ("handed-on", ["Handed on", "Weitergegeben"]);
            let hand_on = |chromium: &mut Chromium| chromium.click(".quiet");
            look_once(&mut chromium, named, page, false, view, hand_on);
            look_once(&mut chromium, ("start-replaced", replaced), page, true, view, stay);
        }
        chromium
    })
    .await
    .unwrap();
    let browser = Browser::new().unwrap();
    let consent = go_on(&browser, &decided.page).await;
    let page = decided.page.clone();
    let mut chromium = tokio::task::spawn_blocking(move || {
        let named = ("start-in-use", ["Somebody has begun", "Jemand hat schon begonnen"]);
        for view in FEW_VIEWS {
            look_once(&mut chromium, named, &page, false, view, |_| {});
        }
        chromium
    })
    .await
    .unwrap();
    browser.press(&consent, OLGA).await.unwrap();
    decided.bot.until_says(&decided.message, super::CONNECTED).await;
    let page = decided.page.clone();
    tokio::task::spawn_blocking(move || {
        let named = ("start-connected", ["Connected", "Verbunden"]);
        for view in FEW_VIEWS {
            look_once(&mut chromium, named, &page, true, view, |_| {});
        }
    })
    .await
    .unwrap();
}
