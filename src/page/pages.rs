//! The pages: what they say, in the reader's language, and in which order.

use std::borrow::Cow;
use std::sync::Arc;

use askama::Template;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use jiff::Timestamp;

use super::Chat;
use crate::core::{Answer, Language, Link, Platform, Reference, Refusal};
use crate::links::{Invitation, Page, Rejected};
use crate::text::presentable;
use crate::words::config::Settings;
use crate::words::message::{Markup, Voice};

/// The field of the form by which somebody says that a page is not theirs.
pub(super) const NOT_ME: (&str, &str) = ("action", "not_me");

/// Somebody at a personal page that is good.
pub(super) struct Guest {
    pub(super) page: Page,
    pub(super) chat: Arc<Chat>,
}

/// The one style of all pages.
pub(super) const STYLE: &str = include_str!("../../templates/link/style.css");
/// The longest id that is shown, in characters: enough to tell one's own from another.
const LONGEST_ID: usize = 16;

/// The pages in one language.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pages<'a> {
    pub(super) app: &'a Settings,
    pub(super) language: Language,
}

/// The page that shows who will be connected to what.
#[derive(Template)]
#[template(path = "link/confirm.html")]
struct Confirm<'a> {
    style: &'static str,
    app: &'a Settings,
    language: Language,
    title: String,
    lead: String,
    facts: Vec<Fact<'a>>,
    button: String,
    next: String,
    personal: String,
    not_me: Option<String>,
    action: (&'static str, &'static str),
}

/// One line of what is to be confirmed.
pub(super) struct Fact<'a> {
    pub(super) label: String,
    pub(super) value: Cow<'a, str>,
    /// Whether that is an id, for want of a name.
    pub(super) is_id: bool,
    pub(super) detail: Option<&'a str>,
}

/// A page that only tells something.
#[derive(Template)]
#[template(path = "link/notice.html")]
struct Notice<'a> {
    style: &'static str,
    app: &'a Settings,
    language: Language,
    title: String,
    paragraphs: Vec<String>,
    back: Option<Back<'a>>,
    footer: Option<String>,
}

/// The way back to the chat.
pub(super) struct Back<'a> {
    address: &'a str,
    label: String,
}

