//! What the document says of the answers that are no.

use std::collections::BTreeMap;

use utoipa::openapi::{
    ContentBuilder, HeaderBuilder, ObjectBuilder, Ref, RefOr, Response, ResponseBuilder, Type,
};
use utoipa::{IntoResponses, PartialSchema as _, ToSchema as _};

use super::problem::{PROBLEM_JSON, ProblemBody};

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
