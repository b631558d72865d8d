//! Speaking and asking: what the connector takes, and what it refuses.

use axum::http::Method;
use std::time::Duration;

use super::*;

#[tokio::test]
async fn a_message_in_a_personal_chat_is_seen_by_that_person() {
    let bench = Bench::new().await;
    let opened = bench.open(ACME, ADA).await;
    assert_eq!((opened.status, opened.id()), (201, bench.teams.chat(ADA).as_str()));
    let chat = opened.id();
    assert!(chat.starts_with("a:1"));
    assert_eq!(bench.open(ACME, &bench.teams.account(ADA)).await.id(), chat);

    let sent = bench.send(chat, &targeted_out_of_place()).await;
    assert_eq!(sent.status, 201);
    let seen = bench.teams.seen_by(ADA);
    assert_eq!((seen.len(), seen[0].id.as_str()), (1, sent.id()));
    assert_eq!(seen[0].actions()[0]["title"], "Sign in");
    assert!(bench.teams.seen_by(GRACE).is_empty());
}

fn targeted_out_of_place() -> Value {
    let mut activity = targeted("");
    activity.as_object_mut().unwrap().remove("recipient");
    activity
}

#[tokio::test]
async fn a_targeted_message_is_for_one_member_alone() {
    let bench = Bench::new().await;
    let account = bench.teams.account(ADA);
    let thread = format!("{CHANNEL};messageid=1770000000001");
    for conversation in [GROUP, CHANNEL, &thread] {
        bench.send_targeted(conversation, &targeted(&account)).await.id();
    }
    assert_eq!(bench.teams.seen_by(ADA).len(), 3);
    assert!(bench.teams.seen_by(GRACE).is_empty());
    let public = bench.send(GROUP, &targeted(&account)).await;
    assert_eq!(public.status, 201);
    assert_eq!(bench.teams.seen_by(GRACE)[0].id, public.id(), "only the query targets");

    bench.clock.advance(Duration::from_hours(24));
    assert_eq!(bench.teams.seen_by(ADA).len(), 1, "targeted messages last for a day");
}

#[tokio::test]
async fn targeting_is_refused_where_it_makes_no_sense() {
    let bench = Bench::new().await;
    let (ada, alan) = (bench.teams.account(ADA), bench.teams.account(ALAN));
    let chat = bench.teams.chat(ADA);
    let mut half = targeted(&ada);
    half["recipient"].as_object_mut().unwrap().remove("isTargeted");
    let cases = [
        (chat.as_str(), targeted(&ada)),
        (GROUP, targeted_out_of_place()),
        (GROUP, targeted("")),
        (GROUP, targeted(ADA)),
        (GROUP, targeted(&alan)),
        (GROUP, targeted("29:nobody")),
        (GROUP, half),
    ];
    for (conversation, activity) in cases {
        let refused = bench.send_targeted(conversation, &activity).await;
        assert_eq!(refused.refusal(), (400, "BadArgument"), "{conversation} {activity}");
    }
    assert!(bench.teams.messages().is_empty());
}

#[tokio::test]
async fn an_answer_to_a_private_message_may_say_so_and_to_no_other() {
    let bench = Bench::new().await;
    let account = bench.teams.account(ADA);
    let answer = |id: &str| {
        let mut activity = targeted(&account);
        activity["entities"] = json!([{ "type": "targetedMessageInfo", "messageId": id }]);
        activity
    };
    let private = bench.teams.slash_command(ADA, GROUP, "connect");
    let _ = private.signed();
    bench.send_targeted(GROUP, &answer(private.id())).await.id();
    let public = bench.teams.message(ADA, GROUP, "connect");
    let _ = public.signed();
    let refused = bench.send_targeted(GROUP, &answer(public.id())).await;
    assert_eq!(refused.refusal(), (400, "BadArgument"));
}

