//! Workspaces: what is connected, and connecting, reconnecting and disconnecting them.

mod asked;
mod told;

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, IntoResponses, ToSchema};

use self::asked::{ConnectBody, ReconnectBody};
pub(crate) use self::told::{CreatedBody, RequestBody, WorkspaceBody};
use super::problem::{Kind, Problem};
use super::refusals::{NotChanged, NotUnderstood, Refused};
use super::request::{By, ChangesWorkspaces, IdempotencyKey, InBody, InPath, InQuery, Reads};
use super::{Admin, BEGINNING, cursor};
use crate::answering::Machine;
use crate::core::workspaces::{
    DisconnectOrder, Given, NewRequest, RequestId, Requester, Workspaces,
};
use crate::core::{Reason, Refusal, Workspace};
use crate::digest::digest_of;

/// The most workspaces of one page.
const MOST: usize = 100;

/// Which workspaces.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Which {
    /// Only those of one platform: `slack` or `teams`.
    #[param(pattern = "^[a-z]+$")]
    platform: Option<String>,
    /// Where to go on, as the page before says.
    #[param(max_length = 2048)]
    cursor: Option<String>,
    /// How many at most.
    #[serde(default = "most")]
    #[param(minimum = 1, maximum = 100, default = 100)]
    limit: usize,
}

const fn most() -> usize {
    MOST
}

/// Workspaces that are connected.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ConnectedWorkspaces {
    /// They, by platform and the identifier of their connection.
    items: Vec<WorkspaceBody>,
    /// Where to go on; none at the end.
    next: Option<String>,
}

/// Lists the workspaces and tenants that are connected
///
/// As Novu has them now. How many people are linked over each, and whether it works, only the look at one says.
#[utoipa::path(
    get,
    path = "/workspaces",
    tag = "workspaces",
    operation_id = "list_workspaces",
    params(Which),
    responses(
        (status = 200, description = "Workspaces", body = ConnectedWorkspaces),
        Refused,
    ),
)]
pub(super) async fn list(
    _: By<Reads>,
    State(admin): State<Arc<Admin>>,
    InQuery(which): InQuery<Which>,
) -> Result<Json<ConnectedWorkspaces>, Problem> {
    let Which { platform, cursor, limit } = which;
    if !(1..=MOST).contains(&limit) {
        let detail = format!("In the query: limit has to be from 1 to {MOST}.");
        return Err(Problem::new(Kind::BadParameter, detail));
    }
    let after = cursor.as_deref().map(|text| cursor::read(text).ok_or_else(cursor::unknown));
    let after: Option<(String, String)> = after.transpose()?;
    let machines = match &platform {
        None => admin.machines.iter().collect(),
        Some(platform) => vec![admin.machine(platform)?],
    };
    let mut all = Vec::new();
    for machine in machines {
        let name = machine.platform().name;
        let connected = machine.workspaces().list(None).await?;
        all.extend(connected.into_iter().map(|it| WorkspaceBody::of(name, it)));
    }
    all.sort_by(|one, other| one.place().cmp(&other.place()));
    if let Some((platform, connection)) = &after {
        all.retain(|it| it.place() > (platform.as_str(), connection.as_str()));
    }
    let more = all.len() > limit;
    all.truncate(limit);
    let next = all.last().filter(|_| more).map(|last| cursor::write(&last.place()));
    Ok(Json(ConnectedWorkspaces { items: all, next }))
}

/// Looks at one connection
///
/// Says how many people are linked over it, and asks the platform whether it works.
#[utoipa::path(
    get,
    path = "/workspaces/{platform}/{connection}",
    tag = "workspaces",
    operation_id = "show_workspace",
    params(Named),
    responses((status = 200, description = "The workspace", body = WorkspaceBody), Refused),
)]
pub(super) async fn show(
    _: By<Reads>,
    State(admin): State<Arc<Admin>>,
    InPath(named): InPath<Named>,
) -> Result<Json<WorkspaceBody>, Problem> {
    let machine = admin.machine(&named.platform)?;
    let found = machine.workspaces().check(None, Some(&named.connection)).await?;
    Ok(Json(WorkspaceBody::of(machine.platform().name, found)))
}

/// A connection.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct Named {
    /// `slack` or `teams`.
    #[param(pattern = "^[a-z]+$")]
    platform: String,
    /// The identifier of the connection in Novu.
    #[param(min_length = 1, max_length = 200)]
    connection: String,
}

