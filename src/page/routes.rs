//! Looking at a personal page, and pressing its buttons.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, FromRequestParts, Path, State};
use axum::http::HeaderMap;
use axum::http::request::Parts;
use axum::middleware::map_response;
use axum::response::Response;
use axum::routing::get;
use bytes::Bytes;

use super::headers::is_from_elsewhere;
use super::landing::land;
use super::language::preferred;
use super::pages::{Guest, Pages};
use super::{
    BAD_BODY, CROSS_SITE, ENDED_PAGE, EXPIRED_TOKEN, LinkPages, STORE, UNKNOWN_TOKEN, not_me,
    workspace,
};
use crate::core::{Language, Reason, Reference};
use crate::links::Rejected;

/// Our forms send next to nothing; some browsers send a little more.
const MOST_BODY: usize = 1024;
/// What is typed on a start page, in bytes.
const MOST_TYPED: usize = 8 * 1024;

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
        let start = get(workspace::show).post(workspace::press);
        let start = start.layer(DefaultBodyLimit::max(MOST_TYPED));
        Router::new()
            .route("/link/{id}", get(show).post(press))
            .route("/link/{id}/", get(show).post(press))
            .route("/workspace/{id}", start.clone())
            .route("/workspace/{id}/", start)
            .route("/linked/{platform}", get(land))
            .route("/linked/{platform}/", get(land))
            .layer(DefaultBodyLimit::max(MOST_BODY))
            .route_layer(protect)
            .with_state(self)
    }

    async fn admit(&self, id: &str) -> Result<Guest, Rejected> {
        let page = self.links.open(id).await?;
        // A platform that has been switched off since leaves its links to nowhere.
        let platform = &page.invitation().person.platform;
        let chat = self.chat(platform.as_str()).ok_or(Rejected::Unknown)?;
        Ok(Guest { chat: Arc::clone(chat), page })
    }

    pub(super) fn turn_away(&self, page: Pages<'_>, rejected: &Rejected) -> Response {
        match rejected {
            Rejected::Unknown => self.refused.note(UNKNOWN_TOKEN),
            Rejected::Expired { .. } => self.refused.count(EXPIRED_TOKEN),
            Rejected::Ended { .. } => self.refused.count(ENDED_PAGE),
            Rejected::Unavailable => self.refused.count(STORE),
        }
        page.rejected(rejected)
    }
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
            Ok(Path(id)) => pages.admit(&id).await,
            Err(_) => Err(Rejected::Unknown),
        };
        Ok(Self { language, guest })
    }
}

/// Shows who will be connected to what. Changes nothing and calls nobody: link previews come here,
/// too (Slack: unfurling links).
async fn show(State(pages): State<Arc<LinkPages>>, visit: Visit) -> Response {
    let page = Pages { app: &pages.app, language: visit.language };
    match visit.guest {
        Ok(guest) if guest.page.is_spent() => page.spent(&guest),
        Ok(guest) => page.confirm(&guest),
        Err(rejected) => pages.turn_away(page, &rejected),
    }
}

/// Asks for a fresh link and follows it, or ends the page.
async fn press(
    State(pages): State<Arc<LinkPages>>,
    visit: Visit,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let Visit { language, guest } = visit;
    let page = Pages { app: &pages.app, language };
    if is_from_elsewhere(&headers, &pages.links.public_url) {
        pages.refused.note(CROSS_SITE);
        return page.cross_site();
    }
    let guest = match guest {
        Ok(guest) => guest,
        Err(rejected) => return pages.turn_away(page, &rejected),
    };
    match body {
        Ok(body) if not_me::is_said(&body) => pages.end(page, &guest).await,
        Ok(_) => pages.serve(page, &guest).await,
        Err(rejection) => {
            pages.refused.note(BAD_BODY);
            let reference = Reference::new(&*pages.random);
            let refusal = Reason::Incomplete.into();
            page.refused(rejection.status(), guest.page.invitation(), reference, refusal)
        }
    }
}
