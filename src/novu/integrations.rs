//! Integrations: the providers that an environment of Novu is set up with.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::budget::Category;
use super::client::{Call, Novu};
use super::decode::{self, lenient};
use super::error::Error;
use crate::net::Answered;

/// An integration. Its credentials are never shown to API keys.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Integration {
    /// The name by which other calls refer to it.
    pub identifier: String,
    /// The name by which people refer to it.
    #[serde(default, deserialize_with = "lenient")]
    pub name: Option<String>,
    /// The provider, such as `slack`, `novu-slack` or `msteams`; empty where Novu does not say.
    #[serde(default, deserialize_with = "lenient")]
    pub provider_id: String,
    /// The channel, `chat` for all that people can link; empty where Novu does not say.
    #[serde(default, deserialize_with = "lenient")]
    pub channel: String,
    /// Whether it is switched on. Links are minted all the same where it is not.
    #[serde(default, deserialize_with = "lenient")]
    pub active: bool,
}

/// What one look at Novu tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Survey {
    /// All integrations of the key's environment.
    pub integrations: Vec<Integration>,
    /// What time it is there, if it says so.
    pub date: Option<Timestamp>,
}

/// A connection that is nobody's, which Novu never makes.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OwnerlessConnection<'a> {
    integration_identifier: &'a str,
}

impl Novu {
    /// As [`Novu::list_integrations`], with what else the answer tells. `operation` is the word for the
    /// call in metrics and logs.
    pub async fn survey(&self, operation: &'static str) -> Result<Survey, Error> {
        let call = Call::list(operation, self.route("/v1/integrations")).of(Category::Global);
        let read = |answer: &Answered| {
            let integrations = decode::list(&answer.body)?.items;
            Ok(Survey { integrations, date: answer.date() })
        };
        self.send_for_answer(call, read).await
    }

    /// Whether an integration of Slack's or Teams' demands signed contexts. Nothing that can be read says
    /// so, but a connection for nobody in no context does: Novu refuses it in either case, and looks at the
    /// signature first (Novu 3.19 source, connect use case; seen live).
    pub async fn demands_signed_contexts(&self, integration: &str) -> Result<bool, Error> {
        let url = self.route("/v1/integrations/channel-connections/oauth");
        let body = OwnerlessConnection { integration_identifier: integration };
        let call = Call::post("look_for_hmac", url, &body)?.of(Category::Global);
        match self.send(call.repeatable().asking_for_refusal(), |_| Ok(())).await {
            Err(Error::ContextHmac(_)) => Ok(true),
            Ok(()) | Err(Error::Rejected { status: 400, .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// All integrations of the key's environment. Those that make no sense are left out.
    pub async fn list_integrations(&self) -> Result<Vec<Integration>, Error> {
        let call = Call::list("list_integrations", self.route("/v1/integrations"));
        let call = call.of(Category::Global);
        Ok(self.send(call, decode::list).await?.items)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integrations_are_read() {
        let body = br#"{"data":[
            {"_id":"1","identifier":"slack-main","name":"Slack","providerId":"slack","channel":"chat",
             "active":true,"credentials":{}},
            {"identifier":"old","active":null},
            {"providerId":"nameless"}
        ]}"#;
        let page = decode::list::<Integration>(body).unwrap();
        assert_eq!(page.skipped, 1);
        assert_eq!(
            page.items,
            [
                Integration {
                    identifier: "slack-main".to_owned(),
                    name: Some("Slack".to_owned()),
                    provider_id: "slack".to_owned(),
                    channel: "chat".to_owned(),
                    active: true,
                },
                Integration {
                    identifier: "old".to_owned(),
                    name: None,
                    provider_id: String::new(),
                    channel: String::new(),
                    active: false,
                },
            ]
        );
    }
}
