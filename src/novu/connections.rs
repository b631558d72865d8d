//! Channel connections: a workspace or tenant that Novu can send to.

use jiff::Timestamp;
use secrecy::SecretString;
use serde::Deserialize;
use url::Url;

use super::client::{Call, Novu};
use super::decode::{self, lenient};
use super::error::{Error, absent_is_none};
use super::page::{MAX_LIMIT, Page, append_context_keys, append_paging};
use super::subscribers::SubscriberId;

const ROUTE: &str = "/v1/channel-connections";
/// The most pages that are read of an integration's connections, of [`MAX_LIMIT`] each.
const MOST_PAGES: usize = 100;

/// A workspace or tenant that is connected to an integration.
#[derive(Debug, Clone, Deserialize)]
#[serde(from = "Wire")]
pub struct ChannelConnection {
    /// Novu's name for it, `chconn_…` unless chosen by whoever connected it.
    pub identifier: String,
    /// The integration it belongs to; empty where Novu does not say.
    pub integration_identifier: String,
    /// Whose it is; none where it is shared.
    pub subscriber_id: Option<SubscriberId>,
    /// Its context as `type:id` keys.
    pub context_keys: Vec<String>,
    /// What it connects to.
    pub workspace: Option<Workspace>,
    /// The workspace's bot token, which Novu hands out in clear; `app-only` for Teams.
    pub access_token: Option<SecretString>,
    /// When it was connected.
    pub created_at: Option<Timestamp>,
    /// When Novu last changed it: its token or its workspace.
    pub updated_at: Option<Timestamp>,
}

/// The workspace or tenant behind a connection.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Workspace {
    /// Slack team or enterprise id, or Entra tenant id.
    pub id: String,
    /// Its name; Teams has none.
    #[serde(default, deserialize_with = "lenient")]
    pub name: Option<String>,
    /// The Slack user id of the bot.
    #[serde(default, deserialize_with = "lenient")]
    pub bot_user_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    identifier: String,
    #[serde(default, deserialize_with = "lenient")]
    integration_identifier: String,
    #[serde(default, deserialize_with = "lenient")]
    subscriber_id: Option<SubscriberId>,
    #[serde(default, deserialize_with = "lenient")]
    context_keys: Vec<String>,
    #[serde(default, deserialize_with = "lenient")]
    workspace: Option<Workspace>,
    #[serde(default, deserialize_with = "lenient")]
    auth: WireAuth,
    #[serde(default, deserialize_with = "lenient")]
    created_at: Option<Timestamp>,
    #[serde(default, deserialize_with = "lenient")]
    updated_at: Option<Timestamp>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct WireAuth {
    #[serde(default, deserialize_with = "lenient")]
    access_token: Option<SecretString>,
}

impl From<Wire> for ChannelConnection {
    fn from(wire: Wire) -> Self {
        Self {
            identifier: wire.identifier,
            integration_identifier: wire.integration_identifier,
            subscriber_id: wire.subscriber_id,
            context_keys: wire.context_keys,
            workspace: wire.workspace,
            access_token: wire.auth.access_token,
            created_at: wire.created_at,
            updated_at: wire.updated_at,
        }
    }
}

/// The channel connections of an integration.
#[derive(Debug, Default)]
pub struct AllConnections {
    /// Those that were read, newest first.
    pub connections: Vec<ChannelConnection>,
    /// Whether there are more than were read.
    pub is_cut: bool,
}

/// Which channel connections to list. Filters are exact and add up; there is none by workspace.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConnectionFilter {
    /// Those of one subscriber, which leaves out the shared ones.
    pub subscriber: Option<SubscriberId>,
    /// Those of one integration.
    pub integration: Option<String>,
    /// Those with exactly these context keys, in any order; empty means those without context.
    pub context_keys: Option<Vec<String>>,
    /// How many to get, at most 100; none asks for 100.
    pub limit: Option<u8>,
    /// Where the page starts: [`Page::next`] of the one before.
    pub after: Option<String>,
}

impl ConnectionFilter {
    fn append_to(&self, url: &mut Url) {
        let mut query = url.query_pairs_mut();
        query
            .extend_pairs(self.subscriber.iter().map(|id| ("subscriberId", id.as_str())))
            .extend_pairs(self.integration.iter().map(|id| ("integrationIdentifier", id)));
        append_context_keys(&mut query, self.context_keys.as_deref());
        append_paging(&mut query, self.limit, self.after.as_deref());
    }
}

