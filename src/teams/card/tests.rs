//! Tests of `card.rs`.

use std::sync::LazyLock;
use std::time::Duration;

use jiff::Timestamp;
use jsonschema::{Draft, Validator};
use proptest::prelude::*;
use serde_json::{Value, json};
use url::Url;

use super::*;
use crate::clock::after;
use crate::core::{Invitee, Link, Reason, Refusal, SignIn, SignInLink, UnknownCommand};
use crate::net::{HostAllowlist, SecretUrl, Subdomains};
use crate::novu::SubscriberId;
use crate::words::samples::{every_answer, status};

/// The published schema of version 1.5.
static SCHEMA: LazyLock<Validator> = LazyLock::new(|| {
    let text = include_str!("../../../tests/schemas/adaptive-card-schema.json");
    let schema: Value = serde_json::from_str(text).unwrap();
    jsonschema::options()
        .with_draft(Draft::Draft6)
        .should_validate_formats(true)
        .build(&schema)
        .unwrap()
});

fn wording(language: Language) -> Wording<'static> {
    let reference = Reference::from_random([1; 5]);
    Wording { language, command: "/connect", reference, support: None }
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
        can_test: false,
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
          "text": "The link is yours alone: do not pass it on. It works until {{TIME(2026-08-01T12:05:00Z)}}. After signing in you can close the page and come back here.",
          "type": "TextBlock",
          "wrap": true
        }
      ],
      "fallbackText": "This app cannot show the message. Open this chat in a newer version of the app, or in your browser.",
      "lang": "en",
      "speak": "Connect your account to get your notifications here. Use the button “Sign in” in this message. The link is yours alone: do not pass it on. It works until 12:05 UTC. After signing in you can close the page and come back here.",
      "type": "AdaptiveCard",
      "version": "1.5"
    }
    "#);
    assert_eq!(value.to_string().matches("s3cret").count(), 1);
    assert!(!format!("{card:?} {}", card.summary()).contains("s3cret"));
}

/// What a person sees of a card, and below it what they hear.
fn as_seen(card: &Value) -> String {
    let lines = card["body"].as_array().unwrap().iter();
    let lines = lines.map(|block| block["text"].as_str().unwrap().to_owned());
    let buttons = card["actions"].as_array().into_iter().flatten().map(|action| {
        let text = |name: &str| action[name].as_str();
        let style = text("style").map(|style| format!(" ({style})")).unwrap_or_default();
        let about = action["data"]["message"].as_str().map(|about| format!(" {about}"));
        let target = text("verb").unwrap_or("link");
        format!("[{}]{style} {target}{}", text("title").unwrap(), about.unwrap_or_default())
    });
    let seen = lines.chain(buttons).collect::<Vec<_>>().join("\n");
    format!("{seen}\n> {}", card["speak"].as_str().unwrap())
}

#[test]
fn every_answer_as_people_see_and_hear_it() {
    for language in Language::ALL {
        let seen = every_answer().into_iter().map(|(name, answer)| {
            let card = PrivateCard::render(&answer, Wording { command: "", ..wording(*language) });
            format!("## {name}\n{}", as_seen(&check(&card)))
        });
        let seen = seen.collect::<Vec<_>>().join("\n\n");
        insta::assert_snapshot!(format!("every_answer_{}", language.tag()), seen);
    }
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
    assert_eq!(value["body"][1]["text"], "Press “Connect”, or type **/connect**.");
    assert!(value["speak"].as_str().unwrap().contains("or type /connect. Buttons"), "{value}");
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
    let button = Button {
        label: spoken.clone(),
        spoken_label: spoken.clone(),
        style: Style::Primary,
        target: Target::Link(link(&url)),
    };
    let button = super::button(&button);
    let message = Message { body, buttons: Vec::new(), footer: Some(spoken.clone()), spoken };
    let actions = vec![button, renew_button(Language::German)];
    check(&PrivateCard::assemble(&message, &message, actions, Language::German));
}

fn any_answer() -> impl Strategy<Value = Answer> {
    let text = || proptest::string::string_regex("(?s).{0,3000}").unwrap();
    prop_oneof![
        "[a-z]{0,3900}".prop_map(|state| sign_in(&state)),
        text().prop_map(|name| connected(&name)),
        (text(), 0_usize..60).prop_map(|(name, others)| status(&name, others)),
        proptest::sample::select(every_answer()).prop_map(|(_, answer)| answer),
        (text(), any::<bool>()).prop_map(|(said, near)| {
            let nearest = near.then(|| "status".to_owned());
            Answer::Help(Some(UnknownCommand { said, nearest }))
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
            style: Style::Primary,
            target: Target::Link(link(&"x".repeat(3900))),
        };
        let message = Message { body, buttons: Vec::new(), footer, spoken };
        let button = super::button(&button);
        let actions = vec![button, renew_button(Language::German)];
        check(&PrivateCard::assemble(&message, &message, actions, Language::German));
    }
}
