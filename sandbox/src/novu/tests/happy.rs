//! The whole way of one person, as the bot walks it.

use super::*;

#[tokio::test]
async fn a_person_is_linked_found_and_unlinked() {
    let bench = Bench::new().await;
    let page = bench.hop("/__slack/approve", &bench.slack_link().await, "as=U1&team=T1").await;
    assert_eq!(page.status, OK);
    assert!(page.body.contains("You&#39;re all set") || page.body.contains("You're all set"));

    let list = "/v1/channel-endpoints?subscriberId=ada&integrationIdentifier=slack&limit=100";
    let listed = bench.get(list).await;
    assert_eq!(listed.status, 200);
    assert_eq!(listed.body["totalCount"], 1);
    let endpoint = &listed.body["data"][0];
    assert_eq!(endpoint["type"], "slack_user");
    assert_eq!(endpoint["endpoint"]["userId"], "U1");
    assert_eq!(endpoint["connectionIdentifier"], "acme");
    assert_eq!(endpoint["createdAt"], "2026-08-20T10:00:00.000Z");

    let one = format!("/v1/channel-endpoints/{}", endpoint["identifier"].as_str().unwrap());
    assert_eq!(bench.get(&one).await.body["data"], *endpoint);
    assert_eq!(bench.call(Method::DELETE, &one, None).await.status, 204);
    let again = bench.call(Method::DELETE, &one, None).await;
    assert_eq!(again.status, 404);
    let identifier = endpoint["identifier"].as_str().unwrap();
    assert_eq!(
        again.body["message"],
        format!("Channel endpoint with identifier '{identifier}' not found")
    );
    assert_eq!(bench.get(list).await.body["data"], json!([]));
}

#[tokio::test]
async fn requests_are_recorded_and_counted() {
    let bench = Bench::new().await;
    bench.slack_link().await;
    bench.get("/v2/subscribers/ada").await;
    assert_eq!(bench.novu.count(&Method::POST, LINK), 1);
    assert_eq!(bench.novu.count(&Method::GET, "/v2/subscribers/"), 1);
    let requests = bench.novu.requests();
    assert_eq!(requests[0].json()["subscriberId"], "ada");
    assert_eq!(requests[1].path(), "/v2/subscribers/ada");
    bench.novu.clear_requests();
    assert!(bench.novu.requests().is_empty());
    assert_eq!(bench.novu.count(&Method::POST, LINK), 0);
}
