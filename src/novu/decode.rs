//! Reading Novu's success bodies.
//!
//! Novu wraps every single object as `{"data": {…}}` and gives lists as `{"data": […], "next": …}`
//! (Novu 3.19 source, response interceptor). The wrapper is required. Guessing at a bare object
//! would be wrong for subscribers, whose own `data` field holds whatever the operator put there and
//! would pass for the wrapper. Within objects, unknown fields are ignored, and a field that is
//! missing, empty or of the wrong type counts as absent unless nothing works without it.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::error::Error;
use super::page::Page;

pub(super) use crate::net::lenient::lenient;

#[derive(Deserialize)]
struct Wrapped<T> {
    data: T,
}

#[derive(Deserialize)]
struct WrappedList<'a> {
    #[serde(borrow)]
    data: Vec<&'a RawValue>,
    #[serde(default, deserialize_with = "lenient")]
    next: Option<String>,
    #[serde(rename = "totalCount", default, deserialize_with = "lenient")]
    total: Option<usize>,
}

/// Reads a single object.
pub(super) fn object<T: DeserializeOwned>(body: &[u8]) -> Result<T, Error> {
    let wrapped: Wrapped<T> = serde_json::from_slice(body).map_err(|error| nonsense(&error))?;
    Ok(wrapped.data)
}

/// Reads a list. An item that makes no sense is skipped and counted, for one odd record must not
/// hide all others.
pub(super) fn list<T: DeserializeOwned>(body: &[u8]) -> Result<Page<T>, Error> {
    let list: WrappedList<'_> = serde_json::from_slice(body).map_err(|error| nonsense(&error))?;
    let total = list.data.len();
    let items: Vec<T> =
        list.data.iter().filter_map(|item| serde_json::from_str(item.get()).ok()).collect();
    let skipped = total - items.len();
    if skipped > 0 && items.is_empty() {
        return Err(Error::Nonsense("no item of the list makes sense"));
    }
    if skipped > 0 {
        tracing::warn!(skipped, total, "items of a Novu list make no sense and were left out");
    }
    let next = list.next.filter(|cursor| !cursor.is_empty());
    Ok(Page { items, next, skipped, total: list.total })
}

