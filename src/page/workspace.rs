//! The start page: from here an administrator goes on to the provider to connect a workspace.
//!
//! Looking at it changes nothing. Its button binds the request to this browser by a cookie, mints the way to
//! the provider and follows it; another browser cannot go on from then on. Handing it on makes a page with
//! another address, and ends this one.

use std::sync::Arc;

use askama::Template;
use axum::extract::rejection::{BytesRejection, PathRejection};
use axum::extract::{Path, State};
use axum::http::header::{LOCATION, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;

use super::cookie;
use super::headers::is_from_elsewhere;
use super::language::preferred;
use super::pages::{Fact, Pages, PlainText, STYLE, page, shown_id, unnamed};
use super::{BAD_BODY, CROSS_SITE, Chat, LinkPages, STORE, TIME_TO_ANSWER, UNKNOWN_TOKEN};
use crate::core::workspaces::{
    Outcome, PageView, Prepared, Purpose, Requester, StartPage, Started, Typed, WorkspaceRequest,
    Workspaces,
};
use crate::core::{Answer, Language, Reason, Reference, Refusal};
use crate::net::is_loopback;
use crate::novu::{Context, SubscriberId};
use crate::text::presentable;
use crate::words::config::Settings;
use crate::words::message::Voice;
use crate::words::permissions::reason;

/// The longest text of a field, in bytes.
const LONGEST_FIELD: usize = 1000;

/// Somebody at a start page.
struct Visitor {
    chat: Arc<Chat>,
    workspaces: Arc<Workspaces>,
    page: StartPage,
}

/// What was typed and sent.
#[derive(Debug, Default)]
struct Form {
    action: String,
    context: String,
    subscriber: String,
}

/// Why somebody cannot go on.
struct WhyNot {
    sentences: String,
    /// The code and the reference.
    reference: Option<String>,
}

/// What is asked for, where the configuration has not decided it.
struct Fields {
    legend: String,
    hint: String,
    context: String,
    subscriber: String,
    typed_context: String,
    typed_subscriber: String,
}

#[derive(Template)]
#[template(path = "workspace/start.html")]
struct Start<'a> {
    style: &'static str,
    app: &'a Settings,
    language: Language,
    title: String,
    lead: String,
    error: Option<WhyNot>,
    facts: Vec<Fact<'a>>,
    fields: Option<Fields>,
    button: String,
    next: String,
    permissions_title: String,
    permissions: Vec<(&'a str, String)>,
    hand_on: String,
    hand_on_hint: String,
}

#[derive(Template)]
#[template(path = "workspace/handed_on.html")]
struct HandedOn<'a> {
    style: &'static str,
    app: &'a Settings,
    language: Language,
    title: String,
    lead: String,
    label: String,
    address: &'a str,
    hint: String,
}

impl LinkPages {
    /// The page behind what came in an address.
    async fn visit(
        &self,
        address: Result<Path<String>, PathRejection>,
        headers: &HeaderMap,
    ) -> Result<Option<Visitor>, Refusal> {
        let Ok(Path(address)) = address else { return Ok(None) };
        let cookie = cookie::sent(headers);
        for chat in &self.chats {
            let Some(workspaces) = &chat.workspaces else { continue };
            if let Some(page) = workspaces.open_page(&address, cookie.as_deref()).await? {
                let (chat, workspaces) = (Arc::clone(chat), Arc::clone(workspaces));
                return Ok(Some(Visitor { chat, workspaces, page }));
            }
        }
        Ok(None)
    }

    /// Says on the page why somebody cannot go on, and in the log under the same reference.
    fn refuse_start(
        &self,
        page: Pages<'_>,
        visitor: &Visitor,
        refusal: Refusal,
        form: Form,
    ) -> Response {
        let reference = Reference::new(&*self.random);
        tracing::warn!(
            %reference,
            code = refusal.reason.code(),
            platform = visitor.chat.platform().name,
            advice = refusal.reason.fix(),
            "an administrator cannot go on to connect a workspace"
        );
        page.workspace(visitor, Some(page.why_not(refusal, reference)), form)
    }

    fn nothing_there(
        &self,
        pages: Pages<'_>,
        found: &Result<Option<Visitor>, Refusal>,
    ) -> Response {
        if found.is_err() {
            self.refused.count(STORE);
            return pages.told(StatusCode::OK, "link-unavailable", &[]);
        }
        self.refused.note(UNKNOWN_TOKEN);
        pages.told(StatusCode::NOT_FOUND, "start-unknown", &[])
    }
}

