//! Activities: what they hold, and whether they are believed.

use std::time::Duration;

use super::*;

#[tokio::test]
async fn a_token_is_used_for_many_activities() {
    let bench = Bench::new().await;
    let token = |inbound: Inbound| inbound.signed().headers["authorization"].clone();
    let message = || bench.teams.message(ADA, GROUP, "connect");
    let first = token(message());
    bench.clock.advance(Duration::from_secs(1));
    assert_eq!(token(message()), first);
    assert_ne!(token(message().with("/serviceUrl", "http://127.0.0.1:1/")), first);
    bench.clock.advance(Duration::from_mins(50));
    assert_ne!(token(message()), first, "it is replaced before its end");
}

#[tokio::test]
async fn a_message_is_plain_in_a_chat_and_a_mention_elsewhere() {
    let bench = Bench::new().await;
    let chat = bench.teams.chat(ADA);
    let personal = bench.teams.message(ADA, &chat, "connect");
    let activity = personal.activity();
    assert_eq!(activity["text"], "connect");
    assert_eq!(activity["serviceUrl"], bench.teams.service_url());
    assert_eq!(activity["recipient"]["id"], bench.teams.bot_id());
    assert_eq!(activity["from"]["aadObjectId"], ADA);
    let expected = json!({ "id": chat, "conversationType": "personal", "tenantId": ACME });
    assert_eq!(activity["conversation"], expected);
    assert_eq!(activity["channelData"], json!({ "tenant": { "id": ACME } }));
    assert_eq!(activity["timestamp"], "2026-08-20T10:00:00.000Z");

    let group = bench.teams.message(ADA, GROUP, "connect <me>");
    let activity = group.activity();
    assert_ne!(group.id(), personal.id());
    assert_eq!(activity["text"], "<at>Connect</at> connect <me>");
    assert_eq!(activity["conversation"]["isGroup"], true);
    assert_eq!(activity["entities"][0]["type"], "clientInfo");
    assert_eq!(activity["entities"][1]["text"], "<at>Connect</at>");
    assert_eq!(activity["entities"][1]["mentioned"]["id"], bench.teams.bot_id());
    let html = activity["attachments"][0]["content"].as_str().unwrap();
    assert!(html.contains("</span> connect &lt;me&gt;</div>"), "{html}");

    let new_thread = bench.teams.message(ADA, CHANNEL, "connect");
    let expected = format!("{CHANNEL};messageid={}", new_thread.id());
    assert_eq!(new_thread.activity()["conversation"]["id"], expected);
    assert_eq!(new_thread.activity()["channelData"]["team"]["id"], TEAM);
    let thread = format!("{CHANNEL};messageid=17");
    let in_thread = bench.teams.message(ADA, &thread, "connect");
    assert_eq!(in_thread.activity()["conversation"]["id"], thread);
    assert_eq!(in_thread.activity()["conversation"]["conversationType"], "channel");

    let slash = bench.teams.slash_command(ADA, CHANNEL, "connect");
    assert_eq!(slash.activity()["recipient"]["isTargeted"], true);
    assert_eq!(slash.activity()["text"], "connect");
}

#[tokio::test]
async fn buttons_say_what_the_card_gave_them() {
    let bench = Bench::new().await;
    let sent = bench
        .send(
            GROUP,
            &card(&json!([
                { "type": "Action.Submit", "title": "Status", "data": { "do": "status" } },
                { "type": "Action.Execute", "title": "Again", "verb": "again", "data": { "n": 1 } },
                { "type": "Action.OpenUrl", "title": "Open", "url": "https://a.example/" },
                { "type": "Action.Submit", "title": "Say", "data": { "msteams": {
                    "type": "messageBack", "text": "status", "value": { "n": 2 },
                } } },
            ])),
        )
        .await;
    let press = |oid: &str, title: &str| {
        let pressed = bench.teams.press(oid, sent.id(), title);
        pressed.map(|inbound| inbound.activity().clone())
    };
    let submit = press(ADA, "Status").unwrap();
    assert_eq!(
        (&submit["type"], &submit["value"]),
        (&json!("message"), &json!({ "do": "status" }))
    );
    assert_eq!((submit.get("text"), &submit["replyToId"]), (None, &json!(sent.id())));
    assert!(submit["id"].as_str().unwrap().starts_with("f:"));
    let execute = press(ADA, "Again").unwrap();
    assert_eq!(execute["name"], "adaptiveCard/action");
    let action = json!({ "type": "Action.Execute", "verb": "again", "data": { "n": 1 } });
    assert_eq!(execute["value"], json!({ "action": action, "trigger": "manual" }));
    let said = press(ADA, "Say").unwrap();
    assert_eq!((&said["text"], &said["value"]), (&json!("status"), &json!({ "n": 2 })));
    assert_eq!(press(ADA, "Open"), None);
    assert_eq!(press(ADA, "Nothing"), None);
    assert_eq!(press(ALAN, "Status"), None, "who does not see a card cannot press its buttons");
}