#[tokio::test]
async fn a_message_is_replaced_and_taken_back_as_what_it_is() {
    let bench = Bench::new().await;
    let account = bench.teams.account(ADA);
    let sent = bench.send_targeted(GROUP, &targeted(&account)).await;
    let plain = activity(GROUP, sent.id());
    let path = format!("{plain}?isTargetedActivity=true");
    let put = async |path: &str, body: &Value| bench.call(Method::PUT, path, Some(body)).await;

    assert_eq!(put(&path, &targeted(&account)).await.refusal(), (400, "BadArgument"));
    let gone = (404, "ActivityNotFoundInConversation");
    assert_eq!(put(&plain, &text("Connected")).await.refusal(), gone);
    assert_eq!(put(&activity(GROUP, "1"), &text("Connected")).await.refusal(), gone);
    let elsewhere = format!("{}?isTargetedActivity=true", activity(CHANNEL, sent.id()));
    assert_eq!(put(&elsewhere, &text("Connected")).await.refusal(), gone);
    let replaced = put(&path, &text("Connected")).await;
    assert_eq!((replaced.status, replaced.id()), (200, sent.id()));
    let seen = bench.teams.seen_by(ADA).pop().unwrap();
    assert_eq!((seen.text(), seen.edits, seen.only_for.as_deref()), ("Connected", 1, Some(ADA)));

    assert_eq!(bench.call(Method::DELETE, &path, None).await.status, 200);
    assert!(bench.teams.seen_by(ADA).is_empty());
    assert_eq!(bench.call(Method::DELETE, &path, None).await.refusal(), gone);

    let sent = bench.send_targeted(GROUP, &targeted(&account)).await;
    bench.clock.advance(Duration::from_hours(24));
    let mut bench = bench;
    bench.renew_token().await;
    let path = format!("{}?isTargetedActivity=true", activity(GROUP, sent.id()));
    let late = bench.call(Method::PUT, &path, Some(&text("Late"))).await;
    assert_eq!(late.refusal(), gone);
}

#[tokio::test]
async fn what_teams_would_split_drop_or_break_is_refused() {
    let bench = Bench::new().await;
    let open = json!({ "type": "Action.OpenUrl", "title": "Go", "url": "https://a.example/" });
    let mut both = card(&json!([open]));
    both["text"] = json!("and text");
    let mut two = card(&json!([open]));
    let again = two["attachments"][0].clone();
    two["attachments"].as_array_mut().unwrap().push(again);
    let mut hero = card(&json!([open]));
    hero["attachments"][0]["contentType"] = json!("application/vnd.microsoft.card.hero");
    let mut suggested = text("Hi");
    suggested["suggestedActions"] = json!({ "actions": [] });
    let cases = [
        both,
        two,
        hero,
        suggested,
        card(&json!([{ "type": "Action.Execute", "title": "Go" }])),
        card(&json!([{ "type": "Action.Submit", "title": "Go", "style": "primary" }])),
        json!({ "type": "message" }),
        json!({ "type": "message", "text": "" }),
        json!({ "type": "invoke", "text": "x" }),
        json!({ "text": "x" }),
    ];
    for activity in cases {
        let refused = bench.send(GROUP, &activity).await;
        assert_eq!(refused.refusal(), (400, "BadArgument"), "{activity}");
    }
    assert_eq!(bench.send(GROUP, &json!(["x"])).await.refusal(), (400, "BadSyntax"));
    let list = json!({ "type": "message", "attachments": {} });
    assert_eq!(bench.send(GROUP, &list).await.refusal(), (400, "BadSyntax"));
    let typing = bench.send(GROUP, &json!({ "type": "typing" })).await;
    assert_eq!(typing.status, 201);
    assert!(bench.teams.messages().is_empty());
}

