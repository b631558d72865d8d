//! The bot's tokens, and people's codes.

use std::time::Duration;

use super::*;
use crate::{Browser, Page};

const BACK: &str = "http://127.0.0.1:1/back";

#[tokio::test]
async fn a_token_is_for_the_connector_and_for_an_hour() {
    let mut bench = Bench::new().await;
    let granted = bench.ask_token(&bench.teams.token_url(), &[]).await;
    assert_eq!((granted.status, &granted.body["expires_in"]), (200, &json!(3599)));
    assert_eq!(granted.body["token_type"], "Bearer");
    assert_eq!(granted.headers["cache-control"], "no-store, no-cache");
    assert_ne!(granted.body["access_token"], bench.token);

    bench.clock.advance(Duration::from_secs(3598));
    assert_eq!(bench.send(GROUP, &text("Hi")).await.status, 201);
    bench.clock.advance(Duration::from_secs(1));
    let over = bench.send(GROUP, &text("Hi")).await;
    assert_eq!(over.status, 401);
    assert_eq!(over.body["message"], "Authorization has been denied for this request.");
    bench.renew_token().await;
    assert_eq!(bench.send(GROUP, &text("Hi")).await.status, 201);
    bench.teams.revoke_tokens();
    assert_eq!(bench.send(GROUP, &text("Hi")).await.status, 401);
}

#[tokio::test]
async fn the_connector_opens_for_its_own_tokens_only() {
    let mut bench = Bench::new().await;
    let graph = [("scope", "https://graph.microsoft.com/.default")];
    let customer = format!("{}/{ACME}/oauth2/v2.0/token", bench.teams.url());
    let inbound = bench.teams.message(ADA, GROUP, "connect").signed();
    let inbound = inbound.headers["authorization"].to_str().unwrap().replace("Bearer ", "");
    let token = |answer: Answer| answer.body["access_token"].as_str().unwrap().to_owned();
    let tokens = [
        token(bench.ask_token(&bench.teams.token_url(), &graph).await),
        token(bench.ask_token(&customer, &[]).await),
        inbound,
        String::new(),
        "made-up".to_owned(),
    ];
    for token in tokens {
        bench.token = token;
        assert_eq!(bench.send(GROUP, &text("Hi")).await.status, 401, "{}", bench.token);
    }
    bench.renew_token().await;
    assert_eq!(bench.send(GROUP, &text("Hi")).await.status, 201);
}

#[tokio::test]
async fn refusals_have_entras_codes() {
    let bench = Bench::new().await;
    let url = |tenant: &str| format!("{}/{tenant}/oauth2/v2.0/token", bench.teams.url());
    let home = url(&bench.teams.options().home_tenant);
    let cases = [
        (home.clone(), ("client_secret", "wrong"), 401, "invalid_client", 7_000_215),
        (home.clone(), ("client_secret", ""), 401, "invalid_client", 7_000_218),
        (home.clone(), ("client_id", "another"), 400, "unauthorized_client", 700_016),
        (home.clone(), ("client_id", ""), 400, "invalid_request", 900_144),
        (home.clone(), ("grant_type", ""), 400, "invalid_request", 900_144),
        (home.clone(), ("grant_type", "password"), 400, "unsupported_grant_type", 70_003),
        (home.clone(), ("scope", ""), 400, "invalid_request", 900_144),
        (home.clone(), ("scope", "openid"), 400, "invalid_scope", 1_002_012),
        (home, ("scope", "https://a.example/.default"), 400, "invalid_resource", 500_011),
        (url("botframework.com"), ("", ""), 400, "unauthorized_client", 700_016),
        (url("nowhere"), ("", ""), 400, "invalid_request", 90_002),
        (url("organizations"), ("", ""), 400, "invalid_request", 50_059),
    ];
    for (url, change, status, error, code) in cases {
        let changes = [change];
        let changes = if change.0.is_empty() { &[][..] } else { &changes[..] };
        let refused = bench.ask_token(&url, changes).await;
        assert_eq!((refused.status, &refused.body["error"]), (status, &json!(error)), "{change:?}");
        assert_eq!(refused.body["error_codes"], json!([code]), "{change:?}");
        let description = refused.body["error_description"].as_str().unwrap();
        assert!(description.starts_with(&format!("AADSTS{code}: ")), "{description}");
        assert!(description.ends_with("Timestamp: 2026-08-20 10:00:00Z"), "{description}");
    }
    let refused = bench.ask_token(&url("botframework.com"), &[]).await;
    let description = refused.body["error_description"].as_str().unwrap();
    assert!(description.contains("not found in the directory 'Bot Framework'"), "{description}");
    let request = bench.client.post(bench.teams.token_url());
    let not_a_form = answer(request.json(&json!({ "grant_type": "client_credentials" }))).await;
    assert_eq!(not_a_form.body["error_codes"], json!([900_144]));
}

