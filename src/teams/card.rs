//! Messages as Adaptive Cards.
//!
//! A card is private by construction: it can hold a sign-in link, and the only ways to send one are
//! those of [`outgoing`](super::outgoing) that show it to one person. The form is schema 1.5, the
//! newest that Teams shows to users of bots (Teams, Adaptive Cards).

use std::fmt;

use serde::Serialize;

use super::markup::{CardMarkdown, PlainText};
use crate::core::Language;
use crate::core::{Answer, Reference};
use crate::words::message::{Button, Markup, Message, Voice};

/// The verb of the button that asks for a fresh link, by which its press is recognised.
pub const NEW_LINK: &str = "connect.new_link";
/// The longest URL that a button can hold, in characters.
pub const LONGEST_LINK: usize = 4000;
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
pub struct Wording<'a> {
    /// The language.
    pub language: Language,
    /// What the person types to reach the bot. May come from outside.
    pub command: &'a str,
    /// The reference of the question.
    pub reference: Reference,
}

impl Wording<'_> {
    fn message(&self, answer: &Answer, markup: &dyn Markup) -> Message {
        let Self { language, command, reference } = *self;
        Voice { language, command, reference, markup }.message(answer)
    }
}

/// A card that one person sees. Does not print.
#[derive(Clone, PartialEq, Serialize)]
pub struct PrivateCard {
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
    Execute { title: String, verb: &'static str },
}

/// A link that does not fit into a button.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinkTooLong;

impl PrivateCard {
    /// Puts an answer on a card.
    ///
    /// What is heard, and what notifications show, is worded apart from what is seen: there, Markdown
    /// would be read out and date functions would stay as they are.
    ///
    /// # Errors
    /// The link is longer than [`LONGEST_LINK`].
    pub fn render(answer: &Answer, wording: Wording<'_>) -> Result<Self, LinkTooLong> {
        let shown = wording.message(answer, &CardMarkdown);
        let button = shown.button.as_ref().map(link_button).transpose()?;
        let plain = wording.message(answer, &PlainText);
        Ok(Self::assemble(&shown, &plain, button, wording.language))
    }

    /// Puts an answer on a card and leaves its link out, if it has one.
    #[must_use]
    pub fn without_link(answer: &Answer, wording: Wording<'_>) -> Self {
        let shown = wording.message(answer, &CardMarkdown);
        let plain = wording.message(answer, &PlainText);
        Self::assemble(&shown, &plain, None, wording.language)
    }

    /// Adds the button that asks for a fresh link. Its press is the invoke `adaptiveCard/action` with
    /// the verb [`NEW_LINK`].
    #[must_use]
    pub fn offering_new_link(mut self, language: Language) -> Self {
        let title = cut(&language.say("new-link-button", &[]), LONGEST_TITLE);
        self.actions.push(Action::Execute { title, verb: NEW_LINK });
        self
    }

    /// What the card says, in one line for notifications and chat lists. Holds no link.
    pub(super) fn summary(&self) -> &str {
        &self.summary
    }

    fn assemble(
        shown: &Message,
        plain: &Message,
        button: Option<Action>,
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
            actions: button.into_iter().collect(),
            summary: cut(first_line(plain), LONGEST_SUMMARY),
        }
    }
}

fn link_button(button: &Button) -> Result<Action, LinkTooLong> {
    let url = button.link.expose();
    if url.len() > LONGEST_LINK {
        return Err(LinkTooLong);
    }
    Ok(Action::OpenUrl {
        title: cut(&button.label, LONGEST_TITLE),
        tooltip: cut(&button.spoken_label, LONGEST_TITLE),
        url: url.to_owned(),
    })
}

