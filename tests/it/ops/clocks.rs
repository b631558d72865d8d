//! The machine's wall clock is set, by an hour, in either direction.

use std::time::Duration;

use jiff::SignedDuration;
use novu_connect_bot::clock::Clock;

use crate::bot::{ADA, Bot};

/// What somebody may ask at once.
const BURST: usize = 10;

#[tokio::test]
async fn a_clock_that_is_set_neither_blocks_anybody_nor_gives_more() {
    for jump in [SignedDuration::from_hours(-1), SignedDuration::from_hours(1)] {
        let bot = Bot::start().await;
        bot.ready().await;
        for _ in 0..BURST {
            bot.command(ADA, "help").await;
        }
        bot.clock.set(bot.clock.now() + jump);
        assert_eq!(bot.command(ADA, "").await.code(), "C-TOO-OFTEN", "{jump}: it is too soon");
        bot.clock.advance(Duration::from_secs(3));
        bot.command(ADA, "").await.link();
    }
}

#[tokio::test]
async fn a_signature_counts_once_even_if_its_time_comes_again() {
    let bot = Bot::start().await;
    bot.ready().await;
    let (signed_at, request) = (bot.clock.now(), bot.slash(ADA, "help"));
    let post = async || bot.post_raw("/slack/commands", request.clone()).await;
    assert_eq!(post().await.status, 200);
    // Long enough for its record to be forgotten, which happens when others come.
    for _ in 0..3 {
        bot.clock.advance(Duration::from_mins(6));
        bot.command(ADA, "help").await;
    }
    bot.clock.set(signed_at);
    assert_eq!(post().await.status, 401);
    // Whoever is genuine signs by a clock of their own.
    bot.clock.set(signed_at + SignedDuration::from_mins(18));
    bot.command(ADA, "").await.link();
}