#[tokio::test]
async fn a_bot_of_many_tenants_gets_its_tokens_elsewhere() {
    let registration = Registration::MultiTenant;
    let mut bench = Bench::with(Options { registration, ..Options::default() }).await;
    assert!(bench.teams.token_url().contains("/botframework.com/"));
    assert_eq!(bench.send(GROUP, &text("Hi")).await.status, 201);
    let home = &bench.teams.options().home_tenant;
    let home = format!("{}/{home}/oauth2/v2.0/token", bench.teams.url());
    let granted = bench.ask_token(&home, &[]).await;
    bench.token = granted.body["access_token"].as_str().unwrap().to_owned();
    assert_eq!(bench.send(GROUP, &text("Hi")).await.status, 401);
}

#[tokio::test]
async fn an_app_is_known_where_it_was_consented_to() {
    let bench = Bench::new().await;
    bench.teams.add_tenant(Tenant { consented: false, ..Tenant::new("tenant-new", "New Corp") });
    let url = format!("{}/new-corp.example/oauth2/v2.0/token", bench.teams.url());
    let graph = [("scope", "https://graph.microsoft.com/.default")];
    let refused = bench.ask_token(&url, &graph).await;
    assert_eq!(refused.body["error_codes"], json!([700_016]));
    bench.teams.add_tenant(Tenant::new("tenant-new", "New Corp"));
    assert_eq!(bench.ask_token(&url, &graph).await.status, 200);
}

/// The address of the sign-in page, save for what `changes` says.
fn sign_in(bench: &Bench, changes: &[(&str, &str)]) -> String {
    let mut query = std::collections::BTreeMap::from([
        ("client_id", bench.teams.options().app_id.as_str()),
        ("response_type", "code"),
        ("redirect_uri", BACK),
        ("scope", "openid profile User.Read"),
        ("state", "a&b"),
    ]);
    query.extend(changes.iter().copied());
    query.retain(|_, value| !value.is_empty());
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
    format!("{}/organizations/oauth2/v2.0/authorize?{query}", bench.teams.url())
}

/// Presses a button of the page and tells what the app is told.
async fn told(bench: &Bench, link: &str, button: Option<&str>) -> Vec<(String, String)> {
    let mut request = bench.client.post(link);
    if let Some(oid) = button {
        request = request.form(&[("oid", oid)]);
    }
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 302);
    let location = response.headers()["location"].to_str().unwrap().to_owned();
    assert!(location.starts_with(&format!("{BACK}?")), "{location}");
    Url::parse(&location).unwrap().query_pairs().into_owned().collect()
}

fn named<'a>(told: &'a [(String, String)], name: &str) -> &'a str {
    told.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
}

async fn exchange(bench: &Bench, code: &str, changes: &[(&str, &str)]) -> Answer {
    let mut fields =
        vec![("grant_type", "authorization_code"), ("code", code), ("redirect_uri", BACK)];
    fields.extend(changes);
    let url = format!("{}/organizations/oauth2/v2.0/token", bench.teams.url());
    bench.ask_token(&url, &fields).await
}

fn claims(reply: &Value) -> Value {
    use base64::Engine;
    let token = reply["id_token"].as_str().unwrap();
    let engine = base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let payload = engine.decode(token.split('.').nth(1).unwrap()).unwrap();
    serde_json::from_slice(&payload).unwrap()
}

#[tokio::test]
async fn a_code_says_who_signed_in_and_is_good_once() {
    let bench = Bench::new().await;
    let link = sign_in(&bench, &[]);
    let back = told(&bench, &link, Some(ADA)).await;
    assert_eq!(named(&back, "state"), "a&b");
    let code = named(&back, "code");
    let codes = async |code: &str, changes: &[(&str, &str)]| {
        exchange(&bench, code, changes).await.body["error_codes"].clone()
    };
    assert_eq!(codes(code, &[("client_secret", "wrong")]).await, json!([7_000_215]));
    assert_eq!(codes(code, &[("redirect_uri", "http://127.0.0.1:2/")]).await, json!([500_112]));
    assert_eq!(codes("made-up", &[]).await, json!([9_002_313]));
    let reply = exchange(&bench, code, &[]).await;
    assert_eq!(reply.status, 200);
    let claims = claims(&reply.body);
    assert_eq!((&claims["oid"], &claims["tid"]), (&json!(ADA), &json!(ACME)));
    assert_eq!(claims["aud"], json!(bench.teams.options().app_id));
    assert_eq!(codes(code, &[]).await, json!([54_005]));
    let back = told(&bench, &link, Some(ADA)).await;
    bench.clock.advance(Duration::from_secs(601));
    assert_eq!(codes(named(&back, "code"), &[]).await, json!([70_008]));

    let bare = told(&bench, &sign_in(&bench, &[("scope", "User.Read")]), Some(ADA)).await;
    let reply = exchange(&bench, named(&bare, "code"), &[]).await;
    assert_eq!((reply.status, reply.body.get("id_token")), (200, None));
}

