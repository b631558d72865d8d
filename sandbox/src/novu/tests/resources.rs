//! Endpoints, connections, subscribers, integrations: lists, and what can be done to one.

use std::time::Duration;

use super::*;

const ENDPOINTS: &str = "/v1/channel-endpoints";
const CONNECTIONS: &str = "/v1/channel-connections";
const SUBSCRIBERS: &str = "/v2/subscribers";

/// Adds `count` linked Slack users of Ada, a second apart.
fn link(bench: &Bench, count: usize) {
    for number in 0..count {
        bench.clock.advance(Duration::from_secs(1));
        let user = format!("U{number}");
        bench.novu.add_endpoint(NewEndpoint::slack_user("slack", "acme", "ada", &user)).unwrap();
    }
}

fn users(answer: &Answer) -> Vec<String> {
    let rows = answer.body["data"].as_array().unwrap();
    rows.iter().map(|row| row["endpoint"]["userId"].as_str().unwrap().to_owned()).collect()
}

fn message_of(answer: &Answer) -> (u16, &str) {
    (answer.status, answer.body["message"].as_str().unwrap())
}

#[tokio::test]
async fn lists_are_walked_by_cursors_in_both_directions() {
    let bench = Bench::new().await;
    link(&bench, 5);
    let first = bench.get(&format!("{ENDPOINTS}?limit=2")).await;
    assert_eq!(users(&first), ["U4", "U3"]);
    assert_eq!(first.body["totalCount"], 5);
    assert_eq!(first.body["totalCountCapped"], false);
    assert_eq!(first.body["previous"], Value::Null);
    let next = first.body["next"].as_str().unwrap();
    assert_eq!(next.len(), 24);
    let second = bench.get(&format!("{ENDPOINTS}?limit=2&after={next}")).await;
    assert_eq!(users(&second), ["U2", "U1"]);
    let included = bench.get(&format!("{ENDPOINTS}?limit=2&after={next}&includeCursor=true")).await;
    assert_eq!(users(&included), ["U3", "U2"]);
    let last = second.body["next"].as_str().unwrap();
    let third = bench.get(&format!("{ENDPOINTS}?limit=2&after={last}")).await;
    assert_eq!((users(&third), &third.body["next"]), (vec!["U0".to_owned()], &Value::Null));
    let previous = third.body["previous"].as_str().unwrap();
    let back = bench.get(&format!("{ENDPOINTS}?limit=2&before={previous}")).await;
    assert_eq!(users(&back), ["U2", "U1"]);
    let ascending = bench.get(&format!("{ENDPOINTS}?orderDirection=ASC&limit=3")).await;
    assert_eq!(users(&ascending), ["U0", "U1", "U2"]);
}

#[tokio::test]
async fn the_order_may_follow_the_last_change() {
    let bench = Bench::new().await;
    link(&bench, 3);
    let oldest = bench.novu.endpoints()[0].identifier.clone();
    bench.clock.advance(Duration::from_secs(1));
    let body = json!({ "endpoint": { "userId": "U9" } });
    let changed = bench.call(Method::PATCH, &format!("{ENDPOINTS}/{oldest}"), Some(&body)).await;
    assert_eq!(changed.status, 200);
    let listed = bench.get(&format!("{ENDPOINTS}?orderBy=updatedAt")).await;
    assert_eq!(users(&listed), ["U9", "U2", "U1"]);
    assert_eq!(users(&bench.get(ENDPOINTS).await), ["U2", "U1", "U9"]);
}

