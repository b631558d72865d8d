//! What operation sees, and how the service ends.

use std::time::Duration;

use axum::http::StatusCode;
use connect_sandbox::{Effect, Failure, Fault, Hold, Route};
use futures_util::future::join_all;

use crate::bot::{ADA, Bot, MINT, find_code, member, until};

#[tokio::test]
async fn alive_at_once_and_ready_when_the_workspaces_are_known() {
    let bot = Bot::start().await;
    assert_eq!(bot.get("/healthz").await.body, "ok\n");
    bot.ready().await;
    assert_eq!(bot.ops("/readyz").await.body, r#"{"ready":true,"missing":[]}"#);
}

#[tokio::test]
async fn the_public_is_told_no_more_than_alive_and_ready() {
    let bot = Bot::start().await;
    bot.ready().await;
    for path in ["/metrics", "/readyz", "/healthz"] {
        let reply = bot.ops(path).await;
        assert!(reply.status == 200 && !reply.body.is_empty(), "{path}");
    }
    assert_eq!(bot.get("/healthz").await.body, "ok\n");
    assert_eq!(bot.method("GET", "/metrics").await, 404);
    let ready = bot.get("/readyz").await;
    assert_eq!((ready.status, ready.body.as_str()), (200, ""));
    // A method that the route for chat would refuse otherwise.
    assert_eq!(bot.ops("/slack/commands").await.status, 404);
    assert_eq!(bot.method("GET", "/slack/commands").await, 405);
    bot.command(ADA, "").await.link();
}

#[tokio::test]
async fn a_novu_that_is_away_at_the_start_is_named_and_missed_no_longer_than_it_is_away() {
    let bot = Bot::start().await;
    bot.ready().await;
    let away = Effect::status(StatusCode::SERVICE_UNAVAILABLE);
    bot.novu.fault(Fault::new(Route::get("/v1/channel-connections"), away));
    let settings = bot.settings();
    let bot = bot.restart(settings).await;
    assert_eq!(bot.method("GET", "/healthz").await, 200);
    until(async || bot.ops("/readyz").await.body.contains("unavailable")).await;
    let public = bot.get("/readyz").await;
    assert_eq!((public.status, public.body.as_str()), (503, ""));
    assert_eq!(bot.command_in_the_end(ADA, "").await.code(), "C-NOVU-DOWN");
    bot.novu.clear_faults();
    bot.clock.advance(Duration::from_secs(3));
    bot.command(ADA, "").await.link();
    assert_eq!(bot.method("GET", "/readyz").await, 200);
}

#[tokio::test]
async fn figures_tell_the_funnel_and_the_time_of_calls() {
    let bot = Bot::start().await;
    bot.ready().await;
    bot.command(ADA, "").await.link();
    bot.command(ADA, "help").await;
    let answers = |intent: &str, answer: &str| {
        format!(
            "connect_answers_total{{platform=\"slack\",intent=\"{intent}\",answer=\"{answer}\"}}"
        )
    };
    assert_eq!(bot.metric(&answers("connect", "sign_in")).await, 1);
    assert_eq!(bot.metric(&answers("help", "help")).await, 1);
    assert_eq!(bot.metric("connect_reply_seconds_count").await, 2);
    for call in [
        "upstream=\"novu\",operation=\"mint_link_user\",outcome=\"ok\"",
        "upstream=\"slack\",operation=\"users_info\",outcome=\"ok\"",
    ] {
        let text = bot.ops("/metrics").await.body;
        assert!(
            text.contains(&format!("connect_upstream_seconds_count{{{call}}}")),
            "{call}\n{text}"
        );
    }
}

#[tokio::test]
async fn answers_that_have_begun_are_finished_before_the_end() {
    let mut bot = Bot::start_with(&[("CONNECT_NOVU__PATIENCE", "20s")]).await;
    bot.ready().await;
    let hold = Hold::new();
    let mint = Route::post(MINT);
    bot.novu.fault(Fault::new(mint, Effect::Hold(hold.clone())));
    let stop = async {
        hold.reached(1).await;
        bot.begin_stop();
        // Nobody new is let in while the one inside is served.
        until(async || reqwest::get(format!("{}/healthz", bot.url)).await.is_err()).await;
        hold.release();
    };
    let (reply, ()) = tokio::join!(bot.command(ADA, ""), stop);
    reply.link();
    bot.stop().await;
}

#[tokio::test]
async fn a_late_answer_that_is_under_way_goes_out_before_the_end() {
    let mut bot = Bot::start_with(&[
        ("CONNECT_NOVU__PATIENCE", "20s"),
        ("CONNECT_SLACK__REPLY_BUDGET", "200ms"),
    ])
    .await;
    bot.ready().await;
    let hold = Hold::new();
    let mint = Route::post(MINT);
    bot.novu.fault(Fault::new(mint, Effect::Hold(hold.clone())));
    assert!(bot.command(ADA, "").await.text().contains("on its way"));
    bot.begin_stop();
    hold.release();
    bot.until_later(async || bot.slack.messages().len() == 1).await;
    bot.stop().await;
    assert_eq!(bot.novu.subscribers().len(), 1);
}

#[tokio::test]
async fn at_the_end_whoever_cannot_be_answered_is_told_so() {
    let settings = [("CONNECT_NOVU__PATIENCE", "20s"), ("CONNECT_SLACK__REPLY_BUDGET", "200ms")];
    let mut bot = Bot::start_with(&settings).await;
    bot.ready().await;
    // One attempt fails and the next has its time; all the others hang.
    let mint = Route::post(MINT);
    bot.novu.fault(Fault::new(mint.clone(), Effect::Fail(Failure::throttled(25))).times(1));
    bot.command(ADA, "").await;
    let hold = Hold::new();
    bot.novu.fault(Fault::new(mint, Effect::Hold(hold.clone())));
    let others: Vec<String> = (0..30).map(|number| format!("U{number}")).collect();
    for user in &others {
        bot.slack.add_user(member(user, user));
    }
    join_all(others.iter().map(|user| bot.command(user, ""))).await;
    bot.stop().await;
    let messages = bot.slack.messages();
    assert_eq!(messages.len(), 31);
    for message in messages {
        assert_eq!(find_code(message.text()).as_deref(), Some("C-RESTARTING"));
    }
}