#[tokio::test]
async fn the_size_is_counted_in_utf16() {
    let bench = Bench::new().await;
    let limit = 100 * 1024 / 2 - text("").to_string().len();
    assert_eq!(bench.send(GROUP, &text(&"x".repeat(limit))).await.status, 201);
    assert_eq!(bench.send(GROUP, &text(&"\u{e9}".repeat(limit))).await.status, 201);
    let large = bench.send(GROUP, &text(&"x".repeat(limit + 1))).await;
    assert_eq!(large.refusal(), (413, "MessageSizeTooBig"));
    let mut picture = targeted_out_of_place();
    let url = format!("data:image/png;base64,{}", "A".repeat(200_000));
    picture["attachments"][0]["content"]["body"][0] = json!({ "type": "Image", "url": url });
    assert_eq!(bench.send(GROUP, &picture).await.status, 201);
}

#[tokio::test]
async fn who_is_not_in_a_conversation_cannot_write_there() {
    let bench = Bench::new().await;
    let account = bench.teams.account(ADA);
    for (standing, code) in [
        (Standing::NotInstalled, "BotNotInConversationRoster"),
        (Standing::BlockedByUser, "ConversationBlockedByUser"),
        (Standing::DisabledByAdmin, "BotDisabledByAdmin"),
        (Standing::WritesBlocked, "MessageWritesBlocked"),
    ] {
        bench.teams.set_standing(GROUP, standing);
        assert_eq!(bench.send(GROUP, &text("Hi")).await.refusal(), (403, code));
        let refused = bench.send_targeted(GROUP, &targeted(&account)).await;
        assert_eq!(refused.refusal(), (403, code));
        bench.teams.set_standing(&bench.teams.chat(ADA), standing);
        assert_eq!(bench.open(ACME, ADA).await.refusal(), (403, code));
    }
    let unknown = ["19:nowhere@thread.v2", "19:lunch@thread.v2;messageid=1", "a:1unknown"];
    for conversation in unknown {
        let refused = bench.send(conversation, &text("Hi")).await;
        assert_eq!(refused.refusal(), (404, "ConversationNotFound"), "{conversation}");
    }
    assert!(bench.teams.messages().is_empty());
}

#[tokio::test]
async fn a_chat_is_opened_with_one_person_who_has_the_app() {
    let bench = Bench::new().await;
    let not_there = (403, "BotNotInConversationRoster");
    for (tenant, member) in [(ACME, ALAN), (ACME, "oid-nobody"), ("tenant-other", ADA)] {
        assert_eq!(bench.open(tenant, member).await.refusal(), not_there, "{member}");
    }
    let good = new_chat(ACME, ADA);
    let with = |place: &str, value: Value| {
        let mut body = good.clone();
        *body.pointer_mut(place).unwrap() = value;
        body
    };
    let cases = [
        with("/isGroup", json!(true)),
        with("/bot/id", json!("28:another")),
        with("/members", json!([{ "id": ADA }, { "id": GRACE }])),
        with("/members", json!([])),
        with("/members/0/id", json!("ada@example.com")),
        with("/members/0/id", json!("29:made-up")),
        with("/tenantId", json!("tenant-other")),
        json!({ "isGroup": false, "members": [{ "id": ADA }] }),
        json!([]),
    ];
    for body in cases {
        assert_eq!(bench.post("", &body).await.refusal(), (400, "BadSyntax"), "{body}");
    }
    let brief = json!({ "members": [{ "id": ADA }], "channelData": { "tenant": { "id": ACME } } });
    assert_eq!(bench.post("", &brief).await.status, 201);
}

