//! The end of the service, in good order and otherwise: what was acknowledged is answered.

use std::time::Duration;

use connect_sandbox::{Effect, Fault, Hold, Route};

use crate::bot::teams::{ADA, GROUP, TeamsBot, find_link, link};
use crate::bot::{MINT, Replica, Storage, until};

const PATIENT_NOVU: (&str, &str) = ("CONNECT_NOVU__PATIENCE", "20s");

/// A service whose Novu does not mint until the hold is released.
async fn held_bot() -> (TeamsBot, Hold) {
    (TeamsBot::start_with(&[PATIENT_NOVU]).await, Hold::new())
}

fn hold_mints(bot: &TeamsBot, hold: &Hold) {
    bot.novu.fault(Fault::new(Route::post(MINT), Effect::Hold(hold.clone())));
}

/// Begins to stop the service and waits until it lets nobody in.
async fn close(bot: &TeamsBot) {
    bot.begin_stop();
    until(async || reqwest::get(format!("{}/healthz", bot.url)).await.is_err()).await;
}

/// Waits until the service has ended, while time goes on.
async fn ended(bot: &mut TeamsBot) {
    let clock = bot.clock.clone();
    let time = async {
        loop {
            clock.advance(Duration::from_millis(100));
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::select! {
        () = bot.stop() => {}
        () = time => {}
    }
}

#[tokio::test]
async fn a_question_that_is_being_answered_is_answered_before_the_end() {
    let (mut bot, hold) = held_bot().await;
    hold_mints(&bot, &hold);
    bot.say_in(ADA, GROUP, "connect").await;
    hold.reached(1).await;
    close(&bot).await;
    assert_eq!(bot.teams.messages(), []);
    hold.release();
    ended(&mut bot).await;
    let messages = bot.teams.messages();
    let [card] = messages.as_slice() else { panic!("{} cards", messages.len()) };
    assert_eq!(card.only_for.as_deref(), Some(ADA));
    link(card);
}

#[tokio::test]
async fn a_pressed_button_is_answered_before_the_end_and_so_is_what_it_promises() {
    let (mut bot, hold) = held_bot().await;
    let card = bot.ask(ADA, "connect").await;
    hold_mints(&bot, &hold);
    let notice = bot.press(ADA, &card, "New link").await;
    assert!(notice.as_str().unwrap().contains("One moment"), "{notice}");
    hold.reached(1).await;
    close(&bot).await;
    hold.release();
    ended(&mut bot).await;
    let messages = bot.teams.messages();
    let [late] = messages.as_slice() else { panic!("{} cards", messages.len()) };
    assert_ne!(link(late), link(&card));
}

#[tokio::test]
async fn what_a_killed_instance_promised_the_next_one_delivers_once() {
    let (bot, hold) = held_bot().await;
    for storage in [Some(Storage::sqlite()), Storage::postgres()].into_iter().flatten() {
        hold_mints(&bot, &hold);
        let first = Replica::start(&bot, &storage).await;
        let question = bot.teams.message(ADA, GROUP, "connect");
        assert_eq!(first.deliver(question.signed()).await, 200);
        hold.reached(1).await;
        first.kill().await;
        bot.novu.clear_faults();
        assert_eq!(bot.teams.messages(), []);

        let second = Replica::start(&bot, &storage).await;
        let linked =
            || bot.teams.messages().iter().any(|it| it.card().and_then(find_link).is_some());
        bot.until_later(async || linked()).await;
        // What comes again after the restart is known there too.
        assert_eq!(second.deliver(question.signed()).await, 200);
        for _ in 0..10 {
            bot.clock.advance(Duration::from_secs(30));
            tokio::task::yield_now().await;
        }
        let messages = bot.teams.messages();
        let [card] = messages.as_slice() else { panic!("{} cards", messages.len()) };
        assert_eq!(card.only_for.as_deref(), Some(ADA));
        link(card);
        second.kill().await;
        bot.forget();
    }
    hold.release();
}
