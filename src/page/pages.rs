//! The pages: what they say, in the reader's language, and in which order.

use std::borrow::Cow;

use askama::Template;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};

use crate::core::Language;
use crate::core::{Answer, Link, Platform, Reference, Refusal};
use crate::links::{Invitation, Rejected};
use crate::text::presentable;
use crate::words::message::{Markup, Voice};

/// The one style of all pages.
pub(super) const STYLE: &str = include_str!("../../templates/link/style.css");

/// The page that shows who will be connected to what.
#[derive(Template)]
#[template(path = "link/confirm.html")]
struct Confirm<'a> {
    style: &'static str,
    language: &'static str,
    title: String,
    lead: String,
    facts: Vec<Fact<'a>>,
    warning: String,
    button: String,
    next: String,
}

/// One line of what is to be confirmed.
struct Fact<'a> {
    label: String,
    value: Cow<'a, str>,
    detail: Option<&'a str>,
}

/// A page that only tells something.
#[derive(Template)]
#[template(path = "link/notice.html")]
struct Notice {
    style: &'static str,
    language: &'static str,
    title: String,
    paragraphs: Vec<String>,
    footer: Option<String>,
}

/// Asks the person to confirm.
pub(super) fn confirm(
    language: Language,
    platform: &'static Platform,
    invitation: &Invitation,
) -> Response {
    page(
        StatusCode::OK,
        &Confirm {
            style: STYLE,
            language: language.tag(),
            title: language.say("link-title", &[]),
            lead: language.say("link-lead", &[]),
            facts: facts(language, platform, invitation),
            warning: language.say("link-warning", &[]),
            button: language.say("link-button", &[]),
            next: language.say("link-next", &[("provider", platform.provider)]),
        },
    )
}

/// Who, where, and to what. What has no name shows its id.
fn facts<'a>(
    language: Language,
    platform: &'static Platform,
    invitation: &'a Invitation,
) -> Vec<Fact<'a>> {
    let Invitation { person, name, workspace, subscriber, subscriber_name, .. } = invitation;
    let account = subscriber_name
        .as_deref()
        .or(subscriber.as_deref())
        .map_or_else(|| Cow::Owned(language.say("link-account-unknown", &[])), Cow::Borrowed);
    vec![
        Fact {
            label: language.say("link-person", &[]),
            value: name.as_deref().unwrap_or(&person.user).into(),
            detail: Some(platform.brand),
        },
        Fact {
            label: language.say(platform.place, &[]),
            value: workspace.as_deref().unwrap_or(place_id(invitation)).into(),
            detail: None,
        },
        Fact {
            label: language.say("link-account", &[]),
            value: account,
            detail: subscriber_name.as_ref().and(subscriber.as_deref()),
        },
    ]
}

/// The id of the workspace, or of the organisation where that is all that is known.
fn place_id(invitation: &Invitation) -> &str {
    let workspace = &invitation.person.workspace;
    if workspace.id.is_empty() { workspace.realm() } else { &workspace.id }
}

/// Tells that there is nothing to do. An e-mail address that serves as a name is not shown whole:
/// the chat knows who reads it, a page does not.
pub(super) fn already_connected(
    language: Language,
    invitation: &Invitation,
    reference: Reference,
    link: Link,
) -> Response {
    let called = link.name.as_deref().unwrap_or(link.subscriber.as_str());
    let link = Link { name: presentable(called), ..link };
    let message = voice(language, invitation, reference).message(&Answer::AlreadyConnected(link));
    // The catalogue's own hint speaks of the chat as "here".
    let mut paragraphs: Vec<_> = message.body.into_iter().take(1).collect();
    paragraphs.push(language.say("link-connected-hint", &[]));
    notice(StatusCode::OK, language, "link-connected-title", paragraphs, None)
}

/// Tells why not, in the same words as the chat does.
pub(super) fn refused(
    status: StatusCode,
    language: Language,
    invitation: &Invitation,
    reference: Reference,
    refusal: Refusal,
) -> Response {
    let message = voice(language, invitation, reference).message(&Answer::Refused(refusal));
    notice(status, language, "link-refused-title", message.body, message.footer)
}

fn voice(language: Language, invitation: &Invitation, reference: Reference) -> Voice<'_> {
    Voice { language, command: &invitation.command, reference, markup: &PlainText }
}

/// Tells how to get a link that works.
pub(super) fn rejected(language: Language, rejected: &Rejected) -> Response {
    match rejected {
        Rejected::Unknown => told(StatusCode::NOT_FOUND, language, "link-unknown", &[]),
        Rejected::Expired { command } => {
            told(StatusCode::GONE, language, "link-expired", &[("connect", command)])
        }
    }
}

/// Tells that a press of some other site's button does not count.
pub(super) fn from_elsewhere(language: Language) -> Response {
    told(StatusCode::FORBIDDEN, language, "link-elsewhere", &[])
}

/// A notice of a title, a sentence and a remedy, all under one key.
fn told(
    status: StatusCode,
    language: Language,
    key: &str,
    values: &[(&'static str, &str)],
) -> Response {
    let paragraphs = vec![language.say(key, &[]), language.remedy(key, values)];
    notice(status, language, &format!("{key}-title"), paragraphs, None)
}

fn notice(
    status: StatusCode,
    language: Language,
    title: &str,
    paragraphs: Vec<String>,
    footer: Option<String>,
) -> Response {
    let title = language.say(title, &[]);
    page(status, &Notice { style: STYLE, language: language.tag(), title, paragraphs, footer })
}

fn page(status: StatusCode, page: &impl Template) -> Response {
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
struct PlainText;

impl Markup for PlainText {
    fn escape<'a>(&self, text: &'a str) -> Cow<'a, str> {
        Cow::Borrowed(text)
    }
}
