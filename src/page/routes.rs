//! Looking at a personal page, and pressing its button.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, FromRequestParts, Path, State};
use axum::http::header::LOCATION;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::map_response;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;

use super::language::preferred;
use super::pages;
use super::{Desk, LinkPages};
use crate::core::Language;
use crate::core::{Answer, Ask, Intent, Reason, Refusal, SignIn, note};
use crate::links::{Rejected, Token};
use crate::random::reference;

/// Our form sends nothing; some browsers send a little all the same.
const MOST_BODY: usize = 1024;

impl LinkPages {
    /// The routes, each with and without a slash at its end, because people copy addresses.
    pub fn router(self: Arc<Self>) -> Router {
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
        let desk = self.desk(token.invitation().person.platform).ok_or(Rejected::Unknown)?;
        Ok(Guest { desk: Arc::clone(desk), token })
    }

    fn turn_away(&self, language: Language, rejected: &Rejected) -> Response {
        let reason = match rejected {
            Rejected::Unknown => "unknown_token",
            Rejected::Expired { .. } => "expired_token",
        };
        self.metrics.refused("link", reason);
        tracing::debug!(reason, "a personal link was refused");
        pages::rejected(language, rejected)
    }

    /// Answers somebody who has pressed the button: with the way to the sign-in, or with a page.
    async fn serve(&self, language: Language, guest: &Guest) -> Response {
        let invitation = guest.token.invitation();
        let (ask, answer) = self.answer(guest).await;
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
                return pages::already_connected(language, invitation, ask.reference, link);
            }
            Answer::Refused(refusal) => refusal,
            // No answer to the question that was asked.
            Answer::NotConnected | Answer::Working | Answer::Welcome | Answer::Help(_) => {
                Reason::Busy.into()
            }
        };
        pages::refused(status(&refusal), language, invitation, ask.reference, refusal)
    }

    /// Asks the platform's desk for a link, unless this person has asked too often.
    async fn answer(&self, guest: &Guest) -> (Ask, Answer) {
        let invitation = guest.token.invitation();
        let platform = invitation.person.platform;
        let ask = Ask::new(invitation.person.clone(), Intent::Connect, reference(&*self.random));
        tracing::info!(
            reference = %ask.reference,
            invited_as = %invitation.reference,
            age_s = guest.token.age(self.links.clock.now()).as_secs(),
            "personal link pressed"
        );
        self.metrics.funnel(platform.name(), "clicked");
        if self.pace.allows(&ask.person) {
            let answer = guest.desk.answer(&ask, invitation.hint.as_deref()).await;
            return (ask, answer);
        }
        let answer = Answer::Refused(Reason::TooOften.into());
        note(&self.metrics, &ask, &answer);
        (ask, answer)
    }
}

/// Somebody with a personal link that is good.
struct Guest {
    token: Token,
    desk: Arc<dyn Desk>,
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
        Ok(guest) => pages::confirm(visit.language, guest.token.invitation()),
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
    if is_from_elsewhere(&headers) {
        pages.metrics.refused("link", "cross_site");
        return pages::from_elsewhere(language);
    }
    let guest = match guest {
        Ok(guest) => guest,
        Err(rejected) => return pages.turn_away(language, &rejected),
    };
    let invitation = guest.token.invitation();
    if let Err(rejection) = body {
        pages.metrics.refused("link", "bad_body");
        let reference = reference(&*pages.random);
        let refusal = Reason::Incomplete.into();
        return pages::refused(rejection.status(), language, invitation, reference, refusal);
    }
    pages.serve(language, &guest).await
}

/// Whether a browser says that the press happened on a page of another origin. Old browsers say
/// nothing (Fetch Metadata, `Sec-Fetch-Site`).
fn is_from_elsewhere(headers: &HeaderMap) -> bool {
    headers.get("sec-fetch-site").is_some_and(|site| site != "same-origin" && site != "none")
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
