//! What every call sends, and what it makes of a good answer.

use axum::http::Method;
use axum::http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use serde_json::{Value, json};

use super::super::{
    Connect, ConnectionFilter, ConnectionMode, Context, Creation, Endpoint, EndpointFilter, Error,
    LinkUser, NewSubscriber, SubscriberId, SubscriberSearch, Trigger,
};
use super::stub::{KEY, Recorded, Setup, Stub, answer};

const SIGN_IN: &str = "https://slack.com/oauth/v2/authorize?state=abc&client_id=1";

fn id(text: &str) -> SubscriberId {
    SubscriberId::new(text).unwrap()
}

fn link_user() -> LinkUser {
    LinkUser {
        subscriber: id("ada"),
        integration: "slack-main".to_owned(),
        connection: None,
        context: None,
        user_scope: None,
        idempotency_key: None,
    }
}

fn wrapped(data: &Value) -> Value {
    json!({"data": data})
}

fn assert_sent(seen: &Recorded, method: &Method, target: &str) {
    assert_eq!((&seen.method, seen.path_and_query.as_str()), (method, target));
    assert_eq!(seen.headers[AUTHORIZATION], format!("ApiKey {KEY}"));
    assert_eq!(seen.headers[ACCEPT], "application/json");
    assert_eq!(seen.headers.contains_key(CONTENT_TYPE), !seen.body.is_empty());
}

#[tokio::test]
async fn a_link_is_minted() {
    let stub = Stub::start([answer(201, &wrapped(&json!({"url": SIGN_IN})))]).await;
    let url = stub.novu.mint_link_user_url(&link_user()).await.unwrap();
    assert_eq!(url.expose().as_str(), SIGN_IN);
    let seen = stub.only_request();
    assert_sent(&seen, &Method::POST, "/v1/integrations/channel-endpoints/oauth");
    assert_eq!(seen.headers[CONTENT_TYPE], "application/json");
    assert!(!seen.headers.contains_key("idempotency-key"));
    assert_eq!(seen.json(), json!({"subscriberId": "ada", "integrationIdentifier": "slack-main"}));

    let request = LinkUser {
        connection: Some("conn-1".to_owned()),
        context: Some(Context::from_keys(&["tenant:acme"]).unwrap()),
        user_scope: Some(vec!["openid".to_owned()]),
        ..link_user()
    };
    stub.novu.mint_link_user_url(&request).await.unwrap();
    assert_eq!(
        stub.only_request().json(),
        json!({
            "subscriberId": "ada", "integrationIdentifier": "slack-main",
            "connectionIdentifier": "conn-1", "context": {"tenant": "acme"},
            "userScope": ["openid"],
        })
    );
}

#[tokio::test]
async fn a_context_is_signed_where_that_is_asked_for() {
    let setup = Setup { context_hmac: true, ..Setup::default() };
    let reply = answer(201, &wrapped(&json!({"url": SIGN_IN})));
    let stub = Stub::start_with(setup, [reply]).await;
    let context = Some(Context::from_keys(&["tenant:acme"]).unwrap());
    let hash = "91a6e123baaa31591cba5ea313deb1001ae0335897f193a543444691dbf974c7";

    stub.novu.mint_link_user_url(&LinkUser { context, ..link_user() }).await.unwrap();
    assert_eq!(stub.only_request().json()["contextHash"], hash);

    stub.novu.mint_link_user_url(&link_user()).await.unwrap();
    assert_eq!(stub.only_request().json().get("contextHash"), None);
}

#[tokio::test]
async fn a_connect_address_is_minted() {
    let setup = Setup { context_hmac: true, ..Setup::default() };
    let reply = answer(201, &wrapped(&json!({"url": SIGN_IN})));
    let stub = Stub::start_with(setup, [reply]).await;
    let bare = Connect {
        integration: "slack-main".to_owned(),
        subscriber: Some(id("ada")),
        connection: None,
        context: None,
        scope: None,
        mode: None,
        auto_link_user: false,
        idempotency_key: None,
    };
    let url = stub.novu.mint_connect_url(&bare).await.unwrap();
    assert_eq!(url.expose().as_str(), SIGN_IN);
    let seen = stub.only_request();
    assert_sent(&seen, &Method::POST, "/v1/integrations/channel-connections/oauth");
    assert!(!seen.headers.contains_key("idempotency-key"));
    assert_eq!(
        seen.json(),
        json!({"integrationIdentifier": "slack-main", "subscriberId": "ada", "autoLinkUser": false})
    );

    let full = Connect {
        subscriber: None,
        connection: Some("conn-1".to_owned()),
        context: Some(Context::from_keys(&["tenant:acme"]).unwrap()),
        scope: Some(Vec::new()),
        mode: Some(ConnectionMode::Shared),
        auto_link_user: true,
        ..bare
    };
    stub.novu.mint_connect_url(&full).await.unwrap();
    assert_eq!(
        stub.only_request().json(),
        json!({
            "integrationIdentifier": "slack-main", "connectionIdentifier": "conn-1",
            "context": {"tenant": "acme"}, "scope": [], "connectionMode": "shared",
            "contextHash": "91a6e123baaa31591cba5ea313deb1001ae0335897f193a543444691dbf974c7",
            "autoLinkUser": true,
        })
    );
}