/// Shows what will be connected to what. Changes nothing and asks nobody.
pub(super) async fn show(
    State(pages): State<Arc<LinkPages>>,
    address: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Response {
    let page = Pages { app: &pages.app, language: preferred(&headers) };
    match pages.visit(address, &headers).await {
        Ok(Some(visitor)) => page.workspace(&visitor, None, Form::default()),
        other => pages.nothing_there(page, &other),
    }
}

/// Goes on to the provider, or hands the page on.
pub(super) async fn press(
    State(pages): State<Arc<LinkPages>>,
    address: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let page = Pages { app: &pages.app, language: preferred(&headers) };
    if is_from_elsewhere(&headers, &pages.links.public_url) {
        pages.refused.note(CROSS_SITE);
        return page.cross_site();
    }
    let visitor = match pages.visit(address, &headers).await {
        Ok(Some(visitor)) => visitor,
        other => return pages.nothing_there(page, &other),
    };
    let form = match body {
        Ok(body) => Form::read(&body),
        Err(rejection) => {
            pages.refused.note(BAD_BODY);
            let refusal = Reason::Incomplete.into();
            let shown = pages.refuse_start(page, &visitor, refusal, Form::default());
            return (rejection.status(), shown).into_response();
        }
    };
    if !matches!(visitor.page.view, PageView::Open | PageView::Own) {
        return page.workspace(&visitor, None, form);
    }
    if form.action == "hand_on" {
        return match visitor.workspaces.hand_on(&visitor.page).await {
            Ok(next) => page.handed_on(&next),
            Err(refusal) => pages.refuse_start(page, &visitor, refusal, form),
        };
    }
    let started = async {
        let typed = form.typed()?;
        visitor.workspaces.start(&visitor.page, typed, cookie::sent(&headers).as_deref()).await
    };
    let in_time = tokio::time::timeout(TIME_TO_ANSWER, started).await;
    match in_time.unwrap_or_else(|_| Err(Reason::NovuTimeout.into())) {
        Ok(started) => match follow(&started, is_loopback(&pages.links.public_url)) {
            Some(response) => response,
            None => pages.refuse_start(page, &visitor, Reason::NovuNonsense.into(), form),
        },
        Err(refusal) => pages.refuse_start(page, &visitor, refusal, form),
    }
}

/// Sends the browser on with a GET, and lets it remember that it has begun.
fn follow(started: &Started, loopback: bool) -> Option<Response> {
    let mut location = HeaderValue::try_from(started.link.expose()).ok()?;
    location.set_sensitive(true);
    let cookie = cookie::set(started.cookie(), loopback)?;
    let headers = [(LOCATION, location), (SET_COOKIE, cookie)];
    Some((StatusCode::SEE_OTHER, headers).into_response())
}

impl Form {
    fn read(body: &[u8]) -> Self {
        let mut form = Self::default();
        for (name, value) in form_urlencoded::parse(body) {
            let place = match &*name {
                "action" => &mut form.action,
                "context" => &mut form.context,
                "subscriber" => &mut form.subscriber,
                _ => continue,
            };
            if value.len() <= LONGEST_FIELD {
                value.trim().clone_into(place);
            }
        }
        form
    }

    /// What it says, where it says anything.
    fn typed(&self) -> Result<Typed, Refusal> {
        let keys: Vec<_> = self
            .context
            .split(['\n', '\r', ','])
            .map(str::trim)
            .filter(|key| !key.is_empty())
            .collect();
        let context = match keys.as_slice() {
            [] => None,
            keys => Some(Context::from_keys(keys).map_err(|_| Reason::BadContext)?),
        };
        Ok(Typed { context, subscriber: SubscriberId::new(self.subscriber.clone()).ok() })
    }
}

impl Pages<'_> {
    fn workspace(self, visitor: &Visitor, error: Option<WhyNot>, form: Form) -> Response {
        let request = &visitor.page.request;
        match visitor.page.view {
            PageView::Open | PageView::Own => self.start(visitor, error, form),
            PageView::InUse => self.told(StatusCode::OK, "start-in-use", &[]),
            PageView::Over => self.over(&visitor.chat, request),
        }
    }

    fn start(self, visitor: &Visitor, error: Option<WhyNot>, form: Form) -> Response {
        let language = self.language;
        let request = &visitor.page.request;
        let platform = visitor.chat.platform();
        let values = [("app", self.app.name.as_str())];
        let reconnects = request.purpose == Purpose::Reconnect;
        let lead = if reconnects { "start-lead-again" } else { "start-lead" };
        let begun = visitor.page.view == PageView::Own;
        let fields = request.terms.are_undecided().then(|| Fields {
            legend: language.say("start-whose", &[]),
            hint: language.say("start-whose-hint", &[]),
            context: language.say("start-context-field", &[]),
            subscriber: language.say("start-owner-field", &[]),
            typed_context: form.context,
            typed_subscriber: form.subscriber,
        });
        let scopes = if platform.consents_once() {
            platform.consents_to.to_vec()
        } else {
            request.terms.scope.iter().map(String::as_str).collect()
        };
        let permissions =
            scopes.into_iter().map(|scope| (scope, reason(language, scope))).collect();
        let provider = [("provider", platform.provider)];
        page(
            StatusCode::OK,
            &Start {
                style: STYLE,
                app: self.app,
                language,
                title: language.say("start-title", &[]),
                lead: language.say(lead, &values),
                error,
                facts: facts(language, visitor, request),
                fields,
                button: language
                    .say(if begun { "start-button-again" } else { "start-button" }, &provider),
                next: language.say("start-next", &provider),
                permissions_title: language.say("start-permissions", &[]),
                permissions,
                hand_on: language.say("start-hand-on", &[]),
                hand_on_hint: language.say("start-hand-on-hint", &[]),
            },
        )
    }

    /// A refusal and what can be done about it, in the words of the chat.
    fn why_not(self, refusal: Refusal, reference: Reference) -> WhyNot {
        let markup = PlainText(self.language);
        let command = "";
        let language = self.language;
        let voice = Voice { language, command, reference, support: None, markup: &markup };
        let message = voice.message(&Answer::Refused(refusal));
        WhyNot { sentences: message.body.join(" "), reference: message.footer }
    }

    fn handed_on(self, next: &Prepared) -> Response {
        let language = self.language;
        page(
            StatusCode::OK,
            &HandedOn {
                style: STYLE,
                app: self.app,
                language,
                title: language.say("start-handed-on-title", &[]),
                lead: language.say("start-handed-on", &[]),
                label: language.say("start-handed-on-label", &[]),
                address: next.page.expose(),
                hint: language.say("start-handed-on-hint", &[]),
            },
        )
    }

    /// Says what came of it.
    fn over(self, chat: &Chat, request: &WorkspaceRequest) -> Response {
        let back = Some(self.back(chat));
        let key = match request.outcome() {
            Some(Outcome::Connected { .. }) => "start-connected",
            Some(Outcome::WrongWorkspace { .. } | Outcome::WrongContext { .. }) => "start-wrong",
            Some(Outcome::Replaced) => "start-replaced",
            _ => "start-over",
        };
        let called = presentable(request.called()).unwrap_or_default();
        let paragraphs = self.sentences(key, &[("workspace", &called)], &[]);
        let status = if key == "start-connected" { StatusCode::OK } else { StatusCode::GONE };
        self.notice(status, &format!("{key}-title"), paragraphs, back, None)
    }
}

