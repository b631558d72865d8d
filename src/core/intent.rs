//! What a person asks for.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::reference::Reference;

/// What a person asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Intent {
    /// Connect me.
    Connect,
    /// Am I connected, and as whom?
    Status,
    /// Send me a test notification.
    Test,
    /// Disconnect me, but ask first.
    Disconnect,
    /// Disconnect me: asked, and confirmed.
    DisconnectNow,
    /// Whether it was the asker who signed in by the link of a message of theirs.
    Confirm {
        /// The message.
        message: Reference,
        /// Whether it was.
        mine: bool,
    },
    /// Something of an administrator's about their workspace.
    Workspace(WorkspaceAct),
    /// What can I say?
    Help,
    /// Hello.
    Greeting,
    /// Thank you.
    Thanks,
    /// Nobody asked: the bot has just been installed, and speaks first.
    Welcome,
    /// Something that the grammar does not know.
    Unknown {
        /// What was said, shortened.
        said: String,
        /// The word that was probably meant.
        nearest: Option<Cow<'static, str>>,
    },
}

/// What an administrator wants of their workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WorkspaceAct {
    /// Connect it.
    Connect,
    /// What is connected?
    Show,
    /// Does it work?
    Check,
    /// Give its connection new credentials.
    Reconnect,
    /// Disconnect it, but ask first.
    Disconnect,
    /// Disconnect it: asked, and confirmed.
    DisconnectNow {
        /// Whether its people's links go too.
        remove_links: bool,
    },
}

impl Intent {
    /// The word that asks to be connected.
    pub const CONNECT_WORD: &'static str = "connect";

    /// Every word that [`Intent::name`] gives.
    pub const NAMES: [&'static str; 12] = [
        "connect",
        "status",
        "test",
        "disconnect",
        "disconnect_now",
        "confirm",
        "workspace",
        "help",
        "greeting",
        "thanks",
        "welcome",
        "unknown",
    ];

    /// The word for it in metrics and logs.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Status => "status",
            Self::Test => "test",
            Self::Disconnect => "disconnect",
            Self::DisconnectNow => "disconnect_now",
            Self::Confirm { .. } => "confirm",
            Self::Workspace(_) => "workspace",
            Self::Help => "help",
            Self::Greeting => "greeting",
            Self::Thanks => "thanks",
            Self::Welcome => "welcome",
            Self::Unknown { .. } => "unknown",
        }
    }
}
