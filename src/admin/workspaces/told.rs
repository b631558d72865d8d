//! What administrators are told.

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::path_of;
use crate::core::workspaces::{
    ConnectedWorkspace, Health, Outcome, Purpose, Stage, WorkspaceRequest,
};
use crate::novu::{ConnectionMode, SubscriberId};

/// A workspace or tenant that is connected.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Workspace)]
pub(crate) struct WorkspaceBody {
    /// `slack` or `teams`.
    platform: &'static str,
    /// The identifier of the connection in Novu.
    connection: String,
    /// The id of the workspace, tenant or organisation; none where Novu does not say.
    workspace: Option<String>,
    /// What people call it, where that is known.
    name: Option<String>,
    /// The context of the connection, as `type:id`.
    context: Vec<String>,
    /// The subscriber that owns it; none where it is shared.
    subscriber: Option<String>,
    /// Since when it is connected.
    #[schema(value_type = Option<String>, format = DateTime)]
    since: Option<Timestamp>,
    /// How many people are linked over it; none in a list.
    pub(super) links: Option<usize>,
    /// Whether it works; none in a list.
    health: Option<HealthWord>,
    /// Why it does not, in the platform's own word.
    trouble: Option<&'static str>,
}

/// Whether a connection works.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = Health)]
pub(crate) enum HealthWord {
    /// The platform accepts its token, or it needs none.
    Works,
    /// The platform does not accept its token any more: reconnect it.
    Dead,
    /// Novu has to renew its token, which it does when it sends.
    Expired,
    /// It has no token: reconnect it.
    NoToken,
    /// The platform did not say.
    Unknown,
}

impl WorkspaceBody {
    /// As the API tells it.
    pub(crate) fn of(platform: &'static str, it: ConnectedWorkspace) -> Self {
        let (health, trouble) = match it.health {
            None => (None, None),
            Some(Health::Works) => (Some(HealthWord::Works), None),
            Some(Health::Dead(why)) => (Some(HealthWord::Dead), Some(why)),
            Some(Health::Expired) => (Some(HealthWord::Expired), None),
            Some(Health::NoToken) => (Some(HealthWord::NoToken), None),
            Some(Health::Unknown) => (Some(HealthWord::Unknown), None),
        };
        Self {
            platform,
            connection: it.connection,
            workspace: it.workspace,
            name: it.name,
            context: it.context,
            subscriber: it.subscriber.as_ref().map(id),
            since: it.since,
            links: it.links,
            health,
            trouble,
        }
    }

    /// Its place in a list.
    pub(super) fn place(&self) -> (&str, &str) {
        (self.platform, &self.connection)
    }

    /// What people call it, or its id.
    pub(super) fn called(&self) -> &str {
        let id = self.workspace.as_deref().unwrap_or(&self.connection);
        self.name.as_deref().unwrap_or(id)
    }
}

fn id(subscriber: &SubscriberId) -> String {
    subscriber.as_str().to_owned()
}

/// A request that was made, with the address of its page.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CreatedRequest)]
pub(crate) struct CreatedBody {
    /// Where an administrator of the workspace goes on to the provider. Whoever has it can: treat it like a
    /// password. None once the request is over.
    #[schema(format = "uri")]
    pub(super) page: Option<String>,
    /// The request.
    #[serde(flatten)]
    pub(super) request: RequestBody,
}

/// A request to connect or disconnect a workspace.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WorkspaceRequest)]
pub(crate) struct RequestBody {
    /// Names it.
    #[schema(pattern = "^[0-9a-f]{32}$")]
    id: String,
    /// `slack` or `teams`.
    platform: &'static str,
    /// The id of the workspace, tenant or organisation.
    workspace: String,
    /// What people call it, where that is known.
    name: Option<String>,
    /// What is wanted.
    purpose: PurposeWord,
    /// The identifier of the connection in Novu.
    connection: String,
    /// The context of the connection, as `type:id`; empty where the page asks for it.
    context: Vec<String>,
    /// The subscriber that owns it.
    subscriber: Option<String>,
    /// The scopes to ask for.
    scope: Vec<String>,
    /// Whose the connection is: `shared` or `subscriber`.
    mode: &'static str,
    /// Whether the account of whoever consents is linked to the subscriber as well.
    auto_link_user: bool,
    /// Who asked: the name of a token, `chat` or `command line`.
    requested_by: String,
    /// How far it has come.
    stage: StageWord,
    /// How many links have been removed.
    links_removed: Option<usize>,
    /// What came of it, once it is over.
    outcome: Option<OutcomeBody>,
}

