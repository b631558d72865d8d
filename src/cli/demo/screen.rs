//! The terminal: scenes, and messages as a person would see them in chat.

use std::io::Write;
use std::time::Duration;

use serde_json::Value;

/// The widest line of a message, in characters.
const WIDTH: usize = 76;

/// Writes to somebody who reads along.
pub(super) struct Screen<'a, W> {
    out: &'a mut W,
    scenes: u32,
}

impl<'a, W: Write> Screen<'a, W> {
    pub(super) fn new(out: &'a mut W) -> Self {
        Self { out, scenes: 0 }
    }

    pub(super) fn title(&mut self, text: &str) {
        self.write(&format!("\n{text}\n{}\n", "═".repeat(text.chars().count())));
    }

    /// Begins the next scene.
    pub(super) fn scene(&mut self, text: &str) {
        self.scenes += 1;
        let scene = self.scenes;
        self.write(&format!("\n{scene}. {text}\n"));
    }

    pub(super) fn line(&mut self, text: &str) {
        self.write(&format!("   {text}\n"));
    }

    /// Shows a Block Kit message.
    pub(super) fn message(&mut self, message: &Value, took: Duration) {
        self.line(&format!("(answered in {:.1} ms)", took.as_secs_f64() * 1000.0));
        self.line("╭─ Only visible to you");
        for text in lines_of(message) {
            for line in wrap(&text) {
                self.line(format!("│ {line}").trim_end());
            }
        }
        self.line("╰─");
    }

    fn write(&mut self, text: &str) {
        // Nobody reads along any more: the exit code still tells how it went.
        let _ = self.out.write_all(text.as_bytes()).and_then(|()| self.out.flush());
    }
}

/// The text of each block, buttons in brackets.
fn lines_of(message: &Value) -> Vec<String> {
    let blocks = message["blocks"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut lines = Vec::new();
    for block in blocks {
        if let Some(text) = block["text"]["text"].as_str() {
            lines.push(plain(text));
        }
        for element in block["elements"].as_array().into_iter().flatten() {
            let button = element["text"]["text"].as_str().map(|label| format!("[ {label} ]"));
            lines.extend(button.or_else(|| element["text"].as_str().map(plain)));
        }
    }
    lines
}

/// Slack's markup as a terminal can show it: a date by its fallback, entities as what they mean.
fn plain(text: &str) -> String {
    let mut shown = String::new();
    let mut rest = text;
    while let Some((before, token)) = rest.split_once('<') {
        shown.push_str(before);
        let (token, after) = token.split_once('>').unwrap_or((token, ""));
        shown.push_str(token.rsplit_once('|').map_or(token, |(_, fallback)| fallback));
        rest = after;
    }
    shown.push_str(rest);
    shown.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

fn wrap(text: &str) -> Vec<String> {
    let mut lines = Vec::new();
    for paragraph in text.lines() {
        let mut line = String::new();
        for word in paragraph.split(' ') {
            if !line.is_empty() && line.chars().count() + word.chars().count() >= WIDTH {
                lines.push(std::mem::take(&mut line));
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        lines.push(line);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_shows_as_what_it_means() {
        assert_eq!(
            plain("until <!date^1^{time}|14:13 UTC> &lt;b&gt; &amp;lt;"),
            "until 14:13 UTC <b> &lt;"
        );
    }

    #[test]
    fn long_lines_are_wrapped_between_words() {
        let text = "word ".repeat(40);
        let lines = wrap(text.trim());
        assert!(lines.len() > 1);
        assert!(lines.iter().all(|line| line.chars().count() <= WIDTH));
        assert_eq!(lines.join(" "), text.trim());
    }
}
