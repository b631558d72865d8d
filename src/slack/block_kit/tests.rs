//! Tests of `block_kit.rs`.

use insta::assert_snapshot;
use proptest::prelude::*;
use serde_json::Value;
use url::Url;

use super::*;
use crate::core::Language;
use crate::core::{
    Answer, Invitee, Link, Reason, Reference, Refusal, SignIn, SignInLink, UnknownCommand,
};
use crate::net::{HostAllowlist, SecretUrl, Subdomains};
use crate::novu::SubscriberId;
use crate::words::message::Voice;
use crate::words::samples::{every_answer, link, status};
use connect_sandbox::slack::block_kit::validate;

fn moment() -> Timestamp {
    Timestamp::from_second(1_790_000_000).unwrap()
}

fn voice(language: Language, command: &str) -> Voice<'_> {
    let reference = Reference::from_random([7; 5]);
    Voice { language, command, reference, support: None, markup: &Mrkdwn }
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
    Answer::SignIn(SignIn { link, lasts: crate::core::Lasts::Minted { until: moment() }, invitee })
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

/// What a person sees of a message, and below it what they hear.
fn as_seen(message: &Value) -> String {
    let mut lines = Vec::new();
    for block in message["blocks"].as_array().unwrap() {
        lines.extend(block["text"]["text"].as_str().map(str::to_owned));
        let elements = block["elements"].as_array().into_iter().flatten();
        let line = elements.map(|element| match element["text"].as_str() {
            Some(text) => text.to_owned(),
            None => button_as_seen(element),
        });
        let line = line.collect::<Vec<_>>().join(" ");
        lines.extend(Some(line).filter(|line| !line.is_empty()));
    }
    format!("{}\n> {}", lines.join("\n"), message["text"].as_str().unwrap().replace('\n', "\n> "))
}

fn button_as_seen(button: &Value) -> String {
    let text = button["text"]["text"].as_str().unwrap();
    let style = button["style"].as_str().map(|style| format!(" ({style})")).unwrap_or_default();
    let target = button["action_id"].as_str().unwrap();
    let about = button["value"].as_str().map(|about| format!(" {about}")).unwrap_or_default();
    format!("[{text}]{style} {target}{about}")
}

#[test]
fn every_answer_as_people_see_and_hear_it() {
    for language in Language::ALL {
        let seen = every_answer()
            .into_iter()
            .map(|(name, answer)| format!("## {name}\n{}", as_seen(&shown(*language, &answer))));
        let seen = seen.collect::<Vec<_>>().join("\n\n");
        assert_snapshot!(format!("every_answer_{}", language.tag()), seen);
    }
}

#[test]
fn nobody_reads_twice_that_only_they_see_it() {
    // Slack says so itself.
    for (name, answer) in every_answer() {
        for (language, words) in [(Language::English, "only you"), (Language::German, "nur du ")] {
            let text = read_aloud(language, &answer).to_lowercase();
            assert!(!text.contains(words), "{name}: {text}");
        }
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
                can_test: false,
            })
        }),
        (text, proptest::option::of(text))
            .prop_map(|(said, nearest)| { Answer::Help(Some(UnknownCommand { said, nearest })) }),
        (proptest::sample::select(Reason::ALL), proptest::option::of(text))
            .prop_map(|(reason, sentence)| Answer::Refused(Refusal { sentence, ..reason.into() })),
        text.prop_map(|name| Answer::DisconnectWanted(link(&name))),
        (text, 0_usize..60).prop_map(|(name, others)| status(&name, others)),
        proptest::sample::select(every_answer()).prop_map(|(_, answer)| answer),
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
            serde_json::to_value(message.for_response_url(true)).unwrap(),
            serde_json::to_value(&message).unwrap(),
        ] {
            prop_assert_eq!(validate(&shown), Ok(()));
            let text = shown.to_string();
            prop_assert!(!text.contains("<!channel") && !text.contains("<@") && !text.contains("<http"));
        }
    }
}

#[test]
fn help_and_refusals_name_where_to_get_help() {
    for answer in [Answer::Help(None), Answer::Refused(Reason::Held.into())] {
        let quiet = voice(Language::English, "/connect");
        let shown = |support| {
            let message = Voice { support, ..quiet }.message(&answer);
            message.body.into_iter().chain(message.footer).collect::<Vec<_>>().join("\n")
        };
        let told = shown(Some("https://acme.example/help?a=1&b=2"));
        assert!(told.contains("Help: https://acme.example/help?a=1&amp;b=2"), "{told}");
        assert!(!shown(None).contains("Help:"));
    }
}
