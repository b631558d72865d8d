//! Channel endpoints: one linked person (or channel, or phone) each.

use jiff::Timestamp;
use serde::Deserialize;
use url::Url;

use super::client::{Call, Novu};
use super::decode::{self, lenient};
use super::error::{Error, absent_is_none};
use super::page::{Page, append_context_keys, append_paging};
use super::subscribers::SubscriberId;

const ROUTE: &str = "/v1/channel-endpoints";

/// One way to reach a subscriber.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "Wire")]
pub struct ChannelEndpoint {
    /// Novu's name for it, `chendp_…` unless chosen by whoever created it.
    pub identifier: String,
    /// The integration it belongs to; empty where Novu does not say.
    pub integration_identifier: String,
    /// The channel connection whose token is used to reach it.
    pub connection_identifier: Option<String>,
    /// Whom it reaches.
    pub subscriber_id: Option<SubscriberId>,
    /// Its context as `type:id` keys.
    pub context_keys: Vec<String>,
    /// What it points to.
    pub endpoint: Endpoint,
    /// When it was linked.
    pub created_at: Option<Timestamp>,
}

/// What a channel endpoint points to. New types keep arriving in Novu, so the rest is opaque.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoint {
    /// A person in Slack.
    SlackUser {
        /// Slack user id, `U…` or `W…`.
        user_id: String,
    },
    /// A person in Microsoft Teams.
    MsTeamsUser {
        /// Entra object id.
        user_id: String,
        /// Entra tenant id.
        tenant_id: Option<String>,
    },
    /// Anything else, or one of the above without the id that makes it one.
    Other {
        /// Novu's name of the type; empty where Novu does not say.
        kind: String,
    },
}

impl Endpoint {
    /// The chat user it points to, if it points to one.
    #[must_use]
    pub fn user_id(&self) -> Option<&str> {
        match self {
            Self::SlackUser { user_id } | Self::MsTeamsUser { user_id, .. } => Some(user_id),
            Self::Other { .. } => None,
        }
    }

