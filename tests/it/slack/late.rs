//! Answers that take longer than Slack waits.

use std::time::{Duration, Instant};

use axum::http::StatusCode;
use connect_sandbox::slack::Door;
use connect_sandbox::{Effect, Failure, Fault, Hold, Route};
use novu_connect_bot::clock::Clock;

use crate::bot::{
    ADA, Bot, GRACE, MINT, Request, Storage, TEAM, find_button, find_code, is_on_its_way, until,
};

const BUDGET: (&str, &str) = ("CONNECT_SLACK__REPLY_BUDGET", "200ms");
const PATIENT_NOVU: (&str, &str) = ("CONNECT_NOVU__PATIENCE", "20s");

/// A service whose Novu takes its time to mint, until the hold is released.
async fn slow_bot() -> (Bot, Hold) {
    let bot = Bot::start_with(&[BUDGET, PATIENT_NOVU]).await;
    bot.ready().await;
    let hold = Hold::new();
    bot.novu.fault(Fault::new(Route::post(MINT), Effect::Hold(hold.clone())));
    (bot, hold)
}

#[tokio::test]
async fn a_slow_novu_is_answered_in_time_and_the_link_follows_in_its_place() {
    let (bot, hold) = slow_bot().await;
    let started = Instant::now();
    let reply = bot.command(GRACE, "").await;
    assert!(started.elapsed() < Duration::from_secs(2));
    // By then it is known that Grace reads German.
    assert_eq!(reply.text(), "Deine Antwort ist unterwegs. Sie erscheint gleich hier.");
    assert!(reply.find_button().is_none());
    assert_eq!(bot.late_replies().len(), 0);

    hold.release();
    bot.until_later(async || bot.slack.messages().len() == 1).await;
    let message = &bot.slack.messages()[0];
    assert!(matches!(message.door, Door::ResponseUrl(_)));
    assert_eq!(message.body["replace_original"], true);
    assert_eq!(message.body["response_type"], "ephemeral");
    assert!(find_button(&message.body).unwrap()["url"].as_str().unwrap().contains("authorize?"));
    assert!(message.text().contains("Der Link ist nur für dich"));
    assert_eq!(bot.mints().len(), 1);
    until(async || bot.metric("connect_promises_open").await == 0).await;
    assert_eq!(
        bot.metric("connect_late_deliveries_total{platform=\"slack\",outcome=\"response_url\"}")
            .await,
        1
    );
}

/// Sends a command to the slow service, then lets Novu answer.
async fn late(bot: &Bot, hold: &Hold, request: Request) {
    let reply = bot.send(request).await;
    assert!(is_on_its_way(reply.text()), "{}", reply.text());
    hold.release();
}

#[tokio::test]
async fn a_dead_response_url_is_followed_by_a_direct_message() {
    let (bot, hold) = slow_bot().await;
    let dead = format!("{}/commands/T0ACME/1/never-made", bot.slack.url());
    late(&bot, &hold, bot.slash(ADA, "").with("response_url", &dead)).await;
    bot.until_later(async || bot.slack.messages().len() == 1).await;
    let message = &bot.slack.messages()[0];
    assert_eq!(message.door, Door::PostMessage);
    assert_eq!(message.user.as_deref(), Some(ADA), "only to the person");
    assert!(find_button(&message.body).is_some());
}

#[tokio::test]
async fn without_a_response_url_or_with_one_that_leads_elsewhere_it_is_a_direct_message() {
    for url in [
        None,
        Some("https://hooks.slack.com.evil.example/x"),
        Some("http://10.0.0.1/x"),
        Some("nonsense"),
    ] {
        let (bot, hold) = slow_bot().await;
        let request = match url {
            Some(url) => bot.slash(ADA, "").with("response_url", url),
            None => bot.slash(ADA, "").without("response_url"),
        };
        late(&bot, &hold, request).await;
        bot.until_later(async || bot.slack.messages().len() == 1).await;
        assert_eq!(bot.slack.messages()[0].door, Door::PostMessage);
        assert_eq!(bot.late_replies().len(), 0);
    }
}

