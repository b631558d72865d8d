//! The parts of a request, each refused as a problem where it is not what it has to be.

use std::marker::PhantomData;
use std::sync::Arc;

use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use bytes::Bytes;
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize as _, Deserializer};
use serde_json::error::Category;
use serde_json::{Map, Value};
use utoipa::IntoParams;

use super::Admin;
use super::problem::{Kind, Problem};
use super::token::{Caller, Role};

/// The largest body, in bytes.
pub(super) const MOST_BODY: usize = 64 * 1024;
/// The header by which a creation is made once, however often it is asked for.
pub(super) const IDEMPOTENCY_KEY: &str = "idempotency-key";
/// The longest of its values, in characters.
const LONGEST_KEY: usize = 200;

/// What a role is needed for.
pub(super) trait Needs: Send {
    const ROLE: Role;
}

/// Needs the role `read`.
pub(super) enum Reads {}
/// Needs the role `people`.
pub(super) enum LooksAfterPeople {}
/// Needs the role `all`.
pub(super) enum ChangesWorkspaces {}

impl Needs for Reads {
    const ROLE: Role = Role::Read;
}

impl Needs for LooksAfterPeople {
    const ROLE: Role = Role::People;
}

impl Needs for ChangesWorkspaces {
    const ROLE: Role = Role::All;
}

/// Somebody whose role is high enough. Handlers take this first, so that nothing else is looked at before.
pub(super) struct By<N> {
    /// The name of their token.
    pub(super) name: String,
    needs: PhantomData<fn() -> N>,
}

impl<N: Needs> FromRequestParts<Arc<Admin>> for By<N> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<Admin>) -> Result<Self, Problem> {
        // The gate puts it there; nobody comes here without passing it.
        let caller = parts.extensions.get::<Caller>().ok_or_else(Problem::unauthenticated)?;
        if caller.role < N::ROLE {
            return Err(Problem::role_too_low(caller.role, N::ROLE));
        }
        Ok(Self { name: caller.name.clone(), needs: PhantomData })
    }
}

/// The parts of the path.
pub(super) struct InPath<T>(pub(super) T);

impl<T: DeserializeOwned + Send> FromRequestParts<Arc<Admin>> for InPath<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, admin: &Arc<Admin>) -> Result<Self, Problem> {
        let read = Path::<T>::from_request_parts(parts, admin).await;
        let read = read.map_err(|rejection| {
            Problem::new(Kind::BadParameter, format!("In the path: {}.", rejection.body_text()))
        });
        Ok(Self(read?.0))
    }
}

/// The parameters of the query.
pub(super) struct InQuery<T>(pub(super) T);

impl<T: DeserializeOwned + Send> FromRequestParts<Arc<Admin>> for InQuery<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, admin: &Arc<Admin>) -> Result<Self, Problem> {
        let read = Query::<T>::from_request_parts(parts, admin).await;
        let read = read.map_err(|rejection| {
            Problem::new(Kind::BadParameter, format!("In the query: {}.", rejection.body_text()))
        });
        Ok(Self(read?.0))
    }
}

/// The value of the header `Idempotency-Key`, if there is one.
#[derive(IntoParams)]
#[into_params(parameter_in = Header, names("Idempotency-Key"))]
pub(super) struct IdempotencyKey(
    /// Of the requests with the same key there is one, for thirty days
    #[param(min_length = 1, max_length = 200, pattern = "^[!-~]+$")]
    pub(super) Option<String>,
);

impl FromRequestParts<Arc<Admin>> for IdempotencyKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<Admin>) -> Result<Self, Problem> {
        let mut all = parts.headers.get_all(IDEMPOTENCY_KEY).iter();
        let Some(value) = all.next() else { return Ok(Self(None)) };
        let key = value.to_str().ok().filter(|key| (1..=LONGEST_KEY).contains(&key.len()));
        match (key, all.next()) {
            (Some(key), None) => Ok(Self(Some(key.to_owned()))),
            _ => Err(Problem::new(
                Kind::BadParameter,
                format!(
                    "The header Idempotency-Key has to be there once, with 1 to {LONGEST_KEY} printable \
                     ASCII characters."
                ),
            )),
        }
    }
}

/// The body, which is JSON.
pub(super) struct InBody<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequest<Arc<Admin>> for InBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, admin: &Arc<Admin>) -> Result<Self, Problem> {
        if !is_json(request.headers()) {
            return Err(Problem::new(
                Kind::WrongType,
                "Send the body as JSON, with the header Content-Type: application/json.",
            ));
        }
        if announces_too_much(request.headers()) {
            return Err(too_large());
        }
        let body = Bytes::from_request(request, admin).await;
        let body = body.map_err(|error| not_arrived(&error))?;
        let fields = serde_json::from_slice::<Map<String, Value>>(&body).map_err(|error| {
            let kind = match error.classify() {
                Category::Data => Kind::BadBody,
                Category::Syntax | Category::Eof | Category::Io => Kind::BadJson,
            };
            wrong(kind, &error)
        })?;
        let read = T::deserialize(Value::Object(fields));
        read.map(Self).map_err(|error| wrong(Kind::BadBody, &error))
    }
}

/// Reads an object by the names of its fields: a list of their values, which serde takes as well, is none.
pub(super) fn object<'de, D: Deserializer<'de>, T: DeserializeOwned>(
    deserializer: D,
) -> Result<T, D::Error> {
    let fields = Map::deserialize(deserializer)?;
    T::deserialize(Value::Object(fields)).map_err(D::Error::custom)
}

fn wrong(kind: Kind, error: &serde_json::Error) -> Problem {
    Problem::new(kind, format!("In the body: {error}."))
}

fn not_arrived(error: &BytesRejection) -> Problem {
    if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
        return too_large();
    }
    Problem::new(Kind::BadJson, "The body did not arrive as a whole: send it again.")
}

fn too_large() -> Problem {
    Problem::new(Kind::TooLarge, format!("A body has at most {MOST_BODY} bytes."))
}

/// Whether so much is to come that it need not be waited for.
fn announces_too_much(headers: &HeaderMap) -> bool {
    let length = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    length.is_some_and(|length: usize| length > MOST_BODY)
}

fn is_json(headers: &HeaderMap) -> bool {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = value.and_then(|value| value.split(';').next());
    essence.is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/json"))
}