/// The lines of a message, each a block of its own: clients disagree on what a line break within a
/// block is. The first one is the heading.
fn lines(message: &Message) -> impl Iterator<Item = TextBlock> {
    let lines = message.body.iter().flat_map(|paragraph| {
        let lines = paragraph.split(['\n', '\r']).filter(|line| !line.trim().is_empty());
        lines.enumerate().map(|(index, line)| (index > 0, line))
    });
    let cut_to_size = lines.scan(LONGEST_TEXT, |left, (continues, line)| {
        let text = cut(line, *left);
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

/// At most `limit` characters, none of them a control character. A text that is cut says so, and
/// keeps no lone backslash that would escape what follows.
fn cut(text: &str, limit: usize) -> String {
    let clean = |character: char| if character.is_control() { ' ' } else { character };
    if text.chars().nth(limit).is_none() {
        return text.chars().map(clean).collect();
    }
    let Some(room) = limit.checked_sub(1) else { return String::new() };
    let mut kept: String = text.chars().take(room).map(clean).collect();
    let backslashes = kept.chars().rev().take_while(|character| *character == '\\').count();
    if backslashes % 2 == 1 {
        kept.pop();
    }
    kept.push('…');
    kept
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;
    use std::time::Duration;

    use jiff::Timestamp;
    use jsonschema::{Draft, Validator};
    use proptest::prelude::*;
    use serde_json::{Value, json};
    use url::Url;

    use super::*;
    use crate::clock::after;
    use crate::core::{Invitee, Link, Misheard, Reason, Refusal, SignIn, SignInLink};
    use crate::net::{HostAllowlist, SecretUrl, Subdomains};
    use crate::novu::SubscriberId;

    /// The published schema of version 1.5.
    static SCHEMA: LazyLock<Validator> = LazyLock::new(|| {
        let text = include_str!("../../tests/schemas/adaptive-card-schema.json");
        let schema: Value = serde_json::from_str(text).unwrap();
        jsonschema::options()
            .with_draft(Draft::Draft6)
            .should_validate_formats(true)
            .build(&schema)
            .unwrap()
    });

    fn wording(language: Language) -> Wording<'static> {
        let reference = Reference::from_random([1; 5]);
        Wording { language, command: "/connect", reference }
    }

    /// A link as Novu makes it: its parameters are encoded.
    fn link(state: &str) -> SignInLink {
        let hosts = HostAllowlist::new(["login.microsoftonline.com"], Subdomains::Refused).unwrap();
        let mut url = Url::parse("https://login.microsoftonline.com/authorize").unwrap();
        url.query_pairs_mut().append_pair("state", state);
        SignInLink::admit(SecretUrl::new(url), &hosts).unwrap()
    }

    fn noon() -> Timestamp {
        "2026-08-01T12:00:00Z".parse().unwrap()
    }

    fn sign_in(state: &str) -> Answer {
        let expires_at = after(noon(), Duration::from_mins(5));
        let invitee = Invitee {
            subscriber: SubscriberId::new("teams:t:u").unwrap(),
            subscriber_name: None,
            chat_name: None,
        };
        Answer::SignIn(SignIn { link: link(state), expires_at: Some(expires_at), invitee })
    }

    fn connected(name: &str) -> Answer {
        Answer::AlreadyConnected(Link {
            subscriber: SubscriberId::new("ada").unwrap(),
            name: Some(name.to_owned()),
            since: Some(noon()),
        })
    }

    fn check(card: &PrivateCard) -> Value {
        let text = serde_json::to_string(card).unwrap();
        let value: Value = serde_json::from_str(&text).unwrap();
        if let Err(error) = SCHEMA.validate(&value) {
            panic!("{error}\n{text}");
        }
        assert!(text.len() < LARGEST_CARD, "{} bytes as UTF-8", text.len());
        let utf_16 = text.encode_utf16().count() * 2;
        assert!(utf_16 < LARGEST_CARD, "{utf_16} bytes as UTF-16");
        value
    }

    #[test]
    fn the_schema_finds_mistakes() {
        let good = serde_json::to_value(
            PrivateCard::render(&Answer::Working, wording(Language::English)).unwrap(),
        )
        .unwrap();
        assert!(SCHEMA.is_valid(&good));
        let mut bad = good.clone();
        bad["body"][0]["style"] = json!("title");
        assert!(!SCHEMA.is_valid(&bad));
        let mut bad = good;
        bad["actions"] = json!([{"type": "Action.OpenUrl", "title": "x"}]);
        assert!(!SCHEMA.is_valid(&bad));
    }

    #[test]
    fn the_sign_in_card_holds_its_link_once() {
        let card = PrivateCard::render(&sign_in("s3cret"), wording(Language::English));
        let card = card.unwrap().offering_new_link(Language::English);
        let value = check(&card);
        insta::assert_json_snapshot!(value, @r#"
        {
          "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
          "actions": [
            {
              "title": "Sign in",
              "tooltip": "Sign in to connect your account",
              "type": "Action.OpenUrl",
              "url": "https://login.microsoftonline.com/authorize?state=s3cret"
            },
            {
              "title": "New link",
              "type": "Action.Execute",
              "verb": "connect.new_link"
            }
          ],
          "body": [
            {
              "size": "medium",
              "style": "heading",
              "text": "Connect your account to get your notifications here.",
              "type": "TextBlock",
              "weight": "bolder",
              "wrap": true
            },
            {
              "isSubtle": true,
              "size": "small",
              "text": "Only you can see this. The link is personal: do not pass it on. It works until {{TIME(2026-08-01T12:05:00Z)}}. After signing in you can close the page and come back here.",
              "type": "TextBlock",
              "wrap": true
            }
          ],
          "fallbackText": "This app cannot show the message. Open this chat in a newer version of the app, or in your browser.",
          "lang": "en",
          "speak": "Connect your account to get your notifications here. Use the button “Sign in” in this message. Only you can see this. The link is personal: do not pass it on. It works until 12:05 UTC. After signing in you can close the page and come back here.",
          "type": "AdaptiveCard",
          "version": "1.5"
        }
        "#);
        assert_eq!(value.to_string().matches("s3cret").count(), 1);
        assert!(!format!("{card:?} {}", card.summary()).contains("s3cret"));
    }

    #[test]
    fn a_card_speaks_its_readers_language() {
        let value =
            check(&PrivateCard::render(&connected("Ada"), wording(Language::German)).unwrap());
        assert_eq!(value["lang"], "de");
        assert_eq!(
            value["body"][0]["text"],
            "Du bist seit {{DATE(2026-08-01T12:00:00Z, LONG)}} als Ada verbunden."
        );
        let spoken = value["speak"].as_str().unwrap();
        assert!(spoken.starts_with("Du bist seit 2026-08-01 als Ada verbunden."), "{spoken}");
    }

    #[test]
    fn what_is_to_be_typed_is_bold_to_see_and_plain_to_hear() {
        let card = PrivateCard::render(&Answer::NotConnected, wording(Language::English)).unwrap();
        let value = check(&card);
        assert_eq!(value["body"][1]["text"], "Type **/connect** to connect your account.");
        assert!(
            value["speak"].as_str().unwrap().ends_with("Type /connect to connect your account.")
        );
    }

    #[test]
    fn every_line_of_help_is_a_block_under_the_heading() {
        let value =
            check(&PrivateCard::render(&Answer::Help(None), wording(Language::English)).unwrap());
        let body = value["body"].as_array().unwrap();
        assert_eq!(body[0]["style"], "heading");
        assert!(body.iter().all(|block| block["wrap"] == true));
        assert!(body[1..].iter().all(|block| block["spacing"] == "none"));
        assert!(body.iter().all(|block| !block["text"].as_str().unwrap().contains('\n')));
    }

    #[test]
    fn a_link_that_does_not_fit_is_refused() {
        let long = sign_in(&"x".repeat(LONGEST_LINK));
        let wording = wording(Language::English);
        assert_eq!(PrivateCard::render(&long, wording), Err(LinkTooLong));
        let value = check(&PrivateCard::without_link(&long, wording));
        assert_eq!(value.get("actions"), None);
    }

    #[test]
    fn a_cut_text_says_so_and_escapes_nothing_after_it() {
        assert_eq!(cut("abc", 3), "abc");
        assert_eq!(cut("abcd", 3), "ab…");
        assert_eq!(cut("a\\*d", 3), "a…");
        assert_eq!(cut("\\\\\\*", 3), "\\\\…");
        assert_eq!(cut("ab", 0), "");
        assert_eq!(cut("a\tb", 3), "a b");
    }

    #[test]
    fn the_largest_card_fits() {
        let body = vec![format!("{}\n", "\"".repeat(LONGEST_TEXT / MOST_LINES)); MOST_LINES];
        let spoken = "\"".repeat(LONGEST_SPEECH + 1);
        let url = "x".repeat(LONGEST_LINK - link("").expose().len());
        let button =
            Button { label: spoken.clone(), spoken_label: spoken.clone(), link: link(&url) };
        let button = link_button(&button).unwrap();
        let message = Message { body, button: None, footer: Some(spoken.clone()), spoken };
        let card = PrivateCard::assemble(&message, &message, Some(button), Language::German);
        check(&card.offering_new_link(Language::German));
    }

    fn any_answer() -> impl Strategy<Value = Answer> {
        let text = || proptest::string::string_regex("(?s).{0,3000}").unwrap();
        prop_oneof![
            text().prop_map(|state| sign_in(&state)),
            text().prop_map(|name| connected(&name)),
            Just(Answer::NotConnected),
            Just(Answer::Working),
            (text(), any::<bool>()).prop_map(|(said, near)| {
                let nearest = near.then(|| "status".to_owned());
                Answer::Help(Some(Misheard { said, nearest }))
            }),
            (proptest::sample::select(Reason::ALL), proptest::option::of(text())).prop_map(
                |(reason, sentence)| { Answer::Refused(Refusal { sentence, ..reason.into() }) }
            ),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn no_answer_breaks_the_schema_or_the_limit(
            answer in any_answer(),
            command in ".{0,40}",
            german in any::<bool>(),
        ) {
            let language = if german { Language::German } else { Language::English };
            let wording = Wording { command: &command, ..wording(language) };
            let card = PrivateCard::render(&answer, wording)
                .unwrap_or_else(|LinkTooLong| PrivateCard::without_link(&answer, wording));
            check(&card.offering_new_link(language));
        }

        #[test]
        fn no_message_breaks_the_schema_or_the_limit(
            body in proptest::collection::vec("(?s)[\"\\\\\\x00-\\x1f😀é\na]{0,900}", 0..40),
            footer in proptest::option::of("(?s)[\"\\\\😀\n]{0,900}"),
        ) {
            let spoken = body.join("\n");
            let button = Button {
                label: spoken.clone(),
                spoken_label: spoken.clone(),
                link: link(&"x".repeat(3900)),
            };
            let message = Message { body, button: None, footer, spoken };
            let button = link_button(&button).unwrap();
            let card = PrivateCard::assemble(&message, &message, Some(button), Language::German);
            check(&card.offering_new_link(Language::German));
        }
    }
}
