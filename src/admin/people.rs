//! People: why somebody is linked or not, and the removal of their link.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Admin;
use super::problem::{Kind, Problem};
use super::refusals::{NotChanged, NotUnderstood, Refused};
use super::request::{By, InBody, InPath, InQuery, LooksAfterPeople};
use crate::core::{Explanation, LinkRemoval, Person, PersonsLink, Platform, typed_id};

/// The longest reason, in characters.
const LONGEST_REASON: usize = 300;

/// A person.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct Named {
    /// `slack` or `teams`.
    #[param(pattern = "^[a-z]+$")]
    platform: String,
    /// Slack workspace (`T…`), or Entra tenant.
    #[param(pattern = "^[A-Za-z0-9_-]{1,100}$")]
    workspace: String,
    /// Slack user (`U…` or `W…`), or Entra object id.
    #[param(pattern = "^[A-Za-z0-9_-]{1,100}$")]
    user: String,
}

/// Where the person is beside that.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Where {
    /// Slack Enterprise Grid organisation (`E…`) that the workspace is in. For somebody who is in none of its
    /// workspaces the path has the same id as the workspace.
    #[param(pattern = "^[A-Za-z0-9_-]{1,100}$")]
    organisation: Option<String>,
}

impl Named {
    /// The person, with ids as the platform compares them.
    fn person(self, beside: Where, platform: &Platform) -> Result<Person, Problem> {
        let Self { workspace, user, .. } = self;
        let Where { organisation } = beside;
        let wrong = |why| Problem::new(Kind::BadParameter, format!("In the path or query: {why}."));
        let workspace = platform.place(Some(&workspace), organisation.as_deref()).map_err(wrong)?;
        let user = platform.canonical_id(typed_id(&user).map_err(wrong)?).into_owned();
        Ok(Person { platform: platform.id(), workspace, user })
    }
}

/// What is known of a person.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Explained {
    /// Each step on the way to a link, and what they would be answered now.
    explanation: Explanation,
    /// Their link, as far as it is known; none if none is.
    link: Option<PersonsLink>,
}

/// Explains why somebody is linked or not
///
/// Walks the way to their link without making anything.
#[utoipa::path(
    get,
    path = "/people/{platform}/{workspace}/{user}",
    tag = "people",
    operation_id = "explain_person",
    params(Named, Where),
    responses((status = 200, description = "What each step says", body = Explained), Refused),
)]
pub(super) async fn explain(
    _: By<LooksAfterPeople>,
    State(admin): State<Arc<Admin>>,
    InPath(named): InPath<Named>,
    InQuery(beside): InQuery<Where>,
) -> Result<Json<Explained>, Problem> {
    let machine = admin.machine(&named.platform)?;
    let person = named.person(beside, machine.platform())?;
    let link = machine.link_of(&person).await?;
    Ok(Json(Explained { explanation: machine.explain(&person).await, link }))
}

/// Why a link is removed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RemoveLink {
    /// Why, for the audit. Name nobody: it cannot be forgotten.
    #[schema(min_length = 1, max_length = 300, pattern = r"\S")]
    reason: String,
}

/// What was removed.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RemovedLink {
    /// The identifiers of the channel endpoints.
    endpoints: Vec<String>,
}

/// Removes a person's link
///
/// Nobody else's is touched. Where they read that they are connected, they then read that they are not.
#[utoipa::path(
    delete,
    path = "/people/{platform}/{workspace}/{user}/link",
    tag = "people",
    operation_id = "remove_link",
    params(Named, Where),
    request_body = RemoveLink,
    responses(
        (status = 200, description = "It is gone", body = RemovedLink),
        Refused,
        NotChanged,
        NotUnderstood,
    ),
)]
pub(super) async fn remove_link(
    by: By<LooksAfterPeople>,
    State(admin): State<Arc<Admin>>,
    InPath(named): InPath<Named>,
    InQuery(beside): InQuery<Where>,
    InBody(body): InBody<RemoveLink>,
) -> Result<Json<RemovedLink>, Problem> {
    let RemoveLink { reason } = body;
    if reason.trim().is_empty() || reason.chars().count() > LONGEST_REASON {
        let detail = format!("In the body: reason has to have 1 to {LONGEST_REASON} characters.");
        return Err(Problem::new(Kind::BadBody, detail));
    }
    let machine = admin.machine(&named.platform)?;
    let person = named.person(beside, machine.platform())?;
    match machine.remove_link(&person, &by.name, &reason).await {
        LinkRemoval::Removed { endpoints } => Ok(Json(RemovedLink { endpoints })),
        LinkRemoval::NoLink => {
            Err(Problem::new(Kind::NotFound, "This person has no link: compare their ids."))
        }
        LinkRemoval::NotFound => Err(Problem::new(
            Kind::NotFound,
            "No link of this person was found, and there are too many to look at all: delete the channel \
             endpoint in Novu.",
        )),
        LinkRemoval::Uncertain { .. } => Err(Problem::new(
            Kind::Uncertain,
            "Novu did not say whether the link is gone: look at the person again.",
        )),
        LinkRemoval::Failed(refusal) => Err(refusal.into()),
    }
}
