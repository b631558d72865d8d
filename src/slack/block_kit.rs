//! Messages in Slack's Block Kit.
//!
//! There is one type for what we send, and it is private by construction: every way of delivering a
//! [`PrivateMessage`] shows it to one person. Limits are those of Slack's Block Kit reference.

use std::borrow::Cow;

use jiff::Timestamp;
use serde::Serialize;

use crate::text::shortened;
use crate::words::message::{Button, Markup, Message};

/// The `action_id` of the sign-in button, by which its press is recognised.
pub const SIGN_IN_ACTION: &str = "connect_sign_in";
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
        action_id: &'static str,
        style: &'static str,
        accessibility_label: String,
        url: String,
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
        let blocks = paragraphs
            .map(|paragraph| Block::Section { text: mrkdwn(paragraph) })
            .chain(
                message
                    .button
                    .as_ref()
                    .map(|button| Block::Actions { elements: vec![link_button(button)] }),
            )
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

    /// The message as a post to a response URL, in place of what was said there before.
    #[must_use]
    pub fn in_place_of_promise(&self) -> impl Serialize + '_ {
        Ephemeral { response_type: "ephemeral", replace_original: Some(true), message: self }
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

fn link_button(button: &Button) -> Element {
    Element::Button {
        text: Text::PlainText { text: shortened(&button.label, LONGEST_BUTTON_TEXT) },
        action_id: SIGN_IN_ACTION,
        style: "primary",
        accessibility_label: shortened(&button.spoken_label, LONGEST_BUTTON_TEXT),
        url: button.link.expose().to_owned(),
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
mod tests {
    use std::time::Duration;

    use insta::assert_snapshot;
    use proptest::prelude::*;
    use serde_json::Value;
    use url::Url;

    use super::*;
    use crate::core::Language;
    use crate::core::{
        Answer, Invitee, Link, Misheard, Reason, Reference, Refusal, SignIn, SignInLink,
    };
    use crate::net::{HostAllowlist, SecretUrl, Subdomains};
    use crate::novu::SubscriberId;
    use crate::words::message::Voice;
    use connect_sandbox::slack::block_kit::validate;

    fn moment() -> Timestamp {
        Timestamp::from_second(1_790_000_000).unwrap()
    }

    fn voice(language: Language, command: &str) -> Voice<'_> {
        Voice { language, command, reference: Reference::from_random([7; 5]), markup: &Mrkdwn }
    }

    fn sign_in(length: usize) -> Answer {
        let url = format!("https://slack.com/oauth/v2/authorize?state={}", "s".repeat(length));
        let hosts = HostAllowlist::new(["slack.com"], Subdomains::Refused).unwrap();
        let url = SecretUrl::new(Url::parse(&url).unwrap());
        let link = SignInLink::admit(url, &hosts).unwrap();
        let invitee = Invitee {
            subscriber: SubscriberId::new("slack:T1:U1").unwrap(),
            subscriber_name: None,
            chat_name: None,
        };
        Answer::SignIn(SignIn {
            link,
            lasts: crate::core::Lasts::Minted { until: moment() },
            invitee,
        })
    }

    fn shown(language: Language, answer: &Answer) -> Value {
        let message = PrivateMessage::render(&voice(language, "/connect").message(answer));
        let shown = serde_json::to_value(message.as_response()).unwrap();
        validate(&shown).unwrap();
        shown
    }

    fn read_aloud(language: Language, answer: &Answer) -> String {
        shown(language, answer)["text"].as_str().unwrap().to_owned()
    }

    #[test]
    fn a_sign_in_message_looks_like_this() {
        insta::assert_json_snapshot!(shown(Language::English, &sign_in(8)));
    }

    #[test]
    fn messages_read_aloud() {
        let link = Link {
            subscriber: SubscriberId::new("slack:T1:U1").unwrap(),
            name: Some("Ada & <Co>".to_owned()),
            since: Some(moment()),
        };
        let misheard = Misheard { said: "conect".to_owned(), nearest: Some("connect".to_owned()) };
        let refusal = Refusal {
            sentence: None,
            retry_after: Some(Duration::from_secs(3)),
            ..Reason::WorkspaceNotConnected.into()
        };
        let answers = [
            sign_in(8),
            Answer::AlreadyConnected(link.clone()),
            Answer::AlreadyConnected(Link { name: None, since: None, ..link }),
            Answer::NotConnected,
            Answer::Working,
            Answer::Help(Some(misheard)),
            Answer::Refused(refusal),
        ];
        for language in Language::ALL {
            let read: Vec<_> = answers.iter().map(|answer| read_aloud(*language, answer)).collect();
            assert_snapshot!(format!("read_aloud_{}", language.tag()), read.join("\n---\n"));
        }
    }

    #[test]
    fn a_message_does_not_print_its_link() {
        let message = voice(Language::English, "/connect").message(&sign_in(8));
        let message = PrivateMessage::render(&message);
        assert!(!format!("{message:?}").contains("authorize"));
    }

    #[test]
    fn text_from_outside_is_made_harmless() {
        let cases = [
            ("Ada", "Ada"),
            ("<!channel>", "&lt;!channel&gt;"),
            ("<@U1|x> & co", "&lt;@U1|x&gt; &amp; co"),
        ];
        for (text, safe) in cases {
            assert_eq!(Mrkdwn.escape(text), safe);
        }
    }

    #[test]
    fn dates_show_in_the_readers_time_zone() {
        assert_eq!(Mrkdwn.day(moment()), "<!date^1790000000^{date_long}|2026-09-21>");
        assert_eq!(Mrkdwn.time(moment()), "<!date^1790000000^{time}|14:13 UTC>");
    }

    fn any_answer() -> impl Strategy<Value = Answer> {
        let text = "\\PC{0,400}|[<>&`\n]{0,400}|🔔{0,400}";
        prop_oneof![
            (0_usize..2900).prop_map(sign_in),
            (text, proptest::option::of(any::<i32>())).prop_map(|(name, since)| {
                Answer::AlreadyConnected(Link {
                    subscriber: SubscriberId::new(format!("id{name}")).unwrap(),
                    name: Some(name),
                    since: since.map(|second| Timestamp::from_second(second.into()).unwrap()),
                })
            }),
            (text, proptest::option::of(text))
                .prop_map(|(said, nearest)| { Answer::Help(Some(Misheard { said, nearest })) }),
            (proptest::sample::select(Reason::ALL), proptest::option::of(text)).prop_map(
                |(reason, sentence)| Answer::Refused(Refusal { sentence, ..reason.into() })
            ),
            Just(Answer::NotConnected),
            Just(Answer::Working),
            Just(Answer::Help(None)),
        ]
    }

    proptest! {
        #[test]
        fn no_message_breaks_a_limit_or_mentions_anybody(
            answer in any_answer(),
            command in "/\\PC{0,400}|/<!channel>",
            german in any::<bool>(),
        ) {
            let language = if german { Language::German } else { Language::English };
            let message = PrivateMessage::render(&voice(language, &command).message(&answer));
            for shown in [
                serde_json::to_value(message.as_response()).unwrap(),
                serde_json::to_value(message.in_place_of_promise()).unwrap(),
                serde_json::to_value(&message).unwrap(),
            ] {
                prop_assert_eq!(validate(&shown), Ok(()));
                let text = shown.to_string();
                prop_assert!(!text.contains("<!channel") && !text.contains("<@") && !text.contains("<http"));
            }
        }
    }
}
