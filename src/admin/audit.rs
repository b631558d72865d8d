//! The audit, as it is stored.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};

use super::problem::{Kind, Problem};
use super::refusals::Refused;
use super::request::{By, InQuery, Reads};
use super::{Admin, cursor};
use crate::audit;
use crate::core::typed_id;
use crate::store::Owner;

/// The most lines of one page.
const MOST: u32 = 500;

/// Which lines.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Which {
    /// Where to go on, as the page before says.
    #[param(max_length = 2048)]
    cursor: Option<String>,
    /// How many lines at most. With `person` a page can have fewer, and even none, although there are more.
    #[serde(default = "most")]
    #[param(minimum = 1, maximum = 500, default = 500)]
    limit: u32,
    /// Only what is about one person: `PLATFORM/WORKSPACE/USER`, with the id of the organisation in place of the
    /// workspace's in an Enterprise Grid.
    #[param(
        pattern = "^[a-z]+/[A-Za-z0-9_-]+/[A-Za-z0-9_-]+$",
        max_length = 300,
        example = "slack/T0123ABCD/U0123ABCD"
    )]
    person: Option<String>,
}

const fn most() -> u32 {
    MOST
}

/// Lines of the audit.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AuditLines {
    /// The lines, exactly as they are stored, in the order in which that was done.
    #[schema(value_type = Vec<AuditLine>)]
    items: Vec<Box<RawValue>>,
    /// Where the page ends: ask with it now if there are more, or later for what has been stored since. None
    /// before the first line.
    next: Option<String>,
    /// Whether there are more lines now.
    more: bool,
}

/// One line of the audit. Its SHA-256, over exactly this text, is what the next line of its chain names as
/// `previous`.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "it describes texts that are passed on as they are")]
pub(super) struct AuditLine {
    /// The form of the line.
    version: u32,
    /// The chain: one for each process that has run.
    chain: String,
    /// The place in the chain; the first is one.
    number: i64,
    /// When it happened.
    #[schema(format = DateTime)]
    at: String,
    /// What happened, such as `linked` or `workspace_connected`.
    kind: String,
    /// Who did it: `person`, `service`, or `administrator:NAME`.
    actor: String,
    /// `slack` or `teams`.
    platform: String,
    /// The hash of the line before.
    previous: String,
}

/// Lists lines of the audit
///
/// A store in memory keeps none: they are in the service's log.
#[utoipa::path(
    get,
    path = "/audit",
    tag = "audit",
    operation_id = "list_audit",
    params(Which),
    responses((status = 200, description = "Lines, the oldest first", body = AuditLines), Refused),
)]
pub(super) async fn list(
    _: By<Reads>,
    State(admin): State<Arc<Admin>>,
    InQuery(which): InQuery<Which>,
) -> Result<Json<AuditLines>, Problem> {
    let Which { cursor, limit, person } = which;
    if !(1..=MOST).contains(&limit) {
        let detail = format!("In the query: limit has to be from 1 to {MOST}.");
        return Err(Problem::new(Kind::BadParameter, detail));
    }
    let after = cursor.as_deref().map(|text| cursor::read(text).ok_or_else(cursor::unknown));
    let person = person.as_deref().map(|text| owner(&admin, text)).transpose()?;
    let page = audit::page(&admin.store, after.transpose()?, person.as_ref(), limit).await?;
    // A line that is no JSON cannot be passed on in it; `audit verify` tells of it.
    let items = page.lines.into_iter().filter_map(|line| RawValue::from_string(line).ok());
    let next = page.end.as_ref().map(cursor::write);
    Ok(Json(AuditLines { items: items.collect(), next, more: page.more }))
}

/// The name by which the audit knows the person of that name.
fn owner(admin: &Admin, text: &str) -> Result<Owner, Problem> {
    let unknown = || {
        Problem::new(
            Kind::BadParameter,
            "In the query: person has to be PLATFORM/WORKSPACE/USER, of a platform that is on.",
        )
    };
    let mut parts = text.split('/');
    let (Some(platform), Some(workspace), Some(user), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(unknown());
    };
    if typed_id(workspace).is_err() || typed_id(user).is_err() {
        return Err(unknown());
    }
    let platform = admin.machine(platform).map_err(|_| unknown())?.platform();
    let own = |id| platform.canonical_id(id);
    Ok(Owner::of(platform.name, &own(workspace), &own(user)))
}