/// Begins to connect a workspace or tenant
///
/// Makes a page on which an administrator of the workspace goes on to the provider. Whoever has the page's
/// address can do that, for a day. What comes of it, the request says.
#[utoipa::path(
    post,
    path = "/workspaces",
    tag = "workspaces",
    operation_id = "connect_workspace",
    params(IdempotencyKey),
    request_body = ConnectBody,
    responses(
        Prepared,
        Refused,
        NotChanged,
        NotUnderstood,
    ),
)]
pub(super) async fn connect(
    by: By<ChangesWorkspaces>,
    State(admin): State<Arc<Admin>>,
    IdempotencyKey(key): IdempotencyKey,
    InBody(body): InBody<ConnectBody>,
) -> Result<Prepared, Problem> {
    let machine = admin.machine(body.platform.as_str()).map_err(|_| {
        Problem::new(Kind::BadBody, "In the body: platform has to be one that is on.")
    })?;
    let workspace = body.workspace.read(machine.platform());
    let workspace =
        workspace.map_err(|why| Problem::new(Kind::BadBody, format!("In the body: {why}.")))?;
    let new = NewRequest {
        workspace,
        requester: Requester::Token(by.name.clone()),
        reconnects: body.reconnect,
        given: body.given(),
        key: derived(&by.name, key.as_deref()),
    };
    prepare(machine, new).await
}

/// Begins to give a connection new credentials
///
/// As connecting it, but under the identifier that is there, so everybody stays linked.
#[utoipa::path(
    post,
    path = "/workspaces/{platform}/{connection}/reconnect",
    tag = "workspaces",
    operation_id = "reconnect_workspace",
    params(Named, IdempotencyKey),
    request_body = ReconnectBody,
    responses(
        Prepared,
        Refused,
        NotChanged,
        NotUnderstood,
    ),
)]
pub(super) async fn reconnect(
    by: By<ChangesWorkspaces>,
    State(admin): State<Arc<Admin>>,
    InPath(named): InPath<Named>,
    IdempotencyKey(key): IdempotencyKey,
    InBody(body): InBody<ReconnectBody>,
) -> Result<Prepared, Problem> {
    let machine = admin.machine(&named.platform)?;
    let workspace = workspace_of(&machine.workspaces(), &named.connection).await?;
    let given =
        Given { connection: Some(named.connection), scope: body.scope(), ..Given::default() };
    let new = NewRequest {
        workspace,
        requester: Requester::Token(by.name.clone()),
        reconnects: true,
        given,
        key: derived(&by.name, key.as_deref()),
    };
    prepare(machine, new).await
}

/// The workspace that a connection is of.
async fn workspace_of(workspaces: &Workspaces, connection: &str) -> Result<Workspace, Problem> {
    let all = workspaces.list(None).await?;
    let id = all.into_iter().find(|it| it.connection == connection).and_then(|it| it.workspace);
    let none = || Problem::from(Refusal::from(Reason::WorkspaceNotConnected));
    id.map(Workspace::standalone).ok_or_else(none)
}

/// What keeps the requests of one token's key from being more than one: nobody else's keys get in its way.
fn derived(token: &str, key: Option<&str>) -> Option<[u8; 32]> {
    Some(digest_of(["workspace request of a token", token, key?]))
}

/// A request that was asked for, now or before.
#[derive(IntoResponses)]
pub(super) enum Prepared {
    /// The request, with the address of its page
    #[response(status = 201, headers(("Location" = String, description = "Where the request is")))]
    Now(CreatedBody),
    /// The same request was made before, with this key
    #[response(status = 200, headers(("Location" = String, description = "Where the request is")))]
    Before(CreatedBody),
}

impl IntoResponse for Prepared {
    fn into_response(self) -> Response {
        let (status, body) = match self {
            Self::Now(body) => (StatusCode::CREATED, body),
            Self::Before(body) => (StatusCode::OK, body),
        };
        (status, [(LOCATION, body.request.path())], Json(body)).into_response()
    }
}

async fn prepare(machine: &Arc<dyn Machine>, new: NewRequest) -> Result<Prepared, Problem> {
    let prepared = machine.workspaces().prepare(new.clone()).await?;
    if prepared.was_there && !new.is_as(&prepared.request) {
        return Err(Problem::new(
            Kind::KeyReused,
            "A request for something else was made with this key: make a new key, or send the same again.",
        ));
    }
    let request = RequestBody::of(machine.platform().name, &prepared.request);
    let page = request.is_open().then(|| prepared.page.expose().to_owned());
    let body = CreatedBody { page, request };
    Ok(if prepared.was_there { Prepared::Before(body) } else { Prepared::Now(body) })
}