#[tokio::test]
async fn a_response_url_that_fails_for_a_while_is_tried_again_with_the_link_that_is_still_good() {
    let (bot, hold) = slow_bot().await;
    bot.slack.fault(
        Fault::new(Route::post("/commands/"), Effect::status(StatusCode::INTERNAL_SERVER_ERROR))
            .times(2),
    );
    late(&bot, &hold, bot.slash(ADA, "")).await;
    bot.until_later(async || bot.slack.messages().len() == 1).await;
    assert_eq!(bot.late_replies().len(), 3);
    assert!(matches!(bot.slack.messages()[0].door, Door::ResponseUrl(_)));
    assert_eq!(bot.mints().len(), 1, "the link is good for minutes yet");
}

#[tokio::test]
async fn a_response_url_is_used_five_times_at_most() {
    let (bot, hold) = slow_bot().await;
    bot.slack.fault(Fault::new(Route::post("/commands/"), Effect::Hangup));
    late(&bot, &hold, bot.slash(ADA, "")).await;
    bot.until_later(async || bot.slack.messages().len() == 1).await;
    assert_eq!(bot.slack.messages()[0].door, Door::PostMessage);
    assert_eq!(bot.late_replies().len(), 5);
}

#[tokio::test]
async fn what_can_be_delivered_nowhere_is_given_up_and_counted() {
    let (bot, hold) = slow_bot().await;
    bot.slack.set_scopes(TEAM, &["commands", "users:read"]);
    late(&bot, &hold, bot.slash(ADA, "").without("response_url")).await;
    let lost = "connect_late_deliveries_total{platform=\"slack\",outcome=\"undelivered\"}";
    bot.until_later(async || bot.metric(lost).await == 1).await;
    assert_eq!(bot.metric("connect_promises_open").await, 0);
}

#[tokio::test]
async fn who_is_left_alone_when_slack_hangs_up_gets_the_answer_by_the_response_url() {
    let bot = Bot::start_with(&[("CONNECT_SLACK__REPLY_BUDGET", "2500ms"), PATIENT_NOVU]).await;
    bot.ready().await;
    let hold = Hold::new();
    bot.novu.fault(Fault::new(Route::post(MINT), Effect::Hold(hold.clone())));
    let request = bot.slash(ADA, "");
    let response_url = request.field("response_url").to_owned();
    bot.post_and_hang_up("/slack/commands", request, hold.reached(1)).await;
    assert_eq!(bot.metric("connect_promises_open").await, 0, "within the budget");
    hold.release();
    bot.until_later(async || bot.slack.messages().len() == 1).await;
    let message = &bot.slack.messages()[0];
    assert!(matches!(message.door, Door::ResponseUrl(_)));
    assert!(find_button(&message.body).is_some());
    let posts = bot.slack.requests();
    assert!(posts.iter().any(|post| response_url.ends_with(post.path())));
    assert_eq!(bot.mints().len(), 1);
    until(async || bot.metric("connect_promises_open").await == 0).await;
}

#[tokio::test]
async fn what_cannot_be_stored_is_not_promised() {
    let bot = Bot::start_on(Storage::of_size(0), &[BUDGET, PATIENT_NOVU]).await;
    bot.ready().await;
    let hold = Hold::new();
    bot.novu.fault(Fault::new(Route::post(MINT), Effect::Hold(hold.clone())));
    assert_eq!(bot.command(ADA, "").await.code(), "C-BUSY");
    hold.release();
    bot.novu.clear_faults();
    bot.command(ADA, "").await.link();
    assert_eq!(bot.slack.messages().len(), 0);
}

