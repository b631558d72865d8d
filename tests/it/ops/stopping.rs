//! The end of the service: not ready, serving on for a while, and then in good order.

use std::time::Duration;

use connect_sandbox::{Effect, Fault, Hold, Route};
use novu_connect_bot::clock::Clock;

use crate::bot::{ADA, Bot, MINT, find_code, until};

const DRAIN: (&str, &str) = ("CONNECT_SERVER__DRAIN", "5s");
/// What the service takes at most, beyond its drain.
const LONGEST_END: Duration = Duration::from_secs(15);

/// Whether the service takes connections at neither address.
async fn is_closed(bot: &Bot) -> bool {
    let refuses = async |url: &str| reqwest::get(format!("{url}/healthz")).await.is_err();
    refuses(&bot.url).await && refuses(&bot.ops_url).await
}

#[tokio::test]
async fn a_service_that_is_told_to_stop_says_so_and_serves_on_until_nobody_sends_people_there() {
    let mut bot = Bot::start_with(&[DRAIN]).await;
    bot.ready().await;
    bot.begin_stop();
    until(async || bot.get("/readyz").await.status == 503).await;
    let ready = bot.ops("/readyz").await;
    let stopping = r#"{"ready":false,"missing":[{"part":"service","trouble":"stopping"}]}"#;
    assert_eq!((ready.status, ready.body.as_str()), (503, stopping));
    bot.clock.advance(Duration::from_millis(4999));
    bot.command(ADA, "").await.link();
    assert_eq!(bot.get("/healthz").await.status, 200);
    bot.clock.advance(Duration::from_millis(1));
    until(async || is_closed(&bot).await).await;
    bot.stop().await;
}

#[tokio::test]
async fn however_slow_novu_is_the_service_ends_within_its_drain_and_fifteen_seconds() {
    let settings =
        [DRAIN, ("CONNECT_NOVU__PATIENCE", "20s"), ("CONNECT_SLACK__REPLY_BUDGET", "200ms")];
    let mut bot = Bot::start_with(&settings).await;
    bot.ready().await;
    bot.novu.fault(Fault::new(Route::post(MINT), Effect::Hold(Hold::new())));
    assert!(bot.command(ADA, "").await.is_on_its_way());
    let begun = bot.clock.monotonic();
    bot.stop().await;
    let took = bot.clock.monotonic() - begun;
    let longest = Duration::from_secs(5) + LONGEST_END;
    assert!(took > Duration::from_secs(5) && took <= longest, "{took:?}");
    let messages = bot.slack.messages();
    let codes: Vec<_> = messages.iter().map(|message| find_code(message.text())).collect();
    assert_eq!(codes, [Some("C-RESTARTING".to_owned())]);
}
