//! The API's own document (OpenAPI 3.1), made from the code that serves it.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use utoipa::openapi::OpenApi;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi as _};

use super::problem::ProblemBody;
use super::refusals::Refused;
use super::request::{By, Reads};
use super::workspaces::CreatedBody;
use super::{Admin, BEGINNING};

/// What the document says beside the paths.
#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "novu-connect-bot: admin API",
        description = "Connects workspaces to Novu, looks after people's links, and reads the audit.\n\n\
            Every request needs the header `Authorization: Bearer TOKEN`. A token has a role: `read` sees \
            workspaces, the audit and what the doctor says; `people` sees people as well, and removes their links; `all` also \
            connects and disconnects workspaces. With one token 60 requests can be made at once, then five a \
            second.\n\n\
            Every answer that is no is `application/problem+json` (RFC 9457).",
    ),
    security(("token" = [])),
    modifiers(&Frame),
    components(schemas(ProblemBody, CreatedBody)),
)]
struct Described;

/// The parts that no annotation can say.
struct Frame;

impl Modify for Frame {
    fn modify(&self, document: &mut OpenApi) {
        env!("CARGO_PKG_VERSION").clone_into(&mut document.info.version);
        document.servers = Some(vec![utoipa::openapi::Server::new(BEGINNING)]);
        let token = HttpBuilder::new().scheme(HttpAuthScheme::Bearer);
        let token = token.description(Some("A token of `server.admin_tokens`."));
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("token", SecurityScheme::Http(token.build()));
    }
}

/// The document without any path.
pub(super) fn frame() -> OpenApi {
    Described::openapi()
}

/// Gives this document
#[utoipa::path(
    get,
    path = "/openapi.json",
    tag = "document",
    operation_id = "document",
    responses((status = 200, description = "The document", content_type = "application/json", body = serde_json::Value), Refused),
)]
pub(super) async fn show(_: By<Reads>, State(admin): State<Arc<Admin>>) -> Response {
    ([(CONTENT_TYPE, "application/json")], admin.document.clone()).into_response()
}
