//! What differs from run to run, masked as in the recording.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

/// The origins of one run, and the words that stand for them.
pub(super) struct Mask(Vec<(String, &'static str)>);

impl Mask {
    pub(super) fn new(origins: [(String, &'static str); 3]) -> Self {
        let encode =
            |text: &String| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        let encoded: Vec<_> =
            origins.iter().map(|(origin, word)| (encode(origin), *word)).collect();
        Self(origins.into_iter().chain(encoded).collect())
    }

    pub(super) fn json(&self, value: Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.text(&text)),
            Value::Array(items) => items.into_iter().map(|item| self.json(item)).collect(),
            Value::Object(fields) => {
                fields.into_iter().map(|(key, value)| (key, self.json(value))).collect()
            }
            other => other,
        }
    }

    pub(super) fn text(&self, text: &str) -> String {
        if text.len() == 24 && text.ends_with('Z') && text.parse::<jiff::Timestamp>().is_ok() {
            return "<ts>".to_owned();
        }
        let mut text = text.to_owned();
        for (origin, word) in &self.0 {
            text = text.replace(origin, word);
        }
        ids(&without_states(&text))
    }

    /// The JSON inside of a state, its time set to 0.
    pub(super) fn state(&self, state: &str) -> String {
        let text = String::from_utf8(URL_SAFE_NO_PAD.decode(state).unwrap()).unwrap();
        let (json, _) = text.rsplit_once('.').unwrap();
        let (before, after) = json.split_once("\"timestamp\":").unwrap();
        let after = after.trim_start_matches(|it: char| it.is_ascii_digit());
        self.text(&format!("{before}\"timestamp\":0{after}"))
    }
}

/// The text with every query parameter `state` masked.
fn without_states(text: &str) -> String {
    let mut parts = text.split("state=");
    let mut masked = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let rest = part.find('&').map_or("", |at| &part[at..]);
        masked.push_str("state=<state>");
        masked.push_str(rest);
    }
    masked
}

/// The text with every id masked.
fn ids(text: &str) -> String {
    let in_word = |it: char| it.is_ascii_alphanumeric() || it == '_' || it == '-';
    let mut masked = String::new();
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(|it| !in_word(it)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        masked.push_str(match word {
            word if word.len() == 24 && word.bytes().all(|it| it.is_ascii_hexdigit()) => "<oid>",
            word if word.len() == 36
                && word.matches('-').count() == 4
                && !word.contains("aaaa") =>
            {
                "<uuid>"
            }
            word if word.starts_with("chendp_") => "<chendp>",
            word if word.starts_with("chconn_") => "<chconn>",
            word => word,
        });
        let other = after.find(in_word).unwrap_or(after.len());
        masked.push_str(&after[..other]);
        rest = &after[other..];
    }
    masked
}

/// The words of a page: without markup, styles and entities, with single spaces.
pub(super) fn words(page: &str) -> String {
    let mut text = String::new();
    let body = page.split_once("</style>").map_or(page, |(head, body)| {
        let title = head.split_once("<title>").and_then(|(_, it)| it.split_once("</title>"));
        text.push_str(title.map_or("", |(title, _)| title));
        body
    });
    // The placeholders of the mask look like markup.
    let body = ["base", "slack", "entra", "state", "oid", "uuid"]
        .iter()
        .fold(body.to_owned(), |body, name| {
            body.replace(&format!("<{name}>"), &format!("{{{name}}}"))
        });
    for part in body.split('<') {
        let shown = part.split_once('>').map_or(part, |(_, shown)| shown);
        text.push(' ');
        text.push_str(shown);
    }
    let text = text.replace("&#39;", "'").replace("&#x27;", "'").replace("&amp;", "&");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
