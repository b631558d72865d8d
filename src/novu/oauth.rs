//! Minting sign-in addresses.
//!
//! Minting changes nothing that a repeat would spoil, so it needs no `Idempotency-Key`, and is better
//! off without one: a reused key brings a dead address, or somebody else's.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use url::Url;

use super::budget::Category;
use super::client::{Call, Novu};
use super::context::Context;
use super::decode;
use super::error::Error;
use super::subscribers::SubscriberId;
use crate::net::SecretUrl;

/// How long Novu accepts a link that it minted (Novu, OAuth state).
pub const LINK_LIFETIME: Duration = Duration::from_mins(5);

/// A request for the address where a person links their chat account to a subscriber.
///
/// Novu checks little of it: for Slack an unknown subscriber is *created*, and an unknown connection
/// shows only after the person has signed in (Novu 3.19 source, link-user use case).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkUser {
    /// Who is to be linked. Make sure that it exists.
    pub subscriber: SubscriberId,
    /// Identifier (not id) of the chat integration.
    pub integration: String,
    /// Identifier of the channel connection. Without it a Slack link never delivers anything.
    pub connection: Option<String>,
    /// The context of the link; has to equal that of the connection.
    pub context: Option<Context>,
    /// Slack user scopes instead of Novu's `identity.basic`.
    pub user_scope: Option<Vec<String>>,
    /// Novu's optional `Idempotency-Key` header; a call with one is not repeated. None unless there
    /// is a reason: a good answer is kept for 24 hours while its address lives five minutes, the key
    /// is the whole organisation's, and up to 3.19.0 a refusal came back as a 503 (Novu 3.19 source,
    /// idempotency interceptor).
    pub idempotency_key: Option<String>,
}

/// A request for the address where an administrator connects a workspace or tenant.
///
/// Novu wants a subscriber or a context, depending on the mode (Novu 3.19 source, connect use case).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connect {
    /// Identifier (not id) of the chat integration.
    pub integration: String,
    /// Whose connection it will be.
    pub subscriber: Option<SubscriberId>,
    /// The identifier that the connection gets; Novu makes one up without.
    pub connection: Option<String>,
    /// The context of the connection.
    pub context: Option<Context>,
    /// Slack bot scopes instead of Novu's default ones.
    pub scope: Option<Vec<String>>,
    /// Whether the connection is personal or shared; Teams ignores it.
    pub mode: Option<ConnectionMode>,
    /// Whether the administrator's own account is linked along the way.
    pub auto_link_user: bool,
    /// Novu's optional `Idempotency-Key` header; a call with one is not repeated. None unless there
    /// is a reason: a good answer is kept for 24 hours while its address lives five minutes, the key
    /// is the whole organisation's, and up to 3.19.0 a refusal came back as a 503 (Novu 3.19 source,
    /// idempotency interceptor).
    pub idempotency_key: Option<String>,
}

/// Whose a channel connection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ConnectionMode {
    /// One subscriber's.
    Subscriber,
    /// Everybody's who has the same context.
    Shared,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LinkUserBody<'a> {
    subscriber_id: &'a SubscriberId,
    integration_identifier: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    connection_identifier: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    context: Option<&'a Context>,
    #[serde(skip_serializing_if = "Option::is_none")]
    context_hash: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_scope: Option<&'a [String]>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ConnectBody<'a> {
    integration_identifier: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    subscriber_id: Option<&'a SubscriberId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    connection_identifier: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    context: Option<&'a Context>,
    #[serde(skip_serializing_if = "Option::is_none")]
    context_hash: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<&'a [String]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    connection_mode: Option<ConnectionMode>,
    auto_link_user: bool,
}

#[derive(Deserialize)]
struct Minted {
    url: String,
}

fn read_url(body: &[u8]) -> Result<SecretUrl, Error> {
    let minted: Minted = decode::object(body)?;
    Url::parse(&minted.url)
        .map(SecretUrl::new)
        .map_err(|_| Error::Nonsense("the sign-in address is not a URL"))
}

/// A call with a key is made once; one without may be repeated.
fn once_if_keyed(call: Call, key: Option<&str>) -> Result<Call, Error> {
    match key {
        Some(key) => call.idempotency_key(key),
        None => Ok(call.repeatable()),
    }
}

impl Novu {
    /// Mints the address where a person links their account. Good for five minutes; show it to that
    /// person only, and only after its host has been checked.
    pub async fn mint_link_user_url(&self, request: &LinkUser) -> Result<SecretUrl, Error> {
        let call = self.mint_link_user(request)?;
        self.send(call, read_url).await
    }

    fn mint_link_user(&self, request: &LinkUser) -> Result<Call, Error> {
        let body = LinkUserBody {
            subscriber_id: &request.subscriber,
            integration_identifier: &request.integration,
            connection_identifier: request.connection.as_deref(),
            context: request.context.as_ref(),
            context_hash: self.sign(request.context.as_ref())?,
            user_scope: request.user_scope.as_deref(),
        };
        let url = self.route("/v1/integrations/channel-endpoints/oauth");
        let call = Call::post("mint_link_user", url, &body)?.of(Category::Global);
        once_if_keyed(call, request.idempotency_key.as_deref())
    }

    /// Mints the address where an administrator connects a workspace or tenant. Good for five
    /// minutes.
    pub async fn mint_connect_url(&self, request: &Connect) -> Result<SecretUrl, Error> {
        let body = ConnectBody {
            integration_identifier: &request.integration,
            subscriber_id: request.subscriber.as_ref(),
            connection_identifier: request.connection.as_deref(),
            context: request.context.as_ref(),
            context_hash: self.sign(request.context.as_ref())?,
            scope: request.scope.as_deref(),
            connection_mode: request.mode,
            auto_link_user: request.auto_link_user,
        };
        let url = self.route("/v1/integrations/channel-connections/oauth");
        let call = Call::post("mint_connect", url, &body)?.of(Category::Global);
        self.send(once_if_keyed(call, request.idempotency_key.as_deref())?, read_url).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minted_address_is_read() {
        let plain = br#"{"data":{"url":"https://slack.com/oauth/v2/authorize?state=a"}}"#;
        let escaped = br#"{"data":{"url":"https:\/\/slack.com\/oauth\/v2\/authorize?state=a"}}"#;
        let url = read_url(plain).unwrap();
        assert_eq!(url.expose().as_str(), "https://slack.com/oauth/v2/authorize?state=a");
        assert_eq!(read_url(escaped).unwrap(), url);
    }

    #[test]
    fn an_answer_without_an_address_makes_no_sense() {
        for body in [
            r#"{"data":{"url":""}}"#,
            r#"{"data":{"url":"not a url"}}"#,
            r#"{"data":{"url":"/relative"}}"#,
            r#"{"data":{"url":null}}"#,
            r#"{"data":{}}"#,
            r#"{"url":"https://slack.com/"}"#,
        ] {
            assert!(matches!(read_url(body.as_bytes()), Err(Error::Nonsense(_))), "{body}");
        }
    }
}