#[tokio::test]
async fn a_promise_whose_holder_hangs_is_kept_by_another_when_its_lease_runs_out() {
    let bot = Bot::start_with(&[BUDGET, PATIENT_NOVU]).await;
    bot.ready().await;
    let never_released = Hold::new();
    bot.novu.fault(Fault::new(Route::post(MINT), Effect::Hold(never_released)).times(1));
    assert!(is_on_its_way(bot.command(ADA, "").await.text()));
    assert_eq!(bot.metric("connect_promises_open").await, 1);
    bot.clock.advance(Duration::from_secs(89));
    assert_eq!(bot.mints().len(), 1, "held");
    bot.until_later(async || bot.slack.messages().len() == 1).await;
    assert!(find_button(&bot.slack.messages()[0].body).is_some());
    assert_eq!(bot.mints().len(), 2);
    until(async || bot.metric("connect_promises_open").await == 0).await;
}

#[tokio::test]
async fn slack_asking_to_slow_down_is_obeyed() {
    let (bot, hold) = slow_bot().await;
    bot.slack.fault(
        Fault::new(Route::post("/commands/"), Effect::Fail(Failure::throttled(30))).times(1),
    );
    let asked_at = bot.clock.clone();
    late(&bot, &hold, bot.slash(ADA, "")).await;
    bot.until_later(async || bot.slack.messages().len() == 1).await;
    assert!(asked_at.now().as_second() >= 1_790_000_030);
}

#[tokio::test]
async fn novu_asking_to_wait_a_little_is_waited_for_in_the_persons_stead() {
    let bot = Bot::start().await;
    bot.ready().await;
    bot.novu.fault(Fault::new(Route::post(MINT), Effect::Fail(Failure::throttled(8))).times(1));
    let reply = bot.command(ADA, "").await;
    assert!(is_on_its_way(reply.text()), "{}", reply.text());
    bot.until_later(async || bot.slack.messages().len() == 1).await;
    assert!(find_button(&bot.slack.messages()[0].body).is_some());
}

#[tokio::test]
async fn a_promise_that_novu_does_not_let_us_keep_ends_with_a_reason() {
    let bot = Bot::start_with(&[BUDGET, ("CONNECT_NOVU__PATIENCE", "300ms")]).await;
    bot.ready().await;
    let never = Effect::Slow(Duration::from_secs(30));
    bot.novu.fault(Fault::new(Route::post(MINT), never));
    let reply = bot.command(ADA, "").await;
    assert!(is_on_its_way(reply.text()), "{}", reply.text());
    bot.until_later(async || bot.slack.messages().len() == 1).await;
    let message = &bot.slack.messages()[0];
    assert_eq!(find_code(message.text()).as_deref(), Some("C-NOVU-SLOW"));
    assert_eq!(bot.mints().len(), 1, "late is no reason to ask again");
}

#[tokio::test]
async fn fifty_commands_of_one_person_at_once_are_all_answered_and_make_one_subscriber() {
    let bot = Bot::start().await;
    bot.ready().await;
    let replies = futures_util::future::join_all((0..50).map(|_| bot.command(ADA, ""))).await;
    let links = replies.iter().filter(|reply| reply.find_button().is_some()).count();
    let told_to_wait =
        replies.iter().filter(|reply| reply.find_code().as_deref() == Some("C-TOO-OFTEN")).count();
    assert_eq!((links, told_to_wait), (10, 40));
    assert_eq!(bot.mints().len(), 10);
    assert_eq!(bot.novu.subscribers().len(), 1);
}

#[tokio::test]
async fn fifty_people_at_once_with_a_slow_novu_all_get_their_own_link() {
    let (bot, hold) = slow_bot().await;
    let users: Vec<String> = (0..50).map(|number| format!("U{number}")).collect();
    for user in &users {
        bot.slack.add_user(crate::bot::member(user, user));
    }
    let replies =
        futures_util::future::join_all(users.iter().map(|user| bot.command(user, ""))).await;
    assert!(replies.iter().all(|reply| is_on_its_way(reply.text())));
    hold.release();
    bot.until_later(async || bot.slack.messages().len() == 50).await;
    let mut links: Vec<_> = bot
        .slack
        .messages()
        .iter()
        .map(|message| find_button(&message.body).unwrap()["url"].to_string())
        .collect();
    links.sort();
    links.dedup();
    assert_eq!(links.len(), 50);
}