/// How a workspace is disconnected.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Disconnecting {
    /// Whether the links that deliver over the connection are removed as well. Otherwise they stay, and their
    /// people read `C-WORKSPACE` until the workspace is connected again.
    #[serde(default)]
    #[param(default = false)]
    remove_links: bool,
    /// Whether nothing is done, and only told what would happen to whom.
    #[serde(default)]
    #[param(default = false)]
    dry_run: bool,
}

/// What disconnecting a workspace would do.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Consequences {
    /// The workspace.
    workspace: WorkspaceBody,
    /// How many people would get nothing there any more.
    people: usize,
    /// How many links would be removed.
    links_removed: usize,
    /// The same in words.
    summary: String,
}

/// Disconnects a workspace or tenant
///
/// It is done in the background, whatever it takes; the request says how far it has come.
#[utoipa::path(
    delete,
    path = "/workspaces/{platform}/{connection}",
    tag = "workspaces",
    operation_id = "disconnect_workspace",
    params(Named, Disconnecting),
    responses(
        (status = 202, description = "It is being done", body = RequestBody,
            headers(("Location" = String, description = "Where the request is"))),
        (status = 200, description = "With dry_run: what would happen", body = Consequences),
        Refused,
        NotChanged,
    ),
)]
pub(super) async fn disconnect(
    by: By<ChangesWorkspaces>,
    State(admin): State<Arc<Admin>>,
    InPath(named): InPath<Named>,
    InQuery(how): InQuery<Disconnecting>,
) -> Result<Response, Problem> {
    let machine = admin.machine(&named.platform)?;
    let (name, workspaces) = (machine.platform().name, machine.workspaces());
    if how.dry_run {
        let found = workspaces.check(None, Some(&named.connection)).await?;
        let workspace = WorkspaceBody::of(name, found);
        return Ok(Json(Consequences::of(workspace, how.remove_links)).into_response());
    }
    let order = DisconnectOrder {
        workspace: None,
        connection: Some(named.connection),
        remove_links: how.remove_links,
        requester: Requester::Token(by.name),
        key: None,
    };
    let request = RequestBody::of(name, &workspaces.disconnect(order).await?);
    let location = [(LOCATION, request.path())];
    Ok((StatusCode::ACCEPTED, location, Json(request)).into_response())
}

impl Consequences {
    fn of(workspace: WorkspaceBody, remove_links: bool) -> Self {
        let people = workspace.links.unwrap_or_default();
        let links_removed = if remove_links { people } else { 0 };
        let called = workspace.called();
        let links = if remove_links {
            "They are removed: their people have to connect again once the workspace is connected."
        } else {
            "They stay: their people read C-WORKSPACE until the workspace is connected, and C-LINKED-ELSEWHERE if \
             that is under another identifier."
        };
        let summary = format!(
            "{called} is disconnected. Links over it: {people}. They deliver nothing any more. {links}"
        );
        Self { workspace, people, links_removed, summary }
    }
}

/// Looks at a request to connect or disconnect a workspace
///
/// However it was made: here, in chat or on the command line. The address of its page is not told again.
#[utoipa::path(
    get,
    path = "/workspace-requests/{id}",
    tag = "workspaces",
    operation_id = "show_workspace_request",
    params(("id" = String, Path, description = "The request's id", pattern = "^[0-9a-f]{32}$")),
    responses((status = 200, description = "The request", body = RequestBody), Refused),
)]
pub(super) async fn request(
    _: By<Reads>,
    State(admin): State<Arc<Admin>>,
    InPath(id): InPath<String>,
) -> Result<Json<RequestBody>, Problem> {
    let none =
        || Problem::new(Kind::NotFound, "There is no such request; they are kept for thirty days.");
    let id = RequestId::read(&id).ok_or_else(none)?;
    for machine in &admin.machines {
        if let Some(request) = machine.workspaces().request(&id).await? {
            return Ok(Json(RequestBody::of(machine.platform().name, &request)));
        }
    }
    Err(none())
}

/// Where a request is.
fn path_of(id: &str) -> String {
    format!("{BEGINNING}/workspace-requests/{id}")
}
