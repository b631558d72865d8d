//! Takes the bot's own mention out of what somebody typed.
//!
//! In a group chat or a channel people reach the bot by mentioning it, so its name stands somewhere
//! in the text, often touching the next word (seen with the Agents Playground: `<at>Bot</at>connect`).

use crate::text::one_line;

/// The most mentions of the bot that are looked for; one message has no use for more.
const MOST_MENTIONS: usize = 16;

/// What somebody typed, without the given mentions of the bot, on one line.
///
/// A mention goes wherever it stands and however often, and leaves a space, so that words around it
/// stay apart. Mentions of others stay. Teams writes some blanks as `&nbsp;`; they count as such. A
/// slash in front goes too: Teams does not document whether a slash command arrives with it.
pub(super) fn without_mentions<'a>(
    text: &str,
    own_mentions: impl IntoIterator<Item = &'a str>,
) -> String {
    let own_mentions = own_mentions.into_iter().filter(|mention| !mention.trim().is_empty());
    let text =
        own_mentions.take(MOST_MENTIONS).fold(text.to_owned(), |text, own| text.replace(own, " "));
    let text = text.replace("&nbsp;", " ");
    let line = one_line(&text);
    line.strip_prefix('/').map(str::to_owned).unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::core::Intent;

    const BOT: &str = "<at>Connect Bot</at>";

    #[test]
    fn the_mention_goes_wherever_it_stands() {
        let cases = [
            ("<at>Connect Bot</at> status", "status"),
            ("<at>Connect Bot</at>status", "status"),
            ("<at>Connect Bot</at>&nbsp;status\n", "status"),
            ("<at>Connect Bot</at>\u{a0}status", "status"),
            ("status <at>Connect Bot</at>", "status"),
            ("who<at>Connect Bot</at>am i", "who am i"),
            ("<at>Connect Bot</at><at>Connect Bot</at>\r\nhelp", "help"),
            ("<at>Connect Bot</at>", ""),
            ("<at>Connect Bot</at> <at>Ada</at> status", "<at>Ada</at> status"),
            ("<at>connect bot</at> status", "<at>connect bot</at> status"),
            ("/status", "status"),
            ("<at>Connect Bot</at> /help", "help"),
            ("/", ""),
            ("status", "status"),
            ("", ""),
        ];
        for (text, rest) in cases {
            assert_eq!(without_mentions(text, [BOT]), rest, "{text:?}");
        }
    }

    #[test]
    fn mentions_without_text_take_nothing_away() {
        assert_eq!(without_mentions("log in", ["", " "]), "log in");
    }

    proptest! {
        #[test]
        fn every_known_word_survives_its_mentions(
            gaps in proptest::collection::vec("(|&nbsp;|\u{a0}|\n|\r\n| )", 1..5),
            before in any::<bool>(),
        ) {
            let mentions = gaps.iter().map(|gap| format!("{gap}{BOT}{gap}"));
            let mentions = mentions.collect::<Vec<_>>().concat();
            for (intent, word) in Intent::known() {
                let text =
                    if before { format!("{mentions}{word}") } else { format!("{word}{mentions}") };
                prop_assert_eq!(&Intent::parse(&without_mentions(&text, [BOT])), intent);
            }
        }

        #[test]
        fn nothing_but_the_mention_is_lost(words in "[a-z<>é&; ]{0,40}", at in 0_usize..40) {
            prop_assume!(!words.contains("&nbsp;"));
            let at = words.char_indices().map(|(at, _)| at).nth(at).unwrap_or(words.len());
            let (head, tail) = words.split_at(at);
            let letters = |text: &str| text.split_whitespace().collect::<String>();
            let rest = without_mentions(&format!("{head}{BOT}{tail}"), [BOT]);
            prop_assert_eq!(letters(&rest), letters(&words));
        }

        #[test]
        fn any_text_becomes_one_line(text in ".{0,200}", mention in ".{0,20}") {
            let rest = without_mentions(&text, [mention.as_str()]);
            prop_assert!(!rest.contains(['\n', '\r', '\t']));
            prop_assert!(!rest.contains("  "));
        }
    }
}
