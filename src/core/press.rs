//! What the buttons of our own messages ask for.

use super::intent::{Intent, WorkspaceAct};
use super::reference::Reference;

/// What a button asks for when it is pressed. Whoever presses it asks for themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Press {
    /// Connect me.
    Connect,
    /// Am I connected, and as whom?
    Status,
    /// Send me a test notification.
    Test,
    /// Disconnect me, but ask first.
    Disconnect,
    /// Disconnect me, I was asked.
    DisconnectNow,
    /// It was me who has just signed in by the link of that message.
    ItWasMe(Reference),
    /// It was not me.
    ItWasNotMe(Reference),
    /// Something of an administrator's about their workspace.
    Workspace(WorkspaceAct),
}

impl Press {
    /// The word for it in the platforms' payloads. Messages with it stay in chats, so it never changes.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Connect => "new_link",
            Self::Status => "status",
            Self::Test => "test",
            Self::Disconnect => "disconnect",
            Self::DisconnectNow => "disconnect_now",
            Self::ItWasMe(_) => "it_was_me",
            Self::ItWasNotMe(_) => "it_was_not_me",
            Self::Workspace(act) => match act {
                WorkspaceAct::Connect => "workspace_connect",
                WorkspaceAct::Show => "workspace_show",
                WorkspaceAct::Check => "workspace_check",
                WorkspaceAct::Reconnect => "workspace_reconnect",
                WorkspaceAct::Disconnect => "workspace_disconnect",
                WorkspaceAct::DisconnectNow { remove_links: false } => "workspace_disconnect_now",
                WorkspaceAct::DisconnectNow { remove_links: true } => "workspace_disconnect_all",
            },
        }
    }

    /// The message that it speaks of, which goes along with the word.
    #[must_use]
    pub const fn message(self) -> Option<Reference> {
        match self {
            Self::ItWasMe(message) | Self::ItWasNotMe(message) => Some(message),
            _ => None,
        }
    }

    /// Reads what [`Press::word`] and [`Press::message`] gave; none where that makes no sense.
    #[must_use]
    pub fn read(word: &str, message: Option<&str>) -> Option<Self> {
        let reference = || Reference::try_from(message?.to_owned()).ok();
        Some(match word {
            "new_link" => Self::Connect,
            "status" => Self::Status,
            "test" => Self::Test,
            "disconnect" => Self::Disconnect,
            "disconnect_now" => Self::DisconnectNow,
            "workspace_connect" => Self::Workspace(WorkspaceAct::Connect),
            "workspace_show" => Self::Workspace(WorkspaceAct::Show),
            "workspace_check" => Self::Workspace(WorkspaceAct::Check),
            "workspace_reconnect" => Self::Workspace(WorkspaceAct::Reconnect),
            "workspace_disconnect" => Self::Workspace(WorkspaceAct::Disconnect),
            "workspace_disconnect_now" => {
                Self::Workspace(WorkspaceAct::DisconnectNow { remove_links: false })
            }
            "workspace_disconnect_all" => {
                Self::Workspace(WorkspaceAct::DisconnectNow { remove_links: true })
            }
            "it_was_me" => Self::ItWasMe(reference()?),
            "it_was_not_me" => Self::ItWasNotMe(reference()?),
            _ => return None,
        })
    }

    /// What the presser asks for.
    #[must_use]
    pub const fn intent(self) -> Intent {
        match self {
            Self::Connect => Intent::Connect,
            Self::Status => Intent::Status,
            Self::Test => Intent::Test,
            Self::Disconnect => Intent::Disconnect,
            Self::DisconnectNow => Intent::DisconnectNow,
            Self::ItWasMe(message) => Intent::Confirm { message, mine: true },
            Self::ItWasNotMe(message) => Intent::Confirm { message, mine: false },
            Self::Workspace(act) => Intent::Workspace(act),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presses_are_read_as_they_were_written() {
        let message = Reference::from_random([1; 5]);
        for press in [
            Press::Connect,
            Press::Status,
            Press::Test,
            Press::Disconnect,
            Press::DisconnectNow,
            Press::ItWasMe(message),
            Press::ItWasNotMe(message),
            Press::Workspace(WorkspaceAct::Connect),
            Press::Workspace(WorkspaceAct::Show),
            Press::Workspace(WorkspaceAct::Check),
            Press::Workspace(WorkspaceAct::Reconnect),
            Press::Workspace(WorkspaceAct::Disconnect),
            Press::Workspace(WorkspaceAct::DisconnectNow { remove_links: false }),
            Press::Workspace(WorkspaceAct::DisconnectNow { remove_links: true }),
        ] {
            let about = press.message().map(String::from);
            assert_eq!(Press::read(press.word(), about.as_deref()), Some(press));
        }
        assert_eq!(Press::read("it_was_me", None), None);
        assert_eq!(Press::read("it_was_me", Some("../etc")), None);
        assert_eq!(Press::read("sell", None), None);
    }
}
