//! Presses of buttons.

use connect_sandbox::slack::{ButtonPress, Door, Message, User};
use serde_json::{Value, json};

use crate::bot::{
    ADA, BOT_TOKEN, Bot, GRACE, Request, Storage, TEAM, find_button, find_code, member,
};

fn press(bot: &Bot, payload: &serde_json::Value) -> Request {
    let body = form_urlencoded::Serializer::new(String::new())
        .append_pair("payload", &payload.to_string())
        .finish();
    bot.form(&body)
}

#[tokio::test]
async fn a_pressed_link_button_is_acknowledged_and_counted() {
    let bot = Bot::start().await;
    let reply = bot.command(ADA, "").await;
    let action = reply.button()["action_id"].clone();
    let payload = json!({
        "type": "block_actions", "team": null, "is_enterprise_install": true,
        "user": {"id": ADA, "team_id": "T0ACME"}, "trigger_id": crate::bot::unique(),
        "actions": [{"type": "button", "action_id": action, "block_id": "x", "action_ts": "1"}],
    });
    let reply = bot.post("/slack/interactions", press(&bot, &payload)).await;
    assert_eq!((reply.status, reply.body.as_str()), (200, ""));
    assert_eq!(bot.metric("connect_funnel_total{platform=\"slack\",step=\"asked\"}").await, 1);
    assert_eq!(bot.metric("connect_funnel_total{platform=\"slack\",step=\"clicked\"}").await, 1);
}

#[tokio::test]
async fn whatever_else_is_done_to_a_message_is_acknowledged() {
    let bot = Bot::start().await;
    let payloads = [
        json!({"type": "block_actions", "actions": [{"action_id": "somebody_elses"}]}),
        json!({"type": "block_actions", "actions": [{}]}),
        json!({"type": "block_actions", "actions": [{"action_id": "connect_press_sell"}]}),
        json!({"type": "block_actions", "actions": [{"action_id": "connect_press_it_was_me"}]}),
        json!({"type": "view_submission", "view": {}}),
        json!({"type": "shortcut"}),
        json!({"type": "of tomorrow", "actions": []}),
    ];
    for payload in payloads {
        let reply = bot.post("/slack/interactions", press(&bot, &payload)).await;
        assert_eq!((reply.status, reply.body.as_str()), (200, ""), "{payload}");
    }
    assert_eq!(bot.metric("connect_funnel_total{platform=\"slack\",step=\"clicked\"}").await, 0);
    assert_eq!(bot.slack.messages().len(), 0);
}

#[tokio::test]
async fn what_is_no_interaction_is_refused_without_a_word() {
    let bot = Bot::start().await;
    for body in ["", "payload=", "payload=%7B", "payload=%5B%5D", "other=1"] {
        let request = bot.form(format!("{body}&n={}", crate::bot::unique()));
        let reply = bot.post("/slack/interactions", request).await;
        assert_eq!((reply.status, reply.body.as_str()), (400, ""), "{body}");
    }
}

/// A press of a button that asks for something, in an ephemeral message.
fn press_of(bot: &Bot, user: &str, word: &str) -> ButtonPress {
    ButtonPress::new(TEAM, user, &format!("connect_press_{word}"))
        .response_url(&bot.slack.new_response_url())
        .edit(|payload| payload["trigger_id"] = json!(crate::bot::unique()))
}

async fn answered(bot: &Bot, intent: &str) -> u64 {
    bot.metric(&format!("connect_answers_total{{platform=\"slack\",intent=\"{intent}\"")).await
}

/// Where a message has a link.
fn link_of(message: &Message) -> Option<&str> {
    find_button(&message.body)?["url"].as_str()
}

#[tokio::test]
async fn a_press_is_answered_in_the_place_of_the_pressed_message() {
    let bot = Bot::start().await;
    for (user, label) in [(ADA, "Connect"), (GRACE, "Verbinden")] {
        let help = bot.command_shown(user, "help").await;
        let shown = bot.press(user, &help, label).await;
        assert_eq!(shown.ts, help.ts, "in its place");
        assert_eq!((shown.user.as_deref(), shown.is_ephemeral), (Some(user), true));
        assert!(link_of(&shown).unwrap().contains("authorize?"));
        assert_eq!(bot.slack.shown_as(&help.ts), Some(shown), "and nothing else");
    }
    let subscribers: Vec<_> =
        bot.mints().iter().map(|mint| mint.json()["subscriberId"].clone()).collect();
    assert_eq!(subscribers, [ADA, GRACE].map(|user| json!(format!("slack:{TEAM}:{user}"))));
}

