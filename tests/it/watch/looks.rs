//! What looking for sign-ins costs Novu.

use std::collections::HashMap;
use std::time::Duration;

use axum::http::Method;
use connect_sandbox::Browser;
use connect_sandbox::novu::Integration;
use novu_connect_bot::clock::{Clock, between};

use super::{A_WATCHS_LIFE, ENDPOINTS};
use crate::bot::{ADA, Bot, INTEGRATION, ITSELF, member};

/// How often the integration's endpoints were listed.
fn looks(bot: &Bot) -> usize {
    let listed = bot.novu.requests().into_iter().filter(|request| {
        request.path() == ENDPOINTS && !request.path_and_query.contains("subscriberId")
    });
    listed.count()
}

#[tokio::test]
async fn nobody_looks_while_no_link_lives() {
    let bot = Bot::start().await;
    bot.ready().await;
    bot.pass(Duration::from_mins(1)).await;
    assert_eq!(looks(&bot), 0);
    bot.link(ADA).await;
    bot.until_told("connected as").await;
    bot.pass(A_WATCHS_LIFE).await;
    let before = looks(&bot);
    assert!(before > 100, "{before}");
    bot.pass(Duration::from_mins(1)).await;
    assert_eq!(looks(&bot), before);
    assert_eq!(bot.novu.count(&Method::DELETE, ENDPOINTS), 0);
}

/// So many people wait, each with a link of their own.
const PEOPLE: usize = 500;
/// How many of them sign in in half a second.
const AT_ONCE: usize = 50;
/// How many of them are led to the landing page afterwards.
const LANDED: usize = 100;

/// The times from each sign-in to the message that says so.
fn waits(bot: &Bot) -> Vec<Duration> {
    let endpoints = bot.novu.endpoints().into_iter();
    let signed_in: HashMap<_, _> =
        endpoints.map(|it| (it.user_id().unwrap_or_default().to_owned(), it.created_at)).collect();
    let messages = bot.slack.messages().into_iter();
    let told = messages.filter(|it| it.text().contains("connected as"));
    told.map(|it| between(signed_in[it.user.as_deref().unwrap()], it.at)).collect()
}

#[tokio::test]
async fn one_look_in_two_seconds_serves_five_hundred_who_wait() {
    let bot = Bot::start_with(&[("CONNECT_SERVER__PUBLIC_URL", ITSELF)]).await;
    bot.ready().await;
    let mut links = Vec::new();
    for user in (0..PEOPLE).map(|number| format!("UMANY{number}")) {
        bot.slack.add_user(member(&user, "Ida Rhodes"));
        let message = bot.command_shown(&user, "").await;
        let link = message.buttons()[0]["url"].as_str().unwrap().to_owned();
        links.push((user, link));
    }
    let browser = Browser::new().unwrap();
    let half_a_second = Duration::from_millis(500);
    let sign_in = async |some: &[(String, String)]| {
        for (user, link) in some {
            assert_eq!(browser.approve(link, user).await.unwrap().status, 200);
        }
    };

    let (by_themselves, landed) = links.split_at(PEOPLE - LANDED);
    let (before, since) = (looks(&bot), bot.clock.now());
    for some in by_themselves.chunks(AT_ONCE) {
        sign_in(some).await;
        bot.clock.advance(half_a_second);
        bot.settle().await;
    }
    while waits(&bot).len() < by_themselves.len() {
        bot.clock.advance(half_a_second);
        bot.settle().await;
    }
    let intervals = usize::try_from(between(since, bot.clock.now()).as_secs() / 2).unwrap();
    // Each lists what is new, a hundred at a time, and reaches back to what is known.
    let pages = by_themselves.len() / 100 + 2 * (intervals + 1);
    assert!(looks(&bot) - before <= pages, "{} in {intervals} intervals", looks(&bot) - before);
    let longest = waits(&bot).into_iter().max().unwrap();
    assert!(longest <= Duration::from_secs(3), "{longest:?}");

    let known = Integration {
        redirect_url: Some(format!("{}/linked/slack", bot.url)),
        ..Integration::slack(
            INTEGRATION,
            &bot.slack.options().client_id,
            &bot.slack.options().client_secret,
        )
    };
    bot.novu.add_integration(known);
    bot.slack.clear_messages();
    let (before, since) = (looks(&bot), bot.clock.now());
    for some in landed.chunks(AT_ONCE) {
        sign_in(some).await;
        bot.settle().await;
        bot.clock.advance(half_a_second);
        bot.settle().await;
    }
    crate::bot::until(async || waits(&bot).len() == landed.len()).await;
    let took = between(since, bot.clock.now());
    assert!(looks(&bot) - before <= 2 * (2 + usize::try_from(took.as_secs()).unwrap()));
    let longest = waits(&bot).into_iter().max().unwrap();
    assert!(longest <= Duration::from_secs(1), "{longest:?}");
}

#[tokio::test]
async fn a_visit_to_the_landing_page_makes_it_look_at_once_and_never_more_than_twice_a_second() {
    let bot = Bot::start_with(&[("CONNECT_SERVER__PUBLIC_URL", ITSELF)]).await;
    bot.ready().await;
    for _ in 0..20 {
        assert_eq!(bot.get("/linked/slack").await.status, 200);
    }
    assert_eq!(looks(&bot), 0, "no link lives");

    let link = bot.command(ADA, "").await.link();
    bot.pass(Duration::from_secs(3)).await;
    bot.approve(&link, ADA).await;
    let (before, since) = (looks(&bot), bot.clock.now());
    bot.get("/linked/slack").await;
    bot.until_later_by(Duration::from_millis(50), async || !bot.slack.messages().is_empty()).await;
    assert!(between(since, bot.clock.now()) <= Duration::from_secs(1));

    for _ in 0..10 {
        for _ in 0..20 {
            bot.get("/linked/slack").await;
        }
        bot.clock.advance(Duration::from_millis(100));
        bot.settle().await;
    }
    let took = between(since, bot.clock.now());
    assert!(looks(&bot) - before <= 2 + 2 * usize::try_from(took.as_secs() + 1).unwrap());
}
