//! Activities as Teams sends them, with the Bot Connector's token.

mod acts;

use std::sync::Arc;
use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue, header};
use bytes::Bytes;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::Inner;
use connect_clock as clock;

/// How long before its end the Bot Connector ceases to use a token.
const SPARE: Duration = Duration::from_mins(10);

/// A token of the Bot Connector that is in use.
#[derive(Debug, Clone)]
pub(super) struct Bearer {
    token: String,
    key_id: String,
    expires: Timestamp,
}

/// A genuine request: headers and body.
#[derive(Debug, Clone)]
pub struct Signed {
    /// All headers, the token among them.
    pub headers: HeaderMap,
    /// The activity.
    pub body: Bytes,
}

/// An activity with all the fields that Teams sends. Every field can be changed or left out.
#[derive(Debug, Clone)]
pub struct Inbound {
    inner: Arc<Inner>,
    activity: Value,
}

impl Inbound {
    /// The activity.
    #[must_use]
    pub fn activity(&self) -> &Value {
        &self.activity
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> &str {
        self.activity.get("id").and_then(Value::as_str).unwrap_or_default()
    }

    /// Sets a field by its JSON pointer, such as `/conversation/tenantId`; what is on the way to it
    /// is made.
    #[must_use]
    pub fn with(mut self, pointer: &str, value: impl Into<Value>) -> Self {
        if let Some(place) = place(&mut self.activity, pointer) {
            *place = value.into();
        }
        self
    }

    /// Leaves a field out, by its JSON pointer.
    #[must_use]
    pub fn without(mut self, pointer: &str) -> Self {
        if let Some((parent, name)) = pointer.rsplit_once('/')
            && let Some(Value::Object(fields)) = self.activity.pointer_mut(parent)
        {
            fields.remove(name);
        }
        self
    }

    /// Changes anything else.
    #[must_use]
    pub fn edit(mut self, change: impl FnOnce(&mut Value)) -> Self {
        change(&mut self.activity);
        self
    }

    /// The whole request, with the token that is in use for its service URL.
    #[must_use]
    pub fn signed(&self) -> Signed {
        let service_url = self.service_url();
        let mut state = self.inner.state();
        let now = self.inner.controls.clock.now();
        let key_id = self.inner.keys.key_id();
        let known = state.bearers.get(&service_url);
        let known = known.filter(|it| it.key_id == key_id && clock::after(now, SPARE) < it.expires);
        let bearer = known.cloned().unwrap_or_else(|| {
            let claims = self.inner.keys.claims(&self.inner.options.app_id, &service_url);
            let expires = claims.expires;
            Bearer { token: self.inner.keys.token(&claims), key_id, expires }
        });
        let signed = self.signed_with(&bearer.token);
        state.bearers.insert(service_url, bearer);
        if self.activity.pointer("/recipient/isTargeted") == Some(&Value::Bool(true)) {
            state.keep_private(self.id());
        }
        signed
    }

    /// The whole request with any token.
    #[must_use]
    pub fn signed_with(&self, token: &str) -> Signed {
        let mut headers = HeaderMap::new();
        let agent = HeaderValue::from_static("Microsoft-SkypeBotApi (Microsoft-BotFramework/3.0)");
        headers.insert(header::USER_AGENT, agent);
        let json = HeaderValue::from_static("application/json; charset=utf-8");
        headers.insert(header::CONTENT_TYPE, json);
        if let Ok(mut value) = HeaderValue::from_str(&format!("Bearer {token}")) {
            value.set_sensitive(true);
            headers.insert(header::AUTHORIZATION, value);
        }
        Signed { headers, body: self.activity.to_string().into() }
    }

    fn service_url(&self) -> String {
        let named = self.activity.get("serviceUrl").and_then(Value::as_str);
        named.map_or_else(|| self.inner.service_url(), str::to_owned)
    }
}

/// The place of a pointer; makes the objects on the way there.
fn place<'a>(activity: &'a mut Value, pointer: &str) -> Option<&'a mut Value> {
    let mut place = activity;
    for name in pointer.split('/').skip(1) {
        place = match place {
            Value::Array(items) => items.get_mut(name.parse::<usize>().ok()?)?,
            Value::Object(fields) => fields.entry(name).or_insert_with(|| json!({})),
            other => {
                *other = Value::Object(Map::new());
                other.as_object_mut()?.entry(name).or_insert_with(|| json!({}))
            }
        };
    }
    Some(place)
}
