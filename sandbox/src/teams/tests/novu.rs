//! The whole way: Novu's link, Entra's page, Novu's callback, and the endpoint that is stored.

use super::*;
use crate::Browser;
use crate::novu::{self, Integration, Novu, Profile};

const LINK: &str = "/v1/integrations/channel-endpoints/oauth";
const CONNECT: &str = "/v1/integrations/channel-connections/oauth";

/// Novu and Teams as they stand in for each other's real partner.
async fn both() -> (Bench, Novu) {
    let bench = Bench::new().await;
    let options =
        novu::Options { entra_base: bench.teams.url().to_owned(), ..novu::Options::default() };
    let novu = Novu::start(Arc::new(bench.clock.clone()), options).await.unwrap();
    let app = bench.teams.options();
    let (id, secret, home) = (&app.app_id, &app.app_secret, &app.home_tenant);
    novu.add_integration(Integration::teams("teams", id, secret, home));
    novu.add_subscriber("ada", Profile::with_email("ada@example.com"));
    (bench, novu)
}

async fn mint(novu: &Novu, path: &str, more: Value) -> String {
    let mut body = json!({ "subscriberId": "ada", "integrationIdentifier": "teams" });
    if let (Value::Object(body), Value::Object(more)) = (&mut body, more) {
        body.extend(more);
    }
    let request = crate::transport::client().unwrap().post(format!("{}{path}", novu.url()));
    let request = request.header("authorization", format!("ApiKey {}", novu.api_key())).json(&body);
    answer(request).await.body["data"]["url"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_person_signs_in_at_entra_and_novu_stores_the_link() {
    let (bench, novu) = both().await;
    let browser = Browser::new().unwrap();
    let denied = browser.deny(&mint(&novu, LINK, json!({})).await).await.unwrap();
    assert_eq!(denied.status, 400);
    assert!(denied.body.contains("OAuth error: access_denied - AADSTS65004"), "{}", denied.body);
    assert!(novu.endpoints().is_empty());

    let page = browser.approve(&mint(&novu, LINK, json!({})).await, ADA).await.unwrap();
    assert_eq!(page.status, 200, "{}", page.body);
    assert!(page.url.as_str().starts_with(novu.url()));
    let endpoint = novu.endpoints().pop().unwrap();
    assert_eq!((endpoint.kind.as_str(), endpoint.user_id()), ("ms_teams_user", Some(ADA)));
    assert_eq!(endpoint.endpoint, json!({ "userId": ADA, "tenantId": ACME }));
    assert_eq!(bench.teams.count(&Method::POST, "/organizations/oauth2/v2.0/token"), 1);
}

#[tokio::test]
async fn an_administrator_connects_the_tenant_and_may_be_linked_at_once() {
    let (bench, novu) = both().await;
    bench.teams.add_tenant(Tenant { consented: false, ..Tenant::new(ACME, "Acme") });
    let browser = Browser::new().unwrap();
    let link = mint(&novu, CONNECT, json!({ "autoLinkUser": true })).await;
    let refused = browser.approve(&link, GRACE).await.unwrap();
    assert!(refused.body.contains("AADSTS90094"), "{}", refused.body);
    let sign_in = browser.approve(&link, ADA).await.unwrap();
    assert!(bench.teams.has_consented(ACME));
    let connection = novu.connections().pop().unwrap();
    assert_eq!(
        (connection.workspace.id.as_str(), connection.access_token.as_str()),
        (ACME, "app-only")
    );
    let page = browser.press(&sign_in, ADA).await.unwrap();
    assert_eq!(page.status, 200, "{}", page.body);
    let endpoint = novu.endpoints().pop().unwrap();
    assert_eq!(endpoint.user_id(), Some(ADA));
    assert_eq!(endpoint.connection_identifier, Some(connection.identifier));
}

#[tokio::test]
async fn a_tenant_without_consent_is_a_dead_end_for_its_people() {
    let (bench, novu) = both().await;
    bench.teams.add_tenant(Tenant { consented: false, ..Tenant::new(ACME, "Acme") });
    let browser = Browser::new().unwrap();
    let page = browser.approve(&mint(&novu, LINK, json!({})).await, ADA).await.unwrap();
    assert_eq!(page.status, 200, "Novu shows its failures with status 200");
    assert!(page.body.contains("AADSTS700016"), "{}", page.body);
    assert!(page.body.contains("up to 60 minutes"), "{}", page.body);
    assert!(novu.endpoints().is_empty());
}

#[tokio::test]
async fn a_wrong_secret_in_novu_is_entras_to_tell() {
    let (bench, novu) = both().await;
    let app = bench.teams.options();
    novu.add_integration(Integration::teams("teams", &app.app_id, "wrong", &app.home_tenant));
    let browser = Browser::new().unwrap();
    let page = browser.approve(&mint(&novu, LINK, json!({})).await, ADA).await.unwrap();
    assert!(page.body.contains("AADSTS7000215"), "{}", page.body);
    assert!(novu.endpoints().is_empty());
}

#[tokio::test]
async fn a_guest_is_linked_as_somebody_whom_the_bot_does_not_know() {
    let (bench, novu) = both().await;
    bench.teams.add_tenant(Tenant::new("tenant-home", "Globex"));
    bench.teams.add_person(Person::guest(ACME, "oid-g", "Gus Guest", "tenant-home", "oid-gus"));
    let browser = Browser::new().unwrap();
    browser.approve(&mint(&novu, LINK, json!({})).await, "oid-g").await.unwrap();
    let endpoint = novu.endpoints().pop().unwrap();
    assert_eq!(endpoint.endpoint, json!({ "userId": "oid-gus", "tenantId": "tenant-home" }));
    let asked = bench.teams.message("oid-g", GROUP, "connect");
    assert_eq!(asked.activity()["from"]["aadObjectId"], "oid-g");
}
