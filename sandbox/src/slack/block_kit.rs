//! Block Kit as Slack validates it, with the wording of its `invalid_blocks` answers.
//!
//! Source of the limits: Slack's Block Kit reference, as given in its official type definitions.
//! Blocks and elements that the bot does not use are checked for what all have in common only.

use std::collections::HashSet;

use serde_json::{Map, Value};
use url::Url;

/// The most blocks in a message.
const MESSAGE_BLOCKS: usize = 50;
/// The most blocks in a modal or on a home tab.
const VIEW_BLOCKS: usize = 100;
/// The longest message text, in characters; Slack truncates beyond it, we refuse.
const MESSAGE_TEXT: usize = 40_000;
/// The longest block and action id, in characters.
const ID: usize = 255;
/// The longest URL, in characters.
const URL: usize = 3_000;

/// Elements that an `actions` block may have.
const ACTIONS: [&str; 15] = [
    "button",
    "checkboxes",
    "datepicker",
    "datetimepicker",
    "timepicker",
    "overflow",
    "radio_buttons",
    "static_select",
    "external_select",
    "users_select",
    "conversations_select",
    "channels_select",
    "workflow_button",
    "rich_text_input",
    "feedback_buttons",
];

/// Validates a message, a view (`type` is `home` or `modal`), or a bare list of blocks.
///
/// # Errors
/// All complaints, each with the place it is about.
pub fn validate(value: &Value) -> Result<(), Vec<String>> {
    let mut check = Check::default();
    match value {
        Value::Array(blocks) => check.blocks(blocks, MESSAGE_BLOCKS, "/blocks"),
        Value::Object(message) => check.surface(message),
        _ => check.complain("", "must be a message or a list of blocks"),
    }
    if check.complaints.is_empty() { Ok(()) } else { Err(check.complaints) }
}

#[derive(Default)]
struct Check {
    complaints: Vec<String>,
}

/// Which types a text object may have.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Text {
    Plain,
    Any,
}

impl Check {
    fn complain(&mut self, place: &str, sentence: &str) {
        self.complaints.push(format!("{sentence} [json-pointer:{place}]"));
    }

    fn surface(&mut self, surface: &Map<String, Value>) {
        let view = matches!(surface.get("type").and_then(Value::as_str), Some("home" | "modal"));
        if let Some(text) = surface.get("text") {
            self.string(text, 0, MESSAGE_TEXT, "/text");
        }
        let most = if view { VIEW_BLOCKS } else { MESSAGE_BLOCKS };
        self.list_of_blocks(surface.get("blocks"), most, "/blocks");
        let attachments = surface.get("attachments").and_then(Value::as_array);
        for (number, attachment) in attachments.into_iter().flatten().enumerate() {
            let place = format!("/attachments/{number}/blocks");
            self.list_of_blocks(attachment.get("blocks"), MESSAGE_BLOCKS, &place);
        }
    }

    fn list_of_blocks(&mut self, blocks: Option<&Value>, most: usize, place: &str) {
        match blocks {
            None | Some(Value::Null) => {}
            Some(Value::Array(blocks)) => self.blocks(blocks, most, place),
            Some(_) => self.complain(place, "must be an array"),
        }
    }

    fn blocks(&mut self, blocks: &[Value], most: usize, place: &str) {
        if blocks.len() > most {
            self.complain(place, &format!("no more than {most} items allowed"));
        }
        let mut seen = HashSet::new();
        for (number, block) in blocks.iter().enumerate() {
            let place = format!("{place}/{number}");
            let Some(fields) = block.as_object() else {
                self.complain(&place, "must be an object");
                continue;
            };
            self.id(fields, "block_id", &mut seen, &place);
            self.block(fields, &place);
        }
    }