impl Pages<'_> {
    /// Asks the person to confirm.
    pub(super) fn confirm(self, guest: &Guest) -> Response {
        let language = self.language;
        let can_end = guest.page.is_kept();
        let platform = guest.chat.platform();
        page(
            StatusCode::OK,
            &Confirm {
                style: STYLE,
                app: self.app,
                language,
                title: language.say("link-title", &[]),
                lead: language.say("link-lead", &[]),
                facts: facts(language, platform, guest.page.invitation()),
                button: language.say("link-button", &[]),
                next: language.say("link-next", &[("provider", platform.provider)]),
                personal: language.say(if can_end { "link-personal" } else { "link-warning" }, &[]),
                not_me: can_end.then(|| language.say("link-not-me", &[])),
                action: NOT_ME,
            },
        )
    }

    /// Tells that there is nothing to do. An e-mail address that serves as a name is not shown whole:
    /// the chat knows who reads it, a page does not.
    pub(super) fn already_connected(
        self,
        invitation: &Invitation,
        reference: Reference,
        link: Link,
    ) -> Response {
        let called = link.name.as_deref().and_then(presentable);
        let called = called.or_else(|| shown_id(link.subscriber.as_str()));
        let link = Link { name: called, ..link };
        let message = self
            .voice(invitation, reference, |voice| voice.message(&Answer::AlreadyConnected(link)));
        // The catalogue's own hint speaks of the chat as "here".
        let mut paragraphs: Vec<_> = message.body.into_iter().take(1).collect();
        paragraphs.push(self.language.say("link-connected-hint", &[]));
        self.notice(StatusCode::OK, "link-connected-title", paragraphs, None, None)
    }

    /// Tells why not, in the same words as the chat does.
    pub(super) fn refused(
        self,
        status: StatusCode,
        invitation: &Invitation,
        reference: Reference,
        refusal: Refusal,
    ) -> Response {
        let message =
            self.voice(invitation, reference, |voice| voice.message(&Answer::Refused(refusal)));
        self.notice(status, "link-refused-title", message.body, None, message.footer)
    }

    fn voice<T>(
        self,
        invitation: &Invitation,
        reference: Reference,
        say: impl FnOnce(Voice<'_>) -> T,
    ) -> T {
        let markup = PlainText(self.language);
        let command = invitation.command.as_str();
        // Every page has it below.
        let support = None;
        say(Voice { language: self.language, command, reference, support, markup: &markup })
    }

    /// Tells that the sign-in is open already.
    pub(super) fn spent(self, guest: &Guest) -> Response {
        let command = guest.page.invitation().command.as_str();
        let paragraphs = self.sentences("link-spent", &[], &[("connect", command)]);
        self.notice(
            StatusCode::OK,
            "link-spent-title",
            paragraphs,
            Some(self.back(&guest.chat)),
            None,
        )
    }

    /// Tells how to get a link that works.
    pub(super) fn rejected(self, rejected: &Rejected) -> Response {
        match rejected {
            Rejected::Unknown => self.unknown_address(),
            Rejected::Expired { command } => {
                self.told(StatusCode::GONE, "link-expired", &[("connect", command)])
            }
            Rejected::Ended { command } => {
                self.told(StatusCode::GONE, "link-ended", &[("connect", command)])
            }
            Rejected::Unavailable => self.told(StatusCode::OK, "link-unavailable", &[]),
        }
    }

    /// Tells that there is nothing at this address.
    pub(super) fn unknown_address(self) -> Response {
        self.told(StatusCode::NOT_FOUND, "link-unknown", &[])
    }

    /// Tells that a press of some other site's button does not count.
    pub(super) fn cross_site(self) -> Response {
        self.told(StatusCode::FORBIDDEN, "link-elsewhere", &[])
    }

    /// Tells whoever ended the page that it is ended.
    pub(super) fn not_mine(self) -> Response {
        self.told(StatusCode::OK, "link-not-mine", &[])
    }

    /// Tells whoever comes from the sign-in where its result is.
    pub(super) fn landed(self, chat: &Chat) -> Response {
        let brand = chat.platform().brand;
        let paragraphs = self.sentences("linked", &[("brand", brand)], &[]);
        self.notice(StatusCode::OK, "linked-title", paragraphs, Some(self.back(chat)), None)
    }

    pub(super) fn back(self, chat: &Chat) -> Back<'_> {
        let label = self.language.say("linked-open", &[("brand", chat.platform().brand)]);
        Back { address: &chat.address, label }
    }

    /// A notice of a title, a sentence and a remedy, all under one key.
    pub(super) fn told(
        self,
        status: StatusCode,
        key: &str,
        remedy: &[(&'static str, &str)],
    ) -> Response {
        let paragraphs = self.sentences(key, &[], remedy);
        self.notice(status, &format!("{key}-title"), paragraphs, None, None)
    }

    /// A sentence and its remedy.
    pub(super) fn sentences(
        self,
        key: &str,
        values: &[(&'static str, &str)],
        remedy: &[(&'static str, &str)],
    ) -> Vec<String> {
        vec![self.language.say(key, values), self.language.remedy(key, remedy)]
    }

    pub(super) fn notice(
        self,
        status: StatusCode,
        title: &str,
        paragraphs: Vec<String>,
        back: Option<Back<'_>>,
        footer: Option<String>,
    ) -> Response {
        let (app, language) = (self.app, self.language);
        let title = language.say(title, &[]);
        page(status, &Notice { style: STYLE, app, language, title, paragraphs, back, footer })
    }
}

/// Who, where, and to what. What has no name shows its id, but a place: nobody knows theirs by an id.
fn facts<'a>(
    language: Language,
    platform: &'static Platform,
    invitation: &'a Invitation,
) -> Vec<Fact<'a>> {
    let Invitation { person, name, workspace, subscriber, subscriber_name, .. } = invitation;
    let person = Fact {
        label: language.say("link-person", &[]),
        detail: Some(platform.brand),
        ..named(name.as_deref(), Some(&person.user)).unwrap_or_else(|| unnamed(String::new()))
    };
    let place = workspace.as_deref().map(|workspace| Fact {
        label: language.say(platform.place, &[]),
        ..unnamed(workspace.to_owned())
    });
    let account = named(subscriber_name.as_deref(), subscriber.as_deref())
        .unwrap_or_else(|| unnamed(language.say("link-account-unknown", &[])));
    let account = Fact { label: language.say("link-account", &[]), ..account };
    [Some(person), place, Some(account)].into_iter().flatten().collect()
}

/// A name, else a shortened id.
fn named<'a>(name: Option<&'a str>, id: Option<&str>) -> Option<Fact<'a>> {
    if let Some(name) = name {
        return Some(Fact { value: Cow::Borrowed(name), ..unnamed(String::new()) });
    }
    Some(Fact { is_id: true, ..unnamed(shown_id(id?)?) })
}

pub(super) fn unnamed<'a>(value: String) -> Fact<'a> {
    Fact { label: String::new(), value: Cow::Owned(value), is_id: false, detail: None }
}

/// An id as people are shown it: its beginning and its end, because ids that are made by one rule often
/// begin alike.
pub(super) fn shown_id(id: &str) -> Option<String> {
    let id = presentable(id)?;
    let characters: Vec<_> = id.chars().collect();
    if characters.len() <= LONGEST_ID {
        return Some(id);
    }
    let half = (LONGEST_ID - 1) / 2;
    let (first, last) = (&characters[..half], &characters[characters.len() - half - 1..]);
    Some(first.iter().chain(&['…']).chain(last).collect())
}

pub(super) fn page(status: StatusCode, page: &impl Template) -> Response {
    match page.render() {
        Ok(html) => (status, Html(html)).into_response(),
        Err(error) => {
            tracing::error!(%error, "a page cannot be rendered");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// Text without any markup; the templates escape it. Days are those of universal time, because a
/// page without a script does not know its reader's.
pub(super) struct PlainText(pub(super) Language);

impl Markup for PlainText {
    fn escape<'a>(&self, text: &'a str) -> Cow<'a, str> {
        Cow::Borrowed(text)
    }

    /// As people write it in the language.
    fn day(&self, moment: Timestamp) -> String {
        let part = |format: &str| moment.strftime(format).to_string();
        let month = self.0.say(&format!("month-{}", part("%-m")), &[]);
        let (day, year) = (part("%-d"), part("%Y"));
        self.0.say("date", &[("day", &day), ("month", &month), ("year", &year)])
    }
}
