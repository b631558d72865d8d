//! Messages in Slack's Block Kit.
//!
//! There is one type for what we send, and it is private by construction: every way of delivering a
//! [`PrivateMessage`] shows it to one person. Limits are those of Slack's Block Kit reference.

use std::borrow::Cow;

use jiff::Timestamp;
use serde::Serialize;

use crate::text::shortened;
use crate::words::message::{Button, Markup, Message, Style, Target};

/// The `action_id` of the sign-in button, by which its press is recognised.
pub const SIGN_IN_ACTION: &str = "connect_sign_in";
/// What the `action_id` of every other button begins with; the word of its [`Press`] follows.
///
/// [`Press`]: crate::core::Press
pub const PRESS_PREFIX: &str = "connect_press_";
/// The longest URL that a button can hold, in characters.
pub const LONGEST_BUTTON_URL: usize = 3000;
/// The longest text of a section, in characters.
const LONGEST_SECTION: usize = 3000;
/// The longest top-level text that Slack recommends, in characters.
const LONGEST_TEXT: usize = 4000;
/// The longest text of a button and of its label for screen readers, in characters.
const LONGEST_BUTTON_TEXT: usize = 75;

/// A message that one person sees.
///
/// The top-level text is all that a screen reader reads when there are blocks (Slack,
/// chat.postMessage), so it carries the whole instruction; the link is in the button alone, where
/// Slack's servers do not follow it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PrivateMessage {
    text: String,
    blocks: Vec<Block>,
    unfurl_links: bool,
    unfurl_media: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Block {
    Section { text: Text },
    Actions { elements: Vec<Element> },
    Context { elements: Vec<Text> },
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Text {
    Mrkdwn { text: String },
    PlainText { text: String },
}

#[derive(Clone, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Element {
    Button {
        text: Text,
        action_id: Cow<'static, str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        style: Option<&'static str>,
        accessibility_label: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        url: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        value: Option<String>,
    },
}

impl std::fmt::Debug for Element {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self::Button { text, action_id, .. } = self;
        f.debug_struct("Button")
            .field("text", text)
            .field("action_id", action_id)
            .finish_non_exhaustive()
    }
}

impl PrivateMessage {
    /// Sets a message in Block Kit. Its link is at most [`LONGEST_BUTTON_URL`] long.
    #[must_use]
    pub fn render(message: &Message) -> Self {
        let paragraphs = message.body.iter().filter(|paragraph| !paragraph.is_empty());
        let blocks =
            paragraphs
                .map(|paragraph| Block::Section { text: mrkdwn(paragraph) })
                .chain((!message.buttons.is_empty()).then(|| Block::Actions {
                    elements: message.buttons.iter().map(button).collect(),
                }))
                .chain(
                    message
                        .footer
                        .as_ref()
                        .map(|footer| Block::Context { elements: vec![mrkdwn(footer)] }),
                )
                .collect();
        Self {
            text: shortened(&message.spoken, LONGEST_TEXT),
            blocks,
            unfurl_links: false,
            unfurl_media: false,
        }
    }

    /// The message as the HTTP response to a slash command.
    #[must_use]
    pub fn as_response(&self) -> impl Serialize + '_ {
        Ephemeral { response_type: "ephemeral", replace_original: None, message: self }
    }

    /// The message as a post to a response URL, in place of the message that the URL came from or beside
    /// it.
    #[must_use]
    pub fn for_response_url(&self, in_place: bool) -> impl Serialize + '_ {
        Ephemeral { response_type: "ephemeral", replace_original: Some(in_place), message: self }
    }
}

/// Slack's form of a message that only the person sees who typed the command.
#[derive(Serialize)]
struct Ephemeral<'a> {
    response_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    replace_original: Option<bool>,
    #[serde(flatten)]
    message: &'a PrivateMessage,
}

fn button(button: &Button) -> Element {
    let (action_id, url, value) = match &button.target {
        Target::Link(link) => (SIGN_IN_ACTION.into(), Some(link.expose().to_owned()), None),
        Target::Press(press) => {
            let about = press.message().map(String::from);
            (format!("{PRESS_PREFIX}{}", press.word()).into(), None, about)
        }
    };
    Element::Button {
        text: Text::PlainText { text: shortened(&button.label, LONGEST_BUTTON_TEXT) },
        action_id,
        style: match button.style {
            Style::Primary => Some("primary"),
            Style::Plain => None,
            Style::Danger => Some("danger"),
        },
        accessibility_label: shortened(&button.spoken_label, LONGEST_BUTTON_TEXT),
        url,
        value,
    }
}

fn mrkdwn(text: &str) -> Text {
    Text::Mrkdwn { text: shortened(text, LONGEST_SECTION) }
}

/// Slack's way of setting text.
#[derive(Debug, Clone, Copy, Default)]
pub struct Mrkdwn;

impl Markup for Mrkdwn {
    /// Escapes Slack's three control characters, so that no mention and no link comes of the text.
    /// Stars and underscores stay: the worst they do is look bold to the person who chose them, while
    /// anything put around them would be copied along with an id.
    fn escape<'a>(&self, line: &'a str) -> Cow<'a, str> {
        if !line.contains(['&', '<', '>']) {
            return Cow::Borrowed(line);
        }
        let mut safe = String::with_capacity(line.len() + 16);
        for character in line.chars() {
            match character {
                '&' => safe.push_str("&amp;"),
                '<' => safe.push_str("&lt;"),
                '>' => safe.push_str("&gt;"),
                other => safe.push(other),
            }
        }
        Cow::Owned(safe)
    }

    fn code(&self, text: &str) -> String {
        format!("`{text}`")
    }

    fn day(&self, moment: Timestamp) -> String {
        self.date(moment, "{date_long}", "%Y-%m-%d")
    }

    fn time(&self, moment: Timestamp) -> String {
        self.date(moment, "{time}", "%H:%M UTC")
    }
}

impl Mrkdwn {
    /// A date that every client shows in its reader's time zone; `fallback` is for those that cannot.
    #[expect(clippy::unused_self, reason = "belongs to the way of setting text")]
    fn date(self, moment: Timestamp, token: &str, fallback: &str) -> String {
        let fallback = moment.strftime(fallback);
        format!("<!date^{}^{token}|{fallback}>", moment.as_second())
    }
}

#[cfg(test)]
mod tests;
