//! Text from outside, made fit to be shown, logged and carried in a token.

/// The longest text that a token carries, in bytes. Five of them fit into the longest token even
/// if JSON doubles every byte.
const LONGEST_IN_TOKEN: usize = 96;
/// What stands where something was left out.
const ELLIPSIS: char = '…';
/// What must stay whole when a text is shortened, a lone backslash aside: Slack's escapes (Slack,
/// formatting text).
const ESCAPES: [&str; 3] = ["&amp;", "&lt;", "&gt;"];

/// One line of visible text: single spaces, none at its ends, no control characters, and none that
/// turn the direction of the text around them or take no room. A name could use those to look like
/// another.
pub(crate) fn one_line(text: &str) -> String {
    let visible: String = text.chars().filter_map(visible).collect();
    let mut line = String::with_capacity(visible.len());
    for word in visible.split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    line
}

fn visible(c: char) -> Option<char> {
    match c {
        '\u{61c}'
        | '\u{200b}'
        | '\u{200e}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{2069}'
        | '\u{feff}' => None,
        c if c.is_control() => Some(' '),
        c => Some(c),
    }
}

/// At most `limit` characters. A text that is shortened ends in an ellipsis, and never in a part of
/// an escape: neither in a backslash that would escape the ellipsis nor in half an `&amp;`.
pub(crate) fn shortened(text: &str, limit: usize) -> String {
    if text.chars().nth(limit).is_none() {
        return text.to_owned();
    }
    let Some(room) = limit.checked_sub(1) else { return String::new() };
    let end = text.char_indices().nth(room).map_or(text.len(), |(at, _)| at);
    let mut kept = text.get(..before_escape(text, end)).unwrap_or_default().to_owned();
    kept.push(ELLIPSIS);
    kept
}

/// Where to cut so that no escape is cut: `end`, or the start of the escape that reaches over it.
fn before_escape(text: &str, end: usize) -> usize {
    let kept = text.get(..end).unwrap_or_default();
    let backslashes = kept.bytes().rev().take_while(|byte| *byte == b'\\').count();
    if backslashes % 2 == 1 {
        return end - 1;
    }
    let Some(at) = kept.rfind('&') else { return end };
    let cut = |escape: &&str| text[at..].starts_with(*escape) && at + escape.len() > end;
    if ESCAPES.iter().any(cut) { at } else { end }
}

/// One short line of visible text without an e-mail address in it, fit for a token and a page; none
/// if nothing is left.
///
/// Of an address the part before the sign stays, by which people know their own. Doing it twice
/// changes nothing more.
pub(crate) fn presentable(text: &str) -> Option<String> {
    let line = one_line(text);
    let words: Vec<_> = line.split(' ').map(without_address).collect();
    Some(fit_for_token(&words.join(" "))).filter(|text| !text.is_empty())
}

fn without_address(word: &str) -> String {
    match word.char_indices().skip(1).find(|(_, c)| *c == '@') {
        Some((at, _)) => format!("{}@{ELLIPSIS}", word.get(..at).unwrap_or_default()),
        None => word.to_owned(),
    }
}

fn fit_for_token(text: &str) -> String {
    if text.len() <= LONGEST_IN_TOKEN {
        return text.to_owned();
    }
    let end = text.floor_char_boundary(LONGEST_IN_TOKEN - ELLIPSIS.len_utf8());
    shortened(text, text[..end].chars().count() + 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_stay_and_tricks_go() {
        let long = "ü".repeat(200);
        let cases = [
            ("Ada Lovelace", Some("Ada Lovelace")),
            ("  Ada\r\n\tLovelace\u{0} ", Some("Ada Lovelace")),
            ("\u{202e}ecalevoL\u{202c} \u{2067}x\u{2069}", Some("ecalevoL x")),
            ("ada@example.com", Some("ada@…")),
            ("crm:ada@example.com:7 (Ada)", Some("crm:ada@… (Ada)")),
            ("@Connect", Some("@Connect")),
            ("👩🏽‍💻", Some("👩🏽‍💻")),
            (" \u{200b} \n", None),
            ("", None),
        ];
        for (text, expected) in cases {
            assert_eq!(presentable(text).as_deref(), expected, "{text:?}");
        }
        assert_eq!(presentable(&long), Some(format!("{}…", "ü".repeat(46))));
    }

    #[test]
    fn what_is_shortened_says_so_and_breaks_no_escape() {
        let cases = [
            ("abc", 3, "abc"),
            ("abcd", 3, "ab…"),
            ("äöüß", 3, "äö…"),
            ("a\\*d", 3, "a…"),
            ("\\\\\\*", 3, "\\\\…"),
            ("R&amp;D department", 5, "R…"),
            ("R&amp;D department", 7, "R&amp;…"),
            ("R&D department", 5, "R&D …"),
            ("a&lt;b", 4, "a…"),
            ("ab", 1, "…"),
            ("ab", 0, ""),
            ("", 0, ""),
        ];
        for (text, limit, expected) in cases {
            assert_eq!(shortened(text, limit), expected, "{text:?} to {limit}");
        }
    }

    proptest! {
        #[test]
        fn any_text_becomes_one_visible_line(text in any::<String>()) {
            let line = one_line(&text);
            prop_assert!(line.chars().all(|c| visible(c) == Some(c)));
            prop_assert!(!line.contains("  ") && line.trim() == line);
            prop_assert_eq!(one_line(&line), line);
        }

        #[test]
        fn any_text_is_shortened_to_its_limit_and_not_again(
            text in "[a-z&;\\\\é👩]{0,30}|(&amp;|&lt;|\\\\.){0,9}",
            limit in 0_usize..40,
        ) {
            let once = shortened(&text, limit);
            prop_assert!(once.chars().count() <= limit);
            prop_assert_eq!(shortened(&once, limit), once.clone());
            if text.chars().count() <= limit {
                prop_assert_eq!(once, text);
            }
        }

        #[test]
        fn any_text_becomes_short_and_stays_as_it_is_then(text in any::<String>()) {
            if let Some(once) = presentable(&text) {
                prop_assert!(once.len() <= LONGEST_IN_TOKEN);
                prop_assert_eq!(presentable(&once), Some(once));
            }
        }
    }
}