    /// An id that is not too long and not there twice.
    fn id<'a>(
        &mut self,
        fields: &'a Map<String, Value>,
        name: &str,
        seen: &mut HashSet<&'a str>,
        place: &str,
    ) {
        let Some(id) = fields.get(name) else { return };
        self.string(id, 1, ID, &format!("{place}/{name}"));
        if let Some(id) = id.as_str()
            && !seen.insert(id)
        {
            self.complain(&format!("{place}/{name}"), &format!("`{name}` already exists: {id}"));
        }
    }

    fn block(&mut self, block: &Map<String, Value>, place: &str) {
        match block.get("type").and_then(Value::as_str).unwrap_or_default() {
            "section" => self.section(block, place),
            "actions" => self.actions(block, place),
            "context" => self.context(block, place),
            "header" => {
                self.keys(block, &["text"], place);
                self.text(block.get("text"), Text::Plain, 150, &format!("{place}/text"));
            }
            "divider" => self.keys(block, &[], place),
            "image" => {
                self.keys(block, &["image_url", "slack_file", "alt_text", "title"], place);
                self.image(block, place);
            }
            "rich_text" | "input" | "video" | "file" | "markdown" | "table" => {}
            other => self.complain(&format!("{place}/type"), &format!("unsupported type: {other}")),
        }
    }

    fn section(&mut self, block: &Map<String, Value>, place: &str) {
        self.keys(block, &["text", "fields", "accessory", "expand"], place);
        if block.get("text").is_none() && block.get("fields").is_none() {
            self.complain(place, "missing required field: text or fields");
        }
        if let Some(text) = block.get("text") {
            self.text(Some(text), Text::Any, 3_000, &format!("{place}/text"));
        }
        if let Some(fields) = block.get("fields") {
            let place = format!("{place}/fields");
            for (number, field) in self.items(Some(fields), 10, &place) {
                self.text(Some(field), Text::Any, 2_000, &format!("{place}/{number}"));
            }
        }
        if let Some(accessory) = block.get("accessory") {
            self.element(accessory, &mut HashSet::new(), &format!("{place}/accessory"));
        }
    }

    fn actions(&mut self, block: &Map<String, Value>, place: &str) {
        self.keys(block, &["elements"], place);
        let place = format!("{place}/elements");
        let mut seen = HashSet::new();
        for (number, element) in self.items(block.get("elements"), 25, &place) {
            let place = format!("{place}/{number}");
            let kind = element.get("type").and_then(Value::as_str).unwrap_or_default();
            if ACTIONS.contains(&kind) {
                self.element(element, &mut seen, &place);
            } else {
                self.complain(&format!("{place}/type"), &format!("unsupported type: {kind}"));
            }
        }
    }

    fn context(&mut self, block: &Map<String, Value>, place: &str) {
        self.keys(block, &["elements"], place);
        let place = format!("{place}/elements");
        for (number, element) in self.items(block.get("elements"), 10, &place) {
            let place = format!("{place}/{number}");
            match element.as_object() {
                Some(image) if image.get("type") == Some(&Value::from("image")) => {
                    self.image(image, &place);
                }
                _ => self.text(Some(element), Text::Any, 3_000, &place),
            }
        }
    }

    fn image(&mut self, image: &Map<String, Value>, place: &str) {
        if image.get("slack_file").is_none() {
            self.url(image.get("image_url"), &format!("{place}/image_url"));
        }
        match image.get("alt_text") {
            Some(text) => self.string(text, 1, 2_000, &format!("{place}/alt_text")),
            None => self.complain(place, "missing required field: alt_text"),
        }
        if let Some(title) = image.get("title") {
            self.text(Some(title), Text::Plain, 2_000, &format!("{place}/title"));
        }
    }

    /// An interactive element, whose action id is unique in its block.
    fn element<'a>(&mut self, element: &'a Value, seen: &mut HashSet<&'a str>, place: &str) {
        let Some(fields) = element.as_object() else {
            self.complain(place, "must be an object");
            return;
        };
        self.id(fields, "action_id", seen, place);
        match fields.get("type").and_then(Value::as_str) {
            Some("button") => self.button(fields, place),
            Some("image") => self.image(fields, place),
            Some(_) => {}
            None => self.complain(place, "missing required field: type"),
        }
    }

    fn button(&mut self, button: &Map<String, Value>, place: &str) {
        let known =
            ["text", "action_id", "url", "value", "style", "confirm", "accessibility_label"];
        self.keys(button, &known, place);
        self.text(button.get("text"), Text::Plain, 75, &format!("{place}/text"));
        if let Some(url) = button.get("url") {
            self.url(Some(url), &format!("{place}/url"));
        }
        if let Some(value) = button.get("value") {
            self.string(value, 0, 2_000, &format!("{place}/value"));
        }
        if let Some(label) = button.get("accessibility_label") {
            self.string(label, 1, 75, &format!("{place}/accessibility_label"));
        }
        self.style(button, place);
        if let Some(confirm) = button.get("confirm") {
            self.confirm(confirm, &format!("{place}/confirm"));
        }
    }

    fn style(&mut self, fields: &Map<String, Value>, place: &str) {
        let style = fields.get("style");
        if style.is_some_and(|style| !matches!(style.as_str(), Some("primary" | "danger"))) {
            self.complain(&format!("{place}/style"), "value must be one of: primary, danger");
        }
    }

    fn confirm(&mut self, confirm: &Value, place: &str) {
        let Some(fields) = confirm.as_object() else {
            self.complain(place, "must be an object");
            return;
        };
        for (name, most) in [("title", 100), ("text", 300), ("confirm", 30), ("deny", 30)] {
            self.text(fields.get(name), Text::Plain, most, &format!("{place}/{name}"));
        }
        self.style(fields, place);
    }

    fn text(&mut self, text: Option<&Value>, kinds: Text, most: usize, place: &str) {
        let Some(fields) = text.and_then(Value::as_object) else {
            self.complain(place, "missing required field: text object");
            return;
        };
        let (extra, right) = match fields.get("type").and_then(Value::as_str) {
            Some("plain_text") => ("emoji", true),
            Some("mrkdwn") => ("verbatim", kinds == Text::Any),
            _ => ("", false),
        };
        if !right {
            self.complain(&format!("{place}/type"), "unexpected type of text object");
        }
        self.keys(fields, &["text", extra], place);
        match fields.get("text") {
            Some(text) => self.string(text, 1, most, &format!("{place}/text")),
            None => self.complain(place, "missing required field: text"),
        }
    }

    fn url(&mut self, url: Option<&Value>, place: &str) {
        let Some(url) = url else {
            self.complain(place, "missing required field: url");
            return;
        };
        self.string(url, 1, URL, place);
        let web =
            |url: &str| Url::parse(url).is_ok_and(|it| matches!(it.scheme(), "http" | "https"));
        if !url.as_str().is_some_and(web) {
            self.complain(place, "must be a valid URL");
        }
    }

    fn string(&mut self, value: &Value, least: usize, most: usize, place: &str) {
        let Some(text) = value.as_str() else {
            self.complain(place, "must be a string");
            return;
        };
        let length = text.chars().count();
        if length < least {
            self.complain(place, &format!("must be more than {} characters", least - 1));
        }
        if length > most {
            self.complain(place, &format!("must be less than {} characters", most + 1));
        }
    }

    /// The items of a list that has at least one and not too many.
    fn items<'a>(
        &mut self,
        list: Option<&'a Value>,
        most: usize,
        place: &str,
    ) -> Vec<(usize, &'a Value)> {
        let Some(items) = list.and_then(Value::as_array) else {
            self.complain(place, "must be an array");
            return Vec::new();
        };
        if items.is_empty() {
            self.complain(place, "must have at least 1 item");
        }
        if items.len() > most {
            self.complain(place, &format!("no more than {most} items allowed"));
        }
        items.iter().enumerate().collect()
    }

    /// Refuses properties that Slack does not know.
    fn keys(&mut self, fields: &Map<String, Value>, known: &[&str], place: &str) {
        for key in fields.keys() {
            if !matches!(key.as_str(), "type" | "block_id") && !known.contains(&key.as_str()) {
                self.complain(place, &format!("invalid additional property: {key}"));
            }
        }
    }
}

#[cfg(test)]
mod tests;
