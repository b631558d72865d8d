//! Who may do what.

use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{HELPER, OWNER, READER, Told, ask, get, send, start};
use crate::bot::{Bot, TEAM};
use crate::log::Log;

/// Every request that there is, with the least role that may make it, and what comes of it then.
const REQUESTS: [(&str, &str, &str, u16); 11] = [
    ("GET", "/openapi.json", READER, 200),
    ("GET", "/workspaces", READER, 200),
    ("GET", "/workspaces/slack/acme", READER, 200),
    ("GET", "/workspace-requests/00000000000000000000000000000000", READER, 404),
    ("GET", "/audit", READER, 200),
    ("GET", "/doctor", READER, 200),
    ("GET", "/people/slack/T0ACME/U0ADA", HELPER, 200),
    ("DELETE", "/people/slack/T0ACME/U0ADA/link", HELPER, 404),
    ("POST", "/workspaces", OWNER, 409),
    ("POST", "/workspaces/slack/acme/reconnect", OWNER, 201),
    ("DELETE", "/workspaces/slack/acme?dry_run=true", OWNER, 200),
];

/// The tokens, from the one that may do the least.
const TOKENS: [&str; 3] = [READER, HELPER, OWNER];

async fn made(bot: &Bot, method: &str, path: &str, token: &str) -> Told {
    let mut request = ask(bot, method, path).bearer_auth(token);
    if method == "POST" {
        let known = json!({"platform": "slack", "workspace": {"id": TEAM}, "connection": "acme"});
        request = request.json(&if path == "/workspaces" { known } else { json!({}) });
    }
    if path.ends_with("/link") {
        request = request.json(&json!({"reason": "it was wrong"}));
    }
    send(request).await
}

#[tokio::test]
async fn a_token_can_do_what_its_role_says_and_nothing_else() {
    let bot = start().await;
    let document = get(&bot, "/openapi.json").await.json;
    let described: usize = document["paths"]
        .as_object()
        .unwrap()
        .values()
        .map(|path| path.as_object().unwrap().len())
        .sum();
    assert_eq!(described, REQUESTS.len(), "every request is in the table");
    let rank = |token| TOKENS.iter().position(|it| *it == token).unwrap();
    for (method, path, least, status) in REQUESTS {
        for token in TOKENS {
            let told = made(&bot, method, path, token).await;
            let expected = if rank(token) >= rank(least) { status } else { 403 };
            assert_eq!(told.status, expected, "{method} {path}: {told:?}");
            if expected == 403 {
                assert_eq!(told.problem(), "role-too-low");
            }
        }
        let stranger = made(&bot, method, path, &OWNER.to_uppercase()).await;
        assert_eq!(stranger.status, 401, "{method} {path}");
    }
}

#[tokio::test]
async fn strangers_all_read_the_same_whatever_they_ask_for() {
    let log = Log::read();
    let bot = start().await;
    let requests = [
        ask(&bot, "GET", "/workspaces"),
        ask(&bot, "GET", "/workspaces").bearer_auth("canary-made-up-0123456789abcdef01234567"),
        ask(&bot, "GET", "/workspaces").bearer_auth(""),
        ask(&bot, "GET", "/workspaces").basic_auth("owner", Some(OWNER)),
        ask(&bot, "GET", "/workspaces").header("authorization", OWNER),
        ask(&bot, "GET", "/workspaces").bearer_auth(OWNER).bearer_auth(READER),
        ask(&bot, "GET", "/no/such/path"),
        ask(&bot, "PATCH", "/workspaces"),
        ask(&bot, "GET", ""),
        ask(&bot, "POST", "/workspaces").body("{"),
    ];
    let count = requests.len();
    for request in requests {
        let mut told = send(request).await;
        assert_eq!((told.status, told.header("www-authenticate")), (401, Some("Bearer")));
        told.json.as_object_mut().unwrap().remove("reference");
        assert_eq!(
            told.json,
            json!({
                "type": "urn:novu-connect-bot:problem:unauthenticated",
                "title": "A valid token is needed",
                "status": 401,
                "detail": "Send the header \"Authorization: Bearer TOKEN\" with a token of server.admin_tokens.",
            })
        );
    }
    let refused = bot.metric("connect_requests_refused_total{platform=\"admin\"").await;
    assert_eq!(refused, u64::try_from(count).unwrap());
    let lines = log.lines("requests are refused");
    assert_eq!(lines.len(), 1, "strangers do not fill the log: {lines:?}");
    assert_eq!(lines[0]["surface"], "admin");
    for path in ["/workspaces", "/openapi.json"] {
        let public = bot.get(&format!("/admin/v1{path}")).await;
        assert_eq!((public.status, public.body.as_str()), (404, ""), "the public has none of it");
    }
}

#[tokio::test]
async fn no_body_is_waited_for_before_the_token_is_verified() {
    let bot = start().await;
    let address = bot.ops_url.strip_prefix("http://").unwrap();
    let told_at_once = async |token: &str| {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let head = format!(
            "POST /admin/v1/workspaces HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n\
             content-type: application/json\r\ncontent-length: 99999999\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut status = [0; 12];
        let read = stream.read_exact(&mut status);
        tokio::time::timeout(Duration::from_secs(2), read)
            .await
            .expect("an answer at once")
            .unwrap();
        String::from_utf8(status.to_vec()).unwrap()
    };
    assert_eq!(told_at_once("canary-made-up-0123456789abcdef01234567").await, "HTTP/1.1 401");
    assert_eq!(told_at_once(READER).await, "HTTP/1.1 403", "nor before the role is");
    assert_eq!(told_at_once(OWNER).await, "HTTP/1.1 413", "nor one that is too large");
}

#[tokio::test]
async fn without_tokens_there_is_no_api_and_a_reload_makes_and_ends_them() {
    const TOKENS: &str = "CONNECT_SERVER__ADMIN_TOKENS";
    let bot = Bot::start().await;
    bot.ready().await;
    let status = async |token: &str| {
        let request = ask(&bot, "GET", "/workspaces").bearer_auth(token);
        request.send().await.unwrap().status().as_u16()
    };
    assert_eq!(status(READER).await, 404);
    bot.reload(&[(TOKENS, &format!("reader:read:{READER}"))]).await;
    assert_eq!((status(READER).await, status(OWNER).await), (200, 401));
    bot.reload(&[(TOKENS, &format!("reader:read:{OWNER}"))]).await;
    assert_eq!((status(READER).await, status(OWNER).await), (401, 200));
    bot.reload(&[]).await;
    assert_eq!(status(OWNER).await, 404);
}

#[tokio::test]
async fn one_token_can_be_used_too_often_and_others_do_not_pay_for_it() {
    let bot = start().await;
    let mut told = get(&bot, "/audit").await;
    let mut asked = 1;
    while told.status == 200 {
        told = get(&bot, "/audit").await;
        asked += 1;
    }
    assert_eq!((asked, told.status, told.problem()), (61, 429, "too-often"));
    assert_eq!(told.header("retry-after"), Some("1"));
    assert_eq!(made(&bot, "GET", "/audit", HELPER).await.status, 200);
    bot.clock.advance(Duration::from_secs(1));
    assert_eq!(get(&bot, "/audit").await.status, 200);
}
