//! Integrations: the providers that an environment of Novu is set up with.

use serde::Deserialize;

use super::budget::Category;
use super::client::{Call, Novu};
use super::decode::{self, lenient};
use super::error::Error;

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

impl Novu {
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