#[tokio::test]
async fn members_are_told_by_account_and_by_object_id() {
    let bench = Bench::new().await;
    let account = bench.teams.account(ADA);
    for conversation in [GROUP, CHANNEL, TEAM, &bench.teams.chat(ADA)] {
        for id in [account.as_str(), ADA] {
            let found = bench.get(&member(conversation, id)).await;
            let expected = json!({
                "id": account, "name": "Ada Lovelace", "givenName": "Ada", "surname": "Lovelace",
                "objectId": ADA, "aadObjectId": ADA, "tenantId": ACME, "userRole": "user",
                "email": "ada@example.com", "userPrincipalName": "ada@example.com",
            });
            assert_eq!((found.status, found.body), (200, expected), "{conversation}");
        }
    }
    let missing = (404, "MemberNotFoundInConversation");
    for id in [ALAN, "ada@example.com", "29:nobody"] {
        assert_eq!(bench.get(&member(GROUP, id)).await.refusal(), missing, "{id}");
    }
    let thread = format!("{CHANNEL};messageid=1");
    let unknown = bench.get(&member(&thread, ADA)).await;
    assert_eq!(unknown.refusal(), (404, "ConversationNotFound"));
    bench.teams.set_standing(GROUP, Standing::NotInstalled);
    let removed = bench.get(&member(GROUP, ADA)).await;
    assert_eq!(removed.refusal(), (403, "BotNotInConversationRoster"));
}

#[tokio::test]
async fn guests_and_strangers_are_told_apart() {
    let bench = Bench::new().await;
    bench.teams.add_person(Person::guest(ACME, "oid-g", "Gus Guest", "tenant-home", "oid-gus"));
    let stranger = Person { role: Role::Anonymous, ..Person::new(ACME, "oid-x", "Some Body") };
    bench.teams.add_person(stranger);
    bench.teams.add_conversation(Conversation::group(ACME, "lunch", &["oid-g", "oid-x"]));
    let guest = bench.get(&member(GROUP, "oid-g")).await.body;
    assert_eq!((&guest["userRole"], &guest["objectId"]), (&json!("guest"), &json!("oid-g")));
    assert!(guest["userPrincipalName"].as_str().unwrap().contains("#EXT#@"));
    let account = bench.teams.account("oid-x");
    let stranger = bench.get(&member(GROUP, &account)).await.body;
    let expected = json!({ "id": account, "name": "Some Body", "userRole": "anonymous" });
    assert_eq!(stranger, expected);
    assert_eq!(bench.get(&member(GROUP, "oid-x")).await.status, 404);
}

#[tokio::test]
async fn the_roster_comes_in_pages() {
    let bench = Bench::new().await;
    let oids: Vec<String> = (0..120).map(|number| format!("oid-{number:03}")).collect();
    for oid in &oids {
        bench.teams.add_person(Person::new(ACME, oid, "Per Son"));
    }
    let oids: Vec<&str> = oids.iter().map(String::as_str).collect();
    bench.teams.add_conversation(Conversation::channel(ACME, "crew", "general", &oids));
    let path = format!("/{}/pagedmembers?pageSize=", encode(TEAM));
    let mut found = Vec::new();
    let mut sizes = Vec::new();
    let mut token = String::new();
    loop {
        let page = bench.get(&format!("{path}10&continuationToken={token}")).await.body;
        let members = page["members"].as_array().unwrap();
        sizes.push(members.len());
        found.extend(members.iter().map(|it| it["objectId"].as_str().unwrap().to_owned()));
        let Some(next) = page.get("continuationToken") else { break };
        token = next.as_str().unwrap().to_owned();
    }
    assert_eq!(sizes, [50, 50, 20], "fewer than 50 are not to be had");
    assert_eq!(found, oids);
    let whole = bench.get(&format!("{path}500")).await.body;
    assert_eq!(whole["members"].as_array().unwrap().len(), 120);
    let wrong = bench.get(&format!("{path}50&continuationToken=x")).await;
    assert_eq!(wrong.refusal(), (400, "BadArgument"));
}

#[tokio::test]
async fn ids_come_percent_encoded_once() {
    let bench = Bench::new().await;
    let body = text("Hi");
    for id in ["19:lunch@thread.v2", "19%3Alunch@thread.v2", "19%253Alunch%2540thread.v2"] {
        let refused = bench.post(&format!("/{id}/activities"), &body).await;
        assert_eq!(refused.refusal(), (400, "BadSyntax"), "{id}");
    }
    assert_eq!(bench.post("/19%3alunch%40thread.v2/activities", &body).await.status, 201);
}
