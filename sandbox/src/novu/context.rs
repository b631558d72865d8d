//! Contexts: their shape, their keys, and the signature over their canonical JSON.
//!
//! Source: Novu 3.19, context payload decorator and inbox encryption; canonical JSON as in OLPC and
//! TUF: sorted keys, no spaces, only quotes and backslashes escaped, no fractions.

use std::fmt::Write as _;

use serde_json::Value;

use crate::hmac_hex;

/// The most contexts in one request.
const MOST: usize = 5;
/// The longest id, in characters.
const LONGEST_ID: usize = 100;
/// The largest `data` of one context, in bytes of JSON.
const LARGEST_DATA: usize = 64 * 1024;

/// Judges a context payload.
pub(super) fn judge(context: &Value) -> Result<(), String> {
    let shape = "Invalid context payload structure. Expected object with context types as keys \
                 and string IDs or {id, data} objects as values";
    let entries = context.as_object().filter(|entries| !entries.is_empty()).ok_or(shape)?;
    if !entries.values().all(is_context) {
        return Err(shape.to_owned());
    }
    if entries.len() > MOST {
        let given = entries.len();
        return Err(format!("Too many contexts: {given} provided, maximum allowed is {MOST}"));
    }
    for (kind, value) in entries {
        let size = value.get("data").map_or(0, |data| data.to_string().len());
        if size > LARGEST_DATA {
            return Err(format!(
                "Context '{kind}' Data is too large: {}KB exceeds 64KB limit",
                (size + 512) / 1024
            ));
        }
    }
    Ok(())
}

fn is_context(value: &Value) -> bool {
    match value {
        Value::String(id) => is_id(id),
        Value::Object(fields) => {
            fields.get("id").and_then(Value::as_str).is_some_and(is_id)
                && fields.get("data").is_none_or(|data| data.is_object() || data.is_array())
        }
        _ => false,
    }
}

fn is_id(id: &str) -> bool {
    (1..=LONGEST_ID).contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
}

/// The sorted `type:id` keys of a context that passed [`judge`].
pub(super) fn keys(context: &Value) -> Vec<String> {
    let mut keys: Vec<String> = context
        .as_object()
        .into_iter()
        .flatten()
        .filter_map(|(kind, value)| {
            let id = value.as_str().or_else(|| value.get("id")?.as_str())?;
            Some(format!("{kind}:{id}"))
        })
        .collect();
    keys.sort_unstable();
    keys
}

/// Why a value has no canonical form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fraction;

/// The canonical JSON of a value.
pub(super) fn canonical(value: &Value) -> Result<String, Fraction> {
    let mut text = String::new();
    write_canonical(value, &mut text)?;
    Ok(text)
}

fn write_canonical(value: &Value, text: &mut String) -> Result<(), Fraction> {
    match value {
        Value::Null => text.push_str("null"),
        Value::Bool(true) => text.push_str("true"),
        Value::Bool(false) => text.push_str("false"),
        Value::Number(number) => write_integer(number, text)?,
        Value::String(string) => write_string(string, text),
        Value::Array(items) => {
            text.push('[');
            for (position, item) in items.iter().enumerate() {
                if position > 0 {
                    text.push(',');
                }
                write_canonical(item, text)?;
            }
            text.push(']');
        }
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_unstable_by_key(|(key, _)| key.as_str());
            text.push('{');
            for (position, (key, field)) in fields.into_iter().enumerate() {
                if position > 0 {
                    text.push(',');
                }
                write_string(key, text);
                text.push(':');
                write_canonical(field, text)?;
            }
            text.push('}');
        }
    }
    Ok(())
}

/// Whole numbers only; `1.0` is whole, as JavaScript does not tell it from `1`.
fn write_integer(number: &serde_json::Number, text: &mut String) -> Result<(), Fraction> {
    // Writing to a String cannot fail.
    let _ = match (number.is_f64(), number.as_f64()) {
        (false, _) => write!(text, "{number}"),
        (true, Some(float)) if float.fract() == 0.0 => write!(text, "{float:.0}"),
        (true, _) => return Err(Fraction),
    };
    Ok(())
}

fn write_string(string: &str, text: &mut String) {
    text.push('"');
    for character in string.chars() {
        if matches!(character, '"' | '\\') {
            text.push('\\');
        }
        text.push(character);
    }
    text.push('"');
}

/// The `contextHash` for a canonical context under one API key.
pub(super) fn hash(key: &str, canonical: &str) -> String {
    hmac_hex(key.as_bytes(), &[canonical.as_bytes()])
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const KEY: &str = "novu-test-secret";

    #[test]
    fn signatures_match_novus_own() {
        let plain = json!({"tenant": "acme"});
        let rich = json!({
            "tenant": {"id": "acme", "data": {"name": "Acme \"Corp\"", "b": 1, "a": [true, null]}},
            "app": "jira",
        });
        assert_eq!(
            hash(KEY, &canonical(&plain).unwrap()),
            "91a6e123baaa31591cba5ea313deb1001ae0335897f193a543444691dbf974c7",
        );
        assert_eq!(
            canonical(&rich).unwrap(),
            r#"{"app":"jira","tenant":{"data":{"a":[true,null],"b":1,"name":"Acme \"Corp\""},"id":"acme"}}"#,
        );
        assert_eq!(
            hash(KEY, &canonical(&rich).unwrap()),
            "5a2b418bbe0c9acb1481989b0c0ffb3b9078366056e0082e71c04d713f761245",
        );
    }

    #[test]
    fn canonical_numbers_are_whole() {
        assert_eq!(canonical(&json!(1.5)), Err(Fraction));
        assert_eq!(canonical(&json!(2.0)), Ok("2".to_owned()));
        assert_eq!(canonical(&json!("a\nb\\é")), Ok("\"a\nb\\\\é\"".to_owned()));
    }

    #[test]
    fn contexts_are_judged_as_novu_does() {
        assert!(judge(&json!({"tenant": "acme", "app": {"id": "x", "data": {}}})).is_ok());
        for bad in [
            json!([]),
            json!({}),
            json!("acme"),
            json!({"tenant": ""}),
            json!({"tenant": "a@b.co"}),
            json!({"tenant": "a".repeat(101)}),
            json!({"tenant": 5}),
            json!({"tenant": {"id": "x", "data": "y"}}),
        ] {
            let message = judge(&bad).unwrap_err();
            assert!(message.starts_with("Invalid context payload structure."), "{bad}");
        }
        let six = json!({"a": "1", "b": "1", "c": "1", "d": "1", "e": "1", "f": "1"});
        assert_eq!(judge(&six).unwrap_err(), "Too many contexts: 6 provided, maximum allowed is 5");
        let large = json!({"t": {"id": "x", "data": {"k": "v".repeat(LARGEST_DATA)}}});
        assert!(judge(&large).unwrap_err().starts_with("Context 't' Data is too large: "));
    }

    #[test]
    fn keys_are_sorted() {
        let context = json!({"z": "1", "a": {"id": "2"}});
        assert_eq!(keys(&context), ["a:2", "z:1"]);
    }
}
