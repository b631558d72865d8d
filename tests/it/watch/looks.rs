//! What looking for sign-ins costs Novu.

use std::time::Duration;

use axum::http::Method;
use novu_connect_bot::clock::{Clock, between};

use super::{A_WATCHS_LIFE, ENDPOINTS};
use crate::bot::{ADA, Bot, ITSELF, member};

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

#[tokio::test]
async fn one_look_serves_everybody_who_waits() {
    const PEOPLE: usize = 100;
    let bot = Bot::start().await;
    bot.ready().await;
    let users: Vec<_> = (0..PEOPLE).map(|number| format!("UMANY{number}")).collect();
    let mut links = Vec::new();
    for user in &users {
        bot.slack.add_user(member(user, "Ida Rhodes"));
        links.push(bot.command(user, "").await.link());
    }
    let before = looks(&bot);
    for (user, link) in users.iter().zip(&links) {
        assert_eq!(bot.approve(link, user).await.status, 200);
    }
    for _ in 0..6 {
        bot.pass(Duration::from_millis(500)).await;
        bot.clock.advance(Duration::from_millis(500));
        bot.settle().await;
    }
    let connected = || {
        let messages = bot.slack.messages();
        messages.iter().filter(|it| it.text().contains("connected as")).count()
    };
    crate::bot::until(async || connected() == PEOPLE).await;
    // A page of a hundred, and what lies behind it.
    assert!(looks(&bot) - before <= 4, "{}", looks(&bot) - before);
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
