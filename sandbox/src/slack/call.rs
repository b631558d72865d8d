//! A call of the Web API as Slack reads it, and how Slack says no.

use axum::http::{HeaderMap, header};
use serde_json::{Map, Value, json};

/// A refusal: an error word, and more fields for some of them.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Refusal {
    error: &'static str,
    more: Option<Value>,
}

impl Refusal {
    pub(super) fn new(error: &'static str) -> Self {
        Self { error, more: None }
    }

    /// With more fields beside the word.
    pub(super) fn with(error: &'static str, more: Value) -> Self {
        Self { error, more: Some(more) }
    }

    pub(super) fn body(self) -> Value {
        let mut body = Map::new();
        body.insert("ok".to_owned(), json!(false));
        body.insert("error".to_owned(), json!(self.error));
        if let Some(Value::Object(more)) = self.more {
            body.extend(more);
        }
        Value::Object(body)
    }
}

/// The arguments of a call.
#[derive(Debug, Default)]
pub(super) struct Args(Map<String, Value>);

impl Args {
    pub(super) fn from_form(form: &[u8]) -> Self {
        let pairs = form_urlencoded::parse(form);
        Self(pairs.map(|(name, value)| (name.into_owned(), value.into_owned().into())).collect())
    }

    /// A filled text argument.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
    }

    pub(super) fn flag(&self, name: &str) -> bool {
        match self.0.get(name) {
            Some(Value::Bool(flag)) => *flag,
            Some(Value::String(text)) => matches!(text.as_str(), "true" | "1"),
            _ => false,
        }
    }

    /// The arguments as a message; lists may come as JSON in a form field.
    pub(super) fn message(&self) -> Value {
        let mut message = self.0.clone();
        message.remove("token");
        for name in ["blocks", "attachments"] {
            let parsed = message
                .get(name)
                .and_then(Value::as_str)
                .and_then(|text| serde_json::from_str(text).ok());
            if let Some(parsed) = parsed {
                message.insert(name.to_owned(), parsed);
            }
        }
        Value::Object(message)
    }
}

/// A call as it was read.
pub(super) struct Call {
    pub(super) args: Args,
    /// A JSON body without a character set.
    pub(super) lacks_charset: bool,
}

impl Call {
    /// The token, from the header or the arguments.
    pub(super) fn token(&self, headers: &HeaderMap) -> Option<String> {
        let bearer = headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
        bearer.or_else(|| self.args.text("token")).map(str::to_owned)
    }
}

/// Methods that take their arguments as JSON; the others overlook a JSON body.
const TAKES_JSON: [&str; 3] = ["auth.test", "chat.postMessage", "chat.postEphemeral"];

/// Reads the arguments of a call, wherever it has them.
pub(super) fn read(
    method: &str,
    query: &str,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Call, Refusal> {
    let mut args = Args::from_form(query.as_bytes());
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let kind = kind.unwrap_or_default().to_lowercase();
    let mut lacks_charset = false;
    if kind.starts_with("application/json") {
        lacks_charset = !kind.contains("charset=");
        let json: Value = serde_json::from_slice(body).map_err(|_| Refusal::new("invalid_json"))?;
        let Value::Object(fields) = json else { return Err(Refusal::new("json_not_object")) };
        if TAKES_JSON.contains(&method) {
            args.0.extend(fields);
        }
    } else if kind.starts_with("application/x-www-form-urlencoded") {
        args.0.extend(Args::from_form(body).0);
    } else if !body.is_empty() {
        return Err(Refusal::new("invalid_post_type"));
    }
    Ok(Call { args, lacks_charset })
}