impl Novu {
    /// Channel connections that pass the filter, newest first.
    pub async fn list_channel_connections(
        &self,
        filter: &ConnectionFilter,
    ) -> Result<Page<ChannelConnection>, Error> {
        let mut url = self.route(ROUTE);
        filter.append_to(&mut url);
        self.send(Call::list("list_connections", url), decode::list).await
    }

    /// All channel connections of an integration, at most 10,000; whether that is a part is in the answer and
    /// in the log.
    pub async fn all_channel_connections(
        &self,
        integration: &str,
    ) -> Result<AllConnections, Error> {
        let mut filter = ConnectionFilter {
            integration: Some(integration.to_owned()),
            ..ConnectionFilter::default()
        };
        let mut connections = Vec::new();
        for _ in 0..MOST_PAGES {
            let page = self.list_channel_connections(&filter).await?;
            connections.extend(page.items);
            match page.next {
                Some(next) => filter.after = Some(next),
                None => return Ok(AllConnections { connections, is_cut: false }),
            }
        }
        let most = MOST_PAGES * usize::from(MAX_LIMIT);
        tracing::warn!(integration, most, "Novu has more channel connections than are read");
        Ok(AllConnections { connections, is_cut: true })
    }

    /// The channel connection with this identifier, if there is one.
    pub async fn get_channel_connection(
        &self,
        identifier: &str,
    ) -> Result<Option<ChannelConnection>, Error> {
        let call = Call::get("get_connection", self.item(ROUTE, identifier)?);
        absent_is_none(self.send(call, decode::object).await)
    }

    /// Deletes a channel connection; false where there was none. The endpoints over it stay, and Slack
    /// delivers nothing over them any more (Novu 3.19, channel connections).
    pub async fn delete_channel_connection(&self, identifier: &str) -> Result<bool, Error> {
        let call = Call::delete("delete_connection", self.item(ROUTE, identifier)?);
        Ok(absent_is_none(self.send(call, |_| Ok(())).await)?.is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;
    use serde_json::json;

    fn decode(value: &serde_json::Value) -> ChannelConnection {
        let body = serde_json::to_vec(&json!({"data": value})).unwrap();
        decode::object(&body).unwrap()
    }

    #[test]
    fn a_full_connection_is_read_and_its_token_does_not_print() {
        let connection = decode(&json!({
            "identifier": "conn-1", "channel": "chat", "providerId": "slack",
            "integrationIdentifier": "slack-main", "subscriberId": null,
            "contextKeys": ["tenant:acme"],
            "workspace": {"id": "T1", "name": "Acme", "botUserId": "U9", "more": 1},
            "auth": {"accessToken": "xoxb-very-secret"},
            "createdAt": "2026-08-01T10:00:00.000Z",
        }));
        assert_eq!(connection.identifier, "conn-1");
        assert_eq!(connection.integration_identifier, "slack-main");
        assert_eq!(connection.subscriber_id, None);
        assert_eq!(connection.context_keys, ["tenant:acme"]);
        let workspace = connection.workspace.as_ref().unwrap();
        assert_eq!((workspace.id.as_str(), workspace.name.as_deref()), ("T1", Some("Acme")));
        assert_eq!(workspace.bot_user_id.as_deref(), Some("U9"));
        assert_eq!(connection.created_at, Some("2026-08-01T10:00:00Z".parse().unwrap()));
        let token = connection.access_token.as_ref().unwrap();
        assert_eq!(token.expose_secret(), "xoxb-very-secret");
        assert!(!format!("{connection:?}").contains("very-secret"));
    }

    #[test]
    fn a_connection_of_which_little_is_known_is_still_one() {
        for value in [
            json!({"identifier": "conn-1"}),
            json!({"identifier": "conn-1", "workspace": null, "auth": null, "contextKeys": {}}),
            json!({"identifier": "conn-1", "workspace": {"name": "no id"}, "auth": {"accessToken": 1}}),
        ] {
            let connection = decode(&value);
            assert_eq!(connection.workspace, None);
            assert!(connection.access_token.is_none());
            assert!(connection.context_keys.is_empty());
        }
    }

    #[test]
    fn filters_become_a_query() {
        let mut url = Url::parse("https://api.novu.co/").unwrap();
        let filter = ConnectionFilter {
            subscriber: Some(SubscriberId::new("ada").unwrap()),
            integration: Some("slack/main".to_owned()),
            context_keys: Some(vec!["tenant:acme".to_owned()]),
            limit: Some(0),
            after: None,
        };
        filter.append_to(&mut url);
        assert_eq!(
            url.query(),
            Some(
                "subscriberId=ada&integrationIdentifier=slack%2Fmain&contextKeys=tenant%3Aacme&limit=1"
            )
        );
    }
}