/// What is wanted of a workspace.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = Purpose)]
pub(crate) enum PurposeWord {
    /// A connection that is not there yet.
    Connect,
    /// New credentials for a connection that is there.
    Reconnect,
    /// No connection any more; the links that deliver over it stay.
    Disconnect,
    /// No connection any more, and no links that deliver over it.
    DisconnectAndRemoveLinks,
}

/// How far a request has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = Stage)]
pub(crate) enum StageWord {
    /// Nobody has pressed the button of its page.
    Waiting,
    /// Somebody went on to the provider.
    Started,
    /// What should not be there is being removed.
    Undoing,
    /// The connection or its links are being removed because that is wanted.
    Removing,
    /// It is over.
    Ended,
}

/// What came of a request.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Outcome)]
pub(crate) struct OutcomeBody {
    /// What: `connected`, `wrong_workspace`, `wrong_context`, `not_finished` (nobody finished what was begun),
    /// `not_started` (nobody pressed the button), `replaced` (by another page) or `disconnected`.
    what: &'static str,
    /// The workspace that was connected in place of the one that was meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    wrong_workspace: Option<String>,
    /// Whether what was wrong was removed; else it was there before, and somebody has to look.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    undone: Option<bool>,
    /// Whether the app was installed for the whole organisation, and has still to be added to workspaces.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    organisation: Option<bool>,
    /// Whether the browser in which the button was pressed came back from the provider. If not, somebody else
    /// may have finished it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    came_back: Option<bool>,
}

impl RequestBody {
    /// As the API tells it.
    pub(crate) fn of(platform: &'static str, request: &WorkspaceRequest) -> Self {
        let terms = &request.terms;
        let (stage, links_removed) = stage(&request.stage);
        Self {
            id: request.id().as_str().to_owned(),
            platform,
            workspace: request.workspace_id().to_owned(),
            name: request.workspace_name.clone(),
            purpose: match request.purpose {
                Purpose::Connect => PurposeWord::Connect,
                Purpose::Reconnect => PurposeWord::Reconnect,
                Purpose::Disconnect { remove_links: false } => PurposeWord::Disconnect,
                Purpose::Disconnect { remove_links: true } => PurposeWord::DisconnectAndRemoveLinks,
            },
            connection: terms.connection.clone(),
            context: terms.context_keys(),
            subscriber: terms.subscriber.as_ref().map(id),
            scope: terms.scope.clone(),
            mode: match terms.mode() {
                ConnectionMode::Shared => "shared",
                ConnectionMode::Subscriber => "subscriber",
            },
            auto_link_user: terms.auto_link_user,
            requested_by: request.requester.for_log(),
            stage,
            links_removed,
            outcome: request.outcome().map(OutcomeBody::of),
        }
    }

    /// Where it is.
    pub(super) fn path(&self) -> String {
        path_of(&self.id)
    }

    /// Whether its page is of use.
    pub(super) fn is_open(&self) -> bool {
        matches!(self.stage, StageWord::Waiting | StageWord::Started)
    }
}

const fn stage(stage: &Stage) -> (StageWord, Option<usize>) {
    match stage {
        Stage::Waiting => (StageWord::Waiting, None),
        Stage::Started { .. } => (StageWord::Started, None),
        Stage::Undoing { .. } => (StageWord::Undoing, None),
        Stage::Removing { removed, .. } => (StageWord::Removing, Some(*removed)),
        Stage::Ended { outcome: Outcome::Disconnected { removed, .. } } => {
            (StageWord::Ended, Some(*removed))
        }
        Stage::Confirmed { .. } | Stage::Ended { .. } => (StageWord::Ended, None),
    }
}

impl OutcomeBody {
    fn of(outcome: &Outcome) -> Self {
        let mut body = Self {
            what: outcome.word(),
            wrong_workspace: None,
            undone: None,
            organisation: None,
            came_back: None,
        };
        match outcome {
            Outcome::Connected { organisation, came_back } => {
                (body.organisation, body.came_back) = (Some(*organisation), Some(*came_back));
            }
            Outcome::WrongWorkspace { workspace, undone } => {
                (body.wrong_workspace, body.undone) = (Some(workspace.clone()), Some(*undone));
            }
            Outcome::WrongContext { undone } => body.undone = Some(*undone),
            Outcome::NotFinished
            | Outcome::NotStarted
            | Outcome::Replaced
            | Outcome::Disconnected { .. } => {}
        }
        body
    }
}
