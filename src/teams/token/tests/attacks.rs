//! Every way known to pass for the Bot Connector, row by row of what the SDKs were measured to do.

mod activities;
mod claims;
mod signatures;

use axum::body::to_bytes;
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderValue, StatusCode};
use axum::response::IntoResponse;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::*;
use crate::refused::CausedBy;

/// What is changed about a genuine request.
type Case = (&'static str, String, Value, Result<(), Unverified>);

/// Sends all cases, twice, after a genuine request and before another: what was believed once must
/// not make anything else believable.
async fn judge(scene: &Scene, cases: Vec<Case>) {
    scene.send(&scene.token()).await.unwrap();
    for _ in 0..2 {
        for (name, authorization, body, expected) in &cases {
            let outcome = scene.verifier.admit(request(authorization, body)).await;
            assert_eq!(outcome.map(|_| ()), *expected, "{name}");
        }
    }
    scene.send(&scene.token()).await.unwrap();
}

fn token_case(name: &'static str, token: &str, expected: Result<(), Unverified>) -> Case {
    (name, format!("Bearer {token}"), activity(), expected)
}

/// The claims of a genuine token with one changed, or taken away.
fn claims_with(scene: &Scene, name: &str, value: Value) -> Value {
    let mut claims = json!(scene.claims());
    match value {
        Value::Null => {
            claims.as_object_mut().unwrap().remove(name);
        }
        value => claims[name] = value,
    }
    claims
}

fn with_header(scene: &Scene, name: &str, value: Value) -> String {
    let mut header = scene.header();
    header[name] = value;
    scene.connector.sign(&header, &json!(scene.claims()))
}

fn unsigned(scene: &Scene, header: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}", part(header), part(&json!(scene.claims())))
}

#[tokio::test]
async fn refusals_are_empty_and_never_our_fault() {
    let by_strangers = [
        Unverified::Authorization,
        Unverified::Malformed,
        Unverified::Algorithm,
        Unverified::KeyInHeader,
        Unverified::Claims,
        Unverified::UnknownKey,
        Unverified::Signature,
    ];
    let with_good_signature = [
        Unverified::Issuer,
        Unverified::Audience,
        Unverified::Expired,
        Unverified::NotYetValid,
        Unverified::Envelope,
        Unverified::Channel,
        Unverified::Endorsement,
        Unverified::ServiceUrl,
    ];
    let tells = |problem: &Unverified| problem.why().by == CausedBy::Platform;
    assert!(!by_strangers.iter().any(tells));
    assert!(with_good_signature.iter().all(tells));
    for problem in by_strangers.into_iter().chain(with_good_signature) {
        let response = problem.into_response();
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
        assert!(to_bytes(response.into_body(), 1).await.unwrap().is_empty());
    }
    assert_eq!(Unverified::TooLarge.into_response().status(), StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(Unverified::Unread.into_response().status(), StatusCode::BAD_REQUEST);
}
