//! Stories from Microsoft Teams in which everything is well.

use std::time::{Duration, Instant};

use axum::http::StatusCode;
use connect_sandbox::novu::Profile;
use connect_sandbox::teams::{Conversation, Inbound, Message, Person, Role, validate_reply};
use connect_sandbox::{Browser, Effect, Failure, Fault, Hold, Route};
use serde_json::{Value, json};

use crate::bot::MINT;
use crate::bot::teams::{
    ACME, ADA, ALAN, CHANNEL, CONNECTION, GRACE, GROUP, TeamsBot, find_link, link, member, said,
};

/// The titles of a message's buttons, with their types.
fn buttons(message: &Message) -> Vec<(String, String)> {
    let text = |action: &serde_json::Map<String, Value>, name: &str| {
        action[name].as_str().unwrap_or_default().to_owned()
    };
    let actions = message.actions();
    actions.iter().map(|action| (text(action, "type"), text(action, "title"))).collect()
}

/// Follows a sign-in link as a person.
async fn approve(link: &str, oid: &str) {
    let page = Browser::new().unwrap().approve(link, oid).await.unwrap();
    assert_eq!(page.status, 200, "{}", page.body);
}

#[tokio::test]
async fn a_person_connects_in_their_own_chat_and_is_known_from_then_on() {
    let bot = TeamsBot::start().await;
    let card = bot.ask(ADA, "connect").await;
    assert!(card.only_for.is_none(), "there is nothing to target in a chat of two");
    assert_eq!(card.conversation, bot.teams.chat(ADA));
    let expected = [("Action.OpenUrl", "Sign in"), ("Action.Execute", "New link")];
    assert_eq!(buttons(&card), expected.map(|(kind, title)| (kind.to_owned(), title.to_owned())));
    assert!(said(&card).contains("The link is yours alone"));
    assert!(bot.novu.endpoints().is_empty());

    approve(&link(&card), ADA).await;
    let endpoints = bot.novu.endpoints();
    let [endpoint] = endpoints.as_slice() else { panic!("one link, not {}", endpoints.len()) };
    assert_eq!(endpoint.kind, "ms_teams_user");
    assert_eq!(endpoint.endpoint, json!({ "userId": ADA, "tenantId": ACME }));
    assert_eq!(endpoint.subscriber_id.as_deref(), Some("teams:tenant-acme:oid-ada"));
    assert_eq!(endpoint.connection_identifier.as_deref(), Some(CONNECTION));

    bot.until_later(async || bot.teams.seen_by(ADA)[0].edits > 0).await;
    let again = bot.ask(ADA, "connect").await;
    assert!(said(&again).contains("You are connected as"), "{}", said(&again));
    assert_eq!(buttons(&again), [("Action.Execute".to_owned(), "Disconnect".to_owned())]);
    assert_eq!(bot.mints().len(), 1);
    assert_eq!(bot.delivered("chat").await, 2);
}

/// Whoever asks among others is answered alone.
async fn answered_alone(conversation: &str) -> (TeamsBot, Message) {
    let bot = TeamsBot::start().await;
    bot.say_in(ADA, conversation, "connect").await;
    let card = bot.seen(ADA, 1).await;
    assert_eq!(card.only_for.as_deref(), Some(ADA));
    assert_eq!(bot.teams.seen_by(GRACE), []);
    assert_eq!(bot.teams.seen_by(ALAN), []);
    assert_eq!(bot.delivered("targeted").await, 1);
    approve(&link(&card), ADA).await;
    assert_eq!(bot.novu.endpoints()[0].user_id(), Some(ADA));
    (bot, card)
}

#[tokio::test]
async fn in_a_group_only_the_one_who_asks_sees_the_card() {
    let (_bot, card) = answered_alone(GROUP).await;
    assert_eq!(card.conversation, GROUP);
}

#[tokio::test]
async fn in_a_channel_only_the_one_who_asks_sees_the_card_in_the_thread() {
    let thread = format!("{CHANNEL};messageid=1789999999000");
    let (_bot, card) = answered_alone(&thread).await;
    assert_eq!(card.conversation, thread);
}

