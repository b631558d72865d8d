//! A request of our own to the paths that Slack calls, to see what becomes of it on its way.
//!
//! It is signed as Slack signs, so whoever answers it knows nothing that they could not have asked for
//! anyway, and strangers get the same refusal as ever. The answer is signed too, under a version that no
//! request has, so that nobody else can give it. It changes nothing.

use std::time::Duration;

use axum::Json;
use axum::response::{IntoResponse, Response};
use reqwest::header::CONTENT_TYPE;
use reqwest::{Method, StatusCode};
use serde::{Deserialize, Serialize};

use super::signature::{SIGNATURE_HEADER, SlackRequest, TIMESTAMP_HEADER, VERSION, Verifier};
use crate::clock::SharedClock;
use crate::doctor::Outside;
use crate::net::{Answered, Failure};
use crate::random::SharedRandom;
use crate::signing::SigningKey;

/// What the body of such a request begins with. Slack's begin with `token=` or `payload=`, and whatever
/// people type comes later, encoded.
const MARK: &str = "connect_self_test=";
/// The version of the answer's signature.
const ANSWER: &str = "self-test";
const FORM: &str = "application/x-www-form-urlencoded";
/// What a proxy that decodes bodies and encodes them again spells differently.
const AWKWARD: &str = "&text=a+b%20c%2fd%7e*&empty=&again=1&again=2&name=Zo%C3%AB&end=%0D%0A";
/// How long Slack waits (Slack: handling user interaction).
pub(super) const SLACK_WAITS: Duration = Duration::from_secs(3);

/// What the service says of a request that it got.
#[derive(Debug, Serialize, Deserialize)]
struct Received {
    /// Whether it was told that the body is a form.
    form: bool,
    /// Signatures of the body, by each of the keys.
    proofs: Vec<String>,
}

/// The answer to such a request, if it is one.
pub(super) fn answer(request: &SlackRequest, verifier: &Verifier) -> Option<Response> {
    if !request.body().starts_with(MARK.as_bytes()) {
        return None;
    }
    let keys = verifier.keys();
    let proofs = keys.iter().map(|key| key.sign(ANSWER, b"", request.body())).collect();
    Some(Json(Received { form: request.is_form(), proofs }).into_response())
}

/// What became of a request of our own.
#[derive(Debug)]
pub(super) enum Fate {
    /// The service got it as it was sent.
    Intact(Duration),
    /// The service got it, and was not told that it is a form.
    NoForm,
    /// The service does not believe it.
    Unbelieved,
    /// Somebody else answered.
    Elsewhere(Answered),
    /// Nobody answered.
    Lost(Failure),
}

/// Sends requests of our own.
#[derive(Debug)]
pub(super) struct SelfTest<'a> {
    pub(super) outside: &'a Outside,
    pub(super) key: SigningKey,
    pub(super) clock: &'a SharedClock,
    pub(super) random: &'a SharedRandom,
}

impl SelfTest<'_> {
    /// Sends a request with a plain body, or with one that is spelt in ways that not everybody keeps.
    pub(super) async fn send(&self, path: &'static str, awkward: bool) -> Fate {
        let mut nonce = [0; 16];
        self.random.fill(&mut nonce);
        let rest = if awkward { AWKWARD } else { "" };
        let body = format!("{MARK}{}{rest}", hex::encode(nonce));
        let timestamp = self.clock.now().as_second().to_string();
        let signature = self.key.sign(VERSION, timestamp.as_bytes(), body.as_bytes());
        let started = self.clock.monotonic();
        let answer = self.post(path, &timestamp, &signature, body.clone()).await;
        let answer = match answer {
            Ok(answer) => answer,
            Err(failure) => return Fate::Lost(failure),
        };
        if answer.status == StatusCode::UNAUTHORIZED && answer.body.is_empty() {
            return Fate::Unbelieved;
        }
        let proof = self.key.sign(ANSWER, b"", body.as_bytes());
        match serde_json::from_slice::<Received>(&answer.body) {
            Ok(received) if received.proofs.contains(&proof) => {
                if received.form {
                    Fate::Intact(self.clock.monotonic() - started)
                } else {
                    Fate::NoForm
                }
            }
            _ => Fate::Elsewhere(answer),
        }
    }

    /// Whether the headers of a signature get there. Slack's look at the certificate has none and is
    /// answered; with a wrong signature it is not, unless the headers are lost on the way.
    pub(super) async fn headers_arrive(&self, path: &'static str) -> bool {
        let timestamp = self.clock.now().as_second().to_string();
        let wrong = format!("{VERSION}={}", "0".repeat(64));
        let answer = self.post(path, &timestamp, &wrong, "ssl_check=1".to_owned()).await;
        !answer.is_ok_and(|answer| answer.status == StatusCode::OK)
    }

    async fn post(
        &self,
        path: &'static str,
        timestamp: &str,
        signature: &str,
        body: String,
    ) -> Result<Answered, Failure> {
        let prepare = |request: reqwest::RequestBuilder| {
            request
                .header(CONTENT_TYPE, FORM)
                .header(TIMESTAMP_HEADER, timestamp)
                .header(SIGNATURE_HEADER, signature)
                .body(body)
        };
        self.outside.send("self_test", Method::POST, path, prepare).await
    }
}

/// Slack's look at the certificate, which is not signed.
///
/// # Errors
/// No answer came.
pub(super) async fn ssl_check(outside: &Outside, path: &'static str) -> Result<Answered, Failure> {
    let prepare =
        |request: reqwest::RequestBuilder| request.header(CONTENT_TYPE, FORM).body("ssl_check=1");
    outside.send("ssl_check", Method::POST, path, prepare).await
}
