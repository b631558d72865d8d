//! Minting: the order of checks, the words, and the layout of the URLs.

use super::*;

fn errors(answer: &Answer) -> Vec<&str> {
    let messages = answer.body["errors"]["general"]["messages"].as_array().unwrap();
    messages.iter().map(|message| message.as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_wrong_key_wins_over_a_wrong_body() {
    let bench = Bench::new().await;
    let url = format!("{}{LINK}?a=b", bench.novu.url());
    let cases = [
        (None, "Missing authorization header"),
        (Some("ApiKey nobody"), "API Key not found"),
        (Some("apikey novu-sandbox-key"), "Invalid authentication scheme: \"apikey\""),
    ];
    for (header, message) in cases {
        let request = bench.client.post(&url).json(&json!({}));
        let request = header.into_iter().fold(request, |it, key| it.header("authorization", key));
        let refused = answer(request.send().await.unwrap()).await;
        assert_eq!(refused.status, 401);
        assert_eq!(refused.body["message"], message);
        assert_eq!(refused.body["path"], format!("{LINK}?a=b"));
        assert_eq!(refused.body["error"], "Unauthorized");
        assert_eq!(refused.body["ctx"], json!({ "error": "Unauthorized", "statusCode": 401 }));
        assert_eq!(refused.body["timestamp"], "2026-08-20T10:00:00.000Z");
    }
}

#[tokio::test]
async fn bodies_are_judged_in_class_validators_words() {
    let bench = Bench::new().await;
    let refused = bench.post(LINK, &json!({})).await;
    assert_eq!(refused.status, 422);
    assert_eq!(refused.body["message"], "Validation Error");
    assert_eq!(refused.body["ctx"], json!({}));
    assert_eq!(refused.body["errors"]["general"]["value"], "No Value Recorded");
    assert_eq!(
        errors(&refused),
        [
            "subscriberId should not be null or undefined",
            "subscriberId is required for link_user",
            "subscriberId must be a string",
            "integrationIdentifier should not be null or undefined",
            "Integration identifier is required",
            "integrationIdentifier must be a string",
        ]
    );
    let body = json!({
        "subscriberId": "", "integrationIdentifier": "slack", "connectionIdentifier": 5,
        "userScope": [1], "context": {}, "contextHash": null,
    });
    let refused = bench.post(LINK, &body).await;
    assert_eq!(errors(&refused)[0], "subscriberId is required for link_user");
    assert_eq!(errors(&refused)[1], "connectionIdentifier must be a string");
    assert!(errors(&refused)[2].starts_with("Invalid context payload structure."));
    assert_eq!(errors(&refused)[3], "each value in userScope must be a string");
    let body = json!({ "integrationIdentifier": "slack", "connectionMode": "own" });
    assert_eq!(
        errors(&bench.post(CONNECT, &body).await),
        ["connectionMode must be one of the following values: subscriber, shared"]
    );
}

#[tokio::test]
async fn the_slack_link_is_laid_out_as_novus() {
    let bench = Bench::new().await;
    let link = bench.slack_link().await;
    let callback = format!("{}/v1/integrations/chat/oauth/callback", bench.novu.url());
    let state = parameter(&link, "state");
    let callback: String = form_urlencoded::byte_serialize(callback.as_bytes()).collect();
    assert_eq!(
        link,
        format!(
            "https://slack.com/oauth/v2/authorize?state={state}&client_id=111.222&\
             redirect_uri={callback}&user_scope=identity.basic"
        )
    );
    let seen = ticket::peek(&state).unwrap();
    assert_eq!(seen["identifier"], "acme");
    assert_eq!(seen["mode"], "link_user");
    assert_eq!(seen["timestamp"], bench.clock_millis());
    let body = json!({
        "subscriberId": "ada", "integrationIdentifier": "slack",
        "userScope": ["openid", "profile"],
    });
    let minted = bench.post(LINK, &body).await;
    assert_eq!(minted.status, 201);
    let url = minted.body["data"]["url"].as_str().unwrap();
    assert!(url.ends_with("&user_scope=openid%2Cprofile"), "{url}");
}

#[tokio::test]
async fn the_teams_urls_are_laid_out_as_novus() {
    let bench = Bench::new().await;
    let body = json!({ "subscriberId": "ada", "integrationIdentifier": "teams" });
    let minted = bench.post(LINK, &body).await;
    let url = minted.body["data"]["url"].as_str().unwrap();
    let state = parameter(url, "state");
    let callback = format!("{}/v1/integrations/chat/oauth/callback", bench.novu.url());
    let callback: String = form_urlencoded::byte_serialize(callback.as_bytes()).collect();
    let login = "https://login.microsoftonline.com/organizations";
    assert_eq!(
        url,
        format!(
            "{login}/oauth2/v2.0/authorize?client_id=app-1&response_type=code&\
             redirect_uri={callback}&scope=openid+profile+User.Read&state={state}&\
             response_mode=query"
        )
    );
    let minted = bench.post(CONNECT, &body).await;
    let url = minted.body["data"]["url"].as_str().unwrap();
    let state = parameter(url, "state");
    assert_eq!(
        url,
        format!(
            "{login}/v2.0/adminconsent?client_id=app-1&redirect_uri={callback}&\
             scope=https%3A%2F%2Fgraph.microsoft.com%2F.default&state={state}"
        )
    );
}

#[tokio::test]
async fn slack_creates_the_missing_subscriber_and_teams_refuses() {
    let bench = Bench::new().await;
    let grace =
        |integration| json!({ "subscriberId": "grace", "integrationIdentifier": integration });
    let refused = bench.post(LINK, &grace("teams")).await;
    assert_eq!(
        (refused.status, &refused.body["message"]),
        (404, &json!("Subscriber not found: grace"))
    );
    assert_eq!(bench.post(LINK, &grace("slack")).await.status, 201);
    assert_eq!(bench.novu.subscribers().len(), 2);
    assert_eq!(bench.post(LINK, &grace("teams")).await.status, 201);

    let before = Options {
        release: Release::v3_19().without(Change::SlackProvisioning),
        ..Options::default()
    };
    let bench = Bench::with(before).await;
    assert_eq!(bench.post(LINK, &grace("slack")).await.status, 404);
    let connect = json!({ "subscriberId": "connect:1", "integrationIdentifier": "slack" });
    assert_eq!(bench.post(LINK, &connect).await.status, 201);
}

#[tokio::test]
async fn integrations_are_found_by_identifier_and_provider() {
    let bench = Bench::new().await;
    bench.novu.add_integration(Integration::bare("empty", "slack"));
    bench.novu.add_integration(Integration {
        secret_key: Some("s".to_owned()),
        ..Integration::bare("half", "msteams")
    });
    let environment = Options::default().environment_id;
    let cases = [
        ("nope", format!("Integration not found: nope in environment {environment}")),
        ("discord", format!("Integration not found: discord in environment {environment}")),
        ("empty", "Slack integration missing credentials ".to_owned()),
        ("half", "MS Teams integration missing required OAuth credentials (clientId) ".to_owned()),
    ];
    for (integration, message) in cases {
        let body = json!({ "subscriberId": "ada", "integrationIdentifier": integration });
        let refused = bench.post(LINK, &body).await;
        assert_eq!(refused.status, 404);
        assert_eq!(refused.body["message"], message);
    }
    let body = json!({ "subscriberId": "ghost", "integrationIdentifier": "empty" });
    assert_eq!(bench.post(LINK, &body).await.status, 404);
    assert!(bench.novu.subscribers().iter().any(|it| it.subscriber_id == "ghost"));
}

#[tokio::test]
async fn a_context_has_to_be_signed_where_the_integration_says_so() {
    let bench = Bench::new().await;
    bench
        .novu
        .add_integration(Integration { hmac: true, ..Integration::slack("signed", "1", "2") });
    let mut body = json!({ "subscriberId": "ada", "integrationIdentifier": "signed" });
    let message = |answer: Answer| (answer.status, answer.body["message"].clone());
    let required = "A context is required when HMAC validation is enabled.";
    assert_eq!(message(bench.post(LINK, &body).await), (400, json!(required)));
    body["context"] = json!({ "tenant": "acme" });
    let required = "A valid contextHash is required when HMAC validation is enabled.";
    assert_eq!(message(bench.post(LINK, &body).await), (400, json!(required)));
    body["contextHash"] = json!("00");
    let wrong = "Please provide a valid context HMAC hash";
    assert_eq!(message(bench.post(LINK, &body).await), (400, json!(wrong)));
    body["contextHash"] = json!(context::hash(&bench.novu.api_key(), r#"{"tenant":"acme"}"#));
    assert_eq!(bench.post(LINK, &body).await.status, 201);
    body["context"] = json!({ "tenant": { "id": "acme", "data": { "share": 0.5 } } });
    assert_eq!(bench.post(LINK, &body).await.status, 500);
}

#[tokio::test]
async fn connecting_needs_an_owner_or_a_context() {
    let bench = Bench::new().await;
    let context = json!({ "tenant": "acme" });
    let cases = [
        (json!({}), Some("Either subscriberId or context must be provided")),
        (
            json!({ "connectionMode": "shared", "subscriberId": "ada" }),
            Some("context is required when connectionMode is \"shared\""),
        ),
        (
            json!({ "connectionMode": "subscriber", "context": context }),
            Some("subscriberId is required when connectionMode is \"subscriber\""),
        ),
        (
            json!({ "scope": ["incoming-webhook"], "context": context }),
            Some("subscriberId is required for incoming webhook"),
        ),
        (json!({ "connectionMode": "shared", "context": context }), None),
        (json!({ "subscriberId": "ada", "scope": [] }), None),
    ];
    for (mut body, message) in cases {
        body["integrationIdentifier"] = json!("slack");
        let answer = bench.post(CONNECT, &body).await;
        match message {
            Some(message) => {
                assert_eq!((answer.status, &answer.body["message"]), (400, &json!(message)));
            }
            None => assert_eq!(answer.status, 201, "{body}"),
        }
    }
    let body = json!({ "integrationIdentifier": "teams" });
    let refused = bench.post(CONNECT, &body).await;
    assert_eq!(refused.body["message"], "Either subscriberId or context must be provided");
}

#[tokio::test]
async fn old_releases_have_only_the_combined_route() {
    let before =
        Options { release: Release::v3_19().without(Change::SplitRoutes), ..Options::default() };
    let bench = Bench::with(before).await;
    let mut body = json!({ "subscriberId": "ada", "integrationIdentifier": "slack" });
    let refused = bench.post(LINK, &body).await;
    assert_eq!(refused.status, 404);
    assert_eq!(refused.body["message"], format!("Cannot POST {LINK}"));
    body["mode"] = json!("link_user");
    let minted = bench.post("/v1/integrations/chat/oauth", &body).await;
    assert!(minted.body["data"]["url"].as_str().unwrap().contains("user_scope=identity.basic"));
    assert!(minted.headers.get("ratelimit-limit").is_none());
}
