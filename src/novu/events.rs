//! Triggering a workflow, for test notifications.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::budget::Category;
use super::client::{Call, Novu};
use super::context::Context;
use super::decode::{self, lenient};
use super::error::Error;
use super::subscribers::SubscriberId;

/// A workflow to be run for one subscriber.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct Trigger {
    /// Identifier of the workflow.
    #[serde(rename = "name")]
    pub workflow: String,
    /// Who is notified. Novu creates the subscriber if it is unknown.
    pub to: SubscriberId,
    /// What the workflow's templates refer to.
    pub payload: Map<String, Value>,
    /// The context. Unless it equals that of the link, nothing is delivered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<Context>,
    /// The run's name, in place of one that Novu makes. Novu runs nothing under a name that has been
    /// there before (Novu 3.19 source, trigger event).
    #[serde(rename = "transactionId", skip_serializing_if = "Option::is_none")]
    pub transaction_id: Option<String>,
}

/// Prints no payload.
impl fmt::Debug for Trigger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trigger")
            .field("workflow", &self.workflow)
            .field("to", &self.to)
            .field("context", &self.context)
            .finish_non_exhaustive()
    }
}

/// What Novu made of an event. It says nothing of delivery, which happens later or not at all.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Triggered {
    /// Whether Novu took notice.
    #[serde(default, deserialize_with = "lenient")]
    pub acknowledged: bool,
    /// `processed` if the workflow runs, else why not, such as `trigger_not_active`.
    #[serde(default, deserialize_with = "lenient")]
    pub status: String,
    /// Novu's name for this run.
    #[serde(default, deserialize_with = "lenient")]
    pub transaction_id: Option<String>,
}

impl Triggered {
    /// Whether the workflow runs.
    #[must_use]
    pub fn is_processed(&self) -> bool {
        self.acknowledged && self.status == "processed"
    }
}

impl Novu {
    /// Runs a workflow for one subscriber.
    ///
    /// The idempotency key, if any, keeps a repeat from notifying twice where Novu has that feature
    /// on. It has at most 255 characters and must be unique in the whole organisation: Novu keeps
    /// the first answer to it for a day, and gives it to whatever call brings the key next.
    pub async fn trigger_event(
        &self,
        event: &Trigger,
        idempotency_key: Option<&str>,
    ) -> Result<Triggered, Error> {
        let mut call = Call::post("trigger_event", self.route("/v1/events/trigger"), event)?;
        call = call.of(Category::Trigger);
        if let Some(key) = idempotency_key {
            call = call.idempotency_key(key)?;
        }
        self.send(call, decode::object).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_a_processed_event_counts() {
        let cases = [
            (json!({"acknowledged": true, "status": "processed", "transactionId": "t"}), true),
            (json!({"acknowledged": true, "status": "trigger_not_active"}), false),
            (json!({"acknowledged": false, "status": "processed"}), false),
            (json!({"acknowledged": true, "status": null}), false),
            (json!({}), false),
        ];
        for (body, expected) in cases {
            let body = json!({"data": body}).to_string();
            let triggered: Triggered = decode::object(body.as_bytes()).unwrap();
            assert_eq!(triggered.is_processed(), expected, "{body}");
        }
    }

    #[test]
    fn an_event_is_written_as_novu_wants_it_and_its_payload_does_not_print() {
        let event = Trigger {
            workflow: "hello".to_owned(),
            to: SubscriberId::new("ada").unwrap(),
            payload: json!({"code": "hidden"}).as_object().cloned().unwrap(),
            context: Some(Context::from_keys(&["tenant:acme"]).unwrap()),
            transaction_id: Some("t-1".to_owned()),
        };
        assert_eq!(
            serde_json::to_value(&event).unwrap(),
            json!({"name": "hello", "to": "ada", "payload": {"code": "hidden"}, "context": {"tenant": "acme"},
                   "transactionId": "t-1"})
        );
        assert!(!format!("{event:?}").contains("hidden"));
    }
}