/// The error for a body that could not be read. The parser's own text quotes the body, so only the
/// kind of trouble is kept.
fn nonsense(error: &serde_json::Error) -> Error {
    Error::Nonsense(match error.classify() {
        serde_json::error::Category::Data => "it lacks what was asked for",
        serde_json::error::Category::Eof => "it ends too early",
        serde_json::error::Category::Syntax | serde_json::error::Category::Io => "it is not JSON",
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::super::{
        ChannelConnection, ChannelEndpoint, Endpoint, Integration, Subscriber, Triggered,
    };
    use super::*;
    use crate::net::lenient::tests::survives_odd_fields;

    fn list_of_numbers(body: &str) -> Result<Page<u8>, Error> {
        list(body.as_bytes())
    }

    #[test]
    fn a_bad_item_does_not_sink_the_others() {
        let page =
            list_of_numbers(r#"{"data":[1,"two",3,{}],"next":"c1","totalCount":4}"#).unwrap();
        assert_eq!(
            page,
            Page { items: vec![1, 3], next: Some("c1".to_owned()), skipped: 2, total: Some(4) }
        );
    }

    #[test]
    fn the_last_page_has_no_next() {
        for tail in ["", r#","next":null"#, r#","next":"""#, r#","next":7"#] {
            let page = list_of_numbers(&format!(r#"{{"data":[]{tail}}}"#)).unwrap();
            assert_eq!(page, Page::default(), "{tail}");
        }
    }

    #[test]
    fn bodies_that_make_no_sense_are_told_apart() {
        let cases = [
            ("", "it ends too early"),
            (r#"{"data":{"identifi"#, "it ends too early"),
            ("<html><body>Sign in</body></html>", "it is not JSON"),
            ("{}", "it lacks what was asked for"),
            (r#"{"data":null}"#, "it lacks what was asked for"),
            (r#"{"identifier":"chendp_1"}"#, "it lacks what was asked for"),
            ("[]", "it lacks what was asked for"),
        ];
        for (body, words) in cases {
            let result = object::<ChannelEndpoint>(body.as_bytes());
            assert_eq!(result.unwrap_err(), Error::Nonsense(words), "{body}");
            let result = list::<ChannelEndpoint>(body.as_bytes());
            assert!(matches!(result, Err(Error::Nonsense(_))), "{body}");
        }
    }

    #[test]
    fn a_subscribers_own_data_never_passes_for_the_wrapper() {
        let bare = r#"{"subscriberId":"ada","data":{"plan":"pro"}}"#;
        assert!(object::<Subscriber>(bare.as_bytes()).is_err());
    }

    #[test]
    fn one_odd_field_never_costs_the_record() {
        let endpoint = json!({"data": {
            "identifier": "chendp_1", "integrationIdentifier": "teams", "subscriberId": "ada",
            "connectionIdentifier": "acme", "contextKeys": ["tenant:acme"], "type": "ms_teams_user",
            "endpoint": {"userId": "oid-ada", "tenantId": "tenant-1"},
            "createdAt": "2026-08-01T10:00:00Z",
        }});
        let optional = [
            "/data/integrationIdentifier",
            "/data/subscriberId",
            "/data/connectionIdentifier",
            "/data/contextKeys",
            "/data/type",
            "/data/endpoint",
            "/data/endpoint/userId",
            "/data/endpoint/tenantId",
            "/data/createdAt",
        ];
        survives_odd_fields(&endpoint, &optional, |text| {
            Some(object::<ChannelEndpoint>(text.as_bytes()).ok()?.identifier)
        });
        let connection = json!({"data": {
            "identifier": "chconn_1", "integrationIdentifier": "slack", "subscriberId": "ada",
            "contextKeys": ["tenant:acme"], "auth": {"accessToken": "canary"},
            "workspace": {"id": "T1", "name": "Acme", "botUserId": "U1"},
            "createdAt": "2026-08-01T10:00:00Z",
        }});
        let optional = [
            "/data/integrationIdentifier",
            "/data/subscriberId",
            "/data/contextKeys",
            "/data/auth",
            "/data/auth/accessToken",
            "/data/workspace/name",
            "/data/workspace/botUserId",
            "/data/createdAt",
        ];
        survives_odd_fields(&connection, &optional, |text| {
            let connection = object::<ChannelConnection>(text.as_bytes()).ok()?;
            Some((connection.identifier, connection.workspace.map(|workspace| workspace.id)))
        });
        let subscriber = json!({"data": {
            "subscriberId": "ada", "firstName": "Ada", "lastName": "Lovelace",
            "email": "ada@corp.example", "locale": "en_GB",
        }});
        let optional = ["/data/firstName", "/data/lastName", "/data/email", "/data/locale"];
        survives_odd_fields(&subscriber, &optional, |text| {
            Some(object::<Subscriber>(text.as_bytes()).ok()?.subscriber_id)
        });
        let integrations = json!({"next": "c1", "data": [{
            "identifier": "slack", "name": "Slack", "providerId": "slack", "channel": "chat",
            "active": true,
        }]});
        let optional =
            ["/next", "/data/0/name", "/data/0/providerId", "/data/0/channel", "/data/0/active"];
        survives_odd_fields(&integrations, &optional, |text| {
            let page = list::<Integration>(text.as_bytes()).ok()?;
            Some(page.items.into_iter().map(|it| it.identifier).collect::<Vec<_>>())
        });
    }

    #[test]
    fn an_empty_tenant_is_none() {
        let body = r#"{"data":{"identifier":"e","type":"ms_teams_user",
            "endpoint":{"userId":"oid-ada","tenantId":""}}}"#;
        let endpoint = object::<ChannelEndpoint>(body.as_bytes()).unwrap().endpoint;
        let user_id = "oid-ada".to_owned();
        assert_eq!(endpoint, Endpoint::MsTeamsUser { user_id, tenant_id: None });
    }

    proptest! {
        #[test]
        fn no_bytes_make_decoding_panic(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            decode_as_everything(&body);
        }

        #[test]
        fn no_json_makes_decoding_panic(
            fields in proptest::collection::vec(
                (
                    "identifier|type|endpoint|workspace|auth|subscriberId|contextKeys|createdAt|active",
                    r#"null|true|-1|1e400|""|"x"|\[\]|\[null\]|\{\}|\{"userId":[0-9]\}|\{"id":null\}"#,
                ),
                0..9,
            )
        ) {
            let fields: Vec<String> =
                fields.iter().map(|(name, value)| format!(r#""{name}":{value}"#)).collect();
            let item = format!("{{{}}}", fields.join(","));
            decode_as_everything(format!(r#"{{"data":{item}}}"#).as_bytes());
            decode_as_everything(format!(r#"{{"data":[{item}]}}"#).as_bytes());
        }
    }

    fn decode_as_everything(body: &[u8]) {
        let _ = object::<ChannelEndpoint>(body);
        let _ = object::<ChannelConnection>(body);
        let _ = object::<Subscriber>(body);
        let _ = object::<Triggered>(body);
        let _ = list::<ChannelEndpoint>(body);
        let _ = list::<ChannelConnection>(body);
        let _ = list::<Integration>(body);
    }
}