#[tokio::test]
async fn a_mint_with_a_key_sends_it_and_is_made_once() {
    let stub = Stub::start([answer(503, &"")]).await;
    let key = Some("k-1".to_owned());
    let link = LinkUser { idempotency_key: key.clone(), ..link_user() };
    let connect = Connect {
        integration: "slack-main".to_owned(),
        subscriber: Some(id("ada")),
        connection: None,
        context: None,
        scope: None,
        mode: None,
        auto_link_user: false,
        idempotency_key: key,
    };
    stub.novu.mint_link_user_url(&link).await.unwrap_err();
    assert_eq!(stub.only_request().headers["idempotency-key"], "k-1");
    stub.novu.mint_connect_url(&connect).await.unwrap_err();
    assert_eq!(stub.only_request().headers["idempotency-key"], "k-1");

    let unsendable = LinkUser { idempotency_key: Some("a\nb".to_owned()), ..link_user() };
    let error = stub.novu.mint_link_user_url(&unsendable).await.unwrap_err();
    assert!(matches!(error, Error::Unsendable(_)), "{error:?}");
    assert_eq!(stub.count(), 0);
}

#[tokio::test]
async fn endpoints_are_listed_got_and_deleted() {
    let item = json!({"identifier": "e/1", "type": "slack_user", "endpoint": {"userId": "U1"}});
    let stub = Stub::start([
        answer(200, &json!({"data": [item, {"type": "nameless"}], "next": "c2", "previous": null})),
        answer(200, &wrapped(&item)),
        answer(204, &""),
    ])
    .await;
    let filter = EndpointFilter {
        subscriber: Some(id("ada")),
        integration: Some("slack-main".to_owned()),
        ..EndpointFilter::default()
    };

    let page = stub.novu.list_channel_endpoints(&filter).await.unwrap();
    assert_eq!((page.items.len(), page.next.as_deref(), page.skipped), (1, Some("c2"), 1));
    let target =
        "/v1/channel-endpoints?subscriberId=ada&integrationIdentifier=slack-main&limit=100";
    assert_sent(&stub.only_request(), &Method::GET, target);

    let found = stub.novu.get_channel_endpoint("e/1").await.unwrap().unwrap();
    assert_eq!(found.endpoint, Endpoint::SlackUser { user_id: "U1".to_owned() });
    assert_sent(&stub.only_request(), &Method::GET, "/v1/channel-endpoints/e%2F1");

    assert_eq!(stub.novu.delete_channel_endpoint("e/1").await, Ok(true));
    assert_sent(&stub.only_request(), &Method::DELETE, "/v1/channel-endpoints/e%2F1");
}

#[tokio::test]
async fn connections_are_listed_and_got() {
    let item = json!({"identifier": "conn-1", "workspace": {"id": "T1"}});
    let stub =
        Stub::start([answer(200, &json!({"data": [item]})), answer(200, &wrapped(&item))]).await;
    let filter = ConnectionFilter {
        integration: Some("slack-main".to_owned()),
        after: Some("c1".to_owned()),
        ..ConnectionFilter::default()
    };

    let page = stub.novu.list_channel_connections(&filter).await.unwrap();
    assert_eq!(page.items[0].workspace.as_ref().unwrap().id, "T1");
    let target = "/v1/channel-connections?integrationIdentifier=slack-main&limit=100&after=c1";
    assert_sent(&stub.only_request(), &Method::GET, target);

    let found = stub.novu.get_channel_connection("conn-1").await.unwrap().unwrap();
    assert_eq!(found.identifier, "conn-1");
    assert_sent(&stub.only_request(), &Method::GET, "/v1/channel-connections/conn-1");
}

#[tokio::test]
async fn subscribers_are_got_and_searched() {
    let ada = json!({"_id": "1", "subscriberId": "a b", "firstName": "Ada", "data": {"plan": 1}});
    let stub = Stub::start([
        answer(200, &wrapped(&ada)),
        answer(200, &json!({"data": [ada], "totalCount": 1})),
    ])
    .await;

    let found = stub.novu.get_subscriber(&id("a b")).await.unwrap().unwrap();
    assert_eq!(found.display_name().as_deref(), Some("Ada"));
    assert_sent(&stub.only_request(), &Method::GET, "/v2/subscribers/a%20b");

    let search = SubscriberSearch::by_email("ada+x@example.com");
    let page = stub.novu.search_subscribers(&search).await.unwrap();
    assert_eq!(page.items[0].subscriber_id, id("a b"));
    let target = "/v2/subscribers?email=ada%2Bx%40example.com&limit=50";
    assert_sent(&stub.only_request(), &Method::GET, target);
}

