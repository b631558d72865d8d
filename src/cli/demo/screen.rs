//! The terminal: scenes, and answers as a person would see them in chat.

use std::io::Write;
use std::time::Duration;

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

    /// Shows an answer, line by line, as its reader sees it, so long after something was done.
    pub(super) fn answer(&mut self, reader: &str, lines: &[String], took: Duration) {
        self.line(&format!("(after {took:.1?})"));
        self.line(&format!("╭─ Only visible to {reader}"));
        for line in lines.iter().flat_map(|text| wrap(text)) {
            self.line(format!("│ {line}").trim_end());
        }
        self.line("╰─");
    }

    fn write(&mut self, text: &str) {
        // Nobody reads along any more: the exit code still tells how it went.
        let _ = self.out.write_all(text.as_bytes()).and_then(|()| self.out.flush());
    }
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
    fn long_lines_are_wrapped_between_words() {
        let text = "word ".repeat(40);
        let lines = wrap(text.trim());
        assert!(lines.len() > 1);
        assert!(lines.iter().all(|line| line.chars().count() <= WIDTH));
        assert_eq!(lines.join(" "), text.trim());
    }
}
