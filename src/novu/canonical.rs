//! The signature of a context (Novu 3.19 source, context HMAC).
//!
//! Novu recomputes the HMAC over its own canonical form of the context, so this form has to agree
//! byte for byte with what a JavaScript engine makes of the JSON that is sent: keys sorted by UTF-16
//! code unit, no blanks, only `"` and `\` escaped, integers only.

use std::cmp::Ordering;

use hmac::digest::InvalidLength;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Number, Value};
use sha2::Sha256;

use super::context::{Context, ContextValue};
use super::error::Error;

/// The largest integer that JavaScript holds exactly: 2^53 - 1.
const LARGEST_INTEGER: u64 = (1 << 53) - 1;

/// Signs contexts with the secret key of the environment.
#[derive(Clone)]
pub(super) struct ContextHasher(Hmac<Sha256>);

impl ContextHasher {
    /// Prepares the key once for all contexts.
    pub(super) fn new(key: &SecretString) -> Result<Self, InvalidLength> {
        Hmac::new_from_slice(key.expose_secret().as_bytes()).map(Self)
    }

    /// The `contextHash` of a context: lower-case hexadecimal.
    ///
    /// Fails for data that Novu cannot hash.
    pub(super) fn hash(&self, context: &Context) -> Result<String, Error> {
        let mut mac = self.0.clone();
        mac.update(canonical(context)?.as_bytes());
        Ok(hex::encode(mac.finalize().into_bytes()))
    }
}

fn canonical(context: &Context) -> Result<String, Error> {
    let mut out = String::with_capacity(64);
    let entries = context.iter().map(|(kind, value)| (kind.as_str(), value));
    write_object(entries.collect(), &mut out, write_entry)?;
    Ok(out)
}

fn write_entry(value: &ContextValue, out: &mut String) -> Result<(), Error> {
    match value {
        ContextValue::Id(id) => {
            write_text(id, out);
            Ok(())
        }
        ContextValue::WithData { id, data } => {
            out.push_str(r#"{"data":"#);
            write_map(data, out)?;
            out.push_str(r#","id":"#);
            write_text(id, out);
            out.push('}');
            Ok(())
        }
    }
}

fn write_value(value: &Value, out: &mut String) -> Result<(), Error> {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(true) => out.push_str("true"),
        Value::Bool(false) => out.push_str("false"),
        Value::Number(number) => write_number(number, out)?,
        Value::String(text) => write_text(text, out),
        Value::Array(items) => write_array(items, out)?,
        Value::Object(fields) => write_map(fields, out)?,
    }
    Ok(())
}

fn write_map(fields: &Map<String, Value>, out: &mut String) -> Result<(), Error> {
    write_object(
        fields.iter().map(|(key, value)| (key.as_str(), value)).collect(),
        out,
        write_value,
    )
}

fn write_object<T>(
    mut fields: Vec<(&str, &T)>,
    out: &mut String,
    write: fn(&T, &mut String) -> Result<(), Error>,
) -> Result<(), Error> {
    fields.sort_unstable_by(|(a, _), (b, _)| by_utf16(a, b));
    out.push('{');
    for (index, (key, value)) in fields.into_iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        write_text(key, out);
        out.push(':');
        write(value, out)?;
    }
    out.push('}');
    Ok(())
}

fn write_array(items: &[Value], out: &mut String) -> Result<(), Error> {
    out.push('[');
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        write_value(item, out)?;
    }
    out.push(']');
    Ok(())
}

fn write_number(number: &Number, out: &mut String) -> Result<(), Error> {
    let magnitude = number.as_u64().or_else(|| number.as_i64().map(i64::unsigned_abs));
    match magnitude {
        Some(magnitude) if magnitude <= LARGEST_INTEGER => {
            out.push_str(&number.to_string());
            Ok(())
        }
        Some(_) => Err(Error::Unsendable("a context with an integer beyond 2^53 cannot be signed")),
        None => Err(Error::Unsendable("a context with a fractional number cannot be signed")),
    }
}

fn write_text(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        if matches!(c, '"' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out.push('"');
}

/// JavaScript's order of strings.
fn by_utf16(a: &str, b: &str) -> Ordering {
    a.encode_utf16().cmp(b.encode_utf16())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn context(value: Value) -> Context {
        serde_json::from_value(value).unwrap()
    }

    fn with_data(data: &Value) -> Context {
        context(json!({"tenant": {"id": "acme", "data": data}}))
    }

    #[test]
    fn hashes_agree_with_novus() {
        let hasher = ContextHasher::new(&SecretString::from("novu-test-secret")).unwrap();
        let plain = context(json!({"tenant": "acme"}));
        assert_eq!(canonical(&plain).unwrap(), r#"{"tenant":"acme"}"#);
        assert_eq!(
            hasher.hash(&plain).unwrap(),
            "91a6e123baaa31591cba5ea313deb1001ae0335897f193a543444691dbf974c7"
        );

        let rich = context(json!({
            "tenant": {"id": "acme", "data": {"name": "Acme \"Corp\"", "b": 1, "a": [true, null]}},
            "app": "jira",
        }));
        assert_eq!(
            canonical(&rich).unwrap(),
            r#"{"app":"jira","tenant":{"data":{"a":[true,null],"b":1,"name":"Acme \"Corp\""},"id":"acme"}}"#
        );
        assert_eq!(
            hasher.hash(&rich).unwrap(),
            "5a2b418bbe0c9acb1481989b0c0ffb3b9078366056e0082e71c04d713f761245"
        );
    }

    #[test]
    fn only_quotes_and_backslashes_are_escaped() {
        let context =
            with_data(&json!({"a": "x\n\t\u{1}é\\\"", "b": {}, "c": [], "d": [false, -1]}));
        assert_eq!(
            canonical(&context).unwrap(),
            "{\"tenant\":{\"data\":{\"a\":\"x\n\t\u{1}é\\\\\\\"\",\"b\":{},\"c\":[],\"d\":[false,-1]},\"id\":\"acme\"}}"
        );
    }

    #[test]
    fn keys_are_sorted_as_javascript_does() {
        // By code point U+FF5E comes before U+1F600, by UTF-16 code unit after it.
        let text =
            canonical(&with_data(&json!({"\u{ff5e}": 1, "\u{1f600}": 2, "B": 3, "a": 4}))).unwrap();
        let order: Vec<usize> = ["B", "\"a\"", "\u{1f600}", "\u{ff5e}"]
            .iter()
            .map(|key| text.find(key).unwrap())
            .collect();
        assert!(order.is_sorted(), "{text}");
    }

    #[test]
    fn numbers_that_javascript_would_change_are_refused() {
        for number in [json!(1.5), json!(1.0), json!(1u64 << 53), json!(i64::MIN), json!(u64::MAX)]
        {
            let result = canonical(&with_data(&json!({"n": [number]})));
            assert!(matches!(result, Err(Error::Unsendable(_))), "{number}");
        }
        assert!(canonical(&with_data(&json!({"n": LARGEST_INTEGER}))).is_ok());
    }
}
