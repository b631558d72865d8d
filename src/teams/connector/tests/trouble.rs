//! Calls that fail, and which of them are made again.

use super::*;

#[tokio::test]
async fn a_message_that_may_have_been_sent_is_never_sent_again() {
    for status in [408, 500] {
        let stub = Stub::start([answer(status, &json!({})), made("1")]).await;
        let sent = stub.send(ConversationKind::Personal).await;
        assert_eq!(sent, Err(CallError::Uncertain), "{status}");
        assert_eq!(stub.count(), 1, "{status}");
    }
    let stub = Stub::start_with(SHORT, [Reply::Silence, made("1")]).await;
    assert_eq!(stub.send(ConversationKind::Personal).await, Err(CallError::Uncertain));
    assert_eq!(stub.count(), 1);
}

#[tokio::test]
async fn a_connection_that_breaks_after_the_message_is_not_tried_again() {
    let stub = Stub::start([Reply::Reset]).await;
    let note = PublicNote { text: "x", reply_to: None };
    let sent = stub.connector.send_note(&stub.site, "19:a", note).await;
    assert_eq!((sent, stub.count()), (Err(CallError::Uncertain), 1));
}

#[tokio::test]
async fn a_connector_that_is_not_there_was_told_nothing() {
    let stub = Stub::start([]).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let closed = format!("http://{}/", listener.local_addr().unwrap());
    drop(listener);
    let site = stub.connector.admit(&closed, "tenant-1").unwrap();
    let note = PublicNote { text: "x", reply_to: None };
    let sent = stub.while_time_passes(stub.connector.send_note(&site, "19:a", note)).await;
    assert_eq!(sent, Err(CallError::Unavailable));
}