#[tokio::test]
async fn a_slash_command_that_nobody_else_saw_is_answered_where_nobody_else_sees() {
    let bot = TeamsBot::start().await;
    bot.tell(&bot.teams.slash_command(GRACE, GROUP, "connect")).await;
    let card = bot.seen(GRACE, 1).await;
    assert_eq!(card.only_for.as_deref(), Some(GRACE));
    assert!(said(&card).contains("Der Link ist nur für dich"));
    assert_eq!(bot.teams.seen_by(ADA), []);
}

/// The next messages into the group are refused.
fn refuse_in_group(bot: &TeamsBot, times: usize) {
    let failure = Failure {
        message: Some("BotNotInConversationRoster".to_owned()),
        ..Failure::new(StatusCode::FORBIDDEN)
    };
    let path = format!("/{}/v3/conversations/19", bot.teams.options().region);
    bot.teams.fault(Fault::new(Route::post(path), Effect::Fail(failure)).times(times));
}

#[tokio::test]
async fn where_nobody_can_be_told_alone_the_card_goes_into_the_own_chat() {
    let bot = TeamsBot::start().await;
    refuse_in_group(&bot, 1);
    bot.say_in(ADA, GROUP, "connect").await;
    let card = bot.seen(ADA, 1).await;
    assert_eq!(card.conversation, bot.teams.chat(ADA));
    link(&card);
    assert_eq!(bot.teams.messages().len(), 1, "and nowhere else");
    assert_eq!(bot.delivered("own_chat").await, 1);
}

#[tokio::test]
async fn whoever_has_no_chat_with_the_bot_is_told_how_to_open_one_and_nothing_else() {
    let bot = TeamsBot::start().await;
    refuse_in_group(&bot, 1);
    bot.say_in(ALAN, GROUP, "connect").await;
    let note = bot.seen(GRACE, 1).await;
    assert!(note.only_for.is_none(), "everybody may read it");
    let chat = format!("https://teams.microsoft.com/l/chat/0/0?users={}", bot.teams.bot_id());
    assert!(note.text().contains(&chat), "{}", note.text());
    assert!(note.card().is_none());
    let sent = note.body.to_string();
    assert!(!sent.contains("authorize") && !sent.contains("127.0.0.1"), "{sent}");
    assert_eq!(bot.teams.messages().len(), 1);
    assert_eq!(bot.delivered("pointed_to_chat").await, 1);
}

#[tokio::test]
async fn an_activity_that_comes_again_is_answered_once() {
    let bot = TeamsBot::start().await;
    let inbound = bot.teams.message(ADA, &bot.teams.chat(ADA), "connect");
    bot.tell(&inbound).await;
    bot.seen(ADA, 1).await;
    futures_util::future::join_all((0..20).map(|_| bot.tell(&inbound))).await;

    let other = bot.teams.message(GRACE, GROUP, "connect");
    futures_util::future::join_all((0..20).map(|_| bot.tell(&other))).await;
    bot.seen(GRACE, 1).await;
    bot.settled().await;
    assert_eq!(bot.teams.messages().len(), 2);
    assert_eq!(bot.mints().len(), 2);
    assert_eq!(bot.delivered("duplicate").await, 39);
}

#[tokio::test]
async fn whoever_can_only_be_told_in_public_is_told_once_however_long_it_takes() {
    let (bot, hold) = slow_bot().await;
    hold_novu(&bot, Route::post(MINT), &hold);
    refuse_in_group(&bot, 1);
    bot.say_in(ALAN, GROUP, "connect").await;
    hold.reached(1).await;
    bot.until_later(async || !bot.teams.messages().is_empty()).await;
    hold.release();
    bot.settled().await;
    assert_eq!(bot.teams.messages().len(), 1);
    assert_eq!(bot.delivered("pointed_to_chat").await, 1);
}

/// A service that waits for its Novu.
async fn slow_bot() -> (TeamsBot, Hold) {
    let settings = [("CONNECT_NOVU__PATIENCE", "20s")];
    (TeamsBot::start_with(&settings).await, Hold::new())
}

fn hold_novu(bot: &TeamsBot, route: Route, hold: &Hold) {
    bot.novu.fault(Fault::new(route, Effect::Hold(hold.clone())));
}

