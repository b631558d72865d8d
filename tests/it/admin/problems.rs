//! Requests that are not what they have to be.

use axum::http::StatusCode;
use connect_sandbox::{Effect, Fault, Route};
use serde_json::{Value, json};

use super::{OWNER, ask, get, post, send, start};
use crate::bot::{Bot, TEAM};
use crate::log::Log;

#[tokio::test]
async fn whatever_is_wrong_with_a_request_is_a_problem_that_says_what() {
    let bot = start().await;
    let unknown = format!("/workspace-requests/{}", "0".repeat(32));
    let requests = [
        ("GET", "/no/such/path", 404, "unknown-path", "openapi.json"),
        ("GET", "", 404, "unknown-path", "openapi.json"),
        ("GET", "/workspaces/", 404, "unknown-path", "openapi.json"),
        ("PATCH", "/workspaces", 405, "wrong-method", "Allow"),
        ("GET", "/workspaces?limit=0", 400, "bad-parameter", "limit"),
        ("GET", "/workspaces?limit=101", 400, "bad-parameter", "limit"),
        ("GET", "/workspaces?limit=many", 400, "bad-parameter", "limit"),
        ("GET", "/workspaces?cursor=made-up", 400, "bad-parameter", "cursor"),
        ("GET", "/workspaces?colour=red", 400, "bad-parameter", "colour"),
        ("GET", "/workspaces?platform=irc", 404, "not-found", "not on"),
        ("GET", "/workspaces/irc/acme", 404, "not-found", "not on"),
        ("GET", "/workspaces/slack/nobody", 404, "c-workspace", "no channel connection"),
        ("GET", "/workspaces/slack/%ff", 400, "bad-parameter", "path"),
        ("GET", "/workspace-requests/short", 404, "not-found", "no such request"),
        ("GET", unknown.as_str(), 404, "not-found", "no such request"),
        ("GET", "/people/irc/T1/U1", 404, "not-found", "not on"),
        ("GET", "/people/slack/T1/U%201", 400, "bad-parameter", "letters"),
        ("GET", "/people/slack/T1/U1?organisation=", 400, "bad-parameter", "letters"),
        ("GET", "/audit?limit=501", 400, "bad-parameter", "limit"),
        ("GET", "/audit?person=slack/T1", 400, "bad-parameter", "person"),
        ("GET", "/audit?person=irc/T1/U1", 400, "bad-parameter", "person"),
        ("DELETE", "/workspaces/slack/nobody", 404, "c-workspace", "no channel connection"),
        ("DELETE", "/workspaces/slack/acme?dry_run=perhaps", 400, "bad-parameter", "query"),
    ];
    for (method, path, status, problem, words) in requests {
        let told = send(ask(&bot, method, path).bearer_auth(OWNER)).await;
        assert_eq!((told.status, told.problem()), (status, problem), "{method} {path}: {told:?}");
        let detail = told.json["detail"].as_str().unwrap();
        assert!(detail.contains(words), "{method} {path}: {detail}");
        if status == 405 {
            assert_eq!(told.header("allow"), Some("GET,HEAD,POST"));
        }
    }
}

