//! Context: what a link, a connection or an event belongs to, such as a tenant.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// How many entries Novu takes with one request.
const MAX_ENTRIES: usize = 5;
/// The longest id, in characters.
const MAX_ID: usize = 100;
/// The largest data of one entry, in bytes of JSON.
const MAX_DATA: usize = 64 * 1024;

/// A context that Novu accepts: one to five entries of type and value.
///
/// The rules are Novu 3.19's (source, context payload validator): ids are 1 to 100 characters of
/// `[A-Za-z0-9_-]`, so an e-mail address or a dotted id is not one; data is an object of at most
/// 64 KiB. They are checked when the context is made, so no invalid one exists.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "BTreeMap<String, ContextValue>")]
pub struct Context(BTreeMap<String, ContextValue>);

/// What a type of context refers to.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ContextValue {
    /// Just the id.
    Id(String),
    /// The id and data for templates. Makes sign-in addresses long and is readable in them.
    WithData {
        /// The id.
        id: String,
        /// The data.
        #[serde(default)]
        data: Map<String, Value>,
    },
}

/// Why something is not a context.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ContextError {
    /// There is no entry at all.
    #[error("a context has at least one entry")]
    Empty,
    /// There are more entries than Novu takes.
    #[error("a context has at most {MAX_ENTRIES} entries")]
    TooMany,
    /// A key is not of the form `type:id`.
    #[error("a context key has the form type:id")]
    Key,
    /// Two keys have the same type.
    #[error("a context has each type once")]
    Duplicate,
    /// An id is empty, too long or has characters that Novu does not take.
    #[error("a context id is 1 to {MAX_ID} letters, digits, hyphens and underscores")]
    Id,
    /// The data of an entry is too large.
    #[error("the data of a context entry is at most {MAX_DATA} bytes")]
    Data,
}

impl Context {
    /// Makes a context of entries by type.
    ///
    /// # Errors
    /// Names the first rule that the entries break.
    pub fn new(entries: BTreeMap<String, ContextValue>) -> Result<Self, ContextError> {
        match entries.len() {
            0 => return Err(ContextError::Empty),
            1..=MAX_ENTRIES => {}
            _ => return Err(ContextError::TooMany),
        }
        for (kind, value) in &entries {
            if kind.is_empty() {
                return Err(ContextError::Key);
            }
            value.check()?;
        }
        Ok(Self(entries))
    }

    /// Makes a context of the `contextKeys` that Novu stores: `type:id`, where the type itself may
    /// have colons. The data behind them is Novu's and need not be sent again.
    ///
    /// # Errors
    /// The keys are none, or not those of a valid context.
    pub fn from_keys<S: AsRef<str>>(keys: &[S]) -> Result<Self, ContextError> {
        let mut entries = BTreeMap::new();
        for key in keys {
            let (kind, id) = key.as_ref().rsplit_once(':').ok_or(ContextError::Key)?;
            if entries.insert(kind.to_owned(), ContextValue::Id(id.to_owned())).is_some() {
                return Err(ContextError::Duplicate);
            }
        }
        Self::new(entries)
    }

    /// The keys under which Novu stores this context: `type:id`, sorted.
    #[must_use]
    pub fn keys(&self) -> Vec<String> {
        let mut keys: Vec<String> =
            self.0.iter().map(|(kind, value)| format!("{kind}:{}", value.id())).collect();
        keys.sort_unstable();
        keys
    }

    /// The entries by type.
    pub fn iter(&self) -> impl Iterator<Item = (&String, &ContextValue)> {
        self.0.iter()
    }
}

impl TryFrom<BTreeMap<String, ContextValue>> for Context {
    type Error = ContextError;

    fn try_from(entries: BTreeMap<String, ContextValue>) -> Result<Self, ContextError> {
        Self::new(entries)
    }
}

/// Prints the keys only: data may be private.
impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Context").field(&self.keys()).finish()
    }
}

impl ContextValue {
    /// The id.
    #[must_use]
    pub fn id(&self) -> &str {
        match self {
            Self::Id(id) | Self::WithData { id, .. } => id,
        }
    }

