//! Chat accounts that another subscriber holds, and endpoints that Novu does not show at once.

use std::time::Duration;

use axum::http::Method;
use connect_sandbox::novu::{NewEndpoint, Profile};

use crate::bot::{ADA, API_KEY, Bot, CONNECTION, INTEGRATION, Storage, TEAM, until};

const ENDPOINTS: &str = "/v1/channel-endpoints";
/// Longer than a link is good for.
const A_LINKS_LIFE: Duration = Duration::from_secs(331);

/// Gives a chat account to a subscriber. Gives the endpoint's identifier.
fn hold(bot: &Bot, subscriber: &str, user: &str) -> String {
    bot.novu.add_subscriber(subscriber, Profile::default());
    let new = NewEndpoint::slack_user(INTEGRATION, CONNECTION, subscriber, user);
    bot.novu.add_endpoint(new).unwrap()
}

/// Removes an endpoint, as an operator does.
async fn let_go(bot: &Bot, endpoint: &str) {
    let url = format!("{}{ENDPOINTS}/{endpoint}", bot.novu.url());
    let request = novu_connect_bot::net::client().unwrap().delete(url);
    let answer = request.header("authorization", format!("ApiKey {API_KEY}")).send().await.unwrap();
    assert_eq!(answer.status(), 204);
}

/// Whether Ada is refused because somebody else holds her account. She asks no more than she may.
async fn is_refused_as_held(bot: &Bot) -> bool {
    bot.clock.advance(Duration::from_secs(3));
    bot.command(ADA, "").await.find_code().as_deref() == Some("C-HELD")
}

/// Lets the link that was just minted run out, and the bot look for who holds the account.
async fn let_it_run_out(bot: &Bot, pages: usize) {
    let before = bot.novu.count(&Method::GET, ENDPOINTS);
    bot.clock.advance(A_LINKS_LIFE);
    // The person's own endpoints first, then everybody's.
    until(async || bot.novu.count(&Method::GET, ENDPOINTS) >= before + 1 + pages).await;
}

#[tokio::test]
async fn whose_account_another_subscriber_holds_is_refused_until_it_is_let_go() {
    let bot = Bot::start().await;
    bot.ready().await;
    let held = hold(&bot, "phantom", ADA);
    // Nobody can know at first.
    bot.command(ADA, "").await.link();
    let_it_run_out(&bot, 1).await;
    until(async || is_refused_as_held(&bot).await).await;
    let mints = bot.mints().len();
    let refused = bot.command(ADA, "").await;
    assert_eq!(refused.code(), "C-HELD");
    assert!(!refused.body.contains("phantom"), "whose it is, is nobody's business");
    assert_eq!(bot.mints().len(), mints);

    let_go(&bot, &held).await;
    bot.command(ADA, "").await.link();
    // What the messages say in the end is told elsewhere.
    bot.slack.clear_messages();
}

#[tokio::test]
async fn who_holds_an_account_is_known_after_a_restart_until_it_is_let_go() {
    let bot = Bot::start_on(Storage::sqlite(), &[]).await;
    bot.ready().await;
    let held = hold(&bot, "phantom", ADA);
    bot.command(ADA, "").await.link();
    let_it_run_out(&bot, 1).await;
    until(async || is_refused_as_held(&bot).await).await;
    let settings = bot.settings();
    let bot = bot.restart(settings).await;
    bot.ready().await;
    let mints = bot.mints().len();
    assert_eq!(bot.command(ADA, "").await.code(), "C-HELD");
    assert_eq!(bot.mints().len(), mints);

    let_go(&bot, &held).await;
    bot.command(ADA, "").await.link();
    let settings = bot.settings();
    let bot = bot.restart(settings).await;
    bot.ready().await;
    bot.clock.advance(Duration::from_secs(3));
    bot.command(ADA, "").await.link();
    // What the messages say in the end is told elsewhere.
    bot.slack.clear_messages();
}

#[tokio::test]
async fn a_holder_far_back_is_found_in_one_look_through_for_everybody() {
    let bot = Bot::start().await;
    bot.ready().await;
    hold(&bot, "phantom", ADA);
    for number in 0..230 {
        bot.clock.advance(Duration::from_millis(1));
        hold(&bot, "somebody", &format!("U{number}"));
    }
    bot.command(ADA, "").await.link();
    let_it_run_out(&bot, 3).await;
    until(async || is_refused_as_held(&bot).await).await;
    // What the messages say in the end is told elsewhere.
    bot.slack.clear_messages();
}

/// How often endpoints were asked for with this in the address.
fn asked(bot: &Bot, part: &str) -> usize {
    let all = bot.novu.requests();
    let endpoints = all.iter().filter(|request| request.path() == ENDPOINTS);
    endpoints.filter(|request| request.path_and_query.contains(part)).count()
}

#[tokio::test]
async fn who_used_the_link_is_not_looked_for() {
    let bot = Bot::start().await;
    bot.ready().await;
    for number in 0..150 {
        hold(&bot, "somebody", &format!("U{number}"));
    }
    bot.link(ADA).await;
    bot.until_later(async || bot.slack.messages().len() == 1).await;
    let (own, further) = (asked(&bot, "subscriberId="), asked(&bot, "after="));
    bot.clock.advance(A_LINKS_LIFE);
    until(async || asked(&bot, "subscriberId=") > own).await;
    assert!(bot.command(ADA, "").await.find_code().is_none());
    assert_eq!(asked(&bot, "after="), further, "no look through them all");
}

#[tokio::test]
async fn the_persons_own_endpoint_is_found_on_a_later_page() {
    let bot = Bot::start().await;
    bot.ready().await;
    let subscriber = format!("slack:{TEAM}:{ADA}");
    hold(&bot, &subscriber, ADA);
    for number in 0..230 {
        bot.clock.advance(Duration::from_millis(1));
        hold(&bot, &subscriber, &format!("U{number}"));
    }
    let reply = bot.command(ADA, "").await;
    assert!(reply.text().contains("connected as") && reply.find_code().is_none(), "{}", reply.body);
    assert_eq!(bot.mints().len(), 0);
}
