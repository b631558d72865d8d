//! Where messages go, and who sees them.

use super::*;

#[tokio::test]
async fn a_message_goes_to_its_conversation_with_the_bots_token() {
    let stub = Stub::start([made("1701")]).await;
    let sent = stub.send(ConversationKind::Personal).await.unwrap();
    assert_eq!(sent.id(), Some("1701"));
    let seen = stub.last_request();
    assert_eq!(seen.method, Method::POST);
    assert_eq!(seen.path_and_query, "/emea/v3/conversations/a%3A1/activities");
    assert_eq!(seen.headers["authorization"], "Bearer bot-token-1");
    assert_eq!(seen.headers["content-type"], "application/json; charset=utf-8");
    assert_eq!(seen.json()["replyToId"], "1700");
    assert_eq!(seen.json().get("recipient"), None);
    let text = stub.metrics.render();
    let counted = r#"upstream="bot_connector",operation="send",outcome="ok""#;
    assert!(text.contains(counted), "{text}");
}

#[tokio::test]
async fn anywhere_else_a_message_is_targeted_and_its_update_too() {
    let stub = Stub::start([made("1701"), answer(200, &json!({"id": "1701"}))]).await;
    let sent = stub.send(ConversationKind::Channel).await.unwrap();
    let seen = stub.last_request();
    let path = "/emea/v3/conversations/19%3Aabc%40thread.tacv2%3Bmessageid%3D1/activities";
    assert_eq!(seen.path_and_query, format!("{path}?isTargetedActivity=true"));
    assert_eq!(seen.json()["recipient"], json!({"id": "29:ada", "isTargeted": true}));

    stub.connector.update(&stub.site, &sent, &card()).await.unwrap();
    let seen = stub.last_request();
    assert_eq!(seen.method, Method::PUT);
    assert_eq!(seen.path_and_query, format!("{path}/1701?isTargetedActivity=true"));
    assert_eq!(seen.json().get("recipient"), None);
}

#[tokio::test]
async fn a_note_is_for_everybody() {
    let stub = Stub::start([made("1")]).await;
    let note = PublicNote { text: "Write to me.", reply_to: None };
    stub.connector.send_note(&stub.site, "19:a@thread.v2", note).await.unwrap();
    let seen = stub.last_request();
    assert_eq!(seen.path_and_query, "/emea/v3/conversations/19%3Aa%40thread.v2/activities");
    assert_eq!(seen.json()["text"], "Write to me.");
}

#[tokio::test]
async fn the_token_goes_to_listed_hosts_only() {
    let stub = Stub::start([]).await;
    for url in ["https://evil.example/", "http://127.0.0.2:1/", "https://127.0.0.1.evil.example/"] {
        let outside = stub.connector.admit(url, "tenant-1");
        assert!(matches!(
            outside,
            Err(UntrustedServiceUrl::Refused(UrlRefused::Host | UrlRefused::Scheme))
        ));
    }
    let redirected = Stub::start([answer_with(307, "location", "http://127.0.0.1:1/")]).await;
    assert_eq!(redirected.send(ConversationKind::Personal).await, Err(CallError::Nonsense));
    assert_eq!(redirected.count(), 1);
}

#[tokio::test]
async fn that_the_bot_is_typing_is_said_once_or_not_at_all() {
    let stub = Stub::start([made("a:ada"), refusal(503, ""), made("1")]).await;
    stub.connector.show_typing(&stub.site, "29:ada").await;
    assert_eq!(stub.count(), 2);
}

#[tokio::test]
async fn refusals_say_where_else_to_go() {
    let cases = [
        (refusal(403, "BotNotInConversationRoster"), CallError::NotInstalled),
        (refusal(400, "BadArgument"), CallError::TargetedRefused),
        (refusal(404, "ConversationNotFound"), CallError::NotFound),
        (refusal(413, "MessageSizeTooBig"), CallError::TooLarge),
        (refusal(401, "BotNotRegistered"), CallError::Unauthorised),
    ];
    for (reply, error) in cases {
        let stub = Stub::start([reply]).await;
        assert_eq!(stub.send(ConversationKind::GroupChat).await, Err(error));
        assert_eq!(stub.count(), 1);
    }
}
