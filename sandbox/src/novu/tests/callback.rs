//! The callback: what people see in the end, and what Novu stores.

use std::time::Duration;

use super::*;

async fn mint(bench: &Bench, path: &str, body: &Value) -> String {
    let minted = bench.post(path, body).await;
    minted.body["data"]["url"].as_str().unwrap().to_owned()
}

/// Goes to the callback itself.
async fn come_back(bench: &Bench, query: &str) -> (StatusCode, String) {
    let url = format!("{}/v1/integrations/chat/oauth/callback?{query}", bench.novu.url());
    let page = Browser::new().unwrap().open(&url).await.unwrap();
    (page.status, message(&page))
}

#[tokio::test]
async fn the_query_is_judged_in_order() {
    let bench = Bench::new().await;
    let state = parameter(&bench.slack_link().await, "state");
    let forged = |value: &Value| {
        use base64::Engine;
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(format!("{value}.00"))
    };
    let cases = [
        ("error=access_denied&state=x".to_owned(), "OAuth error: access_denied"),
        (
            "error=access_denied&error_description=No+way".to_owned(),
            "OAuth error: access_denied - No way",
        ),
        ("code=1".to_owned(), "Missing required OAuth parameter: state"),
        ("state=x".to_owned(), "Missing required OAuth parameters: code or tenant"),
        ("code=1&state=x".to_owned(), "Invalid OAuth state parameter - cannot extract provider"),
        (format!("code=1&state={}", forged(&json!({}))), "Invalid state: missing providerId"),
        (
            format!("code=1&state={}", forged(&json!({"providerId": "discord"}))),
            "OAuth callback not supported for provider: discord",
        ),
        (format!("tenant=1&state={state}"), "Missing required parameter: code"),
        (
            format!("code=1&state={}", forged(&json!({"providerId": "msteams"}))),
            "Invalid MS Teams state: missing environmentId",
        ),
        (format!("code=made-up&state={state}"), "Slack OAuth error: invalid_code"),
    ];
    for (query, expected) in cases {
        assert_eq!(come_back(&bench, &query).await, (StatusCode::BAD_REQUEST, expected.to_owned()));
    }
    let environment = forged(&json!({"providerId": "slack", "environmentId": "e"}));
    assert_eq!(
        come_back(&bench, &format!("code=1&state={environment}")).await,
        (StatusCode::NOT_FOUND, "Environment not found: e".to_owned())
    );
}

#[tokio::test]
async fn a_state_is_good_for_five_minutes_and_one_first_key() {
    let bench = Bench::new().await;
    let link = bench.slack_link().await;
    bench.clock.advance(Duration::from_secs(301));
    let page = bench.hop("/__slack/approve", &link, "as=U1").await;
    assert_eq!(
        (page.status.as_u16(), message(&page)),
        (400, "Invalid OAuth state parameter".into())
    );

    let link = bench.slack_link().await;
    bench.novu.set_api_keys(["another".to_owned(), "novu-sandbox-key".to_owned()]);
    let page = bench.hop("/__slack/approve", &link, "as=U1").await;
    assert_eq!(message(&page), "Invalid OAuth state parameter");
    assert!(bench.novu.endpoints().is_empty());
}

#[tokio::test]
async fn one_chat_user_has_one_endpoint() {
    let bench = Bench::new().await;
    let first = bench.hop("/__slack/approve", &bench.slack_link().await, "as=U1").await;
    assert_eq!(first.status, OK);
    let again = bench.hop("/__slack/approve", &bench.slack_link().await, "as=U1").await;
    assert_eq!(again.status, StatusCode::INTERNAL_SERVER_ERROR);
    let body: Value = serde_json::from_str(&again.body).unwrap();
    assert!(body["errorId"].is_string());
    let other = bench.hop("/__slack/approve", &bench.slack_link().await, "as=U2").await;
    assert_eq!(other.status, OK);
    let users: Vec<_> =
        bench.novu.endpoints().iter().filter_map(|it| it.user_id().map(str::to_owned)).collect();
    assert_eq!(users, ["U1", "U2"]);

    let release = Release::v3_19().without(Change::UniqueChatUser).without(Change::ResultCard);
    let bench = Bench::with(Options { release, ..Options::default() }).await;
    for _ in 0..2 {
        let page = bench.hop("/__slack/approve", &bench.slack_link().await, "as=U1").await;
        assert_eq!(page.body, "<script>window.close();</script>");
    }
    assert_eq!(bench.novu.endpoints().len(), 2);
}

