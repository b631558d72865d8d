//! An answer put into words, the same on every platform.
//!
//! A [`Message`] says what is shown and in which order; how it looks is the platform's business. The
//! platform also says how text from outside is made harmless, and how a date or a command is set:
//! that is its [`Markup`].

mod workspace;

use std::borrow::Cow;

use jiff::Timestamp;

use super::grammar::press_for;
use crate::core::{
    Answer, Connected, Intent, Language, Lasts, Link, LinkStatus, Press, Reference, Refusal,
    SignIn, SignInLink, Status, Tested, UnknownCommand, WorkspaceAct, WrongPerson,
};
use crate::text::{one_line, shortened};

/// The longest name from outside that is shown, in characters.
const LONGEST_NAME: usize = 120;
/// The longest sentence from outside that is shown, in characters.
const LONGEST_SENTENCE: usize = 300;
/// The most chat accounts that are named in a status.
const MOST_LINKS: usize = 10;
/// The word that asks for help.
const HELP_WORD: &str = "help";

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
    /// What can be pressed, the most important first.
    pub buttons: Vec<Button>,
    /// Small print.
    pub footer: Option<String>,
    /// All of it for those who hear it instead: the paragraphs, and what the button does.
    pub spoken: String,
}

/// A button.
#[derive(Debug, Clone, PartialEq)]
pub struct Button {
    /// What it says.
    pub label: String,
    /// What a screen reader says.
    pub spoken_label: String,
    /// What sort of thing it does.
    pub style: Style,
    /// What it does.
    pub target: Target,
}

/// What sort of thing a button does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// What most people want.
    Primary,
    /// Something else.
    Plain,
    /// Something that takes away.
    Danger,
}

