//! What is wrong with the whole set-up, with the fix.

use std::fmt::Debug;
use std::sync::Arc;

use axum::{Extension, Json};
use futures_util::future::BoxFuture;

use super::problem::Problem;
use super::refusals::Refused;
use super::request::{By, Reads};
use crate::doctor::Report;

/// Looks at everything that the service depends on.
pub(crate) trait Doctor: Debug + Send + Sync {
    /// Only reads. Takes seconds; however many ask meanwhile, they get one report.
    fn report(&self) -> BoxFuture<'_, Report>;
}

/// Looks at everything that the service depends on
///
/// As `check --online` does, and only reads. It takes seconds.
#[utoipa::path(
    get,
    path = "/doctor",
    tag = "doctor",
    operation_id = "doctor",
    responses((status = 200, description = "What each check found", body = Report), Refused),
)]
pub(super) async fn show(
    _: By<Reads>,
    Extension(doctor): Extension<Arc<dyn Doctor>>,
) -> Result<Json<Report>, Problem> {
    Ok(Json(doctor.report().await))
}
