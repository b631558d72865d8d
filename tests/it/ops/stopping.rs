//! The end of the service: not ready, serving on for a while, and then in good order.

use std::time::Duration;

use connect_sandbox::{Effect, Failure, Fault, Hold, Route};
use novu_connect_bot::clock::Clock;

use crate::bot::{ADA, Bot, GRACE, MINT, Storage, find_button, find_code, until};

/// Novu may take longer than Slack waits.
const SLOW_NOVU: [(&str, &str); 2] =
    [("CONNECT_NOVU__PATIENCE", "20s"), ("CONNECT_SLACK__REPLY_BUDGET", "200ms")];
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
    let settings = [&[DRAIN][..], &SLOW_NOVU].concat();
    let mut bot = Bot::start_on(Storage::in_memory(), &settings).await;
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

#[tokio::test]
async fn what_a_durable_store_holds_is_left_to_the_next_start_and_nobody_is_told_to_ask_again() {
    for storage in [Some(Storage::sqlite()), Storage::postgres()].into_iter().flatten() {
        leaves_to_the_next_start(storage).await;
    }
}

async fn leaves_to_the_next_start(storage: Storage) {
    let mut bot = Bot::start_on(storage, &SLOW_NOVU).await;
    let settings = bot.settings();
    bot.ready().await;
    // One promise is due later, so the service need not wait for it.
    let later = Effect::Fail(Failure::throttled(25));
    bot.novu.fault(Fault::new(Route::post(MINT), later).times(1));
    assert!(bot.command(ADA, "").await.is_on_its_way());
    let begun = bot.clock.monotonic();
    bot.stop().await;
    assert!(bot.clock.monotonic() - begun < Duration::from_secs(5));

    // The answer to another question takes longer than the service waits for it.
    let mut bot = bot.restart(settings.clone()).await;
    bot.ready().await;
    let hold = Hold::new();
    bot.novu.fault(Fault::new(Route::post(MINT), Effect::Hold(hold.clone())));
    assert!(bot.command(GRACE, "").await.is_on_its_way());
    let begun = bot.clock.monotonic();
    bot.stop().await;
    let took = bot.clock.monotonic() - begun;
    assert!(took >= Duration::from_secs(10) && took <= LONGEST_END, "{took:?}");
    hold.release();
    assert_eq!(bot.slack.messages().len(), 0);

    bot.novu.clear_faults();
    let bot = bot.restart(settings).await;
    bot.until_later(async || bot.slack.messages().len() == 2).await;
    assert!(bot.slack.messages().iter().all(|message| find_button(&message.body).is_some()));
}
