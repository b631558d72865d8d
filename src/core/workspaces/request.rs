//! What an administrator wants of a workspace, from the moment they ask until they have been told what
//! came of it.

use std::time::Duration;

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::core::person::{Person, Workspace};
use crate::core::platform::Platform;
use crate::core::reference::Reference;
use crate::novu::{ChannelConnection, ConnectionMode, Context, LINK_LIFETIME, SubscriberId};
use crate::store::StoredWorkspaceRequest;

/// For how long an administrator can use a start page.
pub(super) const PAGE_LIFETIME: Duration = Duration::from_hours(24);
/// How long somebody can come back from the provider: Novu looks at the clock when the callback begins, and
/// then speaks to the provider for a minute at most.
pub(super) const AT_THE_PROVIDER: Duration = LINK_LIFETIME.saturating_add(Duration::from_mins(1));
/// How long a request that was begun is kept open: what has to be finished is tried until then.
const KEPT_OPEN: Duration = Duration::from_hours(24 * 7);
/// The length of a request's id, in characters.
const ID_LENGTH: usize = 32;

/// Names a request. Says nothing of its page's address, and does not lead there.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RequestId(String);

impl RequestId {
    /// The request whose page has this in its address.
    #[must_use]
    pub fn of(address: &str) -> Self {
        let mut id = hex::encode(Sha256::digest(address));
        id.truncate(ID_LENGTH);
        Self(id)
    }

    /// The id that somebody names; none where it cannot be one.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let fits = text.len() == ID_LENGTH && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        fits.then(|| Self(text.to_ascii_lowercase()))
    }

    /// The id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What an administrator wants of a workspace. It holds the address of a page, so it is stored sealed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WorkspaceRequest {
    /// The workspace or tenant.
    pub workspace: Workspace,
    /// What people call it, where that is known.
    pub workspace_name: Option<String>,
    /// Who asked.
    pub requester: Requester,
    /// What for.
    pub purpose: Purpose,
    /// What a connection is made with.
    pub terms: Terms,
    /// The hash of what was asked for, where no other request may have the same key.
    #[serde(default)]
    pub(super) asked: Option<String>,
    /// What is in the address of its page.
    pub(super) address: String,
    /// How far it has come.
    pub stage: Stage,
    /// Whether the requester has been told what came of it.
    #[serde(default)]
    pub(super) told: bool,
    /// How often its page has been handed on.
    #[serde(default)]
    pub(super) handed_on: u8,
}

/// Who asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Requester {
    /// Somebody in chat.
    Person {
        /// Who.
        person: Person,
        /// What they are called, where that is known. Comes from outside.
        name: Option<String>,
        /// The message that tells them what came of it.
        message: Reference,
    },
    /// The holder of a token of the admin API.
    Token(String),
    /// Somebody at the command line.
    CommandLine,
}

impl Requester {
    /// The requester's name, as the audit and the log write it. Nobody's id and no name of a person.
    #[must_use]
    pub fn for_log(&self) -> String {
        match self {
            Self::Person { .. } => "chat".to_owned(),
            Self::Token(name) => name.clone(),
            Self::CommandLine => "command line".to_owned(),
        }
    }
}

/// What is wanted of a workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// A connection that is not there yet.
    Connect,
    /// New credentials for a connection that is there.
    Reconnect,
    /// No connection any more.
    Disconnect {
        /// Whether the links that deliver over it go too.
        remove_links: bool,
    },
}

/// What a connection is made with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Terms {
    /// The identifier that the connection has or gets in Novu.
    pub connection: String,
    /// The context of the connection.
    pub context: Option<Context>,
    /// The subscriber that owns it.
    pub subscriber: Option<SubscriberId>,
    /// Whether the subscriber is created where Novu does not have it: the operator has named it, and
    /// nobody has typed it.
    pub creates_subscriber: bool,
    /// The scopes to ask for; empty where the platform has none.
    pub scope: Vec<String>,
    /// Whose the connection is; by what is known of it where nobody said so.
    pub mode: Option<ConnectionMode>,
    /// Whether the account of whoever consents is linked to the subscriber as well.
    pub auto_link_user: bool,
}

impl Terms {
    /// Whether somebody still has to say whose the connection is.
    #[must_use]
    pub const fn are_undecided(&self) -> bool {
        self.context.is_none() && self.subscriber.is_none()
    }

    /// Whose the connection is. With a context it is shared by all who have it (Novu 3.19, connect use
    /// case).
    #[must_use]
    pub fn mode(&self) -> ConnectionMode {
        let by_context = || match self.context {
            Some(_) => ConnectionMode::Shared,
            None => ConnectionMode::Subscriber,
        };
        self.mode.unwrap_or_else(by_context)
    }

    /// The subscriber of the connection as Novu will store it: none where it is shared. For Teams Novu
    /// overlooks whose it should be, and keeps the subscriber (Novu 3.19, connect use case).
    #[must_use]
    pub fn owner(&self, platform: &Platform) -> Option<&SubscriberId> {
        let keeps = platform.consents_once() || self.mode() == ConnectionMode::Subscriber;
        self.subscriber.as_ref().filter(|_| keeps)
    }

    /// The keys of the context, sorted; none without one.
    #[must_use]
    pub fn context_keys(&self) -> Vec<String> {
        self.context.as_ref().map(Context::keys).unwrap_or_default()
    }
}