/// Which workspace, who asked, and whose the connection will be.
fn facts<'a>(
    language: Language,
    visitor: &'a Visitor,
    request: &'a WorkspaceRequest,
) -> Vec<Fact<'a>> {
    let platform = visitor.chat.platform();
    let labelled = |key: &str, value: String, is_id: bool| Fact {
        label: language.say(key, &[]),
        is_id,
        ..unnamed(value)
    };
    let named = request.workspace_name.as_deref().and_then(presentable);
    let id = presentable(request.workspace_id()).unwrap_or_default();
    let is_id = named.is_none();
    let workspace = Fact {
        detail: Some(platform.brand),
        ..labelled(platform.place, named.unwrap_or(id), is_id)
    };
    let asked_by = match &request.requester {
        Requester::Person { name, person, .. } => {
            let name = name.as_deref().and_then(presentable);
            let is_id = name.is_none();
            let shown = name.or_else(|| shown_id(&person.user)).unwrap_or_default();
            labelled("start-asked-by", shown, is_id)
        }
        Requester::Token(name) => labelled("start-asked-by", name.clone(), false),
        Requester::CommandLine => {
            labelled("start-asked-by", language.say("start-operator", &[]), false)
        }
    };
    let terms = &request.terms;
    let keys = terms.context_keys();
    let context = (!keys.is_empty()).then(|| labelled("start-context", keys.join(", "), true));
    let owner = terms.owner(platform).and_then(|owner| presentable(owner.as_str()));
    let owner = owner.map(|owner| labelled("start-owner", owner, true));
    [Some(workspace), Some(asked_by), context, owner].into_iter().flatten().collect()
}
