//! Subscribers named by an endpoint of the operator's.
//!
//! The request is a `POST` with a JSON body, signed as Slack signs its own (see [`crate::signing`])
//! with version `v1`, in the headers `X-Connect-Request-Timestamp` and `X-Connect-Signature`:
//!
//! ```json
//! {"platform":"slack","workspace":"T1","enterprise":null,"user":"U1",
//!  "name":"Ada","locale":"en-GB","email":"ada@example.com","emailConfirmed":true,"kind":"member"}
//! ```
//!
//! Answers: `200` with `{"subscriberId":"…"}`, optionally `"context"` (as in Novu) and
//! `"profile":{"firstName":"…"}`; `200` with `{"refuse":{"message":"…"}}`; `204` or `404` for
//! "not mine". Anything else counts as down.

use std::collections::BTreeMap;
use std::time::Duration;

use reqwest::header::CONTENT_TYPE;
use reqwest::{Method, StatusCode};
use serde::{Deserialize, Serialize};
use url::Url;

use super::{Found, Resolution, ResolverKind};
use crate::clock::SharedClock;
use crate::core::answer::{Reason, Refusal};
use crate::core::person::{Kind, Person, Profile};
use crate::net::{self, Cause, Outgoing};
use crate::novu::{Context, ContextValue, SubscriberId};
use crate::signing::SigningKey;

/// The header that carries the time of signing, in seconds since 1970.
pub const TIMESTAMP_HEADER: &str = "X-Connect-Request-Timestamp";
/// The header that carries the signature.
pub const SIGNATURE_HEADER: &str = "X-Connect-Signature";
/// The version of the signature scheme.
pub const VERSION: &str = "v1";
/// The largest answer that is read, in bytes.
const LARGEST_ANSWER: usize = 64 * 1024;
/// The longest sentence of the operator's that is passed on, in characters.
const LONGEST_SENTENCE: usize = 300;

/// Asks the operator's endpoint.
#[derive(Debug)]
pub struct WebhookResolver {
    url: Url,
    key: SigningKey,
    timeout: Duration,
    http: Outgoing,
    clock: SharedClock,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Question<'a> {
    platform: &'a str,
    workspace: &'a str,
    enterprise: Option<&'a str>,
    user: &'a str,
    name: Option<&'a str>,
    locale: Option<&'a str>,
    email: Option<&'a str>,
    email_confirmed: bool,
    kind: Option<&'static str>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Reply {
    subscriber_id: Option<String>,
    context: Option<BTreeMap<String, ContextValue>>,
    profile: Option<ReplyProfile>,
    refuse: Option<Refuse>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ReplyProfile {
    first_name: Option<String>,
}

#[derive(Deserialize)]
struct Refuse {
    message: Option<String>,
}

impl WebhookResolver {
    /// A resolver that asks `url` and signs with `key`. One question takes at most `timeout`.
    #[must_use]
    pub fn new(
        url: Url,
        key: SigningKey,
        timeout: Duration,
        http: Outgoing,
        clock: SharedClock,
    ) -> Self {
        Self { url, key, timeout, http, clock }
    }

    pub(super) async fn resolve(&self, person: &Person, profile: Option<&Profile>) -> Resolution {
        let mut call = self.http.call("identity_webhook", "resolve", self.timeout);
        match self.ask(&mut call, person, profile).await {
            Ok(resolution) => {
                call.answered(match &resolution {
                    Resolution::Found(_) => "found",
                    Resolution::NotMine(_) => "not_mine",
                    Resolution::Refuse(_) => "refused",
                });
                resolution
            }
            Err(problem) => {
                call.nonsense(problem);
                call.failed(problem, Some("check identity.webhook_url and what answers there"));
                Resolution::Refuse(Reason::WebhookUnavailable.into())
            }
        }
    }