#[tokio::test]
async fn a_slow_novu_does_not_keep_teams_waiting() {
    let (bot, hold) = slow_bot().await;
    hold_novu(&bot, Route::post(MINT), &hold);
    let started = Instant::now();
    bot.say(ADA, "connect").await;
    assert!(started.elapsed() < Duration::from_secs(1));
    hold.reached(1).await;
    assert_eq!(bot.teams.messages(), []);
    hold.release();
    link(&bot.seen(ADA, 1).await);
}

#[tokio::test]
async fn a_new_link_comes_in_place_of_the_old_one() {
    for (oid, in_group) in [(ADA, true), (GRACE, false)] {
        let bot = TeamsBot::start().await;
        let place = if in_group { GROUP.to_owned() } else { bot.teams.chat(oid) };
        bot.say_in(oid, &place, "connect").await;
        let card = bot.seen(oid, 1).await;
        bot.settled().await;
        bot.clock.advance(Duration::from_mins(6));
        bot.press(oid, &card, new_link(oid)).await;
        bot.settled().await;
        let new = link(&bot.seen(oid, 1).await);
        assert_ne!(new, link(&card), "the card that was pressed has another link");
        approve(&new, oid).await;
        assert_eq!(bot.novu.endpoints()[0].user_id(), Some(oid));
        bot.until_later(async || find_link(bot.teams.seen_by(oid)[0].card().unwrap()).is_none())
            .await;
        assert_eq!((bot.mints().len(), bot.teams.messages().len()), (2, 1));
    }
}

fn new_link(oid: &str) -> &'static str {
    if oid == GRACE { "Neuer Link" } else { "New link" }
}

#[tokio::test]
async fn a_press_is_acknowledged_at_once_with_a_notice_and_never_with_the_link() {
    let (bot, hold) = slow_bot().await;
    let card = bot.ask(GRACE, "connect").await;
    hold_novu(&bot, Route::any(), &hold);
    bot.clock.advance(Duration::from_secs(1));
    // Novu does not answer before it is released, so whatever comes now came without it.
    let notice = bot.press(GRACE, &card, "Neuer Link").await;
    assert_eq!(notice, "Einen Moment, deine Antwort ist unterwegs.");
    hold.release();
    bot.settled().await;
    assert_ne!(link(&bot.seen(GRACE, 1).await), link(&card));
}

#[tokio::test]
async fn a_press_that_comes_twenty_times_is_answered_once() {
    let bot = TeamsBot::start().await;
    let card = bot.ask(ADA, "connect").await;
    let pressed = bot.teams.press(ADA, &card.id, "New link").unwrap();
    for _ in 0..2 {
        let notices = deliver_twenty_times(&bot, &pressed).await;
        assert!(notices.iter().all(|notice| *notice == notices[0]), "the same notice for all");
        bot.settled().await;
    }
    assert_eq!(bot.mints().len(), 2);
    assert_eq!(bot.teams.messages().len(), 1, "nothing but the card that was pressed");
}

#[tokio::test]
async fn whoever_presses_gets_their_own_link_and_nobody_else_sees_it() {
    let bot = TeamsBot::start().await;
    bot.say_in(ADA, GROUP, "connect").await;
    let card = bot.seen(ADA, 1).await;
    bot.settled().await;
    // Nothing in an activity is bound to its token: whoever has one can name anybody.
    let hers = bot.teams.press(ADA, &card.id, "New link").unwrap();
    let grace = bot.teams.message(GRACE, GROUP, "connect").activity()["from"].clone();
    let forged = hers.clone().with("/from", grace);
    let reply = bot.deliver(forged.signed()).await;
    assert_eq!(find_link(&reply.json["value"]), None);
    bot.settled().await;
    assert_eq!(link(&bot.seen(ADA, 1).await), link(&card), "hers is as it was");
    let graces = bot.seen(GRACE, 1).await;
    assert_eq!(graces.only_for.as_deref(), Some(GRACE));
    approve(&link(&graces), GRACE).await;
    let endpoint = bot.novu.endpoints().remove(0);
    assert_eq!(endpoint.user_id(), Some(GRACE));
    assert_eq!(endpoint.subscriber_id.as_deref(), Some("teams:tenant-acme:oid-grace"));
}

