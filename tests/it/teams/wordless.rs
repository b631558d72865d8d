//! Messages without words: pictures, files, a bare mention, the value of some card.

use std::time::Duration;

use connect_sandbox::teams::Inbound;
use serde_json::json;

use crate::bot::teams::{ADA, CHANNEL, GRACE, GROUP, TeamsBot, find_link, link};

#[tokio::test]
async fn a_message_without_words_is_answered_with_help_and_never_with_a_link() {
    let bot = TeamsBot::start().await;
    let chat = bot.teams.chat(ADA);
    let empty = || bot.teams.message(ADA, &chat, "");
    let picture = json!([{"contentType": "image/*", "contentUrl": "https://smba.example/1"}]);
    let file = json!([{"contentType": "application/vnd.microsoft.teams.file.download.info",
        "name": "plan.pdf", "content": {"downloadUrl": "https://corp.example/plan.pdf"}}]);
    let html = json!([{"contentType": "text/html", "content": "<div><img src=\"x\"></div>"}]);
    let cases: Vec<(&str, Inbound)> = vec![
        ("empty text", empty()),
        ("no text", empty().without("/text").without("/attachments")),
        ("null text", empty().with("/text", json!(null))),
        ("text of another type", empty().with("/text", json!(["connect"]))),
        ("blanks", empty().with("/text", " \n&nbsp;\u{a0}\u{200b} ")),
        ("a picture", empty().without("/text").with("/attachments", picture)),
        ("a file", empty().with("/text", "").with("/attachments", file)),
        ("markup alone", empty().with("/attachments", html)),
        ("a tag for an attachment", empty().with("/text", "<attachment id=\"1\"></attachment>")),
        ("an emoji", bot.teams.message(ADA, &chat, "👍")),
        ("a slash", bot.teams.message(ADA, &chat, "/")),
        ("an empty value", empty().with("/value", json!({}))),
        ("a value without text", empty().with("/value", json!({"do": "connect"}))),
        ("a value that is text", empty().with("/value", "connect")),
        ("a value with empty text", empty().with("/value", json!({"text": " "}))),
        ("a mention alone, in a group", bot.teams.message(ADA, GROUP, "")),
        ("a mention alone, in a channel", bot.teams.message(ADA, CHANNEL, "")),
        ("a slash command alone", bot.teams.slash_command(ADA, GROUP, "")),
    ];
    for (name, inbound) in cases {
        bot.forget();
        bot.clock.advance(Duration::from_mins(1));
        bot.tell(&inbound).await;
        let answer = bot.seen(ADA, 1).await;
        assert_eq!(find_link(answer.card().unwrap()), None, "{name}");
        bot.settled().await;
        assert_eq!(bot.mints().len(), 0, "{name}");
        let helped = "connect_answers_total{platform=\"teams\",intent=\"help\",answer=\"help\"}";
        assert!(bot.metric(helped).await > 0, "{name}");
    }
}

#[tokio::test]
async fn words_are_read_whatever_comes_with_them() {
    let bot = TeamsBot::start().await;
    let chat = bot.teams.chat(GRACE);
    let picture = json!([{"contentType": "image/png", "contentUrl": "https://smba.example/1"},
        {"contentType": "text/html", "content": "<div>connect <img></div>"}]);
    let submit = |data| bot.teams.submit(GRACE, &chat, "1", data);
    for (count, inbound) in [
        bot.teams.message(GRACE, &chat, "connect"),
        bot.teams.message(GRACE, &chat, "connect").with("/attachments", picture),
        bot.teams.message(GRACE, &chat, "connect").with("/value", json!({})),
        submit(json!({"text": "connect"})),
    ]
    .iter()
    .enumerate()
    {
        bot.clock.advance(Duration::from_mins(1));
        bot.tell(inbound).await;
        link(&bot.seen(GRACE, count + 1).await);
        bot.settled().await;
    }
}
