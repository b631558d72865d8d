//! Sign-ins of which only the person can say whether they were theirs.

use connect_sandbox::teams::Person;

use crate::bot::teams::{ACME, ALAN, TeamsBot, link, said};

const GUEST: &str = "oid-guest";
const HOME: &str = "tenant-home";
const AT_HOME: &str = "oid-at-home";

/// A guest who has signed in with the account that they have at home, and is asked about it; and their link.
async fn asked_guest() -> (TeamsBot, String) {
    let bot = TeamsBot::start().await;
    bot.teams.add_tenant(connect_sandbox::teams::Tenant::new(HOME, "Globex"));
    bot.teams.add_person(Person::guest(ACME, GUEST, "Gus Guest", HOME, AT_HOME));
    let link = link(&bot.ask(GUEST, "connect").await);
    assert_eq!(bot.approve(&link, GUEST).await.status, 200);
    bot.until_later(async || said(&bot.teams.seen_by(GUEST)[0]).contains("Was it you?")).await;
    (bot, link)
}

#[tokio::test]
async fn a_link_is_watched_on_after_its_person_has_answered() {
    for says in ["No, that was not me", "Yes, that was me"] {
        let (bot, link) = asked_guest().await;
        let card = bot.teams.seen_by(GUEST).remove(0);
        bot.press(GUEST, &card, says).await;
        let kept = usize::from(says.starts_with("Yes"));
        bot.until_later(async || bot.novu.endpoints().len() == kept).await;
        bot.settle().await;
        assert_eq!(bot.approve(&link, ALAN).await.status, 200);
        assert_eq!(bot.novu.endpoints().len(), kept + 1);
        // Of a guest who is connected it is certain that it is somebody else; any other is asked again.
        let card = || said(&bot.teams.seen_by(GUEST)[0]);
        if kept == 1 {
            bot.until_later(async || bot.novu.endpoints().len() == 1).await;
            bot.until_later(async || card().contains("Somebody else opened")).await;
        } else {
            bot.until_later(async || card().contains("Was it you?")).await;
        }
        bot.teams.clear_messages();
    }
}
