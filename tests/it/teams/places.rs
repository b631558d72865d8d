//! Where somebody is looked up, and what becomes of their answer where the app is not, or they are not.

use std::time::Duration;

use axum::http::Method;
use connect_sandbox::Browser;
use connect_sandbox::teams::{Conversation, Standing};

use crate::bot::teams::{
    ACME, ADA, ALAN, CHANNEL, GRACE, GROUP, PAGES, TeamsBot, link, member, said,
};

/// The members that the connector was asked for, by the places.
fn lookups(bot: &TeamsBot) -> Vec<String> {
    let mut places = Vec::new();
    for request in bot.teams.requests() {
        let Some(rest) = request.path().strip_prefix(&bot.conversations()) else { continue };
        if request.method == Method::GET
            && let Some((place, _)) = rest.split_once("/members/")
        {
            places.push(place.trim_start_matches('/').replace("%3A", ":").replace("%40", "@"));
        }
    }
    places
}

/// Lets time go on until nothing is promised any more.
async fn settled_later(bot: &TeamsBot) {
    bot.until_later(async || bot.metric("connect_promises_open").await == 0).await;
}

#[tokio::test]
async fn where_the_app_is_not_the_card_comes_in_the_own_chat() {
    for (more, place) in [(&[][..], GROUP), (&PAGES[..], GROUP), (&[][..], CHANNEL)] {
        let bot = TeamsBot::start_with(more).await;
        bot.teams.set_standing(place, Standing::NotInstalled);
        bot.say_in(ADA, place, "connect").await;
        // A tenant has its pace.
        settled_later(&bot).await;
        let card = bot.seen(ADA, 1).await;
        assert_eq!(card.conversation, bot.teams.chat(ADA));
        assert_eq!(bot.teams.messages().len(), 1, "and nowhere else");
        assert_eq!(bot.delivered("own_chat").await, 1);

        // A personal page looks them up where they were found, once what was found is no longer good.
        bot.clock.advance(Duration::from_secs(if more.is_empty() { 1 } else { 301 }));
        let browser = Browser::new().unwrap();
        let mut page = browser.open(&link(&card)).await.unwrap();
        if !more.is_empty() {
            let places = lookups(&bot).len();
            page = browser.press(&page, "Continue to sign in").await.unwrap();
            assert_eq!(lookups(&bot)[places..], [bot.teams.chat(ADA)]);
        }
        let done = browser.press(&page, ADA).await.unwrap();
        assert_eq!(done.status, 200, "{}", done.body);
        assert_eq!(bot.novu.endpoints()[0].user_id(), Some(ADA));
    }
}

#[tokio::test]
async fn whom_no_answer_can_reach_is_given_up_at_once() {
    let bot = TeamsBot::start().await;
    for (place, places) in [(GROUP, vec![GROUP]), (CHANNEL, vec!["19:crew@thread.tacv2", CHANNEL])]
    {
        bot.forget();
        bot.teams.set_standing(place, Standing::NotInstalled);
        bot.say_in(ALAN, place, "connect").await;
        settled_later(&bot).await;
        assert_eq!(bot.teams.messages(), []);
        assert_eq!(bot.mints().len(), 0);
        assert_eq!(lookups(&bot), places, "what does not pass is asked once");
    }
    assert_eq!(bot.delivered("undelivered").await, 2);
}

#[tokio::test]
async fn a_member_of_a_shared_channel_who_is_not_in_its_team_is_found_in_the_channel() {
    const LINUS: &str = "oid-linus";
    let bot = TeamsBot::start().await;
    bot.teams.add_person(member(LINUS, "Linus Pauling"));
    let shared = Conversation::channel(ACME, "crew", "shared", &[LINUS, GRACE]);
    bot.teams.add_conversation(shared.clone());
    bot.say_in(LINUS, &shared.id, "connect").await;
    let card = bot.seen(LINUS, 1).await;
    assert_eq!(card.only_for.as_deref(), Some(LINUS));
    assert!(card.conversation.starts_with(&shared.id), "{}", card.conversation);
    link(&card);
    assert_eq!(lookups(&bot), ["19:crew@thread.tacv2", &shared.id]);
}

#[tokio::test]
async fn who_is_a_member_nowhere_is_told_so_without_delay() {
    let bot = TeamsBot::start().await;
    bot.teams.add_person(member("oid-eve", "Eve"));
    bot.teams.set_standing(&bot.teams.chat("oid-eve"), Standing::NotInstalled);
    bot.say_in("oid-eve", GROUP, "connect").await;
    // A targeted card is for members, and there is no own chat.
    settled_later(&bot).await;
    assert_eq!(lookups(&bot), [GROUP], "what does not pass is asked once");
    assert_eq!(bot.delivered("pointed_to_chat").await, 1);
    assert_eq!(bot.teams.messages().len(), 1);
    assert_eq!(bot.mints().len(), 0);
}

#[tokio::test]
async fn help_in_teams_looks_nobody_up() {
    let bot = TeamsBot::start().await;
    for (oid, word, part) in [
        (ADA, "help", "This is what you can type:"),
        (GRACE, "hilfe bitte", "Das kannst du eingeben:"),
    ] {
        let answer = bot.ask(oid, word).await;
        assert!(said(&answer).contains(part), "{}", said(&answer));
    }
    assert_eq!(lookups(&bot), Vec::<String>::new());
}