#[tokio::test]
async fn what_vanished_since_minting_is_missed_at_the_callback() {
    let bench = Bench::new().await;
    let body = json!({
        "subscriberId": "ada", "integrationIdentifier": "slack", "connectionIdentifier": "nope",
    });
    let link = mint(&bench, LINK, &body).await;
    let page = bench.hop("/__slack/approve", &link, "as=U1").await;
    assert_eq!(
        (page.status.as_u16(), message(&page)),
        (404, "Channel connection not found: nope".into())
    );

    let link = bench.slack_link().await;
    bench.call(Method::DELETE, "/v2/subscribers/ada", None).await;
    let page = bench.hop("/__slack/approve", &link, "as=U1").await;
    assert!(message(&page).starts_with("Subscriber not found: ada"));

    let nobody = bench.hop("/__slack/approve", &link, "team=T1").await;
    assert_eq!(message(&nobody), "Slack did not return a user ID in the OAuth response");
    bench.novu.remove_integration("slack");
    let page = bench.hop("/__slack/approve", &link, "as=U1").await;
    assert!(message(&page).starts_with("Slack integration not found: slack in environment "));
}

#[tokio::test]
async fn success_leads_to_the_redirect_url_as_it_is() {
    let bench = Bench::new().await;
    bench.novu.add_integration(Integration {
        redirect_url: Some("https://app.example.com/done?x=1".to_owned()),
        ..Integration::slack("slack", "1", "2")
    });
    let page = bench.hop("/__slack/approve", &bench.slack_link().await, "as=U1").await;
    assert_eq!(page.status, StatusCode::FOUND);
    assert_eq!(page.leads_to.unwrap().as_str(), "https://app.example.com/done?x=1");
    let denied = bench.hop("/__slack/deny", &bench.slack_link().await, "").await;
    assert_eq!(message(&denied), "OAuth error: access_denied");
}

#[tokio::test]
async fn installing_again_updates_the_connection() {
    let bench = Bench::new().await;
    let body = json!({
        "subscriberId": "ada", "integrationIdentifier": "slack", "connectionIdentifier": "acme",
        "autoLinkUser": true,
    });
    let link = mint(&bench, CONNECT, &body).await;
    assert!(link.contains("&scope=chat%3Awrite%2Cchat%3Awrite.public%2Cchannels%3Aread"));
    let page = bench.hop("/__slack/approve", &link, "as=U1&team=T2").await;
    assert_eq!(page.status, OK);
    let connections = bench.novu.connections();
    assert_eq!(connections.len(), 1);
    assert_eq!(connections[0].workspace.id, "T2", "the identifier decides, whatever its workspace");
    assert_eq!(bench.novu.endpoints()[0].connection_identifier.as_deref(), Some("acme"));

    // A new identifier for the same owner and context becomes nothing: the old one is updated.
    let body = json!({
        "context": { "tenant": "x" }, "connectionMode": "shared", "integrationIdentifier": "slack",
        "connectionIdentifier": "one",
    });
    bench.hop("/__slack/approve", &mint(&bench, CONNECT, &body).await, "as=U1&team=T3").await;
    let body = json!({
        "context": { "tenant": "x" }, "connectionMode": "shared", "integrationIdentifier": "slack",
        "connectionIdentifier": "two",
    });
    bench.hop("/__slack/approve", &mint(&bench, CONNECT, &body).await, "as=U1&team=T4").await;
    assert_eq!(bench.get("/v1/channel-connections/two").await.status, 404);
    let one = bench.get("/v1/channel-connections/one").await;
    assert_eq!(one.body["data"]["workspace"]["id"], "T4");
    assert_eq!(one.body["data"]["auth"]["accessToken"], "xoxb-sandbox-T4");
    assert_eq!(one.body["data"]["contextKeys"], json!(["tenant:x"]));
    assert_eq!(one.body["data"]["subscriberId"], Value::Null);

    let release = Release::v3_19().without(Change::SlackUpsert);
    let bench = Bench::with(Options { release, ..Options::default() }).await;
    let body = json!({
        "subscriberId": "ada", "integrationIdentifier": "slack", "connectionIdentifier": "acme",
    });
    let page = bench.hop("/__slack/approve", &mint(&bench, CONNECT, &body).await, "as=U1").await;
    assert_eq!(page.status, StatusCode::CONFLICT);
}

