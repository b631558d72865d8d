//! Sign-ins of which only the person can say whether they were theirs.

use std::time::Duration;

use connect_sandbox::teams::Person;

use crate::bot::teams::{ACME, TeamsBot, link, said};

const GUEST: &str = "oid-guest";
const HOME: &str = "tenant-home";
const AT_HOME: &str = "oid-at-home";

/// A guest who has signed in with the account that they have at home, and is asked about it.
async fn asked_guest() -> TeamsBot {
    let bot = TeamsBot::start().await;
    bot.teams.add_tenant(connect_sandbox::teams::Tenant::new(HOME, "Globex"));
    bot.teams.add_person(Person::guest(ACME, GUEST, "Gus Guest", HOME, AT_HOME));
    let card = bot.ask(GUEST, "connect").await;
    assert_eq!(bot.approve(&link(&card), GUEST).await.status, 200);
    bot.until_later(async || said(&bot.teams.seen_by(GUEST)[0]).contains("Was it you?")).await;
    bot
}

#[tokio::test]
async fn a_guest_who_says_yes_stays_connected() {
    let bot = asked_guest().await;
    let card = bot.teams.seen_by(GUEST).remove(0);
    bot.press(GUEST, &card, "Yes, that was me").await;
    let connected = async || said(&bot.teams.seen_by(GUEST)[0]).contains("You are connected as");
    bot.until_later(connected).await;
    bot.pass(Duration::from_hours(2)).await;
    assert_eq!((bot.novu.endpoints().len(), bot.teams.seen_by(GUEST).len()), (1, 1));
    assert!(connected().await);
}

#[tokio::test]
async fn a_guest_who_says_no_or_nothing_for_an_hour_is_connected_no_more() {
    for says_no in [true, false] {
        let bot = asked_guest().await;
        if says_no {
            let card = bot.teams.seen_by(GUEST).remove(0);
            bot.press(GUEST, &card, "No, that was not me").await;
        } else {
            bot.pass(Duration::from_mins(50)).await;
            assert_eq!(bot.novu.endpoints().len(), 1);
            bot.pass(Duration::from_mins(15)).await;
        }
        bot.until_later(async || bot.novu.endpoints().is_empty()).await;
        let told = async || said(&bot.teams.seen_by(GUEST)[0]).contains("undid it");
        bot.until_later(told).await;
        bot.settle().await;
        assert_eq!(bot.teams.seen_by(GUEST).len(), 1);
    }
}