#[tokio::test]
async fn events_have_their_own_fields() {
    let bench = Bench::new().await;
    let installed = bench.teams.installation(ADA, GROUP, "add");
    assert_eq!(installed.activity()["action"], "add");
    assert_eq!(installed.activity()["type"], "installationUpdate");
    let bot = bench.teams.bot_id();
    let joined = bench.teams.joined(ADA, GROUP, &[&bot]);
    assert_eq!(joined.activity()["membersAdded"], json!([{ "id": bot }]));
    assert_eq!(joined.activity()["type"], "conversationUpdate");
    assert_eq!(joined.activity()["from"]["aadObjectId"], ADA);
    let left = bench.teams.left(ADA, CHANNEL, &["29:x"]);
    assert_eq!(left.activity()["membersRemoved"], json!([{ "id": "29:x" }]));
    assert_eq!(left.activity()["conversation"]["id"], TEAM, "a channel's events are its team's");
    assert_eq!(left.activity()["from"].get("aadObjectId"), None);
    let chosen = bench.teams.installation(ADA, CHANNEL, "add");
    assert_eq!(chosen.activity()["conversation"]["id"], CHANNEL);
    let removed = bench.teams.installation(ADA, CHANNEL, "remove");
    assert_eq!(removed.activity()["conversation"]["id"], TEAM);
    let edited = bench.teams.edited(ADA, GROUP, "connect");
    assert_eq!(edited.activity()["type"], "messageUpdate");
    assert_eq!(edited.activity()["channelData"]["eventType"], "editMessage");
    assert_eq!(bench.teams.other(ADA, GROUP, "hologram").activity()["type"], "hologram");
}

#[tokio::test]
async fn every_field_can_be_changed_and_left_out() {
    let bench = Bench::new().await;
    bench.teams.add_person(Person { role: Role::Anonymous, ..Person::new(ACME, "oid-x", "Body") });
    let anonymous = bench.teams.message("oid-x", GROUP, "connect");
    assert_eq!(anonymous.activity()["from"].get("aadObjectId"), None);
    let stranger = bench.teams.message("oid-new", "a:unknown", "connect");
    assert_eq!(stranger.activity()["from"]["aadObjectId"], "oid-new");
    assert_eq!(stranger.activity()["conversation"]["id"], "a:unknown");
    let changed = stranger
        .with("/entities/0/locale", "de-DE")
        .with("/channelData/team/id", "19:t")
        .with("/new/field", 1)
        .without("/from/aadObjectId")
        .without("/locale")
        .edit(|activity| activity["text"] = json!("status"));
    let activity = changed.activity();
    assert_eq!(activity["entities"][0]["locale"], "de-DE");
    assert_eq!(activity["channelData"]["team"], json!({ "id": "19:t" }));
    assert_eq!(activity["new"], json!({ "field": 1 }));
    assert_eq!(activity["from"].get("aadObjectId"), None);
    assert_eq!(activity.get("locale"), None);
    let body: Value = serde_json::from_slice(&changed.signed().body).unwrap();
    assert_eq!(body["text"], "status");
}

/// An answer to a pressed button.
fn reply(kind: &str, value: &Value) -> Value {
    json!({ "statusCode": 200, "type": kind, "value": value })
}

#[tokio::test]
async fn only_who_pressed_sees_the_answer_and_a_new_card_goes_to_everybody() {
    let bench = Bench::new().await;
    let first = card(&json!([{ "type": "Action.Execute", "title": "New", "verb": "new" }]));
    let sent = bench.send(GROUP, &first).await;
    let pressed = bench.teams.press(ADA, sent.id(), "New").unwrap();

    let notice = reply("application/vnd.microsoft.activity.message", &json!("It is on its way"));
    let shown = bench.teams.receive_reply(&pressed, &notice);
    assert_eq!(shown, ShownReply::Notice("It is on its way".to_owned()));
    assert_eq!(bench.teams.notices(ADA), ["It is on its way"]);
    assert_eq!(bench.teams.notices(GRACE), Vec::<String>::new());

    let other = json!({ "type": "AdaptiveCard", "version": "1.5", "body": [] });
    let misspelt = reply("application/vnd.microsoft.adaptive.card", &other);
    assert_eq!(bench.teams.receive_reply(&pressed, &misspelt), ShownReply::Nothing);
    let seen = |oid: &str| bench.teams.seen_by(oid)[0].card().cloned().unwrap();
    assert_eq!(seen(ADA), seen(GRACE));
    let well_spelt = reply("application/vnd.microsoft.card.adaptive", &other);
    let shown = bench.teams.receive_reply(&pressed, &well_spelt);
    assert_eq!(shown, ShownReply::Card(other.clone()));
    assert_eq!(seen(ADA), other);
    assert_ne!(seen(GRACE), other);

    let second = card(&json!([{ "type": "Action.Execute", "title": "Newer", "verb": "new" }]));
    let path = activity(GROUP, sent.id());
    assert_eq!(bench.call(Method::PUT, &path, Some(&second)).await.status, 200);
    assert_eq!((seen(ADA), bench.teams.seen_by(ADA).len()), (seen(GRACE), 1));
    assert!(bench.teams.press(GRACE, sent.id(), "Newer").is_some());
}

#[tokio::test]
async fn typing_is_no_message() {
    let bench = Bench::new().await;
    let chat = bench.teams.chat(ADA);
    assert_eq!(bench.send(&chat, &json!({ "type": "typing" })).await.status, 201);
    assert_eq!(bench.teams.messages(), []);
    let at = connect_clock::Clock::now(&bench.clock);
    assert_eq!(bench.teams.typing(), [Typing { conversation: chat, at }]);
}

#[tokio::test]
async fn a_chat_has_one_id_for_its_person_and_nobody_else_reads_it() {
    let bench = Bench::new().await;
    let chat = bench.teams.chat(ADA);
    for member in [ADA, &bench.teams.account(ADA)] {
        assert_eq!(bench.open(ACME, member).await.id(), chat);
    }
    assert_ne!(bench.open(ACME, GRACE).await.id(), chat);
    assert_eq!(bench.send(&chat, &text("For Ada")).await.status, 201);
    assert_eq!((bench.teams.seen_by(ADA).len(), bench.teams.seen_by(GRACE).len()), (1, 0));
    assert_eq!(bench.send("a:1made-up", &text("For Ada")).await.refusal().0, 404);
}