/// What a button does.
#[derive(Debug, Clone, PartialEq)]
pub enum Target {
    /// Opens a sign-in link.
    Link(SignInLink),
    /// Asks for something.
    Press(Press),
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
    /// Where people get help, if the operator has said so.
    pub support: Option<&'a str>,
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
            Answer::NotConnected => self.told("not-connected", &[CONNECT]),
            Answer::Status(status) => self.status(status),
            Answer::Connected(connected) => self.connected(connected),
            Answer::WrongPerson(wrong) => self.wrong_person(*wrong),
            Answer::NotYourLink => self.told("not-your-link", &[CONNECT]),
            Answer::WasItYou(message) => {
                self.told("was-it-you", &[it_was_me(*message), it_was_not_me(*message)])
            }
            Answer::NotConfirmed => self.told("not-confirmed", &[NEW_LINK]),
            Answer::RunOut => self.told("run-out", &[NEW_LINK]),
            Answer::Replaced => self.told("replaced", &[]),
            Answer::NoLongerConnected => self.told("no-longer-connected", &[CONNECT_AGAIN]),
            Answer::DisconnectWanted(link) => {
                let name = self.name(link);
                let body = ["disconnect-wanted", "disconnect-wanted-hint"]
                    .map(|key| self.say(key, &[("subscriber", &name)]));
                self.with(body.into(), &[DISCONNECT_NOW, STAY_CONNECTED])
            }
            Answer::Disconnected => self.told("disconnected", &[CONNECT_AGAIN]),
            Answer::Tested(tested) => self.tested(tested),
            Answer::Working => plain(vec![self.say("working", &[])]),
            Answer::Welcome => self.help(Some(self.say("welcome", &[]))),
            Answer::Help(None) => self.help(None),
            Answer::Help(Some(unknown)) => self.unknown(unknown),
            Answer::YouAreWelcome => plain(vec![self.say("you-are-welcome", &[])]),
            Answer::PageEnded => self.told("page-ended", &[NEW_LINK]),
            Answer::Workspace(answer) => self.workspace(answer),
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
            buttons: vec![Button {
                label: self.say("sign-in-button", &[]),
                spoken_label: self.say("sign-in-button-label", &[]),
                style: Style::Primary,
                target: Target::Link(sign_in.link.clone()),
            }],
            footer: Some(format!("{private} {after}")),
            spoken,
        }
    }

    fn already_connected(&self, link: &Link) -> Message {
        let body = vec![self.connected_as(link), self.say("already-connected-hint", &[])];
        self.with(body, offers(link))
    }

    fn connected(&self, connected: &Connected) -> Message {
        let Connected { link, stranger_removed } = connected;
        let mut body = vec![self.say("already-connected", &[("subscriber", &self.name(link))])];
        if *stranger_removed {
            body.push(self.say("stranger-removed", &[]));
        }
        body.push(self.say("connected-hint", &[]));
        self.with(body, offers(link))
    }

    fn connected_as(&self, link: &Link) -> String {
        let name = self.name(link);
        match link.since {
            Some(since) => self.say(
                "already-connected-since",
                &[("subscriber", &name), ("since", &self.markup.day(since))],
            ),
            None => self.say("already-connected", &[("subscriber", &name)]),
        }
    }

    fn name(&self, link: &Link) -> String {
        self.harmless(link.name.as_deref().unwrap_or(link.subscriber.as_str()), LONGEST_NAME)
    }

    fn status(&self, status: &Status) -> Message {
        let own = status.links.iter().find(|link| link.own);
        let here = own.is_none().then(|| self.say("status-not-here", &[]));
        let links = status.links.iter().take(MOST_LINKS).map(|link| self.link_status(link));
        let more = status.links.len().saturating_sub(MOST_LINKS);
        let more = (more > 0).then(|| self.say("status-more", &[("count", &more.to_string())]));
        let mut body: Vec<_> = here.into_iter().chain(links).chain(more).collect();
        if let Some(as_of) = status.as_of {
            let (day, time) = (self.markup.day(as_of), self.markup.time(as_of));
            body.push(self.say("status-as-of", &[("day", &day), ("time", &time)]));
        }
        self.with(body, own.map_or(&[CONNECT][..], |own| offers(&own.link)))
    }

    /// One line for each chat account; the asker's own needs no place.
    fn link_status(&self, status: &LinkStatus) -> String {
        let LinkStatus { brand, workspace, link, own, delivers } = status;
        let mut line = if *own {
            self.connected_as(link)
        } else {
            let name = self.name(link);
            let place = workspace.as_deref().map(|name| self.harmless(name, LONGEST_NAME));
            let place =
                place.map_or_else(|| (*brand).to_owned(), |name| format!("{name} ({brand})"));
            let since = link.since.map(|since| self.markup.day(since));
            let mut values = vec![("place", place.as_str()), ("subscriber", &name)];
            let key = if since.is_some() { "status-line-since" } else { "status-line" };
            values.extend(since.as_deref().map(|since| ("since", since)));
            self.say(key, &values)
        };
        if !delivers {
            line.push(' ');
            line += &self.say("status-does-not-deliver", &[]);
        }
        line
    }

    fn wrong_person(&self, wrong: WrongPerson) -> Message {
        let what = if wrong.elsewhere { "wrong-workspace" } else { "wrong-person" };
        let then = if wrong.removed { "wrong-person-removed" } else { "wrong-person-removing" };
        let body = [what, then, "wrong-person-hint"].map(|key| self.say(key, &[]));
        self.with(body.into(), &[NEW_LINK])
    }

    fn tested(&self, tested: &Tested) -> Message {
        let key = match tested {
            Tested::Sent => "test-sent",
            Tested::NotRun => "test-not-run",
            Tested::TooSoon => "test-too-soon",
            Tested::NotOffered => "test-not-offered",
        };
        let offers: &[Offer] = match tested {
            Tested::NotOffered => &[STATUS],
            _ => &[TEST, DISCONNECT],
        };
        self.told(key, offers)
    }

    /// A sentence and what can be done about it, all under one key.
    fn told(&self, key: &str, offers: &[Offer]) -> Message {
        let typed = self.typed(Intent::CONNECT_WORD);
        let body = vec![self.say(key, &[]), self.language.remedy(key, &[("connect", &typed)])];
        self.with(body, offers)
    }

    /// A message with buttons that ask for something.
    fn with(&self, body: Vec<String>, offers: &[Offer]) -> Message {
        let message = plain(body);
        let buttons: Vec<_> = offers
            .iter()
            .map(|Offer(press, key, style)| {
                let label = self.say(key, &[]);
                let target = Target::Press(*press);
                Button { spoken_label: label.clone(), label, style: *style, target }
            })
            .collect();
        let quoted = |button: &Button| self.say("button-spoken", &[("label", &button.label)]);
        let labels: Vec<_> = buttons.iter().map(quoted).collect();
        if labels.is_empty() {
            return message;
        }
        let spoken = self.say("buttons-spoken", &[("buttons", &labels.join(", "))]);
        Message { spoken: format!("{}\n{spoken}", message.spoken), buttons, ..message }
    }

    fn help(&self, first: Option<String>) -> Message {
        let lines = Intent::known().map(|(intent, word)| {
            format!("• {}", self.say(help_key(intent), &[("words", &self.typed(word))]))
        });
        let list = std::iter::once(self.say("help", &[])).chain(lines).collect::<Vec<_>>();
        let body = first.into_iter().chain([list.join("\n")]).chain(self.where_to_get_help());
        self.with(body.collect(), &[CONNECT])
    }

    fn where_to_get_help(&self) -> Option<String> {
        let support = self.markup.escape(self.support?);
        Some(format!("{}: {support}", self.say("about-help", &[])))
    }

    /// A guess, with a button that does what was probably meant; where there is none, help.
    fn unknown(&self, unknown: &UnknownCommand) -> Message {
        let guess = unknown.nearest.as_deref();
        if let Some((word, offer)) = guess.and_then(|word| Some((word, offer_for(word)?))) {
            let meant = self.say("help-meant", &[("nearest", &self.typed(word))]);
            let else_help = self.say("help-meant-hint", &[("help", &self.typed(HELP_WORD))]);
            return self.with(vec![meant, else_help], &[offer]);
        }
        let said = self.harmless(&unknown.said, LONGEST_NAME);
        self.help(Some(self.say("help-unknown-command", &[("said", &said)])))
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
        let help = self.where_to_get_help().map(|help| format!(" · {help}"));
        let reference = reference + &help.unwrap_or_default();
        let offers: &[Offer] = if refusal.reason.can_pass() { &[CONNECT] } else { &[] };
        let message = self.with(vec![why, remedy], offers);
        let spoken = format!("{}\n{reference}", message.spoken);
        Message { footer: Some(reference), spoken, ..message }
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

/// A button that asks for something: for what, the key of its label, and what sort of thing it does.
#[derive(Clone, Copy)]
struct Offer(Press, &'static str, Style);

const CONNECT: Offer = Offer(Press::Connect, "connect-button", Style::Primary);
const NEW_LINK: Offer = Offer(Press::Connect, "new-link-button", Style::Primary);
const CONNECT_AGAIN: Offer = Offer(Press::Connect, "connect-again-button", Style::Primary);
const STATUS: Offer = Offer(Press::Status, "status-button", Style::Primary);
const STAY_CONNECTED: Offer = Offer(Press::Status, "stay-connected-button", Style::Plain);
const TEST: Offer = Offer(Press::Test, "test-button", Style::Primary);
const DISCONNECT: Offer = Offer(Press::Disconnect, "disconnect-button", Style::Plain);
const DISCONNECT_NOW: Offer = Offer(Press::DisconnectNow, "disconnect-now-button", Style::Danger);

const CHECK: Offer =
    Offer(Press::Workspace(WorkspaceAct::Check), "workspace-check-button", Style::Primary);
const RECONNECT: Offer =
    Offer(Press::Workspace(WorkspaceAct::Reconnect), "workspace-reconnect-button", Style::Plain);
const CONNECT_WORKSPACE: Offer =
    Offer(Press::Workspace(WorkspaceAct::Connect), "workspace-connect-button", Style::Primary);
const RECONNECT_WORKSPACE: Offer =
    Offer(Press::Workspace(WorkspaceAct::Reconnect), "workspace-reconnect-button", Style::Primary);
const DISCONNECT_WORKSPACE: Offer =
    Offer(Press::Workspace(WorkspaceAct::Disconnect), "workspace-disconnect-button", Style::Plain);
const KEEP_WORKSPACE: Offer =
    Offer(Press::Workspace(WorkspaceAct::Show), "workspace-keep-button", Style::Plain);
const DISCONNECT_WORKSPACE_NOW: Offer = Offer(
    Press::Workspace(WorkspaceAct::DisconnectNow { remove_links: false }),
    "workspace-disconnect-now-button",
    Style::Danger,
);
const DISCONNECT_WORKSPACE_AND_LINKS: Offer = Offer(
    Press::Workspace(WorkspaceAct::DisconnectNow { remove_links: true }),
    "workspace-disconnect-all-button",
    Style::Danger,
);

const fn it_was_me(message: Reference) -> Offer {
    Offer(Press::ItWasMe(message), "it-was-me-button", Style::Primary)
}

const fn it_was_not_me(message: Reference) -> Offer {
    Offer(Press::ItWasNotMe(message), "it-was-not-me-button", Style::Plain)
}

/// What is offered to somebody who is connected.
const fn offers(link: &Link) -> &'static [Offer] {
    if link.can_test { &[TEST, DISCONNECT] } else { &[DISCONNECT] }
}

/// The button that does what a word of the grammar asks for.
fn offer_for(word: &str) -> Option<Offer> {
    match press_for(word)? {
        Press::Connect => Some(CONNECT),
        Press::Status => Some(STATUS),
        Press::Test => Some(TEST),
        Press::Disconnect => Some(DISCONNECT),
        Press::Workspace(WorkspaceAct::Connect) => Some(CONNECT_WORKSPACE),
        Press::Workspace(WorkspaceAct::Check | WorkspaceAct::Show) => Some(CHECK),
        Press::Workspace(WorkspaceAct::Reconnect) => Some(RECONNECT),
        Press::Workspace(WorkspaceAct::Disconnect) => Some(DISCONNECT_WORKSPACE),
        _ => None,
    }
}

/// What the person reads whose button was pressed, below the message, until the answer is there.
#[must_use]
pub const fn notice_key(press: Press) -> &'static str {
    match press {
        Press::Connect => "press-connect",
        Press::Status => "press-status",
        Press::Test => "press-test",
        Press::Disconnect => "press-disconnect",
        Press::DisconnectNow => "press-disconnect-now",
        Press::ItWasMe(_) | Press::ItWasNotMe(_) => "press-confirm",
        Press::Workspace(_) => "press-workspace",
    }
}

fn plain(body: Vec<String>) -> Message {
    let spoken = body.join("\n");
    Message { body, buttons: Vec::new(), footer: None, spoken }
}

/// The line of help for an intent. Exhaustive, so that no intent goes without one.
const fn help_key(intent: &Intent) -> &'static str {
    match intent {
        Intent::Connect => "help-connect",
        Intent::Status => "help-status",
        Intent::Test => "help-test",
        Intent::Disconnect | Intent::DisconnectNow => "help-disconnect",
        Intent::Workspace(_) => "help-workspace",
        Intent::Help
        | Intent::Greeting
        | Intent::Thanks
        | Intent::Welcome
        | Intent::Confirm { .. }
        | Intent::Unknown { .. } => "help-help",
    }
}
