//! The API's own document (OpenAPI 3.1), made from the code that serves it.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response as HttpResponse};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{
    ContentBuilder, HeaderBuilder, ObjectBuilder, OpenApi, Ref, RefOr, Response, ResponseBuilder,
    Type,
};
use utoipa::{IntoResponses, Modify, OpenApi as _, PartialSchema as _, ToSchema as _};

use super::problem::{PROBLEM_JSON, ProblemBody};
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
pub(super) async fn show(_: By<Reads>, State(admin): State<Arc<Admin>>) -> HttpResponse {
    ([(CONTENT_TYPE, "application/json")], admin.document.clone()).into_response()
}

/// The problems that any request can come to.
pub(super) struct Refused;

impl IntoResponses for Refused {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let mut all = problems(&[
            ("400", "A parameter is not what it has to be"),
            ("401", "No token, or one that is not in force"),
            ("403", "The token's role does not allow this"),
            ("404", "There is no such thing"),
            ("405", "The path does not take this method"),
            ("429", "Too many requests with this token"),
            ("500", "An error of the service itself"),
            ("502", "Novu refuses, or its answer makes no sense"),
            ("503", "Novu or the store cannot be reached, or it took too long"),
            ("504", "Novu does not answer in time"),
        ]);
        let head = ResponseBuilder::new()
            .description("The head of the request is larger than 16 KiB. This answer has no body");
        all.insert("431".to_owned(), head.build().into());
        all
    }
}

/// The problems that a request can come to which changes something.
pub(super) struct NotChanged;

impl IntoResponses for NotChanged {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&[("409", "It stands against what is there; the code says how")])
    }
}

/// The problems that a request can come to which has a body.
pub(super) struct NotUnderstood;

impl IntoResponses for NotUnderstood {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&[
            ("413", "The body is larger than 64 KiB"),
            ("415", "The body is not said to be JSON"),
            (
                "422",
                "The body is not what it has to be, or the idempotency key was used for something else",
            ),
        ])
    }
}

fn problems(statuses: &[(&str, &str)]) -> BTreeMap<String, RefOr<Response>> {
    let problem = |(status, description): &(&str, &str)| {
        let schema = Ref::from_schema_name(ProblemBody::name());
        let content = ContentBuilder::new().schema(Some(schema)).build();
        let response =
            ResponseBuilder::new().description(*description).content(PROBLEM_JSON, content);
        let response = match *status {
            "401" => response.header("WWW-Authenticate", text("Which token is needed")),
            "405" => response.header("Allow", text("The methods that it takes")),
            "429" => response.header("Retry-After", seconds("After how many seconds to ask again")),
            _ => response,
        };
        ((*status).to_owned(), response.build().into())
    };
    statuses.iter().map(problem).collect()
}

fn text(description: &str) -> utoipa::openapi::Header {
    HeaderBuilder::new().schema(Some(String::schema())).description(Some(description)).build()
}

fn seconds(description: &str) -> utoipa::openapi::Header {
    let number = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1));
    HeaderBuilder::new().schema(Some(number)).description(Some(description)).build()
}