#[tokio::test]
async fn a_search_for_nothing_is_not_sent() {
    let stub = Stub::start([answer(200, &json!({"data": []}))]).await;
    assert!(stub.novu.search_subscribers(&SubscriberSearch::by_email(" ")).await.is_err());
    assert_eq!(stub.count(), 0);
}

#[tokio::test]
async fn a_subscriber_is_created_unless_it_exists() {
    let stub = Stub::start([
        answer(201, &wrapped(&json!({"_id": "1", "subscriberId": "ada"}))),
        answer(409, &json!({"message": r#"Subscriber with id "ada" already exists"#})),
    ])
    .await;
    let new = NewSubscriber::new(id("ada"));

    let creation = stub.novu.create_subscriber(&new).await.unwrap();
    assert!(matches!(creation, Creation::Created(ada) if ada.subscriber_id == id("ada")));
    let seen = stub.only_request();
    assert_sent(&seen, &Method::POST, "/v2/subscribers?failIfExists=true");
    assert_eq!(seen.json(), json!({"subscriberId": "ada"}));

    assert_eq!(stub.novu.create_subscriber(&new).await, Ok(Creation::AlreadyExists));
}

#[tokio::test]
async fn integrations_are_listed_below_a_path_prefix() {
    let item = json!({"identifier": "slack-main", "providerId": "slack", "active": true});
    let setup = Setup { prefix: "/novu/api/", ..Setup::default() };
    let stub = Stub::start_with(setup, [answer(200, &json!({"data": [item]}))]).await;
    let integrations = stub.novu.list_integrations().await.unwrap();
    assert_eq!(integrations[0].provider_id, "slack");
    assert_sent(&stub.only_request(), &Method::GET, "/novu/api/v1/integrations");
}

#[tokio::test]
async fn an_event_is_triggered_with_and_without_a_key() {
    let reply = json!({"acknowledged": true, "status": "processed", "transactionId": "t1"});
    let stub = Stub::start([answer(201, &wrapped(&reply))]).await;
    let event = Trigger {
        workflow: "hello".to_owned(),
        to: id("ada"),
        payload: serde_json::Map::new(),
        context: None,
        transaction_id: None,
    };

    let triggered = stub.novu.trigger_event(&event, None).await.unwrap();
    assert!(triggered.is_processed());
    let seen = stub.only_request();
    assert_sent(&seen, &Method::POST, "/v1/events/trigger");
    assert!(!seen.headers.contains_key("idempotency-key"));
    assert_eq!(seen.json(), json!({"name": "hello", "to": "ada", "payload": {}}));

    stub.novu.trigger_event(&event, Some("test-1")).await.unwrap();
    assert_eq!(stub.only_request().headers["idempotency-key"], "test-1");

    assert!(stub.novu.trigger_event(&event, Some("line\nbreak")).await.is_err());
    assert_eq!(stub.count(), 0);
}

#[tokio::test]
async fn what_does_not_exist_is_an_answer() {
    let missing = |text: &str| answer(404, &json!({"statusCode": 404, "message": text}));
    let stub = Stub::start([
        missing("Subscriber: ada was not found"),
        missing("Channel endpoint with identifier 'x' not found"),
        missing("Channel endpoint with identifier 'x' not found"),
        missing("Channel connection with identifier 'x' not found"),
        missing("Cannot GET /v1/channel-connections/x"),
    ])
    .await;
    assert_eq!(stub.novu.get_subscriber(&id("ada")).await, Ok(None));
    assert_eq!(stub.novu.get_channel_endpoint("x").await, Ok(None));
    assert_eq!(stub.novu.delete_channel_endpoint("x").await, Ok(false));
    assert!(matches!(stub.novu.get_channel_connection("x").await, Ok(None)));
    assert!(stub.novu.get_channel_connection("x").await.is_err());
}

#[tokio::test]
async fn all_connections_of_an_integration_are_read_and_a_part_says_that_it_is_one() {
    let page = |next: Option<&str>| {
        answer(200, &json!({"data": [{"identifier": "conn-1"}], "next": next, "previous": null}))
    };
    let stub = Stub::start([page(Some("c2")), page(None)]).await;
    let all = stub.novu.all_channel_connections("slack-main").await.unwrap();
    assert_eq!((all.connections.len(), all.is_cut), (2, false));

    let stub = Stub::start((0..101).map(|_| page(Some("c2")))).await;
    let all = stub.novu.all_channel_connections("slack-main").await.unwrap();
    assert_eq!((all.connections.len(), all.is_cut), (100, true));
}
