//! What no route has to think of: a panic becomes an empty 500, a request that gets stuck ends.

use std::any::Any;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Response, StatusCode};
use axum::response::IntoResponse;
use tower::ServiceBuilder;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::timeout::{RequestBodyTimeoutLayer, TimeoutLayer};

/// The header of a 500 that carries the reference under which the log tells more.
pub const REFERENCE_HEADER: &str = "x-reference";

/// How long a request may take.
#[derive(Debug, Clone, Copy)]
pub struct RequestLimits {
    /// The longest pause between two pieces of the request's body; the body then ends in an error.
    pub body_pause: Duration,
    /// From the end of the request's head to the head of the response; then comes an empty 503.
    pub total: Duration,
}

impl Default for RequestLimits {
    fn default() -> Self {
        Self { body_pause: Duration::from_secs(5), total: Duration::from_secs(30) }
    }
}

/// Wraps all routes so that neither a panic nor a stuck request harms more than itself.
///
/// `new_reference` takes note of a panic and names it, both in the log and in the header
/// [`REFERENCE_HEADER`].
pub fn harden<F>(router: Router, limits: RequestLimits, new_reference: F) -> Router
where
    F: Fn() -> String + Clone + Send + Sync + 'static,
{
    let catch = CatchPanicLayer::custom(move |panic: Box<dyn Any + Send>| {
        // What the panic says may contain anything; the panic hook has logged its place.
        drop(panic);
        answer_to_panic(&new_reference())
    });
    // All in one layer: the router boxes and clones each of its own for every request.
    let layers = ServiceBuilder::new()
        .layer(catch)
        .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, limits.total))
        .layer(RequestBodyTimeoutLayer::new(limits.body_pause));
    router.layer(layers)
}

fn answer_to_panic(reference: &str) -> Response<Body> {
    tracing::error!(reference, "a request panicked");
    (StatusCode::INTERNAL_SERVER_ERROR, [(REFERENCE_HEADER, reference)]).into_response()
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use axum::body::to_bytes;
    use axum::http::Request;
    use axum::routing::{get, post};
    use bytes::Bytes;
    use futures_util::stream;
    use tower::ServiceExt;

    use super::*;

    const SOON: RequestLimits =
        RequestLimits { body_pause: Duration::from_millis(20), total: Duration::from_millis(200) };

    async fn ask(router: Router, request: Request<Body>) -> (StatusCode, Option<String>, Bytes) {
        let router = harden(router, SOON, || "REF1".to_owned());
        let response = router.oneshot(request).await.unwrap();
        let reference = response
            .headers()
            .get(REFERENCE_HEADER)
            .map(|value| value.to_str().unwrap().to_owned());
        (response.status(), reference, to_bytes(response.into_body(), 1024).await.unwrap())
    }

    #[expect(clippy::panic, reason = "that is what is tested")]
    async fn panicking() {
        panic!("with a s3cret");
    }

    #[tokio::test]
    async fn a_panic_is_an_empty_500_with_a_reference() {
        let router = Router::new().route("/", get(panicking));
        let (status, reference, body) = ask(router, Request::new(Body::empty())).await;
        assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(reference.as_deref(), Some("REF1"));
        assert!(body.is_empty());
    }

    #[tokio::test]
    async fn a_stuck_request_ends() {
        let router = Router::new().route("/", get(std::future::pending::<()>));
        let (status, _, body) = ask(router, Request::new(Body::empty())).await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(body.is_empty());
    }

    #[tokio::test]
    async fn a_body_that_stops_coming_is_an_error_to_its_reader() {
        let router = Router::new().route("/", post(|body: Bytes| async move { body }));
        let stuck = Body::from_stream(stream::pending::<Result<Bytes, Infallible>>());
        let (status, ..) = ask(router, Request::post("/").body(stuck).unwrap()).await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
    }

    #[tokio::test]
    async fn others_pass_unchanged() {
        let router = Router::new().route("/", post(|body: Bytes| async move { body }));
        let (status, reference, body) =
            ask(router, Request::post("/").body("x".into()).unwrap()).await;
        assert_eq!((status, reference, body.as_ref()), (StatusCode::OK, None, b"x".as_ref()));
    }
}
