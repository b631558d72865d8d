//! The pages as people see them, in a real browser: what there is to press is on the first screen, nothing
//! has to be scrolled sideways, it is dark where people like it dark, and axe objects to nothing.

use std::time::Duration;

use connect_sandbox::{Effect, Fault, Route};

use super::chromium::{Chromium, Looks, View};
use crate::bot::MINT;
use crate::bot::teams::{ACME, ADA, PAGES, TeamsBot, link, member};

/// Somebody whose name fills a phone.
const LONG: &str = "oid-long";

/// A small phone and a laptop, light and dark, in every language; and both at a zoom of 200 %.
const VIEWS: [(u32, u32, bool); 6] = [
    (320, 568, false),
    (320, 568, true),
    (1280, 800, false),
    (1280, 800, true),
    (160, 284, false),
    (640, 400, true),
];

#[track_caller]
fn assert_fit(name: &str, view: View, has_button: bool, looks: &Looks) {
    let place = format!("{name} in {view:?}: {looks:?}");
    let [width, height] = looks.screen;
    let is = |seen: f64, asked: u32| (seen - f64::from(asked)).abs() < 0.5;
    assert!(is(width, view.width) && is(height, view.height), "{place}");
    assert_eq!(looks.button.is_some(), has_button, "{place}");
    if let Some([left, top, right, bottom]) = looks.button {
        assert!(left >= 0.0 && top >= 0.0 && right <= width && bottom <= height, "{place}");
        assert!(bottom - top >= 44.0, "{place}");
    }
    assert!(looks.overflow <= 0.0, "{place}");
    let background = if view.dark { "rgb(21, 23, 28)" } else { "rgb(244, 245, 247)" };
    assert_eq!(looks.background, background, "{place}");
    assert_eq!(looks.violations, [""; 0], "{place}");
}

/// Opens a page in every view, does something with it, and looks at it.
pub(crate) fn look_at(
    chromium: &mut Chromium,
    named: (&str, [&str; 2]),
    url: &str,
    has_button: bool,
    act: impl Fn(&mut Chromium),
) {
    for view in VIEWS {
        look_once(chromium, named, url, has_button, view, &act);
    }
}

/// As [`look_at`], in one view.
pub(crate) fn look_once(
    chromium: &mut Chromium,
    (name, titles): (&str, [&str; 2]),
    url: &str,
    has_button: bool,
    (width, height, dark): (u32, u32, bool),
    act: impl Fn(&mut Chromium),
) {
    let languages = if dark { "de" } else { "en" };
    let view = View { width, height, dark, languages };
    chromium.open(url, view);
    act(chromium);
    let shade = if dark { "dark" } else { "light" };
    let looks = chromium.look(&format!("{name}-{width}x{height}-{shade}-{languages}"));
    assert_eq!(looks.title, titles[usize::from(dark)]);
    assert_fit(name, view, has_button, &looks);
}

#[tokio::test]
async fn every_page_is_fit_to_be_read_and_pressed() {
    let name = "Wolfeschlegelsteinhausenbergerdorff ".repeat(4);
    let tenant = format!("{ACME}:Donaudampfschiffahrtsgesellschaft {}", "& Sons ".repeat(20));
    let more = [
        PAGES[0],
        ("CONNECT_APP__NAME", "Acme Notifications"),
        ("CONNECT_TEAMS__TENANT_NAMES", &tenant),
    ];
    let bot = TeamsBot::start_among(|teams| teams.add_person(member(LONG, &name)), &more).await;
    bot.ready().await;
    let page = link(&bot.ask(ADA, "connect").await);
    // Novu's limits are those of a clock that stands still.
    bot.clock.advance(Duration::from_secs(5));
    let named_at_length = link(&bot.ask(LONG, "connect").await);
    let landing = format!("{}/linked/teams", bot.url);
    let Some(mut chromium) = tokio::task::spawn_blocking(Chromium::start).await.unwrap() else {
        return;
    };
    let ill = Effect::status(axum::http::StatusCode::SERVICE_UNAVAILABLE);
    bot.novu.fault(Fault::new(Route::post(MINT), ill));
    let (open, landed) = (page.clone(), landing);
    let mut chromium = tokio::task::spawn_blocking(move || {
        let stay = |_: &mut Chromium| {};
        let confirm = ("confirm", ["Connect your account", "Verbinde dein Konto"]);
        look_at(&mut chromium, confirm, &open, true, stay);
        let confirm = ("confirm-long", confirm.1);
        look_at(&mut chromium, confirm, &named_at_length, true, stay);
        let landing = ("landing", ["Back to your chat", "Zurück in deinen Chat"]);
        look_at(&mut chromium, landing, &landed, true, stay);
        let refused = ("refused", ["This did not work", "Das hat nicht geklappt"]);
        look_at(&mut chromium, refused, &open, false, Chromium::press);
        chromium
    })
    .await
    .unwrap();
    bot.novu.clear_faults();
    // Whoever has pressed that often waits for a while.
    bot.clock.advance(Duration::from_mins(10));
    assert_eq!(bot.method("POST", page.strip_prefix(&bot.url).unwrap()).await, 303);
    let open = page.clone();
    let mut chromium = tokio::task::spawn_blocking(move || {
        let spent = ("spent", ["Your sign-in is already open", "Deine Anmeldung ist schon offen"]);
        look_at(&mut chromium, spent, &open, true, |_| {});
        chromium
    })
    .await
    .unwrap();
    bot.clock.advance(Duration::from_hours(25));
    tokio::task::spawn_blocking(move || {
        let expired = ("expired", ["This link has expired", "Dieser Link ist abgelaufen"]);
        look_at(&mut chromium, expired, &page, false, |_| {});
    })
    .await
    .unwrap();
    super::reads(&bot, ADA, "run out").await;
}