#[tokio::test]
async fn a_lost_answer_is_an_answer_without_an_id() {
    let stub = Stub::start_with(SHORT, [Reply::HalfThenSilence(201, r#"{"id":"#)]).await;
    let sent = stub.send(ConversationKind::Personal).await.unwrap();
    assert_eq!(sent.id(), None);
    let update = stub.connector.update(&stub.site, &sent, &card()).await;
    assert_eq!(update, Err(CallError::NotFound));
}

#[tokio::test]
async fn who_is_asked_to_wait_waits_and_tries_once_more() {
    let stub = Stub::start([answer_with(429, "retry-after", "2"), made("1")]).await;
    let (sent, waited) = stub.send_while_time_passes().await;
    assert_eq!(sent.unwrap().id(), Some("1"));
    assert!(waited >= Duration::from_secs(2));
    assert_eq!(stub.count(), 2);

    let stub = Stub::start([refusal(412, "PreconditionFailed"), made("1")]).await;
    let (sent, _) = stub.send_while_time_passes().await;
    assert_eq!(sent.unwrap().id(), Some("1"));

    let stub = Stub::start(std::iter::repeat_n(answer_with(429, "retry-after", "1"), 4)).await;
    let (sent, waited) = stub.send_while_time_passes().await;
    let Err(CallError::Throttled(Some(wait))) = sent else { panic!("{sent:?}") };
    assert!(
        wait > SEND_PATIENCE / 2,
        "{wait:?}: the next three sends have thirty seconds of their own"
    );
    assert!(waited >= Duration::from_secs(2));
    assert_eq!(stub.count(), 3);

    let stub = Stub::start(std::iter::repeat_n(refusal(412, "PreconditionFailed"), 4)).await;
    let (sent, _) = stub.send_while_time_passes().await;
    assert!(matches!(sent, Err(CallError::Refused { status: 412, .. })));
    assert_eq!(stub.count(), 3);
}

#[tokio::test]
async fn a_message_that_a_gateway_stumbled_over_is_sent_three_times_at_most() {
    for status in [502, 503, 504] {
        let stumble = || refusal(status, "ServiceError");
        let stub = Stub::start([stumble(), stumble(), made("3")]).await;
        let (sent, waited) = stub.send_while_time_passes().await;
        assert_eq!(sent.unwrap().id(), Some("3"), "{status}");
        assert!(waited >= Duration::from_millis(2_500), "{status}: {waited:?}");

        let stub = Stub::start([stumble(), stumble(), stumble(), made("4")]).await;
        let (sent, _) = stub.send_while_time_passes().await;
        assert_eq!((sent, stub.count()), (Err(CallError::Uncertain), 3), "{status}");

        // What certainly did nothing does not take the doubt about the attempt before it away.
        let stub = Stub::start([stumble(), refusal(401, "BotNotRegistered")]).await;
        let (sent, _) = stub.send_while_time_passes().await;
        assert_eq!((sent, stub.count()), (Err(CallError::Uncertain), 2), "{status}");
        let stub = Stub::start([stumble(), refusal(403, "BotNotInConversationRoster")]).await;
        let (sent, _) = stub.send_while_time_passes().await;
        assert_eq!((sent, stub.count()), (Err(CallError::NotInstalled), 2), "{status}");
    }
    let stub = Stub::start([answer_with(503, "retry-after", "60"), made("1")]).await;
    let (sent, _) = stub.send_while_time_passes().await;
    assert_eq!((sent, stub.count()), (Err(CallError::Uncertain), 1));
}

#[tokio::test]
async fn a_wait_that_is_too_long_is_left_to_the_caller() {
    let stub = Stub::start([answer_with(429, "retry-after", "60")]).await;
    let sent = stub.send(ConversationKind::Personal).await;
    assert_eq!(sent, Err(CallError::Throttled(Some(Duration::from_mins(1)))));
    assert_eq!(stub.count(), 1);
}

#[tokio::test]
async fn the_bot_slows_down_before_it_is_told_to() {
    let stub = Stub::start(std::iter::repeat_n(made("1"), 7)).await;
    for _ in 0..6 {
        stub.clock.advance(Duration::from_millis(40));
        stub.send(ConversationKind::Personal).await.unwrap();
    }
    let (sent, waited) = stub.send_while_time_passes().await;
    assert!(sent.is_ok());
    assert!(waited >= Duration::from_millis(400), "{waited:?}");
}

#[tokio::test]
async fn an_answer_that_is_too_large_is_not_read() {
    let large = json!({"id": "29:ada", "name": "x".repeat(100 * 1024)});
    let stub = Stub::start([answer(200, &large)]).await;
    let sought = Sought {
        account: "29:ada",
        rosters: vec!["a:1"],
        patience: Patience::Brief,
        only_there: false,
    };
    let found = stub.connector.seek(&stub.site, &sought).await;
    assert_eq!(found, Err(CallError::Nonsense));
}

#[tokio::test]
async fn a_message_that_was_refused_for_its_token_is_sent_with_a_fresh_one() {
    let denied = || answer(401, &json!({"message": "Authorization has been denied."}));
    let stub = Stub::start([made("1"), denied(), made("2"), denied(), denied()]).await;
    stub.send(ConversationKind::Personal).await.unwrap();
    stub.clock.advance(Duration::from_mins(2));
    let sent = stub.send(ConversationKind::Personal).await.unwrap();
    assert_eq!((sent.id(), stub.count(), stub.granted()), (Some("2"), 3, 2));
    assert_eq!(stub.last_request().headers["authorization"], "Bearer bot-token-2");

    // A token that was just asked for is not the trouble, so nothing is tried again.
    for _ in 0..2 {
        let sent = stub.send(ConversationKind::Personal).await;
        assert_eq!(sent, Err(CallError::Unauthorised));
    }
    assert_eq!((stub.count(), stub.granted()), (2, 2));
}

#[tokio::test]
async fn a_hundred_calls_that_are_refused_at_once_ask_for_one_token() {
    let denied = std::iter::repeat_n(refusal(401, "BotNotRegistered"), 200);
    let stub = Stub::start(std::iter::once(made("1")).chain(denied)).await;
    stub.send(ConversationKind::Personal).await.unwrap();
    stub.clock.advance(Duration::from_mins(2));
    let calls: Vec<_> = (0..100)
        .map(|number| {
            let (connector, site) = (Arc::clone(&stub.connector), stub.site.clone());
            tokio::spawn(async move {
                let place = format!("a:{number}");
                let rosters = vec![place.as_str()];
                let sought = Sought {
                    account: "29:a",
                    rosters,
                    patience: Patience::Long,
                    only_there: false,
                };
                connector.seek(&site, &sought).await
            })
        })
        .collect();
    // Time passes for the sake of the pace, and too little for yet another token.
    let (started, before) = (Instant::now(), stub.clock.now());
    while calls.iter().any(|call| !call.is_finished()) {
        assert!(started.elapsed() < Duration::from_secs(5));
        if crate::clock::between(before, stub.clock.now()) < Duration::from_secs(30) {
            stub.clock.advance(Duration::from_millis(10));
        }
        tokio::task::yield_now().await;
    }
    for call in calls {
        assert_eq!(call.await.unwrap(), Err(CallError::Unauthorised));
    }
    assert_eq!(stub.granted(), 2);
}