/// How far a request has come.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Nobody has pressed the button of its page.
    Waiting,
    /// Somebody went on to the provider.
    Started {
        /// The hash of what their browser was given to remember.
        browser: String,
        /// What was there before.
        before: Option<Before>,
        /// Whether that browser came back from the provider.
        returned: bool,
        /// Whether the page has been handed on since, so that any browser can begin anew. The sign-in link
        /// that was minted can still be used, so what comes of it is still looked for.
        #[serde(default)]
        handed_on: bool,
    },
    /// The workspace is connected as was asked for. The way to the provider can still be used, so it is
    /// watched to its end.
    Confirmed {
        /// What came of it so far.
        outcome: Outcome,
        /// The connection as it was found to be right.
        before: Before,
    },
    /// What should not be there is being removed, whatever it takes.
    Undoing {
        /// What is said then.
        outcome: Outcome,
    },
    /// The connection or its links are being removed because that is wanted.
    Removing {
        /// How many links have been removed.
        removed: usize,
        /// When the connection was made that goes: one that was made since stays.
        #[serde(default)]
        created_at: Option<Timestamp>,
    },
    /// It is over.
    Ended {
        /// What came of it.
        outcome: Outcome,
    },
}

/// A connection as it was before anybody could change it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Before {
    /// When Novu last changed it.
    pub updated_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Option<Timestamp>,
}

impl Before {
    pub(super) const fn of(connection: &ChannelConnection) -> Self {
        Self { updated_at: connection.updated_at, created_at: connection.created_at }
    }
}

/// What came of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The workspace is connected.
    Connected {
        /// Whether it is the organisation that is, and the app has still to be added to workspaces.
        organisation: bool,
        /// Whether the browser in which the button was pressed came back.
        came_back: bool,
    },
    /// Somebody connected another workspace.
    WrongWorkspace {
        /// What that is called, or its id.
        workspace: String,
        /// Whether the connection was removed; else it was there before, and now delivers there.
        undone: bool,
    },
    /// The connection has another context than was asked for.
    WrongContext {
        /// Whether the connection was removed.
        undone: bool,
    },
    /// Nobody finished what was begun.
    NotFinished,
    /// Nobody pressed the button for as long as the page was good.
    NotStarted,
    /// Another page has taken its place.
    Replaced,
    /// The workspace is not connected any more.
    Disconnected {
        /// How many links were removed.
        removed: usize,
        /// Whether links that delivered over it are there still.
        #[serde(default)]
        kept: bool,
    },
}

impl Outcome {
    /// The word for it in metrics, logs and the admin API.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Connected { .. } => "connected",
            Self::WrongWorkspace { .. } => "wrong_workspace",
            Self::WrongContext { .. } => "wrong_context",
            Self::NotFinished => "not_finished",
            Self::NotStarted => "not_started",
            Self::Replaced => "replaced",
            Self::Disconnected { .. } => "disconnected",
        }
    }
}

impl WorkspaceRequest {
    /// Its id.
    #[must_use]
    pub fn id(&self) -> RequestId {
        RequestId::of(&self.address)
    }

    /// Whether something may change in Novu because of it at any moment.
    #[must_use]
    pub const fn is_under_way(&self) -> bool {
        !matches!(self.stage, Stage::Waiting | Stage::Ended { .. })
    }

    /// Something else was connected: where the request made it, that is undone; else it is over.
    pub(super) fn is_wrong(&mut self, outcome: Outcome) {
        let undone = matches!(
            outcome,
            Outcome::WrongWorkspace { undone: true, .. } | Outcome::WrongContext { undone: true }
        );
        self.stage = if undone { Stage::Undoing { outcome } } else { Stage::Ended { outcome } };
    }

    /// What somebody connected that was not asked for, whether or not it has been undone yet.
    pub(super) const fn wrong_outcome(&self) -> Option<&Outcome> {
        match &self.stage {
            Stage::Undoing { outcome } | Stage::Ended { outcome } => match outcome {
                Outcome::WrongWorkspace { .. } | Outcome::WrongContext { .. } => Some(outcome),
                _ => None,
            },
            _ => None,
        }
    }

    /// How long it lasts from now on, if nothing becomes of it: its page for a day, the way to the provider
    /// for as long as anybody can come back from there, and what has to be finished until it is.
    pub(super) const fn lasts(&self) -> Duration {
        match &self.stage {
            Stage::Waiting => PAGE_LIFETIME,
            Stage::Started { .. } | Stage::Confirmed { .. } => AT_THE_PROVIDER,
            Stage::Undoing { .. } | Stage::Removing { .. } | Stage::Ended { .. } => KEPT_OPEN,
        }
    }

    /// Lets it be over.
    pub(super) fn ends(&mut self, outcome: Outcome) {
        self.stage = Stage::Ended { outcome };
    }

    /// What came of it, once it is over.
    #[must_use]
    pub const fn outcome(&self) -> Option<&Outcome> {
        match &self.stage {
            Stage::Ended { outcome } | Stage::Confirmed { outcome, .. } => Some(outcome),
            _ => None,
        }
    }

    /// What people call the workspace, or its id.
    #[must_use]
    pub fn called(&self) -> &str {
        let id = self.workspace.connection_keys().next().unwrap_or_default();
        self.workspace_name.as_deref().unwrap_or(id)
    }

    /// The id of the workspace or tenant; of the organisation where that is all that is known.
    #[must_use]
    pub fn workspace_id(&self) -> &str {
        self.workspace.connection_keys().next().unwrap_or_else(|| self.workspace.realm())
    }

    pub(super) fn text(&self) -> SecretString {
        // Structs of texts, numbers and enums always have a JSON form.
        SecretString::from(serde_json::to_string(self).unwrap_or_default())
    }

    /// A request as it was stored; none where that cannot be read.
    #[must_use]
    pub fn read(stored: &StoredWorkspaceRequest) -> Option<Self> {
        let read = serde_json::from_str(stored.body.expose_secret()).ok();
        if read.is_none() {
            tracing::error!(request = stored.id, "a stored workspace request cannot be read");
        }
        read
    }
}