#[tokio::test]
async fn whatever_is_wrong_with_a_body_is_a_problem_that_says_what() {
    let bot = start().await;
    let body = |more: Value| {
        let mut body =
            json!({"platform": "slack", "workspace": {"id": "T0NEW"}, "context": {"t": "1"}});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body.to_string()
    };
    let long = "x".repeat(65 * 1024);
    let bodies = [
        ("application/json", "{".to_owned(), 400, "bad-json", "EOF"),
        ("application/json", String::new(), 400, "bad-json", "EOF"),
        ("application/json", "[]".to_owned(), 422, "bad-body", "sequence"),
        ("text/plain", body(json!({})), 415, "wrong-content-type", "application/json"),
        ("application/json", body(json!({"connection": long})), 413, "too-large", "65536"),
        ("application/json", body(json!({"colour": "red"})), 422, "bad-body", "colour"),
        ("application/json", body(json!({"platform": "irc"})), 422, "bad-body", "platform"),
        ("application/json", body(json!({"workspace": ["T1"]})), 422, "bad-body", "sequence"),
        ("application/json", body(json!({"workspace": {}})), 422, "bad-body", "organisation"),
        ("application/json", body(json!({"connection": "a b"})), 422, "bad-body", "identifier"),
        ("application/json", body(json!({"context": {}})), 422, "bad-body", "at least one"),
        ("application/json", body(json!({"context": {"t": "a.b"}})), 422, "bad-body", "context id"),
        ("application/json", body(json!({"scope": []})), 422, "bad-body", "scopes"),
        ("application/json", body(json!({"scope": ["Chat Write"]})), 422, "bad-body", "scope"),
        ("application/json", body(json!({"subscriber": " "})), 422, "bad-body", "subscriber"),
        ("application/json", body(json!({"mode": "both"})), 422, "bad-body", "subscriber"),
    ];
    for (kind, body, status, problem, words) in bodies {
        let request = ask(&bot, "POST", "/workspaces").bearer_auth(OWNER);
        let told = send(request.header("content-type", kind).body(body.clone())).await;
        let shown = &body[..body.len().min(200)];
        assert_eq!((told.status, told.problem()), (status, problem), "{shown}: {told:?}");
        let detail = told.json["detail"].as_str().unwrap();
        assert!(detail.contains(words), "{shown}: {detail}");
    }
    for key in ["", &"k".repeat(201), "ключ"] {
        let request = ask(&bot, "POST", "/workspaces").bearer_auth(OWNER);
        let request = request.header("idempotency-key", key.as_bytes());
        let told = send(request.json(&json!({}))).await;
        assert_eq!((told.status, told.problem()), (400, "bad-parameter"), "{key}: {told:?}");
    }
    assert_eq!(get(&bot, "/workspaces").await.json["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_refusal_has_its_code_and_the_reference_that_the_log_has() {
    let log = Log::read();
    let bot = start().await;
    let known = json!({"platform": "slack", "workspace": {"id": TEAM}, "connection": "acme"});
    let told = post(&bot, "/workspaces", &known).await;
    assert_eq!((told.status, told.problem()), (409, "c-connected"));
    assert_eq!(told.json["code"], "C-CONNECTED");
    assert!(
        told.json["detail"]
            .as_str()
            .unwrap()
            .starts_with("The workspace is connected already. What to do: ")
    );
    let lines = log.lines("an administrator is refused");
    let line = lines.iter().find(|line| line["reference"] == told.json["reference"]).unwrap();
    assert_eq!(line["token"], "owner");
    assert_eq!(line["path"], "/admin/v1/workspaces");
    assert_eq!(line["problem"], "C-CONNECTED");
}

#[tokio::test]
async fn a_novu_that_is_away_is_told_and_nothing_is_changed() {
    let bot = start().await;
    let ill = Effect::status(StatusCode::SERVICE_UNAVAILABLE);
    bot.novu.fault(Fault::new(Route::any(), ill));
    let told = get(&bot, "/workspaces").await;
    assert_eq!((told.status, &told.json["code"]), (503, &json!("C-NOVU-DOWN")), "{told:?}");
}

#[tokio::test]
async fn a_service_without_pages_says_how_to_have_them() {
    let tokens = format!("owner:all:{OWNER}");
    let bot = Bot::start_with(&[("CONNECT_SERVER__ADMIN_TOKENS", &tokens)]).await;
    bot.ready().await;
    let wish = json!({"platform": "slack", "workspace": {"id": "T0NEW"}, "context": {"t": "1"}});
    let told = post(&bot, "/workspaces", &wish).await;
    assert_eq!((told.status, &told.json["code"]), (409, &json!("C-NO-PAGE")), "{told:?}");
    assert!(told.json["detail"].as_str().unwrap().contains("set server.public_url"));
}