#[tokio::test]
async fn a_chat_is_personal_only_where_the_connector_says_so() {
    let bot = TeamsBot::start().await;
    let forged = bot
        .teams
        .message(ADA, GROUP, "connect")
        .with("/conversation/conversationType", "personal")
        .with("/conversation/isGroup", false);
    bot.tell(&forged).await;
    bot.settled().await;
    let card = bot.seen(ADA, 1).await;
    assert_eq!(card.conversation, bot.teams.chat(ADA), "not the group that was called personal");
    assert_eq!(bot.teams.seen_by(GRACE).len(), 0);
}

#[tokio::test]
async fn a_press_that_lacks_what_an_answer_needs_is_told_so_in_its_envelope() {
    let bot = TeamsBot::start().await;
    let card = bot.ask(ADA, "connect").await;
    let pressed = bot.teams.press(ADA, &card.id, "New link").unwrap();
    let elsewhere = pressed.with("/conversation/tenantId", "tenant-other");
    let reply = bot.deliver(elsewhere.signed()).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    validate_reply(&reply.json).unwrap();
    assert_eq!(reply.json["statusCode"], 400);
    assert_eq!(bot.refused("two_tenants").await, 1);
    assert_eq!(bot.mints().len(), 1);
}

/// The same press twenty times at once. Gives the cards in the answers.
async fn deliver_twenty_times(bot: &TeamsBot, pressed: &Inbound) -> Vec<Value> {
    let replies = (0..20).map(|_| bot.deliver(pressed.signed()));
    let replies = futures_util::future::join_all(replies).await;
    for reply in &replies {
        assert_eq!(reply.status, 200, "{}", reply.body);
        validate_reply(&reply.json).unwrap();
    }
    replies.into_iter().map(|reply| reply.json["value"].clone()).collect()
}

#[tokio::test]
async fn buttons_of_others_are_turned_down_in_the_form_that_teams_expects() {
    let bot = TeamsBot::start().await;
    let chat = bot.teams.chat(ADA);
    let unknown = bot.teams.execute(ADA, &chat, "1", "someone.elses", &json!({}));
    let reply = bot.deliver(unknown.signed()).await;
    assert_eq!(reply.status, 200);
    validate_reply(&reply.json).unwrap();
    assert_eq!(reply.json["statusCode"], 400);
    assert_eq!(bot.teams.messages(), []);
}

#[tokio::test]
async fn whoever_installs_the_bot_for_themselves_is_greeted_once_though_told_twice() {
    let bot = TeamsBot::start().await;
    let chat = bot.teams.chat(GRACE);
    bot.tell(&bot.teams.installation(GRACE, &chat, "add")).await;
    bot.tell(&bot.teams.joined(GRACE, &chat, &[&bot.teams.bot_id()])).await;
    let welcome = bot.seen(GRACE, 1).await;
    assert!(said(&welcome).contains("Hallo!"), "{}", said(&welcome));
    bot.settled().await;
    assert_eq!(bot.teams.messages().len(), 1);
    assert_eq!(bot.mints().len(), 0);
}

#[tokio::test]
async fn every_word_has_its_answer_in_the_persons_language() {
    let bot = TeamsBot::start().await;
    for (oid, word, part, button) in [
        (ADA, "status", "You are not connected yet.", Some("Connect")),
        (ADA, "help", "This is what you can type:", Some("Connect")),
        (ADA, "hi", "Hello! I connect your account", Some("Connect")),
        (ADA, "conect", "Did you mean **connect**?", Some("Connect")),
        (ADA, "trenen", "Did you mean **disconnect**?", Some("Disconnect")),
        (ADA, "xyzzy", "I do not know “xyzzy”.", Some("Connect")),
        (ADA, "thanks!", "You are welcome!", None),
        (GRACE, "status", "Du bist noch nicht verbunden.", Some("Verbinden")),
        (GRACE, "hilfe bitte", "Das kannst du eingeben:", Some("Verbinden")),
        (GRACE, "danke", "Gern geschehen!", None),
    ] {
        // Teams takes seven messages in two seconds, and so do we.
        bot.clock.advance(Duration::from_secs(10));
        let answer = bot.ask(oid, word).await;
        assert!(said(&answer).contains(part), "{word}: {}", said(&answer));
        let button = button.map(|title| ("Action.Execute".to_owned(), title.to_owned()));
        assert_eq!(buttons(&answer), Vec::from_iter(button), "{word}");
    }
    assert_eq!(bot.mints().len(), 0);
}

