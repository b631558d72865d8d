//! Messages as Adaptive Cards.
//!
//! A card is private by construction: it can hold a sign-in link, and the only ways to send one are
//! those of [`outgoing`](super::outgoing) that show it to one person. The form is schema 1.5, the
//! newest that Teams shows to users of bots (Teams, Adaptive Cards).

use std::fmt;

use serde::Serialize;

use super::markup::{CardMarkdown, PlainText};
use crate::core::Language;
use crate::core::{Answer, Lasts, Press, Reference, SignIn};
use crate::text::{one_line, shortened};
use crate::words::message::{Button, Markup, Message, Style, Target, Voice};

/// What the verb of every button begins with that asks for something; the word of its [`Press`] follows.
pub(super) const PRESS_PREFIX: &str = "connect.";
/// The longest URL that a button can hold, in characters.
pub(super) const LONGEST_LINK: usize = 4000;
/// The largest card, in bytes, counted as UTF-8 and as UTF-16. Teams takes more from bots, but not
/// everywhere (Teams, message size: 28 KB for webhooks). The limits below add up to less, two UTF-16
/// units for every character of text included; a property test sees to it.
#[cfg(test)]
const LARGEST_CARD: usize = 28 * 1024;
/// The longest text of a card, all lines together, in characters.
const LONGEST_TEXT: usize = 2000;
/// The most lines of a card.
const MOST_LINES: usize = 24;
/// The longest small print, in characters.
const LONGEST_FOOTER: usize = 500;
/// The longest text for those who hear the card, in characters.
const LONGEST_SPEECH: usize = 1000;
/// The longest title of a button and of its tip, in characters.
const LONGEST_TITLE: usize = 80;
/// The longest line for notifications and chat lists, in characters.
const LONGEST_SUMMARY: usize = 120;

/// How an answer is to be worded; see [`Voice`].
#[derive(Debug, Clone, Copy)]
pub(super) struct Wording<'a> {
    /// The language.
    pub language: Language,
    /// What the person types to reach the bot. May come from outside.
    pub command: &'a str,
    /// The reference of the question.
    pub reference: Reference,
    /// Where people get help.
    pub support: Option<&'a str>,
}

impl Wording<'_> {
    fn message(&self, answer: &Answer, markup: &dyn Markup) -> Message {
        let Self { language, command, reference, support } = *self;
        Voice { language, command, reference, support, markup }.message(answer)
    }
}

/// A card that one person sees. Does not print.
#[derive(Clone, PartialEq, Serialize)]
pub(super) struct PrivateCard {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    lang: &'static str,
    speak: String,
    #[serde(rename = "fallbackText")]
    fallback_text: String,
    body: Vec<Element>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    actions: Vec<Action>,
    #[serde(skip)]
    summary: String,
}

impl fmt::Debug for PrivateCard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrivateCard(…)")
    }
}

#[derive(Clone, PartialEq, Serialize)]
#[serde(tag = "type")]
enum Element {
    TextBlock(TextBlock),
}

#[derive(Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct TextBlock {
    text: String,
    wrap: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    style: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    weight: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    is_subtle: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    spacing: Option<&'static str>,
}

#[derive(Clone, PartialEq, Serialize)]
#[serde(tag = "type")]
enum Action {
    #[serde(rename = "Action.OpenUrl")]
    OpenUrl { title: String, tooltip: String, url: String },
    #[serde(rename = "Action.Execute")]
    Execute {
        title: String,
        verb: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        style: Option<&'static str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        data: Option<PressData>,
    },
}

/// What a button carries along.
#[derive(Clone, PartialEq, Serialize)]
struct PressData {
    /// The message that the press speaks of.
    message: String,
}

impl PrivateCard {
    /// Puts an answer on a card. A link in it is at most [`LONGEST_LINK`] long.
    ///
    /// What is heard, and what notifications show, is worded apart from what is seen: there, Markdown
    /// would be read out and date functions would stay as they are. A card outlives a minted link, so
    /// beside one there is a button that asks for another.
    #[must_use]
    pub(super) fn render(answer: &Answer, wording: Wording<'_>) -> Self {
        let shown = wording.message(answer, &CardMarkdown);
        let plain = wording.message(answer, &PlainText);
        let minted = matches!(answer, Answer::SignIn(SignIn { lasts: Lasts::Minted { .. }, .. }));
        let renew = minted.then(|| renew_button(wording.language));
        let buttons = shown.buttons.iter().map(button);
        Self::assemble(&shown, &plain, buttons.chain(renew).collect(), wording.language)
    }