    async fn ask(
        &self,
        call: &mut net::Call<'_>,
        person: &Person,
        profile: Option<&Profile>,
    ) -> Result<Resolution, &'static str> {
        let body = serde_json::to_vec(&question(person, profile)).map_err(|_| "unspeakable")?;
        let timestamp = self.clock.now().as_second().to_string();
        let request = self
            .http
            .request(Method::POST, self.url.clone())
            .header(CONTENT_TYPE, "application/json")
            .header(SIGNATURE_HEADER, self.key.sign(VERSION, timestamp.as_bytes(), &body))
            .header(TIMESTAMP_HEADER, timestamp)
            .body(body);
        let answer = call.send(request, LARGEST_ANSWER).await;
        let answer = answer.map_err(|failure| match failure {
            net::Failure { status: Some(_), .. } => "unreadable",
            net::Failure { cause: Cause::TimedOut, .. } => "timed_out",
            _ => "unreachable",
        })?;
        match answer.status {
            StatusCode::OK => understand(&answer.body),
            StatusCode::NO_CONTENT | StatusCode::NOT_FOUND => {
                Ok(Resolution::NotMine(Reason::IdentityUnknown))
            }
            _ => Err("bad_status"),
        }
    }
}

fn question<'a>(person: &'a Person, profile: Option<&'a Profile>) -> Question<'a> {
    let email = profile.and_then(|profile| profile.email.as_ref());
    Question {
        platform: person.platform.as_str(),
        workspace: &person.workspace.id,
        enterprise: person.workspace.enterprise.as_deref(),
        user: &person.user,
        name: profile.and_then(|profile| profile.name.as_deref()),
        locale: profile.and_then(|profile| profile.locale.as_deref()),
        email: email.map(|email| email.address.as_str()),
        email_confirmed: email.is_some_and(|email| email.confirmed),
        kind: profile.map(|profile| match profile.kind {
            Kind::Member => "member",
            Kind::Guest => "guest",
            Kind::External => "external",
            Kind::Bot => "bot",
            Kind::Deactivated => "deactivated",
        }),
    }
}

fn understand(body: &[u8]) -> Result<Resolution, &'static str> {
    let reply: Reply = serde_json::from_slice(body).map_err(|_| "not_understood")?;
    if let Some(refuse) = reply.refuse {
        let sentence = refuse
            .message
            .map(|message| message.trim().chars().take(LONGEST_SENTENCE).collect::<String>())
            .filter(|message| !message.is_empty());
        return Ok(Resolution::Refuse(Refusal { sentence, ..Reason::WebhookRefused.into() }));
    }
    let Some(id) = reply.subscriber_id else {
        return Ok(Resolution::NotMine(Reason::IdentityUnknown));
    };
    let id = SubscriberId::new(id).map_err(|_| "empty_subscriber")?;
    let context = reply.context.map(Context::new).transpose().map_err(|_| "bad_context")?;
    Ok(Resolution::Found(Box::new(Found {
        context,
        name: reply.profile.and_then(|profile| profile.first_name),
        ..Found::id(ResolverKind::Webhook, id)
    })))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_understood_or_refused() {
        let found = understand(
            br#"{"subscriberId":" ada ","context":{"tenant":"acme"},"profile":{"firstName":"Ada"},"more":1}"#,
        );
        let Ok(Resolution::Found(found)) = found else { panic!("{found:?}") };
        assert_eq!(found.id.as_str(), "ada");
        assert_eq!(found.context.unwrap().keys(), ["tenant:acme"]);
        assert_eq!(found.name.as_deref(), Some("Ada"));

        let cases: [(&[u8], &str); 6] = [
            (br#"{"subscriberId":null}"#, "Ok(NotMine(IdentityUnknown))"),
            (br#"{"subscriberId":"  "}"#, "Err(\"empty_subscriber\")"),
            (br#"{"subscriberId":"a","context":{}}"#, "Err(\"bad_context\")"),
            (br#"{"subscriberId":7}"#, "Err(\"not_understood\")"),
            (b"<html>", "Err(\"not_understood\")"),
            (b"", "Err(\"not_understood\")"),
        ];
        for (body, verdict) in cases {
            assert_eq!(format!("{:?}", understand(body)), verdict);
        }
    }

    #[test]
    fn a_refusal_carries_the_operators_sentence_shortened() {
        let long = "no ".repeat(1000);
        let body = format!(r#"{{"refuse":{{"message":"{long}"}},"subscriberId":"a"}}"#);
        let Ok(Resolution::Refuse(refusal)) = understand(body.as_bytes()) else { panic!() };
        assert_eq!(refusal.reason, Reason::WebhookRefused);
        assert_eq!(refusal.sentence.unwrap().chars().count(), LONGEST_SENTENCE);
    }
}