#[tokio::test]
async fn every_button_asks_for_what_it_says_and_whoever_pressed_it_is_who_asks() {
    let bot = Bot::start().await;
    for user in [ADA, GRACE] {
        for (word, value, intent) in [
            ("new_link", None, "connect"),
            ("status", None, "status"),
            ("test", None, "test"),
            ("disconnect", None, "disconnect"),
            ("disconnect_now", None, "disconnect_now"),
            ("it_was_me", Some("ABCD2345"), "confirm"),
            ("it_was_not_me", Some("ABCD2345"), "confirm"),
        ] {
            bot.clock.advance(std::time::Duration::from_secs(10));
            let before = answered(&bot, intent).await;
            let press = press_of(&bot, user, word);
            let press = if let Some(value) = value { press.value(value) } else { press };
            let shown = bot.send_press(&press).await;
            assert_eq!(answered(&bot, intent).await, before + 1, "{word}");
            assert_eq!(shown.body["response_type"], "ephemeral");
            assert_eq!(shown.body["replace_original"], true);
        }
    }
}

#[tokio::test]
async fn who_presses_what_others_see_too_gets_an_answer_alone_and_the_message_stays() {
    let bot = Bot::start().await;
    let adas = bot.command_shown(ADA, "").await;
    let help = bot.command_shown(ADA, "help").await;
    for original in [adas, help] {
        // Nobody can press what somebody else sees alone.
        assert_eq!(bot.slack.press(GRACE, &original, "Connect").map(drop), None);
    }
    let shared = bot.slack.share(&bot.command_shown(ADA, "help").await, "C0SANDBOX1");
    let shown = bot.press(GRACE, &shared, "Connect").await;
    assert_eq!(bot.slack.shown_as(&shared.ts), Some(shared.clone()), "as it was");
    assert_ne!(shown.ts, shared.ts);
    assert_eq!((shown.user.as_deref(), shown.is_ephemeral), (Some(GRACE), true));
    assert!(shown.text().contains("Der Link ist nur für dich"), "{}", shown.text());
    link_of(&shown).unwrap();
    let minted_for = bot.mints().last().unwrap().json()["subscriberId"].clone();
    assert_eq!(minted_for, format!("slack:{TEAM}:{GRACE}"), "her own, not the asker's");
    // The one who had asked is not spared that either: others would read along.
    let shown = bot.press(ADA, &shared, "Connect").await;
    assert_eq!(bot.slack.shown_as(&shared.ts), Some(shared));
    assert_eq!(shown.user.as_deref(), Some(ADA));
}

#[tokio::test]
async fn somebody_of_another_organisation_is_looked_for_in_their_own_workspace() {
    let bot = Bot::start().await;
    bot.slack.add_user(User {
        team_id: "T0ELSE".to_owned(),
        is_stranger: true,
        ..member("U0EVE", "Eve")
    });
    let shared = bot.slack.share(&bot.command_shown(ADA, "help").await, "C0SANDBOX1");
    let shown = bot.press("U0EVE", &shared, "Connect").await;
    assert_eq!(find_code(shown.text()).as_deref(), Some("C-WORKSPACE"), "{}", shown.text());
    assert_eq!(shown.user.as_deref(), Some("U0EVE"));
    assert_eq!(bot.mints().len(), 0);
    // Where Slack does not say whose they are, they are looked up.
    let press = bot.slack.press("U0EVE", &shared, "Connect").unwrap();
    let press = press.edit(|payload| payload["user"]["team_id"] = Value::Null);
    let shown = bot.send_press(&press).await;
    assert_eq!(find_code(shown.text()).as_deref(), Some("C-EXTERNAL"), "{}", shown.text());
    assert_eq!(bot.mints().len(), 0);
}

