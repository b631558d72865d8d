//! Signs of life while an answer is being made.

use std::time::Duration;

use connect_sandbox::{Effect, Fault, Hold, Route};

use crate::bot::teams::{ADA, GROUP, TeamsBot, find_link, link, said};
use crate::bot::{MINT, until};

/// Whoever asks waits for Novu until the hold is released.
async fn asked_in(place: Option<&str>) -> (TeamsBot, Hold) {
    let bot = TeamsBot::start_with(&[("CONNECT_NOVU__TIMEOUT", "20s")]).await;
    let hold = Hold::new();
    bot.novu.fault(Fault::new(Route::post(MINT), Effect::Hold(hold.clone())));
    let chat = bot.teams.chat(ADA);
    bot.say_in(ADA, place.unwrap_or(&chat), "connect").await;
    hold.reached(1).await;
    (bot, hold)
}

/// The asker first reads that the answer is on its way, and then the answer in its place.
async fn on_its_way_and_then_the_link(bot: &TeamsBot, hold: Hold) {
    bot.until_later(async || !bot.teams.messages().is_empty()).await;
    let waiting = bot.seen(ADA, 1).await;
    assert_eq!(find_link(waiting.card().unwrap()), None);
    assert!(said(&waiting).contains("on its way"), "{}", said(&waiting));
    hold.release();
    until(async || bot.teams.messages().iter().any(|it| find_link(it.card().unwrap()).is_some()))
        .await;
    bot.settled().await;
    let card = bot.seen(ADA, 1).await;
    assert_eq!(card.id, waiting.id, "it takes the place of the sign");
    link(&card);
    assert_eq!(bot.mints().len(), 1, "a mint that is slow is not repeated");
}

#[tokio::test]
async fn in_the_own_chat_the_bot_is_typing_before_it_says_that_the_answer_is_on_its_way() {
    let (bot, hold) = asked_in(None).await;
    bot.clock.advance(Duration::from_millis(499));
    assert_eq!(bot.teams.typing().len(), 0);
    bot.clock.advance(Duration::from_millis(1));
    until(async || bot.teams.typing().len() == 1).await;
    assert_eq!(bot.teams.messages(), []);
    on_its_way_and_then_the_link(&bot, hold).await;
    assert_eq!(bot.teams.typing().len(), 1);
}

#[tokio::test]
async fn in_a_group_only_the_asker_learns_that_an_answer_is_on_its_way() {
    let (bot, hold) = asked_in(Some(GROUP)).await;
    on_its_way_and_then_the_link(&bot, hold).await;
    assert_eq!(bot.teams.typing().len(), 0);
    assert_eq!(bot.teams.messages()[0].only_for.as_deref(), Some(ADA));
}

#[tokio::test]
async fn an_answer_that_is_there_at_once_needs_no_sign() {
    let bot = TeamsBot::start().await;
    link(&bot.ask(ADA, "connect").await);
    bot.clock.advance(Duration::from_secs(10));
    assert_eq!((bot.teams.typing().len(), bot.teams.messages().len()), (0, 1));
}