#[tokio::test]
async fn a_button_that_submits_a_word_is_as_good_as_typing_it() {
    let bot = TeamsBot::start().await;
    let chat = bot.teams.chat(ADA);
    bot.tell(&bot.teams.submit(ADA, &chat, "1", json!({ "text": "status" }))).await;
    assert!(said(&bot.seen(ADA, 1).await).contains("You are not connected yet."));
}

#[tokio::test]
async fn an_account_without_object_id_is_looked_up_among_the_members() {
    let bot = TeamsBot::start().await;
    bot.tell(&bot.teams.message(ADA, CHANNEL, "connect").without("/from/aadObjectId")).await;
    let card = bot.seen(ADA, 1).await;
    approve(&link(&card), ADA).await;
    let endpoint = bot.novu.endpoints().pop().unwrap();
    assert_eq!(endpoint.subscriber_id.as_deref(), Some("teams:tenant-acme:oid-ada"));
}

#[tokio::test]
async fn an_anonymous_guest_of_a_meeting_is_turned_down_alone() {
    let bot = TeamsBot::start().await;
    let guest = "somebody";
    bot.teams.add_person(Person { role: Role::Anonymous, ..member(guest, "Somebody") });
    bot.teams.add_conversation(Conversation::group(ACME, "meeting", &[guest, ADA]));
    bot.say_in(guest, "19:meeting@thread.v2", "connect").await;
    let refusal = bot.seen(guest, 1).await;
    assert!(said(&refusal).contains("C-EXTERNAL"), "{}", said(&refusal));
    assert_eq!(find_link(refusal.card().unwrap()), None);
    assert_eq!(bot.teams.seen_by(ADA), []);
    assert_eq!(bot.mints().len(), 0);
}

/// A service that knows people by their address and creates nobody.
async fn by_email() -> TeamsBot {
    let chain = ("CONNECT_IDENTITY__CHAIN", "email");
    TeamsBot::start_with(&[chain, ("CONNECT_IDENTITY__CREATE_MISSING", "")]).await
}

#[tokio::test]
async fn the_address_in_the_member_record_finds_the_subscriber() {
    let bot = by_email().await;
    let unknown = bot.ask(GRACE, "connect").await;
    assert!(said(&unknown).contains("C-EMAIL-UNKNOWN"), "{}", said(&unknown));
    bot.novu.add_subscriber("ada", Profile::with_email("OID-Ada@canary.example"));
    for (count, place) in [(1, GROUP), (2, CHANNEL)] {
        // A tenant has its pace, too.
        bot.clock.advance(Duration::from_secs(1));
        bot.say_in(ADA, place, "connect").await;
        link(&bot.seen(ADA, count).await);
        bot.settled().await;
    }
    assert_eq!(bot.mints().len(), 2);
    assert!(bot.mints().iter().all(|mint| mint.json()["subscriberId"] == "ada"));
}

#[tokio::test]
async fn an_address_that_entra_does_not_vouch_for_links_nobody() {
    let bot = by_email().await;
    let someone = member("oid-x", "Xenia");
    bot.novu.add_subscriber("x", Profile::with_email(someone.email.as_deref().unwrap()));
    let upn = Some("xenia@other.example".to_owned());
    let role = Role::Guest { home_tenant: "tenant-home".to_owned(), home_oid: "oid-h".to_owned() };
    for (index, (person, code)) in [
        (Person { upn, ..someone.clone() }, "C-EMAIL-UNCONFIRMED"),
        (Person { email: None, ..someone.clone() }, "C-EMAIL-MISSING"),
        (Person { role, ..someone }, "C-GUEST"),
    ]
    .into_iter()
    .enumerate()
    {
        bot.clock.advance(Duration::from_hours(1));
        bot.teams.add_person(person);
        let refusal = bot.ask("oid-x", "connect").await;
        assert!(said(&refusal).contains(code), "{index}: {}", said(&refusal));
    }
    assert_eq!(bot.mints().len(), 0);
}
