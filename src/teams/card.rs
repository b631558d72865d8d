//! Messages as Adaptive Cards.
//!
//! A card is private by construction: it can hold a sign-in link, and the only ways to send one are
//! those of [`outgoing`](super::outgoing) that show it to one person. The form is schema 1.5, the
//! newest that Teams shows to users of bots (Teams, Adaptive Cards).

use std::fmt;

use serde::Serialize;

use super::markup::{CardMarkdown, PlainText};
use crate::core::Language;
use crate::core::{Answer, Lasts, Reference, SignIn};
use crate::text::{one_line, shortened};
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

impl PrivateCard {
    /// Puts an answer on a card. A link in it is at most [`LONGEST_LINK`] long.
    ///
    /// What is heard, and what notifications show, is worded apart from what is seen: there, Markdown
    /// would be read out and date functions would stay as they are. A card outlives a minted link, so
    /// beside one there is a button that asks for another, by the verb [`NEW_LINK`].
    #[must_use]
    pub fn render(answer: &Answer, wording: Wording<'_>) -> Self {
        let shown = wording.message(answer, &CardMarkdown);
        let plain = wording.message(answer, &PlainText);
        let minted = matches!(answer, Answer::SignIn(SignIn { lasts: Lasts::Minted { .. }, .. }));
        let renew = minted.then(|| renew_button(wording.language));
        let link = shown.button.as_ref().map(link_button);
        Self::assemble(&shown, &plain, link.into_iter().chain(renew).collect(), wording.language)
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
    let title = cut(&language.say("new-link-button", &[]), LONGEST_TITLE);
    Action::Execute { title, verb: NEW_LINK }
}

fn link_button(button: &Button) -> Action {
    Action::OpenUrl {
        title: cut(&button.label, LONGEST_TITLE),
        tooltip: cut(&button.spoken_label, LONGEST_TITLE),
        url: button.link.expose().to_owned(),
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
        let until = after(noon(), Duration::from_mins(5));
        let invitee = Invitee {
            subscriber: SubscriberId::new("teams:t:u").unwrap(),
            subscriber_name: None,
            chat_name: None,
        };
        Answer::SignIn(SignIn { link: link(state), lasts: Lasts::Minted { until }, invitee })
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
        let good =
            serde_json::to_value(PrivateCard::render(&Answer::Working, wording(Language::English)))
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
        let value = check(&PrivateCard::render(&connected("Ada"), wording(Language::German)));
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
        let card = PrivateCard::render(&Answer::NotConnected, wording(Language::English));
        let value = check(&card);
        assert_eq!(value["body"][1]["text"], "Type **/connect** to connect your account.");
        assert!(
            value["speak"].as_str().unwrap().ends_with("Type /connect to connect your account.")
        );
    }

    #[test]
    fn every_line_of_help_is_a_block_under_the_heading() {
        let value = check(&PrivateCard::render(&Answer::Help(None), wording(Language::English)));
        let body = value["body"].as_array().unwrap();
        assert_eq!(body[0]["style"], "heading");
        assert!(body.iter().all(|block| block["wrap"] == true));
        assert!(body[1..].iter().all(|block| block["spacing"] == "none"));
        assert!(body.iter().all(|block| !block["text"].as_str().unwrap().contains('\n')));
    }

    #[test]
    fn the_largest_card_fits() {
        let body = vec![format!("{}\n", "\"".repeat(LONGEST_TEXT / MOST_LINES)); MOST_LINES];
        let spoken = "\"".repeat(LONGEST_SPEECH + 1);
        let url = "x".repeat(LONGEST_LINK - link("").expose().len());
        let button =
            Button { label: spoken.clone(), spoken_label: spoken.clone(), link: link(&url) };
        let button = link_button(&button);
        let message = Message { body, button: None, footer: Some(spoken.clone()), spoken };
        let actions = vec![button, renew_button(Language::German)];
        check(&PrivateCard::assemble(&message, &message, actions, Language::German));
    }

    fn any_answer() -> impl Strategy<Value = Answer> {
        let text = || proptest::string::string_regex("(?s).{0,3000}").unwrap();
        prop_oneof![
            "[a-z]{0,3900}".prop_map(|state| sign_in(&state)),
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
            check(&PrivateCard::render(&answer, wording));
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
            let button = link_button(&button);
            let actions = vec![button, renew_button(Language::German)];
            check(&PrivateCard::assemble(&message, &message, actions, Language::German));
        }
    }
}
