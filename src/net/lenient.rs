//! Reading other systems' records: one odd or empty optional field never costs the record.
//!
//! Other systems add fields, leave them out, and now and then send one of another type. What a record
//! cannot do without is a plain field, and its absence fails the record; every other field is read with
//! [`lenient`] or [`flag`].

use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::value::RawValue;

/// Reads an optional field that may be anything: what is null, an empty text or of another type counts
/// as absent and becomes the default. For use with `#[serde(default, deserialize_with = …)]`, and on
/// JSON text only: not on a parsed [`Value`], and not below `flatten` or `untagged`.
pub(crate) fn lenient<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    let raw = <&RawValue>::deserialize(deserializer)?.get();
    if is_blank(raw) {
        return Ok(T::default());
    }
    Ok(serde_json::from_str(raw).unwrap_or_default())
}

/// Whether a JSON value is null or a text without a word. Most are neither, and tell so by how they
/// begin.
fn is_blank(raw: &str) -> bool {
    let Some(text) = raw.strip_prefix('"') else { return raw == "null" };
    text.starts_with(|first: char| !first.is_ascii_alphanumeric())
        && serde_json::from_str(raw).is_ok_and(|text: String| text.trim().is_empty())
}

/// Reads a flag, as [`lenient`] does. What other systems write in place of `true` counts as set: 1, or
/// the word.
pub(crate) fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    Ok(match lenient::<D, Value>(deserializer)? {
        Value::Bool(flag) => flag,
        Value::Number(number) => number.as_f64().is_some_and(|number| number > 0.0),
        Value::String(word) => matches!(word.trim(), "true" | "True" | "TRUE" | "1"),
        _ => false,
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use std::fmt::Debug;

    use serde_json::json;

    use super::*;

    /// What stands in the place of a field that should be something else.
    const ODD: [&str; 12] = [
        "null", "\"\"", "\" \"", "\"odd\"", "7", "-1", "0.5", "1e400", "true", "{}", "[]", "[null]",
    ];

    /// Checks that the required part of a record, which `read` gives, is the same whatever stands in
    /// one of the `optional` places (JSON pointers), or if nothing does.
    #[track_caller]
    pub(crate) fn survives_odd_fields<T: PartialEq + Debug>(
        record: &Value,
        optional: &[&str],
        read: impl Fn(&str) -> Option<T>,
    ) {
        let whole = read(&record.to_string());
        assert!(whole.is_some(), "the record itself is not read: {record}");
        for place in optional {
            let mut odd = record.clone();
            *odd.pointer_mut(place).unwrap_or_else(|| panic!("no {place} in {record}")) =
                json!("@odd@");
            for value in ODD {
                let text = odd.to_string().replace("\"@odd@\"", value);
                assert_eq!(read(&text), whole, "{value} at {place}");
            }
            let (parent, name) = place.rsplit_once('/').unwrap();
            if let Some(Value::Object(fields)) = odd.pointer_mut(parent) {
                fields.remove(name);
                assert_eq!(read(&odd.to_string()), whole, "nothing at {place}");
            }
        }
    }

    #[derive(Deserialize, Debug, PartialEq)]
    struct Record {
        id: String,
        #[serde(default, deserialize_with = "lenient")]
        name: Option<String>,
        #[serde(default, deserialize_with = "lenient")]
        count: u8,
        #[serde(default, deserialize_with = "flag")]
        is_bot: bool,
    }

    fn read(text: &str) -> Option<Record> {
        serde_json::from_str(text).ok()
    }

    #[test]
    fn an_odd_field_costs_itself_alone_and_a_required_one_the_record() {
        let record = json!({"id": "1", "name": "Ada", "count": 3, "is_bot": true});
        survives_odd_fields(&record, &["/name", "/count", "/is_bot"], |text| Some(read(text)?.id));
        for text in ["{}", r#"{"id":null}"#, r#"{"id":7}"#] {
            assert_eq!(read(text), None, "{text}");
        }
        let blank = read(r#"{"id":"1","name":" ","count":"3"}"#).unwrap();
        assert_eq!(blank, Record { id: "1".to_owned(), name: None, count: 0, is_bot: false });
    }

    #[test]
    fn a_text_without_a_word_is_blank_however_it_is_written() {
        for raw in ["null", r#""""#, r#"" ""#, r#""\t""#, r#""\u0020\u00a0""#, "\"\u{a0} \""] {
            assert!(is_blank(raw), "{raw}");
        }
        for raw in ["7", "true", "{}", "[]", r#""a""#, r#"" a""#, r#""\u0061""#, r#""-""#] {
            assert!(!is_blank(raw), "{raw}");
        }
    }

    #[test]
    fn a_flag_that_is_written_otherwise_is_a_flag() {
        for (written, set) in [
            ("true", true),
            ("1", true),
            ("\"true\"", true),
            ("\"1\"", true),
            ("false", false),
            ("0", false),
            ("\"false\"", false),
            ("\"\"", false),
            ("null", false),
            ("{}", false),
            ("1e400", false),
        ] {
            let record = read(&format!(r#"{{"id":"1","is_bot":{written}}}"#)).unwrap();
            assert_eq!(record.is_bot, set, "{written}");
        }
    }
}