#[tokio::test]
async fn page_parameters_are_judged() {
    let bench = Bench::new().await;
    link(&bench, 11);
    let at_most = |query: &str| format!("{ENDPOINTS}?{query}");
    for wrong in ["limit=101", "limit=many", "orderBy=_id", "orderDirection=down"] {
        assert_eq!(bench.get(&at_most(wrong)).await.status, 422, "{wrong}");
    }
    assert_eq!(users(&bench.get(&at_most("limit=0")).await).len(), 10);
    let id = "66a000000000000000000e01";
    let both = bench.get(&at_most(&format!("after={id}&before={id}"))).await;
    let expected = "Cannot specify both \"before\" and \"after\" cursors at the same time.";
    assert_eq!(message_of(&both), (400, expected));
    let unknown = bench.get(&at_most(&format!("after={id}"))).await;
    assert_eq!((unknown.status, &unknown.body["data"]), (200, &json!([])));
    assert_eq!(bench.get(&at_most("after=nonsense")).await.status, 500);
    let lenient = bench.get(&format!("{SUBSCRIBERS}?after=nonsense")).await;
    assert_eq!((lenient.status, &lenient.body["data"]), (200, &json!([])));
}

#[tokio::test]
async fn endpoint_filters_are_anded_and_contexts_exact() {
    let bench = Bench::new().await;
    bench.novu.add_subscriber("grace", Profile::default());
    let keys = |keys: &[&str]| keys.iter().map(|&key| key.to_owned()).collect();
    for (user, subscriber, context_keys) in [
        ("U1", "ada", keys(&[])),
        ("U2", "ada", keys(&["tenant:a", "region:b"])),
        ("U3", "grace", keys(&["tenant:a"])),
    ] {
        let endpoint = NewEndpoint::slack_user("slack", "acme", subscriber, user);
        bench.novu.add_endpoint(NewEndpoint { context_keys, ..endpoint }).unwrap();
        bench.clock.advance(Duration::from_secs(1));
    }
    let cases: [(&str, &[&str]); 9] = [
        ("", &["U3", "U2", "U1"]),
        ("subscriberId=ada", &["U2", "U1"]),
        ("subscriberId=nobody", &[]),
        ("integrationIdentifier=teams", &[]),
        ("connectionIdentifier=acme&subscriberId=grace", &["U3"]),
        ("providerId=slack&channel=chat&connectionIdentifier=other", &[]),
        ("contextKeys=", &["U1"]),
        ("contextKeys=tenant:a", &["U3"]),
        ("contextKeys=tenant:a&contextKeys=region:b&subscriberId=ada", &["U2"]),
    ];
    for (query, expected) in cases {
        assert_eq!(users(&bench.get(&format!("{ENDPOINTS}?{query}")).await), expected, "{query}");
    }
}

#[tokio::test]
async fn endpoints_are_created_with_the_second_layer_of_validation() {
    let bench = Bench::new().await;
    let refused = bench.post(ENDPOINTS, &json!({ "type": "slack_user" })).await;
    assert_eq!(refused.status, 422);
    let sentence = refused.body["message"].as_str().unwrap();
    assert!(sentence.starts_with(
        "Validation failed for CreateChannelEndpointCommand: integrationIdentifier: "
    ));
    assert_eq!(
        refused.body["errors"]["endpoint"]["messages"],
        json!(["Endpoint must match the required format for type \"slack_user\""])
    );
    let body = |change: Value| {
        let mut body = json!({
            "integrationIdentifier": "slack", "subscriberId": "ada", "type": "slack_user",
            "endpoint": { "userId": "U1" }, "connectionIdentifier": "acme",
            "context": { "tenant": "x", "app": { "id": "y" } },
        });
        for (key, value) in change.as_object().unwrap() {
            body[key] = value.clone();
        }
        body
    };
    let extra = body(json!({ "endpoint": { "userId": "U1", "teamId": "T1" } }));
    assert_eq!(bench.post(ENDPOINTS, &extra).await.status, 422);
    for (change, message) in [
        (json!({ "integrationIdentifier": "no" }), "Integration not found: no"),
        (json!({ "connectionIdentifier": "no" }), "Channel connection not found: no"),
    ] {
        assert_eq!(message_of(&bench.post(ENDPOINTS, &body(change)).await), (404, message));
    }
    let stranger = body(json!({ "subscriberId": "grace" }));
    assert_eq!(bench.post(ENDPOINTS, &stranger).await.status, 404);
    let created = bench.post(ENDPOINTS, &body(json!({ "identifier": "mine" }))).await;
    assert_eq!(created.status, 201);
    assert_eq!(created.body["data"]["contextKeys"], json!(["app:y", "tenant:x"]));
    assert_eq!(created.body["data"]["providerId"], "slack");
    let again = body(json!({ "identifier": "mine", "endpoint": { "userId": "U2" } }));
    assert_eq!(bench.post(ENDPOINTS, &again).await.status, 409);
    assert_eq!(bench.post(ENDPOINTS, &body(json!({}))).await.status, 500, "U1 is taken");
    let missing = body(json!({
        "subscriberId": "grace", "createSubscriberIfMissing": true, "endpoint": { "userId": "U2" },
    }));
    assert_eq!(bench.post(ENDPOINTS, &missing).await.status, 201);
    assert_eq!(bench.get(&format!("{SUBSCRIBERS}/grace")).await.status, 200);
}

