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
//! Answers, and nothing else counts as one:
//!
//! - `200` with `{"subscriberId":"…"}`, optionally `"context"` (as in Novu) and
//!   `"profile":{"firstName":"…"}`. Optional fields may be null, and others may be there.
//! - `200` with `{"refuse":{"message":"…"}}`, or `{"refuse":{}}` without a sentence of its own. This
//!   wins over a `subscriberId` beside it.
//! - `204` for "not mine".
//!
//! Whatever else comes back, a page, a 404, a field that is missing or of another type, is an endpoint
//! that is ill: the person is refused, and no other resolver is asked.

use std::borrow::Cow;
use std::time::Duration;

use reqwest::header::CONTENT_TYPE;
use reqwest::{Method, StatusCode};
use serde::Serialize;
use serde_json::{Map, Value};
use url::Url;

use super::{Found, Resolution, ResolverKind, Subject};
use crate::clock::SharedClock;
use crate::core::person::{EmailAddress, Profile};
use crate::core::platform::Platform;
use crate::core::refusal::{Reason, Refusal};
use crate::net::{self, Cause, Outgoing};
use crate::novu::{Context, SubscriberId};
use crate::signing::SigningKey;

/// The header that carries the time of signing, in seconds since 1970.
pub(super) const TIMESTAMP_HEADER: &str = "X-Connect-Request-Timestamp";
/// The header that carries the signature.
pub(super) const SIGNATURE_HEADER: &str = "X-Connect-Signature";
/// The version of the signature scheme.
pub(super) const VERSION: &str = "v1";
/// The largest answer that is read, in bytes.
const LARGEST_ANSWER: usize = 64 * 1024;
/// The longest sentence of the operator's that is passed on, in characters.
const LONGEST_SENTENCE: usize = 300;

/// The word for a status that is not documented.
const BAD_STATUS: &str = "bad_status";

/// What is wrong with each field, for the log.
const NO_SUBSCRIBER: &str = "the field subscriberId is missing, empty or no text";
const NO_CONTEXT: &str = "the field context is not one that Novu takes";
const NO_PROFILE: &str = "the field profile is no object";
const NO_NAME: &str = "the field profile.firstName is no text";
const NO_REFUSE: &str = "the field refuse is no object";
const NO_MESSAGE: &str = "the field refuse.message is no text";

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
    workspace: Cow<'a, str>,
    enterprise: Option<&'a str>,
    user: Cow<'a, str>,
    name: Option<&'a str>,
    locale: Option<&'a str>,
    email: Option<&'a str>,
    email_confirmed: bool,
    kind: Option<&'static str>,
    /// That nobody asked, and nothing follows from the answer.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    dry_run: bool,
}

/// What came of a dry run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DryRun {
    /// A documented answer, whatever it says.
    Answered,
    /// A refusal in the words of HTTP.
    Refused(&'static str),
    /// Nothing usable, or nothing at all.
    Unusable(&'static str),
}

/// Who a dry run asks for: nobody has such ids.
const fn nobody(platform: &str) -> Question<'_> {
    Question {
        platform,
        workspace: Cow::Borrowed("check"),
        enterprise: None,
        user: Cow::Borrowed("check"),
        name: None,
        locale: None,
        email: None,
        email_confirmed: false,
        kind: None,
        dry_run: true,
    }
}

/// What makes an answer unusable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Problem {
    /// The word for it in metrics.
    outcome: &'static str,
    /// What is wrong with it, for the log: the field at fault, whose value can be anything, hence is
    /// not told.
    how: &'static str,
}

impl Problem {
    const fn new(outcome: &'static str) -> Self {
        Self { outcome, how: outcome }
    }

    const fn field(how: &'static str) -> Self {
        Self { outcome: "bad_field", how }
    }
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

    pub(super) async fn resolve(
        &self,
        subject: Subject<'_>,
        profile: Option<&Profile>,
    ) -> Resolution {
        let mut call = self.http.call("identity_webhook", "resolve", self.timeout);
        match self.ask(&mut call, subject, profile).await {
            Ok(resolution) => {
                call.answered(match &resolution {
                    Resolution::Found(_) => "found",
                    Resolution::NotMine(_) => "not_mine",
                    Resolution::Refuse(_) => "refused",
                });
                resolution
            }
            Err(Problem { outcome, how }) => {
                call.nonsense(how);
                call.failed(outcome, Some("check identity.webhook_url and what answers there"));
                Resolution::Refuse(Reason::WebhookUnavailable.into())
            }
        }
    }

