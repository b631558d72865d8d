//! The first validation layer: request bodies, in class-validator's words and order.

use serde_json::Value;

use super::context;
use super::envelope::Problem;

/// A body under judgement. `null` passes for every optional field; unknown fields are ignored.
#[derive(Debug)]
pub(super) struct Form<'a> {
    body: &'a Value,
    messages: Vec<String>,
}

impl<'a> Form<'a> {
    pub(super) fn new(body: &'a Value) -> Self {
        Self { body, messages: Vec::new() }
    }

    /// The field unless it is absent or null.
    pub(super) fn value(&self, field: &str) -> Option<&'a Value> {
        self.body.get(field).filter(|value| !value.is_null())
    }

    pub(super) fn complain(&mut self, message: impl Into<String>) {
        self.messages.push(message.into());
    }

    /// A string that must be there.
    pub(super) fn present(&mut self, field: &str) -> &'a str {
        let value = self.value(field);
        let text = value.and_then(Value::as_str);
        if value.is_none() {
            self.complain(format!("{field} should not be null or undefined"));
        }
        if text.is_none() {
            self.complain(format!("{field} must be a string"));
        }
        text.unwrap_or_default()
    }

    /// A string that must be there and not be empty.
    pub(super) fn required(&mut self, field: &str, when_empty: &str) -> &'a str {
        match self.value(field) {
            None => {
                self.complain(format!("{field} should not be null or undefined"));
                self.complain(when_empty);
                self.complain(format!("{field} must be a string"));
                ""
            }
            Some(Value::String(text)) => {
                if text.is_empty() {
                    self.complain(when_empty);
                }
                text
            }
            Some(_) => {
                self.complain(format!("{field} must be a string"));
                ""
            }
        }
    }

    /// A string that may be absent.
    pub(super) fn text(&mut self, field: &str) -> Option<&'a str> {
        let value = self.value(field)?;
        let text = value.as_str();
        if text.is_none() {
            self.complain(format!("{field} must be a string"));
        }
        text
    }

    /// An array of strings that may be absent.
    pub(super) fn texts(&mut self, field: &str) -> Option<Vec<&'a str>> {
        let value = self.value(field)?;
        let Some(items) = value.as_array() else {
            self.complain(format!("{field} must be an array"));
            return None;
        };
        let texts: Option<Vec<&str>> = items.iter().map(Value::as_str).collect();
        if texts.is_none() {
            self.complain(format!("each value in {field} must be a string"));
        }
        texts
    }

    /// A boolean that may be absent.
    pub(super) fn boolean(&mut self, field: &str) -> Option<bool> {
        let value = self.value(field)?;
        let boolean = value.as_bool();
        if boolean.is_none() {
            self.complain(format!("{field} must be a boolean value"));
        }
        boolean
    }

    /// One of some words, that may be absent.
    pub(super) fn one_of(&mut self, field: &str, words: &[&str]) -> Option<&'a str> {
        let value = self.value(field)?;
        match value.as_str() {
            Some(word) if words.contains(&word) => Some(word),
            text => {
                self.complain(format!(
                    "{field} must be one of the following values: {}",
                    words.join(", ")
                ));
                if text.is_none() {
                    self.complain(format!("{field} must be a string"));
                }
                None
            }
        }
    }

    /// A context that may be absent.
    pub(super) fn context(&mut self) -> Option<&'a Value> {
        let value = self.value("context")?;
        match context::judge(value) {
            Ok(()) => Some(value),
            Err(message) => {
                self.complain(message);
                None
            }
        }
    }

    /// Refuses the request if anything was wrong.
    pub(super) fn finish(self) -> Result<(), Problem> {
        if self.messages.is_empty() { Ok(()) } else { Err(Problem::validation(self.messages)) }
    }
}
