//! Tests of `refusal.rs`.

use super::*;
use proptest::prelude::*;
use reqwest::header::HeaderMap;
use serde_json::json;

const KEY: &str = "novu-test-secret";

fn read(status: u16, body: &str) -> Error {
    Failure::refused(&answer(status, body), None, KEY).error
}

fn answer(status: u16, body: &str) -> Answered {
    let status = StatusCode::from_u16(status).unwrap();
    Answered { status, headers: HeaderMap::default(), body: body.to_owned().into() }
}

fn envelope(status: u16, message: &Value) -> String {
    json!({
        "statusCode": status, "timestamp": "2026-08-01T10:00:00.000Z", "path": "/v1/x?a=b",
        "message": message, "ctx": {"error": "Any", "statusCode": status}, "error": "Any",
    })
    .to_string()
}

fn rejected(status: u16, message: &str) -> Error {
    Error::Rejected { status, message: message.to_owned() }
}

#[test]
fn every_text_of_novu_has_its_error() {
    let cases = [
        (401, "Missing authorization header", Error::BadKey),
        (401, "API Key not found", Error::BadKey),
        (401, "API endpoint not accessible", Error::BadKey),
        (403, "Forbidden resource", Error::BadKey),
        (404, "Integration not found: x in environment y", Error::UnknownIntegration),
        (404, "Subscriber not found: ada", Error::UnknownSubscriber),
        (404, "Subscriber: ada was not found", Error::UnknownSubscriber),
        (404, "Subscriber was not found", Error::UnknownSubscriber),
        (404, "Channel connection not found: c", Error::UnknownConnection),
        (404, "Channel connection with identifier 'c' not found", Error::UnknownConnection),
        (404, "Channel endpoint with identifier 'e' not found", Error::UnknownEndpoint),
        (
            404,
            "Slack integration missing credentials ",
            rejected(404, "Slack integration missing credentials"),
        ),
        (404, "Environment ID: e not found", rejected(404, "Environment ID: e not found")),
        (
            409,
            r#"Subscriber with id "ada" already exists"#,
            rejected(409, r#"Subscriber with id "ada" already exists"#),
        ),
        (413, "request entity too large", rejected(413, "request entity too large")),
        (422, "workflow_not_found", rejected(422, "workflow_not_found")),
        (429, "API rate limit exceeded", Error::Throttled { retry_after: None }),
        (500, "Internal server error", Error::Unavailable { retry_after: None }),
        (503, "Service temporarily unavailable", Error::Unavailable { retry_after: None }),
    ];
    for (status, message, expected) in cases {
        assert_eq!(read(status, &envelope(status, &json!(message))), expected, "{message}");
    }
}

#[test]
fn each_complaint_of_a_signed_context_says_what_to_do() {
    for (message, word) in [
        ("A context is required when HMAC validation is enabled.", "in a context"),
        ("A valid contextHash is required when HMAC validation is enabled.", "context_hmac = true"),
        ("Please provide a valid context HMAC hash", "novu.api_key"),
    ] {
        match read(400, &envelope(400, &json!(message))) {
            Error::ContextHmac(to_do) => assert!(to_do.contains(word), "{message}"),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(read(400, &envelope(400, &json!("Invalid"))), rejected(400, "Invalid"));
}

#[test]
fn a_message_may_have_any_shape() {
    let cases = [
        (json!(["one", "two"]), "one; two"),
        (json!({"message": "inner", "error": "Bad"}), "inner"),
        (json!({"error": "Bad"}), ""),
        (json!(null), ""),
        (json!(7), ""),
        (json!([null, ["deep"], {"message": ["deeper"]}]), "deep; deeper"),
    ];
    for (message, expected) in cases {
        assert_eq!(read(400, &envelope(400, &message)), rejected(400, expected), "{message}");
    }
    assert_eq!(read(422, "{}"), rejected(422, ""));
}

#[test]
fn validation_messages_are_kept_and_rejected_values_are_not() {
    let pipe = json!({"statusCode": 422, "message": "Validation Error", "ctx": {}, "errors": {
        "general": {"messages": ["userScope must be an array"], "value": "No Value Recorded"},
    }});
    assert_eq!(
        read(422, &pipe.to_string()),
        rejected(422, "Validation Error; userScope must be an array")
    );

    let command = json!({"message": "Validation failed for X", "errors": {
        "email": {"messages": ["email must be an email"], "value": "hidden"}, "odd": 7,
    }});
    assert_eq!(
        read(422, &command.to_string()),
        rejected(422, "Validation failed for X; email must be an email")
    );

    let zod = json!({"message": "Zod Validation Failed", "errors": [{"message": "Required"}]});
    assert_eq!(read(400, &zod.to_string()), rejected(400, "Zod Validation Failed; Required"));
}

#[test]
fn an_answer_of_something_in_between_blames_nobodys_key() {
    let html = "<html><body>nginx</body></html>";
    for status in [401, 403, 404, 413] {
        assert!(matches!(read(status, html), Error::Nonsense(_)), "{status}");
        assert!(matches!(read(status, "no healthy upstream"), Error::Nonsense(_)), "{status}");
    }
    assert_eq!(read(429, html), Error::Throttled { retry_after: None });
    assert_eq!(read(502, html), Error::Unavailable { retry_after: None });
    assert_eq!(read(400, r#"{"message":"cut o"#), rejected(400, ""));
    assert!(matches!(read(302, ""), Error::Nonsense(_)));
    assert!(matches!(read(600, ""), Error::Nonsense(_)));
}

#[test]
fn a_missing_thing_is_told_from_a_missing_route() {
    let absent = |message: &str| read(404, &envelope(404, &json!(message))).is_absence();
    assert!(absent("Subscriber: ada was not found"));
    assert!(absent("Channel endpoint with identifier 'e' not found"));
    assert!(absent("No such thing"));
    assert!(!absent("Cannot GET /v2/subscribers/ada"));
    assert!(!absent("Integration not found: x in environment y"));
    assert!(!read(404, "<html>").is_absence());
    assert!(!read(400, &envelope(400, &json!("Subscriber not found"))).is_absence());
}

#[test]
fn a_message_is_fit_for_logs() {
    let message = |text: &str| match read(400, &envelope(400, &json!(text))) {
        Error::Rejected { message, .. } => message,
        other => panic!("{other:?}"),
    };
    assert_eq!(message("a\r\n\tb\u{0}\u{1b}[31mc  d"), "a b [31mc d");
    assert_eq!(message(&"ä".repeat(301)), format!("{}…", "ä".repeat(299)));
    assert_eq!(message(&format!("key {KEY}! {KEY}")), "key …! …");
    let straddling = message(&format!("{}{KEY}", "x".repeat(295)));
    assert_eq!(straddling, format!("{}…", "x".repeat(295)));
    assert_eq!(message("for ada@example.com here"), "for … here");
    assert_eq!(message("Cannot GET /v2/subscribers?email=ada%40example.com"), "Cannot GET …");
    assert_eq!(message("see https://slack.com/?state=x ."), "see … .");
}

#[test]
fn only_passing_trouble_is_repeated() {
    let seconds = Duration::from_secs;
    let cases = [
        (502, None, Repeat::After(Duration::ZERO)),
        (503, None, Repeat::After(Duration::ZERO)),
        (504, None, Repeat::After(Duration::ZERO)),
        (503, Some(seconds(1)), Repeat::After(seconds(1))),
        (503, Some(seconds(2)), Repeat::Never),
        (500, None, Repeat::After(Duration::ZERO)),
        (500, Some(seconds(2)), Repeat::Never),
        (429, Some(seconds(0)), Repeat::InTurn),
        (429, Some(seconds(20)), Repeat::InTurn),
        (429, None, Repeat::Never),
        (501, None, Repeat::Never),
        (409, Some(seconds(1)), Repeat::Never),
        (400, None, Repeat::Never),
        (401, None, Repeat::Never),
        (404, None, Repeat::Never),
        (302, None, Repeat::Never),
    ];
    for (status, retry_after, expected) in cases {
        let failure = Failure::refused(&answer(status, ""), retry_after, KEY);
        assert_eq!(failure.repeat, expected, "{status} {retry_after:?}");
    }
}

proptest! {
    #[test]
    fn no_refusal_makes_it_panic_or_leaks_the_key(
        status in 100u16..1000,
        body in proptest::collection::vec(any::<u8>(), 0..100),
        around in ".{0,320}",
    ) {
        let bytes = Answered { body: body.into(), ..answer(status, "") };
        let _ = Failure::refused(&bytes, None, KEY);
        let body = json!({"message": format!("{around}{KEY}{around}")}).to_string();
        let error = Failure::refused(&answer(status, &body), None, KEY).error;
        let printed = format!("{error} {error:?}");
        prop_assert!(!printed.contains(KEY));
        if let Error::Rejected { message, .. } = error {
            prop_assert!(message.chars().count() <= 300);
            prop_assert!(!message.contains(char::is_control));
        }
    }
}
