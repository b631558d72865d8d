//! How much of a body is read, and when.

use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::http::header::CONTENT_LENGTH;
use futures_util::stream;

use super::super::LARGEST_BODY;
use super::*;

fn with_body(token: &str, body: Body) -> Request {
    Request::post("/api/messages")
        .header(AUTHORIZATION, format!("Bearer {token}"))
        .body(body)
        .unwrap()
}

/// A body that tells whether anybody read it.
fn watched(text: String) -> (Body, Arc<AtomicBool>) {
    let read = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&read);
    let body = stream::once(async move {
        seen.store(true, Ordering::Relaxed);
        Ok::<_, Infallible>(text)
    });
    (Body::from_stream(body), read)
}

/// An activity of exactly this length.
fn activity_of(length: usize) -> String {
    let mut body = activity();
    body["text"] = json!("");
    let bare = body.to_string().len();
    body["text"] = json!("x".repeat(length - bare));
    body.to_string()
}

#[tokio::test]
async fn a_verified_activity_is_the_body_as_it_came() {
    let scene = Scene::new().await;
    let text = format!(" {}\n", activity());
    let request = with_body(&scene.token(), Body::from(text.clone()));
    let verified = scene.verifier.admit(request).await.unwrap();
    assert_eq!(verified.body(), text.as_bytes());
    assert_eq!(verified.service_url(), SERVICE_URL);
    assert_eq!(format!("{verified:?}"), "VerifiedActivity { .. }");
}

#[tokio::test]
async fn a_body_has_its_limit() {
    let scene = Scene::new().await;
    for (length, expected) in [(LARGEST_BODY, None), (LARGEST_BODY + 1, Some(Unverified::TooLarge))]
    {
        let (body, _) = watched(activity_of(length));
        let outcome = scene.verifier.admit(with_body(&scene.token(), body)).await;
        assert_eq!(outcome.err(), expected, "{length}");
    }
}

#[tokio::test]
async fn a_body_that_announces_too_much_is_not_read() {
    let scene = Scene::new().await;
    let (body, read) = watched(activity().to_string());
    let mut request = with_body(&scene.token(), body);
    request.headers_mut().insert(CONTENT_LENGTH, (LARGEST_BODY + 1).into());
    assert_eq!(scene.verifier.admit(request).await.err(), Some(Unverified::TooLarge));
    assert!(!read.load(Ordering::Relaxed));
    assert_eq!(scene.fetches(), (0, 0));
}

#[tokio::test]
async fn the_body_of_a_stranger_is_not_read() {
    let scene = Scene::new().await;
    for token in ["x", &scene.token_of_unknown_key("new")] {
        let (body, read) = watched(activity().to_string());
        scene.verifier.admit(with_body(token, body)).await.unwrap_err();
        assert!(!read.load(Ordering::Relaxed));
    }
}

#[tokio::test]
async fn a_body_that_breaks_off_is_unread() {
    let scene = Scene::new().await;
    let broken = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
    let body = Body::from_stream(stream::iter([Ok(activity().to_string()), Err(broken)]));
    let outcome = scene.verifier.admit(with_body(&scene.token(), body)).await;
    assert_eq!(outcome.err(), Some(Unverified::Unread));
}

#[tokio::test]
async fn a_body_that_is_no_activity_is_refused() {
    let scene = Scene::new().await;
    for text in ["", "{", "[]", "null", r#"["https://smba.trafficmanager.net/emea/","msteams"]"#] {
        let outcome = scene.verifier.admit(with_body(&scene.token(), Body::from(text))).await;
        assert_eq!(outcome.err(), Some(Unverified::Envelope), "{text}");
    }
}