    /// What the card says, in one line for notifications and chat lists. Holds no link.
    pub(super) fn summary(&self) -> &str {
        &self.summary
    }

    fn assemble(
        shown: &Message,
        plain: &Message,
        actions: Vec<Action>,
        language: Language,
    ) -> Self {
        let footer = shown.footer.as_deref().map(footer);
        Self {
            kind: "AdaptiveCard",
            schema: "http://adaptivecards.io/schemas/adaptive-card.json",
            version: "1.5",
            lang: language.tag(),
            speak: cut(&plain.spoken, LONGEST_SPEECH),
            // The link stays out: whoever cannot see the card need not be the one it is meant for.
            fallback_text: language.say("card-fallback", &[]),
            body: lines(shown).chain(footer).map(Element::TextBlock).collect(),
            actions,
            summary: cut(first_line(plain), LONGEST_SUMMARY),
        }
    }
}

fn renew_button(language: Language) -> Action {
    press(&language.say("new-link-button", &[]), Press::Connect, Style::Plain)
}

fn button(button: &Button) -> Action {
    match &button.target {
        Target::Link(link) => Action::OpenUrl {
            title: cut(&button.label, LONGEST_TITLE),
            tooltip: cut(&button.spoken_label, LONGEST_TITLE),
            url: link.expose().to_owned(),
        },
        Target::Press(wanted) => press(&button.label, *wanted, button.style),
    }
}

fn press(label: &str, wanted: Press, style: Style) -> Action {
    Action::Execute {
        title: cut(label, LONGEST_TITLE),
        verb: format!("{PRESS_PREFIX}{}", wanted.word()),
        style: match style {
            Style::Primary => Some("positive"),
            Style::Plain => None,
            Style::Danger => Some("destructive"),
        },
        data: wanted.message().map(|message| PressData { message: message.to_string() }),
    }
}

/// The lines of a message, each a block of its own: clients disagree on what a line break within a
/// block is. The first one is the heading.
fn lines(message: &Message) -> impl Iterator<Item = TextBlock> {
    let lines = message.body.iter().flat_map(|paragraph| {
        let lines = paragraph.split(['\n', '\r']).map(one_line).filter(|line| !line.is_empty());
        lines.enumerate().map(|(index, line)| (index > 0, line))
    });
    let cut_to_size = lines.scan(LONGEST_TEXT, |left, (continues, line)| {
        let text = shortened(&line, *left);
        *left -= text.chars().count();
        (!text.is_empty()).then_some((continues, text))
    });
    cut_to_size.take(MOST_LINES).enumerate().map(|(index, (continues, text))| {
        if index == 0 { heading(text) } else { line(text, continues) }
    })
}

fn heading(text: String) -> TextBlock {
    TextBlock {
        text,
        wrap: true,
        style: Some("heading"),
        weight: Some("bolder"),
        size: Some("medium"),
        ..TextBlock::default()
    }
}

fn line(text: String, continues: bool) -> TextBlock {
    let spacing = continues.then_some("none");
    TextBlock { text, wrap: true, spacing, ..TextBlock::default() }
}

fn footer(text: &str) -> TextBlock {
    TextBlock {
        text: cut(text, LONGEST_FOOTER),
        wrap: true,
        size: Some("small"),
        is_subtle: Some(true),
        ..TextBlock::default()
    }
}

fn first_line(message: &Message) -> &str {
    let mut lines = message.body.iter().flat_map(|paragraph| paragraph.lines());
    lines.find(|line| !line.trim().is_empty()).unwrap_or_default()
}

/// One line of at most `limit` characters.
fn cut(text: &str, limit: usize) -> String {
    shortened(&one_line(text), limit)
}

#[cfg(test)]
mod tests;