#[tokio::test]
async fn an_endpoint_changes_its_address_only_within_its_kind() {
    let bench = Bench::new().await;
    link(&bench, 2);
    let path = format!("{ENDPOINTS}/{}", bench.novu.endpoints()[0].identifier);
    let change = async |body: Value| bench.call(Method::PATCH, &path, Some(&body)).await;
    let refused = change(json!({ "endpoint": { "channelId": "C1" } })).await;
    let expected = "Endpoint must match the required format for type \"slack_user\"";
    assert_eq!(message_of(&refused), (400, expected));
    assert_eq!(change(json!({ "endpoint": { "userId": "U1" } })).await.status, 500, "taken");
    let same = change(json!({ "endpoint": { "userId": "U0" } })).await;
    assert_eq!(same.status, 200);
    assert_eq!(change(json!({ "endpoint": { "userId": "U7" } })).await.status, 200);
    bench.novu.add_endpoint(NewEndpoint::slack_user("slack", "acme", "ada", "U0")).unwrap();
    let gone = bench.call(Method::PATCH, &format!("{ENDPOINTS}/none"), Some(&json!({}))).await;
    assert_eq!(message_of(&gone), (404, "Channel endpoint with identifier 'none' not found"));
}

#[tokio::test]
async fn connections_are_listed_with_their_tokens() {
    let bench = Bench::new().await;
    let body = json!({
        "integrationIdentifier": "slack", "identifier": "shared", "connectionMode": "shared",
        "subscriberId": "ada", "context": { "tenant": "x" },
        "workspace": { "id": "T2", "name": "Globex" }, "auth": { "accessToken": "xoxb-2" },
    });
    bench.clock.advance(Duration::from_secs(1));
    let created = bench.post(CONNECTIONS, &body).await;
    assert_eq!(created.status, 201);
    assert_eq!(created.body["data"]["subscriberId"], Value::Null);
    assert_eq!(created.body["data"]["auth"], json!({ "accessToken": "xoxb-2" }));
    let again = bench.post(CONNECTIONS, &body).await;
    assert_eq!(
        message_of(&again),
        (
            409,
            "A channel connection already exists for integration \"slack\" with no subscriber and \
             context [tenant:x]. Connection ID: shared"
        )
    );
    let mut other = body.clone();
    other["context"] = json!({ "tenant": "y" });
    let taken = format!(
        "Channel connection with identifier \"shared\" already exists in environment \"{}\"",
        Options::default().environment_id
    );
    assert_eq!(message_of(&bench.post(CONNECTIONS, &other).await), (409, taken.as_str()));
    let listed = bench.get(&format!("{CONNECTIONS}?integrationIdentifier=slack")).await;
    assert_eq!(listed.body["totalCount"], 2);
    assert_eq!(listed.body["data"][0]["workspace"], json!({ "id": "T2", "name": "Globex" }));
    let own = bench.get(&format!("{CONNECTIONS}?subscriberId=ada")).await;
    assert_eq!(own.body["data"], json!([]), "shared connections are nobody's own");
    let query = "connectionMode=shared&contextKeys=tenant:x";
    let shared = bench.get(&format!("{CONNECTIONS}?{query}")).await;
    assert_eq!(shared.body["totalCount"], 1);
}

