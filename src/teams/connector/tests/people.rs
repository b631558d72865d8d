//! Personal chats, and looking somebody up.

use super::*;

#[tokio::test]
async fn a_personal_chat_is_opened_once_and_remembered() {
    let stub = Stub::start([made("a:ada"), made("a:ada-2")]).await;
    let open = || stub.connector.personal_chat(&stub.site, "oid-ada");
    let chat = open().await.unwrap();
    assert_eq!(chat.id(), "a:ada");
    let seen = stub.last_request();
    assert_eq!(seen.path_and_query, "/emea/v3/conversations");
    assert_eq!(
        seen.json(),
        json!({"isGroup": false, "bot": {"id": "28:app-1"}, "members": [{"id": "oid-ada"}],
            "tenantId": "tenant-1", "channelData": {"tenant": {"id": "tenant-1"}}}),
    );
    assert_eq!(open().await, Ok(chat));
    assert_eq!(stub.count(), 0);
    stub.connector.forget_personal_chat(&stub.site, "oid-ada");
    assert_eq!(open().await.unwrap().id(), "a:ada-2");
}

#[tokio::test]
async fn a_chat_without_an_id_is_none() {
    let stub = Stub::start([answer(201, &json!({})), answer(201, &json!("x"))]).await;
    for _ in 0..2 {
        let chat = stub.connector.personal_chat(&stub.site, "oid-ada").await;
        assert_eq!(chat, Err(CallError::Nonsense));
    }
}

#[tokio::test]
async fn a_member_is_looked_up_and_asked_for_again_where_a_gateway_stumbled() {
    let ada = json!({"id": "29:ada", "objectId": "oid-ada", "name": "Ada", "userRole": "user",
        "email": "ada@corp.example", "userPrincipalName": "ada@corp.example", "tenantId": "tenant-1"});
    let stub = Stub::start([answer(502, &json!({})), answer(200, &ada)]).await;
    let roster = stub.roster(vec!["19:t@thread.tacv2"]);
    let workspace = Workspace::standalone("tenant-1");
    let person =
        Person { platform: crate::teams::PLATFORM.id(), workspace, user: "oid-ada".to_owned() };
    let token = SecretString::from("");
    let profile = roster.profile(&person, Some(&token));
    let profile = stub.while_time_passes(profile).await.unwrap();
    assert!(matches!(profile.email, EmailAddress::Confirmed(_)));
    assert_eq!(
        stub.last_request().path_and_query,
        "/emea/v3/conversations/19%3At%40thread.tacv2/members/29%3Aada"
    );

    assert_eq!(roster.found(), Some("19:t@thread.tacv2"));

    let stub = Stub::start([answer(500, &json!({}))]).await;
    let roster = stub.roster(vec!["19:t@thread.tacv2"]);
    assert_eq!(roster.profile(&person, Some(&token)).await, Err(ProfilesError::Unavailable));
    assert_eq!((roster.found(), stub.count()), (None, 1), "what passes is no reason to go on");
}

#[tokio::test]
async fn somebody_is_sought_in_their_team_then_in_the_channel_then_in_their_own_chat() {
    let ada = || answer(200, &json!({"id": "29:ada", "objectId": "oid-ada"}));
    let places = ["19:t@thread.tacv2", "19:c@thread.tacv2"];
    let not_there = || refusal(403, "BotNotInConversationRoster");
    let unknown = || refusal(404, "MemberNotFoundInConversation");
    let throttled = || answer_with(429, "retry-after", "60");
    let minute = Some(Duration::from_mins(1));
    let cases = [
        (vec![ada()], Ok(places[0]), 1),
        (vec![unknown(), ada()], Ok(places[1]), 2),
        (vec![refusal(403, "Other"), not_there(), made("a:1"), ada()], Ok("a:1"), 4),
        (vec![unknown(), not_there(), not_there()], Err(CallError::NotFound), 3),
        (vec![not_there(), unknown(), made("a:1"), unknown()], Err(CallError::NotInstalled), 4),
        (vec![not_there(), throttled()], Err(CallError::Throttled(minute)), 2),
        (vec![not_there(), not_there(), throttled()], Err(CallError::Throttled(minute)), 3),
        // Their own chat is where they wrote.
        (vec![not_there(), not_there(), made(places[1])], Err(CallError::NotInstalled), 3),
    ];
    for (replies, expected, calls) in cases {
        let stub = Stub::start(replies).await;
        let sought = Sought {
            account: "29:ada",
            rosters: places.to_vec(),
            patience: Patience::Long,
            only_there: false,
        };
        let found = stub.connector.seek(&stub.site, &sought).await;
        let found = found.map(|found| found.roster);
        assert_eq!(found, expected.map(str::to_owned));
        assert_eq!(stub.count(), calls);
    }
}

#[tokio::test]
async fn whoever_is_found_nowhere_is_out_of_reach_and_no_stranger() {
    for (error, expected) in [
        (CallError::NotFound, ProfilesError::OutOfReach),
        (CallError::NotInstalled, ProfilesError::OutOfReach),
        (CallError::Throttled(None), ProfilesError::Throttled(None)),
        (CallError::Unavailable, ProfilesError::Unavailable),
        (CallError::Nonsense, ProfilesError::Unavailable),
        (CallError::Unauthorised, ProfilesError::NotAllowed("bad_credentials")),
    ] {
        assert_eq!(ProfilesError::from(error), expected);
    }
}

#[tokio::test]
async fn somebody_who_watches_waits_less_for_a_turn_than_somebody_with_a_promise() {
    let ada = answer(200, &json!({"id": "29:ada"}));
    let mut stub = Stub::start(std::iter::repeat_n(ada, 13)).await;
    Arc::get_mut(&mut stub.connector).unwrap().brief_patience = Duration::from_millis(10);
    let seek = async |patience| {
        let sought =
            Sought { account: "29:ada", rosters: vec!["19:g"], patience, only_there: false };
        stub.connector.seek(&stub.site, &sought).await.map(drop)
    };
    for _ in 0..12 {
        seek(Patience::Long).await.unwrap();
        // The tenant's pace is a matter of its own.
        stub.clock.advance(Duration::from_millis(40));
    }
    assert!(matches!(seek(Patience::Brief).await, Err(CallError::Throttled(Some(_)))));
    let turn = async {
        stub.clock.advance(Duration::from_millis(500));
    };
    let (sought, ()) = tokio::join!(seek(Patience::Long), turn);
    assert_eq!((sought, stub.count()), (Ok(()), 13));
}

#[tokio::test]
async fn no_chat_is_opened_for_whoever_is_looked_up_where_they_are_known_alone() {
    let stub = Stub::start(vec![answer(404, &json!({}))]).await;
    let (rosters, patience) = (vec!["19:g"], Patience::Brief);
    let sought = Sought { account: "29:ada", rosters, patience, only_there: true };
    let found = stub.connector.seek(&stub.site, &sought).await;
    assert_eq!((found.map(drop), stub.count()), (Err(CallError::NotFound), 1));
}
