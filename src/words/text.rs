//! Names from outside, made fit for a token and a page.

/// The longest text that a token carries, in bytes. Five of them fit into the longest token even
/// if JSON doubles every byte.
const LONGEST: usize = 96;
/// What stands where something was left out.
const ELLIPSIS: char = '…';

/// One line of visible text without an e-mail address in it; nothing if nothing is left.
///
/// Of an address the part before the sign stays, by which people know their own. Doing it twice
/// changes nothing more.
pub(crate) fn presentable(text: &str) -> Option<String> {
    let line = one_line(text);
    let words: Vec<_> = line.split(' ').map(without_address).collect();
    Some(shortened(words.join(" "))).filter(|text| !text.is_empty())
}

/// The visible characters on one line, with single spaces.
pub(crate) fn one_line(text: &str) -> String {
    let visible: String = text.chars().filter_map(visible).collect();
    visible.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Nothing for characters that turn the direction of the text around them or take no room: a name
/// could use them to look like another.
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

fn without_address(word: &str) -> String {
    match word.char_indices().skip(1).find(|(_, c)| *c == '@') {
        Some((at, _)) => format!("{}@{ELLIPSIS}", word.get(..at).unwrap_or_default()),
        None => word.to_owned(),
    }
}

fn shortened(mut text: String) -> String {
    if text.len() > LONGEST {
        text.truncate(text.floor_char_boundary(LONGEST - ELLIPSIS.len_utf8()));
        text.push(ELLIPSIS);
    }
    text
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

    proptest! {
        #[test]
        fn any_text_becomes_short_and_stays_as_it_is_then(text in any::<String>()) {
            if let Some(once) = presentable(&text) {
                prop_assert!(once.len() <= LONGEST);
                prop_assert_eq!(presentable(&once), Some(once));
            }
        }
    }
}