    /// Asks for nobody on a platform, to see whether the endpoint answers; genuinely signed, or else signed
    /// wrongly, which it should refuse.
    pub(crate) async fn dry_run(&self, platform: &Platform, genuine: bool) -> DryRun {
        let operation = if genuine { "dry_run" } else { "dry_run_unsigned" };
        let mut call = self.http.call("identity_webhook", operation, self.timeout);
        let outcome = self.put(&mut call, &nobody(platform.name), genuine).await;
        match outcome {
            Ok(_) => {
                call.answered("answered");
                DryRun::Answered
            }
            Err(Problem { outcome: BAD_STATUS, how }) if !genuine => {
                call.answered("refused");
                DryRun::Refused(how)
            }
            Err(Problem { outcome, how }) => {
                call.nonsense(how);
                call.failed(outcome, Some("check identity.webhook_url and what answers there"));
                DryRun::Unusable(how)
            }
        }
    }

    async fn ask(
        &self,
        call: &mut net::Call<'_>,
        subject: Subject<'_>,
        profile: Option<&Profile>,
    ) -> Result<Resolution, Problem> {
        self.put(call, &question(subject, profile), true).await
    }

    async fn put(
        &self,
        call: &mut net::Call<'_>,
        question: &Question<'_>,
        genuine: bool,
    ) -> Result<Resolution, Problem> {
        let body = serde_json::to_vec(question).map_err(|_| Problem::new("unspeakable"))?;
        let timestamp = self.clock.now().as_second().to_string();
        // What is signed with another text is as wrong as what is signed with another key.
        let signed = if genuine { &body[..] } else { b"wrong" };
        let request = self
            .http
            .request(Method::POST, self.url.clone())
            .header(CONTENT_TYPE, "application/json")
            .header(SIGNATURE_HEADER, self.key.sign(VERSION, timestamp.as_bytes(), signed))
            .header(TIMESTAMP_HEADER, timestamp)
            .body(body);
        let answer = call.send(request, LARGEST_ANSWER).await;
        let answer = answer.map_err(|failure| match failure {
            net::Failure { status: Some(_), .. } => Problem::new("unreadable"),
            net::Failure { cause: Cause::TimedOut, .. } => Problem::new("timed_out"),
            _ => Problem::new("unreachable"),
        })?;
        match answer.status {
            StatusCode::OK => understand(&answer.body),
            StatusCode::NO_CONTENT => Ok(Resolution::NotMine(Reason::IdentityUnknown)),
            _ => Err(Problem {
                how: "its status is not a documented one",
                ..Problem::new(BAD_STATUS)
            }),
        }
    }
}

fn question<'a>(subject: Subject<'a>, profile: Option<&'a Profile>) -> Question<'a> {
    let Subject { platform, person, .. } = subject;
    let id = |id: &'a str| platform.canonical_id(id);
    Question {
        platform: person.platform.as_str(),
        workspace: id(&person.workspace.id),
        enterprise: person.workspace.enterprise.as_deref(),
        user: id(&person.user),
        name: profile.and_then(|profile| profile.name.as_deref()),
        locale: profile.and_then(|profile| profile.locale.as_deref()),
        email: profile.and_then(|profile| profile.email.address()),
        email_confirmed: profile
            .is_some_and(|profile| matches!(profile.email, EmailAddress::Confirmed(_))),
        kind: profile.map(|profile| profile.kind.word()),
        dry_run: false,
    }
}

