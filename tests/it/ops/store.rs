//! A store that does not work: what people read, and what operators are told.

use connect_sandbox::Postgres;

use crate::bot::teams::{ADA, TeamsBot, link, said};
use crate::bot::{self, Bot, Storage, until};
use crate::log::Log;

#[tokio::test]
async fn in_teams_what_needs_nothing_from_the_store_is_answered_and_the_rest_is_refused() {
    let Some(server) = Postgres::start() else { return };
    let log = Log::read();
    let bot = TeamsBot::start_on(Storage::at(server.database()), &[]).await;
    bot.ready().await;
    server.stop();
    let help = bot.ask(ADA, "help").await;
    assert!(said(&help).contains("status"), "{}", said(&help));
    let refused = bot.ask(ADA, "connect").await;
    assert!(said(&refused).contains("C-STORE"), "{}", said(&refused));
    let trouble = log.lines("the store cannot be used");
    assert_eq!(trouble.len(), 1, "once, not for each question: {trouble:?}");
    assert!(!trouble[0]["fix"].as_str().unwrap().is_empty());
    server.resume();
    until(async || {
        bot.clock.advance(std::time::Duration::from_secs(2));
        bot.method("GET", "/readyz").await == 200
    })
    .await;
    assert_eq!(log.lines("the store works again").len(), 1);
    link(&bot.ask(ADA, "connect").await);
}

#[tokio::test]
async fn a_file_that_is_gone_makes_the_service_not_ready() {
    let bot = Bot::start_on(Storage::sqlite(), &[]).await;
    bot.ready().await;
    bot.command(bot::ADA, "").await.link();
    bot.storage.remove();
    bot.until_later(async || bot.method("GET", "/readyz").await == 503).await;
    let readiness = bot.ops("/readyz").await.json;
    assert_eq!(readiness["missing"][0]["trouble"], "gone", "{readiness}");
    assert_eq!(bot.metric("connect_store_up").await, 0);
    assert_eq!(bot.command(bot::GRACE, "help").await.status, 200);
}
