//! What panics harms nothing else, is counted, and is told to operators.

use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::json;

use crate::bot::{ADA, Bot, until};
use crate::log::Log;
use crate::panics;
use crate::third::{BUG, command, only, say, start};

const RESTARTS: &str = "connect_background_restarts_total{task=\"third_chore\"}";

/// What operators are warned of.
async fn warnings(bot: &Bot) -> serde_json::Value {
    let reply = bot.ops("/readyz").await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    reply.json["warnings"].clone()
}

#[tokio::test]
async fn a_background_task_that_panics_is_named_and_counted_and_started_again_after_a_pause() {
    let log = Log::read();
    let (bot, third) = start(&[]).await;
    panics::expect(BUG);
    assert!(bot.ops("/metrics").await.body.contains(&format!("{RESTARTS} 0")));
    for (restarts, almost) in [(1, 999), (2, 1999), (3, 3999)] {
        third.bugs().background.notify_one();
        until(async || bot.metric(RESTARTS).await == restarts).await;
        let named = json!([{"part": "third_chore", "trouble": "restarting"}]);
        assert_eq!(warnings(&bot).await, named);
        bot.clock.advance(Duration::from_millis(almost));
        assert_eq!(warnings(&bot).await, named);
        bot.clock.advance(Duration::from_millis(1));
        until(async || warnings(&bot).await.is_null()).await;
    }
    let told = log.lines("a background task is started again");
    assert_eq!(told.len(), 3);
    assert_eq!((&told[0]["level"], &told[0]["task"]), (&json!("ERROR"), &json!("third_chore")));
    // Everybody else goes on.
    say(&bot, ADA, "connect").await;
    assert!(only(&bot, &third).await.link.is_some());
}

#[tokio::test]
async fn whoever_is_being_answered_when_something_panics_is_answered_all_the_same() {
    let log = Log::read();
    let (bot, third) = start(&[]).await;
    panics::expect(BUG);
    // The first attempt, and the next, which is another task's.
    third.bugs().messages.store(2, Ordering::SeqCst);
    say(&bot, ADA, "connect").await;
    assert!(only(&bot, &third).await.link.is_some());
    assert_eq!(bot.metric("connect_panics_total{what=\"task\"}").await, 2);
    let told = log.lines("an attempt at a job panicked");
    assert_eq!(told.len(), 2);
    assert_eq!(told[0]["reference"], told[1]["reference"]);
    assert_eq!(log.lines("answered")[0]["reference"], told[0]["reference"]);
}

#[tokio::test]
async fn whoever_waits_in_the_response_when_something_panics_is_told_that_it_broke() {
    let log = Log::read();
    let (bot, third) = start(&[]).await;
    panics::expect(BUG);
    third.bugs().profiles.store(1, Ordering::SeqCst);
    assert_eq!(command(&bot, ADA, "connect").await, "C-BROKEN");
    assert_eq!(bot.metric("connect_panics_total{what=\"task\"}").await, 1);
    let told = log.lines("what was done for a person panicked");
    assert_eq!(log.lines("answered")[0]["reference"], told[0]["reference"]);
    assert_eq!(command(&bot, ADA, "connect").await, "sign_in");
}

#[tokio::test]
async fn a_request_that_panics_is_an_empty_500_and_counted() {
    let (bot, _) = start(&[]).await;
    panics::expect(BUG);
    assert_eq!(bot.method("POST", "/third/broken").await, 500);
    assert_eq!(bot.metric("connect_panics_total{what=\"request\"}").await, 1);
}
