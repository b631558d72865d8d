//! What a person asks for.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// What a person asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Intent {
    /// Connect me.
    Connect,
    /// Am I connected, and as whom?
    Status,
    /// What can I say?
    Help,
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

impl Intent {
    /// The word that asks to be connected.
    pub const CONNECT_WORD: &'static str = "connect";

    /// Every word that [`Intent::name`] gives.
    pub const NAMES: [&'static str; 5] = ["connect", "status", "help", "welcome", "unknown"];

    /// The word for it in metrics and logs.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Status => "status",
            Self::Help => "help",
            Self::Welcome => "welcome",
            Self::Unknown { .. } => "unknown",
        }
    }
}