fn understand(body: &[u8]) -> Result<Resolution, Problem> {
    let reply: Value = serde_json::from_slice(body).map_err(|_| Problem::new("not_json"))?;
    let reply = reply.as_object().ok_or(Problem::new("no_object"))?;
    if let Some(refuse) = given(reply, "refuse") {
        return Ok(Resolution::Refuse(refusal(refuse)?));
    }
    let id = given(reply, "subscriberId").and_then(Value::as_str);
    let id = id.and_then(|id| SubscriberId::new(id).ok()).ok_or(Problem::field(NO_SUBSCRIBER))?;
    let context = given(reply, "context")
        .map(|context| serde_json::from_value::<Context>(context.clone()))
        .transpose()
        .map_err(|_| Problem::field(NO_CONTEXT))?;
    let profile = given(reply, "profile")
        .map(|profile| profile.as_object().ok_or(Problem::field(NO_PROFILE)))
        .transpose()?;
    let name = profile.map(|profile| text(profile, "firstName", NO_NAME)).transpose()?;
    Ok(Resolution::Found(Box::new(Found {
        context,
        name: name.flatten(),
        ..Found::id(ResolverKind::Webhook, id)
    })))
}

fn refusal(refuse: &Value) -> Result<Refusal, Problem> {
    let refuse = refuse.as_object().ok_or(Problem::field(NO_REFUSE))?;
    let sentence = text(refuse, "message", NO_MESSAGE)?
        .map(|message| message.trim().chars().take(LONGEST_SENTENCE).collect::<String>())
        .filter(|message| !message.is_empty());
    Ok(Refusal { sentence, ..Reason::WebhookRefused.into() })
}

/// A field that is there and not null.
fn given<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    object.get(name).filter(|value| !value.is_null())
}

/// A text that may be left out; `how` says that it is none.
fn text(
    object: &Map<String, Value>,
    name: &str,
    how: &'static str,
) -> Result<Option<String>, Problem> {
    given(object, name)
        .map(|value| value.as_str().map(str::to_owned).ok_or(Problem::field(how)))
        .transpose()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_documented_answer_is_understood() {
        let found = understand(
            br#"{"subscriberId":" ada ","context":{"tenant":"acme"},"profile":{"firstName":"Ada"},"more":1}"#,
        );
        let Ok(Resolution::Found(found)) = found else { panic!("{found:?}") };
        assert_eq!(found.id.as_str(), "ada");
        assert_eq!(found.context.unwrap().keys(), ["tenant:acme"]);
        assert_eq!(found.name.as_deref(), Some("Ada"));
        let bare =
            understand(br#"{"subscriberId":"ada","context":null,"profile":null,"refuse":null}"#);
        assert!(matches!(bare, Ok(Resolution::Found(_))));
    }

    #[test]
    fn anything_else_is_a_fault_of_the_field_that_is_wrong() {
        let cases: [(&[u8], Problem); 16] = [
            (b"", Problem::new("not_json")),
            (b"<html>", Problem::new("not_json")),
            (b"[]", Problem::new("no_object")),
            (br#""ada""#, Problem::new("no_object")),
            (b"null", Problem::new("no_object")),
            (b"{}", Problem::field(NO_SUBSCRIBER)),
            (br#"{"subscriber_id":"ada"}"#, Problem::field(NO_SUBSCRIBER)),
            (br#"{"subscriberId":null}"#, Problem::field(NO_SUBSCRIBER)),
            (br#"{"subscriberId":"  "}"#, Problem::field(NO_SUBSCRIBER)),
            (br#"{"subscriberId":7}"#, Problem::field(NO_SUBSCRIBER)),
            (br#"{"subscriberId":"a","context":{}}"#, Problem::field(NO_CONTEXT)),
            (br#"{"subscriberId":"a","context":"eu"}"#, Problem::field(NO_CONTEXT)),
            (br#"{"subscriberId":"a","profile":"Ada"}"#, Problem::field(NO_PROFILE)),
            (br#"{"subscriberId":"a","profile":{"firstName":1}}"#, Problem::field(NO_NAME)),
            (br#"{"refuse":true}"#, Problem::field(NO_REFUSE)),
            (br#"{"refuse":{"message":["no"]}}"#, Problem::field(NO_MESSAGE)),
        ];
        for (body, problem) in cases {
            assert_eq!(understand(body).unwrap_err(), problem, "{}", body.escape_ascii());
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

    proptest! {
        #[test]
        fn no_body_is_not_mine(body in "[\\[{]?\"?(subscriberId|refuse|context)?\"?[:,]?.{0,20}") {
            prop_assert!(!matches!(understand(body.as_bytes()), Ok(Resolution::NotMine(_))));
        }
    }
}