#[tokio::test]
async fn connections_are_judged_changed_and_deleted_without_cascade() {
    let bench = Bench::new().await;
    link(&bench, 1);
    let body = json!({
        "integrationIdentifier": "teams", "workspace": { "id": "t1" },
        "auth": { "accessToken": "app-only", "refreshToken": "r" }, "subscriberId": "ada",
    });
    let refused = bench.post(CONNECTIONS, &body).await;
    assert!(message_of(&refused).1.starts_with("Token rotation is not supported for provider"));
    let mut body = body;
    body["auth"] = json!({ "accessToken": "app-only" });
    body["subscriberId"] = json!("nobody");
    assert_eq!(
        message_of(&bench.post(CONNECTIONS, &body).await),
        (404, "Subscriber not found: nobody")
    );
    body["subscriberId"] = Value::Null;
    let expected = "Either subscriberId or context must be provided";
    assert_eq!(message_of(&bench.post(CONNECTIONS, &body).await), (400, expected));

    let path = format!("{CONNECTIONS}/acme");
    let half = json!({ "workspace": { "id": "T9" } });
    let refused = bench.call(Method::PATCH, &path, Some(&half)).await;
    assert_eq!(
        refused.body["errors"]["general"]["messages"],
        json!(["auth should not be null or undefined"])
    );
    let whole = json!({ "workspace": { "id": "T9" }, "auth": { "accessToken": "xoxb-9" } });
    let changed = bench.call(Method::PATCH, &path, Some(&whole)).await;
    assert_eq!(changed.body["data"]["workspace"]["id"], "T9");
    assert_eq!(bench.call(Method::DELETE, &path, None).await.status, 204);
    let again = bench.call(Method::DELETE, &path, None).await;
    assert_eq!(message_of(&again), (404, "Channel connection with identifier 'acme' not found"));
    assert_eq!(bench.novu.endpoints()[0].connection_identifier.as_deref(), Some("acme"));
}

#[tokio::test]
async fn the_search_for_subscribers_is_by_substring() {
    let bench = Bench::new().await;
    let profile = |email: &str, first: &str, last: &str| Profile {
        first_name: Some(first.to_owned()),
        last_name: Some(last.to_owned()),
        ..Profile::with_email(email)
    };
    bench.novu.add_subscriber("grace", profile("Grace@Example.com", "Grace", "Hopper"));
    bench.novu.add_subscriber("mary", profile("xada@example.com.au", "Mary", "Jackson"));
    let cases: [(&str, &[&str]); 6] = [
        ("email=ada@example.com", &["mary", "ada"]),
        ("email=grace@EXAMPLE.com", &["grace"]),
        ("name=ce%20hop", &["grace"]),
        ("subscriberId=ada&email=grace", &[]),
        ("subscriberId=ada", &["ada"]),
        ("limit=1&orderDirection=ASC", &["ada"]),
    ];
    for (query, expected) in cases {
        let found = bench.get(&format!("{SUBSCRIBERS}?{query}")).await;
        let rows = found.body["data"].as_array().unwrap();
        let ids: Vec<_> = rows.iter().map(|row| row["subscriberId"].as_str().unwrap()).collect();
        assert_eq!(ids, expected, "{query}");
    }
}

