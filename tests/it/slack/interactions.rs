//! Presses of buttons.

use serde_json::json;

use crate::bot::{ADA, Bot, Request};

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
        json!({"type": "view_submission", "view": {}}),
        json!({"type": "shortcut"}),
        json!({"type": "of tomorrow", "actions": []}),
    ];
    for payload in payloads {
        let reply = bot.post("/slack/interactions", press(&bot, &payload)).await;
        assert_eq!((reply.status, reply.body.as_str()), (200, ""), "{payload}");
    }
    assert_eq!(bot.metric("connect_funnel_total{platform=\"slack\",step=\"clicked\"}").await, 0);
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