#[tokio::test]
async fn a_press_needs_a_profile_where_a_command_can_do_without() {
    let bot = Bot::start().await;
    let help = bot.command_shown(ADA, "help").await;
    bot.slack.kill_token(BOT_TOKEN, "token_expired");
    bot.command(ADA, "").await.link();
    let shown = bot.press(ADA, &help, "Connect").await;
    assert_eq!(find_code(shown.text()).as_deref(), Some("C-PROFILE"), "{}", shown.text());
    assert_eq!(bot.mints().len(), 1);
}

#[tokio::test]
async fn a_press_in_the_direct_conversation_is_answered_there_in_place() {
    let bot = Bot::start().await;
    // Without a response URL the answer is a direct message.
    let first = press_of(&bot, ADA, "status").response_url("");
    let first = bot.send_press(&first).await;
    assert_eq!((&first.door, first.user.as_deref()), (&Door::PostMessage, Some(ADA)));
    assert!(first.channel.starts_with('D'));
    let shown = bot.press(ADA, &first, "Connect").await;
    assert_eq!((&shown.ts, shown.user.as_deref()), (&first.ts, Some(ADA)));
    link_of(&shown).unwrap();
}

#[tokio::test]
async fn a_response_url_that_is_not_slacks_is_not_used() {
    let bot = Bot::start().await;
    let press =
        press_of(&bot, ADA, "status").response_url("https://hooks.slack.com.evil.example/x");
    let shown = bot.send_press(&press).await;
    assert_eq!(shown.door, Door::PostMessage);
    assert_eq!(bot.late_replies().len(), 0);
}

#[tokio::test]
async fn a_press_that_comes_again_is_answered_once() {
    let bot = Bot::start().await;
    let help = bot.command_shown(ADA, "help").await;
    let press = bot.slack.press(ADA, &help, "Connect").unwrap();
    bot.send_press(&press).await;
    let again = (0..10).map(|_| bot.post("/slack/interactions", bot.pressed(&press)));
    for reply in futures_util::future::join_all(again).await {
        assert_eq!((reply.status, reply.body.as_str()), (401, ""));
    }
    // A second press is another question, and the same message has its answer.
    let other = bot.slack.press(ADA, &help, "Connect").unwrap();
    let shown = bot.send_press(&other).await;
    assert_eq!(bot.slack.shown_as(&help.ts), Some(shown));
    assert_eq!((bot.mints().len(), bot.late_replies().len()), (2, 2));
}

#[tokio::test]
async fn a_forged_press_does_nothing() {
    let bot = Bot::start().await;
    let forged = |change: fn(Request) -> Request| {
        change(bot.pressed(&press_of(&bot, ADA, "disconnect_now")))
    };
    for request in [
        forged(Request::unsigned),
        forged(|request| request.signed_with("another secret")),
        forged(|request| request.body_after_signing("payload=%7B%22type%22%3A%22x%22%7D")),
        forged(|request| request.signed_at_offset(-301)),
    ] {
        let reply = bot.post("/slack/interactions", request).await;
        assert_eq!((reply.status, reply.body.as_str()), (401, ""));
    }
    assert_eq!(answered(&bot, "disconnect_now").await, 0);
    assert_eq!(bot.slack.messages().len(), 0);
}

#[tokio::test]
async fn a_press_that_cannot_be_promised_is_not_acknowledged() {
    let bot = Bot::start_on(Storage::of_size(0), &[]).await;
    bot.ready().await;
    let press = press_of(&bot, ADA, "status");
    let reply = bot.post("/slack/interactions", bot.pressed(&press)).await;
    assert_eq!((reply.status, reply.body.as_str()), (503, ""));
    assert_eq!(bot.slack.messages().len(), 0);
}

#[tokio::test]
async fn presses_and_commands_count_together_for_who_hurries() {
    let bot = Bot::start().await;
    for _ in 0..10 {
        bot.command(ADA, "help").await;
    }
    let reply = bot.post("/slack/interactions", bot.pressed(&press_of(&bot, ADA, "status"))).await;
    assert_eq!(reply.status, 200);
    crate::bot::until(async || !bot.slack.messages().is_empty()).await;
    let text = bot.slack.messages().pop().unwrap().text().to_owned();
    assert_eq!(find_code(&text).as_deref(), Some("C-TOO-OFTEN"), "{text}");
}
