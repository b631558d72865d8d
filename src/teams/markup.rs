//! Two ways of setting text: as Markdown for a card that is seen, and plain for one that is heard.

use std::borrow::Cow;

use jiff::Timestamp;

use crate::words::message::Markup;

/// The Markdown of a `TextBlock` in Teams: bold, italic, lists and links (Adaptive Cards, text
/// features). There is no code, so what is to be typed is bold.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct CardMarkdown;

impl Markup for CardMarkdown {
    /// Puts a backslash before whatever could format, link, or call a date function.
    ///
    /// Only that much, because older mobile clients show the backslashes. Hence underscores within a
    /// word stay as they are: they format nowhere. The parser of the mobile clients takes `[a](b)`
    /// for a link in spite of backslashes, unless one stands between `]` and `(` (`AdaptiveCards`,
    /// shared object model, link parser).
    fn escape<'a>(&self, line: &'a str) -> Cow<'a, str> {
        let mut safe = String::with_capacity(line.len() + 8);
        let mut before = None;
        let mut rest = line.chars().peekable();
        while let Some(character) = rest.next() {
            if needs_escape(before, character, rest.peek().copied()) {
                safe.push('\\');
            }
            safe.push(character);
            before = Some(character);
        }
        if safe == line { Cow::Borrowed(line) } else { Cow::Owned(safe) }
    }

    fn code(&self, text: &str) -> String {
        if text.is_empty() { String::new() } else { format!("**{text}**") }
    }

    fn day(&self, moment: Timestamp) -> String {
        format!("{{{{DATE({}, LONG)}}}}", in_utc(moment))
    }

    fn time(&self, moment: Timestamp) -> String {
        format!("{{{{TIME({})}}}}", in_utc(moment))
    }
}

/// Whether a character means something between these neighbours.
fn needs_escape(before: Option<char>, character: char, after: Option<char>) -> bool {
    let in_word = |neighbour: Option<char>| neighbour.is_some_and(char::is_alphanumeric);
    match character {
        '\\' | '*' | '`' | '~' | '[' | ']' | '<' | '{' => true,
        '(' => before == Some(']'),
        '_' => !(in_word(before) && in_word(after)),
        // These mean something in front of a line, and a text from outside may stand there.
        '#' | '+' | '-' | '>' => before.is_none(),
        _ => false,
    }
}

/// The form that date functions read: whole seconds, UTC (Adaptive Cards, date and time functions).
fn in_utc(moment: Timestamp) -> impl std::fmt::Display {
    moment.strftime("%Y-%m-%dT%H:%M:%SZ")
}

/// Text without any markup, for screen readers, notifications and clients that show no card. Nobody
/// turns date functions into dates there, so moments are told in UTC.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct PlainText;

impl Markup for PlainText {
    /// Keeps the text free of angle brackets: `speak` may be SSML.
    fn escape<'a>(&self, line: &'a str) -> Cow<'a, str> {
        if line.contains(['<', '>']) {
            Cow::Owned(line.replace(['<', '>'], " "))
        } else {
            Cow::Borrowed(line)
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn text_from_outside_neither_formats_nor_links() {
        let cases = [
            ("Ada", "Ada"),
            ("Ada (R&D)", "Ada (R&D)"),
            ("ada_lovelace-1", "ada_lovelace-1"),
            ("_Ada_ *Grace*", "\\_Ada\\_ \\*Grace\\*"),
            ("[x](https://evil.example)", "\\[x\\]\\(https://evil.example)"),
            ("<https://evil.example>", "\\<https://evil.example>"),
            ("{{DATE(2026-01-01T00:00:00Z)}}", "\\{\\{DATE(2026-01-01T00:00:00Z)}}"),
            ("- a - b", "\\- a - b"),
            ("# a", "\\# a"),
            ("a\\", "a\\\\"),
            ("", ""),
        ];
        for (text, safe) in cases {
            assert_eq!(CardMarkdown.escape(text), safe);
        }
    }

    #[test]
    fn dates_show_in_the_readers_time_zone_and_are_spoken_in_utc() {
        let moment = Timestamp::from_millisecond(1_790_000_000_500).unwrap();
        assert_eq!(CardMarkdown.day(moment), "{{DATE(2026-09-21T14:13:20Z, LONG)}}");
        assert_eq!(CardMarkdown.time(moment), "{{TIME(2026-09-21T14:13:20Z)}}");
        assert_eq!(PlainText.day(moment), "2026-09-21");
        assert_eq!(PlainText.time(moment), "14:13 UTC");
    }

    #[test]
    fn nothing_to_type_is_nothing_bold() {
        assert_eq!(CardMarkdown.code(""), "");
        assert_eq!(CardMarkdown.code("connect"), "**connect**");
    }

    /// What a `CommonMark` reader sees of escaped text: a backslash before punctuation is gone.
    fn seen(markdown: &str) -> String {
        let mut seen = String::new();
        let mut rest = markdown.chars();
        while let Some(character) = rest.next() {
            seen.push(if character == '\\' { rest.next().unwrap() } else { character });
        }
        seen
    }

    proptest! {
        #[test]
        fn readers_see_what_was_there(text in "[a-z_*\\[\\](){}<>\\\\`~#+ -]{0,40}") {
            let safe = CardMarkdown.escape(&text);
            prop_assert_eq!(seen(&safe), text.as_str());
            prop_assert!(!safe.contains("]("));
            prop_assert!(!safe.contains("{{"));
        }

        #[test]
        fn plain_text_is_without_tags(text in ".{0,60}") {
            prop_assert!(!PlainText.escape(&text).contains(['<', '>']));
        }
    }
}