#[tokio::test]
async fn a_teams_tenant_is_connected_once_and_then_a_person() {
    let bench = Bench::new().await;
    let body = json!({ "subscriberId": "ada", "integrationIdentifier": "teams" });
    let link = mint(&bench, CONNECT, &body).await;
    let state = parameter(&link, "state");
    assert_eq!(
        come_back(&bench, &format!("tenant=t1&admin_consent=true&state={state}")).await.1,
        "Admin consent was not granted"
    );
    assert_eq!(
        come_back(&bench, &format!("code=1&state={state}")).await.1,
        "Missing tenant parameter from MS Teams admin consent"
    );
    assert_eq!(bench.hop("/__entra/consent", &link, "tenant=t1").await.status, OK);
    let connection = bench.novu.connections().pop().unwrap();
    assert_eq!(
        (connection.access_token.as_str(), connection.workspace.id.as_str()),
        ("app-only", "t1")
    );
    let again = bench.hop("/__entra/consent", &link, "tenant=t1").await;
    assert_eq!(again.status, StatusCode::CONFLICT);
    assert!(message(&again).starts_with(
        "A channel connection already exists for integration \"teams\" with subscriber \"ada\" \
         and no context. Connection ID: chconn_"
    ));

    let link = mint(&bench, LINK, &body).await;
    bench.novu.refuse_teams_install(Some("the app is not in the catalogue"));
    let page = bench.hop("/__entra/approve", &link, "oid=o1&tid=t1").await;
    assert_eq!(page.status, OK);
    assert!(page.body.contains("MS Teams bot installation failed"));
    assert!(bench.novu.endpoints().is_empty());
    bench.novu.refuse_teams_install(None);
    let nobody = bench.hop("/__entra/approve", &link, "tid=t1").await;
    assert_eq!(nobody.status, StatusCode::BAD_REQUEST);
    assert_eq!(bench.hop("/__entra/approve", &link, "oid=o1&tid=t1").await.status, OK);
    let endpoint = bench.novu.endpoints().pop().unwrap();
    assert_eq!(endpoint.kind, "ms_teams_user");
    assert_eq!(endpoint.endpoint, json!({ "userId": "o1", "tenantId": "t1" }));
}

#[tokio::test]
async fn a_teams_consent_may_lead_straight_to_the_link() {
    let bench = Bench::new().await;
    let body = json!({
        "subscriberId": "ada", "integrationIdentifier": "teams", "autoLinkUser": true,
    });
    let link = mint(&bench, CONNECT, &body).await;
    let page = bench.hop("/__entra/consent", &link, "tenant=t1").await;
    let next = page.leads_to.unwrap();
    assert_eq!(next.path(), "/organizations/oauth2/v2.0/authorize");
    let page = bench.hop("/__entra/approve", next.as_str(), "oid=o1&tid=t1").await;
    assert_eq!(page.status, OK);
    let connection = bench.novu.connections().pop().unwrap().identifier;
    assert_eq!(bench.novu.endpoints()[0].connection_identifier, Some(connection));
}

/// The token endpoint of an Entra that knows one good code, and the app in every tenant.
async fn entra() -> String {
    use base64::Engine;
    let claims = r#"{"oid":"o1"}"#;
    let claims = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(claims);
    let token = move |body: String| async move {
        let right = body.contains("client_secret=teams-secret");
        if right && body.contains("grant_type=client_credentials&") {
            return (StatusCode::OK, json!({ "access_token": "x" }).to_string());
        }
        if right && body.contains("code=good&") {
            return (StatusCode::OK, json!({ "id_token": format!("e30.{claims}.x") }).to_string());
        }
        let refusal = json!({ "error_description": "AADSTS54005: the code was already redeemed" });
        (StatusCode::BAD_REQUEST, refusal.to_string())
    };
    let routes = Router::new().route("/{tenant}/oauth2/v2.0/token", post(token));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(axum::serve(listener, routes).into_future());
    url
}

#[tokio::test]
async fn a_teams_code_is_exchanged_at_entra() {
    let entra_base = entra().await;
    let release = Release::v3_19().without(Change::TeamsErrorPage);
    let bench = Bench::with(Options { entra_base: entra_base.clone(), ..Options::default() }).await;
    let body = json!({ "subscriberId": "ada", "integrationIdentifier": "teams" });
    let link = mint(&bench, LINK, &body).await;
    assert!(link.starts_with(&format!("{entra_base}/organizations/oauth2/v2.0/authorize?")));
    let callback = format!("{}/v1/integrations/chat/oauth/callback", bench.novu.url());
    let come_back = async |callback: &str, link: &str, code: &str| {
        let url = format!("{callback}?code={code}&state={}", parameter(link, "state"));
        Browser::new().unwrap().open(&url).await.unwrap()
    };
    let refused = come_back(&callback, &link, "bad").await;
    assert_eq!(refused.status, OK);
    assert!(refused.body.contains("AADSTS54005"), "{}", refused.body);
    assert_eq!(come_back(&callback, &link, "good").await.status, OK);
    let endpoint = &bench.novu.endpoints()[0];
    assert_eq!(endpoint.endpoint, json!({ "userId": "o1", "tenantId": "tenant-home" }));

    let bench = Bench::with(Options { release, entra_base, ..Options::default() }).await;
    let link = mint(&bench, LINK, &body).await;
    let callback = format!("{}/v1/integrations/chat/oauth/callback", bench.novu.url());
    let refused = come_back(&callback, &link, "bad").await;
    assert_eq!(refused.status, StatusCode::INTERNAL_SERVER_ERROR);
}