#[tokio::test]
async fn a_guest_signs_in_as_who_they_are_at_home() {
    let bench = Bench::new().await;
    bench.teams.add_person(Person::guest(ACME, "oid-g", "Gus Guest", "tenant-home", "oid-gus"));
    let back = told(&bench, &sign_in(&bench, &[]), Some("oid-g")).await;
    let claims = claims(&exchange(&bench, named(&back, "code"), &[]).await.body);
    assert_eq!((&claims["oid"], &claims["tid"]), (&json!("oid-gus"), &json!("tenant-home")));
}

#[tokio::test]
async fn the_page_offers_who_can_sign_in_and_reports_who_will_not() {
    let bench = Bench::new().await;
    bench
        .teams
        .add_person(Person { role: Role::Anonymous, ..Person::new(ACME, "oid-x", "Some Body") });
    let page = open(&sign_in(&bench, &[])).await;
    assert_eq!(page.status, 200);
    assert!(page.body.contains("Accept as Ada Lovelace (Acme)"), "{}", page.body);
    assert!(!page.body.contains("Some Body"));
    assert!(page.body.contains("<code>User.Read</code>"));
    let of_one_tenant = sign_in(&bench, &[]).replace("/organizations/", "/acme.example/");
    assert!(open(&of_one_tenant).await.body.contains("Ada Lovelace"));

    let link = sign_in(&bench, &[]);
    for nobody in [None, Some("oid-nobody"), Some("oid-x")] {
        let back = told(&bench, &link, nobody).await;
        assert_eq!((named(&back, "error"), named(&back, "state")), ("access_denied", "a&b"));
        assert!(named(&back, "error_description").starts_with("AADSTS65004: "));
    }
}

#[tokio::test]
async fn a_wrong_request_gets_no_further_than_a_page() {
    let bench = Bench::new().await;
    for (change, code) in [
        (("client_id", "another"), "AADSTS700016"),
        (("client_id", ""), "AADSTS900144"),
        (("redirect_uri", "https://evil.example/"), "AADSTS50011"),
        (("redirect_uri", ""), "AADSTS900144"),
        (("scope", ""), "AADSTS900144"),
        (("response_type", ""), "AADSTS900144"),
    ] {
        let link = sign_in(&bench, &[change]);
        let page = open(&link).await;
        assert_eq!(page.status, 400, "{change:?}");
        assert!(page.body.contains(code), "{change:?} {}", page.body);
        let pressed = bench.client.post(&link).form(&[("oid", ADA)]).send().await.unwrap();
        assert_eq!(pressed.status(), 400);
    }
    for (change, error) in [
        (("response_type", "token"), "unsupported_response_type"),
        (("response_mode", "form_post"), "invalid_request"),
    ] {
        let response = bench.client.get(sign_in(&bench, &[change])).send().await.unwrap();
        let location = response.headers()["location"].to_str().unwrap();
        assert!(location.contains(&format!("error={error}&")), "{location}");
    }
}

#[tokio::test]
async fn an_administrator_consents_for_the_tenant() {
    let bench = Bench::new().await;
    bench.teams.add_tenant(Tenant { consented: false, ..Tenant::new(ACME, "Acme") });
    let link = sign_in(&bench, &[("scope", "https://graph.microsoft.com/.default")]);
    let link = link.replace("/oauth2/v2.0/authorize", "/v2.0/adminconsent");
    assert!(open(&link).await.body.contains("Accept as Ada Lovelace (Acme)"));
    let refused = told(&bench, &link, Some(GRACE)).await;
    assert_eq!(named(&refused, "error"), "access_denied");
    let cancelled = told(&bench, &link, None).await;
    assert_eq!(named(&cancelled, "error"), "permission_denied");
    assert!(!bench.teams.has_consented(ACME));
    let back = told(&bench, &link, Some(ADA)).await;
    assert_eq!(named(&back, "admin_consent"), "True");
    assert_eq!((named(&back, "tenant"), named(&back, "state")), (ACME, "a&b"));
    assert!(bench.teams.has_consented(ACME));
    let common = open(&link.replace("/organizations/", "/common/")).await;
    assert_eq!(common.status, 400);
}

async fn open(link: &str) -> Page {
    Browser::new().unwrap().open(link).await.unwrap()
}