    /// The workspace of that user, where the endpoint names it: an Entra tenant.
    #[must_use]
    pub fn workspace_id(&self) -> Option<&str> {
        match self {
            Self::MsTeamsUser { tenant_id, .. } => tenant_id.as_deref(),
            Self::SlackUser { .. } | Self::Other { .. } => None,
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    identifier: String,
    #[serde(default, deserialize_with = "lenient")]
    integration_identifier: String,
    #[serde(default, deserialize_with = "lenient")]
    connection_identifier: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    subscriber_id: Option<SubscriberId>,
    #[serde(default, deserialize_with = "lenient")]
    context_keys: Vec<String>,
    #[serde(default, deserialize_with = "lenient", rename = "type")]
    kind: String,
    #[serde(default, deserialize_with = "lenient")]
    endpoint: WireTarget,
    #[serde(default, deserialize_with = "lenient")]
    created_at: Option<Timestamp>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct WireTarget {
    #[serde(default, deserialize_with = "lenient")]
    user_id: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    tenant_id: Option<String>,
}

impl From<Wire> for ChannelEndpoint {
    fn from(wire: Wire) -> Self {
        Self {
            identifier: wire.identifier,
            integration_identifier: wire.integration_identifier,
            connection_identifier: wire.connection_identifier,
            subscriber_id: wire.subscriber_id,
            context_keys: wire.context_keys,
            endpoint: wire.endpoint.typed(wire.kind),
            created_at: wire.created_at,
        }
    }
}

impl WireTarget {
    fn typed(self, kind: String) -> Endpoint {
        match (kind.as_str(), self.user_id.filter(|id| !id.is_empty())) {
            ("slack_user", Some(user_id)) => Endpoint::SlackUser { user_id },
            ("ms_teams_user", Some(user_id)) => {
                Endpoint::MsTeamsUser { user_id, tenant_id: self.tenant_id }
            }
            _ => Endpoint::Other { kind },
        }
    }
}

/// Which channel endpoints to list. Filters are exact and add up; there is none by chat user.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EndpointFilter {
    /// Those of one subscriber.
    pub subscriber: Option<SubscriberId>,
    /// Those of one integration.
    pub integration: Option<String>,
    /// Those of one channel connection.
    pub connection: Option<String>,
    /// Those with exactly these context keys, in any order; empty means those without context.
    pub context_keys: Option<Vec<String>>,
    /// How many to get, at most 100; none asks for 100.
    pub limit: Option<u8>,
    /// Where the page starts: [`Page::next`] of the one before.
    pub after: Option<String>,
}

impl EndpointFilter {
    fn append_to(&self, url: &mut Url) {
        let mut query = url.query_pairs_mut();
        query
            .extend_pairs(self.subscriber.iter().map(|id| ("subscriberId", id.as_str())))
            .extend_pairs(self.integration.iter().map(|id| ("integrationIdentifier", id)))
            .extend_pairs(self.connection.iter().map(|id| ("connectionIdentifier", id)));
        append_context_keys(&mut query, self.context_keys.as_deref());
        append_paging(&mut query, self.limit, self.after.as_deref());
    }
}

impl Novu {
    /// Channel endpoints that pass the filter, newest first.
    pub async fn list_channel_endpoints(
        &self,
        filter: &EndpointFilter,
    ) -> Result<Page<ChannelEndpoint>, Error> {
        let mut url = self.route(ROUTE);
        filter.append_to(&mut url);
        self.send(Call::list("list_endpoints", url), decode::list).await
    }

    /// The channel endpoint with this identifier, if there is one.
    pub async fn get_channel_endpoint(
        &self,
        identifier: &str,
    ) -> Result<Option<ChannelEndpoint>, Error> {
        let call = Call::get("get_endpoint", self.item(ROUTE, identifier)?);
        absent_is_none(self.send(call, decode::object).await)
    }

    /// Deletes a channel endpoint, which unlinks the person; false where there was none. The chat
    /// platform is not told: the app stays installed.
    pub async fn delete_channel_endpoint(&self, identifier: &str) -> Result<bool, Error> {
        let call = Call::delete("delete_endpoint", self.item(ROUTE, identifier)?);
        Ok(absent_is_none(self.send(call, |_| Ok(())).await)?.is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn decode(value: &serde_json::Value) -> ChannelEndpoint {
        let body = serde_json::to_vec(&json!({"data": value})).unwrap();
        decode::object(&body).unwrap()
    }

    #[test]
    fn a_full_endpoint_is_read() {
        let endpoint = decode(&json!({
            "identifier": "chendp_1", "channel": "chat", "providerId": "slack",
            "integrationIdentifier": "slack-main", "connectionIdentifier": "conn-1",
            "subscriberId": "ada", "contextKeys": ["tenant:acme"], "type": "slack_user",
            "endpoint": {"userId": "U1", "new": true},
            "createdAt": "2026-08-01T10:00:00.000Z", "updatedAt": "2026-08-01T10:00:00.000Z",
        }));
        assert_eq!(
            endpoint,
            ChannelEndpoint {
                identifier: "chendp_1".to_owned(),
                integration_identifier: "slack-main".to_owned(),
                connection_identifier: Some("conn-1".to_owned()),
                subscriber_id: Some(SubscriberId::new("ada").unwrap()),
                context_keys: vec!["tenant:acme".to_owned()],
                endpoint: Endpoint::SlackUser { user_id: "U1".to_owned() },
                created_at: Some("2026-08-01T10:00:00Z".parse().unwrap()),
            }
        );
    }

    #[test]
    fn an_endpoint_of_which_little_is_known_is_still_one() {
        let bare = decode(&json!({"identifier": "chendp_1"}));
        let odd = decode(&json!({
            "identifier": "chendp_1", "integrationIdentifier": null, "connectionIdentifier": 1,
            "subscriberId": " ", "contextKeys": null, "type": null, "endpoint": [],
            "createdAt": "yesterday",
        }));
        assert_eq!(bare, odd);
        assert_eq!(bare.endpoint, Endpoint::Other { kind: String::new() });
    }

    #[test]
    fn types_are_told_apart() {
        let slack = || Endpoint::SlackUser { user_id: "U1".to_owned() };
        let teams = |tenant: Option<&str>| Endpoint::MsTeamsUser {
            user_id: "oid".to_owned(),
            tenant_id: tenant.map(str::to_owned),
        };
        let other = |kind: &str| Endpoint::Other { kind: kind.to_owned() };
        let cases = [
            ("slack_user", json!({"userId": "U1"}), slack()),
            ("slack_user", json!({}), other("slack_user")),
            ("slack_user", json!({"userId": ""}), other("slack_user")),
            ("slack_channel", json!({"channelId": "C1"}), other("slack_channel")),
            ("ms_teams_user", json!({"userId": "oid", "tenantId": "tid"}), teams(Some("tid"))),
            ("ms_teams_user", json!({"userId": "oid", "tenantId": null}), teams(None)),
            ("ms_teams_user", json!({"userId": "oid"}), teams(None)),
            ("carrier_pigeon", json!({"userId": "loft"}), other("carrier_pigeon")),
        ];
        for (kind, target, expected) in cases {
            let endpoint = decode(&json!({"identifier": "e", "type": kind, "endpoint": target}));
            assert_eq!(endpoint.endpoint, expected, "{kind} {target}");
        }
    }

    #[test]
    fn filters_become_a_query() {
        let query = |filter: EndpointFilter| {
            let mut url = Url::parse("https://api.novu.co/").unwrap();
            filter.append_to(&mut url);
            url.query().unwrap_or_default().to_owned()
        };
        assert_eq!(query(EndpointFilter::default()), "limit=100");
        let all = EndpointFilter {
            subscriber: Some(SubscriberId::new("ada&x=1").unwrap()),
            integration: Some("slack main".to_owned()),
            connection: Some("c+1".to_owned()),
            context_keys: Some(vec!["app:jira".to_owned(), "tenant:acme".to_owned()]),
            limit: Some(200),
            after: Some("65f0".to_owned()),
        };
        assert_eq!(
            query(all),
            "subscriberId=ada%26x%3D1&integrationIdentifier=slack+main&connectionIdentifier=c%2B1\
             &contextKeys=app%3Ajira&contextKeys=tenant%3Aacme&limit=100&after=65f0"
        );
        let none = EndpointFilter { context_keys: Some(Vec::new()), ..EndpointFilter::default() };
        assert_eq!(query(none), "contextKeys=&limit=100");
    }
}