#[tokio::test]
async fn creating_a_subscriber_twice_empties_its_data() {
    let bench = Bench::new().await;
    let body = json!({
        "subscriberId": " grace ", "firstName": "Grace", "email": "grace@example.com",
        "data": { "plan": "pro" }, "locale": null,
    });
    let created = bench.post(SUBSCRIBERS, &body).await;
    assert_eq!(created.status, 201);
    assert_eq!(created.body["data"]["subscriberId"], "grace");
    assert_eq!(created.body["data"]["data"], json!({ "plan": "pro" }));
    assert_eq!(created.body["data"].get("phone"), None);
    let taken = bench.post(&format!("{SUBSCRIBERS}?failIfExists=true"), &body).await;
    assert_eq!(message_of(&taken), (409, "Subscriber with id \"grace\" already exists"));
    let again = bench.post(SUBSCRIBERS, &json!({ "subscriberId": "grace" })).await;
    assert_eq!(again.status, 201);
    assert_eq!(again.body["data"]["firstName"], "Grace");
    assert_eq!(again.body["data"]["data"], json!({}));
    let path = format!("{SUBSCRIBERS}/grace");
    let body = json!({ "data": { "plan": "free" }, "firstName": null });
    bench.call(Method::PATCH, &path, Some(&body)).await;
    let patched = bench.call(Method::PATCH, &path, Some(&json!({ "phone": "+44" }))).await;
    assert_eq!(patched.body["data"]["data"], json!({ "plan": "free" }));
    assert_eq!(patched.body["data"].get("firstName"), None);
    for wrong in [
        json!({}),
        json!({ "subscriberId": " " }),
        json!({ "subscriberId": "x", "email": "" }),
        json!({ "subscriberId": "x", "locale": "" }),
        json!({ "subscriberId": "x", "timezone": "" }),
        json!({ "subscriberId": "x", "data": [] }),
    ] {
        assert_eq!(bench.post(SUBSCRIBERS, &wrong).await.status, 422, "{wrong}");
    }
}

#[tokio::test]
async fn a_deleted_subscriber_leaves_its_endpoints_behind() {
    let bench = Bench::new().await;
    link(&bench, 1);
    let path = format!("{SUBSCRIBERS}/ada");
    let deleted = bench.call(Method::DELETE, &path, None).await;
    assert_eq!(deleted.body["data"], json!({ "acknowledged": true, "status": "deleted" }));
    assert_eq!(message_of(&bench.get(&path).await), (404, "Subscriber: ada was not found"));
    let again = bench.call(Method::DELETE, &path, None).await;
    assert_eq!(message_of(&again), (404, "Subscriber was not found"));
    bench.novu.add_subscriber("grace", Profile::default());
    let locked = bench.novu.add_endpoint(NewEndpoint::slack_user("slack", "acme", "grace", "U0"));
    assert!(locked.is_err());
}

#[tokio::test]
async fn integrations_hide_their_credentials() {
    let bench = Bench::new().await;
    bench.novu.add_integration(Integration { active: false, ..Integration::bare("off", "slack") });
    let all = bench.get("/v1/integrations").await;
    assert_eq!(all.body["data"].as_array().unwrap().len(), 4);
    let slack = all.body["data"].as_array().unwrap().iter();
    let slack = slack.clone().find(|row| row["identifier"] == "slack").unwrap();
    assert_eq!(slack["credentials"], json!({}));
    assert_eq!((&slack["providerId"], &slack["active"]), (&json!("slack"), &json!(true)));
    let active = bench.get("/v1/integrations/active").await;
    assert_eq!(active.body["data"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn a_trigger_needs_a_known_workflow() {
    let bench = Bench::new().await;
    let path = "/v1/events/trigger";
    let body = json!({ "name": "hello", "to": { "subscriberId": "ada" } });
    let refused = bench.post(path, &body).await;
    assert_eq!(message_of(&refused), (422, "workflow_not_found"));
    assert_eq!(refused.body.get("errors"), None);
    bench.novu.add_workflow("hello");
    let triggered = bench.post(path, &body).await;
    assert_eq!(triggered.status, 201);
    assert_eq!(triggered.body["data"]["acknowledged"], true);
    assert_eq!(triggered.body["data"]["status"], "processed");
    assert!(triggered.body["data"]["transactionId"].is_string());
    let many = json!({ "name": "hello", "to": vec!["ada"; 101] });
    assert_eq!(bench.post(path, &many).await.status, 422);
}
