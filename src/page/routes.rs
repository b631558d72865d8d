//! Looking at a personal page, and pressing its button.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, FromRequestParts, Path, State};
use axum::http::header::{LOCATION, ORIGIN};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::map_response;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;
use url::Url;

use super::language::preferred;
use super::pages;
use super::{BAD_BODY, CROSS_SITE, EXPIRED_TOKEN, LinkPages, TIME_TO_ANSWER, UNKNOWN_TOKEN};
use crate::answering::{Responder, record};
use crate::core::Language;
use crate::core::{Answer, Intent, LearntLanguage, Question, Reason, Reference, Refusal, SignIn};
use crate::links::{Rejected, Token};

/// Our form sends nothing; some browsers send a little all the same.
const MOST_BODY: usize = 1024;

impl LinkPages {
    /// The routes, each with and without a slash at its end, because people copy addresses.
    pub(crate) fn router(self: Arc<Self>) -> Router {
        let headers = self.headers.clone();
        let protect = map_response(move |mut response: Response| {
            let headers = headers.clone();
            async move {
                response.headers_mut().extend(headers);
                response
            }
        });
        Router::new()
            .route("/link/{token}", get(show).post(press))
            .route("/link/{token}/", get(show).post(press))
            .layer(DefaultBodyLimit::max(MOST_BODY))
            .route_layer(protect)
            .with_state(self)
    }

    fn admit(&self, token: &str) -> Result<Guest, Rejected> {
        let token = self.links.open(token)?;
        // A platform that has been switched off since leaves its links to nowhere.
        let platform = &token.invitation().person.platform;
        let responder = self.responder(platform).ok_or(Rejected::Unknown)?;
        Ok(Guest { responder: Arc::clone(responder), token })
    }

    fn turn_away(&self, language: Language, rejected: &Rejected) -> Response {
        match rejected {
            Rejected::Unknown => self.refused.note(UNKNOWN_TOKEN),
            Rejected::Expired { .. } => self.refused.count(EXPIRED_TOKEN),
        }
        pages::rejected(language, rejected)
    }

    /// Answers somebody who has pressed the button: with the way to the sign-in, or with a page.
    async fn serve(&self, language: Language, guest: &Guest) -> Response {
        let invitation = guest.token.invitation();
        let (reference, answer) = self.answer(language, guest).await;
        let refusal = match answer {
            // The page named somebody, and the identity chain has changed its mind since.
            Answer::SignIn(sign_in) if !guest.token.names(&sign_in.invitee) => {
                return pages::rejected(language, &guest.token.outdated());
            }
            Answer::SignIn(sign_in) => match follow(&sign_in) {
                Some(response) => return response,
                None => Reason::NovuNonsense.into(),
            },
            Answer::AlreadyConnected(link) => {
                return pages::already_connected(language, invitation, reference, link);
            }
            Answer::Refused(refusal) => refusal,
            // No answer to the question that was asked.
            _ => Reason::Busy.into(),
        };
        pages::refused(status(&refusal), language, invitation, reference, refusal)
    }

    /// Asks the platform's responder for a link, unless this person has asked too often.
    async fn answer(&self, language: Language, guest: &Guest) -> (Reference, Answer) {
        let invitation = guest.token.invitation();
        let platform = guest.responder.platform();
        let now = self.links.clock.now();
        let question = Question {
            asker: invitation.person.clone(),
            identified: true,
            intent: Intent::Connect,
            reference: Reference::new(&*self.random),
            command: invitation.command.clone(),
            name: invitation.name.clone(),
            language: LearntLanguage::from(language),
            asked_at: now,
            in_place: false,
            dedup_key: None,
        };
        tracing::info!(
            reference = %question.reference,
            invited_as = %invitation.reference,
            age_s = guest.token.age(now).as_secs(),
            "personal link pressed"
        );
        self.metrics.funnel(platform.name, "clicked");
        let answer = if self.pace.allows(&question.asker) {
            let answering =
                guest.responder.answer(&question, invitation.hint.as_deref(), invitation.reference);
            let in_time = tokio::time::timeout(TIME_TO_ANSWER, answering).await;
            in_time.unwrap_or_else(|_| Answer::Refused(Reason::NovuTimeout.into()))
        } else {
            Answer::Refused(Reason::TooOften.into())
        };
        record(&self.metrics, platform, &question, &answer);
        (question.reference, answer)
    }
}

/// Somebody with a personal link that is good.
struct Guest {
    token: Token,
    responder: Arc<dyn Responder>,
}

/// A request for a personal page.
struct Visit {
    language: Language,
    guest: Result<Guest, Rejected>,
}

impl FromRequestParts<Arc<LinkPages>> for Visit {
    type Rejection = Infallible;

    async fn from_request_parts(
        parts: &mut Parts,
        pages: &Arc<LinkPages>,
    ) -> Result<Self, Infallible> {
        let language = preferred(&parts.headers);
        let guest = match Path::<String>::from_request_parts(parts, pages).await {
            Ok(Path(token)) => pages.admit(&token),
            Err(_) => Err(Rejected::Unknown),
        };
        Ok(Self { language, guest })
    }
}

/// Shows who will be connected to what. Changes nothing and calls nobody: link previews come here,
/// too (Slack: unfurling links).
async fn show(State(pages): State<Arc<LinkPages>>, visit: Visit) -> Response {
    match visit.guest {
        Ok(guest) => {
            pages::confirm(visit.language, guest.responder.platform(), guest.token.invitation())
        }
        Err(rejected) => pages.turn_away(visit.language, &rejected),
    }
}

/// Asks for a fresh link and follows it.
async fn press(
    State(pages): State<Arc<LinkPages>>,
    visit: Visit,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let Visit { language, guest } = visit;
    if is_from_elsewhere(&headers, &pages.links.public_url) {
        pages.refused.note(CROSS_SITE);
        return pages::from_elsewhere(language);
    }
    let guest = match guest {
        Ok(guest) => guest,
        Err(rejected) => return pages.turn_away(language, &rejected),
    };
    let invitation = guest.token.invitation();
    if let Err(rejection) = body {
        pages.refused.note(BAD_BODY);
        let reference = Reference::new(&*pages.random);
        let refusal = Reason::Incomplete.into();
        return pages::refused(rejection.status(), language, invitation, reference, refusal);
    }
    pages.serve(language, &guest).await
}

/// Whether a browser says that the press happened on a page of another origin, in whichever way it
/// says so: old browsers send no `Sec-Fetch-Site` (Fetch Metadata), very old ones not even an
/// `Origin` (Fetch, append a request `Origin` header). An origin that the browser hides, `null`, is
/// another one; see the referrer policy of our own pages.
fn is_from_elsewhere(headers: &HeaderMap, own: &Url) -> bool {
    let own = own.origin().ascii_serialization();
    let other_site = |site: &HeaderValue| site != "same-origin" && site != "none";
    headers.get_all("sec-fetch-site").iter().any(other_site)
        || headers.get_all(ORIGIN).iter().any(|origin| origin != own.as_str())
}

/// Sends the browser on with a GET.
fn follow(sign_in: &SignIn) -> Option<Response> {
    let mut location = HeaderValue::try_from(sign_in.link.expose()).ok()?;
    location.set_sensitive(true);
    Some((StatusCode::SEE_OTHER, [(LOCATION, location)]).into_response())
}

/// A refusal is an answer. With a status that says "failure", proxies put their own page in place
/// of ours.
fn status(refusal: &Refusal) -> StatusCode {
    match refusal.reason {
        Reason::TooOften => StatusCode::TOO_MANY_REQUESTS,
        _ => StatusCode::OK,
    }
}
