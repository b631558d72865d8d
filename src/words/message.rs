//! An answer put into words, the same on every platform.
//!
//! A [`Message`] says what is shown and in which order; how it looks is the platform's business. The
//! platform also says how text from outside is made harmless, and how a date or a command is set:
//! that is its [`Markup`].

use std::borrow::Cow;

use jiff::Timestamp;

use crate::core::{
    Answer, Intent, Language, Lasts, Link, Reference, Refusal, SignIn, SignInLink, UnknownCommand,
};
use crate::text::{one_line, shortened};

/// The longest name from outside that is shown, in characters.
const LONGEST_NAME: usize = 120;
/// The longest sentence from outside that is shown, in characters.
const LONGEST_SENTENCE: usize = 300;

/// How a platform sets text.
pub trait Markup {
    /// Makes one visible line from outside harmless: no mention, no link, no formatting comes of it.
    fn escape<'a>(&self, line: &'a str) -> Cow<'a, str>;

    /// Sets something to be typed. Without markup it stands as it is.
    fn code(&self, text: &str) -> String {
        text.to_owned()
    }

    /// A day, in the reader's own time zone where the platform knows it; else that of universal time.
    fn day(&self, moment: Timestamp) -> String {
        moment.strftime("%Y-%m-%d").to_string()
    }

    /// A time of day, in the reader's own time zone where the platform knows it; else universal time.
    fn time(&self, moment: Timestamp) -> String {
        moment.strftime("%H:%M UTC").to_string()
    }
}

/// A message for one person. All text is set in the platform's markup.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// Paragraphs, the most important first.
    pub body: Vec<String>,
    /// The one thing to press.
    pub button: Option<Button>,
    /// Small print.
    pub footer: Option<String>,
    /// All of it for those who hear it instead: the paragraphs, and what the button does.
    pub spoken: String,
}

/// A button that opens a sign-in link.
#[derive(Debug, Clone, PartialEq)]
pub struct Button {
    /// What it says.
    pub label: String,
    /// What a screen reader says.
    pub spoken_label: String,
    /// Where it leads.
    pub link: SignInLink,
}

/// How a message is to be worded.
#[derive(Clone, Copy)]
pub struct Voice<'a> {
    /// The language.
    pub language: Language,
    /// What the person types to reach the bot, such as `/connect`. May come from outside.
    pub command: &'a str,
    /// The reference of the question.
    pub reference: Reference,
    /// The platform's way of setting text.
    pub markup: &'a dyn Markup,
}

impl Voice<'_> {
    /// Puts an answer into words.
    #[must_use]
    pub fn message(&self, answer: &Answer) -> Message {
        match answer {
            Answer::SignIn(sign_in) => self.sign_in(sign_in),
            Answer::AlreadyConnected(link) => self.already_connected(link),
            Answer::NotConnected => plain(vec![
                self.say("not-connected", &[]),
                self.say("not-connected-hint", &[("connect", &self.typed(Intent::CONNECT_WORD))]),
            ]),
            Answer::Working => plain(vec![self.say("working", &[])]),
            Answer::Welcome => self.help(Some(self.say("welcome", &[]))),
            Answer::Help(None) => self.help(None),
            Answer::Help(Some(unknown)) => self.help(Some(self.sorry(unknown))),
            Answer::Refused(refusal) => self.refused(refusal),
        }
    }

    fn sign_in(&self, sign_in: &SignIn) -> Message {
        let lead = self.say("sign-in", &[]);
        let mut private = self.say("sign-in-private", &[]);
        if let Lasts::Minted { until } = sign_in.lasts {
            private.push(' ');
            private += &self.say("sign-in-until", &[("until", &self.markup.time(until))]);
        }
        let after = self.say("sign-in-after", &[]);
        let spoken = format!("{lead} {} {private} {after}", self.say("sign-in-spoken", &[]));
        Message {
            body: vec![lead],
            button: Some(Button {
                label: self.say("sign-in-button", &[]),
                spoken_label: self.say("sign-in-button-label", &[]),
                link: sign_in.link.clone(),
            }),
            footer: Some(format!("{private} {after}")),
            spoken,
        }
    }

    fn already_connected(&self, link: &Link) -> Message {
        let name = link.name.as_deref().unwrap_or(link.subscriber.as_str());
        let name = self.harmless(name, LONGEST_NAME);
        let headline = match link.since {
            Some(since) => self.say(
                "already-connected-since",
                &[("subscriber", &name), ("since", &self.markup.day(since))],
            ),
            None => self.say("already-connected", &[("subscriber", &name)]),
        };
        plain(vec![headline, self.say("already-connected-hint", &[])])
    }

    fn help(&self, first: Option<String>) -> Message {
        let lines = Intent::known().map(|(intent, word)| {
            format!("• {}", self.say(help_key(intent), &[("words", &self.typed(word))]))
        });
        let list = std::iter::once(self.say("help", &[])).chain(lines).collect::<Vec<_>>();
        plain(first.into_iter().chain([list.join("\n")]).collect())
    }

    fn sorry(&self, unknown: &UnknownCommand) -> String {
        let mut sorry = self
            .say("help-unknown-command", &[("said", &self.harmless(&unknown.said, LONGEST_NAME))]);
        if let Some(nearest) = &unknown.nearest {
            sorry.push(' ');
            sorry += &self.say("help-meant", &[("nearest", &self.typed(nearest))]);
        }
        sorry
    }

    fn refused(&self, refusal: &Refusal) -> Message {
        let code = refusal.reason.code();
        let why = match &refusal.sentence {
            Some(sentence) => self.harmless(sentence, LONGEST_SENTENCE),
            None => self.say(code, &[]),
        };
        let remedy = self.language.remedy(code, &[("connect", &self.typed(Intent::CONNECT_WORD))]);
        let reference =
            self.say("reference", &[("code", code), ("reference", self.reference.as_str())]);
        let spoken = format!("{why} {remedy} {reference}");
        Message { body: vec![why, remedy], button: None, footer: Some(reference), spoken }
    }

    fn say(&self, key: &str, values: &[(&'static str, &str)]) -> String {
        self.language.say(key, values)
    }

    /// The command with a word of the grammar, ready to be typed; the command alone is enough to
    /// connect.
    fn typed(&self, word: &str) -> String {
        let command = self.harmless(self.command, LONGEST_NAME);
        let needed = command.is_empty() || word != Intent::CONNECT_WORD;
        let word = self.markup.escape(if needed { word } else { "" });
        self.markup.code(format!("{command} {word}").trim())
    }

    /// Text from outside, of at most `limit` characters before it is escaped.
    fn harmless(&self, text: &str, limit: usize) -> String {
        self.markup.escape(&shortened(&one_line(text), limit)).into_owned()
    }
}

fn plain(body: Vec<String>) -> Message {
    let spoken = body.join("\n");
    Message { body, button: None, footer: None, spoken }
}

/// The line of help for an intent. Exhaustive, so that no intent goes without one.
const fn help_key(intent: &Intent) -> &'static str {
    match intent {
        Intent::Connect => "help-connect",
        Intent::Status => "help-status",
        Intent::Help | Intent::Welcome | Intent::Unknown { .. } => "help-help",
    }
}