    fn check(&self) -> Result<(), ContextError> {
        if !is_id(self.id()) {
            return Err(ContextError::Id);
        }
        match self {
            Self::Id(_) => Ok(()),
            Self::WithData { data, .. } => check_data(data),
        }
    }
}

/// Prints the id only: data may be private.
impl fmt::Debug for ContextValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ContextValue").field(&self.id()).finish()
    }
}

fn is_id(id: &str) -> bool {
    (1..=MAX_ID).contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

fn check_data(data: &Map<String, Value>) -> Result<(), ContextError> {
    match serde_json::to_vec(data) {
        Ok(json) if json.len() <= MAX_DATA => Ok(()),
        _ => Err(ContextError::Data),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn parse(value: Value) -> Result<Context, serde_json::Error> {
        serde_json::from_value(value)
    }

    #[test]
    fn keys_are_split_at_the_last_colon() {
        let context = Context::from_keys(&["urn:tenant:acme", "app:jira"]).unwrap();
        assert_eq!(
            serde_json::to_value(&context).unwrap(),
            json!({"app": "jira", "urn:tenant": "acme"})
        );
    }

    #[test]
    fn keys_come_out_sorted_as_texts_not_by_type() {
        // The hyphen sorts before the colon.
        let context = Context::from_keys(&["a:x", "a-b:y"]).unwrap();
        assert_eq!(context.keys(), ["a-b:y", "a:x"]);
    }

    #[test]
    fn every_rule_has_its_error() {
        let long = format!("tenant:{}", "x".repeat(101));
        let cases: [(&[&str], ContextError); 9] = [
            (&[], ContextError::Empty),
            (&["a:1", "b:1", "c:1", "d:1", "e:1", "f:1"], ContextError::TooMany),
            (&["acme"], ContextError::Key),
            (&[":acme"], ContextError::Key),
            (&["tenant:a", "tenant:b"], ContextError::Duplicate),
            (&["tenant:"], ContextError::Id),
            (&["tenant:ada@example.com"], ContextError::Id),
            (&["tenant:zoë"], ContextError::Id),
            (&[&long], ContextError::Id),
        ];
        for (keys, error) in cases {
            assert_eq!(Context::from_keys(keys), Err(error), "{keys:?}");
        }
    }

    #[test]
    fn data_is_an_object_of_bounded_size() {
        let of_size = |n: usize| json!({"tenant": {"id": "acme", "data": {"a": "x".repeat(n)}}});
        let frame = r#"{"a":""}"#.len();
        assert!(parse(of_size(MAX_DATA - frame)).is_ok());
        assert!(parse(of_size(MAX_DATA - frame + 1)).is_err());
        assert!(parse(json!({"tenant": {"id": "acme", "data": "text"}})).is_err());
        assert!(parse(json!({"tenant": {"data": {}}})).is_err());
        assert!(parse(json!({"tenant": {"id": "a.b"}})).is_err());
        assert!(parse(json!({})).is_err());
    }

    #[test]
    fn data_never_prints() {
        let context = parse(json!({"tenant": {"id": "acme", "data": {"plan": "secret"}}})).unwrap();
        assert_eq!(format!("{context:?}"), r#"Context(["tenant:acme"])"#);
        assert_eq!(
            format!("{:?}", context.iter().next()),
            r#"Some(("tenant", ContextValue("acme")))"#
        );
    }

    proptest! {
        #[test]
        fn contexts_survive_their_keys(
            entries in proptest::collection::btree_map("[a-z:é-]{0,8}x", "[A-Za-z0-9_-]{1,100}", 1..=5)
        ) {
            let mut keys: Vec<String> =
                entries.iter().map(|(kind, id)| format!("{kind}:{id}")).collect();
            keys.sort_unstable();
            let context = Context::from_keys(&keys).unwrap();
            prop_assert_eq!(context.keys(), keys);
        }

        #[test]
        fn no_keys_make_it_panic(keys in proptest::collection::vec(".*", 0..8)) {
            let _ = Context::from_keys(&keys);
        }
    }
}
